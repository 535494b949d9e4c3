"""GitHub workflows: the builds of their jobs, once for each combination of a job's matrix.

`docker/build-push-action` and `docker build` in `run:` are read. `${{ matrix.x }}` and `${{ env.X }}` are filled in;
any other expression is not known, and an argument of it is named as unknown. YAML is read within the bounds of
`yamlnodes`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.image.buildcommands import MAX_BUILDS, Built, commands, names_builder
from envhooks.image.files import MAX_BUILD_FILE, Work
from envhooks.image.requirements.yamlnodes import Node, Scalar, read_document
from envhooks.image.text import Unknowns, shown_names, unknown

MAX_COMBINATIONS = 256
"""Jobs that GitHub makes of one matrix."""
_EXPRESSION = r"\$\{\{((?:(?!\$\{\{|\}\}).){0,500})\}\}"
_ANY = Built("", "", None, (), stored=False)
"""A step that may store anything."""
_PLAIN = r"(matrix|env)\.([A-Za-z0-9_.-]+)"
_TYPED = "\0"
"""Behind a value that GitHub takes for a number: `3.10` is 3.1 to it, and equal to another such value alone."""
Combination = dict[str, str]


def workflow_builds(text: str, path: str, job: str = "") -> tuple[Built, ...]:
    """The builds of a workflow's job, or of all of its jobs.

    Raises:
        CannotJudge: it is not YAML within bounds, or has no such job.
    """
    if len(text) > MAX_BUILD_FILE:
        raise CannotJudge("the file is larger than 1 MiB", place=path)
    top = _mapping(read_document(text, path))
    jobs = _mapping(top.get("jobs"))
    if job and job not in jobs:
        raise CannotJudge(f"there is no job {job!r}; the jobs are {shown_names(jobs)}", place=path)
    found: list[Built] = []
    work = Work()
    for name in [job] if job else list(jobs)[:100]:
        body = _mapping(jobs[name])
        for values in _combinations(_mapping(body.get("strategy")).get("matrix")):
            reader = _Job(values, _mapping(top.get("env")), _mapping(body.get("env")), Unknowns(), work)
            label = ", ".join(f"{key}={value.rstrip(_TYPED)}" for key, value in (values or {}).items())
            builds = reader.builds(body)
            found += [replace(one, label=": ".join(filter(None, (name, label)))) for one in builds]
            if len(found) > MAX_BUILDS:
                raise CannotJudge(f"there are more than {MAX_BUILDS} builds", place=path)
    return tuple(found)


def _mapping(node: Node | None) -> dict[str, Node]:
    return node if isinstance(node, dict) else {}


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _flat(prefix: str, node: Node) -> Combination | None:
    """`{cuda: {major: 12}}` as `cuda.major`; None for a list or an expression, of which the value is not known."""
    if isinstance(node, Scalar):
        if "${{" in node.text:
            return None
        return {prefix: node.text if node.is_as_written else node.text + _TYPED}
    if not isinstance(node, dict):
        return None
    out: Combination = {}
    for key, value in node.items():
        inner = _flat(f"{prefix}.{key}", value)
        if inner is None:
            return None
        out.update(inner)
    return out


def _combinations(matrix: Node | None) -> list[Combination | None]:
    """Values of each job of a matrix; one None where there is none, or its combinations are computed.

    `exclude` takes combinations away; `include` adds values to those whose own values it does not change, else a
    combination.

    Raises:
        CannotJudge: there are more than GitHub makes.
    """
    body = _mapping(matrix)
    axes: dict[str, list[Combination]] = {}
    for key, node in body.items():
        if key in ("include", "exclude"):
            continue
        listed = [_flat(key, one) for one in node] if isinstance(node, list) else [None]
        if None in listed:
            return [None]
        axes[key] = [one for one in listed if one is not None]
    combinations: list[Combination] = [{}] if axes else []
    for values in axes.values():
        if len(combinations) * len(values) > MAX_COMBINATIONS:
            raise CannotJudge(f"a matrix has more than {MAX_COMBINATIONS} combinations")
        combinations = [{**one, **value} for one in combinations for value in values]
    excluded, included = (_entries(body.get(key)) for key in ("exclude", "include"))
    if excluded is None or included is None:
        return [None]
    kept = [one for one in combinations if not any(entry.items() <= one.items() for entry in excluded)]
    made: list[Combination | None] = [*_included(kept, included, set(axes))]
    return made or [None]


def _entries(node: Node | None) -> list[Combination] | None:
    """The entries of `include` or `exclude`; None where they are computed."""
    if node is None:
        return []
    if not isinstance(node, list):
        return None
    out = []
    for one in node[:MAX_COMBINATIONS]:
        entry: Combination = {}
        for key, value in _mapping(one).items():
            flat = _flat(key, value)
            if flat is None:
                return None
            entry.update(flat)
        out.append(entry)
    return out


def _included(kept: list[Combination], entries: list[Combination], axes: set[str]) -> list[Combination]:
    original = [dict(one) for one in kept]
    made: list[Combination] = []
    for entry in entries:
        fits = [
            index
            for index, one in enumerate(original)
            if all(one.get(key) == value for key, value in entry.items() if key.split(".")[0] in axes)
        ]
        for index in fits:
            kept[index].update(entry)
        if not fits:
            made.append(dict(entry))
    return [*kept, *made][:MAX_COMBINATIONS]


class _Job:
    """The builds of one job with one combination of its matrix."""

    def __init__(
        self,
        values: Combination | None,
        top: Mapping[str, Node],
        own: Mapping[str, Node],
        unknowns: Unknowns,
        work: Work,
    ) -> None:
        self._matrix = values
        self._unknowns = unknowns
        self._work = work
        self._env: dict[str, str] = {}
        for level in (top, own):
            self._env.update({name: self._variable(node) for name, node in level.items()})

    def _variable(self, node: Node) -> str:
        """The value of an environment variable."""
        if isinstance(node, Scalar) and node.text and not node.is_as_written:
            return self._unknowns.mark(f"GitHub takes {node.text[:60]} for a number")
        return self._filled(_text(node))

    def _filled(self, text: str, env: Mapping[str, str] | None = None) -> str:
        """A text with its expressions filled in; marks for what is not known."""
        known = self._env if env is None else env

        def value(match: re.Match[str]) -> str:
            inner = match[1].strip()
            plain = re.fullmatch(_PLAIN, inner)
            literal = re.fullmatch(r"'([^']*)'", inner)
            found = literal[1] if literal else None
            if plain and plain[1] == "matrix" and self._matrix is not None:
                found = self._matrix.get(plain[2])
                found = None if found and found.endswith(_TYPED) else found
            elif plain and plain[1] == "env":
                found = known.get(plain[2])
            self._work.spend(1 + len(found or ""))
            return self._unknowns.mark(f"{inner[:60]} is not followed") if found is None else found

        return re.sub(_EXPRESSION, value, text[:MAX_BUILD_FILE], flags=re.DOTALL)

    def builds(self, body: Mapping[str, Node]) -> list[Built]:
        """The builds of the job's steps, in their order."""
        steps = body.get("steps")
        defaults = _mapping(_mapping(body.get("defaults")).get("run"))
        found: list[Built] = []
        for step in steps[:500] if isinstance(steps, list) else ():
            one = _mapping(step)
            env = dict(self._env)
            env.update({name: self._variable(node) for name, node in _mapping(one.get("env")).items()})
            uses = _text(one.get("uses"))
            before = len(found)
            if re.match(r"docker/build-push-action@", uses):
                found += self._action(one, env)
            elif re.match(r"docker/bake-action@", uses):
                found.append(_ANY)
            elif isinstance(run := one.get("run"), Scalar):
                folder = self._filled(
                    _text(one.get("working-directory") or defaults.get("working-directory"))
                )
                text = self._filled(run.text, env)
                shell = _text(one.get("shell") or defaults.get("shell"))
                if shell in ("", "bash", "sh") and names_builder(text, env):
                    found += commands(
                        text,
                        env,
                        self._unknowns,
                        work=self._work,
                        bash=shell != "sh",
                        first_line=run.line + 1,
                        cwd=folder or ".",
                    )
                self._exported(text)
            if "if" in one:
                found[before:] = [replace(built, stored=False) for built in found[before:]]
        return found

    def _exported(self, text: str) -> None:
        """Forget variables that a step writes to `$GITHUB_ENV`."""
        if "GITHUB_ENV" in text:
            for name in re.findall(r"([A-Za-z_][A-Za-z0-9_]*)(?:=|<<)", text):
                self._env[name] = self._unknowns.mark(f"a step writes {name} to GITHUB_ENV")

    def _action(self, step: Mapping[str, Node], env: Mapping[str, str]) -> Iterator[Built]:
        """`docker/build-push-action`: its inputs are as BuildKit's command line has them."""
        given = {key: self._filled(_text(node), env) for key, node in _mapping(step.get("with")).items()}
        context = given.get("context") or "."
        context = re.sub(r"\A\{\{ ?defaultContext ?\}\}:?", "", context) or "."
        context = posixpath.normpath(context)
        path = posixpath.normpath(given.get("file") or posixpath.join(context, "Dockerfile"))
        target = given.get("target") or None
        if unknown(context + path + (target or "")) or "://" in context or given.get("build-contexts"):
            yield _ANY
            return
        args: dict[str, str] = {}
        lost: list[str] = []
        for line in given.get("build-args", "").split("\n"):
            name, sign, value = line.strip().partition("=")
            if not name or unknown(name):
                continue
            args.pop(name, None)
            if not sign or unknown(value):
                lost.append(name)
            else:
                args[name] = value
        names = tuple(one for one in re.split(r"[,\s]+", given.get("tags", "")) if one and not unknown(one))
        node = step.get("uses")
        number = node.line if isinstance(node, Scalar) else 0
        pulls = given.get("pull", "") not in ("", "false")
        stored = "true" in (given.get("push", ""), given.get("load", ""))
        yield Built(
            path, context, target, tuple(args.items()), tuple(lost), names, number, pulls=pulls, stored=stored
        )  # fmt: skip
