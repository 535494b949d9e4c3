"""Refuses a tag whose Dockerfile leaves the base image, the framework or its companions unpinned, or loses a pin to the shell (`pip install pkg>=1` unquoted); warns of other Python packages, and notes system packages and pip itself

A tag names one environment for ever. What is not pinned is another thing at the next build: the tag stays and
its meaning moves. `pip install pkg>=1` without quotes is worse: the shell takes `>=1` for a redirect, so pip
sees no version at all, and a file called `=1` is left in the image.

Name exact versions: `torch==2.8.0+cu128`, a base image with its full tag (better: its digest), and quotes
around every requirement that holds `<` or `>`. conda's `pytorch=2.1` is not exact, and `pytorch==2.1.0` is;
`pytorch=2.1.0` is a warning.
"""  # noqa: E501 - the first line is the row of a table

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from envhooks.base.place import Level
from envhooks.catalog.lookup import COMPANIONS
from envhooks.image import CannotTell, Environment, Unpinned
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy
from envhooks.tagname.names import Naming

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ()
READS = ("environment",)
MAY_READ = ("naming", "pins")
_PINS = {
    **dict.fromkeys(("apt", "apt-get", "aptitude", "zypper"), "=<version>"),
    **dict.fromkeys(("dnf", "microdnf", "tdnf", "yum"), "-<version>"),
    "apk": "=<version>-r<revision>",
    "conda": "==<version>",
}
"""Manager -> how a pin is written for it, behind the package's name."""
_ONE_RELEASE = r"(?a)[A-Za-z0-9]=[0-9]+\.[0-9]+\.[0-9]+\Z|\Apytorch-cuda=[0-9]+\.[0-9]+\Z"
"""conda's `pytorch=2.3.0`: three numbers are one release, of whose builds any may come; `pytorch-cuda` has but two."""


def not_applicable(subject: Subject, policy: Policy) -> str:
    """A file that is not there pins nothing; dockerfile-matches says that it is not there."""
    missing = any(doubt.what == "dockerfile" for doubt in subject.environment.cannot_tell)
    return "there is no Dockerfile" if missing and _framework(subject) else ""


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding for each thing that the next build may get otherwise."""
    environment = subject.environment
    known = {package for packages in policy.tag.frameworks.values() for package in packages} | COMPANIONS
    for unpinned in environment.unpinned:
        yield _finding(unpinned, _level(unpinned, known), subject, unpinned.name in known)
    base = environment.base
    wants_digest = policy.has_option("dockerfile-pinned", "base-digest")
    if wants_digest and base is not None and base.digest is None and base.image != "scratch":
        reference = f"{base.image}:{base.tag}" if base.tag else base.image
        text = "the policy wants the base image by its digest: a tag can be moved"
        look = f"docker buildx imagetools inspect {shlex.quote(reference)}"
        advice = f"write the digest that stands behind it today: {look}"
        yield Finding.at(
            base.place, text, got=reference, expected=f"{reference}@sha256:<digest>", advice=advice
        )
    mine = policy.tag.frameworks.get(_framework(subject), ())
    for doubt in environment.cannot_tell:
        if base is not None and base.is_fixed and doubt.place == base.place:
            continue  # what is in it is the same at the next build, whatever it is
        if doubt.what in ("hardware", "python") or doubt.what in mine:
            continue  # dockerfile-matches says it of the tag's own framework
        yield _doubtful(environment, doubt, known)


def _framework(subject: Subject) -> str:
    naming = subject.facts.get("naming")
    name = naming.name if isinstance(naming, Naming) else None
    return (name.framework or "") if name else ""


def _level(unpinned: Unpinned, known: set[str]) -> Level:
    if unpinned.kind in ("system", "installer") and not unpinned.swallowed:
        return "note"
    if unpinned.manager == "conda" and re.search(_ONE_RELEASE, unpinned.text):
        return "warning"
    if unpinned.kind == "base" or unpinned.swallowed or unpinned.name in known:
        return "error"
    return "warning"


def _finding(unpinned: Unpinned, level: Level, subject: Subject, is_known: bool) -> Finding:
    if unpinned.swallowed:
        text = f"the shell takes the version of {unpinned.name} for a redirect, so none is asked for"
        expected = f"'{unpinned.text}' in quotes, and better an exact version"
    elif unpinned.kind == "base":
        text, expected = "the base image is not pinned", "a full tag or a digest"
    else:
        text, expected = (
            f"{unpinned.name} is not pinned",
            f"{unpinned.name}{_PINS.get(unpinned.manager, '==<version>')}",
        )
    if unpinned.why and not unpinned.swallowed:
        text += f": {unpinned.why}"
    return Finding.at(
        unpinned.place,
        text,
        level=level,
        got=unpinned.text,
        expected=expected,
        **_mend(unpinned, subject, is_known),
    )


def _mend(unpinned: Unpinned, subject: Subject, is_known: bool) -> Mend:
    """The pin, where the table knows the version; the quotes; else where the versions are listed."""
    from envhooks.base.hygiene import word

    pins = subject.pins
    if pins is not None and pins.fix and unpinned.name in pins.names:
        return {"fix": pins.fix}
    if unpinned.swallowed and not is_known:
        return {"fix": _quoted(unpinned)}
    if unpinned.kind == "base":
        look = f"docker buildx imagetools inspect {word(unpinned.text)} --format '{{{{.Manifest.Digest}}}}'"
        return {"advice": f"choose a full tag, or the digest that stands behind this one today: {look}"}
    if unpinned.kind == "python":
        asked = "conda search" if unpinned.manager == "conda" else "python -m pip index versions"
        choose = "choose a version, and put quotes around it" if unpinned.swallowed else "choose a version"
        return {"advice": f"{choose}: {asked} {word(unpinned.name)}"}
    return {}


def _quoted(unpinned: Unpinned) -> str:
    """The command that puts quotes around a requirement whose version the shell takes."""
    from envhooks.base.hygiene import word

    plain = re.sub(r"([][\\.*+?(){}|^$/])", r"\\\1", unpinned.text)
    quoted = re.sub(r"([\\&/])", r"\\\1", unpinned.text)
    path = unpinned.place.path
    script = f's/(^|[^A-Za-z0-9_."-]){plain}/\\1"{quoted}"/'
    return f"sed -E -i.before {word(script)} {word(path)} && rm {word(f'{path}.before')}"


def _doubtful(environment: Environment, doubt: CannotTell, known: set[str]) -> Finding:
    if doubt.what == "packages":
        text = f"cannot tell all that this installs: {doubt.why}"
        advice = "install from the Dockerfile, or from a requirement or lock file, what is to be read"
        return Finding.at(doubt.place, text, level="warning", advice=advice)
    what = {"base": "the base image", "dockerfile": "anything"}.get(doubt.what, doubt.what)
    return Finding.at(
        doubt.place,
        f"cannot tell whether {what} is pinned: {doubt.why}",
        level="error" if doubt.what in known or what != doubt.what else "warning",
        expected="a version that stands in the file as it is",
        advice="write the version where it stands, or give the variable a default that has it",
    )
