"""dockerfile-matches: the Dockerfile against the name of the tag."""

from __future__ import annotations

import pytest
from dockerfile_parts import (
    POLICY,
    asked,
    at,
    base,
    environment,
    judged,
    matches,
    name,
    pinned,
    subject,
    torch,
    wheel,
)
from support import DOCKERFILE, Repo

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.checks import dockerfile_matches, dockerfile_pinned
from envhooks.image import BaseImage, CannotTell, Environment, Hardware, Hint, Package
from envhooks.judge.facts import Finding
from envhooks.tagname.names import Naming, TagName


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


def test_a_doubt_is_settled_further_down_in_its_own_file_alone() -> None:
    cuda = (wheel("12.8"),)

    def doubted(doubt: Place, *lines: int | None) -> list[str]:
        packages = [replace(torch("2.8.0"), place=Place("Dockerfile", line)) for line in lines]
        told = CannotTell("torch", "why", doubt)
        return [one.message for one in matches(environment(*packages, hardware=cuda, cannot_tell=(told,)))]

    says = ["cannot tell which version of PyTorch this installs: why"]
    assert doubted(at(5), 6) == doubted(at(5), 3, 6) == doubted(Place("Dockerfile"), 1) == []
    assert doubted(at(5), 5) == doubted(at(5), 4) == doubted(at(5), 6, 3) == doubted(at(5), None) == says
    assert doubted(Place("r.txt", 5), 9) == doubted(Place("Dockerfile"), None) == says
    two = (CannotTell("torch", "first", at(5)), CannotTell("torch", "second", at(7)))
    (found,) = matches(environment(torch("2.8.0", line=6), hardware=cuda, cannot_tell=two))
    assert found.message.endswith("second")


def test_what_the_policy_could_say_of_a_base_image() -> None:
    """Where the doubt is of the base image itself, and there is one."""

    def advice(image: str, tag: str | None, digest: str | None, line: int = 1) -> str:
        on = BaseImage(image, tag, digest, at(1))
        hidden = CannotTell("packages", "why", at(line))
        env = Environment("Dockerfile", "0", on, None, (), (wheel("12.8"),), cannot_tell=(hidden,))
        return matches(env)[0].advice

    way = "where the base image holds it, a [[base]] in .envhooks/policy.toml says so, with image ="
    assert advice("team/x", "1", None) == f'{way} "team/x", tag = "1", holds = {{ torch = "..." }}'
    assert (
        advice("team/x", "1", "sha256:a")
        == f'{way} "team/x", digest = "sha256:a", holds = {{ torch = "..." }}'
    )
    assert advice("team/x", None, None) == f'{way} "team/x", holds = {{ torch = "..." }}'
    assert "[[base]]" not in advice("scratch", None, None) + advice("team/x", "1", None, line=2)


def test_a_variable_that_is_called_like_the_version() -> None:
    def notes(version: str, *packages: Package, package: str = "torch") -> list[tuple[str, str, str]]:
        hint = Hint(package, "TORCH_VERSION", version, at(2))
        found = matches(environment(*packages, hardware=(wheel("12.8"),), hints=(hint,)))
        assert {one.line for one in found if one.level == "note"} <= {2}
        return [(one.message, one.got, one.expected) for one in found if one.level == "note"]

    said = "TORCH_VERSION says 2.7, but nothing installs that: 2.8.0 is installed"
    assert (
        notes("2.7", torch("2.8.0"))
        == notes("2.7", torch("2.7.0"), torch("2.8.0"))
        == [(said, "2.7", "2.8.0")]
    )
    assert notes("2.8", torch("2.8.0")) == notes("2.8", torch("2.7.0"), torch("2.8.0")) == []
    assert notes("2.7", torch("2.8.0"), package="jax") == notes("2.7") == notes("2.7", torch(None)) == []


def test_a_package_that_is_a_field() -> None:
    tag = replace(name(), extra=(("flash-attn", "2.7"),))

    def said(*packages: Package, doubts: tuple[CannotTell, ...] = ()) -> list[str]:
        env = environment(torch("2.8.0"), *packages, hardware=(wheel("12.8"),), cannot_tell=doubts)
        return [one.message for one in matches(env, tag)]

    def flash(version: str | None, line: int) -> Package:
        return torch(version, name="flash-attn", line=line)

    old = "the tag says flash-attn 2.7, and the Dockerfile installs 2.6.0"
    assert said(flash("2.6.0", 3), flash("2.7.1", 4)) == [] and said(
        flash("2.7.1", 3), flash("2.6.0", 4)
    ) == [old]
    own, other, hidden = (CannotTell(what, "why", at(5)) for what in ("flash-attn", "numpy", "packages"))
    doubt = ["cannot tell which version of flash-attn this installs: why"]
    assert said(flash("2.7.1", 3), doubts=(own,)) == said(doubts=(own,)) == said(doubts=(hidden,)) == doubt
    assert said(flash("2.7.1", 6), doubts=(own,)) == said(flash("2.7.1", 3), doubts=(other,)) == []
    assert said(flash("2.7.1", 3), doubts=(hidden,)) == []
    assert said(doubts=(other,)) == ["the tag says flash-attn 2.7, and the Dockerfile installs no flash-attn"]
    assert said(flash(None, 3)) == ["the tag says flash-attn 2.7, and the Dockerfile leaves its version open"]


def test_the_release_that_is_expected() -> None:
    for tag, expected in ((name(), "torch 2.8.x"), (name((2, 8, 0)), "torch 2.8.0"), (name((2,)), "torch 2")):
        (found,) = matches(environment(hardware=(wheel("12.8"),)), tag)
        assert (found.expected, found.got) == (expected, "no torch or pytorch")


def test_a_name_without_a_framework_is_about_the_one_that_fits() -> None:
    tag = name(framework=None, hardware=None)
    policy = replace(POLICY, tag=replace(POLICY.tag, templates=("v{version}",)))

    def matches(env: Environment, tag: TagName) -> list[Finding]:
        yielded = dockerfile_matches.check(asked(dockerfile_matches, subject(env, tag)), policy)
        return [one for one in yielded if isinstance(one, Finding)]

    def found(*packages: Package, doubts: tuple[CannotTell, ...] = ()) -> Finding:
        (one,) = matches(environment(*packages, cannot_tell=doubts), tag)
        return one

    jax, flow = torch("0.7.1", name="jax"), torch("2.9.0", name="tensorflow")
    assert found(torch("2.8.0"), jax).got == found(jax, torch("2.8.0")).got == "JAX, PyTorch"
    assert "PyTorch" in found(torch("2.8.0"), jax).advice and "JAX" not in found(torch("2.8.0"), jax).advice
    assert "JAX" in found(flow, jax).advice and "TensorFlow" in found(flow, jax).advice
    assert matches(environment(torch("2.8.0"), torch("2.8.1", name="tensorflow")), tag) == [], "both fit"
    on = BaseImage("team/x", "1", None, at(1))
    for what, key in (("packages", "PACKAGE"), ("torch", "torch")):
        hidden = (CannotTell(what, "why", at(1)), CannotTell("jax", "another", at(1)))
        env = Environment("Dockerfile", "0", on, None, cannot_tell=hidden)
        (told,) = matches(env, tag)
        assert told.message.endswith("which framework this installs cannot be told: why")
        assert f'holds = {{ {key} = "..." }}' in told.advice


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
        ((wheel("12"), base("6.4", "ROCm")), name(hardware_version="12")),
        ((wheel("12"), base(None)), name(hardware_version="12")),
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
    for told in (name((), hardware=None), name((), framework=None), name(framework=None, hardware=None)):
        assert not dockerfile_matches.not_applicable(subject(environment(), told), POLICY)


def test_a_framework_that_no_file_states_is_refused_unless_the_policy_says_why_not(good: Repo) -> None:
    hidden = DOCKERFILE.replace("torch==2.8.0+cu128", "torch==$(cat version)")
    done = judged(good, "", hidden)
    assert done.code == 1
    assert "cannot tell which version of PyTorch" in done.out
    allowed = '[checks]\ndockerfile-matches = { allow-cannot-tell = true, reason = "computed" }\n'
    done = judged(good, allowed, hidden)
    assert "warning [dockerfile-matches]" in done.out


def test_a_stale_hint_is_noted_and_does_not_refuse(good: Repo) -> None:
    stale = DOCKERFILE.replace("RUN apt", "ARG PYTORCH_VERSION=2.7.1\nRUN apt", 1)
    done = judged(good, "", stale)
    assert done.code == 0
    assert "note [dockerfile-matches] Dockerfile:2: PYTORCH_VERSION says 2.7.1" in done.out
    right = DOCKERFILE.replace("RUN apt", "ARG PYTORCH_VERSION=2.8\nRUN apt", 1)
    assert "PYTORCH_VERSION" not in judged(good, "", right).out
