"""Command-line arguments -> the verb that carries them out, with its options."""

from __future__ import annotations

import argparse
import importlib
import os
import textwrap
from collections.abc import Iterable, Sequence
from types import ModuleType

from envhooks.base.hygiene import printable, printable_block
from envhooks.base.near import meant
from envhooks.cli import _manner

GROUPS = (
    "set up",
    "make a release",
    "build and record",
    "read releases",
    "run in production",
    "this program",
)
"""The order of the verbs in `envhooks --help`; a verb names its own as `GROUP`, one without is not listed."""
EXIT_CODES = """\
exit codes:
  0  good, or nothing to judge
  1  found something
  2  could not judge, or called wrongly"""
MORE = "envhooks VERB --help shows a verb's options and examples"


def parse(arguments: Sequence[str], verbs: Sequence[str]) -> argparse.Namespace:
    """Arguments, parsed; `run` in them carries the verb out.

    Raises:
        SystemExit: it was help or the version that was asked for (0), or it cannot be understood (2).
    """
    # the shell's function sets _ARGCOMPLETE; no verb was typed whose parser would be enough
    if not arguments and "_ARGCOMPLETE" in os.environ:
        from envhooks.cli import _completing

        _completing.complete(verbs, build)
    verb = next((word for word in arguments if not word.startswith("-")), None)
    # only the one that runs is imported, and none to say which version this is, or that there is no such verb
    if verb is not None and verb in verbs:
        names: Sequence[str] = [verb]
    else:
        names = [] if verb or arguments[:1] == ["--version"] else verbs
    parser = build(names)
    if verb and verb not in verbs and verb == arguments[0]:
        parser.error(f"there is no verb {verb!r}{meant(verb, verbs)}")
    if not arguments:
        parser.print_help()
        parser.exit()
    _refuse_in_front(parser, arguments[0], verb)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        own = _Parser.of_verb.get(verb or "", parser)
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("-")), "")
        near = meant(flag, own.option_strings()) if flag else ""
        own.error(f"unrecognized arguments: {' '.join(unknown)}{near}")
    return options


def _refuse_in_front(parser: _Parser, word: str, verb: str | None) -> None:
    """Refuse an option that stands in front of the verb and is none of the program's own."""
    flag = word.partition("=")[0]
    options = parser.option_strings()
    if not flag.startswith("-") or any(one.startswith(flag) for one in options):
        return
    own = _Parser.of_verb.get(verb or "")
    if own is not None and flag in own.option_strings():
        own.error(f"{flag} is an option of the verb, and stands behind it: envhooks {verb} {word}")
    parser.error(f"unrecognized arguments: {word}{meant(flag, options)}")


def build(verbs: Iterable[str]) -> _Parser:
    """The parser of these verbs, each imported."""
    parser = _Parser(
        prog="envhooks", description="The release gate for environment images.", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action=_Version)
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=_Parser)
    for name in verbs:
        module = importlib.import_module(f"envhooks.cli.{name}")
        summary, description = _help(module)
        own = subparsers.add_parser(name, help=summary, description=description, epilog=_epilog(module))
        module.arguments(own)
        own.set_defaults(run=module.run, schema=getattr(module, "SCHEMA", name))
        for leaf in _leaves(own):
            _manner.add_options(leaf, module)
        _Parser.of_verb[name] = own
        parser.verbs[name] = (getattr(module, "GROUP", ""), summary)
    return parser


def _leaves(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    """The parsers without actions of their own below it; of most verbs the only one."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [one for action in below for one in action.choices.values()] or [parser]


def _help(module: ModuleType) -> tuple[str, str]:
    text = (module.__doc__ or "").strip().replace("%", "%%")
    return text.partition("\n")[0], text


def _epilog(module: ModuleType) -> str:
    examples: Sequence[tuple[str, str]] = getattr(module, "EXAMPLES", ())
    if not examples:
        return exit_codes(module)
    return "\n".join(("examples:", *example_lines(examples), "", exit_codes(module))).replace("%", "%%")


def exit_codes(module: object) -> str:
    """The exit codes of a verb: those of all, or its own meanings of 0, 1 and 2, `EXITS`; an empty one never comes."""
    own: Sequence[str] = getattr(module, "EXITS", ())
    if not own:
        return EXIT_CODES
    good, found, unknown = own
    said = ((0, good), (1, found), (2, f"{unknown}; or called wrongly"))
    return "\n".join(("exit codes:", *(f"  {code}  {text}" for code, text in said if text)))


def example_lines(examples: Sequence[tuple[str, str]]) -> list[str]:
    """Commands with their notes; a note stands beside its command where both fit into 80 columns, else above it."""
    width = max((len(command) for command, note in examples if len(command) + len(note) < 74), default=0)
    lines = []
    for command, note in examples:
        if note and (len(command) > width or width + len(note) > 74):
            lines += [f"  # {note}", f"  {command}"]
        else:
            lines.append(f"  {command:{width}}  # {note}" if note else f"  {command}")
    return lines


class _Formatter(argparse.HelpFormatter):
    """Fills each paragraph to the width of the terminal; a paragraph with an indented line stays as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            paragraph
            if "\n " in f"\n{paragraph}"
            else textwrap.fill(paragraph, width, break_on_hyphens=False, break_long_words=False)
            for paragraph in paragraphs
        )


class _Parser(argparse.ArgumentParser):
    of_verb: dict[str, _Parser] = {}  # noqa: RUF012  # of the one command line of this process

    def __init__(self, **settings: object) -> None:
        super().__init__(**{"formatter_class": _Formatter, **settings})  # type: ignore[arg-type]
        self.verbs: dict[str, tuple[str, str]] = {}
        """Verb -> its group and its summary; of the program's own parser alone."""

    def option_strings(self) -> list[str]:
        """All options, long and short."""
        return [text for action in self._actions for text in action.option_strings]

    def error(self, message: str) -> None:  # type: ignore[override]
        """Like argparse's, with what came from the command line made fit to print."""
        _manner.complain(f"envhooks: {printable_block(message)}\n  see: {self.prog} --help")
        _manner.failed(message, fix=f"{self.prog} --help")
        raise SystemExit(2)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> object:
        # `--for "$UNSET"` would otherwise ask another question than the one that was meant, or none
        if action.option_strings and action.nargs is None and arg_strings == [""]:
            raise argparse.ArgumentError(action, "an empty text is no value; leave the option out")
        if not action.option_strings and action.nargs in (None, "?", "*", "+") and "" in arg_strings:
            raise argparse.ArgumentError(action, "an empty text is no value; is a variable not set?")
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(one) for one in action.choices]
        text = f"{str(value)!r} is none of {', '.join(known)}{meant(str(value), known)}"
        raise argparse.ArgumentError(action, text)

    def format_help(self) -> str:
        """The verbs by what they are for; of a verb, its options and examples."""
        if not self.verbs:
            return super().format_help()
        wide = max(map(len, self.verbs))
        columns = argparse.HelpFormatter(self.prog)._width
        lines = ["usage: envhooks VERB [OPTIONS]", "", str(self.description)]
        for group in GROUPS:
            lines += ["", f"{group}:"]
            for verb, (own, summary) in self.verbs.items():
                if own == group:
                    lead = f"  {verb:{wide}}  "
                    text = summary.replace("%%", "%")
                    lines += textwrap.wrap(
                        text, columns, initial_indent=lead, subsequent_indent=" " * len(lead)
                    )
        return "\n".join((*lines, "", MORE, "", EXIT_CODES, ""))


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from envhooks import __version__
        from envhooks.cli.version import programs

        print(printable(f"envhooks {__version__} ({programs()})"))
        parser.exit()
