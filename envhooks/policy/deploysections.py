"""Sections of the policy about deploying: `[deploy.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Collection

from envhooks.base.hygiene import printable
from envhooks.policy import DeployPolicy
from envhooks.policy.values import Value, identifier, stages_of

_KEYS = ("stages", "lines", "min-age", "checks", "tag-signers", "record-signers", "ignore")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def deploys(value: Value, stages: Collection[str], ids: Collection[str] | None) -> tuple[DeployPolicy, ...]:
    """`[deploy.NAME]`; `ids` are the checks that there are, or None to take any."""
    return tuple(_deploy(name, item, stages, ids) for name, item in value.table().items())


def _deploy(name: str, item: Value, stages: Collection[str], ids: Collection[str] | None) -> DeployPolicy:
    keys = item.table(_KEYS) if isinstance(item.raw, dict) else {}
    if "stages" not in keys:
        section = printable(name, 60) if isinstance(item.raw, dict) else "production"
        item.refuse(
            f"`{item.name}` does not say which stages may run there",
            f'[deploy.{section}]\nstages = ["stable"]',
        )
    checks = keys["checks"].texts() if "checks" in keys else ()
    for check in checks:
        if ids is not None:
            check.choice(sorted(ids))
    return DeployPolicy(
        identifier(item, name),
        stages_of(keys["stages"], stages),
        lines=_texts(keys, "lines"),
        min_age=_seconds(keys["min-age"]) if "min-age" in keys else 0,
        checks=tuple(check.text() for check in checks),
        tag_signers=_texts(keys, "tag-signers"),
        record_signers=_texts(keys, "record-signers"),
        ignore=_texts(keys, "ignore"),
    )


def _texts(keys: dict[str, Value], name: str) -> tuple[str, ...]:
    return tuple(one.text() for one in keys[name].texts()) if name in keys else ()


def _seconds(value: Value) -> int:
    """`7d`, `12h`, `30m` -> seconds."""
    text = value.text()
    match = re.fullmatch(r"(?a)([1-9][0-9]{0,3})([mhdw])", text)
    if match is None:
        value.refuse(f"`{value.name}` is no length of time: {printable(text, 40)}", 'min-age = "7d"')
    return int(match[1]) * _SECONDS[match[2]]
