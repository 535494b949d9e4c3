"""Addresses of a changelog's headings: `[2.8.0]: https://.../compare/v2.7.0...v2.8.0`, or in the heading itself.

An entry gets one as the entry before it has it, where it follows from that one to the letter: the tag in it holds the
label of its entry, and with the new label it is the new tag. What does not follow is left to a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from envhooks.changelog.dates import is_unreleased

_DEFINITION = re.compile(r" {0,3}\[(?P<label>[^\[\]]+)\]: *(?P<address>[^\s<>]+) *")
_LABEL = re.compile(r"\[(?P<label>[^\[\]]+)\](?:\((?P<address>[^()\s]*)\))?")
_COMPARED = re.compile(r"(?P<head>.*/compare/)(?P<old>.+?)(?P<between>\.{2,3})(?P<new>.+)")


def linked_heading(heading: str, before: Sequence[str], tag: str) -> str:
    """A heading with its address in it, where the entry before has it there and it can be derived.

    Args:
        heading: of the new entry, without its mark.
        before: headings of the entries before it, the newest first.
        tag: the name of the release.
    """
    own = _LABEL.search(heading)
    last, older = (_LABEL.search(one) for one in (*before, "", "")[:2])
    if own is None or last is None or own["address"] is not None or not last["address"]:
        return heading
    older_address = (older["address"] or "") if older else ""
    address = _next(last["address"], older_address, last["label"], own["label"], tag)
    return f"{heading[: own.end()]}({address}){heading[own.end() :]}" if address else heading


def linked_lines(
    lines: Sequence[str], heading: str, before: Sequence[str], tag: str, is_oldest_first: bool
) -> tuple[list[str], str]:
    """(lines of a changelog with the address of its new entry, the label that lacks one, or nothing).

    Args:
        lines: of the file, with the new entry in it.
        heading: of the new entry, without its mark.
        before: headings of the entries before it, the newest first.
        tag: the name of the release.
        is_oldest_first: whether the file's newest entry is its last.
    """
    own = _LABEL.search(heading)
    labels = [match["label"] for one in before[:2] if (match := _LABEL.search(one))]
    if own is None or own["address"] is not None or not labels:
        return [*lines], ""
    found = _definitions(lines)
    label, last = own["label"], labels[0]
    if last.casefold() not in found or label.casefold() in found:
        inline = _LABEL.search(before[0])
        return [*lines], label if inline and inline["address"] else ""
    at, address = found[last.casefold()]
    older = found[labels[1].casefold()][1] if len(labels) > 1 and labels[1].casefold() in found else ""
    done = [*lines]
    waiting = [(at, address) for label, (at, address) in found.items() if is_unreleased(label)]
    if waiting:
        # what is not released is compared with the last release: the new one comes between the two
        open_at, open_address = waiting[0]
        compared = _COMPARED.fullmatch(open_address)
        if compared is None or _renamed(compared["old"], last, label) != tag:
            return done, label
        head, between = compared["head"], compared["between"]
        fresh = f"{head}{compared['old']}{between}{tag}"
        done[open_at] = done[open_at].replace(open_address, f"{head}{tag}{between}{compared['new']}")
    else:
        fresh = _next(address, older, last, label, tag)
        if not fresh:
            return done, label
    done.insert(at + (1 if is_oldest_first else 0), f"[{label}]: {fresh}")
    return done, ""


def _definitions(lines: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """Label in small letters -> (index of its line, address); of two with one label the first counts."""
    found: dict[str, tuple[int, str]] = {}
    for at, line in enumerate(lines):
        match = _DEFINITION.fullmatch(line) if "]:" in line else None
        if match is not None:
            found.setdefault(match["label"].casefold(), (at, match["address"]))
    return found


def _next(address: str, older: str, last: str, label: str, tag: str) -> str:
    """The address of the release behind the one that has `address`; empty where it cannot be derived."""
    compared = _COMPARED.fullmatch(address)
    if compared is None:
        head, slash, old = address.rpartition("/")
        return f"{head}{slash}{tag}" if slash and _renamed(old, last, label) == tag else ""
    if older and not older.endswith(compared["old"]):
        return ""  # the file compares with another release than the one below
    if _renamed(compared["new"], last, label) != tag:
        return ""
    return f"{compared['head']}{compared['new']}{compared['between']}{tag}"


def _renamed(tag: str, last: str, label: str) -> str:
    """The tag of another label; empty where it does not hold its own once."""
    return tag.replace(last, label) if tag.count(last) == 1 else ""
