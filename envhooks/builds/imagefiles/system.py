"""The system below the Python environments of an image: its name, accelerator toolkits, databases of packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envhooks.builds.imagefiles.tree import Tree

RPM = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
"""Folders of RPM's database."""
UNREAD = {
    **{f"{folder}/{name}": "RPM" for folder in RPM for name in ("rpmdb.sqlite", "Packages", "Packages.db")},
    **{f"{folder}/apk/db/installed": "apk" for folder in ("lib", "usr/lib")},
}
"""Package databases that are not read -> whose packages they list."""


def toolkits(tree: Tree, environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(kind, version, source) of each accelerator toolkit; `environ` is the image's own."""
    for name, kind in (("CUDA_VERSION", "CUDA"), ("ROCM_VERSION", "ROCm")):
        if environ.get(name):
            yield kind, environ[name], f"the variable {name}"
    for version in _dpkg_cuda(tree):
        yield "CUDA", version, "dpkg"
    found = tree.read("/usr/local/cuda/version.json") or b""
    match = re.search(rb'"cuda"\s*:\s*\{[^{}]*"version"\s*:\s*"([0-9.]+)"', found)
    if match:
        yield "CUDA", match[1].decode(), "/usr/local/cuda/version.json"
    match = re.match(rb"\s*([0-9]+(?:\.[0-9]+)*)", tree.read("/opt/rocm/.info/version") or b"")
    if match:
        yield "ROCm", match[1].decode(), "/opt/rocm/.info/version"


def _dpkg_cuda(tree: Tree) -> list[str]:
    """Versions of CUDA whose runtime Debian's package manager has installed."""
    texts = [tree.read("/var/lib/dpkg/status") or b""]
    texts += [
        tree.read(f"/var/lib/dpkg/status.d/{name}") or b"" for name in tree.names("/var/lib/dpkg/status.d")
    ]
    found: dict[str, None] = {}
    for text in texts:
        for match in re.finditer(rb"^Package: cuda-cudart-([0-9]+)-([0-9]+)$", text, re.MULTILINE):
            end = text.find(b"\n\n", match.end())
            rest = text[match.end() : end if end >= 0 else len(text)][:4000]
            status = re.search(rb"^Status: ([^\n]*)$", rest, re.MULTILINE)
            if status is None or status[1].endswith(b" installed"):
                found[f"{match[1].decode()}.{match[2].decode()}"] = None
    return list(found)


def system(tree: Tree) -> str:
    """PRETTY_NAME of the operating system; empty where it is not stated."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        match = re.search(rb'^PRETTY_NAME="?([^"\n]*)', tree.read(path) or b"", re.MULTILINE)
        if match:
            return match[1].decode("utf-8", "replace")
    return ""


def unread(tree: Tree) -> Iterator[str]:
    """Package databases that are there and not read, one sentence each."""
    seen = set()
    for path, kind in UNREAD.items():
        # one folder may be a link to another
        if kind not in seen and (node := tree.at(f"/{path}")) is not None and node.is_file:
            seen.add(kind)
            yield f"the database of {kind} packages is not read (/{path}); what Python has is told by its own files"
