"""`envhooks compat update` against an index that is served here: JSON and HTML, metadata beside a wheel and inside."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from package_index import PLATFORM, Served
from support import DOCKERFILE, GOOD_TAG, Repo

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.image.compat.table import extended, load_table
from envhooks.indexes.client import Index
from envhooks.indexes.rendering import render
from envhooks.indexes.table import refresh
from envhooks.indexes.ties import asked
from envhooks.policy.reader import parse_compat

TORCH = """\
Metadata-Version: 2.1
Name: torch
Version: 9.0.0
Requires-Python: >=3.11
Requires-Dist: filelock
Requires-Dist: nvidia-cuda-runtime-cu12==12.9.79; platform_system == "Linux"
Requires-Dist: nvidia-cudnn-cu12==9.10.2.21; platform_system == "Linux"
Requires-Dist: nvidia-cuda-runtime-cu11==11.0.1; platform_system == "Windows"
"""


def companion(name: str, version: str, torch: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: torch=={torch}\n"


@pytest.fixture
def index() -> Iterator[Served]:
    served = Served()
    served.add("torch", "9.0.0", TORCH, padding=3_000_000)
    served.add("torchvision", "9.1.0", companion("torchvision", "9.1.0", "9.0.0"), beside=True)
    served.add("torchaudio", "9.2.0", companion("torchaudio", "9.2.0", "9.0.0"))
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_a_new_release_becomes_a_row(index: Served) -> None:
    found = refresh(Index(index.url), load_table())
    (row,) = found.rows["torch"]
    assert row == {
        "version": "9.0.0", "torchvision": ["9.1.0"], "torchaudio": ["9.2.0"], "requires_python": ">=3.11",
        "pypi_cuda": "12.9", "cudnn": "9.10.2.21", "python_max": "3.12", "cuda_variants": [],
    }  # fmt: skip
    assert not found.unread
    day, rows = parse_compat(render(found.rows, "2026-11-30").encode(), "compat.toml")
    assert day == "2026-11-30"
    assert extended(load_table(), rows).torch["9.0.0"].torchvision == ("9.1.0",)


def test_a_wheel_is_not_fetched_for_its_metadata(index: Served) -> None:
    refresh(Index(index.url), load_table())
    assert index.sent < 1_000_000  # the wheel of torch alone has 3 MB
    assert not any(
        path.endswith("torchvision-9.1.0-cp312-cp312-manylinux_2_28_x86_64.whl") for path in index.asked
    )


VLLM = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: torch=={torch}\n"


def test_what_pins_its_framework_becomes_a_tie(index: Served) -> None:
    for version, torch in (("98.0", "9.0.0"), ("98.1", "9.0.0"), ("99.0.post1", "9.1.0")):
        index.add("vllm", version, VLLM.format(name="vllm", version=version, torch=torch))
    index.add("our_serving", "1.0", VLLM.format(name="our_serving", version="1.0", torch="2.7.1"))
    index.listings["our-serving"] = index.listings.pop("our_serving")
    found = refresh(Index(index.url), load_table(), tied=["our-serving"])
    assert found.rows["ties"] == (
        {"package": "our-serving", "version": ["1.0"], "requires": ["torch==2.7.1"]},
        {"package": "vllm", "version": ["98.0", "98.1"], "requires": ["torch==9.0.0"]},
        {"package": "vllm", "version": ["99.0.post1"], "requires": ["torch==9.1.0"]},
    )
    rows = parse_compat(render(found.rows, "2026-11-30").encode(), "compat.toml")[1]
    assert extended(load_table(), rows).own_ties["vllm"]["98.1"] == ("torch==9.0.0",)


def test_a_tie_of_which_the_index_says_otherwise_is_told(index: Served) -> None:
    index.add("vllm", "0.10.0", VLLM.format(name="vllm", version="0.10.0", torch="9.0.0"))
    found = refresh(Index(index.url), load_table(), everything=True)
    assert any(
        "vllm 0.10.0: requires torch==9.0.0, the table says torch==2.7.1" in one for one in found.differences
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("torch (>=2.0,<3)", ("torch>=2.0,<3",)),
        ('torch==2.7.1; platform_machine == "aarch64"', ()),
        ('torch==2.7.1; platform_machine != "aarch64"', ("torch==2.7.1",)),
        ('torch==2.7.1; python_version < "3.12"', ()),
        ('torch==2.7.1; extra == "all"', ()),
        ("torch==2.7.1; sys_platform != 'win32'", ("torch==2.7.1",)),
        ("torch @ https://host.example/torch.whl", ()),
        ("torch>=" + "9" * 400, ()),
        ("torch", ()),
    ],
)
def test_what_a_release_asks_of_its_framework(line: str, said: tuple[str, ...]) -> None:
    message = Message()
    message["Requires-Dist"] = line
    assert asked(message) == said


def test_html_is_read_as_json_is(index: Served) -> None:
    json_rows = refresh(Index(index.url), load_table()).rows
    index.kind = "html"
    assert refresh(Index(index.url), load_table()).rows == json_rows


def test_builds_for_cuda_come_from_an_index_that_lists_them(index: Served) -> None:
    builds = Served()
    for local in ("cu130", "cu128", "cpu", "rocm6.10", "rocm6.4"):
        builds.add("torch", f"9.0.0+{local}", TORCH)
    try:
        found = refresh(Index(index.url), load_table(), Index(builds.url))
    finally:
        builds.server.shutdown()
        builds.server.server_close()
    assert found.rows["torch"][0]["cuda_variants"] == ["cu128", "cu130"]
    assert found.rows["torch"][0]["rocm_variants"] == ["rocm6.4", "rocm6.10"]


TENSORFLOW = """\
Metadata-Version: 2.1
Name: tensorflow
Version: {version}
Requires-Dist: numpy<3
Requires-Dist: nvidia-cuda-runtime-cu12==12.9.79; extra == "and-cuda"
Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0; extra == "and-cuda"
Requires-Dist: nvidia-cudnn-cu12==1.0; extra == "other"
"""
JAX = """\
Metadata-Version: 2.1
Name: jax
Version: 9.0.0
Requires-Python: >=3.11
Provides-Extra: cuda12
Provides-Extra: cuda13
Provides-Extra: tpu
Requires-Dist: jaxlib{jaxlib}
Requires-Dist: jax-cuda12-plugin[with-cuda]{plugin}; extra == "cuda12"
Requires-Dist: jax-cuda13-plugin<=9.0.0,>=9.0.0; extra == "cuda13"
"""
OLD_JAX = """\
Metadata-Version: 2.1
Name: jax
Version: {version}
Requires-Python: >=3.9
Provides-Extra: cpu
Provides-Extra: cuda12_pip
Requires-Dist: jaxlib==0.4.28; extra == "cpu"
Requires-Dist: jaxlib==0.4.28+cuda12.cudnn89; extra == "cuda12_pip"
"""


def test_tensorflow_is_a_row_for_each_line_by_its_last_release(index: Served) -> None:
    for version in ("98.1.0", "98.1.2", "98.2.0"):
        index.add("tensorflow", version, TENSORFLOW.format(version=version))
    index.add("tensorflow", "98.3.0", "Metadata-Version: 2.1\nName: tensorflow\nVersion: 98.3.0\n")
    rows = refresh(Index(index.url), load_table()).rows["tensorflow"]
    facts = {
        "cuda": "12.9", "cudnn": "<10.0,>=9.3.0", "python": ["3.12"], "and_cuda_runtime": "12.9.79",
        "and_cuda_cudnn": "<10.0,>=9.3.0",
    }  # fmt: skip
    assert rows == (
        {"version": "98.1", **facts},
        {"version": "98.2", **facts},
    )  # 98.3 does not say what it needs
    assert "tensorflow-98.1.0" not in " ".join(index.asked)


def test_tensorflow_of_the_table_is_compared(index: Served) -> None:
    index.add("tensorflow", "2.19.1", TENSORFLOW.format(version="2.19.1"))
    found = refresh(Index(index.url), load_table(), everything=True)
    (row,) = found.rows["tensorflow"]
    assert row["version"] == "2.19" and row["and_cuda_runtime"] == "12.9.79" and "python" not in row
    assert any(
        text.startswith("tensorflow 2.19: and_cuda_runtime is 12.9.79, the") for text in found.differences
    )


@pytest.mark.parametrize(
    ("jaxlib", "plugin", "said"),
    [
        ("<=9.0.0,>=9.0.0", "<=9.0.0,>=9.0.0", "lockstep"),
        ("==9.0.0", "==9.0.0", "lockstep"),
        ("<=9.0.0,>=8.9.0", "<=9.0.0,>=9.0.0", "==9.0.0"),
        ("<=9.0.0,>=8.9.0", "<=9.0.0,>=8.9.0", ">=8.9.0,<=9.0.0"),
    ],
)
def test_jax_is_a_row_with_its_library_and_its_plugin(
    index: Served, jaxlib: str, plugin: str, said: str
) -> None:
    index.add("jax", "9.0.0", JAX.format(jaxlib=jaxlib, plugin=plugin))
    (row,) = refresh(Index(index.url), load_table()).rows["jax"]
    assert (row["plugin"], row["cuda_extras"], row["requires_python"]) == (
        said,
        ["cuda12", "cuda13"],
        ">=3.11",
    )
    assert "jaxlib_per_extra" not in row


def test_an_old_jax_asks_for_a_library_by_each_extra(index: Served) -> None:
    index.add("jax", "0.4.28", OLD_JAX.format(version="0.4.28"))
    index.add("jax", "98.0.0", OLD_JAX.format(version="98.0.0"))
    found = refresh(Index(index.url), load_table(), everything=True)
    rows = {row["version"]: row for row in found.rows["jax"]}
    assert rows["98.0.0"] == {
        "version": "98.0.0", "jaxlib": "==0.4.28", "cuda_extras": ["cuda12_pip"], "jaxlib_per_extra": True,
        "jaxlib_local": ["0.4.28+cuda12.cudnn89"], "requires_python": ">=3.9",
    }  # fmt: skip
    assert not [text for text in found.differences if text.startswith("jax 0.4.28: jaxlib ")]


def test_where_tensorflow_or_jax_cannot_be_read_it_is_told(index: Served) -> None:
    for name in ("tensorflow", "jax"):
        index.add(name, "98.0.0", "")
        index.files = {path: b"no zip" if name in path else data for path, data in index.files.items()}
    found = refresh(Index(index.url), load_table())
    assert not found.rows.get("tensorflow") and not found.rows.get("jax")
    assert {text.partition(":")[0] for text in found.unread} == {"tensorflow 98.0.0", "jax 98.0.0"}


def test_pre_releases_and_yanked_ones_are_passed_over(index: Served) -> None:
    index.add("torch", "9.1.0rc1", TORCH)
    index.add("torch", "9.2.0", TORCH, yanked="broken")
    assert [row["version"] for row in refresh(Index(index.url), load_table()).rows["torch"]] == ["9.0.0"]


def test_where_the_index_says_otherwise_it_is_told(index: Served) -> None:
    index.add("torch", "2.8.0", TORCH.replace("12.9.79", "11.1.0"))
    found = refresh(Index(index.url), load_table(), everything=True)
    assert any("torch 2.8.0: pypi_cuda is 11.1, the table says 12.8" in text for text in found.differences)


@pytest.mark.parametrize("fault", ["no ranges", "no zip", "bomb", "two", "gone"])
def test_a_wheel_that_cannot_be_read_is_told_and_the_rest_goes_on(index: Served, fault: str) -> None:
    path = f"/files/torch-9.0.0-{PLATFORM}.whl"
    if fault == "no ranges":
        index.ranges = False
    elif fault == "gone":
        del index.files[path]
    else:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            if fault == "bomb":
                archive.writestr("torch-9.0.0.dist-info/METADATA", b"x" * (50 << 20))
            if fault == "two":
                archive.writestr("a-1.dist-info/METADATA", "a")
                archive.writestr("b-1.dist-info/METADATA", "b")
        index.files[path] = b"not a wheel" * 100 if fault == "no zip" else data.getvalue()
    found = refresh(Index(index.url), load_table())
    assert [text.partition(":")[0] for text in found.unread if text.startswith("torch ")] == ["torch 9.0.0"]
    assert "torch" not in found.rows


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"files": 3}', b"{" * 100_000, b'{"files": [null, {"filename": 3}]}']
)
def test_an_answer_that_is_no_listing(index: Served, body: bytes) -> None:
    index.answer = lambda path, wanted: (200, body, {"Content-Type": "application/json"})  # type: ignore[method-assign]
    try:
        assert Index(index.url).wheels("torch") == ()
    except CannotJudge as error:
        assert "no listing" in error.message


@pytest.mark.parametrize(
    "url",
    ["http://example.org/simple", "file:///etc", "ftp://x", "", "x", "http://[::1", "https://x:99999999"],
)
def test_what_is_no_index(url: str) -> None:
    with pytest.raises(UsageError):
        Index(url)


def test_a_link_that_is_no_address_is_passed_over(index: Served) -> None:
    wheel = "torch-9.9.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    good = f"https://files.example.org/{wheel}"
    links = "".join(
        f'<a href="{url}">{wheel}</a>' for url in (f"https://[/{wheel}", f"http://[::1/{wheel}", good)
    )
    index.answer = lambda path, wanted: (200, links.encode(), {"Content-Type": "text/html"})  # type: ignore[method-assign]
    assert [file.url for file in Index(index.url).wheels("torch")] == [good]


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(CannotJudge) as error:
        Index("http://user:hunter2@127.0.0.1:9/simple").wheels("torch")
    assert "hunter2" not in str(error.value)


def test_from_the_index_to_the_verdict(good: Repo, index: Served) -> None:
    """A tag of a release that the package's table does not know is judged by the rows that were merged."""
    done = good.envhooks("compat", "update", "--index", index.url)
    assert done.code == 0, done.said
    assert "torch: 9.0.0" in done.out
    text = DOCKERFILE.replace("2.8.0+cu128", "9.0.0+cu128").replace("0.23.0+cu128", "9.9.9+cu128")
    good.commit_files(
        {"Dockerfile": text, "CHANGELOG.md": "# Changelog\n\n## 9.0-rc1 - 2026-10-12\n\nTry it.\n"}
    )
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", "PyTorch-CUDA-v9.0-rc1", "-m", "x")
    said = good.envhooks("check", "--verbose", "PyTorch-CUDA-v9.0-rc1").said
    assert "torchvision 9.1.0" in said, said
    assert (
        "does not list" in good.envhooks("check", "--verbose", "PyTorch-CUDA-v9.0-rc1").said
        or "9.9.9" in said
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('compiled = "yesterday"', "no day"),
        ("[[torch]]\ntorchvision = []", "no version"),
        ('[[torch]]\nversion = "9.0.0"\nvision = ["1"]', "vision"),
        ("x = [", "compat.toml"),
        ("[[tensorflow]]\nversion = 3", "text"),
    ],
)
def test_a_table_that_cannot_be_read_stops_the_gate(good: Repo, text: str, why: str) -> None:
    good.git("tag", "-s", GOOD_TAG, "-m", "x")
    assert good.envhooks("check", GOOD_TAG).code == 0
    good.commit_files({".envhooks/compat.toml": text})
    good.git("push", "-q", "--no-verify", "origin", "main")
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 2 and why in done.said, done.said


def test_nothing_is_written_through_a_link(good: Repo, index: Served, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("x")
    (good.path / ".envhooks/compat.toml").symlink_to(tmp_path / "victim")
    done = good.envhooks("compat", "update", "--index", index.url)
    assert done.code == 2 and (tmp_path / "victim").read_text() == "x"
