"""A release built once more, by its record, and compared with the image that the record proves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, EnvhooksError, UsageError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import TAGS
from envhooks.builds import engines, layout
from envhooks.builds.beside import anew
from envhooks.builds.builders import load
from envhooks.builds.confirm import Tagged, facts_of
from envhooks.builds.context import Allowed, remove_context, write_context
from envhooks.builds.engines import Engine
from envhooks.builds.imagefiles.difference import differences
from envhooks.builds.imagefiles.manifests import PlatformImage
from envhooks.builds.imagefiles.sources import open_images, open_registry
from envhooks.builds.local_section import read as read_local
from envhooks.builds.plan import plan_builds
from envhooks.builds.process import run
from envhooks.builds.registry import Registry
from envhooks.builds.types import Job, Plan
from envhooks.git.addresses import redact
from envhooks.git.objects import TreeFiles
from envhooks.image import Environment
from envhooks.policy import BuildPolicy, Policy
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER
from envhooks.records.types import Base, ImageRecord
from envhooks.releases.facts import Release
from envhooks.releases.reading import Releases

_PULL_SECONDS = 3600.0


@dataclass(frozen=True)
class Reproduction:
    """Result of building a release once more."""

    digest: str
    """Digest of the image that was built now."""
    wanted: str
    """The digest that the record proves; empty where none does."""
    differences: tuple[str, ...] = ()
    """Differences of the two, one sentence each; empty where they are the same, or cannot be compared."""
    moved: tuple[str, ...] = ()
    """Base images whose name refers to another image now, one sentence each."""
    doubt: str = ""
    """Reason why the two could not be compared beyond their digests."""

    @property
    def is_same(self) -> bool:
        """Whether the image is the recorded one, to the bit."""
        return bool(self.wanted) and self.digest == self.wanted


class Rebuild:
    """One release, ready to be built once more.

    Args:
        releases: those of the repository.
        release: the release, judged and with its records.
        engine: `buildah`, `podman` or `docker`; empty: as the policy's build section says, else the first that works.
        legacy: take a release that no record proves; nothing can be compared then.

    Raises:
        CannotJudge: the release is not proved, or cannot be planned.
    """

    def __init__(
        self, releases: Releases, release: Release, engine: str = "", *, legacy: bool = False
    ) -> None:
        self._git = releases.git
        self.release = release
        self.record = _proved(release, legacy)
        self._policy = _policy_then(releases, self.record)
        section = _section(self._policy, engine, self.record)
        address = self._git.setting(f"remote.{releases.trust.remote}.url") if releases.trust.remote else ""
        plan = _plan(releases, self._policy, release, section, redact(address))
        if self.record is not None and self.record.epoch is not None:  # of a build, whose values it states
            plan = replace(plan, args=tuple(self.record.arguments.items()), epoch=self.record.epoch)
        self.plan = anew(plan)
        self._section = section
        self._top = Path(tempfile.gettempdir())

    @property
    def bases(self) -> tuple[Base, ...]:
        """The base images of the record whose digests are known."""
        return tuple(base for base in (self.record.bases if self.record else ()) if base.digest and base.name)

    def commands(self) -> tuple[str, ...]:
        """The commands that would be run, as a person could type them."""
        with tempfile.TemporaryDirectory(prefix="envhooks-reproduce-") as folder:
            context = Path(folder, "context")
            write_context(
                self._git, self.plan.commit, context, Allowed.by(self._section.options), self.plan.epoch
            )
            try:
                engine = engines.find(read_local(self.plan.options), os.environ)
                pulls = tuple(" ".join(argv) for argv in self._pulls(engine))
                return (*pulls, *load("local").commands(self.plan, context))
            finally:
                remove_context(context)

    def build(self, log: TextIO, environ: Mapping[str, str]) -> Reproduction:
        """Build, name nothing, and compare.

        Raises:
            CannotJudge: a base image is not to be had, or the build failed.
        """
        with tempfile.TemporaryDirectory(prefix="envhooks-reproduce-") as folder:
            context, kept = Path(folder, "context"), Path(folder, "image")
            write_context(
                self._git, self.plan.commit, context, Allowed.by(self._section.options), self.plan.epoch
            )
            try:
                engine = engines.find(read_local(self.plan.options), environ)
                self._refuse_moved(environ)
                for argv in self._pulls(engine):
                    ended = run(argv, log, environ, cwd=Path(folder), timeout=_PULL_SECONDS)
                    if ended.exit_code:
                        raise CannotJudge(
                            f"a base image of the record cannot be had: {printable(' '.join(argv), 300)}"
                        )
                if any(
                    line.endswith(f" push {self.plan.own}")
                    for line in load("local").commands(self.plan, context)
                ):
                    raise CannotJudge(
                        "docker's classic image store knows no digest before it pushes",
                        fix="--engine buildah",
                    )
                result = load("local").build(self.plan, context, log, environ, Job(kept))
                if result.status != "built" or result.layout is None:
                    raise CannotJudge(f"the build failed: {result.message}")
                made = layout.root(result.layout)
                return self._compare(made.digest, result.layout, environ)
            finally:
                remove_context(context)

    @property
    def _is_of_several(self) -> bool:
        """Whether the image is of several platforms, for each of which the engine brings a base of its own."""
        return self.record is not None and len(self.record.platforms) > 1

    def _pulls(self, engine: Engine) -> list[tuple[str, ...]]:
        return [] if self._is_of_several else _pulls(engine, self.bases, self.plan)

    def _refuse_moved(self, environ: Mapping[str, str]) -> None:
        """Of several platforms, a base is brought by the Dockerfile's name for it, which has to be what it was.

        By a digest in the Dockerfile it is.

        Raises:
            CannotJudge: it moved, or that cannot be told.
        """
        if not self._is_of_several or _is_pinned(self.release):
            return
        if moved := _moved(self.bases, environ, self.plan):
            raise CannotJudge(
                f"{printable(moved[0], 600)}: for several platforms, a base of then is not to be had by its name"
            )

    def _compare(self, digest: str, folder: Path, environ: Mapping[str, str]) -> Reproduction:
        record = self.record
        if record is None:
            return Reproduction(digest, "")
        if digest in record.digests:
            return Reproduction(digest, digest)
        moved = (*_moved(self.bases, environ, self.plan), *_unrecorded(record))
        verify = self.plan.options.get("tls_verify", True) is not False
        try:
            published = open_registry(record.reference, environ, tls_verify=verify)
            with published as (_, there), open_images(f"oci:{folder}") as (_, made):
                found = differences(_of(there, record), made[0])
        except CannotJudge as error:
            return Reproduction(
                digest, record.digest, (), moved, f"the recorded image cannot be read: {error.message}"
            )
        return Reproduction(digest, record.digest, found or ("in the packing of its layers alone",), moved)


def _proved(release: Release, legacy: bool) -> ImageRecord | None:
    records = release.records
    if records is not None and records.is_proved and records.image is not None:
        return records.image
    if legacy:
        return None
    if records is not None and records.state == "contradicted":
        why = records.faults[0] if records.faults else "its record is contradicted"
    else:
        why = records.notes[0] if records is not None and records.notes else "no record proves its image"
    raise CannotJudge(
        f"{printable(release.tag)}: {why}, so that there is nothing to compare with",
        fix=f"envhooks reproduce {word(release.tag)} --legacy",
    )


def _section(policy: Policy, engine: str, record: ImageRecord | None) -> BuildPolicy:
    """The build section that is followed: the policy's own local one, else a plain one."""
    own = next((build for build in policy.builds if build.using == "local"), None)
    options = dict(own.options) if own else {}
    if engine:
        options["engine"] = engine
    if record is not None and len(record.platforms) == 1:
        # another machine, or the policy of another day, would build another platform's image
        options.setdefault("platform", next(iter(record.platforms)))
    if record is not None and record.bases:
        # the bases are there by the digests of the record; a name holds the base of one platform alone
        options["pull"] = "always" if len(record.platforms) > 1 else "never"
    for key in ("cache_to", "output", "test"):
        options.pop(key, None)
    return BuildPolicy(own.name if own else "reproduce", "local", options=options, image=policy.image)


def _policy_then(releases: Releases, record: ImageRecord | None) -> Policy:
    """Today's policy with the build sections, and the stamp, of the policy that the image was built by.

    That one was on the protected branch, and a record that is proved names it. It is passed over where this
    repository does not have it, or this version does not read it: a difference is found by the comparison then.
    """
    policy = releases.trust.root.policy
    if record is None or not record.policy_digest:
        return policy
    try:
        data = TreeFiles(releases.git, record.policy_digest).read("policy.toml")
        then = parse_policy(data, f"{FOLDER}/policy.toml of the record") if data is not None else None
    except EnvhooksError:
        return policy
    return policy if then is None else replace(policy, builds=then.builds, image_stamp=then.image_stamp)


def _plan(
    releases: Releases, policy: Policy, release: Release, section: BuildPolicy, remote_url: str
) -> Plan:
    if release.name is None or release.commit is None:
        raise CannotJudge(f"{printable(release.tag)} names no commit, or no version")
    git = releases.git
    tagged = Tagged(release.tag, release.name, release.object, release.commit)
    facts = facts_of(git, policy, tagged, release.environment, release.signer)
    if not facts.dockerfile:
        raise CannotJudge(f"the policy names no Dockerfile for {printable(release.tag)}")
    if policy.image is None:
        raise UsageError("the policy names no [image], so that there is nothing to build")
    tags = [ref.name.removeprefix(TAGS) for ref in git.refs(TAGS)]
    return plan_builds(policy, release.tag, facts, tags, remote_url=remote_url, builds=(section,))[0]


def _pulls(engine: Engine, bases: tuple[Base, ...], plan: Plan) -> list[tuple[str, ...]]:
    """Commands that bring the recorded base images under the names that the Dockerfile has for them."""
    insecure = plan.options.get("tls_verify", True) is False and engine.name != "docker"
    tls = ("--tls-verify=false",) if insecure else ()
    commands: list[tuple[str, ...]] = []
    for base in bases:
        name, _, _ = base.name.partition("@")
        head, colon, tag = name.rpartition(":")
        bare = head if colon and "/" not in tag else name
        exact = f"{bare}@{base.digest}"
        commands.append((*engine.prefix, "pull", *tls, exact))
        if "@" not in base.name:
            commands.append((*engine.prefix, "tag", exact, name))
            # buildah writes an image's first name into the history of what is built from it
            commands.append((*engine.prefix, "rmi" if engine.name == "buildah" else "untag", exact))
    return commands


def _is_pinned(release: Release) -> bool:
    """Whether the Dockerfile names its base image by a digest."""
    environment = release.environment
    return (
        isinstance(environment, Environment)
        and environment.base is not None
        and bool(environment.base.digest)
    )


def _unrecorded(record: ImageRecord) -> Iterator[str]:
    """A sentence for each base image whose digest the record does not have, as engines do not tell it for several."""
    for base in record.bases:
        if base.name and not base.digest:
            yield f"{base.name}: the record does not say which image it was, so that it may have moved"


def _moved(bases: tuple[Base, ...], environ: Mapping[str, str], plan: Plan) -> list[str]:
    verify = plan.options.get("tls_verify", True) is not False
    found = []
    for base in bases:
        if "@" in base.name:
            continue
        try:
            registry = Registry(base.name, environ, tls_verify=verify)
            now = registry.head(registry.image.tag or "latest")
        except CannotJudge as error:
            found.append(f"{base.name}: whether it moved cannot be told, {error.message}")
            continue
        if now is None:
            found.append(f"{base.name} is no longer in its registry; it was {base.digest}")
        elif now != base.digest:
            found.append(f"{base.name} moved: it was {base.digest}, and is {now}")
    return found


def _of(images: tuple[PlatformImage, ...], record: ImageRecord) -> PlatformImage:
    return next((image for image in images if image.digest in record.digests), images[0])
