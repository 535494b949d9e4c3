"""Removal of what builds leave on this machine: contexts, scratch folders, old logs, containers, old images.

Only what envhooks made is touched: folders by their names, images by the label that each of them carries, containers
by the image that they were made of.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from envhooks.base.dataclass import dataclass
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable
from envhooks.builds.ledger import Ledger, is_stale
from envhooks.builds.process import engine_environment

KEPT_IMAGES = 3
"""Images of one name that stay: the last ones, as another build takes layers of theirs."""
KEPT_LOGS = 30 * 86400
"""Seconds for which a log stays that no row names any more."""
SCRATCH_AGE = 86400
"""Seconds after which a scratch folder is abandoned: no build takes longer by default."""
_SCRATCH = ("envhooks-build-", "envhooks-command-", "envhooks-try-")
_LABEL = "envhooks.tag-object"
_SECONDS = 120


@dataclass(frozen=True)
class _Image:
    id: str
    names: tuple[str, ...]
    created: float


def clean(ledger: Ledger, environ: Mapping[str, str], kept: int = KEPT_IMAGES) -> Iterator[str]:
    """Remove what is left; answers one line for each kind of thing that was removed, or could not be."""
    building = {row.key for row in ledger.rows() if row.state == "building" and not is_stale(row)}
    waiting = {row.key[:16] for row in ledger.rows() if row.state not in ("done", "final", "dropped")}
    yield from _folders(ledger, {key[:16] for key in building}, waiting)
    yield from _logs(ledger)
    if building:
        yield "a build is under way, so images and containers stay"
        return
    for name in ("buildah", "podman", "docker"):
        program = find_program(name, environ)
        if program is not None:
            yield from _Engine(name, program, engine_environment(environ)).clean(kept)


def _folders(ledger: Ledger, building: set[str], waiting: set[str]) -> Iterator[str]:
    found = [
        path for path in _children(ledger.folder / "work") if path.name.partition(".")[0] not in building
    ]
    # an image that waits to be published is what a retry goes on with
    found += [path for path in _children(ledger.folder / "kept") if path.name not in waiting]
    late = time.time() - SCRATCH_AGE
    for path in _children(Path(tempfile.gettempdir())):
        if path.name.startswith(_SCRATCH) and not path.is_symlink() and path.is_dir():
            info = path.stat()
            if info.st_mtime < late and info.st_uid == _user():
                found.append(path)
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    if found:
        yield f"removed {len(found)} folder{'s' * (len(found) > 1)} of builds that were killed"


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0  # on Windows every file is of user 0


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _logs(ledger: Ledger) -> Iterator[str]:
    named = {row.log for row in ledger.rows()}
    late = time.time() - KEPT_LOGS
    old = [
        path
        for path in _children(ledger.folder / "logs")
        if str(path) not in named and path.suffix == ".log" and path.lstat().st_mtime < late
    ]
    for path in old:
        path.unlink(missing_ok=True)
    if old:
        yield f"removed {len(old)} old log{'s' * (len(old) > 1)}"


class _Engine:
    """One engine's store."""

    def __init__(self, name: str, program: str, environ: Mapping[str, str]) -> None:
        self._name = name
        self._environ = environ
        self._argv: tuple[str, ...] = (program,)

    def clean(self, kept: int) -> Iterator[str]:
        """Remove containers of our images, and all but the last `kept` images of each name."""
        images = self._images()
        if images is None:
            return  # it does not work here, and so it holds nothing of ours that could be reached
        containers = self._containers(images)
        for container in containers:
            self._run("rm", container)
        old = list(_beyond(images, kept))
        removed = [image for image in old if self._remove(image)]
        if containers:
            yield f"{self._name}: removed {len(containers)} container{'s' * (len(containers) > 1)}"
        if removed:
            many = "s" * (len(removed) > 1)
            yield f"{self._name}: removed {len(removed)} image{many}, kept the last {kept} of each name"
        for image in old:
            if image not in removed:
                yield f"{self._name}: image {printable(image.id, 80)} could not be removed"

    def _run(self, *words: str) -> tuple[int, str]:
        try:
            done = subprocess.run(
                [*self._argv, *words],
                env=dict(self._environ),
                cwd=tempfile.gettempdir(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return 1, ""
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def _images(self) -> list[_Image] | None:
        """Our images; None where the engine does not answer."""
        if self._name == "docker":
            form = ("--no-trunc", "--format", "{{json .}}")
            code, said = self._run("images", "--filter", f"label={_LABEL}", *form)
            return None if code else _docker_images(said)
        for storage in ((), ("--storage-driver", "vfs")):
            argv, self._argv = self._argv, (*self._argv[:1], *storage)
            code, said = self._run("images", "--json" if self._name == "buildah" else "--format=json",
                                   "--filter", f"label={_LABEL}")  # fmt: skip
            if not code:
                return _images(said)
            self._argv = argv
        return None

    def _containers(self, images: Sequence[_Image]) -> list[str]:
        if self._name != "buildah":
            return []  # the others are asked with `run --rm`
        code, said = self._run("containers", "--json")
        found = _list(said) if not code else []
        ids = [image.id for image in images]
        return [
            str(one.get("id"))
            for one in found
            if re.fullmatch("[0-9a-f]{12,64}", str(one.get("id")))
            and any(str(one.get("imageid")).startswith(id) for id in ids)
        ]

    def _remove(self, image: _Image) -> bool:
        # by its names: an id with several of them is only removed by force, which takes containers along
        return self._run("rmi", *(image.names or (image.id,)))[0] == 0


def _beyond(images: Sequence[_Image], kept: int) -> Iterator[_Image]:
    """All but the newest of each name, and what has no name any more."""
    by_name: dict[str, list[_Image]] = {}
    for image in sorted(images, key=lambda image: -image.created):
        name = image.names[0].rpartition(":")[0] if image.names else ""
        by_name.setdefault(name, []).append(image)
    for name, found in by_name.items():
        yield from found[kept:] if name else found


def _list(said: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(said or "[]")
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _images(said: str) -> list[_Image]:
    found = []
    for one in _list(said):
        id, created = str(one.get("id") or one.get("Id")), one.get("created", one.get("Created"))
        names = one.get("names", one.get("Names")) or ()
        if re.fullmatch("[0-9a-f]{12,64}", id):
            found.append(_Image(id, tuple(map(str, names)), created if isinstance(created, int) else 0))
    return found


def _docker_images(said: str) -> list[_Image]:
    """docker answers a line of JSON for each name."""
    found: dict[str, _Image] = {}
    for line in said.split("\n"):
        for one in _list(f"[{line}]") if line.strip() else ():
            id = str(one.get("ID"))
            name = f"{one.get('Repository')}:{one.get('Tag')}"
            names = () if "<none>" in name else (name,)
            if re.fullmatch("(?:sha256:)?[0-9a-f]{12,64}", id):
                before = found.get(id)
                found[id] = _Image(
                    id, ((before.names if before else ()) + names), _time(one.get("CreatedAt"))
                )
    return list(found.values())


def _time(text: object) -> float:
    """Seconds of docker's `2026-11-30 05:33:43 +0000 UTC`; 0 where it is something else."""
    match = re.match(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9:]{8})", str(text))
    try:
        return time.mktime(time.strptime(" ".join(match.groups()), "%Y-%m-%d %H:%M:%S")) if match else 0.0
    except (ValueError, OverflowError):
        return 0.0
