"""What is inside of an image, read from its layers, and what that is worth to a tag."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from builder_parts import missing, need, registry, storage
from image_parts import ENV, PYTHON, SITE, Entry, Layout, dist, docker_archive, layer, torch
from support import run

from envhooks.cli import run as envhooks

TAG = "PyTorch-CUDA-v2.8"
VENV = "opt/venv/lib/python3.11/site-packages"


PLUGIN = (dist(SITE, "jax-cuda12-plugin", "0.7.1"),)


def verify(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = envhooks(["verify", *words])
    out = capsys.readouterr()
    return code, out.out + out.err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any repository."""
    monkeypatch.chdir(tmp_path)


def one(folder: Path, *layers: bytes, **more: object) -> str:
    made = Layout(folder / "image")
    return made.publish(made.image(*layers, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["gzip", "members", "zstd", "plain"])
@pytest.mark.parametrize("docker", [False, True])
def test_an_image_that_is_what_its_tag_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str, docker: bool
) -> None:
    image = one(tmp_path, layer(*PYTHON), layer(*torch(SITE)), how=how, docker=docker)
    code, said = verify(capsys, image, TAG)
    assert code == 0
    assert "agrees with PyTorch-CUDA-v2.8" in said
    assert "Python 3.11.9, torch 2.8.0+cu128, built for CUDA 12.8" in said


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("PyTorch-CUDA-v2.7", "the image has torch 2.8.0+cu128, and the tag says 2.7.x"),
        ("PyTorch-CUDA12.4-v2.8", "the tag says CUDA 12.4"),
        ("PyTorch-ROCm-v2.8", "the tag says ROCm"),
        ("PyTorch-CPU-v2.8", "the tag says CPU"),
        ("TensorFlow-CUDA-v2.8", "the image has no tensorflow"),
    ],
)
def test_an_image_that_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tag: str, words: str
) -> None:
    code, said = verify(capsys, one(tmp_path, layer(*PYTHON, *torch(SITE))), tag)
    assert code == 1
    assert f"contradicts {tag}" in said and words in said


def test_what_an_upper_layer_removes_is_not_inside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lower = layer(*PYTHON, *torch(SITE, "2.7.1+cu126", "12.6"))
    gone = f"{SITE}/.wh.torch-2.7.1+cu126.dist-info"
    image = one(tmp_path, lower, layer((gone, b""), *torch(SITE)))
    assert verify(capsys, image, TAG)[0] == 0
    opaque = layer((f"{SITE}/.wh..wh..opq", b""), dist(SITE, "numpy", "2.1.0"))
    code, said = verify(capsys, one(tmp_path / "b", lower, opaque), "PyTorch-CUDA-v2.7.1")
    assert code == 1 and "the image has no torch" in said


def venv(site_packages: str = "false") -> tuple[tuple[str, bytes | str], ...]:
    cfg = f"home = /usr/local/bin\ninclude-system-site-packages = {site_packages}\nversion = 3.11.9\n"
    return (("opt/venv/pyvenv.cfg", cfg.encode()), ("opt/venv/bin/python", "/usr/local/bin/python3"))


def test_the_virtual_environment_on_path_counts_and_not_the_system(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = torch(SITE, "2.6.0+cpu", None)
    path = ("PATH=/opt/venv/bin:/usr/local/bin",)
    image = one(tmp_path, layer(*PYTHON, *old, *venv(), *torch(VENV)), env=path)
    code, said = verify(capsys, image, TAG)
    assert code == 0 and "/opt/venv: Python 3.11.9, torch 2.8.0+cu128" in said
    # not on PATH: then `python` is the system's
    assert verify(capsys, one(tmp_path / "b", layer(*PYTHON, *old, *venv(), *torch(VENV))), TAG)[0] == 1
    assert verify(capsys, f"oci:{tmp_path}/b/image", TAG, "--python", "/opt/venv/bin/python")[0] == 0
    # with the system's packages below its own
    image = one(tmp_path / "c", layer(*PYTHON, *venv("true"), *torch(SITE)), env=path)
    assert verify(capsys, image, TAG)[0] == 0
    image = one(tmp_path / "d", layer(*PYTHON, *venv(), *torch(SITE)), env=path)
    code, said = verify(capsys, image, TAG)
    assert code == 0 and "which `python` on the image's PATH is not" in said


def test_conda_with_and_without_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conda = (
        ("opt/conda/bin/python3.12", b""),
        ("opt/conda/bin/python", "python3.12"),
        ("opt/conda/conda-meta/python-3.12.7-hc5c86c4_0_cpython.json", b"{}"),
    )
    build = "opt/conda/conda-meta/pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0.json"
    site = "opt/conda/lib/python3.12/site-packages"
    env = ("PATH=/opt/conda/bin:/usr/bin",)
    image = one(tmp_path, layer(*conda, (build, b"{}"), *torch(site, "2.5.1", "12.4")), env=env)
    code, said = verify(capsys, image, "PyTorch-CUDA12.4-v2.5.1")
    assert code == 0 and "/opt/conda: Python 3.12.7, torch 2.5.1" in said
    image = one(tmp_path / "b", layer(*conda, (build, b"{}")), env=env)
    assert verify(capsys, image, "PyTorch-CUDA12.4-v2.4")[0] == 1
    code, said = verify(capsys, image, "PyTorch-CUDA12.4-v2.5.1")
    assert code == 0, said
    assert verify(capsys, image, "PyTorch-CUDA11.8-v2.5.1")[0] == 1


def test_debian_tensorflow_jax_and_toolkits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    debian = (
        ("usr/bin/python3.11", b""),
        ("usr/bin/python3", "python3.11"),
        ("etc/os-release", b'PRETTY_NAME="Debian"\n'),
    )
    site = "usr/local/lib/python3.11/dist-packages"
    pairs = b"[('cuda_version', '12.5.1'), ('is_cuda_build', True)]"
    info = b"import collections\nbuild_info = collections.OrderedDict(" + pairs + b")\n"
    tensorflow = (
        dist(site, "tensorflow", "2.19.0"),
        (f"{site}/tensorflow/python/platform/build_info.py", info),
    )
    image = one(tmp_path, layer(*debian, *tensorflow))
    assert verify(capsys, image, "TensorFlow-CUDA12.5-v2.19")[0] == 0
    assert verify(capsys, image, "TensorFlow-CUDA12.8-v2.19")[0] == 1
    jax = (dist(site, "jax", "0.7.1"), dist(site, "jax-cuda12-plugin", "0.7.1"))
    image = one(tmp_path / "b", layer(*debian, *jax))
    assert verify(capsys, image, "JAX-CUDA12-v0.7.1")[0] == 0
    assert verify(capsys, image, "JAX-TPU-v0.7.1")[0] == 1
    # a framework that does not say: the toolkit does, and without one nobody can tell
    status = b"Package: cuda-cudart-12-8\nStatus: install ok installed\nVersion: 12.8.90-1\n\n"
    status += b"Package: cuda-cudart-11-8\nStatus: deinstall ok config-files\n"
    keras = layer(*debian, dist(site, "keras", "3.5.0"))
    image = one(tmp_path / "c", keras, layer(("var/lib/dpkg/status", status)))
    code, said = verify(capsys, image, "Keras-CUDA12.8-v3.5")
    assert code == 0 and "CUDA by the toolkit alone: 12.8, by dpkg" in said
    code, said = verify(capsys, image, "Keras-CUDA11.8-v3.5")
    assert code == 2 and "nothing in the image tells whether it is built for CUDA" in said
    assert verify(capsys, one(tmp_path / "d", keras), "Keras-CUDA-v3.5")[0] == 2


@pytest.mark.parametrize(
    ("database", "kind"),
    [
        ("var/lib/rpm/rpmdb.sqlite", "RPM"),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", "RPM"),
        ("var/lib/rpm/Packages", "RPM"),
        ("lib/apk/db/installed", "apk"),
    ],
)
def test_a_database_that_is_not_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], database: str, kind: str
) -> None:
    system = (("usr/bin/python3.12", b""), ("usr/bin/python3", "python3.12"), (database, b"\0" * 100))
    site = "usr/lib64/python3.12/site-packages"
    words = f"the database of {kind} packages is not read (/{database})"
    image = one(tmp_path, layer(*system, *torch(site)))
    code, said = verify(capsys, image, TAG)
    assert code == 0 and f"  not read: {words}" in said
    found = json.loads(verify(capsys, image, TAG, "--format", "json")[1])["images"][0]
    assert found["not_read"] == [f"{words}; what Python has is told by its own files"]
    # where nothing else tells the hardware, the database might
    code, said = verify(
        capsys, one(tmp_path / "b", layer(*system, dist(site, "keras", "3.5.0"))), "Keras-CUDA-v3.5"
    )
    assert code == 2 and f"is built for CUDA; {words}" in said
    # and a contradiction stays one: every distribution of Python has files of its own
    assert verify(capsys, one(tmp_path / "c", layer(*system)), TAG)[0] == 1


def test_where_pip_installs_on_fedora_counts_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = (("usr/bin/python3.12", b""), ("usr/bin/python3", "python3.12"))
    packages = (*torch("usr/lib64/python3.12/site-packages", "2.7.0"),)
    by_pip = torch("usr/local/lib64/python3.12/site-packages")
    rpm = ("usr/lib/sysimage/rpm/rpmdb.sqlite", b"")
    assert verify(capsys, one(tmp_path, layer(*system, rpm, *packages, *by_pip)), TAG)[0] == 0
    # Debian's interpreter has no such folder
    assert verify(capsys, one(tmp_path / "b", layer(*system, *packages, *by_pip)), TAG)[0] == 1


def test_an_index_is_judged_platform_by_platform(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Layout(tmp_path / "image")
    good = made.image(layer(*PYTHON, *torch(SITE)))
    bad = made.image(layer(*PYTHON, *torch(SITE, "2.8.0+cpu", None)), platform="linux/arm64")
    extra = {**made.blob(b"{}", "application/vnd.oci.image.manifest.v1+json"),
             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}  # fmt: skip
    image = made.publish(made.index(good, bad, extra), "2.8")
    code, said = verify(capsys, image, TAG)
    assert code == 1
    assert "(linux/amd64): agrees" in said and "(linux/arm64): contradicts" in said
    assert verify(capsys, image, TAG, "--platform", "linux/amd64")[0] == 0
    code, said = verify(capsys, image, TAG, "--platform", "linux/s390x")
    assert code == 2 and "linux/amd64, linux/arm64" in said
    wrong = {**good, "platform": {"os": "linux", "architecture": "arm64"}}
    code, said = verify(capsys, made.publish(made.index(wrong), "lie"), TAG)
    assert code == 2 and "its configuration says linux/amd64" in said


def test_docker_archives_old_and_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import gzip

    layers = (layer(*PYTHON), layer(*torch(SITE)), layer(*PYTHON))
    image = docker_archive(tmp_path / "a.tar", *layers)
    assert verify(capsys, image, TAG)[0] == 0
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    assert verify(capsys, f"docker-archive:{tmp_path}/b.tar.gz", TAG)[0] == 0
    assert verify(capsys, f"{image}:team/image:2.8", TAG)[0] == 0
    code, said = verify(capsys, f"{image}:team/image:2.9", TAG)
    assert code == 2 and "team/image:2.8" in said
    data = (tmp_path / "a.tar").read_bytes().replace(b"= '12.8'", b"= '12.4'")
    (tmp_path / "c.tar").write_bytes(data)
    code, said = verify(capsys, f"docker-archive:{tmp_path}/c.tar", TAG)
    assert code == 2 and "the bytes are not those of" in said


def test_what_cannot_be_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = one(tmp_path, layer(*PYTHON), layer(*torch(SITE)), how="zstd")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    code, said = verify(capsys, image, TAG)
    assert code == 2 and "packed with zstd" in said and "pip install 'envhooks[zstd]'" in said
    blobs = sorted((tmp_path / "image/blobs/sha256").iterdir(), key=lambda file: file.stat().st_size)
    blobs[0].unlink()
    assert verify(capsys, image, TAG)[0] == 2
    for words, expected in (
        ((f"oci:{tmp_path}/nowhere", TAG), "no such file"),
        ((f"oci:{tmp_path}", TAG), "no OCI layout"),
        (("oci:", TAG), "names no file"),
        ((f"docker-archive:{tmp_path}/image/index.json", TAG), "in a way that is not known"),
        ((image, "v2.8"), "no release tag"),
    ):
        code, said = verify(capsys, *words)
        assert code == 2 and expected in said, said
        assert "Traceback" not in said


def test_the_label_tells_the_tag_where_none_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = {"org.opencontainers.image.ref.name": "PyTorch-CUDA-v2.7", "envhooks.tag-object": "a" * 40}
    image = one(tmp_path, layer(*PYTHON, *torch(SITE)), Labels=labels)
    code, said = verify(capsys, image)
    assert code == 1 and "which anybody can write" in said
    code, said = verify(capsys, image, TAG)
    assert code == 1 and "its label says that it was built from PyTorch-CUDA-v2.7" in said
    # Ubuntu's images carry such a label of their own, and what is built on them inherits it
    image = one(
        tmp_path / "b", layer(*PYTHON, *torch(SITE)), Labels={"org.opencontainers.image.ref.name": "ubuntu"}
    )
    assert verify(capsys, image, TAG)[0] == 0
    code, said = verify(capsys, image)
    assert code == 0 and "nothing was compared" in said


def test_several_images_in_a_layout_want_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Layout(tmp_path / "image")
    made.publish(made.image(layer(*PYTHON, *torch(SITE))), "2.8")
    made.publish(made.image(layer(*PYTHON)), "2.7")
    code, said = verify(capsys, f"oci:{tmp_path}/image", TAG)
    assert code == 2 and "2 images in it: 2.8, 2.7" in said
    assert verify(capsys, f"oci:{tmp_path}/image:2.8", TAG)[0] == 0


def test_what_lies_where_nobody_looks_is_neither_there_nor_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = verify(capsys, one(tmp_path, layer(*PYTHON, *torch("app/deps"))), TAG)
    assert code == 2 and "torch 2.8.0+cu128 lies in /app/deps" in said
    image = one(tmp_path / "b", layer(*PYTHON, *torch("app/deps")), env=(*ENV, "PYTHONPATH=/app/deps"))
    assert verify(capsys, image, TAG)[0] == 0
    cache = "root/.cache/uv/archive-v0/x"
    assert verify(capsys, one(tmp_path / "c", layer(*PYTHON, *torch(cache))), TAG)[0] == 1
    pth = layer(*PYTHON, *torch("app/deps"), (f"{SITE}/own.pth", b"# x\nimport os\n/app/deps\n"))
    assert verify(capsys, one(tmp_path / "d", pth), TAG)[0] == 0
    linked = layer(*PYTHON, (f"{SITE}/torch.egg-link", b"/src/pytorch\n"))
    assert verify(capsys, one(tmp_path / "e", linked), TAG)[0] == 2


def test_hostile_text_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "2.8.0+\x1b[31mred\nagrees"
    entries = (f"{SITE}/torch-2.8.0.dist-info/METADATA", f"Name: torch\nVersion: {bad}\n".encode())
    labels = {"org.opencontainers.image.ref.name": "\x1b]0;x\x07"}
    code, said = verify(capsys, one(tmp_path, layer(*PYTHON, entries), Labels=labels), TAG)
    assert "\x1b" not in said and code in (0, 2)
    code, said = verify(capsys, f"oci:{tmp_path}/image", TAG, "--format", "json")
    assert "\x1b" not in said and json.loads(said)["images"][0]["platform"] == "linux/amd64"


def test_an_image_in_an_engine_s_storage_is_asked_for_by_its_name(
    tmp_path: Path,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("buildah")
    for name, value in storage(tmp_path / "storage", environ).items():
        monkeypatch.setenv(name, value)
    image = one(tmp_path, layer(*PYTHON), layer(*torch(SITE)))
    pulled = run(["buildah", "pull", "--quiet", image], tmp_path, dict(os.environ))
    if pulled.code:
        missing(f"buildah does not work on this machine: {pulled.err.strip()[-200:]}")
    id = pulled.out.strip()
    run(["buildah", "tag", id, "localhost/try:1"], tmp_path, dict(os.environ), check=True)
    for name in ("localhost/try:1", id):
        code, said = verify(capsys, "--ask", "buildah", name, TAG)
        assert code == 0 and "agrees with PyTorch-CUDA-v2.8" in said and f"sha256:{id}" in said
    assert verify(capsys, "--ask", "buildah", "localhost/try:1", "PyTorch-CUDA-v2.7")[0] == 1
    code, said = verify(capsys, "--ask", "buildah", "localhost/nothing:1", TAG)
    assert code == 2 and "buildah could not write out localhost/nothing:1 (" in said
    assert "Traceback" not in said
    code, said = verify(capsys, "--ask", "podman", "--", "--help", TAG)
    assert code == 2 and "is no image that an engine knows" in said


def test_docker_is_asked_by_its_own_words_and_no_program_of_the_work_tree_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = docker_archive(tmp_path / "saved.tar", layer(*PYTHON), layer(*torch(SITE)))
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    # as `docker image save --output FILE IMAGE`
    words = '[ "$1 $2 $3" = "image save --output" ] && [ "$5" = team/x:1 ] || exit 1'
    program.write_text(f'#!/bin/sh\n{words}\ncp {tmp_path}/saved.tar "$4"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert saved
    code, said = verify(capsys, "--ask", "docker", "team/x:1", TAG)
    assert code == 0 and "agrees with" in said
    code, said = verify(capsys, "--ask", "docker", "team/y:1", TAG)
    assert code == 2 and "docker could not write out team/y:1" in said
    (tmp_path / ".git").mkdir()
    code, said = verify(capsys, "--ask", "docker", "team/x:1", TAG)
    assert code == 2 and "lies in the work tree" in said
    monkeypatch.setenv("PATH", "/usr/bin/nowhere")
    code, said = verify(capsys, "--ask", "podman", "team/x:1", TAG)
    assert code == 2 and "podman is not on PATH" in said


def test_an_image_that_buildah_built_and_skopeo_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import subprocess

    need("buildah", "skopeo", "docker-registry")
    environ = storage(tmp_path / "storage", os.environ)
    context = tmp_path / "context"
    for path, content in (*PYTHON, *torch(SITE)):
        file = context / "root" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
            file.chmod(0o755)
        else:
            file.symlink_to(str(content))
    (context / "Dockerfile").write_text(f"FROM scratch\nCOPY root/ /\nENV {' '.join(ENV)}\n")

    def do(*words: str) -> None:
        subprocess.run(words, check=True, env=environ, capture_output=True)

    do("buildah", "build", "--isolation", "chroot", "--format", "oci", "--tag", "made", str(context))
    do("buildah", "push", "made", f"oci:{tmp_path}/oci:2.8")
    do("buildah", "push", "made", f"docker-archive:{tmp_path}/saved.tar:team/made:2.8")
    policy = ("--policy", f"{tmp_path}/storage/policy.json")
    do("skopeo", *policy, "copy", "--format", "v2s2", f"oci:{tmp_path}/oci:2.8", f"dir:{tmp_path}/v2s2")
    do(
        "skopeo",
        *policy,
        "copy",
        "--dest-compress-format",
        "zstd",
        f"docker-archive:{tmp_path}/saved.tar",
        f"oci:{tmp_path}/zstd:2.8",
    )
    do("skopeo", *policy, "copy", f"oci:{tmp_path}/oci:2.8", f"oci-archive:{tmp_path}/oci.tar:2.8")
    with registry(tmp_path / "registry") as host:
        image = f"{host}/team/pytorch-cuda:2.8"
        copy = ("copy", "--dest-tls-verify=false", f"oci:{tmp_path}/oci:2.8", f"docker://{image}")
        do("skopeo", *policy, *copy)
        code, said = verify(capsys, image, TAG)
        assert code == 0 and f"{image} (linux/amd64): agrees with {TAG}" in said, said
        assert verify(capsys, f"docker://{image}", "PyTorch-CUDA-v2.7")[0] == 1
        code, said = verify(capsys, f"{host}/team/pytorch-cuda:2.9", TAG)
        assert code == 2 and "the registry has no such image" in said
    code, said = verify(capsys, image, TAG)
    assert code == 2 and "no connection to the registry" in said and "Traceback" not in said
    for image in (
        f"oci:{tmp_path}/oci",
        f"docker-archive:{tmp_path}/saved.tar",
        f"oci:{tmp_path}/zstd",
        f"oci-archive:{tmp_path}/oci.tar",
    ):
        code, said = verify(capsys, image, TAG)
        assert code == 0, said
        assert re.search(r"Python 3\.11\.9, torch 2\.8\.0\+cu128, built for CUDA 12\.8", said)
        assert verify(capsys, image, "PyTorch-CUDA-v2.7")[0] == 1


PASSWD = b"root:x:0:0:root:/root:/bin/sh\nresearch:x:1000:1000::/srv/research:/bin/sh\n"
OLD = torch(SITE, "2.7.1+cu126", "12.6")
USER_SITE = "lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("user", "more", "own", "code"),
    [
        ("research", (), f"srv/research/.local/{USER_SITE}", 0),
        ("1000:1000", (), f"srv/research/.local/{USER_SITE}", 0),
        ("research", ("HOME=/work",), f"srv/research/.local/{USER_SITE}", 1),
        ("research", ("HOME=/work",), f"work/.local/{USER_SITE}", 0),
        ("research", ("PYTHONUSERBASE=/work",), f"work/{USER_SITE}", 0),
        ("research", ("PYTHONNOUSERSITE=1",), f"srv/research/.local/{USER_SITE}", 1),
        ("", (), f"root/.local/{USER_SITE}", 0),
    ],
)
def test_a_person_s_own_packages_come_first_where_python_finds_them(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    user: str,
    more: tuple[str, ...],
    own: str,
    code: int,
) -> None:
    image = one(
        tmp_path,
        layer(*PYTHON, ("etc/passwd", PASSWD), *OLD, *torch(own)),
        env=(*ENV, *more),
        User=user,
    )
    got, said = verify(capsys, image, TAG)
    assert got == code, said


VERSION = f"{SITE}/torch/version.py"


@pytest.mark.parametrize(
    ("entries", "links", "env", "words"),
    [
        ((dist(SITE, "torch", "2.8.0"), OLD[1]), {}, (), "torch is 2.8.0 by its metadata and 2.7.1+cu126 by"),
        ((dist(SITE, "torch", "2.8.0"), (VERSION, "/opt/away.py")), {}, (), "version.py cannot be read"),
        ((dist(SITE, "torch", "2.8.0"), (f"{SITE}/torch", "/opt/away")), {}, (), "version.py cannot be read"),
        (
            (dist(SITE, "torch", "2.8.0"), ("opt/away.py", b"cuda = '12.8'")),
            {VERSION: "opt/away.py"},
            (),
            "version.py cannot be read",
        ),
        ((dist(SITE, "torch", "2.8.0"), (VERSION, b"#" * 70_000)), {}, (), "version.py cannot be read"),
        (torch(SITE), {}, ("PYTHONHOME=/opt/py",), "PYTHONHOME is set"),
    ],
    ids=["two versions", "file away", "folder away", "linked away", "too long", "moved"],
)
def test_what_an_import_takes_is_not_guessed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    entries: tuple[tuple[str, bytes | str | None], ...],
    links: dict[str, str],
    env: tuple[str, ...],
    words: str,
) -> None:
    """Neither as agreement by the toolkit that lies beside it, nor as contradiction."""
    cuda = ("usr/local/cuda/version.json", b'{"cuda": {"version": "12.8.1"}}')
    image = one(tmp_path, layer(*PYTHON, cuda, *entries, links=links), env=(*ENV, *env))
    for tag in (TAG, "PyTorch-CPU-v2.6"):
        code, said = verify(capsys, image, tag)
        assert code == 2 and words in said, said


def test_two_versions_of_one_package_in_one_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = (dist(SITE, "jax", "0.7.1"), dist(SITE, "jax", "0.6.0"), dist(SITE, "jax-cuda12-plugin", "0.7.1"))
    code, said = verify(capsys, one(tmp_path, layer(*PYTHON, *both)), "JAX-CUDA12-v0.7.1")
    assert code == 2 and "jax states several versions in one folder: 0.6.0 and 0.7.1" in said
    # torch's own file tells which of the two is there, and a leftover of pip's is none
    left = (OLD[0], dist(SITE, "torch", "2.8.0+cu128"), torch(SITE)[1])
    assert verify(capsys, one(tmp_path / "b", layer(*PYTHON, *left)), TAG)[0] == 0
    tilde = (f"{SITE}/~ax-0.6.0.dist-info/METADATA", b"Name: jax\nVersion: 0.6.0\n")
    code, said = verify(
        capsys, one(tmp_path / "c", layer(*PYTHON, both[0], both[2], tilde)), "JAX-CUDA12-v0.7.1"
    )
    assert code == 0, said


def test_a_framework_without_metadata_is_not_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Images are made smaller by removing what pip left, or a framework comes as an egg."""
    stripped = layer(*PYTHON, (f"{SITE}/jax/__init__.py", b""))
    code, said = verify(capsys, one(tmp_path, stripped), "JAX-CUDA12-v0.7.1")
    assert code == 2 and f"jax lies in /{SITE}, and nothing there states its version" in said
    # and another environment's is not the one that `python` imports
    other = (
        ("opt/x/bin/python3.11", b""),
        ("opt/x/pyvenv.cfg", b"version = 3.11.9\nhome = /usr/local/bin\n"),
    )
    site = "opt/x/lib/python3.11/site-packages"
    jax = (dist(site, "jax", "0.7.1"), dist(site, "jax-cuda12-plugin", "0.7.1"))
    code, said = verify(capsys, one(tmp_path / "b", stripped, layer(*other, *jax)), "JAX-CUDA12-v0.7.1")
    assert code == 2 and "nothing there states its version" in said
    egg = f"{SITE}/jax-0.7.1-py3.11.egg"
    installed = (
        (f"{egg}/EGG-INFO/PKG-INFO", b"Name: jax\nVersion: 0.7.1\n"),
        (f"{egg}/jax/__init__.py", b""),
        (f"{SITE}/easy-install.pth", b"./jax-0.7.1-py3.11.egg\n"),
        dist(SITE, "jax-cuda12-plugin", "0.7.1"),
    )
    code, said = verify(capsys, one(tmp_path / "c", layer(*PYTHON, *installed)), "JAX-CUDA12-v0.7.1")
    assert code == 0, said
    assert verify(capsys, f"oci:{tmp_path}/c/image", "JAX-CUDA12-v0.6")[0] == 1


@pytest.mark.parametrize("how", ["setuptools", "pep610"])
def test_what_is_installed_in_place_may_be_another_version_by_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    info = dist(SITE, "jax", "0.7.1")
    url = info[0].replace("METADATA", "direct_url.json")
    more = {
        "setuptools": (f"{SITE}/__editable__.jax-0.7.1.pth", b"import __editable___jax_0_7_1_finder\n"),
        "pep610": (url, b'{"url": "file:///src/jax", "dir_info": {"editable": true}}'),
    }
    entries = (info, dist(SITE, "jax-cuda12-plugin", "0.7.1"))
    code, said = verify(capsys, one(tmp_path, layer(*PYTHON, *entries, more[how])), "JAX-CUDA12-v0.7.1")
    assert code == 2 and "jax is installed in place" in said
    plain = (url, b'{"url": "https://example.org/jax.whl", "archive_info": {}}')
    assert verify(capsys, one(tmp_path / "b", layer(*PYTHON, *entries, plain)), "JAX-CUDA12-v0.7.1")[0] == 0


def test_a_script_in_the_place_of_python_leads_to_any_of_the_environments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shim = ("root/.pyenv/shims/python", b"#!/usr/bin/env bash\n")
    env = ("PATH=/root/.pyenv/shims:/usr/local/bin",)
    own = "root/.pyenv/versions/3.11.9"
    other = ((f"{own}/bin/python3.11", b"\x7fELF"), (f"{own}/bin/python", "python3.11"))
    site = f"{own}/lib/python3.11/site-packages"
    image = one(tmp_path, layer(*PYTHON, shim, *other, *torch(SITE), *torch(site, "2.7.1")), env=env)
    for tag in (TAG, "PyTorch-CUDA-v2.7"):
        code, said = verify(capsys, image, tag)
        assert code == 2 and "they differ" in said, said
    image = one(tmp_path / "b", layer(*PYTHON, shim, *other, *torch(SITE), *torch(site)), env=env)
    assert verify(capsys, image, TAG)[0] == 0
    own_torch = torch("root/.pyenv/lib/python3.11/site-packages")
    image = one(
        tmp_path / "c",
        layer(*PYTHON, shim, *own_torch),
        env=(*env, "PYTHONPATH=/root/.pyenv/lib/python3.11/site-packages"),
    )
    code, said = verify(capsys, image, TAG)
    assert code == 2 and "/root/.pyenv/shims/python is a script" in said, said


def test_an_image_of_another_system_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = one(tmp_path, layer(*PYTHON, *torch(SITE)), platform="windows/amd64")
    code, said = verify(capsys, image, TAG)
    assert code == 2 and "images for windows/amd64 cannot be read, only those for Linux" in said


@pytest.mark.parametrize(
    ("entries", "tag", "code", "words"),
    [
        # for the CPU as the tag says, and one that is for CUDA
        (torch(SITE, "2.8.0+cpu", None), "PyTorch-CPU-v2.8", 0, "agrees"),
        (torch(SITE, "2.8.0+cpu", None), "PyTorch-CUDA-v2.8", 1, "the tag says CUDA"),
        # built from source: the module alone says its version
        (torch(SITE)[1:], "PyTorch-CUDA-v2.8", 0, "torch 2.8.0+cu128"),
        (torch(SITE)[1:], "PyTorch-CUDA-v2.7", 1, "the image has torch 2.8.0+cu128"),
        # an egg-info is a file, or a folder with a PKG-INFO
        (
            ((f"{SITE}/jax-0.7.1.egg-info", b"Name: jax\nVersion: 0.7.1\n"),),
            "JAX-CUDA12-v0.7.1",
            0,
            "jax 0.7.1",
        ),
        (
            ((f"{SITE}/jax.egg-info/PKG-INFO", b"Name: jax\nVersion: 0.7.1\n"),),
            "JAX-CUDA12-v0.7.1",
            0,
            "jax 0.7.1",
        ),
        (((f"{SITE}/jax.egg-info/PKG-INFO", b"Name: jax\n"),), "JAX-CUDA12-v0.7.1", 2, "cannot be read"),
        # what a framework's own file says and nobody can read is no fact
        (
            (*torch(SITE)[:1], (f"{SITE}/torch/version.py", b"cuda = (")),
            "PyTorch-CUDA-v2.8",
            0,
            "torch 2.8.0",
        ),
        ((*torch(SITE)[:1], (f"{SITE}/torch/version.py", b"cuda = f()\n")), "PyTorch-ROCm-v2.8", 1, "ROCm"),
    ],
)
def test_what_files_of_frameworks_say(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    entries: tuple[Entry, ...],
    tag: str,
    code: int,
    words: str,
) -> None:
    found, said = verify(capsys, one(tmp_path, layer(*PYTHON, *PLUGIN, *entries)), tag)
    assert (found, words in said) == (code, True), said


@pytest.mark.parametrize(
    "info",
    [b"build_info = {", b"build_info = f()\n", b"build_info = dict(a)\n", b"build_info = 1\n", b"x = 1\n"],
)
def test_a_build_of_tensorflow_that_cannot_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], info: bytes
) -> None:
    entries = (dist(SITE, "tensorflow", "2.19.0"), (f"{SITE}/tensorflow/python/platform/build_info.py", info))
    code, said = verify(capsys, one(tmp_path, layer(*PYTHON, *entries)), "TensorFlow-CUDA12.5-v2.19")
    assert code == 2 and "nothing in the image tells whether it is built for CUDA" in said


def test_an_image_without_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(capsys, one(tmp_path, layer(("etc/passwd", b""))), TAG)
    assert code == 2 and "there is no Python environment in the image" in said


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("JAX-CPU-v0.7.1", 0),
        ("JAX-CUDA12-v0.7.1", 1),
        ("PyTorch-CUDA-v2.8", 0),
        ("PyTorch-CPU-v2.8", 1),
        ("PaddlePaddle-CUDA-v3.1", 0),
        ("PaddlePaddle-CPU-v3.1", 1),
        ("TensorFlow-CPU-v2.19", 0),
        ("vLLM-CUDA-v0.10", 0),
    ],
)
def test_another_framework_s_build_says_nothing_of_this_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tag: str, code: int
) -> None:
    others = (("jax", "0.7.1"), ("paddlepaddle-gpu", "3.1.0"), ("tensorflow", "2.19.0"), ("vllm", "0.10.0"))
    info = (f"{SITE}/tensorflow/python/platform/build_info.py", b"build_info = {'is_cuda_build': False}\n")
    entries = (*torch(SITE), *(dist(SITE, *one) for one in others), info)
    found, said = verify(capsys, one(tmp_path, layer(*PYTHON, *entries)), tag)
    assert found == code, said
