"""What was typed -> the verb that carries it out, with its options."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from envhooks.base.hygiene import printable_block

EPILOG = "exit codes: 0 good, or nothing to judge; 1 found something; 2 could not judge, or called wrongly"


def parse(arguments: Sequence[str], verbs: Sequence[str]) -> argparse.Namespace:
    """What was typed; `run` in it carries it out.

    Raises:
        SystemExit: it was help or the version that was asked for (0), or it cannot be understood (2).
    """
    parser = _Parser(prog="envhooks", description="The release gate for environment images.", epilog=EPILOG)
    parser.add_argument("--version", action=_Version)
    verb = next((word for word in arguments if not word.startswith("-")), None)
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=_Parser)
    # only the one that runs is imported, and none to say which version this is
    for name in (verb,) if verb and verb in verbs else () if arguments[:1] == ["--version"] else verbs:
        module = importlib.import_module(f"envhooks.cli.{name}")
        summary, description = _help(module)
        _add(subparsers.add_parser(name, help=summary, description=description, epilog=EPILOG), module)
    if not arguments:
        parser.print_help()
        parser.exit()
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
