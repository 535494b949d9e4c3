"""Words of a Dockerfile -> text, by the rules of BuildKit's own lexer; see `unknowns` for its marks."""

from __future__ import annotations

from collections.abc import Callable

from envhooks.image.text import (
    SPACES,
    TooLong,
    first_mark,
    parse_pattern,
    replace_matches,
    settled,
    trim_match,
)

MAX_VALUE = 32 * 1024
"""Characters. `ARG A=$A$A` doubles a value with each line; beyond this it is called unknown."""
MAX_DEPTH = 25
"""Maximum depth of `${A:-${B:-...}}`: far more than anyone writes, far less than Python's stack."""


class BadWord(ValueError):
    """A word that BuildKit refuses: the build would stop here."""


Lookup = Callable[[str], "str | None"]


def _nothing(_name: str) -> str | None:
    return None


def _empty(_name: str) -> str:
    return ""


class Lexer:
    """One pass over one text: quotes, escapes and `$` as BuildKit takes them.

    Args:
        text: the word or line.
        lookup: value of a variable; None where it is certainly not set.
        unset: what a plain `$X` gives for a variable that is not set; BuildKit gives nothing.
        escape: the Dockerfile's escape character.
        raw: keep quotes and escapes as they stand (how heredoc words are found).
        keep_unset: keep `$X` as it stands where X is not set.
    """

    def __init__(
        self,
        text: str,
        lookup: Lookup = _nothing,
        *,
        unset: Callable[[str], str] = _empty,
        escape: str = "\\",
        raw: bool = False,
        raw_quotes: bool = False,
        keep_unset: bool = False,
    ) -> None:
        self._text = text.removeprefix("\ufeff")  # Go's scanner drops a byte order mark
        self._at = 0
        self._lookup = lookup
        self._unset = unset
        self._escape = escape
        self._raw_quotes = raw or raw_quotes
        self._raw = raw
        self._keep_unset = keep_unset
        self._buffer: list[str] = []  # the word being read; BuildKit shares it with nested words
        self._depth = 0
        self._splitting = False

    def word(self) -> str:
        """The whole text as one word.

        Raises:
            BadWord: BuildKit refuses it.
            TooLong: the result is longer than MAX_VALUE.
        """
        return self._until(None, self._raw)[0]

    def words(self) -> list[str]:
        """The text split at blanks outside quotes, after expansion."""
        self._splitting = True
        return self._until(None, self._raw)[1]

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._text[self._at : self._at + 1]
        self._at += 1
        return char

    def _flush(self, words: list[str]) -> None:
        if any(self._buffer):
            words.append("".join(self._buffer))
            self._buffer.clear()

    def _split(self, text: str, words: list[str]) -> None:
        if not self._splitting:
            return
        for char in text:
            if char in SPACES:
                self._flush(words)
            else:
                self._buffer.append(char)

    def _until(self, stop: str | None, raw: bool) -> tuple[str, list[str]]:
        """Text up to `stop`, and the same as words."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooLong("the word is nested too deeply")
        before, self._raw = self._raw, raw
        out: list[str] = []
        words: list[str] = []
        size = 0
        self._buffer.clear()
        while char := self._peek():
            if char == stop:
                self._at += 1
                break
            if char == "$":
                piece = self._dollar()
                self._split(piece, words)
            elif char in "'\"":
                piece = self._single() if char == "'" else self._double()
                self._buffer.append(piece)
            elif char == "<":
                piece = self._angle()
                self._buffer.append(piece)
            else:
                piece = self._plain(words)
            out.append(piece)
            size += len(piece)
            if size > MAX_VALUE and not self._keep_unset:
                raise TooLong("the value grows too long")
        else:
            if stop is not None:
                raise BadWord(f"there is no {stop} that ends it")
        self._flush(words)
        self._raw = before
        self._depth -= 1
        return "".join(out), words

    def _plain(self, words: list[str]) -> str:
        char = self._next()
        if char != self._escape:
            self._split(char, words)
            return char
        piece = char if self._raw else ""
        piece += self._next()
        self._buffer.append(piece)
        return piece

    def _angle(self) -> str:
        start = self._at
        self._at += 1
        if self._peek() == "<":
            self._at += 1
            while self._peek() in ("\t", "\r", " "):  # a heredoc's word may stand off: `<< EOF`
                self._at += 1
        return self._text[start : self._at]

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise BadWord("a single quote is not closed")
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return f"'{text}'" if self._raw_quotes else text

    def _double(self) -> str:
        self._at += 1
        out = ['"'] if self._raw_quotes else []
        while True:
            char = self._peek()
            if not char:
                raise BadWord("a double quote is not closed")
            if char == '"':
                self._at += 1
                return "".join((*out, '"')) if self._raw_quotes else "".join(out)
            if char == "$":
                out.append(self._dollar())
                continue
            self._at += 1
            if char == self._escape:
                if self._raw:
                    out.append(char)
                following = self._peek()
                if not following:
                    continue
                if following in ('"', "$", self._escape):
                    char = self._next()
            out.append(char)

    def _name(self) -> str:
        start = self._at
        char = self._peek()
        if char.isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        elif char and char in "@*#?-$!0":
            self._at += 1
        else:
            while (char := self._peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self._at += 1
        return self._text[start : self._at]

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._lookup(name)
            if value is None:
                return f"${name}" if self._keep_unset else self._unset(name)
            return value
        self._at += 1
        if self._peek() in ("", "{", "}", ":"):
            raise BadWord("bad substitution")
        name = self._name()
        sign = self._next()
        if sign == "}":
            value = self._lookup(name)
            if value is None:
                return f"${{{name}}}" if self._keep_unset else self._unset(name)
            return value
        if sign == "/":
            return self._replaced(name)
        colon = sign == ":"
        if colon:
            sign = self._next()
        if not sign or sign not in "+-?#%" or (colon and sign in "#%"):
            raise BadWord(f"unsupported modifier ({':' if colon else ''}{sign}) in a substitution")
        word, _ = self._until("}", sign in "#%")
        value = self._lookup(name)
        if value is None and self._keep_unset:
            return f"${{{name}{':' if colon else ''}{sign}{word}}}"
        if sign in "#%":
            return self._trimmed(name, value, sign, word)
        return operate(name, value, sign, colon, word)

    def _trimmed(self, name: str, value: str | None, sign: str, word: str) -> str:
        longest = word.startswith(sign)
        if value is None:
            value = self._unset(name)
        if mark := first_mark(value) or first_mark(word):
            return mark
        try:
            pattern = parse_pattern(word[1:] if longest else word)
        except TooLong:
            raise
        except ValueError as error:
            raise BadWord(str(error)) from None
        return trim_match(value, pattern, suffix=sign == "%", longest=longest)

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self._at += 1
        pattern, _ = self._until("/", True)
        replacement, _ = self._until("}", True)
        value = self._lookup(name)
        if value is None:
            if self._keep_unset:
                return f"${{{name}/{pattern}/{replacement}}}"
            value = self._unset(name)
        if mark := first_mark(value) or first_mark(pattern) or first_mark(replacement):
            return mark
        if every and "$" in replacement:  # Go takes `$1` there for a group
            raise TooLong("a replacement with $ is not followed")
        try:
            parsed = parse_pattern(pattern)
        except ValueError as error:
            raise BadWord(str(error)) from None
        return replace_matches(value, parsed, replacement, every=every, limit=MAX_VALUE)


def operate(name: str, value: str | None, sign: str, colon: bool, word: str) -> str:
    """`${name-word}`, `+` and `?`, with or without a colon, also where the value is not known.

    Raises:
        BadWord: `?` on a variable that is certainly not set.
    """
    there: bool | None = value is not None
    if value is not None and settled(value) is None:
        there = None  # a mark may be empty text, and a variable that is not set
    elif colon and value is not None:
        there = settled(value)
    known = value or ""
    if there is None:
        if sign == "+" and not word:
            return ""
        return first_mark(known)
    if sign == "-":
        return known if there else word
    if sign == "+":
        return word if there else ""
    if not there:
        raise BadWord(f"{name}: {word or 'is not allowed to be ' + ('empty' if colon else 'unset')}")
    return known
