"""The template that reads most of the tags which a repository has: what `envhooks init` proposes.

Each name is turned into a template of its own, word by word: what has the form of a field becomes one. The names that
were made by one convention come to the same template, and the one that reads most of all names is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.tagname.grammar import Grammar, template_faults
from envhooks.tagname.names import DEFAULT_TAG_POLICY, DEFAULT_TEMPLATE, TagPolicy
from envhooks.tagname.template import fields_of, parse

_MOST_NAMES = 2_000
"""Names that are looked at; the latest, for a convention that was given up reads no new tag."""
_MOST_TEMPLATES = 25
_NUMBER = r"[0-9]+(?:\.[0-9]+){0,3}"
_OS = r"(?:ubuntu|debian|rockylinux|almalinux|ubi|centos|alpine|noble|jammy|focal|bookworm|trixie|bullseye)"
_VARIANTS = "devel|runtime|base|slim"
_NO_RELEASE = re.compile(
    r"(?<![a-z])(?:nightly|snapshot|latest|dev|test|tmp|wip|backup|ci)(?![a-z])", re.IGNORECASE
)
_STAGE_WORD = "alpha|beta|rc|post"
_NO_MAJORS: Mapping[str, frozenset[str]] = {}


@dataclass(frozen=True)
class Proposal:
    """A template, and what it makes of the names."""

    template: str
    read: tuple[str, ...]
    """The names that it reads, in the order in which they were given."""
    rest: tuple[str, ...]

    @property
    def is_default(self) -> bool:
        """Whether it is the template of a policy that states none."""
        return self.template == DEFAULT_TEMPLATE


def propose(
    names: Sequence[str],
    is_framework_version: Callable[[str], bool] = lambda text: False,
    policy: TagPolicy = DEFAULT_TAG_POLICY,
    majors: Mapping[str, frozenset[str]] = _NO_MAJORS,
) -> Proposal:
    """The template that reads most of `names`, which are given with the latest first.

    Args:
        is_framework_version: decides for a name without a framework whether its number is the framework's, `{version}`,
            or one of the environment's own, `{release}`.
        majors: framework -> first numbers of its versions that are installed. A name with that framework and another
            first number has a number of the environment's own; with a framework that is not in it, the framework's.
    """
    looked_at = names[:_MOST_NAMES]
    made = (template_of(name, is_framework_version, policy, majors) for name in looked_at)
    counted = Counter(filter(None, made))
    candidates = [DEFAULT_TEMPLATE]
    for template, _ in counted.most_common(_MOST_TEMPLATES):
        if template not in candidates and not template_faults(template):
            candidates.append(template)
    best = max(candidates, key=lambda template: _rank(template, looked_at, policy))
    grammar = Grammar(replace(policy, templates=(best,)))
    read = tuple(name for name in names if grammar.match(name) is not None)
    taken = frozenset(read)
    return Proposal(best, read, tuple(name for name in names if name not in taken))


def _rank(template: str, names: Sequence[str], policy: TagPolicy) -> tuple[int, bool, int, int]:
    """Rank of a template: number of names that it reads; then the default, more fields, the shorter text."""
    match = Grammar(replace(policy, templates=(template,))).match
    number = sum(match(name) is not None for name in names)
    fields = len(list(fields_of(parse(template))))
    return number, template == DEFAULT_TEMPLATE, fields, -len(template)


def template_of(
    name: str,
    is_framework_version: Callable[[str], bool],
    policy: TagPolicy,
    majors: Mapping[str, frozenset[str]] = _NO_MAJORS,
) -> str:
    """A template that reads this name and those like it; empty where nothing in it distinguishes a release."""
    if not name.isascii() or any(char in name for char in "{}[]") or _NO_RELEASE.search(name):
        return ""
    named = [
        word
        for word in policy.frameworks
        if re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z])", name, re.IGNORECASE)
    ]
    patterns = _patterns(policy)
    parts: list[str] = []
    used: set[str] = set()
    stage, at = "", 0
    while at < len(name):
        field, text = _field_at(name, at, patterns, used)
        if field == "number":
            major = text.split(".")[0]
            is_version = any(word not in majors or major in majors[word] for word in named)
            is_version = is_version or (not named and is_framework_version(text))
            field = "version" if is_version and "." in text and "version" not in used else "release"
            if field in used:
                return ""
        if field == "stage":
            mark = parts.pop() if parts and parts[-1] in "-._" and len(parts[-1]) == 1 else ""
            stage = f"[{mark}{{stage{':dotted' if '.' in text else ''}}}]"
            parts.append(stage)
        else:
            parts.append(f"{{{field}}}" if field else text)
        used.add(field.partition(":")[0])
        at += len(text)
    if not used & {"version", "release", "date"}:
        return ""
    return "".join(parts) + ("" if stage else "[-{stage}]")


def _patterns(policy: TagPolicy) -> tuple[tuple[str, str], ...]:
    """(field, pattern of its text), the more certain first."""
    frameworks, hardware = _words(policy.frameworks), _words(policy.hardware)
    return (
        ("date", r"20[0-9]{2}(?:[01][0-9][0-3][0-9]|-[01][0-9]-[0-3][0-9]|\.[01][0-9]\.[0-3][0-9])(?![0-9])"),
        ("stage", rf"(?:{_STAGE_WORD})\.?[1-9][0-9]{{0,5}}(?![0-9.])"),
        ("framework", rf"(?:{frameworks})(?![A-Za-z])"),
        ("framework:lower", rf"(?:{frameworks.lower()})(?![A-Za-z])"),
        ("hardware:compact", r"cu1[0-9]{2}(?![0-9A-Za-z])"),
        ("hardware", rf"(?:{hardware})(?:{_NUMBER})?(?![A-Za-z])"),
        ("hardware:lower", rf"(?:{hardware.lower()})(?:{_NUMBER})?(?![A-Za-z])"),
        ("os", rf"{_OS}(?:[0-9]+(?:\.[0-9]+)?)?(?![A-Za-z])"),
        ("variant", rf"(?:{_VARIANTS})(?![A-Za-z])"),
        ("python:compact", r"(?<=py)3[0-9]{1,2}(?![0-9.])"),
        ("python", r"(?:(?<=py)|(?<=python)|(?<=python-))3\.[0-9]{1,2}(?![0-9])"),
        ("cudnn", rf"(?<=cudnn){_NUMBER}"),
        ("cuda", r"(?<=cu)1[0-9](?![0-9.])"),
        # behind a word other than `v` a number needs a dot: the 2 of `ec2` counts no releases
        ("number", rf"(?<![0-9.])(?:(?<![A-Za-z])|(?<=[vV])|(?=[0-9]+\.)){_NUMBER}(?![0-9])"),
    )


def _words(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


def _field_at(name: str, at: int, patterns: Sequence[tuple[str, str]], used: set[str]) -> tuple[str, str]:
    """The field that begins here, and its text; no field and one word or mark where there is none."""
    starts_word = at == 0 or not name[at - 1].isalnum()
    for field, pattern in patterns:
        if field.partition(":")[0] in used or (field == "cuda" and "hardware" in used):
            continue
        # words stay as they are; numbers and what follows a literal word may touch it
        touches = field in ("number", "python:compact", "python", "cudnn", "cuda")
        behind_number = field == "stage" and at > 0 and name[at - 1].isdigit()
        if not (starts_word or touches or behind_number):
            continue
        match = re.compile(pattern).match(name, at)
        if match is not None:
            return field, match.group()
    word = re.compile("[A-Za-z]+|[0-9]+|.").match(name, at)
    assert word is not None
    return "", word.group()


def globs_of(names: Iterable[str]) -> tuple[str, ...]:
    """Patterns that fit these names and those like them, the most frequent first: numbers become `*`."""
    counted = Counter(re.sub(r"[0-9]+(?:[._][0-9]+)*", "*", name) for name in names)
    return tuple(glob for glob, _ in counted.most_common())
