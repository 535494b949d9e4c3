"""find in a commit what would refuse its tag days later

Run by pre-commit.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from envhooks.base.dataclass import replace
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable, printable_block
from envhooks.base.invocation import spelled
from envhooks.base.place import Level, Place
from envhooks.base.refs import TAGS, Change, RefUpdate
from envhooks.builds.stamping import missing_lines
from envhooks.cli._manner import answer, complain, is_json, quiet, remark
from envhooks.cli._policyfiles import PolicyFiles
from envhooks.cli._terminal import columns, use_colour
from envhooks.git.repository import Git
from envhooks.image import CannotTell, Environment
from envhooks.judge import engine
from envhooks.judge.engine import judge
from envhooks.judge.facts import Finding, Report, Subject, TagReport, Unknown
from envhooks.judge.runs import failed, load_checks
from envhooks.policy import DockerfilePolicy, Policy
from envhooks.policy.reader import default_policy, parse_policy
from envhooks.policy.root import FOLDER, parse_lock, with_compat
from envhooks.report import Look, render
from envhooks.report.json import document as report_document
from envhooks.tagname import Grammar

_READABLE = {"environment", "compatibility"}
"""The facts that a file has without a tag."""

_RELEASE = r"\[?[vV]?[0-9]+\.[0-9]"
"""A heading that begins with a version; the text of others may name anything."""

SCHEMA = "report"
GROUP = "make a release"
EXAMPLES = (
    ("envhooks lint dockerfile", ""),
    ("envhooks lint changelog CHANGELOG.md", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the kind of the files, and their paths."""
    kinds = sorted(_KINDS)
    parser.add_argument("kind", choices=kinds, metavar=f"{{{','.join(kinds)}}}", help="what the files are")
    parser.add_argument(
        "files",
        nargs="*",
        default=[],
        metavar="FILE",
        help="relative to the top of the work tree; default: those that the policy names",
    )


def run(options: argparse.Namespace) -> int:
    """Print what is wrong with the files as they are in the work tree; pre-commit has put the staged text there."""
    try:
        report = _KINDS[options.kind](_top(), options.files)
    except EnvhooksError as error:
        report = failed(error)
    tags = tuple(tag for tag in report.tags if tag.findings or tag.undecided)
    look = Look(use_colour(sys.stdout), columns(sys.stdout), "quiet" if quiet() else "full", summary=False)
    said = render(Report(tags, report.errors), "text", look)
    print(spelled(said), end="")
    if not said and not report.exit_code:
        names = ", ".join(tag.tag for tag in report.tags)
        remark(printable(f"good: {names}", 2000) if names else "nothing to judge: there is no such file")
    answer(report_document(replace(report, tags=tuple(replace(tag, object=None) for tag in report.tags))))
    for text in report.errors if is_json() else ():
        complain(f"envhooks: {printable_block(text)}")
    return report.exit_code


def _top() -> Path:
    """The top of the work tree, wherever below it somebody stands: files are named from there."""
    here = Path.cwd()
    try:
        with Git.open(here) as git:
            return git.work_tree or here
    except EnvhooksError:
        return here  # files outside of any repository are looked at all the same


def _own_policy(top: Path) -> Policy:
    """The work tree's own policy: nothing else can be meant before it is committed."""
    own = PolicyFiles.at(top)
    data = own.read("policy.toml")
    policy = default_policy() if data is None else parse_policy(data, f"{FOLDER}/policy.toml", engine.ids())
    return with_compat(policy, own.read("compat.toml"), f"{FOLDER}/compat.toml")


def _dockerfiles(top: Path, files: Sequence[str]) -> Report:
    policy = _own_policy(top)
    checks = [c for c in load_checks() if not c.needs and c.reads and _READABLE.issuperset(c.reads)]
    subjects = []
    paths = [section.path for section in policy.dockerfiles if section.path is not None]
    named = [*dict.fromkeys(files or (file for path in paths for file in _files_of(top, path)))]
    for name in named:
        facts = _environment(top, name, policy)
        subjects.append(Subject(RefUpdate(TAGS + name, "0", "0"), facts))
    report = judge(subjects, checks, policy)
    unstamped = tuple(_unstamped(top, policy, named))
    return replace(report, tags=(*report.tags, *unstamped))


def _unstamped(top: Path, policy: Policy, files: Sequence[str]) -> Iterator[TagReport]:
    """Dockerfiles that docker would build without the stamp that the policy asks for."""
    by_docker = any(b.using == "local" and b.options.get("engine") == "docker" for b in policy.builds)
    if not policy.image_stamp or not by_docker:
        return
    for name in files:
        file = top / name
        lines = missing_lines(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else ()
        if lines:
            text = "docker builds it without the stamp that `[image] stamp` asks for"
            advice = f"put these lines behind its last FROM: {'; '.join(lines)}"
            yield _file_report(name, (Finding.at(Place(name), text, advice=advice, check="image-stamp"),))


def _environment(top: Path, name: str, policy: Policy) -> dict[str, object]:
    from envhooks.image.compat import judge_environment, table_of
    from envhooks.image.files import Files, FolderFiles
    from envhooks.judge.contents import read_environment_at

    section = next((s for s in policy.dockerfiles if s.path == name), DockerfilePolicy())

    if section.has_fields:  # which file that is depends on a tag
        section = replace(section, built_by=None)

    def read(files: Files) -> Environment:
        return read_environment_at(files, section, name, policy.bases)

    try:
        files = FolderFiles(top)
        if files.read(name) is None:
            gone = CannotTell("dockerfile", f"there is no {name}", Place(name))
            environment = Environment(name, "", None, None, cannot_tell=(gone,))
        else:
            environment = read(files)
    except EnvhooksError as error:
        unknown = Unknown(f"{error.place}: {error.message}" if error.place else error.message, *error.way_out)
        return dict.fromkeys(_READABLE, unknown)
    table = table_of(policy)
    facts: dict[str, object] = {
        "environment": environment,
        "compatibility": judge_environment(environment, table),
    }
    if facts["compatibility"] or environment.unpinned:
        from envhooks.image.compat.family import Target
        from envhooks.judge.pins import mend_pins

        facts["pins"] = mend_pins(files, read, environment, table, Target())
    return facts


def _changelogs(top: Path, files: Sequence[str]) -> Report:
    reports = []
    for name in files or _files_of(top, _own_policy(top).changelog.path or "CHANGELOG.md"):
        data = (top / name).read_bytes()
        findings = sorted(_entry_findings(name, data), key=lambda finding: finding.line or 0)
        reports.append(_file_report(name, tuple(findings)))
    return Report(tuple(reports))


def _files_of(top: Path, path: str) -> list[str]:
    """The files that a path of the policy names: all that there are of it, where it holds fields of a tag."""
    if "{" not in path:
        return [path]
    whole, least = re.sub(r"[\[\]]", "", path), re.sub(r"\[[^\[\]]*\]", "", path)
    forms = {re.sub(r"\{[^{}]*\}", "*", form) for form in (whole, least)}
    found = {file for form in forms for file in top.glob(form) if file.is_file()}
    return sorted(file.relative_to(top).as_posix() for file in found)


def _entry_findings(name: str, data: bytes) -> Iterator[Finding]:
    """What would refuse the release of an entry, whichever it is: no tag is known yet.

    An entry of the past is a warning: its release is out, and what it lacks stops nobody.
    """
    from envhooks.changelog.dates import PLACEHOLDER, digits_of, doubtful_day, find_day, is_unreleased
    from envhooks.changelog.near import unread_headings
    from envhooks.changelog.reader import read_changelog, text_of
    from envhooks.changelog.weaving import Spot, raw_lines, woven

    text = text_of(data, name)
    entries = [*read_changelog(data, name)]
    days = {entry.line: find_day(entry.date) for entry in entries if entry.date is not None}
    released = {line: digits_of(day) for line, day in days.items() if day is not None}
    newest = max(released.values(), default="")
    is_newest_first = [*released.values()] == sorted(released.values(), reverse=True)

    def found(line: int, why: str, got: str, fix: str = "") -> Finding:
        past = (
            released[line] < newest
            if line in released
            else is_newest_first and line > min(released, default=line)
        )
        level: Level = "warning" if past else "error"
        return Finding.at(Place(name, line), why, got=got, fix=fix, check="changelog-entry", level=level)

    for entry in entries:
        got = entry.heading
        if entry.date is not None and not entry.says_something:
            why = "a dated entry says nothing, so its release would be refused"
            yield found(entry.line, why, got)
        elif entry.date is None and re.match(_RELEASE, got) and not (entry.is_yanked or is_unreleased(got)):
            day, doubt = doubtful_day(got)
            if day and not re.search(PLACEHOLDER, day):
                why = "the day of an entry cannot be read, so its release would be refused"
                yield found(entry.line, why, f"{got}: {doubt}")
    lines = text.split("\n")
    for at, heading in unread_headings(text):
        why = "a dated line is no heading, so its release would be refused"
        got = f"{lines[at].strip()}: a blank is missing behind its marks"
        fix = woven(Spot.of(name, raw_lines(data), at), [heading], "", "instead")
        yield found(at + 1, why, got, fix)


def _policy(top: Path, files: Sequence[str]) -> Report:
    from envhooks.image.compat import table_of
    from envhooks.signatures.signers import read_signers

    own = PolicyFiles.at(top)
    policy = _own_policy(top)
    table_of(policy)
    read_signers(own.signer_files(), FOLDER)
    lock = own.read("tags.lock")
    if lock is not None:
        parse_lock(lock, f"{FOLDER}/tags.lock")
    found = tuple(_yanked(top, policy))
    doubts = tuple(_stated(top, policy))
    tags = (_file_report(f"{FOLDER}/policy.toml", doubts),)
    if not policy.builds:
        return Report(tags, found)
    from envhooks.builds.sections import faults

    return Report(tags, (*found, *(str(fault) for fault in faults(policy))))


def _stated(top: Path, policy: Policy) -> Iterator[Finding]:
    """What is not followed of the files that `built-by` names, and arguments that the policy has otherwise."""
    for section in policy.dockerfiles:
        if section.built_by is None or section.has_fields or section.path is None:
            continue
        from envhooks.image.files import FolderFiles
        from envhooks.image.statedbuilds import followed
        from envhooks.judge.builtby import ADVICE

        file, name = section.built_by
        check = "dockerfile-matches"
        try:
            found = followed(FolderFiles(top), file, name, section.path, dict(section.args))
        except EnvhooksError as error:
            text = f"cannot tell what this builds: {error.message}"
            yield Finding.at(Place(file), text, advice=ADVICE, check=check)
            continue
        for argument, value in section.args:
            given = dict(found.args).get(argument, value)
            if given != value:
                text = f"the build gives {argument}={given}, and [dockerfile] of the policy {value}"
                yield Finding.at(Place(file), text, level="warning", check=check)


def _yanked(top: Path, policy: Policy) -> Iterator[str]:
    """A sentence for each `[[yanked]]` that is no release's name: a misspelt one yanks nothing."""
    grammar = Grammar(policy.tag)
    odd = [tag for tag in policy.yanked if grammar.match(tag) is None]
    if not odd:
        return
    with Git.open(top) as git:
        there = {ref.name for ref in git.refs(TAGS)}  # a release of before the policy's names is one, too
    for tag in odd:
        if TAGS + tag not in there:
            naming = grammar.read(tag)
            hint = f"; did you mean {printable(naming.suggestion, 120)}?" if naming.suggestion else ""
            yield f"`[[yanked]]` names {printable(tag, 120)}, which is no release tag{hint}"


def _file_report(name: str, findings: tuple[Finding, ...]) -> TagReport:
    bad = any(finding.level == "error" for finding in findings)
    return TagReport(name, name, Change.STANDING, None, None, "refused" if bad else "accepted", findings)


_KINDS: dict[str, Callable[[Path, Sequence[str]], Report]] = {
    "changelog": _changelogs,
    "dockerfile": _dockerfiles,
    "policy": _policy,
}
