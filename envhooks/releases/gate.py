"""May a release run in an environment that the policy names, and which one to go back to.

Everything is answered from tags, judged by today's policy, and from records. What no record proves is never allowed:
a label, the name of an image and the memory of one clone are claims.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Literal

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.judge.checkout import lacks_tags
from envhooks.policy import DeployPolicy, Policy
from envhooks.policy.values import meant
from envhooks.records import reader
from envhooks.records.types import ImageRecord, Records
from envhooks.releases.facts import Release
from envhooks.releases.reading import Releases

Outcome = Literal["allowed", "refused", "unproved", "ignored"]
EXIT_CODES: dict[Outcome, int] = {"allowed": 0, "ignored": 0, "refused": 1, "unproved": 2}


@dataclass(frozen=True)
class Answer:
    """The answer of a gate about one tag or image."""

    what: str
    """As it was asked for."""
    outcome: Outcome
    """`ignored`: an image that `[deploy.NAME] ignore` leaves alone."""
    why: str
    """One sentence without a final full stop."""
    tag: str = ""
    """The release; empty where none is known."""
    reference: str = ""
    """The image with its digest, where a record proves it."""
    resource: str = ""
    """The manifest's resource that names the image: `Deployment/train`."""
    line: int | None = None
    """The line of the manifests."""


def environment_named(policy: Policy, name: str) -> DeployPolicy:
    """`[deploy.NAME]`.

    Raises:
        UsageError: the policy names no such environment: there would be no rules to apply.
    """
    found = next((one for one in policy.deploys if one.name == name), None)
    if found is not None:
        return found
    text = f"the policy has no [deploy.{printable(name, 60)}]"
    if names := [printable(one.name, 60) for one in policy.deploys[:20]]:
        raise UsageError(f"{text}; {meant(name, names)}", place=policy.origin)
    # an example that can be pasted is of a name that TOML and the shell take as it is
    key = name if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) else "production"
    fix = f"printf '%s\\n' '' '[deploy.{key}]' 'stages = [\"stable\", \"post\"]' >> .envhooks/policy.toml"
    raise UsageError(
        f"{text} and names no environment at all; state one, commit it and push it",
        place=policy.origin,
        fix=fix,
    )


class Gate:
    """One gate: the releases of a repository against one `[deploy.NAME]`."""

    def __init__(self, releases: Releases, deploy: DeployPolicy, now: float | None = None) -> None:
        """`now` is in seconds since the epoch; None: this moment."""
        self._releases = releases
        self._deploy = deploy
        self._root = releases.trust.root
        self._policy = releases.trust.root.policy
        self._now = time.time() if now is None else now

    @property
    def has_images(self) -> bool:
        """Whether the policy names an image: then a release without a proved one is not allowed."""
        return self._policy.image is not None

    def of_tag(self, tag: str, what: str = "") -> Answer:
        """The answer about a release tag.

        Raises:
            UsageError: there is no such tag.
        """
        release = self._releases.judge(self._releases.read([tag]))[0]
        try:
            records = reader.read(self._releases.git, self._root, release.tag)
        except CannotJudge as error:  # of this release alone: others are judged all the same
            why = f"its records cannot be read: {error.message}"
            return Answer(what or tag, "unproved", why, release.tag)
        return self._decide(what or tag, release, records, None)

    def ignores(self, name: str) -> bool:
        """Whether `[deploy.NAME] ignore` leaves an image alone, by its name without tag and digest."""
        return any(fnmatchcase(name, pattern) for pattern in self._deploy.ignore)

    def of_digest(self, name: str, digest: str, what: str) -> Answer:
        """The answer about an image by its digest: its record leads to the tag, and the tag is judged.

        Args:
            name: the image's name without tag and digest; that the record has another one is said. Empty: not known.
            digest: `sha256:...` of an index or of one platform.
        """
        if self.ignores(name):
            return Answer(what, "ignored", "the policy leaves this image alone")
        found = reader.find_image(self._releases.git, self._root, digest)
        proved = [one for one in found if any(digest in image.digests for image in one.images)]
        if not proved:
            contradicted = next((one for one in found if one.state == "contradicted"), None)
            if contradicted is not None:
                why = contradicted.faults[0] if contradicted.faults else "its record is contradicted"
                return Answer(what, "refused", why, contradicted.tag)
            return Answer(what, "unproved", "no record says of which release this image is")
        answers = [self._of_record(one, name, digest, what) for one in proved]
        # one image may be of two tags, rc2 and stable: that one of them may run is enough
        return min(answers, key=lambda one: ("allowed", "unproved", "refused").index(one.outcome))

    def _of_record(self, records: Records, name: str, digest: str, what: str) -> Answer:
        image = next(one for one in records.images if digest in one.digests)
        release = self._releases.judge(self._releases.read([records.tag]))[0]
        found = self._decide(what, release, records, image)
        # the same bytes by another name, such as that of a mirror: a registry cannot give others for a digest
        if found.outcome == "allowed" and name and name.casefold() != image.name.casefold():
            return replace(found, why=f"a copy, as the record names {image.name}")
        return found

    def _decide(self, what: str, release: Release, records: Records, image: ImageRecord | None) -> Answer:
        image = image or records.image
        reference = image.reference if image else ""

        def answer(outcome: Outcome, why: str) -> Answer:
            return Answer(what, outcome, why, release.tag, reference)

        refusal = self._refusal(release, records) or self._yanked_twin(release, image)
        if refusal:
            return answer("refused", refusal)
        doubt = self._doubt(release, records, image) or self._yanked_elsewhere()
        if doubt:
            return answer("unproved", doubt)
        late = self._too_young(release, records, image)
        if late:
            return answer("refused", late)
        if self.has_images:
            return answer("allowed", "")
        age = "" if records.passed or not self._deploy.min_age else ", and its age is by the tag's own date"
        return answer("allowed", f"judged by its tag alone: the policy names no image{age}")

    def _refusal(self, release: Release, records: Records) -> str:
        """Reason why it must not run, whatever else is proved; empty where it may."""
        deploy = self._deploy
        if release.verdict == "refused":
            return f"today's policy refuses the tag: {release.why}"
        if records.state == "contradicted":
            return records.faults[0] if records.faults else "its record is contradicted"
        if records.yanked:
            return f"yanked: {records.yanked}"
        if release.name is None:
            return "its name says no stage and no line"
        if release.stage not in deploy.stages:
            taken = " and ".join(deploy.stages)
            return f"{_a(release.stage)} release may not run in {deploy.name}, which takes {taken}"
        if deploy.lines and not any(fnmatchcase(release.line, pattern) for pattern in deploy.lines):
            return f"its line {release.line} may not run in {deploy.name}"
        if deploy.tag_signers and release.verdict == "accepted" and release.signer not in deploy.tag_signers:
            return f"signed by {release.signer or 'nobody known'}, which {deploy.name} does not take"
        return ""

    @cached_property
    def _yanked_images(self) -> Mapping[str, tuple[str, str]]:
        """Digest of an image of a yanked release -> (the tag, the reason)."""
        return {
            digest: (tag, reason)
            for tag, reason in self._policy.yanked.items()
            if self._releases.has(tag)
            for image in reader.read(self._releases.git, self._root, tag).claimed
            for digest in image.digests
        }

    def _yanked_twin(self, release: Release, image: ImageRecord | None) -> str:
        """Reason why an image must not run that is of a yanked release as well: the same bytes; else empty."""
        if image is None:
            return ""
        for digest in sorted(image.digests & self._yanked_images.keys()):
            tag, reason = self._yanked_images[digest]
            if tag != release.tag:
                return f"its image is that of {printable(tag)}, which is yanked: {reason}"
        return ""

    def _yanked_elsewhere(self) -> str:
        """Reason why a yanked release may have this image, whatever the clone's tags say; else empty."""
        missing = [tag for tag in self._policy.yanked if self.has_images and not self._releases.has(tag)]
        why = lacks_tags(self._releases.git) if missing else ""
        return f"{missing[0]} is yanked, and may have this image too: {why}" if why else ""

    def _doubt(self, release: Release, records: Records, image: ImageRecord | None) -> str:
        """Reason why something is not proved; empty where all is."""
        if release.verdict != "accepted":
            return f"the tag could not be judged: {release.why or 'no reason was told'}"
        missing = [check for check in self._deploy.checks if check not in release.passed]
        if missing:
            return f"{missing[0]} has not passed for it, which {self._deploy.name} asks for"
        if not self.has_images:
            is_undated = self._deploy.min_age and not records.passed and not release.seconds
            return "neither a record nor the tag says how old it is" if is_undated else ""
        if not records.is_proved or image is None:
            return records.notes[0] if records.notes else "no record proves which image is of it"
        wanted = self._deploy.record_signers
        if wanted and not any(
            one.signer.name in wanted for one in records.images if one.digest == image.digest
        ):
            asked = " or ".join(wanted)
            return f"its image is recorded by {image.signer.name}, and {self._deploy.name} asks for {asked}"
        return ""

    def _too_young(self, release: Release, records: Records, image: ImageRecord | None) -> str:
        if not self._deploy.min_age:
            return ""
        if image is not None:
            first = min(one.time for one in records.images if one.digest == image.digest)
            since, of_what = first.timestamp(), "recorded"
        elif records.passed:  # what a verifier signed: a tagger writes any date into a tag
            since, of_what = min(one.time for one in records.passed).timestamp(), "recorded"
        else:
            since, of_what = float(release.seconds), "by the tag's own date tagged"
        wait = since + self._deploy.min_age - self._now
        if wait <= 0:
            return ""
        until = datetime.fromtimestamp(since + self._deploy.min_age, timezone.utc)
        day = datetime.fromtimestamp(since, timezone.utc).date().isoformat()
        return f"{of_what} {day}, too young for {self._deploy.name} until {until:%Y-%m-%d %H:%M} UTC"

    # ------------------------------------------------------------------------------------- rollback

    def rollback(self, tag: str) -> tuple[Answer | None, tuple[Answer, ...]]:
        """The newest release before a tag that may run, and those in between that may not, newest first.

        Only the same line is looked at: other hardware is no way back, and neither is a pre-release.

        Raises:
            UsageError: there is no such tag, or its name says no version.
        """
        start = self._releases.read([tag])[0]
        if start.name is None:
            raise UsageError(f"{printable(start.tag)} says no version: nothing is before it")
        before = [
            one
            for one in self._releases.read()
            if one.name is not None
            and one.line == start.line
            and one.name.is_stable
            and one.name.order < start.name.order
        ]
        leaving = reader.read(self._releases.git, self._root, start.tag).image
        passed_over: list[Answer] = []
        for one in reversed(before):
            answer = self.of_tag(one.tag)
            if answer.outcome == "allowed" and leaving is not None and answer.reference == leaving.reference:
                answer = replace(answer, outcome="refused", why=f"it is the image of {start.tag}")
            if answer.outcome == "allowed":
                return answer, tuple(passed_over)
            passed_over.append(answer)
        return None, tuple(passed_over)


def worst(answers: Iterable[Answer]) -> int:
    """The exit code of several answers: 2 outranks 1 outranks 0."""
    return max((EXIT_CODES[one.outcome] for one in answers), default=2)


def stable_only(stages: Sequence[str]) -> tuple[str, ...]:
    """The stages that a way back may have."""
    return tuple(stage for stage in stages if stage in ("stable", "post"))


def _a(stage: str) -> str:
    return f"an {stage}" if stage[:1] in "ae" else f"a {stage}"
