"""Tables of Go's tests -> Python values, as far as literals go: enough to read a peer's cases, no compiler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<raw>`[^`]*`)"
    r"|(?P<rune>'(?:[^'\\\n]|\\.)+')"
    r"|(?P<word>[A-Za-z_0-9.]+)"
    r"|(?P<sign>:=|.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Name:
    """A word or a call that is no literal: `true`, `nil`, `errors.New(...)`."""

    text: str


@dataclass
class Literal:
    """A composite literal: its type's text and its elements."""

    kind: str
    line: int
    keys: list[Value | None] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def get(self, key: str, at: int = 0) -> Value | None:
        """The value of a key; where no keys are written, that at a position."""
        for one, value in zip(self.keys, self.values, strict=True):
            if isinstance(one, Name) and one.text == key:
                return value
        return self.values[at] if self.values and self.keys[0] is None and at < len(self.values) else None

    def map(self) -> dict[str, str]:
        """A map of strings."""
        return {str(k): str(v) for k, v in zip(self.keys, self.values, strict=True)}


Value: TypeAlias = "str | Name | Literal"


@dataclass(frozen=True)
class Token:
    """One token with its line."""

    kind: str
    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """The tokens, blanks and comments left out."""
    found: list[Token] = []
    line = 1
    for match in _TOKEN.finditer(source):
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match.group(), line))
        line += match.group().count("\n")
    return found


def unquoted(token: Token) -> str:
    """The text of a string token."""
    if token.kind == "raw":
        return token.text[1:-1].replace("\r", "")
    simple = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "b": "\b"}

    def one(match: re.Match[str]) -> str:
        text = match.group(1)
        return chr(int(text[1:], 16)) if text[0] in "xuU" else simple.get(text, text)

    return re.sub(r"\\(x..|u....|U........|.)", one, token.text[1:-1])


class Reader:
    """Reads values from tokens."""

    def __init__(self, source: str) -> None:
        self.tokens = tokens(source)

    def texts(self) -> Iterator[tuple[int, str]]:
        """(line, text) of every string in the source that is not a part of a longer one."""
        last = len(self.tokens) - 1
        for at, token in enumerate(self.tokens):
            beside = (self.tokens[max(0, at - 1)].text, self.tokens[min(last, at + 1)].text)
            if token.kind in ("text", "raw") and "+" not in beside:
                yield token.line, unquoted(token)

    def after(self, *words: str, start: int = 0) -> int:
        """Index behind the first place where these tokens stand in a row.

        Raises:
            LookupError: they stand nowhere.
        """
        found = [one.text for one in self.tokens]
        for at in range(start, len(found) - len(words)):
            if found[at : at + len(words)] == list(words):
                return at + len(words)
        raise LookupError(" ".join(words))

    def table(self, function: str, variable: str) -> Literal:
        """The composite literal that a variable of a function (or of the file) is given."""
        start = self.after("func", function) if function else 0
        try:
            at = self.after(variable, ":=", start=start)
        except LookupError:
            at = self.after(variable, "=", start=start)
        value, _ = self.value(at)
        if not isinstance(value, Literal):
            raise LookupError(f"{variable} of {function} is no literal")
        return value

    def value(self, at: int) -> tuple[Value, int]:
        """One value, and the index behind it."""
        token = self.tokens[at]
        if token.kind in ("text", "raw"):
            text, at = unquoted(token), at + 1
            while self.tokens[at].text == "+" and self.tokens[at + 1].kind in ("text", "raw"):
                text += unquoted(self.tokens[at + 1])
                at += 2
            return text, at
        words: list[str] = []
        depth = 0
        while True:
            token = self.tokens[at]
            if token.text == "{" and words[-1:] == ["struct"]:
                at = self._closed(at)
                words.append("{}")
                continue
            if token.text == "{" and not depth:
                return self._literal(at, "".join(words))
            if not depth and token.text in (",", "}", ";", ":"):
                return Name("".join(words)), at
            depth += (token.text in "([") - (token.text in ")]")
            words.append(token.text)
            at += 1

    def _closed(self, at: int) -> int:
        depth = 0
        while True:
            depth += (self.tokens[at].text == "{") - (self.tokens[at].text == "}")
            at += 1
            if not depth:
                return at

    def _literal(self, at: int, kind: str) -> tuple[Literal, int]:
        found = Literal(kind, self.tokens[at].line)
        at += 1
        while self.tokens[at].text != "}":
            value, at = self.value(at)
            key: Value | None = None
            if self.tokens[at].text == ":":
                key = value
                value, at = self.value(at + 1)
            found.keys.append(key)
            found.values.append(value)
            if self.tokens[at].text == ",":
                at += 1
        return found, at + 1
