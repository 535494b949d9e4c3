"""How long a service asks to wait, in each form that services use, within a day."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from envhooks.builds.web import retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "30"}, 30),
        ({"retry-after": " 30 "}, 30),
        ({"retry-after": "999999999"}, 86400),
        ({"retry-after": "9999999999"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Mon, 01 Jan 0000 00:00:00 GMT"}, 0),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 01 Jan 2599 00:00:00 GMT"}, 86400),
        ({"x-ratelimit-remaining": "0"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}, 86400),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "later"}, 0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "99999999999"}, 0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_a_date_and_a_reset_that_come() -> None:
    soon = time.time() + 600
    for headers in (
        {"retry-after": formatdate(soon, usegmt=True)},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(soon))},
    ):
        assert 0 < retry_after(headers) <= 600
