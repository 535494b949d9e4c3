"""What differs in two images is told in sentences: packages first, then configuration, layers, files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from image_parts import PYTHON, SITE, Layout, dist, layer

from envhooks.builds.imagefiles.difference import differences
from envhooks.builds.imagefiles.sources import open_images

NUMPY = layer(*PYTHON, dist(SITE, "numpy", "2.0.0"))


def stored(folder: Path, *layers: bytes, **more: object) -> str:
    made = Layout(folder)
    return made.publish(made.image(*layers, **more))  # type: ignore[arg-type]


def told(tmp_path: Path, one: tuple[bytes, ...], other: tuple[bytes, ...], **more: object) -> tuple[str, ...]:
    first, second = stored(tmp_path / "one", *one), stored(tmp_path / "other", *other, **more)
    with open_images(first) as (_, there), open_images(second) as (_, made):
        return differences(there[0], made[0])


def test_the_same_packed_in_another_way_is_the_same(tmp_path: Path) -> None:
    assert told(tmp_path, (NUMPY,), (NUMPY,), how="zstd") == ()


def test_packages_and_files(tmp_path: Path) -> None:
    other = layer(*PYTHON, dist(SITE, "numpy", "2.1.0"), dist(SITE, "einops", "0.8.0"))
    packages = ["einops was not there and is 0.8.0", "numpy was 2.0.0 and is 2.1.0"]
    found = told(tmp_path, (NUMPY,), (other,))
    assert list(found[:2]) == packages and len(found) == 3
    assert found[2].startswith("layer 1 of 1 differs: ")
    assert (
        f"{SITE}/einops-0.8.0.dist-info/METADATA is new" in found[2]
        and "numpy-2.0.0.dist-info/METADATA is gone" in found[2]
    )


def test_many_packages_are_counted(tmp_path: Path) -> None:
    found = told(tmp_path, (NUMPY,), (layer(*PYTHON, *(dist(SITE, f"p{n:02}", "1") for n in range(30))),))
    assert found[20] == "and 11 more packages differ" and " more" in found[21]


def test_configuration_and_the_number_of_layers(tmp_path: Path) -> None:
    found = told(tmp_path, (NUMPY,), (NUMPY, layer(("a", b"1"))), Cmd=["sh"], User="")
    assert found == ('Cmd was nothing and is ["sh"]', "it had 1 layers and has 2")


def test_one_file_in_its_facts(tmp_path: Path) -> None:
    def one(**facts: object) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            for name, value in (("x", 0), ("y", 1)):
                info = tarfile.TarInfo(name)
                for fact, given in facts.items() if value else ():
                    setattr(info, fact, given)
                archive.addfile(info, io.BytesIO(b"z" * info.size))
        return made.getvalue()

    assert told(tmp_path, (one(),), (one(mtime=5, mode=0o700, size=3, uid=7),)) == (
        "layer 1 of 1 differs: y (content, mode, owner, time)",
    )


def test_the_order_of_files_alone(tmp_path: Path) -> None:
    found = told(tmp_path, (layer(("a", b"1"), ("b", b"2")),), (layer(("b", b"2"), ("a", b"1")),))
    assert found == ("layer 1 of 1 differs in the order of its files alone",)


@pytest.mark.parametrize("damage", [b"x" * 600, NUMPY[:900]])
def test_what_cannot_be_read_is_said(tmp_path: Path, damage: bytes) -> None:
    found = told(tmp_path, (NUMPY,), (damage,))
    assert found[0].startswith("the packages cannot be compared: ")
    assert found[1].startswith("layer 1 of 1 differs, and cannot be read: ")
