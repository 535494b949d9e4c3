"""Spelling of the envhooks command where it runs: by its name where PATH has it, else by its interpreter.

pre-commit and prek keep it in environments of their own, which no shell looks into: `fix: envhooks ...` would be
"command not found" there.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from envhooks.base.folders import find_program

_VERBS = (
    "build|builds|changelog|check|compat|completion|demo|diff|doctor|driver|env|explain|gate|init|install|lineage|lint|list"
    "|lock|propose|record|records|reproduce|rollback|show|signers|site|tag|uninstall|verify|version"
)
_CALL = rf"(?<![\w/.~-])envhooks (?=(?:{_VERBS})\b)"


def spelled(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Text for the person at this machine, with each call of envhooks as it works in their shell."""
    if "envhooks " not in text or re.search(_CALL, text) is None:
        return text
    call = own_call(environ)
    return text if call == "envhooks" else re.sub(_CALL, lambda match: f"{call} ", text)


def own_call(environ: Mapping[str, str] = os.environ) -> str:
    """`envhooks`, or the interpreter with `-m envhooks`; in words of a POSIX shell."""
    path = environ.get("PATH", "")
    if environ.get("PRE_COMMIT") or environ.get("VIRTUAL_ENV") == sys.prefix:
        # a runner puts the environment of its hook in front for as long as the hook runs, and no longer
        inside = str(Path(sys.executable).parent.resolve())
        path = os.pathsep.join(one for one in path.split(os.pathsep) if os.path.realpath(one) != inside)
        if not environ.get("PRE_COMMIT") and find_program("envhooks", environ):
            return "envhooks"  # a virtual environment that the person has activated
    if find_program("envhooks", {**environ, "PATH": path}):
        return "envhooks"
    home = environ.get("HOME", "")
    shown = shlex.quote(sys.executable)
    if home and shown == sys.executable and sys.executable.startswith(f"{home}/"):
        shown = f"~{sys.executable[len(home) :]}"
    # -I: without it Python would import from the folder that the person stands in
    isolated = " -I" if sys.flags.isolated or sys.prefix != sys.base_prefix else ""
    return f"{shown}{isolated} -m envhooks"
