"""Trees of files: what is in them, and what may not be reached through them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from memory_files import MemoryFiles

from envhooks.base.errors import CannotJudge
from envhooks.image.files import Files, FolderFiles

TREE = {"Dockerfile": b"FROM a\n", "docker/gpu/Dockerfile": b"FROM b\n", "docker/x.txt": b""}


@pytest.fixture(params=["memory", "folder"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "memory":
        return MemoryFiles(TREE)
    for name, data in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return FolderFiles(tmp_path)


def test_read(files: Files) -> None:
    assert files.read("Dockerfile") == b"FROM a\n"
    assert files.read("./docker/../docker/gpu//Dockerfile") == b"FROM b\n"
    assert files.read("docker/x.txt") == b""
    for absent in ("x", "docker", ".", "docker/gpu/Dockerfile/x", ""):
        assert files.read(absent) is None


def test_list(files: Files) -> None:
    assert files.list(".") == ("Dockerfile", "docker")
    assert files.list("docker") == ("gpu", "x.txt")
    assert files.list("docker/gpu/") == ("Dockerfile",)
    for absent in ("x", "Dockerfile"):
        assert files.list(absent) == ()


@pytest.mark.parametrize("path", ["..", "../x", "docker/../../x", "/etc/passwd", "a\0b"])
def test_the_tree_is_not_left(files: Files, path: str) -> None:
    for ask in (files.read, files.list):
        with pytest.raises(CannotJudge, match="leaves the tree"):
            ask(path)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_bytes(b"secret")
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "file").write_bytes(b"x")
    return folder


def test_links_inside_are_followed(top: Path) -> None:
    (top / "sub").mkdir()
    (top / "sub" / "link").symlink_to("../file")
    (top / "folder").symlink_to("sub")
    assert FolderFiles(top).read("folder/link") == b"x"
    assert FolderFiles(top).list("folder") == ("link",)


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "..", "../not-there"])
def test_links_out_of_the_tree_are_refused(top: Path, target: str) -> None:
    (top / "link").symlink_to(target)
    with pytest.raises(CannotJudge, match="leads out of the tree"):
        FolderFiles(top).read("link")
    with pytest.raises(CannotJudge, match="leads out of the tree"):
        FolderFiles(top).list("link")


def test_a_folder_beside_the_tree_is_outside(top: Path) -> None:
    (top.parent / "tree-2").mkdir()
    (top.parent / "tree-2" / "x").write_bytes(b"secret")
    (top / "link").symlink_to("../tree-2/x")
    with pytest.raises(CannotJudge, match="leads out of the tree"):
        FolderFiles(top).read("link")


def test_loops_and_dangling_links(top: Path) -> None:
    (top / "a").symlink_to("b")
    (top / "b").symlink_to("a")
    (top / "gone").symlink_to("nothing")
    with pytest.raises(CannotJudge, match="cannot be followed"):
        FolderFiles(top).read("a")
    assert FolderFiles(top).read("gone") is None


def test_what_is_no_file_is_none(top: Path) -> None:
    os.mkfifo(top / "pipe")
    assert FolderFiles(top).read("pipe") is None


def test_a_file_that_is_too_large(top: Path) -> None:
    with (top / "big").open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(CannotJudge, match="larger than 16 MiB"):
        FolderFiles(top).read("big")
