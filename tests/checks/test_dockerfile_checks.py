"""dockerfile-matches, dockerfile-pinned and tag-message, on environments made in memory."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.base.refs import RefUpdate
from envhooks.checks import dockerfile_matches, dockerfile_pinned, tag_message
from envhooks.image import CannotTell, Environment, Hardware, Package, Unpinned
from envhooks.judge.facts import Finding, Subject, TagObject, Unknown
from envhooks.policy import ChangelogPolicy, DockerfilePolicy, Policy
from envhooks.signatures.payload import Annotation
from envhooks.tagname.names import Naming, TagName, TagPolicy

FRAMEWORKS = {
    "PyTorch": ("torch", "pytorch"),
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "JAX": ("jax",),
}
POLICY = Policy(
    "the defaults",
    (),
    TagPolicy((), FRAMEWORKS, ("CUDA", "ROCm", "CPU", "TPU"), ("alpha", "beta", "rc", "post")),
    (DockerfilePolicy(),),
    ChangelogPolicy(),
    {},
)


def at(line: int) -> Place:
    return Place("Dockerfile", line)


def torch(version: str | None, local: str | None = None, name: str = "torch", line: int = 3) -> Package:
    specifier = f"=={version}" + (f"+{local}" if local else "") if version else ">=2"
    return Package(name, version, local, version is not None, specifier, "pip", at(line))


def wheel(version: str | None, kind: str = "CUDA") -> Hardware:
    return Hardware(kind, version, "wheel", at(3))


def base(version: str | None, kind: str = "CUDA") -> Hardware:
    return Hardware(kind, version, "base", at(1))


def environment(*packages: Package, hardware: tuple[Hardware, ...] = (), **more: Any) -> Environment:
    return Environment("Dockerfile", "0", None, more.pop("python", None), packages, hardware, **more)


def name(
    version: tuple[int, ...] = (2, 8),
    stage: tuple[str, int] = ("stable", 0),
    hardware: str | None = "CUDA",
    hardware_version: str | None = None,
    framework: str | None = "PyTorch",
) -> TagName:
    return TagName("PyTorch-CUDA-v2.8", framework, hardware, hardware_version, version, *stage)


def subject(
    env: object, tag: TagName | None = None, message: str = "PyTorch 2.8 for CUDA 12.8\n", **facts: Any
) -> Subject:
    tag = tag or name()
    note = Annotation(tag.text, "c" * 40, "commit", "A <a@example.org>", 0, message, True)
    known = {"naming": Naming(tag), "environment": env, "object": TagObject("a" * 40, "tag", note)}
    return Subject(RefUpdate(f"refs/tags/{tag.text}", None, "a" * 40), {**known, **facts})


def matches(env: Environment, tag: TagName | None = None) -> list[Finding]:
    yielded = dockerfile_matches.check(subject(env, tag), POLICY)
    return [finding for finding in yielded if isinstance(finding, Finding)]


def pinned(env: Environment, **facts: Any) -> list[Finding]:
    return list(dockerfile_pinned.check(subject(env, **facts), POLICY))


def message(text: str, env: object) -> list[Finding]:
    return list(tag_message.check(subject(env, message=text), POLICY))


# --------------------------------------------------------------------------- dockerfile-matches


@pytest.mark.parametrize(
    ("version", "tag"),
    [
        ("2.8.0", name()),
        ("2.8.3", name()),
        ("2.8", name()),
        ("2.8.0.post1", name()),
        ("2.8.0", name((2, 8, 0))),
        ("2.8", name((2, 8, 0))),
        ("2.8.1", name((2, 8, 1))),
        ("2.8.0", name(stage=("rc", 1))),
        ("2.8.0", name(stage=("post", 2))),
        ("2.8.0rc2", name(stage=("rc", 1))),
    ],
)
def test_the_tags_version(version: str, tag: TagName) -> None:
    assert matches(environment(torch(version), hardware=(wheel("12.8"),)), tag) == []


@pytest.mark.parametrize(
    ("version", "tag"),
    [
        ("2.7.1", name()),
        ("2.80.0", name()),
        ("1.2.8", name()),
        ("2.8.1", name((2, 8, 0))),
        ("2.8.0", name((2, 8, 1))),
        ("2.8.10", name((2, 8, 1))),
        ("2.8.0rc2", name()),
        ("2.8.0.dev20250101", name()),
        ("2.8.0a1", name(stage=("post", 1))),
    ],
)
def test_another_version(version: str, tag: TagName) -> None:
    (finding,) = matches(environment(torch(version), hardware=(wheel("12.8"),)), tag)
    assert (finding.level, finding.path, finding.line) == ("error", "Dockerfile", 3)
    assert finding.got == f"torch {version}"
    assert tag.version_text in finding.expected


def test_the_last_one_wins() -> None:
    cuda = (wheel("12.8"),)
    assert matches(environment(torch("2.7.0"), torch("2.8.0", line=9), hardware=cuda)) == []
    assert len(matches(environment(torch("2.8.0"), torch("2.7.0", line=9), hardware=cuda))) == 1
    assert matches(environment(torch("2.8.0", name="pytorch"), hardware=cuda)) == []


def test_what_cannot_be_told_is_refused_with_the_reason() -> None:
    doubt = CannotTell("torch", "the version is computed in the shell", at(5))
    (finding,) = matches(environment(hardware=(wheel("12.8"),), cannot_tell=(doubt,)))
    assert "computed in the shell" in finding.message
    assert (finding.level, finding.line) == ("error", 5)
    assert len(matches(environment(torch("2.8.0"), hardware=(wheel("12.8"),), cannot_tell=(doubt,)))) == 1
    settled = environment(torch("2.8.0", line=9), hardware=(wheel("12.8"),), cannot_tell=(doubt,))
    assert matches(settled) == []
    other = CannotTell("numpy", "why", at(5))
    assert matches(environment(torch("2.8.0"), hardware=(wheel("12.8"),), cannot_tell=(other,))) == []


def test_a_framework_that_is_open_or_absent() -> None:
    (open_one,) = matches(environment(torch(None), hardware=(wheel("12.8"),)))
    assert "leaves the version of PyTorch open" in open_one.message
    (absent,) = matches(environment(torch("0.7.1", name="jax"), hardware=(wheel("12"),)))
    assert absent.message == "the Dockerfile installs no PyTorch"
    hidden = CannotTell("packages", "what r.txt asks for is not known", at(4))
    (unsure,) = matches(environment(hardware=(wheel("12.8"),), cannot_tell=(hidden,)))
    assert (unsure.level, unsure.line) == ("error", 4)
    assert "cannot tell whether this installs PyTorch" in unsure.message
    assert matches(environment(torch("2.8.0"), hardware=(wheel("12.8"),), cannot_tell=(hidden,))) == []


def test_a_dockerfile_that_is_not_there() -> None:
    gone = environment(cannot_tell=(CannotTell("dockerfile", "there is no Dockerfile", Place("Dockerfile")),))
    (finding,) = matches(gone)
    assert "there is no Dockerfile" in finding.message
    assert dockerfile_pinned.not_applicable(subject(gone), POLICY)
    assert not dockerfile_pinned.not_applicable(subject(gone, naming=Naming(None)), POLICY)
    assert pinned(gone, naming=Naming(None))[0].level == "error"


@pytest.mark.parametrize(
    ("evidence", "tag"),
    [
        ((wheel("12.8"),), name()),
        ((wheel("12.8"), base("12.9.1")), name()),
        ((base("12.8.1"),), name()),
        ((wheel("12.8"),), name(hardware_version="12.8")),
        ((wheel("12.8"), base("12.9.1")), name(hardware_version="12.8")),
        ((wheel("12.8"),), name(hardware_version="12")),
        ((wheel("12"), base("12.8.1")), name(hardware_version="12.8")),
        ((base("12.8.1"),), name(hardware_version="12.8")),
        ((base("12.8.1"),), name(hardware_version="12.8.1")),
        ((wheel("6.4", "ROCm"),), name(hardware="ROCm", hardware_version="6.4")),
        ((wheel(None, "CPU"), base("12.8.1")), name(hardware="CPU")),
    ],
)
def test_the_tags_hardware(evidence: tuple[Hardware, ...], tag: TagName) -> None:
    assert matches(environment(torch("2.8.0"), hardware=evidence), tag) == []


@pytest.mark.parametrize(
    ("evidence", "tag", "got"),
    [
        ((wheel(None, "CPU"),), name(), "CPU"),
        ((wheel(None, "CPU"), base("12.8.1")), name(), "CPU"),
        ((wheel("6.4", "ROCm"),), name(), "ROCm 6.4"),
        ((base("6.4", "ROCm"),), name(), "ROCm 6.4"),
        ((wheel("11.8"), base("12.8.1")), name(hardware_version="12.8"), "CUDA 11.8"),
        ((wheel("12.9"),), name(hardware_version="12.8"), "CUDA 12.9"),
        ((wheel("12"), base("12.6.1")), name(hardware_version="12.8"), "CUDA 12.6.1"),
        ((wheel("12"),), name(hardware_version="13.0"), "CUDA 12"),
        ((base("12.8.0"),), name(hardware_version="12.8.1"), "CUDA 12.8.0"),
        ((wheel("12.8"),), name(hardware="CPU"), "CUDA 12.8"),
        ((wheel("12.8"),), name(hardware="ROCm"), "CUDA 12.8"),
        ((wheel(None),), name(hardware_version="12.8"), "no version"),
        ((), name(hardware_version="12.8"), "no version"),
    ],
)
def test_other_hardware(evidence: tuple[Hardware, ...], tag: TagName, got: str) -> None:
    (finding,) = matches(environment(torch("2.8.0"), hardware=evidence), tag)
    assert (finding.level, finding.got) == ("error", got)


def test_packages_that_exist_for_one_hardware_are_evidence() -> None:
    plugin = torch("0.7.1", name="jax-cuda12-plugin")
    jax = torch("0.7.1", name="jax")
    tag = name((0, 7, 1), framework="JAX")
    assert matches(environment(jax, plugin), tag) == []
    (cpu,) = matches(
        environment(torch("2.16.1", name="tensorflow-cpu")), name((2, 16), framework="TensorFlow")
    )
    assert cpu.got == "CPU"
    tpu = name((0, 7, 1), framework="JAX", hardware="TPU")
    assert matches(environment(jax, torch("0.0.17", name="libtpu")), tpu) == []


def test_hardware_that_nothing_states() -> None:
    (finding,) = matches(environment(torch("2.8.0")))
    assert finding.level == "warning"
    doubt = CannotTell("hardware", "the index is ${INDEX}", at(4))
    (finding,) = matches(environment(torch("2.8.0"), cannot_tell=(doubt,)))
    assert (finding.level, finding.line) == ("error", 4)


def test_a_name_without_framework_and_hardware() -> None:
    bare = replace(name((), framework=None, hardware=None), extra=(("date", "2026-01-30"),))
    assert "the date" in dockerfile_matches.not_applicable(subject(environment(), bare), POLICY)
    assert not dockerfile_matches.not_applicable(subject(environment()), POLICY)


# ---------------------------------------------------------------------------- dockerfile-pinned


@pytest.mark.parametrize(
    ("unpinned", "level"),
    [
        (Unpinned("nvidia/cuda", "base", "nvidia/cuda:latest", "a moving tag", at(1)), "error"),
        (Unpinned("torch", "python", "torch>=2", "a range", at(3)), "error"),
        (Unpinned("torchvision", "python", "torchvision", "no version", at(3)), "error"),
        (Unpinned("jaxlib", "python", "jaxlib", "no version", at(3)), "error"),
        (Unpinned("numpy", "python", "numpy", "no version", at(3)), "warning"),
        (Unpinned("flash-thing", "python", "flash-thing>=2.0", "", at(3), swallowed=True), "error"),
        (Unpinned("git", "system", "git", "no version", at(2)), "note"),
        (Unpinned("pip", "installer", "pip", "no version", at(2)), "note"),
    ],
)
def test_levels_of_what_is_not_pinned(unpinned: Unpinned, level: str) -> None:
    (finding,) = pinned(environment(unpinned=(unpinned,)))
    assert (finding.level, finding.got, finding.line) == (level, unpinned.text, unpinned.place.line)
    assert unpinned.why in finding.message


def test_what_is_pinned_is_silent() -> None:
    assert pinned(environment(torch("2.8.0"))) == []


@pytest.mark.parametrize("text", ["flash-attn>=2.0", "a[b]>=2.*", "x<3,>=1"])
def test_the_fix_quotes_a_swallowed_pin(tmp_path: Path, text: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM x\nRUN pip install {text}\n")
    swallowed = Unpinned("x", "python", text, "", at(2), swallowed=True)
    (finding,) = pinned(environment(unpinned=(swallowed,)))
    subprocess.run(["sh", "-c", finding.fix], cwd=tmp_path, check=True)
    assert (tmp_path / "Dockerfile").read_text() == f'FROM x\nRUN pip install "{text}"\n'


def test_doubts_are_reported_once() -> None:
    doubts = (
        CannotTell("base", "ARG BASE has no default", at(1)),
        CannotTell("torchvision", "computed", at(3)),
        CannotTell("torch", "computed", at(3)),
        CannotTell("numpy", "computed", at(3)),
        CannotTell("hardware", "computed", at(3)),
        CannotTell("packages", "what r.txt asks for is not known", at(4)),
    )
    found = pinned(environment(cannot_tell=doubts))
    assert [(one.level, one.line) for one in found] == [
        ("error", 1),
        ("error", 3),
        ("warning", 3),
        ("warning", 4),
    ]
    alone = pinned(environment(cannot_tell=doubts), naming=Unknown("no tag: a commit is judged"))
    assert [one.level for one in alone] == ["error", "error", "error", "warning", "warning"]


# ---------------------------------------------------------------------------------- tag-message


@pytest.mark.parametrize("text", ["", "\n", " \t\n\n"])
def test_an_empty_message(text: str) -> None:
    for env in (environment(), Unknown("no Dockerfile")):
        (finding,) = message(text, env)
        assert finding.message == "the tag's message is empty"
        assert finding.fix == f"git tag -f -s PyTorch-CUDA-v2.8 {'c' * 12}"


BUILT = environment(torch("2.8.0", "cu128"), hardware=(wheel("12.8"), base("12.8.1")), python="3.12")


@pytest.mark.parametrize(
    "line",
    [
        "First candidate",
        "PyTorch 2.8 for CUDA 12.8",
        "PyTorch-CUDA-v2.8: torch 2.8.0+cu128",
        "PyTorch CUDA 2.8",
        "pytorch v2.8.0, cuda12.8, python 3.12",
        "Move from CUDA 11.8 to CUDA 12.8",
        "torch==2.8.0 on CUDA-12.8.1",
        "ROCm 6.4 is not supported",
        "JAX 0.7 comes later",
        "CUDA 12 for everyone",
        "CUDA graphs, 11.8 % faster",
        "libtorch 1.0",
    ],
)
def test_a_message_that_agrees(line: str) -> None:
    assert message(f"{line}\n\nCUDA 11.8 was in the last one.\n", BUILT) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PyTorch 2.8 for CUDA 11.8", "CUDA 11.8"),
        ("built with cu118", "CUDA 11.8"),
        ("\n\ncuda-12.6", "CUDA 12.6"),
        ("PyTorch 2.7.1", "PyTorch 2.7.1"),
        ("torch==2.8.1", "PyTorch 2.8.1"),
        ("Python 3.10 image", "Python 3.10"),
        ("CUDA 11.8 and CUDA 12.1", "CUDA 11.8 and 12.1"),
    ],
)
def test_a_message_that_contradicts(line: str, said: str) -> None:
    (finding,) = message(f"{line}\n", BUILT)
    assert f"says {said}, and the Dockerfile" in finding.message
    assert finding.path == "Dockerfile"


def test_a_message_is_held_against_certain_facts_only() -> None:
    doubt = CannotTell("torch", "computed", at(5))
    assert message("PyTorch 2.7\n", environment(torch("2.8.0"), cannot_tell=(doubt,))) == []
    assert message("PyTorch 2.7, CUDA 11.8, Python 3.9\n", environment()) == []
    assert message("PyTorch 2.7\n", Unknown("no Dockerfile")) == []


def test_a_hostile_subject_line_is_cut() -> None:
    assert message("cuda " * 100_000 + "\n", BUILT) == []
    assert message("\u2028CUDA 12.8\x1b[2J\n", BUILT) == []
