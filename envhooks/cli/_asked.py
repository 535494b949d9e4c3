"""Lines of `--verbose`: each program that is started and each service that is asked, with the seconds since the start.

By Python's audit events (PEP 578), so that nothing that starts a program or opens a connection can be forgotten.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.base.urls import split_url
from envhooks.git.addresses import redact_text

_MOST = 200
"""Characters of a line."""


def tell(began: float) -> None:
    """Tell it from now on, to the end of the process; `began` is the start by `time.monotonic`."""
    busy = False

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy or event not in _EVENTS:
            return
        busy = True
        try:
            line = _EVENTS[event](arguments)
            if line:
                say(began, line)
        finally:
            busy = False

    sys.addaudithook(hear)


def say(began: float, text: str) -> None:
    """One line."""
    try:
        shown = printable(redact_text(text), _MOST)
        print(f"envhooks: {time.monotonic() - began:6.3f} s  {shown}", file=sys.stderr, flush=True)
    except (OSError, ValueError):  # nobody reads it: what was asked is done all the same
        return


def _program(arguments: tuple[Any, ...]) -> str:
    """`git cat-file --batch`: the name without its folder; options that envhooks always gives git are left out."""
    _, command, folder, _ = arguments
    words = [command] if isinstance(command, (str, bytes, os.PathLike)) else list(command)
    texts = [os.fsdecode(word) for word in words]
    texts[0] = Path(texts[0]).name
    if texts[0] == "git":
        texts[1:] = _without_settings(texts[1:])
    where = f"  in {os.fsdecode(folder)}" if folder else ""
    return f"{' '.join(texts)}{where}"


def _without_settings(words: Sequence[str]) -> list[str]:
    """The words behind git's own options, `-c name=value` and the like."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "--version":
        at += 2 if words[at] in ("-c", "-C") else 1
    return list(words[at:])


def _request(arguments: tuple[Any, ...]) -> str:
    """`GET https://HOST/PATH`: a query may hold what is secret."""
    url, _, _, method = arguments
    parts = split_url(str(url))
    return f"{method} {parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _connection(arguments: tuple[Any, ...]) -> str:
    _, host, port = arguments
    return f"connects to {host}:{port}"


_EVENTS = {
    "subprocess.Popen": _program,
    "urllib.Request": _request,
    "http.client.connect": _connection,
}
