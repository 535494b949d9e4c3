"""The next free name: written by the tag's own template, so that the fix that names it is taken."""

from __future__ import annotations

import pytest

from envhooks.judge.fixes import next_free
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar


@pytest.mark.parametrize(
    ("template", "tag", "taken", "free"),
    [
        ("{framework}-v{version}[-{stage}]", "JAX-v0.7.1-rc1", [], "JAX-v0.7.1-rc2"),
        ("{framework}-v{version}[-{stage}]", "JAX-v0.7.1-rc1", ["jax-v0.7.1-RC2"], "JAX-v0.7.1-rc3"),
        ("v{version}[-{stage}]-gpu", "v2.19.0-gpu", [], "v2.19.0-post1-gpu"),
        ("v{version}[-{stage}]-gpu", "v2.19.0-rc1-gpu", ["v2.19.0-rc2-gpu"], "v2.19.0-rc3-gpu"),
        ("{version}[-{stage:dotted}]", "2.8.0-rc.1", [], "2.8.0-rc.2"),
        ("{version}-cuda{cuda}", "2.8.0-cuda12.8", [], ""),
        ("v{release}", "v2.1.0", ["v2.1.1"], "v2.1.2"),
        ("v{release}[-{stage}]", "v2.1.0", [], "v2.1.1"),
        ("v{release}[-{stage}]", "v2.1.0-rc1", [], "v2.1.0-rc2"),
        ("env-{release}", "env-9", [], "env-10"),
        ("env-{release}", "env-25.06", [], "env-25.07"),
        ("v{version}-{release}", "v2.8.0-7", [], "v2.8.0-8"),
        ("{date}", "2026-01-30", [], ""),
    ],
)
def test_the_next_free_name(template: str, tag: str, taken: list[str], free: str) -> None:
    policy = parse_policy(f'[tag]\ntemplates = ["{template}"]\n'.encode(), ".envhooks/policy.toml").tag
    name = Grammar(policy).match(tag)
    assert name is not None
    found = next_free(name, frozenset({tag, *taken}), policy)
    assert found == free
    if found:
        after = Grammar(policy).match(found)
        assert after is not None and after.order > name.order
