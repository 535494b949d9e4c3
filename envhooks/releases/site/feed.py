"""The Atom feed of releases (RFC 4287): those that are good and not yanked, newest first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timezone
from xml.etree import ElementTree

from envhooks.base.hygiene import printable, printable_block
from envhooks.releases.facts import Release
from envhooks.releases.site.page import GENERATOR

_ATOM = "http://www.w3.org/2005/Atom"
MOST = 50
"""Entries; a reader has seen the older ones."""


def render_feed(releases: Iterable[Release], title: str, url: str = "") -> str:
    """The feed as XML.

    Args:
        url: address of the page, with a slash at its end; empty where it is not known.
    """
    ElementTree.register_namespace("", _ATOM)
    shown = [one for one in releases if one.verdict == "accepted" and not one.yanked and one.seconds > 0]
    shown.sort(key=lambda one: one.seconds, reverse=True)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")

    def add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
        made = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
        made.text = text or None
        return made

    add(feed, "title", printable(f"Environments of {title}"))
    add(feed, "id", _urn(title))
    add(feed, "updated", _time(shown[0].seconds if shown else 0))
    add(feed, "generator", GENERATOR)
    author = add(feed, "author")
    add(author, "name", printable(title))
    if url:
        add(feed, "link", rel="self", href=url + "feed.atom")
        add(feed, "link", href=url)
    for release in shown[:MOST]:
        entry = add(feed, "entry")
        add(entry, "title", printable(release.tag))
        # by the tag's object: a tag that is made again is another release
        add(entry, "id", _urn(release.object))
        add(entry, "updated", _time(release.seconds))
        if url:
            add(entry, "link", href=f"{url}#{_fragment(release.tag)}")
        text = "\n\n".join(
            part for part in (release.entry, release.image and f"docker pull {release.image}") if part
        )
        add(entry, "content", printable_block(text) or printable(release.tag), type="text")
    ElementTree.indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="unicode") + "\n"


def _urn(text: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'envhooks:' + text)}"


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00Z"


def _fragment(tag: str) -> str:
    from urllib.parse import quote

    return quote(tag, safe="")
