"""Records as types: who says that a tag passed, and which image is of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from envhooks.base.dataclass import dataclass, field

State = Literal["proved", "contradicted", "none"]
EXIT_CODES: Mapping[State, int] = {"proved": 0, "contradicted": 1, "none": 2}


@dataclass(frozen=True)
class Signer:
    """Signer of a statement: an entry of `[[verifier]]` in the policy."""

    name: str
    word: Literal["team", "person"]
    """`team`: a CI's or a server's key; `person`: somebody's own."""
    key: str
    """SHA-256 of the public key in hexadecimal, `SHA256:...` of an SSH key, or an identity."""


@dataclass(frozen=True)
class Base:
    """A base image that the build started from."""

    name: str
    """As the Dockerfile has it: `nvidia/cuda:12.8.1-devel-ubuntu24.04`."""
    digest: str
    """`sha256:...`; empty where it is not known."""


@dataclass(frozen=True)
class TagRecord:
    """The statement that a tag passed."""

    signer: Signer
    time: datetime
    """Time at which it passed, by the signer's clock; in UTC."""
    tag: str
    """The tag's short name."""
    object: str
    """Object id of the tag."""
    sha256: str
    """SHA-256 of the tag object's raw bytes, hexadecimal."""
    commit: str
    checks: tuple[str, ...]
    """The checks that passed."""
    policy_digest: str
    """Object id of the tree `.envhooks` that judged; empty on the first day, when there was none."""
    tag_signer: str
    """The principal that had signed the tag, by the policy of then."""
    version: str
    """envhooks' own."""


@dataclass(frozen=True)
class ImageRecord:
    """The statement that an image is of a tag."""

    signer: Signer
    time: datetime
    """Time of the statement, by the signer's clock; in UTC."""
    name: str
    """The image's name without a tag: `registry.example.com/team/pytorch-cuda`."""
    references: tuple[str, ...]
    """The full references under which it was published then, the tag's own first."""
    digest: str
    """`sha256:...` of the index, or of the manifest where there is only one platform."""
    platforms: Mapping[str, str]
    """Platform (`linux/amd64`) -> `sha256:...` of its manifest; empty where it was not asked."""
    builder: str
    """The builder's name; `by hand` where a person recorded it."""
    verified: str
    """Method by which the content of the image was compared with the tag; empty where it was not."""
    bases: tuple[Base, ...]
    holds: Mapping[str, str]
    """Distribution -> version, and `python`, `cuda` and the like: what the image was found to hold."""
    policy_digest: str
    """Object id of the tree `.envhooks` that judged its tag."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Build arguments."""
    epoch: int | None = None
    """SOURCE_DATE_EPOCH of the build."""
    version: str = ""
    """envhooks' own."""

    @property
    def reference(self) -> str:
        """Reference to pull by: `registry.example.com/team/pytorch-cuda@sha256:...`."""
        return f"{self.name}@{self.digest}"

    @property
    def digests(self) -> frozenset[str]:
        """Digests of the index and of each platform."""
        return frozenset((self.digest, *self.platforms.values()))

    def is_same(self, other: ImageRecord) -> bool:
        """Whether two records mean one image: of one digest, or the one a platform of the other.

        Two indexes that share a platform are two images.
        """
        return self.digest in other.digests or other.digest in self.digests


@dataclass(frozen=True)
class Records:
    """All that the notes of one tag prove, and contradictions to it."""

    tag: str
    """The tag's short name."""
    object: str
    """Object id of the tag, as it stands in this repository."""
    state: State
    """`proved`: the tag passed, and where the policy names an image, one is known; `contradicted`: what there is was
    changed, belongs to something else, or is signed by no signer whom the policy allows; `none`: there is nothing, or
    not enough."""
    passed: tuple[TagRecord, ...] = ()
    """Proved statements that the tag passed, the newest first."""
    images: tuple[ImageRecord, ...] = ()
    """Proved statements of images by those whose word the policy asks for, the newest first."""
    claimed: tuple[ImageRecord, ...] = ()
    """Proved statements of images, whosever word they are, the newest first."""
    faults: tuple[str, ...] = ()
    """Reason why it is contradicted, a sentence each."""
    notes: tuple[str, ...] = ()
    """Remarks for the person: missing statements, and statements that were passed over."""
    unread: str = ""
    """Reason why the note could not be read, which anybody who may write notes can bring about; empty else."""
    yanked: str = ""
    """The reason why the release must not be used any more; empty where it may. It leaves `state` as it is."""

    @property
    def exit_code(self) -> int:
        """0 proved, 1 contradicted, 2 none."""
        return EXIT_CODES[self.state]

    @property
    def is_proved(self) -> bool:
        """Whether the record is proved; a yanked release is proved all the same."""
        return self.state == "proved"

    @property
    def image(self) -> ImageRecord | None:
        """The newest image; None where none is proved."""
        return self.images[0] if self.images else None

    @property
    def commit(self) -> str:
        """The tagged commit; empty where nothing is proved."""
        return self.passed[0].commit if self.passed else ""
