"""say what a Dockerfile would build, and what cannot be told

Base image, Python, packages, hardware, and what cannot be told. PATH is a Dockerfile, or a folder that holds one.
Nothing is built or run, and nothing is fetched.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.base.place import Place
from envhooks.cli._builds import (
    choose,
    described,
    differences,
    stated_of,
)
from envhooks.cli._manner import answer
from envhooks.cli._policyfiles import PolicyFiles
from envhooks.image import Environment, Named, Package
from envhooks.image.buildfiles import BuildFile
from envhooks.image.files import FolderFiles
from envhooks.image.interpreter import read_environment
from envhooks.image.statedbuilds import Stated, built_before, images_below, is_targeted, stated_in
from envhooks.policy import Policy
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER

VERSION = 1

GROUP = "make a release"
EXAMPLES = (
    ("envhooks env", "the Dockerfile here"),
    ("envhooks env docker/Dockerfile --arg CUDA=12.8 --format json", ""),
    ("envhooks env --bake docker-bake.hcl cuda", "as a bake file or a compose file builds it"),
    ("envhooks env --built-by .github/workflows/image.yml build --arg CUDA=12.8.1", "as a job builds it"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """PATH, `--target`, `--arg`, `--bake`, `--built-by`."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="default: the Dockerfile here")
    parser.add_argument(
        "--target", metavar="STAGE", help="the stage that is the product; default: the last one"
    )
    parser.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE", help="a build argument")
    parser.add_argument(
        "--context", metavar="FOLDER", help="the build context; default: the Dockerfile's folder"
    )
    parser.add_argument(
        "--bake",
        nargs=2,
        metavar=("FILE", "TARGET"),
        help="file, context, stage and arguments by a target of docker-bake.hcl or .json, or a service of compose",
    )
    parser.add_argument(
        "--built-by",
        nargs="+",
        metavar=("FILE", "NAME"),
        help="likewise by a GitHub workflow and a job of it, a Makefile and a target, or a shell script",
    )


def run(options: argparse.Namespace) -> int:
    """Print the environment; exit code 0 even where it has open points, for this only reports."""
    arguments = dict(_argument(text) for text in options.arg)
    named: dict[str, Named] = {}
    context = "."
    if options.bake:
        top, dockerfile, context, target, arguments, named = _baked(options.bake, options.target, arguments)
    elif options.built_by:
        top, dockerfile, context, target, arguments, named = _built(
            options.built_by, options.target, arguments
        )
    else:
        target = options.target
        top, dockerfile = _place(Path(options.path), options.context)
    policy = _policy(top)
    stated = _stated(top, dockerfile)
    warnings: Iterator[str] = iter(())
    if policy is not None and (options.bake or options.built_by):
        warnings = _differences(policy, dockerfile, arguments)
    elif policy is not None:
        warnings = differences(policy, _from_top(top, dockerfile), stated)
    for line in warnings:
        print(f"envhooks: {printable(line)}", file=sys.stderr)
    environment = read_environment(
        FolderFiles(top),
        dockerfile,
        context=context,
        target=target,
        args=arguments,
        bases=() if policy is None else policy.bases,
        named=named,
    )
    answer({**document(environment), "builds": _documents(stated)})
    print("\n".join(_lines(environment)))
    for line in described(stated):
        print(f"  built by  {printable(line)}")
    return 0


Chosen = tuple[Path, str, str, "str | None", dict[str, str], dict[str, Named]]
"""Top of the tree, Dockerfile and context in it, stage, arguments, and images of the same tree by their names."""


def _documents(stated: Sequence[Stated]) -> list[dict[str, Any]]:
    """The builds of the Dockerfile that the repository states, as JSON."""
    return [
        {
            "path": printable(one.path),
            "line": one.built.line or None,
            "label": printable(one.built.label),
            "target": _or_none(one.built.target),
            "args": {printable(name): printable(value) for name, value in one.built.args},
            "unknown": [printable(name) for name in one.built.unknown],
        }
        for one in stated
    ]


def _repository(folder: Path) -> Path | None:
    """The top of the repository around a folder; None outside of one."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def _stated(top: Path, dockerfile: str) -> list[Stated]:
    """The builds of a Dockerfile that the repository around it states."""
    repository = _repository(top)
    return [] if repository is None else stated_of(repository, _from_top(top, dockerfile))


def _from_top(top: Path, dockerfile: str) -> str:
    """The Dockerfile's path from the top of the repository."""
    return (top / dockerfile).relative_to(_repository(top) or top).as_posix()


def _built(names: Sequence[str], target: str | None, given: dict[str, str]) -> Chosen:
    """The top of the tree, the Dockerfile, the context, the stage, the arguments and the images below of one build.

    Raises:
        UsageError: there is no such file, no build or several in it, or it computes an argument that `--arg` does not
            give.
    """
    if len(names) > 2:
        raise UsageError("a file and at most one name of it", fix="envhooks env --built-by FILE NAME")
    path = Path(names[0])
    if not path.is_file():
        raise UsageError(
            "there is no such file", place=printable(names[0]), fix="envhooks env --built-by FILE"
        )
    real = path.resolve()
    top = _repository(real.parent) or real.parent
    if len(names) == 2 and is_targeted(real.relative_to(top).as_posix()):
        return _baked((names[0], names[1]), target, given)
    found = stated_in(FolderFiles(top), real.relative_to(top).as_posix(), *names[1:])
    chosen = choose(found, given, names[0])
    built = chosen.built
    if lost := [one for one in built.unknown if one not in given]:
        raise UsageError(
            f"it computes {printable(', '.join(lost))} in a way that is not followed",
            place=printable(names[0]),
            fix=f"--arg {printable(lost[0])}=<value>",
        )
    _place(top / built.dockerfile, str(top / built.context))
    named = built_before(found, chosen)
    return top, built.dockerfile, built.context, target or built.target, {**dict(built.args), **given}, named


def _baked(bake: tuple[str, str], target: str | None, given: dict[str, str]) -> Chosen:
    """Likewise of one target: the tree is that of its context, or of the file where images of it stand below.

    Raises:
        UsageError: there is no such file, or it computes an argument that `--arg` does not give.
    """
    file, name = bake
    path = Path(file)
    if not path.is_file():
        raise UsageError(
            "there is no such file", place=printable(file), fix="envhooks env --bake FILE TARGET"
        )
    stating = BuildFile(path.read_bytes(), file)
    plan = stating.planned(name)
    lost = [one for one in plan.unknown if one not in given]
    if lost:
        raise UsageError(
            f"{printable(name)} computes {printable(', '.join(lost))} in a way that is not followed",
            place=printable(file),
            fix=f"--arg {printable(lost[0])}=<value>",
        )
    folder = path.parent / plan.context
    top, dockerfile = _place(folder / plan.dockerfile, str(folder))
    args = {**dict(plan.args), **given}
    if not plan.contexts:
        return top, dockerfile, ".", target or plan.target, args, {}
    named = images_below(stating, path.name, plan)
    above = path.parent.resolve()
    try:
        context = top.relative_to(above).as_posix()
    except ValueError:
        raise UsageError(
            "the context has to lie beside the file or below it", place=printable(file)
        ) from None
    return (
        above,
        (top / dockerfile).relative_to(above).as_posix(),
        context,
        target or plan.target,
        args,
        named,
    )


def _differences(policy: Policy, dockerfile: str, arguments: dict[str, str]) -> Iterator[str]:
    """Sentences on the build arguments of the policy that the build gives otherwise."""
    for section in policy.dockerfiles:
        if section.path != dockerfile and not (section.path or "").endswith(f"/{dockerfile}"):
            continue
        for name, value in section.args:
            found = arguments.get(name)
            if found is not None and found != value:
                yield (f"warning: the build gives {name}={found}, and [dockerfile] of the policy {value}")


def _policy(folder: Path) -> Policy | None:
    """The policy of the work tree around a folder; none outside of a repository or without one.

    Raises:
        PolicyError: the policy cannot be read.
    """
    top = _repository(folder)
    data = PolicyFiles.at(top).read("policy.toml") if top else None
    return None if data is None else parse_policy(data, f"{FOLDER}/policy.toml")


def _place(path: Path, context: str | None) -> tuple[Path, str]:
    """The context's folder, and the Dockerfile's path in it."""
    file = path / "Dockerfile" if path.is_dir() else path
    if not file.is_file():
        raise UsageError(
            "there is no Dockerfile here", place=printable(str(file)), fix="envhooks env path/to/Dockerfile"
        )
    top = (Path(context) if context else file.parent).resolve()
    try:
        return top, file.resolve().relative_to(top).as_posix()
    except ValueError:
        raise UsageError("the Dockerfile has to lie in the context", place=printable(str(file))) from None


def _argument(text: str) -> tuple[str, str]:
    name, has_value, value = text.partition("=")
    if not has_value or not name:
        raise UsageError(
            f"a build argument is NAME=VALUE, not {printable(text)}", fix="--arg CUDA_VERSION=12.8.1"
        )
    return name, value


def document(environment: Environment) -> dict[str, Any]:
    """The environment as JSON, version 1; text from the files is escaped in it as everywhere."""
    base = environment.base
    return {
        "version": VERSION,
        "dockerfile": printable(environment.path),
        "target": printable(environment.target),
        "base": base
        and {"image": printable(base.image), "tag": _or_none(base.tag), "digest": _or_none(base.digest)},
        "python": _or_none(environment.python),
        "packages": [
            {
                "name": printable(package.name),
                "version": _or_none(package.version),
                "local": _or_none(package.local),
                "exact": package.exact,
                "specifier": printable(package.specifier),
                "how": package.how,
                **_where(package.place),
            }
            for package in environment.packages
        ],
        "hardware": [
            {"kind": one.kind, "version": _or_none(one.version), "from": one.source, **_where(one.place)}
            for one in environment.hardware
        ],
        "unpinned": [
            {
                "name": printable(one.name),
                "kind": one.kind,
                "text": printable(one.text),
                "why": printable(one.why),
                "swallowed": one.swallowed,
                **_where(one.place),
            }
            for one in environment.unpinned
        ],
        "replaced": [
            {
                "name": printable(one.name),
                "was": printable(one.was),
                "now": printable(one.now),
                **_where(one.place),
            }
            for one in environment.replaced
        ],
        "cannot_tell": [
            {"what": printable(one.what), "why": printable(one.why), **_where(one.place)}
            for one in environment.cannot_tell
        ],
    }


def _where(place: Place) -> dict[str, Any]:
    return {"path": printable(place.path), "line": place.line}


def _or_none(text: str | None) -> str | None:
    return None if text is None else printable(text)


def _lines(environment: Environment) -> Iterator[str]:
    base = environment.base
    yield f"{printable(environment.path)}, stage {printable(environment.target)}"
    if base is not None:
        reference = (
            base.image + (f":{base.tag}" if base.tag else "") + (f"@{base.digest}" if base.digest else "")
        )
        yield f"  base      {printable(reference)}  ({printable(str(base.place))})"
    yield f"  python    {printable(environment.python or 'not stated')}"
    for hardware in environment.hardware:
        version = f" {printable(hardware.version)}" if hardware.version else ""
        yield f"  hardware  {hardware.kind}{version}, by the {hardware.source}  ({printable(str(hardware.place))})"
    for package in environment.packages:
        place = printable(str(package.place))
        yield f"  package   {printable(package.name)} {_version(package)}  ({place}, {package.how})"
    for one in environment.replaced:
        yield f"  replaced  {printable(one.was)}: by {printable(one.now)}  ({printable(str(one.place))})"
    for unpinned in environment.unpinned:
        yield f"  unpinned  {printable(unpinned.text)}: {printable(unpinned.why)}  ({printable(str(unpinned.place))})"
    for doubt in environment.cannot_tell:
        yield f"  cannot tell {printable(doubt.what)}: {printable(doubt.why)}  ({printable(str(doubt.place))})"


def _version(package: Package) -> str:
    if not package.exact:
        return f"{printable(package.specifier) or 'any version'} (not exact)"
    return printable(f"{package.version}+{package.local}" if package.local else f"{package.version}")
