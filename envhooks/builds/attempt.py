"""One attempt at a build: the registry is asked, the builder builds, the image gets its names.

The registry is asked before anything is built as well as before a name is given: what is published already is not built
for nothing, and what another clone or CI built is taken as built.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds import publication
from envhooks.builds import remote as remotes
from envhooks.builds.builders import load
from envhooks.builds.ledger import Row
from envhooks.builds.publication import Publisher
from envhooks.builds.types import Job, Plan, Result
from envhooks.builds.verify_image import published_settings
from envhooks.builds.verify_published import verified
from envhooks.builds.web import Refused, Unreachable
from envhooks.git.repository import Git
from envhooks.policy import BuildPolicy, Policy


@dataclass(frozen=True)
class Attempt:
    """Inputs of one attempt."""

    git: Git
    row: Row
    plan: Plan
    build: BuildPolicy
    policy: Policy
    remote: remotes.Remote
    environ: Mapping[str, str]
    log: TextIO
    job: Job

    def run(self, context: Path) -> Result:
        """Ask, build from `context`, and name.

        Raises:
            EnvhooksError: the builder cannot do anything at all here.
        """
        is_requested = self.row.step == "follow" and not self.row.request
        if not publication.is_asked(self.plan):
            text = f"{self.plan.using} was asked before, and will not be heard of again"
            known = self.row.run_url or None
            return Result("started", None, known, text, None) if is_requested else self._build(context)
        publisher = self._publisher()
        try:
            found = publisher.look()
        except CannotJudge as error:
            return publication.failure("ask the registry", error)
        if found.kind == "other":
            return Result("failed", None, None, found.why, None, is_final=True)
        if found.kind == "same":
            self._say(f"{self.plan.own} is published as {found.digest}, of this tag object: taken as built")
            return self._publish(publisher, Result("built", found.digest, None, "taken as built", None))
        if is_requested:
            text = f"requested before, and {self.plan.own} is not in the registry yet"
            return Result("started", None, self.row.run_url or None, text, None)
        gone = ""
        if self.row.digest and self.row.step == "":
            gone = f"{self.plan.own} was {self.row.digest} and is no longer in the registry: built again"
            self._say(gone)
        result = self._build(context)
        if result.status == "done":
            result = self._named_by_builder(publisher, result)
        if result.status == "built":
            result = self._publish(publisher, result)
        return replace(result, message=f"{result.message}; {gone}") if gone else result

    def _build(self, context: Path) -> Result:
        try:
            result = load(self.plan.using).build(self.plan, context, self.log, self.environ, self.job)
            return verified(result, self.plan, self.build, self.log, self.environ)
        except Unreachable as error:
            return Result("failed", None, None, str(error), None, after=error.after)
        except Refused as error:
            return Result("failed", None, None, str(error), None, is_final=True)

    def _named_by_builder(self, publisher: Publisher, result: Result) -> Result:
        """A program or service built and pushed: its image has to be there under the own name."""
        try:
            found = publisher.look(is_new=True)
        except CannotJudge as error:
            return publication.failure("ask the registry", error)
        if found.kind == "absent":
            text = f"{result.message}, and the registry does not hold {self.plan.own}"
            return replace(result, status="failed", digest=None, message=text)
        if found.kind == "other":
            return replace(result, status="failed", digest=None, message=found.why, is_final=True)
        if result.digest and result.digest != found.digest:
            text = f"{result.message} with {result.digest}, and {self.plan.own} is {found.digest}"
            return replace(result, status="failed", digest=None, message=text, is_final=True)
        publisher.known = found.digest
        return replace(result, status="built", digest=found.digest)

    def _publish(self, publisher: Publisher, result: Result) -> Result:
        source = result.layout or result.digest
        if source is None:
            text = f"{result.message}, and {self.plan.using} named no digest"
            return replace(result, status="failed", message=text)
        try:
            done = publisher.publish(source)
        except CannotJudge as error:
            return replace(publication.failure("publish", error), run_url=result.run_url)
        told = f"{done.message}; {result.message}" if done.status == "done" else done.message
        return replace(
            result, status=done.status, digest=done.digest, message=told, is_final=done.is_final, layout=None
        )

    def _publisher(self) -> Publisher:
        def now() -> tuple[tuple[str, ...], str | None]:
            refs = remotes.list_refs(self.git, self.remote, self.environ)
            return refs.tags, refs.refs.get(self.plan.ref)

        return Publisher(
            self.plan,
            self.policy,
            self.environ,
            now,
            self.log,
            known=self.row.digest,
            tls_verify=published_settings(self.build).tls_verify,
            keep=self.job.keep,
            is_wanted=self.job.is_wanted,
        )

    def _say(self, text: str) -> None:
        self.log.write(printable(text, 1000) + "\n")
        self.log.flush()
