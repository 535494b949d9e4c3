"""Every type that crosses a module's border, all frozen, none with a handle.

Object ids are lower-case hexadecimal, 40 digits in a SHA-1 repository and 64 in a SHA-256 one.
Ref names are full (`refs/tags/NAME`); a *tag* is the part after `refs/tags/`. Paths are relative
to the top of the tree, with `/`. Lines count from 1. Text taken from a repository is kept as it
was found: escaping is the printer's business (`envhooks.hygiene`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from envhooks.hygiene import printable
from envhooks.records import dataclass, field

if TYPE_CHECKING:
    from packaging.version import Version

Level = Literal["error", "warning", "note"]
T = TypeVar("T")

TAGS = "refs/tags/"
HEADS = "refs/heads/"


Step = Callable[[str, int, int], None]
"""Told how far a run is: what is being done, how many are done, and how many there are."""


def no_step(what: str, done: int, total: int) -> None:
    """The `Step` of a run that nobody watches."""


class Door(enum.Enum):
    """Where a tag is judged; the value is the name that people know it by."""

    TAG = "git tag"
    PUSH = "git push"
    RECEIVE = "pre-receive"
    CHECK = "envhooks check"


class Change(enum.Enum):
    """What happens to a ref. `STANDING`: nothing does, it is looked at where it is."""

    CREATED = "created"
    MOVED = "moved"
    DELETED = "deleted"
    STANDING = "standing"


@dataclass(frozen=True)
class RefUpdate:
    """One line of a door: a ref, and the object it named and is going to name."""

    ref: str
    """Full ref name on the side that takes the update."""
    old: str | None
    """Object id before; None where the ref did not exist."""
    new: str | None
    """Object id after; None where the ref is deleted."""
    symref: str = ""
    """The ref that this one only points to, where it is a symbolic one and stands."""

    @property
    def change(self) -> Change:
        """What this update does, told by its two object ids."""
        if self.new is None:
            return Change.DELETED
        if self.old is None:
            return Change.CREATED
        return Change.STANDING if self.old == self.new else Change.MOVED


# ---------------------------------------------------------------------------------------- facts


@dataclass(frozen=True)
class Unknown:
    """A fact that could not be established. A check that reads it is *could not judge*."""

    why: str
    fix: str = ""


@dataclass(frozen=True)
class Inapplicable:
    """A fact that this tag does not have. A check that reads it is *not applicable*."""

    why: str


@dataclass(frozen=True)
class TagName:
    """A tag name that the grammar read. Fields that its template lacks are None or empty."""

    text: str
    """The whole name, as in `refs/tags/<text>`."""
    framework: str | None = None
    """Canonical framework name, a key of the policy's table: `PyTorch`."""
    hardware: str | None = None
    """Canonical hardware name without its version: `CUDA`."""
    hardware_version: str | None = None
    """Version written behind the hardware: `12.8`; None where the name carries none."""
    version: tuple[int, ...] = ()
    """Two to four numbers as written: `v2.8` is (2, 8), `v2.8.0` is (2, 8, 0)."""
    stage: str = "stable"
    """`alpha`, `beta`, `rc`, `stable` or `post`."""
    stage_number: int = 0
    """The number behind the stage; 0 for `stable`."""
    extra: tuple[tuple[str, str], ...] = ()
    """Other fields of the template with their text: (("python", "3.12"),)."""

    @property
    def version_text(self) -> str:
        """The version's numbers as the tag writes them: `2.8`."""
        return ".".join(map(str, self.version))

    @property
    def stage_text(self) -> str:
        """`rc1`, `post2`, or nothing for a stable release."""
        return "" if self.stage == "stable" else f"{self.stage}{self.stage_number}"

    @property
    def is_stable(self) -> bool:
        """Whether this is a release for everyone: no stage, or a rebuild (`post`)."""
        return self.stage in ("stable", "post")

    @property
    def line(self) -> tuple[str, str]:
        """(framework, hardware with its version): what `latest` and rollback go by."""
        return (self.framework or "", (self.hardware or "") + (self.hardware_version or ""))

    @property
    def series(self) -> tuple[str, str, tuple[int, ...]]:
        """The line and X.Y: what the `X.Y` image alias and tag-order go by."""
        return (*self.line, self.version[:2])

    @cached_property
    def order(self) -> Version:
        """The PEP 440 version of version and stage; `packaging` orders it."""
        from packaging.version import Version  # 10 ms: only where versions are compared

        short = {"alpha": "a", "beta": "b", "rc": "rc", "post": ".post", "stable": ""}
        number = "" if self.stage == "stable" else str(self.stage_number)
        return Version(self.version_text + short[self.stage] + number)


@dataclass(frozen=True)
class Naming:
    """What the grammar makes of a tag's name: either a TagName, or why not."""

    name: TagName | None
    faults: tuple[str, ...] = ()
    """One sentence for each broken rule; empty exactly where `name` is set."""
    suggestion: str = ""
    """The nearest canonical name, or nothing where none is near."""


@dataclass(frozen=True)
class Annotation:
    """What an annotated tag's object says, before anything in it is believed."""

    name: str
    """The `tag` header: the name that was signed, which need not be the ref's."""
    target: str
    """Object id that the tag points at."""
    target_type: str
    """`commit`, `tree`, `blob` or `tag`, as the header says."""
    tagger: str
    """Name and e-mail as written: a claim that decides nothing."""
    date: int
    """Seconds since the epoch as written: a claim that decides nothing."""
    message: str
    """The message without the signature block; undecodable bytes are surrogates."""
    signed: bool
    """Whether there is anything that looks like a signature block."""


@dataclass(frozen=True)
class TagObject:
    """The object that a tag ref names."""

    oid: str
    type: str
    """`tag` for an annotated tag; a lightweight one names a `commit`, `tree` or `blob`."""
    annotation: Annotation | None = None
    """None for a lightweight tag, and for an object that is malformed (`fault`)."""
    fault: str = ""
    """Why the tag object cannot be read as one that git would write; else empty."""


@dataclass(frozen=True)
class Ancestry:
    """Whether the tagged commit lies on a protected branch, and which branches were asked."""

    commit: str
    on_main: bool
    branches: tuple[str, ...]
    """The refs that were asked, as a person would name them: `origin/main`."""


LISTED = "tags.lock lists it"
"""`Publication.how` of a tag that only the ledger is known to hold."""


@dataclass(frozen=True)
class Publication:
    """Whether the remote has the tag, and how that is known."""

    published: bool
    how: str = ""
    """`the remote has it`, `tags.lock lists it`, ...; empty where it is not published."""
    locked_oid: str | None = None
    """The tag object that tags.lock lists for it: then it is there for ever."""
    locked_sha256: str = ""
    """The SHA-256 that tags.lock lists for that object's bytes."""
    sha256: str = ""
    """The SHA-256 of the bytes that stand under that id here; empty where the ref names another object."""
    locked_by: str = ""
    """Who signed it by tags.lock; empty where it lists the tag as legacy."""
    legacy: str = ""
    """Why tags.lock admits it as a tag older than the policy; empty where it does not."""
    ignored: bool = False
    """Whether the policy leaves its name alone; tags.lock holds it all the same."""

    @property
    def locked(self) -> bool:
        """Whether tags.lock lists it."""
        return self.locked_oid is not None


VerdictStatus = Literal["good", "bad", "unsigned", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What the signature on a tag is worth now, under the signers that the law allows."""

    status: VerdictStatus
    why: str = ""
    """One sentence; empty for `good`."""
    scheme: str = ""
    """`openpgp`, `ssh`, `x509`, or nothing for an unsigned tag."""
    key: str = ""
    """OpenPGP primary fingerprint (40 or 64 upper-case digits), or `SHA256:...` of an SSH key."""
    signer: str = ""
    """The principal that allowed_signers gives this key."""
    got: str = ""
    expected: str = ""
    fix: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where something stands at the tagged commit."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True)
class BaseImage:
    """The image that the product stage is finally built from."""

    image: str
    """Name without tag and digest: `nvidia/cuda`; `scratch` for an empty base."""
    tag: str | None
    digest: str | None
    """`sha256:...` where the reference carries one."""
    place: Place


@dataclass(frozen=True)
class Package:
    """One package that the product stage installs, with what is known of its version."""

    name: str
    """Normalised by PEP 503: `torch`, `jax-cuda12-plugin`; conda's `pytorch` stays `pytorch`."""
    version: str | None
    """The public version where `exact`: `2.8.0`; else None."""
    local: str | None
    """The local version: `cu118` of `2.8.0+cu118`."""
    exact: bool
    specifier: str
    """As it stands: `==2.8.0+cu118`, `>=1`, or empty."""
    how: str
    """`pip`, `uv`, `conda`, `base`, `lock`, `requirements`, ..."""
    place: Place
    index: str = ""
    """The index URL that is in force for this install, where one is named."""


@dataclass(frozen=True)
class Hardware:
    """What accelerator the environment is made for, by one piece of evidence."""

    kind: str
    """`CUDA`, `ROCm`, `CPU`, `XPU`, `TPU`, `HPU`, `NPU`."""
    version: str | None
    source: str
    """`base` (the base image) or `wheel` (a local version or an index)."""
    place: Place


@dataclass(frozen=True)
class Unpinned:
    """Something that is installed without an exact version."""

    name: str
    kind: str
    """`base`, `python` (a Python or conda package), `system` (apt and others), `installer` (pip itself)."""
    text: str
    """As it stands in the file: `flash-attn>=2.0`."""
    why: str
    place: Place
    swallowed: bool = False
    """Whether the shell takes the pin for a redirect: `pip install pkg>=1` unquoted."""


@dataclass(frozen=True)
class CannotTell:
    """A point where the files do not say enough for an exact answer; nothing is guessed."""

    what: str
    """Package name, `base`, `python` or `hardware`."""
    why: str
    place: Place


@dataclass(frozen=True)
class Hint:
    """A variable whose name claims a framework's version; what is installed is another matter."""

    package: str
    """`torch`, `tensorflow` or `jax`."""
    variable: str
    version: str
    place: Place


@dataclass(frozen=True)
class Environment:
    """What a Dockerfile at one commit would build, as far as its files say."""

    path: str
    """The Dockerfile's path."""
    target: str
    """The product stage's name, or its number as text where it has none."""
    base: BaseImage | None
    python: str | None
    """`3.12` or longer, where it is stated."""
    packages: tuple[Package, ...] = ()
    hardware: tuple[Hardware, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    cannot_tell: tuple[CannotTell, ...] = ()
    hints: tuple[Hint, ...] = ()

    def find(self, *names: str) -> tuple[Package, ...]:
        """The packages with any of these names, in the order in which they are installed."""
        return tuple(p for p in self.packages if p.name in names)


@dataclass(frozen=True)
class CompatFault:
    """Two things in one environment that do not go together, by a published fact."""

    rule: Literal["companion", "variant", "python", "image", "image-cuda", "runtime", "unknown"]
    """Which kind of fact it is: the check words its sentence by it."""
    level: Level
    one: str
    """What stands there: `torchvision 0.19.0`."""
    other: str
    """What it does not go with: `torch 2.8.0`; empty where it is wrong by itself."""
    expected: str
    """What would go."""
    reason: str
    """The published fact, in one sentence without a final full stop."""
    place: Place
    fix: str = ""


@dataclass(frozen=True)
class ChangelogEntry:
    """One entry of a changelog."""

    heading: str
    """The heading's text without its marks: `[2.8.0-rc1] - 2026-05-01`."""
    line: int
    date: str | None
    """As written; None where the heading carries no date."""
    body: str
    """Everything below the heading up to the next entry."""
    sections: tuple[str, ...] = ()
    """Titles of the headings inside the entry."""


@dataclass(frozen=True)
class Changelog:
    """The changelog at the tagged commit, and its entry for the tag."""

    path: str
    exists: bool
    entry: ChangelogEntry | None = None
    headings: tuple[str, ...] = ()
    """The headings that are there, newest first, for a message that says what was found."""


def versions_agree(one: str, other: str) -> bool:
    """Whether two versions are equal as far as both go: `12.8` agrees with `12.8.1`, not with `12.9`."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return all((a.lstrip("0") or "0") == (b.lstrip("0") or "0") for a, b in pairs)


# --------------------------------------------------------------------------------------- policy


@dataclass(frozen=True)
class TagPolicy:
    """`[tag]`: which names are release tags."""

    templates: tuple[str, ...]
    frameworks: Mapping[str, tuple[str, ...]]
    """Canonical name -> the packages that carry it, most usual first."""
    hardware: tuple[str, ...]
    stages: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Lower-case spelling -> canonical framework or hardware name, for suggestions: `pt`."""


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


@dataclass(frozen=True)
class KeylessSigner:
    """`[[gitsign]]`: somebody, or a workflow, who signs with a certificate for an identity instead of a key."""

    identity: str
    """As the certificate has it, whole: an address, or a workflow's URL."""
    issuer: str
    """The URL of the OpenID Connect issuer that vouched for the identity."""

    def __str__(self) -> str:
        return f"{self.identity} ({self.issuer})"


@dataclass(frozen=True)
class Policy:
    """The law, as it was read from one commit."""

    origin: str
    """Where it stands, for people: `.envhooks/policy.toml on origin/main`, or `the defaults`."""
    branches: tuple[str, ...]
    """Branch names or globs on which tagged commits must lie; empty: the law's branch."""
    tag: TagPolicy
    dockerfiles: tuple[DockerfilePolicy, ...]
    changelog: ChangelogPolicy
    checks: Mapping[str, CheckSetting]
    image: str | None = None
    """Template of the image name; None where no image is named."""
    builds: tuple[BuildPolicy, ...] = ()
    deploys: tuple[DeployPolicy, ...] = ()
    keyless: tuple[KeylessSigner, ...] = ()
    """`[[gitsign]]`."""
    compat: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """`[[compat.torch]]` and the like: rows that extend or override the table of published facts."""

    def has_option(self, check: str, option: str) -> bool:
        """Whether a check's own switch is on."""
        setting = self.checks.get(check)
        return setting is not None and option in setting.options


# ------------------------------------------------------------------------------------- subjects


@dataclass(frozen=True)
class Subject:
    """One tag as it is judged: what happens to it, and the facts that the checks asked for.

    A fact is read through its property. Reading one that was not collected is a fault of the
    check (it is missing in its `READS`) and raises LookupError, which the engine reports as
    *could not judge*.
    """

    update: RefUpdate
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Fact name -> value, Unknown or Inapplicable."""

    @property
    def tag(self) -> str:
        """The name after `refs/tags/`, whatever it is made of."""
        return self.update.ref[len(TAGS) :]

    @property
    def shell_word(self) -> str:
        """The tag's name as one word of a shell command: `$(...)` and `;` are legal in a ref name."""
        import shlex  # 2 ms, and only a refusal needs it

        return shlex.quote(printable(self.tag))

    @property
    def change(self) -> Change:
        """What happens to the tag."""
        return self.update.change

    def _fact(self, name: str, kind: type[T]) -> T:
        value = self.facts.get(name)
        if not isinstance(value, kind):
            raise LookupError(f"the fact {name!r} is not there: name it in READS")
        return value

    @property
    def naming(self) -> Naming:
        """What the grammar makes of the name."""
        return self._fact("naming", Naming)

    @property
    def name(self) -> TagName:
        """The name as the grammar read it; for checks that NEED tag-name."""
        name = self.naming.name
        if name is None:
            raise LookupError("the tag's name was not read: add tag-name to NEEDS")
        return name

    @property
    def object(self) -> TagObject:
        """The object that the ref names: the old one where the tag is deleted."""
        return self._fact("object", TagObject)

    @property
    def annotation(self) -> Annotation:
        """The tag object's own words; for checks that NEED tag-annotated."""
        annotation = self.object.annotation
        if annotation is None:
            raise LookupError("the tag has no annotation: add tag-annotated to NEEDS")
        return annotation

    @property
    def publication(self) -> Publication:
        """Whether the remote has the tag."""
        return self._fact("publication", Publication)

    @property
    def stands_as_locked(self) -> bool:
        """Whether the tag is the very object that tags.lock lists, by its id and by its SHA-256."""
        publication = self.facts.get("publication")
        return (
            isinstance(publication, Publication)
            and publication.locked
            and self.update.new == publication.locked_oid
            and publication.sha256 == publication.locked_sha256
        )

    @property
    def admitted(self) -> str:
        """Why tags.lock alone judges this tag; empty where every check does."""
        publication = self.facts.get("publication")
        if not isinstance(publication, Publication) or not publication.locked:
            return ""
        if publication.ignored:
            return "the policy leaves this tag alone, and tags.lock holds it"
        if publication.legacy and self.stands_as_locked:
            return f"admitted as legacy: {publication.legacy}"
        return ""

    @property
    def siblings(self) -> tuple[TagName, ...]:
        """The other release tags of the same series that the door's repository knows."""
        return self._fact("siblings", tuple)

    @property
    def ancestry(self) -> Ancestry:
        """Whether the tagged commit is on a protected branch."""
        return self._fact("ancestry", Ancestry)

    @property
    def signature(self) -> Verdict:
        """What the signature is worth."""
        return self._fact("signature", Verdict)

    @property
    def environment(self) -> Environment:
        """What the Dockerfile at the tagged commit would build."""
        return self._fact("environment", Environment)

    @property
    def compatibility(self) -> tuple[CompatFault, ...]:
        """What in that environment does not go together."""
        return self._fact("compatibility", tuple)

    @property
    def changelog(self) -> Changelog:
        """The changelog at the tagged commit."""
        return self._fact("changelog", Changelog)


# -------------------------------------------------------------------------------------- reports


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one tag. The engine stamps `check` and `tag`."""

    message: str
    """One sentence about this tag, without a final full stop."""
    level: Level = "error"
    got: str = ""
    expected: str = ""
    path: str = ""
    line: int | None = None
    fix: str = ""
    """Shell commands that put it right, to be pasted as they are."""
    check: str = ""
    tag: str = ""

    @classmethod
    def at(cls, place: Place, message: str, **more: Any) -> Finding:
        """A finding with a place."""
        return cls(message, path=place.path, line=place.line, **more)


TagVerdict = Literal["accepted", "refused", "undecided"]


@dataclass(frozen=True)
class TagReport:
    """All that was found out about one tag."""

    tag: str
    ref: str
    change: Change
    object: str | None
    commit: str | None
    verdict: TagVerdict
    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Check id -> why it does not apply."""
    undecided: Mapping[str, Unknown] = field(default_factory=dict)
    """Check id -> why it could not judge, and what would let it."""


@dataclass(frozen=True)
class Report:
    """The outcome of one run."""

    tags: tuple[TagReport, ...] = ()
    errors: tuple[str, ...] = ()
    """What kept the whole run from judging: exit code 2."""
    notes: tuple[str, ...] = ()
    """What a person should know and no tag is to blame for."""

    @property
    def exit_code(self) -> int:
        """0 good, 1 found something, 2 could not judge; 2 outranks 1 outranks 0."""
        verdicts = {tag.verdict for tag in self.tags}
        if self.errors or "undecided" in verdicts:
            return 2
        return 1 if "refused" in verdicts else 0
