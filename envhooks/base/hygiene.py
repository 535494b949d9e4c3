"""The one place where text from a repository is made fit to print.

Tag names, messages and paths are chosen by anyone who can push. Printed as they are, they can clear a
terminal, write a second line that looks like envhooks' own, or turn the reading order round.
"""

from __future__ import annotations

import re

# C0, DEL, C1, soft hyphen, zero-width and bidi controls, line and paragraph separators, variation
# selectors, the byte order mark, interlinear marks, tags, and lone surrogates (undecodable bytes).
# And `##[` and `##vso[`, which GitHub's and Azure's runners take for commands wherever they stand in a line.
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]|#(?=#(?:vso)?\\[)"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def is_plain(text: str) -> bool:
    """Whether this is ASCII without controls, as nearly all text is: it needs none of the large patterns."""
    return text.isascii() and text.isprintable()


def printable(text: str, limit: int = 500) -> str:
    """One line that is safe on a terminal: controls escaped, at most `limit` characters long."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if is_plain(text) and "##" not in text:
        return text
    return re.sub(_UNSAFE, _escape, text)


def printable_block(text: str, limit: int = 20_000) -> str:
    """Like `printable`, but line feeds stand: for text that envhooks itself laid out in lines."""
    return "\n".join(printable(line, limit) for line in text.split("\n"))


_AS_THEY_ARE = frozenset(range(0x20, 0x7F)) - frozenset(b"\\'\"%$`#")


def word(text: str) -> str:
    """One word of a POSIX shell command that is `text` to the byte, and fit to print.

    `$(...)` and `;` are legal in the name of a ref. What a terminal must not get stands as `printf` writes it.
    """
    import shlex  # 2 ms, and only a refusal needs it

    if printable(text, len(text)) == text:
        return shlex.quote(text)
    data = text.encode("utf-8", "surrogateescape")
    octal = "".join(chr(byte) if byte in _AS_THEY_ARE else f"\\{byte:03o}" for byte in data)
    if octal.startswith("-"):  # an option of printf's
        octal = f"\\055{octal[1:]}"
    return f"\"$(printf '{octal}')\""
