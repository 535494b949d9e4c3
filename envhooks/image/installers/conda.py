"""`conda`, `mamba` and `micromamba`: install, create, env create and env update."""

from __future__ import annotations

import re

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.catalog.frameworks import Evidence
from envhooks.catalog.lookup import PACKAGES
from envhooks.image import Hardware
from envhooks.image.installers import ask, find_asked
from envhooks.image.installers.pip import Options, sort_head, sort_options
from envhooks.image.requirements import Requirement
from envhooks.image.requirements.condaspecs import parse_conda_spec
from envhooks.image.stage import Arg, Call, Session, Sources
from envhooks.image.stage.containerfs import Found
from envhooks.image.stage.installed import SYSTEM, conda_place
from envhooks.image.text import names, unknown

_VALUES = names(
    "--name --prefix --channel --file --clone --solver --repodata-fn --subdir --platform --revision --root-prefix "
    "--rc-file --channel-priority --extra-safety-checks --pkg-format --category --environment-specifier "
    "--env-spec --override-channels-file --cwd --log-level --safety-checks --ssl-verify "
    "--retry-clean-cache --download-threads --extract-threads --cacert-path --experimental-solver"
)
_SHORT = {"-n": "--name", "-p": "--prefix", "-c": "--channel", "-f": "--file", "-r": "--root-prefix"}
_CUDA = frozenset(("cudatoolkit", "pytorch-cuda", "cuda-version", "cuda-toolkit", "cuda"))


def conda(session: Session, call: Call) -> None:
    """One call of conda or of what stands in for it."""
    head = sort_head(call, _VALUES, _SHORT)
    if head is None:
        return
    command, rest = head
    if command == "env":
        inner = sort_head(rest, _VALUES, _SHORT)
        if inner is not None and inner[0] in ("remove", "delete"):
            session.installed.drop(_place(call, sort_options(inner[1].args, _VALUES, _SHORT)))
        if inner is None or inner[0] not in ("create", "update"):
            return
        _run(session, inner[1], environment=True, made=inner[0] == "create")
    elif command in ("install", "create", "update", "upgrade"):
        update = command in ("update", "upgrade")
        _run(session, rest, environment=False, made=command == "create", update=update)
    elif command in ("remove", "uninstall"):
        options = sort_options(rest.args, _VALUES, _SHORT)
        if "--all" in options.switches:
            session.installed.drop(_place(call, options))
        for arg in options.words:
            spec = parse_conda_spec(arg.text) if not unknown(arg.text) else None
            if spec is not None:
                why = "whether it is removed depends on a condition"
                where = _place(call, options)
                session.remove(rest, spec.name, where, why, arg.place)
                same = next((names for names in PACKAGES.values() if spec.name in names), ())
                if any((entry := session.installed.get(where, one)) and entry.image for one in same):
                    session.installed.doubt_frameworks(where, f"conda removes {spec.name}", arg.place)


def _place(call: Call, options: Options) -> str:
    """The environment that `-n` or `-p` names, else the active one."""
    named = options.last("--prefix") or options.last("--name")
    if named is not None:
        return conda_place(named.text)
    return call.where


def _run(session: Session, call: Call, *, environment: bool, made: bool, update: bool = False) -> None:
    options = sort_options(call.args, _VALUES, _SHORT)
    if "--dry-run" in options.switches or "-d" in options.switches:
        return
    where = _place(call, options)
    if where.startswith("/") and not unknown(where):
        session.installed.venvs.setdefault(where, False)  # PATH finds it as it finds a virtual environment
    files = options.all("--file")
    words = options.words
    if environment and not files:
        files = [Arg("environment.yml", call.place)]
    clone = options.last("--clone")
    if clone is not None:
        session.note("a cloned environment is not followed", clone.place)
    for arg in files:
        where = _file(session, call, arg, where, named=options.last("--name", "--prefix") is not None)
    for arg in words if not environment else ():
        _word(session, call, arg, where, update)
    if made and where != SYSTEM and not unknown(where):
        session.installed.venvs.setdefault(where, False)  # it sees nothing of the base environment
    for swallowed in call.swallowed:
        session.swallow(swallowed, where)


def _word(session: Session, call: Call, arg: Arg, where: str, update: bool) -> None:
    if unknown(arg.text):
        session.unclear(call, arg, where)
        return
    requirement = parse_conda_spec(arg.text)
    if requirement is None:
        session.note(f"{arg.text} is not a specification that can be read", arg.place)
        return
    _take(session, call, requirement, where, "conda", arg.place, update)


def _take(
    session: Session,
    call: Call,
    requirement: Requirement,
    where: str,
    how: str,
    place: Place,
    update: bool = False,
) -> None:
    name = requirement.name
    if name == "python":
        python(session, call, where, requirement.specifier, place)
        return
    session.record(call, requirement, where=where, how=how, place=place, sources=Sources(), upgrade=update)
    if call.certain and (name in _CUDA or name == "cpuonly"):
        version = re.match(r"=*\s*([0-9]+(?:\.[0-9]+)*)", requirement.specifier)
        if name == "cpuonly":
            evidence: Evidence = ("CPU", None)
        elif version is not None and name != "cuda":
            evidence = ("CUDA", version.group(1))
        else:
            return
        entry = session.installed.get(where, name)
        if entry is not None and not entry.cannot_tell:
            session.installed.put(where, replace(entry, hardware=(Hardware(*evidence, "wheel", place),)))


def python(session: Session, call: Call, where: str, specifier: str, place: Place) -> None:
    """Take `python=3.10`: which Python an environment has."""
    match = re.fullmatch(r"={0,2}\s*([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:\.\*)?(?:=[^=]*)?", specifier)
    if match and call.certain:
        session.installed.pythons[where] = (match.group(1), place)
    else:
        session.installed.pythons[where] = (None, place)


def _file(session: Session, call: Call, arg: Arg, where: str, *, named: bool) -> str:
    """An environment file or a list of specifications; the environment that it goes to."""
    if not arg.text.endswith((".yml", ".yaml", ".lock", ".toml")):
        file = find_asked(session, call, arg)
        if file is not None:
            _list(session, call, file, where)
        return where
    asked = ask(session, call, arg)
    if asked is None:
        return where
    match = re.search(rb"(?m)^name:[ \t]*[\"']?([A-Za-z0-9_.-]+)", asked.file.data)
    if not named and match:
        where = conda_place(match.group(1).decode())
    answer = asked.answer
    sources = Sources(answer.index_url or "", list(answer.extra_index_urls), list(answer.find_links))
    for requirement in answer.requirements:
        place = asked.place(requirement.path, requirement.line)
        if requirement.how == "conda":
            _take(session, call, requirement, where, "conda", place)
        else:
            how = "lock" if requirement.how == "lock" else "requirements"
            session.record(call, requirement, where=where, how=how, place=place, sources=sources)
    return where


def _list(session: Session, call: Call, file: Found, where: str) -> None:
    """`conda install --file`: one specification a line."""
    for number, line in enumerate(file.data.decode("utf-8", "replace").split("\n"), 1):
        text = line.partition("#")[0].strip()
        place = Place(file.path, file.line + number)
        if not text or text.startswith("@"):
            continue
        requirement = parse_conda_spec(text, number)
        if requirement is None:
            session.note(f"{text} is not a specification that can be read", place)
        else:
            _take(session, call, requirement, where, "conda", place)
