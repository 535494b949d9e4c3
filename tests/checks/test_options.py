"""Options of checks in the policy."""

from __future__ import annotations

import pytest

from envhooks.base.errors import PolicyError
from envhooks.policy.reader import parse_policy


@pytest.mark.parametrize(
    "policy",
    [
        '[[compat.torch]]\ntorchvision = ["1"]\n',
        '[[compat.tourch]]\nversion = "1"\n',
        "[checks]\ndockerfile-matches = { allow-cannot-tell = true }\n",
        "[checks]\ntag-name = { base-digest = true }\n",
        "[checks]\ndockerfile-pinned = { base-digest = 1 }\n",
    ],
)
def test_what_cannot_be_meant_is_refused(policy: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(
            policy.encode(), "policy.toml", frozenset({"dockerfile-matches", "dockerfile-pinned", "tag-name"})
        )
