"""One file = one builder: the file's name is what a policy calls it by (`using = "command"`)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from envhooks.base.errors import PolicyError
from envhooks.base.folders import module_names
from envhooks.base.hygiene import printable

if TYPE_CHECKING:
    from envhooks.builds.types import Builder


def names() -> tuple[str, ...]:
    """The builders that there are."""
    return module_names(__path__)


def load(using: str) -> Builder:
    """The builder of this name.

    Raises:
        PolicyError: there is none.
    """
    known = names()
    if using not in known:
        raise PolicyError(f"there is no builder `{printable(using, 60)}`; known: {', '.join(known)}")
    return cast("Builder", importlib.import_module(f"{__name__}.{using}"))
