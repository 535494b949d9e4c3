"""Tools that install a project by its lock file: `uv sync`, `uv add`, `poetry`, `pipenv`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from envhooks.base.dataclass import replace
from envhooks.catalog.lookup import BY_INDEX
from envhooks.image.dockerfile.stages import is_set, join
from envhooks.image.installers import Asked, InstallTask, ask, with_extras
from envhooks.image.installers.pip import (
    _UV_SHORT,
    _UV_VALUES,
    Options,
    sort_head,
    sort_options,
    sources_of,
    uv_pip,
    uv_place,
)
from envhooks.image.installers.venvs import make_venv, set_python
from envhooks.image.requirements import Requirement
from envhooks.image.requirements.specs import UNKNOWN_MARKER, normal_name
from envhooks.image.requirements.uvlock import Selection, chosen, decided, requires_python
from envhooks.image.requirements.versions import allows
from envhooks.image.stage import Arg, Call, Session, Sources
from envhooks.image.stage.containerfs import Found
from envhooks.image.stage.installed import SYSTEM
from envhooks.image.text import names, readable, unknown

_POETRY_VALUES = names(
    "--with --without --only --extras --directory --project --group --source --python --platform"
)
_POETRY_SHORT = {"-E": "--extras", "-C": "--directory", "-P": "--project", "-G": "--group"}
_PIPENV_VALUES = names("--categories --python --index --pypi-mirror --extra-pip-args")
_LOCK_VALUES = names("--project --group --without --environment --manifest-path --lockfile --config --venv")
_LOCK_SHORT = {
    "-p": "--project",
    "-G": "--group",
    "-e": "--environment",
    "-L": "--lockfile",
    "-c": "--config",
}
_LOCKS = ("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pixi.lock")


def uv(session: Session, call: Call) -> None:
    """`uv ...`."""
    head = sort_head(call, _UV_VALUES, _UV_SHORT)
    if head is None:
        return
    command, rest = head
    options = sort_options(rest.args, _UV_VALUES, _UV_SHORT)
    if command == "pip":
        uv_pip(session, rest)
    elif command == "venv":
        _uv_venv(session, rest, options)
    elif command == "sync":
        _locked(session, rest, options, "uv.lock", _uv_project(session, rest, options))
    elif command == "tool":
        from envhooks.image.installers.others import tool

        tool(session, replace(rest, program="uv tool"))
    elif command in ("add", "remove"):
        _uv_add(session, rest, options, command)
    elif command == "python" and rest.args and rest.args[0].text == "install":
        words = [arg for arg in rest.args[1:] if not arg.text.startswith("-")]
        if len(words) == 1:
            set_python(session, rest, "uv", words[0].text, words[0].place)


def _uv_venv(session: Session, call: Call, options: Options) -> None:
    target = join(call.cwd, options.words[0].text if options.words else ".venv")
    make_venv(session, target, "--system-site-packages" in options.switches)
    python = options.last("--python")
    chosen = python.text if python else (call.env("UV_PYTHON") or "")
    if chosen:
        set_python(session, call, target, chosen, python.place if python else call.place)
    elif "uv" in session.installed.pythons:
        session.installed.pythons[target] = session.installed.pythons["uv"]


def _uv_project(session: Session, call: Call, options: Options) -> str:
    """The environment of a uv project: `.venv` beside it, unless the environment says otherwise."""
    named = call.env("UV_PROJECT_ENVIRONMENT")
    if named:
        where = join(_folder(call, options), named)
        return SYSTEM if where in ("/usr", "/usr/local", "/opt/conda") else _new(session, where)
    if "--active" in options.switches:
        return uv_place(session, call, options)
    return _new(session, join(_folder(call, options), ".venv"))


def _new(session: Session, where: str) -> str:
    """A project's environment, made where it is not there yet."""
    session.installed.venvs.setdefault(where, False)
    pythons = session.installed.pythons
    if where not in pythons and "uv" in pythons:
        pythons[where] = pythons["uv"]
    return where


def _folder(call: Call, options: Options) -> str:
    folder = options.last("--directory", "--project")
    return join(call.cwd, folder.text) if folder else call.cwd


def _uv_add(session: Session, call: Call, options: Options, command: str) -> None:
    where = _uv_project(session, call, options)
    inner = replace(call, where=where)
    if command == "remove":
        _removed(session, inner, options)
        return
    task = InstallTask(session, inner, where, "uv", sources_of(call, options, session, uv=True))
    task.upgrade = True
    for arg in options.words:
        task.word(arg)
    for arg in options.all("--requirement"):
        task.file(arg)
    task.finish()


def _removed(session: Session, call: Call, options: Options) -> None:
    """Take away what a project gives up, from the environment of the call."""
    for arg in options.words:
        why = "whether it is removed depends on a condition"
        session.remove(call, normal_name(arg.text), call.where, why, arg.place)


def poetry(session: Session, call: Call) -> None:
    """`poetry install|sync|add`."""
    head = sort_head(call, _POETRY_VALUES, _POETRY_SHORT)
    if head is None:
        return
    command, rest = head
    options = sort_options(rest.args, _POETRY_VALUES, _POETRY_SHORT)
    if command == "config":
        words = [arg.text for arg in options.words]
        if words[:1] == ["virtualenvs.create"] and len(words) > 1:
            session.config["poetry.create"] = words[1]
        elif words[:1] == ["virtualenvs.in-project"] and len(words) > 1:
            session.config["poetry.in-project"] = words[1]
        return
    where = _poetry_place(session, rest, options)
    if command in ("install", "sync"):
        _locked(session, rest, options, "poetry.lock", where)
    elif command == "remove":
        _removed(session, replace(rest, where=where), options)
    elif command == "add":
        task = InstallTask(session, rest, where, "poetry", Sources())
        for arg in options.words:
            _named(session, replace(rest, where=where), arg, "poetry")
        task.finish()


def _named(session: Session, call: Call, arg: Arg, program: str) -> None:
    """Doubt the package that a word of `add` or `install` names: its version is the tool's to choose."""
    why = f"what {program} makes of {readable(arg.text)} is not followed"
    session.note(why, arg.place)
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", arg.text)
    name = normal_name(match.group()) if match else ""
    if session.installed.get(call.where, name) is not None:
        session.doubt(call, name, why, arg.place)


def _poetry_place(session: Session, call: Call, options: Options) -> str:
    if call.where != SYSTEM:
        return call.where
    create = call.env("POETRY_VIRTUALENVS_CREATE") or session.config.get("poetry.create", "true")
    if create.lower() in ("false", "0", "no"):
        return SYSTEM
    inside = call.env("POETRY_VIRTUALENVS_IN_PROJECT") or session.config.get("poetry.in-project", "")
    if inside.lower() in ("true", "1", "yes"):
        return _new(session, join(_folder(call, options), ".venv"))
    return "poetry"


def pdm(session: Session, call: Call) -> None:
    """`pdm install` and `pdm sync`: the lock's default packages, in `.venv` beside it."""
    _by_lock(session, call, ("install", "sync"), "pdm.lock", ".venv")


def pixi(session: Session, call: Call) -> None:
    """`pixi install`: the default environment of the lock, in `.pixi` beside it."""
    _by_lock(session, call, ("install",), "pixi.lock", ".pixi/envs/default")


def _by_lock(session: Session, call: Call, commands: tuple[str, ...], lock: str, folder: str) -> None:
    head = sort_head(call, _LOCK_VALUES, _LOCK_SHORT)
    if head is None:
        return
    command, rest = head
    options = sort_options(rest.args, _LOCK_VALUES, _LOCK_SHORT)
    named = options.last("--environment", "--manifest-path", "--lockfile")
    own = rest.where if rest.where != SYSTEM else join(_folder(rest, options), folder)
    if command == "remove" and named is None:
        _removed(session, replace(rest, where=own), options)
    if command not in commands or named is not None or options.words:
        if command in (*commands, "add"):
            session.note(f"what {call.program} {command} installs is not followed", call.place)
        for arg in options.words if command == "add" else ():
            _named(session, rest, arg, call.program)
        return
    _locked(session, rest, options, lock, own if rest.where != SYSTEM else _new(session, own))


def pipenv(session: Session, call: Call) -> None:
    """`pipenv install|sync`."""
    head = sort_head(call, _PIPENV_VALUES, {"-i": "--index"})
    if head is None or head[0] not in ("install", "sync", "uninstall"):
        return
    command, rest = head
    options = sort_options(rest.args, _PIPENV_VALUES, {"-i": "--index"})
    system = "--system" in options.switches or rest.where != SYSTEM
    where = rest.where if system else "pipenv"
    if command == "uninstall":
        _removed(session, replace(rest, where=where), options)
    elif options.words:
        for arg in options.words:
            _named(session, replace(rest, where=where), arg, "pipenv")
    elif command == "sync" or options.switches & {"--deploy", "--ignore-pipfile"}:
        _locked(session, rest, options, "Pipfile.lock", where)
    else:
        session.note(
            "pipenv install may lock anew: what it installs is not stated by Pipfile.lock", rest.place
        )


def _locked(session: Session, call: Call, options: Options, lock: str, where: str) -> None:
    """Take the packages of a lock file of the project."""
    asked = ask(session, replace(call, cwd=_folder(call, options)), Arg(lock, call.place))
    if asked is None:
        return
    inner = replace(call, where=where)
    by_name: dict[str, list[Requirement]] = {}
    for requirement in _wanted(session, call, options, asked, where):
        if session.applies(requirement, where) is not False:
            by_name.setdefault(requirement.name, []).append(requirement)
    answer = asked.answer
    sources = Sources(answer.index_url or "", list(answer.extra_index_urls), list(answer.find_links))
    for name, several in by_name.items():
        place = asked.place(several[0].path, several[0].line)
        requirement = several[0]
        if any(UNKNOWN_MARKER in one.marker and session.applies(one, where) is None for one in several):
            session.doubt(inner, name, f"whether {lock} installs it depends on an extra or a group", place)
            continue
        if len({one.version for one in several}) > 1:
            session.doubt(inner, name, f"{lock} holds several versions of it", place)
            continue
        if len({(one.local, one.index) for one in several}) > 1:
            requirement = replace(requirement, local=None, index="", specifier=f"=={requirement.version}")
            if name in BY_INDEX:
                session.note(f"{lock} holds several builds of {name}", place, "hardware")
        session.record(
            inner, requirement, where=where, how="lock", place=place, sources=sources, upgrade=True
        )


def _wanted(
    session: Session, call: Call, options: Options, asked: Asked, where: str
) -> Iterator[Requirement]:
    """Requirements of a lock that are installed: a lock holds every extra and group."""
    extras = {
        one.lower()
        for arg in options.all("--extra", "--extras", "--group", "--with")
        for one in re.split("[ ,]", arg.text)
    }
    if asked.file.path.endswith("uv.lock") and not any(unknown(one) for one in extras):
        selection = _selection(session, call, options, extras)
        installed = chosen(asked.file.data, selection, _python_of(session, call, options, asked, where))
        if installed is not None:
            for one in asked.answer.requirements:
                version = f"{one.version}+{one.local}" if one.local else one.version
                if (one.name, version) in installed:
                    yield replace(one, marker="")
            return
    everything = bool(options.switches & {"--all-extras", "--all-groups"})
    holds = _asked_for(options, extras, asked)
    main = _main_of_poetry(session, call, options, asked)
    for one in asked.answer.requirements:
        if main is not None and one.name not in main and "group:" not in one.marker:
            yield replace(
                one, marker=UNKNOWN_MARKER
            )  # it comes with a group, and the lock does not say which
        elif asked.file.path.endswith(("poetry.lock", "pdm.lock")):
            yield replace(one, marker=decided(one.marker, holds))
        elif (found := one if everything else with_extras(one, extras)) is not None:
            yield found


def _asked_for(options: Options, extras: set[str], asked: Asked) -> Callable[[str], bool | None]:
    """Whether poetry or pdm installs an extra, or a group (`group:dev` of poetry)."""
    from envhooks.image.requirements.poetrylock import asked_for

    def listed(name: str) -> set[str]:
        return {one.lower() for arg in options.all(name) for one in re.split("[ ,]+", arg.text)}

    only, without = listed("--only"), listed("--without")
    if any(unknown(one) for one in (*only, *without, *extras)):
        return lambda _: None
    return asked_for(extras, only, without, options.switches, pdm=asked.file.path.endswith("pdm.lock"))


def _main_of_poetry(session: Session, call: Call, options: Options, asked: Asked) -> frozenset[str] | None:
    """What the project itself brings, where groups are left out and the lock writes none; None: no matter."""
    left_out = options.all("--only", "--without") or options.switches & {"--no-dev", "--only-root"}
    if not left_out or not asked.file.path.endswith("poetry.lock") or b"\ngroups = " in asked.file.data:
        return None
    project = session.find(replace(call, cwd=_folder(call, options)), "pyproject.toml")
    from envhooks.image.requirements.poetrylock import brought_by_main

    found = brought_by_main(asked.file.data, project.data) if isinstance(project, Found) else None
    return frozenset() if found is None else found


def _python_of(session: Session, call: Call, options: Options, asked: Asked, where: str) -> str | None:
    """The Python that uv makes a project's environment with, where that is known."""
    if where in session.installed.pythons:
        return session.installed.pythons[where][0]
    if options.last("--python") or call.env("UV_PYTHON"):
        return None
    folder = _folder(call, options)
    while True:
        pinned = session.find(call, join(folder, ".python-version"))
        if isinstance(pinned, Found):  # the base image's own where it is that one, or else one that uv brings
            text = pinned.data[:100].decode("utf-8", "replace")
            match = re.fullmatch(r"(?a)\s*(?:c?python[-@]?)?(3\.[0-9]+(?:\.[0-9]+)?)\s*", text)
            return match[1] if match else None
        if pinned is not None:
            return None
        if folder in ("/", "."):
            break
        folder = posixpath.dirname(folder) or "/"
    python = session.installed.pythons.get(SYSTEM, (None, None))[0]
    wanted = requires_python(asked.file.data)
    return python if python and (not wanted or allows(wanted, python)) else None


def _default_groups(session: Session, call: Call, options: Options) -> frozenset[str] | None:
    """The groups that uv installs unasked, as the project says; None: all of them."""
    found = session.find(replace(call, cwd=_folder(call, options)), "pyproject.toml")
    if not isinstance(found, Found):
        return frozenset(("dev",))
    from envhooks.image.requirements.tomltext import FAULTS, parse_toml

    try:
        value: object = parse_toml(found.data.decode())
    except (UnicodeDecodeError, *FAULTS):
        return frozenset(("dev",))
    for key in ("tool", "uv", "default-groups"):
        value = value.get(key) if isinstance(value, dict) else None
    if value == "all":
        return None
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset(("dev",))


def _selection(session: Session, call: Call, options: Options, extras: set[str]) -> Selection:
    switches = options.switches
    groups = {arg.text for arg in options.all("--group", "--only-group")}
    default = _default_groups(session, call, options)
    only = bool(options.all("--only-group")) or "--only-dev" in switches
    everything = "--all-groups" in switches
    if "--only-dev" in switches:
        groups.add("dev")
    elif not only and "--no-default-groups" not in switches:
        without = {"dev"} if "--no-dev" in switches or is_set(call.env("UV_NO_DEV")) else set()
        groups |= (default or frozenset()) - without
        everything = everything or default is None
    groups -= {arg.text for arg in options.all("--no-group")}
    package = options.last("--package")
    return Selection(
        frozenset(extras), frozenset(groups), "--all-extras" in switches, everything, only,
        package.text if package else None,
    )  # fmt: skip
