"""The checks: one file each, found by the folder.

A check is a module with a docstring (the first line is its row in every table, the rest its page) and

- `check(subject, policy)`, which yields Findings and opens nothing;
- `READS`, the facts that it looks at: names of properties of `Subject`;
- `NEEDS`, the checks that must have passed first: order, and silence about what follows from their fault;
- optionally `MAY_READ`, facts that it can do without; `LEVEL`, its level unless the policy says otherwise;
  `CHANGES`, the changes of a ref that it judges; `ADMITTED`, whether it judges tags that tags.lock
  admits as older than the policy, too; `not_applicable(subject, policy)`, which answers with the reason
  or nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Literal

from envhooks.model import Change, Finding, Policy, Subject
from envhooks.records import dataclass
from envhooks.registry import module_names

_UNLESS_DELETED = (Change.CREATED, Change.MOVED, Change.STANDING)


@dataclass(frozen=True)
class Check:
    """A check as the engine sees it."""

    id: str
    """The file's name with hyphens."""
    summary: str
    """What is refused: the first line of the docstring."""
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
    return frozenset(name.replace("_", "-") for name in module_names(__path__))


def load() -> tuple[Check, ...]:
    """All checks, by id.

    Raises:
        ImportError, AttributeError: a check that is broken. The caller must refuse to judge: a gate
            that quietly lost a check is open.
    """
    return tuple(_read(importlib.import_module(f"{__name__}.{id.replace('-', '_')}")) for id in sorted(ids()))


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
