"""Refuses a new tag whose version goes backwards in its line: rc after its stable, a repeated or lower rc, a lone post

Releases of one series are read as a sequence: rc2 mends rc1, and the stable one ends it. A candidate that
appears behind its release, or a second spelling of a version that exists (`v2.8` and `v2.8.0`), makes two
answers to "which is newer". Other series are not asked: a back-port 2.7.2 after 2.8 is in order.

A `post` is a rebuild of a stable release, which has to be there.
Take the next free stage or number. Only new tags are judged: an rc1 stays good after its stable.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.base.refs import Change
from envhooks.judge.facts import Finding, Subject, TagObject
from envhooks.policy import Policy
from envhooks.tagname.names import TagName

NEEDS = ("tag-name",)
READS = ("naming", "siblings")
MAY_READ = ("taken", "object", "together")
CHANGES = (Change.CREATED, Change.MOVED)


def not_applicable(subject: Subject, policy: Policy) -> str:
    """A name without a version, a release number and a date has no order."""
    return "" if subject.name.is_ordered else "the name carries no version, no release and no date"


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """The highest release of the series that this one would have to come before."""
    name = subject.name
    later = [other for other in subject.siblings if _stands_in_the_way(name, other)]
    if later:
        highest = max(later, key=lambda other: other.order)
        same = highest.order == name.order
        yield Finding(
            f"the {_what(name)} is {'the same as' if same else 'lower than'} that of a release which exists",
            got=name.text,
            expected=f"a {_what(name)} after {highest.text}",
            advice=_next(name, highest, subject, policy),
        )
    elif name.stage == "post" and not _has_its_release(subject):
        from envhooks.judge.fixes import stable_of

        stable = stable_of(name, policy.tag)
        if stable:
            yield Finding(
                "it is a rebuild of a stable release, and there is none of this version",
                got=name.text,
                expected=f"{stable} before it",
                advice=f"where it is published and only missing here: git fetch --tags\nelse release {stable} first",
            )


def _has_its_release(subject: Subject) -> bool:
    """Whether what a post rebuilds is there, or comes with it; a single transaction of a push does not tell."""
    together = subject.facts.get("together")
    if not isinstance(together, tuple):
        return True
    return any(_is_rebuilt_by(subject.name, other) for other in (*subject.siblings, *together))


def _is_rebuilt_by(name: TagName, other: TagName) -> bool:
    """Whether a post is one of this stable release, or a later one than this post."""
    return other.is_stable and other.series == name.series and other.order[:-2] == name.order[:-2]


def _next(name: TagName, highest: TagName, subject: Subject, policy: Policy) -> str:
    from envhooks.judge.fixes import next_free

    free = next_free(highest, subject.taken, policy.tag, name)
    if not free:
        return f"take a later {_what(name)}, with a changelog entry of its own"
    found = subject.facts.get("object")
    annotation = found.annotation if isinstance(found, TagObject) else None
    commit = f" {annotation.target[:12]}" if annotation else ""
    # a name of another version is good only where the Dockerfile installs that one
    own = "a changelog entry" if highest.order[0] == name.order[0] else "a changelog entry and pins"
    return f"the next free name, with {own} of its own: git tag -s {free}{commit}"


def _what(name: TagName) -> str:
    """Name of the part that decides the order."""
    return "version" if name.version else "release" if name.field("release") else "date"


def _stands_in_the_way(name: TagName, other: TagName) -> bool:
    # 2.8.0-post1 may come while 2.8.1-rc1 is being tried: a candidate takes nothing from users yet
    compared = other.is_stable or not name.is_stable
    return compared and other.series == name.series and other.order >= name.order
