"""GitHub's own OpenAPI description, cut to the paths that envhooks calls, and served by a validating mock.

Both come from npm at the time of the test, into `.cache/`, which is not committed. Cut, because the whole
description takes the mock many seconds to load. Run by hand: `python tests/github_description.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

OPENAPI = "@octokit/openapi@23.0.2"
PRISM = "@stoplight/prism-cli@5.14.2"
PATHS = {
    "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches": "post",
    "/repos/{owner}/{repo}/dispatches": "post",
    "/repos/{owner}/{repo}/actions/runs/{run_id}": "get",
    "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs": "get",
}
CACHE = Path(__file__).parent.parent / ".cache" / "github-api"
# The tests' own HOME is empty; which registry the machine uses stands in the developer's.
_NPMRC = Path(os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc")
_MEMBER = "package/generated/api.github.com.json"
_SECONDS = 300


class NotHere(Exception):
    """The description or the mock cannot be had on this machine."""


def _npm(arguments: list[str], cwd: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise NotHere("npm is not installed (apt-get install npm)")
    environ = {**os.environ, "NPM_CONFIG_USERCONFIG": str(_NPMRC), "NPM_CONFIG_CACHE": str(cwd / "npm-cache")}
    argv = [npm, *arguments, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NotHere(f"npm {arguments[0]} did not end within {_SECONDS} s") from None
    if done.returncode:
        lines = done.stderr.strip().split("\n")
        raise NotHere(f"npm {arguments[0]} failed: {lines[0][:200]}")
    return done.stdout


def cut(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The description with PATHS alone, and the components that they refer to."""
    paths = {path: {method: whole["paths"][path][method]} for path, method in PATHS.items()}
    kept: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = [paths]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            reference = found.get("$ref")
            if isinstance(reference, str):
                _, _, kind, name = reference.split("/")
                if name not in kept.setdefault(kind, {}):
                    kept[kind][name] = whole["components"][kind][name]
                    waiting.append(kept[kind][name])
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": kept}


def fetch() -> Path:
    """The folder with `description.json` and the mock's program, fetched where it is not there yet.

    Raises:
        NotHere: no npm, or no network.
    """
    folder = CACHE / re.sub("[^A-Za-z0-9.]+", "-", f"{OPENAPI}-{PRISM}-{len(PATHS)}").strip("-")
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        work = Path(made, "work")
        work.mkdir()
        packed = _npm(["pack", OPENAPI], work).strip().split("\n")[-1]
        with tarfile.open(work / packed) as archive:
            member = archive.extractfile(_MEMBER)
            if member is None:
                raise NotHere(f"{OPENAPI} has no {_MEMBER}")
            (work / "description.json").write_text(json.dumps(cut(json.load(member))))
        (work / packed).unlink()
        _npm(["install", "--prefix", str(work), PRISM], work)
        shutil.rmtree(work / "npm-cache", ignore_errors=True)
        with contextlib.suppress(OSError):  # another run was first
            work.rename(folder)
    return folder


@contextlib.contextmanager
def mock(port: int) -> Iterator[str]:
    """GitHub's API on loopback, which refuses whatever the description does not allow.

    Raises:
        NotHere: it cannot be had, or does not start.
    """
    folder = fetch()
    program = folder / "node_modules" / ".bin" / "prism"
    argv = [str(program), "mock", "--errors", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*argv, str(folder / "description.json")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line.decode("utf-8", "replace")
            if "is listening on" in said:
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield f"http://127.0.0.1:{port}"
                return
        raise NotHere(f"the mock did not start: {said[-300:]}")
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    print(fetch())
