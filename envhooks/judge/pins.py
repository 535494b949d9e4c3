"""One command that puts the pins of an environment right, tried on the files before it is offered.

The findings on one Dockerfile have one fix: mended one by one, torch would be moved to a version that another check
then moves back, and torchvision would stay behind.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable, word
from envhooks.image import CompatFault, Environment, Unpinned
from envhooks.image.compat import judge_environment
from envhooks.image.compat.family import Pins, Target, older_with_build, pins_for
from envhooks.image.compat.table import Table
from envhooks.image.files import Files

_LEFT = r"(^|[^A-Za-z0-9_./-])"
_RIGHT = r"($|[^A-Za-z0-9_./+=<>!~[-])"
_END = r"($|[^A-Za-z0-9])"
MAX_SCRIPT = 4_000
"""Characters; a longer command is too long to paste."""


@dataclass(frozen=True)
class PinsFix:
    """Repair of the pins of one Dockerfile: a command, or the reason why there is none."""

    fix: str = ""
    why_not: str = ""
    names: frozenset[str] = frozenset()
    """The packages whose pins the command writes."""


@dataclass(frozen=True)
class Edit:
    """A text of one file that becomes another, wherever it stands alone in a line that is not a comment."""

    path: str
    old: str
    new: str
    is_word: bool = True
    """Whether nothing that could belong to a name may stand before it."""

    @property
    def pattern(self) -> str:
        """An extended regular expression, for sed as for Python."""
        old = re.sub(r"([][\\.*+?(){}|^$/])", r"\\\1", self.old)
        return f"{_LEFT if self.is_word else '()'}{old}{_RIGHT if self.is_word else _END}"

    @property
    def script(self) -> str:
        """The command of sed."""
        new = re.sub(r"([\\&/])", r"\\\1", self.new)
        return f"/^[[:space:]]*#/!s/{self.pattern}/\\1{new}\\2/g"

    def apply(self, text: str) -> str:
        """The text as sed would leave it."""
        lines = text.split("\n")
        return "\n".join(
            line if line.lstrip().startswith("#") else re.sub(self.pattern, self._put, line) for line in lines
        )

    def plain(self, text: str) -> str:
        """A shorter command of sed, where it leaves this text as the longer one does; else empty."""
        if "\n" in self.old or text.replace(self.old, self.new) != self.apply(text):
            return ""
        old = re.sub(r"([][\\.*^$/])", r"\\\1", self.old)
        new = re.sub(r"([\\&/])", r"\\\1", self.new)
        return f"s/{old}/{new}/g"

    def _put(self, match: re.Match[str]) -> str:
        return f"{match[1]}{self.new}{match[2]}"


class Edited:
    """Files as they are once the edits are done."""

    def __init__(self, files: Files, edits: Iterable[Edit]) -> None:
        self._files = files
        self._edits = [*edits]

    def read(self, path: str) -> bytes | None:
        """Like `Files.read`."""
        data = self._files.read(path)
        mine = [edit for edit in self._edits if edit.path == path]
        if data is None or not mine:
            return data
        text = data.decode("utf-8", "surrogateescape")
        for edit in mine:
            text = edit.apply(text)
        return text.encode("utf-8", "surrogateescape")

    def list(self, folder: str) -> tuple[str, ...]:
        """Like `Files.list`."""
        return self._files.list(folder)


def mend_pins(
    files: Files, read: Callable[[Files], Environment], environment: Environment, table: Table, target: Target
) -> PinsFix:
    """The command for all that is wrong with the pins of an environment, or why a person has to write them.

    `read` makes an environment of files: the command is offered only if nothing that the table knows is wrong with what
    it leaves.
    """
    pins = pins_for(environment, table, target)
    command, left = _tried(files, read, environment, table, pins)
    if command and not left:
        return PinsFix(command, pins.why_not, frozenset(pins.versions))
    if command and {fault.rule for fault in left} == {"image-cuda"}:
        lines = [f"to keep the versions, and then take another base image, as {left[0].reason}: {command}"]
        older = older_with_build(environment, table, target)
        if older:
            other = pins_for(environment, table, Target(("torch", "pytorch"), older))
            command, left = _tried(files, read, environment, table, other)
            lines += [f"to keep the image, with torch {older}: {command}"] if command and not left else []
        return PinsFix(why_not="\n".join(lines))
    return PinsFix(why_not=pins.why_not or (left[0].reason if left else ""))


def written(
    work: Files,
    files: Files,
    read: Callable[[Files], Environment],
    environment: Environment,
    table: Table,
    target: Target,
    tag: str,
) -> str:
    """The command that commits the files of the work tree where the pins are right already; empty where they are not.

    Raises:
        CannotJudge: the work tree's files cannot be read.
    """
    after = read(work)
    pins = pins_for(after, table, target)
    wrong = any(fault.level == "error" for fault in judge_environment(after, table))
    if wrong or not pins.versions or not holds(after, pins):
        return ""
    paths = {environment.path, *(package.place.path for package in (*environment.packages, *after.packages))}
    changed = sorted(
        path for path in paths if work.read(path) is not None and work.read(path) != files.read(path)
    )
    if not changed:
        return ""
    named = " ".join(map(word, changed))
    return f"git add -- {named} && git commit -m {word(f'Pins of {printable(tag)}')} -- {named}"


def _tried(
    files: Files, read: Callable[[Files], Environment], environment: Environment, table: Table, pins: Pins
) -> tuple[str, list[CompatFault]]:
    """The command that makes these pins, and what would be wrong then; no command where it does not make them."""
    edits = [*dict.fromkeys((*edits_for(files, environment, pins), *_images(files, environment, table)))]
    edits = [edit for edit in edits if edit.old != edit.new]
    if not edits:
        return "", []
    try:
        after = read(Edited(files, edits))
    except EnvhooksError:
        return "", []
    before = {(fault.rule, fault.level) for fault in judge_environment(environment, table)}
    left = [
        fault
        for fault in judge_environment(after, table)
        if fault.level == "error" or (fault.level == "warning" and (fault.rule, fault.level) not in before)
    ]
    command = _command(edits, files)
    return (command, left) if holds(after, pins) and len(command) <= MAX_SCRIPT else ("", left)


def holds(environment: Environment, pins: Pins) -> bool:
    """Whether each pin came out as it was meant: it may be put together from what no edit reaches."""
    for name, wanted in pins.versions.items():
        found = environment.find(name)
        version, _, local = wanted.partition("+")
        if not found or found[-1].version != version or (local and found[-1].local != local):
            return False
    return True


def _command(edits: Iterable[Edit], files: Files) -> str:
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    commands = []
    for path, mine in by_path.items():
        file = f"./{path}" if path.startswith("-") else path
        scripts, option = _plain(mine, text_of(files, path)), ""
        if not scripts:
            scripts, option = [edit.script for edit in mine], "-E "
        parts = " ".join(f"-e {shlex.quote(script)}" for script in scripts)
        # GNU's sed, BSD's and busybox's agree on a suffix that is attached, and on nothing else
        commands.append(f"sed {option}-i.before {parts} {word(file)} && rm {word(file + '.before')}")
    return " && ".join(commands)


def _plain(edits: Iterable[Edit], text: str) -> list[str]:
    """Commands that a person reads at a glance, where they do in this text what the careful ones do; else none."""
    scripts = []
    for edit in edits:
        script = edit.plain(text)
        if not script:
            return []
        scripts.append(script)
        text = edit.apply(text)
    return scripts


# ------------------------------------------------------------------------------------- what is edited


def edits_for(files: Files, environment: Environment, pins: Pins) -> Iterator[Edit]:
    """The edits that make each pin what it is to be, and the index that offers its build."""
    for name, version in pins.versions.items():
        for package in environment.find(name):
            if package.version is not None and package.how not in ("base", "lock"):
                full = package.version + (f"+{package.local}" if package.local else "")
                yield from _of_pin(files, package.place.path, name, full, version)
        for unpinned in environment.unpinned:
            if unpinned.name == name:
                yield from _of_unpinned(unpinned, name, version)
    if pins.index is not None:
        old, new = pins.index
        paths = {environment.path, *(package.place.path for package in environment.packages)}
        for path in sorted(paths):
            text = text_of(files, path)
            if f"/{old}" in text:
                yield Edit(path, f"/{old}", f"/{new}", is_word=False)
            yield from of_variable(path, text, r"/\$\{?(\w+)", old, new)


def _of_pin(files: Files, path: str, name: str, old: str, new: str) -> Iterator[Edit]:
    text = text_of(files, path)
    spelt = re.escape(name).replace(r"\-", "[-_.]")
    pin = re.compile(
        rf"(?i)(?<![A-Za-z0-9_./-])({spelt}(?:\[[^\]\n]*\])? *={{1,3}} *v?){re.escape(old)}(?![0-9A-Za-z.+])"
    )
    for match in pin.finditer(text):
        yield Edit(path, match.group(), match.group(1) + new)
    public = re.escape(old.partition("+")[0])  # `torchvision==0.23.0+${CUDA}`
    half = re.compile(rf"(?i)(?<![A-Za-z0-9_./-])({spelt} *={{2,3}} *v?){public}(\+\$(?:\w+|\{{\w+\}}))")
    for match in half.finditer(text):
        yield Edit(
            path, match.group(), match.group(1) + new.partition("+")[0] + match.group(2), is_word=False
        )
    yield from of_variable(path, text, rf"(?i){spelt}(?:\[[^\]\n]*\])? *={{1,3}} *v?\$\{{?(\w+)", old, new)


def of_variable(path: str, text: str, use: str, old: str, new: str) -> Iterator[Edit]:
    """The line that gives a variable its value, where a pin is put together with it."""
    for variable in dict.fromkeys(re.findall(use, text)):
        for known, wanted in ((old, new), (old.partition("+")[0], new.partition("+")[0])):
            match = re.search(
                rf"(?m)^\s*(?:ARG|ENV)\s+(?:.*\s)?({variable}=[\"']?){re.escape(known)}(?![0-9A-Za-z.+])",
                text,
            )
            if match:
                yield Edit(path, match.group(1) + known, match.group(1) + wanted)
                break


def _of_unpinned(unpinned: Unpinned, name: str, version: str) -> Iterator[Edit]:
    """`torch`, `torch>=2`, and `torch>=2` whose pin the shell swallows: each becomes one exact pin."""
    if unpinned.kind != "python" or "$" in unpinned.text or " " in unpinned.text:
        return
    extras = re.search(r"\[[^\]]*\]", unpinned.text)
    yield Edit(unpinned.place.path, unpinned.text, f"{name}{extras.group() if extras else ''}=={version}")


def _images(files: Files, environment: Environment, table: Table) -> Iterator[Edit]:
    """The base image's tag, where the table knows the one that exists."""
    for fault in judge_environment(environment, table):
        if fault.rule != "image" or "<" in fault.expected or ":" not in fault.expected:
            continue
        path = fault.place.path
        text, (image, _, tag), good = (
            text_of(files, path),
            fault.one.rpartition(":"),
            fault.expected.rpartition(":")[2],
        )
        if fault.one in text:
            yield Edit(path, fault.one, fault.expected, is_word=False)
        yield from of_variable(path, text, rf"{re.escape(image)}:\$\{{?(\w+)", tag, good)


def text_of(files: Files, path: str) -> str:
    """A file's text; empty where there is none."""
    return (files.read(path) or b"").decode("utf-8", "surrogateescape")
