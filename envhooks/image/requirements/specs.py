"""One requirement as a person writes it for pip -> a frozen fact.

`packaging` is the authority on pip's spelling (a property test holds this module to it), but its
import costs 10 ms and a parse 17 us; one regular expression gives the same answers at 2 us.
Nothing here raises: text that is not a requirement is None, and what is not certain is not exact.
"""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass

MAX_TEXT = 10_000
"""Characters. A longer requirement is not read, so that hostile text costs nothing."""


MAX_MARKER = 20_000
"""Characters. Where extras of a project exclude each other, uv writes markers of some thousand."""


@dataclass(frozen=True)
class Requirement:
    """One requirement, with what is known of the version that it installs."""

    name: str
    """Normalised by PEP 503; empty where a URL does not state it (`git+https://host/x/y.git`)."""
    specifier: str
    """As it stands, without name, extras and marker: `==2.8.0+cu118`, `>=1,<2`, or empty."""
    version: str | None
    """The public version where `exact`, in PEP 440's normal form for pip: `2.8.0rc1`; else None."""
    local: str | None
    """The local version: `cu118` of `2.8.0+cu118`."""
    exact: bool
    """Whether no other version can be installed."""
    url: str | None
    """The URL or file that it is installed from, where one is written."""
    marker: str
    """The environment marker after `;`, as it stands; a lock's own condition in the same form."""
    extras: tuple[str, ...]
    """Normalised, in the order in which they are written."""
    text: str
    """The whole requirement as it stands."""
    line: int
    path: str = ""
    how: str = "pip"
    """Spelling of the requirement: `pip` or `conda`; `lock` for an entry of a lock file."""
    index: str = ""
    """The index that this one package is bound to (a lock's, or uv's sources); empty: the usual ones."""


_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_VERSION = (
    r"v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*"
    r"(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?:[0-9]+)?)?"
    r"(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?(?:[0-9]+)?)?"
    r"(?:[-_.]?dev[-_.]?(?:[0-9]+)?)?"
)
_LOCAL = r"\+[a-z0-9]+(?:[-_.][a-z0-9]+)*"
_PREFIX = r"v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*\.\*"  # only release numbers may be cut off by `.*`
_CLAUSE = (
    r"(?:===\s*[^\s;),]+"  # the comma ends it, as in packaging 26 and in PEP 440
    rf"|[=!]=\s*(?:{_PREFIX}|{_VERSION}(?:{_LOCAL})?)"
    rf"|~=\s*(?=v?(?:[0-9]+!)?[0-9]+\.[0-9]){_VERSION}"
    rf"|(?:<=|>=|<|>)\s*{_VERSION})"
)
_FLAGS = re.ASCII | re.IGNORECASE
_HEAD = re.compile(rf"[ \t]*({_NAME})[ \t]*(?:\[([^\]]*)\])?[ \t]*", _FLAGS)
_EXTRA = re.compile(_NAME, _FLAGS)
_ONE_CLAUSE = re.compile(_CLAUSE, _FLAGS)
_LOCAL_ONLY = re.compile(_LOCAL, _FLAGS)
# What most requirements are: the whole of PEP 440 takes 2 ms to compile.
_PLAIN_PIN = r"==([0-9]+(?:\.[0-9]+)*)(?:\+([a-z0-9]+))?"
_EXACT = re.compile(rf"(===?)\s*({_VERSION})({_LOCAL})?", _FLAGS)
_PARTS = re.compile(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?"
    r"(?:-(?P<post_1>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_2>[0-9]+)?)?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>[0-9]+)?)?",
    _FLAGS,
)
_PRE = {"alpha": "a", "a": "a", "beta": "b", "b": "b", "preview": "rc", "pre": "rc", "c": "rc", "rc": "rc"}
SCHEME = r"(?a)(?:(?:git|hg|svn|bzr)\+)?[A-Za-z][A-Za-z0-9.-]*:(?=/)"
# PEP 625 file names only: with a second hyphen the end of the name is ambiguous.
_SDIST = re.compile(
    rf"(?P<name>[A-Za-z][A-Za-z0-9_.]*)-(?P<version>{_VERSION}(?:{_LOCAL})?)\.(?:tar\.gz|zip)", _FLAGS
)
_PATH_EXTRAS = r"([^\[\];]+?)[ \t]*\[([^\]]*)\]([ \t]*;.*)?"
_EGG = re.compile(rf"(?:^|&)egg=({_NAME})(?:\[([^\]]*)\])?(?:&|\Z)", _FLAGS)


def normal_name(name: str) -> str:
    """The name as PEP 503 compares it: `Jax_CUDA12.plugin` -> `jax-cuda12-plugin`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _number(text: str | None) -> str:
    return (text or "0").lstrip("0") or "0"  # not int(): it refuses more than 4,300 digits


def normal_version(text: str) -> str | None:
    """A public version in PEP 440's normal form (`v2.8-RC.1` -> `2.8rc1`), or None if it is not a version."""
    text = text.strip()
    numbers = text.split(".")
    if all(part.isascii() and part.isdigit() for part in numbers):  # most versions
        return ".".join(map(_number, numbers))
    match = _PARTS.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    out = f"{_number(part['epoch'])}!" if _number(part["epoch"]) != "0" else ""
    out += ".".join(map(_number, part["release"].split(".")))
    if part["pre"]:
        out += _PRE[part["pre"].lower()] + _number(part["pre_n"])
    if part["post"] or part["post_1"]:
        out += ".post" + _number(part["post_1"] or part["post_2"])
    return out + (".dev" + _number(part["dev_n"]) if part["dev"] else "")


def _normal_local(text: str) -> str | None:
    parts = re.split("[-_.]", text.lower())
    return ".".join(_number(part) if part.isdigit() else part for part in parts) or None


def _extras(text: str | None) -> tuple[str, ...] | None:
    words = [word.strip(" \t") for word in (text or "").split(",")]
    if words == [""]:
        return ()
    if not all(_EXTRA.fullmatch(word) for word in words):
        return None
    return tuple(normal_name(word) for word in words)


def _clauses(text: str) -> list[str] | None:
    """The clauses of `>=1, <2` or `(>=1, <2)`, or None where it is not all clauses."""
    text = text.strip(" \t")
    if re.fullmatch(_PLAIN_PIN, text):
        return [text]
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip(" \t")
    clauses: list[str] = []
    at = 0
    while at < len(text):
        match = _ONE_CLAUSE.match(text, at)
        if match is None:
            return None
        clauses.append(match.group())
        at = match.end()
        rest = text[at:].lstrip(" \t")
        if rest.startswith(","):
            rest = rest[1:].lstrip(" \t")
        elif rest:
            return None
        at = len(text) - len(rest)
    return clauses


def pinned_by(clauses: list[str]) -> tuple[str | None, str | None]:
    """(version, local) that a list of clauses leaves as the only choice, or (None, None).

    `==2.8.0,<3` pins: what it installs is 2.8.0 or nothing. Two `==` clauses pin nothing that can
    be stated without solving them.
    """
    plain = re.fullmatch(_PLAIN_PIN, clauses[0]) if len(clauses) == 1 else None
    if plain is not None:
        return normal_version(plain[1]), _normal_local(plain[2] or "")
    exact = [match for clause in clauses if (match := _EXACT.fullmatch(clause))]
    if len(exact) != 1 or any(c.startswith("==") for c in clauses if c != exact[0].group()):
        return None, None
    _, version, local = exact[0].groups()
    return normal_version(version), _normal_local(local[1:] if local else "")


def parse_requirement(text: str, line: int = 0) -> Requirement | None:
    """One pip requirement (PEP 508, a URL, a wheel's path), or None where it is not one.

    Options, shell variables and bare folders are not requirements. Nothing is guessed: a range, a
    wildcard or a version control URL is not exact.
    """
    if len(text) > MAX_TEXT or "\n" in text or "\r" in text:
        return None
    head = _HEAD.match(text)
    if head is not None and not re.match(SCHEME, text.lstrip(" \t")):
        rest = text[head.end() :]
        extras = _extras(head.group(2))
        if rest.startswith("@"):
            return _direct(text, head.group(1), extras, rest[1:], line)
        specifier, semicolon, marker = rest.partition(";")
        clauses = _clauses(specifier)
        if clauses is not None and extras is not None and (marker.strip() or not semicolon):
            version, local = pinned_by(clauses)
            shown = specifier.strip(" \t")
            return Requirement(
                normal_name(head.group(1)), shown, version, local, version is not None, None,
                marker.strip(), extras, text.strip(), line,
            )  # fmt: skip
    return _from_location(text, line)


def _split_url(text: str) -> tuple[str, str] | None:
    """(URL, marker) of `URL ; marker`; the blank before `;` is what ends a URL."""
    words = text.strip(" \t").split(None, 1)
    if not words:
        return None
    rest = words[1].strip() if len(words) == 2 else ""
    if not rest:
        return words[0], ""
    return (words[0], rest[1:].strip()) if rest.startswith(";") and rest[1:].strip() else None


def _of_file(url: str) -> tuple[str, str, str | None] | None:
    """(name, version, local) by the file's name in a URL or path, where that is certain."""
    path = url.partition("#")[0].partition("?")[0] if re.match(SCHEME, url) else url
    if re.match(r"(?:git|hg|svn|bzr)\+|git:", path) or re.search(r"/(?:archive|zipball|tarball)/", path):
        return None  # made from a branch or tag: what its metadata says is not in its name
    from urllib.parse import unquote

    file = unquote(path.rpartition("/")[2])
    if len(file) > 255:  # no file system keeps a longer name
        return None
    parts = file.removesuffix(".whl").split("-")
    if file.endswith(".whl") and (len(parts) == 5 or (len(parts) == 6 and parts[2][:1].isdigit())):
        name, full = parts[0], parts[1]  # PEP 427: neither holds a hyphen; a sixth part is the build
    elif match := _SDIST.fullmatch(file):
        name, full = match["name"], match["version"]
    else:
        return None
    public, plus, local = full.partition("+")
    version = normal_version(public)
    if version is None or not _EXTRA.fullmatch(name) or (plus and not _LOCAL_ONLY.fullmatch(plus + local)):
        return None
    return normal_name(name), version, _normal_local(local)


def _direct(text: str, name: str, extras: tuple[str, ...] | None, rest: str, line: int) -> Requirement | None:
    split = _split_url(rest)
    if split is None or extras is None:
        return None
    url, marker = split
    known = _of_file(url)
    if known is not None and known[0] != normal_name(name):
        known = None  # the file is another package's: pip refuses it, and so no version is certain
    version, local = (known[1], known[2]) if known else (None, None)
    return Requirement(
        normal_name(name),
        f"@ {url}",
        version,
        local,
        known is not None,
        url,
        marker,
        extras,
        text.strip(),
        line,
    )


def _from_location(text: str, line: int) -> Requirement | None:
    """A bare URL, or the path of a wheel; a path may have extras behind it."""
    with_extras = None if "://" in text else re.fullmatch(_PATH_EXTRAS, text)
    extras = _extras(with_extras[2]) if with_extras else ()
    if extras is None:
        return None
    split = _split_url(with_extras[1] + (with_extras[3] or "") if with_extras else text)
    if split is None:
        return None
    url, marker = split
    known = _of_file(url)
    if known is not None and (re.match(SCHEME, url) or url.endswith(".whl") or "/" in url):
        return Requirement(known[0], "", known[1], known[2], True, url, marker, extras, text.strip(), line)
    if not re.match(SCHEME, url):
        return None
    egg = _EGG.search(url.partition("#")[2])
    name = normal_name(egg.group(1)) if egg else ""
    named = _extras(egg.group(2)) if egg else ()
    return Requirement(name, "", None, None, False, url, marker, named or (), text.strip(), line)


_MACHINES = ("x86_64", "aarch64")
_PYTHONS = tuple(f"3.{minor}" for minor in range(8, 16))


_BOTH = ("python_version >= '0'", "python_version < '0'")
UNKNOWN_MARKER = "platform_release == '?'"
"""Marker in place of a condition that is not known; `marker_holds` takes it both ways."""


MACHINES = r"(?a)ppc64le|s390x|riscv64|armv7l"
"""Machines beside the usual ones, as a path names them."""


def marker_holds(marker: str, python: str | None = None, machine: str = "") -> bool | None:
    """True or False where every image would agree, None where it depends or cannot be determined.

    Args:
        marker: the text after `;`; an empty one always holds.
        python: `3.12` or longer where the image's Python is known. No extra is asked for.
        machine: `ppc64le` where the image is for another machine than the usual ones.
    """
    if not marker:
        return True
    if UNKNOWN_MARKER in marker:
        answers = {marker_holds(marker.replace(UNKNOWN_MARKER, one), python, machine) for one in _BOTH}
        return answers.pop() if len(answers) == 1 else None
    if len(marker) > MAX_MARKER or "platform_release" in marker or "platform_version" in marker:
        return None
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        parsed = Marker(marker)
        found = {
            parsed.evaluate(_environment(one, version))
            for one in ((machine,) if machine else _MACHINES)
            for version in ((python,) if python else _PYTHONS)
        }
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError, ValueError):
        return None
    return found.pop() if len(found) == 1 else None


def _environment(machine: str, python: str) -> dict[str, str]:
    full = python if python.count(".") >= 2 else f"{python}.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": full,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }
