"""Fixes that several checks name: commands that make a tag again, or bring the published one back.

Each command is pasted as it stands and keeps the commit that was meant. Where it is for a person to decide, there is
advice instead: a line for each case, and behind its colon the command for that case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict

from envhooks.base.dataclass import replace
from envhooks.base.errors import UsageError
from envhooks.base.hygiene import is_plain, printable, word
from envhooks.base.refs import TAGS, Change
from envhooks.judge.facts import Finding, Publication, Subject, TagObject
from envhooks.tagname.names import Naming, TagName, TagPolicy

_WRITE = "write it where it can be read: in the Dockerfile, or in a requirement file that it installs"
LONGEST_MESSAGE = 200
"""Characters of a message that a command holds itself; a longer one is taken from the object."""


class Mend(TypedDict, total=False):
    """The fields of a Finding that state its fix."""

    fix: str
    advice: str


def remake(subject: Subject, target: str, message: str | None = None) -> Mend:
    """Command that makes the tag once more, signed, at the same target.

    `message` is the new one; None keeps the tag's own, and empty opens the editor. Under a name that is refused it
    would be refused again: there tag-name says how it is made, which is signed too.
    """
    if is_name_refused(subject):
        return {"advice": "make it by git tag -s, under the name that tag-name asks for"}
    if subject.tag.startswith("-"):  # not even behind `--`: strbuf_check_tag_ref
        return {"advice": "git makes no tag whose name begins with `-`; choose another name"}
    publication = publication_of(subject)
    force = "-f " if publication.here else ""
    command = f"git tag {force}-s {_message(subject, message)}{word(subject.tag)} {target}"
    return _where_it_may_be_made(subject, _piped(subject, message) + command)


def is_name_refused(subject: Subject) -> bool:
    """Whether the tag's name is read and is none of a release, so that no command may use it."""
    naming = subject.facts.get("naming")
    return isinstance(naming, Naming) and naming.name is None


def rename(subject: Subject, name: str, taken: frozenset[str]) -> Mend:
    """Command that gives the tag another name: made at the same commit with the same message, the old one deleted."""
    if name in taken:
        return {"advice": f"there is a tag {name} already; the next free name is for you to choose"}
    target = target_of(subject)
    if not target:
        made, new = subject.facts.get("object"), subject.update.new
        if made is not None and not isinstance(made, TagObject) and new:  # a draft: nothing is made yet
            return {"fix": f"envhooks tag {word(name)} --at {new[:12]}"}
        return {"advice": f"tag a commit as {name}"}
    command = f"git tag -s {_message(subject)}{word(name)} {target}"
    if publication_of(subject).here:
        command += f" && git tag -d {word(subject.tag)}" if not subject.tag.startswith("-") else ""
    return _where_it_may_be_made(subject, _piped(subject) + command)


def reunion(remote: str, branch: str) -> tuple[str, str]:
    """(fault, command) where a branch here and on a remote have gone apart."""
    text = f"{branch} and {remote}/{branch} have gone apart; a merge keeps the commit, a rebase does not"
    return text, f"git switch {word(branch)} && git pull --no-rebase --no-edit {word(remote)} {word(branch)}"


def publication_of(subject: Subject) -> Publication:
    """Known facts of the tag's publication; without any, the tag counts as local to this clone."""
    found = subject.facts.get("publication")
    return found if isinstance(found, Publication) else Publication(False)


def brought_back(subject: Subject) -> str:
    """The command that brings the tag back as the remote has it."""
    ref = word(f"+{TAGS}{subject.tag}:{TAGS}{subject.tag}")
    return f"git fetch {word(publication_of(subject).remote or 'origin')} {ref}"


def admitted(subject: Subject) -> str:
    """The command that admits a tag as older than the policy, where its name can stand in tags.lock."""
    if printable(subject.tag) != subject.tag:
        return "list a pattern for such names under `ignore` in .envhooks/policy.toml"
    return f"envhooks lock --reason 'made before the policy' --legacy={word(subject.tag)}"


def next_free(name: TagName, taken: frozenset[str], policy: TagPolicy, spelt: TagName | None = None) -> str:
    """The next release of the same version that no tag has, as the name's own template writes it.

    `rc3` after `rc2`, `post1` after a stable release, the next number of a `{release}`; empty where the template has
    neither. `spelt` is a name of the same version that writes it in its own way: `v2.8` beside `v2.8.0`.
    """
    from envhooks.tagname import Grammar

    own = spelt if spelt is not None and _numbers(spelt) == _numbers(name) else name
    grammar = Grammar(policy)
    template = next((one for one in policy.templates if _written(one, own) == own.text), "")
    names = {one.casefold() for one in taken}
    following: TagName | None = name
    for _ in range(1000):
        following = _following(following, template) if following else None
        if following is None:
            return ""
        version = own.version if own.version else following.version
        text = _written(template, replace(following, version=version))
        if not text or grammar.match(text) is None:
            return ""
        if text.casefold() not in names:
            return text
    return ""


def stable_of(name: TagName, policy: TagPolicy) -> str:
    """The stable release of the same version, as the name's own template writes it; empty where it writes none."""
    from envhooks.tagname import Grammar

    template = next((one for one in policy.templates if _written(one, name) == name.text), "")
    text = _written(template, replace(name, stage="stable", stage_number=0)) if template else ""
    found = Grammar(policy).match(text) if text else None
    return text if found is not None and found.stage == "stable" else ""


def _following(name: TagName, template: str) -> TagName | None:
    """The release that comes next by its stage, or else by its number; None where the template writes neither."""
    release = name.field("release")
    if "{stage" in template and (name.stage != "stable" or not release):
        stage, number = ("post", 1) if name.stage == "stable" else (name.stage, name.stage_number + 1)
        return replace(name, stage=stage, stage_number=number)
    if not release:
        return None
    before, dot, last = release.rpartition(".")
    bumped = f"{before}{dot}{str(int(last) + 1).zfill(len(last))}"
    extra = tuple((field, bumped if field == "release" else text) for field, text in name.extra)
    return replace(name, extra=extra)


def _written(template: str, name: TagName) -> str:
    from envhooks.tagname import expand

    try:
        return expand(template, name)
    except UsageError:
        return ""  # the name lacks a field of it


def _numbers(name: TagName) -> tuple[int, ...]:
    """The version without the zeros at its end: 2.8.0 is 2.8."""
    numbers = name.version
    while numbers[-1:] == (0,):
        numbers = numbers[:-1]
    return numbers


def committed(subject: Subject, path: str) -> Mend:
    """The command that commits a file of the work tree; the tag is for the commit that it makes."""
    file, what = word(path), word(f"Changelog entry of {printable(subject.tag)}")
    return {
        "fix": f"git add -- {file} && git commit -m {what} -- {file}",
        "advice": "then make the tag there",
    }


def _where_it_may_be_made(subject: Subject, command: str) -> Mend:
    """The command where the name was not published yet; else the steps for a published tag."""
    publication = publication_of(subject)
    if publication.published:
        if subject.change is not Change.STANDING:
            return {}  # it must not move: tag-immutable says so
        return {"advice": f"published, so it stays as it is: {admitted(subject)}"}
    if subject.change is Change.STANDING and publication.unasked:
        lines = (f"published already, so it stays as it is: {admitted(subject)}", f"never pushed: {command}")
        return {"advice": "\n".join(lines)}
    return {"fix": command}


def target_of(subject: Subject) -> str:
    """Short id of the commit that a tag leads to, for a command; empty where it leads to none."""
    found = subject.facts.get("object")
    if not isinstance(found, TagObject):
        return ""
    if found.type == "commit":
        return found.oid[:12]
    annotation = found.annotation
    return annotation.target[:12] if annotation and annotation.target_type == "commit" else ""


def _own_message(subject: Subject) -> str:
    found = subject.facts.get("object")
    annotation = found.annotation if isinstance(found, TagObject) else None
    return annotation.message.strip("\n") if annotation else ""


def _is_short(message: str) -> bool:
    return len(message) <= LONGEST_MESSAGE and is_plain(message)


def _message(subject: Subject, new: str | None = None) -> str:
    """The options that give the message; none where the editor asks for it."""
    message = _own_message(subject) if new is None else new
    if not message.strip():
        return ""
    if new is None and not _is_short(message):
        return "--cleanup=whitespace -F - "
    kept = "--cleanup=whitespace " if message.startswith("#") else ""
    return f"{kept}-m {word(message)} "


def _piped(subject: Subject, new: str | None = None) -> str:
    """The command that writes a longer message to standard output, with a pipe behind it."""
    message = _own_message(subject)
    if new is not None or not message.strip() or _is_short(message):
        return ""
    found = subject.facts["object"]
    assert isinstance(found, TagObject)
    return f"git cat-file tag {found.oid[:12]} | sed -e '1,/^$/d' -e '/^-----BEGIN .*-----$/,$d' | "


def as_the_name_says(
    subject: Subject, tags: TagPolicy, finding: Finding, said: tuple[str, ...], packages: tuple[str, ...]
) -> Mend:
    """The command that pins what the name says, and the name that says what is installed.

    `said`: texts of the name one of which the finding is about; `packages`: those whose pins decide it.
    """
    if finding.message.startswith("cannot tell") or "cannot be told" in finding.message:
        return {"advice": _WRITE}
    pins = subject.pins
    mend: Mend = {}
    lines: list[str] = []
    if pins is not None and pins.fix and not pins.names.isdisjoint(packages):
        mend["fix"] = pins.fix
    elif pins is not None and pins.why_not and packages:
        lines.append(pins.why_not)
    other = _named_as_it_is(subject, tags, finding, said)
    if other:
        lines.append(f"if the name is what is wrong: {other}")
    if not mend and not lines:
        lines.append("install what the name says, or tag under the name of what is installed")
    return {**mend, "advice": "\n".join(lines)} if lines else mend


def _named_as_it_is(subject: Subject, tags: TagPolicy, finding: Finding, said: tuple[str, ...]) -> str:
    """The command that tags the same commit under the name of what the finding found."""
    from envhooks.tagname import Grammar

    name, found = subject.name, finding.got.rpartition(" ")[2]
    if not found or not finding.message.endswith(f" {found}"):
        return ""
    for text in said:
        is_number = re.match(r"[0-9]+(?:\.[0-9]+)*", found, re.ASCII)
        if not text or (is_number is None) == text[:1].isdigit() or name.text.count(text) != 1:
            continue
        parts = text.count(".") + 1
        stated = ".".join(is_number.group().split(".")[:parts]) if is_number else found
        other = name.text.replace(text, stated)
        if other != name.text and Grammar(tags).match(other) is not None:
            return rename(subject, other, subject.taken).get("fix", "")
    return ""


def told_by_the_template(tags: TagPolicy, frameworks: Sequence[str] = ()) -> str:
    """Advice how the policy names the framework whose version a tag's name has; `frameworks` are the candidates."""
    where = "in .envhooks/policy.toml, [tag]"
    own = f"if it is a number of your own, the template has {{release}} for {{version}}, {where}"
    if not frameworks:
        return f"install the framework, with its version\n{own}"
    if len(tags.templates) > 1 or tags.meanings or '"' in tags.templates[0]:
        said = [f'framework = "{one}" beside the template' for one in frameworks]
    else:
        said = [
            f'templates = [{{ template = "{tags.templates[0]}", framework = "{one}" }}]' for one in frameworks
        ]
    return f"say of what it is the version, {where}: {' or '.join(said)}\n{own}"


def named_by_the_dockerfile(subject: Subject, tags: TagPolicy) -> str:
    """The name of what the Dockerfile builds, with the version and stage that a name tells; empty where unclear."""
    from envhooks.image import Environment, versions_agree
    from envhooks.tagname import Grammar

    environment = subject.facts.get("environment")
    said = re.search(r"(?<![0-9.])([0-9]+(?:\.[0-9]+){1,3})(?:\+cu([0-9]{2})([0-9]))?", subject.tag)
    if not isinstance(environment, Environment) or said is None:
        return ""
    held = [
        framework
        for framework, packages in tags.frameworks.items()
        if (found := environment.find(*packages)) and versions_agree(found[-1].version or "", said[1])
    ]
    kinds = {one.kind for one in environment.hardware}
    if len(held) != 1 or len(kinds) != 1:
        return ""
    stage = re.search(r"(?i)[-_.]?(alpha|beta|rc|post)[-_.]?([0-9]+)\Z", subject.tag)
    hardware = kinds.pop() + (f"{said[2]}.{said[3]}" if said[2] else "")
    ending = f"-{stage[1].lower()}{stage[2]}" if stage else ""
    name = f"{held[0]}-{hardware}-v{said[1]}{ending}"
    return name if Grammar(tags).match(name) is not None else ""
