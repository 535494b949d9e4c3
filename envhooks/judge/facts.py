"""Facts of one tag that checks read, the Subject that carries them, and the findings and report made of them.

All frozen, none with a handle. Text taken from a repository is kept as it was found: escaping is the printer's
business (`envhooks.base.hygiene`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from envhooks.base.dataclass import dataclass, field
from envhooks.base.place import Level, Place
from envhooks.base.refs import TAGS, Change, RefUpdate
from envhooks.changelog import Changelog
from envhooks.image import CompatFault, Environment
from envhooks.signatures import Verdict
from envhooks.signatures.payload import Annotation
from envhooks.tagname.names import Naming, TagName

if TYPE_CHECKING:
    from envhooks.judge.pins import PinsFix

T = TypeVar("T")


@dataclass(frozen=True)
class Unknown:
    """A fact that could not be established. A check that reads it is *could not judge*."""

    why: str
    fix: str = ""
    advice: str = ""
    """Decisions or texts that only a person can give, a sentence a line."""


@dataclass(frozen=True)
class Inapplicable:
    """A fact that this tag does not have. A check that reads it is *not applicable*."""

    why: str


@dataclass(frozen=True)
class TagObject:
    """The object that a tag ref names."""

    oid: str
    type: str
    """`tag` for an annotated tag; a lightweight one names a `commit`, `tree` or `blob`."""
    annotation: Annotation | None = None
    """None for a lightweight tag, and for an object that is malformed (`fault`)."""
    fault: str = ""
    """Reason why the tag object cannot be read as one that git would write; else empty."""


@dataclass(frozen=True)
class Ancestry:
    """Whether the tagged commit lies on a protected branch, and which branches were asked."""

    commit: str
    on_main: bool
    branches: tuple[str, ...]
    """The refs that were asked, as a person would name them: `origin/main`."""
    proposals: tuple[tuple[str, str], ...] = ()
    """Ref and tip of the moves in the same push by which alone it lies there; empty where it lies there already."""
    unpushed: tuple[str, str] | None = None
    """Remote and local protected branch that holds the commit, where the remote's does not; None where none does."""
    diverged: bool = False
    """Whether the remote's branch holds commits that the `unpushed` one here lacks."""
    remote: str = ""
    """The remote whose branches were asked by what was last fetched; empty where they were asked themselves."""


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
    legacy: str = ""
    """Reason why tags.lock admits it as a tag older than the policy; empty where it does not."""
    ignored: bool = False
    """Whether the policy leaves its name alone; tags.lock holds it all the same."""
    unasked: bool = False
    """Whether a remote may have it that nobody asked: a tag as it stands in a clone."""
    here: bool = True
    """Whether it stands in the clone that is worked in, or would do so; not while `git tag` is making it."""
    remote: str = ""
    """The remote that releases go to; empty where none is known."""

    @property
    def locked(self) -> bool:
        """Whether tags.lock lists it."""
        return self.locked_oid is not None


@dataclass(frozen=True)
class CiCheck:
    """One CI check of a commit, as the forge tells it."""

    name: str
    state: str
    """In the forge's own word: `success`, `failure`, `in_progress`."""
    succeeded: bool


@dataclass(frozen=True)
class CiStates:
    """The CI checks of the tagged commit."""

    states: tuple[CiCheck, ...]
    source: str
    """The forge, for people: `team/environments on GitHub`."""
    knows_required: bool = False
    """Whether these are the checks that the protected branch requires; else all that have run."""


class Forge(Protocol):
    """A forge that can be asked about commits and tags; only `--online` has one."""

    def ci(self, commit: str) -> CiStates | Unknown:
        """The CI checks of a commit."""

    def hidden_signature(self, oid: str) -> str:
        """Why it would not show a tag's signature as verified; empty where it would, or where that is not known."""


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
        return self.update.ref.removeprefix(TAGS)

    @property
    def shell_word(self) -> str:
        """The tag's name as one word of a shell command: `$(...)` and `;` are legal in a ref name."""
        from envhooks.base.hygiene import word  # only a refusal needs it

        return word(self.tag)

    @property
    def change(self) -> Change:
        """Kind of the update: created, moved, deleted, or none."""
        return self.update.change

    def _fact(self, name: str, kind: type[T]) -> T:
        value = self.facts.get(name)
        if not isinstance(value, kind):
            raise LookupError(f"the fact {name!r} is not there: name it in READS")
        return value

    @property
    def naming(self) -> Naming:
        """Result of reading the tag's name by the grammar."""
        return self._fact("naming", Naming)

    @property
    def taken(self) -> frozenset[str]:
        """The names of all tags that are known here, and of those that tags.lock lists; for those that need another."""
        found = self.facts.get("taken")
        return found if isinstance(found, frozenset) else frozenset()

    @property
    def pins(self) -> PinsFix | None:
        """Repair of all faulty pins by one command; None where none is known."""
        found: PinsFix | None = self.facts.get("pins")  # type: ignore[assignment]
        return found

    @property
    def ways_to_a_key(self) -> tuple[str, ...]:
        """`case: command` for each way to a signing key, where the user's git has none and the tag wants one."""
        found = self.facts.get("ways_to_a_key")
        return found if isinstance(found, tuple) else ()

    @property
    def shadows(self) -> tuple[str, ...]:
        """Refs that git or a file system may take for this tag: a branch of its name, a tag of other case."""
        found = self.facts.get("shadows")
        return found if isinstance(found, tuple) else ()

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
        """Reason why tags.lock alone judges this tag; empty where every check does."""
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
        """The other release tags of the same series that the hook's repository knows."""
        return self._fact("siblings", tuple)

    @property
    def ancestry(self) -> Ancestry:
        """Whether the tagged commit is on a protected branch."""
        return self._fact("ancestry", Ancestry)

    @property
    def signature(self) -> Verdict:
        """Verdict on the tag's signature."""
        return self._fact("signature", Verdict)

    @property
    def environment(self) -> Environment:
        """Environment that the Dockerfile at the tagged commit would build."""
        return self._fact("environment", Environment)

    @property
    def compatibility(self) -> tuple[CompatFault, ...]:
        """Pins of that environment that do not work together."""
        return self._fact("compatibility", tuple)

    @property
    def ci(self) -> CiStates:
        """The CI checks of the tagged commit; only where the forge was asked."""
        return self._fact("ci", CiStates)

    @property
    def changelog(self) -> Changelog:
        """The changelog at the tagged commit."""
        return self._fact("changelog", Changelog)


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
    advice: str = ""
    """Decisions or texts that only a person can give, one per line: `case: command` where a command is for one case."""
    check: str = ""
    tag: str = ""

    @classmethod
    def at(cls, place: Place, message: str, **more: Any) -> Finding:
        """A finding with a place."""
        return cls(message, path=place.path, line=place.line, **more)


@dataclass(frozen=True)
class NotCompared:
    """A field of the tag's name that a check has nothing to hold against."""

    field: str
    """As the template calls it: `date`."""
    why: str
    """Reads behind `because`, without a final full stop."""


TagVerdict = Literal["accepted", "refused", "undecided"]
VERDICT_WORDS = {"accepted": "good", "refused": "refused", "undecided": "could not judge"}
"""Verdict -> what people read of it, in every report and table; programs read the verdict itself."""


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
    not_compared: Mapping[str, str] = field(default_factory=dict)
    """Field of the name -> why nothing was compared with it."""


@dataclass(frozen=True)
class Report:
    """The outcome of one run."""

    tags: tuple[TagReport, ...] = ()
    errors: tuple[str, ...] = ()
    """Reasons why the whole run could not judge: exit code 2."""
    notes: tuple[str, ...] = ()
    """Remarks for the person that no tag is at fault for."""

    @property
    def exit_code(self) -> int:
        """0 good, 1 found something, 2 could not judge; 2 outranks 1 outranks 0."""
        verdicts = {tag.verdict for tag in self.tags}
        if self.errors or "undecided" in verdicts:
            return 2
        return 1 if "refused" in verdicts else 0
