from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.place import Place
from envhooks.base.refs import RefUpdate
from envhooks.checks import dockerfile_compatible
from envhooks.image import BaseImage, CompatFault, Environment, Hardware, Package
from envhooks.image.compat import judge_environment, known, provenance
from envhooks.image.compat.family import Target
from envhooks.image.compat.table import load_table, read_table, release
from envhooks.image.files import Files
from envhooks.image.interpreter import read_environment
from envhooks.judge.facts import Subject
from envhooks.judge.pins import mend_pins
from envhooks.policy import ChangelogPolicy, Policy
from envhooks.tagname.names import TagPolicy

NO_NAME = Target()
INDEX = "https://host.example/whl/"
POLICY = Policy("the defaults", (), TagPolicy((), {}, (), ()), (), ChangelogPolicy(), {})


def package(text: str, index: str = "", line: int = 3, how: str = "pip") -> Package:
    name, _, full = text.partition("==")
    version, _, local = full.partition("+")
    return Package(
        name,
        version or None,
        local or None,
        bool(version),
        f"=={full}",
        how,
        Place("Dockerfile", line),
        index,
    )


def judged(
    *packages: str | Package, base: str | None = None, python: str | None = None, wheel: str | None = None
) -> list[CompatFault]:
    hardware = []
    image = None
    if base:
        name, _, tag = base.partition(":")
        tag, _, digest = tag.partition("@")
        image = BaseImage(name, tag, digest or None, Place("Dockerfile", 1))
        if name.endswith("nvidia/cuda"):
            hardware.append(Hardware("CUDA", tag.split("-")[0], "base", Place("Dockerfile", 1)))
    if wheel:
        hardware.append(Hardware("CUDA", wheel, "wheel", Place("Dockerfile", 3)))
    read = tuple(package(one) if isinstance(one, str) else one for one in packages)
    return list(judge_environment(Environment("Dockerfile", "0", image, python, read, tuple(hardware))))


def short(faults: list[CompatFault]) -> list[tuple[str, str]]:
    return [(fault.rule, fault.level) for fault in faults]


# -------------------------------------------------------------------------------- the copied recipe


class Tree:
    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> bytes | None:
        return self.text.encode() if path == "Dockerfile" else None

    def list(self, folder: str) -> tuple[str, ...]:
        return ("Dockerfile",)


RECIPE = f"""\
FROM nvidia/cuda:11.8-devel-ubuntu20.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip install torch==2.8.0+cu118 torchvision==0.19.0+cu118 \\
    --index-url {INDEX}cu118
"""


def recipe(text: str) -> tuple[CompatFault, ...]:
    return judge_environment(read_environment(Tree(text), "Dockerfile"))


def test_a_much_copied_recipe_fails_in_three_ways() -> None:
    faults = recipe(RECIPE)
    assert [(fault.rule, fault.level, fault.place.line) for fault in faults] == [
        ("image", "error", 1),
        ("companion", "error", 3),
        ("variant", "error", 3),
    ]
    image, companion, variant = faults
    assert image.expected == "nvidia/cuda:11.8.0-devel-ubuntu20.04"
    assert companion.reason == "torchvision 0.19.0 requires torch 2.4.0"
    assert companion.expected == "torchvision 0.23.0"
    assert "there is no cu118 wheel" in variant.reason
    assert variant.expected == "torch 2.8.0+cu128, or torch 2.7.1+cu118"


def mended(text: str, target: Target = NO_NAME, path: Path | None = None) -> str:
    """The Dockerfile as the one command leaves it that is offered for all of its pins."""
    files = Tree(text)

    def read(edited: Files) -> Environment:
        return read_environment(edited, "Dockerfile")

    found = mend_pins(files, read, read(files), load_table(), target)
    if path is None or not found.fix:
        return found.fix or found.why_not
    (path / "Dockerfile").write_text(text)
    subprocess.run(["sh", "-c", found.fix], cwd=path, check=True)
    assert [file.name for file in path.iterdir()] == ["Dockerfile"]
    return (path / "Dockerfile").read_text()


SOUND = RECIPE.replace("11.8-devel-ubuntu20.04", "12.8-devel-ubuntu24.04")


def test_one_command_mends_it(tmp_path: Path) -> None:
    text = mended(SOUND, path=tmp_path)
    assert "nvidia/cuda:12.8.1-devel-ubuntu24.04" in text
    assert "torch==2.8.0+cu128 torchvision==0.23.0+cu128" in text
    assert "/whl/cu128" in text
    assert not [fault for fault in recipe(text) if fault.level == "error"]


def test_a_choice_between_the_image_and_the_versions_is_left_to_a_person(tmp_path: Path) -> None:
    keep_versions, keep_image = mended(RECIPE).split("\n")
    assert "another base image" in keep_versions and "no GPU before 525.60.13" in keep_versions
    (tmp_path / "Dockerfile").write_text(RECIPE)
    subprocess.run(["sh", "-c", keep_image.partition(": ")[2]], cwd=tmp_path, check=True)
    text = (tmp_path / "Dockerfile").read_text()
    assert "nvidia/cuda:11.8.0-devel" in text and "torch==2.7.1+cu118 torchvision==0.22.1+cu118" in text
    assert not [fault for fault in recipe(text) if fault.level != "note"]


TO_281 = Target(("torch",), "2.8.1", "CUDA")


@pytest.mark.parametrize(
    ("install", "target", "wanted"),
    [
        ("torch==2.7.0 torchvision==0.22.0", Target(("torch",), "2.8"), "torch==2.8.0 torchvision==0.23.0"),
        ("torch==2.8.0 torchaudio==2.7.0", Target(("torch",), "2.8"), "torch==2.8.0 torchaudio==2.8.0"),
        ("'torch>=2' torchvision", Target(("torch",), "2.7.1"), "'torch==2.7.1' torchvision==0.22.1"),
        ("torch torchvision==0.22.0", Target(("torch",), "2.8"), "torch==2.8.0 torchvision==0.23.0"),
        ("torch==2.7.0", Target(("torch",), "2.9"), "torch==2.9.1"),
        ("jax==0.7.0 jaxlib==0.6.0", NO_NAME, "jax==0.7.0 jaxlib==0.7.0"),
        ("paddlepaddle==3.0.0", Target(("paddlepaddle",), "3.1.0"), "paddlepaddle==3.1.0"),
    ],
)
def test_pins_move_together(tmp_path: Path, install: str, target: Target, wanted: str) -> None:
    text = f"FROM python:3.12\n# torch==2.7.0 is old\nRUN pip install {install}\n"
    assert mended(text, target, tmp_path) == text.replace(f"install {install}", f"install {wanted}")


def test_pins_that_variables_make(tmp_path: Path) -> None:
    text = (
        "FROM python:3.12\nARG TORCH=2.7.0\nARG CUDA=cu118\n"
        "RUN pip install torch==${TORCH}+$CUDA torchvision==0.22.0+cu118 --index-url https://x.example/whl/${CUDA}\n"
    )
    changed = mended(text, Target(("torch",), "2.8", "CUDA", "12.8"), tmp_path)
    assert "ARG TORCH=2.8.0\nARG CUDA=cu128\n" in changed
    assert "torchvision==0.23.0+cu128" in changed


@pytest.mark.parametrize(
    ("install", "target", "said"),
    [
        ("torch==2.8.0", TO_281, "there is no torch 2.8.1 in the table"),
        ("torch==2.8.0", Target(("torch",), "99.1"), "newer than the table"),
        ("torch==2.8.0+cu128", Target(("torch",), "2.8", "CUDA", "11.8"), "was published for"),
    ],
)
def test_what_the_table_does_not_have_is_said_and_no_command(install: str, target: Target, said: str) -> None:
    assert said in mended(f"FROM python:3.12\nRUN pip install {install}\n", target)


def test_a_python_that_is_too_old_is_said() -> None:
    text = "FROM python:3.8\nRUN pip install torch==2.4.0\n"
    assert "needs Python" in mended(text, Target(("torch",), "2.8"))


def test_the_check_words_each_fault() -> None:
    environment = read_environment(Tree(RECIPE), "Dockerfile")
    facts = {"environment": environment, "compatibility": judge_environment(environment)}
    subject = Subject(RefUpdate("refs/tags/PyTorch-CUDA-v2.8", None, "a" * 40), facts)
    found = list(dockerfile_compatible.check(subject, POLICY))
    assert [one.message.partition(":")[0] for one in found] == [
        "nvidia/cuda",
        "torchvision 0.19.0 does not go with torch 2.8.0",
        "torch 2.8.0+cu118 does not exist",
    ]
    assert all(one.expected and one.path == "Dockerfile" and one.line for one in found)


# --------------------------------------------------------------------------------------------- torch


@pytest.mark.parametrize("row", load_table().torch.values(), ids=lambda row: row.version)
def test_what_the_table_lists_goes_together(row: Any) -> None:
    for torchvision in row.torchvision:
        for torchaudio in row.torchaudio:
            for local in ("", *(f"+{variant}" for variant in row.cuda_variants)):
                pins = [
                    f"torch=={row.version}{local}",
                    f"torchvision=={torchvision}{local}",
                    f"torchaudio=={torchaudio}",
                ]
                assert judged(*pins, python=row.python_max) == []


@pytest.mark.parametrize(
    ("pins", "faults"),
    [
        (["torch==2.8.0", "torchvision==0.19.0"], [("companion", "error")]),
        (["torch==2.8", "torchvision==0.23.0"], []),
        (["torch==2.8.0", "torchaudio==2.7.0"], [("companion", "error")]),
        (["torch==2.0.0", "torchaudio==2.0.0"], [("unknown", "note")]),
        (["torch==2.8.0", "torchvision==0.29.1"], [("companion", "error")]),
        (["torch==2.8.0", "torchaudio==2.11.0"], [("companion", "warning")]),
        (["torch==2.12.0", "torchaudio==2.11.0"], []),
        (["torch==2.12.0", "torchaudio==2.12.0"], [("unknown", "note")]),
        (["torch==2.14.1", "torchvision==0.29.0"], [("companion", "error")]),
        (["torch==2.15.0", "torchvision==0.29.2"], []),
        (["torch==2.16.0"], [("unknown", "note")]),
        (["torch==2.8.0rc1"], [("unknown", "note")]),
        (["torch==2.16.0", "torchvision==0.30.0"], [("unknown", "note"), ("unknown", "note")]),
        (["torch==2.16.0", "torchvision==0.23.0"], [("companion", "error"), ("unknown", "note")]),
        (["torch==2.16.0", "torchvision==0.29.1"], [("unknown", "note")]),
        (["pytorch==2.8.0", "torchvision==0.19.0"], [("companion", "error")]),
        (["torchvision==0.19.0"], []),
    ],
)
def test_companions(pins: list[str], faults: list[tuple[str, str]]) -> None:
    assert short(judged(*pins)) == faults


def test_an_open_version_is_another_checks_business() -> None:
    assert judged(package("torch"), "torchvision==0.19.0") == []


@pytest.mark.parametrize(
    ("pin", "index", "faults"),
    [
        ("torch==2.8.0+cu128", "", []),
        ("torch==2.8.0", INDEX + "cu129", []),
        ("torch==2.8.0+cpu", "", []),
        ("torch==2.8.0+xpu", "", []),
        ("torch==2.8.0+rocm6.4", "", []),
        ("torch==2.8.0+rocm6.3", "", [("variant", "warning")]),
        ("torch==2.8.0+cu118", "", [("variant", "error")]),
        ("torch==2.8.0", INDEX + "cu118/", [("variant", "error")]),
        ("torch==2.6.0", INDEX + "cu121", [("variant", "error")]),
        ("torch==2.8.0+cu121", "", [("variant", "error")]),
        ("torch==2.9.0+cu129", "", []),
        ("torch==2.12.0+cu128", "", [("variant", "warning")]),
        ("torch==2.15.0+cu130", "", []),
        ("torch==2.8.0", "https://host.example/simple", []),
    ],
)
def test_builds_of_torch(pin: str, index: str, faults: list[tuple[str, str]]) -> None:
    assert short(judged(package(pin, index))) == faults


def test_the_build_that_is_recommended_fits_the_image() -> None:
    (fault,) = [
        f
        for f in judged("torch==2.8.0+cu118", base="nvidia/cuda:12.6.3-base-ubuntu24.04")
        if f.rule == "variant"
    ]
    assert fault.expected.startswith("torch 2.8.0+cu126")


def test_companions_of_another_build() -> None:
    (fault,) = judged("torch==2.8.0+cu128", "torchvision==0.23.0+cpu")
    assert (fault.rule, fault.level) == ("variant", "warning")
    own_commits = judged("torch==2.6.0+rocm6.2.4.git2feede28", "torchvision==0.21.0+rocm6.2.4.git4040d51f")
    assert not [one for one in own_commits if one.one.startswith("torchvision")]


@pytest.mark.parametrize(
    ("pin", "python", "faults"),
    [
        ("torch==2.8.0", "3.12", []),
        ("torch==2.8.0", "3.9", []),
        ("torch==2.8.0", "3.8", [("python", "error")]),
        ("torch==2.8.0", "3.8.19", [("python", "error")]),
        ("torch==2.8.0", "3.14", [("python", "warning")]),
        ("torch==2.10.0", "3.14.1", []),
        ("jax==0.7.0", "3.10", [("python", "error")]),
        ("tensorflow==2.15.1", "3.12", [("python", "warning")]),
        ("tensorflow==2.16.1", "3.12.3", []),
    ],
)
def test_python(pin: str, python: str, faults: list[tuple[str, str]]) -> None:
    assert short(judged(pin, python=python)) == faults


# -------------------------------------------------------------------------------------- image


@pytest.mark.parametrize(
    ("image", "faults", "expected"),
    [
        ("nvidia/cuda:12.8.1-devel-ubuntu24.04", [], ""),
        ("nvidia/cuda:12.8.1-cudnn-devel-ubuntu24.04", [], ""),
        ("nvidia/cuda:11.8.0-cudnn8-devel-ubuntu20.04", [], ""),
        ("nvidia/cuda:11.8-devel-ubuntu20.04", [("image", "error")], "nvidia/cuda:11.8.0-devel-ubuntu20.04"),
        ("host.example/nvidia/cuda:12.8-base", [("image", "error")], "host.example/nvidia/cuda:12.8.1-base"),
        ("nvidia/cuda:9.9-base", [("image", "error")], "CUDA 11.0.3 or newer"),
        ("nvidia/cuda:11.8-base@sha256:00", [], ""),
        ("nvidia/cuda:12.4.0-base-ubuntu22.04", [("unknown", "note")], "CUDA 12.4.1"),
        ("nvidia/cuda:14.0.0-base-ubuntu26.04", [("unknown", "note")], "CUDA up to 13.3.0"),
        ("nvidia/cuda:12.4.1-cudnn8-devel-ubi9", [("image", "error")], "nvidia/cuda:12.4.1-cudnn-devel-ubi9"),
        ("nvidia/cuda:12.8.1-cudnn9-devel-ubi9", [("image", "warning")], "nvidia/cuda:12.8.1-cudnn-devel-ubi9"),
        ("nvidia/cuda:12.2.2-cudnn-devel-ubi9", [("image", "warning")], "nvidia/cuda:12.2.2-cudnn8-devel-ubi9"),
        ("nvidia/cuda:latest", [], ""),
        ("other/cuda:11.8-devel", [], ""),
    ],
)  # fmt: skip
def test_tags_of_nvidia_cuda(image: str, faults: list[tuple[str, str]], expected: str) -> None:
    found = judged(base=image)
    assert short(found) == faults
    assert [fault.expected for fault in found] == ([expected] if faults else [])


@pytest.mark.parametrize(
    ("image", "wheel", "level"),
    [
        ("12.8.1", "12.8", None),
        ("12.9.1", "12.8", "note"),
        ("12.6.3", "12.8", "warning"),
        ("11.8.0", "12.8", "warning"),
        ("13.0.0", "12.8", "warning"),
        ("12.6.3", "12", None),
        ("13.0.0", "12", "warning"),
    ],
)
def test_the_images_cuda_and_the_wheels(image: str, wheel: str, level: str | None) -> None:
    found = judged(base=f"nvidia/cuda:{image}-devel-ubuntu24.04", wheel=wheel)
    assert short(found) == ([("image-cuda", level)] if level else [])


def test_the_cuda_of_pypis_own_build() -> None:
    image = "nvidia/cuda:12.6.3-devel-ubuntu24.04"
    assert short(judged("torch==2.8.0", base=image)) == [("image-cuda", "note")]
    assert judged("torch==2.7.1", base=image) == []
    assert judged(package("torch==2.8.0", how="base"), base=image) == []
    assert judged("torch==2.8.0+cpu", base=image) == []


# ------------------------------------------------------------------------------ TensorFlow and JAX


@pytest.mark.parametrize(
    ("pins", "image", "faults"),
    [
        (["tensorflow==2.15.1"], "nvidia/cuda:12.2.2-cudnn8-devel-ubuntu22.04", []),
        (["tensorflow==2.18.0"], "nvidia/cuda:11.8.0-cudnn8-devel-ubuntu22.04",
         [("runtime", "warning"), ("image-cuda", "warning")]),
        (["tensorflow-cpu==2.18.0"], "nvidia/cuda:11.8.0-cudnn8-devel-ubuntu22.04", []),
        (["tensorflow==2.30.0"], None, [("unknown", "note")]),
        (["jax==0.7.2", "jaxlib==0.7.2", "jax-cuda12-plugin==0.7.2", "jax-cuda13-pjrt==0.7.2"], None, []),
        (["jax==0.7.2", "jaxlib==0.7.1"], None, [("companion", "error")]),
        (["jax==0.8.3", "jaxlib==0.8.2", "jax-cuda12-plugin==0.8.2"], None, []),
        (["jax==0.7.2", "jax-cuda12-plugin==0.7.1"], None, [("companion", "error")]),
        (["jax==0.6.2", "jax-cuda13-plugin==0.6.2"], None, [("variant", "warning")]),
        (["jax==0.4.26", "jaxlib==0.4.25"], None, [("companion", "warning")]),
        (["jax==0.4.26", "jaxlib==0.4.26+cuda12.cudnn89"], None, []),
        (["jax==0.4.26", "jaxlib==0.4.26+cuda11.cudnn86"], None, [("variant", "warning")]),
        (["jax==0.7.1", "jaxlib==0.6.0"], None, [("companion", "error")]),
        (["jax==99.7.1", "jaxlib==0.6.0"], None, [("unknown", "note")]),
    ],
)  # fmt: skip
def test_tensorflow_and_jax(pins: list[str], image: str | None, faults: list[tuple[str, str]]) -> None:
    assert sorted(short(judged(*pins, base=image))) == sorted(faults)


# ------------------------------------------------------------------------------------- the table


def test_what_is_known_can_be_shown() -> None:
    (row,) = known("PyTorch", "2.8")
    assert (row["torch"], row["torchvision"], row["known not to exist"]) == ("2.8.0", "0.23.0", "cu118")
    assert [row["torch"] for row in known("torch", "2.7")] == ["2.7.1", "2.7.0"]
    assert len(known("torch", "")) == len(load_table().torch)
    assert known("tensorflow", "2.16.1")[0]["cuDNN"] == "8.9"
    assert known("jax", "v0.7.2")[0]["jaxlib"] == "==0.7.2"
    assert known("nvidia/cuda", "11.8")[0]["nvidia/cuda"] == "11.8.0"
    assert known("torch", "9.9") == ()
    assert known("none", "1") == ()
    assert provenance("torch")[0] == f"compiled {load_table().compiled}"
    assert all(len(provenance(name)) > 1 for name in ("pytorch", "tensorflow", "jax", "nvidia/cuda"))


def test_the_table_is_as_large_as_it_was() -> None:
    table = load_table()
    assert (len(table.torch), len(table.tensorflow), len(table.jax)) >= (32, 14, 17)
    assert all(row.version == release(row.version) for row in table.torch.values())


def test_a_misspelt_key_in_the_table_is_refused() -> None:
    text = (Path(judge_environment.__code__.co_filename).parent / "compat.toml").read_text()
    with pytest.raises(ValueError, match="unknown key 'torchvison'"):
        read_table(tomllib.loads(text.replace("torchvision =", "torchvison =", 1)))


_pins = st.builds(
    "{}=={}".format,
    st.sampled_from(
        ["torch", "torchvision", "torchaudio", "jax", "jaxlib", "tensorflow", "jax-cuda12-plugin"]
    ),
    st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,3}(rc1|\.post1)?(\+[a-z0-9.]{1,6})?", fullmatch=True)
    | st.text(max_size=5),
)
_images = st.none() | st.text(alphabet="0123456789.-cudnnvelubtx", min_size=1, max_size=20).map(
    "nvidia/cuda:{}".format
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_pins, max_size=4), _images, st.none() | st.text(alphabet="0123456789.x", max_size=6))
def test_no_environment_raises(pins: list[str], image: str | None, python: str | None) -> None:
    for fault in judged(*pins, base=image, python=python):
        assert fault.reason
        assert fault.expected
