"""Clones that may lack tags of their remote: an answer about all releases would be one about those that are here."""

from __future__ import annotations

from pathlib import Path

import pytest
from record_parts import IMAGE_POLICY, make_key, make_tag, set_policy, verifier, write_record
from support import GOOD_TAG, Repo, run

TWIN = "PyTorch-CUDA-v2.8-rc2"
DEPLOY = '[deploy.production]\nstages = ["rc"]\n'


@pytest.fixture
def released(good: Repo, server: Repo) -> Repo:
    """A server with one release."""
    make_tag(good)
    good.git("push", "-q", "origin", GOOD_TAG)
    return server


def clone(released: Repo, path: Path, how: str) -> Repo:
    found = released.cloned(path, *(("--depth", "1") if how == "shallow" else ("--no-tags",)))
    found.git("config", "envhooks.branch", "main")
    return found


@pytest.mark.usefixtures("on_the_path")
@pytest.mark.parametrize("how", ["shallow", "without tags"])
@pytest.mark.parametrize(
    "verb",
    [
        ("list",),
        ("list", "--has", "torch<2.6"),
        ("records",),
        ("site", "public"),
        ("rollback", GOOD_TAG),
        ("changelog", "PyTorch-CUDA-v2.9-rc1", "--dry-run"),
        ("propose",),
    ],
)
def test_what_is_not_here_is_not_told_to_be_nowhere(
    released: Repo, tmp_path: Path, how: str, verb: tuple[str, ...], environ: dict[str, str]
) -> None:
    here = clone(released, tmp_path / "here", how)
    done = here.envhooks(*verb, "--format", "text")
    assert done.code == 2 and "may lack" in done.err, done.said
    assert not (here.path / "public").exists()
    (fix,) = done.fixes
    run(["sh", "-c", fix], here.path, environ)
    assert here.has_tag(GOOD_TAG)
    again = here.envhooks(*verb, "--format", "text")
    assert "may lack" not in again.said and "no release tag" not in again.said, again.said


def test_all_that_was_fetched_is_known_to_be_all(released: Repo, tmp_path: Path) -> None:
    here = clone(released, tmp_path / "here", "shallow")
    assert GOOD_TAG in here.envhooks("records", "--fetch").out
    assert GOOD_TAG in here.envhooks("list", "--format", "json", check=True).out


def test_an_image_of_a_yanked_release_that_is_not_here_is_not_let_run(good: Repo, tmp_path: Path) -> None:
    """Two releases of one image, of which one was yanked: a clone of the other alone cannot know that."""
    key, public = make_key(tmp_path, "ci")
    yanked = f'[[yanked]]\ntag = "{TWIN}"\nreason = "CVE-2026-1234"\n'
    set_policy(good, IMAGE_POLICY + DEPLOY + verifier("ci", public) + yanked)
    for tag in (GOOD_TAG, TWIN):
        make_tag(good, tag)
        short = tag.split("-v")[1]
        name = "registry.example.com/team/pytorch-cuda"
        write_record(good, key, tag, references=(f"{name}:{short}",))
    asked = ("gate", GOOD_TAG, "--for", "production")
    assert "which is yanked" in good.envhooks(*asked).out
    good.git("tag", "-d", TWIN)
    assert good.envhooks(*asked).code == 0, "a whole clone knows that there is no such release"
    good.git("config", "remote.origin.tagOpt", "--no-tags")
    done = good.envhooks(*asked)
    assert done.code == 2 and f"{TWIN} is yanked, and may have this image too" in done.out, done.said
