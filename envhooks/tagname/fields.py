"""Tolerant reading of one field of a name: the value that was probably meant, and the faults of its spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from envhooks.base.dataclass import dataclass, field
from envhooks.base.hygiene import printable
from envhooks.tagname.names import TagPolicy
from envhooks.tagname.reader import field_pattern, is_date
from envhooks.tagname.template import Field, distance, is_package

MISSING = 4
"""Cost of a missing field in an alignment; see `nearest`."""
_WORDS = ("os", "variant")
"""Fields that begin with a letter."""
UNKNOWN = 3
MISSPELT = 1
_REMEMBERED = 20_000

_STAGE_WORDS: Mapping[str, str] = {
    "a": "alpha", "b": "beta", "c": "rc", "pre": "rc", "preview": "rc", "candidate": "rc",
    "r": "post", "rev": "post",
}  # fmt: skip
"""PEP 440's other spellings."""
_STABLE_WORDS = frozenset(("stable", "final", "ga"))
_EXAMPLES: Mapping[str, str] = {
    "python": "3.12", "python:compact": "312", "cudnn": "9 or 9.10.2", "os": "ubuntu24.04",
    "date": "20260130, 2026-01-30 or 2026.01.30", "release": "7 or 25.06", "variant": "devel",
    "cuda": "12.8", "cuda:compact": "128", "rocm": "6.4",
}  # fmt: skip
_FRAMEWORK = r"[A-Za-z](?:[A-Za-z0-9_.+ -]*[A-Za-z0-9])?"
_HARDWARE = r"([A-Za-z]+)[-_ .]?(?:([0-9]+(?:\.[0-9]+)*)\.?)?"
_VERSION = r"[0-9]+(?:[._][0-9]*)*"
_STAGE = r"([A-Za-z]+)[-_. ]?([0-9]*)"


@dataclass(frozen=True)
class Reading:
    """One way to take a piece of text for a field."""

    cost: int
    value: str | None
    """The canonical spelling in the template; None where it cannot be determined, empty to leave it out."""
    faults: tuple[str, ...] = ()
    guess: bool = False
    """Whether the word is not known, so that a near one may be meant (`FieldReader.with_nearest`)."""


@dataclass
class FieldReader:
    """Reads fields for one policy; remembers what it read, since an alignment asks again and again."""

    policy: TagPolicy
    _known: dict[tuple[Field, str], Reading | None] = field(default_factory=dict)
    _patterns: dict[Field, re.Pattern[str]] = field(default_factory=dict)

    def read(self, wanted: Field, text: str) -> Reading | None:
        """Reading of `text` as this field; None where nothing in it fits."""
        key = (wanted, text)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._read(wanted, text)
        return self._known[key]

    def _read(self, wanted: Field, text: str) -> Reading | None:
        if self._is_canonical(wanted, text):
            if wanted.name == "date" and not is_date(text):
                return Reading(MISSPELT, None, (f"`{text}` is no day of the calendar",))
            return Reading(0, text)
        special = {
            "framework": self._framework,
            "hardware": self._hardware,
            "version": self._version,
            "stage": self._stage,
        }.get(wanted.name)
        return special(wanted, text) if special else self._other(wanted, text)

    def _is_canonical(self, wanted: Field, text: str) -> bool:
        if wanted not in self._patterns:
            self._patterns[wanted] = re.compile(field_pattern(wanted, self.policy))
        return self._patterns[wanted].fullmatch(text) is not None

    # -------------------------------------------------------------------- framework and hardware

    @cached_property
    def _frameworks(self) -> dict[str, str]:
        return {_key(name): name for name in self.policy.frameworks} | self._aliased(self.policy.frameworks)

    @cached_property
    def _hardware_names(self) -> dict[str, str]:
        return {_key(name): name for name in self.policy.hardware} | self._aliased(self.policy.hardware)

    def _aliased(self, names: Iterable[str]) -> dict[str, str]:
        names = set(names)
        lower = {name.lower() for name in names}
        return {
            _key(alias): name
            for alias, name in self.policy.aliases.items()
            if alias not in lower and (name in names or name.rstrip("0123456789.") in names)
        }

    def _framework(self, wanted: Field, text: str) -> Reading | None:
        if not re.fullmatch(_FRAMEWORK, text):
            return None
        name = self._frameworks.get(_key(text))
        if name is None:
            extra = len(re.findall(r"[^A-Za-z0-9]", text))
            said = f"`{_quoted(text)}` is no framework that the policy knows"
            return Reading(UNKNOWN + 2 * extra, None, (said,), guess=True)
        spelled = name.lower() if wanted.modifier else name
        return Reading(MISSPELT, spelled, (f"the framework is written `{spelled}`, not `{_quoted(text)}`",))

    def _hardware(self, wanted: Field, text: str) -> Reading | None:
        match = re.fullmatch(_HARDWARE, text)
        if match is None:
            return None
        alias = self._hardware_names.get(_key(text))
        word, number = match.groups()
        name = self._hardware_names.get(_key(word))
        if alias is None and name is None:
            return Reading(
                UNKNOWN, None, (f"`{_quoted(text)}` is no hardware that the policy knows",), guess=True
            )
        value = alias or f"{name}{_plain(number)}"
        spelled = self._spell_hardware(wanted, value)
        if spelled is None:
            return Reading(
                MISSPELT, None, (f"the hardware `{_quoted(text)}` lacks its version, as in `cu128`",)
            )
        return Reading(MISSPELT, spelled, (f"the hardware is written `{spelled}`, not `{_quoted(text)}`",))

    def _spell_hardware(self, wanted: Field, value: str) -> str | None:
        word = value.rstrip("0123456789.")
        if wanted.modifier == "compact" and word == "CUDA":
            numbers = value[len(word) :].split(".")
            return f"cu{''.join(numbers[:2])}" if len(numbers) == 2 else None
        return value.lower() if wanted.modifier else value

    def with_nearest(self, wanted: Field, text: str, reading: Reading) -> Reading:
        """The same reading, with the known word that the unknown one is nearest to, if there is just one."""
        if not reading.guess:
            return reading
        known = self._frameworks if wanted.name == "framework" else self._hardware_names
        names = tuple(self.policy.frameworks if wanted.name == "framework" else self.policy.hardware)
        match = re.fullmatch(_HARDWARE, text) if wanted.name == "hardware" else None
        word, number = match.groups() if match else (text, None)
        value = nearest_word(_key(word), known)
        if value is None:
            return Reading(reading.cost, None, (f"{reading.faults[0]} ({', '.join(names[:12])})",))
        if wanted.name == "hardware":
            spelled = self._spell_hardware(wanted, value + _plain(number))
        else:
            spelled = value.lower() if wanted.modifier else value
        return Reading(reading.cost, spelled, (f"{reading.faults[0]}; `{spelled or value}` is near",))

    # ------------------------------------------------------------------------- version and stage

    def _version(self, wanted: Field, text: str) -> Reading | None:
        if not re.fullmatch(_VERSION, text):
            return None
        numbers = re.split("[._]", text)
        filled = [number for number in numbers if number]
        said = f"the version `{_quoted(text)}`"
        faults = []
        if "_" in text:
            faults.append(f"{said} has `_` between its numbers instead of a full stop")
        if len(filled) < len(numbers):
            faults.append(f"{said} has a full stop without a number behind it")
        if len(filled) < 2:
            faults.append(f"{said} has one number and needs two to four")
        if len(filled) > 4:
            faults.append(f"{said} has {len(filled)} numbers and may have four")
        if any(number != "0" and number.startswith("0") for number in filled):
            faults.append(f"{said} has a number with a leading zero")
        if any(len(number.lstrip("0")) > 6 for number in filled):
            faults.append(f"{said} has a number of more than six digits")
            return Reading(UNKNOWN, None, tuple(faults))
        # `2..8` lacks a number that cannot be guessed, `2.8.` does not
        usable = 2 <= len(filled) <= 4 and "" not in numbers[:-1]
        value = ".".join(str(int(number)) for number in filled) if usable else None
        return Reading(len(faults) + ("_" in text), value, tuple(faults))

    def _stage(self, wanted: Field, text: str) -> Reading | None:
        match = re.fullmatch(_STAGE, text)
        if match is None:
            return None
        word, number = match[1].lower(), match[2]
        if word in _STABLE_WORDS and not number:
            return Reading(2, "", (f"a stable release carries no stage, so `{_quoted(text)}` is left out",))
        stage = _STAGE_WORDS.get(word, word)
        dot = "." if wanted.modifier else ""
        if stage not in self.policy.stages:
            may = ", ".join(f"{name}{dot}N" for name in self.policy.stages)
            return Reading(UNKNOWN, None, (f"`{_quoted(text)}` is no stage; the stages are {may}",))
        if not number:
            said = f"the stage `{_quoted(text)}` has no number, as in `{stage}{dot}1`"
            return Reading(MISSPELT, None, (said,))
        if not number.strip("0"):
            said = f"the stage `{_quoted(text)}` counts from 1, as in `{stage}{dot}1`"
            return Reading(MISSPELT, None, (said,))
        if len(number.lstrip("0")) > 6:
            return Reading(UNKNOWN, None, (f"the number of the stage `{_quoted(text)}` has too many digits",))
        value = f"{stage}{dot}{int(number)}"
        return Reading(MISSPELT, value, (f"the stage is written `{value}`, not `{_quoted(text)}`",))

    # ------------------------------------------------------------------------------ other fields

    def _other(self, wanted: Field, text: str) -> Reading | None:
        bare = text.replace(".", "")
        dotted = f"{bare[:1]}.{bare[1:]}"
        for other in (text.lower(), bare, dotted) if wanted.name == "python" else (text.lower(),):
            if self._is_canonical(wanted, other) and (wanted.name != "date" or is_date(other)):
                return Reading(
                    MISSPELT, other, (f"the {wanted.name} is written `{other}`, not `{_quoted(text)}`",)
                )
        # an operating system and a variant are words; a number there belongs to another field
        if not re.fullmatch(r"[A-Za-z0-9.]+", text) or (wanted.name in _WORDS and not text[0].isalpha()):
            return None
        example = "2.7.4" if is_package(wanted.name) else _EXAMPLES[str(wanted)[1:-1]]
        return Reading(UNKNOWN, None, (f"`{_quoted(text)}` is no {wanted.name}, such as {example}",))


def _key(text: str) -> str:
    return re.sub("[-_. +]", "", text).lower()


def _quoted(text: str) -> str:
    return printable(text, 60)


def _plain(number: str | None) -> str:
    """Numbers without leading zeros."""
    return ".".join(part.lstrip("0") or "0" for part in number.split(".")) if number else ""


def nearest_word(word: str, known: Mapping[str, str]) -> str | None:
    """Meaning of the known words within one slip (two for six letters and more); None unless they have one meaning.

    Short spellings and those with digits are passed over: they are near to everything.
    """
    limit = 2 if len(word) >= 6 else 1
    if not 3 <= len(word) <= 40:
        return None
    meanings: dict[int, set[str]] = {}
    for other, meaning in known.items():
        is_short = len(other) < 4 and other != _key(meaning)
        if other.isalpha() and not is_short and abs(len(other) - len(word)) <= limit:
            meanings.setdefault(distance(word, other), set()).add(meaning)
    near = min(meanings, default=limit + 1)
    return meanings[near].pop() if near <= limit and len(meanings[near]) == 1 else None
