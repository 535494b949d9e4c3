"""Hardware that environments are made for, one entry each."""

from __future__ import annotations

from envhooks.base.dataclass import dataclass


@dataclass(frozen=True)
class Accelerator:
    """All that is known of one kind of hardware."""

    name: str
    """As tags write it: `CUDA`."""
    aliases: tuple[str, ...] = ()
    """Lower-case spellings from which its name is suggested."""
    words: tuple[str, ...] = ()
    """Words that name it in a heading, lower case, beside its name."""
    carriers: str = ""
    """Pattern of distributions that exist for it alone."""


HARDWARE: tuple[Accelerator, ...] = (
    Accelerator(
        "CUDA",
        ("gpu", "nvidia"),
        carriers=(
            r"jax-cuda[0-9]+-(?:plugin|pjrt)|nvidia-(?:cuda|cudnn|cublas|nccl)-.*|cupy-cuda.*|pytorch-cuda|cudatoolkit"
            r"|mxnet-cu[0-9]+"
        ),
    ),
    Accelerator(
        "ROCm",
        ("amd", "hip"),
        carriers=r"(?:pytorch-)?triton-rocm|jax-rocm[0-9]+-(?:plugin|pjrt)|cupy-rocm.*",
    ),
    Accelerator("CPU", ("nocuda",), carriers="cpuonly"),
    Accelerator(
        "XPU", ("oneapi", "sycl"), carriers="intel-extension-for-.*|pytorch-triton-xpu|oneccl-bind-pt"
    ),
    Accelerator("TPU", carriers="libtpu(?:-nightly)?|tensorflow-tpu"),
    Accelerator("HPU", ("gaudi", "habana"), ("gaudi", "habana"), "habana-.*"),
    Accelerator("NPU", ("ascend", "cann"), ("ascend",), "torch-npu"),
    Accelerator(
        "Neuron",
        ("neuronx", "inferentia", "trainium"),
        ("neuronx", "inferentia", "trainium"),
        "torch-neuronx?|tensorflow-neuronx?|neuronx-.*|jax-neuronx",
    ),
)
