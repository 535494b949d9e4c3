"""`envhooks reproduce`: a release that was really built, recorded, and built once more; with a base that moved."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from builder_parts import need, python_that_says, registry, storage
from record_parts import make_key, verifier
from support import GOOD_TAG, Repo

PLATFORMS = "linux/amd64,linux/arm64"
RC2, STABLE = "PyTorch-CUDA-v2.8-rc2", "PyTorch-CUDA-v2.8"
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


@dataclass
class Built:
    """A clone, its registry, and base images in it."""

    clone: Repo
    host: str
    folder: Path

    def make_base(self, name: str, platforms: str = "") -> str:
        """Publish an image with this name in a file of it; answers its digest."""
        context = self.folder / "base"
        context.mkdir(exist_ok=True)
        busybox = shutil.which("busybox")
        assert busybox is not None
        shutil.copyfile(busybox, context / "busybox")
        (context / "busybox").chmod(0o755)
        (context / "file").write_text(name)
        (context / "Dockerfile").write_text(
            "FROM scratch\nCOPY busybox /bin/\nCOPY file /etc/base\nENV PATH=/bin\n"
        )
        image = f"{self.host}/team/{name}"
        words = ("--layers=false", "--platform", platforms, "--manifest") if platforms else ("-t",)
        self._do("buildah", "build", "--isolation", "chroot", "-q", *words, image, str(context))
        push = ("manifest", "push", "--all") if platforms else ("push",)
        self._do("buildah", *push, "--tls-verify=false", image, f"docker://{image}")
        return self._do(
            "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{image}"
        )

    def move_base(self, name: str, target: str = "base:1") -> None:
        """Give a name to the image of another."""
        ends = (f"docker://{self.host}/team/{one}" for one in (name, target))
        self._do("skopeo", "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", *ends)

    def _do(self, *words: str) -> str:
        done = subprocess.run(words, check=True, env=self.clone.environ, capture_output=True, text=True)
        return done.stdout.strip()

    def state(self, text: str, policy: str) -> None:
        """Commit and push a Dockerfile and a policy."""
        self.clone.write({".envhooks/policy.toml": policy, "Dockerfile": text, "python": python_that_says()})
        (self.clone.path / "python").chmod(0o755)
        self.clone.commit("Build a small image")
        self.clone.put("main")

    def release(self, tag: str = GOOD_TAG) -> None:
        """Tag what is committed, build it, and record it."""
        self.clone.git("tag", "-s", tag, "-m", "A candidate")
        self.clone.put(tag)
        done = self.clone.envhooks("build", tag, "--allow")
        assert done.code == 0, done.said

    def reproduce(self, tag: str = GOOD_TAG, *arguments: str) -> tuple[int, str]:
        """From an engine that has no image of before, as on another machine."""
        fresh = self.folder / f"fresh-{len(list(self.folder.iterdir()))}" / "fresh"
        clone = Repo(self.clone.path, storage(fresh, self.clone.environ))
        done = clone.envhooks("reproduce", tag, *arguments)
        assert "Traceback" not in done.said, done.said
        return done.code, done.out + done.err[-3000:]


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, template: Path, session_environ: dict[str, str]
) -> Iterator[Built]:
    """A release that was built from a base image in a registry, and recorded; made once."""
    need("docker-registry", "skopeo", "buildah", "busybox")
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(template, folder / "repos", symlinks=True)
    key, public = make_key(folder, "ci")
    environ = {**storage(folder / "made", session_environ), "ENVHOOKS_RECORD_KEY": str(key)}
    with registry(folder / "registry") as host:
        made = Built(Repo(folder / "repos/clone", environ), host, folder)
        for name in ("one:1", "two:1"):
            made.make_base(name)
        made.move_base("one:1")
        made.state(DOCKERFILE.format(host=host), POLICY.format(host=host) + verifier("ci", public))
        made.release()
        assert made.clone.envhooks("records", GOOD_TAG).code == 0
        yield made


@pytest.fixture
def built(made: Built, tmp_path: Path) -> Built:
    """A copy of that clone and its server, and the base as it was."""
    shutil.copytree(made.folder / "repos", tmp_path / "repos", symlinks=True)
    made.move_base("one:1")
    return Built(Repo(tmp_path / "repos/clone", made.clone.environ), made.host, tmp_path)


def test_a_base_that_moved_and_a_policy_of_another_day_build_no_other_image(built: Built) -> None:
    """The record has the base by its digest; arguments, labels, stamp and options are those of the day of the build."""
    policy = (built.clone.path / ".envhooks/policy.toml").read_text()
    changed = policy.replace("stamp = true\n", "").replace(
        "[image]\n", '[dockerfile]\nargs = { SEED = "2" }\n\n[image]\n'
    )
    changed = changed.replace(
        'pull = "always"\n', 'pull = "always"\nlabels = { "org.example.day" = "another" }\n'
    )
    built.clone.commit_files({".envhooks/policy.toml": changed}, "Another day")
    built.clone.put("main")
    built.move_base("two:1")
    code, said = built.reproduce()
    assert code == 0 and f"{GOOD_TAG} is reproduced: sha256:" in said, said


def test_of_several_platforms_each_has_its_own_base(built: Built) -> None:
    """A base under one name is of one platform in an engine's storage: the other one would be built on it, too.

    The first release names its base by a digest, the second by a name alone.
    """
    digest = built.make_base("both:1", PLATFORMS)
    built.make_base("both:2", PLATFORMS)
    policy = (built.clone.path / ".envhooks/policy.toml").read_text()
    both = 'pull = "always"\nplatform = ["linux/amd64", "linux/arm64"]\n'
    # a registry's name is never given again, and another test has its own of these
    policy = policy.replace('pull = "always"\n', both).replace("/team/{framework", "/several/{framework")
    text = f"FROM {built.host}/team/both:1\nCOPY python /bin/\n"
    built.state(text.replace("both:1", f"both:1@{digest}"), policy)
    built.release(RC2)
    built.state(text, policy)
    built.release(STABLE)
    code, said = built.reproduce(STABLE)
    assert code == 0 and f"{STABLE} is reproduced: sha256:" in said, said
    built.move_base("both:2", "both:1")
    code, said = built.reproduce(RC2)
    assert code == 0 and f"{RC2} is reproduced: sha256:" in said, said
    code, said = built.reproduce(STABLE)
    assert code == 1 and "/team/both:1: the record does not say which image it was" in said, said


def test_another_image_is_told_with_what_differs(built: Built) -> None:
    """The record's base is lost; a base of other bytes under its digest cannot be, so the build itself is changed."""
    record = built.clone.envhooks("records", GOOD_TAG, "--format", "json").out
    assert "/team/base:1" in record
    # a RUN line that is not the same twice
    seed = 'RUN ["/bin/busybox", "sh", "-c", "head -c 8 /dev/urandom > /etc/seed"]\n'
    text = (built.clone.path / "Dockerfile").read_text() + seed
    built.state(text, (built.clone.path / ".envhooks/policy.toml").read_text())
    built.release(RC2)
    built.move_base("two:1")
    code, said = built.reproduce(RC2)
    assert code == 1, said
    assert "is another image" in said and "etc/seed (content" in said, said
    assert f"{built.host}/team/base:1 moved: it was sha256:" in said


def test_without_a_record_there_is_nothing_to_compare_with(built: Built) -> None:
    built.clone.git("update-ref", "-d", "refs/notes/envhooks")
    code, said = built.reproduce()
    assert code == 2 and "nothing to compare with" in said and "--legacy" in said
    code, said = built.reproduce(GOOD_TAG, "--legacy")
    assert code == 2 and "builds: sha256:" in said and "nothing was compared" in said, said


def test_the_commands_are_printed_and_nothing_is_run(built: Built) -> None:
    code, said = built.reproduce(GOOD_TAG, "--print")
    assert code == 0
    lines = said.splitlines()
    assert " pull " in lines[0] and "/team/base@sha256:" in lines[0]
    assert " tag " in lines[1] and lines[1].endswith("/team/base:1")
    assert any(" build " in line and "--pull=never" in line and "ENVHOOKS_TAG=" in line for line in lines)


def test_a_refused_tag_is_not_built(built: Built) -> None:
    built.clone.commit_files(
        {".envhooks/allowed_signers": "bob@example.org ssh-ed25519 AAAA\n"}, "Other signers"
    )
    built.clone.put("main")
    code, said = built.reproduce()
    assert code == 2 and "is reproduced" not in said
