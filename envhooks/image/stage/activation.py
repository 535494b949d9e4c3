"""Which environment (the system's, a virtual one, a conda one) is active at a point of a build."""

from __future__ import annotations

import re
from collections.abc import Callable

from envhooks.image.stage.installed import SYSTEM
from envhooks.image.stage.session import Session
from envhooks.image.text.unknowns import unknown

CONDAS = frozenset(("conda", "mamba", "micromamba"))


def conda_place(name: str) -> str:
    """The environment that a conda name or prefix means."""
    match = re.fullmatch(r".*/envs/([^/]+)/?", name)
    if match:
        return f"conda:{match.group(1)}"
    if name in ("base", "root", "") or re.fullmatch(r"/.*(?:conda|mamba|forge)[0-9]?/?", name):
        return SYSTEM
    return name.rstrip("/") if name.startswith("/") else f"conda:{name}"


def active_by_variables(session: Session, get: Callable[[str], str | None]) -> str:
    """The environment that PATH, VIRTUAL_ENV or conda's variables make the active one."""
    path = get("PATH") or ""
    for part in path.split(":"):
        if unknown(part):
            break
        match = re.fullmatch(r"(/.+)/bin/?", part)
        if match is None:
            continue
        prefix = match.group(1)
        if prefix in session.installed.venvs or (get("VIRTUAL_ENV") or "").rstrip("/") == prefix:
            return prefix
        named = re.fullmatch(r".*/envs/([^/]+)", prefix)
        if named:
            return f"conda:{named.group(1)}"
    virtual = (get("VIRTUAL_ENV") or "").rstrip("/")
    if virtual and not unknown(virtual) and virtual in session.installed.venvs:
        return virtual
    name = get("CONDA_DEFAULT_ENV")
    return conda_place(name) if name and not unknown(name) else SYSTEM


def prefix_of(session: Session, prefix: str) -> str:
    """The environment whose `bin` folder lies in `prefix`."""
    match = re.fullmatch(r".*/envs/([^/]+)", prefix)
    if match:
        return f"conda:{match.group(1)}"
    return prefix if prefix in session.installed.venvs else SYSTEM
