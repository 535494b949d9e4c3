"""The command line: one file each verb, found by the folder.

A verb is a module with a docstring (its first line is the help), `arguments(parser)` and
`run(options) -> int`. The exit codes are one table for all: 0 good, 1 found something, 2 could not judge.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envhooks.base.errors import EnvhooksError
from envhooks.base.folders import module_names
from envhooks.base.hygiene import printable, printable_block

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
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except EnvhooksError as error:
        from envhooks.base.invocation import spelled

        print(spelled(f"envhooks: {printable_block(str(error))}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        try:
            print(f"envhooks: {printable(str(error) or 'interrupted')}", file=sys.stderr, flush=True)
        except OSError:  # the terminal was closed
            _drop(sys.stderr)
        return getattr(error, "exit_code", 130)
    except BrokenPipeError:  # `envhooks check --all | head`
        _drop(sys.stdout)
        return 2
    except (OSError, UnicodeError) as error:
        print(f"envhooks: {printable_block(str(error))}", file=sys.stderr)
        return 2
    except Exception as error:
        print(f"envhooks: {_own_fault(error)}", file=sys.stderr)
        return 2


def _run(arguments: Sequence[str]) -> int:
    # a hook: what git says needs no parser, and no time for one
    if len(arguments) > 1 and arguments[0] == "hook":
        from envhooks.cli import hook

        if arguments[1] in hook.EVENTS:
            return hook.judge(arguments[1], arguments[2:])
    from envhooks.cli import _parser

    options = _parser.parse(arguments, verbs())
    code: int = options.run(options)
    return code


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
