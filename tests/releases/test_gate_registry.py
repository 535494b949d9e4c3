"""`envhooks gate` beside a real registry: a tag is resolved to its digest, and a label is a claim."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from builder_parts import need, registry
from image_parts import PYTHON, SITE, Layout, layer, torch
from record_parts import (
    make_key,
    make_tag,
    set_policy,
    verifier,
    write_record,
)
from support import GOOD_TAG, Repo

PRODUCTION = '[deploy.production]\nstages = ["rc", "stable"]\n'
LABELS = {"org.opencontainers.image.ref.name": GOOD_TAG, "envhooks.tag-object": "f" * 40}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    need("docker-registry", "skopeo")
    with registry(tmp_path / "registry") as found:
        yield found


def publish(folder: Path, image: str, **config: Any) -> str:
    made = Layout(folder)
    name = made.publish(made.image(layer(*PYTHON, *torch(SITE)), **config))
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
    subprocess.run([*copy, name, f"docker://{image}"], check=True)
    ask = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{image}"]
    return subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def recorded(good: Repo, tmp_path: Path, host: str) -> tuple[Repo, Path, str]:
    key, public = make_key(tmp_path, "ci")
    image = f"{host}/team/pytorch-cuda"
    set_policy(
        good, f'[image]\nname = "{host}/team/{{framework:lower}}-cuda"\n{PRODUCTION}{verifier("ci", public)}'
    )
    make_tag(good)
    return good, key, image


def test_a_tag_of_an_image_is_resolved_and_its_digest_printed(
    recorded: tuple[Repo, Path, str], tmp_path: Path
) -> None:
    repo, key, image = recorded
    digest = publish(tmp_path / "a", f"{image}:2.8-rc1", Labels=LABELS)
    when = datetime(2026, 10, 20, tzinfo=timezone.utc)
    write_record(
        repo, key, time=when, name=image, references=(f"{image}:2.8-rc1",), digest=digest, platforms={}
    )
    done = repo.envhooks("gate", f"{image}:2.8-rc1", "--for", "production")
    assert done.code == 0, done.said
    assert f"is {digest} now" in done.err and f"{image}@{digest}" in done.out
    # the name gets other bytes: the same question has another answer
    publish(tmp_path / "b", f"{image}:2.8-rc1", Labels=LABELS, Env=["A=B"])
    done = repo.envhooks("gate", f"{image}:2.8-rc1", "--for", "production")
    assert done.code == 2 and f"claimed, not proved: its label says {GOOD_TAG}" in done.out, done.said


def test_a_label_is_a_claim(recorded: tuple[Repo, Path, str], tmp_path: Path) -> None:
    repo, _, image = recorded
    digest = publish(tmp_path / "a", f"{image}:x", Labels=LABELS)
    done = repo.envhooks("gate", f"{image}@{digest}", "--for", "production")
    assert done.code == 2 and "claimed, not proved" in done.out, done.said
    hostile = publish(
        tmp_path / "c", f"{image}:y", Labels={**LABELS, "org.opencontainers.image.ref.name": "\x1b[2J"}
    )
    done = repo.envhooks("gate", f"{image}@{hostile}", "--for", "production")
    assert done.code == 2 and "\x1b" not in done.said
    bare = publish(tmp_path / "d", f"{image}:z")
    assert "no record says" in repo.envhooks("gate", f"{image}@{bare}", "--for", "production").out


def test_a_registry_that_does_not_answer_is_no_proof(recorded: tuple[Repo, Path, str]) -> None:
    repo, _, image = recorded
    gone = image.replace(image.partition("/")[0], "127.0.0.1:9")
    for name in (f"{gone}:2.8-rc1", f"{gone}@sha256:{'0' * 64}", f"{image}:nothing"):
        done = repo.envhooks("gate", name, "--for", "production")
        assert done.code == 2 and "Traceback" not in done.said, done.said
