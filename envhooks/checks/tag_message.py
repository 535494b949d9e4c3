"""Refuses a tag that has an empty message, or a subject line whose stated facts (CUDA 11.8, PyTorch 2.8) contradict the Dockerfile while no mention of the fact agrees

The message is the part of a release that `git show` prints, and that release notes are made from. A subject
line that promises CUDA 11.8 over a CUDA 12.8 image misleads exactly the people who read before they pull.

Write one line that says what this release is. "Move from CUDA 11.8 to CUDA 12.8" is in order: one mention
agrees. Only the subject line is held against the Dockerfile; the text below it is free.
"""  # noqa: E501 - the first line is the row of a table

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from envhooks.base.place import Place
from envhooks.image import Environment, versions_agree
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy
from envhooks.tagname.names import Naming

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ("tag-annotated",)
READS = ("object",)
MAY_READ = ("environment", "publication", "naming")

_NUMBER = r"[-_ :=/]{0,2}v?([0-9]{1,4}(?:\.[0-9]{1,4}){0,3})(?![0-9])"
_HARDWARE = rf"(?ia)(?<![a-z])(cuda|rocm){_NUMBER}"
_SHORT = r"(?ia)(?<![a-z0-9])cu([0-9]{1,2})([0-9])(?![0-9])"
_PYTHON = rf"(?ia)(?<![a-z])python{_NUMBER}"
# "PyTorch CUDA 2.8" speaks of PyTorch 2.8: no release of CUDA or ROCm in use has so low a number
_LOWEST = {"cuda": 7, "rocm": 4}


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding for an empty message, or one for each fact that the Dockerfile contradicts."""
    annotation = subject.annotation
    lines = [line.strip() for line in annotation.message.split("\n")]
    line = next((line for line in lines if line), "")
    if not line:
        from envhooks.judge.fixes import remake

        expected = "a line that says what this release is"
        yield Finding(
            "the tag's message is empty", expected=expected, **remake(subject, annotation.target[:12])
        )
        return
    environment = subject.facts.get("environment")
    if not isinstance(environment, Environment):
        return
    said = _said(line.replace(subject.tag, " ")[:1000], policy.tag.frameworks)
    for fact, mentions in said.items():
        truths = _truths(fact, environment, policy.tag.frameworks)
        if not truths or any(versions_agree(mention, truth) for mention in mentions for truth in truths):
            continue
        own = _named(subject).get(fact, "")
        differs = own and not any(versions_agree(truth, own) for truth in truths)
        if differs and any(versions_agree(mention, own) for mention in mentions):
            continue  # it says what the name says, and dockerfile-matches tells that the Dockerfile does not
        place = next(iter(truths.values()))
        yield Finding.at(
            place,
            f"the tag's message says {fact} {' and '.join(mentions)}, and the Dockerfile {' and '.join(truths)}",
            got=line,
            expected=f"{fact} {next(iter(truths))}",
            **_told_right(subject, mentions, [*truths]),
        )


def _told_right(subject: Subject, mentions: list[str], truths: list[str]) -> Mend:
    """The tag made anew with what the Dockerfile says; where it says several things, a person has to write it."""
    from envhooks.judge.fixes import remake

    annotation = subject.annotation
    message = annotation.message.strip("\n")
    line = next(line for line in message.split("\n") if line.strip())
    truth = min(truths, key=len)
    settled = len({*mentions}) == 1 and all(versions_agree(truth, other) for other in truths)
    if not settled or line.replace(subject.tag, "").count(mentions[0]) != len(mentions):
        return {"advice": "write a subject line that says what the Dockerfile does, and make the tag again"}
    numbers = truth.split(".")[: max(2, mentions[0].count(".") + 1)]
    parts = line.split(subject.tag)
    told = subject.tag.join(part.replace(mentions[0], ".".join(numbers)) for part in parts)
    return remake(subject, annotation.target[:12], message.replace(line, told, 1))


def _named(subject: Subject) -> dict[str, str]:
    """Fact -> the version that the tag's name states for it."""
    naming = subject.facts.get("naming")
    name = naming.name if isinstance(naming, Naming) else None
    stated = ((name.framework, name.version_text), (name.hardware, name.hardware_version)) if name else ()
    return {fact: version for fact, version in stated if fact and version}


def _said(line: str, frameworks: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Fact -> the versions that a line states for it: {"CUDA": ["11.8"]}."""
    said: dict[str, list[str]] = {}
    if not any("0" <= letter <= "9" for letter in line):
        return said
    for kind, version in re.findall(_HARDWARE, line):
        if int(version.split(".")[0]) >= _LOWEST[kind.lower()]:
            said.setdefault("CUDA" if kind.lower() == "cuda" else "ROCm", []).append(version)
    for major, minor in re.findall(_SHORT, line):  # cu118 is 11.8, cu92 9.2, and cu12 just 12
        version = f"{major}.{minor}" if len(major) == 2 or major == "9" else major + minor
        said.setdefault("CUDA", []).append(version)
    for version in re.findall(_PYTHON, line):
        said.setdefault("Python", []).append(version)
    for framework, packages in frameworks.items():
        names = "|".join(re.escape(name) for name in sorted({framework, *packages}, key=len, reverse=True))
        for version in re.findall(rf"(?<![a-z0-9-])(?:{names}){_NUMBER}", line, re.IGNORECASE | re.ASCII):
            if "." in version:
                said.setdefault(framework, []).append(version)
    return said


def _truths(
    fact: str, environment: Environment, frameworks: Mapping[str, tuple[str, ...]]
) -> dict[str, Place]:
    """Version -> where it stands, for everything in the Dockerfile that states this fact for certain."""
    if fact == "Python":
        return {environment.python: Place(environment.path)} if environment.python else {}
    if fact in ("CUDA", "ROCm"):
        return {one.version: one.place for one in environment.hardware if one.kind == fact and one.version}
    packages = frameworks[fact]
    if any(doubt.what in packages for doubt in environment.cannot_tell):
        return {}
    found = environment.find(*packages)
    return {found[-1].version: found[-1].place} if found and found[-1].version else {}
