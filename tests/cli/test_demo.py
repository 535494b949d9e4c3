"""`envhooks demo` ends as it has to, and sees nothing of its caller's."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from builder_parts import need
from support import Repo


def test_every_scene_ends_as_it_has_to(tmp_path: Path, environ: dict[str, str]) -> None:
    trap = tmp_path / "trap"
    hostile = {
        **environ,
        "TMPDIR": str(tmp_path),
        "GIT_EDITOR": f"touch {trap}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": f"touch {trap}; false",
        "GNUPGHOME": "/nonexistent",
        "CONTAINERS_STORAGE_CONF": str(tmp_path / "of-the-caller.conf"),
        "NO_COLOR": "1",
    }
    done = Repo(tmp_path, hostile).envhooks("demo")
    assert done.code == 0, done.said
    assert not trap.exists()
    refused = [
        "tag-name",
        "tag-annotated",
        "tag-signed",
        "dockerfile-matches",
        "dockerfile-compatible",
        "on-main",
    ]
    for check in refused:
        assert f"[{check}]" in done.out
    assert done.out.count("the tag was not made") == 4
    assert "nothing was pushed" in done.out
    assert "pre-receive hook declined" in done.out
    assert "PyTorch-CUDA-v2.8-rc1: good" in done.out
    folder = re.search(r"signing key: all in (\S+)", done.out)
    assert folder is not None
    assert not Path(folder[1]).exists()


def what_was_built(said: str) -> str:
    row = (
        r"^  Tools-v1.0-rc1  image  origin  done +[0-9]+ s\n +registry.example.com/team/tools:1.0-rc1@?(.*)$"
    )
    table = re.search(row, said, re.MULTILINE)
    assert table is not None, said
    return table[1].strip()


def kept_folder(said: str) -> Path:
    kept = re.search(r"kept: (\S+)", said)
    assert kept is not None, said
    return Path(kept[1])


def test_it_goes_on_to_an_image_that_is_built_once(tmp_path: Path, environ: dict[str, str]) -> None:
    need("buildah")
    done = Repo(tmp_path, {**environ, "TMPDIR": str(tmp_path)}).envhooks("demo", "--keep")
    folder = kept_folder(done.out)
    try:
        assert done.code == 0, done.said
        assert (folder / "clone/.git/envhooks/pre-push").exists()
        assert "buildah builds here" in done.out
        (manifest,) = json.loads((folder / "images/index.json").read_text())["manifests"]
        assert what_was_built(done.out) == manifest["digest"]
        blobs = folder / "images/blobs/sha256"
        image = json.loads((blobs / manifest["digest"].removeprefix("sha256:")).read_text())
        assert image["annotations"]["org.opencontainers.image.ref.name"] == "Tools-v1.0-rc1"
        assert "built already" in done.out
        assert (folder / "containers/graph").is_dir(), "the engine's own storage was used"
    finally:
        shutil.rmtree(folder)


def test_without_an_engine_a_program_takes_its_place(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "bin").mkdir()
    for folder in environ["PATH"].split(os.pathsep):
        for program in Path(folder).glob("*") if Path(folder).is_dir() else ():
            link = tmp_path / "bin" / program.name
            if program.name not in ("docker", "podman", "buildah") and not link.is_symlink():
                link.symlink_to(program)
    here = {**environ, "TMPDIR": str(tmp_path), "PATH": str(tmp_path / "bin")}
    done = Repo(tmp_path, here).envhooks("demo")
    assert done.code == 0, done.said
    assert "No buildah or podman on this machine" in done.out
    assert what_was_built(done.out) == ""
    assert 'exec python -m train "$@"' in done.out
