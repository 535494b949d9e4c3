"""What a package's own spelling says of the accelerator that it is built for."""

from __future__ import annotations

import re

from envhooks.catalog.frameworks import Evidence
from envhooks.catalog.lookup import BY_BUILD, BY_INDEX, BY_LOCAL, built_for

__all__ = ["Evidence", "built_for"]
FROM_INDEX = BY_INDEX
"""Packages whose wheels for one accelerator lie in an index of their own: `.../whl/cu128`."""
FROM_LOCAL = BY_LOCAL
FROM_BUILD = BY_BUILD
"""Packages whose conda build string names the accelerator: `py3.9_cuda11.7_cudnn8.5.0_0`."""

_PLAIN_URL = r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9./_+~-]*)?"
_CUDA = r"cu(?:da)?([0-9]{2,3}|[0-9]+\.[0-9]+)(?:(?:[._-]|torch|cudnn).*)?"
_ROCM = r"rocm([0-9]+(?:\.[0-9]+)*)(?:[_-].*)?"
_PLAIN = {"cpu": "CPU", "xpu": "XPU", "cpu-cxx11-abi": "CPU", "cpu.cxx11.abi": "CPU"}


def of_word(word: str) -> Evidence | None:
    """`cu128` -> CUDA 12.8, `rocm6.4` -> ROCm 6.4, `cpu`, `xpu`; None for anything else."""
    if word in _PLAIN:
        return _PLAIN[word], None
    match = re.fullmatch(_CUDA, word)
    if match:
        return "CUDA", _cuda(match.group(1))
    match = re.fullmatch(_ROCM, word)
    return ("ROCm", match.group(1)) if match else None


def _cuda(digits: str) -> str:
    if "." in digits:
        return digits
    if len(digits) == 2 and digits[0] == "1":
        return digits  # `cu12`: the major version only; before CUDA 10 two digits were both numbers
    return f"{digits[:-1]}.{digits[-1]}"


def of_url(url: str) -> Evidence | None:
    """What the path of a wheel index says: `.../whl/cu128`; the last such word counts."""
    match = re.fullmatch(_PLAIN_URL, url)
    if match:  # as nearly all are, and to import the reader of all others takes 2 ms
        path = match.group(1) or ""
    else:
        from urllib.parse import urlsplit

        try:
            path = urlsplit(url).path
        except ValueError:
            return None
    found = [evidence for part in path.split("/") if (evidence := of_word(part)) is not None]
    return found[-1] if found else None


def of_extras(name: str, extras: tuple[str, ...]) -> Evidence | None:
    """`jax[cuda12]`, `tensorflow[and-cuda]`, `torch-xla[tpu]`."""
    for extra in extras:
        if name == "tensorflow" and extra == "and-cuda":
            return "CUDA", None
        if name in ("jax", "torch-xla"):
            match = re.fullmatch(r"cuda([0-9]*)(?:-.*)?", extra)
            if match:
                return "CUDA", match.group(1) or None
            if extra == "tpu" or extra.startswith("rocm") or extra == "cpu":
                return {"t": "TPU", "r": "ROCm", "c": "CPU"}[extra[0]], None
    return None


def of_build(build: str) -> Evidence | None:
    """A conda build string: `py3.8_cuda10.2.89_cudnn7.6.5_0`."""
    match = re.search(r"(?:\A|_)cuda_?([0-9]+\.[0-9]+(?:\.[0-9]+)?|[0-9]{3})(?=_|py|\Z)", build)
    if match:
        digits = match.group(1)
        return "CUDA", digits if "." in digits else _cuda(digits)
    return ("CPU", None) if re.search(r"(?:\A|_)cpu_", build) else None
