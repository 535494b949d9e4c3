"""Read the companion pairs of compat.toml again, from the released packages' own metadata.

    python scripts/refresh_compat.py           # releases that the table does not list yet
    python scripts/refresh_compat.py --all     # every release that it lists, too

pip resolves nothing and installs nothing: `--dry-run --no-deps --report` fetches one package's metadata. What is
printed are the pairs and, behind `!`, where the table says otherwise; the table itself is edited by hand,
because its other columns come from pages that only a person can read. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envhooks.image.compat.table import Table, key, load_table

_PYTHONS = ("3.12", "3.10", "3.8")
"""Tried in turn: old releases have no wheel for a new Python, new ones none for an old one."""


def pip(*arguments: str) -> str | None:
    """Standard output of pip, or None where it failed."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def released(package: str) -> tuple[str, ...]:
    """Final releases on the index, newest first. The program ends where they cannot be listed."""
    match = re.search(r"Available versions: (.*)", pip("index", "versions", package) or "")
    if match is None:
        sys.exit(f"the releases of {package} cannot be listed: python -m pip index versions {package}")
    return tuple(re.findall(r"(?<![0-9.])[0-9]+(?:\.[0-9]+)+(?![0-9a-z.])", match.group(1)))


def torch_of(package: str, version: str) -> str | None:
    """What a release requires of torch: `==2.8.0`; empty for nothing, None where it cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        for python in _PYTHONS:
            options = ["--only-binary", ":all:", "--python-version", python, "--target", folder]
            platforms = ["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux1_x86_64"]
            wanted = ["--dry-run", "--no-deps", "--ignore-installed", "--report", str(report)]
            if pip("install", "--quiet", *wanted, *options, *platforms, f"{package}=={version}") is None:
                continue
            metadata = json.loads(report.read_text(encoding="utf-8"))["install"][0]["metadata"]
            for line in metadata.get("requires_dist", []):
                match = re.fullmatch(r"torch\s*\(?([^;)]*)\)?\s*(?:;.*)?", line)
                if match:
                    return match.group(1).replace(" ", "")
            return ""
    return None


def stated(table: Table, package: str, version: str) -> tuple[str, ...]:
    """The torch releases with which the table lists a companion."""
    return tuple(row.version for row in table.torch.values() if version in getattr(row, package))


def differences(table: Table, package: str, everything: bool) -> Iterator[str]:
    """One line for each release that was read."""
    listed = {version for row in table.torch.values() for version in getattr(row, package)}
    newest = max(listed, key=key)
    for version in released(package):
        if key(version) <= key(newest) and not (everything and version in listed):
            continue
        requires = torch_of(package, version)
        ours = stated(table, package, version)
        if requires is None:
            yield f"? {package} {version}: its metadata could not be read"
            continue
        exact = requires.removeprefix("==") if requires.startswith("==") else None
        agrees = bool(ours) and (exact is None or ours == (exact,))
        mark, said = " " if agrees else "!", ", ".join(ours) or "nothing"
        yield f"{mark} {package} {version}: torch{requires}, the table says {said}"


def main() -> int:
    """Print the pairs; 1 where the table differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--all", action="store_true", help="read the listed releases too")
    everything = parser.parse_args().all
    table = load_table()
    found = [line for name in table.ties for line in differences(table, name, everything)]
    missing = [version for version in released("torch") if key(version) > max(map(key, table.torch))]
    found += [f"! torch {version}: not in the table" for version in missing]
    print("\n".join(found) or f"nothing newer than the table of {table.compiled}")
    return 1 if any(line[0] in "!?" for line in found) else 0


if __name__ == "__main__":
    sys.exit(main())
