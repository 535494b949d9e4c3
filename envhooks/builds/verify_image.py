"""The built image compared with its tag: which framework it carries, and for which accelerator that was built.

The Dockerfile was judged before the push, by what it says. What a resolver, a base image or a mirror made of
it is seen in the image alone. It is asked through the engine that built it, without importing the framework:
versions from the installed metadata, CUDA from the version file that the framework's own build wrote. An
import would want drivers that a build machine need not have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envhooks.base.dataclass import dataclass, field
from envhooks.base.hygiene import printable
from envhooks.builds.options import Section
from envhooks.builds.types import Expected
from envhooks.catalog.lookup import BY_LOCAL, MODULES, built_for, evidence_of_word
from envhooks.image import versions_agree
from envhooks.policy import BuildPolicy
from envhooks.tagname.names import TagName, TagPolicy

MARK = "envhooks-image "
LOCAL = "local"
"""The builder whose `verify` is about an image that is not published yet."""
PYTHON_NAME = r"[A-Za-z0-9_/.][A-Za-z0-9_/.+-]*"
PYTHONS = ("python", "python3")
"""Interpreters to try: in an image made with conda or a virtual environment, `python` is that one's."""

# One line of statements, so that a dry run can print it as it is run. Arguments: names of distributions.
PROGRAM = "; ".join(
    (
        "import importlib.metadata as m, importlib.util as u, json, pathlib, platform, re, runpy, sys",
        "n = lambda t: re.sub('[-_.]+', '-', str(t)).lower()",
        "w = sys.argv[1:]",
        "a = re.compile('jax-(cuda|rocm)[0-9]+-plugin|libtpu|torch-npu|habana-torch-plugin')",
        # the first on sys.path is the one that an import takes
        "d = [(n(x.metadata['Name']), x.version) for x in m.distributions()][::-1]",
        "p = {k: v for k, v in d if k in w or a.fullmatch(k)}",
        "f = lambda t, s: [runpy.run_path(str(q)) for c in [u.find_spec(t)] if c"
        " for q in [pathlib.Path(r, s) for r in c.submodule_search_locations or ()] if q.is_file()]",
        "t = {k: o.get(k) for o in f('torch', 'version.py') for k in ('cuda', 'hip', 'xpu')}",
        "b = {k: v for o in f('tensorflow', 'python/platform/build_info.py')"
        " for k, v in dict(o.get('build_info', {})).items()"
        " if k in ('cuda_version', 'is_cuda_build', 'is_rocm_build')}",
        f"print({MARK!r} + json.dumps(dict(python=platform.python_version(), packages=p, torch=t, tensorflow=b)))",
    )
)


@dataclass(frozen=True)
class Settings:
    """`verify` of a build section."""

    is_on: bool = True
    reason: str = ""
    """Reason why it is off."""
    pythons: tuple[str, ...] = PYTHONS
    """The interpreters that are tried in turn."""


@dataclass(frozen=True)
class Answer:
    """Answer of an image's own interpreter."""

    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Normalised name -> version: of those that were asked for, and of accelerator plugins."""
    torch: Mapping[str, Any] = field(default_factory=dict)
    """`cuda`, `hip`, `xpu` of torch's version file; empty where there is no torch."""
    tensorflow: Mapping[str, Any] = field(default_factory=dict)
    """`cuda_version`, `is_cuda_build`, `is_rocm_build` of TensorFlow's build information."""


def held(answer: Answer) -> dict[str, str]:
    """Content of the image by names: distributions, `python`, and the accelerator that the framework was built for."""
    found = dict(answer.packages)
    if answer.python:
        found["python"] = answer.python
    for kind, name in (("cuda", "cuda"), ("hip", "rocm")):
        if isinstance(answer.torch.get(kind), str):
            found[name] = answer.torch[kind]
    return found


def settings(section: Section) -> Settings:
    """Read `verify = { level = "off", reason = "..." }` or `verify = { python = "/opt/conda/bin/python" }`.

    Raises:
        PolicyError: it is switched off without a reason, or says something else.
    """
    off = 'verify = { level = "off", reason = "why" }'
    if isinstance(section.raw.get("verify"), (str, bool)):
        section.refuse(f"`verify` of {section.title} is a table: a check is switched off with a reason", off)
    table = section.table("verify", ("level", "reason", "python"))
    level = table.choice("level", ("error", "off"), "error")
    reason = table.text("reason").strip()
    if level == "off" and not reason:
        section.refuse(f"`verify` of {section.title} is switched off without a reason", off)
    python = table.matching("python", PYTHON_NAME, "a program in the image")
    return Settings(level != "off", reason, (python,) if python else PYTHONS)


@dataclass(frozen=True)
class PublishedSettings:
    """How the image of a section is read from its registry, and whether the section asks for that after a build."""

    is_on: bool = False
    pythons: tuple[str, ...] = PYTHONS
    tls_verify: bool = True


def published_settings(build: BuildPolicy) -> PublishedSettings:
    """Read `verify = "registry"`, or a table with `level`, `reason`, `python` and `tls_verify`.

    A `local` build looks into its own image; from the registry it is read as the build itself reads and pushes it.

    Raises:
        PolicyError: it says something else.
    """
    section = Section(f"a `{build.using}` build", build.options)
    if build.using == LOCAL:
        pythons = settings(section).pythons
        return PublishedSettings(pythons=pythons, tls_verify=section.flag("tls_verify", True))
    if "verify" not in build.options:
        return PublishedSettings()
    value = build.options["verify"]
    if value == "registry":
        return PublishedSettings(is_on=True)
    if not isinstance(value, dict):
        section.refuse(f'`verify` of {section.title} is "registry" or a table', 'verify = "registry"')
    table = section.table("verify", ("level", "reason", "python", "tls_verify"))
    level = table.choice("level", ("registry", "off"), "registry")
    if level == "off" and not table.text("reason").strip():
        off = 'verify = { level = "off", reason = "why" }'
        section.refuse(f"`verify` of {section.title} is switched off without a reason", off)
    python = table.matching("python", PYTHON_NAME, "a program in the image")
    pythons = (python,) if python else PYTHONS
    return PublishedSettings(level == "registry", pythons, table.flag("tls_verify", True))


def expected(name: TagName, policy: TagPolicy) -> Expected:
    """Requirements that a tag of this name sets for its image."""
    packages: tuple[str, ...] = ()
    if name.framework:
        packages = tuple(policy.frameworks.get(name.framework) or (name.framework.lower(),))
    return Expected(packages, name.version_text, name.is_stable, name.hardware, name.wheel_version)


def question(wanted: Expected) -> tuple[str, ...]:
    """The arguments behind the interpreter's name: `-c PROGRAM NAME...`."""
    return ("-c", PROGRAM, *(re.sub("[-_.]+", "-", name).lower() for name in wanted.packages))


def parse(output: str) -> Answer | None:
    """Answer of the image; None without one: no such interpreter, or one that failed.

    The last line that looks like an answer counts, as entry points print banners before.
    """
    for line in reversed(output.split("\n")):
        if not line.startswith(MARK):
            continue
        try:
            said = json.loads(line[len(MARK) :])
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict):
            return None
        packages = {str(k): str(v) for k, v in _table(said, "packages").items()}
        return Answer(
            str(said.get("python", "")), packages, _table(said, "torch"), _table(said, "tensorflow")
        )
    return None


def _table(said: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = said.get(key)
    return value if isinstance(value, dict) else {}


def judge(wanted: Expected, answer: Answer) -> tuple[str, ...]:
    """One sentence for each difference between tag and image; empty where they agree."""
    return (*_framework(wanted, answer), *_hardware(wanted, answer))


def describe(answer: Answer) -> str:
    """Findings of an answer, in one line."""
    found = [f"{name} {version}" for name, version in sorted(answer.packages.items())]
    built = [f"{kind} {version}".strip() for kind, version in evidence(answer) or ()]
    return printable(", ".join([f"Python {answer.python}", *found, *(f"built for {one}" for one in built)]))


def _framework(wanted: Expected, answer: Answer) -> Sequence[str]:
    if not wanted.packages:
        return ()
    names = [re.sub("[-_.]+", "-", name).lower() for name in wanted.packages]
    found = next((name for name in names if name in answer.packages), None)
    if found is None:
        return (f"the image has no {' or '.join(names)}",)
    version = answer.packages[found]
    if wanted.version and not is_release(version, wanted.version, is_stable=wanted.is_stable):
        said = wanted.version + (".x" if wanted.version.count(".") == 1 else "")
        return (f"the image has {found} {printable(version, 60)}, and the tag says {said}",)
    return ()


def is_release(version: str, wanted: str, *, is_stable: bool) -> bool:
    """Whether an installed version is what a tag means: `2.8` any 2.8.x, `2.8.0` that one."""
    match = re.match(r"(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)([^+]*)(?:\+(.*))?\Z", version, re.ASCII | re.DOTALL)
    if match is None:
        return False
    # NVIDIA's own containers carry `2.8.0a0+...nv25.6` for what is the release
    is_vendor = re.search(r"(?:\A|\.)nv[0-9]", match[3] or "") is not None
    if is_stable and not is_vendor and re.match(r"(?:a|b|rc|\.dev)[0-9]", match[2]):
        return False
    numbers = [int(number) for number in match[1].split(".")]
    asked = [int(number) for number in wanted.split(".")]
    length = len(asked) if len(asked) == 2 else max(len(numbers), len(asked))
    padded = [*numbers, *[0] * length][:length]
    return padded == [*asked, *[0] * length][:length]


_BUILT_ON = {"keras": ("torch", "tensorflow", "jax"), "vllm": ("torch",), "sglang": ("torch",)}
"""Framework -> those whose build is its own."""


def evidence(answer: Answer) -> tuple[tuple[str, str], ...] | None:
    """(kind, version) of each accelerator that the framework was built for; None without evidence."""
    # what another framework of the image was built for says nothing of this one
    modules = [MODULES[name] for name in answer.packages if name in MODULES]
    asked = {name for module in modules for name in _BUILT_ON.get(module, (module,))}
    torch, tensorflow = (
        told if not asked or name in asked else {}
        for name, told in (("torch", answer.torch), ("tensorflow", answer.tensorflow))
    )
    found: list[tuple[str, str]] = []
    for kind, key in (("CUDA", "cuda"), ("ROCm", "hip"), ("XPU", "xpu")):
        if torch.get(key):
            found.append((kind, _numbers(torch[key])))
    if tensorflow.get("is_cuda_build"):
        found.append(("CUDA", _numbers(tensorflow.get("cuda_version") or "")))
    if tensorflow.get("is_rocm_build"):
        found.append(("ROCm", ""))
    for name in answer.packages if not asked or "jax" in asked else ():
        plugin = re.fullmatch(r"jax-(cuda|rocm)([0-9]+)-plugin", name)
        if plugin and plugin[1] == "cuda":
            found.append(("CUDA", plugin[2]))
        elif plugin:
            found.append(("ROCm", ".".join(plugin[2])))  # `rocm60` is 6.0, and `rocm7` 7
    for name, kind in (("libtpu", "TPU"), ("torch-npu", "NPU"), ("habana-torch-plugin", "HPU")):
        if name in answer.packages:
            found.append((kind, ""))
    tells = torch or tensorflow or "jax" in answer.packages
    if not found and not tells:
        found = list(_by_names(answer.packages))
    return tuple(dict.fromkeys(found)) if found or tells else None


def _by_names(packages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Accelerator by a distribution's name or local version: `tensorflow-rocm`, `2.8.0+cu128`."""
    for name, version in packages.items():
        local = version.partition("+")[2].lower()
        told = built_for(name) or (evidence_of_word(local) if name in BY_LOCAL and local else None)
        if told is not None:
            yield told[0], told[1] or ""


def _numbers(text: object) -> str:
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", str(text), re.ASCII)
    return match.group() if match else ""


def _hardware(wanted: Expected, answer: Answer) -> Sequence[str]:
    if wanted.hardware is None:
        return ()
    found = evidence(answer)
    if found is None:
        return ()  # a framework that does not say: the Dockerfile's word stands
    said = f"{wanted.hardware} {wanted.hardware_version or ''}".strip()
    if wanted.hardware == "CPU":
        other = [one for one in found if one[0] != "CPU"]
        return (
            (f"the tag says CPU, and the framework in the image is built for {_list(other)}",)
            if other
            else ()
        )
    ours = [version for kind, version in found if kind == wanted.hardware]
    if not ours:
        return (
            f"the tag says {said}, and the framework in the image is built for {_list(found) or 'the CPU'}",
        )
    wrong = [one for one in ours if one and not versions_agree(one, wanted.hardware_version or one)]
    if wrong:
        return (
            f"the tag says {said}, and the framework in the image is built for {wanted.hardware} {wrong[0]}",
        )
    return ()


def _list(found: Sequence[tuple[str, str]]) -> str:
    return " and ".join(f"{kind} {version}".strip() for kind, version in found)
