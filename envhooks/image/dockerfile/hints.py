"""ARG and ENV whose names claim a framework's version: a hint, not an install.

Real files keep an `ARG PYTORCH_VERSION` long after nothing installs it. What is installed counts; where the
hint says something else, a person who reads the file is misled, and is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envhooks.base.place import Place
from envhooks.catalog.lookup import version_variables
from envhooks.image.dockerfile.parser import Instruction
from envhooks.image.facts import Hint

_PAIR = (
    # A name starts where no name goes on: else each letter of a long word is a start of its own.
    r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*)"
    r"""(?:=|[ \t]+)["']?v?([0-9]+(?:\.[0-9]+){1,3})(?:\+[a-z0-9.]+)?["']?(?![^\s"'])"""
)


def hints(instructions: Iterable[Instruction], path: str) -> Iterator[Hint]:
    """Every literal version that a variable of such a name is given, in the order of the file."""
    known, packages = version_variables()
    for one in instructions:
        if one.command in ("ARG", "ENV"):
            for match in re.finditer(_PAIR, one.text):
                claims = known.fullmatch(match[1])
                if claims is not None and claims.lastindex is not None:
                    place = Place(path, one.line_at(match.start()))
                    yield Hint(packages[claims.lastindex - 1], match[1], match[2], place)
