"""Makefiles: the builds of a target's recipe, with the variables that the file sets by plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envhooks.base.dataclass import replace
from envhooks.image.buildcommands import MAX_BUILDS, Built, commands
from envhooks.image.files import Work
from envhooks.image.text import Unknowns

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
MAX_VALUE = 1024
"""Characters of a variable's value that is followed."""
_VARIABLE = (
    r"(?:export[ \t]+|override[ \t]+)*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(:::?=|::?=|\?=|\+=|!=|=)[ \t]*(.*)"
)
_RULE = r"([^\s:=#][^:=#]*):{1,2}(?![:=])([^=]*)"
_OF_TARGET = rf"([^\s:=#][^:=#]*)::?[ \t]*{_VARIABLE}"


class Makefile:
    """Variables and recipes of one Makefile.

    Variables are those that the file sets by plain text; what `ifeq`, `include`, a function or the environment may
    decide is not known.
    """

    def __init__(self, text: str, unknowns: Unknowns) -> None:
        self._unknowns = unknowns
        self._work = Work()
        self._values: dict[str, str | None] = {}
        self._own: dict[str, dict[str, str | None]] = {}
        self.recipes: dict[str, list[tuple[int, str]]] = {}
        """Target -> (line, text) of its recipe."""
        self.needs: dict[str, list[str]] = {}
        self._conditional: set[int] = set()
        self._read(text)

    def _read(self, text: str) -> None:
        depth, included, defining = 0, False, False
        targets: list[str] = []
        for number, line in _logical(text):
            if line.startswith("\t") and targets:
                if depth > 0:
                    self._conditional.add(number)
                for target in targets:
                    self.recipes.setdefault(target, []).append((number, line[1:]))
                continue
            bare = line.split(" #")[0].strip()
            if not bare or bare.startswith("#"):
                continue
            word = bare.split(None, 1)[0]
            if word in ("define", "endef"):
                defining, targets = word == "define", []
            elif defining:
                continue
            elif word in ("ifeq", "ifneq", "ifdef", "ifndef", "endif"):
                depth += -1 if word == "endif" else 1
            elif word in ("include", "-include", "sinclude"):
                included = True
            elif word not in ("else", "vpath", "unexport", "undefine"):
                targets = self._line(bare, depth > 0, included, targets)

    def _line(self, line: str, conditional: bool, included: bool, targets: list[str]) -> list[str]:
        """Take a variable or a rule; the targets whose recipe follows."""
        if match := re.fullmatch(_VARIABLE, line):
            self._set(self._values, *match.groups(), conditional=conditional, included=included)
            return targets
        if inner := re.fullmatch(_OF_TARGET, line):
            for target in inner[1].split()[:50]:
                own = self._own.setdefault(target, {})
                self._set(own, *inner.groups()[1:], conditional=conditional, included=False)
            return []
        match = re.fullmatch(_RULE, line)
        if match is None:
            return []
        found = match[1].split()[:50]
        for target in found:
            self.needs.setdefault(target, []).extend(match[2].partition(";")[0].split()[:50])
        return found

    def _set(
        self,
        values: dict[str, str | None],
        name: str,
        sign: str,
        text: str,
        *,
        conditional: bool,
        included: bool,
    ) -> None:
        if sign == "?=" and included and name not in values:
            values[name] = None  # a file that is included may set it
        elif sign == "?=" and name in values:
            return
        elif conditional or sign in ("+=", "!="):
            values[name] = None
        else:
            value = self._expand(text, {}, 0) if sign.startswith(":") else text
            values[name] = value if len(value) <= MAX_VALUE else None

    def builds(self, target: str) -> list[Built]:
        """The builds of a target's recipe, those of its prerequisites before them; the label is the target of each.

        Raises:
            CannotJudge: the recipe's values grow too much.
        """
        return [built for one in self._order(target) for built in self.own_builds(one)][:MAX_BUILDS]

    def own_builds(self, target: str) -> list[Built]:
        """The builds of a target's own recipe.

        Raises:
            CannotJudge: the recipe's values grow too much.
        """
        found: list[Built] = []
        own = {**self._own.get(target, {}), "@": target}
        for number, line in self.recipes.get(target, ()):
            text = self._expand(line.lstrip("@-+ \t"), own, 0)
            builds = commands(text, {}, self._unknowns, work=self._work, first_line=number)
            sure = number not in self._conditional
            found += [replace(built, label=target, stored=built.stored and sure) for built in builds]
        return found[:MAX_BUILDS]

    def _order(self, target: str) -> list[str]:
        """The target behind its prerequisites that have a recipe, each once."""
        order: list[str] = []
        stack = [(target, False)]
        seen: set[str] = set()
        while stack and len(seen) < 1000:
            one, done = stack.pop()
            if done:
                order.append(one)
            elif one not in seen:
                seen.add(one)
                stack.append((one, True))
                stack += [(need, False) for need in reversed(self.needs.get(one, ())) if need in self.needs]
        return order

    def _expand(self, text: str, own: Mapping[str, str | None], depth: int) -> str:
        """A text with its variables filled in; marks for what is not known."""
        out: list[str] = []
        at = 0
        while at < len(text):
            start = text.find("$", at)
            if start < 0 or start + 1 >= len(text):
                out.append(text[at:])
                break
            out.append(text[at:start])
            at = start + 2
            sign = text[start + 1]
            if sign == "$":
                out.append("$")
                continue
            name = sign
            if sign in "({":
                at = _closing(text, start + 1)
                name = text[start + 2 : at - 1]
            out.append(self._value(name, own, depth))
            self._work.spend(20 + len(out[-1]))  # of an empty value too: ten lines of them would cost 250^10
        return "".join(out)

    def _value(self, name: str, own: Mapping[str, str | None], depth: int) -> str:
        value = own[name] if name in own else self._values.get(name)
        if value is None or depth > 10:
            return self._unknowns.mark(f"$({name[:40]}) is not followed")
        return value if name == "@" else self._expand(value, own, depth + 1)


def _closing(text: str, at: int) -> int:
    """Offset behind the bracket that closes the one at `at`; the text's end where none does."""
    opened, closed = text[at], {"(": ")", "{": "}"}[text[at]]
    depth = 0
    for index in range(at, len(text)):
        depth += (text[index] == opened) - (text[index] == closed)
        if not depth:
            return index + 1
    return len(text)


def _logical(text: str) -> list[tuple[int, str]]:
    """(number of its first line, line) with continued lines put together; a recipe keeps its backslash."""
    out: list[tuple[int, str]] = []
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        parts = [line]
        while parts[-1].endswith("\\"):
            following = next(lines, None)
            if following is None:
                break
            parts.append(following[1])
        is_recipe = line.startswith("\t")
        tidy = parts if is_recipe or len(parts) == 1 else [one.removesuffix("\\").strip() for one in parts]
        out.append((number, ("\n" if is_recipe else " ").join(tidy)))
    return out
