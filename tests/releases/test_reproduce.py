"""`envhooks reproduce`: a release that was really built, recorded, and built once more; with a base that moved."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder_parts import need, python_that_says, registry, storage
from record_parts import make_key, verifier
from support import GOOD_TAG, Repo

PLATFORMS = ("linux/amd64", "linux/arm64")
POLICY = """\
[checks]
dockerfile-matches = {{ level = "off", reason = "an image for a test" }}
dockerfile-pinned = {{ level = "off", reason = "an image for a test" }}

[image]
name = "{host}/team/{{framework:lower}}-{{hardware:lower}}"
stamp = true

[[build]]
using = "local"
engine = "buildah"
isolation = "chroot"
tls_verify = false
pull = "always"

"""
DOCKERFILE = """\
FROM {host}/team/base:1
COPY python /bin/
RUN ["/bin/busybox", "touch", "/built"]
"""


class Built:
    """A clone, its registry, and a base image in it."""

    def __init__(self, clone: Repo, host: str, folder: Path) -> None:
        self.clone, self.host, self.folder = clone, host, folder

    def publish_base(self, text: str, platforms: tuple[str, ...] = ()) -> str:
        """Give the base image's name to an image with this file in it; answers its digest."""
        context = self.folder / "base"
        context.mkdir(exist_ok=True)
        busybox = shutil.which("busybox")
        assert busybox is not None
        shutil.copyfile(busybox, context / "busybox")
        (context / "busybox").chmod(0o755)
        (context / "file").write_text(text)
        (context / "Dockerfile").write_text(
            "FROM scratch\nCOPY busybox /bin/\nCOPY file /etc/base\nENV PATH=/bin\n"
        )
        name = f"{self.host}/team/base:1"
        environ = storage(self.folder / f"storage-{text}", os.environ)

        def buildah(*words: str) -> None:
            subprocess.run(["buildah", *words], check=True, env=environ, capture_output=True)

        if platforms:
            words = ("--layers=false", "--platform", ",".join(platforms), "--manifest", name)
            buildah("build", "--isolation", "chroot", "-q", *words, str(context))
            buildah("manifest", "push", "--tls-verify=false", "--all", name, f"docker://{name}")
        else:
            buildah("build", "--isolation", "chroot", "-q", "-t", name, str(context))
            buildah("push", "--tls-verify=false", name)
        ask = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{name}"]
        return subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()

    def reproduce(self, *arguments: str, fresh: bool = True) -> tuple[int, str]:
        """From an engine that has no image of before, as on another machine."""
        environ = self.clone.environ
        if fresh:
            environ = storage(self.folder / f"fresh-{len(list(self.folder.iterdir()))}", environ)
        done = Repo(self.clone.path, environ).envhooks("reproduce", GOOD_TAG, *arguments)
        assert "Traceback" not in done.said, done.said
        return done.code, done.out + done.err[-3000:]


@pytest.fixture
def built(good: Repo, tmp_path: Path, environ: dict[str, str]) -> Iterator[Built]:
    need("docker-registry", "skopeo", "buildah", "busybox")
    with build_one(good, tmp_path, environ) as made:
        yield made


@contextlib.contextmanager
def build_one(
    good: Repo,
    tmp_path: Path,
    environ: dict[str, str],
    policy: str = POLICY,
    platforms: tuple[str, ...] = (),
    *,
    is_pinned: bool = False,
) -> Iterator[Built]:
    """A release that was built from a base image in a registry, and recorded."""
    key, public = make_key(tmp_path, "ci")
    with registry(tmp_path / "registry") as host:
        here = {**storage(tmp_path / "storage", environ), "ENVHOOKS_RECORD_KEY": str(key)}
        made = Built(Repo(good.path, here), host, tmp_path)
        digest = made.publish_base("one", platforms)
        text = DOCKERFILE.format(host=host)
        files: dict[str, str | bytes] = {
            ".envhooks/policy.toml": policy.format(host=host) + verifier("ci", public),
            "Dockerfile": text.replace("base:1", f"base:1@{digest}") if is_pinned else text,
            "python": python_that_says(),
        }
        made.clone.write(files)
        (made.clone.path / "python").chmod(0o755)
        made.clone.commit("Build a small image")
        made.clone.git("push", "-q", "origin", "main")
        made.clone.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
        made.clone.git("push", "-q", "origin", GOOD_TAG)
        done = made.clone.envhooks("build", GOOD_TAG, "--allow")
        assert done.code == 0, done.said
        assert made.clone.envhooks("records", GOOD_TAG).code == 0, done.said
        yield made


def test_twice_to_the_same_digest_and_with_a_moved_base_too(built: Built) -> None:
    """The record has the base by its digest, so that a base that moved is no other base."""
    code, said = built.reproduce()
    assert code == 0 and f"{GOOD_TAG} is reproduced: sha256:" in said, said
    built.publish_base("two")
    code, said = built.reproduce()
    assert code == 0 and "is reproduced" in said, said


@pytest.mark.parametrize("is_pinned", [True, False])
def test_of_several_platforms_each_has_its_own_base(
    good: Repo, tmp_path: Path, environ: dict[str, str], is_pinned: bool
) -> None:
    """A base under one name is of one platform in an engine's storage: the other one would be built on it, too."""
    need("docker-registry", "skopeo", "buildah", "busybox")
    both = 'pull = "always"\nplatform = ["linux/amd64", "linux/arm64"]\n'
    policy = POLICY.replace('pull = "always"\n', both)
    with build_one(good, tmp_path, environ, policy, PLATFORMS, is_pinned=is_pinned) as built:
        code, said = built.reproduce()
        assert code == 0 and f"{GOOD_TAG} is reproduced: sha256:" in said, said
        built.publish_base("two", PLATFORMS)
        code, said = built.reproduce()
        if is_pinned:
            assert code == 0 and f"{GOOD_TAG} is reproduced: sha256:" in said, said
        else:
            assert code == 1 and "/team/base:1: the record does not say which image it was" in said, said


def test_a_policy_of_another_day_builds_no_other_image(built: Built) -> None:
    """Arguments, labels, the stamp and the engine's options are those of the day on which it was built."""
    policy = (built.clone.path / ".envhooks/policy.toml").read_text()
    changed = policy.replace("stamp = true\n", "").replace(
        "[image]\n", '[dockerfile]\nargs = { SEED = "2" }\n\n[image]\n'
    )
    changed = changed.replace(
        'pull = "always"\n', 'pull = "always"\nlabels = { "org.example.day" = "another" }\n'
    )
    built.clone.commit_files({".envhooks/policy.toml": changed}, "Another day")
    built.clone.git("push", "-q", "origin", "main")
    code, said = built.reproduce()
    assert code == 0 and f"{GOOD_TAG} is reproduced: sha256:" in said, said


def test_another_image_is_told_with_what_differs(built: Built) -> None:
    """The record's base is lost; a base of other bytes under its digest cannot be, so the build itself is changed."""
    record = built.clone.envhooks("records", GOOD_TAG, "--format", "json").out
    assert "/team/base:1" in record
    # a RUN line that is not the same twice
    text = (
        DOCKERFILE.format(host=built.host)
        + 'RUN ["/bin/busybox", "sh", "-c", "head -c 8 /dev/urandom > /etc/seed"]\n'
    )
    tag = "PyTorch-CUDA-v2.8-rc2"
    built.clone.commit_files({"Dockerfile": text}, "Not the same twice")
    built.clone.git("push", "-q", "origin", "main")
    built.clone.git("tag", "-s", tag, "-m", "Second")
    built.clone.git("push", "-q", "origin", tag)
    done = built.clone.envhooks("build", tag, "--allow")
    assert done.code == 0, done.said
    built.publish_base("two")
    environ = storage(built.folder / "fresh", built.clone.environ)
    done = Repo(built.clone.path, environ).envhooks("reproduce", tag)
    assert done.code == 1, done.said
    assert "is another image" in done.out and "etc/seed (content" in done.out, done.out
    assert f"{built.host}/team/base:1 moved: it was sha256:" in done.out


def test_without_a_record_there_is_nothing_to_compare_with(built: Built) -> None:
    built.clone.git("update-ref", "-d", "refs/notes/envhooks")
    code, said = built.reproduce()
    assert code == 2 and "nothing to compare with" in said and "--legacy" in said
    code, said = built.reproduce("--legacy")
    assert code == 2 and "builds: sha256:" in said and "nothing was compared" in said, said


def test_the_commands_are_printed_and_nothing_is_run(built: Built) -> None:
    code, said = built.reproduce("--print", fresh=False)
    assert code == 0
    lines = said.splitlines()
    assert " pull " in lines[0] and "/team/base@sha256:" in lines[0]
    assert " tag " in lines[1] and lines[1].endswith("/team/base:1")
    assert any(" build " in line and "--pull=never" in line and "ENVHOOKS_TAG=" in line for line in lines)


def test_a_refused_tag_is_not_built(built: Built) -> None:
    built.clone.commit_files(
        {".envhooks/allowed_signers": "bob@example.org ssh-ed25519 AAAA\n"}, "Other signers"
    )
    built.clone.git("push", "-q", "--no-verify", "origin", "main")
    code, said = built.reproduce(fresh=False)
    assert code == 2 and "is reproduced" not in said
