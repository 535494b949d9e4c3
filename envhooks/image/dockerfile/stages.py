"""A Dockerfile's build stages under given build arguments.

Global arguments live in FROM only, until a stage declares them again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.run import Budget
from envhooks.image.dockerfile import INSTRUCTIONS, Dockerfile, Instruction
from envhooks.image.dockerfile.baseimage import Variables, variables
from envhooks.image.dockerfile.expand import BadWord, Lexer
from envhooks.image.dockerfile.lines import pairs, parse_line, split_words
from envhooks.image.text import TooLong, Unknowns, names, settled, unknown

MAX_STAGES = 500
MAX_WORK = 8_000_000
"""Characters that one reading may go through: values can be built to grow with each line."""
PREDEFINED = names(
    "BUILDPLATFORM BUILDOS BUILDOSVERSION BUILDARCH BUILDVARIANT TARGETPLATFORM TARGETOS TARGETOSVERSION "
    "TARGETARCH TARGETVARIANT TARGETSTAGE"
)
"""Arguments that the builder itself gives, by a platform that is not known here."""
_STAGE_NAME = r"[a-z][a-z0-9_.-]*"
_BLANKS = r"[\t\v\f\r ]+"
_PLACEHOLDER = r"\{\{|\}\}|\{%|<<[^<>]*>>|%%[A-Za-z0-9_. -]+%%|@@[A-Za-z0-9_]+@@|@[A-Z][A-Z0-9_]*@"


@dataclass(frozen=True)
class Stage:
    """One build stage."""

    index: int
    name: str
    """Lower case; empty where it has none."""
    base: str
    """Base image of FROM after expansion; may hold marks."""
    parent: int | None
    """Index of the stage that it is built from."""
    head: Instruction
    """Its FROM."""
    body: tuple[Instruction, ...]

    @property
    def label(self) -> str:
        """The stage's name, or its number as text."""
        return self.name or str(self.index)


class Work:
    """Count of the work done, so that a file made to grow is given up in time."""

    def __init__(self, path: str, budget: Budget | None = None) -> None:
        self._path = path
        self._left = MAX_WORK
        self._budget = budget

    def spend(self, amount: int) -> None:
        """Count `amount` characters (and the step itself)."""
        self._left -= amount + 20
        if self._left < 0:
            raise CannotJudge("the Dockerfile is too large or its values grow too much", place=self._path)
        if self._budget is not None:
            self._budget.step()


class Build:
    """The stages of one Dockerfile under given build arguments."""

    def __init__(
        self,
        file: Dockerfile,
        args: Mapping[str, str],
        budget: Budget | None = None,
        unknowns: Unknowns | None = None,
    ) -> None:
        self.file = file
        self.args = {name: re.sub("[\ud800-\udfff]", "\ufffd", value) for name, value in args.items()}
        self.unknowns = unknowns or Unknowns()
        self.work = Work(file.path, budget)
        self.globals: dict[str, str] = {}
        self._without_value: set[str] = set()
        self.stages: list[Stage] = []
        self._split()

    # ---------------------------------------------------------------- lookup

    def by_name(self, name: str, before: int | None = None) -> int | None:
        """Index of the last stage of that name (names are not case-sensitive), before stage `before`."""
        stages = self.stages if before is None else self.stages[:before]
        return next((s.index for s in reversed(stages) if s.name and s.name == name.lower()), None)

    def by_reference(self, text: str) -> int | None:
        """The stage that `--from` or a target names, by name or by number."""
        if (index := self.by_name(text)) is not None:
            return index
        if re.fullmatch("[0-9]{1,6}", text) and int(text) < len(self.stages):
            return int(text)
        return None

    def expand(self, text: str, lookup: Scope | None, line: int) -> str:
        """Expand one word of an instruction; by the global arguments where there is no scope.

        Raises:
            CannotJudge: BuildKit refuses the word.
        """
        self.work.spend(len(text))
        if not any(sign in text for sign in "$'\"<" + self.file.escape):
            return text
        get = lookup.lookup if lookup else self._global
        unset = lookup.unset if lookup else self._unset_global
        try:
            value = Lexer(text, get, unset=unset, escape=self.file.escape).word()
        except TooLong as error:
            return self.unknowns.mark(str(error))
        except BadWord as error:
            raise CannotJudge(str(error), place=f"{self.file.path}:{line}") from None
        self.work.spend(len(value))
        return value

    def _global(self, name: str) -> str | None:
        if name in self.globals:
            return self.globals[name]
        if name in self.args and name in PREDEFINED:
            return self.args[name]
        if name in PREDEFINED:
            return self.unknowns.mark(f"{name} is set by the builder")
        return None

    def _unset_global(self, name: str) -> str:
        if name in self._without_value:
            return self.unknowns.mark(f"ARG {name} has no default value")
        return self.unknowns.mark(f"no ARG before the first FROM sets {name}")

    # ---------------------------------------------------------------- splitting

    def _split(self) -> None:
        if not self.file.instructions:
            raise CannotJudge("the file has no instructions", place=f"{self.file.path}:1")
        head: Instruction | None = None
        body: list[Instruction] = []
        for instruction in self.file.instructions:
            self._check(instruction)
            if instruction.command == "FROM":
                self._close(head, body)
                head, body = instruction, []
            elif head is not None:
                body.append(instruction)
            elif instruction.command == "ARG":
                self._global_arg(instruction)
            elif not any(one.command == "FROM" for one in self.file.instructions):
                break
            else:
                raise CannotJudge(
                    f"{instruction.command} stands before the first FROM",
                    place=f"{self.file.path}:{instruction.start}",
                )
        if head is None:
            raise CannotJudge(
                "there is no FROM: this is a fragment, not a Dockerfile", place=f"{self.file.path}:1"
            )
        self._close(head, body)

    def _check(self, instruction: Instruction) -> None:
        """Refuse what no builder reads, above all templates that are not filled in."""
        known = instruction.command in INSTRUCTIONS
        place = f"{self.file.path}:{instruction.start}"
        looked_at = "" if known else instruction.original
        if instruction.command in ("FROM", "ARG", "COPY", "ADD", "WORKDIR") and not instruction.heredocs:
            looked_at = instruction.text
        match = re.search(_PLACEHOLDER, looked_at)
        if match and (not known or instruction.command == "FROM" or not match.group().startswith("@")):
            raise CannotJudge(
                f"{match.group()} is a placeholder: this is a template, not a Dockerfile", place=place
            )
        if not known:
            raise CannotJudge(f"unknown instruction {instruction.command[:40]}", place=place)
        trigger = re.split(_BLANKS, instruction.text, maxsplit=1)[0].upper()
        if instruction.command == "ONBUILD" and trigger in ("FROM", "MAINTAINER", "ONBUILD"):
            raise CannotJudge(f"ONBUILD may not carry {trigger}", place=place)

    def _close(self, head: Instruction | None, body: Sequence[Instruction]) -> None:
        if head is None:
            return
        if len(self.stages) >= MAX_STAGES:
            raise CannotJudge(f"there are more than {MAX_STAGES} stages", place=self.file.path)
        words = re.split(_BLANKS, head.text)
        place = f"{self.file.path}:{head.start}"
        if not words[0] or len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
            raise CannotJudge("FROM needs an image, or an image AS a name", place=place)
        name = words[2].lower() if len(words) == 3 else ""
        if name and not re.fullmatch(_STAGE_NAME, name):
            raise CannotJudge("the name of the stage is not one that BuildKit takes", place=place)
        base = self.expand(words[0], None, head.start)
        if not base:
            raise CannotJudge("FROM names an empty image", place=place)
        parent = self.by_name(base)
        triggers = _triggers(self.stages[parent], self.file.escape) if parent is not None else ()
        index = len(self.stages)
        self.stages.append(Stage(index, name, base, parent, head, (*triggers, *body)))

    def _global_arg(self, instruction: Instruction) -> None:
        for word in split_words(instruction.text, self.file.escape):
            name, sign, default = word.partition("=")
            if name in self.args:
                self.globals[name] = self.args[name]
            elif sign:
                self.globals[name] = self.expand(default, None, instruction.start)
                self._without_value.discard(name)
            elif name not in self.globals:
                self._without_value.add(name)


def _triggers(stage: Stage, escape: str) -> tuple[Instruction, ...]:
    """Instructions that ONBUILD of a stage adds to the stages that are built from it."""
    found: list[Instruction] = []
    for one in stage.body:
        if one.command != "ONBUILD" or not one.text:
            continue
        try:
            command, flags, text, array = parse_line(one.text, escape)
        except BadWord:
            continue
        found.append(Instruction(command, flags, text, one.start, one.end, one.heredocs, array, one.text))
    return tuple(found)


MAX_PATH = 8192
# Set by well-known base images, so that `ARG X` without a value does not make them empty.
_OF_BASES = r"(?:CUDA|NV|NVIDIA|PYTHON|PYTORCH|TORCH|TENSORFLOW|ROCM|CONDA|PATH|HOME|LANG|LD)(?:_.*)?"


class Scope:
    """The variables of one stage while its instructions are gone through."""

    def __init__(
        self, build: Build, stage: Stage, parent: Scope | None = None, *, image: bool = False
    ) -> None:
        self._build = build
        self.values: dict[str, str] = dict(parent.values) if parent else {}
        self._declared: set[str] = set(parent._declared) if parent else set()
        if parent and image:  # an image keeps what ENV set, and no ARG
            self.values = {name: value for name, value in parent.values.items() if name in parent._env}
            self._declared = set()
        self._env: set[str] = set(parent._env) if parent else set()
        self._bare: bool = parent._bare if parent else stage.base == "scratch"
        self._base: Variables = parent._base if parent else variables(stage.base)
        self.workdir: str = parent.workdir if parent else self._first_workdir()
        build.work.spend(10 * len(self.values))

    @property
    def runtime(self) -> tuple[tuple[str, str | None], ...]:
        """Variables of ENV that NVIDIA's container runtime reads as conditions; None for a value that is not known."""
        return tuple(
            (name, None if unknown(self.values[name]) else self.values[name])
            for name in sorted(self._env & self.values.keys())
            if name.startswith("NVIDIA_REQUIRE_") or name == "NVIDIA_DISABLE_REQUIRE"
        )

    def _first_workdir(self) -> str:
        if self._bare:
            return "/"
        return self._build.unknowns.mark("the base image's working directory")

    def lookup(self, name: str) -> str | None:
        """The value; None where it is certainly not set; a mark where the base image may set it."""
        if name in self.values:
            return self.values[name]
        if (own := self._base.value(name)) is not None:
            return own
        if self._bare or (name in self._declared and not re.fullmatch(_OF_BASES, name)):
            return None
        return self.unset(name)

    def unset(self, name: str) -> str:
        """Value of a plain `$name` where nothing sets it."""
        if name in self._declared:
            return self._build.unknowns.mark(f"ARG {name} has no default value")
        if self._bare:
            return ""
        return self._build.unknowns.mark(f"nothing here sets {name}; the base image may")

    def apply(self, instruction: Instruction) -> None:
        """Take an ARG, ENV or WORKDIR."""
        if instruction.command == "ARG":
            self._arg(instruction)
        elif instruction.command == "ENV":
            self._env_of(instruction)
        elif instruction.command == "WORKDIR":
            path = self._build.expand(instruction.text, self, instruction.start)
            self.workdir = join(self.workdir, path)

    def _env_of(self, instruction: Instruction) -> None:
        build = self._build
        found = pairs(instruction.text, build.file.escape)
        expanded = [
            (build.expand(name, self, instruction.start), build.expand(value, self, instruction.start))
            for name, value in found
        ]
        for name, value in expanded:
            self.values[name] = value
            self._env.add(name)

    def _arg(self, instruction: Instruction) -> None:
        build = self._build
        for word in split_words(instruction.text, build.file.escape):
            name, sign, default = word.partition("=")
            value: str | None = None
            if name in build.args:
                value = build.args[name]
            elif sign:
                value = build.expand(default, self, instruction.start)
            elif name in PREDEFINED:
                value = build.unknowns.mark(f"{name} is set by the builder")
            elif name in build.globals:
                value = build.globals[name]
            self._declared.add(name)
            if value is None:
                continue
            # The reference says that ENV wins; BuildKit gives RUN the later of the two.
            if name in self._env:
                if self.values.get(name) != value:
                    value = build.unknowns.mark(f"ENV {name} and ARG {name} give different values")
            elif why := self._base.against(name, value):
                value = build.unknowns.mark(why)
            self.values[name] = value


def join(folder: str, path: str) -> str:
    """`path` as seen from `folder`, in its shortest form."""
    joined = path if path.startswith("/") else f"{folder}/{path}"
    if len(joined) > MAX_PATH:
        joined = joined[:MAX_PATH]  # no file has such a path; it is cut so that paths cannot grow
    normal = posixpath.normpath(joined)
    return "/" + normal.lstrip("/") if normal.startswith("//") else normal


def is_set(value: str | None) -> bool:
    """Whether a switch such as `UV_SYSTEM_PYTHON` is certainly on."""
    return (
        settled(value) is True
        and not unknown(value or "")
        and (value or "").lower() not in ("0", "false", "no")
    )
