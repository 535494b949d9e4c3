"""Lineage through a real MLflow with its SQLite store: runs, nested runs, logged models, registered versions."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import forked
import pytest
from record_parts import (
    IMAGE_POLICY,
    make_key,
    make_tag,
    set_policy,
    verifier,
    write_record,
)
from support import GOOD_TAG, Done, Repo, one_at_a_time, run

from envhooks import lineage
from envhooks.base.stamps import run_context, stamp

GIVEN = """
import json, os, sys
os.environ.update(json.loads((sys.argv[1:] or ["{}"])[0]))
import mlflow
"""
TRAIN = (
    GIVEN
    + """
from mlflow import MlflowClient
mlflow.set_experiment("detector")
with mlflow.start_run() as outer:
    mlflow.log_metric("loss", 0.25)
    with mlflow.start_run(nested=True) as nested:
        pass
    model = mlflow.initialize_logged_model(name="detector-model")
client = MlflowClient()
bare = client.create_run(outer.info.experiment_id)
client.create_registered_model("detector")
by_run = client.create_model_version("detector", "s3://x", run_id=nested.info.run_id)
by_model = client.create_model_version("detector", f"models:/{model.model_id}", model_id=model.model_id)
by_bare = client.create_model_version("detector", "s3://y", run_id=bare.info.run_id)
loose = client.create_model_version("detector", "s3://z")
print(json.dumps({"outer": outer.info.run_id, "nested": nested.info.run_id, "model": model.model_id,
    "bare": bare.info.run_id, "by_run": by_run.version, "by_model": by_model.version, "by_bare": by_bare.version,
    "loose": loose.version}))
"""
)


def test_a_shell_that_completes_knows_every_public_name() -> None:
    code = "from envhooks import lineage; import sys; print(*dir(lineage)); print('mlflow' in sys.modules)"
    done = run([sys.executable, "-c", code], Path("/"), os.environ, check=True)
    names, loaded = done.out.split("\n")[:2]
    assert names.split() == sorted(lineage.__all__) and loaded == "False"
    assert all(getattr(lineage, name) for name in lineage.__all__)


class Tracked:
    """A repository with a recorded release, and an MLflow store."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.repo = repo
        self.uri = f"sqlite:///{folder}/mlflow.db"
        self.object = repo.git("rev-parse", f"refs/tags/{GOOD_TAG}")
        self.commit = repo.git("rev-parse", f"refs/tags/{GOOD_TAG}^{{commit}}")

    def train(self, **environ: str) -> dict[str, str]:
        """Train in an environment with these variables, as in a container of the image."""
        found: dict[str, str] = json.loads(self.python(TRAIN, **environ))
        return found

    def python(self, code: str, **environ: str) -> str:
        """The last line of a program, forked from a process that has imported MLflow; it takes its variables itself.

        `test_in_an_image` starts Python in the environment that the image has.
        """
        program = self.repo.path.parent / "program.py"
        program.write_text(code)
        given = json.dumps({"MLFLOW_TRACKING_URI": self.uri, "GIT_PYTHON_REFRESH": "quiet", **environ})
        exit_code, out, err = forked.call(
            [given], program.parent, self.repo.environ, program=program, modules=forked.MLFLOW
        )
        assert exit_code == 0, err
        return out.splitlines()[-1]

    def lineage(self, *arguments: str) -> Done:
        return self.repo.envhooks("lineage", *arguments, "--tracking-uri", self.uri)

    def told(self, what: str) -> tuple[int, str, str]:
        done = self.lineage(what, "--format", "json")
        (use,) = json.loads(done.out)["uses"]
        return done.code, use["state"], use["why"] or use["image"]


@pytest.fixture(scope="session")
def empty_store(shared: Path, session_environ: dict[str, str]) -> Path:
    """MLflow's tables, which take it seconds to make: a file that is copied."""
    file = shared / "mlflow" / "mlflow.db"
    with one_at_a_time(shared, "mlflow"):
        if not file.parent.is_dir():
            file.parent.mkdir()
            code = f"import mlflow; mlflow.set_tracking_uri('sqlite:///{file}'); mlflow.set_experiment('detector')"
            run([sys.executable, "-c", code], file.parent, session_environ, check=True)
    return file


@pytest.fixture
def tracked(good: Repo, tmp_path: Path, empty_store: Path) -> Tracked:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    key, public = make_key(tmp_path, "ci")
    set_policy(good, IMAGE_POLICY + verifier("ci", public))
    make_tag(good)
    write_record(good, key, time=datetime(2026, 10, 20, 12, tzinfo=timezone.utc))
    return Tracked(good, tmp_path)


COPIES = 2_000
MANY = (
    GIVEN
    + f"""
from sqlalchemy import Engine, event
from envhooks import lineage
asked = 0
@event.listens_for(Engine, "before_cursor_execute")
def count(*of_a_question):
    global asked
    asked += 1
print(json.dumps([len(lineage.uses({GOOD_TAG!r})), asked]))
"""
)


def copy(db: sqlite3.Connection, table: str, where: str, like: str, **new: str) -> None:
    """Copies of the rows of a table in which a column has a value, with these columns numbered anew."""
    names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(new.get(name, f'"{name}"') for name in names)
    rows = "WITH RECURSIVE counted(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)"
    text = f"INSERT INTO {table} {rows} SELECT {values} FROM {table}, counted WHERE {where}=?"
    db.execute(text, (99 + COPIES, like))


def test_thousands_of_runs_are_listed_by_few_questions(tracked: Tracked) -> None:
    """Each of two thousand runs has a model and two versions, that lead to it: what was listed is not asked again."""
    made = tracked.train(**stamp(GOOD_TAG, tracked.commit, tracked.object))
    run_id, model_id = "printf('%032x', n)", "printf('m-%032x', n)"
    with sqlite3.connect(tracked.uri.removeprefix("sqlite:///")) as db:
        copy(db, "runs", "run_uuid", made["nested"], run_uuid=run_id)
        copy(db, "tags", "run_uuid", made["nested"], run_uuid=run_id)
        # a model without a stamp of its own: its run tells
        copy(db, "logged_models", "model_id", made["model"], model_id=model_id, source_run_id=run_id)
        copy(db, "model_versions", "version", made["by_run"], version="n", run_id=run_id)
        source = "'models:/' || " + model_id
        copy(
            db,
            "model_versions",
            "version",
            made["by_model"],
            version="n + 100000",
            source=source,
            run_id="NULL",
        )
    found, asked = json.loads(tracked.python(MANY))
    assert found == 5 + 4 * COPIES
    assert asked < COPIES / 10, "pages, and no question for each run"


def test_both_ways(tracked: Tracked) -> None:
    made = tracked.train(**stamp(GOOD_TAG, tracked.commit, tracked.object))
    done = tracked.lineage(GOOD_TAG, "--format", "json")
    assert done.code == 0, done.said
    uses = {one["id"]: one for one in json.loads(done.out)["uses"]}
    assert set(uses) == {
        f"runs:/{made['outer']}", f"runs:/{made['nested']}", f"models:/{made['model']}",
        f"models:/detector/{made['by_run']}", f"models:/detector/{made['by_model']}",
    }  # fmt: skip
    assert {one["state"] for one in uses.values()} == {"proved"}
    assert uses[f"runs:/{made['outer']}"]["metrics"] == {"loss": 0.25}
    image = "registry.example.com/team/pytorch-cuda@sha256:" + "d" * 64
    for what in ("outer", "nested"):
        assert tracked.told(f"runs:/{made[what]}") == (0, "proved", image)
    for what in ("by_run", "by_model"):
        assert tracked.told(f"models:/detector/{made[what]}") == (0, "proved", image)
    # what the client API makes carries no stamp: unknown, with the reason
    code, state, why = tracked.told(f"runs:/{made['bare']}")
    assert (code, state) == (2, "unknown") and "made by the client API" in why
    assert tracked.told(f"models:/detector/{made['by_bare']}")[1] == "unknown"
    assert tracked.told(f"models:/detector/{made['loose']}")[:2] == (2, "unknown")


MOVED = (
    GIVEN
    + """
from mlflow import MlflowClient
client, made = MlflowClient(), json.loads(os.environ["MADE"])
client.set_registered_model_alias("detector", "champion", made["by_model"])
client.transition_model_version_stage("detector", made["by_run"], "Production")
client.delete_run(made["nested"])
print("moved")
"""
)
GONE = (
    GIVEN
    + """
from mlflow import MlflowClient
name = os.environ["EXPERIMENT"]
mlflow.set_experiment(name)
with mlflow.start_run() as one:
    pass
client = MlflowClient()
client.create_registered_model(name)
client.create_model_version(name, "s3://x", run_id=one.info.run_id)
client.delete_experiment(one.info.experiment_id)
if name == "gone":  # for good
    client.delete_run(one.info.run_id)
    client._tracking_client.store._hard_delete_run(one.info.run_id)
print(one.info.run_id)
"""
)


def test_a_model_by_every_address_that_loads_it(tracked: Tracked) -> None:
    made = tracked.train(**stamp(GOOD_TAG, tracked.commit, tracked.object))
    tracked.python(MOVED, MADE=json.dumps(made))
    addresses = {
        "models:/detector@champion": f"models:/detector/{made['by_model']}",
        "models:/detector/Production": f"models:/detector/{made['by_run']}",
        f"models:/{made['model']}": f"models:/{made['model']}",
        f"runs:/{made['outer']}/model": f"runs:/{made['outer']}",
    }
    for what, own in addresses.items():
        done = tracked.lineage(what, "--format", "json")
        (use,) = json.loads(done.out)["uses"]
        assert (done.code, use["id"], use["state"]) == (0, own, "proved"), done.said
    done = tracked.lineage("models:/detector/latest", "--format", "json")
    assert "Warning" not in done.err, done.err
    assert json.loads(done.out)["uses"][0]["id"] == f"models:/detector/{made['loose']}"
    for what in (
        "models:/detector@none",
        "models:/detector/Staging",
        "models:/none@a",
        "models:/none/latest",
    ):
        done = tracked.lineage(what)
        assert done.code == 2 and "envhooks: " in done.err and "Traceback" not in done.said, done.said
    # a deleted run is one that a model of today may come from
    uses = json.loads(tracked.lineage(GOOD_TAG, "--format", "json").out)["uses"]
    assert {one["id"]: one["deleted"] for one in uses if one["kind"] == "run"} == {
        f"runs:/{made['outer']}": False, f"runs:/{made['nested']}": True
    }  # fmt: skip
    narrow = Repo(tracked.repo.path, {**tracked.repo.environ, "COLUMNS": "80"})
    done = narrow.envhooks("lineage", GOOD_TAG, "--tracking-uri", tracked.uri)
    assert "proved, deleted" in " ".join(done.out.split()), done.out
    assert all(len(line) <= 80 for line in done.out.splitlines()), done.out


def test_what_was_deleted_is_found_or_said(tracked: Tracked) -> None:
    stamped = stamp(GOOD_TAG, tracked.commit, tracked.object)
    kept = tracked.python(GONE, EXPERIMENT="short", **stamped)
    ids = [one["id"] for one in json.loads(tracked.lineage(GOOD_TAG, "--format", "json").out)["uses"]]
    assert ids == [f"runs:/{kept}", "models:/short/1"]
    tracked.python(GONE, EXPERIMENT="gone", **stamped)
    code, state, why = tracked.told("models:/gone/1")
    assert (code, state) == (2, "unknown") and "is not there any more" in why
    assert tracked.lineage(GOOD_TAG).code == 0


def test_a_stamp_of_another_commit_is_contradicted(tracked: Tracked) -> None:
    """A tag of a run can be set by hand: each of its three facts is compared."""
    made = tracked.train(**stamp(GOOD_TAG, "2" * 40, tracked.object))
    code, state, why = tracked.told(f"runs:/{made['outer']}")
    assert (code, state) == (1, "contradicted") and "names the commit 222222222222" in why
    assert tracked.lineage(GOOD_TAG).code == 1


def test_a_context_of_the_users_own_is_merged(tracked: Tracked) -> None:
    """MLFLOW_RUN_CONTEXT of the person replaces the image's; the provider reads the other variables."""
    variables = stamp(GOOD_TAG, tracked.commit, tracked.object)
    variables["MLFLOW_RUN_CONTEXT"] = json.dumps({"team": "vision"})
    made = tracked.train(**variables)
    assert tracked.told(f"runs:/{made['outer']}")[1] == "proved"
    code = f"tags = mlflow.get_run({made['outer']!r}).data.tags; print(tags['team'], tags['envhooks.tag'])"
    assert tracked.python(GIVEN + code).split() == ["vision", GOOD_TAG]


def test_a_stamp_that_is_not_proved(tracked: Tracked) -> None:
    other = tracked.train(**stamp(GOOD_TAG, tracked.commit, "1" * 40))
    exit_code, state, why = tracked.told(f"runs:/{other['outer']}")
    assert (exit_code, state) == (1, "contradicted") and "names the tag object 111111111111" in why
    tracked.repo.git("update-ref", "-d", "refs/notes/envhooks")
    stamped = stamp(GOOD_TAG, tracked.commit, tracked.object)
    script = "mlflow.set_experiment('other')\nwith mlflow.start_run() as one: print(one.info.run_id)"
    assert tracked.told(f"runs:/{tracked.python(GIVEN + script, **stamped)}")[:2] == (2, "claimed")


def test_outside_of_the_repository_it_is_a_claim(tracked: Tracked, tmp_path: Path) -> None:
    made = tracked.train(**stamp(GOOD_TAG, tracked.commit, tracked.object))
    elsewhere = Repo(tmp_path, tracked.repo.environ)
    done = elsewhere.envhooks("lineage", f"runs:/{made['outer']}", "--tracking-uri", tracked.uri)
    assert done.code == 2 and "claimed" in done.out, done.said


def test_what_is_not_there_is_a_sentence(tracked: Tracked) -> None:
    for what in (
        "runs:/" + "0" * 32,
        "models:/detector/99",
        "models:/x",
        "models:/m-1",
        "runs:/",
        "PyTorch-CUDA-v9.9",
    ):
        done = tracked.lineage(what)
        assert done.code == 2, done.said
        assert "Traceback" not in done.said and "envhooks: " in done.err, done.said


def test_a_fork_of_what_has_imported_mlflow_says_what_a_process_says(tracked: Tracked) -> None:
    made = tracked.train(**stamp(GOOD_TAG, tracked.commit, tracked.object))
    words = ("lineage", f"models:/detector/{made['by_run']}", "--tracking-uri", tracked.uri)
    assert tracked.repo.envhooks(*words) == tracked.repo.process(*words)


@pytest.mark.parametrize("uri", ["", "sqlite:///none/mlflow.db", "file:none", "none", "file:///none/here"])
def test_asking_begins_no_store(good: Repo, uri: str) -> None:
    """MLflow makes a database in the current folder where it is told of none."""
    before = sorted(path.name for path in good.path.iterdir())
    done = good.envhooks("lineage", "runs:/" + "0" * 32, *(("--tracking-uri", uri) if uri else ()))
    assert done.code == 2 and "MLflow has kept nothing there" in done.err, done.said
    assert "MLFLOW_TRACKING_URI" in done.err and sorted(path.name for path in good.path.iterdir()) == before


def test_a_hostile_run_stays_text(tracked: Tracked) -> None:
    made = tracked.train(**{**stamp("\x1b[31m[bold]x", tracked.commit, tracked.object)})
    for form in ("text", "json"):
        done = tracked.lineage(f"runs:/{made['outer']}", "--format", form)
        assert "\x1b" not in done.out and done.code == 2, done.said


def test_a_malformed_stamp_is_left_out() -> None:
    assert run_context({"ENVHOOKS_TAG": "x\ny", "ENVHOOKS_COMMIT": "c" * 40}) == {"envhooks.commit": "c" * 40}
    assert run_context({"ENVHOOKS_TAG": "x" * 2000}) == {}
    assert run_context({}) == {}


def test_the_provider_loads_nothing_of_the_gate() -> None:
    """It is imported in every training process."""
    code = (
        "import sys, envhooks.lineage.provider; print(*[n for n in sys.modules if n.startswith('envhooks')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "envhooks", "envhooks.base", "envhooks.base.stamps", "envhooks.lineage", "envhooks.lineage.provider"
    }  # fmt: skip


def test_for_opentelemetry_and_prometheus(tracked: Tracked) -> None:
    done = tracked.repo.envhooks("lineage", GOOD_TAG, "--format", "otel")
    assert done.code == 0 and done.out.startswith(
        "OTEL_RESOURCE_ATTRIBUTES=envhooks.tag=PyTorch-CUDA-v2.8-rc1,"
    )
    assert "container.image.repo_digests=registry.example.com%2Fteam%2Fpytorch-cuda%40sha256%3A" in done.out
    done = tracked.repo.envhooks("lineage", GOOD_TAG, "--format", "prometheus")
    metric = done.out.splitlines()[-1]
    assert metric.startswith('envhooks_environment_info{tag="PyTorch-CUDA-v2.8-rc1",') and metric.endswith(
        "} 1"
    )


def test_a_server_that_is_down_is_asked_thrice_and_not_for_minutes(good: Repo) -> None:
    asked = []

    class Down(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(503)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Down) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        done = good.process("lineage", "runs:/" + "a" * 32, "--tracking-uri", uri)
        server.shutdown()
    assert done.code == 2 and "Traceback" not in done.err, done
    assert len(asked) == 3, asked
