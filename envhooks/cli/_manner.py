"""Manner in which every verb answers: `--format`, `--quiet`, `--verbose`, and the one shape of its JSON.

A verb prints its answer for people with `print`, what goes along with it (what was done, what comes next) with
`remark`, and hands the same to programs with `answer`. Under `--format json` standard output holds one object and
nothing else, whatever a verb prints: its own where it could do what was asked, else the one of `failed`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from envhooks import __version__
from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable, printable_block
from envhooks.cli import _asked
from envhooks.cli._terminal import columns, is_terminal, wrapped

VERSION = 1
"""Version of every document; a field that is removed or changes its meaning raises it for its verb."""
FORMATS = ("text", "json")
_ASKED = re.compile(r"--f(?:o(?:r(?:m(?:at?)?)?)?)?(?:=(.*))?", re.DOTALL)
_MOST = 20_000
"""Characters of a line in a document."""
QUIET = "only what is wrong, or the answer itself"
VERBOSE = "also which programs and services are asked, and when"


@dataclass
class Manner:
    """How the verb of this process was asked to speak."""

    verb: str = ""
    schema: str = ""
    """Name of its schema: `list`, `signers-add`."""
    is_json: bool = False
    quiet: bool = False
    verbose: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    answered: bool = False
    began: float = 0.0


_now = Manner()
"""Of this process, which has one verb."""


# ------------------------------------------------------------------------------------------- options


def add_options(parser: argparse.ArgumentParser, module: ModuleType) -> None:
    """The options that every verb has; a module may name its own `FORMATS`, and the one for pipes as `PIPED`.

    One without a format for programs says why, as `NO_JSON`.
    """
    known = {text for action in parser._actions for text in action.option_strings}
    if "--format" not in known and not hasattr(module, "NO_JSON"):
        formats: Sequence[str] = getattr(module, "FORMATS", FORMATS)
        piped = getattr(module, "PIPED", "")
        default = f"default: text on a terminal, else {piped}" if piped else "default: text"
        more = getattr(module, "FORMATS_HELP", "json: one object, for programs")
        parser.add_argument(
            "--format", choices=formats, default=None if piped else "text", help=f"{more}; {default}"
        )
        parser.set_defaults(piped=piped)
    detail = parser.add_mutually_exclusive_group()
    detail.add_argument("-q", "--quiet", action="store_true", help=getattr(module, "QUIET_HELP", QUIET))
    detail.add_argument("-v", "--verbose", action="store_true", help=getattr(module, "VERBOSE_HELP", VERBOSE))


def asks_for_json(arguments: Iterable[str]) -> bool:
    """Whether words that may not be understood yet ask for JSON on standard output."""
    found = False
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        match = _ASKED.fullmatch(word)
        if match:
            found |= (next(words, "") if match[1] is None else match[1]) == "json"
    return found


def begin(arguments: Sequence[str]) -> None:
    """Start with what the words say, before they are understood."""
    verb = next((word for word in arguments if not word.startswith("-")), "")
    _now.__dict__.update(vars(Manner(verb, is_json=asks_for_json(arguments), began=time.monotonic())))


@contextmanager
def speaking(options: argparse.Namespace) -> Iterator[None]:
    """The manner that these options ask for, while the verb runs."""
    form: object = getattr(options, "format", "text")
    if form is None and getattr(options, "piped", None):
        form = options.format = "text" if is_terminal() else options.piped
    _now.schema = options.schema
    if isinstance(form, str):
        _now.is_json = form == "json"
    _now.quiet, _now.verbose = bool(options.quiet), bool(options.verbose)
    if _now.verbose:
        _asked.tell(_now.began)
    try:
        if not isinstance(form, str) or not _now.is_json:  # `check` writes several formats, and where to
            yield
            return
        # what is printed for people is not for programs; what stands on stderr is
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        if _now.verbose:
            _asked.say(_now.began, "the end")


def quiet() -> bool:
    """Whether only what is wrong is to be said, or the answer itself."""
    return _now.quiet


def is_json() -> bool:
    """Whether standard output is for a program."""
    return _now.is_json


def verbose() -> bool:
    """Whether all is to be said."""
    return _now.verbose


# ------------------------------------------------------------------------------------------ what is said


def remark(text: str = "", end: str = "\n") -> None:
    """Print what goes along with an answer; `--quiet` leaves it out. A line that is indented is never broken."""
    if not _now.quiet:
        sentence(text, end)


def sentence(text: str, end: str = "\n", indent: int = 2) -> None:
    """Print a sentence of an answer, broken where the terminal ends; what follows is indented by so much."""
    if not _now.is_json:
        _print_lines(sys.stdout, text, end, indent)


def verbatim(text: str) -> None:
    """Print as it stands what goes along with an answer, such as a diff; `--quiet` leaves it out."""
    if not _now.quiet:
        print(printable_block(text, _MOST), end="")


def note(text: str) -> None:
    """Print on stderr what goes along with an answer; `--quiet` leaves it out."""
    if not _now.quiet:
        complain(text)


def complain(text: str) -> None:
    """Print on stderr what is wrong."""
    _print_lines(sys.stderr, text)


def _print_lines(stream: TextIO, text: str, end: str = "\n", indent: int = 2) -> None:
    width = columns(stream)
    lines = (wrapped(line, width, indent) for line in printable_block(text, _MOST).split("\n"))
    print(printable_block("\n".join(lines), _MOST), end=end, file=stream, flush=stream is sys.stderr)


# -------------------------------------------------------------------------------------------- documents


def answer(facts: Mapping[str, Any] | None = None, **more: Any) -> None:
    """Put these into the verb's document; text in them is made fit to print, line by line."""
    _now.facts.update(facts or {})
    _now.facts.update(more)
    _now.answered = True


def document(name: str, code: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """An object as all verbs print: `schema`, `envhooks`, `version`, `exit_code`, then the verb's own."""
    head = {
        "schema": f"urn:envhooks:{name}:v{VERSION}",
        "envhooks": __version__,
        "version": VERSION,
        "exit_code": code,
    }
    return {**head, **_fit(facts)}


def finish(code: int) -> None:
    """Print the document, where one was asked for."""
    if _now.is_json and _now.answered:
        _print(document(_now.schema, code, _now.facts))


def failed(message: str, *, place: str = "", fix: str = "", advice: str = "", code: int = 2) -> None:
    """Print the document of a verb that could not do what was asked; `error` is in this one alone."""
    if not _now.is_json:
        return
    error = {"message": message, "place": place, "fix": fix, "advice": advice}
    _now.is_json = False  # once
    if _now.verb == "check":  # its report has a place for it
        facts: dict[str, Any] = {"tags": [], "errors": [_sentence(error)], "notes": [], "error": error}
        _print(document("report", code, facts))
    else:
        _print(document("error", code, {"verb": _now.verb or None, "error": error}))


def failed_by(error: EnvhooksError) -> None:
    """`failed`, by an error."""
    from envhooks.base.invocation import spelled

    fix, advice = error.way_out
    failed(error.message, place=error.place, fix=spelled(fix), advice=spelled(advice))


def _sentence(error: Mapping[str, str]) -> str:
    text = f"{error['place']}: {error['message']}" if error["place"] else error["message"]
    way_out = next((f"\n  {label}: {error[label]}" for label in ("fix", "advice") if error[label]), "")
    return text + way_out


def _fit(value: Any) -> Any:
    """A value whose texts, keys too, hold nothing that a terminal would act on; line feeds stand."""
    if isinstance(value, str):
        return printable_block(value, _MOST)
    if isinstance(value, Mapping):
        return {printable(str(key)): _fit(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_fit(one) for one in value]
    return value


def _print(found: Mapping[str, Any]) -> None:
    print(json.dumps(_fit(found), indent=2, ensure_ascii=False), flush=True)
