"""HCL as bake files have it: blocks of literals, lists and references; what is computed is not followed."""

from __future__ import annotations

import re
from typing import Any

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.image.text import AS_WRITTEN

MAX_DEPTH = 20
"""Levels of values and blocks in each other."""
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|#[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<line>\n)|(?P<text>\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<sign>.)",
    re.DOTALL,
)


class _Unknown:
    """Value that is not followed."""


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Reference:
    """A variable that stands alone."""

    name: str


class Hcl:
    """Blocks of an HCL file: `kind "label" { name = value }`."""

    def __init__(self, text: str, path: str) -> None:
        """`path` is for what is said of a fault."""
        self._path = path
        self._tokens = [
            (match.lastgroup or "", match.group())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "skip"
        ]
        self._at = 0

    def blocks(self) -> dict[str, dict[str, Any]]:
        """Kind -> label -> body: texts, `Reference`, lists, bodies, and `UNKNOWN` for what is more than those.

        Raises:
            CannotJudge: it is not HCL, or is nested too deeply.
        """
        found: dict[str, dict[str, Any]] = {}
        while self._skip_lines():
            kind, word = self._next()
            if kind != "word":
                raise CannotJudge(f"{word[:20]!r} begins no block of HCL", place=self._path)
            labels = []
            while self._peek()[0] in ("text", "word"):
                labels.append(self._next()[1].strip('"'))
            if self._peek()[1] == "=":
                self._next()
                self._expression(0)
                continue
            if self._next()[1] != "{":
                raise CannotJudge(f"the block {word[:20]} has no body", place=self._path)
            body = self._body(0)
            if labels:
                if labels[0] in found.setdefault(word, {}):  # bake puts the two together
                    raise CannotJudge(f"the {word[:20]} {labels[0][:40]} is there twice", place=self._path)
                found[word][labels[0]] = body
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _skip_lines(self) -> bool:
        while self._peek()[0] == "line" or self._peek()[1] == ",":
            self._at += 1
        return self._peek()[0] != "end"

    def _body(self, depth: int) -> dict[str, Any]:
        """Attributes up to the closing brace."""
        out: dict[str, Any] = {}
        while self._skip_lines():
            kind, word = self._next()
            if word == "}":
                return out
            if kind not in ("word", "text"):
                break
            labels = 0
            while self._peek()[0] in ("text", "word"):
                self._next()
                labels += 1
            sign = self._next()[1]
            if sign in ("=", ":") and not labels:
                out[word.strip('"')] = self._expression(depth + 1)
            elif sign == "{" and depth < MAX_DEPTH:
                self._body(depth + 1)
            else:
                break
        raise CannotJudge("a block of this HCL file has no end", place=self._path)

    def _expression(self, depth: int) -> object:
        """One value; UNKNOWN where it is more than a literal or a variable."""
        kind, word = self._next()
        if depth > MAX_DEPTH:
            raise CannotJudge("values are nested too deeply", place=self._path)
        value: object = UNKNOWN
        if kind == "text":
            value = re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), word[1:-1])
        elif kind == "number":
            value = word if re.fullmatch(AS_WRITTEN, word) else UNKNOWN  # 2.10 is 2.1
        elif kind == "word":
            value = {"true": True, "false": False, "null": UNKNOWN}.get(word, Reference(word))
        elif word == "[":
            return self._list(depth)
        elif word == "{":
            start = self._at
            try:
                return self._body(depth)
            except CannotJudge:
                self._at = start
                self._past("{")
                return UNKNOWN
        elif word == "(":
            self._past("(")
        if self._peek()[0] in ("line", "end") or self._peek()[1] in (",", "}", "]", "="):
            return value
        self._rest()
        return UNKNOWN

    def _list(self, depth: int) -> object:
        out: list[object] = []
        start = self._at
        while self._skip_lines():
            if self._peek()[1] == "]":
                self._next()
                return out
            if self._peek()[1] == "for":
                self._at = start
                self._past("[")
                return UNKNOWN
            out.append(self._expression(depth + 1))
        raise CannotJudge("a list of this HCL file has no end", place=self._path)

    def _past(self, opening: str) -> None:
        """Go behind the sign that closes what this one has opened."""
        depth = 1
        while depth:
            kind, word = self._next()
            if kind == "end":
                raise CannotJudge(f"{opening} has no end in this HCL file", place=self._path)
            depth += (word == opening) - (word == _CLOSING[opening])

    def _rest(self) -> None:
        """Go to the end of an expression that is not followed."""
        while True:
            kind, word = self._peek()
            if kind in ("line", "end") or (kind == "sign" and word in ",}]"):
                return
            self._next()
            if word in _CLOSING:
                self._past(word)
