"""docs/tutorial.md: each of its commands, run as it stands, from nothing to a recorded release."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from builder_parts import DOCKERFILE, need, python_that_says, registry, storage
from support import GOOD_TAG, Repo, run

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()


def block(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_every_command_of_the_page_works(tmp_path: Path, environ: dict[str, str]) -> None:
    need("docker-registry", "buildah", "busybox")
    busybox = shutil.which("busybox")
    assert busybox is not None
    commands = block("sh").strip().split("\n")
    assert len(commands) <= 8
    run(["git", "init", "-q", "--bare", "-b", "main", "server.git"], tmp_path, environ, check=True)
    with registry(tmp_path / "registry") as address:
        # the tests have no network: an image of a few megabytes stands for the one of the page
        local = 'using = "local"\nengine = "buildah"\nisolation = "chroot"\ntls_verify = false'
        policy = block("toml").replace("registry.example.com", address).replace('using = "local"', local)
        policy += '\n[checks]\ndockerfile-matches = { level = "off", reason = "an image for a test" }\n'
        folder = tmp_path / "environments"
        (folder / ".envhooks").mkdir(parents=True)
        environ = storage(tmp_path / "storage", environ)
        environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
        repo = Repo(folder, environ)
        repo.write({".envhooks/policy.toml": policy, "Dockerfile": DOCKERFILE, "python": python_that_says()})
        shutil.copyfile(busybox, folder / "busybox")
        for name in ("python", "busybox"):
            (folder / name).chmod(0o755)
        said = ""
        for command in commands:
            line = command.replace("git@git.example.com:team/environments.git", "../server.git")
            done = run(["sh", "-c", line], folder, environ)
            said += f"$ {command}\n{done.said}"
            assert done.code == 0, said
        proved = run(["envhooks", "records", GOOD_TAG], folder, environ)
    assert proved.code == 0 and f"{address}/team/pytorch-cuda@sha256:" in proved.out, said + proved.said
    server = Repo(tmp_path / "server.git", environ)
    assert server.has_tag(GOOD_TAG) and "refs/notes/" in server.git("for-each-ref"), said
