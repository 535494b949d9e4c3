"""Records on their way: written in one clone, shared, merged, and read in another by somebody else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from builder_parts import need, registry
from image_parts import ENV, PYTHON, SITE, digest, layer, pack, torch
from record_parts import (
    IMAGE_POLICY,
    image_record,
    key_of,
    lines,
    make_key,
    make_tag,
    set_policy,
    tag_record,
    verifier,
    write_lines,
)
from support import GOOD_TAG, Done, Repo, isolated_environment, run

from envhooks.base.dataclass import replace
from envhooks.builds.registry import Registry
from envhooks.builds.registry.client import OCI_INDEX, OCI_MANIFEST
from envhooks.git import notes
from envhooks.records.images import KIND, attached, reference_of


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("docker-registry")
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


def put_index(
    there: Registry, labels: dict[str, str], version: str = "2.8.0+cu128"
) -> tuple[str, dict[str, str]]:
    """An index of two platforms with torch in them; answers its digest and those of its platforms."""
    parts, platforms = [], {}
    tar = layer(*PYTHON, *torch(SITE, version))
    stored = there.put_blob(pack(tar, "gzip"))
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    for arch in ("amd64", "arm64"):
        written = {
            "os": "linux",
            "architecture": arch,
            "config": {"Labels": labels, "Env": list(ENV)},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
        }
        config = there.put_blob(json.dumps(written).encode())
        made = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config.digest,
                "size": config.size,
            },
            "layers": [{"mediaType": kind, "digest": stored.digest, "size": stored.size}],
        }
        body = json.dumps(made).encode()
        found = there.put_manifest(f"x-{arch}", body, OCI_MANIFEST)
        platform = {"os": "linux", "architecture": arch}
        parts.append({"mediaType": OCI_MANIFEST, "digest": found, "size": len(body), "platform": platform})
        platforms[f"linux/{arch}"] = found
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": parts}
    return there.put_manifest("2.8-rc1", json.dumps(index).encode(), OCI_INDEX), platforms


def prepare(good: Repo, tmp_path: Path, policy: str = IMAGE_POLICY) -> Path:
    """A repository with a pushed tag whose policy names one key; answers the key's file."""
    file, public = make_key(tmp_path, "ci")
    set_policy(good, policy + verifier("ci", public))
    make_tag(good)
    good.git("push", "-q", "origin", GOOD_TAG)
    return file


def fresh_clone(server: Repo, tmp_path: Path, name: str = "b") -> Repo:
    """A clone by somebody else, in another home without any configuration."""
    home = tmp_path / f"home-{name}"
    home.mkdir()
    environ = isolated_environment(home)
    run(["git", "clone", "-q", str(server.path), name], tmp_path, environ, check=True)
    return Repo(tmp_path / name, environ)


def record(repo: Repo, reference: str, key: Path, *more: str, check: bool | None = True) -> Done:
    return repo.envhooks("record", GOOD_TAG, "--image", reference, "--key", str(key), *more, check=check)


def test_recorded_in_one_clone_and_proved_in_another(
    good: Repo, server: Repo, tmp_path: Path, address: str, environ: dict[str, str]
) -> None:
    key = prepare(good, tmp_path)
    oid = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    name = f"{address}/team/pytorch-cuda"
    index, platforms = put_index(Registry(name, environ, push=True), {"envhooks.tag-object": oid})
    done = record(good, f"{name}:2.8-rc1@{index}", key)
    assert f"{GOOD_TAG}: proved" in done.out and f"{name}@{index}" in done.out

    clone = fresh_clone(server, tmp_path)
    assert clone.envhooks("records", GOOD_TAG).code == 2  # a plain clone has no notes
    found = clone.envhooks("records", GOOD_TAG, "--fetch")
    assert found.code == 0 and f"{name}@{index}" in found.out and "ci (team)" in found.out
    loaded = json.loads(clone.envhooks("records", GOOD_TAG, "--format", "json", check=True).out)["tags"][0]
    assert loaded["state"] == "proved"
    image = loaded["images"][0]
    assert (image["digest"], image["platforms"]) == (index, platforms)
    assert image["verified"] and image["holds"]["python"] == "3.11.9"
    assert image["holds"]["torch"] == "2.8.0+cu128" and image["bases"][0]["name"].startswith("nvidia/cuda:")
    assert loaded["passed"][0]["policy"] == good.git("rev-parse", "main:.envhooks")
    assert "tag-signed" in loaded["passed"][0]["checks"]
    # git's own tool reads the same note
    assert good.git("notes", "--ref=envhooks", "show", oid).count("\n") == 1

    beside = attached(reference_of(f"{name}@{index}"), environ)
    listed = clone.envhooks("records", GOOD_TAG, "--format", "dsse", check=True).out.encode().split()
    assert sorted(beside) == sorted(listed)
    # one that cannot be read, which anybody who may push could put there, takes nothing from the others
    there = Registry(name, environ, push=True)
    blob = there.put_blob(b"{}")
    subject = there.manifest(index)
    assert subject is not None
    there.attach(subject.descriptor, KIND, [replace(blob, media_type="x/y")] * 1001)
    assert attached(reference_of(f"{name}@{index}"), environ) == beside

    without = fresh_clone(server, tmp_path, "without-notes")
    assert without.envhooks("records", GOOD_TAG).code == 2
    found = without.envhooks("records", GOOD_TAG, "--image", f"{name}@{index}")
    assert found.code == 0, found
    # what was asked is whether this very image is of the tag
    other = put_index(Registry(name, environ, push=True), {"other": "image"})[0]
    found = without.envhooks("records", GOOD_TAG, "--image", f"{name}@{other}")
    assert found.code == 2, found  # nothing is recorded beside that one
    found = clone.envhooks("records", GOOD_TAG, "--image", f"{name}@{other}")
    assert found.code == 1 and f"@{other} is not the image of the tag, which is {name}@{index}" in found.out
    assert clone.envhooks("records", GOOD_TAG, "--image", f"{name}@{platforms['linux/amd64']}").code == 0

    again = record(good, f"{name}:2.8-rc1@{index}", key)
    assert "recorded before" in again.err
    assert good.git("notes", "--ref=envhooks", "show", oid).count("\n") == 1


def test_what_would_contradict_is_not_recorded(
    good: Repo, tmp_path: Path, address: str, environ: dict[str, str]
) -> None:
    key = prepare(good, tmp_path)
    name = f"{address}/team/other"
    there = Registry(name, environ, push=True)
    wrong, _ = put_index(there, {"envhooks.tag-object": "1" * 40})
    refused = record(good, f"{name}:2.8-rc1@{wrong}", key, check=False)
    assert refused.code == 1 and "another tag object" in refused.err
    older, _ = put_index(there, {}, "2.7.0+cu128")
    refused = record(good, f"{name}:2.8-rc1@{older}", key, check=False)
    assert refused.code == 1 and "contradicts the tag" in refused.err
    first, _ = put_index(there, {"a": "1"})
    record(good, f"{name}:2.8-rc1@{first}", key)
    second, _ = put_index(there, {"a": "2"})
    refused = record(good, f"{name}:2.8-rc1@{second}", key, check=False)
    assert refused.code == 1 and first in refused.err
    absent = record(good, f"{name}:2.8-rc1@sha256:{'0' * 64}", key, check=False)
    assert absent.code == 2 and "does not have this image" in absent.err
    assert record(good, f"{name}:2.8-rc1", key, check=False).code == 2


def test_a_key_that_the_policy_does_not_name_records_nothing(
    good: Repo, tmp_path: Path, address: str, environ: dict[str, str]
) -> None:
    prepare(good, tmp_path)
    stranger, _ = make_key(tmp_path, "stranger")
    name = f"{address}/team/strange"
    index, _ = put_index(Registry(name, environ, push=True), {})
    refused = record(good, f"{name}:2.8-rc1@{index}", stranger, check=False)
    assert refused.code == 2 and "does not allow records by this key" in refused.err
    assert good.try_git("rev-parse", "-q", "--verify", notes.REF).code != 0
    # what is printed allows it, pasted as it stands
    section = "\n".join(line[4:] for line in refused.err.split("\n") if line.startswith("    "))
    good.write({".envhooks/policy.toml": IMAGE_POLICY + section + "\n"})
    good.commit_files({}, "Allow")
    good.git("push", "-q", "origin", "main")
    record(good, f"{name}:2.8-rc1@{index}", stranger)


def test_a_tag_that_does_not_pass_is_not_recorded(good: Repo, tmp_path: Path) -> None:
    key = prepare(good, tmp_path)
    good.git("tag", "-a", "-m", "x", "PyTorch-CUDA-v2.8-rc2")
    good.git("push", "-q", "origin", "PyTorch-CUDA-v2.8-rc2")
    refused = good.envhooks("record", "PyTorch-CUDA-v2.8-rc2", "--key", str(key))
    assert refused.code == 1 and "not signed" in refused.err
    absent = good.envhooks("record", "PyTorch-CUDA-v2.8-rc3", "--key", str(key))
    assert absent.code == 2


def test_two_clones_at_once_lose_nothing(good: Repo, server: Repo, tmp_path: Path) -> None:
    key = prepare(good, tmp_path, policy="")
    tags = [GOOD_TAG]
    for tag in ("PyTorch-CUDA-v2.8-rc2", "PyTorch-CUDA-v2.8"):
        make_tag(good, tag)
        good.git("push", "-q", "origin", tag)
        tags.append(tag)
    clones = [fresh_clone(server, tmp_path, f"c{number}") for number in range(4)]
    argv = [sys.executable, "-I", "-m", "envhooks", "record"]
    # all on one tag, so that the very same note is written by all, and on tags of their own
    started = [
        subprocess.Popen(
            [*argv, tag, "--key", str(key)], cwd=clone.path, env=clone.environ, stderr=subprocess.PIPE
        )
        for clone in clones
        for tag in (GOOD_TAG, tags[clones.index(clone) % 3])
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    reader = fresh_clone(server, tmp_path, "reader")
    for tag in tags:
        assert reader.envhooks("records", tag, "--fetch").code == 0, tag
    for clone in clones:  # what each has is on the server
        clone.envhooks("records", "--fetch", check=True)
        for commit in clone.git("rev-list", notes.REF).split():
            assert server.try_git("merge-base", "--is-ancestor", commit, notes.REF).code == 0
        tip = clone.git("rev-parse", notes.REF)
        server_tip = server.git("rev-parse", notes.REF)
        for oid in {line.split()[1] for line in clone.git("notes", "--ref=envhooks", "list").split("\n")}:
            here = set(clone.git("show", f"{tip}:{oid}").split("\n"))
            assert here <= set(server.git("show", f"{server_tip}:{oid}").split("\n"))


def test_lines_of_both_sides_are_merged_by_name(good: Repo, server: Repo, tmp_path: Path) -> None:
    file = prepare(good, tmp_path, policy="")
    other = fresh_clone(server, tmp_path)
    oid = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    then = datetime.now(timezone.utc) - timedelta(hours=1)
    key, tag = key_of(good, file), tag_record(good, time=then)
    write_lines(good, oid, lines(key, tag, None))
    image = image_record(time=then)
    write_lines(other, oid, lines(key, tag_record(good, time=then, version="0.3"), image))
    for repo in (good, other, good):
        repo.envhooks("records", "--fetch", check=True)
        repo.envhooks("record", GOOD_TAG, "--key", str(file), check=True)
    mine = good.git("notes", "--ref=envhooks", "show", oid).split("\n")
    yours = other.git("notes", "--ref=envhooks", "show", oid).split("\n")
    assert set(yours) <= set(mine) and len(mine) == 4  # three written by hand here, and one by the verb


def test_the_list_says_of_each_tag_whether_it_is_proved(good: Repo, tmp_path: Path) -> None:
    key = prepare(good, tmp_path, policy="")
    make_tag(good, "PyTorch-CUDA-v2.8-rc2")
    good.envhooks("record", GOOD_TAG, "--key", str(key), check=True)
    done = good.envhooks("records")
    assert done.code == 0
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        [GOOD_TAG, "proved"],
        ["PyTorch-CUDA-v2.8-rc2", "no"],
    ]


def test_an_ssh_key_of_git_signs_where_no_other_is_named(good: Repo, server: Repo, tmp_path: Path) -> None:
    key = Path(good.environ["HOME"]) / "id"
    public = key.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
    good.commit_files(
        {".envhooks/allowed_signers": f'alice@example.org namespaces="git,envhooks-record" {public}\n'}
    )
    set_policy(good, '[[verifier]]\nname = "alice"\nssh = "alice@example.org"\n')
    make_tag(good)
    good.git("push", "-q", "origin", GOOD_TAG)
    done = good.envhooks("record", GOOD_TAG, check=True)
    assert "alice (person)" in done.out
    assert fresh_clone(server, tmp_path).envhooks("records", GOOD_TAG, "--fetch").code == 0


def test_ci_gives_the_key_as_text(good: Repo, tmp_path: Path) -> None:
    key = prepare(good, tmp_path, policy="")
    environ = {**good.environ, "ENVHOOKS_RECORD_KEY": key.read_text()}
    done = Repo(good.path, environ).envhooks("record", GOOD_TAG)
    assert done.code == 0, done
