"""Config hooks (`hook.<name>.command`, `hook.<name>.event`), which Git has since 2.54.

They run before the hook file, each with its own full stdin, and need no file that somebody else may
want: they work with `core.hooksPath`, in worktrees and in bare repositories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from envhooks.hooks.managers.actions import Action, RemoveSection, SetConfig

SINCE = (2, 54)
HOT = "reference-transaction"
"""Event that git fires several times on every ref update: we have one hook for it, never two."""
Config = Mapping[str, tuple[str, ...]]
_OFF = ("false", "no", "off", "0", "")

_TAGS = {
    "pre-push": " [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/[^ ]* [0-9a-f]*$",
}
# Every ref update comes by here several times, so what makes no tag leaves before a process is started.
_ONLY_TAGS = (
    # by bytes: bash's `read` takes the line feed behind half a UTF-8 character for a part of it
    """first() { [ "$1" = prepared ] || exit 0; l=${LC_ALL+x}${LC_ALL-}; LC_ALL=C;"""
    " IFS=' ' read -r old new ref || exit 0;"
    " case $ref in refs/tags/*) ;; *) exit 0;; esac;"
    # a symbolic ref; a deletion, as of each loose tag that `git gc` packs
    " case $new in ref:*) exit 0;; *[!0]*) ;; *) exit 0;; esac;"
    # `git tag` makes one tag at a time; a fetch brings them all at once
    " IFS= read -r _ && exit 0; case $l in x*) LC_ALL=${l#x};; *) unset LC_ALL;; esac;"
    """ printf '%s %s %s\\n' "$old" "$new" "$ref" | judge "$@"; }; first"""
)
_TAGS_ELSEWHERE = "^[^ ]* [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/"


def name(event: str) -> str:
    """The hook's friendly name; `hooks/judge.sh` looks for it in `git hook list`."""
    return f"envhooks-{event}"


def guard(event: str) -> str:
    """The command of an event's hook, to which git adds the hook's arguments.

    A command whose program is gone would make even `git commit` die (exit code 128). So it looks for the
    hook first; without one, what creates or moves a tag is refused, and all else passes.
    """
    lines = [
        f"hook=$(git rev-parse --git-common-dir)/envhooks/{event}",
        'if [ -f "$hook" ]; then export ENVHOOKS_WIRING=config; exec sh "$hook" "$@"; fi',
        *refusal(event, "envhooks install"),
    ]
    return judging(event, lines)


def judging(event: str, lines: Iterable[str]) -> str:
    """A command that comes to `lines` where there may be something to judge."""
    return "judge() { " + "; ".join(lines) + "; }; " + (_ONLY_TAGS if event == HOT else "judge")


def refusal(event: str, fix: str) -> Iterator[str]:
    """Shell lines of a guard where `$hook` is gone: an update that creates or moves a tag is refused."""
    yield f"LC_ALL=C grep -q -e '{_TAGS.get(event, _TAGS_ELSEWHERE)}' || exit 0"
    if event == HOT:  # fetch and gc make tags too
        yield "case $(ps -ww -o args= -p \"$PPID\" 2>/dev/null) in 'git tag '*|*/'git tag '*) ;; *) exit 0;; esac"
    yield (
        'echo "envhooks: tags are judged here, but $hook is gone; until it is back,'
        ' no tag is created or moved" >&2'
    )
    # where no shell finds envhooks, a place of its own needs no PATH, and no Python that a distribution guards
    own = "~/.local/share/envhooks"
    fresh = f"python3 -m venv {own} && {own}/bin/pip install envhooks && {own}/bin/{fix}"
    yield f'fix="{fix}"; command -v envhooks >/dev/null 2>&1 || fix="{fresh}"'
    yield 'echo "  fix: $fix" >&2'
    yield "exit 2"


def is_wired(config: Config, version: tuple[int, ...], event: str) -> bool:
    """Whether git runs our config hook."""
    return is_on(config, version, event) and not list(install(config, version, event))


def is_on(config: Config, version: tuple[int, ...], event: str) -> bool:
    """Whether this git has config hooks, and ours for this event is there and not switched off."""
    return version >= SINCE and not switched_off(config, event) and event in _events(config, event)


def switched_off(config: Config, event: str) -> str:
    """The key that switches our config hook of an event off, alone or with all others of it; empty without one.

    Git knows the second from 2.55 on. Neither switches off a hook file.
    """
    keys = (f"hook.{name(event)}.enabled", f"hook.{event}.enabled")
    return next((key for key in keys if config.get(key, ("true",))[-1].lower() in _OFF), "")


def _events(config: Config, event: str) -> tuple[str, ...]:
    """The events of our hook: an empty value takes back those before it."""
    found: tuple[str, ...] = ()
    for value in config.get(f"hook.{name(event)}.event", ()):
        found = (*found, value) if value else ()
    return found


def install(config: Config, version: tuple[int, ...], event: str) -> Iterator[Action]:
    """Actions that set the config hook, where this version of git knows them."""
    if version < SINCE:
        return
    section = f"hook.{name(event)}"
    # the command first: an event without one makes every git command that fires it die
    if config.get(f"{section}.command", ())[-1:] != (guard(event),):
        yield SetConfig(f"{section}.command", guard(event))
    if event not in _events(config, event):
        yield SetConfig(f"{section}.event", event)


def uninstall(config_file: Path, event: str) -> Iterator[Action]:
    """Actions that remove the config hook from a repository's own file: all its keys at once, for the same reason."""
    section = f"hook.{name(event)}"
    if f'[hook "{name(event)}"]'.encode() in config_file.read_bytes():
        yield RemoveSection(section)
