"""References and what well-known images say by name and tag."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envhooks.catalog.lookup import (
    _PLAIN_URL,
    evidence_of_build,
    evidence_of_extras,
    evidence_of_url,
    evidence_of_word,
)
from envhooks.image.dockerfile.baseimage import Reference, contents, parse_reference

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("python", ("python", None, None)),
        ("python:3.12-slim", ("python", "3.12-slim", None)),
        ("localhost:5000/a/b", ("localhost:5000/a/b", None, None)),
        ("registry.example.com:5000/a/b:1", ("registry.example.com:5000/a/b", "1", None)),
        (f"a/b:1@{DIGEST}", ("a/b", "1", DIGEST)),
        (f"a@{DIGEST}", ("a", None, DIGEST)),
    ],
)
def test_references(text: str, parts: tuple[str, str | None, str | None]) -> None:
    reference = parse_reference(text)
    assert reference == Reference(*parts)


@pytest.mark.parametrize(
    "text", ["", ":", "a:", "A/B", "a b", "a:b:c", "a@sha256:1", "a//b", "-a", "a:" + "x" * 129, "a\n", "é"]
)
def test_no_references(text: str) -> None:
    assert parse_reference(text) is None


def held(text: str) -> tuple[dict[str, str], set[str], str | None, list[tuple[str, str | None]]]:
    reference = parse_reference(text)
    assert reference is not None
    found = contents(reference)
    packages = {name: version for name, version, _ in found.packages}
    return packages, {name for name, _ in found.opaque}, found.python, list(found.hardware)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel", ({"torch": "2.8.0"}, set(), None, [("CUDA", "12.8")])),
        ("mirror.example.com/pytorch/pytorch:1.13.1-cuda11.6-cudnn8-runtime",
         ({"torch": "1.13.1"}, set(), None, [("CUDA", "11.6")])),
        ("pytorch/pytorch:latest", ({}, {"torch"}, None, [])),
        ("pytorch/pytorch:2.8.0-custom", ({}, {"torch"}, None, [])),
        ("pytorch/manylinux:2.8.0-cuda12.8-cudnn9-devel", ({}, {"torch"}, None, [])),
        ("nvidia/cuda:12.8.1-cudnn-devel-ubuntu22.04", ({}, set(), None, [("CUDA", "12.8.1")])),
        ("nvidia/cuda:11.8-devel-ubuntu20.04", ({}, set(), None, [("CUDA", "11.8")])),
        ("nvidia/cuda:latest", ({}, set(), None, [("CUDA", None)])),
        ("registry.example.com/nvidia/pytorch:25.08-py3", ({}, {"torch"}, None, [("CUDA", None)])),
        ("tensorflow/tensorflow:2.15.0-gpu", ({"tensorflow": "2.15.0"}, set(), None, [("CUDA", None)])),
        ("tensorflow/tensorflow:2.15.0", ({"tensorflow": "2.15.0"}, set(), None, [("CPU", None)])),
        ("tensorflow/tensorflow:latest-gpu", ({}, {"tensorflow"}, None, [("CUDA", None)])),
        ("rocm/pytorch:rocm7.2_ubuntu24.04_py3.12_pytorch_release_2.7.1",
         ({"torch": "2.7.1"}, set(), "3.12", [("ROCm", "7.2")])),
        ("rocm/pytorch:latest", ({}, {"torch"}, None, [("ROCm", None)])),
        ("rocm/dev-ubuntu-22.04:6.3.1-complete", ({}, set(), None, [("ROCm", "6.3.1")])),
        ("python:3.12", ({}, set(), "3.12", [])),
        ("python:3.12.4-slim-bookworm", ({}, set(), "3.12.4", [])),
        ("python:3", ({}, set(), None, [])),
        ("library/python:3.11-alpine", ({}, set(), "3.11", [])),
        ("team/python:3.12", ({}, set(), None, [])),
        ("team/env:torch2.9.0-cuda12.8", ({}, {"torch"}, None, [])),
        ("team/pytorch-installer-2.6.0", ({}, {"torch"}, None, [])),
        ("team/torchlike:1", ({}, set(), None, [])),
        (f"pytorch/pytorch@{DIGEST}", ({}, {"torch"}, None, [])),
    ],
)  # fmt: skip
def test_contents(
    text: str, expected: tuple[dict[str, str], set[str], str | None, list[tuple[str, str | None]]]
) -> None:
    assert held(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ubuntu:24.04",
        "python:3.12",
        "nvidia/cuda:12.8.1-base-ubuntu24.04",
        "mambaorg/micromamba:2",
        "registry.access.redhat.com/ubi9/ubi:9.5",
        "registry.access.redhat.com/ubi9/ubi-minimal",
        "registry.access.redhat.com/ubi9-minimal",
        "openeuler/openeuler:22.03-lts",
        "quay.io/jupyter/scipy-notebook",
        "quay.io/pypa/manylinux2014_x86_64",
        "nvcr.io/nvidia/tensorrt:22.04-py3",
    ],
)
def test_plain_images_hold_no_framework(text: str) -> None:
    reference = parse_reference(text)
    assert reference is not None and contents(reference).plain


@pytest.mark.parametrize(
    "text",
    [
        "nvcr.io/nvidia/tritonserver:25.12-py3",
        "pypa/other:1",
        "team/ubuntu-ml:1",
        "team/base:1",
        "jupyter/pytorch-notebook:1",
        "nvidia/pytorch:25.08-py3",
    ],
)
def test_other_images_may_hold_anything(text: str) -> None:
    reference = parse_reference(text)
    assert reference is not None and not contents(reference).plain


@pytest.mark.parametrize(
    ("word", "evidence"),
    [
        ("cu128", ("CUDA", "12.8")),
        ("cu118", ("CUDA", "11.8")),
        ("cu92", ("CUDA", "9.2")),
        ("cu12", ("CUDA", "12")),
        ("cu130", ("CUDA", "13.0")),
        ("cu12torch2.8cxx11abiFALSE", ("CUDA", "12")),
        ("cuda12.cudnn89", ("CUDA", "12")),
        ("rocm6.4", ("ROCm", "6.4")),
        ("rocm6.3.1", ("ROCm", "6.3.1")),
        ("cpu", ("CPU", None)),
        ("xpu", ("XPU", None)),
        ("cuda", None),
        ("simple", None),
        ("custom", None),
        ("cu", None),
        ("", None),
    ],
)
def test_words_of_a_build(word: str, evidence: tuple[str, str | None] | None) -> None:
    assert evidence_of_word(word) == evidence


@pytest.mark.parametrize(
    ("extra", "version"),
    [("cuda111", "11.1"), ("cuda92", "9.2"), ("cuda12", "12"), ("cuda12-local", "12"), ("cuda", None)],
)
def test_an_extra_of_jax_names_cuda_as_an_index_does(extra: str, version: str | None) -> None:
    assert evidence_of_extras("jax", (extra,)) == ("CUDA", version)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("8.0-cudnn5-devel", {"cudnn": "5", "variant": "devel"}),
        ("9.2-devel", {"variant": "devel"}),
        ("12.8.1-cudnn-runtime-ubuntu24.04", {"variant": "runtime", "os": "ubuntu24.04"}),
    ],
)
def test_a_tag_of_nvidia_cuda_without_a_system(tag: str, said: dict[str, str]) -> None:
    reference = parse_reference(f"nvidia/cuda:{tag}")
    assert reference is not None and dict(contents(reference).says) == said


def test_urls_extras_and_builds() -> None:
    assert evidence_of_url("https://x.example/whl/nightly/cu128/") == ("CUDA", "12.8")
    assert evidence_of_url("https://cu128.example/simple") is None
    assert evidence_of_url("https://[broken/whl/cu128") is None


@given(st.from_regex(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9./_+~-]*)?", fullmatch=True))
def test_a_plain_address_has_the_path_that_the_standard_library_reads(url: str) -> None:
    match = re.fullmatch(_PLAIN_URL, url)
    assert match is not None and (match.group(1) or "") == urlsplit(url).path
    assert evidence_of_extras("jax", ("cuda12-local",)) == ("CUDA", "12")
    assert evidence_of_extras("jax", ("tpu",)) == ("TPU", None)
    assert evidence_of_extras("tensorflow", ("and-cuda",)) == ("CUDA", None)
    assert evidence_of_extras("other", ("cuda12",)) is None
    assert evidence_of_build("py3.8_cuda10.2.89_cudnn7.6.5_0") == ("CUDA", "10.2.89")
    assert evidence_of_build("cuda118py310h_0") == ("CUDA", "11.8")
    assert evidence_of_build("py3.8_cpu_0") == ("CPU", None)
    assert evidence_of_build("h1234_0") is None
