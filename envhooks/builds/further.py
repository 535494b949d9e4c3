"""Image tags that a release owns: the first, by its own name, and further ones (`[image] aliases` and `tags`).

None of them ever moves. So a further one has to be this release's alone: no name that another release may own one day,
and none that two releases would share.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.policy import Policy
from envhooks.tagname import Grammar, expand
from envhooks.tagname.names import TagName

_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
"""OCI distribution specification."""
_OF_A_RELEASE = r"v?[0-9]+(?:[.-][0-9]+)*(?:[.-]?(?:alpha|beta|rc|post)[.-]?[0-9]+)?"
_NO_SEMVER = "a post release would come before its own release, and more than three numbers are none"


def image_tag(name: TagName) -> str:
    """The image tag that a git tag owns: its version or release as it is written, and its stage; else its name."""
    return name.release_text or re.sub("[^A-Za-z0-9_.-]", "-", name.text)


def image_or_none(template: str, name: TagName) -> str | None:
    """The name of a release's image; None where the git tag lacks a field of it: it has no image of this kind."""
    try:
        return expand(template, name)
    except EnvhooksError:
        return None


def semver(name: TagName) -> str:
    """The version in the form of semver.org: `2.8.0-rc.1` of `2.8-rc1`; empty where that form has none."""
    if not name.version or len(name.version) > 3 or name.stage == "post":
        return ""
    numbers = ".".join(map(str, (*name.version, 0, 0)[:3]))
    return numbers if name.stage == "stable" else f"{numbers}-{name.stage}.{name.stage_number}"


def further(
    policy: Policy, grammar: Grammar, name: TagName, image: str, remote_tags: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(references that a release owns besides its first, a note for each that it does not get), by these git tags."""
    if not image or not (policy.image_aliases or policy.image_tags):
        return (), ()
    others = [other for other in map(grammar.match, remote_tags) if other and other.text != name.text]
    sharing = [other for other in others if image_or_none(policy.image or "", other) == image]
    own = image_tag(name)
    found, notes = [], []
    for text, unfit in _texts(policy, name):
        why = unfit or _owner(policy, text, sharing)
        if why:
            notes.append(f"{image}:{printable(text, 130)} is left alone: {why}" if text else why)
        elif text != own and text not in found:
            found.append(text)
    return tuple(f"{image}:{text}" for text in found), tuple(notes)


def _texts(policy: Policy, name: TagName) -> Iterator[tuple[str, str]]:
    """(an image tag, why this release cannot have it or nothing), each that the policy asks for."""
    if "semver" in policy.image_aliases:
        text = semver(name)
        yield text, "" if text else f"{printable(name.text)} has no semantic version: {_NO_SEMVER}"
    for template in policy.image_tags:
        try:
            text = expand(template, name)
        except EnvhooksError as error:
            yield "", f"no image tag by `{printable(template, 80)}`: {error.message}"
            continue
        yield text, _unfit(text, image_tag(name))


def _unfit(text: str, own: str) -> str:
    """Reason why a text cannot be the image tag of one release alone; else empty."""
    if text == own:
        return ""
    if not re.fullmatch(_TAG, text, re.ASCII):
        return "no registry takes it"
    if not re.search(rf"(?<![A-Za-z0-9.])v?{re.escape(own)}(?![A-Za-z0-9]|\.[0-9])", text):
        return f"it does not hold `{own}`, so that other releases would want it, too"
    if re.fullmatch(_OF_A_RELEASE, text, re.ASCII):
        return "another release may own it one day; a word of your own tells the two apart"
    return ""


def _owner(policy: Policy, text: str, sharing: Sequence[TagName]) -> str:
    """The other release of the same image that owns this tag or would get it, in a sentence; empty without one."""
    for other in sharing:
        if image_tag(other) == text:
            return f"{printable(other.text)} owns it"
        if any(text == theirs and not why for theirs, why in _texts(policy, other)):
            return f"{printable(other.text)} would have it, too"
    return ""
