"""Registry of checks: one file each in the folder `envhooks/checks`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.refs import Change
from envhooks.base.registry import module_names
from envhooks.judge.facts import Subject
from envhooks.judge.findings import Finding
from envhooks.policy.types import Policy

_PACKAGE = "envhooks.checks"
"""Imported by name, as a plugin is: a check imports the facts and findings of this package."""
_UNLESS_DELETED = (Change.CREATED, Change.MOVED, Change.STANDING)


@dataclass(frozen=True)
class Check:
    """A check as the engine sees it."""

    id: str
    """The file's name with hyphens."""
    summary: str
    """A sentence without a full stop, `Refuses a tag that ...`: the first line of the docstring."""
    page: str
    """Why it matters and how to put it right: the rest of it."""
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    may_read: tuple[str, ...]
    level: Literal["error", "warning"]
    changes: tuple[Change, ...]
    judge: Callable[[Subject, Policy], Iterator[Finding]]
    not_applicable: Callable[[Subject, Policy], str]
    admitted: bool = False
    """Whether it judges tags that tags.lock admits (`Subject.admitted`), too."""


def ids() -> frozenset[str]:
    """The ids of all checks, told by the folder without importing one."""
    return frozenset(
        name.replace("_", "-") for name in module_names(importlib.import_module(_PACKAGE).__path__)
    )


def load() -> tuple[Check, ...]:
    """All checks, by id.

    Raises:
        ImportError, AttributeError: a check that is broken. The caller must refuse to judge: a gate
            that quietly lost a check is open.
    """
    return tuple(_read(importlib.import_module(f"{_PACKAGE}.{id.replace('-', '_')}")) for id in sorted(ids()))


def _read(module: ModuleType) -> Check:
    summary, _, page = (module.__doc__ or "").strip().partition("\n")
    return Check(
        id=module.__name__.rpartition(".")[2].replace("_", "-"),
        summary=summary,
        page=page.strip(),
        needs=tuple(module.NEEDS),
        reads=tuple(module.READS),
        may_read=tuple(getattr(module, "MAY_READ", ())),
        level=getattr(module, "LEVEL", "error"),
        changes=tuple(getattr(module, "CHANGES", _UNLESS_DELETED)),
        judge=module.check,
        not_applicable=getattr(module, "not_applicable", lambda subject, policy: ""),
        admitted=getattr(module, "ADMITTED", False),
    )
