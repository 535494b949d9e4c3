"""Installers of which little or nothing is followed.

What such a tool may bring is a doubt about the framework that it names; a tool that keeps what it installs in an
environment of its own brings nothing to the one that is judged.
"""

from __future__ import annotations

import re

from envhooks.base.dataclass import replace
from envhooks.catalog.lookup import BOUND, CARRIERS, framework_package
from envhooks.image.installers.pip import pip_sync, sort_head, sort_options
from envhooks.image.stage import Arg, Call, Session
from envhooks.image.stage.installed import SYSTEM
from envhooks.image.text import names, readable, unknown

_TOOLS = names("pipx uvx")
"""Programs that keep each tool in an environment of its own."""
_COMMANDS = names("install sync add inject run env shell test create restore build-env concretize -i -iA")
_PROJECTS = names("hatch rye flit")
_NEUTRAL = names("build version new init publish fetch config self show lock fmt clean")


def other(session: Session, call: Call) -> None:
    """Take one call of a tool of `OTHERS`."""
    program = call.program
    texts = [arg.text for arg in call.args]
    if program == "pip-sync":
        pip_sync(session, call)
    elif program == "conda-lock":
        _conda_lock(session, call)
    elif program in _TOOLS or (program == "rye" and texts[:1] in (["install"], ["tools"])):
        tool(session, call)
    elif program == "easy_install":
        for arg in call.args:
            doubt_named(session, call, arg, f"{program} takes what its index has")
        session.note(f"what {program} installs is not followed", call.place)
    elif program in _PROJECTS:
        if texts and texts[0] not in _NEUTRAL:
            session.note(f"what {program} installs is not followed", call.place)
    elif _COMMANDS & set(texts):
        words = call.args[1:]
        named = [
            arg
            for arg in words
            if doubt_named(session, call, arg, f"what {program} installs is not followed")
        ]
        if not named and (program not in ("spack", "brew", "nix-env", "guix") or len(texts) < 2):
            session.note(f"what {program} installs is not followed", call.place)


def tool(session: Session, call: Call) -> None:
    """A tool in an environment of its own: only a framework there would be one that the image runs."""
    for arg in call.args:
        name = re.split(r"[\[=<>~!@ ]", arg.text, maxsplit=1)[0].lower().replace("_", "-")
        if unknown(arg.text) or name in CARRIERS or name in BOUND:
            why = f"what {call.program} installs is in an environment of its own and not followed"
            session.note(why, call.place)
            return


def framework_of(text: str) -> str | None:
    """The framework's package in a word of another package manager: `py-torch@2.8.0`, `python3-torch`, `pytorch`."""
    last = text.rpartition(".")[2] if "Packages." in text else text  # of Nix: nixpkgs.python3Packages.torch
    name = re.split(r"[\[=<>~!@:% ]|-(?=[0-9])", last, maxsplit=1)[0].lower()
    name = re.sub(r"\A(?:python[0-9.]*|py[0-9]*)-(?=[a-z])|-(?:bin|cuda|gpu|cpu|git)\Z", "", name)
    return framework_package(name.replace("_", "-")) if len(name) > 2 else None


def doubt_named(session: Session, call: Call, arg: Arg, why: str) -> bool:
    """Doubt the framework that a word names; whether it names one."""
    package = None if arg.text.startswith("-") else framework_of(readable(arg.text))
    if package is not None:
        session.doubt(call, package, why, arg.place)
        if package == "torch" and session.installed.get(call.where, "pytorch") is not None:
            session.doubt(call, "pytorch", why, arg.place)
    return package is not None


def system_framework(session: Session, call: Call, arg: Arg) -> None:
    """`apt-get install python3-torch`: a framework in the release that the distribution has.

    What pip installed comes first on the path of its Python, so that one is not doubted.
    """
    package = framework_of(arg.text)
    if package is not None and session.installed.get(SYSTEM, package) is None:
        why = f"the system's package {arg.text} brings the release that its index has"
        session.doubt(call, package, why, arg.place, SYSTEM)


def _conda_lock(session: Session, call: Call) -> None:
    """`conda-lock install -n NAME LOCK`: the packages of the lock."""
    values = names("--name --prefix --auth --auth-file --extras --log-level")
    short = {"-n": "--name", "-p": "--prefix", "-E": "--extras", "-e": "--extras"}
    head = sort_head(call, values, short)
    if head is None or head[0] != "install":
        return
    options = sort_options(head[1].args, values, short)
    named = options.last("--prefix") or options.last("--name")
    if named is None or options.all("--extras") or len(options.words) > 1:
        session.note("what conda-lock installs is not followed", call.place)
        return
    from envhooks.image.installers.conda import conda

    lock = options.words[0] if options.words else Arg("conda-lock.yml", call.place)
    flag = "--prefix" if options.last("--prefix") else "--name"
    if "conda-lock" not in lock.text.lower():
        session.note(f"what {readable(lock.text)} asks for is not followed", lock.place)
        return
    place = call.place
    args = (Arg("create", place), Arg(flag, place), named, Arg("--file", place), lock)
    conda(session, replace(call, program="micromamba", args=args))


_KNOWN_SCRIPTS = (
    r"(?i)astral\.sh/|rustup|install\.python-poetry|nodesource|get\.docker|bootstrap\.pypa|nvm-sh/|micro\.mamba|pixi\.sh"
    r"|conda|mamba|starship|nvidia-container|packagecloud|fury\.io|get\.helm|golang|bazel|git-lfs|oh-my|pdm|pipx|ollama"
)
"""Installers of one tool, or of a package source, that bring no Python package to the image's own Python."""


def fed_script(session: Session, call: Call, source: str) -> None:
    """`curl ... | sh`: a script of the network may install anything, unless it is known to install a tool."""
    if re.search(r"https?://", source) and not re.search(_KNOWN_SCRIPTS, source):
        session.note("what a script of the network installs is not followed", call.place)
