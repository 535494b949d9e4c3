"""move the Dockerfile to another release or CUDA, as a patch

The whole family, the changelog, the tag's name and the driver move. `envhooks propose --framework 2.9.1 --hardware
cu130` prints the patch: torch, torchvision, torchaudio, packages that pin torch, the index of wheels and the base
image move together, by published facts. It is refused where such a combination was never published, with the nearest
one. `--apply` writes it, as `envhooks propose | git apply` does.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.catalog.lookup import words
from envhooks.changelog.drafting import changelog_for
from envhooks.changelog.writing import with_entry
from envhooks.cli._manner import answer, complain, remark
from envhooks.cli._othertools import writer_of
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.image.compat import table_of
from envhooks.image.compat.drivers import driver_needs, least_driver
from envhooks.image.compat.family import Target
from envhooks.image.compat.table import Table
from envhooks.image.files import Files, FolderFiles
from envhooks.judge.checkout import hold_every_tag
from envhooks.judge.contents import dockerfile_section, read_environment_at, section_for
from envhooks.judge.moves import Move, move
from envhooks.judge.targets import Refusal
from envhooks.policy import DockerfilePolicy, Policy
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER, with_compat
from envhooks.releases.entry import Sources, parts_of
from envhooks.releases.naming import last_of_lines, propose_for
from envhooks.releases.reading import Releases
from envhooks.tagname import Grammar, expand
from envhooks.tagname.names import TagName

_VERSION = r"(?a)v?([0-9]{1,4}(?:\.[0-9]{1,4}){1,3})"
_HARDWARE = r"(?ai)(cu|cuda|rocm|cpu|xpu)-?([0-9]{1,3}(?:\.[0-9]{1,2}){0,2})?"


_NOTHING = {
    "what": None, "tag": None, "why": None, "driver": None, "notes": (), "files": (), "patch": "", "written": False,
    "next": (), "refused": None,
}  # fmt: skip
GROUP = "make a release"
EXITS = (
    "a patch, or nothing to move",
    "it was never published",
    "the table does not say",
)
EXAMPLES = (
    ("envhooks propose --framework 2.9.1", "print the patch"),
    ("envhooks propose --framework 2.9.1 --hardware cu130 --apply", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG, `--framework`, `--hardware`, `--apply`."""
    parser.add_argument(
        "tag",
        nargs="?",
        default="",
        metavar="TAG",
        help="a tag of the line that is meant; default: the only line",
    )
    parser.add_argument(
        "--framework", metavar="VERSION", help="2.9.1, or 2.9 for its newest; default: the newest"
    )
    parser.add_argument("--hardware", metavar="BUILD", help="cu130, rocm6.4, cpu; default: as it is")
    parser.add_argument("--apply", action="store_true", help="write the files; default: print the patch")


@dataclass(frozen=True)
class _Place:
    """The files that are moved, and how an environment is read from them."""

    top: Path
    files: Files
    policy: Policy
    table: Table
    section: DockerfilePolicy
    path: str
    last: str

    def read(self, files: Files) -> Environment:
        """The environment that files make."""
        return read_environment_at(files, self.section, self.path, self.policy.bases)


def run(options: argparse.Namespace) -> int:
    """Print or write the proposal; 1 where it was never published, 2 where the table does not say."""
    with Git.open(Path.cwd()) as git:
        releases = Releases(git)
        hold_every_tag(git)
        place = _place(releases, options.tag)
        before = place.read(place.files)
        target = _target(place, before, options)
        found = move(place.files, place.read, before, place.table, target)
        answer(_NOTHING, path=place.path)
        if isinstance(found, Refusal):
            _refuse(found)
            return 1
        what = _what(found, target)
        answer(what=what)
        if not found.files:
            remark(f"nothing to move: {printable(place.path)} holds {printable(what)} already")
            return 0
        tag = propose_for(releases, place.policy.tag, place.last, found.environment)
        name = Grammar(place.policy.tag).match(tag.name) if tag.name else None
        files = dict(found.files)
        notes = [*found.notes, *_base_that_stays(found.environment, target)]
        if name is not None:
            files |= _changelog(place, name, before, found.environment, notes)
    for line in _summary(place, found, target, before, tag.name or "", tag.why, notes):
        remark(printable(line))
    patch = "".join(_diff(place.files, files))
    answer(tag=tag.name or None, why=tag.why, notes=notes, files=sorted(files), patch=patch)
    answer(driver=least_driver(driver_needs(found.environment, place.table)))
    if options.apply:
        _write(place, files)
        paths = " ".join(map(word, sorted(files)))
        commands = (f"git add -- {paths}", f"git commit -m {word(what)} -- {paths}")
        remark(f"written: {printable(paths)}")
        remark(printable(f"next: {' && '.join(commands)}"))
        answer(written=True, next=commands)
        return 0
    remark()
    print(printable_block(patch), end="")
    return 0


# ------------------------------------------------------------------------------------------ what is meant


def _place(releases: Releases, tag: str) -> _Place:
    top = releases.git.work_tree
    if top is None:
        raise UsageError("a bare repository has no files that could be moved")
    files = FolderFiles(top)
    policy = releases.trust.root.policy
    own = files.read(f"{FOLDER}/policy.toml")
    if own is not None:
        policy = parse_policy(own, f"{FOLDER}/policy.toml in the work tree")
        policy = with_compat(policy, files.read(f"{FOLDER}/compat.toml"), f"{FOLDER}/compat.toml")
    lines = last_of_lines(releases)
    if tag and Grammar(policy.tag).match(tag) is None:
        raise UsageError(f"{printable(tag)} is no name of a release", fix="envhooks list")
    if not tag and len(lines) > 1:
        raise UsageError(
            f"there are {len(lines)} lines: {', '.join(map(printable, lines))}; name a tag of the one that is meant",
            fix=f"envhooks propose {word(lines[0])}",
        )
    last = tag or (lines[0] if lines else "")
    section = dockerfile_section(policy, last)
    if section is None or section.path is None:
        raise UsageError("the policy names no Dockerfile for it")
    name = Grammar(policy.tag).match(last) if last else None
    if section.has_fields and name is None:
        raise UsageError(
            "which Dockerfile it is depends on a tag's name: name one", fix="envhooks propose TAG"
        )
    section = section_for(section, name)
    path = section.path
    assert path is not None
    if files.read(path) is None:
        raise UsageError(f"there is no {printable(path)}")
    return _Place(top, files, policy, table_of(policy), section, path, last)


def _target(place: _Place, environment: Environment, options: argparse.Namespace) -> Target:
    version = hardware = number = ""
    if options.framework:
        match = re.fullmatch(_VERSION, options.framework)
        if match is None:
            raise UsageError(
                f"{printable(options.framework)} is no version", fix="envhooks propose --framework 2.9.1"
            )
        version = match[1]
    if options.hardware:
        match = re.fullmatch(_HARDWARE, options.hardware)
        kind = match[1].lower() if match else ""
        if match is None or (kind in ("cu", "cuda", "rocm") and not match[2]):
            raise UsageError(
                f"{printable(options.hardware)} is no build", fix="envhooks propose --hardware cu130"
            )
        hardware = {"cu": "CUDA", "cuda": "CUDA", "rocm": "ROCm", "cpu": "CPU", "xpu": "XPU"}[kind]
        number = match[2] or ""
        if hardware == "CUDA" and "." not in number and len(number) > 2:
            number = f"{number[:-1]}.{number[-1]}"
    name = Grammar(place.policy.tag).match(place.last) if place.last else None
    if hardware and name is not None and name.hardware and name.hardware != hardware:
        raise UsageError(
            f"{printable(place.last)} is of a line for {printable(name.hardware)}, and {hardware} would be another one",
            fix="envhooks propose TAG, with a tag of that line",
        )
    return Target(_packages(place, environment), version, hardware, number)


def _packages(place: _Place, environment: Environment) -> tuple[str, ...]:
    frameworks = place.policy.tag.frameworks
    name = Grammar(place.policy.tag).match(place.last) if place.last else None
    if name is not None and name.framework and name.framework in frameworks:
        return frameworks[name.framework]
    found = [packages for packages in frameworks.values() if environment.find(*packages)]
    if not found:
        raise CannotJudge("no framework of the policy is installed", place=printable(place.path))
    return found[0]


# ------------------------------------------------------------------------------------------ the changelog


def _changelog(
    place: _Place, name: TagName, before: Environment, after: Environment, notes: list[str]
) -> Mapping[str, bytes]:
    """The changelog with an entry for the new release; nothing where there is one, or a tool writes it."""
    policy = place.policy.changelog
    if policy.path is None:
        return {}
    path = expand(policy.path, name)
    tool = writer_of(place.top, name, path)
    if tool is not None:
        notes.append(f"{tool.text}: {tool.command}")
        return {}
    data = place.files.read(path)
    vocabulary = words(place.policy.tag.frameworks, place.policy.tag.hardware)
    found = changelog_for(data, path, name, policy.heading, vocabulary)
    if found.entry is not None:
        if not found.is_good:
            notes.append(f"the entry for {name.text} at {path}:{found.entry.line} {found.entry.lack}")
        return {}
    if found.near is not None and found.near.is_mended:
        notes.append(f"{path}:{found.near.line} is nearly an entry for {name.text}: {found.near.why}")
        return {}
    packages = place.policy.tag.frameworks.get(name.framework or "", ())
    sources = Sources(name, packages, place.last, before, after, ())
    made = with_entry(data, path, name, policy.heading, date.today(), parts_of(sources, place.table))
    return {path: made.data}


# ------------------------------------------------------------------------------------------ what is said


def _base_that_stays(environment: Environment, target: Target) -> Iterator[str]:
    """A base image for other hardware: which one is meant instead, no published fact says."""
    kinds = {one.kind for one in environment.hardware if one.source == "base"}
    if target.hardware and kinds and target.hardware not in kinds and environment.base:
        kind = ", ".join(sorted(kinds))
        yield f"the base image {environment.base.image} is for {kind} and stays: choose one for {target.hardware}"


def _what(found: Move, target: Target) -> str:
    built = f" for {target.hardware} {target.hardware_version}".rstrip() if target.hardware else ""
    return f"{target.packages[0]} {found.version}{built}"


def _refuse(refusal: Refusal) -> None:
    complain(f"envhooks: {printable(refusal.why)}")
    if refusal.nearest:
        complain(printable(f"  nearest: {'; '.join(refusal.nearest)}"))
    answer(refused={"why": refusal.why, "nearest": refusal.nearest})


def _summary(
    place: _Place, found: Move, target: Target, before: Environment, tag: str, why: str, notes: list[str]
) -> Iterator[str]:
    yield f"{place.path}: {_what(found, target)}"
    yield f"tag: {tag} ({why})" if tag else f"tag: none can be told: {why}"
    old, new = (least_driver(driver_needs(one, place.table)) for one in (before, found.environment))
    if new:
        yield f"driver: NVIDIA {new} or newer" + (f" (was {old})" if old and old != new else "")
    for note in notes:
        yield f"note: {note}"


def _diff(files: Files, changed: Mapping[str, bytes]) -> Iterator[str]:
    """A unified diff as git writes it."""
    for path, data in sorted(changed.items()):
        old = files.read(path)
        before, after = (
            re.findall(r"[^\n]*\n|[^\n]+", text.decode("utf-8", "replace")) for text in (old or b"", data)
        )
        source = f"a/{path}" if old is not None else "/dev/null"
        for line in difflib.unified_diff(before, after, source, f"b/{path}"):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _write(place: _Place, changed: Mapping[str, bytes]) -> None:
    """Write the files, through no link.

    Raises:
        UsageError: one of them is a link, or leads out of the repository.
    """
    for path in changed:
        file = place.top / path
        if file.is_symlink() or not file.resolve().is_relative_to(place.top.resolve()):
            raise UsageError("this is a link, and is not written through", place=printable(path))
    for path, data in changed.items():
        file = place.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
