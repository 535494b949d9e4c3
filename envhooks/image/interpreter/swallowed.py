"""Pins that a shell swallows: `pip install pkg>=1` unquoted is a redirect, and asks for no version."""

from __future__ import annotations

import re
from collections.abc import Callable

from envhooks.base.place import Place
from envhooks.image.facts import Unpinned
from envhooks.image.interpreter.heads import VERSION_WORD
from envhooks.image.shell.scan import Command
from envhooks.image.shell.words import Expander
from envhooks.image.stage.session import Arg
from envhooks.image.text.unknowns import readable


def swallowed_pins(
    expander: Expander,
    command: Command,
    counts: list[int],
    args: list[Arg],
    skipped: int,
    place: Callable[[int], Place],
) -> tuple[Unpinned, ...]:
    """Redirects that were meant as version bounds.

    Args:
        expander: of the command's words.
        command: as it stands.
        counts: for each word behind the skipped ones, how many arguments there are up to it.
        args: the arguments that the words became.
        skipped: words in front of the program, such as assignments.
        place: offset in the text -> place in the file.
    """
    found = []
    for redirect in command.redirects:
        behind = redirect.after - skipped
        if redirect.sign not in (">", "<", ">>") or behind < 1 or behind > len(counts):
            continue
        target = expander.text(redirect.target)
        if not re.fullmatch(VERSION_WORD, readable(target)):
            continue
        if not (redirect.glued or target.startswith("=") or re.fullmatch(r"[0-9]+(?:\.[0-9]+)+", target)):
            continue
        arg = args[counts[behind - 1] - 1]
        text = f"{readable(arg.text)}{redirect.sign}{readable(target)}"
        name = re.split(r"[\[=<>!~ ]", arg.text, maxsplit=1)[0].lower().replace("_", "-")
        why = f"the shell takes {redirect.sign} for a redirect: no version is asked for"
        found.append(Unpinned(name, "python", text, why, place(redirect.offset), swallowed=True))
    return tuple(found)
