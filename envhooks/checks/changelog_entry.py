"""Refuses a tag whose commit has no dated changelog entry with text for its version

Whoever finds the image a year later asks what is in it and what changed; the changelog at the tagged commit
is where the answer is looked for, and after the release it is too late to write it there.

Write an entry whose heading names the tag or its version with its stage, and the day, in any usual form:
`## [2.8-rc1] - 2026-05-01`, `# Release 2.8 (May 1, 2026)`, `PyTorch-CUDA-v2.8` underlined. `Unreleased` is no
entry, and `2.8` is none for `2.8-rc1`. Where the headings look otherwise, give the policy a template:
`[changelog] heading = "## env {version} ({date})"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.changelog import Changelog, ChangelogEntry
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

NEEDS = ("tag-name",)
READS = ("naming", "changelog")


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """At most one finding: the first thing that the entry lacks."""
    changelog, entry = subject.changelog, subject.changelog.entry
    heading = _heading(subject, policy)
    if not changelog.exists:
        yield Finding(
            "there is no changelog at the tagged commit",
            got=f"no {changelog.path}",
            expected=f"an entry such as: {heading}",
            path=changelog.path,
            fix=_insert(changelog, heading),
        )
    elif entry is None:
        yield Finding(
            "the changelog at the tagged commit has no entry for this release",
            got=", ".join(changelog.headings[:5]) or "no entries",
            expected=f"an entry such as: {heading}",
            path=changelog.path,
            fix=_insert(changelog, heading),
        )
    elif entry.date is None:
        yield _at(changelog, entry, "the entry for this release carries no date", f"a date, as in: {heading}")
    elif not _says_something(entry):
        yield _at(changelog, entry, "the entry for this release says nothing", "what changed, and for whom")


def _at(changelog: Changelog, entry: ChangelogEntry, message: str, expected: str) -> Finding:
    return Finding(message, got=entry.heading, expected=expected, path=changelog.path, line=entry.line)


def _heading(subject: Subject, policy: Policy) -> str:
    """The heading that would do, with `DATE` for the day."""
    name = subject.name
    stage = f"-{name.stage_text}" if name.stage_text else ""
    template = policy.changelog.heading
    if template is None:
        told = name.release_text if name.is_ordered else name.text
        dated = any(
            mark in name.field("date") for mark in "-."
        )  # `20260130` is a date to no reader of changelogs
        return f"## {told}" if dated else f"## {told} - DATE"
    staged = "{stage}" in template
    fields = {
        "version": name.version_text + ("" if staged else stage),
        "stage": name.stage_text,
        "date": "DATE",
        "tag": name.text,
        "framework": name.framework or "",
        "hardware": (name.hardware or "") + (name.hardware_version or ""),
        "cuda": name.hardware_version or "",
        "rocm": name.hardware_version or "",
        **dict(name.extra),
    }
    if staged and not stage:
        template = re.sub(r"[-_. ]?\{stage\}", "", template)
    filled = re.sub(r"\{([a-z0-9-]+)\}", lambda field: fields.get(field.group(1), field.group()), template)
    return filled if filled.startswith("#") else f"## {filled}"


def _insert(changelog: Changelog, heading: str) -> str:
    """A command that puts the bare heading above the newest entry; what it says is a person's to write."""
    import shlex

    path = shlex.quote(changelog.path)
    if not changelog.exists:
        return f"printf '%s\\n\\n' {shlex.quote(heading)} | sed \"s/DATE/$(date +%F)/\" > {path}"
    return (
        f'awk -v h={shlex.quote(heading)} -v d="$(date +%F)" \'BEGIN {{ sub(/DATE/, d, h) }} '
        '/^## / && !n++ { print h "\\n" } { print } END { if (!n) print "\\n" h }\' '
        f"{path} > changelog.new && mv changelog.new {path}"
    )


def _says_something(entry: ChangelogEntry) -> bool:
    """Whether a line of the entry is more than a heading, a mark or a link's definition."""
    titles = {title.strip() for title in entry.sections}
    for line in entry.body.split("\n"):
        bare = line.strip().strip("#").strip()
        if bare in titles or re.fullmatch(r"\[[^\]]*\]:.*|\W*", bare):
            continue
        return True
    return False
