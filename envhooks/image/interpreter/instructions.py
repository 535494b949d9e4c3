"""Instructions of one stage: its state, what FROM holds, the files that COPY and ADD bring, and the text of RUN."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import CannotJudge
from envhooks.base.place import Place
from envhooks.catalog.families import Family
from envhooks.catalog.lookup import SERVERS
from envhooks.image import BaseImage, CannotTell, Hardware, Package, Unpinned
from envhooks.image.dockerfile import Instruction, baseimage
from envhooks.image.dockerfile.stages import Build, Scope, Stage, join
from envhooks.image.interpreter.programs import INSTALLS, unwrap
from envhooks.image.interpreter.runner import Runner
from envhooks.image.stage import Arg, Session
from envhooks.image.stage.containerfs import ContainerFiles, Found
from envhooks.image.stage.installed import SYSTEM, Entry, conda_place, holds_packages
from envhooks.image.text import Lines, readable, unknown

Below = tuple["BaseImage | None", list[Unpinned], list[CannotTell]]
"""A base image, and what is open about it."""


@dataclass
class StageState:
    """One stage while it is gone through."""

    build: Build
    others: Mapping[int, StageState]
    """The stages that were gone through before, by number."""
    scope: Scope
    session: Session
    shell: tuple[str, ...]
    """Shell of the SHELL instruction: `("/bin/sh", "-c")`."""
    below: Mapping[int, Below]
    """Number of a stage whose base image the same tree builds -> what that build is made from."""
    started: Mapping[str, str] = field(default_factory=dict)
    """`ENTRYPOINT` and `CMD`, of the stage below in lower case -> the environment whose program it starts, or ""."""

    def other(self, name: str) -> StageState | None:
        """The stage that `--from` names; None for an image."""
        index = self.build.by_reference(name)
        return None if index is None else self.others[index]


def take_base(stage: Stage, session: Session, own: Sequence[Family]) -> None:
    """Take over the content of the base image; `own` are the policy's families of images."""
    if stage.base == "scratch":
        return
    base = baseimage.host_told(stage.base)
    reference = None if unknown(base) else baseimage.parse_reference(base)
    place = Place(session.path, stage.head.start)
    if reference is None:
        session.note("what the base image holds is not known", place)
        return
    held = baseimage.contents(reference, own)
    hardware = tuple(Hardware(kind, version, "base", place) for kind, version in held.hardware)
    for name, version, local in held.packages:
        package = Package(name, version, local, True, f"=={version}", "base", place)
        session.installed.put(SYSTEM, Entry(name, package, image=stage.base))
    for name, why in held.opaque:
        doubt = CannotTell(name, why, place)
        session.installed.put(SYSTEM, Entry(name, cannot_tell=doubt, image=stage.base))
    if held.python:
        session.installed.pythons[SYSTEM] = (held.python, place)
    session.installed.base_hardware = hardware
    session.installed.base_says = held.says
    if not (held.plain or held.packages or held.opaque):
        session.note(f"what the base image {reference.name} holds is not known", place)


def copy(state: StageState, one: Instruction) -> None:
    """Take one COPY or ADD.

    Raises:
        CannotJudge: it has no source or no target.
    """
    path = state.build.file.path
    words = list(one.array) if one.array is not None else re.split(r"[\t\v\f\r ]+", one.text)
    if len(words) < 2:
        raise CannotJudge(f"{one.command} needs a source and a target", place=f"{path}:{one.start}")
    if one.heredocs and one.array is None and _document(words[-1]):
        raise CannotJudge(f"a heredoc is no target of {one.command}", place=f"{path}:{one.start}")
    expanded = [
        word if _document(word) else state.build.expand(word, state.scope, one.start) for word in words
    ]
    target = join(state.scope.workdir, expanded[-1])
    folder = expanded[-1].endswith(("/", ".")) or len(expanded) > 2
    _documents(state, one, expanded[:-1], target, folder)
    sources = [
        word
        for word in expanded[:-1]
        if not _document(word) and "://" not in word and not word.startswith("git@")
    ]
    origin = one.flag("from") if one.command == "COPY" else None
    if origin is not None:
        _copy_from(state, one, origin, sources, target)
    elif sources:
        excludes = tuple(flag.partition("=")[2] for flag in one.flags if flag.startswith("--exclude="))
        parents = "--parents" in one.flags or one.flag("parents") == "true"
        state.session.files.add(sources, target, excludes=excludes, parents=parents)


def _document(word: str) -> bool:
    return word.lstrip("0123456789").startswith("<<")


def _documents(state: StageState, one: Instruction, words: list[str], target: str, folder: bool) -> None:
    """Inline documents: the file that is copied stands in the Dockerfile itself."""
    files = state.session.files
    by_name = {heredoc.name: heredoc for heredoc in one.heredocs}
    for word in words:
        heredoc = by_name.get(re.sub(r"\A[0-9]*<<-?|['\"]", "", word)) if _document(word) else None
        if heredoc is None:
            continue
        path = join(target, heredoc.name) if folder else target
        if heredoc.expand and "$" in heredoc.text:
            files.spoil(path, "the builder expands its text")
        else:
            files.write(path, Found(heredoc.text.encode(), state.build.file.path, heredoc.line - 1))


def _copy_from(state: StageState, one: Instruction, origin: str, sources: list[str], target: str) -> None:
    place = Place(state.build.file.path, one.start)
    other = state.other(origin)
    session = state.session
    absolute = [join("/", source) for source in sources]
    for server in {source.rpartition("/")[2] for source in absolute} & SERVERS.keys():
        why = f"{server} of {readable(origin)} holds it, in a release that is not stated"
        session.installed.doubt(SYSTEM, SERVERS[server], why, place)
    if other is None:
        for source in absolute:
            if holds_packages(source):
                session.note(f"what {origin} holds in {readable(source)} is not known", place)
        return
    session.files.add(absolute, target, of=other.session.files)
    for source in absolute:
        if unknown(source):
            session.note(f"what is copied is not known: {state.build.unknowns.why(source)}", place)
            continue
        session.installed.bring(other.session.installed, source, target)
        if source == target == "/":
            session.installed.base_hardware = other.session.installed.base_hardware


def mounted_files(state: StageState, one: Instruction) -> ContainerFiles | None:
    """The files as a RUN with bind mounts sees them; None where it has none."""
    mounted: ContainerFiles | None = None
    for flag in one.flags:
        if not flag.startswith("--mount="):
            continue
        fields = {
            part.partition("=")[0].strip().lower(): part.partition("=")[2]
            for part in flag[len("--mount=") :].replace('"', "").split(",")
        }
        if fields.get("type", "bind") != "bind":
            continue
        if mounted is None:
            mounted = state.session.files.copy()
        source = fields.get("source", fields.get("src", "."))
        target = fields.get("target", fields.get("dst", fields.get("destination", ".")))
        source, target = (state.build.expand(text, state.scope, one.start) for text in (source, target))
        _mount(state, mounted, fields.get("from"), source, join(state.scope.workdir, target))
    return mounted


def _mount(state: StageState, mounted: ContainerFiles, origin: str | None, source: str, target: str) -> None:
    if origin is None:
        mounted.add([source], target)
        return
    other = state.other(origin)
    if other is not None:
        mounted.add([join("/", source)], target, of=other.session.files)
    else:
        mounted.spoil(target, f"it comes from the image {readable(origin)}", tree=True)


_ACTIVATED = (
    r"(?:(?:conda|mamba|micromamba)[\t ]+|source[\t ]+(?:[^\s;&|]*/bin/)?)activate[\t ]+([A-Za-z0-9_./-]+)"
)
_ONLY_HEREDOC = r"[0-9]*<<-?[\t ]*(?:[^<\s'\"]+|(['\"])[^'\"]*\1)"
_SHEBANG = r"#![ \t]*(?:[^ \t]*/)?(?:env[ \t]+(?:-S[ \t]*)?)?(?:[^ \t]*/)?(?:ba|da|a|z|k)?sh(?:[ \t].*)?"


def run(state: StageState, one: Instruction) -> None:
    """Take one RUN."""
    session = state.session
    before = session.files
    session.files = mounted_files(state, one) or before
    runner = Runner(
        session,
        state.scope,
        state.build.work.spend,
        where=shell_environment(state.shell),
        bash=_bash(state, one),
    )
    place = Place(state.build.file.path, one.start)
    if one.array is not None:
        if one.array:
            runner.array(one.array, place)
    elif not any(re.fullmatch(r"(?:.*/)?(?:ba|da|a|z|k)?sh", word) for word in state.shell):
        if any(
            re.search(INSTALLS, text) for text in (one.text, *(heredoc.content for heredoc in one.heredocs))
        ):
            session.note(f"the shell {readable(state.shell[0])} is not followed", place)
    else:
        _script(state, one, runner, place)
    session.files = before


def _bash(state: StageState, one: Instruction) -> bool:
    """Whether bash takes the text for certain: `/bin/sh` is another shell in the images of Debian and Ubuntu."""
    text, _ = _text(one, "") if one.heredocs else ("", None)
    head = text.partition("\n")[0]
    if head.startswith("#!"):
        return re.search(r"[/ \t]bash\b", head) is not None
    return any(re.fullmatch(r"(?:.*/)?bash", word) for word in state.shell)


def _script(state: StageState, one: Instruction, runner: Runner, place: Place) -> None:
    text, lines = _text(one, state.build.file.path)
    head = text.partition("\n")[0]
    if not head.startswith("#!") or re.fullmatch(_SHEBANG, head):
        runner.script(text, lines)
    elif re.search(INSTALLS, text):
        state.session.note(f"what runs under {head[:60]} is not followed", place)


def _text(one: Instruction, path: str) -> tuple[str, Lines]:
    """The shell text of a RUN, put together as BuildKit does, and its lines."""
    lines = Lines(path)
    if len(one.heredocs) == 1 and re.fullmatch(_ONLY_HEREDOC, one.text):
        heredoc = one.heredocs[0]
        lines.add_text(0, heredoc.text, heredoc.line)
        return heredoc.text, lines
    for offset, line in one.breaks or ((0, one.start),):
        lines.add(offset, line)
    parts = [one.text]
    size = len(one.text)
    for heredoc in one.heredocs:
        lines.add_text(size + 1, heredoc.content, heredoc.line)
        part = f"\n{heredoc.content}{heredoc.name}"
        parts.append(part)
        size += len(part)
    return "".join(parts), lines


def shell_environment(shell: tuple[str, ...]) -> str | None:
    """`SHELL ["conda", "run", "-n", "env", "/bin/bash", "-c"]` puts every RUN into an environment."""
    if shell and re.fullmatch(r"(?:.*/)?(?:conda|mamba|micromamba)", shell[0]) and "run" in shell:
        for flag in ("-n", "--name", "-p", "--prefix"):
            if flag in shell[:-1]:
                return conda_place(shell[shell.index(flag) + 1])
    return None


def start(state: StageState, one: Instruction) -> None:
    """Take a CMD or an ENTRYPOINT: the environment of the program that it starts."""
    words = one.array if one.array is not None else re.split(r"[\t ]+", one.text)
    shells = words[2:3] if words[1:2] == ("-c",) else ()
    place = Place(state.build.file.path, one.start)
    args, where, _ = unwrap([Arg(word, place) for word in words])
    head = args[0].text if args else ""
    named = re.search(_ACTIVATED, shells[0] if shells else "" if one.array is not None else one.text)
    if named:
        where = conda_place(named[1])
    elif not where and head.startswith("/") and "/bin/" in head:
        where = state.session.installed.prefix_of(head.partition("/bin/")[0])
    state.started = {**state.started, one.command: where if where != SYSTEM else ""}


def program_of(state: StageState) -> tuple[str | None, str | None]:
    """The environments whose programs ENTRYPOINT and CMD start; None for what is not set."""
    held = state.started
    entry = held.get("ENTRYPOINT", held.get("entrypoint"))
    # ENTRYPOINT takes back the CMD of the image below
    below = None if "ENTRYPOINT" in held else held.get("cmd")
    return entry, held.get("CMD", below)


def started_below(state: StageState) -> dict[str, str]:
    """The same as a stage on top of this one inherits it."""
    pairs = zip(("entrypoint", "cmd"), program_of(state), strict=True)
    return {name: where for name, where in pairs if where is not None}


def product_of(build: Build) -> int:
    """Index of the product stage.

    A trailing `FROM scratch` that takes some files out of another stage (`AS wheel-export`) makes no
    image that anybody runs. One that takes a whole system or an environment is the product.
    """
    for stage in reversed(build.stages):
        if not _exports(build, stage):
            return stage.index
    return len(build.stages) - 1


def _exports(build: Build, stage: Stage) -> bool:
    head = stage
    while head.parent is not None:
        if any(one.command == "RUN" for one in head.body):
            return False
        head = build.stages[head.parent]
    if head.base != "scratch" or any(one.command == "RUN" for one in head.body):
        return False
    for one in (*head.body, *stage.body):
        if one.command == "ADD":
            return False  # a root file system as an archive
        if one.command in ("COPY", "CMD", "ENTRYPOINT") and _whole(
            build, one.command, one.text, one.flag("from")
        ):
            return False
    return True


def _whole(build: Build, command: str, text: str, origin: str | None) -> bool:
    if command != "COPY":
        return True  # it can be started
    sources = re.split(r"[\t\v\f\r ]+", text)[:-1]
    return origin is not None and any(
        holds_packages("/" + source.strip("/")) and "wheel" not in source for source in sources
    )


def _from_names(one: Instruction) -> Iterator[str]:
    """The stages or images that an instruction takes files from."""
    if one.command == "COPY" and (name := one.flag("from")):
        yield name
    elif one.command == "RUN":
        for flag in one.flags:
            if flag.startswith("--mount="):
                match = re.search(r"(?:=|,)from=([^,]+)", flag)
                if match:
                    yield match.group(1)


def needed(build: Build, product: int) -> list[int]:
    """The stages that the product is made of, each after those that it needs."""
    order: list[int] = []
    done: set[int] = set()
    open_stages: set[int] = set()
    stack: list[tuple[int, Iterator[int]]] = []
    visit: int | None = product
    while visit is not None or stack:
        if visit is not None:
            open_stages.add(visit)
            stack.append((visit, iter(_sources(build, build.stages[visit]))))
            visit = None
        index, rest = stack[-1]
        following = next((one for one in rest if one not in done), None)
        if following is None:
            stack.pop()
            done.add(index)
            open_stages.discard(index)
            order.append(index)
        elif following in open_stages:
            line = build.stages[index].head.start
            raise CannotJudge(
                "the stages copy from each other in a circle", place=f"{build.file.path}:{line}"
            )
        else:
            visit = following
    return order


def _sources(build: Build, stage: Stage) -> list[int]:
    found = [] if stage.parent is None else [stage.parent]
    for one in stage.body:
        for name in _from_names(one):
            index = build.by_reference(name)
            if index is not None:
                found.append(index)
    return found
