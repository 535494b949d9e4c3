"""JSON of every verb: one object of one shape, by its schema, where it does what is asked and where it cannot."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from package_index import Served
from record_parts import make_key, set_policy, verifier
from support import DOCKERFILE, GOOD_TAG, Done, Repo, run

import envhooks
from envhooks import cli
from envhooks.cli import _completing, _parser

ROOT = Path(__file__).parent.parent.parent
HEAD = ["schema", "envhooks", "version", "exit_code"]
SECOND = "PyTorch-CUDA-v2.8-rc2"
POLICY = """\
[image]
name = "registry.example.com/team/{framework:lower}-{hardware:lower}"

[deploy.production]
stages = ["rc"]

[[build]]
name = "image"
using = "command"
registry = false
command = ["true", "{tag}"]

"""
WITHOUT_JSON = {"completion", "demo", "hook"}


def schema_of(document: dict[str, Any]) -> dict[str, Any]:
    """The schema that a document names."""
    _, _, name, version = document["schema"].split(":")
    if name == "report":
        file = files("envhooks.report") / f"schema-{version}.json"
    else:
        file = files("envhooks.releases") / "schemas" / f"{name}-{version}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def read(done: Done) -> dict[str, Any]:
    """The one object on standard output, held against its schema."""
    assert "Traceback" not in done.err
    document: dict[str, Any] = json.loads(done.out)
    assert list(document)[:4] == HEAD
    assert document["envhooks"] == envhooks.__version__
    assert document["exit_code"] == done.code
    Draft202012Validator(schema_of(document)).validate(document)
    return document


def leaves() -> Iterator[tuple[str, Any]]:
    """(verb, its parser), and of a verb with actions each of them: `signers add`."""
    top = _parser.build(cli.verbs())
    for parser in _completing.parsers(top):
        if parser.prog != "envhooks" and not parser._subparsers:
            yield parser.prog.removeprefix("envhooks "), parser


LEAVES = dict(leaves())


def test_every_verb_has_a_format_for_programs_and_a_schema_or_says_why_not() -> None:
    without = set()
    for name, parser in LEAVES.items():
        module = importlib.import_module(f"envhooks.cli.{name.split()[0]}")
        if hasattr(module, "NO_JSON"):
            without.add(name)
            assert len(module.NO_JSON.split()) > 3, "a reason"
            assert "--format" not in parser.option_strings()
            continue
        assert "--format" in parser.option_strings(), name
        schema = parser.get_default("schema") or name
        document = {"schema": f"urn:envhooks:{schema}:v1"}
        Draft202012Validator.check_schema(schema_of(document))
        assert name in GOOD and name in REFUSED, f"{name} is run by no case below"
    assert without == WITHOUT_JSON


@pytest.mark.parametrize("name", [name for name in LEAVES if name != "hook"])
def test_every_verb_has_quiet_and_verbose(name: str) -> None:
    assert {"-q", "--quiet", "-v", "--verbose"} <= set(LEAVES[name].option_strings())


def test_the_schemas_are_those_that_the_script_makes() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/schemas.py")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def released_template(
    template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Path:
    """`template` with a good release, a worse one, a policy with all that verbs ask of it, and a key for records."""
    folder = tmp_path_factory.mktemp("released")
    shutil.copytree(template, folder / "repos", symlinks=True)
    repo = Repo(folder / "repos" / "clone", session_environ)
    file, public = make_key(folder, "ci")
    set_policy(repo, POLICY + verifier("ci", public))
    repo.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    repo.git("push", "-q", "origin", GOOD_TAG)
    repo.git("config", "envhooks.recordkey", str(file))
    repo.git("tag", "-a", SECOND, "-m", "Unsigned")
    return folder / "repos"


@pytest.fixture
def released(released_template: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """A clone of a repository with releases: a copy of the template, with its server beside it."""
    shutil.copytree(released_template, tmp_path / "repos", symlinks=True)
    return Repo(tmp_path / "repos" / "clone", environ)


@pytest.fixture
def index() -> Iterator[str]:
    """An index that has the releases of the table and no newer one."""
    served = Served()
    for name in ("torch", "torchvision", "torchaudio", "tensorflow", "jax"):
        served.listings[name] = []
    yield served.url
    served.server.shutdown()
    served.server.server_close()


GOOD: dict[str, tuple[list[str], int]] = {
    "build": (["build", GOOD_TAG, "--dry-run"], 0),
    "builds": (["builds"], 0),
    "changelog": (["changelog", "PyTorch-CUDA-v2.8-rc3", "--dry-run"], 0),
    "check": (["check", GOOD_TAG], 0),
    "compat": (["compat", "update", "--dry-run"], 0),
    "diff": (["diff", GOOD_TAG], 0),
    "doctor": (["doctor"], 1),
    "driver": (["driver"], 0),
    "env": (["env"], 0),
    "explain": (["explain"], 0),
    "gate": (["gate", GOOD_TAG, "--for", "production"], 2),
    "init": (["init"], 0),
    "install": (["install"], 0),
    "lineage": (["lineage", GOOD_TAG], 0),
    "lint": (["lint", "dockerfile"], 0),
    "list": (["list"], 0),
    "lock": (["lock", GOOD_TAG], 0),
    "propose": (["propose", "--framework", "2.9.1", "--hardware", "cu130"], 0),
    "record": (["record", GOOD_TAG], 0),
    "records": (["records"], 0),
    "reproduce": (["reproduce", GOOD_TAG, "--print"], 0),
    "rollback": (["rollback", SECOND], 1),
    "show": (["show", GOOD_TAG], 0),
    "signers add": (["signers", "add", "../key.pub", "--principal", "bob@example.org"], 0),
    "signers list": (["signers", "list"], 0),
    "signers revoke": (["signers", "revoke", "alice@example.org"], 0),
    "site": (["site", "public"], 0),
    "tag": (["tag", "PyTorch-CUDA-v2.8-rc2", "--dry-run"], 0),
    "uninstall": (["uninstall", "--dry-run"], 0),
    "verify": (["verify", "oci:../image"], 0),
    "version": (["version"], 0),
}
"""Verb -> words, and the exit code where it could do what was asked."""
REFUSED: dict[str, list[str]] = {
    "build": ["build", "v0"],
    "builds": ["builds", "--cancel", "v0"],
    "changelog": ["changelog", "no release"],
    "check": ["check", "v0"],
    "compat": ["compat", "update", "--tie", "-"],
    "diff": ["diff", "v0"],
    "doctor": ["doctor", "--no-such"],
    "driver": ["driver", "--have", "new"],
    "env": ["env", "no/Dockerfile"],
    "explain": ["explain", "on-man"],
    "gate": ["gate", GOOD_TAG, "--for", "prod"],
    "init": ["init", "--branch"],
    "install": ["install", "--global", "--server"],
    "lineage": ["lineage", "models:/x"],
    "lint": ["lint", "docker"],
    "list": ["list", "--has", "<<"],
    "lock": ["lock", "v0"],
    "propose": ["propose", "--framework", "new"],
    "record": ["record", "v0"],
    "records": ["records", "v0"],
    "reproduce": ["reproduce", "v0"],
    "rollback": ["rollback", "v0"],
    "show": ["show", "v0"],
    "signers add": ["signers", "add", "no.pub"],
    "signers list": ["signers", "list", "x"],
    "signers revoke": ["signers", "revoke", "nobody"],
    "site": ["site", "Dockerfile"],
    "tag": ["tag", "v0", "--stage", "rc"],
    "uninstall": ["uninstall", "x"],
    "verify": ["verify", "oci:nowhere"],
    "version": ["version", "x"],
}
"""Verb -> words that it cannot do."""
OTHERWISE = {
    "a refused tag": (["tag", "PyTorch-CUDA-v9.9"], 1),
    "a tag for real": (["tag", SECOND, "--push"], 0),
    "a refused release is built": (["build", SECOND], 1),
    "a build for real": (["build", GOOD_TAG, "--allow"], 0),
    "an entry for real": (["changelog", "PyTorch-CUDA-v2.8-rc3", "--commit"], 0),
    "an entry that is there": (["changelog", GOOD_TAG], 0),
    "a bad tag is locked": (["lock", SECOND], 1),
    "never published": (["propose", "--framework", "2.8.0", "--hardware", "cu999"], 1),
    "a patch for real": (["propose", "--framework", "2.9.1", "--hardware", "cu130", "--apply"], 0),
    "init for real": (["init", "--yes"], 0),
    "no Dockerfile": (["lint", "dockerfile", "no/Dockerfile"], 1),
    "a package": (["explain", "dockerfile-compatible", "torch", "2.8"], 0),
    "a refused gate": (["gate", SECOND, "x@sha256:1", "--for", "production"], 2),
    "a refused tag is shown": (["show", SECOND], 1),
    "all": (["check", "--all"], 1),
    "an old driver": (["driver", GOOD_TAG, "--have", "450"], 1),
}


def ready(repo: Repo, words: list[str]) -> None:
    """What a case needs besides."""
    if "compat" in words:
        pytest.importorskip("packaging")
    if words[:2] == ["signers", "add"]:
        shutil.copy(Path(repo.environ["HOME"]) / "stranger.pub", repo.path.parent / "key.pub")
    if words == ["build", SECOND]:
        repo.git("push", "-q", "--no-verify", "origin", SECOND)
    if words[0] == "verify":
        write_image(repo.path.parent / "image")
    if (words[0] == "tag" and "rc2" in words[1]) or words[0] == "lineage":
        repo.git("tag", "-d", SECOND, check=None)


def write_image(folder: Path) -> None:
    """An OCI layout with an image that holds nothing."""
    import gzip
    import hashlib
    import io
    import tarfile

    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("etc"))
    layer = blob(gzip.compress(tar.getvalue()), "application/vnd.oci.image.layer.v1.tar+gzip")
    diff = f"sha256:{hashlib.sha256(tar.getvalue()).hexdigest()}"
    settings = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff]},
    }
    config = blob(json.dumps(settings).encode(), "application/vnd.oci.image.config.v1+json")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), kind)]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


@pytest.mark.parametrize("name", GOOD)
def test_a_verb_that_does_what_is_asked(name: str, released: Repo, request: pytest.FixtureRequest) -> None:
    words, code = GOOD[name]
    ready(released, words)
    if name == "compat":
        words = [*words, "--index", request.getfixturevalue("index")]
    if name == "lineage":
        pytest.importorskip("mlflow")
        uri = f"sqlite:///{released.path.parent}/mlflow.db"
        begin = f"import mlflow; mlflow.set_tracking_uri('{uri}'); mlflow.set_experiment('detector')"
        run([sys.executable, "-c", begin], released.path.parent, released.environ, check=True)
        words = [*words, "--tracking-uri", uri]
    if name == "reproduce":
        pytest.skip("only an image that was built and recorded can be: tests/releases/test_reproduce.py")
    done = released.envhooks(*words, "--format", "json")
    document = read(done)
    assert done.code == code, done.said
    assert "error" not in document
    schema = LEAVES[name].get_default("schema") or name
    assert document["schema"] == f"urn:envhooks:{schema}:v1"


@pytest.mark.parametrize("name", REFUSED)
def test_a_verb_that_cannot(name: str, released: Repo) -> None:
    ready(released, REFUSED[name])
    done = released.envhooks(*REFUSED[name], "--format=json")
    document = read(done)
    assert done.code == 2, done.said
    error = document["error"]
    assert " ".join(error["message"].split()) in done.flat and done.err.startswith("envhooks: ")
    if document["schema"] != "urn:envhooks:report:v1":
        assert document["verb"] == name.split()[0]
    else:
        assert document["errors"] and not document["tags"]


@pytest.mark.parametrize("case", OTHERWISE)
def test_what_else_a_verb_may_say(case: str, released: Repo) -> None:
    words, code = OTHERWISE[case]
    ready(released, words)
    if case == "init for real":
        released.git("tag", "-d", SECOND)
    done = released.envhooks(*words, "--format", "json")
    document = read(done)
    assert done.code == code, done.said
    assert "error" not in document


@pytest.mark.parametrize("name", sorted({*GOOD} - {"compat", "lineage", "reproduce", "demo"}))
def test_quiet_is_only_what_is_wrong_or_the_answer(name: str, released: Repo) -> None:
    words, code = GOOD[name]
    ready(released, words)
    done = released.envhooks(*words, "--quiet")
    assert done.code == code
    assert not done.err, "all is well"
    is_asked = name in ANSWERS
    assert bool(done.out) == is_asked, done.out


ANSWERS = {
    "build", "changelog", "diff", "doctor", "driver", "env", "explain", "gate", "list", "propose", "record",
    "records", "rollback", "show", "signers list", "tag", "verify", "version",
}  # fmt: skip
"""Verbs that are asked something, so that their answer stays; `build`, `changelog` and `tag` by --dry-run."""


@pytest.mark.parametrize("words", [["list"], ["check", "--all"], ["show", GOOD_TAG], ["record", GOOD_TAG]])
def test_verbose_tells_what_was_asked_of_whom_and_when(words: list[str], released: Repo) -> None:
    plain, told = released.envhooks(*words), released.envhooks(*words, "-v")
    assert told.code == plain.code
    lines = told.err.strip().split("\n")
    stamped = [line for line in lines if line.startswith("envhooks:") and " s  " in line]
    assert any(" git rev-parse" in line for line in stamped), told.err
    seconds = [float(line.split()[1]) for line in stamped]
    assert seconds == sorted(seconds)
    assert stamped[-1].endswith("the end")
    assert "ssh-keygen" in told.err, "who verifies the signature, or makes one"


def test_verbose_keeps_the_secrets_of_an_address(released: Repo) -> None:
    released.git("remote", "set-url", "origin", "https://bob:hunter2@127.0.0.1:9/x.git")
    for words in (["doctor", "--online"], ["records", "--fetch"], ["build", GOOD_TAG]):
        done = released.envhooks(*words, "--verbose")
        assert "hunter2" not in done.said
        assert " git " in done.err


def test_a_document_keeps_to_one_line_each_what_was_written_by_others(good: Repo) -> None:
    name = "Dockerfile\x1b[2J\u202e"
    good.write({name: DOCKERFILE})
    done = good.envhooks("env", name, "--format", "json")
    assert not {"\x1b", "\u202e"} & set(done.out)
    assert read(done)["dockerfile"].startswith("Dockerfile\\x1b[2J")
