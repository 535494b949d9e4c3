"""write the policy: .envhooks/policy.toml, and allowed_signers with the key that your git signs with

Nothing that exists is overwritten. The files count from the moment they are on the protected branch; the
commands that bring them there are printed. Tags that already exist and that envhooks would refuse are named.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable, printable_block
from envhooks.base.refs import HEADS
from envhooks.git.repository import BRANCHES, Git
from envhooks.judge import runs as gate
from envhooks.policy.branches import protected_branch, release_remote
from envhooks.policy.commented import commented
from envhooks.policy.root import FOLDER
from envhooks.signatures.signers.ownkey import OwnKey, find_own_key


def arguments(parser: argparse.ArgumentParser) -> None:
    """The protected branch, where it cannot be told."""
    parser.add_argument("--branch", help="the protected protected branch (default: told by the remote)")


def run(options: argparse.Namespace) -> int:
    """Write what is missing, and say what to do next."""
    with Git.open(Path.cwd()) as git:
        top = git.work_tree
        if top is None:
            raise CannotJudge(
                "a bare repository has no work tree to write to", fix="run envhooks init in a clone"
            )
        remote = release_remote(git)
        is_new = git.resolve_head() is None
        branch = options.branch or (_first_branch(git) if is_new else "") or protected_branch(git, remote)
        key = _own_key(git)
        written = _write(top / FOLDER, _files(branch, key))
        _say_written(written, key)
        if not is_new:
            _say_old_tags(git)
        _say_next(branch, remote)
    return 0


def _first_branch(git: Git) -> str:
    """The branch that the first commit of a new repository will lie on."""
    return "" if git.refs(*BRANCHES) else git.head().removeprefix(HEADS)


def _own_key(git: Git) -> OwnKey | None:
    try:
        return find_own_key({key: values[-1] for key, values in git.config.items()})
    except EnvhooksError as error:
        print(f"no signer was written: {printable_block(str(error))}")
        return None


def _files(branch: str, key: OwnKey | None) -> dict[str, bytes]:
    files = {"policy.toml": commented(branch).encode()}
    if key is not None:
        files["allowed_signers"] = f"{key.signers_line}\n".encode()
        if key.certificate is not None:
            files[f"keys/{key.key}.asc"] = key.certificate
    return files


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


def _say_written(written: dict[str, bool], key: OwnKey | None) -> None:
    for name, is_new in written.items():
        print(f"{'wrote' if is_new else 'kept '} {FOLDER}/{name}")
    if key is not None and written.get("allowed_signers"):
        print(f"signer: {printable(key.principal)} ({key.scheme} {key.key})")
    elif key is None:
        print(
            "no signing key of yours is configured: git config user.signingkey <key>, then envhooks init again"
        )


def _say_old_tags(git: Git) -> None:
    try:
        report = gate.judge_standing(git, gate.every_tag)
    except EnvhooksError as error:
        print(f"existing tags were not looked at: {printable_block(str(error))}")
        return
    bad = [tag for tag in report.tags if tag.verdict != "accepted"]
    for tag in bad[:20]:
        why = [finding.message for finding in tag.findings if finding.level == "error"]
        why += [unknown.why for unknown in tag.undecided.values()]
        verb = "would refuse" if tag.verdict == "refused" else "could not judge"
        print(f"{verb} {printable(tag.tag)}: {printable(why[0])}")
    if len(bad) > 20:
        print(f"... and {len(bad) - 20} more: envhooks check --all")
    if bad:
        print("tags that exist stay as they are; only creating, pushing and changing tags is judged")


def _say_next(branch: str, remote: str | None) -> None:
    print("\nLook through the files, then put them under the policy:\n")
    print(f"  git add {FOLDER}")
    print('  git commit -m "Say who may release what"')
    print(f"  git push {printable(remote)} {printable(branch)}" if remote else "", end="\n" if remote else "")
    print("  envhooks install")
