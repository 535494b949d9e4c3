"""Words of a shell command that stand for text of a repository, whatever it is made of."""

from __future__ import annotations

from envhooks.base.hygiene import printable

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
    return f"\"$(printf '{octal}')\""
