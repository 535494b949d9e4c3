"""Goes through the shell text of a RUN and hands each install command to its reader.

Followed: plain assignments, `export`, `cd`, activation of environments, nested `sh -c`. What a
condition, a loop, a function or a substitution decides is not followed and not guessed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from envhooks.base.place import Place
from envhooks.image import Unpinned
from envhooks.image.dockerfile.stages import Scope, join
from envhooks.image.interpreter.programs import (
    ASSIGN,
    HARMLESS_SOURCE,
    INSTALLS,
    KNOWN,
    MATTERS,
    MAX_DEPTH,
    QUIET,
    SHELLS,
    State,
    branches_of,
    carried,
    run_program,
    script_argument,
    spoil,
    swallowed_pins,
    sync_of_run,
    touch,
    unwrap,
)
from envhooks.image.shell import parse
from envhooks.image.shell.scan import Arm, Command, Define, Enter, Leave, Loop, Redirect, Word
from envhooks.image.shell.words import Expander, commands_inside
from envhooks.image.stage import Arg, Call, Session, active_by_variables, prefix_of
from envhooks.image.stage.installed import CONDAS, SYSTEM, conda_place
from envhooks.image.text import readable, unknown

Places = Callable[[int], Place]
"""Offset in a shell text -> place in the tree."""


class Runner:
    """Follows the scripts of one RUN."""

    def __init__(
        self,
        session: Session,
        scope: Scope,
        spend: Callable[[int], None],
        *,
        where: str | None = None,
        bash: bool = False,
    ) -> None:
        self._session = session
        self._scope = scope
        self._spend = spend
        self._state = State({}, scope.workdir, where)
        self._overlay: dict[str, str] = {}
        self._functions: set[str] = set()
        self._certain = True
        self._over = False
        self._before = ""
        self._depth = 0
        self._expander = Expander(self, spend, bash)

    def lookup(self, name: str) -> str | None:
        """Value of a shell variable; see `envhooks.image.shell.words`."""
        if name in self._state.variables:
            return self._state.variables[name]
        return self._scope.lookup(name)

    def unset(self, name: str) -> str:
        """Value of a plain `$name` where nothing sets it."""
        return "" if name in self._state.variables else self._scope.unset(name)

    def assign(self, name: str, value: str) -> None:
        """`name=value`."""
        self._state.variables[name] = value

    def mark(self, why: str) -> str:
        """A mark for what is not known."""
        return self._session.unknowns.mark(why)

    def _environment(self, name: str) -> str | None:
        """A variable that a program sees: only what something here sets counts."""
        if name in self._overlay:
            return self._overlay[name]
        if name in self._state.variables:
            return self._state.variables[name]
        return self._scope.values.get(name)

    def script(self, text: str, place: Places, *, certain: bool = True) -> None:
        """Follow one shell text.

        Args:
            text: the script.
            place: offset in the text -> place in the tree.
            certain: whether it runs for sure.
        """
        self._depth += 1
        self._spend(len(text))
        if self._depth > MAX_DEPTH:
            if re.search(INSTALLS, text):
                self._session.note("the commands are nested too deeply", place(0))
            self._depth -= 1
            return
        parsed = parse(text)
        certain = certain and not parsed.fault
        stack: list[tuple[State, bool]] = []
        branches = branches_of(parsed, self._expander)
        for index, event in enumerate(parsed.events):
            self._spend(20)
            if isinstance(event, Arm):
                branches.enter(event)
            elif isinstance(event, Enter):
                stack.append((self._state, self._over))
                self._state = self._state.copy()
                self._spend(10 * len(self._state.variables))
            elif isinstance(event, Leave):
                if stack:
                    self._state, self._over = stack.pop()
            elif self._over:
                continue
            elif isinstance(event, Define):
                self._functions.add(event.name)
            elif isinstance(event, Loop):
                self.assign(event.name, self.mark(f"a loop sets {event.name}"))
            elif (taken := branches.taken(index, event)) is not None:
                self._command(taken, place, certain)
        if stack:
            self._state, self._over = stack[0]
        if parsed.fault and re.search(INSTALLS, text):
            self._session.note(f"the shell text cannot be read to its end: {parsed.fault}", place(0))
        self._depth -= 1

    def array(self, words: tuple[str, ...], place: Place) -> None:
        """Follow the exec form: no shell, so nothing is expanded."""
        args = [Arg(word, place) for word in words]
        self._dispatch(args, True, Command((Word(words[0], 0),)), (), lambda _at: place)

    def _inner(self, text: str, place: Places, certain: bool, bash: bool | None = None) -> None:
        """A script in a shell of its own; in the same one where `bash` does not say which."""
        before = self._state, self._over, self._expander.bash
        self._state = self._state.copy()
        self._expander.bash = before[2] if bash is None else bash
        self.script(text, place, certain=certain)
        self._state, self._over, self._expander.bash = before

    def _command(self, command: Command, place: Places, certain: bool) -> None:
        if self._of_no_interest(command):
            return
        certain = certain and command.certain and self._certain
        if not self._expander.bash and any(one.sign == "&>" for one in command.redirects):
            certain = False  # to the sh of Debian: in the background, and killed when the RUN ends
        for word in command.words:
            if "$(" in word.text or "`" in word.text:
                for text, offset in commands_inside(word.text):
                    if re.search(INSTALLS, text):
                        start = word.offset + offset
                        self._inner(text, lambda at, start=start: place(start + at), False)  # type: ignore[misc]
        words = list(command.words)
        assigned: dict[str, str] = {}
        while words and (match := re.fullmatch(ASSIGN, words[0].text)):
            name, plus, raw = match.groups()
            value = self.mark(f"{name} is an array") if raw.startswith("(") else self._expander.text(raw)
            assigned[name] = ((assigned.get(name) or self.lookup(name) or "") if plus else "") + value
            words.pop(0)
        if not words:
            self._assign_all(assigned, certain, command.piped)
            self._redirects(command, [], place)
            return
        args, counts = self._arguments(words, place)
        if not args:
            return
        swallowed = swallowed_pins(
            self._expander, command, counts, args, len(command.words) - len(words), place
        )
        self._overlay = assigned
        if command.piped:
            self._before = self._before if command.fed else " ".join(readable(arg.text) for arg in args)
            before = self._state
            self._state = before.copy()
            self._dispatch(args, certain, command, swallowed, place)
            self._state = before
        else:
            self._dispatch(args, certain, command, swallowed, place)
        self._overlay = {}
        self._redirects(command, args, place)

    def _of_no_interest(self, command: Command) -> bool:
        """Whether a command can neither install, nor change the shell or a file: most of them."""
        if command.redirects or not command.words:
            return False
        head = command.words[0].text
        if head in QUIET and not any("$(" in word.text or "`" in word.text for word in command.words):
            return True
        return (
            head.isalnum()
            and head not in KNOWN
            and head not in self._functions
            and not any(re.search(MATTERS, word.text) for word in command.words)
        )

    def _assign_all(self, values: Mapping[str, str], certain: bool, piped: bool) -> None:
        if piped:
            return
        for name, value in values.items():
            self.assign(name, value if certain else self.mark(f"{name} is set under a condition"))

    def _arguments(self, words: list[Word], place: Places) -> tuple[list[Arg], list[int]]:
        """(arguments, how many of them stand behind each word)."""
        args: list[Arg] = []
        counts: list[int] = []
        for word in words:
            at = place(word.offset)
            args += [Arg(text, at) for text in self._expander.fields(word.text)]
            counts.append(len(args))
        return args, counts

    def _redirects(self, command: Command, args: list[Arg], place: Places) -> None:
        for redirect in command.redirects:
            if redirect.sign in (">", ">>", ">|", "&>") and not redirect.target.isdecimal():
                spoil(self._session.files, self._state.cwd, self._expander.text(redirect.target))

    # ---------------------------------------------------------------- dispatch

    def _dispatch(
        self, args: list[Arg], certain: bool, command: Command, swallowed: tuple[Unpinned, ...], place: Places
    ) -> None:
        if (sync := sync_of_run(self._session, self._state.cwd, args)) is not None:
            self._dispatch(sync, certain, command, (), place)
        args, where, assigned = unwrap(args)
        self._overlay.update(assigned)
        if not args:
            return
        head = args[0].text
        if unknown(head):
            if any(arg.text in ("install", "sync", "add") for arg in args[1:4]):
                self._session.note(
                    f"the program is not known: {self._session.unknowns.why(head)}", args[0].place
                )
            return
        program = posixpath.basename(head)
        where = where or self._active(head)
        call = Call(
            program, tuple(args[1:]), args[0].place, certain, where, self._state.cwd, self._environment,
            swallowed,
        )  # fmt: skip
        if self._shell_word(program, call, command, certain, place):
            return
        self._program(program, call, command)

    def _program(self, program: str, call: Call, command: Command) -> None:
        if run_program(self._session, program, call):
            return
        texts = [arg.text for arg in call.args]
        if program in ("su", "runuser") and "-c" in texts[:-1]:
            at = texts.index("-c") + 1
            self._quoted_script(texts[at], call.args[at], call.certain, False)
        elif program in self._functions or carried(call) is not None:
            self._through(program, call, command)
        elif program.endswith((".sh", ".bash", ".py")):
            self._session.note(f"what {program} installs is not followed", call.place)
        else:
            touch(self._session.files, self._state.cwd, program, call.args)

    def _through(self, program: str, call: Call, command: Command) -> None:
        """Another program or a function runs an install command: perhaps, and with unknown arguments."""
        self._session.note(f"what {program} does is not followed", call.place)
        index = carried(call)
        if index is not None:
            self._dispatch(list(call.args[index:]), False, command, (), lambda _at: call.place)

    def _active(self, head: str) -> str:
        """The environment that a program installs to."""
        if ("/bin/" in head and head.startswith(("/", "~", "."))) or re.match(r"[^/]+/bin/", head):
            prefix = join(self._state.cwd, head.partition("/bin/")[0])
            return prefix_of(self._session, prefix)
        return self._state.where or active_by_variables(self._session, self._environment)

    # ---------------------------------------------------------------- words that the shell itself takes

    def _shell_word(self, program: str, call: Call, command: Command, certain: bool, place: Places) -> bool:
        """Take what changes the shell itself; False where it is a program."""
        texts = [arg.text for arg in call.args]
        if program in ("cd", "pushd", "popd", "chdir"):
            self._change_folder(program, texts, certain)
        elif program in ("export", "declare", "local", "readonly", "typeset"):
            for text in texts:
                if match := re.fullmatch(ASSIGN, text):
                    self._assign_all({match.group(1): match.group(3)}, certain, command.piped)
        elif program == "unset":
            for text in texts:
                if not text.startswith("-"):
                    self._state.variables[text] = None if certain else self.mark(f"{text} may be unset")
        elif program in ("read", "mapfile", "readarray", "getopts", "printf"):
            if program == "printf" and texts[:1] != ["-v"]:
                return True
            for text in texts:
                if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
                    self.assign(text, self.mark(f"{program} sets {text}"))
        elif program in ("source", "."):
            self._source(texts, call, certain)
        elif program == "eval":
            self._eval(texts, call)
        elif program in ("exit", "return"):
            if certain and command.words[0].text == program:
                self._over = self._over or (not texts or texts[0] == "0")
            elif texts[:1] in ([], ["0"]):
                self._certain = False  # `if ...; then exit 0; fi`: what follows may not run
        elif program in SHELLS:
            self._shell(texts, call, command, certain, place)
        elif program in CONDAS and texts[:1] in (["activate"], ["deactivate"], ["shell"]):
            if texts[0] == "activate":
                self._activate(conda_place(texts[1]) if len(texts) > 1 else SYSTEM, certain)
        elif program == "deactivate":
            self._state.where = None
        else:
            return False
        return True

    def _change_folder(self, program: str, texts: list[str], certain: bool) -> None:
        words = [text for text in texts if not text.startswith("-") or text == "-"]
        if not certain or program == "popd" or words[:1] == ["-"] or not words:
            self._state.cwd = self.mark("where the shell stands is not followed")
        else:
            self._state.cwd = join(self._state.cwd, words[0])

    def _activate(self, where: str, certain: bool) -> None:
        self._state.where = where if certain else "an environment that depends on a condition"

    def _source(self, texts: list[str], call: Call, certain: bool) -> None:
        if not texts:
            return
        path = texts[0]
        match = re.fullmatch(r"(.*)/bin/activate", path)
        if match:
            if len(texts) > 1:
                self._activate(conda_place(texts[1]), certain)
                return
            prefix = join(self._state.cwd, match.group(1))
            if not re.search(r"(?:conda|mamba|forge)[0-9]?\Z", prefix):
                self._activate(prefix_of(self._session, prefix), certain)
        elif path == "activate" and len(texts) > 1:
            self._activate(conda_place(texts[1]), certain)
        elif not re.fullmatch(HARMLESS_SOURCE, path):
            why = f"{readable(path)} may set it"
            for name in (*self._state.variables, *self._scope.values):
                self.assign(name, self.mark(why))
            self._session.note(f"what {readable(path)} does is not followed", call.place)

    def _eval(self, texts: list[str], call: Call) -> None:
        if not unknown(text := " ".join(texts)):
            self.script(text, lambda _at: call.place, certain=call.certain)

    def _shell(self, texts: list[str], call: Call, command: Command, certain: bool, place: Places) -> None:
        at, is_text = script_argument(texts)
        if is_text:
            if at < len(texts):
                self._quoted_script(texts[at], call.args[at], certain, call.program == "bash")
            return
        body = next((one for one in command.redirects if one.body is not None), None)
        if at < len(texts):
            if not unknown(texts[at]) and re.search(
                r"(?:conda|mamba|forge)", texts[at].rpartition("/")[2].lower()
            ):
                return  # an installer of conda itself
            self._session.note(f"what {readable(texts[at])} installs is not followed", call.place)
        elif body is not None:
            self._document(body, call, certain, place)
        elif command.fed:
            from envhooks.image.installers.others import fed_script

            fed_script(self._session, call, self._before)

    def _quoted_script(self, text: str, arg: Arg, certain: bool, bash: bool) -> None:
        if unknown(text) and not re.search(INSTALLS, text):
            return
        # The outer shell expanded the words already, so a blank in an unknown value would be a new
        # word here: such words stay unknown, as their marks stand in the text.
        self._inner(text, lambda _at: arg.place, certain, bash)

    def _document(self, body: Redirect, call: Call, certain: bool, place: Places) -> None:
        text = body.body or ""
        if not re.search(r"['\"\\]", body.target) and "$" in text:
            if re.search(INSTALLS, text):
                self._session.note("a here-document that the shell expands is not followed", call.place)
            return
        self._inner(text, lambda at: place(body.body_offset + at), certain, call.program == "bash")
