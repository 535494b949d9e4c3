"""Shell text of a RUN -> simple commands, each with what is known of whether it runs.

This is not a shell: nothing is run and nothing is decided. `if`, `case`, loops, functions and the
right side of `||` may run or may not, and what stands there is marked as uncertain. One pass over
the text with an explicit stack, so that neither length nor nesting can make it slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envhooks.base.dataclass import replace
from envhooks.image.shell.scan import (
    BLANK,
    NAME,
    TESTS,
    Arm,
    Branches,
    Command,
    Define,
    Enter,
    Event,
    Frame,
    Leave,
    Loop,
    Reader,
    Redirect,
    Script,
    Unclosed,
    Word,
    Words,
    fails,
)


class _Parser(Reader):
    # ---------------------------------------------------------------- lists

    def _end_command(self, *, piped: bool = False) -> None:
        frame = self.frames[-1]
        if self.words or self.redirects:
            certain = not (frame.uncertain or frame.skipped or (frame.maybe and frame.body))
            command = Command(
                tuple(self.words), tuple(self.redirects), certain, piped or self.fed, self.fed, frame.arm,
                self.joined, not frame.uncertain,
            )  # fmt: skip
            self.joined = ""
            if certain and frame.arm is not None and frame.kind in ("if", "case") and fails(command):
                self.failing.add(frame.arm)
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
        self.joined = "||" if either else "&&"
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
        self.joined = ""
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
        self.joined = "{" if self.joined or kind in ("group", "sub") else ""
        self.frames.append(
            Frame(kind, doubt or uncertain, doubt or uncertain, start=len(self.events), arm=top.arm)
        )

    def _pop(self, *kinds: str) -> bool:
        if self.frames[-1].kind not in kinds:
            return False
        self._end_list()
        done = self.frames.pop()
        succeeding = [arm for arm in done.arms if arm not in self.failing]
        if done.total and not done.through and len(succeeding) == 1:
            self.sure.add(succeeding[0])
        return True

    def _arm(self, kind: str, total: bool = False) -> None:
        """What follows runs by the condition or the pattern that stands before it."""
        frame = self.frames[-1]
        number = self.count = self.count + 1
        outer = self.frames[-2].arm if len(self.frames) > 1 else None
        group = frame.arms[0] if frame.arms else number
        condition = (frame.start, len(self.events))
        self.events.append(Arm(number, kind, group, outer, condition, frame.subject, tuple(frame.patterns)))
        frame.arms.append(number)
        frame.total = frame.total or total
        frame.uncertain = frame.inherited
        frame.arm = number
        frame.patterns = []

    # ---------------------------------------------------------------- compound commands

    def _reserved(self, word: str) -> bool:
        """Take a reserved word at a command's place; False for another word."""
        frame = self.frames[-1]
        if word in ("if", "while", "until"):
            self._push("if" if word == "if" else "loop", word != "if")
        elif word in ("then", "else", "elif") and frame.kind == "if":
            self._end_list()
            frame.uncertain = True
            if word == "elif":
                frame.start = len(self.events)
            else:
                self._arm(word, total=word == "else")
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
            self._push("case", False)
            self._case()
        elif word == "function":
            self.blanks()
            self.events.append(Define(self.word().text))
            self.blanks()
            if self.text.startswith("()", self.at):
                self.at += 2
            self.function = True
        else:
            return word in ("!", "time", "coproc") and word != "!"
        return True

    def _for(self) -> None:
        """`for NAME in WORDS`, up to its line end."""
        self.blanks()
        if self.text.startswith("((", self.at):
            self._arithmetic()
            return
        name = self.word().text
        if re.fullmatch(NAME, name):
            self.events.append(Loop(name))
        while self.at < len(self.text) and self.text[self.at] not in ";\n":
            self.blanks()
            before = self.at
            if self.word().text == "do":
                self.at = before
                return
            if self.at == before:
                if self.text[self.at : self.at + 1] in (";", "\n", ""):
                    return
                self.at += 1

    def _case(self) -> None:
        """`case WORD in`, up to the first pattern."""
        self.blanks()
        self.frames[-1].subject = self.word().text
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
        inner, self.at = match.start(), start + 2
        self.words = [Word("[[", start)]
        while self.at < inner:
            before = self.at
            self.words += [word] if (word := self.word()).text else []
            if self.at == before:
                sign = self.text[self.at]
                self.words += [] if sign.isspace() else [Word(sign, self.at)]
                self.at += 1
        self.words.append(Word("]]", match.end() - 2))
        self.at = match.end()

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
        return Script(tuple(self.events), fault, frozenset(self.sure))

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
                self.bodies()
        elif text.startswith((";;", ";&"), self.at):
            through = "&" in text[self.at : self.at + 3]  # `;;&` and `;&`: what follows may run as well
            self.at += 3 if text.startswith(";;&", self.at) else 2
            self._end_list()
            frame.through = frame.through or through
            frame.pattern = frame.kind == "case"
        elif text.startswith("&>", self.at):
            self.at += 3 if text.startswith("&>>", self.at) else 2
            self.blanks()
            self.redirects.append(Redirect("&>", self.word().text, len(self.words), False, self.at))
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
            self.redirect()
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
            self._arm("through" if frame.through else "case", total="*" in frame.patterns)
        elif (word := self.word().text) == "esac" and not frame.patterns:
            frame.pattern = False
            self._pop("case")
        elif self.at == start:
            self.at += 1
        else:
            frame.patterns.append(word)

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
            word = self.word()
            if self.at == before:
                self.at += 1
                return
            if self._reserved(word.text):
                return
            self.words.append(word)
            return
        before = self.at
        word = self.word()
        if self.at == before:
            self.at += 1
        elif self.words and self.words[0].text == "!" and len(self.words) == 1:
            self.words.append(word)
        else:
            self.words.append(word)


def parse(text: str) -> Script:
    """The simple commands of a shell text, in order; never raises."""
    return _Parser(text).run()


def branches_of(script: Script, expander: Words) -> Branches:
    """Which arms of a script run, decided as they are met."""
    pairs = zip(script.events, script.events[1:], strict=False)
    if not any(isinstance(one, Arm) or _asks(one, following) for one, following in pairs):
        return Branches()
    from envhooks.image.shell.branches import Arms  # late: few texts ask anything

    return Arms(script, expander)


def _asks(one: Event, following: Event) -> bool:
    """Whether a command asks about words, and the next one goes by its answer."""
    if not isinstance(one, Command) or not isinstance(following, Command) or not following.joined:
        return False
    return bool(one.words) and one.words[0].text in ("[", "[[", "test", "!", "true", "false", ":")


def script_argument(texts: Sequence[str]) -> tuple[int, bool]:
    """Index of a shell's script among its arguments, and whether it is the text itself (`-c`) and no file."""
    at = 0
    while at < len(texts) and texts[at].startswith(("-", "+")):
        if texts[at].startswith("-") and not texts[at].startswith("--") and "c" in texts[at]:
            at += 1
            while at < len(texts) and texts[at].startswith("-"):
                at += 1
            return at, True
        at += 2 if texts[at] in ("-o", "+o", "-O", "--rcfile") or re.fullmatch("-[a-z]+o", texts[at]) else 1
    return at, False
