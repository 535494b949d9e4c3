"""The question that an image is asked, run by a real interpreter, and what its answer is worth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.dataclass import replace
from envhooks.builds import verify_image
from envhooks.builds.types import Expected
from envhooks.builds.verify_image import Answer, judge, parse, question
from envhooks.tagname import DEFAULT_TAG_POLICY
from envhooks.tagname.names import TagName

WANTED = Expected(("torch", "pytorch"), "2.8", True, "CUDA", None)
GOOD = Answer("3.12.3", {"torch": "2.8.0+cu128"}, {"cuda": "12.8", "hip": None, "xpu": None})


def install(folder: Path, name: str, version: str, files: dict[str, str] | None = None) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for path, text in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def ask(wanted: Expected, *folders: Path) -> Answer | None:
    script = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}; "
    _, program, *names = question(wanted)
    argv = [sys.executable, "-I", "-S", "-c", script + program, *names]
    return parse(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def test_torch_is_asked_without_being_imported(tmp_path: Path) -> None:
    files = {
        "torch/__init__.py": "raise RuntimeError('libcuda.so.1 is missing')",
        "torch/version.py": "from typing import Optional\ncuda: Optional[str] = '12.8'\nhip = None\n",
    }
    install(tmp_path, "torch", "2.8.0+cu128", files)
    answer = ask(WANTED, tmp_path)
    assert answer is not None
    assert answer.packages == {"torch": "2.8.0+cu128"} and answer.torch == {
        "cuda": "12.8",
        "hip": None,
        "xpu": None,
    }
    assert not judge(WANTED, answer)
    said = verify_image.describe(answer)
    assert said.endswith("torch 2.8.0+cu128, built for CUDA 12.8")


def test_tensorflow_and_jax(tmp_path: Path) -> None:
    pairs = "[('cuda_version', '12.5.1'), ('is_cuda_build', True)]"
    info = f"import collections\nbuild_info = collections.OrderedDict({pairs})\n"
    files = {"tensorflow/__init__.py": "raise RuntimeError", "tensorflow/python/platform/build_info.py": info}
    install(tmp_path / "tf", "tensorflow", "2.19.1", files)
    wanted = Expected(("tensorflow",), "2.19.1", True, "CUDA", "12.5")
    answer = ask(wanted, tmp_path / "tf")
    assert answer is not None and not judge(wanted, answer)
    assert judge(replace(wanted, hardware_version="12.8"), answer)
    install(tmp_path / "jax", "jax", "0.7.1")
    install(tmp_path / "jax", "jax-cuda12-plugin", "0.7.1")
    wanted = Expected(("jax",), "0.7.1", True, "CUDA", "12.8")
    answer = ask(wanted, tmp_path / "jax")
    assert answer is not None and not judge(wanted, answer)
    assert judge(replace(wanted, hardware="TPU", hardware_version=None), answer)


def test_what_an_import_would_take_counts(tmp_path: Path) -> None:
    install(tmp_path / "new", "torch", "2.8.0")
    install(tmp_path / "old", "torch", "2.7.0")
    answer = ask(WANTED, tmp_path / "new", tmp_path / "old")
    assert answer is not None and answer.packages == {"torch": "2.8.0"}


def test_an_image_without_the_framework(tmp_path: Path) -> None:
    answer = ask(WANTED, tmp_path)
    assert answer is not None and judge(WANTED, answer) == ("the image has no torch or pytorch",)


@pytest.mark.parametrize(
    ("version", "tag", "is_stable", "agrees"),
    [
        ("2.8.0+cu128", "2.8", True, True),
        ("2.8.1", "2.8", True, True),
        ("2.8", "2.8.0", True, True),
        ("2.8.1", "2.8.0", True, False),
        ("2.80.0", "2.8", True, False),
        ("12.8.0", "2.8", True, False),
        ("2.8.0rc1", "2.8", True, False),
        ("2.8.0rc1", "2.8", False, True),
        ("2.8.0.dev20250601", "2.8", True, False),
        ("2.8.0a0+5228986c39.nv25.6", "2.8", True, True),
        ("2.8.0.post1", "2.8.0", True, True),
        ("garbage", "2.8", True, False),
        ("", "2.8", True, False),
    ],
)
def test_versions(version: str, tag: str, is_stable: bool, agrees: bool) -> None:
    assert verify_image.is_release(version, tag, is_stable=is_stable) is agrees


@pytest.mark.parametrize(
    ("wanted", "torch", "said"),
    [
        (WANTED, {"cuda": "12.8"}, ""),
        (replace(WANTED, hardware_version="12.8"), {"cuda": "12.8"}, ""),
        (replace(WANTED, hardware_version="12.8.1"), {"cuda": "12.8"}, ""),
        (replace(WANTED, hardware_version="11.8"), {"cuda": "12.8"}, "built for CUDA 12.8"),
        (WANTED, {"cuda": None, "hip": None}, "built for the CPU"),
        (WANTED, {"hip": "6.4.43482-0f2d60242"}, "built for ROCm 6.4.43482"),
        (replace(WANTED, hardware="ROCm", hardware_version="6.4"), {"hip": "6.4.43482-0f2d60242"}, ""),
        (replace(WANTED, hardware="CPU"), {"cuda": None}, ""),
        (replace(WANTED, hardware="CPU"), {"cuda": "12.8"}, "built for CUDA 12.8"),
        (replace(WANTED, hardware=None), {"cuda": "12.8"}, ""),
        (replace(WANTED, hardware="XPU"), {"xpu": "20250100"}, ""),
    ],
)
def test_hardware(wanted: Expected, torch: dict[str, str | None], said: str) -> None:
    faults = judge(wanted, replace(GOOD, torch=torch))
    assert (said in faults[0]) if said else not faults


def test_a_framework_that_does_not_say_is_not_guessed_at() -> None:
    wanted = Expected(("keras",), "3.1", True, "CUDA", "12.6")
    answer = Answer("3.12", {"keras": "3.1.0"})
    assert verify_image.evidence(answer) is None and not judge(wanted, answer)


def test_a_banner_before_the_answer_and_a_forged_one() -> None:
    said = 'x\nenvhooks-image {"packages": {"torch": "1"}}\nenvhooks-image {"packages": {"torch": "2"}}\n'
    answer = parse(said)
    assert answer is not None and answer.packages == {"torch": "2"}
    assert parse("envhooks-image " + "[" * 100_000) is None
    assert parse('envhooks-image {"packages": 3, "torch": []}') == Answer()


@given(st.text())
@settings(max_examples=50)
def test_no_answer_breaks_the_judge(text: str) -> None:
    answer = parse(verify_image.MARK + text)
    assert answer is None or judge(WANTED, answer)
    judge(
        WANTED, Answer(text, {"torch": text}, {"cuda": text}, {"is_cuda_build": True, "cuda_version": text})
    )


def test_what_a_tag_promises() -> None:
    name = TagName("PyTorch-CUDA12.8-v2.8", "PyTorch", "CUDA", "12.8", (2, 8))
    assert verify_image.expected(name, DEFAULT_TAG_POLICY) == Expected(
        DEFAULT_TAG_POLICY.frameworks["PyTorch"], "2.8", True, "CUDA", "12.8"
    )
    assert verify_image.expected(TagName("v1", version=(1, 0)), DEFAULT_TAG_POLICY).packages == ()
