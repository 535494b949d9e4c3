"""A Dockerfile's build stages under given build arguments.

Global arguments live in FROM only, until a stage declares them again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.image.dockerfile import globs
from envhooks.image.dockerfile.expand import BadWord, Lexer
from envhooks.image.dockerfile.lines import parse_line, split_words
from envhooks.image.dockerfile.parser import INSTRUCTIONS, Dockerfile, Instruction
from envhooks.image.text.unknowns import Unknowns, names

if TYPE_CHECKING:
    from envhooks.image.dockerfile.scopes import Scope

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
    """What FROM names after expansion; may hold marks."""
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
    """How much has been gone through, so that a file that is built to grow is given up in time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = MAX_WORK

    def spend(self, amount: int) -> None:
        """Count `amount` characters (and the step itself)."""
        self._left -= amount + 20
        if self._left < 0:
            raise CannotJudge("the Dockerfile is too large or its values grow too much", place=self._path)


class Build:
    """The stages of one Dockerfile under given build arguments."""

    def __init__(self, file: Dockerfile, args: Mapping[str, str]) -> None:
        self.file = file
        self.args = {name: re.sub("[\ud800-\udfff]", "\ufffd", value) for name, value in args.items()}
        self.unknowns = Unknowns()
        self.work = Work(file.path)
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
        except globs.TooLong as error:
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
    """What ONBUILD of a stage adds to the stages that are built from it."""
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
