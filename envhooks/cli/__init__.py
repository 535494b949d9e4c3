"""The command line: one file each verb, found by the folder.

A verb is a module with a docstring (its first line is the help), `arguments(parser)` and
`run(options) -> int`. The exit codes are one table for all: 0 good, 1 found something, 2 could not judge.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from envhooks.errors import EnvhooksError
from envhooks.hygiene import printable, printable_block
from envhooks.registry import module_names

EPILOG = "exit codes: 0 good, or nothing to judge; 1 found something; 2 could not judge, or called wrongly"


def verbs() -> tuple[str, ...]:
    """The names of all verbs."""
    return module_names(__path__)


def run(arguments: Sequence[str]) -> int:
    """Carry out one verb.

    Whatever goes wrong on the way ends in a sentence and exit code 2, never in a traceback.
    """
    try:
        options = _parse(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except EnvhooksError as error:
        print(f"envhooks: {printable_block(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("envhooks: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `envhooks check --all | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except (OSError, UnicodeError) as error:
        print(f"envhooks: {printable_block(str(error))}", file=sys.stderr)
        return 2
    except Exception as error:
        print(f"envhooks: {_own_fault(error)}", file=sys.stderr)
        return 2


def _own_fault(error: Exception) -> str:
    """A sentence for what should not have happened, with the place that a report needs."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    text = f"{type(error).__name__} at {place}: {error}"
    return printable(f"a fault of envhooks itself, please report it: {text}")


def use_colour(stream: object) -> bool:
    """Whether colour belongs on a stream: on a terminal, and never with NO_COLOR or TERM=dumb."""
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return bool(is_terminal) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="envhooks", description="The release gate for environment images.", epilog=EPILOG)
    parser.add_argument("--version", action=_Version)
    verb = next((word for word in arguments if not word.startswith("-")), None)
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=_Parser)
    # only the one that runs is imported, and none to say which version this is
    for name in (verb,) if verb in verbs() else () if arguments[:1] == ["--version"] else verbs():
        module = importlib.import_module(f"{__name__}.{name}")
        summary, description = _help(module)
        _add(subparsers.add_parser(name, help=summary, description=description, epilog=EPILOG), module)
    return parser.parse_args(arguments)


def _help(module: ModuleType) -> tuple[str, str]:
    text = (module.__doc__ or "").strip().replace("%", "%%")
    return text.partition("\n")[0], text


def _add(parser: argparse.ArgumentParser, module: ModuleType) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.arguments(parser)
    parser.set_defaults(run=module.run)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """Like argparse's, with what came from the command line made fit to print."""
        print(f"envhooks: {printable_block(message)}\n  see: {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from envhooks import __version__

        print(f"envhooks {__version__}")
        parser.exit()
