"""Who names what, whatever comes between: real registry, real images, each race ending with the right names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN, Reply, htpasswd, login_file, need, new_log, refusing, registry, service

from envhooks.base.dataclass import replace
from envhooks.builds import publication
from envhooks.builds.further import image_tag
from envhooks.builds.layout import root
from envhooks.builds.publication import Publisher
from envhooks.builds.registry import LoginWanted, Registry, RegistryUnavailable, transport
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
