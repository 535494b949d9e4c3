"""Refuses a tag whose framework, version, hardware or other field differs from the Dockerfile at its commit

The name is what people pull by. `PyTorch-CUDA12.8-v2.8` that installs torch 2.7, or a CPU-only build, is a
wrong answer that nobody sees until a training run fails.

What is installed counts, not what variables are called. `v2.8` stands for any 2.8.x, `v2.8.1` and `v2.8.0` for
just that release; rc and post are stages of the environment, not of the framework. A hardware version must
agree with the wheel's (`+cu128`), or else with the base image's; plain `CUDA` with any, but not with a CPU or
ROCm build. Where the files do not say enough for an exact answer, write the version where it can be read:
in the Dockerfile, or in a requirement or lock file that it installs; what a base image holds can be said in the policy
(`[[base]]`). Where it cannot be written, the policy may allow that with a reason:
`dockerfile-matches = { allow-cannot-tell = true, reason = "..." }`.

Each further field of a template is compared as well: Python, cuDNN, the operating system, the variant of the base
image, and any package that is a field (`{flash-attn}`). A date and a release number of the environment's own stand in
no Dockerfile; the report lists them as not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from envhooks.base.dataclass import replace
from envhooks.base.place import Level, Place
from envhooks.catalog.lookup import same_system
from envhooks.image import CannotTell, Environment, Hardware, Package, is_version, versions_agree, wheels_for
from envhooks.judge.facts import Finding, NotCompared, Subject
from envhooks.policy import Policy
from envhooks.tagname.names import TagName

NEEDS = ("tag-name",)
READS = ("naming", "environment")
MAY_READ = ("pins", "taken", "object", "publication")

_STATE_IT = "name a base image, a wheel (torch==2.8.0+cu128) or an index (.../whl/cu128) that says {}"
_NO_DOCKERFILE_SAYS = {
    "release": "it counts the releases of the environment, and no Dockerfile states that",
    "date": "it is the day of the release, and no Dockerfile states that",
}


def not_applicable(subject: Subject, policy: Policy) -> str:
    """A name of a custom template may say nothing about the Dockerfile."""
    name = subject.name
    told = name.framework or name.hardware or name.version
    if told or any(field not in _NO_DOCKERFILE_SAYS for field, _ in name.extra):
        return ""
    fields = " and ".join(f"the {field}" for field, _ in name.extra)
    return f"the name tells {fields or 'nothing'}, and no Dockerfile states that"


def check(subject: Subject, policy: Policy) -> Iterator[Finding | NotCompared]:
    """Comparison of the tag's fields, one by one, with the packages and the base image of the Dockerfile."""
    name, environment = subject.name, subject.environment
    missing = _doubt(environment, "dockerfile")
    if missing is not None:
        text = f"cannot tell what this builds: {missing.why}"
        commit = "commit the Dockerfile, or say in .envhooks/policy.toml where it is: [dockerfile] path"
        yield Finding.at(missing.place, text, got="nothing to read", advice=missing.advice or commit)
        return
    # some files cannot state it: the policy may let those pass, and says why
    allowed = policy.has_option("dockerfile-matches", "allow-cannot-tell")
    doubtful: Level = "warning" if allowed else "error"
    every = tuple(package for all in policy.tag.frameworks.values() for package in all)
    if name.framework:
        packages = policy.tag.frameworks.get(name.framework) or (name.framework.lower(),)
        found = _framework(name, environment, packages, doubtful)
        yield from _mended(subject, policy, found, (name.version_text,), packages)
        yield from _stale(environment, packages)
    elif name.version:
        some = _some_framework(name, environment, policy, every, doubtful)
        yield from _mended(subject, policy, some, (name.version_text,), every)
    if name.hardware:
        said = (name.hardware_version or "", name.hardware + (name.hardware_version or ""))
        own = policy.tag.frameworks.get(name.framework or "", ())
        yield from _mended(subject, policy, _hardware(name, name.hardware, environment, own), said, every)
    for field, text in name.extra:
        if field in _NO_DOCKERFILE_SAYS:
            yield NotCompared(field, _NO_DOCKERFILE_SAYS[field])
        elif field in _STATED:
            yield from _mended(subject, policy, _STATED[field](text, environment, doubtful), (text,))
        else:
            own = next((all for all in policy.tag.frameworks.values() if field in all), (field,))
            yield from _mended(
                subject, policy, _package(field, text, own, environment, doubtful), (text,), own
            )


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
        advice = doubt.advice or _way_out(environment, doubt, packages[0])
        yield Finding.at(doubt.place, text, level=doubtful, expected=expected, advice=advice)
    elif last is None and (hidden := _doubt(environment, "packages")) is not None:
        text = f"cannot tell whether this installs {name.framework}: {hidden.why}"
        advice = _way_out(environment, hidden, packages[0])
        yield Finding.at(hidden.place, text, level=doubtful, expected=expected, advice=advice)
    elif last is None:
        yield Finding(
            f"the Dockerfile installs no {name.framework}",
            got=f"no {' or '.join(packages)}",
            expected=expected,
            path=environment.path,
        )
    elif last.release is None:
        text = f"the Dockerfile leaves the version of {name.framework} open, so it does not say what the tag says"
        yield Finding.at(last.place, text, got=f"{last.name}{last.specifier}", expected=expected)
    elif name.version and not _is_release(last.release, name):
        yield Finding.at(
            last.place,
            f"the tag says {name.framework} {name.version_text}, and the Dockerfile installs {last.release}",
            got=f"{last.name} {last.release}",
            expected=expected,
        )


def _way_out(environment: Environment, doubt: CannotTell | None, what: str) -> str:
    """The section of the policy that says what a base image holds; empty where the doubt is of something else."""
    base = environment.base
    if base is None or base.image == "scratch" or (doubt is not None and doubt.place != base.place):
        return ""
    which = f'digest = "{base.digest}"' if base.digest else f'tag = "{base.tag}"' if base.tag else ""
    words = ", ".join(filter(None, (f'image = "{base.image}"', which, f'holds = {{ {what} = "..." }}')))
    return f"where the base image holds it, a [[base]] in .envhooks/policy.toml says so, with {words}"


def _some_framework(
    name: TagName, environment: Environment, policy: Policy, every: tuple[str, ...], doubtful: Level
) -> Iterator[Finding]:
    """The version of a name without framework: that of the one framework which is installed."""
    from envhooks.judge.fixes import told_by_the_template  # only such names need it

    said = f"the tag says version {name.version_text}"
    expected = 'framework = "..." beside the template, or {release} for a number of your own'
    held = {one: packages for one, packages in policy.tag.frameworks.items() if environment.find(*packages)}
    doubts = [doubt for doubt in environment.cannot_tell if doubt.what in every or doubt.what == "packages"]
    if not held:
        if doubts:
            text = f"{said}, and which framework this installs cannot be told: {doubts[0].why}"
            what = "PACKAGE" if doubts[0].what == "packages" else doubts[0].what
            advice = _way_out(environment, doubts[0], what)
            yield Finding.at(doubts[0].place, text, level=doubtful, expected=expected, advice=advice)
            return
        text = f"{said}, and the Dockerfile installs no framework that it could be the version of"
        advice = told_by_the_template(policy.tag)
        yield Finding(text, got="no framework", expected=expected, path=environment.path, advice=advice)
        return
    # one whose version cannot be told is there as well, and the name may be about it
    doubted = {doubt.what for doubt in doubts}
    found = {
        one: list(_framework(replace(name, framework=one), environment, packages, doubtful))
        for one, packages in policy.tag.frameworks.items()
        if one in held or not doubted.isdisjoint(packages)
    }
    if len(found) == 1 or not any(found.values()):
        yield from next(iter(found.values()))
        return
    text = f"{said}, and does not say of what: the Dockerfile installs {' and '.join(sorted(found))}"
    fitting = sorted(one for one, wrong in found.items() if not wrong) or sorted(found)
    advice = told_by_the_template(policy.tag, fitting)
    yield Finding(text, got=", ".join(sorted(found)), expected=expected, path=environment.path, advice=advice)


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


# ---------------------------------------------------------------------------------------- fixes


def _mended(
    subject: Subject,
    policy: Policy,
    found: Iterable[Finding | NotCompared],
    said: tuple[str, ...],
    packages: tuple[str, ...] = (),
) -> Iterator[Finding | NotCompared]:
    """The findings with what puts them right, where they do not say so themselves.

    `said`: texts of the name one of which is compared; `packages`: those whose pins decide it.
    """
    for one in found:
        if isinstance(one, NotCompared) or one.fix or one.advice:
            yield one
        else:
            from envhooks.judge.fixes import as_the_name_says  # only a refusal needs it

            yield replace(one, **as_the_name_says(subject, policy.tag, one, said, packages))


# ------------------------------------------------------------------------------------- hardware


def _hardware(name: TagName, kind: str, environment: Environment, own: tuple[str, ...]) -> Iterator[Finding]:
    stated = kind + (name.hardware_version or "")
    wheels, carriers = wheels_for(environment, own)
    bases = [one for one in environment.hardware if one.source != "wheel"]
    evidence = wheels or carriers or bases
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
        carried = [] if name.of_base else [*wheels, *carriers]
        yield from _version(name.hardware_version, kind, carried, bases, environment)
    elif not evidence:
        text = f"nothing in the Dockerfile says that this is built for {kind}"
        yield Finding(
            text,
            "warning",
            got="no such base image, wheel or index",
            expected=kind,
            path=environment.path,
            advice=_STATE_IT.format(kind),
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
        more = {"path": environment.path, "advice": _way_out(environment, None, kind.lower())}
        yield Finding(text, got="no version", expected=f"{kind} {version}", **more)  # type: ignore[arg-type]
    elif "." in version and not any("." in (one.version or "") for one in asked):
        text = f"the tag says {kind} {version}, and the Dockerfile says just {kind} {asked[-1].version}"
        yield Finding.at(asked[-1].place, text, got=_shown(asked[-1]), expected=f"{kind} {version}")


def _shown(hardware: Hardware) -> str:
    return f"{hardware.kind} {hardware.version}" if hardware.version else hardware.kind


# --------------------------------------------------------------------------------- other fields


def _python(text: str, environment: Environment, doubtful: Level) -> Iterator[Finding]:
    place = environment.base.place if environment.base else Place(environment.path)
    found = [(environment.python, "has", place)] if environment.python else []
    yield from _held_against("Python", text, found, versions_agree, environment, doubtful)


def _cudnn(text: str, environment: Environment, doubtful: Level) -> Iterator[Finding]:
    installed = [
        (package.version, "installs", package.place)
        for package in environment.packages
        if package.version and re.fullmatch(r"nvidia-cudnn-cu[0-9]+|cudnn", package.name)
    ]
    found = installed[-1:] or _of_base("cudnn", environment)
    yield from _held_against("cuDNN", text, found, versions_agree, environment, doubtful)


def _os(text: str, environment: Environment, doubtful: Level) -> Iterator[Finding]:
    found = _of_base("os", environment)
    yield from _held_against("operating system", text, found, same_system, environment, doubtful)


def _variant(text: str, environment: Environment, doubtful: Level) -> Iterator[Finding | NotCompared]:
    """The variant of the base image; where that has none, a stage may still be called so."""
    found = _of_base("variant", environment)
    if environment.target == text:
        return
    if found:
        yield from _held_against("variant", text, found, str.__eq__, environment, doubtful)
    else:
        yield NotCompared("variant", "neither the base image's tag nor the name of the stage tells one")


_STATED: Mapping[str, Callable[[str, Environment, Level], Iterator[Finding | NotCompared]]] = {
    "python": _python,
    "cudnn": _cudnn,
    "os": _os,
    "variant": _variant,
}
_Said = tuple[str, str, Place]
"""(version or word, the verb, where it stands)."""


def _of_base(field: str, environment: Environment) -> list[_Said]:
    base = environment.base
    return [(text, "has", base.place) for name, text in environment.base_says if base and name == field]


def _held_against(
    what: str,
    text: str,
    found: Sequence[_Said],
    agree: Callable[[str, str], bool],
    environment: Environment,
    doubtful: Level,
) -> Iterator[Finding]:
    if not found:
        doubt = _doubt(environment, what.lower())
        place = doubt.place if doubt else Place(environment.path)
        why = doubt.why if doubt else "nothing in the Dockerfile states it"
        key = "os" if what == "operating system" else what.lower()
        message = f"the tag says {what} {text}, and which one this has cannot be told: {why}"
        advice = _way_out(environment, None, key)
        yield Finding.at(place, message, level=doubtful, expected=f"{what} {text}", advice=advice)
        return
    stated, verb, place = found[-1]
    if not agree(stated, text):
        message = f"the tag says {what} {text}, and the Dockerfile {verb} {stated}"
        yield Finding.at(place, message, got=f"{what} {stated}", expected=f"{what} {text}")


def _package(
    field: str, text: str, names: tuple[str, ...], environment: Environment, doubtful: Level
) -> Iterator[Finding]:
    """A field that is called like a distribution: `{flash-attn}`."""
    found = environment.find(*names)
    last = found[-1] if found else None
    expected = f"{field} {text}"
    doubts = [
        doubt for doubt in environment.cannot_tell if doubt.what in names and not _is_settled(doubt, last)
    ]
    hidden = _doubt(environment, "packages")
    if doubts or (last is None and hidden is not None):
        doubt = doubts[0] if doubts else hidden
        assert doubt is not None
        said = f"cannot tell which version of {field} this installs: {doubt.why}"
        advice = _way_out(environment, doubt, field)
        yield Finding.at(doubt.place, said, level=doubtful, expected=expected, advice=advice)
    elif last is None:
        said = f"the tag says {field} {text}, and the Dockerfile installs no {field}"
        yield Finding(said, got=f"no {field}", expected=expected, path=environment.path)
    elif not last.exact or last.version is None:
        said = f"the tag says {field} {text}, and the Dockerfile leaves its version open"
        yield Finding.at(last.place, said, got=f"{last.name}{last.specifier}", expected=expected)
    elif not is_version(last.version, text):
        said = f"the tag says {field} {text}, and the Dockerfile installs {last.version}"
        yield Finding.at(last.place, said, got=f"{last.name} {last.version}", expected=expected)
