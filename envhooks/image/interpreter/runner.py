"""Goes through the shell text of a RUN and hands each install command to its reader.

Followed: plain assignments, `export`, `cd`, activation of environments, nested `sh -c`, scripts of the context. What
a loop or a function decides, and conditions that ask for more than words, are not followed and not guessed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.image import Unpinned
from envhooks.image.dockerfile.stages import Scope, join
from envhooks.image.interpreter.programs import (
    ASSIGN,
    HARMLESS_SOURCE,
    INSTALLS,
    MAX_DEPTH,
    SHELLS,
    State,
    carried,
    of_no_interest,
    run_program,
    spoil,
    swallowed_pins,
    sync_of_run,
    touch,
    unwrap,
)
from envhooks.image.shell import branches_of, parse, script_argument
from envhooks.image.shell.scan import Arm, Command, Define, Enter, Leave, Loop, Redirect, Word
from envhooks.image.shell.words import Expander, commands_inside
from envhooks.image.stage import Arg, Call, Session
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
        self._open: set[str] = set()
        self._followed = 0
        self._certain = True
        self._before = ""
        self._depth = 0
        self._expander = Expander(self, spend, bash)

    def lookup(self, name: str) -> str | None:
        """Value of a shell variable; see `envhooks.image.shell.words`."""
        if name in self._state.variables:
            return self._state.variables[name]
        return None if name in "#123456789" else self._scope.lookup(name)

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
        held = self._overlay if name in self._overlay else self._state.variables
        return held[name] if name in held else self._scope.values.get(name)

    def script(self, text: str, place: Places, *, certain: bool = True) -> None:
        """Follow one shell text, which runs for sure where `certain`; `place` has the places of its offsets."""
        self._depth += 1
        self._spend(len(text))
        if self._depth > MAX_DEPTH:
            if re.search(INSTALLS, text):
                self._session.note("the commands are nested too deeply", place(0))
            self._depth -= 1
            return
        parsed = parse(text)
        certain = certain and not parsed.fault
        stack: list[State] = []
        branches = branches_of(parsed, self._expander)
        for index, event in enumerate(parsed.events):
            self._spend(20)
            if isinstance(event, Arm):
                branches.enter(event)
            elif isinstance(event, Enter):
                stack.append(self._state)
                self._state = self._state.copy()
                self._spend(10 * len(self._state.variables))
            elif isinstance(event, Leave):
                if stack:
                    self._state = stack.pop()
            elif self._state.over:
                continue
            elif isinstance(event, Define):
                self._functions.add(event.name)
            elif isinstance(event, Loop):
                self.assign(event.name, self.mark(f"a loop sets {event.name}"))
            elif (taken := branches.taken(index, event)) is not None:
                self._command(taken, place, certain)
        if stack:
            self._state = stack[0]
        if parsed.fault and re.search(INSTALLS, text):
            self._session.note(f"the shell text cannot be read to its end: {parsed.fault}", place(0))
        self._depth -= 1

    def array(self, words: tuple[str, ...], place: Place) -> None:
        """Follow the exec form: no shell, so nothing is expanded."""
        args = [Arg(word, place) for word in words]
        self._dispatch(args, True, Command((Word(words[0], 0),)), (), lambda _at: place)

    def _inner(self, text: str, place: Places, certain: bool, bash: bool | None = None) -> None:
        """A script in a shell of its own; in the same one where `bash` does not say which."""
        before = self._state, self._expander.bash
        self._state = self._state.copy()
        self._expander.bash = before[1] if bash is None else bash
        self.script(text, place, certain=certain)
        self._state, self._expander.bash = before

    def _command(self, command: Command, place: Places, certain: bool) -> None:
        if of_no_interest(command, self._functions):
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
        if not self._file(head, call):
            self._program(program, call, command)

    def _file(self, path: str, call: Call, bash: bool | None = None, *, same: bool = False) -> bool:
        """Follow a script of the context, in a shell of its own or the same one; False where it is no such one."""
        if "/" not in path and bash is None:
            return False
        from envhooks.image.interpreter.scripts import MAX_SCRIPTS, find_script  # late: few RUNs run one

        script = find_script(self._session, call, path)
        self._followed += 1
        if script is None or script.path in self._open or self._followed > MAX_SCRIPTS:
            return False
        if bash is None and not script.runs:
            return False
        self._open.add(script.path)
        if same:
            self.script(script.text, script.place, certain=call.certain)
        else:
            kept = self._state, self._functions, self._certain, self._overlay
            own = script.variables(self._state.variables, self._overlay, call, self.mark)
            self._state = State(own, self._state.cwd, None if call.where == SYSTEM else call.where)
            self._functions, self._overlay = set(), {}
            self._inner(script.text, script.place, call.certain, script.bash if bash is None else bash)
            self._state, self._functions, self._certain, self._overlay = kept
        self._open.discard(script.path)
        return True

    def _program(self, program: str, call: Call, command: Command) -> None:
        if run_program(self._session, program, call):
            return
        texts = [arg.text for arg in call.args]
        if program in ("su", "runuser") and "-c" in texts[:-1]:
            at = texts.index("-c") + 1
            self._quoted_script(texts[at], call.args[at], call.certain, False)
        elif program in (*self._functions, "pip-autoremove") or carried(call) is not None:
            self._through(program, call, command)
        elif program.endswith((".sh", ".bash", ".py")):
            self._session.note(f"what {program} installs is not followed", call.place)
        else:
            touch(self._session, self._state.cwd, program, call.args)

    def _through(self, program: str, call: Call, command: Command) -> None:
        """Another program or a function runs an install command: perhaps, and with unknown arguments."""
        self._session.note(f"what {program} does is not followed", call.place)
        self._session.doubt_named(call)
        index = carried(call)
        if index is not None:
            self._dispatch(list(call.args[index:]), False, command, (), lambda _at: call.place)

    def _active(self, head: str) -> str:
        """The environment that a program installs to."""
        if ("/bin/" in head and head.startswith(("/", "~", "."))) or re.match(r"[^/]+/bin/", head):
            return self._session.installed.prefix_of(join(self._state.cwd, head.partition("/bin/")[0]))
        return self._state.where or self._session.installed.active(self._environment)

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
        elif program in ("shift", "set") and (program == "shift" or "--" in texts):
            for text in filter(str.isdecimal, tuple(self._state.variables)):
                self._state.variables[text] = self.mark(f"{program} changes the script's parameters")
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
            if not unknown(text := " ".join(texts)):
                self.script(text, lambda _at: call.place, certain=call.certain)
        elif program in ("exit", "return"):
            if certain and command.words[0].text == program:
                self._state.over = self._state.over or not texts or texts[0] == "0"
            elif texts[:1] in ([], ["0"]):
                self._certain = False  # `if ...; then exit 0; fi`: what follows may not run
        elif program in SHELLS:
            before = self._state
            self._state = before if call.where == SYSTEM else replace(before.copy(), where=call.where)
            self._shell(texts, call, command, certain, place)
            self._state = before
        elif program in CONDAS and texts[:1] == ["activate"]:
            self._activate(conda_place(texts[1]) if len(texts) > 1 else SYSTEM, certain)
        elif program == "deactivate" or (program in CONDAS and texts[:1] == ["deactivate"]):
            self._state.leave(certain)
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
        self._state.enter(where, certain, self._session.installed.venvs)

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
            self._activate(self._session.installed.prefix_of(prefix), certain)
        elif path == "activate" and len(texts) > 1:
            self._activate(conda_place(texts[1]), certain)
        elif path.rpartition("/")[2] == "deactivate":
            self._state.leave(certain)
        elif not re.fullmatch(HARMLESS_SOURCE, path) and not self._file(path, call.behind(1), same=True):
            why = f"{readable(path)} may set it"
            for name in (*self._state.variables, *self._scope.values):
                self.assign(name, self.mark(why))
            self._session.note(f"what {readable(path)} does is not followed", call.place)

    def _shell(self, texts: list[str], call: Call, command: Command, certain: bool, place: Places) -> None:
        at, is_text = script_argument(texts)
        if is_text:
            if at < len(texts):
                self._quoted_script(texts[at], call.args[at], certain, call.program == "bash")
            return
        body = next((one for one in command.redirects if one.body is not None), None)
        if at < len(texts):
            name = "" if unknown(texts[at]) else texts[at].rpartition("/")[2].lower()
            if re.search("conda|mamba|forge", name):  # an installer of conda itself
                return
            if self._file(texts[at], call.behind(at + 1), call.program == "bash"):
                return
            self._session.note(f"what {readable(texts[at])} installs is not followed", call.place)
        elif body is not None:
            self._document(body, call, certain, place)
        elif command.fed:
            from envhooks.image.installers.others import fed_script

            fed_script(self._session, call, self._before)

    def _quoted_script(self, text: str, arg: Arg, certain: bool, bash: bool) -> None:
        if unknown(text) and not re.search(INSTALLS, text):
            return
        # The outer shell expanded the words already: unknown ones stay so, as their marks stand in the text.
        self._inner(text, lambda _at: arg.place, certain, bash)

    def _document(self, body: Redirect, call: Call, certain: bool, place: Places) -> None:
        text = body.body or ""
        if not re.search(r"['\"\\]", body.target) and "$" in text:
            if re.search(INSTALLS, text):
                self._session.note("a here-document that the shell expands is not followed", call.place)
            return
        self._inner(text, lambda at: place(body.body_offset + at), certain, call.program == "bash")
