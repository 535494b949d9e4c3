"""Frames of nested shell text, and the words and signs by which one begins."""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass, field
from envhooks.image.text.unknowns import names

# What asks instead of doing: behind `&&` its failure is an answer, not a fault.
TESTS = names("[ [[ test command which type hash grep egrep fgrep false cmp diff expr let pgrep ! ((")


OPENERS = frozenset(("if", "while", "until", "for", "select", "case"))


BLANK = " \t\r"


PLAIN = re.compile(r"[^\s\\'\"$`|&;()<>#]+")


SIGN = re.compile(r"<<<|<<-|<<|<>|<&|>>|>\||>&|[<>]")


NAME = r"[A-Za-z_][A-Za-z0-9_]*"


ASSIGN_ARRAY = r"[A-Za-z_][A-Za-z0-9_]*\+?="


@dataclass
class Frame:
    """One level of nesting."""

    kind: str
    uncertain: bool
    maybe: bool = False
    """Whether the and-or list so far may fail without being a fault."""
    either: bool = False
    """Whether a `||` stands in the and-or list."""
    doubtful: list[int] = field(default_factory=list)
    """Commands of this and-or list that are uncertain only because a test stands before them."""
    pattern: bool = False
    """In a `case`: a pattern comes next."""
    skipped: bool = False
    """The next pipeline may not run."""
    body: bool = False
