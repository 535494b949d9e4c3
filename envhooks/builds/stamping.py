"""The stamp of an image where an engine cannot give it by itself: the lines that a Dockerfile has to have."""

from __future__ import annotations

import re
from pathlib import Path

from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.base.stamps import RUN_CONTEXT, STAMPS
from envhooks.builds.types import Plan

VARIABLES = (*STAMPS, RUN_CONTEXT)


def missing_lines(dockerfile: str) -> tuple[str, ...]:
    """The ARG and ENV lines that a Dockerfile lacks, by name; empty where it takes the whole stamp."""
    text = re.sub(r"\\\r?\n", " ", dockerfile)
    lines = []
    for name in VARIABLES:
        has_arg = re.search(rf"(?im)^[ \t]*ARG[ \t].*\b{name}\b", text)
        has_env = re.search(rf"(?im)^[ \t]*ENV[ \t].*\b{name}=", text)
        if not (has_arg and has_env):
            lines += [f"ARG {name}", f"ENV {name}=${name}"]
    return tuple(lines)


def refuse_unstamped(file: Path, plan: Plan) -> None:
    """Refuse to build an image by docker that would not carry the stamp.

    Raises:
        PolicyError: the Dockerfile does not take it.
    """
    lines = missing_lines(file.read_text(encoding="utf-8", errors="replace"))
    if lines:
        raise PolicyError(
            f"`stamp = true`, and docker puts nothing into an image that {printable(plan.dockerfile)} does not take",
            place=plan.dockerfile,
            fix="put these lines behind its last FROM:\n" + "\n".join(lines),
        )
