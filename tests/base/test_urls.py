"""Addresses of somebody else's: one that is none is refused as any other scheme is, and stops nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envhooks.base.urls import join_url, split_url


@given(st.text(), st.text())
@example("http://[::1", "//[")
@example("https://x:99999999/", "https://[v1.x]/")
@example("http://[:::]/", "x:y")
def test_no_text_stops_it(one: str, other: str) -> None:
    for text in (one, f"https://{one}/", f"//{one}", join_url("https://example.org/a", other)):
        parts = split_url(text)
        assert parts.hostname != "" and (parts.port or 0) < 65536


@pytest.mark.parametrize("url", ["https://u:p@example.org:8443/a?b=c#d", "x", "", "http://[::1]:80/x"])
def test_an_address_has_its_parts(url: str) -> None:
    assert split_url(url) == urlsplit(url)
