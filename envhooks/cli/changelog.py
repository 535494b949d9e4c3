"""draft the changelog entry of a release, in the file's own style

The entry says what changed in the environment since the release before it (base, CUDA, Python, driver, packages), the
commits since, and what readers ask: known issues and upgrading, or use and risk of a pre-release. It is written into
the work tree for you to look through; `--commit` commits it, and `--dry-run` only prints it. Text below `Unreleased`
becomes the entry's own. Where towncrier or git-cliff writes the changelog, it is left to that tool.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.invocation import spelled
from envhooks.base.refs import TAGS
from envhooks.catalog.lookup import Words, words
from envhooks.changelog import Changelog
from envhooks.changelog.drafting import changelog_for
from envhooks.changelog.reader import MAX_BYTES
from envhooks.changelog.writing import Written, with_entry
from envhooks.cli._manner import answer, complain, remark
from envhooks.cli._othertools import writer_of
from envhooks.git.repository import Git
from envhooks.git.workspace import Workspace, WorkspaceError
from envhooks.image import Environment
from envhooks.image.compat import table_of
from envhooks.judge.checkout import hold_every_tag
from envhooks.policy import Policy
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER
from envhooks.releases.entry import Sources, parts_of, release_before, subjects_since
from envhooks.releases.environments import HERE, environment_of
from envhooks.releases.reading import Releases, environment_at
from envhooks.tagname import Grammar, expand
from envhooks.tagname.names import TagName

GROUP = "make a release"
EXAMPLES = (
    ("envhooks changelog PyTorch-CUDA-v2.8-rc1", "write the entry for you to look through"),
    ("envhooks changelog PyTorch-CUDA-v2.8-rc1 --commit", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """NAME, `--since`, `--commit`, `--dry-run`."""
    parser.add_argument("name", metavar="NAME", help="the tag that the release is going to have")
    parser.add_argument(
        "--since", metavar="TAG", help="the release before; default: the one before it in its line"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--commit", action="store_true", help="commit the entry, and nothing else")
    what.add_argument("--dry-run", action="store_true", help="print the entry, and write nothing")


def run(options: argparse.Namespace) -> int:
    """Draft, write, and say what comes next; 1 where the entry is another tool's to write, or a person's."""
    tag = options.name.removeprefix(TAGS)
    with Git.open(Path.cwd()) as git:
        top = git.work_tree
        head = git.resolve()
        if top is None or head is None:
            raise CannotJudge(
                "there is no commit and no work tree here that a changelog could be written for"
            )
        releases = Releases(git)
        policy = _policy(top, releases.trust.root.policy)
        name = _name(tag, Grammar(policy.tag))
        if policy.changelog.path is None:
            raise UsageError("the policy switches the changelog off, so a release needs no entry")
        path = expand(policy.changelog.path, name)
        tool = writer_of(top, name, path)
        if tool:
            complain(printable_block(f"envhooks: {tool.text}\n  fix: {tool.command}"))
            answer(_facts(tag, path, "left", next=tool.command))
            return 1
        file = _inside(top, path)
        data = _bytes(file, path)
        vocabulary = words(policy.tag.frameworks, policy.tag.hardware)
        found = changelog_for(data, path, name, policy.changelog.heading, vocabulary)
        if found.entry is not None and found.is_good:
            remark(printable(f"{path}:{found.entry.line} has an entry for it: {found.entry.heading}"))
            return _there(git, path, tag, found.entry.heading, data, options)
        if found.entry is not None or (found.near is not None and found.near.is_mended):
            lack = _lacking(found)
            complain(printable_block(f"envhooks: {lack}" + (f"\n  fix: {found.fix}" if found.fix else "")))
            answer(_facts(tag, path, "lacking", next=found.fix), why=lack)
            return 1
        hold_every_tag(git)
        sources = _sources(releases, name, options.since, head if options.commit else "")
        parts = parts_of(sources, table_of(policy))
        made = with_entry(data, path, name, policy.changelog.heading, date.today(), parts)
        _hold(made, path, name, policy, vocabulary)
        state = "drafted" if options.dry_run else "committed" if options.commit else "written"
        answer(_facts(tag, path, state, made.heading, made.text, _next(path, tag, state)))
        if options.dry_run:
            print(printable_block(made.text), end="\n\n")
            return 0
        remark(printable_block(made.text), end="\n\n")
        if made.unlinked:
            complain(f"note: the other headings have an address, and [{printable(made.unlinked)}] needs one")
        if options.commit:
            _refuse_mixed(top, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made.data)
    if options.commit:
        _commit(top, path, data, tag)
    _say(path, tag, made, committed=options.commit)
    return 0


def _there(
    git: Git, path: str, tag: str, heading: str, data: bytes | None, options: argparse.Namespace
) -> int:
    """What comes next where the work tree has the entry: a commit, where the last one has it not."""
    head, top = git.resolve(), git.work_tree
    assert head is not None and top is not None, "asked before"
    is_committed = git.files(head).read(path) == data
    if is_committed or options.dry_run:
        answer(_facts(tag, path, "there", heading))
    elif options.commit:
        _commit(top, path, data, tag)
        answer(_facts(tag, path, "committed", heading, next=_next(path, tag, "committed")))
        remark(f"committed: {printable(path)}\nnext: {printable(_next(path, tag, 'committed'))}")
    else:
        answer(_facts(tag, path, "there", heading, next=_next(path, tag, "written")))
        _say_next(path, tag)
    return 0


def _lacking(found: Changelog) -> str:
    """What keeps the entry that is there, or the line that is nearly one, from being good."""
    near, entry = found.near, found.entry
    if entry is not None:
        why = f"; {near.why}" if near is not None else ""
        text = f"{found.path}:{entry.line} has an entry for it, which {entry.lack}{why}: {entry.heading}"
    else:
        assert near is not None, "there is an entry, or a line that comes close"
        text = f"{found.path}:{near.line} is nearly an entry for it: {near.text}: {near.why}"
    return text


def _policy(top: Path, trusted: Policy) -> Policy:
    """The policy of the work tree, which the next commit will have; else that of the protected branch."""
    file = top / FOLDER / "policy.toml"
    if not file.is_file():
        return trusted
    return parse_policy(file.read_bytes(), f"{FOLDER}/policy.toml in the work tree")


def _name(tag: str, grammar: Grammar) -> TagName:
    naming = grammar.read(tag)
    if naming.name is not None:
        return naming.name
    fix = f"envhooks changelog {word(naming.suggestion)}" if naming.suggestion else ""
    raise UsageError(f"{printable(tag)} is no name of a release: {'; '.join(naming.faults)}", fix=fix)


def _inside(top: Path, path: str) -> Path:
    file = top / path
    if not file.resolve().is_relative_to(top.resolve()):
        raise UsageError("the changelog's path leads out of the repository", place=printable(path))
    return file


def _bytes(file: Path, path: str) -> bytes | None:
    if not file.exists():
        return None
    if not file.is_file():
        raise UsageError("this is no file", place=printable(path))
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _sources(releases: Releases, name: TagName, since: str | None, commit: str) -> Sources:
    """The facts, of the commit where one is given, else of the files in the work tree."""
    git = releases.git
    grammar = Grammar(releases.trust.root.policy.tag)
    if since is not None and not releases.has(since):
        raise UsageError(f"{printable(since)} is no release tag of this repository", fix="envhooks list")
    before = since.removeprefix(TAGS) if since is not None else release_before(git, grammar, name)
    old = releases.read([before])[0].environment if before and releases.has(before) else None
    new = environment_at(releases, commit, name.text) if commit else environment_of(releases, HERE, name.text)
    return Sources(
        name,
        releases.trust.root.policy.tag.frameworks.get(name.framework or "", ()),
        before,
        old if isinstance(old, Environment) else None,
        new if isinstance(new, Environment) else None,
        subjects_since(git, before, commit or "HEAD"),
    )


def _hold(made: Written, path: str, name: TagName, policy: Policy, vocabulary: Words) -> None:
    """Check that the next `envhooks check` finds the entry, before anything is written."""
    if not changelog_for(made.data, path, name, policy.changelog.heading, vocabulary).is_good:
        text = (
            f"no entry can be drafted in the style of this file; write one with the heading: {made.heading}"
        )
        raise CannotJudge(printable(text), place=printable(path))


def _refuse_mixed(top: Path, path: str) -> None:
    workspace = Workspace(top)
    try:
        if workspace.do("status", "--porcelain", "--", path):
            raise UsageError(
                "the changelog has changes that are not committed, which --commit would take along",
                place=printable(path),
                fix=f"git add -- {word(path)} && git commit -m Changelog -- {word(path)}",
            )
    finally:
        workspace.close()


def _commit(top: Path, path: str, before: bytes | None, tag: str) -> None:
    """Commit the file; where git says no, it is as it was.

    Raises:
        WorkspaceError: git said no.
    """
    workspace = Workspace(top)
    try:
        workspace.do("add", "--", path)
        workspace.do("commit", "--quiet", "-m", f"Changelog of {printable(tag)}", "--", path)
    except WorkspaceError:
        workspace.run("reset", "--quiet", "--", path)
        if before is None:
            (top / path).unlink(missing_ok=True)
        else:
            (top / path).write_bytes(before)
        raise
    finally:
        workspace.close()


def _facts(
    tag: str, path: str, state: str, heading: str = "", text: str = "", next: str = ""
) -> dict[str, str | None]:
    """For programs: the entry, and what became of it."""
    entry = {"heading": heading or None, "text": text or None}
    return {"tag": tag, "path": path, "state": state, "why": None, **entry, "next": next or None}


def _next(path: str, tag: str, state: str) -> str:
    """The commands that come next, a line each; empty behind a dry run."""
    commands = {
        "committed": (f"envhooks tag {word(tag)}",),
        "written": (
            f"git add -- {word(path)}",
            f"git commit -m {word(f'Changelog of {tag}')} -- {word(path)}",
            f"envhooks tag {word(tag)}",
        ),
    }
    return spelled("\n".join(commands.get(state, ())))


def _say(path: str, tag: str, made: Written, committed: bool) -> None:
    shown = printable(path) + (", from what stood below Unreleased" if made.is_waiting else "")
    if committed:
        remark(f"committed: {printable(shown)}\nnext: {printable(_next(path, tag, 'committed'))}")
        return
    remark(f"wrote {printable(shown)}; look through it, then:\n")
    _say_next(path, tag)


def _say_next(path: str, tag: str) -> None:
    for line in _next(path, tag, "written").split("\n"):
        remark(f"  {printable(line)}")
