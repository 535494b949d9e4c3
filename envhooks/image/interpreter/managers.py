"""Programs beside pip and its like: package managers of the system, makers of virtual environments, other tools."""

from __future__ import annotations

import re

from envhooks.image.dockerfile.stages import join
from envhooks.image.stage import Call, Session


def other(session: Session, call: Call) -> None:
    """A tool that installs in a way that is not followed."""
    if call.program == "easy_install" or any(arg.text in ("install", "sync", "add") for arg in call.args):
        session.note(f"what {call.program} installs is not followed", call.place)


def venv(session: Session, call: Call, program: str = "") -> None:
    """`python -m venv` and `virtualenv`; `program` is the Python that makes it."""
    from envhooks.image.installers.project import make_venv, set_python

    values = ("-p", "--python", "--prompt")
    for index, arg in enumerate(call.args):
        if arg.text.startswith("-") or (index and call.args[index - 1].text in values):
            continue
        target = join(call.cwd, arg.text)
        make_venv(session, target, any(one.text == "--system-site-packages" for one in call.args))
        if re.fullmatch(r"python3\.[0-9]+", program):
            set_python(session, call, target, program, call.place)
