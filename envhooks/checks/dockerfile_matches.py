"""Refuses a tag whose framework, version or hardware differ from the Dockerfile at its commit

The name is what people pull by. `PyTorch-CUDA12.8-v2.8` that installs torch 2.7, or a CPU-only build, is a
wrong answer that nobody sees until a training run fails.

What is installed counts, not what variables are called. `v2.8` stands for any 2.8.x, `v2.8.1` and `v2.8.0` for
just that release; rc and post are stages of the environment, not of the framework. A hardware version must
agree with the wheel's (`+cu128`), or else with the base image's; plain `CUDA` with any, but not with a CPU or
ROCm build. Where the files do not say enough for an exact answer, write the version where it can be read:
in the Dockerfile, or in a requirement or lock file that it installs. Where it cannot be written, the policy may
allow that with a reason: `dockerfile-matches = { allow-cannot-tell = true, reason = "..." }`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.place import Level
from envhooks.catalog.lookup import carried_by
from envhooks.image.facts import CannotTell, Environment, Hardware, Package, versions_agree
from envhooks.judge.facts import Finding, Subject
from envhooks.policy.types import Policy
from envhooks.tagname.names import TagName

NEEDS = ("tag-name",)
READS = ("naming", "environment")


def not_applicable(subject: Subject, policy: Policy) -> str:
    """A name of a custom template may say nothing about the Dockerfile."""
    name = subject.name
    return "" if name.framework or name.hardware else "the name tells neither framework nor hardware"


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """What the tag says of framework and hardware, against what the Dockerfile installs."""
    name, environment = subject.name, subject.environment
    missing = _doubt(environment, "dockerfile")
    if missing is not None:
        yield Finding.at(missing.place, f"cannot tell what this builds: {missing.why}", got="nothing to read")
        return
    if name.framework:
        packages = policy.tag.frameworks.get(name.framework) or (name.framework.lower(),)
        # some files cannot state it: the policy may let those pass, and says why
        allowed = policy.has_option("dockerfile-matches", "allow-cannot-tell")
        yield from _framework(name, environment, packages, "warning" if allowed else "error")
        yield from _stale(environment, packages)
    if name.hardware:
        yield from _hardware(name, name.hardware, environment)


# ------------------------------------------------------------------------------------ framework


def _framework(
    name: TagName, environment: Environment, packages: tuple[str, ...], doubtful: Level
) -> Iterator[Finding]:
    expected = f"{packages[0]} {_wanted(name)}".strip()
    found = environment.find(*packages)
    last = found[-1] if found else None
    doubt = next(
        (d for d in environment.cannot_tell if d.what in packages and not _is_settled(d, last)), None
    )
    if doubt is not None:
        text = f"cannot tell which version of {name.framework} this installs: {doubt.why}"
        yield Finding.at(doubt.place, text, level=doubtful, expected=expected)
    elif last is None and (hidden := _doubt(environment, "packages")) is not None:
        text = f"cannot tell whether this installs {name.framework}: {hidden.why}"
        yield Finding.at(hidden.place, text, level=doubtful, expected=expected)
    elif last is None:
        yield Finding(
            f"the Dockerfile installs no {name.framework}",
            got=f"no {' or '.join(packages)}",
            expected=expected,
            path=environment.path,
        )
    elif not last.exact or last.version is None:
        text = f"the Dockerfile leaves the version of {name.framework} open, so it does not say what the tag says"
        yield Finding.at(last.place, text, got=f"{last.name}{last.specifier}", expected=expected)
    elif name.version and not _is_release(last.version, name):
        yield Finding.at(
            last.place,
            f"the tag says {name.framework} {name.version_text}, and the Dockerfile installs {last.version}",
            got=f"{last.name} {last.version}",
            expected=expected,
            fix=_rewrite(last, name),
        )


def _stale(environment: Environment, packages: tuple[str, ...]) -> Iterator[Finding]:
    """A variable that is called like the version and holds another than what is installed."""
    installed = [package.version for package in environment.find(*packages) if package.version]
    for hint in environment.hints:
        if installed and hint.package in packages and not versions_agree(hint.version, installed[-1]):
            text = f"{hint.variable} says {hint.version}, but nothing installs that: {installed[-1]} is installed"
            yield Finding.at(hint.place, text, level="note", got=hint.version, expected=installed[-1])


def _doubt(environment: Environment, what: str) -> CannotTell | None:
    return next((doubt for doubt in environment.cannot_tell if doubt.what == what), None)


def _is_settled(doubt: CannotTell, last: Package | None) -> bool:
    """Whether an exact version is installed further down in the same file: the last one wins."""
    if last is None or not last.exact or last.place.path != doubt.place.path:
        return False
    return (last.place.line or 0) > (doubt.place.line or 0)


def _wanted(name: TagName) -> str:
    return f"{name.version_text}.x" if len(name.version) == 2 else name.version_text


def _is_release(version: str, name: TagName) -> bool:
    match = re.match(r"(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)(.*)", version, re.ASCII | re.DOTALL)
    if match is None:
        return False
    is_preview = re.match(r"(?:a|b|rc|\.dev)[0-9]", match.group(2)) is not None
    if is_preview and name.is_stable:
        return False  # torch 2.8.0rc1 is not yet 2.8.0
    numbers = [number.lstrip("0") or "0" for number in match.group(1).split(".")]
    wanted = [str(number) for number in name.version]
    if len(wanted) == 2:
        return (*numbers, "0")[:2] == tuple(wanted)
    length = max(len(numbers), len(wanted))
    return numbers + ["0"] * (length - len(numbers)) == wanted + ["0"] * (length - len(wanted))


def _rewrite(package: Package, name: TagName) -> str:
    """A command that writes the tag's version where the Dockerfile's stands."""
    import shlex

    version = package.version or ""
    if version not in package.specifier or package.place.line is None:
        return ""  # it is put together from variables, or read off the base image
    wanted = name.version_text + (".0" if len(name.version) == 2 else "")
    script = f"{package.place.line}s/{re.escape(version)}/{wanted}/"
    return f"sed -i.bak {shlex.quote(script)} {shlex.quote(package.place.path)}"


# ------------------------------------------------------------------------------------- hardware


def _hardware(name: TagName, kind: str, environment: Environment) -> Iterator[Finding]:
    stated = kind + (name.hardware_version or "")
    wheels = [one for one in environment.hardware if one.source == "wheel"]
    bases = [one for one in environment.hardware if one.source != "wheel"]
    evidence = wheels or _carriers(environment) or bases
    other = [one for one in evidence if one.kind != kind]
    doubt = _doubt(environment, "hardware")
    if other and (wheels or len(other) == len(evidence)):
        wrong = other[-1]
        text = f"the tag says {stated}, and what is installed is built for {wrong.kind}"
        yield Finding.at(wrong.place, text, got=_shown(wrong), expected=stated)
    elif doubt is not None and not evidence:
        text = f"cannot tell what hardware this is built for: {doubt.why}"
        yield Finding.at(doubt.place, text, expected=stated)
    elif name.hardware_version:
        yield from _version(
            name.hardware_version, kind, [*wheels, *_carriers(environment)], bases, environment
        )
    elif not evidence:
        text = f"nothing in the Dockerfile says that this is built for {kind}"
        yield Finding(
            text, "warning", got="no such base image, wheel or index", expected=kind, path=environment.path
        )


def _version(
    version: str, kind: str, wheels: list[Hardware], bases: list[Hardware], environment: Environment
) -> Iterator[Finding]:
    """The tag's hardware version against the wheels', and against the base's where they say less."""
    ours = [one for one in wheels if one.kind == kind and one.version]
    base = [one for one in bases if one.kind == kind and one.version]
    full = [one for one in ours if (one.version or "").count(".") >= 1]
    asked = full or [*ours, *base]  # `jax-cuda12-plugin` says 12, and the image which 12 it is
    wrong = next((one for one in asked if not versions_agree(one.version or "", version)), None)
    if wrong is not None:
        what = "the wheel is built for" if wrong in ours else "the base image carries"
        text = f"the tag says {kind} {version}, and {what} {wrong.version}"
        yield Finding.at(wrong.place, text, got=_shown(wrong), expected=f"{kind} {version}")
    elif not asked:
        text = f"the tag says {kind} {version}, and nothing in the Dockerfile says which {kind} this is built for"
        yield Finding(text, got="no version", expected=f"{kind} {version}", path=environment.path)


def _carriers(environment: Environment) -> list[Hardware]:
    found = ((package, carried_by(package.name)) for package in environment.packages)
    return [
        Hardware(*evidence, "wheel", package.place) for package, evidence in found if evidence is not None
    ]


def _shown(hardware: Hardware) -> str:
    return f"{hardware.kind} {hardware.version}" if hardware.version else hardware.kind
