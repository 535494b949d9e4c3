"""One conda match specification -> a frozen fact. Nothing here raises, and nothing is guessed."""

from __future__ import annotations

import re

from envhooks.image.requirements.specs import MAX_TEXT, SCHEME, Requirement, normal_name

_CONDA_HEAD = r"(?a)(?:[A-Za-z0-9_./:-]*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)"
_CONDA_VERSION = r"(?a)(?:[0-9]+!)?[0-9][A-Za-z0-9_.]*(?:\+[A-Za-z0-9_.]+)?"
_CONDA_BUILD = r"(?a)[A-Za-z0-9_.*+]+"
_CONDA_FILE = r"(?a)(?:.*/)?([A-Za-z0-9_][A-Za-z0-9_.-]*)-([^-/]+)-([^-/]+)\.(?:tar\.bz2|conda)"


def _conda(
    name: str, specifier: str, version: str | None, text: str, line: int, url: str | None = None
) -> Requirement:
    public, _, local = (version or "").partition("+")
    return Requirement(
        normal_name(name), specifier, public or None, local or None, version is not None, url, "", (),
        text.strip(), line, how="conda",
    )  # fmt: skip


def _conda_exact(specifier: str) -> str | None:
    """The one version that a conda specifier allows, or None.

    `=1.9` is fuzzy (1.9.*) and `==1.9` is not; with a build behind it (`=1.9=py38_0`) the first
    sign is a plain separator, and the version is exact again. So are the blank forms, `1.9 py38_0`.
    """
    fields = specifier.split()
    if fields and fields[0][0].isdigit() and len(fields) <= 2:
        version, build = fields[0], (fields[1] if len(fields) == 2 else None)
    else:
        joined = "".join(fields)
        if joined.startswith("=="):
            version, _, built = joined[2:].partition("=")
            build = built or None
        elif joined.startswith("="):
            version, sign, built = joined[1:].partition("=")
            if not sign or not built:
                return None
            build = built
        else:
            return None
    if build is not None and not re.fullmatch(_CONDA_BUILD, build):
        return None
    return version if re.fullmatch(_CONDA_VERSION, version) else None


def parse_conda_spec(text: str, line: int = 0) -> Requirement | None:
    """One conda match specification (`channel::name=1.9`), or None where it is not one.

    The build string stays in `specifier`: `=1.5.0=py3.8_cuda9.2`. A specification in brackets
    (`name[version=...]`) is kept and never called exact.
    """
    stripped = text.strip()
    if len(text) > MAX_TEXT or not stripped or "\n" in text or "\r" in text:
        return None
    if re.match(SCHEME, stripped):
        url = stripped.partition("#")[0]
        match = re.fullmatch(_CONDA_FILE, url)
        if match is None or not re.fullmatch(_CONDA_VERSION, match.group(2)):
            return None
        name, version, build = match.groups()
        return _conda(name, f"={version}={build}", version, text, line, url)
    head = re.match(_CONDA_HEAD, stripped)
    if head is None:
        return None
    specifier = stripped[head.end() :].strip()
    if specifier and not re.fullmatch(r"[=<>!~0-9*|,\[( ].*", specifier):
        return None
    if re.search(r"[$`{};&\\]", specifier):
        return None  # a shell's or a template's text, not conda's
    return _conda(head.group(1), specifier, _conda_exact(specifier), text, line)
