"""Faults that people reported in public, and what the reader says of each: never a version that is not there."""

from __future__ import annotations

import pytest
from reading import read

from envhooks.image import Environment
from envhooks.image.compat import judge_environment

PYTORCH = "https://download.pytorch.org/whl"
NGC = "nvcr.io/nvidia/pytorch:25.08-py3"


def exact(environment: Environment, name: str) -> str | None:
    """The exact version that is claimed, with its local part; None where none is."""
    found = [one for one in environment.find(name) if one.exact]
    if not found:
        return None
    return f"{found[0].version}+{found[0].local}" if found[0].local else found[0].version


def wheel(environment: Environment) -> set[tuple[str, str | None]]:
    return {(one.kind, one.version) for one in environment.hardware if one.source == "wheel"}


def why(environment: Environment, what: str) -> str:
    return " ".join(one.why for one in environment.cannot_tell if one.what == what)


# ---------------------------------------------------------------- ARG of the file, ENV of the base image


@pytest.mark.parametrize(
    ("base", "argument", "version"),
    [
        ("pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel", "PYTORCH_VERSION=2.8.0", None),
        ("pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel", "PYTORCH_VERSION=2.6.0", "2.6.0"),
        ("pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel", "WANTED=2.8.0", "2.8.0"),
        ("ubuntu:24.04", "PYTORCH_VERSION=2.8.0", "2.8.0"),
        ("nvidia/cuda:12.8.1-devel-ubuntu24.04", "PYTORCH_VERSION=2.8.0", "2.8.0"),
        ("team/secret:1", "PYTORCH_VERSION=2.8.0", None),
    ],
)
def test_a_variable_that_the_base_image_sets_is_not_known_by_its_arg(
    base: str, argument: str, version: str | None
) -> None:
    name = argument.partition("=")[0]
    environment = read(f"FROM {base}\nARG {argument}\nRUN pip install torch==${{{name}}}\n")
    assert exact(environment, "torch") == version
    if version is None:
        assert f"set {name} itself" in why(environment, "torch") or f"sets {name} itself" in why(
            environment, "torch"
        )


def test_no_cuda_is_claimed_from_an_arg_over_the_base_images_own() -> None:
    text = (
        "FROM nvidia/cuda:12.6.3-devel-ubuntu24.04\nARG CUDA_VERSION={}\n"
        "RUN pip install torch==2.8.0 --index-url " + PYTORCH + "/cu${{CUDA_VERSION//./}}\n"
    )
    assert wheel(read(text.format("12.8"))) == set()
    assert wheel(read(text.replace("CUDA_VERSION", "WANTED").format("12.8"))) == {("CUDA", "12.8")}


def test_the_base_image_gives_the_variable_that_its_tag_states_in_full() -> None:
    text = (
        "FROM nvidia/cuda:{}-devel-ubuntu24.04\nRUN pip install jax==0.4.26 cuda-python==${{CUDA_VERSION}}\n"
    )
    assert exact(read(text.format("12.2.2")), "cuda-python") == "12.2.2"
    assert exact(read(text.format("12.2")), "cuda-python") is None


# ---------------------------------------------------------------- an upgrade keeps a local build


@pytest.mark.parametrize(
    ("command", "version", "hardware"),
    [
        ("pip install -U torch==2.9.1", "2.9.1+cu128", {("CUDA", "12.8")}),
        ("pip install torch==2.9.1", "2.9.1+cu128", {("CUDA", "12.8")}),
        ("pip install --force-reinstall torch==2.9.1", "2.9.1", set()),
        (f"pip install -U torch==2.9.1 --index-url {PYTORCH}/cu130", "2.9.1", {("CUDA", "13.0")}),
        ("uv pip install --system -U torch==2.9.1", "2.9.1", set()),
        ("pip install -U torch==2.10.0", "2.10.0", set()),
    ],
)
def test_an_upgrade_to_the_version_that_is_there_keeps_its_local_build(
    command: str, version: str, hardware: set[tuple[str, str | None]]
) -> None:
    environment = read(
        f"FROM python:3.12\nRUN pip install torch==2.9.1+cu128 --index-url {PYTORCH}/cu128\nRUN {command}\n"
    )
    assert exact(environment, "torch") == version
    assert wheel(environment) == hardware


# ---------------------------------------------------------------- the base image's framework


def test_requirements_that_replace_the_framework_of_an_ngc_image_are_told() -> None:
    environment = read(
        f"FROM {NGC}\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        requirements_dot_txt="numpy==1.26.4\ntorch==2.7.0\n",
    )
    (one,) = environment.replaced
    assert (one.name, one.was, one.now) == ("torch", NGC, "torch==2.7.0")
    assert str(one.place) == "requirements.txt:2"
    assert exact(environment, "torch") == "2.7.0"


def test_requirements_that_any_torch_meets_leave_the_one_of_an_ngc_image() -> None:
    environment = read(
        f"FROM {NGC}\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        requirements_dot_txt="torch\n",
    )
    assert environment.replaced == () and exact(environment, "torch") is None
    assert "release notes" in why(environment, "torch")


@pytest.mark.parametrize(
    ("image", "version", "told"),
    [
        ("team/pytorch:2.7.1-cu12.6.3-py3.11", "2.7.1", False),
        ("team/pytorch:2.7.1-cu12.6.3-py3.11", "2.7.0", True),
        ("nvcr.io/nvidia/pytorch:25.01-py3", "2.6.0a0+ecf3bae40a.nv25.01", False),
        ("nvcr.io/nvidia/pytorch:25.02-py3", "2.6.0a0+ecf3bae40a.nv25.01", True),
        ("nvcr.io/nvidia/pytorch:25.01-py3", "2.6.0", True),
        ("pytorch/pytorch:1.3-cuda10.1-cudnn7-runtime", "1.3.1", False),
        ("intel/intel-extension-for-pytorch:2.8.0-pip-base", "2.8.0", False),
    ],
)
def test_the_version_that_a_base_images_tag_speaks_of_replaces_nothing(
    image: str, version: str, told: bool
) -> None:
    environment = read(f"FROM {image}\nRUN pip install torch=={version}\n")
    assert bool(environment.replaced) == told
    assert (exact(environment, "torch") or "").startswith(version.partition("+")[0])


@pytest.mark.parametrize(
    ("host", "version"),
    [
        ("763104351884.dkr.ecr.$REGION.amazonaws.com", "2.2.0"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com", "2.2.0"),
        ("$REGION.amazonaws.com", None),
        ("763104351884.dkr.ecr.$REGION", None),
        ("$REGISTRY", None),
    ],
)
def test_a_region_that_is_not_known_does_not_hide_the_image(host: str, version: str | None) -> None:
    image = f"{host}/pytorch-inference:2.2.0-cpu-py310-ubuntu20.04-sagemaker"
    environment = read(f"ARG REGION\nARG REGISTRY\nFROM {image}\nRUN pip install numpy==1.26.4\n")
    assert exact(environment, "torch") == version
    assert environment.python == (version and "3.10")


def test_a_base_images_own_version_again_replaces_nothing() -> None:
    base = "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel\nRUN pip install torch=="
    assert read(f"{base}2.6.0\n").replaced == ()
    (one,) = read(f"{base}2.7.0\n").replaced
    assert one.was.startswith("torch 2.6.0 of pytorch/pytorch")


# ---------------------------------------------------------------- packages that bring their own torch


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("pip install xformers", None),
        ("pip install vllm", None),
        ("pip install --no-deps xformers", "2.3.0"),
        ("pip install xformers torch==2.3.0", "2.3.0"),
        ("pip install transformers", "2.3.0"),
        ("pip install torchvision", None),
    ],
)
def test_a_later_package_that_asks_for_its_own_torch_makes_the_pin_doubtful(
    command: str, version: str | None
) -> None:
    environment = read(f"FROM python:3.12\nRUN pip install torch==2.3.0\nRUN {command}\n")
    assert exact(environment, "torch") == version


def test_the_companions_of_a_framework_image_are_there_already() -> None:
    base = "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel\n"
    assert exact(read(f"{base}RUN pip install torchvision\n"), "torch") == "2.6.0"
    assert exact(read(f"{base}RUN pip install vllm\n"), "torch") is None


# ---------------------------------------------------------------- environments and clones that are not followed


def test_an_environment_that_a_script_makes_hides_what_the_base_image_has() -> None:
    text = "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel\nENV PATH=/app/.venv/bin:$PATH\n{}"
    assert exact(read(text.format("RUN ./install.sh\n")), "torch") is None
    assert exact(read(text.format("RUN pip install torch==2.8.0\n")), "torch") == "2.8.0"
    known = "RUN python -m venv --system-site-packages /app/.venv\n"
    assert exact(read(text.format(known)), "torch") == "2.6.0"


def test_a_clone_of_this_very_repository_may_ask_for_another_torch() -> None:
    text = (
        "FROM python:3.12\nRUN pip install torch==2.1.2\n"
        "RUN git clone https://git.example.org/team/Thing && cd Thing && pip install .\n"
    )
    files = {
        "thing/init.py": "",
        "thing/x": "",
        "pyproject.toml": "[project]\nname='thing'\ndependencies=['{}']\n",
    }
    for wanted, version in (("torch>=2.2", None), ("torch>=2.0", "2.1.2")):
        tree = {**files, "pyproject.toml": files["pyproject.toml"].format(wanted)}
        assert exact(read(text, tree), "torch") == version


# ---------------------------------------------------------------- ten reports of the field


def judged(environment: Environment) -> set[tuple[str, str]]:
    """(rule, level) of what does not go together."""
    return {(one.rule, one.level) for one in judge_environment(environment)}


def test_a_torch_of_a_cuda_that_it_was_never_built_for() -> None:
    """`torch==2.8.0+cu118`: no matching distribution found."""
    environment = read(f"FROM python:3.12\nRUN pip install torch==2.8.0+cu118 --index-url {PYTORCH}/cu118\n")
    assert exact(environment, "torch") == "2.8.0+cu118"
    assert ("variant", "error") in judged(environment)


@pytest.mark.parametrize(
    ("options", "hardware"),
    [
        (f"--index-url {PYTORCH}/cpu", {("CPU", None)}),
        (f"--extra-index-url {PYTORCH}/cpu", {("CPU", None)}),
        ("", set()),
    ],
)
def test_a_cpu_wheel_by_the_order_of_the_indexes(options: str, hardware: set[tuple[str, str | None]]) -> None:
    """torch.cuda.is_available() is False: the CPU index came first, or ranks higher."""
    assert wheel(read(f"FROM python:3.12\nRUN pip install torch==2.7.1 {options}\n")) == hardware


def test_uv_takes_the_extra_index_before_the_usual_one() -> None:
    """uv's first index wins, where pip takes the highest version of all."""
    both = f"torch==2.8.0 --index-url {PYTORCH}/cu128 --extra-index-url {PYTORCH}/cpu"
    assert wheel(read(f"FROM python:3.12\nRUN uv pip install --system {both}\n")) == {("CPU", None)}


def test_a_torchvision_of_another_torch() -> None:
    """operator torchvision::nms does not exist."""
    environment = read("FROM python:3.12\nRUN pip install torch==2.8.0 torchvision==0.19.0\n")
    assert ("companion", "error") in judged(environment)


def test_a_base_images_torch_that_requirements_replace() -> None:
    """undefined symbol, after `pip install -r` over pytorch/pytorch."""
    environment = read(
        "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel\nCOPY . /src\nRUN pip install -r /src/requirements.txt\n",
        requirements_dot_txt="torch==2.2.2\n",
    )
    assert exact(environment, "torch") == "2.2.2" and len(environment.replaced) == 1


def test_numpy_2_beside_a_torch_of_numpy_1_is_read_as_it_stands() -> None:
    """A module that was compiled using NumPy 1.x cannot be run in NumPy 2: both pins are there to be compared."""
    environment = read("FROM python:3.11\nRUN pip install torch==2.2.2 && pip install numpy==2.1.0\n")
    assert (exact(environment, "torch"), exact(environment, "numpy")) == ("2.2.2", "2.1.0")


def test_an_image_older_than_its_wheels_cuda() -> None:
    """sm_120 is not compatible with the current PyTorch installation: cu128 wheels over an older toolkit."""
    environment = read(
        "FROM nvidia/cuda:11.8.0-devel-ubuntu22.04\n"
        f"RUN pip install torch==2.7.0 --index-url {PYTORCH}/cu128\n"
    )
    assert wheel(environment) == {("CUDA", "12.8")}
    assert {one.version for one in environment.hardware if one.source == "base"} == {"11.8.0"}
    assert ("image-cuda", "warning") in judged(environment)


def test_a_rocm_wheel_is_no_cuda() -> None:
    """HIP error: the CUDA build was installed on an AMD machine."""
    environment = read(
        f"FROM rocm/dev-ubuntu-22.04:6.4-complete\nRUN pip install torch==2.8.0 --index-url {PYTORCH}/rocm6.4\n"
    )
    assert wheel(environment) == {("ROCm", "6.4")}
    plain = read("FROM rocm/dev-ubuntu-22.04:6.4-complete\nRUN pip install torch==2.8.0\n")
    assert ("ROCm", "6.4") not in wheel(plain)


def test_a_jetson_image_says_a_series_and_no_release() -> None:
    """l4t-pytorch:r36.2.0-pth2.1-py3: which 2.1 it is, the tag does not say."""
    environment = read("FROM nvcr.io/nvidia/l4t-pytorch:r36.2.0-pth2.1-py3\nRUN pip install transformers\n")
    assert exact(environment, "torch") is None and "says 2.1" in why(environment, "torch")


def test_an_ngc_image_whose_torch_an_upgrade_takes_away() -> None:
    """After `pip install -U torch` the image's Transformer Engine and Apex no longer import."""
    environment = read(f"FROM {NGC}\nRUN pip install -U torch\n")
    assert exact(environment, "torch") is None
    assert [one.name for one in environment.unpinned] == ["torch"]
