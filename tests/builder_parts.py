"""Real parts for the builders' tests: a registry, an engine with storage of its own, a service that listens."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO

import pytest

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.builds import publication
from envhooks.builds.types import Expected, Plan, Result
from envhooks.policy.reader import default_policy

PACKAGES = ("buildah", "skopeo", "docker-registry", "busybox-static")
EPOCH = 1_700_000_000
PLAN = Plan(
    tag="PyTorch-CUDA-v2.8-rc1",
    ref="refs/tags/PyTorch-CUDA-v2.8-rc1",
    tag_object="a" * 40,
    commit="b" * 40,
    build="image",
    using="local",
    images=("registry.example.com/team/pytorch-cuda:2.8-rc1",),
    image="registry.example.com/team/pytorch-cuda",
    own="registry.example.com/team/pytorch-cuda:2.8-rc1",
    dockerfile="Dockerfile",
    target=None,
    args=(("CUDA_VERSION", "12.8.1"),),
    labels=(
        ("envhooks.tag-object", "a" * 40),
        ("org.opencontainers.image.ref.name", "PyTorch-CUDA-v2.8-rc1"),
        ("org.opencontainers.image.revision", "b" * 40),
    ),
    annotations=(("org.opencontainers.image.revision", "b" * 40),),
    epoch=EPOCH,
    remote_url="https://github.com/team/environments.git",
    key="c" * 64,
    expected=Expected(("torch", "pytorch"), "2.8", False, "CUDA", None),
)
DOCKERFILE = """\
FROM scratch
ARG CUDA_VERSION
COPY busybox python /bin/
ENV PATH=/bin CUDA=$CUDA_VERSION
"""
RUN = 'RUN ["/bin/busybox", "touch", "/built"]\n'
"""A container to run in it, which is half of such a build."""


# Read at import: the tests' own environment is emptied.
_ALL_PARTS = os.environ.get("ENVHOOKS_ALL_PARTS") == "1"


def missing(what: str) -> NoReturn:
    """Skip the test, with the reason; where all parts have to be there, as in CI, it fails."""
    if _ALL_PARTS:
        pytest.fail(f"ENVHOOKS_ALL_PARTS is 1, and this part is missing: {what}")
    pytest.skip(f"missing: {what}")


def need(*programs: str) -> None:
    """Skip the test, with the reason, where a program is missing."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        missing(f"{', '.join(absent)} (apt-get install {' '.join(PACKAGES)})")


def plan_for(image: str, **changes: Any) -> Plan:
    """The plan with another image name, and whatever else is to be different."""
    own = f"{image}:2.8-rc1"
    return replace(PLAN, **{"image": image, "own": own, "images": (own,), **changes})


def publish(plan: Plan, result: Result, log: TextIO, environ: Mapping[str, str], *tags: str) -> Result:
    """What `attempt` makes of an image that was built: the remote has these tags besides the plan's own."""
    source = result.layout or result.digest
    if result.status != "built" or source is None:
        return result
    policy = replace(default_policy(), image=plan.image)

    def now() -> tuple[tuple[str, ...], str]:
        return (plan.tag, *tags), plan.tag_object

    try:
        done = publication.Publisher(plan, policy, environ, now, log).publish(source)
    except CannotJudge as error:
        return publication.failure("publish", error)
    return replace(done, message=f"{done.message}; {result.message}")


def python_that_says(packages: str = '"torch": "2.8.0+cu128"', cuda: str = '"12.8"') -> str:
    """An interpreter for an image of a few megabytes: whatever it is asked, it answers this."""
    said = (
        f'{{"python": "3.12.3", "packages": {{{packages}}}, "torch": {{"cuda": {cuda}}}, "tensorflow": {{}}}}'
    )
    return f"#!/bin/busybox sh\necho a banner\necho 'envhooks-image {said}'\n"


def write_context(folder: Path, python: str | None = None, dockerfile: str = DOCKERFILE) -> Path:
    """A tree that builds a small real image."""
    folder.mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copyfile(busybox, folder / "busybox")
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "python").write_text(python_that_says() if python is None else python)
    for file in folder.iterdir():
        file.chmod(0o644 if file.name == "Dockerfile" else 0o755)
        os.utime(file, (EPOCH, EPOCH))
    return folder


def storage(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which buildah keeps its images in `folder` and nowhere else.

    What says so is one file for each name of such a folder: envhooks tries an engine once for each file, and that is
    a third of a small build. No two storages that are in use at once may have one name.
    """
    folder.mkdir(parents=True)
    conf = Path(environ["HOME"], "storage", folder.name, "storage.conf")
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n')
    policy = folder / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    return {**environ, "CONTAINERS_STORAGE_CONF": str(conf), "XDG_RUNTIME_DIR": str(folder)}


@contextlib.contextmanager
def registry(folder: Path, more: str = "", port: int = 0, http: str = "") -> Iterator[str]:
    """Debian's registry on loopback; answers `127.0.0.1:PORT`.

    `more` is added to its configuration, `http` to that of its listener. What it holds stays in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: info}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'{http}}}\n{more}"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stderr is not None
    try:
        said = ""
        for line in process.stderr:
            said += line.decode()
            if found := re.search(r"listening on (127\.0\.0\.1:[0-9]+)", said):
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield found[1]
                return
        raise AssertionError(f"the registry did not start: {said}")
    finally:
        process.kill()
        process.wait()


# bcrypt of `secret`, made once: no program for it comes with Python
_HASH = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


def htpasswd(folder: Path) -> str:
    """The configuration of a registry that lets in alice, with the password `secret`, and nobody else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(f"alice:{_HASH}\n")
    return f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n"


def login_file(address: str, user: str = "alice", password: str = "secret") -> str:
    """What `docker login` writes down."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {address: {"auth": auth}}})


@contextlib.contextmanager
def refusing(upstream: str, name: str) -> Iterator[tuple[str, list[str]]]:
    """A proxy before a registry that refuses to give one name; answers its address, and the names that it refuses."""
    refused = [name]

    class Handler(http.server.BaseHTTPRequestHandler):
        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "PUT" and any(self.path.endswith(f"/manifests/{one}") for one in refused):
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            there = http.client.HTTPConnection(upstream)
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = _pass

        def log_message(self, format: str, *arguments: object) -> None:
            """Not into the tests' output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", refused
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Request:
    """What the service got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Reply = tuple[int, dict[str, str], bytes]
"""Status, headers, body; status 0 hangs up."""


@dataclass
class Service:
    """A server on loopback that answers from a list, and goes on with the last."""

    answers: list[Reply]
    got: list[Request] = field(default_factory=list)
    url: str = ""


@contextlib.contextmanager
def service(*answers: Reply) -> Iterator[Service]:
    """A server that listens on loopback."""
    made = Service(list(answers))

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            made.got.append(Request(self.command, self.path, headers, body))
            status, more, said = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            if status == 0:  # hang up without an answer
                self.close_connection = True
                return
            self.send_response(status)
            for key, value in {"Content-Length": str(len(said)), **more}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET = do_HEAD = do_PUT = do_PATCH = _answer

        def log_message(self, format: str, *arguments: object) -> None:
            """Not into the tests' output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def new_log() -> io.StringIO:
    """A log to write to."""
    return io.StringIO()
