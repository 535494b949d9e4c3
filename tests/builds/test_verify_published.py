"""Whatever built it: the registry's image is read, and held against the tag."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN, need, new_log, plan_for, registry
from image_parts import PYTHON, SITE, Layout, layer, torch

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError
from envhooks.builds.plan import builder_options
from envhooks.builds.types import Result
from envhooks.builds.verify_image import published_settings
from envhooks.builds.verify_published import verified
from envhooks.policy import BuildPolicy

DONE = Result("done", None, None, "the program ended well", None)


def section(**options: Any) -> BuildPolicy:
    return BuildPolicy("image", "command", "client", (), (), options, "")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    need("docker-registry", "skopeo")
    with registry(tmp_path / "registry") as found:
        yield found


def publish(folder: Path, image: str, *layers: bytes, **config: Any) -> None:
    made = Layout(folder)
    name = made.publish(made.image(*layers, **config))
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
    subprocess.run([*copy, name, f"docker://{image}"], check=True)


def look(plan: Any, result: Result = DONE, **options: Any) -> tuple[Result, str]:
    log = new_log()
    found = verified(result, plan, section(**(options or {"verify": "registry"})), log, os.environ)
    return found, log.getvalue()


def test_a_good_image_brings_its_digest(host: str, tmp_path: Path) -> None:
    plan = plan_for(f"{host}/team/pytorch-cuda")
    publish(tmp_path / "image", plan.own, layer(*PYTHON, *torch(SITE)))
    result, _ = look(plan)
    assert result.status == "done" and (result.digest or "").startswith("sha256:")
    assert "agrees with the tag" in result.message
    assert look(plan, replace(DONE, digest=result.digest))[0].status == "done"


def test_a_bad_one_fails_for_good(host: str, tmp_path: Path) -> None:
    plan = plan_for(f"{host}/team/pytorch-cuda")
    publish(tmp_path / "image", plan.own, layer(*PYTHON, *torch(SITE, "2.7.1+cu118", "11.8")))
    result, log = look(plan)
    assert (result.status, result.is_final) == ("failed", True)
    assert (
        "torch 2.7.1+cu118, and the tag says 2.8.x" in result.message and "was published as" in result.message
    )
    assert "2.7.1" in log
    publish(tmp_path / "b", plan.own, layer(*PYTHON, *torch(SITE)), Labels={"envhooks.tag-object": "f" * 40})
    assert "its label names another tag object" in look(plan)[0].message
    other = look(plan, replace(DONE, digest="sha256:" + "0" * 64))[0]
    assert other.is_final and "the builder says sha256:000" in other.message


def test_an_image_that_is_not_there_yet_is_looked_for_again(host: str) -> None:
    result, _ = look(plan_for(f"{host}/team/pytorch-cuda"))
    assert (result.status, result.is_final) == ("failed", False)
    assert "the registry has no such image" in result.message


def test_a_registry_that_does_not_answer_is_asked_again() -> None:
    result, _ = look(plan_for("127.0.0.1:1/team/pytorch-cuda"))
    assert (result.status, result.is_final) == ("failed", False)


def test_what_was_not_asked_for_or_not_built_here_is_left_as_it_is() -> None:
    for result in (replace(DONE, status="failed"), replace(DONE, status="started")):
        assert look(PLAN, result)[0] is result
    assert look(PLAN, DONE, verify={"level": "off", "reason": "no Python"})[0] is DONE
    assert look(PLAN, DONE, timeout=3)[0] is DONE


@pytest.mark.parametrize(
    "value", ["yes", True, {"level": "off"}, {"level": "on"}, {"pythons": "x"}, {"python": "a b"}]
)
def test_other_words_are_refused(value: object) -> None:
    with pytest.raises(PolicyError):
        published_settings(section(verify=value))


def test_the_key_is_not_handed_to_the_builder() -> None:
    assert dict(builder_options(section(verify="registry", command=["x"]))) == {"command": ["x"]}
    local = BuildPolicy("image", "local", "client", (), (), {"verify": {"python": "x"}}, "")
    assert "verify" in builder_options(local)
