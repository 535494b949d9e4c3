"""What `--dry-run` says of each action."""

from __future__ import annotations

from pathlib import Path

import pytest

from envhooks.hooks.managers.actions import (
    Action,
    MoveFile,
    RemoveFile,
    RemoveFolder,
    RemoveSection,
    SetConfig,
    UnsetConfig,
    WriteFile,
)

HERE = Path("/repo/.git/hooks/pre-push")


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (WriteFile(HERE, b"x"), f"write {HERE}"),
        (MoveFile(HERE, HERE.with_name("old")), f"move {HERE} to /repo/.git/hooks/old"),
        (RemoveFile(HERE), f"remove {HERE}"),
        (RemoveFolder(HERE.parent), "remove /repo/.git/hooks/"),
        (SetConfig("hook.x.event", "pre-push"), "set hook.x.event to pre-push"),
        (SetConfig("hook.x.command", "sh -c secret"), "set hook.x.command to ..."),
        (SetConfig("hook.x.event", "a\x1b[31m"), "set hook.x.event to a\\x1b[31m"),
        (UnsetConfig("core.hooksPath"), "unset core.hooksPath"),
        (RemoveSection("hook.x"), "remove the configuration section hook.x"),
    ],
)
def test_an_action_in_words(action: Action, text: str) -> None:
    assert str(action) == text


def test_what_is_of_a_person_s_configuration_says_so() -> None:
    where = " in your own configuration, for all repositories"
    assert (
        str(SetConfig("hook.x.event", "pre-push", everywhere=True)) == f"set hook.x.event to pre-push{where}"
    )
    assert str(RemoveSection("hook.x", everywhere=True)) == f"remove the configuration section hook.x{where}"
