"""Plan of the builds for a tag, complete in every value: pure, and the same on every machine.

The rules of image tags. A pre-release gets its own image tag and moves no other. A stable release moves
`X.Y` where it is the highest stable of its series, and `latest` where it is the highest of its line. An
image tag that a git tag owns never moves. All of it depends on the remote's own list of tags: a clone that
has not fetched would give `latest` to a back-port. An alias is decided again when it is named (`publication.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import TAGS
from envhooks.base.stamps import stamp
from envhooks.builds.further import further, image_or_none, image_tag
from envhooks.builds.types import Expected, Plan
from envhooks.builds.verify_image import LOCAL, expected
from envhooks.git.addresses import identity, web_address
from envhooks.image import BaseImage
from envhooks.policy import BuildPolicy, Policy
from envhooks.tagname import Grammar, expand
from envhooks.tagname.names import TagName

COMMON_OPTIONS = ("submodules", "lfs", "registry", "aliases")
"""Keys of a build section that every builder has: what `context.py` may leave as it is, and what is named."""
LATEST = "latest"

_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_OCI = "org.opencontainers.image."


@dataclass(frozen=True)
class Facts:
    """Facts of a tag that the remote holds, as far as a plan needs them."""

    tag_object: str
    commit: str
    date: int
    """The commit's date, seconds since the epoch."""
    dockerfile: str
    target: str | None = None
    context: str = "."
    args: tuple[tuple[str, str], ...] = ()
    base: BaseImage | None = None
    signer: str = ""
    below: tuple[str, ...] = ()
    """Names in FROM of images that another build of the same tree has to make before."""


def matching(
    builds: Sequence[BuildPolicy],
    name: TagName,
    remote: str | None,
    remote_url: str,
    *,
    is_release: bool = True,
) -> tuple[BuildPolicy, ...]:
    """The sections that are for this release and this remote; one without `remotes` is for the release remote alone."""

    def fits(build: BuildPolicy) -> bool:
        here = any(remote == entry or fnmatchcase(remote_url, entry) for entry in build.remotes)
        return (here if build.remotes else is_release) and (name.stage in build.stages or not build.stages)

    return tuple(build for build in builds if fits(build))


def key_of(remote_url: str, ref: str, tag_object: str, build: str) -> str:
    """The idempotency key: the same for the same build, by any process and with any spelling of the remote."""
    # no path of a file holds a NUL, and asking for one would raise
    one = remote_url if "\0" in remote_url else identity(remote_url, Path("/"))
    fields = (one, ref, tag_object, build)
    return hashlib.sha256("\0".join(fields).encode("utf-8", "surrogateescape")).hexdigest()


def plan_builds(
    policy: Policy,
    tag: str,
    facts: Facts,
    remote_tags: Collection[str] | None,
    *,
    remote_url: str,
    builds: Sequence[BuildPolicy] | None = None,
) -> tuple[Plan, ...]:
    """One Plan for each build section.

    Args:
        policy: the policy: its grammar, the image's name, the build sections.
        tag: the git tag's short name.
        facts: what was read about it.
        remote_tags: short names of all tags that the remote has; None where that is not known.
        remote_url: redacted.
        builds: the sections to plan, by default all of the policy's.

    Raises:
        CannotJudge: the name is not a release, the remote's tags are not known, another git tag would own the same
            image tag, or a `local` build would have to build another image first.
    """
    grammar = Grammar(policy.tag)
    name = grammar.match(tag)
    if name is None:
        raise CannotJudge(
            f"{printable(tag)} is no release tag, so there is nothing to build", fix=f"envhooks check {tag}"
        )
    image = _image(policy.image, name) if policy.image else ""
    aliases, notes = _aliases(policy, grammar, name, image, remote_tags) if image else ((), ())
    also, left = further(policy, grammar, name, image, remote_tags or ())
    labels = tuple(sorted(_labels(name, facts, remote_url)))
    release = _Release(
        image=image,
        own=f"{image}:{image_tag(name)}" if image else "",
        also=also,
        aliases=tuple(f"{image}:{text}" for text in aliases),
        notes=left,
        alias_notes=notes,
        labels=labels,
        stamp=tuple(stamp(tag, facts.commit, facts.tag_object).items()) if policy.image_stamp else (),
        expected=expected(name, policy.tag),
    )
    sections = policy.builds if builds is None else builds
    if facts.below and any(build.using == LOCAL for build in sections):
        raise CannotJudge(
            f"a `local` build does not build {printable(facts.below[0])} first, on which this image stands",
            place=".envhooks/policy.toml",
            fix='let a program of yours build both: [[build]] using = "command"',
        )
    return tuple(_plan(build, tag, facts, release, remote_url) for build in sections)


@dataclass(frozen=True)
class _Release:
    """What the plans of all sections for one release have in common."""

    image: str
    """The image's name without a tag; empty where the policy names none, as are the names below."""
    own: str
    also: tuple[str, ...]
    aliases: tuple[str, ...]
    """Names that the release moves, where a section moves any."""
    notes: tuple[str, ...]
    alias_notes: tuple[str, ...]
    """A note for each alias that is left alone."""
    labels: tuple[tuple[str, str], ...]
    stamp: tuple[tuple[str, str], ...]
    expected: Expected


def _plan(build: BuildPolicy, tag: str, facts: Facts, release: _Release, remote_url: str) -> Plan:
    moves, is_witnessed = _flag(build, "aliases"), _flag(build, "registry")
    aliases = release.aliases if moves else ()
    names = (release.own, *release.also) if release.own else ()
    return Plan(
        tag=tag,
        ref=TAGS + tag,
        tag_object=facts.tag_object,
        commit=facts.commit,
        build=build.name,
        using=build.using,
        # where the registry is witness, an alias moves once the image is there, and not with the build
        images=names if is_witnessed or not names else (*names, *aliases),
        image=release.image,
        own=release.own,
        also=release.also,
        stamp=release.stamp,
        dockerfile=facts.dockerfile,
        target=facts.target,
        args=facts.args,
        labels=release.labels,
        annotations=release.labels,
        epoch=max(facts.date, 0),
        remote_url=remote_url,
        key=key_of(remote_url, TAGS + tag, facts.tag_object, build.name),
        context=facts.context,
        notes=(*release.notes, *(release.alias_notes if moves else ())),
        options=builder_options(build),
        expected=release.expected,
        aliases=aliases,
        moves_aliases=moves,
        is_witnessed=is_witnessed,
    )


def builder_options(build: BuildPolicy) -> Mapping[str, object]:
    """The keys that are the builder's own."""
    common = COMMON_OPTIONS if build.using == LOCAL else (*COMMON_OPTIONS, "verify")
    return MappingProxyType({key: value for key, value in build.options.items() if key not in common})


def _flag(build: BuildPolicy, key: str) -> bool:
    value = build.options.get(key, True)
    if not isinstance(value, bool):
        raise PolicyError(
            f"`{key}` of the build {printable(build.name)} must be true or false",
            place=".envhooks/policy.toml",
            fix=f"{key} = true",
        )
    if key == "registry" and not value and build.using == "local":
        raise PolicyError(
            "a `local` build gives its names through the registry, so `registry` cannot be false",
            place=".envhooks/policy.toml",
            fix='output = "none"',
        )
    return value


def aliases_of(
    policy: Policy, tag: str, image: str, remote_tags: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(image tags that a release moves besides its own, a note for each that it leaves alone), by these tags.

    Raises:
        CannotJudge: another git tag would own the same image tag.
    """
    grammar = Grammar(policy.tag)
    name = grammar.match(tag)
    return _aliases(policy, grammar, name, image, remote_tags) if name else ((), ())


def rightful(policy: Policy, alias: str, image: str, remote_tags: Collection[str]) -> TagName | None:
    """The release that an alias of an image belongs to, by these tags; None where no release has a right to it."""
    grammar = Grammar(policy.tag)
    read = (name for name in map(grammar.match, remote_tags) if name and name.is_stable)
    names = [name for name in read if name.text not in policy.yanked]
    sharing = [name for name in names if image_or_none(policy.image or "", name) == image]
    for name in sorted(sharing, key=lambda name: name.order, reverse=True):
        if alias == LATEST or ".".join(_numbers(name)[:2]) == alias:
            try:
                moved, _ = _aliases(policy, grammar, name, image, remote_tags)
            except CannotJudge:
                return None
            return name if alias in moved else None
    return None


# --------------------------------------------------------------------------------------- image tags


def _image(template: str, name: TagName) -> str:
    image = expand(template, name)
    if not _IMAGE.fullmatch(image):
        raise CannotJudge(
            f"the image of {printable(name.text)} would be called `{printable(image)}`, which no registry takes"
        )
    return image


def _aliases(
    policy: Policy, grammar: Grammar, name: TagName, image: str, remote_tags: Collection[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The image tags that this release moves besides its own, and a note for each that it leaves alone."""
    if remote_tags is None:
        raise CannotJudge(
            "the remote's own tags are not known, and the image's tags go by them",
            fix=f"envhooks build {word(name.text)}",
        )
    others = [other for other in map(grammar.match, remote_tags) if other and other.text != name.text]
    sharing = [other for other in others if image_or_none(policy.image or "", other) == image]
    own = image_tag(name)
    twin = next((other for other in sharing if image_tag(other) == own), None)
    if twin is not None:
        raise CannotJudge(
            f"{printable(name.text)} and {printable(twin.text)} would both own the image tag {image}:{own}",
            fix="give [image] name the fields that tell the two apart",
        )
    if not name.is_stable:
        return (), ()
    if name.text in policy.yanked:
        return (), (
            f"{printable(name.text)} is yanked, so that it moves no name: {policy.yanked[name.text]}",
        )
    taken = {image_tag(other): other.text for other in sharing}
    moved, notes = [], []
    good = [one for one in others if one.text not in policy.yanked]
    good_sharing = [one for one in sharing if one.text not in policy.yanked]
    for alias, among in _claims(name, good, good_sharing):
        why = f"{printable(taken[alias])} owns it" if alias in taken else _outranked(name, among)
        if why:
            notes.append(f"{image}:{alias} is left alone: {why}")
        else:
            moved.append(alias)
    return tuple(moved), tuple(notes)


def _claims(
    name: TagName, others: Sequence[TagName], sharing: Sequence[TagName]
) -> Iterator[tuple[str, list[TagName]]]:
    """(alias, the stable releases that have a say in it): of the same series or line, and of the same image."""
    stable = [other for other in others if other.is_stable]
    numbers = _numbers(name)
    if len(numbers) == 3:
        series = [other for other in stable if other.series == name.series]
        mixed = [other for other in sharing if other.is_stable and _numbers(other)[:2] == numbers[:2]]
        yield ".".join(numbers[:2]), series + mixed
    line = [other for other in stable if other.line == name.line]
    yield LATEST, line + [other for other in sharing if other.is_stable]


def _numbers(name: TagName) -> list[str]:
    """The numbers of the version, or of the release where that is all there is, as they are written."""
    text = name.version_text or name.field("release")
    return text.split(".") if text else []


def _outranked(name: TagName, among: Sequence[TagName]) -> str:
    """Reason why an alias is not this release's to move, or nothing."""
    strangers = sorted(other.text for other in among if other.line != name.line)
    if strangers:
        # whichever is built last would take it, so it would mean nothing
        return f"{printable(strangers[0])} of another line has the same image"
    higher = [other for other in among if other.order > name.order]
    if not higher:
        return ""
    return f"{printable(max(higher, key=lambda other: other.order).text)} is the highest stable release"


# ------------------------------------------------------------------------------------------- labels


def _labels(name: TagName, facts: Facts, remote_url: str) -> Iterator[tuple[str, str]]:
    """The annotation keys of the OCI image specification, and two of our own."""
    hardware = (name.hardware or "") + (name.hardware_version or "")
    created = datetime.fromtimestamp(max(facts.date, 0), timezone.utc)
    yield f"{_OCI}title", " ".join(filter(None, (name.framework, hardware))) or name.text
    yield f"{_OCI}version", image_tag(name)
    yield f"{_OCI}revision", facts.commit
    yield f"{_OCI}created", created.strftime("%Y-%m-%dT%H:%M:%SZ")
    if source := web_address(remote_url):
        yield f"{_OCI}source", source
    yield f"{_OCI}ref.name", name.text
    if facts.base is not None and facts.base.image != "scratch":
        yield f"{_OCI}base.name", facts.base.image + (f":{facts.base.tag}" if facts.base.tag else "")
        if facts.base.digest:
            yield f"{_OCI}base.digest", facts.base.digest
    yield "envhooks.tag-object", facts.tag_object
    if facts.signer:
        yield "envhooks.signer", facts.signer
