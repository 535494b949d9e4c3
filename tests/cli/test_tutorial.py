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


def shape(text: str) -> str:
    """A record without what differs from one run to the next."""
    text = re.sub(r"[0-9a-f]{12,}(\.\.\.)?", "ID", text)
    text = re.sub(r"[0-9-]{10} [0-9:]{5} UTC", "TIME", text)
    return re.sub(r"asked by \w+|\d+ checks", "", text)


def test_the_dockerfile_of_the_page_is_good(tmp_path: Path, environ: dict[str, str]) -> None:
    """What the other test builds is a smaller one."""
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    (tmp_path / "environments").mkdir()
    repo = Repo(tmp_path / "environments", environ)
    repo.write({".envhooks/policy.toml": block("toml"), "Dockerfile": block("dockerfile")})
    *commands, _ = block("sh").strip().split("\n")
    for command in commands:
        run(["sh", "-c", command], repo.path, environ, check=True)
    done = repo.envhooks("check", "--as", GOOD_TAG, check=True)
    assert "warning" not in done.out and "error" not in done.out, done.out


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
    assert proved.code == 0, said + proved.said
    assert shape(proved.out.replace(address, "registry.example.com")) == shape(block("text"))
    assert proved.out in said, "the last command ends with it"
    server = Repo(tmp_path / "server.git", environ)
    assert server.has_tag(GOOD_TAG) and "refs/notes/" in server.git("for-each-ref"), said
