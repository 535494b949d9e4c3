"""`envhooks demo` ends as it has to, and sees nothing of its caller's."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from builder_parts import need
from support import Done, Repo

SCENES = ("tag-name", "tag-annotated", "tag-signed", "dockerfile-matches", "dockerfile-compatible", "on-main")
"""The checks that refuse a tag."""


def demo(folder: Path, environ: dict[str, str], *options: str) -> Done:
    """The demo, with every scene as it has to end, where the caller's own settings are traps."""
    trap = folder / "trap"
    hostile = {
        **environ,
        "TMPDIR": str(folder),
        "GIT_EDITOR": f"touch {trap}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": f"touch {trap}; false",
        "GNUPGHOME": "/nonexistent",
        "CONTAINERS_STORAGE_CONF": str(folder / "of-the-caller.conf"),
        "NO_COLOR": "1",
    }
    done = Repo(folder, hostile).envhooks("demo", *options)
    assert done.code == 0, done.said
    assert not trap.exists()
    for check in SCENES:
        assert f"[{check}]" in done.out
    assert done.out.count("the tag was not made") == 4
    assert "nothing was pushed" in done.out
    assert "pre-receive hook declined" in done.out
    assert "PyTorch-CUDA-v2.8-rc1: good" in done.out
    return done


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
    done = demo(tmp_path, environ, "--keep")
    folder = kept_folder(done.out)
    try:
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
    for one in environ["PATH"].split(os.pathsep):
        for program in Path(one).glob("*") if Path(one).is_dir() else ():
            link = tmp_path / "bin" / program.name
            if program.name not in ("docker", "podman", "buildah") and not link.is_symlink():
                link.symlink_to(program)
    done = demo(tmp_path, {**environ, "PATH": str(tmp_path / "bin")})
    folder = re.search(r"signing key: all in (\S+)", done.out)
    assert folder is not None and not Path(folder[1]).exists()
    assert "No buildah or podman on this machine" in done.out
    assert what_was_built(done.out) == ""
    assert 'exec python -m train "$@"' in done.out
