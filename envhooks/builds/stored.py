"""An image in the storage of an engine on this machine: written out into a temporary folder, and read from there.

Nothing is pulled and nothing of the image is run. The engine packs the layers anew, so that the digest of what it
writes is not the registry's; the image's id, the digest of its configuration, is the same everywhere.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable, word
from envhooks.builds import layout
from envhooks.builds.imagefiles.manifests import PlatformImage
from envhooks.builds.imagefiles.sources import open_images
from envhooks.builds.process import cause, engine_environment, run

ENGINES = ("buildah", "podman", "docker")


@contextmanager
def open_stored(
    engine: str, image: str, environ: Mapping[str, str], *, seconds: float, work_tree: Path | None = None
) -> Iterator[tuple[str, tuple[PlatformImage, ...]]]:
    """(an empty digest, the image, with its id for a digest); its files stay as long as the block runs.

    Args:
        engine: one of ENGINES.
        image: a name or an id that the engine knows.
        environ: the person's own environment.
        seconds: how long the engine may take.
        work_tree: a program in it is not started.

    Raises:
        UsageError: the name is an option, or an engine's own address.
        CannotJudge: there is no such engine, it has no such image, or cannot write it.
    """
    if not image or image.startswith("-") or "\0" in image:
        raise UsageError(f"`{printable(image, 100)}` is no image that an engine knows")
    env = engine_environment(environ)
    program = find_program(engine, env)
    if program is None:
        raise CannotJudge(f"{engine} is not on PATH", fix=f"envhooks verify {word(image)}")
    if work_tree is not None and any(
        p.is_relative_to(work_tree) for p in (Path(program), Path(program).resolve())
    ):
        raise CannotJudge(f"{printable(program)} lies in the work tree, where a commit could change it")
    with tempfile.TemporaryDirectory(prefix="envhooks-stored-") as name:
        folder = Path(name)
        if engine == "docker":
            argv: tuple[str, ...] = (program, "image", "save", "--output", str(folder / "image.tar"), image)
            written = f"docker-archive:{folder / 'image.tar'}"
        else:
            argv = (program, "push", "--quiet", image, f"oci:{folder / 'image'}")
            written = f"oci:{folder / 'image'}"
        ended = run(argv, StringIO(), env, cwd=folder, timeout=seconds)
        if ended.timed_out or ended.exit_code:
            why = f"within {seconds / 60:g} minutes" if ended.timed_out else f"({cause(ended.output)})"
            raise CannotJudge(f"{engine} could not write out {printable(image, 200)} {why}")
        with open_images(written) as (_, found):
            if engine == "docker":
                yield "", found
                return
            config = layout.root(folder / "image").config
            yield "", tuple(replace(one, digest=config.digest) if config else one for one in found)


def work_tree_here() -> Path | None:
    """The work tree around the current folder, told without starting git; None where there is none."""
    here = Path.cwd()
    return next((one for one in (here, *here.parents) if os.path.lexists(one / ".git")), None)
