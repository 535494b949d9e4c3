"""print the versions of envhooks and of git, gpg and ssh

For a report of a fault: Python, git, gpg, gpgv, ssh, and the packages that are installed beside it.
"""

from __future__ import annotations

import argparse
import platform
import re
from importlib import metadata

from envhooks import __version__
from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer
from envhooks.git.workspace import program_version

GROUP = "this program"
EXAMPLES = (("envhooks version", ""), ("envhooks version --format json", ""))
PROGRAMS = (
    ("git", ("git", "--version")),
    ("gpg", ("gpg", "--version")),
    ("gpgv", ("gpgv", "--version")),
    ("ssh", ("ssh", "-V")),  # ssh-keygen, of the same package, does not print its version
)
PACKAGES = (
    "GitPython",
    "rich",
    "cryptography",
    "pysequoia",
    "sigstore",
    "mlflow-skinny",
    "zstandard",
    "argcomplete",
)


def arguments(_: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(_: argparse.Namespace) -> int:
    """Print them, one a line."""
    found = {"envhooks": __version__, "Python": platform.python_version(), "system": platform.platform()}
    found |= {name: number(program_version(*command)) or "missing" for name, command in PROGRAMS}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    answer(found)
    width = max(map(len, found))
    for name, text in found.items():
        print(f"{printable(name):{width}}  {printable(text)}")
    return 0


def programs() -> str:
    """`git 2.47.3, gpg 2.2.40, ssh 9.2p1`: the programs that a verdict depends on."""
    shown = [(name, command) for name, command in PROGRAMS if name != "gpgv"]
    return ", ".join(f"{name} {number(program_version(*command)) or 'missing'}" for name, command in shown)


def number(text: str | None) -> str:
    """`2.39.5` of `git version 2.39.5`; the text where no number is in it, and nothing where there is no text."""
    match = re.search(r"[0-9]+(?:\.[0-9]+)+(?:p[0-9]+)?", text or "")
    return match.group() if match else text or ""
