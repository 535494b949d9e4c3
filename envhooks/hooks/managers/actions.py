"""Actions of install and uninstall, as a list that can be printed and then carried out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.files import write_whole
from envhooks.base.hygiene import printable
from envhooks.git.workspace import Workspace, WorkspaceError, global_config


@dataclass(frozen=True)
class WriteFile:
    """Make a file, or replace it whole: git may be about to run it."""

    path: Path
    data: bytes
    mode: int = 0o644

    def __str__(self) -> str:
        return f"write {_shown(self.path)}"


@dataclass(frozen=True)
class MoveFile:
    """Give a file another name; a symbolic link moves itself, not what it points at."""

    source: Path
    target: Path

    def __str__(self) -> str:
        return f"move {_shown(self.source)} to {_shown(self.target)}"


@dataclass(frozen=True)
class RemoveFile:
    """Delete a file."""

    path: Path

    def __str__(self) -> str:
        return f"remove {_shown(self.path)}"


@dataclass(frozen=True)
class RemoveFolder:
    """Delete a folder with all that is in it."""

    path: Path

    def __str__(self) -> str:
        return f"remove {_shown(self.path)}/"


@dataclass(frozen=True)
class SetConfig:
    """Set one key of the repository's own configuration, or of the person's."""

    key: str
    value: str
    everywhere: bool = False

    def __str__(self) -> str:
        value = "..." if self.key.endswith(".command") else printable(self.value)
        return f"set {printable(self.key)} to {value}{_where(self.everywhere)}"


@dataclass(frozen=True)
class UnsetConfig:
    """Remove one key of the repository's own configuration."""

    key: str

    def __str__(self) -> str:
        return f"unset {printable(self.key)}"


@dataclass(frozen=True)
class RemoveSection:
    """Remove a section of the repository's own configuration, or of the person's, all keys at once."""

    section: str
    everywhere: bool = False

    def __str__(self) -> str:
        return f"remove the configuration section {printable(self.section)}{_where(self.everywhere)}"


Action = WriteFile | MoveFile | RemoveFile | RemoveFolder | SetConfig | UnsetConfig | RemoveSection


@dataclass(frozen=True)
class Plan:
    """Actions in their order, and notes for the person."""

    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()


def apply(actions: Iterable[Action], repository: Path) -> None:
    """Carry the actions out; the configuration is that of the repository at `repository`.

    Raises:
        OSError: a file cannot be written, moved or removed.
        WorkspaceError: git did not take a setting.
    """
    workspace: Workspace | None = None  # GitPython costs 60 to 140 ms: only where there is something to set
    try:
        for action in actions:
            if isinstance(action, SetConfig | RemoveSection) and action.everywhere:
                _configure_person(action)
            elif isinstance(action, SetConfig | UnsetConfig | RemoveSection):
                workspace = workspace or Workspace(repository)
                _configure(action, workspace)
            else:
                _change_file(action)
    finally:
        if workspace is not None:
            workspace.close()


def _configure(action: SetConfig | UnsetConfig | RemoveSection, workspace: Workspace) -> None:
    # by git itself: GitPython's own writer would drop the comments of the user's file
    if isinstance(action, SetConfig):
        workspace.do("config", "--local", "--replace-all", action.key, action.value)
    elif isinstance(action, UnsetConfig):
        workspace.unset_config(action.key)
    elif not workspace.unset_section(action.section):
        raise WorkspaceError(f"the configuration section {action.section} cannot be removed")


def _configure_person(action: SetConfig | RemoveSection) -> None:
    if isinstance(action, SetConfig):
        done = global_config("--replace-all", action.key, action.value)
    else:
        done = global_config("--remove-section", action.section)
    if done.exit_code:
        said = printable(done.output.strip().split("\n")[-1])
        raise WorkspaceError(f"git config --global failed: {said}")


def _change_file(action: WriteFile | MoveFile | RemoveFile | RemoveFolder) -> None:
    if isinstance(action, WriteFile):
        action.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(action.path, action.data, action.mode)
    elif isinstance(action, MoveFile):
        action.source.replace(action.target)
    elif isinstance(action, RemoveFile):
        action.path.unlink()
    else:
        shutil.rmtree(action.path)


def _where(everywhere: bool) -> str:
    return " in your own configuration, for all repositories" if everywhere else ""


def _shown(path: Path) -> str:
    here = Path.cwd()
    return printable(str(path.relative_to(here) if here in path.parents else path))
