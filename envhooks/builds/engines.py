"""Engines that build on this machine, tried before they are used, and the wishes of a `local` section.

That a program is there says little: a daemon may not run, a storage driver may not work, and a container may not be
allowed to run in a container. So a container is really run, once a machine, and what worked is remembered.
"""

from __future__ import annotations

import json
import os
import platform as machine
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable
from envhooks.builds.local_section import ENGINES, Wanted
from envhooks.builds.process import engine_environment

_SECONDS = 60
# A program of a few instructions that ends well: exit(0), for the machines on which images are built.
_EXIT = {
    "x86_64": (62, bytes.fromhex("31ffb83c0000000f05")),
    "aarch64": (183, bytes.fromhex("000080d2a80b80d2010000d4")),
}


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
    syft: str = ""
    """The program that writes a bill of materials where the engine cannot; empty: none is there, or none is wanted."""


# ------------------------------------------------------------------------------------- finding one


def find(wanted: Wanted, environ: Mapping[str, str], work_tree: Path | None = None) -> Engine:
    """The engine that the policy names, or the first that works; never a program inside of `work_tree`.

    Raises:
        CannotJudge: none does; what each of them lacks is in the message.
    """
    if wanted.builder:
        names: tuple[str, ...] = ("docker",)  # a builder is one of buildx
    else:
        names = ENGINES if wanted.engine == "auto" else (wanted.engine,)
    env = engine_environment(environ)
    faults = []
    for name in names:
        # never one of the current folder, which may be a work tree: relative entries of PATH are passed over
        program = find_program(name, env)
        if program is None:
            faults.append(f"{name} is not on PATH")
            continue
        if work_tree is not None and any(p.is_relative_to(work_tree) for p in _forms(program)):
            faults.append(f"{printable(program)} lies in the work tree, where a commit could change it")
            continue
        found = (_docker if name == "docker" else _own_storage)(name, program, wanted, env)
        if isinstance(found, Engine):
            return replace(found, syft=_syft(env, work_tree)) if wanted.sbom and name != "docker" else found
        faults.append(found)
    raise CannotJudge(
        f"no engine here can build an image: {'; '.join(faults)}", fix="apt-get install buildah"
    )


def _syft(env: Mapping[str, str], work_tree: Path | None) -> str:
    program = find_program("syft", env) or ""
    is_inside = (
        work_tree is not None and program and any(p.is_relative_to(work_tree) for p in _forms(program))
    )
    return "" if is_inside else program


def _forms(program: str) -> tuple[Path, Path]:
    return Path(program), Path(program).resolve()


def work_tree_of(context: Path) -> Path | None:
    """The work tree of the repository in whose `.git` a context was written out; None for a bare one."""
    inside = next((folder for folder in context.parents if folder.name == ".git"), None)
    return None if inside is None else inside.parent


def _ask(argv: tuple[str, ...], environ: Mapping[str, str]) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            list(argv),
            env=dict(environ),
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"no answer within {_SECONDS} s"
    except OSError as error:
        return 1, "", str(error.strerror)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def _why(stderr: str) -> str:
    lines = [line for line in stderr.strip().split("\n") if line]
    return printable(lines[-1], 200) if lines else "no reason given"


def _docker(name: str, program: str, wanted: Wanted, environ: Mapping[str, str]) -> Engine | str:
    if _ask((program, "buildx", "version"), environ)[0]:
        return "docker has no buildx plugin"
    code, said, fault = _ask((program, "buildx", "inspect", *_words(wanted.builder)), environ)
    if code:
        return f"docker buildx does not answer: {_why(fault)}"
    driver = next(
        (line.split(":", 1)[1].strip() for line in said.split("\n") if line.startswith("Driver:")), ""
    )
    by_digest = driver != "docker"
    if not by_digest:
        code, said, fault = _ask((program, "info", "--format", "{{json .DriverStatus}}"), environ)
        if code:
            return f"the docker daemon does not answer: {_why(fault)}"
        # docker's classic image store can neither push without a tag nor hold attestations
        by_digest = "io.containerd.snapshotter" in said
    return Engine(name, (name,), by_digest=by_digest)


def _words(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _own_storage(name: str, program: str, wanted: Wanted, environ: Mapping[str, str]) -> Engine | str:
    """Podman and buildah, which keep images themselves: without overlay only `vfs` is left."""
    drivers = (wanted.storage,) if wanted.storage != "auto" else ("", "vfs")
    must_run = wanted.verify.is_on or bool(wanted.test)
    fault = ""
    for driver in drivers:
        storage = ("--storage-driver", driver) if driver else ()
        code, _, stderr = _ask((program, *storage, "info"), environ)
        if code:
            fault = fault or _why(stderr)
            if "driver" not in stderr and "overlay" not in stderr:
                break
            continue
        # podman asks an image by `run`, which knows no chroot
        own_only = bool(environ.get("BUILDAH_ISOLATION")) or (name == "podman" and must_run)
        choices: tuple[str, ...] = ("",) if own_only else ("", "chroot")
        if wanted.isolation != "auto":
            choices = (wanted.isolation,)
        for isolation in choices:
            why = _Trial(name, program, storage, isolation, environ).fault()
            if not why:
                return Engine(name, (name, *storage), isolation)
            fault = fault or why
    return f"{name} does not work: {fault}"


# ------------------------------------------------------------------------------------- trying one


class _Trial:
    """A build of nothing but a RUN, of an image of one file."""

    def __init__(
        self, name: str, program: str, storage: tuple[str, ...], isolation: str, environ: Mapping[str, str]
    ) -> None:
        self._argv = (program, *storage)
        self._isolation = isolation
        self._environ = environ
        stamp = Path(program).stat()
        words = (name, program, stamp.st_mtime_ns, stamp.st_size, *storage, isolation, machine.node())
        more = (environ.get("CONTAINERS_STORAGE_CONF", ""), environ.get("BUILDAH_ISOLATION", ""), _boot())
        self._key = json.dumps([str(word) for word in (*words, *more)])

    def fault(self) -> str:
        """Reason why no container runs; empty where one did, now or earlier on this machine."""
        if self._key in _remembered(self._environ):
            return ""
        why = self._try()
        if not why:
            _remember(self._environ, self._key)
        return why

    def _try(self) -> str:
        kind = machine.machine()
        if kind not in _EXIT:
            return ""  # nothing to try it with: the build itself will show it
        with tempfile.TemporaryDirectory(prefix="envhooks-try-") as folder:
            program = Path(folder, "true")
            program.write_bytes(_elf(*_EXIT[kind]))
            program.chmod(0o755)
            Path(folder, "Dockerfile").write_text('FROM scratch\nCOPY true /true\nRUN ["/true"]\n')
            isolation = ("--isolation", self._isolation) if self._isolation else ()
            file = f"{folder}/image"
            argv = (*self._argv, "build", *isolation, "--layers=false", "--iidfile", file, folder)
            code, said, fault = _ask(argv, self._environ)
            with suppress(OSError):
                _ask((*self._argv, "rmi", Path(file).read_text().strip()), self._environ)
        return f"it can run no container: {_why(fault or said)}" if code else ""


def _elf(kind: int, code: bytes) -> bytes:
    """A static program: one header, one segment, these instructions."""
    start, size = 0x400078, 0x78 + len(code)
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    words = ((2, 2), (kind, 2), (1, 4), (start, 8), (64, 8), (0, 8), (0, 4), (64, 2), (56, 2), (1, 2), (0, 6))
    segment = ((1, 4), (5, 4), (0, 8), (0x400000, 8), (0x400000, 8), (size, 8), (size, 8), (4096, 8))
    return head + b"".join(number.to_bytes(width, "little") for number, width in (*words, *segment)) + code


def _boot() -> str:
    """Identity of this boot of the machine or container: after another one, an engine may work differently."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/mnt').readlink()}/{os.geteuid()}"
    except (OSError, AttributeError):
        return ""


def _memory(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME", "")
    cache = environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return Path(cache, "envhooks", "engines.json") if Path(cache).is_absolute() else None


def _remembered(environ: Mapping[str, str]) -> list[str]:
    """Keys of the engines that have run on this machine; empty where the file cannot be read."""
    file = _memory(environ)
    try:
        found = json.loads(file.read_bytes()) if file is not None else []
    except (OSError, ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _remember(environ: Mapping[str, str], key: str) -> None:
    file = _memory(environ)
    if file is None:
        return
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps([*_remembered(environ)[-20:], key]))
        new.replace(file)


# ------------------------------------------------------------------------------------- what one cannot do


def refuse_what_is_not_had(wanted: Wanted, engine: Engine) -> None:
    """Refuse what this engine cannot do: parts left out silently would count as done.

    Raises:
        CannotJudge: the section asks for it.
    """
    for wish, fix in _missing(wanted, engine):
        name = engine.name + ("" if engine.by_digest else " with its classic image store")
        raise CannotJudge(f"{name} {wish}", place=".envhooks/policy.toml", fix=fix)


def _missing(wanted: Wanted, engine: Engine) -> Iterator[tuple[str, str]]:
    is_buildx = engine.name == "docker"
    attests = is_buildx and engine.by_digest and wanted.output != "none"
    if wanted.provenance in ("max", "min") and not attests:
        yield "writes no provenance", "provenance = false"
    if wanted.sbom and not attests and not (engine.syft and wanted.output == "registry"):
        yield ("writes no SBOM; with syft on PATH it would be made for a registry", "sbom = false")
    if wanted.sbom and engine.syft and len(wanted.platforms) > 1:
        yield "has an SBOM for one platform only", f'platform = "{wanted.platforms[0]}"'
    if is_buildx and len(wanted.platforms) > 1 and not (engine.by_digest and wanted.output == "registry"):
        yield "holds the image of one platform only", f'platform = "{wanted.platforms[0]}"'
    if is_buildx and wanted.pull == "never":
        yield "always looks for a base image that is not here", 'pull = "missing"'
    if not is_buildx:
        for text in (*wanted.cache_from, *wanted.cache_to):
            if text.startswith("type="):
                yield (
                    "keeps caches in a registry alone",
                    'cache_from = ["registry.example.com/team/cache"]',
                )
        if (wanted.cache_from or wanted.cache_to) and (not wanted.layers or len(wanted.platforms) > 1):
            yield "keeps caches with `layers = true` and for one platform only", "layers = true"
        if engine.isolation == "chroot" and wanted.network == "none":
            yield "in chroot isolation has the network of the machine", 'network = "default"'
