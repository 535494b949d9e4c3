"""A build that is verified is recorded by itself, whoever built it, and never in a build's way."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from builder_parts import DOCKERFILE, need, python_that_says, registry, storage
from record_parts import make_key, verifier
from shop import Shop, until
from support import GOOD_TAG, WITHOUT_HOOKS, Repo, first_on_path
from test_travelling import fresh_clone

from envhooks.builds.ledger import Ledger
from envhooks.builds.registry import Registry

POLICY = """\
[checks]
dockerfile-matches = {{ level = "off", reason = "an image for a test" }}

[image]
name = "{address}/team/{{framework:lower}}-{{hardware:lower}}"

[[build]]
name = "image"
{build}
"""
PAUSES = "0.1 0.2 0.5 1 3 10"
"""Several: on a busy machine a registry or remote may be late once, and one pause is one more attempt."""
OWN_PYTHON = """
import test_travelling
from image_parts import torch
HOME = "opt/own"
test_travelling.torch = lambda site, version: (
    *torch(site, "2.7.0+cu128"),
    (HOME + "/bin/python3.11", bytes([127]) + b"ELF"),
    *torch(HOME + "/lib/python3.11/site-packages", version),
)
"""
"""An image with two interpreters: `python` holds another torch than the one in a folder of its own."""
TESTS = Path(__file__).parent.parent
LOCAL = 'using = "local"\nengine = "buildah"\nisolation = "chroot"\ntls_verify = false'


@dataclass(frozen=True)
class Works:
    shop: Shop
    address: str
    key: Path

    def state_policy(self, build: str, more: str = "") -> None:
        text = POLICY.format(address=self.address, build=build)
        public = self.key.with_suffix(".pub").read_text()
        self.shop.clone.commit_files({".envhooks/policy.toml": text + (more or verifier("ci", public))})
        self.shop.put("main")
        self.shop.clone.envhooks("builds", "--allow", check=True)
        self.shop.tag()

    def publish_by_program(self, version: str, more: str = "") -> None:
        """The builder's program publishes an image with this torch, and tells its digest."""
        script = self.shop.folder / "publish.py"
        script.write_text(
            f"import os, sys; sys.path[:0] = {[str(TESTS), str(TESTS / 'records'), str(TESTS / 'builds')]!r}\n"
            "from test_travelling import put_index\n"
            f"from envhooks.builds.registry import Registry\n{more}"
            f"there = Registry('{self.address}/team/pytorch-cuda', dict(os.environ), push=True)\n"
            f"print(put_index(there, {{}}, {version!r})[0])\n"
        )
        self.shop.write_program(f"exec {shlex.quote(sys.executable)} {shlex.quote(str(script))}")


@pytest.fixture
def works(guarded: Repo, server: Repo, tmp_path: Path, environ: dict[str, str]) -> Iterator[Works]:
    need("docker-registry", "buildah", "busybox")
    busybox = shutil.which("busybox")
    assert busybox is not None
    key, public = make_key(tmp_path, "ci")
    key.with_suffix(".pub").write_text(public)
    with registry(tmp_path / "registry") as address:
        clone = Repo(guarded.path, storage(tmp_path / "storage", environ))
        clone.write(
            {"Dockerfile": DOCKERFILE, "python": python_that_says(), "busybox": Path(busybox).read_bytes()}
        )
        for name in ("python", "busybox"):
            (clone.path / name).chmod(0o755)
        clone.commit("Build a small image")
        clone.git("config", "envhooks.pauses", PAUSES)
        clone.git("config", "envhooks.recordkey", str(key))
        yield Works(Shop(clone, server, tmp_path), address, key)


def test_a_push_ends_in_a_record_that_a_fresh_clone_proves(
    works: Works, server: Repo, tmp_path: Path
) -> None:
    works.state_policy(LOCAL)
    assert works.shop.push().code == 0
    row = works.shop.await_state("done", "failed", "dropped")
    assert row.state == "done", (row, works.shop.log())
    assert "recorded by ci" in row.reason, row
    found = fresh_clone(server, tmp_path).envhooks("records", GOOD_TAG, "--fetch")
    assert found.code == 0, found
    assert f"{works.address}/team/pytorch-cuda@{row.digest}" in found.out
    assert "built by local, asked by buildah" in found.out


def test_a_tag_that_moves_while_it_is_built_gets_no_name_and_no_record(
    works: Works, server: Repo, tmp_path: Path
) -> None:
    """The engine is the real one, and the remote's tag moves just before it begins."""
    real = shutil.which("buildah")
    other = works.shop.clone.git("rev-parse", "HEAD~1")
    move = shlex.join(
        ["git", "-C", str(server.path), *WITHOUT_HOOKS, "update-ref", f"refs/tags/{GOOD_TAG}", other]
    )
    buildah = f'#!/bin/sh\n[ "$1" != build ] || {move}\nexec {real} "$@"\n'
    environ = first_on_path(works.shop.clone.environ, tmp_path / "tools", {"buildah": buildah})
    works.state_policy(LOCAL)
    done = works.shop.push(PATH=environ["PATH"])
    assert done.code == 0, done.said
    row = works.shop.await_state("done", "failed", "final", "dropped")
    assert row.state == "dropped" and "holds another object under this name" in row.reason, (
        row,
        works.shop.log(),
    )
    assert server.git("rev-parse", f"refs/tags/{GOOD_TAG}") == other
    there = Registry(f"{works.address}/team/pytorch-cuda", {}).head
    assert there("2.8-rc1") is None and there("latest") is None
    assert server.try_git("rev-parse", "--verify", "refs/notes/envhooks").code != 0


@pytest.mark.parametrize(
    ("python", "said"), [("/opt/own/bin/python3.11", "recorded by ci"), ("", "not recorded: ")]
)
def test_a_record_tries_the_interpreter_of_the_builds_own_section(
    works: Works, python: str, said: str
) -> None:
    """Of two in an image, which one the release is: the section says so for the record as for the build's own look."""
    works.publish_by_program("2.8.0+cu128", OWN_PYTHON)
    name = f', python = "{python}"' if python else ""
    verify = f'verify = {{ level = "off", reason = "the record does it"{name} }}'
    works.state_policy(f'using = "command"\ncommand = ["{works.shop.program}", "{{tag}}"]\n{verify}')
    assert works.shop.push().code == 0
    row = works.shop.await_state("done", "failed", "dropped")
    assert row.state == "done" and f"; {said}" in row.reason, (row, works.shop.log())


def test_an_image_of_a_foreign_builder_is_looked_at_in_the_registry(
    works: Works, server: Repo, tmp_path: Path, environ: dict[str, str]
) -> None:
    works.publish_by_program("2.8.0+cu128")
    works.state_policy(f'using = "command"\ncommand = ["{works.shop.program}", "{{tag}}"]')
    assert works.shop.push().code == 0
    row = works.shop.await_state("done", "failed", "dropped")
    assert row.state == "done" and "recorded by ci" in row.reason, (row, works.shop.log())
    found = fresh_clone(server, tmp_path).envhooks("records", GOOD_TAG, "--fetch")
    assert found.code == 0 and "its layers were read" in found.out and row.digest in found.out


@pytest.mark.parametrize("fault", ["no key", "wrong image", "not allowed"])
def test_what_cannot_be_recorded_is_said_and_the_build_is_done(
    works: Works, server: Repo, tmp_path: Path, environ: dict[str, str], fault: str
) -> None:
    works.publish_by_program("2.7.0+cu128" if fault == "wrong image" else "2.8.0+cu128")
    other = verifier("ci", make_key(tmp_path, "other")[1]) if fault == "not allowed" else ""
    works.state_policy(f'using = "command"\ncommand = ["{works.shop.program}", "{{tag}}"]', other)
    if fault == "no key":
        works.shop.clone.git("config", "--unset", "envhooks.recordkey")
        works.shop.clone.git("config", "gpg.format", "ssh")
    assert works.shop.push().code == 0
    row = works.shop.await_state("done", "failed", "dropped")
    assert row.state == "done" and "not recorded: " in row.reason, row
    assert fresh_clone(server, tmp_path).envhooks("records", GOOD_TAG, "--fetch").code == 2


def test_a_server_records_what_it_builds(works: Works, server: Repo, tmp_path: Path) -> None:
    """The server's key is the team's word, and its notes are the ones that clones fetch."""
    works.shop.clone.git("config", "--unset", "envhooks.recordkey")
    server.git("config", "envhooks.recordkey", str(works.key))
    server.git("config", "envhooks.pauses", PAUSES)
    works.publish_by_program("2.8.0+cu128")
    works.state_policy(f'using = "command"\non = "server"\ncommand = ["{works.shop.program}", "{{tag}}"]')
    server.envhooks("builds", "--allow", check=True)
    assert works.shop.push().code == 0
    ledger = Ledger(server.path)
    until(
        lambda: any(row.state in ("done", "failed", "final", "dropped") for row in ledger.rows()), ledger.rows
    )
    row = ledger.rows()[0]
    assert row.state == "done" and "recorded by ci" in row.reason, row
    found = fresh_clone(server, tmp_path).envhooks("records", GOOD_TAG, "--fetch")
    assert found.code == 0 and row.digest in found.out, found
