"""The everyday commands on another Git: inside a Debian root that `scripts/matrix` made, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.world import ROOT, Home

SUITE = "sid"


def newer_git(home: Home, smoke: bool) -> str:
    """(a) again, by the Git of Debian's newest suite; a sentence where that cannot be had here."""
    root = Path(os.environ.get("ENVHOOKS_MATRIX", ROOT / ".cache" / "matrix")) / SUITE
    if os.geteuid() != 0 or not (root / "srv" / "venv" / "bin" / "python").exists():
        how = f"SUITES={SUITE} make matrix, as root, makes a system that has it"
        return f"Git 2.51 or newer was not measured: {how}.\n\n"
    for folder in ("envhooks", "hooks", "benchmarks"):
        shutil.copytree(
            ROOT / folder,
            root / "srv" / "envhooks" / folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    mounted = (root / "proc" / "self").exists()
    if not mounted:
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
    try:
        command = "cd /srv/envhooks && exec /srv/venv/bin/python -m benchmarks --bare everyday"
        done = subprocess.run(
            ["chroot", str(root), "sh", "-c", command + (" --smoke" if smoke else "")],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        if not mounted:
            subprocess.run(["umount", "--lazy", str(root / "proc")], check=False)
    return done.stdout
