"""Drafts of Subjects, and what a shallow clone cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from envhooks.base.dataclass import dataclass, field
from envhooks.base.refs import TAGS, RefUpdate
from envhooks.judge.facts import Unknown
from envhooks.tagname.names import Naming, TagName

if TYPE_CHECKING:
    from envhooks.signatures.payload import Payload

Fact = object


K = TypeVar("K")


SHALLOW = Unknown(
    "this clone is shallow, so nothing in it tells what the remote has (envhooks check --fetch asks the remote)",
    "git fetch --unshallow --tags --force",
)


@dataclass
class Draft:
    """A Subject in the making."""

    update: RefUpdate
    naming: Naming
    facts: dict[str, Fact] = field(default_factory=dict)
    payload: Payload | None = None
    """The tag object's parts; None for a lightweight or malformed tag."""

    @property
    def tag(self) -> str:
        """The name after `refs/tags/`."""
        return self.update.ref[len(TAGS) :]

    @property
    def oid(self) -> str:
        """The object to look at: the new one, or the old one of a tag that is deleted."""
        oid = self.update.new or self.update.old
        assert oid is not None, "an update of nothing to nothing is no update"
        return oid


def grouped(names: Iterable[TagName], key: Callable[[TagName], K]) -> dict[K, list[TagName]]:
    """Names by their key, in their order."""
    groups: dict[K, list[TagName]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups
