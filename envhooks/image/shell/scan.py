"""Parts of a shell text: words, redirections, commands, frames of nesting, and how far a quote reaches."""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass, field
from envhooks.image.text import names

# What asks instead of doing: behind `&&` its failure is an answer, not a fault.
TESTS = names("[ [[ test command which type hash grep egrep fgrep false cmp diff expr let pgrep ! ((")


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


@dataclass(frozen=True)
class Word:
    """One word as it stands, quotes and all."""

    text: str
    offset: int


@dataclass(frozen=True)
class Redirect:
    """One redirection of a command."""

    sign: str
    """`>`, `>>`, `<`, `<<`, `<<-`, `<<<`, `>&`, ..."""
    target: str
    """The word behind it, as it stands."""
    after: int
    """Number of the command's words before it."""
    glued: bool
    """Whether it touches the word before it: `pkg>=1`."""
    offset: int
    body: str | None = None
    """Content of a here-document."""
    body_offset: int = 0


@dataclass(frozen=True)
class Command:
    """One simple command."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()
    certain: bool = True
    """Whether it runs whenever the build succeeds, by what the text says."""
    piped: bool = False
    """Whether it is a part of a pipeline: then it runs in a shell of its own."""
    fed: bool = False
    """Whether its input is another command's output."""


@dataclass(frozen=True)
class Enter:
    """A subshell begins: variables and the working directory are its own."""


@dataclass(frozen=True)
class Leave:
    """A subshell ends."""


@dataclass(frozen=True)
class Define:
    """A function of this name is defined: calling it runs something."""

    name: str


@dataclass(frozen=True)
class Loop:
    """A variable that a loop sets."""

    name: str


Event = Command | Enter | Leave | Define | Loop


@dataclass(frozen=True)
class Script:
    """Commands of a text as a shell would run them."""

    events: tuple[Event, ...]
    fault: str = ""
    """Reason why the text cannot be read to its end, or nothing."""


_CLOSES = {"(": ")", "{": "}"}


class Unclosed(ValueError):
    """A quote, a parenthesis or a brace has no end."""


def _single(text: str, at: int) -> int:
    end = text.find("'", at + 1)
    if end < 0:
        raise Unclosed("a single quote has no end")
    return end + 1


def skip(text: str, at: int, opened: str = "") -> int:
    """The offset behind the quote, `$(`, `${` or backtick that begins at `at`.

    Args:
        text: the shell text.
        at: where it begins; or the offset behind its opening, if `opened`.
        opened: the sign that closes what is already open.

    Raises:
        Unclosed: it has no end.
    """
    stack = [opened] if opened else []
    size = len(text)
    while at < size:
        char = text[at]
        top = stack[-1] if stack else ""
        if char == "\\":
            at += 2
            continue
        if char == top:
            stack.pop()
            at += 1
        elif char == "'" and top != '"':
            at = _single(text, at)
        elif char == "$" and text[at + 1 : at + 2] in ("(", "{") and text[at + 1 : at + 2]:
            stack.append(_CLOSES[text[at + 1]])
            at += 2
        elif char in '"`':
            stack.append(char)
            at += 1
        elif char == "(" and top == ")":
            stack.append(")")
            at += 1
        elif char == "#" and top == ")" and text[at - 1] in " \t\n;(":
            end = text.find("\n", at)
            at = size if end < 0 else end
        else:
            at += 1
        if not stack:
            return at
    raise Unclosed({'"': "a double quote has no end", "`": "a backtick has no end"}.get(
        stack[-1] if stack else "", "a parenthesis or brace has no end"
    ))  # fmt: skip
