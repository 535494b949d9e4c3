"""Faults of a name that the grammar does not read, and the name that was probably meant.

The name is cut into words, numbers and marks, and aligned with each template at the least cost: a
field may be misspelt, unknown or missing, a mark may be another one, and text may be too much. The
alignment is a table of (piece of the template) x (place in the name), so a hostile name costs no more
than a long one. What it costs is counted in `fields`; the faults are read off the cheapest way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.tagname.fields import MISSING, UNKNOWN, FieldReader
from envhooks.tagname.names import MAX_NAME, Naming, TagName, TagPolicy, folded, text_faults
from envhooks.tagname.reader import Reader
from envhooks.tagname.template import Field, Part, Text, expand, fields_of

MAX_WORDS = 48
"""Words, numbers and marks in a name; beyond it nothing is said of the single parts."""
_LONGEST = 9
"""Words that one field may take: `cuda-12.8.1` has seven."""
_EXCESS = 2
_WORD_MISSING = 3
"""Cost of a word of a template that a name lacks: `cudnn` tells more than a mark, and a `v` is often forgotten."""
_TELLING = 5
"""Faults. A name with more of them is of another kind, and its template says more than they do."""
# the `v` before a version is a word of its own, also where a mark before it was forgotten
_WORD = r"[A-Za-z]+?(?=[vV][0-9])|[A-Za-z]+|[0-9]+|[^A-Za-z0-9]"
_MARKS = frozenset("-_./+ :,~@=")


@dataclass(frozen=True)
class _Open:
    """The beginning of an optional part; `end` is the number of the item behind it."""

    end: int


_Item = str | Field | _Open


class _Step(NamedTuple):
    """The cheapest way on from one place in the table."""

    cost: int
    item: int
    word: int
    kind: str = "end"
    """`take`, `missing`, `excess`, `pass` (costs nothing, says nothing) or `end`."""


@dataclass(frozen=True)
class _Explanation:
    cost: int
    faults: tuple[str, ...]
    suggestion: str


class Explainer:
    """Explains names for one grammar."""

    def __init__(
        self, policy: TagPolicy, readers: Sequence[Reader], match: Callable[[str], TagName | None]
    ) -> None:
        self._fields = FieldReader(policy)
        self._readers = readers
        self._match = match

    def explain(self, text: str) -> Naming:
        """The Naming of a text that `match` refuses: at least one fault, and a suggestion where one is near."""
        faults = list(dict.fromkeys(text_faults(text)))
        if not text or len(text) > MAX_NAME:
            return Naming(None, tuple(faults))
        seen = folded(text)
        if seen != text and self._match(seen) is not None:
            return Naming(None, tuple(faults), seen)
        more, suggestion = self._nearest(seen)
        said = dict.fromkeys((*faults, *more))
        return Naming(None, tuple(said) or (_formless(self._readers),), suggestion)

    def _nearest(self, seen: str) -> tuple[tuple[str, ...], str]:
        """(what is wrong by the nearest template, the name that was meant)."""
        form = (_formless(self._readers),)
        if not seen or len(re.findall(_WORD, seen)) > MAX_WORDS:
            return form, ""
        found = [_explain(seen, self._fields, reader, self._match) for reader in self._readers]
        least = min(one.cost for one in found)
        nearest = [one for one in found if one.cost == least]
        meant = {one.suggestion for one in nearest if one.suggestion}
        faults = nearest[0].faults or (form if least else ())
        return faults, meant.pop() if len(meant) == 1 else ""


def _formless(readers: Sequence[Reader]) -> str:
    forms = " or ".join(f"`{printable(reader.template, 200)}`" for reader in readers)
    return f"the name does not have the form {forms}"


def _explain(
    text: str, fields: FieldReader, reader: Reader, match: Callable[[str], TagName | None]
) -> _Explanation:
    way = _Alignment(text, reader, fields)
    suggestion = _suggest(way.values, reader, match) if way.complete else ""
    if not suggestion:
        moved = _suggest(_in_any_order(text, fields, reader), reader, match)
        if moved:
            form = printable(reader.template, 200)
            return _Explanation(way.cost, (f"the parts do not stand in the order of `{form}`",), moved)
    if not suggestion and (not way.recognised or len(way.faults) > _TELLING):
        return _Explanation(way.cost, (), "")
    return _Explanation(way.cost, tuple(way.faults), suggestion)


def _suggest(values: dict[str, str], reader: Reader, match: Callable[[str], TagName | None]) -> str:
    """The canonical name with these fields, if it reads back as just them."""
    if not values:
        return ""
    meant = reader.assemble("", values)
    try:
        text = expand(reader.template, meant)
    except UsageError:
        return ""
    read = match(text)
    if read is None or (read.line, read.version, read.stage_text) != (
        meant.line,
        meant.version,
        meant.stage_text,
    ):
        return ""
    return text


# --------------------------------------------------------------------------------- the alignment


def _items(parts: tuple[Part, ...], start: int = 0) -> Iterator[_Item]:
    """A template in one line: words of its text, fields, and where an optional part can be passed over."""
    number = start
    for part in parts:
        if isinstance(part, Text):
            new: list[_Item] = list(re.findall(_WORD, part.text))
        elif isinstance(part, Field):
            new = [part]
        else:
            inner = list(_items(part.parts, number + 1))
            new = [_Open(number + 1 + len(inner)), *inner]
        number += len(new)
        yield from new


class _Alignment:
    """The cheapest way to take a name for one made by a template."""

    def __init__(self, text: str, reader: Reader, fields: FieldReader) -> None:
        self.words: list[str] = re.findall(_WORD, text)
        self.items = list(_items(reader.parts))
        self.fields = fields
        self.values: dict[str, str] = {}
        """Canonical text of each field that was recognised."""
        self.faults: list[str] = []
        self.complete = True
        """Whether every field has a value and nothing but marks was too much."""
        self.recognised = False
        """Whether any field was found, so that the single faults say something."""
        table = self._table()
        self.cost = table[0][0].cost
        self._walk(table)

    # ------------------------------------------------------------------------------- cheapest way

    def _table(self) -> list[list[_Step]]:
        """[item][word] -> what to do there; filled from the end."""
        ends = [
            _Step(_EXCESS * (len(self.words) - at), len(self.items), at + 1, "excess")
            for at in range(len(self.words))
        ]
        table = [[*ends, _Step(0, len(self.items), len(self.words))]]
        for number in range(len(self.items) - 1, -1, -1):
            row: list[_Step] = []  # back to front
            for at in range(len(self.words), -1, -1):
                ways = self._ways(number, at, table)
                if at < len(self.words):
                    ways.append(_Step(_EXCESS + row[-1].cost, number, at + 1, "excess"))
                row.append(min(ways, key=_cost))
            table.append(row[::-1])
        return table[::-1]

    def _ways(self, number: int, at: int, later: list[list[_Step]]) -> list[_Step]:
        """The steps from one place that take the item; `later` has the rows of the items behind it, last first."""
        item, following = self.items[number], later[-1]
        if isinstance(item, _Open):
            past = later[len(self.items) - item.end][at]
            return [_Step(past.cost, item.end, at, "pass"), _Step(following[at].cost, number + 1, at, "pass")]
        if isinstance(item, str):
            absent = 1 if len(item) == 1 else _WORD_MISSING
            ways = [_Step(absent + following[at].cost, number + 1, at, "missing")]
            cost = _mark_cost(item, self.words[at]) if at < len(self.words) else None
            if item != "." and self._is_in_a_number(at):
                cost = None
            if cost is not None:
                ways.append(_Step(cost + following[at + 1].cost, number + 1, at + 1, "take"))
            return ways
        ways = []
        unknown: list[_Step] = []
        dotted = self.items[number + 1 : number + 2] == ["."]
        for end in range(at + 1, min(at + _LONGEST, len(self.words)) + 1):
            if (self._is_in_a_number(end) and not dotted) or self._is_in_a_number(end - 1):
                continue  # the 12 of 12.8 would be one field's, and the 8 another's
            reading = self.fields.read(item, "".join(self.words[at:end]))
            if reading is not None:
                kind = ways if reading.cost < UNKNOWN else unknown
                kind.append(_Step(reading.cost + following[end].cost, number + 1, end, "take"))
        # of ways that cost the same the first one is taken
        return [*ways, _Step(MISSING + following[at].cost, number + 1, at, "missing"), *unknown]

    def _is_in_a_number(self, at: int) -> bool:
        """Whether a word is the full stop between two numbers."""
        around = self.words[max(at - 1, 0) : at + 2]
        return len(around) == 3 and around[1] == "." and around[0].isdigit() and around[2].isdigit()

    # --------------------------------------------------------------------------- reading it off

    def _walk(self, table: list[list[_Step]]) -> None:
        number = at = 0
        lost: list[str] = []  # words that are too much, side by side
        gone = False  # the field before is missing: its separator is not a fault of its own
        while True:
            step = table[number][at]
            item = self.items[number] if number < len(self.items) else ""
            if step.kind == "excess":
                lost.append(self.words[at])
            elif lost and step.kind != "pass":
                self._too_much(lost, number == len(self.items))
                lost = []
            if step.kind == "end":
                return
            if step.kind in ("take", "missing") and isinstance(item, Field):
                self._field(item, "".join(self.words[at : step.word]))
                gone = step.kind == "missing"
            elif step.kind == "take" and isinstance(item, str):
                self._mark(item, self.words[at])
            elif step.kind == "missing" and isinstance(item, str):
                self._missing_mark(item, at, gone or self._field_goes_missing(table, number + 1, at))
            number, at = step.item, step.word

    def _field_goes_missing(self, table: list[list[_Step]], number: int, at: int) -> bool:
        """Whether the next field is missing too, which says all."""
        while number < len(self.items):
            step = table[number][at]
            if isinstance(self.items[number], Field):
                return step.kind == "missing"
            if step.kind not in ("missing", "pass"):
                return False
            number, at = step.item, step.word
        return False

    def _field(self, item: Field, text: str) -> None:
        if not text:
            self.complete = False
            self.faults.append(f"the {item.name} is missing")
            return
        reading = self.fields.read(item, text)
        assert reading is not None, "an alignment takes only what was read"
        self.recognised = self.recognised or reading.cost < UNKNOWN
        reading = self.fields.with_nearest(item, text, reading)
        self.faults += reading.faults
        self.complete = self.complete and reading.value is not None
        if reading.value:
            self.values[item.name] = reading.value

    def _mark(self, item: str, word: str) -> None:
        if item != word:
            self.faults.append(f"`{item}` is expected where `{printable(word, 60)}` stands")

    def _missing_mark(self, item: str, at: int, excused: bool) -> None:
        if not excused:
            where = (
                f"before `{printable(''.join(self.words[at:]), 60)}`"
                if at < len(self.words)
                else "at the end"
            )
            last = self.faults[-1] if self.faults else ""
            said = f"` is missing {where}"
            if last.endswith(said) and not last.startswith("the "):  # side by side, they are one text
                self.faults[-1] = f"{last.removesuffix(said)}{item}{said}"
            else:
                self.faults.append(f"`{item}{said}")

    def _too_much(self, lost: list[str], at_end: bool) -> None:
        text = printable("".join(lost), 60)
        if any(word.isalnum() or word not in _MARKS for word in lost):
            self.complete = False
        self.faults.append(
            f"`{text}` follows where the name has ended"
            if at_end
            else f"`{text}` stands where nothing is expected"
        )


def _cost(step: _Step) -> int:
    return step.cost


def _mark_cost(item: str, word: str) -> int | None:
    if item == word:
        return 0
    same = item.casefold() == word.casefold() or (item in _MARKS and word in _MARKS)
    return 1 if same else None


# ------------------------------------------------------------------------------------ other orders


def _in_any_order(text: str, fields: FieldReader, reader: Reader) -> dict[str, str]:
    """Field -> value where each piece between marks is one field of the template, whatever their order."""
    pieces = ["".join(group) for mark, group in groupby(text, key="-_+/ ".__contains__) if not mark]
    wanted = [field for field in fields_of(reader.parts) if field.name not in ("os", "variant", "release")]
    if not 2 <= len(pieces) <= len(wanted):
        return {}
    values: dict[str, str] = {}
    for piece in pieces:
        fits = []
        for field in wanted:
            bare = re.sub("^[vV](?=[0-9])", "", piece) if field.name == "version" else piece
            reading = fields.read(field, bare)
            if reading is not None and reading.value and not reading.guess:
                fits.append((reading.cost, field.name, reading.value))
        if not fits or min(fits)[1] in values:
            return {}
        values[min(fits)[1]] = min(fits)[2]
    return values
