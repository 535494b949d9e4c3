"""Who names what, whatever comes between: real registry, real images, each race ending with the right names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from builder_parts import PLAN, Reply, htpasswd, login_file, need, new_log, refusing, registry, service

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.builds import publication
from envhooks.builds.attempt import Attempt
from envhooks.builds.further import image_tag
from envhooks.builds.kept import sbom_of
from envhooks.builds.layout import push, root
from envhooks.builds.publication import Publisher
from envhooks.builds.registry import (
    LoginWanted,
    Manifest,
    Registry,
    RegistryError,
    RegistryUnavailable,
    transport,
)
from envhooks.builds.registry.client import INDEXES, OCI_INDEX, OCI_MANIFEST, digest_of
from envhooks.builds.types import Plan, Result
from envhooks.policy.reader import default_policy
from envhooks.tagname import Grammar

CUDA = "PyTorch-CUDA-v"
POLICY = replace(default_policy(), image="{image}/{framework:lower}-{hardware:lower}")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PAUSES", ())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("docker-registry")
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


def write_layout(folder: Path, labels: Mapping[str, str], content: str) -> Path:
    """An OCI layout of an image with these labels, and something of its own in it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(data: bytes, kind: str) -> dict[str, Any]:
        digest = digest_of(data)
        (blobs / digest[7:]).write_bytes(data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    config = {"os": "linux", "architecture": "amd64", "config": {"Labels": dict(labels)}, "made": content}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": store(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [store(content.encode(), "application/vnd.oci.image.layer.v1.tar")],
    }
    top = store(json.dumps(manifest).encode(), OCI_MANIFEST)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    return folder


@dataclass
class World:
    """A repository in a registry, a git remote, and clones that publish from one to the other."""

    name: str
    environ: dict[str, str]
    folder: Path
    tags: dict[str, str] = field(default_factory=dict)
    """The remote's: short name -> object."""

    @property
    def registry(self) -> Registry:
        return Registry(self.name, self.environ, push=True)

    def plan(self, version: str) -> Plan:
        tag = CUDA + version
        name = Grammar(POLICY.tag).match(tag)
        assert name is not None
        own = f"{self.name}:{image_tag(name)}"
        tag_object = digest_of(tag.encode())[7:47]
        return replace(
            PLAN,
            tag=tag,
            ref=f"refs/tags/{tag}",
            tag_object=tag_object,
            image=self.name,
            own=own,
            images=(own,),
        )

    def push_tag(self, version: str) -> Plan:
        plan = self.plan(version)
        self.tags[plan.tag] = plan.tag_object
        return plan

    def layout(self, plan: Plan, clone: str = "one") -> Path:
        labels = {"envhooks.tag-object": plan.tag_object, "org.opencontainers.image.ref.name": plan.tag}
        folder = self.folder / f"{plan.tag}-{clone}"
        return folder if folder.exists() else write_layout(folder, labels, f"{plan.tag} by {clone}")

    def publisher(self, plan: Plan, now: Callable[[], Any] | None = None, **more: Any) -> Publisher:
        policy = replace(POLICY, image=self.name)
        asked = now or (lambda: (tuple(self.tags), self.tags.get(plan.tag)))
        return Publisher(plan, policy, self.environ, asked, new_log(), **more)

    def publish(self, plan: Plan, clone: str = "one", **more: Any) -> Result:
        return self.publisher(plan, **more).publish(self.layout(plan, clone))

    def names(self) -> dict[str, str]:
        """Image tag -> the digest that it stands for."""
        return {tag: self.registry.head(tag) or "" for tag in self.registry.tags()}


@pytest.fixture
def world(address: str, tmp_path: Path, environ: dict[str, str], request: pytest.FixtureRequest) -> World:
    name = request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")[:40].strip("-")
    return World(f"{address}/{name}", environ, tmp_path / "layouts")


def test_a_release_gets_its_names(world: World) -> None:
    plan = world.push_tag("2.8.0")
    result = world.publish(plan)
    digest = root(world.layout(plan)).digest
    assert (result.status, result.digest) == ("done", digest)
    assert world.names() == dict.fromkeys(("2.8.0", "2.8", "latest"), digest)
    assert f"published {world.name}:2.8.0, {world.name}:2.8, {world.name}:latest" in result.message


def test_a_second_clone_takes_what_is_published_as_built(world: World) -> None:
    plan = world.push_tag("2.8.0")
    first = world.publish(plan, "laptop")
    before = world.names()
    found = world.publisher(plan).look()
    assert (found.kind, found.digest) == ("same", first.digest)
    # and where it has built already, what is published wins
    second = world.publish(plan, "ci")
    assert (second.status, second.digest) == ("done", first.digest)
    assert world.names() == before


def test_a_name_of_another_tag_object_is_refused_with_both(world: World) -> None:
    first = world.push_tag("2.8.0")
    there = world.publish(first)
    moved = replace(first, tag_object="f" * 40)
    world.tags[moved.tag] = moved.tag_object
    found = world.publisher(moved).look()
    assert found.kind == "other"
    result = world.publish(moved, "two")
    assert result.status == "failed" and result.is_final
    for text in (str(there.digest), first.tag_object, moved.tag_object, "never given again"):
        assert text in result.message
    assert set(world.names().values()) == {there.digest}


def test_an_image_without_a_label_is_the_ledger_s_or_a_stranger_s(world: World) -> None:
    plan = world.push_tag("2.8.0")
    made = write_layout(world.folder / "plain", {}, "somebody else's")
    digest = root(made).digest
    manifest = root(made)
    for part in (manifest.config, *manifest.parts("layers")):
        assert part is not None
        world.registry.put_blob(made / "blobs" / "sha256" / part.digest[7:], part.digest)
    world.registry.put_manifest("2.8.0", manifest.body, OCI_MANIFEST)
    assert world.publisher(plan).look().kind == "other"
    assert world.publisher(plan, known=digest).look().kind == "same"
    assert world.publisher(plan).look(is_new=True).kind == "same"


def test_an_image_that_was_deleted_is_published_again(world: World) -> None:
    plan = world.push_tag("2.8.0")
    first = world.publish(plan)
    answer = world.registry._transport.request("DELETE", f"manifests/{first.digest}", accept=(202,))
    assert answer.status == 202 and world.publisher(plan).look().kind == "absent"
    assert world.publish(plan).digest == first.digest
    assert set(world.names().values()) == {first.digest}


def test_a_slow_older_release_does_not_take_the_aliases(world: World) -> None:
    """v2.7.1 was built for minutes; v2.8.0 was pushed and published from elsewhere meanwhile."""
    old, new = world.push_tag("2.7.1"), world.push_tag("2.8.0")
    newer = world.publish(new)
    result = world.publish(old)
    assert result.status == "done" and "is the highest stable release" in result.message
    names = world.names()
    assert names["latest"] == names["2.8.0"] == newer.digest
    assert names["2.7"] == names["2.7.1"] == result.digest


def test_the_order_of_versions_wins_whoever_is_last(world: World) -> None:
    """The older one asked for the tags before the newer was pushed, and moves `latest` after the newer did."""
    old = world.push_tag("2.7.1")
    asked = 0

    def now() -> tuple[tuple[str, ...], str]:
        nonlocal asked
        asked += 1
        tags = tuple(world.tags)
        if asked == 2:  # after the answer, before the names: another publisher does all of its work
            assert world.publish(world.push_tag("2.8.0"), "elsewhere").status == "done"
        return tags, old.tag_object

    result = world.publish(old, now=now)
    assert result.status == "done"
    names = world.names()
    assert names["latest"] == names["2.8.0"] != names["2.7.1"]
    assert names["2.7"] == names["2.7.1"] == result.digest


def test_two_that_name_at_once_end_with_one_image(world: World) -> None:
    """Between the question and the name of one, the other names its own: both have to tell the same digest."""
    plan = world.push_tag("2.8.0")
    publisher = world.publisher(plan)
    real = Registry.put_manifest
    raced = False

    def put(self: Registry, reference: str, body: bytes, media_type: str) -> str:
        nonlocal raced
        done = real(self, reference, body, media_type)
        if reference == "2.8.0" and not raced:
            raced = True
            other = root(world.layout(plan, "two"))
            for part in (other.config, *other.parts("layers")):
                assert part is not None
                file = world.layout(plan, "two") / "blobs" / "sha256" / part.digest[7:]
                world.registry.put_blob(file, part.digest)
            real(self, reference, other.body, other.media_type)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, "put_manifest", put)
        result = publisher.publish(world.layout(plan))
    assert raced and result.status == "done"
    assert set(world.names().values()) == {result.digest}
    assert result.digest == root(world.layout(plan, "two")).digest


def test_a_mirror_that_lacks_a_release_moves_nothing_back(world: World) -> None:
    new = world.push_tag("2.8.0")
    newer = world.publish(new)
    del world.tags[new.tag]  # the mirror never had it
    result = world.publish(world.push_tag("2.7.1"))
    assert "a later release, which the remote does not list" in result.message
    assert world.names()["latest"] == newer.digest


def test_a_tag_that_is_gone_names_nothing(world: World) -> None:
    plan = world.plan("2.8.0")
    result = world.publish(plan)
    assert result.status == "gone" and "no longer holds the tag" in result.message
    world.tags[plan.tag] = "f" * 40
    assert "another object" in world.publish(plan).message
    assert world.names() == {}


def test_a_pre_release_moves_no_alias(world: World) -> None:
    assert world.publish(world.push_tag("2.8-rc1")).status == "done"
    assert list(world.names()) == ["2.8-rc1"]
    only = replace(world.push_tag("2.8.1"), moves_aliases=False)
    assert world.publish(only).status == "done"
    assert sorted(world.names()) == ["2.8-rc1", "2.8.1"]


def test_an_index_of_platforms_says_of_which_tag_it_is(world: World) -> None:
    plan = world.push_tag("2.8.0")
    folders = [world.layout(plan, name) for name in ("amd64", "arm64")]
    whole = world.folder / "index"
    shutil.copytree(folders[0], whole)
    shutil.copytree(folders[1] / "blobs", whole / "blobs", dirs_exist_ok=True)
    parts = [json.loads((folder / "index.json").read_text())["manifests"][0] for folder in folders]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": parts}).encode()
    (whole / "blobs" / "sha256" / digest_of(body)[7:]).write_bytes(body)
    top = {"mediaType": OCI_INDEX, "digest": digest_of(body), "size": len(body)}
    (whole / "index.json").write_text(json.dumps({"manifests": [top]}))
    assert world.publisher(plan).publish(whole).digest == digest_of(body)
    assert world.publisher(plan).look().kind == "same"
    assert OCI_INDEX in INDEXES


def test_an_alias_is_given_back_to_a_release_that_came_meanwhile(world: World) -> None:
    """The newer one was pushed after the older moved `latest`, and its publisher moves no alias itself."""
    old = world.push_tag("2.7.1")
    asked = 0

    def now() -> tuple[tuple[str, ...], str]:
        nonlocal asked
        asked += 1
        if asked == 3:  # the names were given
            newer = replace(world.push_tag("2.8.0"), moves_aliases=False)
            assert world.publish(newer, "elsewhere").status == "done"
        return tuple(world.tags), old.tag_object

    assert world.publish(old, now=now).status == "done"
    names = world.names()
    assert names["latest"] == names["2.8.0"] != names["2.7.1"] == names["2.7"]


def test_an_alias_that_others_keep_moving_is_given_up(world: World) -> None:
    older = world.publish(world.push_tag("2.7.1"))
    plan = world.push_tag("2.8.0")
    body = world.registry.manifest(str(older.digest))
    assert body is not None

    def now() -> tuple[tuple[str, ...], str]:
        world.registry.put_manifest("latest", body.body, body.media_type)
        return tuple(world.tags), plan.tag_object

    with pytest.raises(RegistryUnavailable, match=r"others keep moving .*latest of "):
        world.publish(plan, now=now)


def test_a_further_name_of_another_image_is_left_alone(world: World) -> None:
    other = world.publish(world.push_tag("2.7.1"))
    plan = world.push_tag("2.8.0")
    also = replace(plan, also=(f"{world.name}:2.7.1", f"{world.name}:cu128"))
    result = world.publish(also)
    assert f"{world.name}:2.7.1 is left alone: it is published as {other.digest}" in result.message
    names = world.names()
    assert names["2.7.1"] == other.digest and names["cu128"] == names["2.8.0"] == result.digest


def test_a_name_that_is_another_s_when_it_is_given(world: World) -> None:
    plan = world.push_tag("2.8.0")
    stranger = replace(plan, tag_object="f" * 40)
    made = world.layout(stranger, "stranger")

    def now() -> tuple[tuple[str, ...], str]:
        if "2.8.0" not in world.registry.tags():
            push(made, world.registry, new_log())
            top = root(made)
            world.registry.put_manifest("2.8.0", top.body, top.media_type)
        return tuple(world.tags), plan.tag_object

    result = world.publish(plan, now=now)
    assert result.status == "failed" and result.is_final and "never given again" in result.message


def test_a_digest_that_the_registry_does_not_hold(world: World) -> None:
    world.publish(world.push_tag("2.7.1"))
    gone = "sha256:" + "0" * 64
    with pytest.raises(RegistryError, match=f"does not hold {gone}, which was pushed to it"):
        world.publisher(world.push_tag("2.8.0")).publish(gone)


def test_a_name_that_the_registry_takes_and_does_not_have(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Registry.put_manifest

    def put(self: Registry, reference: str, body: bytes, media_type: str) -> str:
        return real(self, digest_of(body) if reference == "2.8.0" else reference, body, media_type)

    monkeypatch.setattr(Registry, "put_manifest", put)
    with pytest.raises(RegistryUnavailable, match=r"took the name 2\.8\.0 and does not have it"):
        world.publish(world.push_tag("2.8.0"))


def test_a_bill_of_materials_that_is_too_large(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = world.push_tag("2.8.0")
    sbom_of(world.layout(plan)).write_text("{}")
    monkeypatch.setattr(publication, "MAX_SBOM", 1)
    with pytest.raises(CannotJudge, match="the SBOM has more than"):
        world.publish(plan)
    assert world.names() == {}


def test_what_a_builder_named_itself(world: World) -> None:
    """A program or service pushed the image: what is there under the name decides, and not its word."""
    plan = world.push_tag("2.8.0")
    unset = cast(Any, None)
    attempt = Attempt(unset, unset, plan, unset, unset, unset, world.environ, new_log(), unset)
    word = Result("done", None, None, "pushed", None)
    found = attempt._named_by_builder(world.publisher(plan), word)
    assert found.status == "failed" and "the registry does not hold" in found.message
    digest = world.publish(plan).digest
    found = attempt._named_by_builder(world.publisher(plan), word)
    assert (found.status, found.digest) == ("built", digest)
    found = attempt._named_by_builder(world.publisher(plan), replace(word, digest="sha256:" + "0" * 64))
    assert found.status == "failed" and found.is_final and f"and {plan.own} is {digest}" in found.message
    found = attempt._named_by_builder(world.publisher(replace(plan, tag_object="f" * 40)), word)
    assert found.status == "failed" and found.is_final and "never given again" in found.message
    found = attempt._publish(world.publisher(plan), word)
    assert found.status == "failed" and "named no digest" in found.message


class Held:
    """The manifests and blobs of a registry."""

    def __init__(self, blobs: Mapping[str, bytes], *manifests: Manifest) -> None:
        self._blobs = blobs
        self._manifests = {one.digest: one for one in manifests}

    def manifest(self, reference: str) -> Manifest | None:
        return self._manifests.get(reference)

    def blob(self, digest: str) -> bytes:
        return self._blobs[digest]


def manifest_of(kind: str, **fields: Any) -> Manifest:
    body = json.dumps({"mediaType": kind, **fields}).encode()
    return Manifest(digest_of(body), kind, body)


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        (b'{"config": {"Labels": {"a": "1", "b": 2}}}', {"a": "1"}),
        (b'{"config": {"Labels": 1}}', {}),
        (b'{"config": 1}', {}),
        (b"[]", {}),
        (b"{", {}),
        (b"[" * 100_000, {}),
    ],
)
def test_labels_of_an_image(config: bytes, labels: dict[str, str]) -> None:
    stored = {"mediaType": "x", "digest": digest_of(config), "size": len(config)}
    one = manifest_of(OCI_MANIFEST, config=stored, annotations={"c": "3"})
    held = cast(Registry, Held({digest_of(config): config}, one))
    assert publication.labels_of(held, one) == {**labels, "c": "3"}
    assert publication.labels_of(held, manifest_of(OCI_MANIFEST, annotations={"c": "3"})) == {"c": "3"}


def test_labels_of_an_index_are_those_of_all_its_platforms() -> None:
    configs = [json.dumps({"config": {"Labels": {"a": "1", "b": str(n)}}}).encode() for n in range(2)]
    stored = [{"mediaType": "x", "digest": digest_of(one), "size": len(one)} for one in configs]
    images = [manifest_of(OCI_MANIFEST, config=one) for one in stored]
    proof = {"vnd.docker.reference.type": "attestation-manifest"}
    parts = [{"digest": one.digest, "size": len(one.body)} for one in images]
    parts.append({"digest": "sha256:" + "0" * 64, "size": 1, "annotations": proof})
    held = cast(Registry, Held({digest_of(one): one for one in configs}, *images))
    assert publication.labels_of(held, manifest_of(OCI_INDEX, manifests=parts)) == {"a": "1"}
    # a platform that is not there agrees with nothing
    parts.append({"digest": "sha256:" + "1" * 64, "size": 1})
    assert publication.labels_of(held, manifest_of(OCI_INDEX, manifests=parts)) == {}


def test_the_requests_of_a_dry_run() -> None:
    plan = replace(PLAN, own="registry.example.com/x:2.8.0", aliases=("registry.example.com/x:latest",))
    lines = [line.partition("  #")[0].rpartition("/v2/x/")[2] for line in publication.naming(plan)]
    assert lines == ["manifests/2.8.0", "blobs/uploads/...", "manifests/2.8.0", "manifests/latest"]
    assert len(publication.naming(plan, is_pushed=True)) == 2


# ------------------------------------------------------------------------- registries that say no


def test_a_registry_that_refuses_one_name_goes_on_with_the_same_image(address: str, world: World) -> None:
    with refusing(address, "latest") as (proxy, refused):
        behind = World(f"{proxy}/{world.name.partition('/')[2]}", world.environ, world.folder, world.tags)
        plan = behind.push_tag("2.8.0")
        noted: dict[str, str] = {}
        publisher = behind.publisher(plan, keep=lambda **found: noted.update(found))
        with pytest.raises(LoginWanted, match="latest: 403"):
            publisher.publish(behind.layout(plan))
        digest = root(behind.layout(plan)).digest
        assert noted == {"step": "publish", "digest": digest}
        assert world.names() == dict.fromkeys(("2.8.0", "2.8"), digest)
        refused.clear()
        found = behind.publisher(plan, known=digest).look()
        assert (found.kind, found.digest) == ("same", digest)
        assert behind.publisher(plan).publish(digest).status == "done"
    assert world.names() == dict.fromkeys(("2.8.0", "2.8", "latest"), digest)


def test_a_registry_that_is_down_is_gone_on_with(tmp_path: Path, environ: dict[str, str]) -> None:
    need("docker-registry")
    with registry(tmp_path / "r") as address:
        world = World(f"{address}/x", environ, tmp_path / "layouts")
        plan = world.push_tag("2.8.0")
    with pytest.raises(RegistryUnavailable):
        world.publish(plan)
    with pytest.raises(RegistryUnavailable):
        world.publisher(plan).look()
    with registry(tmp_path / "r", port=int(address.rpartition(":")[2])):
        result = world.publish(plan)
        assert result.digest == root(world.layout(plan)).digest
        assert set(world.names().values()) == {result.digest}


def test_a_login_is_wanted_and_then_there(tmp_path: Path, environ: dict[str, str]) -> None:
    need("docker-registry")
    (tmp_path / "docker").mkdir()
    here = {**environ, "DOCKER_CONFIG": str(tmp_path / "docker")}
    with registry(tmp_path / "r", htpasswd(tmp_path / "r")) as address:
        world = World(f"{address}/x", here, tmp_path / "layouts")
        plan = world.push_tag("2.8.0")
        with pytest.raises(LoginWanted, match="wants a login") as said:
            world.publish(plan)
        assert said.value.fix == f"docker login {address}"
        result = publication.failure("publish", said.value)
        assert not result.may_help and not result.is_final
        (tmp_path / "docker" / "config.json").write_text(login_file(address))
        assert world.publish(plan).status == "done"
        assert sorted(world.names()) == ["2.8", "2.8.0", "latest"]


def test_patience_is_kept() -> None:
    busy: Reply = (429, {"Retry-After": "600"}, b"")
    with service((200, {}, b"{}"), busy) as server:
        world = World(f"{server.url.removeprefix('http://')}/x", {}, Path())
        with pytest.raises(RegistryUnavailable) as said:
            world.publisher(world.plan("2.8.0")).look()
    assert publication.failure("ask the registry", said.value).after == 600


def test_what_is_cancelled_while_it_is_published_gets_no_further_name(world: World) -> None:
    plan = world.push_tag("2.8.0")
    result = world.publish(plan, is_wanted=lambda: False)
    assert result.status == "gone" and "cancelled" in result.message and world.names() == {}
    answers = iter((True, False))
    result = world.publish(plan, is_wanted=lambda: next(answers))
    assert result.status == "gone" and set(world.names()) == {"2.8.0"}
    # and it goes on with the same image where somebody wants it again
    first = world.names()["2.8.0"]
    assert world.publish(plan).status == "done"
    assert world.names() == dict.fromkeys(("2.8.0", "2.8", "latest"), first)
