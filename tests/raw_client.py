"""A client that speaks the pack protocol itself, and so tells a server whatever a test wants it to be told."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import urllib.request
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import OID_DIGITS, ZERO

_HASH = {40: hashlib.sha1, 64: hashlib.sha256}[OID_DIGITS]
_KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_CAPABILITIES = f"report-status side-band-64k agent=raw object-format={_HASH().name}"


@dataclass(frozen=True)
class Answer:
    """What the server said of a push."""

    said: str
    """Its progress, errors and report, in one text."""
    refs: Mapping[str, str]
    """Ref -> `ok`, or why it was not taken."""

    def took(self, ref: str) -> bool:
        return self.refs.get(ref) == "ok"


def oid_of(kind: str, data: bytes) -> str:
    return _HASH(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()


def pack(objects: Sequence[tuple[str, bytes]]) -> bytes:
    """A pack of these objects, each whole."""
    body = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, data in objects:
        size = len(data)
        first = _KINDS[kind] << 4 | size & 15
        size >>= 4
        while size:
            body += bytes([first | 0x80])
            first, size = size & 0x7F, size >> 7
        body += bytes([first]) + zlib.compress(data)
    return body + _HASH(body).digest()


def pkt(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


def request(lines: Sequence[bytes], objects: Sequence[tuple[str, bytes]], atomic: bool) -> bytes:
    """Commands `old new ref` as they stand, and the pack where something is not deleted."""
    said = (_CAPABILITIES + (" atomic" if atomic else "")).encode()
    commands = [line + (b"\0" + said if number == 0 else b"") for number, line in enumerate(lines)]
    needs_pack = any(line.split(b" ", 2)[1] != ZERO.encode() for line in lines)
    return b"".join(map(pkt, commands)) + b"0000" + (pack(objects) if needs_pack else b"")


def push(
    where: Path | str,
    lines: Sequence[str | bytes],
    environ: Mapping[str, str],
    *,
    objects: Sequence[tuple[str, bytes]] = (),
    atomic: bool = False,
) -> Answer:
    """Send the command lines to a repository's folder, or to its URL; `objects` are (type, content)."""
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    body = request(raw, objects, atomic)
    if isinstance(where, Path):
        argv = ["git", "receive-pack", str(where)]
        done = subprocess.run(argv, input=body, capture_output=True, env=dict(environ), check=False)
        stream, noise = _after_flush(done.stdout), done.stderr
    else:
        query = urllib.request.Request(
            f"{where}/git-receive-pack",
            data=body,
            headers={"Content-Type": "application/x-git-receive-pack-request"},
        )
        with urllib.request.urlopen(query) as response:
            stream, noise = response.read(), b""
    return _read(stream, noise)


def _after_flush(stream: bytes) -> bytes:
    """What follows the advertisement of refs, which ends with the first flush."""
    at = 0
    while at < len(stream):
        size = int(stream[at : at + 4], 16)
        at += max(size, 4)
        if size == 0:
            break
    return stream[at:]


def _lines(stream: bytes) -> list[bytes]:
    lines, at = [], 0
    while at + 4 <= len(stream):
        size = int(stream[at : at + 4], 16)
        lines.append(stream[at + 4 : at + size] if size else b"")
        at += max(size, 4)
    return lines


def _read(stream: bytes, noise: bytes) -> Answer:
    refs: dict[str, str] = {}
    bands = {1: b"", 2: noise, 3: b""}
    for line in _lines(stream):
        if line[:1] in (b"\1", b"\2", b"\3"):
            bands[line[0]] += line[1:]
    for line in _lines(bands[1]):
        words = line.decode("utf-8", "surrogateescape").rstrip("\n").split(" ", 2)
        if words[0] == "ok":
            refs[" ".join(words[1:])] = "ok"
        elif words[0] == "ng":
            refs[words[1]] = words[2] if len(words) > 2 else "ng"
    said = bands[2] + bands[3] + bands[1]
    return Answer(said.decode("utf-8", "replace"), refs)
