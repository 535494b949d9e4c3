"""ARG and ENV whose names claim a framework's version: a hint, not an install.

Real files keep an `ARG PYTORCH_VERSION` long after nothing installs it. What is installed counts; where the
hint says something else, a person who reads the file is misled, and is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envhooks.base.place import Place
from envhooks.image.dockerfile.parser import Instruction
from envhooks.image.facts import Hint

_NAMES = {
    "torch": r"(?:PY)?TORCH_(?:VERSION|VER|TAG)|(?:PY)?TORCH",
    "tensorflow": r"(?:TENSORFLOW|TF)_(?:VERSION|VER|TAG)",
    "jax": r"JAX_(?:VERSION|VER)",
}
_KNOWN = re.compile("|".join(f"(?P<{package}>{names})" for package, names in _NAMES.items()), re.IGNORECASE)
_PAIR = (
    # A name starts where no name goes on: else each letter of a long word is a start of its own.
    r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*)"
    r"""(?:=|[ \t]+)["']?v?([0-9]+(?:\.[0-9]+){1,3})(?:\+[a-z0-9.]+)?["']?(?![^\s"'])"""
)


def hints(instructions: Iterable[Instruction], path: str) -> Iterator[Hint]:
    """Every literal version that a variable of such a name is given, in the order of the file."""
    for one in instructions:
        if one.command in ("ARG", "ENV"):
            for match in re.finditer(_PAIR, one.text):
                known = _KNOWN.fullmatch(match[1])
                if known is not None and known.lastgroup is not None:
                    place = Place(path, one.line_at(match.start()))
                    yield Hint(known.lastgroup, match[1], match[2], place)
