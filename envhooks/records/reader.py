"""Notes on a tag object -> Records: each line verified, bound to this tag, and compared with the others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import TAGS
from envhooks.base.run import Step, no_step
from envhooks.git import notes
from envhooks.git.objects import GitObject
from envhooks.git.repository import Git
from envhooks.policy import Policy
from envhooks.policy.root import TrustRoot
from envhooks.records.dsse import EnvelopeError, decode
from envhooks.records.statement import Statement, StatementError, read_statement
from envhooks.records.types import ImageRecord, Records, Signer, State, TagRecord
from envhooks.records.verifiers import Changed, NotAllowed, Verifiers, verifiers_of
from envhooks.tagname import Grammar, is_release_tag

MAX_LINES = 1000
"""Lines of one note that are read."""
_WHOSE = {"person": "a person", "team": "the team"}
_HEAD = rb"object ([0-9a-f]+)\ntype commit\n"


@dataclass(frozen=True)
class TagFacts:
    """The tag object that a record has to be about."""

    tag: str
    object: str
    sha256: str = ""
    commit: str = ""
    """Empty where the ref names no annotated tag of a commit."""


@dataclass
class _Found:
    """Result of reading the lines of one note."""

    passed: list[TagRecord] = field(default_factory=list)
    images: list[ImageRecord] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Contradictions that only a change of the note explains; they count whatever else is proved."""
    passed_over: list[str] = field(default_factory=list)
    """Lines that prove nothing: anybody who may write notes can add such lines."""


# ----------------------------------------------------------------------------------- one tag, or all


def read(
    git: Git, root: TrustRoot, tag: str, now: datetime | None = None, beside: Iterable[bytes] = ()
) -> Records:
    """The records of a tag, by the policy of today. `tag` is its short name, or a full ref.

    `beside` are envelopes from elsewhere, such as those beside an image, which count as lines of the note do.

    Raises:
        UsageError: there is no such tag in this repository.
        CannotJudge: they cannot be read: a damaged object, a policy that cannot be read, a library that is missing.
    """
    facts = tag_facts(git, tag)
    lines = notes.lines_of(git, notes.tip(git), facts.object)
    lines = tuple(dict.fromkeys((*lines, *beside)))
    return judge_lines(facts, lines, root.policy, verifiers_of(git, root, now))


def read_all(
    git: Git, root: TrustRoot, now: datetime | None = None, step: Step = no_step
) -> dict[str, Records]:
    """Short name -> records, of every release tag of this repository and every other one that has a note.

    Raises:
        CannotJudge: as for `read`.
    """
    found, unread = _all_lines(git)
    grammar = Grammar(root.policy.tag)
    wanted = [
        ref
        for ref in git.refs(TAGS)
        if ref.oid in found
        or ref.oid in unread
        or is_release_tag(ref.name.removeprefix(TAGS), grammar, root.policy.tag)
    ]
    verifiers = verifiers_of(git, root, now)
    records = {}
    for at in range(0, len(wanted), 1000):
        some = wanted[at : at + 1000]
        git.read_ahead(ref.oid for ref in some)
        for number, ref in enumerate(some, at):
            step("records read", number, len(wanted))
            facts = _facts(ref.name.removeprefix(TAGS), ref.oid, git.read(ref.oid))
            why = unread.get(ref.oid, "")
            made = judge_lines(facts, found.get(ref.oid, ()), root.policy, verifiers)
            records[facts.tag] = replace(made, unread=why, notes=(why,)) if why else made
    return records


def _all_lines(git: Git) -> tuple[dict[str, tuple[bytes, ...]], dict[str, str]]:
    """(object -> lines of its note, object -> reason why its note cannot be read).

    A note that somebody made too long hides the records of no other release.
    """
    unread: dict[str, str] = {}
    found = notes.all_lines(git, notes.tip(git), unread)
    for oid in [oid for oid, lines in found.items() if len(lines) > MAX_LINES]:
        unread[oid] = _too_many(found.pop(oid))
    return found, unread


def find_image(git: Git, root: TrustRoot, digest: str, now: datetime | None = None) -> tuple[Records, ...]:
    """The records with an image of this digest (`sha256:...`, of an index or a platform), proved or not.

    A note that cannot be read, which anybody who may write notes can bring about, proves nothing and is passed over. A
    contradicted one is in the answer where a statement in its note mentions the digest.

    Raises:
        CannotJudge: as for `read`.
    """
    word = digest.removeprefix("sha256:").encode()
    found, _ = _all_lines(git)
    mentioned = {oid for oid, lines in found.items() if any(_mentions(line, word) for line in lines)}
    verifiers = verifiers_of(git, root, now)
    return tuple(
        judge_lines(
            _facts(ref.name.removeprefix(TAGS), ref.oid, git.read(ref.oid)),
            found[ref.oid],
            root.policy,
            verifiers,
        )
        for ref in (git.refs(TAGS) if mentioned else ())
        if ref.oid in mentioned
    )


def _mentions(line: bytes, word: bytes) -> bool:
    try:
        return word in decode(line).payload
    except EnvelopeError:
        return False


def tag_facts(git: Git, tag: str) -> TagFacts:
    """Identity of a tag that its records are bound to: name, object, SHA-256, commit.

    Raises:
        UsageError: there is no such tag.
    """
    ref = tag if tag.startswith(TAGS) else TAGS + tag
    found = next((one for one in git.refs(ref) if one.name == ref), None)
    if found is None:
        shown = printable(ref.removeprefix(TAGS))
        raise UsageError(
            f"there is no tag {shown} in this repository",
            fix=f"git fetch origin {word(f'{ref}:{ref}')}",
        )
    return _facts(ref.removeprefix(TAGS), found.oid, git.read(found.oid))


def _facts(tag: str, oid: str, found: GitObject | None) -> TagFacts:
    if found is None:
        raise CannotJudge(f"the tag {printable(tag)} is not whole in this repository", fix="git fsck")
    head = re.match(_HEAD, found.data) if found.type == "tag" else None
    if head is None:
        return TagFacts(tag, oid)
    return TagFacts(tag, oid, hashlib.sha256(found.data).hexdigest(), head[1].decode())


# ------------------------------------------------------------------------------------------ judging


def judge_lines(facts: TagFacts, lines: Iterable[bytes], policy: Policy, verifiers: Verifiers) -> Records:
    """Records that the lines of a note prove for a tag.

    Raises:
        CannotJudge: a library that is needed is missing.
    """
    found = _Found()
    lines = tuple(lines)
    if len(lines) > MAX_LINES:
        raise CannotJudge(_too_many(lines), place=printable(facts.tag))
    for line in lines:
        _read_line(line, facts, verifiers, found)
    passed = tuple(sorted(found.passed, key=lambda one: one.time, reverse=True))
    claimed = tuple(sorted(found.images, key=lambda one: one.time, reverse=True))
    images = tuple(one for one in claimed if not _unbacked(one, claimed, policy))
    state, faults, notes = _state(found, passed, images, claimed, policy)
    return Records(
        facts.tag,
        facts.object,
        state,
        passed,
        images,
        claimed,
        tuple(dict.fromkeys(faults)),
        tuple(dict.fromkeys(notes)),
        yanked=policy.yanked.get(facts.tag, ""),
    )


def _too_many(lines: tuple[bytes, ...]) -> str:
    return f"the note has {len(lines)} lines, and {MAX_LINES} are read"


def _state(
    found: _Found,
    passed: tuple[TagRecord, ...],
    images: tuple[ImageRecord, ...],
    claimed: tuple[ImageRecord, ...],
    policy: Policy,
) -> tuple[State, list[str], list[str]]:
    """(state of the records, what contradicts them, what else has to be said).

    Of what was `claimed`, `images` are those by whose word the policy asks for.
    """
    faults = [*found.changed, *_conflicts(claimed)]
    if faults:
        return "contradicted", faults, []
    missing = _missing(passed, images, claimed, policy)
    if not missing:
        unbacked = filter(None, (_unbacked(one, claimed, policy) for one in claimed))
        return "proved", [], [f"passed over: {text}" for text in (*found.passed_over, *unbacked)]
    if found.passed_over or _wrong_words(passed, claimed, policy):
        return (
            "contradicted",
            [*found.passed_over, *missing],
            [],
        )  # there are statements, and none that would do
    return "none", [], missing


def _read_line(line: bytes, facts: TagFacts, verifiers: Verifiers, found: _Found) -> None:
    try:
        envelope = decode(line)
    except EnvelopeError as error:
        found.changed.append(str(error))
        return
    try:
        statement = read_statement(envelope.payload)
        signers = verifiers.signers(envelope, statement.record.time)
    except StatementError as error:
        _unreadable(str(error), envelope.payload, found)
        return
    except NotAllowed as error:
        found.passed_over.append(f"signed by nobody whom the policy allows: {error}")
        return
    except Changed as error:
        found.changed.append(str(error))
        return
    why = _of_another(statement, facts)
    if why:
        found.passed_over.append(f"`{signers[0].name}` signed this for {why}")
        return
    for signer in signers:
        _add(statement, signer, found)


def _unreadable(why: str, payload: bytes, found: _Found) -> None:
    """A payload that is not a statement: one of envhooks' own that was changed, or somebody else's attestation."""
    from envhooks.records.statement import EXTENSION

    (found.changed if EXTENSION.encode() in payload else found.passed_over).append(why)


def _add(statement: Statement, signer: Signer, found: _Found) -> None:
    record = replace(statement.record, signer=signer)
    if isinstance(record, TagRecord):
        found.passed.append(record)
    else:
        found.images.append(record)


def _of_another(statement: Statement, facts: TagFacts) -> str:
    """Description of the other tag that a statement is about; empty where it is about this tag."""
    if statement.tag != facts.tag:
        return f"another tag: {printable(statement.tag, 120)}"
    if (statement.object, statement.sha256, statement.commit) != (facts.object, facts.sha256, facts.commit):
        return f"another tag object of this name: {statement.object[:12]}, of another repository or of another time"
    return ""


def _conflicts(images: tuple[ImageRecord, ...]) -> list[str]:
    """A sentence for each published name that is recorded as two images."""
    known: dict[str, list[ImageRecord]] = {}
    found = []
    for image in reversed(images):
        own = image.references[0] if image.references else image.name
        before = known.setdefault(own, [])
        other = next((one for one in before if not image.is_same(one)), None)
        if other is not None:
            found.append(
                f"{printable(own, 200)} is recorded as two images: {other.digest} by `{other.signer.name}`,"
                f" and {image.digest} by `{image.signer.name}`"
            )
        elif not any(image.digests == one.digests for one in before):
            before.append(image)
    return found


def _unbacked(image: ImageRecord, claimed: tuple[ImageRecord, ...], policy: Policy) -> str:
    """A sentence where not all whose word the policy asks for say that this image is of the tag; else empty."""
    said = {one.signer.word for one in claimed if one.is_same(image)}
    lacking = [word for word in policy.records.words if word not in said]
    if not lacking:
        return ""
    who = " and ".join(_WHOSE[word] for word in lacking)
    return f"`{image.signer.name}` says {printable(image.reference, 300)}, and the policy asks for the word of {who}"


def _words(policy: Policy) -> tuple[str, ...]:
    return policy.records.words or ("",)


def _missing(
    passed: tuple[TagRecord, ...],
    images: tuple[ImageRecord, ...],
    claimed: tuple[ImageRecord, ...],
    policy: Policy,
) -> list[str]:
    """A sentence for each statement that the proof lacks."""
    found = []
    for whose in _words(policy):
        by = f" by the word of {_WHOSE[whose]}" if whose else ""
        if not any(whose in ("", record.signer.word) for record in passed):
            found.append(f"nothing says{by} that the tag passed")
        if policy.image is not None and not any(whose in ("", image.signer.word) for image in claimed):
            found.append(f"nothing says{by} which image is of the tag")
    if policy.image is not None and claimed and not images and not found:
        found.append("the team and a person say different images of the tag")
    return found


def _wrong_words(passed: tuple[TagRecord, ...], images: tuple[ImageRecord, ...], policy: Policy) -> bool:
    """Whether there are statements, but none by the verifiers whose word the policy asks for."""
    words = policy.records.words
    halves = (passed, images) if policy.image is not None else (passed,)
    return bool(words) and any(half and not any(one.signer.word in words for one in half) for half in halves)
