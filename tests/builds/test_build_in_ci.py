"""`envhooks build --fetch --allow` in the shallow clone that a CI job starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop import Shop, job, shop
from support import GOOD_TAG, WITHOUT_HOOKS

__all__ = ["shop"]


@pytest.fixture
def held(shop: Shop) -> Shop:
    """A policy whose build is CI's, and a remote that holds the tag."""
    shop.clone.git("tag", "-d", GOOD_TAG)
    shop.write_policy(on="ci")
    shop.tag()
    shop.put(GOOD_TAG)
    return shop


def test_a_shallow_checkout_builds(held: Shop, tmp_path: Path) -> None:
    ci = job(held, tmp_path / "job")
    without = ci.envhooks("build", f"refs/tags/{GOOD_TAG}", "--allow")
    assert without.code == 2 and not held.built(), without.said
    refused = ci.envhooks("build", f"refs/tags/{GOOD_TAG}", "--fetch")
    assert refused.code == 2 and "was never allowed" in refused.err and not held.built()
    done = ci.envhooks("build", f"refs/tags/{GOOD_TAG}", "--fetch", "--allow")
    assert done.code == 0, done.said
    assert len(held.built()) == 1


def test_a_bad_tag_is_refused_there_too(held: Shop, tmp_path: Path) -> None:
    name = "PyTorch-CUDA-v2.8"
    held.clone.git(*WITHOUT_HOOKS, "tag", "-a", "-m", "unsigned", name)
    held.server.git("fetch", "-q", str(held.clone.path), "refs/tags/*:refs/tags/*")
    done = job(held, tmp_path / "job").envhooks("build", name, "--fetch", "--allow")
    assert done.code == 1 and "tag-signed" in done.err and not held.built()
