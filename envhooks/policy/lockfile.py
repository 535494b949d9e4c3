"""`.envhooks/tags.lock`: the ledger of published tags, kept on the protected branch."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError

FILE = ".envhooks/tags.lock"
LEGACY = "legacy"
_LINE = r"(refs/tags/[^\s]+) ([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{64}) ([!-~]+)((?: [ -~]*)?)"


@dataclass(frozen=True)
class LockedTag:
    """One line of tags.lock."""

    ref: str
    oid: str
    sha256: str
    """SHA-256 of the tag object's raw bytes: holds where SHA-1 no longer does."""
    signer: str
    """The principal that signed it, or `legacy`: a tag older than the policy, admitted by name."""
    reason: str = ""
    """Why a legacy tag was admitted."""

    @property
    def is_legacy(self) -> bool:
        """Whether it was admitted by name, and not by a signature."""
        return self.signer == LEGACY

    def __str__(self) -> str:
        return f"{self.ref} {self.oid} {self.sha256} {self.signer}" + (
            f" {self.reason}" if self.reason else ""
        )


def parse_lock(data: bytes, origin: str, oid_length: int | None = None) -> Mapping[str, LockedTag]:
    """Ref -> its line. `origin` names the file in messages; `oid_length` is 40 or 64 hexadecimal digits, if known.

    Raises:
        PolicyError: a line that cannot be read, or a ref that stands twice. A tag that is silently
            not locked could be moved, so nothing is passed over.
    """
    locked: dict[str, LockedTag] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(_LINE, line)
        if match is None or len(match[2]) != (oid_length or len(match[2])):
            raise PolicyError(
                "not a line of tags.lock: ref, tag object id, SHA-256 and signer are expected",
                place=f"{origin}:{number}",
                fix=f"git log -p -- {FILE}",
            )
        if match[4] == LEGACY and not match[5].strip():
            raise PolicyError("a legacy tag stands in tags.lock without a reason", place=f"{origin}:{number}")
        tag = LockedTag(match[1], match[2], match[3], match[4], match[5].strip())
        if tag.ref in locked:
            raise PolicyError(
                "a tag stands twice in tags.lock", place=f"{origin}:{number}", fix="remove one of the lines"
            )
        locked[tag.ref] = tag
    return locked
