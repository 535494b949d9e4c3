"""The hooks of all clones of one person at once: config hooks in the person's own configuration, Git >= 2.54.

Hooks do not come with a clone; these stand before it is made. They judge only where the repository has a
policy, and leave every other one alone. They have the names of a clone's own config hooks, which therefore
take their place: a clone that was installed by itself is judged once, by its own hooks.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.git.workspace import global_config, program_version
from envhooks.hooks import copies
from envhooks.hooks.managers import confighooks
from envhooks.hooks.managers.actions import Action, Plan, RemoveFolder, RemoveSection, SetConfig, WriteFile

MARK = "everywhere"
"""The file by which `judge.sh` knows that it lies in no repository."""
# the same question is asked in hooks/judge.sh
_LAWFUL = (
    "for ref in $(git for-each-ref --format='%(refname)' 'refs/remotes/*/HEAD' 'refs/remotes/*/main'"
    " 'refs/remotes/*/master' refs/heads/main refs/heads/master);"
    ' do git cat-file -e "$ref:.envhooks" 2>/dev/null && found=yes; done; [ -n "$found" ] || exit 0'
)


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the hooks that belong to no repository."""
    data = environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path.home() / ".local/share") / "envhooks"


def guard(event: str, folder: Path) -> str:
    """The command of an event's hook: a clone's own hook where there is one, else the one in `folder`."""
    lines = [
        f"own=$(git rev-parse --git-common-dir)/envhooks/{event}; hook={shlex.quote(str(folder / event))}",
        "export ENVHOOKS_WIRING=config",
        'for file in "$own" "$hook"; do if [ -f "$file" ]; then exec sh "$file" "$@"; fi; done',
        f"found=; {_LAWFUL}",
        *confighooks.refusal(event, "envhooks install --global"),
    ]
    return confighooks.judging(event, lines)


def is_wired(config: confighooks.Config, version: tuple[int, ...], event: str) -> bool:
    """Whether git runs the hook of an event that stands for all clones."""
    command = config.get(f"hook.{confighooks.name(event)}.command", ("",))[-1]
    return command == guard(event, home()) and confighooks.is_on(config, version, event)


def plan_install() -> Plan:
    """Plan of an installation for all clones; without actions where all is in place.

    Raises:
        UsageError: this git has no config hooks.
    """
    version = program_version("git", "--version") or "git is not on PATH"
    numbers = tuple(int(word) for word in version.split(" ")[-1].split(".")[:2] if word.isdigit())
    if numbers < confighooks.SINCE:
        raise UsageError(
            f"hooks for all clones take the config hooks of Git 2.54, and this is {printable(version)}",
            fix="envhooks install # in each clone",
        )
    folder = home()
    actions: list[Action] = [*copies.copies(folder, copies.CLIENT), *copies.interpreter(folder)]
    if not (folder / MARK).is_file():
        actions.append(
            WriteFile(folder / MARK, b"Hooks for all clones; written by envhooks install --global.\n")
        )
    for event in copies.CLIENT:
        section = f"hook.{confighooks.name(event)}"
        # the command first: an event without one makes every git command that fires it die
        for key, value in (("command", guard(event, folder)), ("event", event)):
            if global_config("--get-all", f"{section}.{key}").output.rstrip("\n") != value:
                actions.append(SetConfig(f"{section}.{key}", value, everywhere=True))
    return Plan(tuple(actions))


def plan_uninstall() -> Plan:
    """Plan that removes the hooks for all clones."""
    return Plan(tuple(_out()))


def _out() -> Iterator[Action]:
    for event in copies.CLIENT:
        section = f"hook.{confighooks.name(event)}"
        if global_config("--get-all", f"{section}.command").exit_code == 0:
            yield RemoveSection(section, everywhere=True)
    if (home() / MARK).is_file():
        yield RemoveFolder(home())
