"""Policy: the rules of a repository, kept in `.envhooks/` on the protected branch, as the types that others read.

The trust root is read by object id from the protected branch, and never from the tag that it judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from envhooks.base.dataclass import dataclass, field
from envhooks.catalog.families import Family
from envhooks.signatures.signers import KeylessSigner
from envhooks.tagname.names import TagPolicy


@dataclass(frozen=True)
class DockerfilePolicy:
    """`[dockerfile]`: which file builds a tag's image."""

    match: str = "*"
    """Glob over tag names; the first section that matches is taken."""
    path: str | None = "Dockerfile"
    """May hold fields (`docker/{framework:lower}/Dockerfile`); None: switched off."""
    context: str = "."
    target: str | None = None
    args: tuple[tuple[str, str], ...] = ()
    built_by: tuple[str, str] | None = None
    """(file of the repository that says how it is built, target or job in it or empty); both may hold fields."""

    @property
    def has_fields(self) -> bool:
        """Whether which build it is depends on the tag's name."""
        return any("{" in text for text in (self.path or "", *(self.built_by or ())))


@dataclass(frozen=True)
class ChangelogPolicy:
    """`[changelog]`."""

    path: str | None = "CHANGELOG.md"
    """None: switched off."""
    heading: str | None = None
    """A template such as `## jax {version} ({date})`, or None for any usual form."""


@dataclass(frozen=True)
class CheckSetting:
    """`[checks]`: one check's level, and the reason where it is switched off."""

    level: Literal["error", "warning", "off"]
    reason: str = ""
    options: frozenset[str] = frozenset()
    """The check's own switches that are on: `base-digest`."""


@dataclass(frozen=True)
class BuildPolicy:
    """One `[[build]]`: who builds, when, and with what."""

    name: str
    using: str
    on: Literal["client", "server", "ci"] = "client"
    remotes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """The builder's own keys."""
    image: str | None = None
    """`[image] name`: where this build would push to, and so a part of what a person allows."""


@dataclass(frozen=True)
class DeployPolicy:
    """One `[deploy.NAME]`: what may run there."""

    name: str
    stages: tuple[str, ...]
    lines: tuple[str, ...] = ()
    """Globs over framework and hardware, `PyTorch-CUDA*`; empty: every line."""
    min_age: int = 0
    """Seconds that have to have gone by since the record, or since the tag where there are no images."""
    checks: tuple[str, ...] = ()
    """Checks that have to have passed, not only not refused: one that is off or does not apply has not passed."""
    tag_signers: tuple[str, ...] = ()
    """Principals of allowed_signers; empty: every one of them."""
    record_signers: tuple[str, ...] = ()
    """Names of `[[verifier]]`; empty: every one of them."""
    ignore: tuple[str, ...] = ()
    """Globs over image names without tag and digest, which a gate leaves alone: images that are not releases."""


@dataclass(frozen=True)
class Verifier:
    """One `[[verifier]]`: whose signature on a record counts. One of `key`, `ssh` and `identity` is set."""

    name: str
    word: Literal["team", "person"]
    key: bytes = b""
    """A P-256 or Ed25519 public key as SubjectPublicKeyInfo in DER."""
    ssh: str = ""
    """The principal of lines in allowed_signers that allow the namespace `envhooks-record`."""
    identity: str = ""
    """As a sigstore certificate has it, whole."""
    issuer: str = ""
    after: float | None = None
    before: float | None = None
    """Seconds since the epoch: when a record has to have been signed, both ends included."""
    revoked: float | None = None
    """Seconds since the epoch: what was signed from then on counts for nothing; 0: nothing ever signed does."""
    reason: str = ""
    """Reason why it is revoked."""


@dataclass(frozen=True)
class RecordsPolicy:
    """`[records]`."""

    words: tuple[Literal["team", "person"], ...] = ()
    """Kinds of verifiers of which each statement needs one (`team`, `person`); empty: any verifier."""
    predicate: Literal["vsa", "svr"] = "vsa"
    """The form in which statements are written."""


@dataclass(frozen=True)
class Policy:
    """The policy, as it was read from one commit."""

    origin: str
    """Place of the policy, for people: `.envhooks/policy.toml on origin/main`, or `the defaults`."""
    branches: tuple[str, ...]
    """Branch names or globs on which tagged commits must lie; empty: the protected branch."""
    tag: TagPolicy
    dockerfiles: tuple[DockerfilePolicy, ...]
    changelog: ChangelogPolicy
    checks: Mapping[str, CheckSetting]
    image: str | None = None
    """Template of the image name; None where no image is named."""
    image_aliases: tuple[Literal["semver"], ...] = ()
    """`[image] aliases`: further image tags that a release owns as it owns its first."""
    image_tags: tuple[str, ...] = ()
    """`[image] tags`: templates of further image tags that a release owns."""
    image_stamp: bool = False
    """`[image] stamp`: whether an image carries the variables of its release."""
    builds: tuple[BuildPolicy, ...] = ()
    deploys: tuple[DeployPolicy, ...] = ()
    keyless: tuple[KeylessSigner, ...] = ()
    """`[[gitsign]]`."""
    bases: tuple[Family, ...] = ()
    """`[[base]]`: families of base images, in the words of the catalog."""
    compat: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """`[[compat.torch]]` and the like: rows that extend or override the table of published facts."""
    compat_day: str = ""
    """The day of `.envhooks/compat.toml`, `2026-11-30`; empty where there is none."""

    verifiers: tuple[Verifier, ...] = ()
    """`[[verifier]]`."""
    records: RecordsPolicy = field(default_factory=RecordsPolicy)
    yanked: Mapping[str, str] = field(default_factory=dict)
    """`[[yanked]]`: short tag name -> why the release must not be used any more."""

    def has_option(self, check: str, option: str) -> bool:
        """Whether a check's own switch is on."""
        setting = self.checks.get(check)
        return setting is not None and option in setting.options
