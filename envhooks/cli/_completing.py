"""Completion for shells: verbs, options, choices and the names of tags, by argcomplete."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence

_TAGS = {"TAG", "A", "B", "WHAT"}
MOST = 500
"""Tags that are offered."""


def complete(verbs: Sequence[str], build: Callable[[Iterable[str]], argparse.ArgumentParser]) -> None:
    """Answer the shell and end the process; returns where argcomplete is not installed or no shell asks.

    Called only where nothing was typed behind the program's name, so that no variable can make a verb pass unseen.
    """
    words = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT") or 0)].split(" ")
    try:
        import argcomplete
    except ImportError:
        return
    typed = words[1] if len(words) > 2 else ""
    parser = build([typed] if typed in verbs else verbs)
    for action in (action for own in parsers(parser) for action in own._actions):
        if action.metavar in _TAGS and not action.choices:
            action.completer = _tags  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, exclude=["hook"], always_complete_options="long")


def parsers(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    """A parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def _tags(prefix: str, **_: object) -> list[str]:
    from envhooks.base.errors import EnvhooksError
    from envhooks.git.repository import Git

    try:
        with Git.open() as git:
            names = [ref.name.removeprefix("refs/tags/") for ref in git.refs("refs/tags/")]
    except EnvhooksError:
        return []
    return [name for name in names if name.startswith(prefix) and name.isprintable()][-MOST:]
