"""Wiring the hooks into a repository, and out again.

What git runs lies in `<git common dir>/envhooks/`, outside of the work tree and shared by all linked
ones: a copy of each hook, `judge.sh`, and the interpreter that judges (`python`, `site`). Hook files and
config hooks point there. Where git knows both, pre-push has both, since an older git may push from the same
clone; `hooks/judge.sh` sees to it that each event is judged once. The tag hook then has its config hook alone:
git starts it seven times for one `git commit`. Hooks do not come with a clone, so each clone needs one install.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.hooks.copies import (
    CLIENT,
    FOLDER,
    MARK,
    RELOOK,
    SERVER,
    copies,
    interpreter,
    kept_up,
    script_folder,
    server_events,
)
from envhooks.hooks.managers import callers, chained, confighooks, hookfiles, husky, lefthook, settings
from envhooks.hooks.managers.actions import Action, Plan, RemoveFolder


def plan_install(git: Git, request: settings.Request) -> Plan:
    """Plan of an installation; without actions where all is in place.

    Raises:
        UsageError: it takes a decision: the branch, or what to do with a hook that is in the way.
    """
    home = git.common_dir / FOLDER
    events = server_events() if request.server else CLIENT
    wanted, notes = settings.wanted(git, request)
    actions = [*copies(home, events), *interpreter(home), *settings.install(home, wanted)]
    if request.server:
        actions += kept_up(home / RELOOK / ".keep", b"")
    if git.version >= confighooks.SINCE:
        actions += kept_up(home / MARK, b"")
    missing = faults(git) if request.from_pre_commit else ()
    if missing:
        return Plan(tuple(actions), (*notes, *missing))
    wiring: list[Action] = []
    chains = (
        chained.is_used(git)
        or chained.is_stale(git)
        or (
            _is_shared(git)
            and git.version < confighooks.SINCE
            and not all(is_wired(git, event) for event in events)
        )
    )
    if chains:
        wiring += chained.install(git, events)
        for (
            event
        ) in events:  # of an install before: should the folder be named no longer, git would come to both
            wiring += hookfiles.uninstall(git.common_dir / "hooks", event)
    for event in events:
        if event == confighooks.HOT and git.version >= confighooks.SINCE and not request.server:
            wiring += hookfiles.uninstall(git.hooks_dir, event)  # of an install by an older git
        elif not chains:
            wiring += _hook_file(git, home, event)
        if event != confighooks.HOT or not request.server:  # on a server it looks at whole transactions
            wiring += confighooks.install(git.config, git.version, event)
    remarks = tuple(_remarks(git, events)) if wiring else ()
    return Plan((*actions, *wiring), (*notes, *remarks, *_switched_off(git, events)))


def plan_uninstall(git: Git) -> Plan:
    """Plan that restores the state before install."""
    home = git.common_dir / FOLDER
    folders = dict.fromkeys([git.hooks_dir, git.common_dir / "hooks", *_huskys_own(git)])
    folders.pop(chained.folder_of(git), None)  # it goes with all that is ours
    actions: list[Action] = [*chained.uninstall(git)]
    notes = []
    for event in dict.fromkeys((*CLIENT, *SERVER)):
        actions += confighooks.uninstall(git.common_dir / "config", event)
        for folder in folders:
            actions += hookfiles.uninstall(folder, event)
            kept = hookfiles.stranded(folder, event)
            if kept is not None:
                notes.append(f"the hook that was here before envhooks is still in {printable(str(kept))}")
    for scripts in filter(None, dict.fromkeys(map(husky.scripts, folders))):
        actions += husky.uninstall(scripts)
    actions += settings.uninstall(git, home)
    if home.is_dir():
        actions.append(RemoveFolder(home))
    return Plan(tuple(actions), tuple(notes))


def faults(git: Git) -> tuple[str, ...]:
    """One sentence for each hook that was installed here and that git no longer comes through.

    `pre-commit install -f` does that, and so do lefthook and husky installed afterwards, on Git before
    2.54. It may have been meant, so it is said and not undone.
    """
    home = git.common_dir / FOLDER
    lost = chained.lost(git)
    gone = (
        f"the {name} hook of the folder that core.hooksPath names is not run since it was added there"
        "\n  fix: envhooks install"
        for name in lost
    )
    return tuple(
        f"{_occasion(event)} no longer comes through envhooks: {_loss(git, event)}"
        for event in dict.fromkeys((*CLIENT, *SERVER))
        if (home / event).is_file() and not is_wired(git, event)
    ) + tuple(gone)


def _loss(git: Git, event: str) -> str:
    """Reason why git runs no hook of ours for an event, with its fix."""
    key = confighooks.switched_off(git.config, event)
    if key and git.version >= confighooks.SINCE:
        return f"{key} switches its hook off\n  fix: git config {key} true"
    return f"its {event} hook was replaced, or core.hooksPath changed\n  fix: envhooks install"


def _switched_off(git: Git, events: tuple[str, ...]) -> Iterator[str]:
    """Remarks on config hooks that are switched off, where no hook file stands beside them."""
    for event in events if git.version >= confighooks.SINCE else ():
        key = confighooks.switched_off(git.config, event)
        if key and ((event == confighooks.HOT and events == CLIENT) or _is_shared(git)):
            yield f"{key} switches the {event} hook off; to have it run: git config {key} true"


def is_wired(git: Git, event: str) -> bool:
    """Whether git runs our hook for this event, in whichever way."""
    return (
        hookfiles.is_wired(git.hooks_dir, event)
        or confighooks.is_wired(git.config, git.version, event)
        or _stands_everywhere(git, event)
        or (event == husky.EVENT and husky.is_wired(git.hooks_dir))
        or (event == lefthook.EVENT and _by_lefthook(git))
        or callers.calls_hook(git.hooks_dir, event)
    )


def _stands_everywhere(git: Git, event: str) -> bool:
    from envhooks.hooks.managers import everywhere  # which needs this module

    return everywhere.is_wired(git.config, git.version, event)


# -------------------------------------------------------------------------------------- hook files


def _hook_file(git: Git, home: Path, event: str) -> Iterator[Action]:
    folder = git.hooks_dir
    if _is_shared(git):
        return  # config hooks, or somebody's own call of ours
    if event == lefthook.EVENT and _by_lefthook(git):
        return
    scripts = husky.scripts(folder)
    if scripts is not None and event == husky.EVENT:
        yield from kept_up(
            home / "pre-push.husky", (script_folder() / "husky-pre-push.sh").read_bytes(), 0o755
        )
        yield from husky.install(scripts)
        if not husky.is_displaced(folder):
            return
    if callers.calls_hook(folder, event):
        return  # its owner writes that file anew, or git does not run ours
    hook = (script_folder() / "hook-file.sh").read_bytes().replace(b"@event@", event.encode())
    yield from hookfiles.install(folder, event, hook)


def _huskys_own(git: Git) -> Iterator[Path]:
    """Default folder of husky's stubs, should core.hooksPath name it no longer."""
    if git.work_tree is not None:
        yield git.work_tree / ".husky" / "_"


def _is_shared(git: Git) -> bool:
    """Whether the folder of hooks lies outside of this repository: then nothing is written there."""
    folder = git.hooks_dir.resolve()
    inside = [git.common_dir.resolve(), *([git.work_tree.resolve()] if git.work_tree else [])]
    return not any(folder == place or place in folder.parents for place in inside)


def _remarks(git: Git, events: tuple[str, ...]) -> Iterator[str]:
    """Remarks for the person on the place of the hooks."""
    top, folder = git.work_tree, git.hooks_dir
    if events != CLIENT and git.setting("receive.fsckobjects").lower() not in ("true", "yes", "on", "1"):
        yield "damaged objects are refused before any hook with: git config receive.fsckObjects true"
    if git.is_bare and events == CLIENT:
        yield "this repository is bare; if it is one that is pushed to: envhooks install --server"
    if top is None or git.version >= confighooks.SINCE:
        return
    if git.setting("core.hookspath") and top in folder.parents and husky.scripts(folder) is None:
        yield f"{printable(str(folder.relative_to(top)))}/ lies in the work tree: commit or ignore what is new there"
    if lefthook.is_used(top) and not _by_lefthook(git):
        yield lefthook.ADVICE


def _by_lefthook(git: Git) -> bool:
    return git.work_tree is not None and lefthook.is_wired(git.work_tree, git.hooks_dir)


def _occasion(event: str) -> str:
    return {"reference-transaction": "git tag", "pre-push": "git push"}.get(event, event)
