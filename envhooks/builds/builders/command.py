"""a program of your own, without a shell

It gets the plan as arguments (`{own}`) and as `ENVHOOKS_*` variables, and its exit code decides.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from envhooks.base.errors import CannotJudge, EnvhooksError, PolicyError
from envhooks.base.hygiene import printable
from envhooks.builds.options import Section, fields, fill
from envhooks.builds.process import cause, engine_environment, run, shown
from envhooks.builds.types import ALONE, Job, Plan, Result
from envhooks.git.addresses import identity
from envhooks.git.repository import Git

_KEYS = ("command", "timeout")
# What runs the file that its argument names. Consent could not cover a file that main may change later.
_RUNNERS = re.compile(
    r"(?:ba|da|z|k|a|fi|tc|c)?sh|python[0-9.]*|pypy[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node|nodejs|deno|bun|php[0-9.]*"
    r"|lua[0-9.]*|tclsh|pwsh|busybox|env|sudo|doas|nohup|nice|timeout|xargs|setsid|stdbuf|time|exec"
    r"|g?make|just|task|ninja|npm|npx|pnpm|yarn|cargo|gradlew?|mvn|bazel|rake|tox|nox|invoke"
)
_REPOSITORY_VARIABLES = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_CEILING_DIRECTORIES",
)  # fmt: skip
_DIGEST = re.compile(r"(?:\A|\s)(sha256:[0-9a-f]{64})\s*\Z")


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what a `command` build may not say.

    Raises:
        PolicyError: no command, a program inside the repository, an unknown field or key.
    """
    _read(options)


def _read(options: Mapping[str, Any]) -> tuple[tuple[str, ...], float]:
    section = Section.of("command", options, _KEYS)
    example = 'command = ["/usr/local/bin/build-image", "{own}"]'
    if isinstance(options.get("command"), str):
        section.refuse("`command` is a list of words: nothing passes through a shell", example)
    argv = section.texts("command")
    if not argv or not argv[0].strip():
        section.refuse("a `command` build has no `command`", example)
    for word in argv:
        section.check_template("command", word)
    program = argv[0]
    said = printable(program, 80)
    if "{" in program or "}" in program:
        section.refuse(f"the program `{said}` is made from the tag; only its arguments may be", example)
    if program.startswith(("-", "~")) or ("/" in program and not program.startswith("/")):
        section.refuse(
            f"the program `{said}` would be looked for inside the repository, where main could change it after "
            "you allowed it; install it, and name it by its absolute path or by a name on PATH",
            example,
        )
    if _RUNNERS.fullmatch(Path(program).name):
        for word in argv[1:]:
            if re.search(r"\{(?:context|dockerfile)\}", word):
                section.refuse(
                    f"`{said}` would run a file of the repository, which main could change after you allowed it; "
                    "install the script, and name it by its absolute path",
                    example,
                )
    return argv, section.minutes("timeout", 6 * 60)


def describe(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The command that would run, for the person who is asked to allow it."""
    argv, timeout = _read(options)
    return (
        f"runs {shown(argv)}",
        f"with your rights and your environment, for at most {timeout / 60:g} minutes",
    )


def commands(plan: Plan, context: Path) -> tuple[str, ...]:
    """The command that `build` would run, its fields filled in."""
    argv = _argv(plan, context)
    return (shown((_program(argv[0], os.environ, plan), *argv[1:])),)


def _argv(plan: Plan, context: Path) -> tuple[str, ...]:
    values = fields(plan, context)
    return tuple(fill(word, values) for word in _read(plan.options)[0])


def _program(name: str, environ: Mapping[str, str], plan: Plan) -> str:
    """The absolute path of the program, which has to lie outside of the repository that is built."""
    # an empty or relative entry of PATH means the current folder, which may be the repository
    path = os.pathsep.join(
        p for p in environ.get("PATH", os.defpath).split(os.pathsep) if Path(p).is_absolute()
    )
    found = shutil.which(name, path=path)
    if found is None:
        raise CannotJudge(
            f"the program {printable(name)} was not found, or cannot be run", fix="envhooks builds"
        )
    _refuse_repository(found, plan)
    return found


def _refuse_repository(path: str, plan: Plan) -> None:
    """Refuse a file in a work tree of the repository that is built; Homebrew's own, for instance, is another."""
    seen = set()
    for form in (Path(path), Path(path).resolve()):
        for folder in form.parents:
            if folder in seen or not os.path.lexists(folder / ".git"):
                continue
            seen.add(folder)
            why = _belongs(folder, plan)
            if why:
                raise PolicyError(
                    f"{printable(path)} lies in the work tree {printable(str(folder))}, {why}: what main puts there "
                    "later would run without being asked",
                    place=".envhooks/policy.toml",
                    fix=f"install -m 755 {shlex.quote(printable(str(form)))} /usr/local/bin/",
                )


def _belongs(folder: Path, plan: Plan) -> str:
    """Reason why a work tree counts as one of the repository that is built; empty: it is of another one.

    Any of three decides: it has the commit, it has the tag object, or one of its remotes is the repository. Where git
    cannot be asked, for instance as the folder is another user's, it counts as one.
    """
    environ = {key: value for key, value in os.environ.items() if key not in _REPOSITORY_VARIABLES}
    try:
        with Git(folder, environ) as git:
            own = [oid for oid in (plan.commit, plan.tag_object) if len(oid) == git.oid_length]
            if any(git.type_of(oid) for oid in own):
                return "a clone of the repository that is built"
            wanted = _identity(plan.remote_url, folder)
            for key, urls in git.config.items():
                if re.fullmatch(r"remote\..*\.(?:push)?url", key, re.DOTALL) and any(
                    _identity(url, folder) == wanted for url in urls
                ):
                    return "a clone of the repository that is built"
            return "the repository that is built" if wanted == _identity(str(folder), folder) else ""
    except (EnvhooksError, OSError):
        return "and git does not tell of which repository that is"


def _identity(url: str, folder: Path) -> str:
    return url if "\0" in url else identity(url, folder)


def variables(plan: Plan, context: Path) -> dict[str, str]:
    """The plan as environment variables: `ENVHOOKS_TAG`, `ENVHOOKS_OWN`, ...; labels and arguments as lines."""
    found = {f"ENVHOOKS_{name.upper()}": value for name, value in fields(plan, context).items()}
    for name, pairs in (("LABELS", plan.labels), ("ARGS", plan.args), ("ANNOTATIONS", plan.annotations)):
        found[f"ENVHOOKS_{name}"] = "\n".join(f"{key}={value}" for key, value in pairs)
    return {**found, "SOURCE_DATE_EPOCH": str(plan.epoch)}


def build(plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE) -> Result:
    """Run the program in an empty folder. A digest on its last line is kept as the image's.

    Raises:
        PolicyError: options that cannot be, or a program inside a repository.
        CannotJudge: there is no such program.
    """
    argv = _argv(plan, context)
    timeout = _read(plan.options)[1]
    full = (_program(argv[0], environ, plan), *argv[1:])
    if _RUNNERS.fullmatch(Path(full[0]).name):
        for word in argv[1:]:
            if Path(word).is_absolute() and Path(word).exists():
                _refuse_repository(word, plan)
    log.write(f"$ {shown(full)}\n")
    with tempfile.TemporaryDirectory(prefix="envhooks-command-") as empty:
        # not the context: there, `make` or `sh build.sh` would run what the tagged tree brings along
        env = {**engine_environment(environ), **variables(plan, context)}
        ended = run(full, log, env, cwd=Path(empty), timeout=timeout)
    name = printable(Path(full[0]).name, 80)
    if ended.timed_out:
        text = f"{name} was ended after {timeout / 60:g} minutes; `timeout` in the build section gives more"
        return Result("failed", None, None, text, None)
    if ended.exit_code:
        why = cause(ended.output)
        text = f"{name} ended with {_code(ended.exit_code)}{f': {why}' if why else ''}"
        return Result("failed", None, None, text, None)
    digest = _DIGEST.search(ended.output)
    return Result("done", digest[1] if digest else None, None, f"{name} ended well", None)


def _code(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
