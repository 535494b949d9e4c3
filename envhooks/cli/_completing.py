"""Completion for shells: verbs, options, choices and the names of tags, by argcomplete."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envhooks.git.repository import Git
    from envhooks.policy import Policy

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
        offered = _VALUES.get(action.dest) or (_tags if action.metavar in _TAGS else None)
        if offered and not action.choices and action.nargs != 0:
            action.completer = offered  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, exclude=["hook"], always_complete_options="long")


def parsers(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    """A parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def _found(prefix: str, ask: Callable[[Git], Iterable[str]]) -> list[str]:
    """Names that a repository has; none where it cannot be read."""
    from envhooks.base.errors import EnvhooksError
    from envhooks.git.repository import Git

    try:
        with Git.open() as git:
            names = [*ask(git)]
    except EnvhooksError:
        return []
    return [name for name in names if name.startswith(prefix) and name.isprintable()][-MOST:]


def _policy(git: Git) -> Policy:
    from envhooks.base.refs import Hook
    from envhooks.policy.trust import trust_context

    return trust_context(git, Hook.CHECK).root.policy


def _tags(prefix: str, **_: object) -> list[str]:
    return _found(prefix, lambda git: (ref.name.removeprefix("refs/tags/") for ref in git.refs("refs/tags/")))


def _environments(prefix: str, **_: object) -> list[str]:
    return _found(prefix, lambda git: (one.name for one in _policy(git).deploys))


def _builds(prefix: str, **_: object) -> list[str]:
    return _found(prefix, lambda git: (one.name for one in _policy(git).builds))


def _remotes(prefix: str, **_: object) -> list[str]:
    return _found(
        prefix, lambda git: (key[7:-4] for key in git.config if re.fullmatch(r"remote\..+\.url", key))
    )


def _formats(prefix: str, **_: object) -> list[str]:
    from envhooks import report

    return [name for name in report.formats() if name.startswith(prefix)]


def _checks(prefix: str, **_: object) -> list[str]:
    from envhooks.judge import engine

    return sorted(name for name in engine.ids() if name.startswith(prefix))


_VALUES = {
    "environment": _environments,
    "build": _builds,
    "remote": _remotes,
    "format": _formats,
    "check": _checks,
}
"""Where an option's value is kept -> what is offered for it; tags go by the word that stands for them."""
