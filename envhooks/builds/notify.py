"""Notifications of a build's end: a program of the person's own, or the desktop's.

`git config envhooks.notify desktop`, or the words of a program: `git config envhooks.notify "notify-send -a envhooks"`.
Only the clone's own configuration or the user's counts, as for every setting of envhooks; a policy cannot name one.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from envhooks.base.errors import CannotJudge
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable
from envhooks.builds.ledger import Row
from envhooks.builds.process import engine_environment
from envhooks.git.repository import Git

SETTING = "envhooks.notify"
DESKTOP = "desktop"
_SECONDS = 20


def command(text: str, title: str, body: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The program to start, with title and body as its last two arguments.

    Raises:
        CannotJudge: the setting is no list of words, or there is no such program.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if words == [DESKTOP] and sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
        words = ["osascript", "-e", script]
    elif words == [DESKTOP]:
        words = ["notify-send", "--app-name=envhooks"]
    program = (
        find_program(words[0], environ) if words and not Path(words[0]).is_absolute() else "".join(words[:1])
    )
    if not program or not os.access(program, os.X_OK):
        said = printable(words[0] if words else text, 100)
        raise CannotJudge(
            f"{SETTING} names no program that could be started: {said}", fix=f"git config --unset {SETTING}"
        )
    return (program, *words[1:], title, body)


def notify(git: Git, row: Row, state: str, message: str, environ: Mapping[str, str]) -> str:
    """Tell how a build ended; answers why that was not possible, or nothing."""
    text = git.setting(SETTING)
    if not text:
        return ""
    title = printable(f"{row.tag}: {state}", 200)
    more = {
        "ENVHOOKS_TAG": row.tag,
        "ENVHOOKS_BUILD": row.build,
        "ENVHOOKS_STATE": state,
        "ENVHOOKS_IMAGE": row.image,
        "ENVHOOKS_DIGEST": row.digest,
        "ENVHOOKS_LOG": row.log,
    }
    env = engine_environment(environ)
    try:
        subprocess.run(
            command(text, title, printable(message, 500), env),
            env={**env, **more},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except CannotJudge as error:
        return error.message
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{SETTING}: {printable(str(error), 200)}"
    return ""
