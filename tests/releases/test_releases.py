"""`envhooks list`, `show`, `diff`: facts of releases, unknown said and never guessed."""

from __future__ import annotations

import json
from itertools import combinations, product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from support import CHANGELOG, DOCKERFILE, GOOD_TAG, Repo

from envhooks.base.place import Place
from envhooks.image import Environment, Package
from envhooks.image.files import FolderFiles
from envhooks.image.interpreter import read_environment
from envhooks.releases.compare import holds

OLDER = DOCKERFILE.replace(
    "torch==2.8.0+cu128 torchvision==0.23.0+cu128", "torch==2.5.1+cu124 torchvision==0.20.1+cu124"
)
OLDER = OLDER.replace("12.8.1-devel-ubuntu24.04", "12.4.1-devel-ubuntu22.04").replace(
    "whl/cu128", "whl/cu124"
)


@pytest.fixture
def series(good: Repo) -> Repo:
    """v2.5, v2.8-rc1, v2.8-rc2 unsigned, in one line, and a CPU release of which torch is not pinned."""
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("tag", "-a", "PyTorch-CUDA-v2.8-rc2", "-m", "Second candidate")
    entry = "# Changelog\n\n## 2.5 - 2025-01-02\n\nPyTorch 2.5.1. No known issues; no upgrade notes.\n"
    good.commit_files(
        {"Dockerfile": OLDER, "CHANGELOG.md": CHANGELOG.replace("# Changelog\n", entry)}, "Older"
    )
    good.git("tag", "-s", "PyTorch-CUDA-v2.5", "-m", "Stable")
    good.commit_files({"Dockerfile": "FROM python:3.12-slim\nRUN pip install torch\n"}, "Unpinned")
    good.git("tag", "-s", "PyTorch-CPU-v2.9", "-m", "Unpinned")
    good.git("push", "-q", "origin", "main")
    return good


def listed(repo: Repo, *arguments: str) -> tuple[int, list[str], list[str]]:
    done = repo.envhooks("list", "--format", "json", *arguments)
    document = json.loads(done.out)
    return (
        done.code,
        [one["tag"] for one in document["releases"]],
        [one["tag"] for one in document["unknown"]],
    )


def test_lines_and_versions_in_order_with_verdicts(series: Repo) -> None:
    done = series.envhooks("list", "--format", "json")
    document = json.loads(done.out)
    told = [(one["tag"], one["stage"], one["verdict"], one["signer"]) for one in document["releases"]]
    assert told == [
        ("PyTorch-CPU-v2.9", "stable", "refused", "alice@example.org"),
        ("PyTorch-CUDA-v2.5", "stable", "accepted", "alice@example.org"),
        ("PyTorch-CUDA-v2.8-rc1", "rc", "accepted", "alice@example.org"),
        ("PyTorch-CUDA-v2.8-rc2", "rc", "refused", None),
    ]
    assert "signature" in document["releases"][3]["reason"] or "signed" in document["releases"][3]["reason"]


def test_what_holds_a_package_and_of_what_it_is_not_known(series: Repo) -> None:
    assert listed(series, "--has", "torch<2.6", "--unjudged") == (
        2,
        ["PyTorch-CUDA-v2.5"],
        ["PyTorch-CPU-v2.9"],
    )
    assert listed(series, "--has", "torch<2.6", "--line", "PyTorch-CUDA", "--unjudged") == (
        0,
        ["PyTorch-CUDA-v2.5"],
        [],
    )
    assert listed(series, "--has", "torch", "--unjudged")[0] == 0
    assert listed(series, "--has", "torch>=2.8", "--has", "torchvision<0.23", "--unjudged")[1] == []


BUILDS = [
    # `torch==2.8.0+cu128` in the file
    ("torch==2.8.0+cu128", True), ("Torch==2.8+cu128", True), ("torch==2.8.0+cu126", False),
    ("torch!=2.8+cu128", False),
    ("torch!=2.8.0+cu126", True), ("torch==2.8.0", True), ("torch===2.8.0", False), ("torch===2.8.0+cu128", True),
    ("torch>2.8.0", False), ("torch>=2.8.0,<2.9", True), ("torch~=2.8.0", True), ("pytorch<2.9", True),
    # `numpy==2.1.0` by an index that has builds of its own
    ("numpy==2.1.0", True), ("numpy==2.1.0+mkl", None), ("numpy!=2.1.0+mkl", None), ("NumPy<2", False),
    ("opencv_python==4.10.*", True), ("Epoch<2", False), ("epoch<1!2", True), ("pre<2", False), ("pre<=2", True),
]  # fmt: skip


@pytest.mark.parametrize(("question", "answer"), BUILDS)
def test_a_build_is_a_part_of_the_version(tmp_path: Path, question: str, answer: bool | None) -> None:
    pins = "torch==2.8.0+cu128 numpy==2.1.0 opencv-python==4.10.0.84 epoch==1!1.0 pre==2.0rc1"
    index = "https://download.pytorch.org/whl/cu128"
    (tmp_path / "Dockerfile").write_text(
        f"FROM python:3.12-slim\nRUN pip install {pins} --index-url {index}\n"
    )
    found = holds(read_environment(FolderFiles(tmp_path), "Dockerfile"), Requirement(question))
    assert (None if isinstance(found, str) else found) is answer, found


RANGES = [
    ("numpy<1", "numpy>=2", False), ("numpy<1", "numpy<2", True), ("numpy<1", "numpy<0.9", None),
    ("numpy<2", "numpy==2.1", False), ("numpy~=1.26", "numpy>=2", False), ("numpy~=1.26", "numpy<2", True),
    ("numpy>=2,!=2.0.1", "numpy>=1.26", True), ("numpy>=1.26", "numpy>=2", None), ("numpy", "numpy<2", None),
    ("numpy==1.*", "numpy>=2", False), ("numpy==1.*", "numpy>=1", None), ("numpy<2", "numpy", True),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "question", "answer"), RANGES)
def test_a_range_answers_where_every_version_of_it_does(
    tmp_path: Path, asked: str, question: str, answer: bool | None
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM python:3.12-slim\nRUN pip install '{asked}'\n")
    found = holds(read_environment(FolderFiles(tmp_path), "Dockerfile"), Requirement(question))
    assert (None if isinstance(found, str) else found) is answer, found


def test_a_range_never_says_what_one_of_its_versions_denies() -> None:
    """packaging has the word, over every pair of ranges: pre-releases, posts and builds of the ends among them."""
    suffixes = ("", "rc1", ".dev0", ".post1", "+cu1", ".post1.dev2")
    versions = [
        f"{n}{more}" for n in ("0.9", "1", "1.0.1", "1.1", "2", "2.0.1", "3", "1!1") for more in suffixes
    ]
    parts = [f"{sign}{n}" for sign in ("<", "<=", ">", ">=", "!=", "==") for n in ("1", "2.0", "1!1")]
    parts += ["~=1.1", "==1.*", "!=1.*", "==1.1.*", "~=1.0.1", "===1"]
    ranges = [*parts, *map(",".join, combinations(parts, 2))]
    let_in = {
        one: {text for text in versions if SpecifierSet(one).contains(text, prereleases=True)}
        for one in ranges
    }
    place, told = Place("Dockerfile", 1), set()
    for asked, wanted in product(ranges, parts):
        package = Package("numpy", None, None, False, asked, "pip", place)
        found = holds(Environment("Dockerfile", "0", None, None, (package,)), Requirement(f"numpy{wanted}"))
        if found is True:
            assert let_in[asked] <= let_in[wanted], (asked, wanted)
        elif found is False:
            assert not let_in[asked] & let_in[wanted], (asked, wanted)
        told.add(found if isinstance(found, bool) else None)
    assert told == {True, False, None}


def test_a_package_that_no_file_names_is_unknown(series: Repo) -> None:
    """A dependency may bring it: a guess would tell a person that an image is safe."""
    code, found, unknown = listed(series, "--has", "numpy<2", "--unjudged")
    assert (code, found) == (2, [])
    assert len(unknown) == 4
    assert listed(series, "--has", "numpy<2", "--direct", "--unjudged") == (0, [], [])


@pytest.mark.parametrize(
    "text", ["torch<<2", "torch @ https://example.org/x.whl", "torch[x]", "torch;python_version>'3'", " "]
)
def test_a_question_that_is_none(good: Repo, text: str) -> None:
    done = good.envhooks("list", "--has", text)
    assert done.code == 2
    assert "--has 'torch<2.6'" in done.err


def test_the_table_on_80_columns(series: Repo) -> None:
    series.environ["COLUMNS"] = "80"
    done = series.envhooks("list", "--format", "table")
    assert all(len(line) <= 80 for line in done.out.splitlines()), done.out
    assert "PyTorch-CUDA-v2.8-rc1" in done.out and "\x1b" not in done.out


def test_a_name_is_whole_in_any_width(series: Repo) -> None:
    """A terminal of a telephone, or half of one: a name that is cut is another release's."""
    for width in ("20", "40", "60", "200"):
        narrow = Repo(series.path, {**series.environ, "COLUMNS": width})
        done = narrow.envhooks("list", "--format", "table")
        words = done.out.split()
        for tag in (
            "PyTorch-CPU-v2.9",
            "PyTorch-CUDA-v2.5",
            "PyTorch-CUDA-v2.8-rc1",
            "PyTorch-CUDA-v2.8-rc2",
        ):
            assert tag in words, done.out
        assert words.count("good") == 2 and words.count("2026-11-01") == 4, done.out


def test_a_line_that_is_none_is_no_answer(series: Repo) -> None:
    done = series.envhooks("list", "--has", "torch<2.6", "--line", "PyTorch-CUDA12", "--format", "table")
    assert done.code == 2 and "no line PyTorch-CUDA12 here; there are PyTorch-CPU, PyTorch-CUDA" in done.err
    done = series.envhooks(
        "list", "--line", "pytorch-cuda", "--stage", "beta", "--format", "table", check=True
    )
    assert done.out == "there are no such releases here\n"


def test_one_release_in_full(series: Repo) -> None:
    done = series.envhooks("show", GOOD_TAG, "--format", "text")
    assert done.code == 0, done.said
    for part in (
        "verdict     good",
        "alice@example.org",
        "nvidia/cuda:12.8.1-devel-ubuntu24.04",
        "torch 2.8.0+cu128",
        "570",
    ):
        assert part in done.out
    assert series.envhooks("show", "PyTorch-CUDA-v2.8-rc2").code == 1
    document = json.loads(series.envhooks("show", GOOD_TAG, "--format", "json").out)
    assert document["environment"]["base"]["tag"] == "12.8.1-devel-ubuntu24.04"


def test_what_changed_between_two(series: Repo) -> None:
    done = series.envhooks("diff", "PyTorch-CUDA-v2.5", GOOD_TAG, "--format", "json", check=True)
    told = {one["name"]: (one["before"], one["after"]) for one in json.loads(done.out)["differences"]}
    assert told["torch"] == ("2.5.1+cu124", "2.8.0+cu128")
    assert told["CUDA"] == ("12.4.1, 12.4", "12.8.1, 12.8")
    assert told["driver"][1].startswith("570")
    assert series.envhooks("diff", GOOD_TAG, "PyTorch-CUDA-v2.8-rc2", "--format", "table").out.startswith(
        GOOD_TAG
    )


def test_against_a_commit_and_the_files_here(series: Repo) -> None:
    assert series.envhooks("diff", GOOD_TAG, f"{GOOD_TAG}^{{commit}}", check=True).code == 0
    series.write({"Dockerfile": DOCKERFILE.replace("2.8.0+cu128 ", "2.8.1+cu128 ")})
    done = series.envhooks("diff", GOOD_TAG, "--format", "json", check=True)
    assert [one["name"] for one in json.loads(done.out)["differences"]] == ["torch"]


def test_what_cannot_be_told_is_two(series: Repo) -> None:
    done = series.envhooks("diff", GOOD_TAG, "PyTorch-CPU-v2.9", "--format", "json")
    assert done.code == 2
    assert {one["name"]: one["change"] for one in json.loads(done.out)["differences"]}["torch"] == "unknown"


@pytest.mark.parametrize("name", ["nowhere", "--output=x", "-n", "v1\n", "HEAD:Dockerfile"])
def test_a_name_that_is_none(good: Repo, name: str) -> None:
    for verb in ("show", "diff"):
        done = good.envhooks(verb, "--", name)
        assert done.code == 2, done.said
        assert "Traceback" not in done.said


def test_a_hostile_tag_name_stays_text(good: Repo) -> None:
    good.git("tag", "-a", "PyTorch-CUDA-v2.8-rc1[red]x", "-m", "x", check=None)
    good.git("tag", "-a", "[bold]PyTorch", "-m", "x", check=None)
    done = good.envhooks("list", "--format", "table")
    assert "[bold]PyTorch" in done.out or "there are no releases" in done.out
