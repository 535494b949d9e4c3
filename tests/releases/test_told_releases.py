"""A release as `list`, `show` and the page of releases tell it: yanked, proved, contradicted, or not known."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from memory_files import MemoryFiles

from envhooks.base.dataclass import replace
from envhooks.cli import list as listing
from envhooks.cli import show
from envhooks.image.compat.table import load_table
from envhooks.image.interpreter import read_environment
from envhooks.judge.facts import Unknown
from envhooks.records.types import ImageRecord, Records, Signer
from envhooks.releases.facts import Release
from envhooks.releases.site import page
from envhooks.tagname.names import TagName

TABLE = load_table()
FILES = MemoryFiles({"Dockerfile": b"FROM python:3.12.4\nRUN pip install torch==2.8.0\n"})
PLAIN = Release(
    "PyTorch-CUDA-v2.8", "a" * 40, "b" * 40, TagName("PyTorch-CUDA-v2.8", "PyTorch", "CUDA", None, (2, 8)),
    "2026-11-30", 1, read_environment(FILES, "Dockerfile"), "accepted",
)  # fmt: skip
DIGEST = "sha256:" + "c" * 64
IMAGE = ImageRecord(
    Signer("ci", "team", "k"), datetime(2026, 11, 30, 12, 5, tzinfo=timezone.utc), "registry.example.com/torch",
    (), DIGEST, {"linux/amd64": DIGEST}, "local", "", (), {}, "",
)  # fmt: skip


def recorded(state: Any, **more: Any) -> Release:
    return replace(PLAIN, records=Records(PLAIN.tag, PLAIN.object, state, **more))


NONE = recorded("none")
PROVED = recorded("proved", images=(IMAGE,))
NO_IMAGE = recorded("proved")
FORGED = recorded("contradicted", faults=("it names another commit",))
FORGED_SOMEHOW = recorded("contradicted")
YANKED = recorded("proved", images=(IMAGE,), yanked="loses gradients")
UNKNOWN = replace(PLAIN, environment=Unknown("the Dockerfile is not UTF-8"))


@pytest.mark.parametrize(
    ("release", "word", "texts"),
    [
        (PLAIN, "good", ["no record proves one"]),
        (replace(PLAIN, verdict=""), "not judged", []),
        (NONE, "good", ["no record proves one"]),
        (PROVED, "good", [f"docker pull registry.example.com/torch@{DIGEST}"]),
        (FORGED, "contradicted", ["contradicted: it names another commit"]),
        (FORGED_SOMEHOW, "contradicted", ["its record is contradicted"]),
        (replace(FORGED, verdict="refused", why="nobody signed it"), "refused", ["nobody signed it"]),
        (YANKED, "yanked", ["Yanked: loses gradients"]),
        (UNKNOWN, "good", ["not known: the Dockerfile is not UTF-8"]),
    ],
)
def test_on_the_page(release: Release, word: str, texts: list[str]) -> None:
    made = page._release(release, TABLE).text
    assert f'<span class="{word.replace(" ", "-")}">{word}</span>' in made
    assert all(text in made for text in texts), made


@pytest.mark.parametrize(
    ("release", "texts"),
    [
        (NONE, ["image", "no record proves one"]),
        (
            PROVED,
            [f"registry.example.com/torch@{DIGEST}", "2026-11-30 12:05 UTC by ci, the word of the team"],
        ),
        (NO_IMAGE, ["verdict"]),
        (FORGED, ["contradicted: it names another commit"]),
        (FORGED_SOMEHOW, ["contradicted: its record"]),
        (YANKED, ["loses gradients"]),
        (UNKNOWN, ["not known: the Dockerfile is not UTF-8"]),
    ],
)
def test_by_show(release: Release, texts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    show._print(release, TABLE)
    told = " ".join(capsys.readouterr().out.split())
    assert all(text in told for text in texts), told
    assert ("python:3.12.4" in told) == (release is not UNKNOWN)


def test_by_show_for_programs() -> None:
    assert show.document(PLAIN, TABLE)["image"] is None and show.document(FORGED, TABLE)["image"] is None
    image = show.document(PROVED, TABLE)["image"]
    assert (image["digest"], image["word"], image["recorded_by"]) == (DIGEST, "team", "ci")
    told = show.document(UNKNOWN, TABLE)
    assert told["environment"] is None and told["environment_unknown"] == "the Dockerfile is not UTF-8"


@pytest.mark.parametrize(
    ("release", "word"), [(NONE, ""), (PROVED, "c" * 12), (FORGED, "contradicted"), (NO_IMAGE, "")]
)
def test_the_image_in_a_list(release: Release, word: str) -> None:
    assert listing._image(release) == word


def test_of_what_it_is_not_known_is_told_by_reason(capsys: pytest.CaptureFixture[str]) -> None:
    many = [(replace(UNKNOWN, tag=f"v{number}"), "it is computed") for number in range(6)]
    listing._print([], [*many, (PLAIN, "no Dockerfile")], ["torch<2.6"], "releases")
    assert capsys.readouterr().out == (
        "\nnot known of 7:\n  v0, v1, v2, v3 and 2 more\n    it is computed\n  PyTorch-CUDA-v2.8\n    no Dockerfile\n"
    )
    listing._print([], [], ["torch<2.6", "numpy"], "releases")
    listing._print([], [], [], "releases")
    assert capsys.readouterr().out == "no release holds torch<2.6 and numpy\nthere are no releases here\n"
