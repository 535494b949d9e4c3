"""Collector of parsed requirements; reads files within size and count limits and records the ones it could not read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.image.requirements.specs import Requirement

MAX_BYTES = 8 * 1024 * 1024
"""Bytes of one file. A lock file of a large project has 2 to 4 MiB."""
MAX_FILES = 100
"""Files read for one answer: files may include each other, and two includes each make 2**depth."""
MAX_DEPTH = 20
MAX_REQUIREMENTS = 20_000
"""Requirements in one answer: at 50 us each, one second. The largest lock files have some thousand."""

Fault = tuple[str, str, int]
"""(reason, path, line)."""


@dataclass(frozen=True)
class RequirementsFile:
    """Requirements of one file and of those that it includes."""

    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    perhaps: tuple[Requirement, ...] = ()
    """What a program that is not run may ask for besides."""
    faults: tuple[Fault, ...] = ()
    """Gaps of the answer: with one, no version may be called absent."""


class TooMuchError(Exception):
    """More requirements than MAX_REQUIREMENTS: not a list to install."""


@dataclass
class Sink:
    """Collects one answer; every reader writes into it."""

    read: Callable[[str], bytes | None]
    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    index_url: str | None = None
    extra_index_urls: list[str] = field(default_factory=list)
    find_links: list[str] = field(default_factory=list)
    perhaps: list[Requirement] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    files: int = 0

    def fault(self, why: str, path: str, line: int = 0) -> None:
        """Note that something cannot be determined."""
        if len(self.faults) < 1000:  # a file of garbage needs no million sentences
            self.faults.append((why, path, line))

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        try:
            return self.read(path) is not None
        except (OSError, ValueError):
            return False

    def add(self, requirement: Requirement, path: str, constraint: bool = False) -> None:
        """Take one requirement that stands in `path`.

        Raises:
            TooMuchError: there are too many.
        """
        if len(self.requirements) + len(self.constraints) >= MAX_REQUIREMENTS:
            raise TooMuchError(path)
        (self.constraints if constraint else self.requirements).append(replace(requirement, path=path))

    def text(self, path: str, origin: tuple[str, int] | None = None, *, cookie: bool = False) -> str | None:
        """The file's text with `\\n` for line ends, or None with a fault at the place that asked for it.

        Args:
            path: the file.
            origin: (path, line) that asks for it.
            cookie: whether a `# coding: ...` in its first two lines counts, as it does to pip.
        """
        at = origin or (path, 0)
        self.files += 1
        if self.files > MAX_FILES:
            self.fault(f"more than {MAX_FILES} files include each other", *at)
            return None
        try:
            data = self.read(path)
        except (OSError, ValueError) as error:
            self.fault(f"{path} cannot be read: {error}", *at)
            return None
        if data is None:
            self.fault(f"{path} does not exist", *at)
            return None
        if len(data) > MAX_BYTES:
            self.fault(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB", *at)
            return None
        text = _decode(data, cookie=cookie)
        if text is None:
            self.fault(f"{path} is not UTF-8, or not in the encoding that it names", path)
        return text

    def result(self) -> RequirementsFile:
        """The answer."""
        return RequirementsFile(
            tuple(self.requirements),
            tuple(self.constraints),
            self.index_url,
            tuple(dict.fromkeys(self.extra_index_urls)),
            tuple(dict.fromkeys(self.find_links)),
            tuple(self.perhaps[:MAX_REQUIREMENTS]),
            tuple(self.faults),
        )


_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32"),  # before UTF-16, whose mark it begins with
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),  # PowerShell's `pip freeze > requirements.txt`
    (b"\xfe\xff", "utf-16"),
)
_COOKIE = rb"#.*?coding[:=]\s*([-\w.]+)"
# What a cookie may name: others can hide text from whoever reads the file as UTF-8 (UTF-7, for one).
_PLAIN = r"(?:utf[-_]?8|(?:us[-_])?ascii|latin[-_]?1|iso[-_]?8859[-_]1?[0-9]|(?:cp|windows[-_])125[0-8])(?:[-_]sig)?"


def _decode(data: bytes, *, cookie: bool) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :] if encoding == "utf-8" else data, encoding)
    if cookie:  # PEP 263, in the first two lines
        for line in data.split(b"\n", 2)[:2]:
            if match := re.match(_COOKIE, line):
                name = match[1].decode("ascii", "replace").lower()
                return _decoded(data, name) if re.fullmatch(_PLAIN, name) else None
    return _decoded(data, "utf-8")


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding).replace("\r\n", "\n")
    except (UnicodeDecodeError, LookupError):
        return None


def with_extra(marker: str, extra: str) -> str:
    """A marker with the condition that an extra is asked for."""
    condition = f'extra == "{extra}"'
    return f"({marker}) and {condition}" if marker else condition


def beside(path: str, other: str) -> str | None:
    """`other` as a path from the top of the tree, as `path` names it; None where it leaves the tree."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
    if other.startswith("/") or joined == ".." or joined.startswith("../") or "\0" in other:
        return None
    return joined
