"""write .envhooks/tags.lock, the ledger of published tags

A published tag never moves and never goes. Without TAG every release tag that `envhooks check --all` calls good is
listed. Lines that are there stay as they are; a tag that is not what its line says is an error, and nothing is
written. --legacy admits tags that are older than the policy, whatever they are, by name and with a reason that
everybody can read.

Lock what the remote has: a tag that is locked before it is pushed cannot be remade.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, printable_block
from envhooks.base.refs import TAGS
from envhooks.cli._manner import answer, complain, remark, verbatim
from envhooks.cli._policyfiles import PolicyFiles, commands_in, next_commands
from envhooks.git.repository import Git
from envhooks.judge import runs as gate
from envhooks.judge.facts import Subject, TagReport
from envhooks.policy.root import FOLDER, LEGACY, LockedTag, parse_lock
from envhooks.signatures import Verdict

NAME = "tags.lock"
_PLACE = f"{FOLDER}/{NAME}"
_REASON = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_HEADER = "# Published tags: ref, object, SHA-256 of its bytes, signer. Written by `envhooks lock`.\n"

GROUP = "set up"
EXITS = (
    "locked, or up to date",
    "a named tag is not good, or one is not what its line says",
    "a tag could not be judged",
)
EXAMPLES = (
    ("envhooks lock", "every good release tag"),
    ("envhooks lock --legacy v1.0 --reason 'older than the policy'", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG names or refs, `--legacy` with `--reason`."""
    parser.add_argument("tags", nargs="*", metavar="TAG", help="only these; default: every good release tag")
    parser.add_argument(
        "--legacy",
        action="extend",
        nargs="+",
        default=[],
        metavar="TAG",
        help="admit this older tag as it is, of whatever kind it is",
    )
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why the legacy tags are admitted; stands in the ledger"
    )


@dataclass(frozen=True)
class _Judged:
    """One tag with its facts and its report."""

    subject: Subject
    report: TagReport

    @property
    def signer(self) -> str:
        """Name of the signer, for a tag that is good; else empty."""
        verdict = self.subject.facts.get("signature")
        if self.report.verdict != "accepted" or not isinstance(verdict, Verdict):
            return ""
        return verdict.signer if verdict.status == "good" else ""

    @property
    def why_not(self) -> str:
        """Reason why it is not locked."""
        for unknown in self.report.undecided.values():
            return f"could not judge: {unknown.why}"
        for finding in self.report.findings:
            if finding.level == "error":
                return f"[{finding.check}] {finding.message}"
        return "no signature of an allowed key stands behind it"


def run(options: argparse.Namespace) -> int:
    """Write the ledger, and say what was left out; 1 where a named tag is not good, 2 where one cannot be judged."""
    if options.legacy and not _REASON.fullmatch(options.reason):
        text = "--legacy needs a --reason: one line in ASCII, which everybody reads who asks why"
        raise UsageError(
            text, fix=f"envhooks lock --legacy {options.legacy[0]} --reason 'made by hand in 2024'"
        )
    if options.reason and not options.legacy:
        raise UsageError("--reason is for --legacy", fix="envhooks lock --legacy <tag> --reason '<why>'")
    with Git.open(Path.cwd()) as git:
        return _Run(git, options).run()


class _Run:
    """One run of the verb."""

    def __init__(self, git: Git, options: argparse.Namespace) -> None:
        self.git = git
        self.files = PolicyFiles.of(git)
        self.named = [_ref(name) for name in options.tags]
        self.legacy = dict.fromkeys(_ref(name) for name in options.legacy)
        self.reason: str = options.reason
        self.there = {ref.name: ref.oid for ref in git.refs(TAGS)}

    def run(self) -> int:
        if self.git.is_shallow:
            text = "this clone is shallow, so nothing in it tells what the remote has"
            raise CannotJudge(text, fix="git fetch --unshallow --tags --force")
        for ref in (*self.named, *self.legacy):
            if ref not in self.there:
                text = f"there is no tag {printable(ref.removeprefix(TAGS))} in this repository"
                raise UsageError(text, fix="git fetch --tags")
        judged, known = self._judge()
        faults = [fault for tag in known.values() if (fault := self._fault(tag))]
        answer(path=_PLACE, locked=[], left_out=[], faults=faults, written=False, next=[])
        if faults:
            for fault in faults:
                complain(f"envhooks: {printable(fault)}")
            complain("nothing was written; to look again at what the remote has: git fetch --force --tags")
            return 1
        new, left_out = self._new_lines(judged, known)
        code = _say_left_out(left_out, judged, set(self.named))
        if self.named and code:
            complain("nothing was written")
            return code
        self._write(known, new)
        return code

    # ---------------------------------------------------------------------------- what is there

    def _judge(self) -> tuple[dict[str, _Judged], dict[str, LockedTag]]:
        """(ref -> what is known of it, ref -> its line in the policy or in the work tree)."""
        judgement = gate.standing_judgement(self.git, gate.every_tag)
        root = judgement.trust.root
        if not root.has_signers and not (self.legacy and not self.named):
            where = printable(root.where) or "the protected branch"
            text = f"{where} names no signers in {FOLDER}/allowed_signers, so no tag counts as good for everybody"
            raise CannotJudge(text, fix=f"envhooks init, then commit and push {FOLDER}/")
        known = dict(root.locked)
        data = self.files.read(NAME)
        for ref, tag in parse_lock(data or b"", _PLACE, self.git.oid_length).items():
            if known.setdefault(ref, tag) != tag:
                where = printable(root.where)
                text = (
                    f"the work tree and {where} list {printable(ref)} differently, and {where} is what counts"
                )
                raise CannotJudge(text, place=_PLACE, fix=f"git checkout {where} -- {_PLACE}")
        pairs = zip(judgement.subjects, judgement.report.tags, strict=True)
        judged = {subject.update.ref: _Judged(subject, report) for subject, report in pairs}
        if not root.has_signers:
            judged = {}
        return judged, known

    def _fault(self, tag: LockedTag) -> str:
        """Reason why a tag is not what its line says; empty where it is."""
        shown, oid = printable(tag.ref), self.there.get(tag.ref)
        if oid is None:
            return f"tags.lock lists {shown} as {tag.oid}, and it is not there"
        if oid != tag.oid:
            return f"tags.lock lists {shown} as {tag.oid}, and here it is {oid}"
        if self._sha256(tag.ref) != tag.sha256:
            return f"tags.lock lists {shown} with another SHA-256 than the object {oid} has here"
        return ""

    def _sha256(self, ref: str) -> str:
        held = self.git.read(self.there[ref])
        if held is None or held.is_too_large:
            why = "is not in this repository" if held is None else "is over 32 MiB"
            raise CannotJudge(f"the object of {printable(ref)} {why}", fix="git fetch --refetch")
        return hashlib.sha256(held.data).hexdigest()

    # ---------------------------------------------------------------------------- what is added

    def _new_lines(
        self, judged: Mapping[str, _Judged], known: Mapping[str, LockedTag]
    ) -> tuple[dict[str, LockedTag], list[str]]:
        """(ref -> new line, the refs that were asked for and are not good)."""
        new: dict[str, LockedTag] = {}
        left_out: list[str] = []
        for ref in [*(self.named or judged), *self.legacy]:
            if ref in known or ref in new or ref not in self.there:
                continue
            signer = judged[ref].signer if ref in judged else ""
            if not signer and ref not in self.legacy:
                left_out.append(ref)
                continue
            tag = LockedTag(
                ref, self.there[ref], self._sha256(ref), signer or LEGACY, "" if signer else self.reason
            )
            new[ref] = _checked(tag, signer)
        for ref in self.legacy:
            if ref in known:
                remark(f"{printable(ref.removeprefix(TAGS))} is locked already")
        return new, left_out

    def _write(self, known: Mapping[str, LockedTag], new: Mapping[str, LockedTag]) -> None:
        wanted = {**known, **new}
        old = self.files.read(NAME)
        data = _render((old or _HEADER.encode()).decode("utf-8", "surrogateescape"), wanted.values())
        if parse_lock(data, _PLACE, self.git.oid_length) != wanted:
            raise CannotJudge("the ledger would not read back as what it should say", place=_PLACE)
        if not wanted:
            remark("there is no tag to lock")
            return
        if data == old:
            remark(f"{_PLACE} is up to date: {len(known)} tags")
            return
        verbatim(self.files.write({NAME: data}))
        one = next(iter(new), "")
        what = printable(one.removeprefix(TAGS)) if len(new) == 1 else f"{len(new)} tags"
        commands = next_commands(self.git, {NAME: data}, f"Lock {what}")
        remark(printable_block(commands), end="")
        answer(
            locked=[{"ref": tag.ref, "object": tag.oid, "signer": tag.signer} for tag in new.values()],
            written=True,
            next=commands_in(commands),
        )


def _ref(name: str) -> str:
    return name if name.startswith(TAGS) else TAGS + name


def _checked(tag: LockedTag, signer: str) -> LockedTag:
    """The line, if it can be read back.

    Raises:
        UsageError: the tag's name, or its signer's, cannot stand in the ledger.
    """
    if signer == LEGACY:
        text = f"a signer cannot be called {LEGACY}: in tags.lock the word says that nobody's signature was judged"
        raise UsageError(text, place=f"{FOLDER}/allowed_signers")
    line = str(tag)
    try:
        fits = printable(line, len(line)) == line and parse_lock(line.encode(), _PLACE) == {tag.ref: tag}
    except (CannotJudge, UnicodeEncodeError):
        fits = False
    if not fits:
        text = f"{printable(tag.ref)} cannot be written into tags.lock: blanks and control characters are refused"
        raise UsageError(text, fix="tag the same commit under another name")
    return tag


def _say_left_out(left_out: list[str], judged: Mapping[str, _Judged], named: set[str]) -> int:
    """Print why tags are left out; 2 where one could not be judged, 1 where a named one is not good, else 0."""
    code, said = 0, []
    for ref in left_out:
        found = judged.get(ref)
        why = found.why_not if found else "the policy leaves it alone"
        complain(f"not locked: {printable(ref.removeprefix(TAGS))}: {printable(why)}")
        said.append({"tag": ref.removeprefix(TAGS), "why": why})
        undecided = found is not None and found.report.verdict == "undecided"
        code = max(code, 2 if undecided else 1 if ref in named else 0)
    answer(left_out=said)
    if left_out:
        complain("  older tags are admitted with: envhooks lock --legacy TAG --reason '<why>'")
    return code


def _render(old: str, tags: Iterable[LockedTag]) -> bytes:
    """The ledger, sorted by ref; the comments that were there stay above the line that they stood above."""
    above: dict[str, list[str]] = {}
    waiting: list[str] = []
    header: list[str] | None = None
    for line in old.removesuffix("\n").split("\n"):
        if not line.strip() or line.startswith("#"):
            waiting.append(line)
            continue
        if header is None:
            header, waiting = waiting, []
        above[line.split(" ")[0]], waiting = waiting, []
    if header is None:
        header, waiting = waiting, []
    lines = [*header]
    for tag in sorted(tags, key=lambda tag: tag.ref):
        lines += [*above.get(tag.ref, ()), str(tag)]
    return "".join(f"{line}\n" for line in (*lines, *waiting)).encode("utf-8", "surrogateescape")
