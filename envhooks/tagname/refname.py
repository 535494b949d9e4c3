"""Text that git would not take for a tag's name, or that reads as another one than it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS

MAX_NAME = 250
"""Bytes. Git locks a ref by a file with `.lock` behind its name, and a file name may have 255."""

_FORBIDDEN = r"[~^:?*\[\\]"
_CONTROL = "[\x00-\x1f\x7f]"

# Letters of other scripts that look like Latin ones in usual fonts and that NFKC leaves alone.
_CONFUSABLE = str.maketrans(
    "АВЕКМНОРСТХУІЈЅаекорсухіјѕԁԛԝһ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονιυ" + "ıɑɡ‐‑‒–—―−⁃",
    "ABEKMHOPCTXYIJSaekopcyxijsdqwh" + "ABEZHIKMNOPTYXoviu" + "iag" + "-" * 8,
)


def git_faults(text: str) -> Iterator[str]:
    """Why `git check-ref-format refs/tags/<text>` says no; nothing where it says yes."""
    if not text:
        yield "the name is empty"
        return
    if re.search(_CONTROL, text):
        yield "control characters are not legal in a name"
    if " " in text:
        yield "a space is not legal in a name"
    for char in dict.fromkeys(re.findall(_FORBIDDEN, text)):
        yield f"`{char}` is not legal in a name"
    if ".." in text:
        yield "`..` is not legal in a name"
    if "@{" in text:
        yield "`@{` is not legal in a name"
    if text.startswith("/") or text.endswith("/") or "//" in text:
        yield "a name neither begins nor ends with `/`, and has no two of them together"
    if text.endswith("."):
        yield "a name does not end with a full stop"
    parts = text.split("/")
    if any(part.startswith(".") for part in parts):
        yield "no part of a name begins with a full stop"
    if any(part.endswith(".lock") for part in parts):
        yield "no part of a name ends with `.lock`"


def is_legal(text: str) -> bool:
    """Whether git takes `refs/tags/<text>` for the name of a ref."""
    return next(git_faults(text), None) is None


def text_faults(text: str) -> Iterator[str]:
    """What is wrong with a name's characters, before its parts are looked at."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_NAME:
        yield f"the name is {size} bytes long and may have {MAX_NAME}"
    prefix = next((p for p in (TAGS, HEADS, "refs/", "tags/") if text.startswith(p)), "")
    if prefix:
        yield f"the name begins with `{prefix}`, which is no part of it"
    yield from git_faults(text)
    odd = list(dict.fromkeys(char for char in text if ord(char) > 0x7E and char != "\x7f"))
    for char in odd[:5]:
        yield _non_ascii(char)
    if len(odd) > 5:
        yield f"{len(odd) - 5} more characters are not ASCII"


def _non_ascii(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"the byte `{printable(char)}` is not UTF-8, and a name is ASCII"
    import unicodedata  # here and below: a name of ASCII needs none of it

    said = unicodedata.name(char, "")
    looks = folded(char)
    like = f", which looks like `{looks}`" if re.fullmatch("[!-~]+", looks) else ""
    kind = "whitespace" if char.isspace() else "not ASCII"
    return f"`{printable(char)}` (U+{ord(char):04X}{f' {said}' if said else ''}{like}) is {kind}"


def folded(text: str) -> str:
    """The ASCII name that this text looks like; what has no such look stays as it is."""
    for prefix in (TAGS, HEADS, "refs/", "tags/"):
        text = text.removeprefix(prefix)
    import unicodedata

    text = unicodedata.normalize("NFKC", text).translate(_CONFUSABLE)
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf"))
    return " ".join(seen.split())
