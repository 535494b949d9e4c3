"""Recognition of the commands in a fix, which a shell runs as they stand; its other lines are for a person to read."""

from __future__ import annotations

import re

_PROGRAMS = (
    "apt-get|awk|cd|chmod|conda|cp|df|docker|envhooks|git|go|gpg|iconv|install|mkdir|mv|npm|openssl|pip|pre-commit|prek"
    r"|printf|python3?|rm|sed|ssh-add|ssh-keygen|tail|uv|uvx|(?:~|/)[^\s'\"]*|'/[^']*'"
)
_ASSIGNED = r"(?:[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"])*\s+)*"
# a value may hold commands, with quotes of their own; none of ours but those of awk has such
_COMMAND = rf"{_ASSIGNED}(?:{_PROGRAMS})(?:\s|\Z)|[a-z]+=['\"].* awk '"
_QUOTED = r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\."
_BLANK = r"(?<![\w/.:-])(?:KEY|TAG|NAME|FILE|FOLDER|URL|REF|DATE|INDEX|OWNER)(?!\w)"
_OPEN = rf", | or | then |\.\.\.(?![\w/])|<[A-Za-z][^<>]*>|{_BLANK}"
"""Text that no command has outside of quotes: the beginning of another sentence, or a placeholder to fill in."""


def is_command(text: str) -> bool:
    """Whether each line is a command of a shell that can be pasted as it stands."""
    return bool(text) and all(map(_is_one, text.split("\n")))


def _is_one(line: str) -> bool:
    told = re.sub(r"(?:\A|\s)#.*", "", re.sub(_QUOTED, "''", line))
    return re.match(_COMMAND, line) is not None and re.search(_OPEN, told) is None


def as_case(line: str) -> tuple[str, str]:
    """(case, command) of a line of advice such as `never pushed: git tag -d x`; no command where it has none."""
    for colon in re.finditer(": ", line):
        if is_command(line[colon.end() :]):
            return line[: colon.start() + 1], line[colon.end() :]
    return line, ""
