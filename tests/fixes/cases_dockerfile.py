"""Cases of the checks on the Dockerfile: what is pasted mends the file, and the same `git tag` is good then."""

from __future__ import annotations

from bench import Bench, Shown, case
from support import DOCKERFILE, GOOD_TAG

TORCH = "torch==2.8.0+cu128 torchvision==0.23.0+cu128"
PLAIN = "FROM python:3.12-slim\nRUN pip install {}\n"
OPEN = "the Dockerfile leaves the version of PyTorch open, so it does not say what the tag says"


def _made(
    bench: Bench, text: str, name: str = GOOD_TAG, path: str = "Dockerfile"
) -> tuple[Shown, tuple[str, ...]]:
    """What a Dockerfile is refused for, and the command that was refused."""
    bench.repo.commit_files({path: text})
    bench.repo.git("push", "-q", "origin", "main")
    bench.hooks()
    command = ("tag", "-s", "-m", "First candidate", name)
    return bench.refused(*command), command


def _mended(bench: Bench, shown: Shown, command: tuple[str, ...], fix: str = "") -> str:
    """Paste, commit, and tag as before; answers the Dockerfile."""
    before = {*bench.repo.git("ls-files").split("\n")}
    bench.paste(fix or shown.fix)
    assert {*bench.repo.git("ls-files", "--others", "--cached").split("\n")} == before, (
        "it left a file behind"
    )
    meant = bench.repo.commit("As it was said")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    bench.settled(command[-1], meant)
    return (bench.repo.path / "Dockerfile").read_text()


# ------------------------------------------------------------------------------- dockerfile-matches


@case("dockerfile-matches", "the tag says PyTorch 2.8, and the Dockerfile installs 2.7.1")
def _older_than_the_tag(bench: Bench) -> None:
    older = DOCKERFILE.replace(TORCH, "torch==2.7.1+cu128 torchvision==0.22.1+cu128")
    shown, command = _made(bench, older)
    assert _mended(bench, shown, command) == DOCKERFILE  # torchvision has moved with it


@case("dockerfile-matches", "the tag says PyTorch 2.8, and the Dockerfile installs 2.7.1")
def _the_name_is_what_is_wrong(bench: Bench) -> None:
    older = DOCKERFILE.replace(TORCH, "torch==2.7.1+cu128 torchvision==0.22.1+cu128")
    bench.repo.write({"CHANGELOG.md": "## 2.7-rc1 - 2026-10-01\n\nTry it at your own risk.\n"})
    shown, _ = _made(bench, older)
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.paste(shown.command("the name is what is wrong"))
    bench.settled("PyTorch-CUDA-v2.7-rc1", meant)


@case("dockerfile-matches", "the tag says PyTorch 2.8, and the Dockerfile installs 2.7.1")
def _one_fault_is_told_once(bench: Bench) -> None:
    bench.repo.commit_files(
        {"Dockerfile": DOCKERFILE.replace(TORCH, "torch==2.7.1+cu128 torchvision==0.22.1+cu128")}
    )
    bench.repo.git("push", "-q", "origin", "main")
    bench.hooks()
    bench.refused("tag", "-s", "-m", "PyTorch 2.8 for CUDA 12.8", GOOD_TAG)
    assert [one.check for one in bench.before if one.level == "error"] == ["dockerfile-matches"]


@case("dockerfile-matches", "the tag says PyTorch 2.8.1, and the Dockerfile installs 2.8.0")
def _no_such_release(bench: Bench) -> None:
    shown, _ = _made(bench, DOCKERFILE, "PyTorch-CUDA-v2.8.1-rc1")
    assert not shown.fix and "there is no torch 2.8.1" in shown.advice


@case("dockerfile-matches", "the tag says CUDA 12.6, and the wheel is built for 12.8")
def _another_build(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("12.8.1", "12.6.3"), "PyTorch-CUDA12.6-v2.8-rc1")
    text = _mended(bench, shown, command)
    assert "torch==2.8.0+cu126 torchvision==0.23.0+cu126" in text and "whl/cu126" in text


@case("dockerfile-matches", "the tag says CUDA, and what is installed is built for CPU")
def _for_another_accelerator(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("cu128", "cpu"))
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-matches", OPEN)
def _open_version(bench: Bench) -> None:
    shown, command = _made(bench, PLAIN.format("torch torchvision"))
    assert "torch==2.8.0 torchvision==0.23.0" in _mended(bench, shown, command)


@case("dockerfile-matches", "the Dockerfile installs no PyTorch")
def _not_there(bench: Bench) -> None:
    shown, _ = _made(bench, "FROM python:3.12-slim\nRUN pip install jax==0.7.0\n")
    assert not shown.fix and "install what the name says" in shown.advice


@case("dockerfile-matches", "cannot tell what this builds: there is no Dockerfile at the tagged commit")
def _no_dockerfile(bench: Bench) -> None:
    bench.repo.git("rm", "-q", "Dockerfile")
    shown, _ = _made(bench, "x", path="other")
    assert not shown.fix and "policy.toml" in shown.advice


@case("dockerfile-matches", "cannot tell which version of PyTorch this installs: *")
def _computed(bench: Bench) -> None:
    shown, _ = _made(bench, "FROM python:3.12-slim\nRUN pip install torch==$(cat version)\n")
    assert not shown.fix and shown.advice


@case("dockerfile-matches", "cannot tell whether this installs PyTorch: *")
def _hidden(bench: Bench) -> None:
    shown, _ = _made(bench, "FROM python:3.12-slim\nCOPY . .\nRUN python setup.py install\n")
    assert not shown.fix and shown.advice


@case(
    "dockerfile-matches",
    "the tag says CUDA 12.8, and nothing in the Dockerfile says which CUDA this is built for",
)
def _build_that_nobody_states(bench: Bench) -> None:
    shown, _ = _made(bench, PLAIN.format("paddlepaddle-gpu==3.1.0"), "PaddlePaddle-CUDA12.8-v3.1.0")
    assert not shown.fix and shown.advice


@case("dockerfile-matches", "cannot tell what hardware this is built for: *")
def _build_that_cannot_be_told(bench: Bench) -> None:
    text = "FROM registry.example.com/team/base:1.2.3\nARG FLAVOUR\n"
    shown, _ = _made(bench, f"{text}RUN pip install torch==2.8.0 --index-url https://x.example/$FLAVOUR\n")
    assert not shown.fix and shown.advice


# ---------------------------------------------------------------------------- dockerfile-compatible


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.8.0: *")
def _companion(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("0.23.0", "0.19.0"))
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.7.1: *")
def _the_whole_set_at_once(bench: Bench) -> None:
    """Both checks name one command: neither undoes what the other did."""
    text = DOCKERFILE.replace(TORCH, "torch==2.7.1+cu128 torchvision==0.19.0+cu128")
    shown, command = _made(bench, text)
    bench.check, bench.said = "dockerfile-matches", "the tag says *"
    assert bench.refused(*command).fix == shown.fix
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.8.0: *")
def _in_a_file_of_a_hostile_name(bench: Bench) -> None:
    path = "it's $(touch owned) & co/Dockerfile"
    bench.repo.write({".envhooks/policy.toml": f'[dockerfile]\npath = "{path}"\n'})
    shown, command = _made(bench, DOCKERFILE.replace("0.23.0", "0.19.0"), path=path)
    _mended(bench, shown, command)
    assert (bench.repo.path / path).read_text() == DOCKERFILE
    assert not (bench.repo.path / "owned").exists()


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.8.0: *")
def _in_a_file_of_requirements(bench: Bench) -> None:
    text = 'FROM python:3.12-slim\nCOPY ["re q & x.txt", "r.txt"]\nRUN pip install -r r.txt\n'
    bench.repo.write({"re q & x.txt": "# torchvision==0.19.0\ntorch==2.8.0\ntorchvision==0.19.0\n"})
    shown, command = _made(bench, text)
    _mended(bench, shown, command)
    found = (bench.repo.path / "re q & x.txt").read_text()
    assert found == "# torchvision==0.19.0\ntorch==2.8.0\ntorchvision==0.23.0\n"


@case("dockerfile-compatible", "nvidia/cuda:12.8-devel-ubuntu24.04 does not exist: *")
def _image_that_does_not_exist(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("12.8.1", "12.8"))
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-compatible", "torch 2.8.0+cu118 does not exist: *")
def _build_that_does_not_exist(bench: Bench) -> None:
    text = DOCKERFILE.replace("cu128", "cu118")
    shown, command = _made(bench, text)
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-compatible", "torch 2.8.0+cu118 does not exist: *")
def _build_of_another_image(bench: Bench) -> None:
    """The image and the versions do not go together at all: which of them is meant, a person decides."""
    bench.repo.write({"CHANGELOG.md": "## 2.7-rc1 - 2026-10-01\n\nTry it at your own risk.\n"})
    text = DOCKERFILE.replace("cu128", "cu118").replace(
        "12.8.1-devel-ubuntu24.04", "11.8.0-devel-ubuntu22.04"
    )
    shown, _ = _made(bench, text)
    assert not shown.fix and "another base image" in shown.advice


@case("dockerfile-compatible", "torch 2.8.0 does not go with Python 3.7*: *")
def _python(bench: Bench) -> None:
    text = "FROM python:3.7-slim\nRUN pip install torch==2.8.0\n"
    shown, _ = _made(bench, text)
    assert not shown.fix and "needs Python" in shown.advice


@case("dockerfile-compatible", "jaxlib 0.6.0 does not go with jax 0.7.0: *")
def _jax(bench: Bench) -> None:
    bench.repo.write({"CHANGELOG.md": "## 0.7-rc1 - 2026-10-01\n\nTry it at your own risk.\n"})
    shown, command = _made(bench, PLAIN.format("jax==0.7.0 jaxlib==0.6.0"), "JAX-CPU-v0.7-rc1")
    assert "jax==0.7.0 jaxlib==0.7.0" in _mended(bench, shown, command)


# -------------------------------------------------------------------------------- dockerfile-pinned


@case("dockerfile-pinned", "torchvision is not pinned: it has no version")
def _companion_without_a_version(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision"))
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-pinned", "the shell takes the version of torchvision for a redirect, so none is asked for")
def _swallowed(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision>=0.23"))
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-pinned", "the shell takes the version of some-thing for a redirect, so none is asked for")
def _swallowed_and_unknown(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE + "RUN pip install some-thing>=2.0\n")
    bench.paste(shown.fix)
    bench.repo.commit("Quotes")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    (left,) = [one for one in bench.findings(GOOD_TAG) if one.level != "note"]
    assert (
        left.level == "warning"
        and "some-thing is not pinned" in left.message
        and "choose a version" in left.advice
    )


@case("dockerfile-pinned", "the shell takes the version of flash-attn for a redirect, so none is asked for")
def _swallowed_companion(bench: Bench) -> None:
    shown, _ = _made(bench, DOCKERFILE + "RUN pip install flash-attn>=2.0\n")
    assert not shown.fix and "quotes" in shown.advice


@case("dockerfile-pinned", "the base image is not pinned*")
def _base_image(bench: Bench) -> None:
    shown, _ = _made(bench, DOCKERFILE.replace(":12.8.1-devel-ubuntu24.04", ""))
    assert not shown.fix and "choose a full tag" in shown.advice


@case("dockerfile-pinned", "the policy wants the base image by its digest: a tag can be moved")
def _base_digest(bench: Bench) -> None:
    bench.repo.write({".envhooks/policy.toml": "[checks]\ndockerfile-pinned = { base-digest = true }\n"})
    shown, _ = _made(bench, DOCKERFILE)
    assert not shown.fix and "digest" in shown.advice


@case("dockerfile-pinned", "cannot tell whether the base image is pinned: *")
def _base_that_nobody_states(bench: Bench) -> None:
    shown, _ = _made(bench, f"ARG BASE\nFROM $BASE\nRUN pip install {TORCH}\n")
    assert not shown.fix and shown.advice


@case("dockerfile-pinned", "cannot tell whether torchvision is pinned: *")
def _companion_that_is_computed(bench: Bench) -> None:
    shown, _ = _made(bench, DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision==$(cat v)"))
    assert not shown.fix and shown.advice
