"""say in one screen what the gate lacks here, and how to mend it

Who decides here, what would refuse the first tag, and a command for each fault. Nothing is changed and nothing is
fetched; --online asks the remote for its tags.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from envhooks.base.commands import as_case, is_command
from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable, printable_block
from envhooks.base.invocation import spelled
from envhooks.base.refs import Hook
from envhooks.cli._manner import answer, quiet
from envhooks.cli._terminal import columns
from envhooks.cli.version import PROGRAMS, number
from envhooks.git.repository import MINIMUM_VERSION, Git
from envhooks.git.workspace import program_version
from envhooks.hooks import copies, install
from envhooks.hooks.managers import confighooks, everywhere, survey
from envhooks.judge import engine
from envhooks.judge import runs as gate
from envhooks.judge.pushes import standing_lookalikes
from envhooks.policy.root import FOLDER
from envhooks.policy.trust import TrustContext, trust_context

WIDTH = 100
_INDENT = 14
_PACKAGES = {"gpg": "gnupg", "gpgv": "gpgv", "ssh": "openssh-client"}
"""Program -> Debian's package of it."""


@dataclass
class _Screen:
    """Lines and faults of the output; lives only while they are gathered."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    """(fault, command that mends it, decision that only a person can make)."""

    def say(self, name: str, text: str) -> None:
        self.lines.append((name, text))

    def fault(self, text: str, fix: str, advice: str = "") -> None:
        self.faults.append((text, fix, advice))

    def failed(self, error: EnvhooksError) -> None:
        text = f"{error.place}: {error.message}" if error.place else error.message
        self.fault(text, error.fix or "envhooks lint policy")


GROUP = "set up"
EXITS = (
    "no fault",
    "a fault, with what mends it",
    "this is no repository",
)
EXAMPLES = (("envhooks doctor", ""), ("envhooks doctor --online", "and compare the tags with the remote's"))


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument(
        "--online", action="store_true", help="ask the remote too: which of its tags differ from those here"
    )


def run(options: argparse.Namespace) -> int:
    """Print the screen."""
    screen = _Screen()
    with Git.open(Path.cwd()) as git:
        _git(git, screen)
        _hooks(git, screen)
        screen.say("neighbours", ", ".join(survey.managers(git)) or "none")
        trust = _policy(git, screen)
        _signers(trust, git, screen)
        _releases(trust, git, screen, options.online)
        _programs(screen)
        _builds(trust, git, screen)
        _mode(git, screen)
    answer(_document(screen))
    if quiet():
        screen.lines.clear()
    if screen.faults or not quiet():
        print("\n".join(_render(screen)))
    return 1 if screen.faults else 0


def _document(screen: _Screen) -> dict[str, object]:
    """The screen as JSON: what stands under each name, and the faults with what mends them."""
    shown: dict[str, list[str]] = {}
    label = ""
    for name, text in screen.lines:
        label = name or label  # a line without a name belongs to the one before
        shown.setdefault(label, []).append(printable(text))
    return {
        "shown": shown,
        "faults": [
            {"text": printable(text), "fix": spelled(printable_block(fix)), "advice": printable_block(advice)}
            for text, fix, advice in screen.faults
        ],
    }


def _render(screen: _Screen) -> Iterator[str]:
    for name, text in screen.lines:
        yield from _wrapped(f"{name:{_INDENT}}", text)
    for text, fix, advice in screen.faults:
        yield from _wrapped("fault: ", text)
        commands = fix.split("\n") if is_command(fix) else ()
        for line in commands:
            yield f"  fix: {spelled(printable(line, 2000))}"  # to be pasted, and so never broken
        said = "\n".join(filter(None, ("" if commands else fix, advice)))
        for at, line in enumerate(said.split("\n") if said else ()):
            head = "          " if at else "  advice: "
            case, command = as_case(spelled(printable(line, 2000)))
            if command and len(head) + len(line) > min(columns(sys.stdout) or WIDTH, WIDTH):
                yield from _wrapped(head, case)
                yield f"    {command}"
            else:
                yield from _wrapped(head, spelled(line))
    count = len(screen.faults)
    yield f"envhooks: {count} fault{'s' if count > 1 else ''}" if count else "envhooks: all is well here"


def _wrapped(head: str, text: str) -> list[str]:
    """A long word, such as a path, is broken rather than let the line run on."""
    return textwrap.wrap(
        printable(text, 2000),
        min(columns(sys.stdout) or WIDTH, WIDTH),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )


# ------------------------------------------------------------------------------------ git and the hooks


def _git(git: Git, screen: _Screen) -> None:
    version = ".".join(map(str, git.version))
    hashes = "SHA-256" if git.oid_length == 64 else "SHA-1"
    hooks = "config hooks and hook files" if git.version >= confighooks.SINCE else "hook files"
    screen.say("git", f"{version}: {hooks}; here {hashes} objects, refs in {git.ref_storage}")
    if git.version < MINIMUM_VERSION:
        needed = ".".join(map(str, MINIMUM_VERSION))
        screen.fault(
            f"git {version} is too old: {needed} is the oldest that is supported", "apt-get install git"
        )
    kind = "bare" if git.is_bare else "shallow" if git.is_shallow else "whole history"
    screen.say("repository", f"{git.work_tree or git.common_dir} ({kind})")
    if git.is_shallow:
        text = "this clone is shallow, so no tag can be judged in it"
        screen.fault(text, "git fetch --unshallow --tags --force")


def _is_server(git: Git) -> bool:
    return git.is_bare or (git.common_dir / copies.FOLDER / "pre-receive").is_file()


def _hooks(git: Git, screen: _Screen) -> None:
    home = git.common_dir / copies.FOLDER
    is_server = _is_server(git)
    events = copies.server_events() if is_server else copies.CLIENT
    said = [f"{event}: {survey.wired_by(git, event)}" for event in events]
    screen.say("hooks", "; ".join(said))
    stands = any(everywhere.is_wired(git.config, git.version, event) for event in events)
    if not stands and not any((home / event).is_file() for event in events):
        option = " --server" if is_server else ""
        screen.fault("the hooks are not installed here, so nothing is judged", f"envhooks install{option}")
    for fault in install.faults(git):
        text, _, fix = fault.partition("\n  fix: ")
        screen.fault(text, fix)


# ---------------------------------------------------------------------------------- policy and signers


def _policy(git: Git, screen: _Screen) -> TrustContext | None:
    try:
        trust = trust_context(git, Hook.RECEIVE if _is_server(git) else Hook.CHECK, check_ids=engine.ids())
    except EnvhooksError as error:
        screen.say("policy", "cannot be read")
        screen.failed(error)
        return None
    root, pinned = trust.root, git.setting("envhooks.branch")
    why = "git config envhooks.branch" if pinned else "what the repository tells"
    screen.say(
        "policy",
        f"{root.policy.origin if root.tree else 'the defaults'}; its branch is {trust.branch}, by {why}",
    )
    for found in standing_lookalikes(git.refs(), trust):
        screen.fault(found.why, found.fix)
    for note in trust.notes:
        from envhooks.cli._first_tag import brought_together

        screen.fault(note, *brought_together(git, trust))
    return trust


def _signers(trust: TrustContext | None, git: Git, screen: _Screen) -> None:
    from envhooks.cli._first_tag import has_signers_here
    from envhooks.signatures.signers import read_signers

    if trust is None:
        return
    root = trust.root
    if not root.has_signers:
        who = "nobody" if trust.hook is Hook.RECEIVE else "only the key that your own git signs with"
        screen.say("signers", f"{who}: {root.where or trust.branch} has no {FOLDER}/allowed_signers")
        is_waiting = bool(trust.notes) and has_signers_here(git, trust)  # they are there, and not pushed yet
        if not is_waiting:
            screen.fault(
                "the policy names no signers, so there is nobody whose releases count for others",
                "envhooks init",
            )
        return
    try:
        signers = read_signers(root.signer_files, f"{FOLDER} on {root.where}")
    except EnvhooksError as error:
        screen.say("signers", "cannot be read")
        screen.failed(error)
        return
    screen.say(
        "signers", f"{len(signers.ssh)} SSH, {len(signers.openpgp)} OpenPGP in {FOLDER}/ on {root.where}"
    )
    for note in signers.notes:
        screen.say("", note)


def _releases(trust: TrustContext | None, git: Git, screen: _Screen, online: bool) -> None:
    """Faults that would refuse the first tag."""
    from envhooks.cli import _first_tag

    if trust is None:
        return
    try:
        found = _first_tag.outlook(git, trust)
    except EnvhooksError as error:
        screen.failed(error)
        return
    for line in found.lines:
        screen.say("releases", line)
    faults = list(found.faults)
    if online:
        try:
            faults += _first_tag.moved_on_remote(git, trust)
        except EnvhooksError as error:
            screen.fault(str(error).split("\n")[0], "", "so its tags were not compared; try again")
    for fault in faults:
        screen.fault(fault.text, fault.fix, fault.advice)
    if trust.hook is not Hook.RECEIVE:
        you, fault_of_yours = _first_tag.signer(git, trust)
        screen.say("you", you)
        if fault_of_yours is not None:
            screen.fault(fault_of_yours.text, fault_of_yours.fix, fault_of_yours.advice)


def _programs(screen: _Screen) -> None:
    said = []
    for name, command in PROGRAMS:
        if name not in _PACKAGES:
            continue
        found = number(program_version(*command))
        said.append(f"{name}: {found or 'missing'}")
        if not found:
            text = f"{name} is not on PATH, so signatures that need it cannot be judged"
            screen.fault(text, f"apt-get install {_PACKAGES[name]}")
    said.append(f"Python: {'.'.join(map(str, sys.version_info[:3]))}")
    screen.say("programs", ", ".join(said))


# ------------------------------------------------------------------------------------ builds and mode


def _builds(trust: TrustContext | None, git: Git, screen: _Screen) -> None:
    wanted = trust.root.policy.builds if trust is not None else ()
    screen.say(
        "builds", ", ".join(f"{build.name} by {build.using}" for build in wanted) or "none in the policy"
    )
    from envhooks.builds import builders
    from envhooks.builds.ledger import OPEN, Ledger
    from envhooks.builds.local_section import ENGINES
    from envhooks.builds.show import again_for

    known = ", ".join(builders.names())
    engines = ", ".join(engine for engine in ENGINES if shutil.which(engine)) or "no engine on PATH"
    screen.say("builders", f"{known}; for local: {engines}")
    ledger = Ledger(git.common_dir)
    try:
        rows = ledger.rows() if ledger.exists else ()
    except EnvhooksError as error:
        screen.fault(f"{error.place}: {error.message}", error.fix)
        return
    waiting = [row for row in rows if row.state in OPEN]
    failed = [row for row in rows if row.state in ("failed", "final")]
    if rows:
        screen.say("", f"{len(waiting)} under way or waiting, {len(failed)} failed, of {len(rows)} so far")
    for row in [*(row for row in waiting if row.held), *failed]:
        what = {"failed": "failed", "final": "failed for good"}.get(row.state, "waits for your word")
        fix = again_for(row, "envhooks builds --retry")
        screen.fault(f"the build {row.build} of {row.tag} {what}: {row.reason}", fix)


def _mode(git: Git, screen: _Screen) -> None:
    try:
        warns = gate.warn_only(git)
    except EnvhooksError as error:
        screen.failed(error)
        return
    screen.say("mode", "warn" if warns else "enforce")
    if warns:
        screen.fault(
            "envhooks.mode is warn: bad tags are reported, and not refused",
            "git config envhooks.mode enforce",
        )
