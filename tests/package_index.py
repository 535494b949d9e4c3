"""A package index on loopback, for tests of what is asked of one."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

PLATFORM = "cp312-cp312-manylinux_2_28_x86_64"


def wheel(name: str, version: str, metadata: str, padding: int = 0) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "x" * padding)
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
    return data.getvalue()


class Served:
    """A package index on loopback."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.listings: dict[str, list[dict[str, object]]] = {}
        self.kind = "json"
        self.ranges = True
        self.sent = 0
        self.asked: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                index.asked.append(self.path)
                status, body, headers = index.answer(unquote(self.path), self.headers.get("Range", ""))
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)
                index.sent += len(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"

    def answer(self, path: str, wanted: str) -> tuple[int, bytes, dict[str, str]]:
        if path.startswith("/simple/"):
            files = self.listings.get(path.removeprefix("/simple/").strip("/"))
            if files is None:
                return 404, b"", {}
            if self.kind == "html":
                links = "".join(
                    f'<a href="{one["url"]}#sha256=0" {"data-core-metadata" if one.get("core-metadata") else ""}>x</a>'
                    for one in files
                )
                return 200, links.encode(), {"Content-Type": "text/html"}
            return (
                200,
                json.dumps({"files": files}).encode(),
                {"Content-Type": "application/vnd.pypi.simple.v1+json"},
            )
        data = self.files.get(path)
        if data is None:
            return 404, b"", {}
        if wanted and self.ranges:
            first, last = (int(text) for text in wanted.removeprefix("bytes=").split("-"))
            return 206, data[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
        return 200, data, {}

    def add(
        self,
        name: str,
        version: str,
        metadata: str,
        *,
        beside: bool = False,
        padding: int = 0,
        **more: object,
    ) -> None:
        file = f"{name}-{version}-{PLATFORM}.whl"
        self.files[f"/files/{file}"] = wheel(name, version, metadata, padding)
        if beside:
            self.files[f"/files/{file}.metadata"] = metadata.encode()
        entry = {"filename": file, "url": f"/files/{file}", "core-metadata": beside, **more}
        self.listings.setdefault(name, []).append(entry)
