"""An OCI layout that is not whole is told in a sentence, and nothing of it is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from image_parts import Layout, layer

from envhooks.base.errors import CannotJudge
from envhooks.builds import layout
from envhooks.builds.registry.client import Descriptor


@pytest.fixture
def made(tmp_path: Path) -> Layout:
    whole = Layout(tmp_path / "layout")
    whole.publish(whole.image(layer(("a", b"1"))))
    return whole


def _none(made: Layout) -> None:
    (made.folder / "index.json").unlink()


def _no_json(made: Layout) -> None:
    (made.folder / "index.json").write_text("{")


def _list(made: Layout) -> None:
    (made.folder / "index.json").write_text("[]")


def _deep(made: Layout) -> None:
    (made.folder / "index.json").write_text("[" * 100_000)


def _two(made: Layout) -> None:
    made.publish(made.image(layer(("b", b"2"))))


def _no_list(made: Layout) -> None:
    (made.folder / "index.json").write_text('{"manifests": 1}')


def _other(made: Layout) -> None:
    made.folder.joinpath("blobs", *made.entries[0]["digest"].split(":")).write_text("{}")


def _large(made: Layout) -> None:
    with made.folder.joinpath("blobs", *made.entries[0]["digest"].split(":")).open("ab") as blob:
        blob.truncate(layout.MAX_MANIFEST + 1)


def _no_digest(made: Layout) -> None:
    made.entries[0]["digest"] = "sha256:../../secret"
    (made.folder / "index.json").write_text(json.dumps({"manifests": made.entries}))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_none, "the image layout cannot be read: No such file"),
        (_no_json, "a file of the image layout is no JSON object"),
        (_list, "a file of the image layout is no JSON object"),
        (_deep, "a file of the image layout is no JSON object"),
        (_two, "the image layout does not hold one image"),
        (_no_list, "the image layout does not hold one image"),
        (_other, "a file of the image layout is not sha256:"),
        (_large, "a manifest of more than 4194304 bytes"),
        (_no_digest, ""),
    ],
)
def test_a_layout_that_is_not_whole(made: Layout, damage: Callable[[Layout], None], why: str) -> None:
    assert layout.root(made.folder).digest == made.entries[0]["digest"]
    damage(made)
    with pytest.raises(CannotJudge) as caught:
        layout.root(made.folder)
    assert why in str(caught.value)


def test_a_blob_is_named_by_a_digest_alone(made: Layout) -> None:
    with pytest.raises(CannotJudge, match="is no digest"):
        layout.read(made.folder, Descriptor("sha256:../../secret", "", 1))
