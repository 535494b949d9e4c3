from __future__ import annotations

import stat
from pathlib import Path

import pytest

from envhooks.signatures.folder import private_folder


def test_it_is_where_temporary_files_go_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with private_folder() as one, private_folder() as other:
        assert one != other and {Path(one).parent, Path(other).parent} == {tmp_path}
        assert stat.S_IMODE(Path(one).stat().st_mode) == 0o700
    assert not list(tmp_path.iterdir())


def test_nothing_of_it_is_left_and_no_link_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(RuntimeError), private_folder() as folder:
        (Path(folder) / "a/b").mkdir(parents=True)
        (Path(folder) / "a/b/file").touch()
        (Path(folder) / "a/link").symlink_to(outside)
        (Path(folder) / "dangling").symlink_to("nowhere")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").exists()


@pytest.mark.parametrize("named", ["no/such/folder", "/no/such/folder", "/dev/null"])
def test_a_place_that_is_none_is_passed_over(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", named)
    monkeypatch.setattr("tempfile.tempdir", None)
    with private_folder() as folder:
        assert Path(folder).is_absolute() and Path(folder).is_dir()
    assert not Path(folder).exists()
