"""Subjects of the checks that read an environment."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from support import DOCKERFILE, GOOD_TAG, Done, Repo

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.base.refs import RefUpdate
from envhooks.checks import dockerfile_matches, dockerfile_pinned, tag_message
from envhooks.image import Environment, Hardware, Package
from envhooks.judge.facts import Finding, Subject, TagObject
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


def asked(of: ModuleType, subject: Subject) -> Subject:
    """The subject with no other facts than those that a check names."""
    named = (*of.READS, *of.MAY_READ)
    return replace(subject, facts={name: subject.facts[name] for name in named if name in subject.facts})


def matches(env: Environment, tag: TagName | None = None) -> list[Finding]:
    yielded = dockerfile_matches.check(asked(dockerfile_matches, subject(env, tag)), POLICY)
    return [finding for finding in yielded if isinstance(finding, Finding)]


def pinned(env: Environment, **facts: Any) -> list[Finding]:
    return list(dockerfile_pinned.check(asked(dockerfile_pinned, subject(env, **facts)), POLICY))


def message(text: str, env: object) -> list[Finding]:
    return list(tag_message.check(asked(tag_message, subject(env, message=text)), POLICY))


def judged(repo: Repo, policy: str, dockerfile: str = DOCKERFILE) -> Done:
    repo.commit_files({".envhooks/policy.toml": policy, "Dockerfile": dockerfile})
    repo.git("push", "-q", "-f", "origin", "main")
    repo.git("tag", "-f", "-s", "-m", "x", GOOD_TAG)
    return repo.envhooks("check", GOOD_TAG)
