"""print the versions of envhooks and of git, gpg and ssh

For a report of a fault: Python, git, gpg, gpgv, ssh, and the packages that are installed beside it.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
from importlib import metadata

from envhooks import __version__
from envhooks.base.hygiene import printable
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


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--format`."""
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print them, one a line."""
    found = {"envhooks": __version__, "Python": platform.python_version(), "system": platform.platform()}
    found |= {name: number(program_version(*command)) or "missing" for name, command in PROGRAMS}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if options.format == "json":
        print(json.dumps(found, indent=2))
        return 0
    width = max(map(len, found))
    for name, text in found.items():
        print(f"{printable(name):{width}}  {printable(text)}")
    return 0


def number(text: str | None) -> str:
    """`2.39.5` of `git version 2.39.5`; the text where no number is in it, and nothing where there is no text."""
    match = re.search(r"[0-9]+(?:\.[0-9]+)+(?:p[0-9]+)?", text or "")
    return match.group() if match else text or ""
