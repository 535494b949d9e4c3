"""The demo's last scene: what is built after a push, with an engine of this machine or a program in its place.

The engine is one that keeps its images itself (buildah or podman), in a storage inside the demo's folder. docker
is left alone: its images would stay with the caller's daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.builds.process import run

if TYPE_CHECKING:
    from envhooks.cli._demo_folder import Demo

TITLE = "8. After the push, what the server holds is built, once"
TAG = "Tools-v1.0-rc1"

_ENGINES = ("buildah", "podman")
_SECONDS = 60
_DOCKERFILE = """\
FROM scratch
COPY train.sh /usr/local/bin/
"""
_POLICY = """\
[tag]
templates = ["{{framework}}-{{hardware}}-v{{version}}[-{{stage}}]", "Tools-v{{release}}[-{{stage}}]"]

[[dockerfile]]
match = "Tools-*"
context = "tools"
path = "tools/Dockerfile"

[[dockerfile]]
path = "Dockerfile"

[image]
name = "registry.example.com/team/tools"

[[build]]
name = "image"
{builder}
"""
_ENTRY = """\


## Tools-v1.0-rc1 - 2026-11-02

The script that starts a training run, in an image of its own.

### Use

Copy it into an environment.

### Risk

None known.
"""
# A program in place of a missing engine: it gets the tagged tree, and no shell expands anything.
_PROGRAM = """\
#!/bin/sh
set -eu
mkdir -p "$2"
cp -R "$1/." "$2/"
echo "$ENVHOOKS_OWN would hold:"
ls "$2"
"""


@dataclass(frozen=True)
class _Means:
    """Builder of the demo."""

    builder: str
    """Its keys of the build section."""
    said: str
    result: str
    """Path to show in the end, relative to the clone."""


def play(demo: Demo) -> bool:
    """State what is built, allow it, push a tag, and look at what became of it."""
    environ = storage(demo.folder)
    for known in (demo.environ, demo.clone.environ):
        for name in [name for name in known if name.startswith(("BUILDAH_", "CONTAINERS_", "STORAGE_"))]:
            del known[name]
        known.update(environ)
    means = _means(demo.folder, demo.environ)
    demo.note(means.said)
    changelog = (demo.clone.path / "CHANGELOG.md").read_text(encoding="utf-8")
    files = {
        ".envhooks/policy.toml": _POLICY.format(builder=means.builder),
        "tools/Dockerfile": _DOCKERFILE,
        "tools/train.sh": '#!/bin/sh\nexec python -m train "$@"\n',
        "CHANGELOG.md": changelog.replace("# Changelog\n", "# Changelog" + _ENTRY, 1),
    }
    demo.clone.commit("Build an image of the tools", files)
    demo.show_file(".envhooks/policy.toml")
    codes = [
        demo.git("push", "--quiet", "origin", "main"),
        demo.envhooks("builds", "--allow"),
        demo.git("tag", "-s", TAG, "-m", "Tools 1.0, first candidate"),
        demo.git("push", "origin", TAG),
        demo.envhooks("builds", "--follow"),
        demo.envhooks("build", TAG),
    ]
    demo.show_file(means.result)
    return not any(codes)


def storage(folder: Path) -> dict[str, str]:
    """An environment in which an engine keeps its images inside `folder`, whatever its user's configuration says."""
    own = folder / "containers"
    own.mkdir(mode=0o700)
    conf, policy, registries = own / "storage.conf", own / "policy.json", own / "registries.conf"
    conf.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{own}/graph"\nrunroot = "{own}/run"\n'
        f'rootless_storage_path = "{own}/graph"\n'
    )
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
    registries.write_text("")
    return {
        "CONTAINERS_STORAGE_CONF": str(conf),
        "CONTAINERS_REGISTRIES_CONF": str(registries),
        "XDG_RUNTIME_DIR": str(own),
        "XDG_CONFIG_HOME": str(own),
        "XDG_DATA_HOME": str(own),
    }


def _means(folder: Path, environ: Mapping[str, str]) -> _Means:
    engine = next((name for name in _ENGINES if _builds(name, folder, environ)), None)
    if engine:
        builder = f'using = "local"\nengine = "{engine}"\noutput = "oci:{folder}/images"'
        return _Means(builder, f"{engine} builds here, into a folder.", "../images/index.json")
    program = folder / "bin" / "build-image"
    program.parent.mkdir()
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    builder = f'using = "command"\ncommand = ["{program}", "{{context}}", "{folder}/image"]\nregistry = false'
    said = (
        "No buildah or podman on this machine can build an image, so a program takes its place: it copies what "
        "an engine would be given."
    )
    return _Means(builder, said, "../image/train.sh")


def _builds(engine: str, folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether the engine really builds an image here; its version says nothing about user namespaces."""
    tried = folder / "tried"
    tried.mkdir(exist_ok=True)
    (tried / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    argv = (engine, "build", "--isolation", "chroot", "--file", str(tried / "Dockerfile"), str(tried))
    try:
        return run(argv, StringIO(), environ, cwd=tried, timeout=_SECONDS).exit_code == 0
    except CannotJudge:
        return False  # it is not on PATH
