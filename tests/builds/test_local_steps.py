"""The commands of a local build by what its section wishes, and what an engine cannot do said before it is begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.builds.engines import Engine, refuse_what_is_not_had
from envhooks.builds.local_section import read
from envhooks.builds.steps import Step, Steps, steps

DOCKER = Engine("docker", ("docker",))
CLASSIC = replace(DOCKER, by_digest=False)
BUILDAH = Engine("buildah", ("buildah",), "chroot")
PODMAN = Engine("podman", ("podman",))
BOTH = ["linux/amd64", "linux/arm64"]
OWN = replace(PLAN, image="registry.example.com/x", own="registry.example.com/x:2.8")


def shown(engine: Engine, **options: Any) -> tuple[Steps, str]:
    """(the steps, the first as it would be typed)."""
    found = steps(OWN, Path("/context"), Path("/context/Dockerfile"), read(options), engine)
    return found, found.builds[0].shown()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "--platform linux/amd64"),
        ({"layers": False}, "--no-cache"),
        ({"pull": "always"}, "--pull"),
        ({"network": "none"}, "--network none"),
        ({"network": "host"}, "--network host --allow network.host"),
        ({"cache_from": ["registry.example.com/cache"]}, "--cache-from type=registry,ref=registry.example.com/cache"),
        ({"cache_to": ["type=local,dest=/c"]}, "--cache-to type=local,dest=/c"),
        ({"ssh": ["default"]}, "--ssh default"),
        ({"builder": "big"}, "docker buildx build --builder big"),
        ({"tls_verify": False}, "registry.insecure=true"),
    ],
)  # fmt: skip
def test_wishes_in_words_of_buildx(options: dict[str, Any], words: str) -> None:
    _, text = shown(DOCKER, **options)
    assert words in text
    assert options == {} or words not in shown(DOCKER)[1]


def test_a_layout_and_a_store_without_digests() -> None:
    found, text = shown(CLASSIC, output="oci:/out/layout")
    assert "--output type=docker" in text
    written = found.publish[-1].shown()
    assert (
        "type=oci,dest=/out/layout,tar=false,rewrite-timestamp=true,name=registry.example.com/x:2.8"
        in written
    )
    named = [step.shown() for step in shown(CLASSIC)[0].publish]
    assert any(line.endswith("push registry.example.com/x:2.8") for line in named), named


def test_a_list_of_platforms_is_removed_at_its_end() -> None:
    platforms = ["linux/amd64", "linux/arm64"]
    for output, last in (("registry", "manifest rm"), ("none", "manifest add")):
        found, _ = shown(BUILDAH, platform=platforms, output=output)
        assert last in found.publish[-1].shown(), [step.shown() for step in found.publish]


def test_podman_runs_the_image_itself() -> None:
    (check,) = shown(PODMAN, test=["python", "-c", "import torch"])[0].checks
    assert check.start is None and check.stop is None
    assert (
        check.test is not None and "podman run --rm --network none --entrypoint python" in check.test.shown()
    )


def test_a_word_that_is_empty_is_quoted() -> None:
    assert Step("x", ("a", "", "b c")).shown() == "a '' 'b c'"


@pytest.mark.parametrize(
    ("engine", "options", "why"),
    [
        (BUILDAH, {"provenance": "max"}, "buildah writes no provenance"),
        (CLASSIC, {"provenance": "max"}, "docker with its classic image store writes no provenance"),
        (BUILDAH, {"sbom": True}, "buildah writes no SBOM"),
        (replace(BUILDAH, syft="syft"), {"sbom": True, "platform": BOTH}, "for one platform only"),
        (CLASSIC, {"platform": BOTH}, "holds the image of one platform only"),
        (DOCKER, {"pull": "never"}, "always looks for a base image that is not here"),
        (BUILDAH, {"cache_from": ["type=local,src=/c"]}, "keeps caches in a registry alone"),
        (BUILDAH, {"cache_to": ["registry.example.com/c"], "layers": False}, "keeps caches with `layers = true`"),
        (BUILDAH, {"network": "none"}, "in chroot isolation has the network of the machine"),
        (DOCKER, {"provenance": "max", "sbom": True, "network": "none"}, ""),
        (replace(BUILDAH, syft="syft", isolation="oci"), {"sbom": True, "network": "none", "pull": "never"}, ""),
    ],
)  # fmt: skip
def test_what_an_engine_cannot_do(engine: Engine, options: dict[str, Any], why: str) -> None:
    if not why:
        refuse_what_is_not_had(read(options), engine)
        return
    with pytest.raises(CannotJudge) as caught:
        refuse_what_is_not_had(read(options), engine)
    assert why in str(caught.value)
