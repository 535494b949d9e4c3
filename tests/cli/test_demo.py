"""`envhooks demo` ends as it has to, and sees nothing of its caller's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

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


def test_keep_keeps_the_folder(tmp_path: Path, environ: dict[str, str]) -> None:
    done = Repo(tmp_path, {**environ, "TMPDIR": str(tmp_path)}).envhooks("demo", "--keep")
    assert done.code == 0
    kept = re.search(r"kept: (\S+)", done.out)
    assert kept is not None
    try:
        assert (Path(kept[1]) / "clone/.git/envhooks/pre-push").exists()
    finally:
        shutil.rmtree(kept[1])
