"""Base images by their publishers' own forms, and by those of a policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_catalog import findings

from envhooks.base.errors import PolicyError
from envhooks.catalog.tags import TemplateFault, fields, pattern, read
from envhooks.image.dockerfile.baseimage import contents, parse_reference
from envhooks.policy.reader import parse_policy

AWS = "763104351884.dkr.ecr.us-west-2.amazonaws.com"
KNOWN = [
    ("pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel", {"torch": "2.8.0"}, {"CUDA": "12.8"}, None),
    ("docker.io/pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime", {"torch": "2.8.0"}, {"CUDA": "12.8"}, None),
    ("nvidia/cuda:12.8.1-devel-ubuntu24.04", {}, {"CUDA": "12.8.1"}, None),
    ("tensorflow/tensorflow:2.15.0-gpu", {"tensorflow": "2.15.0"}, {"CUDA": None}, None),
    ("tensorflow/tensorflow:2.15.0", {"tensorflow": "2.15.0"}, {"CPU": None}, None),
    (
        f"{AWS}/pytorch-training:2.6.0-gpu-py312-cu126-ubuntu22.04-ec2",
        {"torch": "2.6.0"},
        {"CUDA": "12.6"},
        "3.12",
    ),
    (f"{AWS}/pytorch-inference:2.6.0-cpu-py312-ubuntu22.04", {"torch": "2.6.0"}, {"CPU": None}, "3.12"),
    (
        f"{AWS}/huggingface-pytorch-training:2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04",
        {"torch": "2.5.1", "transformers": "4.49.0"},
        {"CUDA": "12.4"},
        "3.11",
    ),
    (
        "rocm/pytorch:rocm7.2_ubuntu24.04_py3.12_pytorch_release_2.7.1",
        {"torch": "2.7.1"},
        {"ROCm": "7.2"},
        "3.12",
    ),
    ("vllm/vllm-openai:v0.10.0", {"vllm": "0.10.0"}, {"CUDA": None}, None),
    (
        "hiyouga/pytorch:th2.6.0-cu124-flashattn2.7.4-cxx11abi0-devel",
        {"torch": "2.6.0", "flash-attn": "2.7.4"},
        {"CUDA": "12.4"},
        None,
    ),
    (
        "vault.habana.ai/gaudi-docker/1.21.0/ubuntu22.04/habanalabs/pytorch-installer-2.6.0:latest",
        {"torch": "2.6.0"},
        {"HPU": None},
        None,
    ),
    (
        "mirror.example.com/gaudi-docker/1.16.2/rhel9.2/habanalabs/pytorch-installer-2.2.2",
        {"torch": "2.2.2"},
        {"HPU": None},
        None,
    ),
    (
        "vault.habana.ai/gaudi-docker/1.24.1/ubuntu24.04/habanalabs/vllm-0.26.0-ptupstream-2.11.0:1.24.1-12",
        {"vllm": "0.26.0", "torch": "2.11.0"},
        {"HPU": None},
        None,
    ),
    (
        "vault.habana.ai/gaudi-docker/1.4.0/ubuntu20.04/habanalabs/tensorflow-installer-tf-cpu-2.8.0:latest",
        {"tensorflow": "2.8.0"},
        {"HPU": None},
        None,
    ),
    ("python:3.12-slim", {}, {}, "3.12"),
    ("nvidia/cudagl:11.3.0-devel-ubuntu20.04", {}, {"CUDA": "11.3.0"}, None),
    ("tensorflow/tensorflow:2.0.0a0-py3", {"tensorflow": "2.0.0a0"}, {"CPU": None}, None),
    ("tensorflow/tensorflow:1.5.0-py3", {"tensorflow": "1.5.0"}, {"CPU": None}, None),
    ("tensorflow/tensorflow:1.15.2-gpu-py3-jupyter", {"tensorflow": "1.15.2"}, {"CUDA": None}, None),
    ("lmsysorg/sglang:v0.5.5.post3", {"sglang": "0.5.5.post3"}, {"CUDA": None}, None),
    (
        "ghcr.io/allenai/pytorch:1.12.0-cuda11.3-python3.8",
        {"torch": "1.12.0"},
        {"CUDA": "11.3"},
        "3.8",
    ),
    ("quay.io/ascend/cann:9.1.0-a3-ubuntu22.04-py3.12-devel", {}, {"NPU": None}, "3.12"),
    ("nvcr.io/nvidia/tensorrt:22.04-py3", {}, {"CUDA": None}, None),
    ("nvcr.io/nvidia/tritonserver:25.12-py3", {}, {"CUDA": None}, None),
    ("registry.access.redhat.com/ubi9/python-311", {}, {}, "3.11"),
    ("nvcr.io/nvidia/l4t-cuda:11.4.19-devel", {}, {"CUDA": "11.4.19"}, None),
    ("nvcr.io/nvidia/l4t-jetpack:r36.4.0", {}, {"CUDA": None}, None),
    ("nvcr.io/nvidia/l4t-base:r32.7.1", {}, {}, None),
    ("quay.io/sclorg/python-312-c9s:c9s", {}, {}, "3.12"),
]
OPAQUE = [
    ("nvcr.io/nvidia/pytorch:25.08-py3", "torch"),
    ("pytorch/pytorch:latest", "torch"),
    ("pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel-mine", "torch"),
    ("quay.io/jupyter/pytorch-notebook:cuda12-2025-01-01", "torch"),
    (f"{AWS}/pytorch-training:latest", "torch"),
    ("team/mindspore-base:1", "mindspore"),
    ("vllm/vllm-openai:nightly", "vllm"),
    ("pytorchlightning/pytorch_lightning:base-cuda12.6.3-py3.10-torch2.8", "torch"),
    ("rocm/tensorflow:rocm6.4.2-py3.12-tf2.18-dev", "tensorflow"),
    ("evil.example.com/pytorch-training:2.8.0-gpu-py312-cu126-ubuntu22.04", "torch"),
    ("lmsysorg/sglang:v0.5.10-rocm720-mi30x", "sglang"),
    ("nvcr.io/nvidia/l4t-ml:r35.2.1-py3", "torch"),
    ("quay.io/ascend/vllm-ascend:v0.11.0", "vllm"),
    ("nvcr.io/nvidia/l4t-tensorflow:r35.3.1-tf2.11-py3", "tensorflow"),
    ("lmsysorg/sglang:v0.5.10-cu130-20260401", "sglang"),  # a build of a day behind that release
    ("tensorflow/tensorflow:1.13.1-devel-gpu-py3", "tensorflow"),  # its sources, not built
    ("pytorch/pytorch:nightly-devel-cuda10.0-cudnn7", "torch"),
    ("vault.habana.ai/gaudi-docker/0.14.0/ubuntu20.04/habanalabs/pytorch-installer:0.14.0-420", "torch"),
    ("tensorflow/serving:latest-gpu", "tensorflow"),
    ("pytorch/torchserve:latest", "torch"),
    ("team/serving-pytorch:pt211", "torch"),
]


@pytest.mark.parametrize(
    ("image", "server", "version", "package", "hardware"),
    [
        ("tensorflow/serving:2.15.1", "tensorflow-model-server", "2.15.1", "tensorflow", "CPU"),
        ("tensorflow/serving:2.11.0-gpu", "tensorflow-model-server", "2.11.0", "tensorflow", "CUDA"),
        ("tensorflow/serving:2.11.0-devel-gpu", "tensorflow-model-server", "2.11.0", "tensorflow", "CUDA"),
        ("pytorch/torchserve:0.9.0-gpu", "torchserve", "0.9.0", "torch", "CUDA"),
        ("pytorch/torchserve:0.11.0-cpu", "torchserve", "0.11.0", "torch", "CPU"),
    ],
)
def test_a_serving_image_states_its_server_and_not_the_framework(
    image: str, server: str, version: str, package: str, hardware: str
) -> None:
    reference = parse_reference(image)
    assert reference is not None
    held = contents(reference)
    assert [(name, text) for name, text, _ in held.packages] == [(server, version)]
    assert [name for name, _ in held.opaque] == [package] and [kind for kind, _ in held.hardware] == [
        hardware
    ]


@pytest.mark.parametrize(("image", "packages", "hardware", "python"), KNOWN)
def test_a_published_form_is_read(
    image: str, packages: dict[str, str], hardware: dict[str, str | None], python: str | None
) -> None:
    reference = parse_reference(image)
    assert reference is not None
    held = contents(reference)
    assert {name: version for name, version, _ in held.packages} == packages
    assert dict(held.hardware) == hardware and held.python == python and held.opaque == ()


@pytest.mark.parametrize(("image", "package"), OPAQUE)
def test_any_other_form_cannot_be_told(image: str, package: str) -> None:
    reference = parse_reference(image)
    assert reference is not None
    held = contents(reference)
    assert held.packages == () and [name for name, _ in held.opaque] == [package]


@pytest.mark.parametrize(("digits", "version"), [("630", "6.3.0"), ("64", "6.4"), ("711", "7.1.1")])
def test_a_compact_version_of_rocm_has_one_digit_a_number(digits: str, version: str) -> None:
    assert read("rocm{rocm:compact}", f"rocm{digits}") == {"rocm": version}


@pytest.mark.parametrize(
    ("digits", "version"), [("128", "12.8"), ("92", "9.2"), ("12", "12"), ("111", "11.1")]
)
def test_two_digits_of_cuda_are_both_numbers_before_10(digits: str, version: str) -> None:
    assert read("cu{cuda:compact}", f"cu{digits}") == {"cuda": version}


OWN = b"""
[[base]]
image = "team/base"
tag = ["{torch}-cu{cuda:compact}-py{python:compact}[-{variant}]", "{torch}-cpu"]

[[base]]
image = "team/frozen"
holds = { torch = "2.8.0", cuda = "12.8" }
"""


@pytest.mark.parametrize("registry", ["", "registry.example.com/", "registry.example.com:5000/mirror/"])
def test_a_policy_adds_its_own_in_the_same_words(registry: str) -> None:
    policy = parse_policy(OWN, ".envhooks/policy.toml")
    good = f"FROM {registry}team/base:2.8.0-cu128-py312\n"
    assert not findings("PyTorch-CUDA12.8-v2.8", good, policy)
    assert findings("PyTorch-CUDA12.6-v2.8", good, policy)
    assert findings("PyTorch-CUDA12.8-v2.7", good, policy)
    assert not findings("PyTorch-CUDA-v2.8", f"FROM {registry}team/frozen:7\n", policy)
    assert findings("PyTorch-CUDA-v2.7", f"FROM {registry}team/frozen:7\n", policy)
    assert findings("PyTorch-CUDA-v2.8", f"FROM {registry}team/base:latest\n", policy)


FAULTS = [
    ("[[base]]\ntag = '{torch}'\n", "names no image"),
    ("[[base]]\nimage = 'a'\n", "says neither"),
    ("[[base]]\nimage = 'a'\ntag = '{torch'\n", "has no pair"),
    ("[[base]]\nimage = 'a'\ntag = '[{torch}'\n", "has no pair"),
    ("[[base]]\nimage = 'a'\ntag = '{torch}{torch}'\n", "twice"),
    ("[[base]]\nimage = 'a'\ntag = '{torch:lower}'\n", "no field"),
    ("[[base]]\nimage = 'a'\ntag = '{any}{any}{any}{any}{any}'\n", "may hold anything"),
    ("[[base]]\nimage = 'a'\nholds = { torch = 'new' }\n", "no version"),
    ("[[base]]\nimage = 'a'\ntags = '{torch}'\n", "tag"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_faulty_section_says_where_and_why(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said) as caught:
        parse_policy(text.encode(), ".envhooks/policy.toml")
    assert caught.value.place.startswith(".envhooks/policy.toml:")


_templates = st.lists(
    st.sampled_from(
        [
            "{torch}",
            "{cuda}",
            "{cuda:compact}",
            "{python:compact}",
            "{any}",
            "-",
            "cu",
            "[-{variant}]",
            "]",
            "{",
            "x",
        ]
    ),
    max_size=7,
).map("".join)


@given(_templates, st.text("0123456789.-cupyx", max_size=40))
def test_no_template_raises_anything_else(template: str, text: str) -> None:
    try:
        pattern(template)
    except TemplateFault:
        return
    found = read(template, text)
    assert found is None or found.keys() <= {name for name, _ in fields(template)}
