"""Names of tags as the grammar reads them, the part of the policy that says how, and the rules of git for any name.

Text taken from a repository is kept as it was found: escaping is the printer's business (`envhooks.base.hygiene`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from envhooks.base.dataclass import dataclass, field
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS
from envhooks.catalog.lookup import ALIASES, KINDS, PACKAGES

STAGE_RANKS: Mapping[str, int] = {"alpha": 0, "a": 0, "beta": 1, "b": 1, "rc": 2, "stable": 3, "post": 4}
_APART = ("python", "cudnn", "os", "variant")
"""Fields that distinguish environments that exist side by side; the others of `extra` are ordered."""
Order = tuple[object, ...]
"""Compares as releases of one line follow each other."""


@dataclass(frozen=True)
class TagName:
    """A tag name that the grammar read. Fields that its template lacks are None or empty."""

    text: str
    """The whole name, as in `refs/tags/<text>`."""
    framework: str | None = None
    """Canonical framework name, a key of the policy's table: `PyTorch`."""
    hardware: str | None = None
    """Canonical hardware name without its version: `CUDA`."""
    hardware_version: str | None = None
    """Version written behind the hardware: `12.8`; None where the name carries none."""
    version: tuple[int, ...] = ()
    """Two to four numbers as written: `v2.8` is (2, 8), `v2.8.0` is (2, 8, 0)."""
    stage: str = "stable"
    """`alpha`, `beta`, `rc`, `stable` or `post`."""
    stage_number: int = 0
    """The number behind the stage; 0 for `stable`."""
    extra: tuple[tuple[str, str], ...] = ()
    """Other fields of the template with their text: (("python", "3.12"),)."""
    of_base: frozenset[str] = frozenset()
    """Fields that the policy says are meant of the base image: {"cuda"}."""

    def field(self, name: str) -> str:
        """The text of a field in `extra`; empty where the name has none of it."""
        return dict(self.extra).get(name, "")

    @property
    def packages(self) -> tuple[tuple[str, str], ...]:
        """(distribution, version) of each field that is named after one."""
        return tuple(one for one in self.extra if one[0] not in (*_APART, "release", "date"))

    @property
    def wheel_version(self) -> str | None:
        """The hardware's version that the framework has to be built for; None where it is another's or not stated."""
        return None if self.of_base else self.hardware_version

    @property
    def version_text(self) -> str:
        """The version's numbers as the tag writes them: `2.8`."""
        return ".".join(map(str, self.version))

    @property
    def stage_text(self) -> str:
        """`rc1`, `post2`, or nothing for a stable release."""
        return "" if self.stage == "stable" else f"{self.stage}{self.stage_number}"

    @property
    def is_stable(self) -> bool:
        """Whether this is a release for everyone: no stage, or a rebuild (`post`)."""
        return self.stage in ("stable", "post")

    @property
    def line(self) -> tuple[str, ...]:
        """(framework, hardware with its version), and fields that distinguish environments that exist side by side.

        `latest` and rollback depend on it.
        """
        apart = (f"{name}={text}" for name, text in self.extra if name in _APART)
        return (self.framework or "", (self.hardware or "") + (self.hardware_version or ""), *apart)

    @property
    def series(self) -> tuple[object, ...]:
        """The line and X.Y: the key of the `X.Y` image alias and of tag-order.

        A `{release}` of three numbers has series as a version has; one of fewer, and a date, only counts up.
        """
        numbers = self.version or _numbers(self.field("release"))
        return (*self.line, numbers[:2] if self.version or len(numbers) > 2 else ())

    @property
    def release_text(self) -> str:
        """Part that distinguishes this release from others of its line: `2.8-rc1`, `2.1.0`, `2.8.0-7`, `2026-01-30`."""
        packages = (name + version for name, version in self.packages)
        parts = (self.version_text, *packages, self.field("release"), self.field("date"), self.stage_text)
        return "-".join(filter(None, parts))

    @property
    def is_ordered(self) -> bool:
        """Whether the name holds anything by which releases follow each other."""
        return bool(self.version or self.packages or self.field("release") or self.field("date"))

    @cached_property
    def order(self) -> Order:
        """Version, packages, release, date, stage, as PEP 440 orders versions: `2.8` and `2.8.0` are one."""
        day = self.field("date").replace("-", "").replace(".", "")
        packages = tuple((name, _package_order(version)) for name, version in self.packages)
        numbers = (trimmed(self.version), packages, trimmed(_numbers(self.field("release"))), day)
        return (*numbers, STAGE_RANKS[self.stage], self.stage_number)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("."))) if text else ()


def trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers without zeros at their end, which do not count in a comparison."""
    return trimmed(numbers[:-1]) if numbers and not numbers[-1] else numbers


def _package_order(version: str) -> Order:
    """A version of numbers with at most one stage behind them, as the grammar reads them: `2.7.4.post1`."""
    match = re.fullmatch(r"([0-9.]*[0-9])\.?(?:([a-z]+)([0-9]+))?", version)
    assert match is not None, "the grammar has matched it"
    stage = match[2] or "stable"
    return trimmed(_numbers(match[1])), STAGE_RANKS[stage], int(match[3] or 0)


@dataclass(frozen=True)
class Naming:
    """Result of reading a tag's name: either a TagName, or the faults."""

    name: TagName | None
    faults: tuple[str, ...] = ()
    """One sentence for each broken rule; empty exactly where `name` is set."""
    suggestion: str = ""
    """The nearest canonical name, or nothing where none is near."""


@dataclass(frozen=True)
class Meaning:
    """Keys of the policy beside the text of one template."""

    constants: tuple[tuple[str, str], ...] = ()
    """Fields that each tag of this form has without writing them: (("framework", "PyTorch"),)."""
    of_base: frozenset[str] = frozenset()
    """Fields that speak of the base image, not of what is installed on it."""


@dataclass(frozen=True)
class TagPolicy:
    """`[tag]`: which names are release tags."""

    templates: tuple[str, ...]
    frameworks: Mapping[str, tuple[str, ...]]
    """Canonical name -> the packages that carry it, most usual first."""
    hardware: tuple[str, ...]
    stages: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Lower-case spelling -> canonical framework or hardware name, for suggestions: `pt`."""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """Template -> what is said of it; those of which nothing is said are left out."""


# Where the policy does not say otherwise.
BUILTIN_FRAMEWORKS = PACKAGES
BUILTIN_HARDWARE = KINDS
BUILTIN_ALIASES = ALIASES
BUILTIN_STAGES: tuple[str, ...] = ("alpha", "beta", "rc", "post")
"""All stages that have a place in the order of versions; a policy may allow fewer, not others."""

DEFAULT_TEMPLATE = "{framework}-{hardware}-v{version}[-{stage}]"
DEFAULT_TAG_POLICY = TagPolicy(
    templates=(DEFAULT_TEMPLATE,),
    frameworks=BUILTIN_FRAMEWORKS,
    hardware=BUILTIN_HARDWARE,
    stages=BUILTIN_STAGES,
    aliases=BUILTIN_ALIASES,
)


MAX_NAME = 250
"""Bytes. Git locks a ref by a file with `.lock` behind its name, and a file name may have 255."""

_FORBIDDEN = r"[~^:?*\[\\]"
_CONTROL = "[\x00-\x1f\x7f]"

# Letters of other scripts that look like Latin ones in usual fonts and that NFKC leaves alone.
_CONFUSABLE = str.maketrans(
    "АВЕКМНОРСТХУІЈЅаекорсухіјѕԁԛԝһ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονιυ" + "ıɑɡ‐‑‒–—―−⁃",
    "ABEKMHOPCTXYIJSaekopcyxijsdqwh" + "ABEZHIKMNOPTYXoviu" + "iag" + "-" * 8,
)


def git_faults(text: str) -> Iterator[str]:
    """Reason why `git check-ref-format refs/tags/<text>` says no; nothing where it says yes."""
    if not text:
        yield "the name is empty"
        return
    if re.search(_CONTROL, text):
        yield "control characters are not legal in a name"
    if " " in text:
        yield "a space is not legal in a name"
    for char in dict.fromkeys(re.findall(_FORBIDDEN, text)):
        yield f"`{char}` is not legal in a name"
    if ".." in text:
        yield "`..` is not legal in a name"
    if "@{" in text:
        yield "`@{` is not legal in a name"
    if text.startswith("/") or text.endswith("/") or "//" in text:
        yield "a name neither begins nor ends with `/`, and has no two of them together"
    if text.endswith("."):
        yield "a name does not end with a full stop"
    parts = text.split("/")
    if any(part.startswith(".") for part in parts):
        yield "no part of a name begins with a full stop"
    if any(part.endswith(".lock") for part in parts):
        yield "no part of a name ends with `.lock`"


def is_legal(text: str) -> bool:
    """Whether git takes `refs/tags/<text>` for the name of a ref."""
    return next(git_faults(text), None) is None


def text_faults(text: str) -> Iterator[str]:
    """Faults of a name's characters, before its parts are looked at."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_NAME:
        yield f"the name is {size} bytes long and may have {MAX_NAME}"
    prefix = next((p for p in (TAGS, HEADS, "refs/", "tags/") if text.startswith(p)), "")
    if prefix:
        yield f"the name begins with `{prefix}`, which is no part of it"
    yield from git_faults(text)
    odd = list(dict.fromkeys(char for char in text if ord(char) > 0x7E and char != "\x7f"))
    for char in odd[:5]:
        yield _non_ascii(char)
    if len(odd) > 5:
        yield f"{len(odd) - 5} more characters are not ASCII"


def _non_ascii(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"the byte `{printable(char)}` is not UTF-8, and a name is ASCII"
    import unicodedata  # here and below: a name of ASCII needs none of it

    said = unicodedata.name(char, "")
    looks = folded(char)
    like = f", which looks like `{looks}`" if re.fullmatch("[!-~]+", looks) else ""
    kind = "whitespace" if char.isspace() else "not ASCII"
    return f"`{printable(char)}` (U+{ord(char):04X}{f' {said}' if said else ''}{like}) is {kind}"


def folded(text: str) -> str:
    """The ASCII name that this text looks like; what has no such look stays as it is."""
    for prefix in (TAGS, HEADS, "refs/", "tags/"):
        text = text.removeprefix(prefix)
    import unicodedata

    text = unicodedata.normalize("NFKC", text).translate(_CONFUSABLE)
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf"))
    return " ".join(seen.split())
