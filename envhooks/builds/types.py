"""Types that the plan, the watcher and the builders share; frozen, without handles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO

from envhooks.base.dataclass import dataclass, field


@dataclass(frozen=True)
class Expected:
    """Requirements that the tag sets for the image; `verify_image.expected(name, policy.tag)` derives them."""

    packages: tuple[str, ...]
    """The distributions that may carry the framework, most usual first; empty: the tag names no framework."""
    version: str
    """As the tag writes it: `2.8` stands for any 2.8.x; empty where the tag names none."""
    is_stable: bool
    """A stable tag's image carries no release candidate of the framework."""
    hardware: str | None = None
    """`CUDA`, `ROCm`, `CPU`, ...; None where the tag names none."""
    hardware_version: str | None = None


@dataclass(frozen=True)
class Plan:
    """One build of one tag, complete in every value."""

    tag: str
    """The git tag's short name."""
    ref: str
    """`refs/tags/<tag>`."""
    tag_object: str
    """Object id of the annotated tag."""
    commit: str
    """Object id of the commit that it names."""
    build: str
    """The build section's name (`BuildPolicy.name`)."""
    using: str
    """The builder: the name of a file in `envhooks/builds/builders/`."""
    images: tuple[str, ...]
    """Full references that the builder gives: the tag's own; with the aliases only where nobody asks the registry."""
    image: str
    """The image's name without a tag; empty where the policy names none."""
    own: str
    """The tag's own reference; empty where the policy names no image."""
    dockerfile: str
    """Path in the commit's tree."""
    target: str | None
    """The stage to build; None for the last one."""
    args: tuple[tuple[str, str], ...]
    """Build arguments."""
    labels: tuple[tuple[str, str], ...]
    """`org.opencontainers.image.*` and our own (`envhooks.*`), sorted."""
    annotations: tuple[tuple[str, str], ...]
    """The same for the manifest, where the engine can."""
    epoch: int
    """SOURCE_DATE_EPOCH: the commit's date, seconds since the epoch."""
    remote_url: str
    """Redacted: no password, no token."""
    key: str
    """Idempotency key: SHA-256, hexadecimal, of redacted URL, ref, tag object and build name."""
    context: str = "."
    """The folder in the tree that is the build context."""
    notes: tuple[str, ...] = ()
    """For people: an alias that was left out, and why."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The builder's own keys, as the policy states them."""
    expected: Expected | None = None
    """Requirements for the built image; None: the local builder refuses to call it checked."""
    also: tuple[str, ...] = ()
    """Further full references that the release owns as it owns the first: they never move."""
    stamp: tuple[tuple[str, str], ...] = ()
    """Environment variables that the image carries; empty where the policy asks for none."""
    aliases: tuple[str, ...] = ()
    """Full references that it would move besides, by the remote's tags when it was planned; decided again then."""
    moves_aliases: bool = True
    """Whether it may have aliases at all (`aliases = false`: it has not)."""
    is_witnessed: bool = True
    """Whether the registry is asked before a name is given, and gives the aliases (`registry = false`: it is not)."""
    is_anew: bool = False
    """Whether no layer of an earlier build may be taken: it is built to be compared."""


@dataclass(frozen=True)
class Result:
    """Result of a build, or of handing it over to a service."""

    status: Literal["done", "built", "failed", "started", "gone"]
    """`built`: there is an image that has no name yet; `started`: a service has taken it over and will not report
    again; `gone`: the remote holds the tag no more, so nothing was named."""
    digest: str | None
    """`sha256:...` of the image, where it is known; of one that is built, where the registry has it already."""
    run_url: str | None
    """Address of the run on the service."""
    message: str
    """One sentence for people; for a failure, which step."""
    log: str | None
    """Path of the log, where the builder wrote one of its own."""
    is_final: bool = False
    """A failure that trying again would only repeat: an image that is not what its tag says."""
    verified: str = ""
    """Method by which the content was compared with the tag, for the record; empty where it was not."""
    holds: Mapping[str, str] = field(default_factory=dict)
    """Distribution -> version, and `python`, `cuda`: what the image was found to hold."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Base image as the Dockerfile names it -> `sha256:...` of what the engine took under that name."""
    may_help: bool = True
    """Whether another attempt in the same minutes may end otherwise."""
    layout: Path | None = None
    """The OCI layout that holds an image that is built and not pushed."""
    after: float = 0.0
    """Seconds that the service asked to wait (`Retry-After`)."""


def _keep_nothing(**_found: str) -> None:
    pass


@dataclass(frozen=True)
class Job:
    """State that earlier attempts left for this one, and the ways to leave some for later ones."""

    kept: Path | None = None
    """A folder that outlives the attempt."""
    request: str = ""
    """Id of the run that a service started in an earlier attempt."""
    keep: Callable[..., None] = _keep_nothing
    """Writes into the ledger: `step`, `digest`, `request`, `run_url`."""
    is_wanted: Callable[[], bool] = lambda: True
    """False once a person cancelled it."""


ALONE = Job()
"""An attempt without a ledger."""


class Builder(Protocol):
    """Interface of a module in `builders/`: functions of the module, not a class."""

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse what this builder's section may not say.

        Raises:
            PolicyError: a key that is unknown, missing, or of the wrong kind.
        """

    def describe(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Commands, addresses and the token that is sent: the lines that a person reads before allowing it."""

    def commands(self, plan: Plan, context: Path) -> tuple[str, ...]:
        """Lines of `--dry-run`: exactly the commands or requests that would be made, secrets as `$NAME`."""

    def build(
        self, plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE
    ) -> Result:
        """Build from `context`, the top of the written-out tree; progress goes to `log`.

        `plan.context` and `plan.dockerfile` are relative to it. A failure is a Result, not an exception.
        """
