"""RUN: its text as the shell gets it, and the shell that gets it."""

from __future__ import annotations

import re

from envhooks.base.place import Place
from envhooks.image.dockerfile.parser import Instruction
from envhooks.image.interpreter.copying import mounted_files
from envhooks.image.interpreter.heads import INSTALLS
from envhooks.image.interpreter.runner import Runner
from envhooks.image.interpreter.state import StageState
from envhooks.image.stage.session import conda_place
from envhooks.image.text.unknowns import Lines, readable

_ONLY_HEREDOC = r"[0-9]*<<-?[\t ]*(?:[^<\s'\"]+|(['\"])[^'\"]*\1)"
_SHEBANG = r"#![ \t]*(?:[^ \t]*/)?(?:env[ \t]+(?:-S[ \t]*)?)?(?:[^ \t]*/)?(?:ba|da|a|z|k)?sh(?:[ \t].*)?"


def run(state: StageState, one: Instruction) -> None:
    """Take one RUN."""
    session = state.session
    before = session.files
    session.files = mounted_files(state, one) or before
    runner = Runner(session, state.scope, state.build.work.spend, where=shell_environment(state.shell))
    place = Place(state.build.file.path, one.start)
    if one.array is not None:
        if one.array:
            runner.array(one.array, place)
    elif not any(re.fullmatch(r"(?:.*/)?(?:ba|da|a|z|k)?sh", word) for word in state.shell):
        if any(
            re.search(INSTALLS, text) for text in (one.text, *(heredoc.content for heredoc in one.heredocs))
        ):
            session.note(f"the shell {readable(state.shell[0])} is not followed", place)
    else:
        _script(state, one, runner, place)
    session.files = before


def _script(state: StageState, one: Instruction, runner: Runner, place: Place) -> None:
    text, lines = _text(one, state.build.file.path)
    head = text.partition("\n")[0]
    if not head.startswith("#!") or re.fullmatch(_SHEBANG, head):
        runner.script(text, lines)
    elif re.search(INSTALLS, text):
        state.session.note(f"what runs under {head[:60]} is not followed", place)


def _text(one: Instruction, path: str) -> tuple[str, Lines]:
    """The shell text of a RUN, put together as BuildKit does, and its lines."""
    lines = Lines(path)
    if len(one.heredocs) == 1 and re.fullmatch(_ONLY_HEREDOC, one.text):
        heredoc = one.heredocs[0]
        lines.add_text(0, heredoc.text, heredoc.line)
        return heredoc.text, lines
    for offset, line in one.breaks or ((0, one.start),):
        lines.add(offset, line)
    parts = [one.text]
    size = len(one.text)
    for heredoc in one.heredocs:
        lines.add_text(size + 1, heredoc.content, heredoc.line)
        part = f"\n{heredoc.content}{heredoc.name}"
        parts.append(part)
        size += len(part)
    return "".join(parts), lines


def shell_environment(shell: tuple[str, ...]) -> str | None:
    """`SHELL ["conda", "run", "-n", "env", "/bin/bash", "-c"]` puts every RUN into an environment."""
    if shell and re.fullmatch(r"(?:.*/)?(?:conda|mamba|micromamba)", shell[0]) and "run" in shell:
        for flag in ("-n", "--name", "-p", "--prefix"):
            if flag in shell[:-1]:
                return conda_place(shell[shell.index(flag) + 1])
    return None
