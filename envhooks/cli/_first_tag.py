"""Faults that would refuse the first tag that is made here, found before it is made: `envhooks doctor` shows them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import HEADS, TAGS, Hook
from envhooks.cli._survey import survey
from envhooks.git.repository import Git
from envhooks.policy.branches import tracking_ref
from envhooks.policy.commented import toml_text
from envhooks.policy.root import FOLDER
from envhooks.policy.trust import TrustContext
from envhooks.tagname import Grammar, is_release_tag
from envhooks.tagname.template import Field, Maybe, Part, Text, parse

_POLICY = f"{FOLDER}/policy.toml"
_MOST = 5


@dataclass(frozen=True)
class Fault:
    """Something that stands in the way."""

    text: str
    fix: str = ""
    """A command that mends it."""
    advice: str = ""
    """Decision that only a person can make."""


@dataclass(frozen=True)
class Outlook:
    """Conditions that the next release meets here."""

    lines: tuple[str, ...]
    faults: tuple[Fault, ...]


def outlook(git: Git, trust: TrustContext) -> Outlook:
    """Whether the tip of the protected branch, and the names of tags, are as the policy wants them.

    Raises:
        CannotJudge: git fails.
    """
    tip = next((branch.tip for branch in trust.mains if not branch.is_proposed), None)
    if tip is None:
        return Outlook((), (Fault(f"{trust.branch} has no commit that could be tagged", "git fetch --all"),))
    listed = git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", tip)
    paths = os.fsdecode(listed).split("\0")
    faults = [*_files(git, trust, tip, paths), *_names(git, trust, tip), *_moved(git, trust)]
    policy = trust.root.policy
    where = filter(None, (*(section.path for section in policy.dockerfiles), policy.changelog.path))
    return Outlook(
        (f"named {' or '.join(policy.tag.templates)}; read from {', '.join(where)}",), tuple(faults)
    )


def _files(git: Git, trust: TrustContext, tip: str, paths: Sequence[str]) -> Iterator[Fault]:
    policy = trust.root.policy
    for section in policy.dockerfiles:
        if section.path is not None and not _is_there(section.path, paths):
            yield _missing(trust, "dockerfile", section.path, survey(git, tip).dockerfile)
    changelog = policy.changelog.path
    if changelog is not None and not _is_there(changelog, paths):
        yield _missing(trust, "changelog", changelog, survey(git, tip).changelog)


def _missing(trust: TrustContext, section: str, path: str, found: str) -> Fault:
    text = f"the policy looks for {path}, which {trust.branch} does not have"
    if found:
        return Fault(
            f"{text}, and {found} is there",
            advice=f"let the policy say so: [{section}] path = {toml_text(found)} in {_POLICY}",
        )
    done = "commit it" if section == "dockerfile" else "envhooks changelog TAG --commit begins it"
    return Fault(text, advice=f"{done}; or say that there is none: [{section}] path = false in {_POLICY}")


def _is_there(path: str, paths: Sequence[str]) -> bool:
    pattern = re.compile(_pattern(parse(path)))
    return any(pattern.fullmatch(one) for one in paths)


def _pattern(parts: Sequence[Part]) -> str:
    """A regular expression of the paths that a template may make."""
    done = []
    for part in parts:
        if isinstance(part, Text):
            done.append(re.escape(part.text))
        elif isinstance(part, Field):
            done.append("[^/]+")
        elif isinstance(part, Maybe):
            done.append(f"(?:{_pattern(part.parts)})?")
    return "".join(done)


def _names(git: Git, trust: TrustContext, tip: str) -> Iterator[Fault]:
    """Fault of a template that reads none of the existing tags: probably not the intended one."""
    policy = trust.root.policy.tag
    grammar = Grammar(policy)
    names = [ref.name.removeprefix(TAGS) for ref in git.refs(TAGS) if ref.name not in trust.root.locked]
    judged = [name for name in names if is_release_tag(name, grammar, policy)]
    if not judged or any(grammar.match(name) is not None for name in judged):
        return
    proposal = survey(git, tip).proposal
    better = (
        f"`{proposal.template}` reads {len(proposal.read)} of them: [tag] templates in {_POLICY}"
        if proposal.read
        else f"where they are no releases: [tag] ignore in {_POLICY}"
    )
    number = f"{len(judged)} tags" if len(judged) > 1 else "tag"
    yield Fault(f"the policy's template reads none of the {number} here, such as {judged[-1]}", advice=better)


def _moved(git: Git, trust: TrustContext) -> Iterator[Fault]:
    """Tags that differ here from what the ledger says: a push would be refused, and so would `check --all`."""
    here = {ref.name: ref.oid for ref in git.refs(TAGS)}
    moved = [ref for ref, tag in trust.root.locked.items() if here.get(ref, tag.oid) != tag.oid]
    on_server = trust.hook is Hook.RECEIVE
    for ref in moved[:_MOST]:
        remote = trust.remote or "origin"
        fix = "" if on_server else f"git fetch {shlex.quote(remote)} {shlex.quote(f'+{ref}:{ref}')}"
        yield Fault(
            f"{ref.removeprefix(TAGS)} is another object here than {FOLDER}/tags.lock says: it was moved", fix
        )
    if len(moved) > _MOST:
        yield Fault(f"{len(moved) - _MOST} more tags were moved here", "envhooks check --all")


def moved_on_remote(git: Git, trust: TrustContext) -> Iterator[Fault]:
    """Release tags that the remote has otherwise, by its own answer; the ledger, where it lists one, says who is right.

    Raises:
        CannotJudge: the remote does not answer.
    """
    if trust.hook is Hook.RECEIVE or not trust.remote:
        return
    from envhooks.git.fetch import Fetcher

    remote, policy = trust.remote, trust.root.policy.tag
    there = Fetcher(git.work_tree or git.common_dir, remote).ask(None).tags
    grammar, found = Grammar(policy), []
    for ref in git.refs(TAGS):
        name, locked = ref.name.removeprefix(TAGS), trust.root.locked.get(ref.name)
        if there.get(ref.name, ref.oid) == ref.oid or not (locked or is_release_tag(name, grammar, policy)):
            continue
        if locked is None:
            text = f"{name} is another object here than on {remote}: one of the two was moved"
            fetch = f"git fetch {word(remote)} {word(f'+{ref.name}:{ref.name}')}"
            found.append(Fault(text, advice=f"to have it as {remote} does: {fetch}"))
        elif locked.oid == ref.oid:
            text = f"{name} is another object on {remote} than {FOLDER}/tags.lock says: it was moved there"
            push = f"git push --force {word(remote)} {word(f'{ref.name}:{ref.name}')}"
            found.append(Fault(text, advice=f"to bring it back there, by one who may: {push}"))
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield Fault(
            f"{len(found) - _MOST} more tags differ from those of {remote}", "envhooks check --all --fetch"
        )


def brought_together(git: Git, trust: TrustContext) -> tuple[str, str]:
    """(command, advice) that makes the policy here and on the remote the same, where the two have not gone apart."""
    branch, remote = trust.branch, trust.remote or "origin"
    here, there = git.resolve(f"{HEADS}{branch}"), git.resolve(tracking_ref(git, remote, branch))
    if here and there and git.is_ancestor(there, here):
        return f"git push {word(remote)} {word(branch)}", ""
    if here and there and git.is_ancestor(here, there):
        if git.head() == f"{HEADS}{branch}":
            return f"git merge --ff-only {word(f'{remote}/{branch}')}", ""
        return f"git fetch {word(remote)} {word(f'{branch}:{branch}')}", ""
    shown = f"git log --oneline {word(f'{trust.root.where}...{branch}')} -- {FOLDER}"
    return "", f"the two have gone apart, and one has to be brought to the other: {shown}"


def _signer_lines_here(git: Git, trust: TrustContext) -> bytes:
    """The signers that the local protected branch names, which may be ahead of the remote's."""
    tip = git.resolve(f"{HEADS}{trust.branch}")
    found = git.files(tip).read(f"{FOLDER}/allowed_signers") if tip else None
    return found or b""


def has_signers_here(git: Git, trust: TrustContext) -> bool:
    """Whether the local protected branch names somebody who may sign."""
    lines = _signer_lines_here(git, trust).split(b"\n")
    return any(line.strip() and not line.startswith(b"#") for line in lines)


def signer(git: Git, trust: TrustContext) -> tuple[str, Fault | None]:
    """Whether this person's own tags would be good, and what stands in the way of signing at all."""
    from envhooks.cli._ownsigning import refusal
    from envhooks.signatures.signers.ownkey import find_own_key
    from envhooks.signatures.signers.setup import cannot_sign

    try:
        key = find_own_key(git.effective_config)
    except EnvhooksError as error:
        return "cannot sign here", Fault(error.message, error.fix)
    if key is None:
        return "your git has no key to sign with; envhooks init says how to get one", None
    listed = b"\n".join(trust.root.signer_files.values())
    words = key.signers_line.split()
    known = words[-1].encode() in listed or key.key.encode() in listed
    allowed = "may sign" if known else "is no signer here: envhooks signers add, and have it merged"
    lines = b"" if known else _signer_lines_here(git, trust)
    if words[-1].encode() in lines or key.key.encode() in lines:
        allowed = (
            f"may sign once {printable(trust.remote or 'the remote')} has what {printable(trust.branch)} says"
        )
    why = cannot_sign(key, git.effective_config)
    fault = None if why is None else Fault(why.message, advice=why.fix)
    refused = refusal(trust.root, key) if known and fault is None else None
    if refused is not None:
        allowed = "may not sign now"
        told = [line.strip() for line in refused.lines]
        fixes = [line.removeprefix("fix: ") for line in told if line.startswith("fix: ")]
        steps = [line for line in told if not line.startswith("fix: ")]
        fault = Fault(refused.text, "\n".join(fixes), "\n".join(steps))
    return f"your key {printable(key.key)} {allowed}", fault
