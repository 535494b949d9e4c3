"""Which engine builds on this machine, told by asking each; and what a policy may want of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds.process import engine_environment
from envhooks.builds.verify_image import Settings

ENGINES = ("docker", "podman", "buildah")
"""In the order in which they are tried."""
_SECONDS = 30


@dataclass(frozen=True)
class Engine:
    """An engine that answered."""

    name: str
    prefix: tuple[str, ...]
    """The program and the options that stand before every verb."""
    isolation: str = ""
    """`--isolation` of buildah and podman; empty: the engine's own choice."""
    by_digest: bool = True
    """docker: whether an image can be pushed without a tag, and carry attestations."""


@dataclass(frozen=True)
class Wanted:
    """The options of a `local` build, read."""

    engine: str
    builder: str
    isolation: str
    storage: str
    output: str
    """`registry`, `none`, or `oci:` with an absolute path."""
    tls_verify: bool
    provenance: str
    """`max`, `min` or `false`."""
    sbom: bool
    timeout: float
    verify: Settings


# ------------------------------------------------------------------------------------- finding one


def find(wanted: Wanted, environ: Mapping[str, str]) -> Engine:
    """The engine that the policy names, or the first that answers.

    Raises:
        CannotJudge: none does; what each of them lacks is in the message.
    """
    names = ("docker",) if wanted.builder else ENGINES if wanted.engine == "auto" else (wanted.engine,)
    env = engine_environment(environ)
    faults = []
    for name in names:
        program = shutil.which(name, path=env.get("PATH", os.defpath))
        if program is None:
            faults.append(f"{name} is not on PATH")
            continue
        if name == "podman" and wanted.engine == "auto" and wanted.verify.is_on and not _has_runtime(env):
            faults.append("podman can run no image here, so it could not be asked what it holds")
            continue
        found = (_docker if name == "docker" else _own_storage)(name, wanted, env)
        if isinstance(found, Engine):
            return found
        faults.append(found)
    raise CannotJudge(
        f"no engine here can build an image: {'; '.join(faults)}", fix="apt-get install buildah"
    )


def _ask(argv: tuple[str, ...], environ: Mapping[str, str]) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            list(argv),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        return 1, "", type(error).__name__
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def _why(stderr: str) -> str:
    lines = [line for line in stderr.strip().split("\n") if line]
    return printable(lines[-1], 200) if lines else "no reason given"


def _docker(name: str, wanted: Wanted, environ: Mapping[str, str]) -> Engine | str:
    if _ask((name, "buildx", "version"), environ)[0]:
        return "docker has no buildx plugin"
    code, said, fault = _ask((name, "buildx", "inspect", *_words(wanted.builder)), environ)
    if code:
        return f"docker buildx does not answer: {_why(fault)}"
    driver = next(
        (line.split(":", 1)[1].strip() for line in said.split("\n") if line.startswith("Driver:")), ""
    )
    by_digest = driver != "docker"
    if not by_digest:
        code, said, fault = _ask((name, "info", "--format", "{{json .DriverStatus}}"), environ)
        if code:
            return f"the docker daemon does not answer: {_why(fault)}"
        # docker's classic image store can neither push without a tag nor hold attestations
        by_digest = "io.containerd.snapshotter" in said
    return Engine(name, (name,), by_digest=by_digest)


def _words(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _own_storage(name: str, wanted: Wanted, environ: Mapping[str, str]) -> Engine | str:
    """Podman and buildah, which keep images themselves: without overlay only `vfs` is left."""
    drivers = (wanted.storage,) if wanted.storage != "auto" else ("", "vfs")
    fault = ""
    for driver in drivers:
        prefix = (name, *(("--storage-driver", driver) if driver else ()))
        code, _, stderr = _ask((*prefix, "info"), environ)
        if not code:
            return Engine(name, prefix, _isolation(wanted, environ))
        fault = fault or _why(stderr)
        if "driver" not in stderr and "overlay" not in stderr:
            break
    return f"{name} does not work: {fault}"


def _isolation(wanted: Wanted, environ: Mapping[str, str]) -> str:
    if wanted.isolation != "auto":
        return wanted.isolation
    if environ.get("BUILDAH_ISOLATION"):
        return ""
    return "" if _has_runtime(environ) else "chroot"


def _has_runtime(environ: Mapping[str, str]) -> bool:
    """Whether a container can be run in its own namespaces: not without a runtime, nor in most sandboxes."""
    path = environ.get("PATH", os.defpath)
    if not any(shutil.which(name, path=path) for name in ("crun", "runc")):
        return False
    # inside of a container there is often no control group that a nested one could be put into;
    # without root the engine uses one that systemd delegated, which is not the top one
    return os.geteuid() != 0 or os.access("/sys/fs/cgroup", os.W_OK)
