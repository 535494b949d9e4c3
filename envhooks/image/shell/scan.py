"""Parts of a shell text: words, redirections, commands, frames of nesting, and how far a quote reaches."""

from __future__ import annotations

import re
from typing import Protocol

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.image.text import names

# What asks instead of doing: behind `&&` its failure is an answer, not a fault.
TESTS = names("[ [[ test command which type hash grep egrep fgrep false cmp diff expr let pgrep ! ((")


BLANK = " \t\r"


PLAIN = re.compile(r"[^\s\\'\"$`|&;()<>#]+")


SIGN = re.compile(r"<<<|<<-|<<|<>|<&|>>|>\||>&|[<>]")


NAME = r"[A-Za-z_][A-Za-z0-9_]*"


ASSIGN_ARRAY = r"[A-Za-z_][A-Za-z0-9_]*\+?="


@dataclass
class Frame:
    """One level of nesting."""

    kind: str
    uncertain: bool
    inherited: bool = False
    """Whether it is uncertain whatever its conditions say."""
    maybe: bool = False
    """Whether the and-or list so far may fail without being a fault."""
    either: bool = False
    """Whether a `||` stands in the and-or list."""
    doubtful: list[int] = field(default_factory=list)
    """Commands of this and-or list that are uncertain only because a test stands before them."""
    pattern: bool = False
    """In a `case`: a pattern comes next."""
    skipped: bool = False
    """The next pipeline may not run."""
    body: bool = False
    start: int = 0
    """Event from which on its condition stands."""
    arm: int | None = None
    """The innermost arm that stands here."""
    arms: list[int] = field(default_factory=list)
    """Its own arms so far."""
    total: bool = False
    """Whether one of them runs in any case: there is an `else`, or a pattern `*`."""
    through: bool = False
    """Of a `case`: an arm went on to the next one."""
    subject: str = ""
    """Of a `case`: the word that is compared."""
    patterns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Word:
    """One word as it stands, quotes and all."""

    text: str
    offset: int


@dataclass(frozen=True)
class Redirect:
    """One redirection of a command."""

    sign: str
    """`>`, `>>`, `<`, `<<`, `<<-`, `<<<`, `>&`, ..."""
    target: str
    """The word behind it, as it stands."""
    after: int
    """Number of the command's words before it."""
    glued: bool
    """Whether it touches the word before it: `pkg>=1`."""
    offset: int
    body: str | None = None
    """Content of a here-document."""
    body_offset: int = 0
    descriptor: str = ""
    """The number before the sign: `2` of `2>/dev/null`."""


@dataclass(frozen=True)
class Command:
    """One simple command."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()
    certain: bool = True
    """Whether it runs whenever the build succeeds, by what the text says, if its arm runs."""
    piped: bool = False
    """Whether it is a part of a pipeline: then it runs in a shell of its own."""
    fed: bool = False
    """Whether its input is another command's output."""
    arm: int | None = None
    """The innermost arm of an `if` or a `case` that it stands in."""
    joined: str = ""
    """`&&` or `||` where it stands right behind another simple command and that sign; `{` where a group is between."""
    reached: bool = True
    """Whether its and-or list runs whenever the build succeeds, if its arm runs."""


@dataclass(frozen=True)
class Enter:
    """A subshell begins: variables and the working directory are its own."""


@dataclass(frozen=True)
class Leave:
    """A subshell ends."""


@dataclass(frozen=True)
class Define:
    """A function of this name is defined: calling it runs something."""

    name: str


@dataclass(frozen=True)
class Loop:
    """A variable that a loop sets."""

    name: str


@dataclass(frozen=True)
class Arm:
    """An arm of an `if` or of a `case` begins."""

    number: int
    kind: str
    """`then`, `else`, `case`; `through` where an arm before it may have gone on to it."""
    group: int
    """The same for all arms of one `if` or `case`."""
    outer: int | None
    """The arm that the whole stands in."""
    condition: tuple[int, int]
    """Events that its condition is made of, the last one not included."""
    subject: str
    patterns: tuple[str, ...]


Event = Command | Enter | Leave | Define | Loop | Arm


def fails(command: Command) -> bool:
    """Whether a command ends the whole with an error: `exit 1`."""
    words = [word.text for word in command.words]
    return words[:1] == ["exit"] and len(words) == 2 and words[1].isdecimal() and int(words[1]) > 0


class Words(Protocol):
    """A reader of words, with the variables of one shell."""

    bash: bool
    """Whether bash is known to be the shell."""

    def fields(self, word: str) -> list[str]:
        """The arguments that an unquoted word gives."""

    def text(self, word: str) -> str:
        """The word as one text."""


class Branches:
    """Which commands of a script run: here nothing asks anything."""

    def enter(self, arm: Arm) -> None:
        """Decide an arm by what is known when it is met."""

    def taken(self, index: int, command: Command) -> Command | None:
        """The command at this index of the events, uncertain where it may not run; None where it surely does not."""
        return command


@dataclass(frozen=True)
class Script:
    """Commands of a text as a shell would run them."""

    events: tuple[Event, ...]
    fault: str = ""
    """Reason why the text cannot be read to its end, or nothing."""
    sure: frozenset[int] = frozenset()
    """Arms that run whenever the build succeeds, as each other one ends it."""


_CLOSES = {"(": ")", "{": "}"}


class Unclosed(ValueError):
    """A quote, a parenthesis or a brace has no end."""


def _single(text: str, at: int) -> int:
    end = text.find("'", at + 1)
    if end < 0:
        raise Unclosed("a single quote has no end")
    return end + 1


def skip(text: str, at: int, opened: str = "") -> int:
    """The offset behind the quote, `$(`, `${` or backtick that begins at `at`.

    Args:
        text: the shell text.
        at: where it begins; or the offset behind its opening, if `opened`.
        opened: the sign that closes what is already open.

    Raises:
        Unclosed: it has no end.
    """
    stack = [opened] if opened else []
    size = len(text)
    while at < size:
        char = text[at]
        top = stack[-1] if stack else ""
        if char == "\\":
            at += 2
            continue
        if char == top:
            stack.pop()
            at += 1
        elif char == "'" and top != '"':
            at = _single(text, at)
        elif char == "$" and text[at + 1 : at + 2] in ("(", "{") and text[at + 1 : at + 2]:
            stack.append(_CLOSES[text[at + 1]])
            at += 2
        elif char in '"`':
            stack.append(char)
            at += 1
        elif char == "(" and top == ")":
            stack.append(")")
            at += 1
        elif char == "#" and top == ")" and text[at - 1] in " \t\n;(":
            end = text.find("\n", at)
            at = size if end < 0 else end
        else:
            at += 1
        if not stack:
            return at
    raise Unclosed({'"': "a double quote has no end", "`": "a backtick has no end"}.get(
        stack[-1] if stack else "", "a parenthesis or brace has no end"
    ))  # fmt: skip


class Reader:
    """Words and redirections of a text, from one place on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.events: list[Event] = []
        self.frames = [Frame("top", False)]
        self.count = 0
        self.failing: set[int] = set()
        self.sure: set[int] = set()
        self.words: list[Word] = []
        self.redirects: list[Redirect] = []
        self.pending: list[tuple[int, str, bool]] = []
        """Here-documents whose bodies come behind the next line end: (redirect, word, strip tabs)."""
        self.fed = False
        self.joined = ""
        self.function = False
        self.heredoc_of: list[tuple[int, int]] = []

    # ---------------------------------------------------------------- words

    def word(self) -> Word:
        """The word that begins here; empty where none does."""
        start = self.at
        text, size = self.text, len(self.text)
        parts: list[str] = []
        while self.at < size:
            plain = PLAIN.match(text, self.at)
            if plain:
                parts.append(plain.group())
                self.at = plain.end()
                continue
            char = text[self.at]
            begin = self.at
            if char == "\\":
                if text.startswith("\\\n", self.at):
                    self.at += 2
                    continue
                self.at += 2
            elif char in "'\"`" or (char == "$" and text[self.at + 1 : self.at + 2] in ("(", "{")):
                self.at = min(size, skip(text, self.at)) if char != "$" or self.at + 1 < size else self.at + 1
            elif char in "$#":
                self.at += 1
            elif char == "(" and parts and re.fullmatch(ASSIGN_ARRAY, "".join(parts)):
                self.at = skip(text, self.at + 1, ")")
            else:
                break
            parts.append(text[begin : self.at])
        return Word("".join(parts), start)

    def blanks(self) -> None:
        """Go behind the blanks."""
        while self.at < len(self.text) and self.text[self.at] in BLANK:
            self.at += 1

    # ---------------------------------------------------------------- redirections

    def redirect(self) -> None:
        """Take the redirection that begins here."""
        match = SIGN.match(self.text, self.at)
        assert match is not None
        sign, offset = match.group(), self.at
        previous = self.words[-1] if self.words else None
        glued = previous is not None and previous.offset + len(previous.text) == offset
        descriptor = ""
        if glued and previous is not None and previous.text.isdecimal():
            descriptor = self.words.pop().text  # `2>&1`
            glued = False
        self.at = match.end()
        if self.text.startswith("(", self.at) and sign in "<>":
            self.at = skip(self.text, self.at + 1, ")")
            self.words.append(Word(self.text[offset : self.at], offset))
            return
        self.blanks()
        target = self.word().text
        if sign in ("<<", "<<-"):
            self.pending.append((len(self.redirects), target, sign == "<<-"))
            self.heredoc_of.append((-1, len(self.redirects)))
        self.redirects.append(Redirect(sign, target, len(self.words), glued, offset, descriptor=descriptor))

    def bodies(self) -> None:
        """Take the here-documents that begin behind this line end."""
        pending, owners = self.pending, self.heredoc_of
        self.pending, self.heredoc_of = [], []
        for (_, word, tabs), (event, number) in zip(pending, owners, strict=True):
            name = re.sub(r"[\\'\"]", "", word)
            start = self.at
            lines: list[str] = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(len(self.text), end + 1)
                if (line.lstrip("\t") if tabs else line) == name:
                    break
                lines.append(line.lstrip("\t") if tabs else line)
            body = "".join(f"{line}\n" for line in lines)
            self._attach(event, number, body, start)

    def _attach(self, event: int, number: int, body: str, start: int) -> None:
        if event >= 0:
            command = self.events[event]
            if isinstance(command, Command) and number < len(command.redirects):
                redirects = list(command.redirects)
                redirects[number] = replace(redirects[number], body=body, body_offset=start)
                self.events[event] = replace(command, redirects=tuple(redirects))
        elif number < len(self.redirects):
            self.redirects[number] = replace(self.redirects[number], body=body, body_offset=start)
