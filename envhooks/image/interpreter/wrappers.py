"""Programs that run the rest of their arguments: sudo, env, conda run, ..."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from envhooks.image.stage.session import CONDAS, Arg, conda_place
from envhooks.image.text.unknowns import names

# Name -> options of theirs that take a value.
_WRAPPERS: Mapping[str, frozenset[str]] = {
    "sudo": names("-u -g -h -p -C -r -t -T -U -D"),
    "env": names("-u -C --unset --chdir"),
    "time": names("-f -o"),
    "nice": names("-n"),
    "ionice": names("-c -n"),
    "nohup": frozenset(),
    "exec": names("-a"),
    "command": frozenset(),
    "builtin": frozenset(),
    "stdbuf": names("-o -e -i"),
    "timeout": names("-k -s --signal --kill-after"),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    "chroot": frozenset(),
    "unbuffer": frozenset(),
    "!": frozenset(),
}
WRAPPERS = frozenset(_WRAPPERS)
_FIRST_ARGUMENT = frozenset(("timeout", "gosu", "su-exec", "chroot"))
_ASSIGN = r"(?s)([A-Za-z_][A-Za-z0-9_]*)=(.*)"
_RUN_VALUES = names("--with --python -p --project --directory --extra --group")
MAX_WRAPPERS = 20


def unwrap(args: list[Arg]) -> tuple[list[Arg], str, dict[str, str]]:
    """(arguments of the innermost program, the environment that is named or "", variables set for it)."""
    where = ""
    assigned: dict[str, str] = {}
    for _ in range(MAX_WRAPPERS):
        if not args:
            break
        name = posixpath.basename(args[0].text)
        texts = [arg.text for arg in args[:4]]
        if name in _WRAPPERS:
            args = _behind(args[1:], _WRAPPERS[name])
            while name in ("env", "sudo") and args and (match := re.fullmatch(_ASSIGN, args[0].text)):
                assigned[match.group(1)] = match.group(2)
                args = args[1:]
            args = args[1:] if name in _FIRST_ARGUMENT else args
        elif name in CONDAS and "run" in texts[1:3]:
            args, named = _conda_run(args[texts.index("run") + 1 :])
            where = named or where
        elif name in ("uv", "poetry", "pipenv", "pdm") and texts[1:2] == ["run"]:
            args = _behind(args[2:], _RUN_VALUES)
        else:
            break
    return args, where, assigned


def _conda_run(args: list[Arg]) -> tuple[list[Arg], str]:
    where = ""
    at = 0
    while at < len(args) and args[at].text.startswith("-"):
        flag, sign, value = args[at].text.partition("=")
        if flag in ("-n", "--name", "-p", "--prefix", "--cwd"):
            if not sign:
                at += 1
                value = args[at].text if at < len(args) else ""
            if flag != "--cwd":
                where = conda_place(value)
        at += 1
    return args[at:], where


def _behind(args: list[Arg], values: frozenset[str]) -> list[Arg]:
    """What stands behind the options."""
    at = 0
    while at < len(args) and args[at].text.startswith("-"):
        if args[at].text == "--":
            return args[at + 1 :]
        at += 2 if args[at].text in values else 1
    return args[at:]
