"""Writing records: from a judged tag and an image to signed lines on the tag object."""

from __future__ import annotations

from datetime import datetime, timezone

from envhooks import __version__
from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import TAGS
from envhooks.builds.confirm import Confirmed
from envhooks.builds.remote import Remote
from envhooks.git import notes
from envhooks.git.addresses import identity, is_local
from envhooks.git.repository import Git
from envhooks.policy.root import FOLDER, TrustRoot
from envhooks.records.keys import SigningKey
from envhooks.records.reader import judge_lines, tag_facts
from envhooks.records.statement import UNSIGNED, image_resource, image_statement, tag_statement
from envhooks.records.types import ImageRecord, Records, TagRecord
from envhooks.records.verifiers import NotAllowed, verifiers_of
from envhooks.signatures import Verdict


class Contradiction(EnvhooksError):
    """A record that would say something else than what is known: exit code 1."""


class NotAVerifier(CannotJudge):
    """A key whose records the policy does not allow; `section` would allow them."""

    section = ""


@dataclass(frozen=True)
class Written:
    """Result of writing a record."""

    lines: tuple[bytes, ...]
    """The envelopes that were added to the note; empty where all was recorded before."""
    records: Records
    """All that the tag's note proves now."""
    signer: str = ""
    """Name of the verifier that the key is."""


def tag_record(git: Git, confirmed: Confirmed, ref: str, now: datetime | None = None) -> TagRecord:
    """Record of a tag that was judged just now, and accepted.

    Raises:
        CannotJudge: it was not accepted, or is not an annotated tag.
    """
    report = confirmed.tags.get(ref)
    facts = tag_facts(git, ref)
    if report is None or report.verdict != "accepted" or report.object != facts.object or not facts.commit:
        raise CannotJudge("only a tag that passes is recorded", place=printable(ref))
    verdict = confirmed.subjects[ref].facts.get("signature")
    return TagRecord(
        UNSIGNED,
        _seconds(now),
        facts.tag,
        facts.object,
        facts.sha256,
        facts.commit,
        tuple(sorted(report.passed)),
        confirmed.trust.root.tree,
        verdict.signer if isinstance(verdict, Verdict) and verdict.status == "good" else "",
        __version__,
    )


def _seconds(now: datetime | None) -> datetime:
    return (now or datetime.now(timezone.utc)).astimezone(timezone.utc).replace(microsecond=0)


def write(
    git: Git,
    root: TrustRoot,
    remote: Remote,
    tag: TagRecord,
    image: ImageRecord | None,
    key: SigningKey,
) -> Written:
    """Sign what is not recorded yet and add it to the note of this repository; sharing it is another step.

    Raises:
        Contradiction: another image is recorded under this image's own name.
        CannotJudge: the key does not sign, or the policy does not allow its records.
    """
    facts = tag_facts(git, tag.tag)
    verifiers = verifiers_of(git, root, max(tag.time, _seconds(None)))
    before = judge_lines(facts, notes.lines_of(git, notes.tip(git), tag.object), root.policy, verifiers)
    if image is not None:
        _refuse_another(before, image)
    form = root.policy.records.predicate
    payloads = [tag_statement(tag, _resource(remote, tag), form)]
    if image is not None:
        own = image.references[0] if image.references else ""
        payloads.append(image_statement(image, tag, image_resource(image.name, own), form))
    lines = []
    for payload, said in zip(payloads, (tag, image), strict=False):
        envelope = key.envelope(payload)
        try:
            signer = verifiers.signers(envelope, tag.time)[0]
        except NotAllowed as error:
            raise _not_allowed(key, root, str(error)) from None
        assert said is not None
        known = before.passed if isinstance(said, TagRecord) else before.claimed
        if not any(_is_same(replace(said, signer=signer), old) for old in known):
            lines.append(envelope.encode())
    if lines:
        notes.append(git, {tag.object: lines}, f"Record {tag.tag}")
    after = judge_lines(facts, notes.lines_of(git, notes.tip(git), tag.object), root.policy, verifiers)
    return Written(tuple(lines), after, signer.name)


def _refuse_another(before: Records, image: ImageRecord) -> None:
    own = image.references[:1]
    for old in before.claimed:
        if old.name == image.name and old.references[:1] == own and not old.is_same(image):
            name = printable(own[0] if own else image.name, 200)
            raise Contradiction(
                f"{name} is recorded as {old.digest} by `{old.signer.name}`, and this would say {image.digest}",
                fix=f"envhooks records {word(before.tag)}",
            )


def _is_same(one: TagRecord | ImageRecord, other: TagRecord | ImageRecord) -> bool:
    """Whether two statements by one key say the same, whenever they were made and by whichever version."""
    if type(one) is not type(other) or one.signer.key != other.signer.key:
        return False
    return replace(one, time=other.time, version=other.version, signer=other.signer) == other


def _resource(remote: Remote, tag: TagRecord) -> str:
    """A URI by which others know the tag; the object's own where the remote is a path of this machine."""
    if remote.own or is_local(remote.shown) or remote.shown.startswith("file:"):
        return f"gitoid:tag:{'sha1' if len(tag.object) == 40 else 'sha256'}:{tag.object}"
    from pathlib import Path

    return f"git+https://{identity(remote.shown, Path('/'))}@{TAGS}{tag.tag}"


def _not_allowed(key: SigningKey, root: TrustRoot, why: str) -> NotAVerifier:
    where = f" on {printable(root.where)}" if root.where else ""
    error = NotAVerifier(
        f"the policy{where} does not allow records by this key: {why}", place=printable(key.where)
    )
    error.section = key.verifier.rstrip() or (
        f"# ssh is the principal of a line in {FOLDER}/allowed_signers\n"
        '# that says namespaces="git,envhooks-record"\n'
        '[[verifier]]\nname = "alice"\nssh = "alice@example.org"'
    )
    return error
