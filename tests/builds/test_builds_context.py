"""The build context is the commit's tree, byte for byte, and nothing leads out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import Repo

from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.builds.context import Allowed, name_fault, write_context
from envhooks.git.objects import BLOB_LIMIT
from envhooks.git.repository import Git

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


def write(repo: Repo, commit: str, folder: Path, **options: str) -> Path:
    with Git(repo.path, repo.environ) as git:
        return write_context(git, commit, folder / "context", Allowed.by(options), 1_000_000_000)


def listing(folder: Path) -> dict[str, object]:
    """Path -> link target, or mode's executable bit and bytes."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.split("/")[0] == ".git":
            continue
        if path.is_symlink():
            found[name] = os.readlink(path)  # noqa: PTH115 - as it was written, not as a Path would have it
        elif path.is_file():
            found[name] = (bool(path.stat().st_mode & 0o100), path.read_bytes())
        else:
            found[name] = "folder"
    return found


def test_it_is_what_a_checkout_has(good: Repo, tmp_path: Path) -> None:
    good.write({".gitattributes": "secret export-ignore\nversion export-subst\n"})
    good.write(
        {
            "secret": "kept\n",
            "version": "$Format:%H$\n",
            "a/b/run.sh": "#!/bin/sh\n",
            "empty": "",
            "ünï": b"\0\xff",
        }
    )
    (good.path / "a/b/run.sh").chmod(0o755)
    (good.path / "link").symlink_to("a/b/run.sh")
    (good.path / "dangling").symlink_to("../../outside")
    commit = good.commit()
    good.write({"untracked": "x", "secret": "changed"})
    written = write(good, commit, tmp_path)
    good.git("worktree", "add", "-q", "--detach", str(tmp_path / "checkout"), commit)
    assert listing(written) == listing(tmp_path / "checkout")
    assert (written / "version").read_text() == "$Format:%H$\n"


def test_modes_and_dates_do_not_depend_on_who_writes(good: Repo, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        written = write(good, good.git("rev-parse", "HEAD"), tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((written / "Dockerfile").stat().st_mode) == 0o644
    assert {path.lstat().st_mtime for path in (written, *written.rglob("*"))} == {1_000_000_000}


def test_a_file_larger_than_what_is_judged_is_written(good: Repo, tmp_path: Path) -> None:
    data = os.urandom(1024) * (BLOB_LIMIT // 1024 + 1)
    written = write(good, good.commit_files({"weights.bin": data}), tmp_path)
    assert (written / "weights.bin").read_bytes() == data


def test_a_disk_that_is_full_spoils_no_later_answer(good: Repo) -> None:
    blob = good.git("hash-object", "-w", "--stdin", stdin="x" * 3_000_000)
    with Git(good.path, good.environ) as git, Path("/dev/full").open("wb", buffering=0) as full:
        with pytest.raises(OSError, match="space"):
            git.copy_blob(blob, full)
        assert git.commit(good.git("rev-parse", "HEAD")).date


def make_tree(repo: Repo, entries: list[tuple[str, str, str]]) -> str:
    """A commit with entries (mode, object id, name) that git itself would never write."""
    raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, oid, name in entries)
    file = repo.path.parent / "tree"
    file.write_bytes(raw)
    tree = repo.git("hash-object", "-t", "tree", "-w", "--literally", str(file))
    return repo.git("commit-tree", "-m", "x", tree)


@pytest.fixture
def blob(good: Repo) -> str:
    return good.git("hash-object", "-w", "--stdin", stdin="data\n")


@pytest.mark.parametrize(
    "name",
    ["..", ".", "../up", "a/b", "/etc", ".git", ".GIT", ".Git", "git~1", "GIT~2", ".git.", ".git ",
     ".git::$INDEX_ALLOCATION", ".g\u200cit", ".git\u200d", "..\\up", "x\\.git", "\uff0egit"],
)  # fmt: skip
def test_names_that_lead_out_are_refused(good: Repo, blob: str, tmp_path: Path, name: str) -> None:
    assert name_fault(name)
    commit = make_tree(good, [("100644", blob, name)])
    with pytest.raises(CannotJudge):
        write(good, commit, tmp_path)
    assert not (tmp_path / "context").exists()
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize(
    "name", [".gitignore", ".gitattributes", "git", "a.git", "...", "a:b", "git~", "x..y"]
)
def test_names_that_only_look_like_it_are_written(name: str) -> None:
    assert name_fault(name) == ""


def test_a_link_is_never_written_through(good: Repo, blob: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = good.git("hash-object", "-w", "--stdin", stdin=str(outside))
    folder = make_tree(good, [("100644", blob, "owned")])
    tree = good.git("rev-parse", f"{folder}^{{tree}}")
    for entries in (
        [("120000", link, "x"), ("40000", tree, "x")],
        [("120000", link, "x"), ("100644", blob, "x")],
    ):
        with pytest.raises(CannotJudge, match="two entries of the name"):
            write(good, make_tree(good, entries), tmp_path)
    assert not list(outside.iterdir())


def test_an_unknown_mode_is_refused(good: Repo, blob: str, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="mode"):
        write(good, make_tree(good, [("20644", blob, "device")]), tmp_path)


def test_a_submodule_is_refused_unless_allowed(good: Repo, tmp_path: Path) -> None:
    commit = make_tree(good, [("160000", "1" * 40, "vendor")])
    with pytest.raises(CannotJudge, match="submodule") as refused:
        write(good, commit, tmp_path)
    assert 'submodules = "ignore"' in refused.value.fix
    written = write(good, commit, tmp_path, submodules="ignore")
    assert list((written / "vendor").iterdir()) == []


def test_an_lfs_pointer_is_refused_unless_allowed(good: Repo, tmp_path: Path) -> None:
    commit = good.commit_files({"weights.bin": POINTER, "docs.md": f"A pointer:\n{POINTER}"})
    with pytest.raises(CannotJudge, match="Git LFS") as refused:
        write(good, commit, tmp_path)
    assert refused.value.place.endswith(":weights.bin")
    assert (write(good, commit, tmp_path, lfs="pointers") / "weights.bin").read_text() == POINTER


@pytest.mark.parametrize("options", [{"submodules": True}, {"lfs": "fetch"}])
def test_other_words_are_refused(options: Mapping[str, object]) -> None:
    with pytest.raises(PolicyError):
        Allowed.by(options)


def test_a_missing_blob_is_said(good: Repo, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="not in this repository"):
        write(good, make_tree(good, [("100644", "2" * 40, "gone")]), tmp_path)
