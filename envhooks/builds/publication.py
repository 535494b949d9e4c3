"""Naming an image: the registry is asked first, a published name keeps its bytes, aliases are decided at that moment.

Two clones, CI beside a client, a retry after half of the names: each comes here, and the registry is what they share.
It cannot compare and set in one step, so a name is asked for, given, and looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Literal, TextIO

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds import layout
from envhooks.builds.further import image_tag
from envhooks.builds.kept import sbom_of
from envhooks.builds.plan import aliases_of, rightful
from envhooks.builds.registry import Manifest, Registry, RegistryError, RegistryUnavailable, parse
from envhooks.builds.registry.client import texts
from envhooks.builds.types import Plan, Result
from envhooks.policy import Policy
from envhooks.tagname import Grammar

TAG_OBJECT, REF_NAME = "envhooks.tag-object", "org.opencontainers.image.ref.name"
ROUNDS = 6
"""Rounds of comparing the aliases with the remote's tags; each publisher that comes between takes one."""
MAX_PLATFORMS = 20
SPDX = "application/spdx+json"
MAX_SBOM = 256 << 20
"""Bytes."""

Now = Callable[[], tuple[Collection[str], "str | None"]]
"""Asks the remote: (short names of all its tags, the object that it has under this release's tag)."""


@dataclass(frozen=True)
class Found:
    """The image that the registry has under a tag's own name."""

    kind: Literal["absent", "same", "other"]
    digest: str = ""
    why: str = ""
    """A sentence with both digests, where another image has the name."""


class _Stop(Exception):
    """The end of a publication, with the result that says so."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.message)
        self.result = result


@dataclass
class Publisher:
    """The names of one release in its registry."""

    plan: Plan
    policy: Policy
    environ: Mapping[str, str]
    now: Now
    log: TextIO
    known: str = ""
    """The digest that this clone's ledger has for the release; empty: none."""
    tls_verify: bool = True
    is_wanted: Callable[[], bool] = lambda: True
    """Whether nobody has cancelled the build meanwhile; asked before each name is given."""
    keep: Callable[..., None] = lambda **_: None
    """Writes `step` and `digest` into the ledger."""
    _given: set[str] = field(default_factory=set)
    """Aliases that this run has moved."""
    _notes: list[str] = field(default_factory=list)
    _notes_of_names: list[str] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------- asking

    def registry(self, *, push: bool = False) -> Registry:
        """The client for the image's repository, with the engine's own logins."""
        return Registry(self.plan.own, self.environ, tls_verify=self.tls_verify, push=push)

    def look(self, *, is_new: bool = False) -> Found:
        """The image under the tag's own name, and whether it was made of this tag object.

        With `is_new`, nothing was there before the builder ran: an image without a label is the builder's.

        Raises:
            RegistryError: the registry cannot be asked.
        """
        registry = self.registry()
        manifest = registry.manifest(registry.image.tag)
        return Found("absent") if manifest is None else self._compare(registry, manifest, is_new=is_new)

    def _compare(self, registry: Registry, manifest: Manifest, *, is_new: bool = False) -> Found:
        plan, digest = self.plan, manifest.digest
        made_of = labels_of(registry, manifest).get(TAG_OBJECT, "")
        if made_of == plan.tag_object or digest == self.known or (is_new and not made_of):
            return Found("same", digest)
        ours = f"and this is {plan.tag_object}"
        theirs = (
            f"of tag object {printable(made_of, 64)}" if made_of else "without a label that says of which"
        )
        known = f" (this clone built {self.known})" if self.known else ""
        why = f"{plan.own} is published as {digest}, {theirs}, {ours}{known}: a published name is never given again"
        return Found("other", digest, why)

    # ------------------------------------------------------------------------------------------- naming

    def publish(self, source: Path | str) -> Result:
        """Give the names to an image: in an OCI layout, or in the registry already by this digest.

        Raises:
            RegistryError: the registry does not answer, or refuses; another attempt goes on with the same image.
            CannotJudge: the layout or the remote cannot be read.
        """
        try:
            registry = self.registry(push=True)
            manifest = self._manifest(registry, source)
            self.keep(step="publish", digest=manifest.digest)
            self._attach(registry, manifest, source)
            manifest = self._name(registry, manifest)
            self.keep(digest=manifest.digest)
            self._name_also(registry, manifest)
            manifest = self._move_aliases(registry, manifest)
            return Result("done", manifest.digest, None, self._summary(), None)
        except _Stop as stop:
            return stop.result

    def _manifest(self, registry: Registry, source: Path | str) -> Manifest:
        if isinstance(source, Path):
            self.log.write(f"sending the image to {registry.image.name}, without a name\n")
            return layout.push(source, registry, self.log)
        found = registry.manifest(source)
        if found is None:
            raise RegistryError(f"{registry.image.name} does not hold {source}, which was pushed to it")
        return found

    def _attach(self, registry: Registry, manifest: Manifest, source: Path | str) -> None:
        """Attach the bill of materials before the image has a name: a policy of a cluster may look for it at once."""
        file = sbom_of(source) if isinstance(source, Path) else None
        if file is None or not file.is_file():
            return
        if file.stat().st_size > MAX_SBOM:
            raise CannotJudge(f"the SBOM has more than {MAX_SBOM >> 20} MiB", place=printable(str(file)))
        made = registry.attach(
            manifest.descriptor, SPDX, (replace(registry.put_blob(file), media_type=SPDX),)
        )
        self._say(f"attached the SBOM: {made.digest}")

    def _name(self, registry: Registry, manifest: Manifest) -> Manifest:
        """Give the own name where nothing has it; answers the image that has it in the end."""
        self._require_tag()
        tag = registry.image.tag
        for _ in range(2):
            there = registry.manifest(tag)
            if there is not None:
                if there.digest == manifest.digest:
                    return there
                found = self._compare(registry, there)
                if found.kind == "other":
                    raise _Stop(Result("failed", None, None, found.why, None, is_final=True))
                self._say(
                    f"{self.plan.own} was published meanwhile as {there.digest}, of the same tag object: taken as built"
                )
                return there
            self._say(f"naming {self.plan.own}: {manifest.digest}")
            registry.put_manifest(tag, manifest.body, manifest.media_type)
        raise RegistryUnavailable(f"{registry.image.name} took the name {tag} and does not have it")

    def _name_also(self, registry: Registry, manifest: Manifest) -> None:
        """Give the further names that the release owns; one that is another image's stays what it is."""
        for reference in self.plan.also:
            tag = reference.rpartition(":")[2]
            there = registry.manifest(tag)
            if there is None:
                self._say(f"naming {reference}: {manifest.digest}")
                registry.put_manifest(tag, manifest.body, manifest.media_type)
            elif there.digest != manifest.digest:
                self._notes_of_names.append(f"{reference} is left alone: it is published as {there.digest}")

    def _move_aliases(self, registry: Registry, manifest: Manifest) -> Manifest:
        """Move what this release has a right to; look again until nothing changes, neither tags nor names."""
        for _ in range(ROUNDS):
            tags = self._require_tag()
            moved, notes = (
                aliases_of(self.policy, self.plan.tag, self.plan.image, tags)
                if self.plan.moves_aliases
                else ((), ())
            )
            self._notes = list(notes)
            changes = [self._move(registry, alias, manifest, tags) for alias in moved]
            changes += [
                self._give_back(registry, alias, tags) for alias in sorted(self._given.difference(moved))
            ]
            there = registry.manifest(registry.image.tag)
            if there is not None and there.digest != manifest.digest:
                # a second publisher named its own image between our question and our name
                found = self._compare(registry, there)
                if found.kind == "other":
                    raise _Stop(Result("failed", None, None, found.why, None, is_final=True))
                self._say(f"{self.plan.own} is {there.digest} now, of the same tag object")
                manifest, changes = there, [True]
            if not any(changes):
                return manifest
        if self._given:
            raise RegistryUnavailable(
                f"others keep moving {', '.join(sorted(self._given))} of {self.plan.image}"
            )
        return manifest

    def _move(self, registry: Registry, alias: str, manifest: Manifest, tags: Collection[str]) -> bool:
        """Move one alias to this release; whether anything changed."""
        there = registry.manifest(alias)
        if there is not None and there.digest == manifest.digest:
            return False
        why = self._outranked(registry, there, tags) if there is not None else ""
        if why:
            self._notes.append(f"{self.plan.image}:{alias} is left alone: {why}")
            return False
        self._say(f"naming {self.plan.image}:{alias}: {manifest.digest}")
        registry.put_manifest(alias, manifest.body, manifest.media_type)
        self._given.add(alias)
        return True

    def _outranked(self, registry: Registry, there: Manifest, tags: Collection[str]) -> str:
        """Reason why an alias stays where it is: it has a later release, which this remote does not list."""
        grammar = Grammar(self.policy.tag)
        own = grammar.match(self.plan.tag)
        other = grammar.match(labels_of(registry, there).get(REF_NAME, ""))
        if (
            own is None
            or other is None
            or other.text in tags
            or other.line != own.line
            or not other.is_stable
        ):
            return ""
        if other.order <= own.order:
            return ""
        return f"it is {printable(other.text)}, a later release, which the remote does not list"

    def _give_back(self, registry: Registry, alias: str, tags: Collection[str]) -> bool:
        """An alias was moved by tags that have changed since: give it to the release that it belongs to now."""
        right = rightful(self.policy, alias, self.plan.image, tags)
        image = registry.manifest(image_tag(right)) if right is not None else None
        if right is None or image is None:
            return False  # its publisher moves the alias then
        there = registry.head(alias)
        if there == image.digest:
            return False
        self._say(f"naming {self.plan.image}:{alias}: {image.digest}, of {right.text}, which came meanwhile")
        registry.put_manifest(alias, image.body, image.media_type)
        return True

    def _require_tag(self) -> Collection[str]:
        """The remote's tags now, among which this release has to be as it was, and wanted still."""
        if not self.is_wanted():
            raise _Stop(Result("gone", None, None, "cancelled; no further name is given to its image", None))
        tags, there = self.now()
        if there != self.plan.tag_object:
            what = (
                f"holds another object under this name: {printable(there, 12)}"
                if there
                else "no longer holds the tag"
            )
            raise _Stop(
                Result("gone", None, None, f"the remote {what}; no name was given to its image", None)
            )
        return tags

    def _say(self, text: str) -> None:
        self.log.write(printable(text, 1000) + "\n")
        self.log.flush()

    def _summary(self) -> str:
        names = [self.plan.own, *(f"{self.plan.image}:{alias}" for alias in sorted(self._given))]
        return "; ".join((f"published {', '.join(names)}", *self._notes_of_names, *self._notes))


def labels_of(registry: Registry, manifest: Manifest) -> dict[str, str]:
    """Labels of an image, and over them the annotations of its manifest.

    For an index: its annotations, and the labels in which all of its platforms agree.

    Raises:
        RegistryError: the registry does not answer with them.
    """
    if manifest.is_index:
        found: dict[str, str] | None = None
        for part in manifest.parts("manifests")[:MAX_PLATFORMS]:
            if "vnd.docker.reference.type" in part.annotations:
                continue  # provenance or an SBOM, no image
            child = registry.manifest(part.digest)
            labels = labels_of(registry, child) if child is not None and not child.is_index else {}
            found = labels if found is None else {k: v for k, v in found.items() if labels.get(k) == v}
        return {**(found or {}), **manifest.annotations}
    config = manifest.config
    if config is None:
        return manifest.annotations
    try:
        raw = json.loads(registry.blob(config.digest))
    except (ValueError, RecursionError):
        raw = {}
    inner = raw.get("config") if isinstance(raw, dict) else None
    return {**texts(inner.get("Labels") if isinstance(inner, dict) else None), **manifest.annotations}


def naming(plan: Plan, *, is_pushed: bool = False) -> tuple[str, ...]:
    """Requests to the registry for a dry run, by the OCI distribution API, with the time of each.

    With `is_pushed`, the builder itself pushes the image under its own name.
    """
    image = parse(plan.own)
    top = f"https://{image.api_host}/v2/{image.path}"
    lines = [f"HEAD {top}/manifests/{image.tag}  # before anything is built; what is published stays"]
    if not is_pushed:
        lines.append(f"PUT {top}/blobs/uploads/...  # the image, without a name")
        lines.append(f"PUT {top}/manifests/{image.tag}  # only where nothing is published under it")
    for alias in plan.aliases:
        name = alias.rpartition(":")[2]
        lines.append(f"PUT {top}/manifests/{name}  # if the remote's tags still say so then")
    return tuple(printable(line, 2000) for line in lines)


def is_asked(plan: Plan) -> bool:
    """Whether the image of a plan goes to a registry, which is asked first."""
    return (
        bool(plan.own)
        and plan.is_witnessed
        and (plan.using != "local" or plan.options.get("output", "registry") == "registry")
    )


def failure(what: str, error: CannotJudge) -> Result:
    """The result for an error of a publication. A login takes a person: asking again in a moment would not help."""
    is_passing = isinstance(error, RegistryUnavailable) or not isinstance(error, RegistryError)
    after = error.after if isinstance(error, RegistryUnavailable) else 0.0
    return Result("failed", None, None, f"could not {what}: {error}", None, after=after, may_help=is_passing)
