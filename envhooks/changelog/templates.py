"""Headings of changelogs in the form that the policy's template gives."""

from __future__ import annotations

import re

from envhooks.base.errors import CannotJudge
from envhooks.changelog.dates import day_at, digits_of
from envhooks.changelog.headings import VERSION, release_of
from envhooks.tagname.names import TagName
from envhooks.tagname.template import NUMBER_OF, is_package

_FIELD = r"\{([^{}]*)\}"


def matches_template(template: str, heading: str, name: TagName) -> bool:
    """Whether a heading is what the policy's template makes of this release.

    The template is walked along the heading: literal text has to stand there, and each field is known
    from the tag or reads one date or version. There is nothing to go back for, so no time to lose.
    Without a `{stage}` of its own, `{version}` includes the stage: `2.8-rc1`.
    """
    text, at = " ".join(heading.split()), 0
    parts = re.split(_FIELD, " ".join(template.lstrip("# \t").split()))
    staged = "stage" in parts[1::2]
    for number, part in enumerate(parts):
        if number % 2:
            end = _field(part, text, at, name, staged)
        else:
            follows_stage = number + 1 < len(parts) and parts[number + 1] == "stage"
            literal = part.rstrip("-_. ") if follows_stage and name.stage == "stable" else part
            end = at + len(literal) if text[at : at + len(literal)].casefold() == literal.casefold() else None
        if end is None:
            return False
        at = end
    return at == len(text)


def _field(field: str, text: str, at: int, name: TagName, staged: bool) -> int | None:
    """End of the field in `text`; None where the field is not there."""
    if field == "date":
        day = day_at(text, at)
        if day is None:
            return None
        own = re.sub("[^0-9]", "", name.field("date"))
        return day.end() if not own or own == digits_of(day) else None
    if field == "version" and not staged:
        match = VERSION.match(text, at + (text[at : at + 1] in ("v", "V")))
        wanted = (name.version, name.stage, name.stage_number)
        return match.end() if match and release_of(match) == wanted else None
    known = {
        "version": name.version_text,
        "stage": name.stage_text,
        "tag": name.text,
        "framework": name.framework or "",
        "hardware": (name.hardware or "") + (name.hardware_version or ""),
        **{
            number: (name.hardware_version or "") if name.hardware == kind else ""
            for number, kind in NUMBER_OF.items()
        },
        **{other: name.field(other) for other in ("python", "cudnn", "os", "release", "variant")},
        **dict(name.packages),
    }
    if field not in known and is_package(field):
        return None  # this name does not carry it
    if field not in known:
        fields = ", ".join(f"{{{one}}}" for one in (*known, "date"))
        raise CannotJudge(
            f"the changelog's heading template has an unknown field {{{field}}}", fix=f"use {fields}"
        )
    value = known[field]
    return at + len(value) if text[at : at + len(value)].casefold() == value.casefold() else None
