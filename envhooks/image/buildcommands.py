"""Commands that build an image, in shell text: `docker build --build-arg TORCH=$TORCH -f docker/Dockerfile .`.

Variables that the text itself sets are followed as the reader of Dockerfiles follows those of a RUN. What the
environment, a loop or a condition decides is unknown, and an argument of it is named as unknown.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.image.files import Work
from envhooks.image.shell import parse
from envhooks.image.shell.branches import Arms
from envhooks.image.shell.scan import Arm, Command, Enter, Leave, Loop
from envhooks.image.shell.words import Expander
from envhooks.image.text import Unknowns, names, unknown

MAX_BUILDS = 256
_BUILDERS = ("docker", "podman", "buildah", "nerdctl")
_CHANGES = names("tag pull build bud build-using-dockerfile bake b f load import commit compose rmi rm prune")
_SWITCHES = names(
    "--no-cache --pull --quiet -q --rm --force-rm --squash --push --load --compress --check --debug -D --layers "
    "--no-hosts --tls-verify --format-docker --help"
)
_ASSIGN = r"(?s)([A-Za-z_][A-Za-z0-9_]*)=(.*)"


@dataclass(frozen=True)
class Built:
    """One build of a Dockerfile that a file of the repository states."""

    dockerfile: str
    """Path from where the command stands: the folder of a script, or the top of the repository of a workflow.

    Empty for a command that builds none and may change what is stored under `names`, or under any where there are none.
    """
    context: str
    """Likewise."""
    target: str | None
    args: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...] = ()
    """Names of arguments whose value is not followed."""
    names: tuple[str, ...] = ()
    """Names under which the image is stored, as far as they are known."""
    line: int = 0
    label: str = ""
    """What distinguishes it from other builds of the same text: `cuda=12.8.1, torch=2.8.0`."""
    pulls: bool = False
    """Whether base images are fetched again whatever is there."""
    stored: bool = True
    """Whether the image is certainly there under its names when the next command runs."""


class Shell:
    """Variables of one text; what nothing sets is not known, as the environment may."""

    def __init__(self, unknowns: Unknowns, values: Mapping[str, str]) -> None:
        self._unknowns = unknowns
        self.values = dict(values)

    def lookup(self, name: str) -> str | None:
        """The value of a variable; None where nothing sets it, so that a default counts."""
        return self.values.get(name)

    def unset(self, name: str) -> str:
        """Value of a variable that nothing sets."""
        return self.mark(f"nothing here sets {name}")

    def assign(self, name: str, value: str) -> None:
        """`${NAME:=value}` sets it."""
        self.values[name] = value

    def mark(self, why: str) -> str:
        """A mark for what is not known."""
        return self._unknowns.mark(why)


def commands(
    text: str,
    values: Mapping[str, str],
    unknowns: Unknowns,
    *,
    work: Work | None = None,
    bash: bool = False,
    first_line: int = 1,
    cwd: str = ".",
) -> list[Built]:
    """The builds of a shell text, in its order.

    Args:
        text: the script; it may hold marks of `unknowns`.
        values: variables that are set before it.
        unknowns: for what is not known.
        work: the budget of the file; None: one for this text alone.
        bash: whether bash is known to be its shell.
        first_line: the line of the file that the text begins on.
        cwd: the folder that it starts in, from the top.

    Raises:
        CannotJudge: its values grow too much.
    """
    work = work or Work()
    work.spend(len(text))
    shell = Shell(unknowns, values)
    expander = Expander(shell, work.spend, bash)
    script = parse(text)
    arms = Arms(script, expander)
    stack: list[tuple[dict[str, str], str]] = []
    found: list[Built] = []
    for index, event in enumerate(script.events):
        work.spend(20)
        if isinstance(event, Arm):
            arms.enter(event)
        elif isinstance(event, Enter):
            work.spend(10 * len(shell.values))
            stack.append((dict(shell.values), cwd))
        elif isinstance(event, Leave) and stack:
            shell.values, cwd = stack.pop()
        elif isinstance(event, Loop):
            shell.values[event.name] = shell.mark(f"a loop sets {event.name}")
        elif isinstance(event, Command) and (taken := arms.taken(index, event)) is not None:
            line = first_line + text.count("\n", 0, taken.words[0].offset) if taken.words else first_line
            args = _arguments(taken, shell, expander)
            if args[:1] in (["cd"], ["pushd"]) and len(args) == 2:
                cwd = (
                    _below(cwd, args[1])
                    if taken.certain
                    else shell.mark("where it stands depends on a condition")
                )
            elif (built := _built(args, cwd)) is not None and len(found) < MAX_BUILDS:
                found.append(replace(built, line=line, stored=built.stored and taken.certain))
    return found


def names_builder(text: str, values: Mapping[str, str]) -> bool:
    """Whether a text or a variable that is set before it names a program that builds; else there is no build in it."""
    return any(builder in one for one in (text, *values.values()) for builder in _BUILDERS)


def _below(cwd: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(cwd, path)) if not unknown(cwd) else cwd


def _arguments(command: Command, shell: Shell, expander: Expander) -> list[str]:
    """The program and its arguments; assignments are taken."""
    words = list(command.words)
    before: dict[str, str] = {}
    while words and (match := re.fullmatch(_ASSIGN, words[0].text)):
        before[match[1]] = expander.text(match[2]) if not match[2].startswith("(") else shell.mark("an array")
        words.pop(0)
    if not words or words[0].text in ("export", "readonly", "local", "declare"):
        for word in words[1:]:
            if match := re.fullmatch(_ASSIGN, word.text):
                before[match[1]] = expander.text(match[2])
        for name, value in before.items():
            shell.values[name] = value if command.certain else shell.mark(f"{name} is set under a condition")
        return []
    if words[0].text in ("read", "source", ".", "eval", "unset"):
        for name in list(shell.values):
            shell.values[name] = shell.mark(f"{words[0].text} may set it")
        return []
    return [field for word in words for field in expander.fields(word.text)]


def _built(args: Sequence[str], cwd: str) -> Built | None:
    """The build of one command, or what it may change; None for a command that does neither.

    What may put something else under the names of images is a build of no Dockerfile. Without names, it may be under
    any: `docker load`, or a build that is not followed.
    """
    group, command, rest = _asked(args)
    built = _sorted(rest, cwd) if command in ("build", "bud", "build-using-dockerfile") else None
    if built is not None:
        # the builder of buildx may keep what it builds to itself
        return replace(built, stored=group != "buildx" or bool({"--load", "--push"} & set(rest)))
    words = [one for one in rest if not one.startswith("-")]
    if unknown("".join(words)) or command not in ("tag", "pull"):
        words = []
    if command == "tag":
        words = words[1:]
    return Built("", "", None, (), names=tuple(words), stored=False) if command in _CHANGES else None


def _asked(args: Sequence[str]) -> tuple[str, str, list[str]]:
    """(group such as `buildx` or "", command, its arguments) of a builder; no command for any other program."""
    rest = list(args)
    while rest and (rest[0] in ("sudo", "time", "exec", "env", "nice") or re.fullmatch(_ASSIGN, rest[0])):
        rest.pop(0)
    if len(rest) < 2 or rest.pop(0).rpartition("/")[2] not in _BUILDERS:
        return "", "", []
    group = rest.pop(0) if rest[0] in ("buildx", "image", "builder") and len(rest) > 1 else ""
    return group, rest[0], rest[1:]


def _sorted(rest: Sequence[str], cwd: str) -> Built | None:
    given: dict[str, str] = {}
    lost: list[str] = []
    values: dict[str, list[str]] = {}
    words: list[str] = []
    switches = set()
    short = {"-f": "--file", "-t": "--tag"}
    items = iter(rest)
    for item in items:
        if not item.startswith("-") or item == "-":
            words.append(item)
            continue
        name, sign, value = item.partition("=")
        if name in _SWITCHES:
            switches.add(name)
            continue
        if not item.startswith("--") and len(item) > 2:
            name, value, sign = item[:2], item[2:].removeprefix("="), "="
        value = value if sign else next(items, "")
        if unknown(name):
            return None
        values.setdefault(short.get(name, name), []).append(value)
    for one in values.get("--build-arg", ()):
        name, sign, value = one.partition("=")
        if unknown(name):
            return None
        given.pop(name, None)
        if sign and not unknown(value):
            given[name] = value
            lost = [other for other in lost if other != name]
        else:
            lost.append(name)
    if len(words) != 1 or "--build-context" in values:
        return None
    context = posixpath.normpath(posixpath.join(cwd, words[0]))
    file = values.get("--file", [""])[-1]
    path = posixpath.normpath(posixpath.join(cwd, file)) if file else posixpath.join(context, "Dockerfile")
    target = values.get("--target", [""])[-1] or None
    if unknown(context + path + (target or "")) or re.match(r"-\Z|https?:|git@", words[0]):
        return None
    tags = tuple(one for one in values.get("--tag", ()) if not unknown(one))
    pulls = bool({"--pull"} & (switches | values.keys()))
    return Built(
        posixpath.normpath(path), context, target, tuple(given.items()), tuple(lost), tags, pulls=pulls
    )
