"""Readers of what a repository holds: twice the input takes at most two and a half times the time.

Each shape is one that somebody could commit to keep a server busy. What is refused before it is read costs nothing, and
is compared all the same.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from memory_files import MemoryFiles

from envhooks.base.dataclass import replace
from envhooks.base.errors import EnvhooksError
from envhooks.changelog.drafting import changelog_for
from envhooks.changelog.reader import find_entry, read_changelog
from envhooks.image.buildcommands import commands
from envhooks.image.buildfiles import BuildFile
from envhooks.image.interpreter import read_environment
from envhooks.image.makefiles import Makefile
from envhooks.image.statedbuilds import followed
from envhooks.image.text import Unknowns
from envhooks.image.workflows import workflow_builds
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import parse_lock
from envhooks.releases.manifests import image_uses
from envhooks.signatures.payload import PayloadError, split
from envhooks.signatures.signers import read_signers
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar

ENOUGH = 0.02
"""Seconds from which on a measured time tells something."""
FACTOR = 2.5
TRIES = 4
MOST = 1 << 16
BASE = "FROM nvidia/cuda:12.8.1-devel-ubuntu24.04\n"
OID, DIGEST = "a" * 40, "b" * 64


def listed(words: list[str], joint: str = " \\\n  ") -> str:
    return joint.join(words)


def heredoc(text: str) -> str:
    return f"{BASE}RUN <<EOF\n{text}\nEOF\n"


WORDS: dict[str, Callable[[int], str]] = {
    "packages": lambda n: f"package-{n}",
    "pins": lambda n: f"package-{n}==1.0",
    "one package again and again": lambda n: "torch",
    "one pin again and again": lambda n: "torch==2.8.0",
    "pins of one package": lambda n: f"torch==2.8.{n}",
    "swallowed pins": lambda n: f"package-{n}>=1.0",
    "variables": lambda n: f"$V{n}",
    "indexes": lambda n: f"--extra-index-url https://host.example/{n}",
    "options": lambda n: "--pre",
    "globs": lambda n: "*",
    "brackets": lambda n: "[",
    "paths": lambda n: f"./p{n}",
    "addresses": lambda n: f"https://host.example/p-{n}.whl",
    "extras": lambda n: f"'p{n}[a,b]==1.0'",
    "markers": lambda n: f"'p{n}==1.0; python_version>\"3\"'",
    "braces": lambda n: "{a,b}",
    "substitutions": lambda n: "$(x)",
    "quotes": lambda n: '"',
}
TOOLS = ("pip install", "conda install -y", "apt-get install -y", "echo")


def _command(tool: str, word: Callable[[int], str]) -> Callable[[int], str]:
    return lambda n: heredoc(f"{tool} " + listed([word(i) for i in range(n)]))


DOCKERFILES: dict[str, Callable[[int], str]] = {
    **{
        f"{tool}, {what}": _command(tool, word)
        for tool in TOOLS
        for what, word in WORDS.items()
        if tool == "pip install"
        or what in ("packages", "pins", "one pin again and again", "variables", "quotes")
    },
    "instructions": lambda n: BASE + "RUN pip install a==1\n" * n,
    "heredocs": lambda n: BASE + "RUN <<EOF\npip install a==1\nEOF\n" * n,
    "environment": lambda n: BASE + "".join(f"ENV A{i}=x$A{i - 1}\n" for i in range(1, n)),
    "doubled values": lambda n: BASE + "ENV A=x\n" + "ENV A=$A$A\n" * n,
    "arguments": lambda n: (
        "".join(f"ARG A{i}=x\n" for i in range(n)) + BASE + "".join(f"ARG A{i}\n" for i in range(n))
    ),
    "nested defaults": lambda n: BASE + "ENV A=" + "${X:-" * n + "}" * n + "\n",
    "stages": lambda n: BASE + "".join(f"FROM x AS s{i}\nRUN pip install a==1\n" for i in range(n)),
    "stages of stages": lambda n: (
        "FROM x AS s0\n" + "".join(f"FROM s{i} AS s{i + 1}\nENV B=1\n" for i in range(n))
    ),
    "copies": lambda n: "FROM x AS s\nRUN pip install a==1\nFROM y\n" + "COPY --from=s /usr /usr\n" * n,
    "known conditions": lambda n: heredoc(
        "if [ a = a ]; then pip install a==1; else pip install b==1; fi\n" * n
    ),
    "arms of one condition": lambda n: heredoc(
        "if [ a = b ]; then a; " + "elif [ a = b ]; then a; " * n + "fi"
    ),
    "arms of one case": lambda n: heredoc("case a in " + "b|c) pip install a==1;; " * n + "esac"),
    "patterns of one case": lambda n: heredoc("case a in " + "b|" * n + "a) pip install a==1;; esac"),
    "nested known conditions": lambda n: heredoc(
        "if [ a = a ]; then\n" * n + "pip install a==1\n" + "fi\n" * n
    ),
    "cases inside each other": lambda n: heredoc("case a in a) " * n + "pip install a==1" + " ;; esac" * n),
    "substitutions": lambda n: heredoc(
        "A=$(echo 1.2.3 | cut -d. -f1,2 | tr -d .)\n" * n + "pip install a==$A"
    ),
    "substitutions inside each other": lambda n: heredoc("pip install a==" + "$(echo " * n + "1" + ")" * n),
    "a substitution of many words": lambda n: heredoc("pip install a==$(echo" + " $A" * n + ")"),
    "[[ of many words": lambda n: heredoc("if [[ " + "a " * n + "]]; then pip install a==1; fi"),
    "packages that ask for a torch": lambda n: heredoc("pip install torch==2.8.0\npip install vllm\n" * n),
    "conditions": lambda n: heredoc("if true; then\n" * n + "pip install a==1\n" + "fi\n" * n),
    "brackets of a shell": lambda n: heredoc("(" * n + "pip install a==1" + ")" * n),
    "substitutions in each other": lambda n: heredoc("pip install " + "$(" * n + "a" + ")" * n),
    "functions": lambda n: heredoc("\n".join(f"f{i}() {{ true; }}" for i in range(n))),
    "exports": lambda n: heredoc("\n".join(f"export V{i}=$V{i - 1}x" for i in range(1, n))),
    "files": lambda n: heredoc(
        "\n".join(f"echo a{i}==1 >>r.txt" for i in range(n)) + "\npip install -r r.txt"
    ),
    "folders": lambda n: heredoc("cd a\n" * n),
    "comments": lambda n: BASE + "RUN pip install a==1 \\\n" + "# x\n" * n + " b==1\n",
    "empty continuations": lambda n: BASE + "RUN echo \\\n" + "\\\n" * n + "x\n",
    "triggers": lambda n: "FROM x AS a\n" + "ONBUILD RUN pip install a==1\n" * n + "FROM a\n",
}
FILES: dict[str, tuple[str, Callable[[int], str]]] = {
    "pixi packages": (
        "pixi.lock",
        lambda n: (
            "environments:\n  default:\n    packages:\n      linux-64:\n"
            + "      - conda: https://a.example/linux-64/p-1.0-0.conda\n" * n
        ),
    ),
    "pdm packages": ("pdm.lock", lambda n: '[[package]]\nname = "a"\nversion = "1"\ngroups = ["x"]\n' * n),
    "poetry packages": (
        "poetry.lock",
        lambda n: (
            '[[package]]\nname = "a"\nversion = "1"\ngroups = ["dev"]\nmarkers = "extra == \'x\'"\n' * n
        ),
    ),
    "poetry groups": (
        "poetry.lock",
        lambda n: '[[package]]\nname = "a"\nversion = "1"\ngroups = [' + '"g",' * n + "]\n",
    ),
    "poetry extras": (
        "poetry.lock",
        lambda n: (
            '[[package]]\nname = "a"\nversion = "1"\noptional = true\n[extras]\n'
            + "".join(f'e{i} = ["a"]\n' for i in range(n))
        ),
    ),
    "options": ("requirements.txt", lambda n: "--pre " * n + "\n"),
    "quoted options": ("requirements.txt", lambda n: "--pre '" + "\\" * n + "'\n"),
    "brackets": ("requirements.txt", lambda n: "./a.whl" + "[" * n + "\n"),
    "archives": ("requirements.txt", lambda n: "a.tar" * n + "\n"),
    "a cookie": ("requirements.txt", lambda n: "# " + "coding " * n + "coding=utf-8\n"),
    "requirements": ("requirements.txt", lambda n: "".join(f"p{i}==1.0\n" for i in range(n))),
    "one requirement again": ("requirements.txt", lambda n: "torch>=2\ntorch==2.8.0\n" * n),
    "hashes": ("requirements.txt", lambda n: "a==1" + " \\\n --hash=sha256:aa" * n + "\n"),
    "indexes": (
        "requirements.txt",
        lambda n: "".join(f"--extra-index-url https://h/{i}\n" for i in range(n)),
    ),
    "spaces": ("requirements.txt", lambda n: "a" + " " * n + "#\n"),
    "clauses": ("requirements.txt", lambda n: "a" + ",".join(f">={i}" for i in range(n)) + "\n"),
    "extras": ("requirements.txt", lambda n: "a[" + ",".join(f"e{i}" for i in range(n)) + "]==1\n"),
    "markers": ("requirements.txt", lambda n: "a==1; " + " or ".join(['python_version>"3"'] * n) + "\n"),
    "constraints": (
        "requirements.txt",
        lambda n: "-c c.txt\n" + "".join(f"p{i}\n" for i in range(n)),
    ),
    "environment": (
        "environment.yml",
        lambda n: "dependencies:\n" + "".join(f"- p{i}=1.0\n" for i in range(n)),
    ),
    "anchors": ("environment.yml", lambda n: "dependencies:\n" + "".join(f"- &a{i} p\n" for i in range(n))),
    "lists in lists": ("environment.yml", lambda n: "[" * n),
    "a project": (
        "pyproject.toml",
        lambda n: "[project]\ndependencies = [" + ",".join(f'"p{i}==1"' for i in range(n)) + "]\n",
    ),
    "arrays in arrays": ("pyproject.toml", lambda n: "a = " + "[" * n),
    "dotted keys": ("pyproject.toml", lambda n: "a" + ".a" * n + " = 1\n"),
    "a lock of uv": (
        "uv.lock",
        lambda n: "version = 1\n" + "".join(f'[[package]]\nname = "p{i}"\nversion = "1"\n' for i in range(n)),
    ),
    "a lock of pipenv": (
        "Pipfile.lock",
        lambda n: '{"default": {' + ",".join(f'"p{i}": {{"version": "==1"}}' for i in range(n)) + "}}",
    ),
    "JSON in JSON": ("Pipfile.lock", lambda n: "[" * n),
    "patterns": (".dockerignore", lambda n: "".join(f"p{i}\n" for i in range(n))),
    "wildcards": (".dockerignore", lambda n: "*a*b**/*c?[x-z]\n" * n),
    "exceptions": (".dockerignore", lambda n: "**\n!**/c*t\n" * n),
    "a long pattern": (".dockerignore", lambda n: "*c" * n),
    "a long bracket": (".dockerignore", lambda n: "[" + "a-z" * n + "]"),
}
COMMANDS = {
    "requirements.txt": "pip install -r requirements.txt",
    "environment.yml": "conda env update -f environment.yml",
    "pyproject.toml": "pip install .",
    "uv.lock": "uv sync --frozen",
    "pixi.lock": "pixi install --frozen",
    "pdm.lock": "pdm sync -G x",
    "poetry.lock": "poetry install -E x",
    "Pipfile.lock": "pipenv sync",
    ".dockerignore": "pip install -r c.txt",
}
_SALT = itertools.count(10)


def _entries(n: int) -> str:
    """Other headings each time: those that were read before are remembered."""
    salt = next(_SALT)
    return "".join(f"## {salt}.{i} - 2026-01-01\n\nText.\n\n" for i in range(n))


CHANGELOGS: dict[str, Callable[[int], str]] = {
    "entries": _entries,
    "entries of the same version": lambda n: "## 2.7 - 2026-01-01\n\nText.\n" * n,
    "underlined": lambda n: "2.7\n---\n" * n,
    "long underlines": lambda n: "2.7\n" + "-" * n + "\n",
    "fences": lambda n: "```\n" * n,
    "comments": lambda n: "<!--\n" * n,
    "brackets": lambda n: "## " + "[" * n + "2.7\n",
    "links": lambda n: "## " + "[2.7](x) " * n + "\n",
    "digits": lambda n: "## " + "2." * n + "\n",
    "blank lines": lambda n: "\n" * n + "## 2.7 - 2026-01-01\n",
    "words": lambda n: "## " + "PyTorch CUDA " * n + "2.7 - 2026-01-01\n",
}


def docker(text: str) -> Callable[[], object]:
    files = MemoryFiles({"Dockerfile": text.encode()})
    return lambda: read_environment(files, "Dockerfile")


def requirement(name: str, text: str) -> Callable[[], object]:
    dockerfile = f"{BASE}WORKDIR /app\nCOPY . .\nRUN {COMMANDS[name]}\n"
    constraints = "".join(f"p{i}==1.0\n" for i in range(text.count("\n")))
    data = {"Dockerfile": dockerfile, name: text, "c.txt": constraints}
    files = MemoryFiles({path: content.encode() for path, content in data.items()})
    return lambda: read_environment(files, "Dockerfile")


def changelog(text: str) -> Callable[[], object]:
    name = Grammar(DEFAULT_TAG_POLICY).match("PyTorch-CUDA-v2.8-rc1")
    assert name is not None
    return lambda: find_entry(read_changelog(text.encode(), "CHANGELOG.md"), name, None)


def lacking(text: str) -> Callable[[], object]:
    """A changelog, looked through for an entry and for what comes closest to one."""
    name = Grammar(DEFAULT_TAG_POLICY).match("PyTorch-CUDA-v2.8.0")
    assert name is not None
    return lambda: changelog_for(text.encode(), "CHANGELOG.md", name, None)


LACKING: dict[str, Callable[[int], str]] = {
    "others": lambda n: "## 2.8.0rc1 JAX for ROCm - 2026-01-01\n\nx\n\n" * n,
    "titles": lambda n: "2.8.1 (2026-01-01)\n\n" * n,
    "sentences": lambda n: "- Update PyTorch to 2.8.0\n" * n,
    "marks": lambda n: "#" * n + "2.8.0\n",
    "same lines": lambda n: "```\n2.8.0\n```\n" * n + "##2.8\n",
    "builds": lambda n: "## " + "2.8+cu128" * n + "\n",
    "titles of an entry": lambda n: "## 2.8.0 - 2026-01-01\n\n" + "## What\n" * n,
    "tags": lambda n: "## 2.8.0 - 2026-01-01\n" + "<a " * n + "\n",
    "definitions": lambda n: "## 2.8.0 - 2026-01-01\n" + "[" * n + "\n" + "\n.. _" * n,
}


def numbered(text: str) -> Callable[[], object]:
    """A changelog, looked through for a release that has a version, a number and a day of its own."""
    name = Grammar(replace(DEFAULT_TAG_POLICY, templates=("v{version}-{release}-{date}",))).match(
        "v2.8-7-20260130"
    )
    assert name is not None
    return lambda: find_entry(read_changelog(text.encode(), "CHANGELOG.md"), name, None)


def policy(text: str) -> Callable[[], object]:
    return lambda: parse_policy(text.encode(), ".envhooks/policy.toml")


def signers(text: str) -> Callable[[], object]:
    return lambda: read_signers({"allowed_signers": text.encode()}, ".envhooks")


def bake(text: str) -> Callable[[], object]:
    return lambda: BuildFile(text.encode(), "docker-bake.hcl").planned("t")


def make(text: str) -> Callable[[], object]:
    return lambda: Makefile(text, Unknowns()).builds("x")


def script(text: str) -> Callable[[], object]:
    return lambda: commands(text, {}, Unknowns())


def built_by(path: str) -> Callable[[str], Callable[[], object]]:
    def read(text: str) -> Callable[[], object]:
        files = MemoryFiles({path: text.encode(), "Dockerfile": b"FROM a0\n"})
        return lambda: followed(files, path, "t", "Dockerfile", {})

    return read


def workflow(text: str) -> Callable[[], object]:
    return lambda: workflow_builds(text, "w.yml")


def manifests(text: str) -> Callable[[], object]:
    return lambda: image_uses(text.encode())


def name(text: str) -> Callable[[], object]:
    grammar = Grammar(DEFAULT_TAG_POLICY)
    return lambda: grammar.read(text)


def tag(text: str) -> Callable[[], object]:
    head = f"object {OID}\ntype commit\ntag x\ntagger a <a> 1 +0000\n\n"
    return lambda: split((head + text).encode(), 40)


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGm1D4mBmvNfgz2Bm5Ff3eY0vVh7VVnTtFq3nWQyJ1c"
OTHERS: dict[str, tuple[Callable[[str], Callable[[], object]], Callable[[int], str]]] = {
    "make: variables": (make, lambda n: "".join(f"V{i} := $(V{i - 1})a\n" for i in range(n))),
    "make: prerequisites": (make, lambda n: "".join(f"x{i or ''}: x{i + 1}\n\ttrue\n" for i in range(n))),
    "make: a long recipe": (make, lambda n: "x:\n" + "\tdocker build --build-arg A=$(B) .\n" * n),
    "make: colons": (make, lambda n: "a:" * n),
    "make: open references": (make, lambda n: "x:\n\tdocker build " + "$(" * n),
    "script: builds": (script, lambda n: "V=1\ndocker build --build-arg A=$V .\n" * n),
    "script: substitutions": (script, lambda n: "V=$(echo 1 | sed 's/[0-9]*\\.//')\n" * min(n, 2000)),
    "workflow: steps": (
        workflow,
        lambda n: "jobs: {a: {steps: [" + "{run: docker build .}, " * n + "]}}",
    ),
    "workflow: expressions": (
        workflow,
        lambda n: "jobs: {a: {steps: [{run: '" + "${{ matrix.a }}" * n + "'}]}}",
    ),
    "workflow: open expressions": (workflow, lambda n: "jobs: {a: {steps: [{run: '" + "${{ " * n + "'}]}}"),
    "workflow: build-args": (
        workflow,
        lambda n: (
            "jobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {build-args: '"
            + "A=1\n\n" * n
            + "'}}]}}"
        ),
    ),
    "policy: patterns": (
        policy,
        lambda n: "[tag]\nignore = [" + ",".join(f'"v{i}*"' for i in range(n)) + "]\n",
    ),
    "policy: keys": (policy, lambda n: "[checks]\n" + "".join(f'c{i} = "error"\n' for i in range(n))),
    "policy: tables": (policy, lambda n: "".join(f"[[dockerfile]]\nmatch = 'a{i}'\n" for i in range(n))),
    "policy: a long word": (policy, lambda n: "[tag]\n" + ("a" * 60 + "\n") * n),
    "policy: quotes": (policy, lambda n: "a = [" + '"' * 9 + "\n" * n),
    "policy: comments": (policy, lambda n: "# x\n" * n),
    "signers: lines": (signers, lambda n: f'a@b.c namespaces="git" {KEY}\n' * n),
    "signers: principals": (signers, lambda n: ",".join(f"a{i}@b.c" for i in range(n)) + f" {KEY}\n"),
    "signers: options": (signers, lambda n: "a@b.c " + 'namespaces="git",' * n + f" {KEY}\n"),
    "signers: comments": (signers, lambda n: "# x\n" * n),
    "bake: targets": (
        bake,
        lambda n: "".join(f'target "t{i}" {{ args = {{ A = "1" }} }}\n' for i in range(n)),
    ),
    "bake: parents": (
        bake,
        lambda n: 'target "t" { inherits = [' + '"a",' * n + ']\n}\ntarget "a" { args = { A = "1" } }\n',
    ),
    "bake: values": (
        bake,
        lambda n: 'target "t" { args = {\n' + "".join(f'A{i} = "${{V}}"\n' for i in range(n)) + "} }",
    ),
    "bake: brackets": (bake, lambda n: 'target "t" { a = ' + "[" * n),
    "built by: images": (
        built_by("docker-bake.hcl"),
        lambda n: (
            'target "t" { contexts = {'
            + "".join(f'a{i} = "target:b"\n' for i in range(n))
            + '} }\ntarget "b" {}\n'
        ),
    ),
    "built by: builds": (
        built_by("Makefile"),
        lambda n: "t:\n" + "".join(f"\tdocker build -t a{i} --build-arg A={i} .\n" for i in range(n)),
    ),
    "built by: jobs": (
        built_by(".github/workflows/w.yml"),
        lambda n: (
            "jobs: {t: {strategy: {matrix: {a: [" + ", ".join(map(str, range(n))) + "]}}, steps: ["
            "{run: 'docker build -t a --build-arg A=${{ matrix.a }} .'}, {run: docker build .}]}}"
        ),
    ),
    "bake: functions": (bake, lambda n: 'target "t" { a = f(' + "f(" * n + ")" * n + ") }"),
    "manifests: images with a tag of their own": (
        manifests,
        lambda n: "{" + ", ".join(f"k{i}Image: o/x, k{i}ImageTag: a" for i in range(n)) + "}",
    ),
    "manifests: words": (manifests, lambda n: "a: '" + "a.b.example/x:y " * n + "'"),
    "manifests: one word": (manifests, lambda n: "a: '" + "a." * n + "/x" * n + "'"),
    "lock: lines": (
        lambda text: lambda: parse_lock(text.encode(), ".envhooks/tags.lock", 40),
        lambda n: "".join(f"refs/tags/v{i:07} {OID} {DIGEST} a@b.c\n" for i in range(n)),
    ),
    "name: letters": (name, lambda n: "a" * n),
    "name: dashes": (name, lambda n: "PyTorch" + "-CUDA" * n),
    "name: digits": (name, lambda n: "PyTorch-CUDA-v" + "2." * n),
    "name: look-alikes": (name, lambda n: "РyTorch" * n),
    "tag: message": (tag, lambda n: "CUDA 12.8 PyTorch 2.8 " * n + "\n"),
    "tag: begin lines": (tag, lambda n: "-----BEGIN SSH SIGNATURE-----\n" * n),
    "tag: armor": (tag, lambda n: "x\n-----BEGIN SSH SIGNATURE-----\n" + "A" * 76 * n + "\n"),
}
Shape = Callable[[int], Callable[[], object]]
SHAPES: dict[str, Shape] = {}


def _shape(read: Callable[[str], Callable[[], object]], make: Callable[[int], str]) -> Shape:
    return lambda n: read(make(n))


def _of(file: str) -> Callable[[str], Callable[[], object]]:
    return lambda text: requirement(file, text)


SHAPES |= {f"Dockerfile: {what}": _shape(docker, make) for what, make in DOCKERFILES.items()}
SHAPES |= {f"{file}: {what}": _shape(_of(file), make) for what, (file, make) in FILES.items()}
SHAPES |= {f"changelog: {what}": _shape(changelog, make) for what, make in CHANGELOGS.items()}
SHAPES |= {f"numbered: {what}": _shape(numbered, make) for what, make in CHANGELOGS.items()}
SHAPES |= {f"lacking: {what}": _shape(lacking, make) for what, make in (CHANGELOGS | LACKING).items()}
SHAPES |= {
    "numbered: mentions": _shape(numbered, lambda n: ("## " + "2.8 7 since 7 2026-01-30 " * 18 + "\n") * n),
    "numbered: days below": _shape(numbered, lambda n: "## 2.8 7\n\n*Released: 2026-01-30*\n\nx\n\n" * n),
    "numbered: days": _shape(numbered, lambda n: ("## " + "2026-01-30 " * 40 + "\n") * n),
}
SHAPES |= {what: _shape(reading, make) for what, (reading, make) in OTHERS.items()}


def seconds(read: Callable[[], object]) -> float:
    """The reader's own time, and not that of threads which another test left."""
    start = time.thread_time()
    with contextlib.suppress(EnvhooksError, PayloadError):
        read()
    return time.thread_time() - start


def fault(what: str) -> str:
    """What is wrong with the growth of a shape; empty if nothing is."""
    shape = SHAPES[what]
    size = 250
    while (once := seconds(shape(size))) < ENOUGH and size < MOST:
        size *= 2
    if once >= 50 * ENOUGH:
        return f"{size} of them take {once:.1f} s"
    for times in range(TRIES):
        once = min([once, *(seconds(shape(size)) for _ in range(times))])
        twice = min(seconds(shape(2 * size)) for _ in range(1 + times))
        if twice <= FACTOR * max(once, ENOUGH):
            return ""
    return f"{size} of them take {once * 1e3:.0f} ms, twice as many {twice * 1e3:.0f} ms"


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Python's collector goes by all that the tests before have made: 0.8 s for three million objects."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("what", SHAPES)
def test_twice_the_input_takes_twice_the_time(what: str) -> None:
    if found := fault(what):  # a busy worker errs now and then: a fresh process has the last word
        again = subprocess.run([sys.executable, __file__, what], capture_output=True, text=True, timeout=120)
        assert not again.stdout.strip() and not again.returncode, f"{found}; in a process of its own: {again}"


if __name__ == "__main__":
    print(fault(sys.argv[1]))
