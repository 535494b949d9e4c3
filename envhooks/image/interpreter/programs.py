"""Programs that a RUN names: wrappers of other programs, programs that change files, package managers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.place import Place
from envhooks.catalog.lookup import framework_package
from envhooks.image import Unpinned
from envhooks.image.dockerfile.stages import join
from envhooks.image.installers.pip import pip, sort_head, sort_options
from envhooks.image.shell.scan import Command, Words
from envhooks.image.stage import Arg, Call, Session
from envhooks.image.stage.containerfs import ContainerFiles, Found
from envhooks.image.stage.installed import CONDAS, UNSURE, conda_place
from envhooks.image.text import first_mark, names, readable, unknown

CHANGERS = names("sed perl tee mv cp rm ln install rsync git curl wget patch tar unzip truncate")
"""Programs that change the files that they name."""

_ASKED_OF = (".txt", ".yml", ".yaml", ".toml", ".lock", ".in")


def spoil(files: ContainerFiles, cwd: str, path: str, *, tree: bool = False) -> None:
    """A RUN writes to `path`; only files that something may install from are remembered."""
    if not path or path.startswith("/dev/"):
        return
    absolute = join(cwd, path)
    if files.known(absolute) or path.endswith(_ASKED_OF) or tree:
        files.spoil(absolute, f"{readable(path)} is written by a RUN", tree=tree)


def touch(session: Session, cwd: str, program: str, args: Sequence[Arg]) -> None:
    """Note the files that one command changes, and the packages whose files it removes."""
    files = session.files
    for arg in args[: -1 if program == "mv" else None] if program in ("rm", "mv") else ():
        if arg.text.startswith(("/", "~", ".")) and not unknown(arg.text):
            files.work(len(session.installed.entries))
            session.installed.deleted(join(cwd, arg.text), arg.place)
    if program not in CHANGERS:
        return
    words = [arg.text for arg in args if not arg.text.startswith("-")]
    options = [arg.text for arg in args if arg.text.startswith("-")]
    if program in ("sed", "perl") and not any(re.match("-[a-zA-Z0-9]*i|--in-place", one) for one in options):
        return
    if program in ("cp", "install", "ln", "rsync") and len(words) > 1:
        for source in words[:-1]:
            spoil(files, cwd, words[-1])
            spoil(files, cwd, posixpath.join(words[-1], posixpath.basename(source)))
        return
    for word in words:
        if first_mark(word) or re.search(r"[*?\[]", word):
            folder, _, last = join(cwd, word).rpartition("/")
            for path in files.matches(f"{folder}/{'*' if first_mark(last) else last}"):
                spoil(files, cwd, path)
            continue
        spoil(files, cwd, word, tree=program in ("mv", "rm", "git", "unzip", "tar"))
        if program == "mv" and len(words) > 1:
            spoil(files, cwd, posixpath.join(words[-1], posixpath.basename(word)))


# Name -> options of theirs that take a value.
_WRAPPERS: Mapping[str, frozenset[str]] = {
    "sudo": names("-u -g -h -p -C -r -t -T -U -D"),
    "env": names("-u -C --unset --chdir"),
    "time": names("-f -o"),
    "nice": names("-n"),
    "ionice": names("-c -n"),
    "exec": names("-a"),
    "stdbuf": names("-o -e -i"),
    "timeout": names("-k -s --signal --kill-after"),
    **dict.fromkeys(names("nohup command builtin gosu su-exec chroot unbuffer !"), frozenset()),
}
WRAPPERS = frozenset(_WRAPPERS)
_FIRST_ARGUMENT = frozenset(("timeout", "gosu", "su-exec", "chroot"))
_ASSIGN = r"(?s)([A-Za-z_][A-Za-z0-9_]*)=(.*)"
_RUN_VALUES = names(
    "--with --python -p --project --directory --extra --group --no-group --only-group --package"
)
MAX_WRAPPERS = 20


def unwrap(args: list[Arg]) -> tuple[list[Arg], str, dict[str, str]]:
    """(arguments of the innermost program, the environment that is named or "", variables set for it)."""
    where = ""
    assigned: dict[str, str] = {}
    for _ in range(MAX_WRAPPERS):
        if not args:
            break
        name = posixpath.basename(args[0].text)
        texts = [arg.text for arg in args[:4]]
        if name in _WRAPPERS:
            args = _behind(args[1:], _WRAPPERS[name])
            while name in ("env", "sudo") and args and (match := re.fullmatch(_ASSIGN, args[0].text)):
                assigned[match.group(1)] = match.group(2)
                args = args[1:]
            args = args[1:] if name in _FIRST_ARGUMENT else args
        elif name in CONDAS and "run" in texts[1:3]:
            args, named = _conda_run(args[texts.index("run") + 1 :])
            where = named or where
        elif name in ("uv", "poetry", "pipenv", "pdm") and texts[1:2] == ["run"]:
            args = _behind(args[2:], _RUN_VALUES)
        else:
            break
    return args, where, assigned


def sync_of_run(session: Session, cwd: str, args: list[Arg]) -> list[Arg] | None:
    """The `uv sync` that `uv run` begins with where the project has a lock; None for any other command."""
    texts = [arg.text for arg in args]
    if len(args) < 2 or posixpath.basename(texts[0]) != "uv" or texts[1] != "run":
        return None
    behind = _behind(args[2:], _RUN_VALUES)
    options = args[2 : len(args) - len(behind)]
    if any(one.text in ("--no-sync", "--no-project", "--isolated", "--") for one in options):
        return None
    if not isinstance(session.files.find(join(cwd, "uv.lock")), Found):
        return None
    return [args[0], Arg("sync", args[1].place), *options]


def _conda_run(args: list[Arg]) -> tuple[list[Arg], str]:
    where = ""
    at = 0
    while at < len(args) and args[at].text.startswith("-"):
        flag, sign, value = args[at].text.partition("=")
        if flag in ("-n", "--name", "-p", "--prefix", "--cwd"):
            if not sign:
                at += 1
                value = args[at].text if at < len(args) else ""
            if flag != "--cwd":
                where = conda_place(value)
        at += 1
    return args[at:], where


def _behind(args: list[Arg], values: frozenset[str]) -> list[Arg]:
    """Arguments behind the options."""
    at = 0
    while at < len(args) and args[at].text.startswith("-"):
        if args[at].text == "--":
            return args[at + 1 :]
        at += 2 if args[at].text in values else 1
    return args[at:]


_PIP = r"pip(?:[0-9](?:\.[0-9]+)?)?"
_PYTHON = r"(?:python|pypy)(?:[0-9](?:\.[0-9]+)?)?"
_OTHERS = names("hatch rye flit easy_install pipx uvx conda-lock mamba-lock pip-sync spack brew nix-env guix")
_TALKERS = names("echo printf cat grep egrep sed awk test [ true false : ls dpkg sleep which type")
"""Programs that only print or read their arguments."""


# Most Dockerfiles use pip alone, and need none of what the others import.
def _conda(session: Session, call: Call) -> None:
    from envhooks.image.installers.conda import conda

    conda(session, call)


def _project(name: str) -> Callable[[Session, Call], None]:
    """The reader of one tool of projects."""

    def read(session: Session, call: Call) -> None:
        from envhooks.image.installers import project

        tools = {"uv": project.uv, "poetry": project.poetry, "pipenv": project.pipenv, "pdm": project.pdm}
        {**tools, "pixi": project.pixi}[name](session, call)

    return read


def _other(session: Session, call: Call) -> None:
    from envhooks.image.installers.others import other
    from envhooks.image.installers.venvs import venv

    (other if call.program in _OTHERS else venv)(session, call)


_TOOLS = ("uv", "poetry", "pipenv", "pdm", "pixi")
MODULES = {"pip": pip, "conda": _conda, **{name: _project(name) for name in _TOOLS}}


def run_program(session: Session, program: str, call: Call) -> bool:
    """Take what a program installs; False where it is not a known one."""
    if re.fullmatch(_PIP, program):
        pip(session, call)
    elif re.fullmatch(_PYTHON, program):
        _python(session, program, call)
    elif program in CONDAS:
        _conda(session, call)
    elif program in _TOOLS:
        MODULES[program](session, call)
    elif program in MANAGERS:
        system(session, call)
    elif program in ("virtualenv", "pyvenv") or program in _OTHERS:
        _other(session, call)
    else:
        return False
    return True


def _behind_python(args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Arguments of Python from `-m`, `-c`, `-` or a script on; `-Impip` becomes `-m pip`."""
    while args and (flag := re.fullmatch(r"(?s)-(?:-.+|[^-mcWX]+|[^-mcWX]*([mcWX])(.*))", args[0].text)):
        kind, value = flag.groups()
        if kind in ("m", "c"):
            own = [Arg(text, args[0].place) for text in (f"-{kind}", value) if text]
            return (*own, *args[1:])
        args = args[2:] if kind and not value else args[1:]
    return args


def _python(session: Session, program: str, call: Call) -> None:
    call = replace(call, args=_behind_python(call.args))
    texts = [arg.text for arg in call.args]
    if texts[:1] == ["-m"] and len(texts) > 1:
        if texts[1] in MODULES:
            MODULES[texts[1]](session, call.behind(2))
        elif texts[1] in _OTHERS or texts[1] == "piptools":
            tools = texts[1:3] == ["piptools", "sync"]
            _other(session, replace(call.behind(2 + tools), program="pip-sync" if tools else texts[1]))
        elif texts[1] in ("venv", "virtualenv"):
            from envhooks.image.installers.venvs import venv

            venv(session, call.behind(2), program)
        return
    if not texts or not (texts[0].endswith(".py") or texts[0] in ("-c", "-") or unknown(texts[0])):
        return
    text = " ".join(texts)
    inline = not texts[0].endswith(".py") and "pip" in text and "install" in text
    if inline or "install" in texts or "develop" in texts:
        session.note(f"what {program} {readable(texts[0])} installs is not followed", call.place)
        if not inline:
            session.built_here(call, call.cwd, alone=True)


def carried(call: Call) -> int | None:
    """Index of an install command among another program's arguments (xargs, find); else None."""
    if call.program in _TALKERS:
        return None
    for index, arg in enumerate(call.args[:-1]):
        name = posixpath.basename(arg.text)
        if (re.fullmatch(_PIP, name) or name == "uv" or name in CONDAS) and any(
            one.text in ("install", "uninstall", "add", "sync") for one in call.args[index + 1 : index + 4]
        ):
            return index
    return None


MANAGERS = frozenset(("apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf"))


_VALUES = names(
    "--option --target-release --config-file --repository --virtual --repo --enablerepo --disablerepo "
    "--setopt --installroot --releasever --exclude --root --arch --nogpgcheck-for"
)
_SHORT = {"-o": "--option", "-t": "--target-release", "-c": "--config-file", "-X": "--repository"}


def system(session: Session, call: Call) -> None:
    """`apt-get install ...` and its like."""
    head = sort_head(call, _VALUES, _SHORT)
    if head is None or head[0] not in ("install", "add", "in"):
        return
    short = {"-t": "--virtual", "-X": "--repository"} if call.program == "apk" else _SHORT
    options = sort_options(head[1].args, _VALUES, short)
    for arg in options.words:
        text = arg.text
        if unknown(text) or not call.certain or text.endswith(("-", ".deb", ".rpm", ".apk")):
            continue
        name = re.split(r"[=<>~@:/]", text, maxsplit=1)[0]
        if any(len(part) > 2 and framework_package(part) for part in name.split("-")):
            from envhooks.image.installers.others import system_framework

            system_framework(session, call, arg)
        pinned = re.search(r"=[^=*]+\Z", text) or (
            call.program not in ("apt-get", "apt", "aptitude", "apk")
            and re.search(r"-[0-9][^-]*-[0-9]|-[0-9]+\.[0-9][^-]*\Z", text)
        )
        if not pinned:
            why = "its version is a pattern" if "*" in text else "it has no version"
            found = Unpinned(name, "system", text, why, arg.place, manager=call.program)
            session.installed.unpinned.append(found)


MAX_DEPTH = 8
"""Maximum depth to which `sh -c "sh -c ..."`, `eval` and `$(...)` are followed."""
ASSIGN = r"(?s)([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)"
SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
INSTALLS = r"\b(?:pip[0-9.]*|conda|mamba|micromamba|uv|poetry|pipenv|pdm|pixi)\b"
VERSION_WORD = r"=.*|[0-9][0-9.]*[0-9a-z.*+,<>=!~]*"
HARMLESS_SOURCE = r".*(?:activate|bashrc|profile|conda\.sh|os-release|lsb-release|/env|setup\.bash|nvm\.sh)"
QUIET = names("echo cat grep egrep ls dpkg sleep which type")
KNOWN = (
    CHANGERS
    | WRAPPERS
    | MANAGERS
    | CONDAS
    | SHELLS
    | _OTHERS
    | names(
        "cd pushd popd chdir shift set export declare local readonly typeset read mapfile readarray getopts unset "
        "printf source eval exit return deactivate virtualenv pyvenv pdm pixi xargs su runuser uv "
        "poetry pipenv pip"
    )
)
"""Words that mean something here; anything else is passed over quickly."""
MATTERS = r"pip|conda|mamba|\buv\b|poetry|python|pypy|[$`/=]"


@dataclass
class State:
    """State that a subshell has of its own."""

    variables: dict[str, str | None]
    """None: unset."""
    cwd: str
    where: str | None
    """The environment that was activated here; None: what PATH says."""
    under: tuple[str | None, ...] = ()
    """The environments that were active here before it."""
    over: bool = False
    """Whether an `exit` has ended it."""

    def copy(self) -> State:
        """The same for a subshell."""
        return State(dict(self.variables), self.cwd, self.where, self.under, self.over)

    def enter(self, where: str, certain: bool, venvs: Collection[str]) -> None:
        """Activate an environment: over one of conda, and instead of a virtual one, whose leaving is not followed."""
        if where != self.where:
            virtual = self.where in venvs and not (self.where or "").startswith("conda:")
            self.under += (UNSURE if virtual else self.where,)
        self.where = where if certain else UNSURE

    def leave(self, certain: bool) -> None:
        """Deactivate it: the one before is active again."""
        before = self.under[-1] if self.under else self.where and UNSURE
        self.under = self.under[:-1] if certain else ()
        self.where = before if certain or before == self.where else UNSURE


def of_no_interest(command: Command, functions: Collection[str]) -> bool:
    """Whether a command can neither install, nor change the shell or a file: most of them."""
    if command.redirects or not command.words:
        return False
    head = command.words[0].text
    if head in QUIET and not any("$(" in word.text or "`" in word.text for word in command.words):
        return True
    return (
        head.isalnum()
        and head not in KNOWN
        and head not in functions
        and not any(re.search(MATTERS, word.text) for word in command.words)
    )


def swallowed_pins(
    expander: Words,
    command: Command,
    counts: list[int],
    args: list[Arg],
    skipped: int,
    place: Callable[[int], Place],
) -> tuple[Unpinned, ...]:
    """Redirects that were meant as version bounds.

    Args:
        expander: of the command's words.
        command: as it stands.
        counts: for each word behind the skipped ones, how many arguments there are up to it.
        args: the arguments that the words became.
        skipped: words in front of the program, such as assignments.
        place: offset in the text -> place in the file.
    """
    found = []
    for redirect in command.redirects:
        behind = redirect.after - skipped
        if redirect.sign not in (">", "<", ">>") or behind < 1 or behind > len(counts):
            continue
        target = expander.text(redirect.target)
        if not re.fullmatch(VERSION_WORD, readable(target)):
            continue
        if not (redirect.glued or target.startswith("=") or re.fullmatch(r"[0-9]+(?:\.[0-9]+)+", target)):
            continue
        arg = args[counts[behind - 1] - 1]
        text = f"{readable(arg.text)}{redirect.sign}{readable(target)}"
        name = re.split(r"[\[=<>!~ ]", arg.text, maxsplit=1)[0].lower().replace("_", "-")
        why = f"the shell takes {redirect.sign} for a redirect: no version is asked for"
        found.append(Unpinned(name, "python", text, why, place(redirect.offset), swallowed=True))
    return tuple(found)
