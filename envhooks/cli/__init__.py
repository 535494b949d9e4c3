"""The command line: one file each verb, found by the folder.

A verb is a module with a docstring (its first line is the help), `arguments(parser)` and
`run(options) -> int`. The exit codes are one table for all: 0 good, 1 found something, 2 could not judge.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envhooks.base.errors import EnvhooksError
from envhooks.base.folders import module_names
from envhooks.base.hygiene import printable

if TYPE_CHECKING:
    from typing import TextIO


def verbs() -> tuple[str, ...]:
    """The names of all verbs."""
    return module_names(__path__)


def run(arguments: Sequence[str]) -> int:
    """Carry out one verb.

    Whatever goes wrong on the way ends in a sentence and exit code 2, never in a traceback.
    """
    try:
        try:
            code = _run(arguments)
        except SystemExit as end:  # help, the version, or words that are not understood
            code = end.code if isinstance(end.code, int) else 2
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        try:
            print(f"envhooks: {printable(str(error) or 'interrupted')}", file=sys.stderr, flush=True)
        except OSError:  # the terminal was closed
            _drop(sys.stderr)
        return getattr(error, "exit_code", 130)
    except Exception as error:
        try:
            return _failed(error)
        except OSError:  # nor does stderr, or standard output once more, take anything
            _drop(sys.stdout)
            _drop(sys.stderr)
            return 2


def _run(arguments: Sequence[str]) -> int:
    # a hook: what git says needs no parser, and no time for one
    if len(arguments) > 1 and arguments[0] == "hook":
        from envhooks.cli import hook

        if arguments[1] in hook.EVENTS:
            return hook.judge(arguments[1], arguments[2:])
    from envhooks.cli import _manner, _parser, _terminal

    _terminal.watch_output()
    _manner.begin(arguments)
    options = _parser.parse(arguments, verbs())
    with _manner.speaking(options):
        code: int = options.run(options)
    _manner.finish(code)
    return code


def _failed(error: Exception) -> int:
    """Say what went wrong; 2, or what a shell gives for a program that SIGPIPE ended (`envhooks list | head -1`)."""
    from envhooks.cli import _manner
    from envhooks.cli._terminal import Unwritable

    if isinstance(error, Unwritable):
        _drop(sys.stdout)
        if error.errno == errno.EPIPE:
            return 128 + 13
        why = "it is closed" if error.errno == errno.EBADF else error.strerror or type(error).__name__
        _manner.complain(f"envhooks: standard output cannot be written: {printable(why)}")
        return 2
    if isinstance(error, EnvhooksError):
        from envhooks.base.invocation import spelled

        _manner.complain(spelled(f"envhooks: {error}"))
        _manner.failed_by(error)
        return 2
    if isinstance(error, OSError):
        # str() of it begins with `[Errno 13]`
        named = error.filename if isinstance(error.filename, (str, bytes)) else ""
        place = os.fsdecode(named) if named else ""
        text = error.strerror or str(error) or type(error).__name__
    else:
        place, text = "", str(error) if isinstance(error, UnicodeError) else _own_fault(error)
    _manner.complain(f"envhooks: {printable(f'{place}: {text}' if place else text)}")
    _manner.failed(text, place=place)
    return 2


def _drop(stream: TextIO) -> None:
    """Drop a stream without a reader: flushing it at the end would change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _own_fault(error: Exception) -> str:
    """A sentence for an internal error, with the place that a report needs."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
    text = f"{type(error).__name__} at {place}: {error}"
    return printable(f"a fault of envhooks itself, please report it: {text}")
