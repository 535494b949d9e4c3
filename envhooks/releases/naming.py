"""The name of the next release: the Dockerfile's pins, in the form of the line's last tag, and the next free stage."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS
from envhooks.image import Environment
from envhooks.releases.reading import Releases, environment_at
from envhooks.tagname import DEFAULT_TEMPLATE, Grammar, expand, field_names
from envhooks.tagname.names import STAGE_RANKS, TagName, TagPolicy, trimmed

_KNOWN = ("framework", "hardware", "version", "stage", "cuda", "rocm", "release")
"""Fields that a name holds by themselves, and not among the further ones."""
_NUMBERS = r"[0-9]+(?:\.[0-9]+)*"


@dataclass(frozen=True)
class Proposal:
    """The next release of one line."""

    line: str
    """Framework and hardware: `PyTorch-CUDA`."""
    name: str
    """Empty where none can be determined."""
    why: str
    """Derivation of the name, or the reason why there is none."""
    after: str = ""
    """The last release of the line; empty for the first one."""


def propose(releases: Releases, commit: str, stage: str | None) -> tuple[Proposal, ...]:
    """A proposal for each line of the repository at a commit; for its first release where it has none yet.

    Args:
        stage: `alpha`, `beta`, `rc`, `stable` or `post`; None: the one that follows the line's last tag.
    """
    policy = releases.trust.root.policy.tag
    grammar = Grammar(policy)
    lines = [*filter(None, map(grammar.match, last_of_lines(releases)))]
    if not lines:
        return (_first(releases, commit, policy, stage),)
    taken = _taken(releases)
    return tuple(_next(releases, commit, last, taken, stage) for last in lines)


def _next(
    releases: Releases, commit: str, last: TagName, taken: Collection[str], stage: str | None
) -> Proposal:
    line = printable("-".join(filter(None, (last.framework, last.hardware))) or last.text)
    if stage is None and releases.read([last.text])[0].commit == commit:
        return Proposal(line, "", f"{printable(last.text)} is of this commit already", last.text)
    environment = environment_at(releases, commit, last.text)
    if not isinstance(environment, Environment):
        return Proposal(line, "", environment.why, last.text)
    return _of(releases.trust.root.policy.tag, line, last, environment, taken, stage)


def _of(
    policy: TagPolicy,
    line: str,
    last: TagName,
    environment: Environment,
    taken: Collection[str],
    stage: str | None,
) -> Proposal:
    template = next(
        (one for one in policy.templates if _written(one, last) == last.text), policy.templates[0]
    )
    try:
        moved = _moved(last, environment, policy, template)
        name = _staged(moved, last, template, policy, taken, stage)
    except UsageError as error:
        return Proposal(line, "", error.message, last.text)
    return _settled(line, template, name, policy, f"after {printable(last.text)}", last.text)


def propose_for(releases: Releases, policy: TagPolicy, last: str, environment: Environment) -> Proposal:
    """The next release of the line of a tag, once the files make an environment; without a tag the first release."""
    name = Grammar(policy).match(last) if last else None
    if name is None:
        return _first_of(policy, environment, None)
    line = printable("-".join(filter(None, (name.framework, name.hardware))) or last)
    return _of(policy, line, name, environment, _taken(releases), None)


def _taken(releases: Releases) -> frozenset[str]:
    """Names of the tags that are here, and of those that tags.lock lists."""
    refs = (*(ref.name for ref in releases.git.refs(TAGS)), *releases.trust.root.locked)
    return frozenset(ref.removeprefix(TAGS) for ref in refs)


def last_of_lines(releases: Releases) -> tuple[str, ...]:
    """The last tag of each line, in the order of the lines; empty where there is no release yet."""
    grammar = Grammar(releases.trust.root.policy.tag)
    lines: dict[tuple[str, ...], TagName] = {}
    for name in filter(None, (grammar.match(ref.name.removeprefix(TAGS)) for ref in releases.git.refs(TAGS))):
        key = (name.framework or "", name.hardware or "", *name.line[2:])
        if key not in lines or lines[key].order < name.order:
            lines[key] = name
    return tuple(last.text for _, last in sorted(lines.items()))


def _first(releases: Releases, commit: str, policy: TagPolicy, stage: str | None) -> Proposal:
    environment = environment_at(releases, commit, "")
    if not isinstance(environment, Environment):
        files = releases.trust.root.policy.dockerfiles
        if len(files) > 1 or any(one.has_fields for one in files):
            why = "which Dockerfile it is depends on the name: give the first release its name"
            return Proposal("", "", why)
        return Proposal("", "", environment.why)
    return _first_of(policy, environment, stage)


def _first_of(policy: TagPolicy, environment: Environment, stage: str | None) -> Proposal:
    template = policy.templates[0]
    constants = dict(policy.meanings[template].constants) if template in policy.meanings else {}
    try:
        framework = constants.get("framework") or _only(_frameworks(environment, policy), "frameworks")
        kinds = dict.fromkeys(one.kind for one in environment.hardware) or {"CPU": None}
        hardware = constants.get("hardware") or _only([*kinds], "kinds of hardware")
        version = _version_of(environment, policy.frameworks.get(framework, ()), framework)
        is_short = template == DEFAULT_TEMPLATE and not any(version[2:])
        numbers = version[:2] if is_short else version[:4]
        fields = field_names(template)
        if "release" in fields:
            text = f"{{release}} of {template} is a number of your own: give the first release its name"
            raise UsageError(text)
        number = _build(environment, policy, template, hardware)
        extra = tuple(
            (field, found)
            for field in fields
            if field not in _KNOWN and (found := _field(field, "", environment))
        )
        bare = TagName("", framework, hardware, number, numbers if "version" in fields else (), extra=extra)
        name = _staged(bare, None, template, policy, (), stage)
    except UsageError as error:
        return Proposal("", "", error.message)
    line = printable(f"{framework}-{hardware}")
    return _settled(line, template, name, policy, "the first release, by the pins of the Dockerfile")


def _build(environment: Environment, policy: TagPolicy, template: str, hardware: str) -> str | None:
    """The version of the hardware where a template writes it; None where it does not, or none is known."""
    if not re.search(r"\{(?:cuda|rocm|hardware:compact)\b", template):
        return None
    found = _versions(environment, policy, template, hardware)
    if not found:
        return None
    # where nothing else counts the releases, a number that is cut off would be one name for two of them
    is_counted = {"version", "release", "date"} & {*field_names(template)}
    return _cut(found[-1], "12.8") if is_counted or "hardware:compact" in template else found[-1]


def _versions(environment: Environment, policy: TagPolicy, template: str, hardware: str) -> list[str]:
    """Versions of the hardware, the wheels' last; the base image's alone where a template speaks of that."""
    of_base = template in policy.meanings and {"cuda", "rocm"} & policy.meanings[template].of_base
    return [
        one.version
        for one in environment.hardware
        if one.kind == hardware and one.version and not (of_base and one.source != "base")
    ]


def _only(found: Sequence[str], what: str) -> str:
    if len(found) == 1:
        return found[0]
    shown = ", ".join(map(printable, found))
    raise UsageError(
        f"the Dockerfile has several {what}: {shown}" if found else f"the Dockerfile has no {what}"
    )


def _frameworks(environment: Environment, policy: TagPolicy) -> list[str]:
    return [name for name, packages in policy.frameworks.items() if environment.find(*packages)]


def _version_of(environment: Environment, packages: Sequence[str], framework: str) -> tuple[int, ...]:
    found = environment.find(*packages)[-1:]
    match = re.match(_NUMBERS, found[0].version or "") if found and found[0].exact else None
    if match is None:
        raise UsageError(f"the Dockerfile pins no version of {printable(framework or 'the framework')}")
    return tuple(map(int, match.group().split(".")))


def _moved(last: TagName, environment: Environment, policy: TagPolicy, template: str) -> TagName:
    """The last name with each field as the Dockerfile has it now, in as many numbers as the tag writes."""
    version = last.version
    if version:
        packages = policy.frameworks.get(last.framework or "", ())
        now = _version_of(environment, packages, last.framework or "")
        version = now[: len(version)] if not any(now[len(version) :]) else now[:4]
        version = last.version if trimmed(version) == trimmed(last.version) else version
    number = last.hardware_version
    if number is not None:
        kinds = _versions(environment, policy, template, last.hardware or "")
        number = _cut(kinds[-1], number) if kinds else number
    extra = tuple((field, _field(field, text, environment)) for field, text in last.extra)
    return replace(last, text="", version=version, hardware_version=number, extra=extra)


def _cut(version: str, like: str) -> str:
    return ".".join(version.split(".")[: like.count(".") + 1])


def _field(field: str, last: str, environment: Environment) -> str:
    if field == "date":
        form = "%Y-%m-%d" if "-" in last else "%Y.%m.%d" if "." in last else "%Y%m%d"
        return date.today().strftime(form)
    if field == "python" and environment.python:
        return _cut(environment.python, last or "3.12")
    said = dict(environment.base_says).get(field)
    if said and (not last or (field != "os" and said.split(".")[0] != last.split(".")[0])):
        return said  # the same system has several names, and the tag's own stays
    package = environment.find(field)[-1:]
    return package[0].version if package and package[0].exact and package[0].version else last


def _staged(
    moved: TagName,
    last: TagName | None,
    template: str,
    policy: TagPolicy,
    taken: Collection[str],
    stage: str | None,
) -> TagName:
    """The name with its stage and the next free number.

    Raises:
        UsageError: there is no such stage, or that release is out already.
    """
    writes = "{stage" in template
    known = (*(policy.stages if writes else ()), "stable")
    is_same = last is not None and moved.order == replace(last, text="").order
    release = moved.field("release")
    if last is not None and is_same and release and last.is_stable and stage != "post":
        head, dot, end = release.rpartition(".")
        bumped = f"{head}{dot}{str(int(end) + 1).zfill(len(end))}"
        extra = tuple((field, bumped if field == "release" else text) for field, text in moved.extra)
        moved, is_same = replace(moved, extra=extra), False
    chosen = stage or _usual(last if is_same else None, known)
    if chosen not in known:
        if not writes:
            raise UsageError(f"{printable(template)} writes no stage, so each release is stable")
        raise UsageError(f"the policy has no stage {chosen}; it has {', '.join(known)}")
    _refuse_backwards(chosen, last if is_same else None)
    if chosen == "stable":
        name = replace(moved, stage="stable", stage_number=0)
        if _written(template, name) in taken:
            text = f"{printable(_written(template, name))} is out already"
            if "post" not in known:
                raise UsageError(
                    f"{text}, and {printable(template)} writes neither a stage nor a {{release}}"
                )
            raise UsageError(f"{text}; a rebuild of it is a `post`", fix="envhooks tag --stage post")
        return name
    for number in range(1, 1000):
        name = replace(moved, stage=chosen, stage_number=number)
        if _written(template, name).casefold() not in {one.casefold() for one in taken}:
            return name
    raise UsageError("no free number is left")


def _refuse_backwards(chosen: str, last: TagName | None) -> None:
    """Refuse a stage in which no release of the version can be good any more, or yet.

    Raises:
        UsageError: tag-order would refuse whatever name it has.
    """
    if chosen == "post":
        if last is None or not last.is_stable:
            raise UsageError("a `post` is a rebuild of a stable release, and there is none: --stage stable")
    elif last is not None and chosen != "stable" and STAGE_RANKS[chosen] < STAGE_RANKS[last.stage]:
        way_out = "a rebuild of it is a `post`" if last.is_stable else f"the next one is a later {last.stage}"
        raise UsageError(f"{printable(last.text)} is out already, and no {chosen} follows it; {way_out}")


def _usual(last: TagName | None, known: Collection[str]) -> str:
    """The stage that follows: the last one again while it counts, `post` after a release, `rc` before a new one."""
    if last is not None and last.stage != "stable":
        return last.stage
    wanted = "post" if last is not None else "rc"
    return wanted if wanted in known else "stable"


def _written(template: str, name: TagName) -> str:
    try:
        return expand(template, name)
    except UsageError:
        return ""


def _settled(
    line: str, template: str, name: TagName, policy: TagPolicy, why: str, after: str = ""
) -> Proposal:
    """The proposal, if the grammar reads the name that the template makes."""
    text = _written(template, name)
    if not text or Grammar(policy).match(text) is None:
        return Proposal(line, "", f"no name can be made by {printable(template)} from the Dockerfile", after)
    return Proposal(line, text, why, after)


def named(proposals: Sequence[Proposal]) -> Iterator[Proposal]:
    """The proposals that have a name."""
    return (one for one in proposals if one.name)
