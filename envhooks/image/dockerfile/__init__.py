"""Dockerfile -> instructions, by the rules of BuildKit's own parser.

Continuation lines are joined, comments and blank lines inside them dropped, heredocs attached.
Nothing is expanded here. The tests compare it with BuildKit itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import CannotJudge
from envhooks.image.dockerfile.expand import BadWord, Lexer
from envhooks.image.dockerfile.lines import _SPACE_TEXT, parse_line
from envhooks.image.text import names

MAX_BYTES = 1024 * 1024
"""Bytes of the largest Dockerfile that is read. The longest one seen in public has 40 KiB."""
MAX_LINE = 64 * 1024
"""Bytes of one line with its end: BuildKit's scanner stops at a longer one."""
INSTRUCTIONS = names(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL "
    "STOPSIGNAL USER VOLUME WORKDIR"
)
_DIRECTIVE = r"(?s)([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*"
_HEREDOC = r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)"


@dataclass(frozen=True)
class Heredoc:
    """One here-document of an instruction."""

    name: str
    descriptor: int
    expand: bool
    """False where its word is quoted: then the text is taken as it stands."""
    chomp: bool
    """Whether it is written `<<-`, which strips leading tabs."""
    content: str
    """The lines as they stand in the file."""
    line: int
    """Line of the first line of the content."""

    @property
    def text(self) -> str:
        """The content as the program gets it."""
        return re.sub(r"^\t+", "", self.content, flags=re.MULTILINE) if self.chomp else self.content


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile."""

    command: str
    """Upper case, whatever the file has."""
    flags: tuple[str, ...]
    """`--name=value`, quotes taken off."""
    text: str
    """Arguments behind command and flags, joined to one line."""
    start: int
    end: int
    """First and last line, heredocs included; from 1."""
    heredocs: tuple[Heredoc, ...] = ()
    array: tuple[str, ...] | None = None
    """The words of the JSON (exec) form; None for the shell form."""
    original: str = ""
    """The whole instruction joined to one line, as BuildKit calls it."""
    breaks: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """(offset in `text`, line) for each line of the file that a part of `text` comes from."""

    def line_at(self, offset: int) -> int:
        """The file's line on which the character at `offset` of `text` stands."""
        index = bisect_right(self.breaks, (offset, 1 << 60)) - 1
        return self.breaks[index][1] if index >= 0 else self.start

    def flag(self, name: str) -> str | None:
        """Value of the flag `--name=value`; the last one counts."""
        head = f"--{name}="
        return next((flag[len(head) :] for flag in reversed(self.flags) if flag.startswith(head)), None)


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of one file."""

    path: str
    instructions: tuple[Instruction, ...]
    escape: str = "\\"


def read_dockerfile(data: bytes, path: str = "Dockerfile") -> Dockerfile:
    """Read one Dockerfile.

    Raises:
        CannotJudge: BuildKit would not read it either, or it is too large; the place is `path:line`.
    """
    return _Reader(_decode(data, path), path).read()


def _decode(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        raise CannotJudge(f"the file has {len(data)} bytes: a Dockerfile has at most 1 MiB", place=path)
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise CannotJudge("the file is binary, not a Dockerfile", place=f"{path}:{line}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CannotJudge("the file is not UTF-8", place=f"{path}:{line}") from None


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self._path = path
        self._lines = text.removeprefix("\ufeff").split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._last = text.endswith("\n")
        self._at = 0
        self._escape = "\\"
        self._directives: dict[str, str] = {}
        self._top = True

    def _stop(self, why: str, line: int, fix: str = "") -> CannotJudge:
        return CannotJudge(why, place=f"{self._path}:{line}", fix=fix)

    def _take(self) -> str:
        """The next line without its end; `_at` is then its number."""
        line = self._lines[self._at]
        self._at += 1
        if len(line) > MAX_LINE // 4 and len(line.encode()) >= MAX_LINE:
            raise self._stop("the line is longer than the 65,535 bytes that BuildKit reads", self._at)
        return line

    def read(self) -> Dockerfile:
        instructions: list[Instruction] = []
        while self._at < len(self._lines):
            line = self._take().rstrip("\r").lstrip(_SPACE_TEXT)
            self._directive(line)
            if not line or line.startswith("#"):
                continue
            instructions.append(self._instruction(line))
        return Dockerfile(self._path, tuple(instructions), self._escape)

    def _directive(self, line: str) -> None:
        if not self._top:
            return
        match = re.fullmatch(_DIRECTIVE, line[1:].lstrip(_SPACE_TEXT)) if line.startswith("#") else None
        name = match.group(1).lower() if match else ""
        if match is None or name not in ("syntax", "escape", "check"):
            self._top = False
            return
        if name in self._directives:
            raise self._stop(f"the directive {name} is there twice", self._at)
        self._directives[name] = match.group(2)
        if name == "escape":
            if match.group(2) not in ("\\", "`"):
                raise self._stop("the escape directive must be \\ or `", self._at)
            self._escape = match.group(2)

    def _continued(self, line: str) -> tuple[str, bool]:
        """The line without its continuation sign, and whether there was one."""
        head = line.rstrip("\t ")
        if not head.endswith(self._escape) or head[-2:-1] == self._escape:
            return line, False
        return head[:-1], True

    def _instruction(self, line: str) -> Instruction:
        start = self._at
        part, more = self._continued(line)
        parts = [part]
        breaks = [(0, start)]
        size = len(part)
        while more and self._at < len(self._lines):
            part = self._take().rstrip("\r")
            stripped = part.lstrip(_SPACE_TEXT)
            if not stripped or stripped.startswith("#"):
                continue
            part, more = self._continued(part)
            breaks.append((size, self._at))
            parts.append(part)
            size += len(part)
        return self._parsed("".join(parts), start, breaks)

    def _parsed(self, line: str, start: int, breaks: list[tuple[int, int]]) -> Instruction:
        try:
            command, flags, text, array = parse_line(line, self._escape)
        except BadWord as error:
            raise self._stop(str(error), start) from None
        inner, inner_array = command, array
        if command == "ONBUILD" and text:
            inner, _, _, inner_array = parse_line(text, self._escape)
        heredocs: tuple[Heredoc, ...] = ()
        if inner in ("RUN", "COPY", "ADD") and inner_array is None and "<<" in line:
            heredocs = tuple(self._heredoc(*head, start) for head in _heredoc_heads(line, self, start))
        offset = len(line.rstrip(_SPACE_TEXT)) - len(text)
        shifted = tuple((max(0, at - offset), number) for at, number in breaks)
        return Instruction(command, flags, text, start, self._at, heredocs, array, line, shifted)

    def _heredoc(self, name: str, descriptor: int, expand: bool, chomp: bool, start: int) -> Heredoc:
        first = self._at + 1
        content: list[str] = []
        while self._at < len(self._lines):
            line = self._take()
            bare = line.rstrip("\r")
            if (bare.lstrip("\t") if chomp else bare) == name:
                text = "\n".join(content) + "\n" if content else ""
                return Heredoc(name, descriptor, expand, chomp, text, first)
            content.append(line)
        if name.endswith(">>"):
            raise self._stop(f"<<{name} is a placeholder: this is a template, not a Dockerfile", start)
        raise self._stop(f"the heredoc {name} has no end", start)


def _heredoc_heads(line: str, reader: _Reader, start: int) -> list[tuple[str, int, bool, bool]]:
    """(name, descriptor, expand, chomp) of each heredoc that the line opens."""
    try:
        words = Lexer(line, raw=True, keep_unset=True).words()
    except ValueError:
        return []  # an open quote: BuildKit then sees no heredoc at all
    heads = []
    for word in words:
        try:
            head = heredoc_head(word)
        except BadWord as error:
            raise reader._stop(str(error), start) from None
        if head is not None:
            heads.append(head)
    return heads


def heredoc_head(word: str) -> tuple[str, int, bool, bool] | None:
    """(name, descriptor, expand, chomp) of the heredoc that a word opens; None where it opens none.

    Raises:
        BadWord: BuildKit refuses the word.
    """
    match = re.fullmatch(_HEREDOC, word)
    if match is None or not match.group(3):
        return None
    try:
        plain = Lexer(match.group(3), keep_unset=True).words()
        quoted = Lexer(match.group(3), raw_quotes=True, keep_unset=True).words()
    except ValueError as error:
        raise BadWord(f"a heredoc's word cannot be read: {error}") from None
    if len(plain) != 1:
        return None
    if len(quoted) != 1:
        raise BadWord("a heredoc's word cannot be read")
    expand = sum(map(plain[0].count, "'\"")) == sum(map(quoted[0].count, "'\""))
    return plain[0], int(match.group(1)[:9] or 0), expand, bool(match.group(2))
