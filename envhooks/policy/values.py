"""TOML values with their place: each fault is one sentence with a line number."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.tagname import expansion_faults
from envhooks.tagname.names import git_faults

Path = tuple[str | int, ...]
"""Keys from the top; numbers count the tables of an array from 0."""
MAX_TEXT = 1000
"""Characters in one value, and more than any path, pattern or reason needs."""

_HEADER = r"[ \t]*(\[\[?)([^\[\]]+)\]"
_WORD = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_KEY = rf"[ \t]*({_WORD}(?:[ \t]*\.[ \t]*{_WORD})*)[ \t]*="
_PART = r"""[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*'"""
_CONTROL = "[\x00-\x1f\x7f-\x9f\u2028\u2029]"
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
)


@dataclass(frozen=True)
class Source:
    """One policy file: what it is called, and where its keys stand."""

    origin: str
    lines: Mapping[Path, int]

    @classmethod
    def of(cls, text: str, origin: str) -> Source:
        """Find the lines of all keys. A line inside a long string may deceive it: then a place is one off."""
        lines: dict[Path, int] = {}
        counts: dict[Path, int] = {}
        table: Path = ()
        for number, line in enumerate(text.split("\n"), 1):
            if "=" not in line and "[" not in line:
                continue
            header, key = re.match(_HEADER, line), re.match(_KEY, line)
            if header:
                table = _parts(header[2])
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    lines.setdefault(table, number)
                    table = (*table, counts[table])
                lines.setdefault(table, number)
            elif key:
                path = (*table, *_parts(key[1]))
                for end in range(len(table) + 1, min(len(path), len(table) + 8) + 1):
                    lines.setdefault(path[:end], number)
        return cls(origin, lines)

    def place(self, path: Path) -> str:
        """`path:line`, by the nearest key above that has a line of its own."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.at(self.lines[path[:end]])
        # a table that only its parts have headers of: `[deploy.x]` for `deploy`
        inside = [line for known, line in self.lines.items() if path and known[: len(path)] == path]
        return self.at(min(inside)) if inside else self.origin

    def at(self, line: int) -> str:
        """`policy.toml:3 on origin/main` of `policy.toml on origin/main`."""
        file, blank, rest = self.origin.partition(" ")
        return f"{file}:{line}{blank}{rest}"


def _parts(text: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, text))


def kind_of(value: object) -> str:
    """Name of a value's type, in words."""
    return next((said for type_, said in _TYPES if isinstance(value, type_)), "a date or time")


def meant(word: str, known: Collection[str]) -> str:
    """`did you mean ...?` where one known word is near, and all of them in any case."""
    from envhooks.base.near import nearest  # where nothing is misspelt, nobody needs it

    near = nearest(word, known)
    hint = f"did you mean `{near}`? " if near else ""
    return f"{hint}known: {', '.join(known)}"


@dataclass(frozen=True)
class Value:
    """One value and where it stands."""

    source: Source
    path: Path
    raw: Any

    @property
    def name(self) -> str:
        """The key with its tables: `tag.templates`."""
        text = ".".join(str(part) for part in self.path if isinstance(part, str))
        return printable(text, 120)

    def refuse(self, message: str, fix: str = "") -> NoReturn:
        """Raise the PolicyError that says what is wrong with this value."""
        raise PolicyError(message, place=self.source.place(self.path), fix=fix)

    def wrong_type(self, wanted: str, fix: str = "") -> NoReturn:
        """Raise the PolicyError for a value of another type."""
        self.refuse(f"`{self.name}` is {kind_of(self.raw)} and must be {wanted}", fix)

    # ------------------------------------------------------------------------------------ types

    def text(self, wanted: str = "text") -> str:
        """A string that is not empty and has no control characters."""
        if not isinstance(self.raw, str):
            number = isinstance(self.raw, (int, float)) and not isinstance(self.raw, bool)
            self.wrong_type(wanted, f'{self._key} = "{self.raw}"' if number else "")
        if not self.raw.strip():
            self.refuse(f"`{self.name}` is empty")
        if len(self.raw) > MAX_TEXT:
            self.refuse(f"`{self.name}` is {len(self.raw)} characters long and may have {MAX_TEXT}")
        control = re.search(_CONTROL, self.raw)
        if control:
            self.refuse(f"`{self.name}` has a control character, U+{ord(control.group()):04X}")
        return self.raw

    def truth(self) -> bool:
        """A boolean."""
        if not isinstance(self.raw, bool):
            self.wrong_type("true or false", f"{self._key} = true")
        return self.raw

    def texts(self, *, may_be_empty: bool = False) -> tuple[Value, ...]:
        """A list of strings, or one string that stands for a list of one; none of them twice."""
        raw = [self.raw] if isinstance(self.raw, str) else self.raw
        if not isinstance(raw, list):
            self.wrong_type("text or a list of texts", f'{self._key} = ["..."]')
        if not raw and not may_be_empty:
            self.refuse(f"`{self.name}` is an empty list: leave the key out for the default")
        items = tuple(Value(self.source, self.path, item) for item in raw)
        seen: set[str] = set()
        for item in items:
            text = item.text("a list of texts")
            if text in seen:
                self.refuse(f"`{self.name}` has `{printable(text, 60)}` twice")
            seen.add(text)
        return items

    def choice(self, known: Collection[str]) -> str:
        """One of some words."""
        text = self.text()
        if text not in known:
            self.refuse(f"`{self.name}` cannot be `{printable(text, 60)}`; {meant(text, known)}")
        return text

    def table(self, known: Collection[str] | None = None) -> dict[str, Value]:
        """A table; with `known`, one that has no other keys."""
        if not isinstance(self.raw, dict):
            self.wrong_type("a table", f"[{self._key}]" if len(self.path) == 1 else "")
        values = {key: Value(self.source, (*self.path, key), item) for key, item in self.raw.items()}
        for key, value in values.items():
            if known is not None and key not in known:
                inside = f" in `{self.name}`" if self.path else " of the policy"
                value.refuse(f"`{printable(key, 60)}` is no key{inside}; {meant(key, known)}")
        return values

    def tables(self) -> tuple[Value, ...]:
        """An array of tables: `[[build]]`."""
        if not isinstance(self.raw, list):
            self.wrong_type("a list of tables", f"[[{self._key}]]")
        if not self.raw:
            self.refuse(f"`{self.name}` is an empty list: leave the key out for the default")
        return tuple(Value(self.source, (*self.path, number), item) for number, item in enumerate(self.raw))

    @property
    def _key(self) -> str:
        return printable(str(next(part for part in reversed(self.path) if isinstance(part, str))), 60)


MAX_GLOB = 200
"""Characters; a pattern is tried on every tag of a repository."""

_IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"
_GLOB = r"\[!?\]?[^\]/]*\]|[*?]"
_OPTIONAL = r"\[[^\[\]]*\]"


def globs(value: Value, prefix: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
    """Patterns over the short names of refs below `prefix`."""
    return tuple(glob(item, prefix) for item in value.texts(may_be_empty=may_be_empty))


def glob(value: Value, prefix: str) -> str:
    """One pattern over the short names of refs below `prefix`, which some legal name matches."""
    text = value.text()
    said = f"the pattern `{printable(text, 80)}` in `{value.name}`"
    if len(text) > MAX_GLOB:
        value.refuse(f"{said} is longer than {MAX_GLOB} characters")
    if text.startswith("refs/"):
        short = text.removeprefix(prefix)
        value.refuse(f"{said} is matched against short names", f'"{printable(short, 80)}"')
    # what is left of a pattern has to be legal, or it matches no ref and protects nothing
    fault = next(git_faults(re.sub(_GLOB, "x", text)), None)
    if fault is not None:
        hint = " (a `[` is not closed)" if "[" in re.sub(_GLOB, "x", text) else ""
        value.refuse(f"{said} can match nothing: {fault}{hint}")
    return text


def path_in_tree(value: Value, *, is_folder: bool = False) -> str:
    """A path inside the tree, possibly with fields."""
    text = value.text("a path in quotes, or false")
    said = f"the path `{printable(text, 80)}` in `{value.name}`"
    if text.startswith(("/", "~")) or re.match("[A-Za-z]:", text):
        value.refuse(f"{said} is absolute and must begin at the top of the repository")
    if "\\" in text:
        value.refuse(f"{said} has a backslash", f'"{printable(text, 80)}"'.replace("\\", "/"))
    if is_folder and text == ".":
        return text
    bare = text
    while re.search(_OPTIONAL, bare):
        bare = re.sub(_OPTIONAL, "", bare)
    for form in (text.replace("[", "").replace("]", ""), bare):
        parts = form.split("/")
        if ".." in parts:
            value.refuse(f"{said} leads out of its folder by `..`")
        if "." in parts or "" in parts:
            value.refuse(f"{said} has an empty part or a `.` between its slashes")
        if ".git" in map(str.lower, parts):
            value.refuse(f"{said} leads into `.git`, which no commit holds")
    return text


def expandable(value: Value, text: str, packages: Collection[str] = ()) -> str:
    """A template that `tagname.expand` can fill in; `packages` may be fields of it, too."""
    for fault in expansion_faults(text, packages):
        value.refuse(f"the template `{printable(text, 120)}` in `{value.name}` cannot be used: {fault}")
    return text


def identifier(value: Value, text: str) -> str:
    """The name of a build, a builder or a place to deploy to."""
    if not re.fullmatch(_IDENTIFIER, text):
        value.refuse(
            f"`{printable(text, 60)}` cannot be a name: at most 60 letters, digits and any of `._-`, "
            "a letter or a digit first"
        )
    return text


def stages_of(value: Value, known: Collection[str]) -> tuple[str, ...]:
    """A list of stages, all of them known."""
    return tuple(item.choice(known) for item in value.texts())
