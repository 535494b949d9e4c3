"""One template as a compiled pattern: matched whole, in ASCII, in its canonical spelling only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from envhooks.base.dataclass import dataclass
from envhooks.tagname.names import Meaning, TagName, TagPolicy
from envhooks.tagname.template import NUMBER_OF, Field, Part, Text, fields_of, is_package, parse

# Every repetition is bounded: names and templates are written by anyone who can push.
_N = r"(?:0|[1-9][0-9]{0,5})"
_PYTHON_MINOR = r"(?:0|[1-9][0-9]?)"
_NUMBERS = rf"{_N}(?:\.{_N}){{0,2}}"
_FIXED: Mapping[str, str] = {
    "version": rf"{_N}(?:\.{_N}){{1,3}}",
    "cuda": _NUMBERS,
    "cuda:compact": "[1-9][0-9]?[0-9]",
    "rocm": _NUMBERS,
    "cudnn": _NUMBERS,
    "python": rf"[23]\.{_PYTHON_MINOR}(?:\.{_PYTHON_MINOR})?",
    "python:compact": rf"[23]{_PYTHON_MINOR}",
    "date": r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}\.[0-9]{2}\.[0-9]{2}",
    "os": r"[a-z]{2,20}(?:[0-9]{1,4}(?:\.[0-9]{1,4}){0,2})?",
    "release": r"[0-9]{1,8}(?:\.[0-9]{1,8}){0,3}",
    "variant": r"[a-z]{2,20}",
}
_COMPACT_CUDA = r"cu[1-9][0-9]?[0-9]"
_PACKAGE = rf"{_N}(?:\.{_N}){{1,3}}(?:(?:a|b|rc|\.post)[1-9][0-9]{{0,5}})?"


def field_pattern(field: Field, policy: TagPolicy) -> str:
    """The regular expression of a field's canonical spellings."""
    if field.name == "framework":
        return _any_of(n.lower() if field.modifier else n for n in policy.frameworks)
    if field.name == "hardware":
        names = [n.lower() if field.modifier else n for n in policy.hardware]
        if field.modifier != "compact" or "CUDA" not in policy.hardware:
            return rf"(?:{_any_of(names)})(?:{_NUMBERS})?"
        others = [name for name in names if name != "cuda"]
        return rf"{_COMPACT_CUDA}|(?:{_any_of(others)})(?:{_NUMBERS})?"
    if field.name == "stage":
        dot = r"\." if field.modifier else ""
        return rf"(?:{_any_of(policy.stages)}){dot}[1-9][0-9]{{0,5}}"
    if is_package(field.name):
        return _PACKAGE
    return _FIXED[f"{field.name}:{field.modifier}" if field.modifier else field.name]


def field_text(name: str, text: str, policy: TagPolicy) -> bool:
    """Whether a text is a canonical spelling of a field without modifier."""
    return re.fullmatch(field_pattern(Field(name), policy), text) is not None


def _any_of(words: Iterable[str]) -> str:
    # nothing at all must match nothing, and a longer name is tried before one that it begins with
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)"


def _pattern(parts: tuple[Part, ...], policy: TagPolicy) -> str:
    done = []
    for part in parts:
        if isinstance(part, Text):
            done.append(re.escape(part.text))
        elif isinstance(part, Field):
            done.append(f"(?P<{_group(part.name)}>{field_pattern(part, policy)})")
        else:
            done.append(f"(?:{_pattern(part.parts, policy)})?")
    return "".join(done)


def _group(field: str) -> str:
    """The name of a field's group: a package may be called `flash-attn`, a group may not."""
    return "f_" + field.replace("-", "_")


# ------------------------------------------------------------------------------ text -> TagName


@dataclass(frozen=True)
class Reader:
    """One template, compiled for one policy."""

    template: str
    parts: tuple[Part, ...]
    pattern: re.Pattern[str]
    spelled: Mapping[str, str]
    """Framework or hardware as this template spells it -> its canonical name."""
    compact: frozenset[str]
    """The fields that are written without their dots."""
    meaning: Meaning

    @classmethod
    def of(cls, template: str, policy: TagPolicy) -> Reader:
        """Compile a template that `template_faults` finds nothing wrong with."""
        parts = parse(template)
        names = (*policy.frameworks, *policy.hardware)
        spelled = {name.lower(): name for name in names} | {name: name for name in names}
        compact = frozenset(field.name for field in fields_of(parts) if field.modifier == "compact")
        meaning = policy.meanings.get(template, Meaning())
        return cls(template, parts, re.compile(_pattern(parts, policy)), spelled, compact, meaning)

    def fields(self, text: str) -> dict[str, str] | None:
        """The text of each field in a name that has this template's form; None for any other."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        found = match.groupdict()
        names = dict.fromkeys(field.name for field in fields_of(self.parts))
        return {name: found[_group(name)] for name in names if found[_group(name)]}

    def read(self, text: str) -> TagName | None:
        """The TagName of a name that has this template's form; None for any other."""
        found = self.fields(text)
        if found is None or ("date" in found and not is_date(found["date"])):
            return None
        return self.assemble(text, found)

    def assemble(self, text: str, found: Mapping[str, str]) -> TagName:
        """A TagName from the text of each field, spelled as this template has it, and the template's constants."""
        found = {**found, **dict(self.meaning.constants)}
        hardware, number = self._hardware(found)
        stage = found.get("stage", "").replace(".", "")
        word = stage.rstrip("0123456789")
        return TagName(
            text,
            self.spelled[found["framework"]] if "framework" in found else None,
            hardware,
            number,
            tuple(map(int, found["version"].split("."))) if "version" in found else (),
            word or "stable",
            int(stage[len(word) :] or 0),
            tuple(self._extra(found)),
            self.meaning.of_base,
        )

    def _hardware(self, found: Mapping[str, str]) -> tuple[str | None, str | None]:
        for field, hardware in NUMBER_OF.items():
            if field in found:
                number = found[field]
                return hardware, f"{number[:-1]}.{number[-1]}" if field in self.compact else number
        text = found.get("hardware", "")
        if "hardware" in self.compact and re.fullmatch(_COMPACT_CUDA, text):
            return "CUDA", f"{text[2:-1]}.{text[-1]}"
        word = text.rstrip("0123456789.")  # the name itself ends in a letter: `faults_of_names` holds that
        return (self.spelled[word], text[len(word) :] or None) if word else (None, None)

    def _extra(self, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        known = ("framework", "hardware", "version", "stage", *NUMBER_OF)
        for name, value in found.items():
            if name == "python" and name in self.compact:
                yield name, f"{value[0]}.{value[1:]}"
            elif name not in known:
                yield name, value


def is_date(text: str) -> bool:
    """Whether YYYYMMDD, YYYY-MM-DD or YYYY.MM.DD is a day that the calendar has."""
    digits = text.replace("-", "").replace(".", "")
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
