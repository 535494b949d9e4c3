"""What ARG, ENV and WORKDIR make of the variables of one stage, instruction by instruction.

A stage built from another inherits its variables; a build argument that is given overrides each
default. What nothing in the file sets is not empty but unknown: the base image may set it.
"""

from __future__ import annotations

import posixpath
import re

from envhooks.image.dockerfile.lines import pairs, split_words
from envhooks.image.dockerfile.parser import Instruction
from envhooks.image.dockerfile.stages import PREDEFINED, Build, Stage
from envhooks.image.text.unknowns import settled, unknown

MAX_PATH = 8192
# Set by well-known base images, so that `ARG X` without a value does not make them empty.
_OF_BASES = r"(?:CUDA|NV|NVIDIA|PYTHON|PYTORCH|TORCH|TENSORFLOW|ROCM|CONDA|PATH|HOME|LANG|LD)(?:_.*)?"


class Scope:
    """The variables of one stage while its instructions are gone through."""

    def __init__(self, build: Build, stage: Stage, parent: Scope | None = None) -> None:
        self._build = build
        self.values: dict[str, str] = dict(parent.values) if parent else {}
        self._declared: set[str] = set(parent._declared) if parent else set()
        self._env: set[str] = set(parent._env) if parent else set()
        self._bare: bool = parent._bare if parent else stage.base == "scratch"
        self.workdir: str = parent.workdir if parent else self._first_workdir(stage)
        build.work.spend(10 * len(self.values))

    def _first_workdir(self, stage: Stage) -> str:
        if self._bare:
            return "/"
        return self._build.unknowns.mark("the base image's working directory")

    def lookup(self, name: str) -> str | None:
        """The value; None where it is certainly not set; a mark where the base image may set it."""
        if name in self.values:
            return self.values[name]
        if self._bare or (name in self._declared and not re.fullmatch(_OF_BASES, name)):
            return None
        return self.unset(name)

    def unset(self, name: str) -> str:
        """What a plain `$name` stands for where nothing sets it."""
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
            if name in self._env and self.values.get(name) != value:
                # The reference says that ENV wins; BuildKit gives RUN the later of the two.
                value = build.unknowns.mark(f"ENV {name} and ARG {name} give different values")
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
