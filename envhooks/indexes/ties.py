"""Ties: what releases of a package ask of the frameworks that they are built on, from their own metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.message import Message

from envhooks.image.compat.ties import order

ANCHORS = ("torch", "torchvision", "torchaudio", "xformers", "tensorflow")
"""The packages of which a tie may speak."""
_LINE = re.compile(
    r"(?a)(?P<name>[A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*\(?(?P<specifier>[^;()]*)\)?\s*(?:;(?P<marker>.*))?"
)
_SPECIFIER = re.compile(r"(?a)(?:(?:===?|~=|!=|<=?|>=?)[0-9][0-9A-Za-z.+*]{0,30},?){1,8}")


def asked(metadata: Message) -> tuple[str, ...]:
    """Requirements of a release on the anchors on any Linux x86-64: `torch==2.7.1`, in the order of the anchors.

    A requirement that holds for some Pythons only, or with an extra, is left out: it does not always apply.
    """
    found: dict[str, str] = {}
    unsure = set()
    for line in metadata.get_all("Requires-Dist", ()):
        match = _LINE.fullmatch(str(line).strip()[:500])
        if match is None:
            continue
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        specifier, marker = re.sub(r"\s", "", match["specifier"]), (match["marker"] or "").strip()
        if name not in ANCHORS or not _SPECIFIER.fullmatch(specifier):
            continue
        if _elsewhere(marker) or "extra" in marker:
            continue
        if "python" in marker or name in found:
            unsure.add(name)
        found[name] = ",".join(sorted(specifier.split(","), key=lambda part: not part.startswith(">")))
    return tuple(f"{name}{found[name]}" for name in ANCHORS if name in found and name not in unsure)


def _elsewhere(marker: str) -> bool:
    """Whether a marker surely means another system or machine."""
    other = re.search(
        r"(?:platform_system|sys_platform)\s*==\s*['\"](?!linux|Linux)|"
        r"(?:platform_system|sys_platform)\s*!=\s*['\"](?:linux|Linux)|"
        r"platform_machine\s*==\s*['\"](?!x86_64)|platform_machine\s*!=\s*['\"]x86_64",
        marker,
    )
    return other is not None and " or " not in marker


def grouped(releases: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(requirements, releases that ask for them), oldest first; releases that ask for nothing are left out."""
    found: dict[tuple[str, ...], list[str]] = {}
    for version in sorted(releases, key=order):
        if releases[version]:
            found.setdefault(releases[version], []).append(version)
    for requires, versions in found.items():
        yield requires, tuple(versions)
