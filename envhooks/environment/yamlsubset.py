"""The part of YAML that environment files are written in, read strictly; the rest is "cannot tell".

Block mappings and lists, plain and quoted scalars on one line, and flow lists and mappings of such
scalars on one line. No anchors, tags, block scalars, merge keys, second documents or tabs: a reader
that guessed at those would be the wrong thing to build a gate on, and a full YAML library is slow to
import and does more than is wanted of hostile files.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from envhooks import lazyre
from envhooks.records import dataclass

MAX_DEPTH = 30
MAX_LINE = 10_000
"""Characters."""


class YamlError(ValueError):
    """The text is outside the subset. `line` counts from 1."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


@dataclass(frozen=True)
class Scalar:
    """A plain or quoted value; `text` is empty for nothing (null)."""

    text: str
    line: int


Node: TypeAlias = "Scalar | list[Node] | dict[str, Node]"


@dataclass(frozen=True)
class _Line:
    number: int
    indent: int
    text: str


# A plain scalar ends before ` #`; a key ends at `:` and a blank or the line's end.
_KEY = lazyre.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'\[\]{},&*!|>%@`#?:-][^:#]*):(?:[ ]+|\Z)"""
)
_PLAIN_START = lazyre.compile(r"[^\s\"'\[\]{},&*!|>%@`#?:-]|[?:-](?=[^\s,\[\]{}])")
_DOUBLE = lazyre.compile(r'"((?:[^"\\]|\\.)*)"')
_SINGLE = lazyre.compile(r"'((?:[^']|'')*)'")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/", " ": " ", "0": "\0", "r": "\r"}


def _strip_comment(text: str, number: int) -> str:
    """The line without its comment; `#` in quotes, or without a blank before it, is none."""
    quote, escaped = "", False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = char == "\\" and quote == '"'
            if char == quote:
                quote = ""
        elif char in "\"'" and (at == 0 or text[at - 1] in " [{,:"):
            quote = char
        elif char == "#" and (at == 0 or text[at - 1] in " \t"):
            return text[:at].rstrip()
    if quote:
        raise YamlError("a quoted text that does not end on its line", number)
    return text.rstrip()


def _tokenise(text: str) -> list[_Line]:
    lines: list[_Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        body = raw.lstrip(" ")
        if not body or body.startswith("#"):
            continue
        if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", body):
            raise YamlError("a tab or another control character", number)
        if len(raw) > MAX_LINE:
            raise YamlError(f"a line of more than {MAX_LINE} characters", number)
        if raw.startswith("---"):
            if lines or raw.strip() != "---":
                raise YamlError("more than one document", number)
            continue
        if raw.startswith(("...", "%")):
            raise YamlError("a directive or document mark", number)
        lines.append(_Line(number, len(raw) - len(body), _strip_comment(body, number)))
    return lines


def _scalar(text: str, number: int) -> Scalar:
    """One scalar that fills `text`."""
    if text.startswith('"'):
        match = _DOUBLE.fullmatch(text)
        if match is None or re.search(r"\\[^nt\"\\/ 0r]", re.sub(r"\\\\", "", match.group(1))):
            raise YamlError(f"cannot tell what {text!r} means", number)
        return Scalar(re.sub(r"\\(.)", lambda m: _ESCAPES[m.group(1)], match.group(1)), number)
    if text.startswith("'"):
        match = _SINGLE.fullmatch(text)
        if match is None:
            raise YamlError(f"cannot tell what {text!r} means", number)
        return Scalar(match.group(1).replace("''", "'"), number)
    if not _PLAIN_START.match(text) or re.search(r":(?:\s|\Z)", text):
        raise YamlError(f"cannot tell what {text!r} means", number)
    return Scalar("" if text in ("~", "null") else text, number)


_FLOW_ITEM = lazyre.compile(
    r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'\[\]{},]+(?:[ ]+[^\s"'\[\]{},]+)*)[ ]*(,|\Z)"""
)


def _flow(text: str, number: int) -> Node:
    """`[a, b]` or `{a: b}` of scalars."""
    close = {"[": "]", "{": "}"}[text[0]]
    if len(text) < 2 or text[-1] != close:
        raise YamlError("a list or mapping that does not end on its line", number)
    inner, at = text[1:-1].strip(), 0
    items: list[str] = []
    while at < len(inner):
        match = _FLOW_ITEM.match(inner, at)
        if match is None:
            raise YamlError(f"cannot tell what {text!r} means", number)
        items.append(match.group(1).strip())
        at = match.end()
    if close == "]":
        return [_scalar(item, number) for item in items]
    mapping: dict[str, Node] = {}
    for item in items:
        key, colon, value = item.partition(": ")
        if not colon or key in mapping:
            raise YamlError(f"cannot tell what {text!r} means", number)
        mapping[_scalar(key.strip(), number).text] = _scalar(value.strip(), number)
    return mapping


class _Parser:
    def __init__(self, lines: list[_Line]) -> None:
        self.lines = lines
        self.at = 0

    def here(self) -> _Line | None:
        return self.lines[self.at] if self.at < len(self.lines) else None

    def block(self, indent: int, depth: int) -> Node:
        """The node whose lines begin in column `indent`."""
        line = self.lines[self.at]
        if depth > MAX_DEPTH:
            raise YamlError(f"more than {MAX_DEPTH} levels", line.number)
        if line.text == "-" or line.text.startswith("- "):
            return self.sequence(indent, depth)
        if _KEY.match(line.text):
            return self.mapping(indent, depth)
        self.at += 1
        return self.inline(line.text, line.number)

    def inline(self, text: str, number: int) -> Node:
        return _flow(text, number) if text.startswith(("[", "{")) else _scalar(text, number)

    def sequence(self, indent: int, depth: int) -> Node:
        items: list[Node] = []
        while (line := self.here()) is not None and line.indent == indent:
            if line.text != "-" and not line.text.startswith("- "):
                break
            rest = line.text[1:].lstrip(" ")
            if rest:  # the item's own column is where its text begins
                column = indent + len(line.text) - len(rest)
                self.lines[self.at] = _Line(line.number, column, rest)
                items.append(self.block(column, depth + 1))
            else:
                self.at += 1
                items.append(self.below(indent, line.number, depth, lists_too=False))
            self.check_end(indent)
        return items

    def mapping(self, indent: int, depth: int) -> Node:
        mapping: dict[str, Node] = {}
        while (line := self.here()) is not None and line.indent == indent:
            match = _KEY.match(line.text)
            if match is None:
                break
            key = _scalar(match["key"].rstrip(), line.number).text
            if key in mapping or key == "<<":
                raise YamlError(f"the key {key!r} stands here twice or merges another", line.number)
            rest = line.text[match.end() :]
            self.at += 1
            if rest:
                mapping[key] = self.inline(rest, line.number)
            else:
                mapping[key] = self.below(indent, line.number, depth, lists_too=True)
            self.check_end(indent)
        return mapping

    def below(self, indent: int, number: int, depth: int, lists_too: bool) -> Node:
        """What stands under `key:` or `-`: a deeper block, a list in the same column, or nothing."""
        line = self.here()
        if line is None or line.indent < indent:
            return Scalar("", number)
        if line.indent > indent:
            return self.block(line.indent, depth + 1)
        is_list = line.text == "-" or line.text.startswith("- ")
        return self.sequence(indent, depth + 1) if is_list and lists_too else Scalar("", number)

    def check_end(self, indent: int) -> None:
        line = self.here()
        if line is not None and line.indent > indent:
            raise YamlError("a value that goes on over lines, or a wrong indentation", line.number)


def read_yaml(text: str) -> Node:
    """The document's one node.

    Raises:
        YamlError: for anything outside the subset.
    """
    parser = _Parser(_tokenise(text))
    if not parser.lines:
        return Scalar("", 1)
    node = parser.block(parser.lines[0].indent, 0)
    line = parser.here()
    if line is not None:
        raise YamlError("a wrong indentation, or a list and a mapping side by side", line.number)
    return node
