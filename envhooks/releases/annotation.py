"""The message of a release tag: what it is, its changelog entry, and the facts that were read, as git trailers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.hygiene import printable
from envhooks.changelog import Changelog
from envhooks.image import Environment
from envhooks.image.compat.table import Table
from envhooks.judge.facts import Subject
from envhooks.policy import Policy
from envhooks.releases.compare import base_text, driver_text, version_text

MOST = 16_000
"""Characters of a changelog entry that a tag carries; of a longer one the rest stays in the changelog."""
_HEADING = r"\A {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*\Z"
_LINK = r"\A\[[^\]]+\]:[ \t]*\S+\Z"


def annotation(subject: Subject, policy: Policy, table: Table | None = None) -> str:
    """The message for a tag that is about to be made, ending in a line feed."""
    environment = subject.facts.get("environment")
    known = environment if isinstance(environment, Environment) else None
    changelog = subject.facts.get("changelog")
    entry = changelog.entry if isinstance(changelog, Changelog) else None
    blocks = [_title(subject, known, policy)]
    if entry is not None and entry.body.strip():
        blocks.append(_entry(entry.body, changelog.path if isinstance(changelog, Changelog) else ""))
    if known is not None:
        blocks.append("\n".join(_trailers(subject, known, policy, table)))
    return "\n\n".join(filter(None, blocks)) + "\n"


def _title(subject: Subject, environment: Environment | None, policy: Policy) -> str:
    """`PyTorch 2.8.0 for CUDA 12.8, rc1`: each version as the Dockerfile has it, or else none."""
    name = subject.name
    version = _framework(subject, environment, policy) if environment else ""
    number = _hardware(subject, environment) if environment else ""
    hardware = " ".join(filter(None, (name.hardware, number)))
    what = " ".join(filter(None, (name.framework, version)))
    title = f"{what} for {hardware}" if what and hardware else what or hardware
    stage = f", {name.stage_text}" if name.stage_text else ""
    return printable(f"{title}{stage}" if title else name.text)


def _framework(subject: Subject, environment: Environment, policy: Policy) -> str:
    packages = policy.tag.frameworks.get(subject.name.framework or "", ())
    found = environment.find(*packages)[-1:]
    return (found[0].version or "") if found and found[0].exact else ""


def _hardware(subject: Subject, environment: Environment) -> str:
    """The hardware's version, if all that speaks of it says the same as far as it goes."""
    kind = subject.name.hardware
    versions = [one.version for one in environment.hardware if one.kind == kind and one.version]
    shortest = min(versions, key=len, default="")
    return shortest if all(f"{one}.".startswith(f"{shortest}.") for one in versions) else ""


def _entry(body: str, path: str) -> str:
    """The entry as plain text: headings as `Title:`, definitions of links left out."""
    lines = []
    for line in body.strip("\n").split("\n"):
        heading = re.match(_HEADING, line)
        if re.match(_LINK, line):
            continue
        text = f"{heading[1]}:" if heading and heading[1] else line
        # what begins so would be mistaken for the beginning of a signature
        lines.append(f" {printable(text, 2000)}" if text.startswith("-----") else printable(text, 2000))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    return (
        text
        if len(text) <= MOST
        else f"{text[:MOST].rpartition(chr(10))[0]}\n\n(the rest is in {printable(path)})"
    )


def _trailers(
    subject: Subject, environment: Environment, policy: Policy, table: Table | None
) -> Iterator[str]:
    framework = _framework(subject, environment, policy)
    if framework and subject.name.framework:
        packages = policy.tag.frameworks[subject.name.framework]
        text = version_text(environment.find(*packages)[-1])
        yield printable(f"Framework: {subject.name.framework} {text}")
    kinds: dict[str, dict[str, None]] = {}
    for one in environment.hardware:
        kinds.setdefault(one.kind, {})[one.version or ""] = None
    for kind, versions in kinds.items():
        told = ", ".join(filter(None, versions))
        if told:
            yield printable(f"{kind}: {told}")
    if environment.python:
        yield printable(f"Python: {environment.python}")
    if base_text(environment):
        yield printable(f"Base-Image: {base_text(environment)}")
    if driver_text(environment, table):
        yield printable(f"Least-NVIDIA-Driver: {driver_text(environment, table)}")
