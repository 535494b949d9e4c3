"""From a push to a model: an image that was really built here, under all of its names, stamps a run made in it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from record_parts import make_key, verifier
from shop import Shop
from support import GOOD_TAG, run
from test_builds_images import inspect, works
from test_lineage import TRAIN, empty_store

__all__ = ["empty_store", "works"]


def test_the_environment_of_the_image_is_on_the_run(works: Shop, empty_store: Path, tmp_path: Path) -> None:
    key, public = make_key(tmp_path, "ci")
    policy = (works.clone.path / ".envhooks/policy.toml").read_text()
    more = 'stamp = true\naliases = ["semver"]\ntags = ["{version}[-{stage}]-small"]\n\n[[build]]'
    stamped = policy.replace("\n[[build]]", more) + verifier("ci", public)
    works.clone.commit_files({".envhooks/policy.toml": stamped}, "Stamp")
    works.put("main")
    works.clone.git("config", "envhooks.recordKey", str(key))
    works.clone.envhooks("builds", "--allow", check=True)
    works.tag()
    assert works.push().code == 0
    row = works.await_state("done", "failed", "dropped", "final")
    assert row.state == "done", (row, works.log())
    image = policy.split('name = "')[1].split("/")[0] + "/team/pytorch-cuda"
    for name in ("2.8-rc1", "2.8.0-rc.1", "2.8-rc1-small"):
        found = inspect(f"{image}:{name}", works.clone.environ)
        assert found["Digest"] == row.digest
    variables = found["Env"]
    assert isinstance(variables, list)
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{shutil.copy(empty_store, tmp_path)}"}
    kept = {name: value for name, value in works.clone.environ.items() if name != "PATH"}
    inside = dict(one.split("=", 1) for one in variables if not one.startswith("PATH="))
    assert (inside["ENVHOOKS_TAG"], inside["ENVHOOKS_TAG_OBJECT"]) == (GOOD_TAG, row.tag_object)
    assert json.loads(inside["MLFLOW_RUN_CONTEXT"])["envhooks.tag"] == GOOD_TAG
    environ = {**kept, "PATH": works.clone.environ["PATH"], **store, **inside}
    made = json.loads(run([sys.executable, "-c", TRAIN], tmp_path, environ, check=True).out.splitlines()[-1])
    done = works.clone.process(
        "lineage", f"runs:/{made['outer']}", "--tracking-uri", store["MLFLOW_TRACKING_URI"]
    )
    assert done.code == 0, done.said
    assert f"{image}@{row.digest}" in done.flat and GOOD_TAG in done.out
