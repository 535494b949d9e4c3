"""(k) An image held against its tag: 500 MB of layers, from a folder and from a registry on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import spend, table
from benchmarks.world import ENVHOOKS, Home

OCI = "application/vnd.oci.image"
SITE = "opt/venv/lib/python3.12/site-packages"
TAG = "PyTorch-CUDA-v2.8"


def verify(home: Home, smoke: bool) -> str:
    """The table of `envhooks verify`, seconds and memory."""
    megabytes, files = (4, 300) if smoke else (500, 40_000)
    folder = home.folder / "image"
    layout(folder, megabytes << 20, files)
    rows = []
    with registry(home.folder / "registry") as host:
        names = {"a folder (`oci:`)": f"oci:{folder}"}
        if host:
            image = f"{host}/team/pytorch-cuda:2.8"
            copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
            subprocess.run([*copy, f"oci:{folder}", f"docker://{image}"], check=True)
            names["a registry on this machine"] = image
        for name, image in names.items():
            spent = spend([*ENVHOOKS, "verify", image, TAG], home.folder, home.environ, memory=True)
            rows.append([name, f"{spent.seconds:.1f} s", f"{spent.megabytes:.0f} MB"])
    size = sum(file.stat().st_size for file in (folder / "blobs/sha256").iterdir()) / 1e6
    title = f"An image of {size:.0f} MB ({files} files) held against its tag"
    return f"### {title}\n\n{table(['from', 'time', 'memory'], rows)}\n"


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """`127.0.0.1:PORT` of Debian's registry; empty where it or skopeo is not there."""
    if not shutil.which("docker-registry") or not shutil.which("skopeo"):
        yield ""
        return
    folder.mkdir()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        "http: {addr: '127.0.0.1:0'}\n"
    )
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=output, stderr=output)
    try:
        while not (found := re.search(r"listening on (127\.0\.0\.1:[0-9]+)", log.read_text())):
            if process.poll() is not None:
                raise RuntimeError(f"the registry did not start: {log.read_text()[-500:]}")
        yield found[1]
    finally:
        process.kill()
        process.wait()


def layout(folder: Path, size: int, files: int) -> None:
    """An image whose layers have about `size` bytes when packed, half of that packing to nearly nothing."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    system = [("usr/bin/python3.12", b"x"), ("opt/venv/bin/python", "/usr/bin/python3.12")]
    system += [("opt/venv/pyvenv.cfg", b"home = /usr/bin\nversion = 3.12.3\n")]
    small: list[tuple[str, Any]] = [(f"{SITE}/pkg{n // 100}/m{n}.py", b"x = 1\n" * 100) for n in range(files)]
    for number in range(files // 100):
        info = f"{SITE}/pkg{number}-1.0.dist-info/METADATA"
        small.append(
            (info, f"Metadata-Version: 2.1\nName: pkg{number}\nVersion: 1.0\n\n{'text ' * 2000}".encode())
        )
    torch: list[tuple[str, Any]] = [
        (
            f"{SITE}/torch-2.8.0+cu128.dist-info/METADATA",
            b"Metadata-Version: 2.1\nName: torch\nVersion: 2.8.0+cu128\n",
        ),
        (f"{SITE}/torch/version.py", b"__version__ = '2.8.0+cu128'\ncuda = '12.8'\nhip = None\n"),
    ]
    large = [(f"{SITE}/torch/lib/lib{n}.so", size // 8) for n in range(8)]
    layers = [_layer(blobs, entries) for entries in (system, small, [*torch, *large])]
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Env": ["PATH=/opt/venv/bin:/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [unpacked for _, unpacked in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": _blob(blobs, json.dumps(config).encode(), f"{OCI}.config.v1+json"),
        "layers": [descriptor for descriptor, _ in layers],
    }
    entry = _blob(blobs, json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def _blob(blobs: Path, data: bytes, kind: str) -> dict[str, Any]:
    name = hashlib.sha256(data).hexdigest()
    (blobs / name).write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(data)}


class _Half(io.RawIOBase):
    """A file of so many random bytes, each block of them followed by as many zeros."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = 2 * size
        self._left = self.size
        self._is_random = False

    def read(self, size: int = -1, /) -> bytes:
        wanted = min(size if size >= 0 else self._left, self._left)
        self._left -= wanted
        self._is_random = not self._is_random
        return os.urandom(wanted) if self._is_random else bytes(wanted)


class _Hashed:
    """Hashes what is written into it on its way."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        return int(self._target.write(data))


def _layer(blobs: Path, entries: list[tuple[str, Any]]) -> tuple[dict[str, Any], str]:
    file = blobs / "new"
    with file.open("wb") as raw:
        stored = _Hashed(raw)
        with gzip.GzipFile(fileobj=stored, mode="wb", compresslevel=1, mtime=0) as packed:  # type: ignore[arg-type]
            archive = _Hashed(packed)
            with tarfile.open(fileobj=archive, mode="w|") as written:  # type: ignore[call-overload]
                for path, content in entries:
                    info = tarfile.TarInfo(path)
                    source: Any = None
                    if isinstance(content, str):
                        info.type, info.linkname = tarfile.SYMTYPE, content
                    elif isinstance(content, int):
                        source = _Half(content)
                        info.size = source.size
                    else:
                        source, info.size = io.BytesIO(content), len(content)
                    written.addfile(info, source)
    name = stored.hash.hexdigest()
    file.rename(blobs / name)
    size = (blobs / name).stat().st_size
    kind = f"{OCI}.layer.v1.tar+gzip"
    descriptor = {"mediaType": kind, "digest": f"sha256:{name}", "size": size}
    return descriptor, f"sha256:{archive.hash.hexdigest()}"
