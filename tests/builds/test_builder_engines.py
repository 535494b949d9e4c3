"""Engines are tried before they are used, asked only for what they can, and build for the platforms that are named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN, missing, need, new_log, plan_for, publish, registry, storage, write_context
from support import run

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.builds import engines
from envhooks.builds.builders import local
from envhooks.builds.local_section import read
from envhooks.builds.registry import Registry
from envhooks.builds.types import Job

OPTIONS: dict[str, Any] = {"engine": "buildah", "tls_verify": False, "isolation": "chroot", "output": "none"}
UNASKED = {**OPTIONS, "verify": {"level": "off", "reason": "a test of what comes before"}}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    need("docker-registry")
    with registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def engine(tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    need("buildah", "busybox")
    made = storage(tmp_path / "storage", environ)
    tried = run(["buildah", "info"], tmp_path, made)
    if tried.code:
        missing(f"buildah does not work on this machine: {tried.err.strip()[-200:]}")
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


def test_the_smoke_test_decides_before_anything_is_published(engine: dict[str, str], tmp_path: Path) -> None:
    tree = write_context(tmp_path / "tree")
    for word, status in (("true", "done"), ("false", "failed")):
        plan = plan_for("registry.example.com/x", options={**OPTIONS, "test": ["/bin/busybox", word]})
        log = new_log()
        result = local.build(plan, tree, log, engine)
        assert result.status == status, log.getvalue()
        assert "-- /bin/busybox " + word in log.getvalue()
    assert result.is_final and "the smoke test ended with 1" in result.message
    plan = plan_for("registry.example.com/x", options={**OPTIONS, "test": ["/nowhere"]})
    result = local.build(plan, tree, new_log(), engine)
    assert result.status == "failed" and "the smoke test" in result.message


def test_two_platforms_are_one_image(engine: dict[str, str], tmp_path: Path) -> None:
    need("docker-registry", "skopeo")
    both = {**OPTIONS, "output": "registry", "platform": ["linux/amd64", "linux/arm64"]}
    with registry(tmp_path / "registry") as host:
        plan = plan_for(f"{host}/team/x", options=both)
        tree, log = write_context(tmp_path / "tree"), new_log()
        promised = local.commands(plan, tree)
        result = publish(plan, local.build(plan, tree, log, engine), new_log(), engine)
        assert result.status == "done", log.getvalue()
        found = run(
            ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{plan.own}"], tmp_path, engine
        )
        index = json.loads(found.out)
        assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]
        again = publish(plan, local.build(plan, tree, log, engine), new_log(), engine)
        assert (again.status, again.digest) == ("done", result.digest), "a list that was left is no obstacle"
    ran = [line[2:] for line in log.getvalue().split("\n") if line.startswith("$ ")]
    commands = [one for one in promised if "only where" not in one and not one.startswith(("HEAD ", "PUT "))]
    assert list(dict.fromkeys(ran)) == list(dict.fromkeys(commands))


def test_the_platform_is_amd64_wherever_it_is_built(engine: dict[str, str], tmp_path: Path) -> None:
    plan = plan_for("registry.example.com/x", options=OPTIONS)
    assert " --platform linux/amd64 " in local.commands(plan, write_context(tmp_path / "tree"))[0]


def test_an_image_for_another_platform_is_not_published(engine: dict[str, str], tmp_path: Path) -> None:
    """Buildah 1.28's cache takes the layers of `FROM scratch` for every platform."""
    tree = write_context(tmp_path / "tree")
    one = plan_for("registry.example.com/x", options=OPTIONS)
    assert local.build(one, tree, new_log(), engine).status == "done"
    other = plan_for("registry.example.com/x", options={**OPTIONS, "platform": "linux/arm64"})
    result = local.build(other, tree, new_log(), engine)
    if result.status == "failed":
        assert "the image is for linux/amd64 and not for linux/arm64" in result.message and result.is_final
    else:
        told = run(["buildah", "inspect", "--type", "image", other.own], tmp_path, engine).out
        assert json.loads(told)["OCIv1"]["architecture"] == "arm64"


def test_a_retry_goes_on_where_the_last_one_stopped_and_a_rebuild_does_not(
    engine: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for("registry.example.com/x", options=UNASKED)
    tree = write_context(tmp_path / "tree")
    logs = [new_log() for _ in range(3)]
    rebuilt = replace(plan, own="registry.example.com/x:2.8-post1")
    for number, one in enumerate((plan, plan, rebuilt)):  # each without the image of the one before
        local.build(one, tree, logs[number], engine, Job(tmp_path / f"kept{number}"))
    assert ["Using cache" in log.getvalue() for log in logs] == [False, True, False]


def test_secrets_labels_and_pull_reach_the_build(engine: dict[str, str], tmp_path: Path) -> None:
    dockerfile = (
        "FROM scratch\nCOPY busybox python /bin/\nENV PATH=/bin\n"
        'RUN --mount=type=secret,id=pip ["/bin/busybox", "sha256sum", "/run/secrets/pip"]\n'
    )
    options = {
        **UNASKED,
        "secrets": {"pip": "PIP_TOKEN"},
        "labels": {"org.example.tag": "{tag}"},
        "pull": "missing",
    }
    plan = plan_for("registry.example.com/x", args=(), options=options)
    tree = write_context(tmp_path / "tree", dockerfile=dockerfile)
    with pytest.raises(CannotJudge, match="PIP_TOKEN is not set"):
        local.build(plan, tree, new_log(), engine)
    log = new_log()
    result = local.build(plan, tree, log, {**engine, "PIP_TOKEN": "hunter22"})
    assert result.status == "done", log.getvalue()
    assert "hunter22" not in log.getvalue()
    import hashlib

    assert hashlib.sha256(b"hunter22").hexdigest() in log.getvalue()
    told = json.loads(run(["buildah", "inspect", "--type", "image", plan.own], tmp_path, engine).out)
    assert told["OCIv1"]["config"]["Labels"]["org.example.tag"] == plan.tag


SYFT = """\
#!/bin/sh
# as `syft scan SOURCE --quiet --output FORMAT=FILE` of syft 1: reads an OCI layout, writes a file
[ "$1" = scan ] && [ "$3" = --quiet ] && [ "$4" = --output ] || exit 3
layout=${2#oci-dir:}
file=${5#spdx-json=}
[ -f "$layout/index.json" ] && [ "$file" != "$5" ] || { echo "unable to read $layout" >&2; exit 1; }
[ -z "$BROKEN" ] || { echo "no cataloger" >&2; exit 1; }
printf '{"spdxVersion": "SPDX-2.3", "of": %s}' "$(cat "$layout/index.json")" > "$file"
"""


def test_a_bill_of_materials_is_attached_to_what_is_published(
    address: str, engine: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "syft"
    program.parent.mkdir()
    program.write_text(SYFT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{engine['PATH']}")
    environ = {**engine, "PATH": f"{program.parent}:{engine['PATH']}"}
    plan = plan_for(f"{address}/team/billed", options={**OPTIONS, "output": "registry", "sbom": True})
    tree, job = write_context(tmp_path / "tree"), Job(tmp_path / "kept")
    assert any(" scan oci-dir:" in line and "spdx-json=" in line for line in local.commands(plan, tree))
    broken = local.build(plan, tree, new_log(), {**environ, "BROKEN": "1"}, job)
    assert broken.status == "failed" and broken.message.startswith(
        "could not write the SBOM: syft ended with 1"
    )
    log = new_log()
    built = local.build(plan, tree, log, environ, job)
    assert "buildah build" not in log.getvalue(), "the image was built before"
    result = publish(plan, built, log, environ)
    assert result.status == "done" and result.digest, result.message
    found = Registry(plan.own, environ, tls_verify=False)
    (bill,) = found.referrers(result.digest, "application/spdx+json")
    manifest = found.manifest(bill.digest)
    assert manifest is not None and manifest.json["subject"]["digest"] == result.digest
    (file,) = manifest.parts("layers")
    told = json.loads(found.blob(file.digest))
    assert told["spdxVersion"] == "SPDX-2.3" and told["of"]["manifests"][0]["digest"] == result.digest
    assert log.getvalue().index("attached the SBOM") < log.getvalue().index(f"naming {plan.own}")
    # a retry sends the same one again, and the section without it goes on without it
    again = local.build(plan, tree, new_log(), environ, job)
    assert publish(plan, again, new_log(), environ).digest == result.digest
    assert len(found.referrers(result.digest)) == 1
    for options in ({"platform": ["linux/amd64", "linux/arm64"]}, {"output": f"oci:{tmp_path}/out"}):
        with pytest.raises(CannotJudge, match="SBOM"):
            local.commands(replace(plan, options={**plan.options, **options}), tree)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"provenance": "max"}, "buildah writes no provenance"),
        ({"sbom": True}, "buildah writes no SBOM"),
        ({"network": "none"}, "in chroot isolation has the network of the machine"),
        ({"cache_from": ["type=gha"]}, "keeps caches in a registry alone"),
        ({"cache_to": ["{image}-cache"], "layers": False}, "keeps caches with"),
    ],
)
def test_what_an_engine_cannot_do_is_refused(
    engine: dict[str, str], tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    plan = plan_for("registry.example.com/x", options={**OPTIONS, **options})
    with pytest.raises(CannotJudge, match=said) as caught:
        local.commands(plan, write_context(tmp_path / "tree"))
    assert caught.value.fix


@pytest.mark.parametrize(
    "options",
    [
        {"platform": "windows/amd64"}, {"platform": []}, {"platform": ["linux/amd64", "linux/amd64"]}, {"platform": 3},
        {"secrets": {"pip": "ghp_0123456789"}}, {"secrets": ["pip"]}, {"secrets": {"a b": "X"}}, {"ssh": ["/key"]},
        {"network": "bridge"}, {"pull": "newer"}, {"labels": {"envhooks.tag-object": "x"}}, {"labels": {"X Y": "x"}},
        {"labels": {"x": "{nowhere}"}}, {"test": "python"}, {"test": []}, {"test": ["-c"]}, {"cache_to": ["--x"]},
        {"cache_from": "x"}, {"layers": "yes"},
    ],
)  # fmt: skip
def test_words_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        read(options)


def test_an_engine_is_tried_once_a_machine(engine: dict[str, str], tmp_path: Path) -> None:
    """A stand-in before the real one writes down how it is called."""
    folder, calls = tmp_path / "bin", tmp_path / "calls"
    folder.mkdir()
    real = shutil.which("buildah")
    (folder / "buildah").write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {real} "$@"\n')
    (folder / "buildah").chmod(0o755)
    environ = {**engine, "PATH": f"{folder}:{engine['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    wanted = read({"engine": "buildah", "isolation": "chroot"})
    assert engines.find(wanted, environ).isolation == "chroot"
    assert "build --isolation chroot" in calls.read_text() and "rmi" in calls.read_text()
    images = run(["buildah", "images", "-a", "--quiet"], tmp_path, engine).out
    assert images == "", "the trial leaves nothing behind"
    calls.unlink()
    engines.find(wanted, environ)
    assert "build" not in calls.read_text()
    # what did not work is tried again, as somebody may have mended it
    (folder / "buildah").write_text(
        f'#!/bin/sh\necho "$*" >> {calls}\n[ "$1" = info ] || {{ echo no >&2; exit 1; }}\n'
    )
    for _ in range(2):
        calls.unlink()
        with pytest.raises(CannotJudge, match="it can run no container: no"):
            engines.find(wanted, environ)
        assert "build" in calls.read_text()


def test_auto_takes_the_isolation_that_runs(engine: dict[str, str], tmp_path: Path) -> None:
    engine["XDG_CACHE_HOME"] = str(tmp_path / "cache")  # in which no trial is remembered
    wanted = read({"engine": "buildah"})
    found = engines.find(wanted, engine)
    plan = plan_for("registry.example.com/x", options={"engine": "buildah", "output": "none"})
    assert found.isolation in ("", "chroot")
    assert local.build(plan, write_context(tmp_path / "tree"), new_log(), engine).status == "done"


def test_no_engine_of_the_current_folder_is_started(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("docker", "podman", "buildah"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        program.chmod(0o755)
    tree = write_context(tmp_path / "tree")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".:bin:")
    with pytest.raises(CannotJudge, match="docker is not on PATH"):
        local.commands(replace(PLAN, options={}), tree)
    assert not (tmp_path / "ran").exists()


def test_the_program_of_the_trial_is_one() -> None:
    import platform

    kind = engines._EXIT.get(platform.machine())
    if kind is None:
        pytest.skip("not a machine on which images are built")
    assert engines._elf(*kind)[:4] == b"\x7fELF"


def test_no_engine_of_the_work_tree_is_started(tmp_path: Path, environ: dict[str, str]) -> None:
    tree = tmp_path / "clone"
    (tree / "bin").mkdir(parents=True)
    program = tree / "bin" / "buildah"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    context = tree / ".git" / "envhooks" / "work" / "x"
    found = engines.work_tree_of(context)
    assert found == tree and engines.work_tree_of(tmp_path / "server.git" / "envhooks") is None
    with pytest.raises(CannotJudge, match="lies in the work tree"):
        engines.find(read({"engine": "buildah"}), {**environ, "PATH": f"{tree}/bin"}, found)
    assert not (tmp_path / "ran").exists()
