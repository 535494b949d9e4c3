"""One word of a shell text -> the arguments that a program would get, as far as that is known.

What the shell computes (`$(...)`, arithmetic, arrays, positional parameters) becomes a mark of
`expand.Unknowns`: such a word is known in part and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from envhooks.image.dockerfile.expand import MAX_DEPTH, MAX_VALUE, operate
from envhooks.image.shell.scan import Unclosed, skip
from envhooks.image.text import TooLong, first_mark, parse_pattern, replace_matches, trim_match


class Variables(Protocol):
    """Variables of a shell."""

    def lookup(self, name: str) -> str | None:
        """The value; None where it is certainly not set."""

    def unset(self, name: str) -> str:
        """Value of a plain `$name` where it is not set."""

    def assign(self, name: str, value: str) -> None:
        """`${name:=value}` sets it."""

    def mark(self, why: str) -> str:
        """A mark for what is not known."""


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACES = r"\{[^{}'\"]*(?:,|\.\.)[^{}'\"]*\}"
_PLAIN = re.compile(r"[^\\'\"$`~{]+")
_Parts = list[tuple[str, bool]]
"""(text, whether it is kept whole): what stands unquoted is split at blanks."""
_WORD = "\0word"
COMPUTED = "the shell computes it"
_SIMPLE = r"\s*(?:(?:echo|printf|cut|tr|sed|g?awk|python[0-9.]*|basename|if|case|\[\[?|test)\s|!\s)"
MAX_SUBSTITUTION = 500
"""Characters of a command substitution that is worked out."""
_OPERATION = (
    r"(?s)(:?[-+?=])(.*)|(##?|%%?)(.*)|(/[/#%]?)(.*)"
    r"|:[ ]*([0-9]{0,4}|(?<= )-[0-9]{1,4})(?:[ ]*:[ ]*([0-9]{1,4}))?[ ]*|(,,?|\^\^?)"
)


class Expander:
    """Expands words by the rules of sh, and by bash's own `${X/a/b}`, `${X:0:3}` and `${X,,}`.

    Where another shell does not know these, it ends with an error. `bash` is whether bash is known to be the shell.
    """

    def __init__(self, variables: Variables, spend: Callable[[int], None], bash: bool = False) -> None:
        self.bash = bash
        self._variables = variables
        self._spend = spend
        self._depth = 0

    def fields(self, word: str) -> list[str]:
        """The arguments that an unquoted word gives: none, one or several."""
        self._spend(len(word))
        if _PLAIN.fullmatch(word):
            return [word]
        if re.search(_BRACES, word) and not word.startswith(("'", '"')) and "${" not in word:
            return [self._variables.mark("the shell expands its braces")]
        parts = self._parts(word)
        fields: list[str] = []
        current: list[str] = []
        open_field = False
        for text, quoted in parts:
            self._spend(len(text))
            if quoted:
                current.append(text)
                open_field = True
                continue
            pieces = re.split(r"[ \t\n]+", text)
            for index, piece in enumerate(pieces):
                if index and (open_field or any(current)):
                    fields.append("".join(current))
                    current, open_field = [], False
                current.append(piece)
        if open_field or any(current):
            fields.append("".join(current))
        return fields

    def text(self, word: str) -> str:
        """The word as one text, as an assignment takes it."""
        self._spend(len(word))
        text = "".join(text for text, _ in self._parts(word))
        return text if len(text) <= MAX_VALUE else self._variables.mark("the value grows too long")

    def _parts(self, word: str, *, splits: bool = False) -> _Parts:
        """The pieces of a word; plain text in it is split at blanks where `splits`."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                return [(self._variables.mark("the word is nested too deeply"), True)]
            return self._read(word, splits)
        except Unclosed:
            return [(self._variables.mark(COMPUTED), True)]
        finally:
            self._depth -= 1

    def _read(self, word: str, splits: bool) -> _Parts:
        parts: _Parts = []
        at, size = 0, len(word)
        while at < size:
            plain = _PLAIN.match(word, at)
            if plain:
                parts.append((plain.group(), not splits))
                at = plain.end()
                continue
            char = word[at]
            if char == "\\":
                if word[at + 1 : at + 2] != "\n":
                    parts.append((word[at + 1 : at + 2], True))
                at += 2
            elif char == "'":
                end = skip(word, at)
                parts.append((word[at + 1 : end - 1], True))
                at = end
            elif char == '"':
                end = skip(word, at)
                parts.append((self._quoted(word[at + 1 : end - 1]), True))
                at = end
            elif char == "`":
                begin, at = at + 1, skip(word, at)
                parts += self._substituted(word[begin : at - 1])
            elif char == "$":
                pieces, at = self._dollar(word, at, quoted=False)
                parts += pieces
            elif char == "~" and at == 0 and word[1:2] in ("", "/"):
                parts.append((self._home(), True))
                at += 1
            else:
                parts.append((char, True))
                at += 1
        return parts

    def _home(self) -> str:
        home = self._variables.lookup("HOME")
        return home if home else self._variables.mark("the home folder")

    def _quoted(self, text: str) -> str:
        """The inside of double quotes."""
        out: list[str] = []
        at = 0
        while at < len(text):
            char = text[at]
            if char == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
                out.append(text[at + 1].replace("\n", ""))
                at += 2
            elif char == "`":
                begin, at = at + 1, skip(text, at)
                out += [piece for piece, _ in self._substituted(text[begin : at - 1])]
            elif char == "$":
                pieces, at = self._dollar(text, at, quoted=True)
                out += [piece for piece, _ in pieces]
            elif char == '"':
                at += 1  # inside "${X:-"..."}": it comes and goes
            else:
                out.append(char)
                at += 1
        return "".join(out)

    def _dollar(self, text: str, at: int, *, quoted: bool) -> tuple[_Parts, int]:
        """(value, offset behind it) of what begins with `$`."""
        following = text[at + 1 : at + 2]
        if following == "{":
            end = skip(text, at)
            return self._braced(text[at + 2 : end - 1], quoted), end
        if following == "(":
            end = skip(text, at)
            return self._substituted(text[at + 2 : end - 1]), end
        if following in ("'", '"') and following and not quoted:
            end = skip(text, at + 1)
            inner = text[at + 2 : end - 1]
            plain = following == "'" and "\\" not in inner
            return ([(inner, True)] if plain else self._computed()), end
        name = _NAME.match(text, at + 1)
        if name:
            return [(self._plain(name.group()), False)], name.end()
        value = self._variables.lookup(following) if following and following in "#123456789" else None
        if value is not None:
            return [(value, False)], at + 2
        if following and following in "0123456789@*#?-$!":
            return [(self._variables.mark("the shell's parameters are not followed"), False)], at + 2
        return [("$", True)], at + 1

    def _substituted(self, text: str) -> _Parts:
        """What a command substitution gives, in the few cases in which that is known without running it."""
        if not re.match(_SIMPLE, text) or len(text) > MAX_SUBSTITUTION:
            return self._computed()
        from envhooks.image.shell import parse  # late: it imports what this module needs
        from envhooks.image.shell.compute import compute

        self._spend(2000 + 20 * len(text))
        value = compute(parse(text), self)
        return self._computed() if value is None else [(value, False)]

    def _computed(self) -> _Parts:
        return [(self._variables.mark(COMPUTED), False)]

    def _plain(self, name: str) -> str:
        value = self._variables.lookup(name)
        return self._variables.unset(name) if value is None else value

    def _braced(self, body: str, quoted: bool) -> _Parts:
        name = _NAME.match(body)
        if name is None and body[:1] in tuple("123456789") and self._variables.lookup(body[:1]) is not None:
            name = re.match(r"[1-9](?![0-9])", body)
        if name is None:
            counted = self._plain(body[1:]) if body[:1] == "#" and _NAME.fullmatch(body[1:]) else None
            if counted is None or first_mark(counted) or not counted.isascii():  # the locale decides
                return self._computed()
            return [(str(len(counted)), False)]
        rest = body[name.end() :]
        if not rest:
            return [(self._plain(name.group()), False)]
        match = re.fullmatch(_OPERATION, rest)
        if match is None:
            return self._computed()
        try:
            if match.group(1):
                return self._operated(name.group(), match.group(1), match.group(2), quoted)
            if match.group(3):
                return [(self._trimmed(self._plain(name.group()), match.group(3), match.group(4)), False)]
            value = self._plain(name.group())
            if match.group(5):
                return [(self._replaced(value, match.group(5), match.group(6)), False)]
            return [(first_mark(value) or _part(value, *match.groups()[6:]), False)]
        except ValueError:  # BadWord, TooLong and what a pattern may raise
            return self._computed()

    def _operated(self, name: str, sign: str, word: str, quoted: bool) -> _Parts:
        value = self._variables.lookup(name)
        result = operate(name, value, sign[-1].replace("=", "-"), len(sign) == 2, _WORD)
        if result != _WORD:
            return [(result, False)]
        parts = [(self._quoted(word), True)] if quoted else self._parts(word, splits=True)
        if sign[-1] == "=":
            self._variables.assign(name, "".join(text for text, _ in parts))
            return [(text, False) for text, _ in parts]  # what is assigned is then expanded as a variable
        return parts

    def _pattern(self, word: str) -> list[str]:
        if re.search(r"['\"\\\[`]", word):
            raise TooLong("the pattern is quoted or has a class")
        text = "".join(part for part, _ in self._parts(word))
        if first_mark(text):
            raise TooLong("the pattern is not known")
        return parse_pattern(text)

    def _trimmed(self, value: str, sign: str, word: str) -> str:
        if mark := first_mark(value):
            return mark
        return trim_match(value, self._pattern(word), suffix=sign[0] == "%", longest=len(sign) == 2)

    def _replaced(self, value: str, sign: str, rest: str) -> str:
        old, _, new = rest.partition("/")
        text = "".join(part for part, _ in self._parts(new))
        if mark := first_mark(value) or first_mark(text):
            return mark
        if not old or "&" in new:  # to some releases of bash `&` is what was found
            raise TooLong("an empty pattern")
        if sign in ("/#", "/%"):
            if not value:
                raise TooLong("an empty value")
            left = trim_match(value, self._pattern(old), suffix=sign == "/%", longest=True)
            return value if left == value else left + text if sign == "/%" else text + left
        return replace_matches(value, self._pattern(old), text, every=sign == "//", limit=MAX_VALUE)


def _part(value: str, offset: str | None, length: str | None, case: str | None) -> str:
    """`${X:offset:length}`, `${X,,}` and `${X^^}`.

    Raises:
        ValueError: the value has other letters than ASCII's.
    """
    if not value.isascii():
        raise ValueError("letters of which a shell's locale decides")
    if case:
        change = str.lower if case[0] == "," else str.upper
        return change(value) if len(case) == 2 else change(value[:1]) + value[1:]
    start = int(offset or 0)
    if start < -len(value):
        return ""
    start += len(value) if start < 0 else 0
    return value[start : None if length is None else start + int(length)]


def commands_inside(word: str) -> list[tuple[str, int]]:
    """(text, offset in the word) of each `$(...)` and backtick of a word, outside single quotes."""
    found: list[tuple[str, int]] = []
    at = 0
    quoted = False
    while at < len(word):
        char = word[at]
        if char == "\\":
            at += 2
        elif char == "'" and not quoted:
            end = word.find("'", at + 1)
            at = len(word) if end < 0 else end + 1
        elif char == "`" or (word.startswith("$(", at) and not word.startswith("$((", at)):
            try:
                end = skip(word, at)
            except Unclosed:
                return found
            begin = at + (1 if char == "`" else 2)
            found.append((word[begin : end - 1], begin))
            at = end
        else:
            quoted ^= char == '"'
            at += 1
    return found
