"""From a push over ssh to an image in a registry: every part of it is real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sshd
from builder_parts import DOCKERFILE, missing, need, python_that_says, refusing, registry, storage
from shop import Shop, job
from support import GOOD_TAG, Repo, run

from envhooks.builds.ledger import Ledger
from envhooks.builds.registry import Registry

RC2 = "PyTorch-CUDA-v2.8-rc2"
# The image is a few megabytes of busybox, so its Dockerfile installs nothing that could be held against the tag.
POLICY = """\
[checks]
dockerfile-matches = {{ level = "off", reason = "an image for a test" }}

[image]
name = "{address}/team/{{framework:lower}}-{{hardware:lower}}"

[[build]]
name = "image"
using = "local"
engine = "buildah"
isolation = "chroot"
tls_verify = false
"""


@pytest.fixture
def works(guarded: Repo, server: Repo, tmp_path: Path, environ: dict[str, str]) -> Iterator[Shop]:
    """A clone that pushes over ssh, whose policy builds into a registry on loopback."""
    need("docker-registry", "skopeo", "buildah", "busybox")
    if sshd.program() is None:
        missing("sshd (apt-get install openssh-server)")
    busybox = shutil.which("busybox")
    assert busybox is not None
    here = storage(tmp_path / "storage", environ)
    with registry(tmp_path / "registry") as address, sshd.serve(tmp_path / "ssh", environ) as host:
        clone = Repo(guarded.path, here)
        files: dict[str, str | bytes] = {
            ".envhooks/policy.toml": POLICY.format(address=address),
            "Dockerfile": DOCKERFILE,
            "python": python_that_says(),
            "busybox": Path(busybox).read_bytes(),
        }
        clone.write(files)
        for name in ("python", "busybox"):
            (clone.path / name).chmod(0o755)
        clone.commit("Build a small image")
        clone.put("main")
        clone.git("config", "core.sshCommand", host.command)
        clone.git("config", "envhooks.pauses", "0.1")
        clone.git("remote", "set-url", "origin", f"{host.url}{server.path}")
        clone.envhooks("builds", "--allow", check=True)
        yield Shop(clone, server, tmp_path)


def inspect(image: str, environ: dict[str, str]) -> dict[str, object]:
    argv = ["skopeo", "inspect", "--tls-verify=false", f"docker://{image}"]
    found: dict[str, object] = json.loads(run(argv, Path("/"), environ, check=True).out)
    return found


def test_a_push_becomes_an_image_the_same_on_every_machine(works: Shop, environ: dict[str, str]) -> None:
    works.tag()
    assert works.push().code == 0
    row = works.await_state("done", "failed", "dropped")
    assert row.state == "done", (row, works.log())
    image = works.clone.git("show", "HEAD:.envhooks/policy.toml").split('name = "')[1].split("/")[0]
    found = inspect(f"{image}/team/pytorch-cuda:2.8-rc1", works.clone.environ)
    assert found["Digest"] == row.digest
    assert found["RepoTags"] == ["2.8-rc1"]
    labels = found["Labels"]
    assert isinstance(labels, dict)
    oci = "org.opencontainers.image."
    assert labels[f"{oci}revision"] == works.clone.git("rev-parse", f"{GOOD_TAG}^{{commit}}")
    assert labels[f"{oci}ref.name"] == GOOD_TAG
    assert labels[f"{oci}version"] == "2.8-rc1"
    assert labels[f"{oci}title"] == "PyTorch CUDA"
    assert labels[f"{oci}source"] == f"https://127.0.0.1{works.server.path}".removesuffix(".git")
    assert labels[f"{oci}created"] == found["Created"] == "2026-11-01T12:00:00Z"
    assert labels["envhooks.tag-object"] == row.tag_object
    assert labels["envhooks.signer"] == "alice@example.org"

    other = Repo(works.folder / "elsewhere", storage(works.folder / "other-storage", environ))
    ssh = works.clone.git("config", "core.sshCommand")
    works.clone.git("clone", "-q", "--config", f"core.sshCommand={ssh}", row.url, str(other.path))
    built = other.envhooks("build", GOOD_TAG, "--allow")
    assert built.code == 0, built.said
    assert row.digest in built.out and "taken as built" in built.err and "buildah build" not in built.err

    again = other.envhooks("build", GOOD_TAG, "--again")
    assert (again.code, again.out) == (0, f"{row.image} is the same built again: {row.digest}\n"), again.said
    there = Registry(row.image, environ, push=True)
    there._transport.request("DELETE", f"manifests/{row.digest}", accept=(202,))
    nothing = works.clone.envhooks("build", GOOD_TAG, "--again")
    assert nothing.code == 2 and "is not published" in nothing.err
    gone = works.clone.envhooks("build", GOOD_TAG)
    assert gone.code == 0 and "no longer in the registry: built again" in gone.err, gone.said
    assert there.head("2.8-rc1") == row.digest


def test_a_second_build_takes_no_layer_of_the_first(works: Shop) -> None:
    """Layers of the first build would be the same, whether it can be built again or not."""
    dockerfile = f'{DOCKERFILE}RUN ["/bin/busybox", "sh", "-c", "cat /proc/uptime > /when"]\n'
    works.clone.commit_files({"Dockerfile": dockerfile}, "Note when it was built")
    works.tag()
    works.put("main", GOOD_TAG)
    assert works.clone.envhooks("build", GOOD_TAG).code == 0
    row = works.row()
    assert row is not None and row.digest
    again = works.clone.envhooks("build", GOOD_TAG, "--again")
    assert again.code == 1 and f"is {row.digest}; built again it is sha256:" in again.out, again.said
    assert "--layers --no-cache" in again.err
    assert Registry(row.image, works.clone.environ).head("2.8-rc1") == row.digest


def test_an_image_that_is_not_what_its_tag_says_moves_no_name(works: Shop) -> None:
    works.clone.commit_files({"python": python_that_says('"torch": "2.7.1+cu128"')}, "Upgrade by mistake")
    works.tag(RC2)
    assert works.push("--atomic", "origin", "main", RC2).code == 0
    row = works.await_state("done", "failed", "dropped", "final")
    assert (row.state, row.attempts, row.digest) == ("final", 1, "")
    assert "the image has torch 2.7.1+cu128, and the tag says 2.8.x: no image tag was moved" in row.reason
    again = works.clone.envhooks("build", RC2)
    assert again.code == 1
    assert "| the image holds: Python 3.12.3, torch 2.7.1+cu128" in again.err
    assert f"again: envhooks build {RC2}" in again.err


def test_a_retry_publishes_the_very_image_that_could_not_be_named(works: Shop) -> None:
    text = works.clone.git("show", "HEAD:.envhooks/policy.toml")
    address = text.split('name = "')[1].split("/")[0]
    with refusing(address, "2.8-rc1") as (proxy, refused):
        works.clone.commit_files(
            {".envhooks/policy.toml": text.replace(address, proxy)}, "Go through a proxy"
        )
        works.tag()
        works.put("main", GOOD_TAG)
        works.clone.envhooks("builds", "--allow", check=True)
        first = works.clone.envhooks("build", GOOD_TAG)
        assert first.code == 2 and "could not publish" in first.err and "docker login" in first.err, (
            first.said
        )
        row = works.row()
        assert row is not None and (row.state, row.step) == ("failed", "publish")
        assert Registry(row.image, works.clone.environ).tags() == ()
        refused.clear()
        again = works.clone.envhooks("builds", "--retry")
        assert again.code == 0, again.said
        assert "going on with the image that was built and checked before" in again.err
        assert "buildah build" not in again.err
        done = works.row()
        assert done is not None and (done.state, done.digest) == ("done", row.digest)
        assert Registry(row.image, works.clone.environ).head("2.8-rc1") == row.digest
    assert not (works.ledger.folder / "kept").exists()


def test_two_at_once_end_with_one_image(works: Shop, environ: dict[str, str]) -> None:
    """A CI job beside a clone. An image holds when it was built, so two builds are never the same."""
    when = 'RUN ["/bin/busybox", "sh", "-c", "cat /proc/uptime > /when"]\n'
    works.clone.commit_files({"Dockerfile": DOCKERFILE + when}, "Tell when it was built")
    works.tag()
    works.put("main", GOOD_TAG)
    ssh, url = works.clone.git("config", "core.sshCommand"), works.clone.git("remote", "get-url", "origin")
    other = Repo(works.folder / "elsewhere", storage(works.folder / "other-storage", environ))
    other = job(works, other.path, {**other.environ, "GIT_SSH_COMMAND": ssh}, url)
    command = [sys.executable, "-m", "envhooks", "build", GOOD_TAG, "--allow"]
    running = [
        subprocess.Popen(
            argv, cwd=clone.path, env=clone.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for clone, argv in ((works.clone, command), (other, [*command, "--fetch"]))
    ]
    said = [one.communicate(timeout=120) for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    rows = [Ledger(clone.path / ".git").rows()[-1] for clone in (works.clone, other)]
    published = Registry(rows[0].image, environ).head("2.8-rc1")
    assert {row.digest for row in rows} == {published}
