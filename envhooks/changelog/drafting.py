"""Commands that write an entry, or what it lacks, as the file itself would have it: its place, marks and dates.

The description of the changes is a person's. Until then the written sentences take its place: answers to the first
questions of a changelog's readers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import word
from envhooks.changelog import Changelog
from envhooks.changelog.headings import find_heading, heading_date, is_unreleased, release_in
from envhooks.changelog.reader import Entries, read_changelog
from envhooks.tagname.names import TagName

DAY = "DATE"
_MONTH = r"[A-Za-z]{3,9}\.?"
_UNDATED = r"(?i)\s*[-–—:(\[]*\s*(?:unreleased|not released|tbd|tba)\s*[)\]]*\s*\Z"


@dataclass(frozen=True)
class Draft:
    """An entry's heading, and the command that writes the entry into a changelog."""

    heading: str
    """Without its mark: `[2.8-rc1] - DATE`."""
    command: str
    """Empty where the file is of a kind that no command should write to."""


def draft(data: bytes | None, found: Changelog, name: TagName, template: str | None) -> Draft:
    """The command for what a changelog lacks; `data` are its bytes, None where there is no file."""
    if data is None:
        return new_file(found.path, name, template)
    entries = read_changelog(data, found.path)
    if found.entry is None:
        return new_entry(data, entries, found.path, name, template)
    number = next(at for at, entry in enumerate(entries) if entry.line == found.entry.line)
    if found.entry.date is None:
        return dated(data, entries, number, found.path, name, template)
    return told(data, entries, number, found.path, name)


def new_file(path: str, name: TagName, template: str | None) -> Draft:
    """The first entry of a changelog that is not there."""
    heading = usual_heading(name, template)
    lines = ["# Changelog", "", _marked(heading), "", _body(name)]
    folder = path.rpartition("/")[0]
    made = f"mkdir -p {word(folder)} && " if folder else ""
    return Draft(_marked(heading), f"{made}{_printed(lines, '%Y-%m-%d')} > {word(path)}")


def new_entry(data: bytes, entries: Entries, path: str, name: TagName, template: str | None) -> Draft:
    """An entry above the newest release; what stands below `Unreleased` becomes its own."""
    lines = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    heading, form = styled(entries.headings, name, template)
    places = [*entries.places]
    newest = next((place for place in places if not is_unreleased(place.text)), None)
    waiting = next((place for place in places if is_unreleased(place.text)), None)
    mark = newest.mark if newest else waiting.mark if waiting else USUAL
    own = [f"{mark} {heading}"] if mark.startswith("#") else [heading, mark * (len(heading) + 12)]
    if any(place.is_overlined for place in places):
        return Draft(heading, "")
    if waiting is not None and waiting.body.strip() and waiting.mark.startswith("#"):
        return Draft(own[0], _woven(path, lines[waiting.line - 1], own, form, "behind"))
    new = [*own, "", _body(name)]
    if newest is not None:
        return Draft(own[0], _woven(path, lines[newest.line - 1], new, form, "before"))
    return Draft(own[0], f"{_printed(['', *new], form)} >> {word(path)}")


def dated(
    data: bytes, entries: Entries, number: int, path: str, name: TagName, template: str | None
) -> Draft:
    """The day behind the heading of an entry that has none."""
    place = [*entries.places][number]
    heading, form = styled([text for text in entries.headings if heading_date(text)], name, template)
    line = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")[place.line - 1]
    if not place.mark.startswith("#"):
        return Draft(heading, "")
    bare = re.sub(_UNDATED, "", line.rstrip())
    if template is not None or find_heading([re.sub(r"\A#+\s*", "", bare)], name, None) is None:
        return Draft(heading, "")
    command = _woven(path, line, [f"{bare} - {DAY}"], form, "instead")
    return Draft(heading, command)


def told(data: bytes, entries: Entries, number: int, path: str, name: TagName) -> Draft:
    """Sentences below the heading of an entry that says nothing."""
    place = [*entries.places][number]
    line = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")[place.line - 1]
    if not place.mark.startswith("#"):
        return Draft(place.text, "")
    return Draft(place.text, _woven(path, line, [_body(name)], "%Y-%m-%d", "behind"))


def usual_heading(name: TagName, template: str | None) -> str:
    """The heading that the policy's template makes, else a usual one."""
    stage = f"-{name.stage_text}" if name.stage_text else ""
    if template is None:
        said = name.release_text if name.is_ordered else name.text
        dated = any(
            mark in name.field("date") for mark in "-."
        )  # `20260130` is a date to no reader of changelogs
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


# -------------------------------------------------------------------------------------- the style


USUAL = "##"
"""The mark of an entry's heading where the file has none."""


def _marked(heading: str) -> str:
    return heading if heading.startswith("#") else f"## {heading}"


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
        for spelt in _spelt(text.replace(day, DAY, 1), name):
            if find_heading([spelt.replace(DAY, "2026-01-01")], name, None) is not None:
                return spelt, form
    return plain, "%Y-%m-%d"


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
    version = name.release_text if not name.version else name.version_text
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
    return ""


# --------------------------------------------------------------------------------------- the body


def _body(name: TagName) -> str:
    what = " ".join(filter(None, (name.framework, name.version_text)))
    hardware = " ".join(filter(None, (name.hardware, name.hardware_version)))
    built = f" for {hardware}" if hardware else ""
    more = (
        ". No known issues. Upgrading needs nothing."
        if name.is_stable
        else ", to try out; not for production."
    )
    return f"{what or name.text}{built}{more}"


# ------------------------------------------------------------------------------------ the commands


def _line(text: str, form: str) -> str:
    """One word of the shell, with the day of today for `DATE`."""
    if DAY not in text:
        return word(text)
    before, _, after = text.partition(DAY)
    today = '"$(date +%F)"' if form == "%Y-%m-%d" else f'"$(LC_ALL=C date +{word(form)})"'
    return f"{word(before) if before else ''}{today}{word(after) if after else ''}"


def _printed(lines: Sequence[str], form: str) -> str:
    return f"printf '%s\\n' {' '.join(_line(line, form) for line in lines)}"


def _woven(
    path: str, at: str, lines: Sequence[str], form: str, where: Literal["before", "behind", "instead"]
) -> str:
    """The command that puts lines before or behind the first line that begins with `at`, or in its place."""
    found = 'index($0, ENVIRON["at"]) == 1 && !n++'
    script = {
        "before": f'{found} {{ print ENVIRON["new"] "\\n" }} 1',
        "behind": f'1; {found} {{ print "\\n" ENVIRON["new"] }}',
        "instead": f'{found} {{ $0 = ENVIRON["new"] }} 1',
    }[where]
    file, fresh = word(path), word(f"{path}.new")
    new = _line(lines[0], form) if len(lines) == 1 else f'"$({_printed(lines, form)})"'
    return f"at={word(at)} new={new} awk '{script}' {file} > {fresh} && mv {fresh} {file}"
