"""One call of a program -> the reader that knows it."""

from __future__ import annotations

import posixpath
import re

from envhooks.image.dockerfile.stages import join
from envhooks.image.facts import Unpinned
from envhooks.image.installers.options import sort_head, sort_options
from envhooks.image.installers.pip import pip
from envhooks.image.stage.session import CONDAS, Call, Session
from envhooks.image.text.unknowns import names, readable, unknown

_PIP = r"pip(?:[0-9](?:\.[0-9]+)?)?"
_PYTHON = r"(?:python|pypy)(?:[0-9](?:\.[0-9]+)?)?"
_OTHERS = names("pdm pixi hatch rye easy_install")
_TALKERS = names("echo printf cat grep egrep sed awk test [ true false : ls dpkg sleep which type")
"""Programs that only name what they are given."""


# Most Dockerfiles use pip alone, and need none of what the others import.
def _conda(session: Session, call: Call) -> None:
    from envhooks.image.installers.conda import conda

    conda(session, call)


def _uv(session: Session, call: Call) -> None:
    from envhooks.image.installers.project import uv

    uv(session, call)


def _poetry(session: Session, call: Call) -> None:
    from envhooks.image.installers.project import poetry

    poetry(session, call)


def _pipenv(session: Session, call: Call) -> None:
    from envhooks.image.installers.project import pipenv

    pipenv(session, call)


_MODULES = {"pip": pip, "uv": _uv, "poetry": _poetry, "pipenv": _pipenv, "conda": _conda}


def run_program(session: Session, program: str, call: Call) -> bool:
    """Take what a program installs; False where it is none of those that are known."""
    if re.fullmatch(_PIP, program):
        pip(session, call)
    elif re.fullmatch(_PYTHON, program):
        _python(session, program, call)
    elif program in CONDAS:
        _conda(session, call)
    elif program in ("uv", "poetry", "pipenv"):
        _MODULES[program](session, call)
    elif program in MANAGERS:
        system(session, call)
    elif program in ("virtualenv", "pyvenv"):
        _venv(session, call)
    elif program in _OTHERS:
        if program == "easy_install" or any(arg.text in ("install", "sync", "add") for arg in call.args):
            session.note(f"what {program} installs is not followed", call.place)
    else:
        return False
    return True


def _python(session: Session, program: str, call: Call) -> None:
    texts = [arg.text for arg in call.args]
    while texts and texts[0].startswith("-") and texts[0] not in ("-m", "-c", "-"):
        step = 2 if texts[0] in ("-W", "-X") else 1
        call, texts = call.behind(step), texts[step:]
    if texts[:1] == ["-m"] and len(texts) > 1:
        if texts[1] in _MODULES:
            _MODULES[texts[1]](session, call.behind(2))
        elif texts[1] in ("venv", "virtualenv"):
            _venv(session, call.behind(2), program)
        return
    if not texts or not (texts[0].endswith(".py") or texts[0] in ("-c", "-")):
        return
    text = " ".join(texts)
    inline = texts[0] in ("-c", "-") and "pip" in text and "install" in text
    if inline or "install" in texts or "develop" in texts:
        session.note(f"what {program} {readable(texts[0])} installs is not followed", call.place)


def _venv(session: Session, call: Call, program: str = "") -> None:
    from envhooks.image.installers.project import make_venv, set_python

    values = ("-p", "--python", "--prompt")
    for index, arg in enumerate(call.args):
        if arg.text.startswith("-") or (index and call.args[index - 1].text in values):
            continue
        target = join(call.cwd, arg.text)
        make_venv(session, target, any(one.text == "--system-site-packages" for one in call.args))
        if re.fullmatch(r"python3\.[0-9]+", program):
            set_python(session, call, target, program, call.place)


def carried(call: Call) -> int | None:
    """Where an install command stands among another program's arguments (xargs, find); else None."""
    if call.program in _TALKERS:
        return None
    for index, arg in enumerate(call.args[:-1]):
        name = posixpath.basename(arg.text)
        if (re.fullmatch(_PIP, name) or name == "uv" or name in CONDAS) and any(
            one.text in ("install", "uninstall", "add", "sync") for one in call.args[index + 1 : index + 4]
        ):
            return index
    return None


MANAGERS = frozenset(("apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf"))
_VALUES = names(
    "--option --target-release --config-file --repository --virtual --repo --enablerepo --disablerepo "
    "--setopt --installroot --releasever --exclude --root --arch --nogpgcheck-for"
)
_SHORT = {"-o": "--option", "-t": "--target-release", "-c": "--config-file", "-X": "--repository"}


def system(session: Session, call: Call) -> None:
    """`apt-get install ...` and its like."""
    head = sort_head(call, _VALUES, _SHORT)
    if head is None or head[0] not in ("install", "add", "in"):
        return
    short = {"-t": "--virtual", "-X": "--repository"} if call.program == "apk" else _SHORT
    options = sort_options(head[1].args, _VALUES, short)
    for arg in options.words:
        text = arg.text
        if unknown(text) or not call.certain or text.endswith(("-", ".deb", ".rpm", ".apk")):
            continue
        name = re.split(r"[=<>~@:/]", text, maxsplit=1)[0]
        pinned = re.search(r"=[^=*]+\Z", text) or (
            call.program not in ("apt-get", "apt", "aptitude", "apk")
            and re.search(r"-[0-9][^-]*-[0-9]", text)
        )
        if not pinned:
            session.installed.unpinned.append(Unpinned(name, "system", text, "it has no version", arg.place))
