"""Families of base images, one entry each: how their tags are read, and what they then hold.

A tag is believed only where its publisher writes it that way for every image; the rest is "cannot tell".
"""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import dataclass, field
from envhooks.catalog.frameworks import FRAMEWORKS


@dataclass(frozen=True)
class Family:
    """One family of base images."""

    image: str
    """Template of the name without its registry: `pytorch/pytorch`; a field in it is read as in a tag."""
    tags: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Template of its tags -> facts of such a tag beside its fields, in the words of `holds`."""
    holds: Mapping[str, str | None] = field(default_factory=dict)
    """Content of every image of it, whatever its tag: package, `python` or `CUDA` and its like -> version or None."""
    opaque: str = ""
    """Package that is in every image, in a version that only the templates state."""
    plain: bool = False
    """Whether no framework is in it."""
    sets: tuple[str, ...] = ()
    """Variables that its images set themselves, as patterns: an ARG of the same name does not count against them."""
    why: str = ""
    """Reason why a version cannot be determined, where there is more to say than that the tag does not state it."""
    fixed: str = ""
    """Pattern of tags that the publisher never moves: with one of them, all that is in the image is pinned."""
    digest: str = ""
    """The one image that is meant, where the policy names it by its digest."""


Holds = Mapping[str, "str | None"]
_NAMED_BY_MONTH = "is named by its month; its framework's version stands in the release notes"
_MONTH = r"[0-9]{2}\.[0-9]{2}(?:\.[0-9]+)?-.+"
_DAY = r"(?:.+-)?[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CUDA_SETS = ("CUDA_VERSION", "NV_.*", "NVIDIA_.*", "CUDNN_VERSION", "NCCL_VERSION")
_ON_CUDA: Holds = {"CUDA": None}
_ON_ROCM: Holds = {"ROCm": None}
_ON_CPU: Holds = {"CPU": None}
_NO_MORE: Holds = {}
_GAUDI = (
    ("pytorch-installer[-{torch:full}]", "torch"), ("tensorflow-installer[-tf-cpu-{tensorflow:full}]", "tensorflow"),
    ("vllm-{vllm:full}-ptupstream-{torch:full}", "vllm"), ("vllm-installer-{torch:full}", "vllm"),
)  # fmt: skip
_SERVING = (
    ("tensorflow/serving", "tensorflow-model-server", "tensorflow", "[-devel]"),
    ("pytorch/torchserve", "torchserve", "torch", "-cpu"),
)
SAID = ("os", "variant", "cudnn")
"""Fields of a tag beside packages, Python and hardware."""
_AWS_REGISTRIES = ("763104351884.dkr.ecr.{any}.amazonaws.com", "public.ecr.aws/deep-learning-containers")
"""The account under which AWS publishes them, in each region, and its public gallery; an image of that name elsewhere
is somebody else's."""


def _aws(package: str) -> Mapping[str, Holds]:
    """Tags of AWS Deep Learning Containers, whose list of available images stands in their repository."""
    gpu, cpu = "gpu-py{python:compact}-cu{cuda:compact}", "cpu-py{python:compact}"
    return {
        f"{{{package}}}-{hardware}{end}": holds
        for middle in ("", "transformers{transformers}-")
        for hardware, holds in ((middle + gpu, _NO_MORE), (middle + cpu, _ON_CPU))
        for end in ("-{os}[-{any}]", "[-{any}]")
    } | {  # `v1.36-pt-sagemaker-2.8.0-tr-cpu-py312`
        f"v{{any}}-{short}-{{any}}-{{{package}:full}}-{{any}}-{hardware}-py{{python:compact}}[-{{any}}]": holds
        for short in ("pt", "tf")
        for hardware, holds in (("gpu", _ON_CUDA), ("cpu", _ON_CPU))
    }


FAMILIES: tuple[Family, ...] = (
    Family(
        "pytorch/pytorch",
        {
            f"{{torch}}-cuda{{cuda}}-cudnn{{cudnn}}-{variant}": {"variant": variant}
            for variant in ("runtime", "devel")
        }
        | {"nightly-{variant}-cuda{cuda}-cudnn{cudnn}": _NO_MORE},
        opaque="torch",
        sets=("PYTORCH_VERSION", "CUDA_VERSION", "NVIDIA_.*"),
    ),
    *(
        Family(
            name,
            dict.fromkeys(
                (
                    "{cuda}-cudnn{cudnn}-{variant}-{os}",
                    "{cuda}-cudnn-{variant}-{os}",
                    "{cuda}-cudnn{cudnn}-{variant}",
                    "{cuda}-{variant}-{os}",
                    "{cuda}-{variant}",
                    "{cuda}[-{any}]",
                ),
                _NO_MORE,
            ),
            _ON_CUDA,
            plain=True,
            sets=_CUDA_SETS,
        )
        for name in ("nvidia/cuda", "nvidia/cudagl")
    ),
    Family(
        "nvidia/cuda-dl-base",
        {"{any}-cuda{cuda}-{variant}-{os}": _NO_MORE},
        _ON_CUDA,
        plain=True,
        sets=_CUDA_SETS,
    ),
    Family(
        "tensorflow/tensorflow",
        {
            "{tensorflow:full}-gpu[-py3][-jupyter]": _ON_CUDA,
            "{tensorflow:full}[-py3][-jupyter]": _ON_CPU,
            "{any}-gpu[-{any}]": _ON_CUDA,
        },
        opaque="tensorflow",
    ),
    *(
        Family(
            one.calendar_image,
            holds=_ON_CUDA,
            opaque=one.packages[0],
            why=_NAMED_BY_MONTH,
            sets=_CUDA_SETS,
            fixed=_MONTH,
        )
        for one in FRAMEWORKS
        if one.calendar_image
    ),
    Family("nvidia/tensorrt", holds=_ON_CUDA, plain=True, sets=_CUDA_SETS, fixed=_MONTH),
    Family("nvidia/tritonserver", holds=_ON_CUDA, sets=_CUDA_SETS, fixed=_MONTH),
    Family(
        "rocm/pytorch",
        {
            "rocm{rocm}_{os}_py{python}_pytorch_release_{torch:full}": _NO_MORE,
            "rocm{rocm}_{os}_py{python}_pytorch_{torch:full}": _NO_MORE,
        },
        _ON_ROCM,
        opaque="torch",
    ),
    Family(
        "rocm/tensorflow",
        {
            "rocm{rocm}-py{python}-tf{tensorflow}[-{any}]": _NO_MORE,
            "rocm{rocm}-tf{tensorflow}[-{any}]": _NO_MORE,
        },
        _ON_ROCM,
        opaque="tensorflow",
    ),
    Family("rocm/dev-{any}", {"{rocm}[-complete]": _NO_MORE}, _ON_ROCM, plain=True),
    Family("rocm/{any}", holds=_ON_ROCM),
    *(
        Family(f"{registry}/{prefix}{name}-{kind}", _aws(package), opaque=package)
        for registry in _AWS_REGISTRIES
        for prefix in ("", "huggingface-")
        for name, package in (("pytorch", "torch"), ("tensorflow", "tensorflow"))
        for kind in ("training", "inference")
    ),
    Family(
        "intel/intel-extension-for-pytorch",
        {
            "{intel-extension-for-pytorch:full}-xpu[-{any}]": {"XPU": None},
            "{intel-extension-for-pytorch:full}[-{any}]": _ON_CPU,
        },
        opaque="torch",
    ),
    Family("vllm/vllm-openai", {"v{vllm:full}[-{any}]": _NO_MORE}, _ON_CUDA, opaque="vllm"),
    Family("nvidia/vllm", holds=_ON_CUDA, opaque="vllm", why=_NAMED_BY_MONTH, sets=_CUDA_SETS, fixed=_MONTH),
    Family(
        "lmsysorg/sglang",
        {"v{sglang}-cu{cuda:compact}[-runtime]": _NO_MORE, "v{sglang:full}[-runtime]": _ON_CUDA},
        opaque="sglang",
    ),
    Family(
        "pytorchlightning/pytorch_lightning",
        {
            "base-cuda{cuda}-py{python}-torch{torch}": _ON_CUDA,
            "base-cuda-py{python}-torch{torch}-cuda{cuda}": _ON_CUDA,
            "{pytorch-lightning}-py{python}-torch{torch}-cuda{cuda}": _ON_CUDA,
        },
        opaque="torch",
    ),
    Family(
        "hiyouga/pytorch",
        {
            "th{torch:full}-cu{cuda:compact}-flashattn{flash-attn}[-{any}]": _NO_MORE,
            "th{torch:full}-cu{cuda:compact}[-{any}]": _NO_MORE,
        },
        _ON_CUDA,
        opaque="torch",
    ),
    Family(
        "hiyouga/verl", {"ngc-th{torch:full}-cu{cuda:compact}[-{any}]": _NO_MORE}, _ON_CUDA, opaque="torch"
    ),
    *(
        Family(
            f"{owner}/verl",
            {
                "base-{any}-cu{cuda:compact}-cudnn{cudnn}-torch{torch}-fa{flash-attn}[-{any}]": _NO_MORE,
                "{any}-cu{cuda:compact}-cudnn{cudnn}-torch{torch}[-{any}]": _NO_MORE,
            },
            _ON_CUDA,
            opaque="torch",
        )
        for owner in ("verlai", "iseekyan")
    ),
    Family("hpcaitech/pytorch-cuda", {"{torch:full}-{cuda}": _NO_MORE}, _ON_CUDA, opaque="torch"),
    Family(
        "runpod/pytorch",
        {"{torch:full}-py{python}-cuda{cuda}-{variant}[-{any}]": _NO_MORE},
        opaque="torch",
    ),
    *(
        Family(
            f"mosaicml/{name}",
            {
                "{torch:full}_cu{cuda:compact}[-python{python}-{os}][-{any}]": _NO_MORE,
                "{torch:full}_cpu[-python{python}-{os}][-{any}]": _ON_CPU,
            },
            opaque="torch",
        )
        for name in ("pytorch", "llm-foundry")
    ),
    Family(
        "determinedai/environments",
        {"cuda-{cuda}-pytorch-{torch}[-{any}]": _NO_MORE, "py-{python}-pytorch-{torch}[-{any}]": _ON_CPU},
        opaque="torch",
    ),
    Family("allenai/pytorch", {"{torch:full}-cuda{cuda}-python{python}[-{any}]": _NO_MORE}, opaque="torch"),
    Family("bitnami/pytorch", {"{torch:full}[-{any}]": _ON_CPU}, opaque="torch"),
    Family("cnstark/pytorch", {"{torch:full}-py{python}-cuda{cuda}-{any}": _NO_MORE}, opaque="torch"),
    Family(
        "anibali/pytorch",
        {"{torch:full}-cuda{cuda}[-{any}]": _NO_MORE, "{torch:full}-nocuda[-{any}]": _ON_CPU},
        opaque="torch",
    ),
    Family("nvidia/l4t-ml", holds=_ON_CUDA, opaque="torch"),
    Family("nvidia/l4t-tensorflow", {"r{any}-tf{tensorflow}-py3": _NO_MORE}, _ON_CUDA, opaque="tensorflow"),
    Family("nvidia/l4t-cuda", {"{cuda}-{variant}": _NO_MORE}, _ON_CUDA, plain=True),
    *(Family(f"nvidia/l4t-{name}", holds=_ON_CUDA, plain=True) for name in ("jetpack", "tensorrt")),
    Family("nvidia/l4t-base", plain=True),
    Family("nvidia/l4t-pytorch", {"r{any}-pth{torch}-py3": _NO_MORE}, _ON_CUDA, opaque="torch"),
    *(
        Family(f"{owner}/cann", {"{any}-{os}-py{python}[-devel]": _NO_MORE}, {"NPU": None}, plain=True)
        for owner in ("ascend", "ascendhub", "ascendai")
    ),
    Family("ascend/vllm-ascend", holds={"NPU": None}, opaque="vllm"),
    Family(
        "rayproject/ray",
        {
            "{ray:full}-py{python:compact}-cu{cuda:compact}[-{any}]": _NO_MORE,
            "{ray:full}-py{python:compact}-gpu[-{any}]": _ON_CUDA,
            "{ray:full}-py{python:compact}[-{any}]": _NO_MORE,
            "{ray:full}": _NO_MORE,
        },
        plain=True,
    ),
    *(
        Family(f"gaudi-docker/{{any}}/{{os}}/habanalabs/{name}", holds={"HPU": None}, opaque=package)
        for name, package in _GAUDI
    ),
    *(
        Family(
            name,
            {f"{{{server}:full}}{end}": holds for end, holds in (("[-devel]-gpu", _ON_CUDA), (cpu, _ON_CPU))},
            opaque=package,
            why=f"has the server {server}, and its tag does not state the {package} that this was built with",
        )
        for name, server, package, cpu in _SERVING
    ),
    *(
        Family(
            f"jupyter/{framework}-notebook",
            {"cuda{cuda}[-{any}]": _ON_CUDA, "python-{python}": _NO_MORE, "cuda{any}": _ON_CUDA},
            opaque=package,
            fixed=_DAY,
        )
        for framework, package in (("pytorch", "torch"), ("tensorflow", "tensorflow"))
    ),
    Family("jupyter/{any}", fixed=_DAY),
    Family(
        "paddlepaddle/paddle",
        {
            "{paddlepaddle-gpu:full}-gpu-cuda{cuda}-cudnn{cudnn}[-{any}]": _NO_MORE,
            "{paddlepaddle:full}": _ON_CPU,
        },
        opaque="paddlepaddle",
    ),
    Family(
        "python",
        {
            "{python}-slim-{os}": {"variant": "slim"},
            "{python}-slim": {"variant": "slim"},
            "{python}-{os}": _NO_MORE,
            "{python}[-{any}]": _NO_MORE,
        },
        plain=True,
        sets=("PYTHON_VERSION",),
    ),
    *(
        Family(name, plain=True)
        for name in ("ubi{any}/python-{python:compact}[-minimal]", "sclorg/python-{python:compact}-{any}")
    ),
    Family(
        "astral-sh/uv",
        {"python{python}[-{any}]": _NO_MORE, "{any}-python{python}[-{any}]": _NO_MORE},
        plain=True,
    ),
)
