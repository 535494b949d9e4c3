"""`envhooks gate` and `rollback`: one series of ten tags, the answer of each, and images followed by their records."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import (
    IMAGE_POLICY,
    key_of,
    lines,
    make_key,
    tag_record,
    verifier,
    write_lines,
    write_record,
)
from support import DOCKERFILE, GOOD_TAG, Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.files import FolderFiles
from envhooks.image.interpreter import read_environment
from envhooks.releases.compare import asks_otherwise
from envhooks.releases.manifests import image_uses

NAME = "registry.example.com/team/pytorch-cuda"
CPU_NAME = "registry.example.com/team/pytorch-cpu"
PRODUCTION = '[deploy.production]\nstages = ["stable", "post"]\n'
CUDA = {
    "2.5": ("2.5.1", "0.20.1", "cu124"),
    "2.6": ("2.6.0", "0.21.0", "cu126"),
    "2.7": ("2.7.0", "0.22.0", "cu128"),
}
CUDA |= {
    "2.8": ("2.8.0", "0.23.0", "cu128"),
    "2.9": ("2.9.0", "0.24.0", "cu128"),
    "2.10": ("2.10.0", "0.25.0", "cu128"),
}
# tag -> exit code of `gate --for production`, a part of its reason, what a rollback from it answers
SERIES = {
    "PyTorch-CUDA-v2.5": (0, "may run", None),
    "PyTorch-CUDA-v2.6": (1, "yanked: CVE-2026-1234", "PyTorch-CUDA-v2.5-post1"),
    "PyTorch-CUDA-v2.7-rc1": (1, "a rc release may not run", "PyTorch-CUDA-v2.5-post1"),
    "PyTorch-CUDA-v2.7": (2, "nothing says", "PyTorch-CUDA-v2.5-post1"),
    "PyTorch-CUDA-v2.5-post1": (0, "may run", "PyTorch-CUDA-v2.5"),
    "PyTorch-CUDA-v2.8-rc1": (1, "a rc release may not run", "PyTorch-CUDA-v2.5-post1"),
    "PyTorch-CUDA-v2.8": (0, "may run", "PyTorch-CUDA-v2.5-post1"),
    "PyTorch-CUDA-v2.9": (1, "today's policy refuses the tag", "PyTorch-CUDA-v2.8"),
    "PyTorch-CUDA-v2.10": (1, "is recorded as two images", "PyTorch-CUDA-v2.8"),
    "PyTorch-CPU-v2.8": (0, "may run", None),
}


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def dockerfile(line: str, version: str) -> str:
    if line == "CPU":
        return "FROM python:3.12-slim\nRUN pip install torch==2.8.0+cpu --index-url https://download.pytorch.org/whl/cpu\n"
    torch, vision, build = CUDA[version]
    image = {"cu124": "12.4.1", "cu126": "12.6.3", "cu128": "12.8.1"}[build]
    text = DOCKERFILE.replace(
        "torch==2.8.0+cu128 torchvision==0.23.0+cu128",
        f"torch=={torch}+{build} torchvision=={vision}+{build}",
    )
    return text.replace("12.8.1-devel-ubuntu24.04", f"{image}-devel-ubuntu22.04").replace(
        "whl/cu128", f"whl/{build}"
    )


def release(repo: Repo, tag: str, *, key: str = "id") -> None:
    """Commit what the tag says, push it, and tag it."""
    _, line, rest = tag.split("-", 2)
    version = rest.removeprefix("v")
    text = f"Release {tag}. For trying out; risky in production.\n\n"
    text += "### Known issues\n\nNone known yet.\n\n### Upgrading\n\nNothing is known."
    entry = f"# Changelog\n\n## PyTorch {line} {version} - 2026-10-01\n\n{text} No known issues; no upgrade notes.\n"
    repo.commit_files(
        {"Dockerfile": dockerfile(line, version.split("-")[0]), "CHANGELOG.md": entry}, f"Release {tag}"
    )
    home = Path(repo.environ["HOME"])
    repo.git("-c", f"user.signingkey={home}/{key}.pub", "tag", "-s", tag, "-m", f"Release {tag}")
    repo.git("push", "-q", "origin", "main")


OCTOBER = datetime(2026, 10, 20, 12, tzinfo=timezone.utc)


def record(repo: Repo, key: Path, tag: str, number: int, time: datetime = OCTOBER) -> None:
    name = CPU_NAME if "CPU" in tag else NAME
    short = tag.split("-v", 1)[1]
    write_record(
        repo,
        key,
        tag,
        time=time,
        name=name,
        references=(f"{name}:{short}",),
        digest=digest(number),
        platforms={"linux/amd64": digest(number + 500)},
    )


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]) -> Path:
    """The series, made once."""
    folder = tmp_path_factory.mktemp("series")
    shutil.copytree(template, folder / "repos", symlinks=True)
    repo = Repo(folder / "repos" / "clone", session_environ)
    key, public = make_key(folder, "ci")
    home = Path(session_environ["HOME"])
    own = repo.git("show", "HEAD:.envhooks/allowed_signers")
    other = (home / "stranger.pub").read_text().rsplit(" ", 1)[0]
    yanked = '[[yanked]]\ntag = "PyTorch-CUDA-v2.6"\nreason = "CVE-2026-1234"\n'
    both = f'{own}\nbob@example.org namespaces="git" {other}\n'
    policy = IMAGE_POLICY + PRODUCTION + verifier("ci", public) + yanked
    repo.commit_files({".envhooks/policy.toml": policy, ".envhooks/allowed_signers": both}, "Policy")
    repo.git("push", "-q", "origin", "main")
    for tag in SERIES:
        release(repo, tag, key="stranger" if tag == "PyTorch-CUDA-v2.9" else "id")
    # bob's key is revoked afterwards
    repo.commit_files(
        {".envhooks/allowed_signers": own + "\n", ".envhooks/revoked_keys": other + "\n"}, "Revoke"
    )
    repo.git("push", "-q", "origin", "main")
    for number, tag in enumerate(SERIES):
        if tag != "PyTorch-CUDA-v2.7":
            record(repo, key, tag, number)
    record(repo, key, "PyTorch-CUDA-v2.10", 99)
    return folder


@pytest.fixture
def series(made: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    shutil.copytree(made, tmp_path / "made", symlinks=True)
    return Repo(tmp_path / "made" / "repos" / "clone", environ)


def test_the_gate_answers_for_each_of_ten_tags(series: Repo) -> None:
    for tag, (code, why, _) in SERIES.items():
        done = series.envhooks("gate", tag, "--for", "production")
        assert (done.code, done.out.startswith(tag), why in done.out) == (code, True, True), (
            f"{tag}: {done.said}"
        )


def test_a_rollback_from_each_of_ten_tags(series: Repo) -> None:
    for tag, (_, _, back) in SERIES.items():
        done = series.envhooks("rollback", tag)
        assert done.code == (0 if back else 1), f"{tag}: {done.said}"
        first = done.out.splitlines()[0]
        assert first == back if back else first.startswith("there is no release"), f"{tag}: {done.said}"
    number = list(SERIES).index("PyTorch-CUDA-v2.8")
    assert f"  {NAME}@{digest(number)}" in series.envhooks("rollback", "PyTorch-CUDA-v2.10").out


def test_a_way_back_to_other_hardware_and_a_newer_driver_is_said(series: Repo) -> None:
    """One line may hold several versions of CUDA, and its nodes are those of the release that is left."""
    answered = series.envhooks("rollback", "PyTorch-CUDA-v2.8", check=True).out
    assert "\n  CUDA: 12.4.1, 12.4, and PyTorch-CUDA-v2.8 has 12.8.1, 12.8\n" in answered
    assert "needs NVIDIA driver" not in answered, "the older CUDA runs where the newer one does"
    older = series.envhooks("rollback", "PyTorch-CUDA-v2.10", "--format", "json", check=True)
    assert json.loads(older.out)["notes"] == [], "the same CUDA"
    done = series.envhooks("rollback", "PyTorch-CUDA-v2.8", "--patch", "kustomize", check=True)
    assert "12.4.1" in done.err and "12.4.1" not in done.out, "a patch is nothing but a patch"


def environment(folder: Path, text: str) -> Environment:
    (folder / "Dockerfile").write_text(text)
    return read_environment(FolderFiles(folder), "Dockerfile")


def test_needs_of_a_node_that_may_not_be_met(tmp_path: Path) -> None:
    new = environment(tmp_path, "FROM nvidia/cuda:13.0.1-runtime-ubuntu24.04\n")
    old = environment(tmp_path, "FROM nvidia/cuda:12.8.1-runtime-ubuntu24.04\n")
    bare = environment(tmp_path, "FROM python:3.12-slim\n")
    strange = environment(tmp_path, "FROM nvidia/cuda:99.1.0-runtime-ubuntu24.04\n")
    said = asks_otherwise(old, new, "v1")
    assert said[0] == "CUDA: 13.0.1, and v1 has 12.8.1"
    assert re.fullmatch(r"needs NVIDIA driver 580[.0-9]* or newer, and v1 needs 5[0-9.]+", said[1])
    assert asks_otherwise(new, old, "v1") == ("CUDA: 12.8.1, and v1 has 13.0.1",)
    assert asks_otherwise(bare, old, "v1")[1].endswith("or newer, and v1 names none")
    assert asks_otherwise(old, strange, "v1")[1] == "which NVIDIA driver it needs is not known"
    assert asks_otherwise(old, old, "v1") == ()


def test_a_way_back_that_the_environment_does_not_take(series: Repo) -> None:
    policy = (series.path / ".envhooks/policy.toml").read_text()
    series.commit_files({".envhooks/policy.toml": policy + '[deploy.trial]\nstages = ["rc"]\n'})
    series.git("push", "-q", "origin", "main")
    done = series.envhooks("rollback", "PyTorch-CUDA-v2.8", "--for", "trial")
    assert done.code == 2 and "[deploy.trial] takes rc alone" in done.err, done.said
    # what is written to a file of patches is a patch, or nothing
    done = series.envhooks("rollback", "PyTorch-CUDA-v2.5", "--patch", "kustomize")
    assert (done.code, done.out) == (1, "") and "no release to go back to" in done.err


def test_the_same_image_under_another_name_is_no_way_out(series: Repo, made: Path) -> None:
    """The image of a yanked release may not run as that of another, and it is no way back from itself."""
    tags = list(SERIES)
    yanked = tags.index("PyTorch-CUDA-v2.6")
    record(series, made / "ci.pem", "PyTorch-CUDA-v2.7", yanked)
    for what in ("PyTorch-CUDA-v2.7", f"{NAME}@{digest(yanked)}"):
        done = series.envhooks("gate", what, "--for", "production")
        assert done.code == 1 and "yanked: CVE-2026-1234" in done.out, done.said
    series.git("update-ref", "-d", "refs/notes/envhooks")
    for tag, number in (("PyTorch-CUDA-v2.5", 1), ("PyTorch-CUDA-v2.7", 2), ("PyTorch-CUDA-v2.8", 2)):
        record(series, made / "ci.pem", tag, number)
    done = series.envhooks("rollback", "PyTorch-CUDA-v2.8", check=True)
    assert done.out.startswith("PyTorch-CUDA-v2.5\n"), done.said
    assert "passed over PyTorch-CUDA-v2.7: it is the image of PyTorch-CUDA-v2.8" in done.out


def test_images_of_a_yanked_release_that_cannot_be_read_are_missing_for_every_image(series: Repo) -> None:
    """And not for the first alone, behind which the others would be taken for whole."""
    oid = series.git("rev-parse", "refs/tags/PyTorch-CUDA-v2.6")
    write_lines(series, oid, tuple(b"line %d" % number for number in range(1001)))
    tags = [list(SERIES).index(tag) for tag in ("PyTorch-CUDA-v2.5", "PyTorch-CUDA-v2.8")]
    done = series.envhooks("gate", *(f"{NAME}@{digest(tag)}" for tag in tags), "--for", "production")
    assert done.code == 2 and done.out.count("lines, and 1000 are read") == 2, done.said


def test_a_rollback_with_nothing_proved_is_two(series: Repo) -> None:
    series.git("update-ref", "-d", "refs/notes/envhooks")
    done = series.envhooks("rollback", "PyTorch-CUDA-v2.8")
    assert done.code == 2
    assert "passed over PyTorch-CUDA-v2.5" in done.out


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("kustomize", f'images:\n  - name: "{NAME}"\n    digest: "{digest(4)}"\n'),
        ("helm", f'  repository: "team/pytorch-cuda"\n  digest: "{digest(4)}"\n'),
        ("compose", f'    image: "{NAME}@{digest(4)}"\n'),
    ],
)
def test_one_line_to_change(series: Repo, tool: str, text: str) -> None:
    done = series.envhooks("rollback", "PyTorch-CUDA-v2.8", "--patch", tool, check=True)
    assert done.out.endswith(text)


def test_an_image_by_its_digest_is_followed_to_its_tag(series: Repo) -> None:
    tags = list(SERIES)
    stable, candidate = tags.index("PyTorch-CUDA-v2.8"), tags.index("PyTorch-CUDA-v2.8-rc1")
    for number in (stable, stable + 500):  # the index, and the manifest of one platform
        done = series.envhooks("gate", f"{NAME}@{digest(number)}", "--for", "production")
        assert done.code == 0, done.said
        assert "(PyTorch-CUDA-v2.8) may run in production" in done.out
    assert series.envhooks("gate", f"{NAME}@{digest(candidate)}", "--for", "production").code == 1
    done = series.envhooks(
        "gate", f"mirror.example.net/x@{digest(stable)}", "--for", "production", check=True
    )
    assert f"may run in production: a copy, as the record names {NAME}" in done.out, done.said
    done = series.envhooks("gate", digest(stable), "--for", "production", check=True)  # no registry is asked
    assert "copy" not in done.out, done.said
    assert series.envhooks("gate", digest(candidate), "--for", "production").code == 1
    done = series.envhooks("gate", f"{NAME}@{digest(12345)}", "--for", "production")
    assert done.code == 2 and "no record says" in done.out


def test_manifests_are_judged_image_by_image(series: Repo) -> None:
    tags = list(SERIES)
    stable, candidate = tags.index("PyTorch-CUDA-v2.8"), tags.index("PyTorch-CUDA-v2.8-rc1")
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: train}}
spec:
  template:
    spec:
      initContainers:
      - {{name: a, image: "{NAME}@{digest(stable)}"}}
      containers:
      - name: b
        image: {NAME}:2.8-rc1@{digest(candidate)}
---
apiVersion: v1
kind: List
items:
- apiVersion: batch/v1
  kind: CronJob
  metadata: {{name: nightly}}
  spec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{image: "{NAME}@{digest(12345)}"}}]}}}}}}}}}}
"""
    done = series.envhooks("gate", "-", "--for", "production", "--format", "json", stdin=text)
    assert done.code == 2  # 2 outranks 1
    answers = json.loads(done.out)["answers"]
    assert [(one["resource"], one["line"], one["outcome"]) for one in answers] == [
        ("Deployment/train", 8, "allowed"),
        ("Deployment/train", 11, "refused"),
        ("CronJob/nightly", 19, "unproved"),
    ]
    shown = series.envhooks("gate", "-", "--for", "production", stdin=text).out
    assert shown.startswith("line 11, Deployment/train: "), "what stops the deployment stands first"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "name no image"),
        ("kind: ConfigMap\napiVersion: v1\ndata: {x: y}\n", "name no image"),
        ("error: chart not found\nx: [", "cannot be read"),
        ("just words", "cannot be read"),
        ("a: &a [*b]\n", "cannot be read"),
        ("\xff", ""),
        ("a: " + "[" * 200 + "]" * 200, "levels"),
    ],
)
def test_manifests_that_cannot_be_judged_do_not_pass(series: Repo, text: str, why: str) -> None:
    done = series.envhooks("gate", "-", "--for", "production", stdin=text)
    assert done.code == 2, done.said
    assert why in done.said and "Traceback" not in done.said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "services: {a: {image: o/x:1}, b: {extends: {file: common.yml, service: c}}}",
            "the service b names no",
        ),
        ("services: {a: {image: o/x:1}, b: {build: .}}", "the service b names no image"),
        ("include: [more.yml]\nservices: {a: {image: o/x:1}}", "includes others"),
    ],
)
def test_a_compose_file_that_is_not_rendered_is_not_judged_by_half(text: str, why: str) -> None:
    with pytest.raises(CannotJudge, match=why) as caught:
        image_uses(text.encode())
    assert "`docker compose config`" in caught.value.fix


def test_no_bomb_and_no_hidden_image() -> None:
    bomb = "a: &a [image, image]\n" + "".join(
        f"{c}: &{c} [*{b}, *{b}]\n" for b, c in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
    )
    with pytest.raises(CannotJudge):
        image_uses(bomb.encode())
    text = (
        '{"kind": "X", "apiVersion": "v1", "deep": [{"er": {"image": "one"}}, {"image": {"image": "two"}}]}'
    )
    assert [use.reference for use in image_uses(text.encode())] == ["one", "two"]
    # an anchor stands for what it names, so that an image is not hidden behind an alias
    assert [use.reference for use in image_uses(b"x: &x {image: one}\ny: {z: *x}\n")] == ["one", "one"]


GOOD = f"{NAME}@{digest(6)}"


@pytest.mark.parametrize(
    ("text", "images"),
    [
        # an image volume, which Kubernetes mounts: its key `image` is a mapping
        ("volumes: [{name: w, image: {reference: ghcr.io/o/weights:1}}]", ["ghcr.io/o/weights:1"]),
        ("values: {image: {registry: ghcr.io, repository: o/x, tag: '1'}}", ["ghcr.io/o/x:1"]),
        (f"values: {{image: {{repository: {NAME}, digest: '{digest(6)}'}}}}", [GOOD]),
        (f"values: {{image: {{repository: {NAME}, tag: '{digest(6)}'}}}}", [GOOD]),
        ("spec: {sidecarImage: ghcr.io/o/side, init-image: busybox, image: a}", ["ghcr.io/o/side", "busybox", "a"]),
        ("driver: {repository: nvcr.io/nvidia, image: driver, version: 550.1}", ["nvcr.io/nvidia/driver:550.1"]),
        ("spec: {image: ghcr.io/o/x, tag: v2}", ["ghcr.io/o/x:v2"]),
        ("spec: {imageName: ghcr.io/o/postgres:17}", ["ghcr.io/o/postgres:17"]),
        ("Image: x:1", ["x:1"]),
        # values of charts
        ("sidecar: {registry: ghcr.io, repository: o/x, tag: v1, pullPolicy: Always}", ["ghcr.io/o/x:v1"]),
        (f"sub: {{main: {{repository: {NAME}, digest: '{digest(6)}'}}}}", [GOOD]),
        ("image: {repository: o/x, tag: ''}\nsub: {image: {repository: o/y, tag: 1}}", ["o/x", "o/y:1"]),
        # a compose file whose every service says its image; a variable is no reference, and is not proved
        ("services: {a: {image: o/x:1}, b: {image: 'o/y:${TAG}'}}", ["o/x:1", "o/y:${TAG}"]),
        ("env: [{name: RELATED_IMAGE_X, value: 'ghcr.io/o/x:1'}]", ["ghcr.io/o/x:1"]),
        ("args: ['--side-image=ghcr.io/o/x:1', --other-image, busybox]", ["ghcr.io/o/x:1", "busybox"]),
        (f"anything: {{else: ['{GOOD}']}}", [GOOD]),
        (f"status: {{imageID: 'docker-pullable://{GOOD}'}}", [GOOD]),
        ("images: [{name: a, newName: ghcr.io/o/a, newTag: '2'}, {name: b}]", ["ghcr.io/o/a:2"]),
        ("kustomize: {images: ['a=ghcr.io/o/a:2', 'ghcr.io/o/b:3']}", ["ghcr.io/o/a:2", "ghcr.io/o/b:3"]),
        ("x: &x {image: one}\ny: {<<: *x, name: z}", ["one", "one"]),
        ("%YAML 1.2\n---\nimage: one\n...\n---\nimage: two\n", ["one", "two"]),
        # a tag that stands beside its image: the image alone would be judged as it is `latest`
        ("spec: {baseImage: ghcr.io/o/x, tag: 2.8-rc1}", ["ghcr.io/o/x:2.8-rc1"]),
        ("spec: {image: ghcr.io/o/x, imageTag: 2.8-rc1}", ["ghcr.io/o/x:2.8-rc1"]),
        ("spec: {sideImage: ghcr.io/o/x, sideImageTag: v1}", ["ghcr.io/o/x:v1"]),
        ("spec: {imageRepository: ghcr.io/o/x, imageTag: v1}", ["ghcr.io/o/x:v1"]),
        ("spec: {image.repository: o/x, image.tag: v1}", ["o/x:v1"]),
        ("spec: {image: {repository: ghcr.io/o/x}, tag: v1}", ["ghcr.io/o/x:v1"]),
        ("spec: {image: ghcr.io/o/x, version: v1}", ["ghcr.io/o/x:v1", "ghcr.io/o/x"]),  # of either, nobody can tell
        (f"spec: {{image: '{NAME}:1', digest: '{digest(6)}'}}", [f"{NAME}:1@{digest(6)}"]),
        (f"spec: {{image: {NAME}, sha: {digest(6)[7:]}}}", [GOOD]),
        # several below one key, and other words for a part
        ("spec: {images: {a: 'ghcr.io/o/x:1', b: {repository: busybox, tag: v1}}}", ["ghcr.io/o/x:1", "busybox:v1"]),
        ("spec: {initImages: ['o/x:1'], image: ['o/y:1']}", ["o/x:1", "o/y:1"]),
        ("spec: {image: {url: 'ghcr.io/o/x:1'}, b: {image: {ref: 'o/y:1'}}}", ["ghcr.io/o/x:1", "o/y:1"]),
        ("sidecar: {repository: busybox, tag: v1}", ["busybox:v1"]),
        # a text of any form
        ("args: ['--sideImage=o/x:1', '--side_image=o/y:1']", ["o/x:1", "o/y:1"]),
        ("args: ['--reloader=ghcr.io/o/x:1', 'serve --image=ghcr.io/o/y:1 --now']", ["ghcr.io/o/x:1", "ghcr.io/o/y:1"]),
        ("env: [{name: SIDE, value: 'ghcr.io/o/x:1,localhost:5000/y:1'}]", ["ghcr.io/o/x:1", "localhost:5000/y:1"]),
        ("env: [{name: TRAIN_IMAGE_URI, value: 'o/x:1'}]", ["o/x:1"]),
        ("services: {a: {image: o/x:1, volumes: [{source: 'ghcr.io/o/m:1'}]}}", ["o/x:1", "ghcr.io/o/m:1"]),
        (f"kind: ConfigMap\ndata: {{pod.yaml: \"image: '{GOOD}'\\n\", run: 'exec docker run ghcr.io/o/x:1 --'}}",
         [GOOD, "ghcr.io/o/x:1"]),
        # only a definition of resources is prose
        ("kind: DaemonSet\napiVersion: apiextensions.k8s.io/v1\nitems: [{image: one}]", ["one"]),
        # a schema of a custom resource that holds a pod has some forty levels
        ("a: " + "{a: " * 45 + "{image: one}" + "}" * 45, ["one"]),
    ],
)  # fmt: skip
def test_an_image_counts_wherever_a_resource_names_it(text: str, images: list[str]) -> None:
    assert [use.reference for use in image_uses(text.encode())] == images


@pytest.mark.parametrize(
    "text",
    [
        "spec: {disableImage: 'true', hasImage: 'no', imagePullPolicy: Always, imagePullSecrets: [{name: a}]}",
        "env: [{name: IMAGE_SIZE, value: '224'}, {name: INPUT_IMAGE, value: /data/cat.jpg}]",
        "properties: {image: {type: string, description: The image of it}, tag: {type: string}}",
        "status: {nodeInfo: {osImage: Ubuntu 24.04.1 LTS}, imageID: 'sha256:" + "0" * 64 + "'}",
        "args: [--image, --verbose, --image-size, '224']",
        "source: {repository: 'https://git.example.com/o/x', tag: v1}\nother: {repository: o/x, branch: main}",
        "image: {id: ami-1}\nhasImages: 'true'\nimages: [a]\nimageRepository: registry.example",
        "a: 'https://example.com/x:1 mail@example.com/x:1, /etc/a.conf:/b config.d/x:ro data.example/x:ro'",
        "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nspec: {description: 'so: ghcr.io/o/x:1'}",
    ],
)
def test_what_names_no_image_is_none(text: str) -> None:
    with pytest.raises(CannotJudge, match="name no image"):
        image_uses(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nimages: [{name: a, newTag: v1}]",
        "resources: [../base]\nimages: [{name: a, newName: o/a, newTag: v1}]",
        "image: one\n---\ncomponents: [x]\n",
    ],
)
def test_a_kustomization_that_is_not_rendered_is_not_judged_by_half(text: str) -> None:
    with pytest.raises(CannotJudge, match="takes in other files") as caught:
        image_uses(text.encode())
    assert "`kustomize build .`" in caught.value.fix


@pytest.mark.parametrize(
    "kind",
    [
        "HelmRelease\napiVersion: helm.toolkit.fluxcd.io/v2",
        "Kustomization\napiVersion: kustomize.toolkit.fluxcd.io/v1",
        "HelmChart\napiVersion: helm.cattle.io/v1",
        "Application\napiVersion: argoproj.io/v1alpha1",
        "ApplicationSet\napiVersion: argoproj.io/v1alpha1",
    ],
)
def test_what_a_controller_deploys_is_not_proved_by_what_stands_beside_it(series: Repo, kind: str) -> None:
    good = f"{NAME}@{digest(list(SERIES).index('PyTorch-CUDA-v2.8'))}"
    text = (
        f"kind: Pod\nspec: {{containers: [{{image: '{good}'}}]}}\n---\nkind: {kind}\nmetadata: {{name: x}}\n"
    )
    done = series.envhooks("gate", "-", "--for", "production", "--format", "json", stdin=text)
    answers = json.loads(done.out)["answers"]
    assert done.code == 2 and [one["outcome"] for one in answers] == ["allowed", "unproved"]
    assert answers[1]["line"] == 4 and "whose images are not here" in answers[1]["why"]


def test_a_tag_that_is_a_number_to_yaml_is_no_tag() -> None:
    """Helm and operators take `2.10` for 2.1, so that another image would run than the one that is judged."""
    for text in (
        "image: {repository: o/x, tag: 2.10}",
        "image: o/x\nimageTag: 1e3",
        "a: {image: o/x, tag: 0x10}",
    ):
        with pytest.raises(CannotJudge, match="put it in quotes"):
            image_uses(text.encode())
    assert [use.reference for use in image_uses(b"image: {repository: o/x, tag: '2.10'}")] == ["o/x:2.10"]
    assert [use.reference for use in image_uses(b"image: {repository: o/x, tag: 2.8}")] == ["o/x:2.8"]


def test_aliases_of_aliases_end() -> None:
    """Fifty lines that stand for 2**50 values, none of which is an image, and a chain as deep as aliases go."""
    twice = "a0: &a0 [x, y]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(49))
    deep = "a0: &a0 x\n"
    deep += "".join(f"a{n + 1}: &a{n + 1} {'[' * 90}*a{n}{']' * 90}\n" for n in range(90))
    for bomb in (twice, deep):
        with pytest.raises(CannotJudge, match="aliases stand for too much"):
            image_uses((bomb + "image: one\n").encode())


def test_an_image_that_is_left_alone(series: Repo) -> None:
    policy = (series.path / ".envhooks/policy.toml").read_text()
    policy = policy.replace('"post"]\n', '"post"]\nignore = ["docker.io/library/*"]\n')
    series.commit_files({".envhooks/policy.toml": policy})
    series.git("push", "-q", "origin", "main")
    done = series.envhooks("gate", f"nginx@{digest(7777)}", "--for", "production", check=True)
    assert "left alone" in done.out
    assert series.envhooks("gate", f"quay.io/x/nginx@{digest(7777)}", "--for", "production").code == 2
    # nobody asks its registry, which may not be reached from here
    text = f"kind: Pod\nspec: {{containers: [{{image: nginx}}, {{image: '{GOOD}'}}]}}\n"
    done = series.envhooks("gate", "-", "--for", "production", stdin=text, check=True)
    assert "nginx left alone" in done.out
    # the mapping of an operator is put together before it is compared
    text = "kind: ClusterPolicy\nspec: {driver: {repository: localhost:1/x, image: driver, version: '1'}}\n"
    assert series.envhooks("gate", "-", "--for", "production", stdin=text).code == 2


def test_an_environment_that_the_policy_does_not_name(series: Repo) -> None:
    done = series.envhooks("gate", "PyTorch-CUDA-v2.8", "--for", "prod")
    assert done.code == 2
    assert "no [deploy.prod]; known: production" in done.err


def test_a_policy_without_environments_gets_one_by_the_fix(guarded: Repo) -> None:
    guarded.git("tag", "-s", "-m", "A release", GOOD_TAG)
    question = ("gate", GOOD_TAG, "--for", "production")
    done = guarded.envhooks(*question)
    assert done.code == 2 and "names no environment at all" in done.err
    hostile = guarded.envhooks("gate", GOOD_TAG, "--for", "x'; touch y; '")
    assert hostile.code == 2 and "touch y" not in hostile.err.split("fix:")[-1]
    fix = done.err.split("fix: ")[1].strip()
    run(["sh", "-c", fix], guarded.path, guarded.environ, check=True)
    guarded.git("commit", "-qam", "State an environment")
    guarded.git("push", "-q", "origin", "main")
    answer = guarded.envhooks(*question)
    assert answer.code == 1 and "a rc release may not run" in answer.said


@pytest.mark.parametrize(
    ("rule", "code", "why"),
    [
        ('lines = ["PyTorch-CPU"]', 1, "its line PyTorch-CUDA may not run"),
        ('lines = ["PyTorch-*"]', 0, ""),
        ('checks = ["on-main", "tag-signed"]', 0, ""),
        ('checks = ["tag-order"]', 2, "tag-order has not passed"),
        ('tag-signers = ["carol@example.org"]', 1, "signed by alice@example.org"),
        ('tag-signers = ["alice@example.org"]', 0, ""),
        ('record-signers = ["other"]', 2, "recorded by ci"),
        ('record-signers = ["ci"]', 0, ""),
        ('min-age = "9999d"', 1, "too young"),
        ('min-age = "1m"', 0, ""),
    ],
)
def test_each_rule_of_an_environment(series: Repo, made: Path, rule: str, code: int, why: str) -> None:
    policy = (series.path / ".envhooks/policy.toml").read_text()
    series.commit_files({".envhooks/policy.toml": policy.replace(PRODUCTION, PRODUCTION + rule + "\n")})
    series.git("push", "-q", "origin", "main")
    done = series.envhooks("gate", "PyTorch-CUDA-v2.5", "--for", "production")
    assert (done.code, why in done.out) == (code, True), done.said


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ('min-age = "a week"', "no length of time"),
        ('min-age = "0d"', "no length of time"),
        ('checks = ["tag-singed"]', "tag-singed"),
        ('stage = ["stable"]', "no key"),
        ("lines = []", "empty list"),
    ],
)
def test_a_rule_that_is_misspelt_is_refused(series: Repo, rule: str, why: str) -> None:
    policy = (series.path / ".envhooks/policy.toml").read_text()
    series.commit_files({".envhooks/policy.toml": policy.replace(PRODUCTION, PRODUCTION + rule + "\n")})
    series.git("push", "-q", "--no-verify", "origin", "main")
    done = series.envhooks("gate", "PyTorch-CUDA-v2.5", "--for", "production")
    assert done.code == 2 and why in done.err, done.said


def test_without_images_the_tag_alone_is_judged(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": PRODUCTION})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", "PyTorch-CUDA-v2.8", "-m", "Stable", "HEAD")
    done = good.envhooks("gate", "PyTorch-CUDA-v2.8", "--for", "production")
    assert done.code == 0, done.said
    assert "judged by its tag alone" in done.out
    assert good.envhooks("rollback", "PyTorch-CUDA-v2.8").code == 1


def test_without_images_the_age_is_that_of_a_record_or_said_to_be_the_tags_own(
    good: Repo, tmp_path: Path
) -> None:
    file, public = make_key(tmp_path, "ci")
    rule = PRODUCTION + 'min-age = "7d"\n'
    good.commit_files({".envhooks/policy.toml": rule + verifier("ci", public)})
    good.git("push", "-q", "origin", "main")
    long_ago = {"GIT_COMMITTER_DATE": "2026-01-05T12:00:00Z"}
    stable = "PyTorch-CUDA-v2.8"
    Repo(good.path, {**good.environ, **long_ago}).git("tag", "-s", stable, "-m", "Stable", "HEAD")
    done = good.envhooks("gate", stable, "--for", "production")
    assert done.code == 0 and "its age is by the tag's own date" in done.out, done.said
    new = datetime.now(timezone.utc).replace(microsecond=0)
    passed = tag_record(good, stable, time=new)
    write_lines(good, passed.object, lines(key_of(good, file), passed, None))
    done = good.envhooks("gate", stable, "--for", "production")
    assert done.code == 1 and f"recorded {new.date()}, too young" in done.out, done.said
    earlier = tag_record(good, stable, time=new - timedelta(days=8))
    write_lines(good, earlier.object, lines(key_of(good, file), earlier, None))
    done = good.envhooks("gate", stable, "--for", "production", check=True)
    assert "own date" not in done.out


def test_the_age_is_that_of_the_first_record(series: Repo, made: Path) -> None:
    """Recording an image again does not make it young: a second record later is the same image."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    policy = (series.path / ".envhooks/policy.toml").read_text()
    series.commit_files(
        {".envhooks/policy.toml": policy.replace(PRODUCTION, PRODUCTION + 'min-age = "1d"\n')}
    )
    series.git("push", "-q", "origin", "main")
    record(series, made / "ci.pem", "PyTorch-CUDA-v2.7", 3, time=now - timedelta(hours=2))
    assert series.envhooks("gate", "PyTorch-CUDA-v2.7", "--for", "production").code == 1
    record(series, made / "ci.pem", "PyTorch-CUDA-v2.7", 3, time=now - timedelta(days=2))
    assert series.envhooks("gate", "PyTorch-CUDA-v2.7", "--for", "production").code == 0


@pytest.mark.parametrize(
    ("data", "limit", "why"),
    [
        (b"image: a/b\n", ("MAX_BYTES", 5), "the manifests are over 0 MiB"),
        (b"image: \xff\n", None, "the manifests are not UTF-8"),
        (b"---\nimage: a/b\n---\nimage: a/b\n---\n{}\n", ("MAX_DOCUMENTS", 2), "more than 2 documents"),
        (b"- image: a/b\n- image: a/c\n", ("MAX_IMAGES", 1), "the manifests name more than 1 images"),
        (b"just text\n", None, "a text stands where a resource should"),
        (b"a: [\n", None, "the manifests cannot be read"),
        (b"- a\n- b\n", None, "the manifests name no image"),
    ],
)
def test_manifests_that_are_not_read(
    monkeypatch: pytest.MonkeyPatch, data: bytes, limit: tuple[str, int] | None, why: str
) -> None:
    if limit is not None:
        monkeypatch.setattr(f"envhooks.releases.manifests.{limit[0]}", limit[1])
    with pytest.raises(CannotJudge, match=why):
        image_uses(data)
