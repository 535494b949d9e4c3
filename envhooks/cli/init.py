"""write the policy, with your key as the first signer

Writes `.envhooks/policy.toml` by what the repository has, and `allowed_signers` with your signing key. Tags,
Dockerfiles, changelog, remotes and your signing setup are read, and what was found is said. Nothing that exists is
overwritten. The files count from the moment they are on the protected branch; the commands that bring them there are
printed, or carried out with --yes.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.refs import HEADS
from envhooks.cli import _signing
from envhooks.cli._manner import answer, remark, sentence
from envhooks.cli._survey import Survey, others, survey
from envhooks.cli._terminal import columns
from envhooks.git.repository import BRANCHES, Git
from envhooks.policy.branches import protected_branch, release_remote
from envhooks.policy.commented import commented, toml_text
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER
from envhooks.records.verifiers import NAMESPACE
from envhooks.signatures.signers.ownkey import OwnKey

CHANGELOG = "CHANGELOG.md"
_NEW_CHANGELOG = b"# Changelog\n\n## Unreleased\n"
_MOST_NAMES = 5

GROUP = "set up"
EXITS = (
    "done",
    "somebody has to do something before a release can be good",
    "nothing could be written",
)
EXAMPLES = (
    ("envhooks init", "write the files, and print how they come to the protected branch"),
    ("envhooks init --yes", "commit, push and install the hooks, too"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The protected branch, where it cannot be determined, and `--yes`."""
    parser.add_argument("--branch", metavar="NAME", help="the protected branch; default: told by the remote")
    parser.add_argument(
        "--yes",
        action="store_true",
        help="also commit the files, push that commit where it is the only one to push, and install the hooks",
    )


def run(options: argparse.Namespace) -> int:
    """Write what is missing, and say what to do next."""
    with Git.open(Path.cwd()) as git:
        top = git.work_tree
        if top is None:
            raise CannotJudge(
                "a bare repository has no work tree to write to", fix="run envhooks init in a clone"
            )
        remote = release_remote(git)
        head = git.resolve()
        branch = (
            options.branch or (_first_branch(git) if head is None else "") or protected_branch(git, remote)
        )
        found = survey(git, head)
        _say_found(found, git, branch, remote)
        key, missing = _signing.own_key(git)
        files = _files(branch, key, found)
        if key is not None and _is_verifier(top / FOLDER / "policy.toml", key):
            line = key.signers_line.replace('namespaces="git"', f'namespaces="git,{NAMESPACE}"', 1)
            files["allowed_signers"] = f"{line}\n".encode()
        if options.yes and not found.changelog and _is_new(top / CHANGELOG):
            files[f"../{CHANGELOG}"] = _NEW_CHANGELOG
        written = _write(top / FOLDER, files)
        _say_written(written, key)
        _say_old_tags(found)
        ready = _say_signer(top, missing)
        paths = [_shown(name) for name in written]
        answer(
            _facts(found, branch, remote),
            missing=[line.strip() for line in missing],
            left=None,
            actions=[],
            notes=[],
        )
        answer(files=[{"path": _shown(name), "written": now} for name, now in written.items()])
        answer(signer=key and f"{key.principal} ({key.scheme} {key.key})", next=_next(branch, remote, ready))
        if options.yes and ready:
            from envhooks.cli import _setup

            return _setup.carry_out(git, branch, remote, paths)
        _say_next(branch, remote, ready)
    return 0 if ready else 1


def _first_branch(git: Git) -> str:
    """The branch that the first commit of a new repository will lie on."""
    return "" if git.refs(*BRANCHES) else git.head().removeprefix(HEADS)


# ------------------------------------------------------------------------------------ what was found


def _facts(found: Survey, branch: str, remote: str | None) -> dict[str, object]:
    """What was found, for programs."""
    return {
        "branch": branch,
        "remote": remote,
        "template": found.proposal.template,
        "tags_read": len(found.proposal.read),
        "tags_not_read": len(found.proposal.rest),
        "dockerfile": found.dockerfile or None,
        "changelog": found.changelog or None,
    }


def _say_found(found: Survey, git: Git, branch: str, remote: str | None) -> None:
    remark(f"branch:     {printable(branch)}, of {printable(remote) if remote else 'this repository alone'}")
    remotes = sorted(key[7:-4] for key in git.config if key.startswith("remote.") and key.endswith(".url"))
    elsewhere = [name for name in remotes if name != remote]
    if remote and elsewhere:
        _remark_below(f"other remotes: {_some(elsewhere)}; to release there: git config envhooks.remote NAME")
    proposal = found.proposal
    form = f"{proposal.template}"
    if proposal.read or proposal.rest:
        remark(
            f"tags:       {printable(form)} reads {len(proposal.read)} of {len(proposal.read) + len(proposal.rest)}"
        )
    else:
        remark(f"tags:       none yet; a release is named {printable(form)}")
    for name, value in found.constants.items():
        _remark_below(f"{name} of all of them: {value}, as the Dockerfile says")
    remark(
        f"Dockerfile: {printable(found.dockerfile) or 'none is committed: a release needs one, or path = false'}"
    )
    aside = list(others(found))
    if aside and "{" not in found.dockerfile:
        _remark_below(f"others: {_some(aside)}; several are built with [[dockerfile]] sections")
    remark(f"changelog:  {printable(found.changelog) or 'none is committed: a release needs an entry in it'}")


def _remark_below(text: str) -> None:
    """Print more on what the line above says, below its beginning."""
    width = columns(sys.stdout)
    lines = textwrap.wrap(text, max(width - 12, 20), break_long_words=False) if width else [text]
    for line in lines:
        remark(f"            {printable(line, 2000)}")


def _some(names: Sequence[str]) -> str:
    """The first of these names, fit to print, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(printable, names[:_MOST_NAMES])) + more


def _say_old_tags(found: Survey) -> None:
    """Print the remarks on the tags that exist: the gate judges those that are made, pushed and changed."""
    if found.proposal.rest:
        remark(f"\nnot read by the template: {_some(found.proposal.rest)}")
        ignored = ", ".join(map(toml_text, found.ignored[:_MOST_NAMES]))
        if ignored:
            remark("  if they are no releases, let the policy leave them alone, below [tag]:")
            remark(f"    ignore = [{printable(ignored)}]")
    if found.proposal.read or found.proposal.rest:
        globs = "" if len(found.globs) > _MOST_NAMES else " ".join(map(shlex.quote, found.globs))
        listed = f"git tag -l {globs}".rstrip()
        remark(
            "\nTags that exist stay as they are. Once the policy counts, hold them so, the good ones first:\n"
        )
        remark("  envhooks lock")
        remark(f"  envhooks lock --legacy $({printable(listed)}) --reason 'older than the policy'")


# ------------------------------------------------------------------------------------------- files


def _files(branch: str, key: OwnKey | None, found: Survey) -> dict[str, bytes]:
    text = commented(branch, found.stated)
    try:
        parse_policy(text.encode(), "what was found")
    except PolicyError as error:  # an odd path or name: the defaults stand, and a person states it
        remark(f"\nnot stated in the policy, as it cannot be read: {printable_block(str(error))}")
        text = commented(branch)
    files = {"policy.toml": text.encode()}
    if key is not None:
        files["allowed_signers"] = f"{key.signers_line}\n".encode()
        if key.certificate is not None:
            files[f"keys/{key.key}.asc"] = key.certificate
    return files


def _is_verifier(file: Path, key: OwnKey) -> bool:
    """Whether a policy that is there already names this person as one whose word counts for records.

    Raises:
        PolicyError: it cannot be read.
    """
    if key.scheme != "ssh" or not file.is_file():
        return False
    policy = parse_policy(file.read_bytes(), f"{FOLDER}/policy.toml in the work tree")
    return any(one.ssh == key.principal for one in policy.verifiers)


def _is_new(changelog: Path) -> bool:
    """Whether there is none, or only the one that an earlier run began and could not commit, for want of a signer."""
    if not changelog.exists():
        return True
    return changelog.is_file() and changelog.read_bytes() == _NEW_CHANGELOG


def _write(folder: Path, files: dict[str, bytes]) -> dict[str, bool]:
    """Name -> whether it was written now."""
    written = {}
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        written[name] = not file.exists()
        if written[name]:
            file.write_bytes(data)
    return written


def _shown(name: str) -> str:
    """The path from the top of the work tree; `../` leads out of the policy's folder."""
    return name.removeprefix("../") if name.startswith("../") else f"{FOLDER}/{name}"


def _say_written(written: dict[str, bool], key: OwnKey | None) -> None:
    remark()
    for name, is_new in written.items():
        remark(f"{'wrote' if is_new else 'kept '} {printable(_shown(name))}")
    if key is not None and written.get("allowed_signers"):
        remark(f"signer: {printable(key.principal)} ({key.scheme} {key.key})")


def _say_signer(top: Path, missing: Sequence[str]) -> bool:
    """Whether the policy names somebody who may sign; else what to do, in lines."""
    file = top / FOLDER / "allowed_signers"
    try:
        named = any(line.strip() and not line.startswith(b"#") for line in file.read_bytes().split(b"\n"))
    except OSError:
        named = False
    if not missing:
        return named
    print(
        "\nno signer of yours was written:"
        if named
        else "\nThe policy names no signer yet, so no release can be good:"
    )
    for line in missing:
        sentence(printable(line))
    return named


def _next(branch: str, remote: str | None, ready: bool) -> list[str]:
    """The commands that put the files under the policy; none while somebody has to do something else first."""
    push = [f"git push {word(remote)} {word(branch)}"] if remote else []
    commit = 'git commit -m "Say who may release what"'
    return [f"git add {FOLDER}", commit, *push, "envhooks install"] if ready else []


def _say_next(branch: str, remote: str | None, ready: bool) -> None:
    if not ready:
        remark("\nThen run envhooks init again; what is written is kept.")
        return
    remark("\nLook through the files, then put them under the policy (envhooks init --yes does):\n")
    for command in _next(branch, remote, ready):
        remark(f"  {printable(command)}")
