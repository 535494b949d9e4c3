"""Refuses a tag that is stable and has no known issues and upgrade notes in its entry, and warns of a pre-release without use and risk

A list of changes does not answer what people ask before they move: what is known to be broken, and what must
I do? And before they try a candidate: what is it for, and what may go wrong?

For a stable release write sections such as `### Known issues` (`None known` is an answer) and `### Upgrading`;
for a candidate say what it is to be used for and what the risk is. Sections or sentences: the words count.
`envhooks changelog NAME` drafts them. `[checks] changelog-sections = "warning"` lowers it for stable releases too,
and `"error"` makes it one for pre-releases as well.
"""  # noqa: E501 - the first line is the row of a table

from __future__ import annotations

from collections.abc import Iterator

from envhooks.changelog import sections_of
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

NEEDS = ("changelog-entry",)
READS = ("naming", "changelog")

_WRITE = "write it: one sentence of each is enough"


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding for each thing that the entry leaves out."""
    changelog = subject.changelog
    entry = changelog.entry
    if entry is None:  # changelog-entry has said so
        return
    setting = policy.checks.get("changelog-sections")
    is_warning = not subject.name.is_stable and (setting is None or setting.level != "error")
    for section in sections_of(subject.name):
        if not section.is_answered_in(entry.body):
            yield Finding(
                f"the entry of a stable release has no {section.what}"
                if subject.name.is_stable
                else f"the entry of a pre-release does not say {section.what}",
                "warning" if is_warning else "error",
                got=", ".join(entry.sections) or "no sections",
                expected=f"a section such as: ### {section.title}",
                path=changelog.path,
                line=entry.line,
                advice=f"write it; below ### {section.title} `None known` is an answer"
                if subject.name.is_stable
                else _WRITE,
            )
