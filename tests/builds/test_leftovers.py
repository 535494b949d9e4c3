"""`envhooks builds --clean` removes what builds left, and nothing of anybody else's."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from builder_parts import need, new_log, plan_for, storage, write_context
from support import Repo, run

from envhooks.base.dataclass import replace
from envhooks.builds import leftovers
from envhooks.builds.builders import local
from envhooks.builds.ledger import Intent, Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "common")


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A temporary folder of its own, and no engine."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return {"PATH": str(tmp_path)}


def test_folders_and_logs_of_killed_builds(ledger: Ledger, nothing: dict[str, str], tmp_path: Path) -> None:
    intents = [Intent(f"refs/tags/{name}", "a" * 40, "image") for name in ("one", "two")]
    one, two = ledger.record("https://example.org/x", "origin", "client", intents)
    ledger.confirm(one)
    log = ledger.folder / "logs" / "kept.log"
    assert ledger.claim(one, str(log))
    for key in (one, two):
        (ledger.folder / "work" / key[:16]).mkdir(parents=True)
    log.parent.mkdir()
    scratch = [tmp_path / "tmp" / name for name in ("envhooks-build-a", "envhooks-build-b", "other")]
    for path in (*scratch, ledger.folder / "kept" / two[:16], ledger.folder / "kept" / ("f" * 16)):
        path.mkdir(parents=True)
    logs = [log, log.parent / "old.log", log.parent / "new.log"]
    for path in logs:
        path.write_text("x")
    for path in (scratch[0], scratch[2], *logs[:2]):
        os.utime(path, (time.time() - 10**8,) * 2)
    said = list(leftovers.clean(ledger, nothing))
    assert [path.name for path in (ledger.folder / "work").iterdir()] == [one[:16]], "one is being built"
    assert [path.name for path in (ledger.folder / "kept").iterdir()] == [two[:16]], "two goes on with it"
    assert [path.exists() for path in scratch] == [False, True, True]
    assert [path.exists() for path in logs] == [True, False, True]
    assert said == [
        "removed 3 folders of builds that were killed",
        "removed 1 old log",
        "a build is under way, so images and containers stay",
    ]


def test_nothing_is_left(good: Repo) -> None:
    done = good.envhooks("builds", "--clean")
    assert done.code == 0 and "nothing is left of earlier builds" in done.err


def test_old_images_and_containers_of_ours_go_and_others_stay(
    ledger: Ledger, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("buildah", "busybox")
    made = storage(tmp_path / "storage", environ)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    tree = write_context(tmp_path / "tree")
    options: dict[str, Any] = {"engine": "buildah", "isolation": "chroot", "output": "none"}
    options["verify"] = {"level": "off", "reason": "a test of what is left"}
    for number in range(4):
        plan = plan_for("registry.example.com/team/x", options=options, epoch=1_700_000_000 + number)
        own = f"registry.example.com/team/x:2.{number}"
        labels = (*plan.labels, ("envhooks.tag-object", f"{number}" * 40))
        plan = replace(plan, own=own, images=(own,), labels=labels, args=(("CUDA_VERSION", str(number)),))
        assert local.build(plan, tree, new_log(), made).status == "done"

    def buildah(*words: str) -> str:
        return run(["buildah", *words], tmp_path, made, check=True).out

    buildah("build", "--isolation", "chroot", "--layers=false", "--tag", "mine", str(tree))
    buildah("from", "--pull-never", "--name", "left", "registry.example.com/team/x:2.3")
    buildah("from", "--pull-never", "--name", "own", "localhost/mine")
    said = list(leftovers.clean(ledger, made, kept=2))
    assert said[0] == "buildah: removed 1 container" and said[1].endswith("kept the last 2 of each name")
    names = [name for one in json.loads(buildah("images", "--json")) for name in one["names"] or ()]
    assert sorted(names) == [
        "localhost/mine:latest", "registry.example.com/team/x:2.2", "registry.example.com/team/x:2.3",
    ]  # fmt: skip
    assert "own" in buildah("containers") and "left" not in buildah("containers")
    assert list(leftovers.clean(ledger, made, kept=2)) == []


def test_dockers_words_are_read() -> None:
    when = "2026-11-30 05:33:43 +0000 UTC"
    named = {"ID": "sha256:" + "a" * 64, "Repository": "x/y", "CreatedAt": when}
    bare = {"ID": "sha256:" + "b" * 64, "Repository": "<none>", "Tag": "<none>", "CreatedAt": "?"}
    lines = [{**named, "Tag": "2.8"}, {**named, "Tag": "latest"}, bare]
    found = leftovers._docker_images("\n".join(map(json.dumps, lines)))
    assert [image.names for image in found] == [("x/y:2.8", "x/y:latest"), ()]
    assert [image.id[7] for image in leftovers._beyond(found, 1)] == ["b"]
