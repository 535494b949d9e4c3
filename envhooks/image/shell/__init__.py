"""Shell text of a RUN -> simple commands, each with what is known of whether it runs.

This is not a shell: nothing is run and nothing is decided. `if`, `case`, loops, functions and the
right side of `||` may run or may not, and what stands there is marked as uncertain. One pass over
the text with an explicit stack, so that neither length nor nesting can make it slow.
"""

from __future__ import annotations

import re

from envhooks.base.dataclass import replace
from envhooks.image.shell.scan import (
    ASSIGN_ARRAY,
    BLANK,
    NAME,
    PLAIN,
    SIGN,
    TESTS,
    Command,
    Define,
    Enter,
    Event,
    Frame,
    Leave,
    Loop,
    Redirect,
    Script,
    Unclosed,
    Word,
    skip,
)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.events: list[Event] = []
        self.frames = [Frame("top", False)]
        self.words: list[Word] = []
        self.redirects: list[Redirect] = []
        self.pending: list[tuple[int, str, bool]] = []
        """Here-documents whose bodies come behind the next line end: (redirect, word, strip tabs)."""
        self.fed = False
        self.function = False
        self.heredoc_of: list[tuple[int, int]] = []

    # ---------------------------------------------------------------- words

    def _word(self) -> Word:
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

    # ---------------------------------------------------------------- lists

    def _end_command(self, *, piped: bool = False) -> None:
        frame = self.frames[-1]
        if self.words or self.redirects:
            certain = not (frame.uncertain or frame.skipped or (frame.maybe and frame.body))
            command = Command(tuple(self.words), tuple(self.redirects), certain, piped or self.fed, self.fed)
            if not frame.uncertain and not frame.skipped and not certain:
                frame.doubtful.append(len(self.events))
            for index, (where, number) in enumerate(self.heredoc_of):
                if where == -1:
                    self.heredoc_of[index] = (len(self.events), number)
            self.events.append(command)
        self.words = []
        self.redirects = []
        self.fed = piped

    def _status(self) -> bool:
        """Whether the command that is about to end asks instead of doing."""
        return bool(self.words) and self.words[0].text in TESTS

    def _and_or(self, either: bool) -> None:
        frame = self.frames[-1]
        asks = self._status()
        self._end_command()
        if either:
            frame.either = True
            # `A || B`: whether A asks no longer matters for what follows B; B decides.
            frame.maybe = False
            frame.body = False
            frame.skipped = True
        else:
            frame.maybe = frame.maybe or asks
            frame.body = True
            frame.skipped = False

    def _end_list(self, *, last: bool = False) -> None:
        self._end_command()
        frame = self.frames[-1]
        if last and not frame.either and frame.kind == "top":
            # The last list of a RUN: where its test fails, the build fails.
            for index in frame.doubtful:
                command = self.events[index]
                if isinstance(command, Command):
                    self.events[index] = replace(command, certain=True)
        frame.maybe = frame.either = frame.skipped = frame.body = False
        frame.doubtful = []

    def _push(self, kind: str, uncertain: bool) -> None:
        top = self.frames[-1]
        doubt = top.uncertain or top.skipped or (top.maybe and top.body) or self.function
        self.function = False
        self.frames.append(Frame(kind, doubt or uncertain))

    def _pop(self, *kinds: str) -> bool:
        if self.frames[-1].kind not in kinds:
            return False
        self._end_list()
        self.frames.pop()
        return True

    # ---------------------------------------------------------------- compound commands

    def _reserved(self, word: str) -> bool:
        """Take a reserved word at a command's place; False for another word."""
        frame = self.frames[-1]
        if word in ("if", "while", "until"):
            self._push("if" if word == "if" else "loop", word != "if")
        elif word in ("then", "else", "elif") and frame.kind == "if":
            self._end_list()
            frame.uncertain = True
        elif word == "fi":
            return self._pop("if")
        elif word == "do":
            self._end_list()
        elif word == "done":
            return self._pop("loop")
        elif word == "esac":
            return self._pop("case")
        elif word == "{":
            self._push("group", False)
        elif word == "}":
            return self._pop("group")
        elif word in ("for", "select"):
            self._push("loop", True)
            self._for()
        elif word == "case":
            self._push("case", True)
            self._case()
        elif word == "function":
            self._blanks()
            self.events.append(Define(self._word().text))
            self._blanks()
            if self.text.startswith("()", self.at):
                self.at += 2
            self.function = True
        else:
            return word in ("!", "time", "coproc") and word != "!"
        return True

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in BLANK:
            self.at += 1

    def _for(self) -> None:
        """`for NAME in WORDS`, up to its line end."""
        self._blanks()
        if self.text.startswith("((", self.at):
            self._arithmetic()
            return
        name = self._word().text
        if re.fullmatch(NAME, name):
            self.events.append(Loop(name))
        while self.at < len(self.text) and self.text[self.at] not in ";\n":
            self._blanks()
            before = self.at
            if self._word().text == "do":
                self.at = before
                return
            if self.at == before:
                if self.text[self.at : self.at + 1] in (";", "\n", ""):
                    return
                self.at += 1

    def _case(self) -> None:
        """`case WORD in`, up to the first pattern."""
        self._blanks()
        self._word()
        rest = re.compile(r"[\s\\]*in(?=[\s;\\(]|\Z)").match(self.text, self.at)
        if rest:
            self.at = rest.end()
        self.frames[-1].pattern = True

    def _arithmetic(self) -> None:
        end = self.text.find("))", self.at)
        if end < 0:
            raise Unclosed("(( has no end")
        self.at = end + 2

    def _condition(self) -> None:
        """`[[ ... ]]`: one command, whatever signs stand inside."""
        start = self.at
        match = re.compile(r"\s\]\](?=[\s;&|)]|\Z)").search(self.text, self.at)
        if match is None:
            raise Unclosed("[[ has no end")
        self.at = match.end()
        self.words = [Word("[[", start)]

    # ---------------------------------------------------------------- redirections

    def _redirect(self) -> None:
        match = SIGN.match(self.text, self.at)
        assert match is not None
        sign, offset = match.group(), self.at
        previous = self.words[-1] if self.words else None
        glued = previous is not None and previous.offset + len(previous.text) == offset
        if glued and previous is not None and previous.text.isdecimal():
            self.words.pop()  # `2>&1`: the number is a descriptor
            glued = False
        self.at = match.end()
        if self.text.startswith("(", self.at) and sign in "<>":
            self.at = skip(self.text, self.at + 1, ")")
            self.words.append(Word(self.text[offset : self.at], offset))
            return
        self._blanks()
        target = self._word().text
        if sign in ("<<", "<<-"):
            self.pending.append((len(self.redirects), target, sign == "<<-"))
            self.heredoc_of.append((-1, len(self.redirects)))
        self.redirects.append(Redirect(sign, target, len(self.words), glued, offset))

    def _bodies(self) -> None:
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

    # ---------------------------------------------------------------- the loop

    def run(self) -> Script:
        fault = ""
        try:
            while self.at < len(self.text):
                self._step()
            self._end_list(last=True)
        except Unclosed as error:
            fault = str(error)
            self._end_list()
        if not fault and len(self.frames) > 1:
            fault = f"a {self.frames[-1].kind} has no end"
        return Script(tuple(self.events), fault)

    def _step(self) -> None:
        text = self.text
        char = text[self.at]
        frame = self.frames[-1]
        if char in BLANK:
            self.at += 1
        elif text.startswith("\\\n", self.at):
            self.at += 2
        elif char == "#":
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
        elif frame.pattern:
            self._pattern()
        elif char == "\n":
            self.at += 1
            if self.words or self.redirects or not (frame.body or frame.skipped or self.fed):
                self._end_list()  # behind `&&`, `||` and `|` a line end says nothing
            if self.pending:
                self._bodies()
        elif text.startswith(";;", self.at):
            self.at += 3 if text.startswith(";;&", self.at) else 2
            self._end_list()
            frame.pattern = frame.kind == "case"
        elif text.startswith("&>", self.at):
            self.at += 3 if text.startswith("&>>", self.at) else 2
            self._blanks()
            self.redirects.append(Redirect("&>", self._word().text, len(self.words), False, self.at))
        elif text.startswith(("&&", "||"), self.at):
            self.at += 2
            self._and_or(char == "|")
        elif char == "|":
            self.at += 2 if text.startswith("|&", self.at) else 1
            self._end_command(piped=True)
        elif char in ";&":
            self.at += 1
            self._end_list()
        elif char in "()":
            self._parenthesis(char)
        elif char in "<>":
            self._redirect()
        else:
            self._next_word()

    def _pattern(self) -> None:
        """In a `case`: everything up to `)` is a pattern."""
        frame = self.frames[-1]
        start = self.at
        if self.text[self.at] in "\n(|":
            self.at += 1
        elif self.text[self.at] == ")":
            self.at += 1
            frame.pattern = False
        elif self._word().text == "esac":
            frame.pattern = False
            self._pop("case")
        elif self.at == start:
            self.at += 1

    def _parenthesis(self, char: str) -> None:
        if char == "(" and len(self.words) == 1 and re.match(r"\(\s*\)", self.text[self.at : self.at + 20]):
            self.at = self.text.index(")", self.at) + 1
            self.events.append(Define(self.words.pop().text))
            self.function = True
        elif char == "(":
            if self.text.startswith("((", self.at) and not self.words:
                start = self.at
                self._arithmetic()
                self.words = [Word("((", start)]
                return
            self.at += 1
            self._end_command()
            self._push("sub", False)
            self.events.append(Enter())
        else:
            self.at += 1
            if self._pop("sub"):
                self.events.append(Leave())

    def _next_word(self) -> None:
        if not self.words and not self.redirects:
            if re.compile(r"\[\[(?=\s)").match(self.text, self.at):
                self._condition()
                return
            before = self.at
            word = self._word()
            if self.at == before:
                self.at += 1
                return
            if self._reserved(word.text):
                return
            self.words.append(word)
            return
        before = self.at
        word = self._word()
        if self.at == before:
            self.at += 1
        elif self.words and self.words[0].text == "!" and len(self.words) == 1:
            self.words.append(word)
        else:
            self.words.append(word)


def parse(text: str) -> Script:
    """The simple commands of a shell text, in order; never raises."""
    return _Parser(text).run()
