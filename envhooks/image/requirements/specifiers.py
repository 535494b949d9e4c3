"""Versions against specifiers, by `packaging`, and commands that write another version."""

from __future__ import annotations

import re

from envhooks.image.facts import Package


def allows(specifier: str, version: str) -> bool:
    """Whether a version satisfies a specifier; `3.12` stands for the newest 3.12 there may be.

    What is no version satisfies everything: it is another check's fault.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    if re.fullmatch(r"[0-9]+\.[0-9]+", version, re.ASCII) and ">=3" in specifier:
        version += ".99"  # `>=3.7.1` is met by an image's 3.7
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def substitute(package: Package, version: str) -> str:
    """A command that writes another version of a package where its pin stands, or nothing.

    The local version is kept: `torchvision==0.19.0+cu118` becomes `torchvision==0.23.0+cu118`.
    """
    import shlex

    old = package.version or ""
    if not version or f"=={old}" not in package.specifier or package.how == "base":
        return ""
    path = shlex.quote(package.place.path)
    pattern = f"{package.name}==".replace("-", "[-_]") + old.replace(".", r"\.")
    return "sed -i.bak " + shlex.quote(f"s/{pattern}/{package.name}=={version}/") + f" {path}"
