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


# ------------------------------------------------------------- dockerfile-matches: names of a team's own


def _of_template(bench: Bench, template: str, text: str, name: str) -> tuple[Shown, tuple[str, ...]]:
    """Like `_made`, where names are made by a template of the team's own."""
    _policy(bench, f"[tag]\ntemplates = ['{template}']\n")
    return _made(bench, text, name)


def _policy(bench: Bench, text: str) -> None:
    bench.repo.write({".envhooks/policy.toml": f"{text}[changelog]\npath = false\n"})


def _told(bench: Bench, command: tuple[str, ...], policy: str) -> None:
    """The policy says what the advice tells a person to say, and then the same `git tag` is good."""
    _policy(bench, policy)
    meant = bench.repo.commit("The policy says so")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    bench.settled(command[-1], meant)


ON_CUDA = "FROM nvidia/cuda:12.8.1-devel-ubuntu24.04\nRUN pip install {}\n"
FLASH = "v{version}-fa{flash-attn}"


@case("dockerfile-matches", "the tag says flash-attn 2.8.3, and the Dockerfile leaves its version open")
def _package_that_is_open(bench: Bench) -> None:
    shown, command = _of_template(
        bench, FLASH, ON_CUDA.format("torch==2.8.0 'flash-attn>=2'"), "v2.8.0-fa2.8.3"
    )
    assert _mended(bench, shown, command) == ON_CUDA.format("torch==2.8.0 'flash-attn==2.8.3'")


@case("dockerfile-matches", "the tag says flash-attn 2.8.3, and the Dockerfile installs 2.8.2")
def _package_of_another_version(bench: Bench) -> None:
    """The framework is mended by the same command, so that no fix undoes another."""
    text = ON_CUDA.format("torch==2.7.1 flash-attn==2.8.2")
    shown, command = _of_template(bench, FLASH, text, "v2.8.0-fa2.8.3")
    assert {one.fix for one in bench.before if one.check == "dockerfile-matches"} == {shown.fix}
    assert _mended(bench, shown, command) == ON_CUDA.format("torch==2.8.0 flash-attn==2.8.3")


@case("dockerfile-matches", "the tag says flash-attn 2.8.3, and the Dockerfile installs 2.8.2")
def _package_whose_name_is_wrong(bench: Bench) -> None:
    text = ON_CUDA.format("torch==2.8.0 flash-attn==2.8.2")
    shown, _ = _of_template(bench, FLASH, text, "v2.8.0-fa2.8.3")
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.paste(shown.command("the name is what is wrong"))
    bench.settled("v2.8.0-fa2.8.2", meant)


@case("dockerfile-matches", "the tag says torchvision 0.22.1, and the Dockerfile installs 0.23.0")
def _companion_that_does_not_go(bench: Bench) -> None:
    text = ON_CUDA.format("torch==2.8.0 torchvision==0.23.0")
    shown, _ = _of_template(bench, "v{version}-tv{torchvision}", text, "v2.8.0-tv0.22.1")
    assert not shown.fix and "torchvision 0.22.1 does not go with torch 2.8.0: 0.23.0 does" in shown.advice
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.paste(shown.command("the name is what is wrong"))
    bench.settled("v2.8.0-tv0.23.0", meant)


@case("dockerfile-matches", "the tag says flash-attn 2.8.3, and the Dockerfile installs no flash-attn")
def _package_that_is_missing(bench: Bench) -> None:
    """Where a package is installed, and how it is built, is for a person to say."""
    shown, _ = _of_template(bench, FLASH, ON_CUDA.format("torch==2.8.0"), "v2.8.0-fa2.8.3")
    assert not shown.fix and "install what the name says" in shown.advice


@case(
    "dockerfile-matches",
    "the tag says Python 3.12, and which one this has cannot be told: nothing in the Dockerfile states it",
)
def _field_of_the_base_image(bench: Bench) -> None:
    template = "v{version}-py{python}"
    shown, command = _of_template(bench, template, ON_CUDA.format("torch==2.8.0"), "v2.8.0-py3.12")
    said = 'image = "nvidia/cuda", tag = "12.8.1-devel-ubuntu24.04", holds = { python = "..." }'
    assert not shown.fix and said in shown.advice
    base = said.replace("...", "3.12").replace(", ", "\n")
    _told(bench, command, f"[tag]\ntemplates = ['{template}']\n[[base]]\n{base}\n")


@case(
    "dockerfile-matches",
    "the tag says version 2.8.0, and does not say of what: the Dockerfile installs PyTorch and TensorFlow",
)
def _two_frameworks(bench: Bench) -> None:
    text = ON_CUDA.format("torch==2.8.0 tensorflow==2.19.0")
    shown, command = _of_template(bench, "v{version}", text, "v2.8.0")
    said = 'templates = [{ template = "v{version}", framework = "PyTorch" }]'
    assert not shown.fix and f"[tag]: {said}\n" in shown.advice
    _told(bench, command, f"[tag]\n{said}\n")


@case(
    "dockerfile-matches",
    "the tag says version 2.8.0, and the Dockerfile installs no framework that it could be the version of",
)
def _no_framework(bench: Bench) -> None:
    shown, command = _of_template(bench, "v{version}", ON_CUDA.format("numpy==2.1.0"), "v2.8.0")
    assert not shown.fix and "{release} for {version}" in shown.advice
    _told(bench, command, "[tag]\ntemplates = ['v{release}']\n")


@case("dockerfile-matches", "the tag says version 2.8.0, and which framework this installs cannot be told: *")
def _framework_of_the_base_image(bench: Bench) -> None:
    text = "FROM registry.example.com/team/base:1.2.3\nRUN pip install numpy==2.1.0\n"
    shown, command = _of_template(bench, "v{version}", text, "v2.8.0")
    said = 'image = "registry.example.com/team/base", tag = "1.2.3", holds = { PACKAGE = "..." }'
    assert not shown.fix and said in shown.advice
    base = said.replace("PACKAGE", "torch").replace("...", "2.8.0").replace(", ", "\n")
    _told(bench, command, f"[tag]\ntemplates = ['v{{version}}']\n[[base]]\n{base}\n")


@case("dockerfile-matches", "the tag says CUDA 12.8, and the Dockerfile says just CUDA 12")
def _hardware_that_is_said_in_part(bench: Bench) -> None:
    _policy(bench, "")
    text = PLAIN.format("jax==0.7.0 jaxlib==0.7.0 jax-cuda12-plugin==0.7.0")
    shown, _ = _made(bench, text, "JAX-CUDA12.8-v0.7.0")
    assert not shown.fix
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.paste(shown.command("the name is what is wrong"))
    bench.settled("JAX-CUDA12-v0.7.0", meant)


@case("dockerfile-matches", "the tag says CUDA 12.6, and the wheel is built for 12.8")
def _hardware_whose_name_is_wrong(bench: Bench) -> None:
    shown, _ = _made(bench, DOCKERFILE, "PyTorch-CUDA12.6-v2.8-rc1")
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.paste(shown.command("the name is what is wrong"))
    bench.settled("PyTorch-CUDA12.8-v2.8-rc1", meant)


@case("dockerfile-matches", "nothing in the Dockerfile says that this is built for CPU")
def _hardware_that_nothing_states(bench: Bench) -> None:
    """A warning; a build is for a person to choose, and one that states it ends the warning."""
    bench.repo.commit_files({"Dockerfile": PLAIN.format("torch==2.8.0")})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "-m", "First candidate", "PyTorch-CPU-v2.8-rc1")
    shown = bench.found("PyTorch-CPU-v2.8-rc1")
    assert shown.level == "warning" and not shown.fix and "an index" in shown.advice
    bench.repo.git("tag", "-d", "PyTorch-CPU-v2.8-rc1")
    index = "--index-url https://download.pytorch.org/whl/cpu"
    meant = bench.repo.commit_files({"Dockerfile": PLAIN.format(f"torch==2.8.0+cpu {index}")})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "-m", "First candidate", "PyTorch-CPU-v2.8-rc1")
    bench.settled("PyTorch-CPU-v2.8-rc1", meant)


# ---------------------------------------------------------------------------- dockerfile-compatible


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.8.0: *")
def _companion(bench: Bench) -> None:
    shown, command = _made(bench, DOCKERFILE.replace("0.23.0", "0.19.0"))
    assert _mended(bench, shown, command) == DOCKERFILE


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.8.0: *")
def _mended_and_not_committed(bench: Bench) -> None:
    """What is pasted is not offered once more: it is for the commit to be made."""
    text = 'FROM python:3.12-slim\nCOPY ["re q.txt", "r.txt"]\nRUN pip install -r r.txt\n'
    bench.repo.write({"re q.txt": "torch==2.8.0\ntorchvision==0.19.0\n"})
    shown, command = _made(bench, text)
    bench.repo.write({"other": "which is not committed with it"})
    bench.paste(shown.fix)
    again = bench.refused(*command)
    bench.paste(again.fix)
    assert bench.repo.git("status", "--porcelain") == "?? other"
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    bench.settled(command[-1], meant)


@case("dockerfile-compatible", "torchvision 0.19.0 does not go with torch 2.8.0: *")
def _changed_otherwise_in_the_work_tree(bench: Bench) -> None:
    """Files of the work tree that are as wrong are not to be committed, and an older commit is not mended there."""
    shown, command = _made(bench, DOCKERFILE.replace("0.23.0", "0.19.0"))
    bench.repo.write({"Dockerfile": DOCKERFILE.replace("0.23.0", "0.20.0")})
    assert bench.refused(*command).fix == shown.fix


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


@case("dockerfile-compatible", "vllm 0.10.0 does not go with torch 2.8.0: *")
def _what_pins_its_framework(bench: Bench) -> None:
    text = DOCKERFILE.replace("--index-url", "vllm==0.10.0 --index-url")
    shown, command = _made(bench, text)
    assert _mended(bench, shown, command) == text.replace("vllm==0.10.0", "vllm==0.11.0")


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


@case("dockerfile-compatible", "torch==2.8.0 replaces the torch that the base image was built around")
def _replaced_framework(bench: Bench) -> None:
    """A warning; which image is meant is for a person to say, and one that has the version ends it."""
    image = "FROM pytorch/pytorch:{}-cuda12.8-cudnn9-devel\n"
    bench.repo.commit_files({"Dockerfile": image.format("2.7.1") + "RUN pip install torch==2.8.0\n"})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    shown = bench.found(GOOD_TAG)
    assert shown.level == "warning" and not shown.fix and "name a base image" in shown.advice
    bench.repo.git("tag", "-d", GOOD_TAG)
    meant = bench.repo.commit_files({"Dockerfile": image.format("2.8.0")})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    bench.settled(GOOD_TAG, meant)


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


@case(
    "dockerfile-pinned", "cannot tell all that this installs: what python setup.py installs is not followed"
)
def _more_than_can_be_followed(bench: Bench) -> None:
    """A warning: what is installed otherwise can be read."""
    bench.repo.commit_files({"Dockerfile": DOCKERFILE + "COPY . .\nRUN python setup.py install\n"})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    shown = bench.found(GOOD_TAG)
    assert shown.level == "warning" and not shown.fix and "requirement" in shown.advice
    bench.repo.git("tag", "-d", GOOD_TAG)
    bench.repo.write({"requirements.txt": "numpy==2.1.0\n"})
    more = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    meant = bench.repo.commit_files({"Dockerfile": DOCKERFILE + more})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    bench.settled(GOOD_TAG, meant)
