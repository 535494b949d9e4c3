"""Images that were made to mean one thing to a reader and another to an engine: no verdict is passed on those.

The engine's own view is the oracle: buildah unpacks the same image, and what it has is what would run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from builder_parts import missing, need, storage
from image_parts import OCI, PYTHON, SITE, Layout, digest, docker_archive, layer, torch
from json_values import with_any_value
from support import run

from envhooks.base.errors import EnvhooksError
from envhooks.builds.imagefiles.layers import Layer, read_layers
from envhooks.builds.imagefiles.limits import Limits, Unreadable
from envhooks.builds.imagefiles.sources import open_images
from envhooks.builds.verify_files import look_into
from envhooks.cli import run as envhooks

TAG = "PyTorch-CUDA-v2.8"
FILE = "f/METADATA"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any repository."""
    monkeypatch.chdir(tmp_path)


def verify(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = envhooks(["verify", *words])
    out = capsys.readouterr()
    return code, out.out + out.err


def header(name: str, size: int = 0, kind: bytes = b"0", prefix: bytes = b"", magic: bytes = b"") -> bytes:
    """A header, with a prefix or a magic of its own."""
    info = tarfile.TarInfo(name)
    info.size = size
    data = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    data[156:157] = kind
    data[345 : 345 + len(prefix)] = prefix
    if magic:
        data[257:265] = magic
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data)


def block(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def file(name: str, content: bytes, **more: Any) -> bytes:
    return header(name, len(content), **more) + block(content)


def pax(kind: bytes = b"x", **pairs: str) -> bytes:
    """An extended header with these records."""
    data = b""
    for key, value in pairs.items():
        text = f" {key}={value}\n".encode()
        length = next(n for n in range(len(text), len(text) + 9) if n == len(text) + len(str(n)))
        data += b"%d" % length + text
    return file("pax", data, kind=kind)


GNU = b"ustar  \0"
TIMES = b"14567012345\0" * 2
"""Access and change time in the old GNU header, where POSIX has the prefix of the name."""
OTHER = file("other", b"other")
INNER = file(FILE, b"inside")
TRICKS = {
    "a name for all files that follow": pax(b"g", path="elsewhere") + file(FILE, b"good"),
    "a size for all files that follow": pax(b"g", size="5") + file(FILE, b"good!"),
    "an empty name": pax(path="") + file(FILE, b"good"),
    "an empty size": pax(size="") + file("other", INNER),
    "times where a prefix would be": file(FILE, b"good", magic=GNU, prefix=TIMES),
    "a prefix in a header of V7": file("METADATA", b"good", magic=bytes(8), prefix=b"f"),
    "two names of two kinds": pax(path="elsewhere") + file("L", FILE.encode() + b"\0", kind=b"L") + OTHER,
    "two names of one kind": pax(path="elsewhere") + pax(path=FILE) + file("x", b"good"),
    "two long names": file("L", b"elsewhere\0", kind=b"L")
    + file("L", FILE.encode() + b"\0", kind=b"L")
    + file("x", b"good"),
    "a global header between": pax(path="elsewhere") + pax(b"g", comment="x") + file(FILE, b"good"),
    "a folder by its old name": pax(path=FILE) + header("x/", 512, kind=b"\0") + block(b"x" * 512),
    "a whiteout of the folder itself": file("f/.wh.", b""),
    "a whiteout of the folder above": file("f/.wh..", b""),
}


def ours(archives: list[bytes]) -> dict[str, bytes | None] | None:
    """The files that the reader finds; None where it refuses to say."""
    from contextlib import nullcontext

    def one(data: bytes) -> Layer:
        return Layer(lambda: nullcontext(io.BytesIO(data)), digest(data), digest(data))

    try:
        tree = read_layers([one(data) for data in archives], lambda path: 1000, Limits())
    except Unreadable:
        return None
    return {path: tree.read(path) for path, _ in tree.paths()}


def engines(folder: Path, archives: list[bytes], environ: dict[str, str]) -> dict[str, bytes] | None:
    """The files that buildah has of such an image; None where it does not take it."""
    made = Layout(folder)
    image = made.publish(made.image(*archives, how="plain"), "x")
    pulled = run(["buildah", "from", "--name", folder.name, image], folder, environ)
    if pulled.code:
        return None
    top = Path(run(["buildah", "mount", folder.name], folder, environ, check=True).out.strip())
    return {f"/{p.relative_to(top)}": p.read_bytes() for p in top.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    need("buildah")
    folder = tmp_path_factory.mktemp("engine")
    environ = storage(folder / "storage", os.environ)
    plain = [layer(("a/b", b"1"))]
    if engines(folder / "plain", plain, environ) != {"/a/b": b"1"}:
        missing("buildah does not unpack an image on this machine")
    return environ


@pytest.mark.parametrize("number", range(len(TRICKS)), ids=list(TRICKS))
def test_a_header_of_two_meanings_is_not_read(tmp_path: Path, engine: dict[str, str], number: int) -> None:
    lower = layer((FILE, b"lower"), ("other", b"lower"))
    archives = [lower, list(TRICKS.values())[number] + bytes(1024)]
    found = ours(archives)
    if found is not None:  # what is read is what runs
        assert found == engines(tmp_path / f"trick{number}", archives, engine)


def test_what_engines_write_is_read(tmp_path: Path, engine: dict[str, str]) -> None:
    long = "d" * 90 + "/" + "e" * 90 + "/METADATA"
    everyday = (
        pax(b"g", comment="0" * 40)
        + pax(path=long, mtime="1.5")
        + file("x", b"pax")
        + file("L", f"{long}2".encode() + b"\0", kind=b"L")
        + file("x", b"gnu")
        + file("METADATA", b"ustar", prefix=b"p/q")
        + file("old", b"v7", kind=b"\0")
    )
    archives = [everyday + bytes(1024)]
    found = ours(archives)
    assert found == engines(tmp_path / "everyday", archives, engine)
    assert found == {
        f"/{long}": b"pax", f"/{long}2": b"gnu", "/p/q/METADATA": b"ustar", "/old": b"v7",
    }  # fmt: skip


# ------------------------------------------------------------------------------- manifests and layers


def written(folder: Path, manifest: dict[str, Any], made: Layout) -> str:
    kind = str(manifest.get("mediaType", f"{OCI}.manifest.v1+json"))
    return made.publish(made.blob(json.dumps(manifest).encode(), kind), "x")


def parts(folder: Path) -> tuple[Layout, dict[str, Any], dict[str, Any]]:
    """A layout with two images, and their manifests: what the tag says, and what it does not."""
    made = Layout(folder)
    good = made.image(layer(*PYTHON, *torch(SITE)))
    bad = made.image(layer(*PYTHON, *torch(SITE, "2.7.1+cu126", "12.6")))

    def read(entry: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (folder / "blobs" / entry["digest"].replace(":", "/")).read_bytes()
        )
        return {**found, "entry": entry}

    return made, read(good), read(bad)


def test_a_layer_that_an_engine_would_take_from_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Engines find a layer that they have by its unpacked digest, and do not look at what is stored then."""
    made, good, bad = parts(tmp_path / "image")
    image = written(tmp_path, {**good, "config": bad["config"]}, made)
    code, said = verify(capsys, image, TAG)
    assert code == 2 and "unpacked, the bytes are not those of" in said


@pytest.mark.parametrize(
    "entry",
    [
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        {"artifactType": "application/spdx+json"},
        {"mediaType": "application/octet-stream"},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}, "platform": None},
        {"artifactType": "application/spdx+json", "platform": None},
    ],
)
def test_an_image_that_an_index_calls_something_else_is_looked_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: dict[str, Any]
) -> None:
    """Engines go by the platform alone, and take the first that fits."""
    made, good, bad = parts(tmp_path / "image")
    image = made.publish(made.index({**bad["entry"], **entry}, good["entry"]))
    code, said = verify(capsys, image, TAG)
    assert code == 1 and "the image has torch 2.7.1+cu126" in said


def test_what_no_engine_runs_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, good, _ = parts(tmp_path / "image")
    unknown = {"os": "unknown", "architecture": "unknown"}
    statement = made.image(b"{}", platform="unknown/unknown")
    artifact = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "artifactType": "application/spdx+json",
        "config": made.blob(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [],
    }
    beside = made.blob(json.dumps(artifact).encode(), f"{OCI}.manifest.v1+json")
    image = made.publish(
        made.index(
            {**statement, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
            {**statement, "platform": unknown},
            {**beside, "artifactType": "application/spdx+json"},
            {**beside, "mediaType": "application/octet-stream"},
            good["entry"],
        )
    )
    code, said = verify(capsys, image, TAG)
    assert code == 0, said


def test_a_manifest_that_is_an_index_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, good, bad = parts(tmp_path / "image")
    for kind in (None, f"{OCI}.index.v1+json", f"{OCI}.manifest.v1+json"):
        both = {**bad, "manifests": [good["entry"]], "mediaType": kind}
        image = written(tmp_path, {k: v for k, v in both.items() if v is not None}, made)
        code, said = verify(capsys, image, TAG)
        assert code == 2 and "an index and a manifest" in said, said
        made.entries.clear()


@pytest.mark.parametrize("where", ["manifest", "descriptor", "configuration", "settings", "platform"])
def test_a_key_in_another_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str) -> None:
    """Go takes `Layers` and `layerſ` for `layers`, and the last one of them counts."""
    made, good, bad = parts(tmp_path / "image")
    manifest = {key: value for key, value in good.items() if key != "entry"}
    config = json.loads((made.folder / "blobs" / good["config"]["digest"].replace(":", "/")).read_bytes())
    if where == "manifest":
        manifest["layerſ"] = bad["layers"]
    elif where == "descriptor":
        manifest["layers"] = [{**manifest["layers"][0], "Digest": bad["layers"][0]["digest"]}]
    elif where == "configuration":
        config["Rootfs"] = config["rootfs"]
    elif where == "settings":
        config["config"]["env"] = ["PATH=/opt/other/bin"]
    if where in ("configuration", "settings"):
        manifest["config"] = made.blob(json.dumps(config).encode(), f"{OCI}.config.v1+json")
    if where == "platform":
        spelt = {**good["entry"], "platform": {"os": "linux", "architecture": "amd64", "OS": "windows"}}
        image = made.publish(made.index(spelt))
    else:
        image = written(tmp_path, manifest, made)
    code, said = verify(capsys, image, TAG)
    assert code == 2 and "another spelling of" in said, said


def test_a_key_that_stands_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Go merges two objects of one key, and Python takes the last."""
    made, good, _ = parts(tmp_path / "image")
    config = (made.folder / "blobs" / good["config"]["digest"].replace(":", "/")).read_bytes()
    twice = config[:-1] + b', "config": {"User": "root"}}'
    manifest = {key: value for key, value in good.items() if key != "entry"}
    manifest["config"] = made.blob(twice, f"{OCI}.config.v1+json")
    code, said = verify(capsys, written(tmp_path, manifest, made), TAG)
    assert code == 2 and "`config` stands twice" in said


def opened(image: str) -> None:
    """Read as `envhooks verify` reads it: whatever is wrong is an error with a sentence."""
    with contextlib.suppress(EnvhooksError), open_images(image) as (_, found):
        for one in found:
            look_into(one)


@pytest.mark.parametrize("which", ["index.json", "index", "manifest", "configuration", "docker"])
def test_any_value_in_any_place_of_a_document_ends_in_a_sentence(tmp_path: Path, which: str) -> None:
    data = layer(*PYTHON)
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Env": ["PATH=/bin"], "Labels": {"a": "b"}, "User": "u"},
        "rootfs": {"type": "layers", "diff_ids": [digest(data)]},
    }
    made = Layout(tmp_path / "image")
    kind = f"{OCI}.manifest.v1+json"

    def manifest_of(config: Any) -> dict[str, Any]:
        stored = made.blob(json.dumps(config).encode(), f"{OCI}.config.v1+json")
        layers = [made.blob(data, f"{OCI}.layer.v1.tar")]
        return {"schemaVersion": 2, "mediaType": kind, "config": stored, "layers": layers, "annotations": {}}

    def index_of(manifest: Any) -> dict[str, Any]:
        entry = {**made.blob(json.dumps(manifest).encode(), kind), "annotations": {"a": "b"}}
        return {"manifests": [{**entry, "platform": {"os": "linux", "architecture": "amd64"}}]}

    def top_of(index: Any) -> dict[str, Any]:
        return {"manifests": [made.blob(json.dumps(index).encode(), f"{OCI}.index.v1+json")]}

    saved = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["a/layer.tar"]}]
    documents = {
        "configuration": config,
        "manifest": manifest_of(config),
        "index": index_of(manifest_of(config)),
        "index.json": top_of(index_of(manifest_of(config))),
        "docker": saved,
    }
    steps = {
        "configuration": (manifest_of, index_of, top_of),
        "manifest": (index_of, top_of),
        "index": (top_of,),
    }
    for value in with_any_value(documents[which]):
        if which == "docker":
            files = {"manifest.json": value, "c.json": config}
            archive = layer(
                ("a/layer.tar", data),
                *((name, json.dumps(text).encode()) for name, text in files.items()),
            )
            (tmp_path / "saved.tar").write_bytes(archive)
            for name in ("", ":x:1"):
                opened(f"docker-archive:{tmp_path}/saved.tar{name}")
            continue
        document = value
        for step in steps.get(which, ()):
            document = step(document)
        (tmp_path / "image/index.json").write_text(json.dumps(document))
        opened(f"oci:{tmp_path}/image")


def saved(folder: Path, version: str, listed: str = "") -> Path:
    """An archive as Docker writes it since 25: an OCI layout with a manifest.json beside its index.

    `listed` is the version of the image in manifest.json, where that is another one.
    """
    folder.mkdir()
    layout = Layout(folder / "layout")
    entries = {
        one: layout.image(layer(*PYTHON, *torch(SITE, one)), how="plain")
        for one in {version, listed or version}
    }
    layout.publish(entries[version])
    index = json.loads((layout.folder / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"io.containerd.image.name": "docker.io/team/image:2.8"}
    (layout.folder / "index.json").write_text(json.dumps(index))
    manifest = json.loads(
        (layout.folder / "blobs" / entries[listed or version]["digest"].replace(":", "/")).read_bytes()
    )
    blobs = [one["digest"].replace(":", "/") for one in (manifest["config"], *manifest["layers"])]
    paths = [f"blobs/{one}" for one in blobs]
    document = [{"Config": paths[0], "RepoTags": ["team/image:2.8"], "Layers": paths[1:]}]
    (layout.folder / "manifest.json").write_text(json.dumps(document))
    archive = folder / "saved.tar"
    with tarfile.open(archive, "w") as made:
        made.add(layout.folder, ".")
    return archive


@pytest.mark.parametrize("scheme", ["docker-archive", "oci-archive"])
def test_an_archive_whose_two_lists_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    good = saved(tmp_path / "good", "2.8.0+cu128")
    code, said = verify(capsys, f"{scheme}:{good}", TAG)
    assert code == 0, said
    assert verify(capsys, f"{scheme}:{saved(tmp_path / 'bad', '2.7.0+cu128')}", TAG)[0] == 1
    for number, versions in enumerate((("2.8.0+cu128", "2.7.0+cu128"), ("2.7.0+cu128", "2.8.0+cu128"))):
        code, said = verify(capsys, f"{scheme}:{saved(tmp_path / str(number), *versions)}", TAG)
        assert code == 2 and "tell of different images" in said, said


@pytest.mark.parametrize("name", ["manifest.json", "./manifest.json", "/manifest.json"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_file_that_stands_twice_in_an_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, is_first: bool
) -> None:
    """Podman takes the first, docker, which unpacks all of it, the last."""
    archive = tmp_path / "saved.tar"
    docker_archive(archive, layer(*PYTHON, *torch(SITE)))
    assert verify(capsys, f"docker-archive:{archive}", TAG)[0] == 0
    with tarfile.open(archive) as before:
        files = [(one, before.extractfile(one).read()) for one in before if one.isreg()]  # type: ignore[union-attr]
    other = tarfile.TarInfo(name)
    data = b'[{"Config": "other.json", "RepoTags": ["team/image:2.8"], "Layers": []}]'
    other.size = len(data)
    files.insert(0 if is_first else len(files), (other, data))
    with tarfile.open(archive, "w") as made:
        for info, content in files:
            made.addfile(info, io.BytesIO(content))
    code, said = verify(capsys, f"docker-archive:{archive}", TAG)
    assert code == 2 and "manifest.json stands twice" in said, said


@pytest.mark.parametrize("scheme", ["docker-archive", "oci-archive"])
def test_an_archive_that_never_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str], scheme: str) -> None:
    """A pipe that nobody writes to, and a device that would be unpacked until the disk is full."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        code, said = verify(capsys, f"{scheme}:{path}", TAG)
        assert code == 2 and "is no regular file" in said, said
