"""The simple API of a package index (PEP 503, 691, 700), and the metadata of wheels without fetching the wheels.

Metadata comes as its own file where the index has one (PEP 658), else out of the wheel by a few range requests: a
wheel of torch is 900 MB. Every answer is bounded, and nothing of it is run.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, UsageError, cause_of
from envhooks.base.hygiene import printable
from envhooks.base.urls import join_url, split_url

TIMEOUT = 60.0
"""Seconds that one answer may be silent."""
MAX_LISTING = 64 << 20
MAX_METADATA = 1 << 20
MAX_DIRECTORY = 8 << 20
"""Bytes of a wheel's directory: that of torch lists 15,000 files."""
MAX_WHEEL = 8 << 30
"""Bytes of a wheel whose end is looked at."""
_CHUNK = 64 << 10
MAX_REQUESTS = 160
"""Range requests for the metadata of one wheel."""
_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_WHEEL = re.compile(
    r"(?a)(?P<name>[^-]+)-(?P<version>[^-]+)(?:-[0-9][^-]*)?-(?P<python>[^-]+)-[^-]+-(?P<platform>[^-]+)\.whl"
)


@dataclass(frozen=True)
class File:
    """One wheel that an index lists."""

    version: str
    """With its local part: `2.8.0+cu128`."""
    python: str
    """Python tag: `cp312`, `py3`, `cp38.cp39`."""
    platform: str
    """`manylinux_2_28_x86_64`."""
    url: str
    requires_python: str
    yanked: bool
    day: str
    """Day of the upload, `2025-10-15`; empty where the index does not say."""
    has_metadata: bool


class Index:
    """One package index.

    Args:
        url: address of its simple API: `https://.../simple`.
        environ: where proxies are found; the process's environment where one is meant.

    Raises:
        UsageError: no https URL; http only to this machine itself.
    """

    def __init__(self, url: str) -> None:
        parts = split_url(url)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise UsageError(f"a package index is an https:// URL, not {printable(_shown(url), 120)}")
        self._url = url.rstrip("/") + "/"

    def wheels(self, package: str) -> tuple[File, ...]:
        """The wheels of a package, in the order of the index; empty where it knows no such package."""
        found = self._get(f"{self._url}{package}/", MAX_LISTING, {"Accept": _ACCEPT}, may_be_missing=True)
        if found is None:
            return ()
        body, kind, address = found
        return tuple(_from_json(body, address) if "json" in kind else _from_html(body, address))

    def metadata(self, file: File) -> Message:
        """The core metadata of a wheel.

        Raises:
            CannotJudge: it cannot be had.
        """
        if file.has_metadata:
            found = self._get(file.url + ".metadata", MAX_METADATA, {}, may_be_missing=True)
            if found is not None:
                return BytesParser().parsebytes(found[0])
        try:
            with zipfile.ZipFile(_Remote(self, file.url)) as archive:
                names = [n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
                if len(names) != 1 or archive.getinfo(names[0]).file_size > MAX_METADATA:
                    raise CannotJudge(f"{_name(file.url)} is no wheel with one METADATA")
                return BytesParser().parsebytes(archive.read(names[0]))
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise CannotJudge(
                f"{_name(file.url)} is no wheel that can be read: {printable(str(error), 120)}"
            ) from None

    def part(self, url: str, first: int, last: int) -> tuple[bytes, int]:
        """Bytes of a file from `first` to `last`, both included, and the size of the whole file."""
        found = self._open(url, {"Range": f"bytes={first}-{last}"})
        with found:
            size = re.fullmatch(
                r"(?a)bytes [0-9]+-[0-9]+/([0-9]{1,12})", found.headers.get("Content-Range", "")
            )
            if found.status != 206 or size is None or int(size[1]) > MAX_WHEEL:
                raise CannotJudge(
                    f"the index answers no parts of {_name(url)}, and has no metadata beside it"
                )
            return found.read(last - first + 1), int(size[1])

    def _get(
        self, url: str, limit: int, headers: Mapping[str, str], *, may_be_missing: bool
    ) -> tuple[bytes, str, str] | None:
        found = self._open(url, headers, may_be_missing)
        if found is None:
            return None
        with found:
            body = found.read(limit + 1)
            if len(body) > limit:
                raise CannotJudge(f"the index's answer about {_name(url)} is over {limit >> 20} MiB")
            return body, found.headers.get("Content-Type", ""), found.url

    def _open(self, url: str, headers: Mapping[str, str], may_be_missing: bool = False) -> Any:
        import http.client
        import urllib.error
        import urllib.request

        request = urllib.request.Request(url, headers={"User-Agent": "envhooks", **headers})  # noqa: S310 - https
        if split_url(url).scheme != "https" and split_url(self._url).scheme == "https":
            raise CannotJudge("the index leads to an address without TLS")
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 - https
        except urllib.error.HTTPError as error:
            with error:
                if may_be_missing and error.code in (404, 410):
                    return None
            raise CannotJudge(f"the index answers {error.code} about {_name(url)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = printable(cause_of(error), 200)
            raise CannotJudge(
                f"the index at {printable(_shown(self._url), 120)} does not answer: {why}"
            ) from None


class _Remote(io.RawIOBase):
    """A file behind a URL, read by ranges; parts that were read are kept, as a zip's end is read several times."""

    def __init__(self, index: Index, url: str) -> None:
        self._index, self._url, self._at = index, url, 0
        self._parts: dict[int, bytes] = {}
        self._requests = 0
        self._size = index.part(url, 0, 0)[1]

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        if end - self._at > MAX_DIRECTORY:
            raise zipfile.BadZipFile("its directory is too large")
        data = bytearray()
        while self._at < end:
            number, skip = divmod(self._at, _CHUNK)
            some = self._part(number)[skip : skip + end - self._at]
            if not some:
                break
            data += some
            self._at += len(some)
        return bytes(data)

    def _part(self, number: int) -> bytes:
        if number not in self._parts:
            self._requests += 1
            if self._requests > MAX_REQUESTS:
                raise zipfile.BadZipFile("its directory lies in too many places")
            first = number * _CHUNK
            last = min(first + _CHUNK, self._size) - 1
            self._parts[number] = self._index.part(self._url, first, last)[0]
        return self._parts[number]


# ------------------------------------------------------------------------------------------ listings


def _from_json(body: bytes, address: str) -> Iterator[File]:
    try:
        listing = json.loads(body)
        files = listing["files"]
        assert isinstance(files, list)
    except (ValueError, RecursionError, KeyError, TypeError, AssertionError):
        raise CannotJudge(f"the index's answer about {_name(address)} is no listing") from None
    for one in files:
        if not isinstance(one, dict) or not isinstance(one.get("filename"), str):
            continue
        has_metadata = bool(one.get("core-metadata") or one.get("dist-info-metadata"))
        day = str(one.get("upload-time") or "")[:10]
        yield from _file(
            one["filename"],
            join_url(address, str(one.get("url", ""))),
            str(one.get("requires-python") or ""),
            bool(one.get("yanked")),
            day if re.fullmatch(r"(?a)[0-9]{4}-[0-9]{2}-[0-9]{2}", day) else "",
            has_metadata,
        )


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append({name: value or "" for name, value in attrs})


def _from_html(body: bytes, address: str) -> Iterator[File]:
    links = _Links()
    links.feed(body.decode("utf-8", "replace"))
    for link in links.found:
        url = urldefrag(join_url(address, link.get("href", "")))[0]
        name = unquote(split_url(url).path.rsplit("/", 1)[-1])
        yield from _file(
            name,
            url,
            link.get("data-requires-python", ""),
            "data-yanked" in link,
            "",
            "data-core-metadata" in link or "data-dist-info-metadata" in link,
        )


def _file(
    name: str, url: str, requires_python: str, yanked: bool, day: str, has_metadata: bool
) -> Iterator[File]:
    match = _WHEEL.fullmatch(name)
    if match and split_url(url).scheme in ("https", "http"):
        version = match["version"].replace("_", "+", 1) if "+" not in match["version"] else match["version"]
        yield File(
            version, match["python"], match["platform"], url, requires_python, yanked, day, has_metadata
        )


# --------------------------------------------------------------------------------------- which index


def default_index(environ: Mapping[str, str] | None = None) -> str:
    """The index that pip uses here, by its own configuration.

    Raises:
        UsageError: pip is not there to be asked, and nothing names one.
    """
    environ = os.environ if environ is None else environ
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if named := environ.get(name, "").split():
            return named[0]
    code = (
        "from pip._internal.configuration import Configuration as C; c = C(isolated=False); c.load()\n"
        "from pip._internal.models.index import PyPI\n"
        "d = dict(c.items())\n"
        "names = (':env:.index-url', 'install.index-url', 'global.index-url')\n"
        "print(next((d[name] for name in names if name in d), PyPI.simple_url))"
    )
    for python in dict.fromkeys((sys.executable, "python3", "python")):
        try:
            done = subprocess.run(
                [python, "-I", "-c", code],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if done.returncode == 0 and done.stdout.startswith("http"):
            return done.stdout.strip()
    raise UsageError(
        "no package index is known here: neither pip nor PIP_INDEX_URL names one",
        fix="envhooks compat update --index https://INDEX/simple",
    )


def _name(url: str) -> str:
    return printable(split_url(url).path.rstrip("/").rsplit("/", 1)[-1], 120)


def _shown(url: str) -> str:
    """An address without what may be a password."""
    parts = split_url(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl() or "what is no address"
