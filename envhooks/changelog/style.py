"""Headings as a file writes its own: the place of the version, its marks, and the form of its dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.changelog.dates import digits_of, find_day, heading_date, is_unreleased
from envhooks.changelog.headings import find_heading, release_in
from envhooks.tagname.names import TagName

if TYPE_CHECKING:
    from envhooks.changelog.reader import EntryPlace

DAY = "DATE"
"""Stands for the day of today until a command, or `envhooks changelog`, writes it."""
USUAL = "##"
"""The mark of an entry's heading where the file has none."""
_MONTH = r"[A-Za-z]{3,9}\.?"


def is_oldest_first(places: Sequence[EntryPlace]) -> bool:
    """Whether the entries stand in the order of their days, so that the next one comes last."""
    found = (find_day(place.text) for place in places if not is_unreleased(place.text))
    days = [digits_of(day) for day in found if day is not None]
    return len(days) > 1 and days[0] < days[-1]


def usual_heading(name: TagName, template: str | None) -> str:
    """The heading that the policy's template makes, else a usual one."""
    stage = f"-{name.stage_text}" if name.stage_text else ""
    if template is None:
        said = name.release_text if name.is_ordered else name.text
        # `20260130` is a date to no reader of changelogs
        dated = any(mark in name.field("date") for mark in "-.")
        return said if dated else f"{said} - {DAY}"
    staged = "{stage}" in template
    fields = {
        "version": name.version_text + ("" if staged else stage),
        "stage": name.stage_text,
        "date": DAY,
        "tag": name.text,
        "framework": name.framework or "",
        "hardware": (name.hardware or "") + (name.hardware_version or ""),
        "cuda": name.hardware_version or "",
        "rocm": name.hardware_version or "",
        **dict(name.extra),
    }
    if staged and not stage:
        template = re.sub(r"[-_. ]?\{stage\}", "", template)
    return re.sub(r"\{([a-z0-9-]+)\}", lambda one: fields.get(one.group(1), one.group()), template)


def styled(headings: Sequence[str], name: TagName, template: str | None) -> tuple[str, str]:
    """(heading as the file writes its own, form of its dates for `date`)."""
    plain = re.sub(r"\A#+\s*", "", usual_heading(name, template))
    for text in headings:
        day = heading_date(text)
        form = _form(day) if day else ""
        if not day or not form:
            continue
        if template is not None or DAY not in plain:
            return plain, form
        for spelt in _spelt(_skeleton(text, day), name):
            if find_heading([spelt.replace(DAY, "2026-01-01")], name) is not None:
                return spelt, form
    return plain, "%Y-%m-%d"


def _skeleton(heading: str, day: str) -> str:
    """The heading with `DATE` for its day, without what is of one release alone: a link's target, a title."""
    before, _, behind = re.sub(r"\]\([^()\s]*\)", "]", heading).partition(day)
    closing = re.match(r"[\])}*_ ]*", behind)
    return f"{before}{DAY}{closing[0].rstrip() if closing else ''}"


def _spelt(heading: str, name: TagName) -> list[str]:
    """The heading of another release with this one's name in its place, or its version in the same spelling."""
    named = _by_whole_name(heading, name)
    found = release_in(heading)
    if found is None:
        return named
    start, end = found
    old = heading[start:end]
    whole = re.search(r"[A-Za-z][\w.+/-]*\Z", heading[:start])
    ways = named
    if whole and len(whole.group()) > 1 and name.text.casefold().startswith(whole.group().casefold()):
        ways.append(heading[: whole.start()] + name.text + heading[end:])
    between = re.search(r"[0-9](\W?)[A-Za-z]", old)
    joint = between[1] if between else "-"
    version = name.version_text or replace(name, stage="stable", stage_number=0).release_text
    stage = f"{joint}{name.stage_text}" if name.stage_text else ""
    return [*ways, heading[:start] + version + stage + heading[end:]]


def _by_whole_name(heading: str, name: TagName) -> list[str]:
    """The heading with this tag where the name of another one stands: `2.7-cu126`, more than a version and a stage."""
    before = re.match(r"\D*", name.text.casefold())
    for match in re.finditer(r"[^\s\[\]()*`:,]+", heading):
        token = match.group()
        number = re.search(r"[0-9]", token)
        if number is None or before is None or token[: number.start()].casefold() != before.group():
            continue
        is_version = release_in(token) == (number.start(), len(token))
        if not is_version and re.search("[A-Za-z]", token[number.end() :]):
            return [heading[: match.start()] + name.text + heading[match.end() :]]
    return []


def _month(text: str) -> str:
    return "%b" if len(text.rstrip(".,")) == 3 and text.casefold() != "may" else "%B"


def _form(day: str) -> str:
    numbers = re.fullmatch(r"[0-9]{4}([-./])[0-9]{1,2}\1[0-9]{1,2}", day)
    if numbers:
        return f"%Y{numbers[1]}%m{numbers[1]}%d"
    if re.fullmatch(rf"{_MONTH} [0-9]+(?:st|nd|rd|th)?,? [0-9]{{4}}", day):
        return f"{_month(day.split()[0])} %d{',' if ',' in day else ''} %Y"
    if re.fullmatch(rf"[0-9]+(?:st|nd|rd|th)? {_MONTH},? [0-9]{{4}}", day):
        return f"%d {_month(day.split()[1])} %Y"
    return "%Y年%m月%d日" if re.fullmatch("[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日", day) else ""
