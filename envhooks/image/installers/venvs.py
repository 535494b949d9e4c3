"""Virtual environments: `python -m venv`, `virtualenv`, `uv venv`, and the Python that each has."""

from __future__ import annotations

import re

from envhooks.base.place import Place
from envhooks.image.dockerfile.stages import join
from envhooks.image.stage import Call, Session
from envhooks.image.stage.installed import SYSTEM
from envhooks.image.text import unknown


def make_venv(session: Session, target: str, sees_system: bool) -> None:
    """A virtual environment is made at an absolute path; what was there before is gone."""
    session.installed.venvs[target] = sees_system
    system = session.installed.pythons.get(SYSTEM)
    if system is not None:
        session.installed.pythons.setdefault(target, system)


def venv(session: Session, call: Call, program: str = "") -> None:
    """`python -m venv` and `virtualenv`; `program` is the Python that makes it."""
    values = ("-p", "--python", "--prompt")
    for index, arg in enumerate(call.args):
        if index and call.args[index - 1].text in values[:2]:
            program = arg.text.rpartition("/")[2]
        if arg.text.startswith("-") or (index and call.args[index - 1].text in values):
            continue
        target = join(call.cwd, arg.text)
        make_venv(session, target, any(one.text == "--system-site-packages" for one in call.args))
        if re.fullmatch(r"python3\.[0-9]+", program):
            set_python(session, call, target, program, call.place)


def set_python(session: Session, call: Call, where: str, text: str, place: Place) -> None:
    """Set the Python of an environment: `3.12`, `python3.12`, `cpython-3.12.1`."""
    match = re.fullmatch(r"(?:.*/)?(?:cpython-|python)?([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:-.*)?", text)
    known = match is not None and not unknown(text) and call.certain
    session.installed.pythons[where] = (match.group(1) if match and known else None, place)
