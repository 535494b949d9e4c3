"""Tables that readers ask, derived from the entries of the catalog, and the accelerators that spellings name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from envhooks.base.dataclass import dataclass
from envhooks.catalog.frameworks import FRAMEWORKS, Evidence
from envhooks.catalog.hardware import HARDWARE

PACKAGES: Mapping[str, tuple[str, ...]] = {one.name: one.packages for one in FRAMEWORKS}
"""Canonical framework name -> the distributions that carry it."""
CARRIERS = frozenset(package for one in FRAMEWORKS for package in one.packages)
"""Every distribution that carries a framework."""
MODULES: Mapping[str, str] = {
    package: one.module or one.packages[0] for one in FRAMEWORKS for package in one.packages
}
"""Distribution that carries a framework -> the module that an import of it takes."""
KINDS = tuple(one.name for one in HARDWARE)
"""Canonical hardware names."""
ALIASES: Mapping[str, str] = {
    **{alias: one.name for one in FRAMEWORKS for alias in one.aliases},
    **{alias: kind.name for kind in HARDWARE for alias in kind.aliases},
    **{f"cu{major}{minor}": f"CUDA{major}.{minor}" for major in range(9, 14) for minor in range(10)},
}
"""Lower-case spelling -> the name that is probably meant."""
BY_INDEX = frozenset(package for one in FRAMEWORKS for package in one.by_index)
"""Packages whose wheels for one accelerator lie in an index of their own: `.../whl/cu128`."""
BY_LOCAL = frozenset(package for one in FRAMEWORKS for package in one.by_local)
"""Packages whose local version names the accelerator: `2.8.0+cu128`."""
BY_BUILD = frozenset(package for one in FRAMEWORKS for package in one.by_build)
"""Packages whose conda build string names the accelerator: `py3.9_cuda11.7_cudnn8.5.0_0`."""
BOUND: Mapping[str, str] = {bound: one.packages[0] for one in FRAMEWORKS for bound in one.bound}
"""Package of which each release asks for one release of a framework -> that framework's first package."""
CARRYING: Mapping[str, tuple[str, str]] = {
    one: (framework.packages[0], framework.bound[0]) for framework in FRAMEWORKS for one in framework.carrying
}
"""Package that asks for a companion in any version -> the framework's first package and the companion."""
ASKING: Mapping[str, tuple[str, str]] = {
    one: (framework.packages[0], specifier)
    for framework in FRAMEWORKS
    for one, specifier in framework.asking.items()
}
"""Package -> the framework's first package, and the releases of it that the package's newest one asks for."""
ASKING_BEFORE_39: Mapping[str, str] = {
    one: specifier for framework in FRAMEWORKS for one, specifier in framework.asking_before_39.items()
}
"""The same for the newest release that runs on Python 3.8."""
TIED: Mapping[str, str] = {
    one: framework.packages[0] for framework in FRAMEWORKS for one in (*framework.tied, *framework.bound)
}
"""Package whose releases name a framework's in their metadata -> that framework's first package."""
MOVERS: Mapping[str, str] = {
    **TIED, **{one: framework for one, (framework, _) in (*CARRYING.items(), *ASKING.items())},
}  # fmt: skip
"""Package that may move a framework which is there already -> that framework's first package."""
PINNING: Mapping[str, str] = {one.packages[0]: one.pins for one in FRAMEWORKS if one.pins}
"""First package of a framework -> the package of another one of which its sources ask for one release."""
SERVERS: Mapping[str, str] = {server: one.packages[0] for one in FRAMEWORKS for server in one.servers}
"""Program that holds a framework in itself -> that framework's first package."""
COMPANIONS = frozenset(package for one in FRAMEWORKS for package in one.companions) | {"cudatoolkit"}
_PLAIN_URL = r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9./_+~-]*)?"
_CUDA = r"cu(?:da)?([0-9]{2,3}|[0-9]+\.[0-9]+)(?:(?:[._-]|torch|cudnn).*)?"
_HPU = r"hpu(?:[._][0-9a-z._]*)?"
"""Local versions of Gaudi's wheels: `hpu`, `hpu.1.20.0.543`."""
_ROCM = r"rocm([0-9]+(?:\.[0-9]+)*)(?:[_-].*)?"
_PLAIN = {"cpu": "CPU", "xpu": "XPU", "cpu-cxx11-abi": "CPU", "cpu.cxx11.abi": "CPU"}
_BUILDS = {package: evidence for one in FRAMEWORKS for package, evidence in one.builds.items()}


_BUILDERS = {package: one.packages for one in FRAMEWORKS for package in one.builds}
ON_CPU = frozenset(package for one in FRAMEWORKS for package in one.on_cpu)
"""Packages that are for CPU where neither an index nor a local version says otherwise."""


def is_of_another(package: str, own: Collection[str]) -> bool:
    """Whether a distribution that is built for one hardware is of another framework than the one of these packages."""
    return package in _BUILDERS and not {*own}.intersection(_BUILDERS[package])


def built_for(package: str) -> Evidence | None:
    """The hardware that a framework's distribution is built for by its name; None where the name does not state it."""
    return _BUILDS.get(package)


def carried_by(package: str) -> Evidence | None:
    """The hardware for which alone a distribution exists; None where it runs on others as well."""
    if package in _BUILDS:
        return _BUILDS[package]
    kind = next((one.name for one in HARDWARE if one.carriers and re.fullmatch(one.carriers, package)), None)
    if kind is None:
        return None
    major = re.search(r"cuda([0-9]{2})", package)
    return kind, major.group(1) if major else None


def evidence_of_word(word: str) -> Evidence | None:
    """`cu128` -> CUDA 12.8, `rocm6.4` -> ROCm 6.4, `cpu`, `xpu`; None for anything else."""
    if word in _PLAIN:
        return _PLAIN[word], None
    match = re.fullmatch(_CUDA, word)
    if match:
        return "CUDA", _cuda(match.group(1))
    match = re.fullmatch(_ROCM, word)
    if match:
        return "ROCm", match.group(1)
    return ("HPU", None) if re.fullmatch(_HPU, word) else None


def _cuda(digits: str) -> str:
    if "." in digits:
        return digits
    if len(digits) == 2 and digits[0] == "1":
        return digits  # `cu12`: the major version only; before CUDA 10 two digits were both numbers
    return f"{digits[:-1]}.{digits[-1]}"


def evidence_of_url(url: str) -> Evidence | None:
    """Hardware evidence in the path of a wheel index: `.../whl/cu128`; the last such word counts."""
    match = re.fullmatch(_PLAIN_URL, url)
    if match:  # as nearly all are, and to import the reader of all others takes 2 ms
        path = match.group(1) or ""
    else:
        from urllib.parse import urlsplit

        try:
            path = urlsplit(url).path
        except ValueError:
            return None
    found = [evidence for part in path.split("/") if (evidence := evidence_of_word(part)) is not None]
    return found[-1] if found else None


def evidence_of_extras(name: str, extras: tuple[str, ...]) -> Evidence | None:
    """`jax[cuda12]`, `tensorflow[and-cuda]`, `torch-xla[tpu]`."""
    for extra in extras:
        if name == "tensorflow" and extra == "and-cuda":
            return "CUDA", None
        if name in ("jax", "torch-xla"):
            match = re.fullmatch(r"cuda([0-9]*)(?:-.*)?", extra)
            if match:
                return "CUDA", _cuda(match.group(1)) if len(match.group(1)) > 1 else match.group(1) or None
            if extra == "tpu" or extra.startswith("rocm") or extra == "cpu":
                return {"t": "TPU", "r": "ROCm", "c": "CPU"}[extra[0]], None
    return None


def evidence_of_build(build: str) -> Evidence | None:
    """A conda build string: `py3.8_cuda10.2.89_cudnn7.6.5_0`."""
    match = re.search(r"(?:\A|_)cuda_?([0-9]+\.[0-9]+(?:\.[0-9]+)?|[0-9]{3})(?=_|py|\Z)", build)
    if match:
        digits = match.group(1)
        return "CUDA", digits if "." in digits else _cuda(digits)
    return ("CPU", None) if re.search(r"(?:\A|_)cpu_", build) else None


def names_of(package: str) -> tuple[str, ...]:
    """The names under which a package may be there: conda calls torch `pytorch`."""
    return ("torch", "pytorch") if package == "torch" else (package,)


def package_of(framework: str) -> str:
    """Package name of a framework for facts and hints, from its name, alias or package: `PyTorch` -> `torch`."""
    return framework_package(framework) or framework.lower()


def framework_package(name: str) -> str | None:
    """The package of the framework that a name, alias or package means, in any case; None where it means none."""
    wanted = name.lower()
    for one in FRAMEWORKS:
        if wanted in (one.name.lower(), *one.aliases, *one.packages):
            return one.packages[0]
    return None


@cache
def version_variables() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """A pattern of ARG and ENV names that claim a framework's version, and the package of each of its groups."""
    patterns = [
        one.variables or f"{re.sub('[^A-Za-z0-9]', '_', one.name)}_(?:VERSION|VER)" for one in FRAMEWORKS
    ]
    return re.compile("|".join(f"({text})" for text in patterns), re.IGNORECASE), tuple(
        one.packages[0] for one in FRAMEWORKS
    )


@dataclass(frozen=True)
class Words:
    """Words by which a heading names a framework or hardware, lower case."""

    frameworks: Mapping[str, str]
    """Word -> framework in lower case; another project is its own value."""
    hardware: Mapping[str, str]
    """Word -> hardware in lower case."""


def words(frameworks: Iterable[str] = (), hardware: Iterable[str] = ()) -> Words:
    """The catalog's words, and the names that a policy adds."""
    known: dict[str, str] = {}
    for one in FRAMEWORKS:
        known.update({relative: relative for relative in one.relatives if relative not in known})
    for one in FRAMEWORKS:
        own = (
            one.name.lower(),
            *one.words,
            *(word for word in (*one.aliases, *one.packages) if len(word) > 3),
        )
        known.update({word: one.name.lower() for word in own if word.isalnum()})
    kinds = {
        word: one.name.lower() for one in HARDWARE for word in (one.name.lower(), *one.words, *one.aliases)
    }
    known.update({name.lower(): name.lower() for name in frameworks if name.lower() not in known})
    kinds.update({name.lower(): name.lower() for name in hardware if name.lower() not in kinds})
    return Words(known, kinds)


# ------------------------------------------------------------------------------ operating systems

_CODENAMES = {
    "bionic": "ubuntu18.04", "focal": "ubuntu20.04", "jammy": "ubuntu22.04", "noble": "ubuntu24.04",
    "buster": "debian10", "bullseye": "debian11", "bookworm": "debian12", "trixie": "debian13",
}  # fmt: skip
_SYSTEM = (
    "(?:ubuntu|debian|ubi|rockylinux|rocky|almalinux|alma|alpine|centos|fedora|oraclelinux|amazonlinux|opensuse"
    "|sles)"
)


def system(text: str) -> str:
    """The canonical name of an operating system: `noble` -> ubuntu24.04; empty for other text."""
    known = _CODENAMES.get(text, text)
    return known if re.fullmatch(rf"{_SYSTEM}[0-9]*(?:\.[0-9]+)*", known) else ""


def system_of(name: str, tag: str) -> str:
    """The operating system of a distribution's own image: `ubuntu`, `24.04` -> ubuntu24.04; else empty."""
    own = name.rpartition("/")[2]
    word = re.match(r"[a-z]+|[0-9]+(?:\.[0-9]+)*", tag)
    if word is None or not re.fullmatch(rf"{_SYSTEM}[0-9]?", own):
        return ""
    number = word.group() if word.group()[0].isdigit() else ""
    return _CODENAMES.get(word.group(), "") or (system(own.rstrip("0123456789") + number) if number else "")


def same_system(one: str, other: str) -> bool:
    """Whether two names mean one system as far as both go: `noble` is `ubuntu24.04`, `ubi9` is `ubi9.4`."""
    one, other = system(one) or one, system(other) or other
    word = one.rstrip("0123456789.")
    pairs = zip(one[len(word) :].split("."), other[len(word) :].split("."), strict=False)
    return word == other.rstrip("0123456789.") and all(a == b for a, b in pairs)
