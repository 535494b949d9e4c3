"""Addresses that somebody else wrote, taken apart: what is no address has no part, and raises nothing.

The standard library raises ValueError for `http://[::1`. A registry, an index or a forge may answer with such a text at
any time, and whoever looks whether the scheme is https then refuses it as it refuses every other.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

_NONE = SplitResult("", "", "", "", "")


def split_url(text: str) -> SplitResult:
    """The parts of a URL, all of them empty for a text that is none."""
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port  # a port that is no number is found only here
    except ValueError:
        return _NONE
    return parts


def join_url(base: str, text: str) -> str:
    """A URL as a page at `base` means it; empty for a text that is none."""
    try:
        return urljoin(base, text)
    except ValueError:
        return ""
