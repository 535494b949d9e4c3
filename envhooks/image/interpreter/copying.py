"""COPY, ADD and bind mounts: which files and packages they bring to a stage."""

from __future__ import annotations

import re

from envhooks.base.errors import CannotJudge
from envhooks.base.place import Place
from envhooks.image.dockerfile.parser import Instruction
from envhooks.image.dockerfile.stages import join
from envhooks.image.interpreter.state import StageState
from envhooks.image.stage.containerfs import ContainerFiles, Found
from envhooks.image.stage.installed import holds_packages
from envhooks.image.text.unknowns import readable, unknown


def copy(state: StageState, one: Instruction) -> None:
    """Take one COPY or ADD.

    Raises:
        CannotJudge: it has no source or no target.
    """
    path = state.build.file.path
    words = list(one.array) if one.array is not None else re.split(r"[\t\v\f\r ]+", one.text)
    if len(words) < 2:
        raise CannotJudge(f"{one.command} needs a source and a target", place=f"{path}:{one.start}")
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
