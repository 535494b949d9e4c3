"""Refuses a tag whose commit has no dated changelog entry with text for its version

Whoever finds the image a year later asks what is in it and what changed; the changelog at the tagged commit
is where the answer is looked for, and after the release it is too late to write it there.

Write an entry whose heading names the tag or its version with its stage, and the day, in any usual form:
`## [2.8-rc1] - 2026-05-01`, `# Release 2.8 (May 1, 2026)`, `PyTorch-CUDA-v2.8` underlined. `Unreleased` is no
entry, and `2.8` is none for `2.8-rc1`. Where the headings look otherwise, give the policy a template:
`[changelog] heading = "## env {version} ({date})"`. An entry that is marked `[YANKED]` is none.

Where a line is nearly the entry (`##2.8-rc1`, `2.8` for `2.8.0`, `**2.8-rc1**`), the refusal names it, and its fix
makes it the entry; so does `30/6/2026`, which may be two days. An entry in another file is named as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.base.dataclass import replace
from envhooks.changelog import Changelog, Near
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

NEEDS = ("tag-name",)
READS = ("naming", "changelog")
MAY_READ = ("object", "publication")
_THEN = "say what changed, commit it, and tag that commit"


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """At most one finding: the first thing that the entry lacks."""
    changelog = subject.changelog
    if changelog.is_good:
        return
    found = _lacking(changelog)
    if changelog.written:
        from envhooks.judge.fixes import committed

        text, got = "the entry for this release is written and not committed", "the entry in the work tree"
        yield replace(found, message=text, got=got, **committed(subject, changelog.path))
    elif changelog.fix:
        yield replace(found, fix=changelog.fix, advice=_then(changelog.near))
    elif changelog.entry is not None and changelog.entry.is_yanked:
        yield found
    else:
        advice = f"write the entry: {changelog.heading}"
        if changelog.near is not None and changelog.near.is_foreign:
            advice += "\nas a heading, where the file has its newest"
        yield replace(found, advice=advice)


def _lacking(changelog: Changelog) -> Finding:
    entry, near = changelog.entry, changelog.near
    if entry is None:
        text, got = "there is no changelog at the tagged commit", f"no {changelog.path}"
        if changelog.exists:
            text = "the changelog at the tagged commit has no entry for this release"
            got = ", ".join(changelog.headings[:5]) or "no entries"
        if near is not None:
            got = f"{near.text}: {near.why}"
        expected = f"an entry such as: {changelog.heading}"
        path, line = (near.path or changelog.path, near.line) if near else (changelog.path, None)
        return Finding(text, got=got, expected=expected, path=path, line=line)
    got = entry.heading
    if entry.is_yanked:
        text = "the entry for this release says that it was yanked"
        expected = "a release that is meant to be used, under a version of its own"
    elif entry.date is None:
        text, expected = "the entry for this release carries no date", f"a date, as in: {changelog.heading}"
        got = f"{got}: {near.why}" if near else got
    else:
        text, expected = "the entry for this release says nothing", "what changed, and for whom"
    return Finding(text, got=got, expected=expected, path=changelog.path, line=entry.line)


def _then(near: Near | None) -> str:
    """What a person does after the fix, and where another file holds the entry, before it."""
    if near is None or not near.path:
        return _THEN
    return (
        f"{_THEN}\nor, where {near.path} is the changelog, name it below [changelog] in .envhooks/policy.toml"
    )
