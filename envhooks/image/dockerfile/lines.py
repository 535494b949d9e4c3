"""One joined line of a Dockerfile -> command, flags, text and words, as BuildKit takes it apart."""

from __future__ import annotations

import re

from envhooks.image.dockerfile.expand import BadWord
from envhooks.image.text import SPACES

_SPACE_TEXT = "".join(SPACES)
_BLANKS = r"[\t\v\f\r ]+"
_PLAIN_WORDS = r'\[ *"[!#-\[\]-~ ]*"(?: *, *"[!#-\[\]-~ ]*")* *\]'
"""An array of strings in ASCII without an escape."""
_JSON_COMMANDS = frozenset(("RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME"))


def parse_line(line: str, escape: str) -> tuple[str, tuple[str, ...], str, tuple[str, ...] | None]:
    """(command, flags, text, JSON words) of one joined line.

    Raises:
        BadWord: BuildKit refuses the line.
    """
    head = re.split(_BLANKS, line.strip(_SPACE_TEXT), maxsplit=1)
    command = head[0].upper()
    flags, text = _flags(head[1], escape) if len(head) == 2 else ((), "")
    text = text.strip(_SPACE_TEXT)
    array = _json_words(text) if command in _JSON_COMMANDS else None
    if command == "HEALTHCHECK":
        _json_words(text[len(re.split(f"[{_SPACE_TEXT}]", text, maxsplit=1)[0]) :])
    elif command in ("ENV", "LABEL"):
        pairs(text, escape, command)
    elif command == "ONBUILD" and text:
        _check_trigger(text, escape)
    return command, flags, text, array


def _check_trigger(text: str, escape: str) -> None:
    """Read what ONBUILD carries; a chain of ONBUILDs is looked through without recursion."""
    while (head := re.split(_BLANKS, text, maxsplit=1))[0].upper() == "ONBUILD":
        if len(head) == 1:
            return
        text = _flags(head[1], escape)[1].strip(_SPACE_TEXT)
    if text:
        parse_line(text, escape)


def _flags(text: str, escape: str) -> tuple[tuple[str, ...], str]:
    """Leading `--flags` and the rest; BuildKit reads bytes here, so bytes are read here too."""
    if not text.lstrip(_SPACE_TEXT).startswith("--"):
        return (), text
    data = text.encode().decode("latin-1")
    flags: list[str] = []
    word: list[str] = []
    quote = ""
    at = 0
    inside = blank = False

    def rest(start: int) -> str:
        return data[start:].encode("latin-1").decode("utf-8", "replace")

    def end() -> None:
        if word or blank:
            flags.append("".join(word))

    while at < len(data):
        char = data[at]
        if not inside:
            if char not in SPACES:
                if not data.startswith("--", at):
                    return tuple(flags), rest(at)
                inside, blank = True, False
                word.clear()
                continue
        elif quote:
            if char == quote:
                quote = ""
            elif char != escape:
                word.append(char)
            elif at + 1 == len(data):
                quote = ""
            else:
                at += 1
                word.append(data[at])
        elif char in SPACES:
            if "".join(word) == "--":
                return tuple(flags), rest(at)
            end()
            inside = False
        elif char in "'\"":
            quote, blank = char, True
        elif char != escape:
            word.append(char)
        elif at + 1 < len(data):
            at += 1
            word.append(data[at])
        at += 1
    if inside and "".join(word) != "--":
        end()
    return tuple(flags), ""


def _no_constant(name: str) -> object:
    raise ValueError(name)  # Python's reader takes NaN and Infinity, which are not JSON


def _json_words(text: str) -> tuple[str, ...] | None:
    text = text.lstrip(_SPACE_TEXT)
    if not text.startswith("["):
        return None
    if re.fullmatch(_PLAIN_WORDS, text):  # nearly all are, and these need no import of 2 ms
        return tuple(text.split('"')[1::2])
    import json

    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in value):
        raise BadWord("an array of this instruction may hold nothing but strings")
    # An escaped lone surrogate is a replacement character in Go; here it would pass for a mark.
    return tuple(re.sub("[\ud800-\udfff]", "\ufffd", item) for item in value)


def split_words(text: str, escape: str) -> list[str]:
    """Words of ARG, ENV and LABEL, quotes kept: split at blanks outside quotes."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if not quote and char in SPACES:
            if word:
                words.append("".join(word))
                word.clear()
        elif char == escape and quote != "'":
            if at + 1 == len(text):
                break  # BuildKit drops it
            at += 1
            word.append(char + text[at])
        else:
            word.append(char)
            if char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
        at += 1
    if word:
        words.append("".join(word))
    return words


def pairs(text: str, escape: str, command: str = "ENV") -> list[tuple[str, str]]:
    """(name, value) of ENV and LABEL, in both forms: `A=1 B=2` and the old `A 1`.

    Raises:
        BadWord: it is neither.
    """
    words = split_words(text, escape)
    if not words:
        return []
    if "=" not in words[0]:
        parts = re.split(_BLANKS, text, maxsplit=1)
        if len(parts) < 2:
            raise BadWord(f"{command} must have two arguments")
        return [(parts[0], parts[1])]
    for word in words:
        if "=" not in word:
            raise BadWord(f"{command} must have the form name=value")
    return [(word.partition("=")[0], word.partition("=")[2]) for word in words]
