"""an engine on this machine: docker buildx, podman or buildah, whichever is there

The image is compared with the tag before any of its names moves: with buildx it is pushed without a name
first, podman and buildah have it in the machine's own storage.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.builds import engines, verify_image
from envhooks.builds.engines import Engine
from envhooks.builds.kept import Kept
from envhooks.builds.local_section import Wanted, read
from envhooks.builds.local_section import describe as describe
from envhooks.builds.process import Ended, cause, engine_environment, run
from envhooks.builds.publication import naming
from envhooks.builds.secrets import required
from envhooks.builds.stamping import refuse_unstamped
from envhooks.builds.steps import (
    CONTAINER,
    DIGEST,
    LAYOUT,
    SBOM,
    SCRATCH,
    Check,
    Step,
    Steps,
    image_file,
    image_slot,
    steps,
)
from envhooks.builds.types import ALONE, Job, Plan, Result

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BASE_LABEL = "org.opencontainers.image.base.name"
_ASKS = 4
"""Attempts to ask an interpreter that ends with code 0 and prints nothing."""
_ENGINE_FAILED = 125
"""docker, podman and buildah: the engine itself failed, not what it ran."""


class _Failed(Exception):
    """A step did not work; the sentence says which."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what a `local` build may not say.

    Raises:
        PolicyError: a key that is unknown or of the wrong kind.
    """
    read(options)


def commands(plan: Plan, context: Path) -> tuple[str, ...]:
    """The commands that `build` would run; what only a run can know stands as `$IMAGE`, `$DIGEST`, `$SCRATCH`.

    Raises:
        CannotJudge: no engine can be used here.
    """
    wanted, _, listed = _prepare(plan, context, os.environ)
    shown = tuple(step.shown() for step in listed.all())
    return (*shown, *naming(plan)) if wanted.output == "registry" else shown


def _prepare(plan: Plan, top: Path, environ: Mapping[str, str]) -> tuple[Wanted, Engine, Steps]:
    wanted = read(plan.options)
    if not plan.own and wanted.output != "none":
        raise PolicyError(
            "the policy names no image, so there is nowhere to push to",
            place=".envhooks/policy.toml",
            fix='[image]\nname = "registry.example.com/team/{framework:lower}-{hardware:lower}"',
        )
    if wanted.verify.is_on and plan.expected is None:
        raise CannotJudge(
            "the plan does not say what the image has to hold",
            place=plan.ref,
            fix=f"envhooks build {plan.tag}",
        )
    for _, variable in wanted.secrets:
        required(variable, environ)
    engine = engines.find(wanted, environ, engines.work_tree_of(top))
    folder, file = _inside(top, plan.context, "the context"), _inside(top, plan.dockerfile, "the Dockerfile")
    if plan.stamp and engine.name == "docker":
        refuse_unstamped(file, plan)
    return wanted, engine, steps(plan, folder, file, wanted, engine)


def _inside(top: Path, path: str, what: str) -> Path:
    """A path in the written-out tree, which a link in that tree may not lead out of."""
    found = top / path
    if not path or not found.resolve().is_relative_to(top.resolve()):
        raise CannotJudge(f"{what} is not in the tagged tree", place=printable(path))
    return found


def build(plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE) -> Result:
    """Build, and ask the image what it holds; it is named by `publication`, which asks the registry first.

    An earlier attempt's image is gone on with: asked again where it was not asked, published where it was.

    Raises:
        PolicyError: options that cannot be.
        CannotJudge: no engine can be used here.
    """
    wanted, engine, listed = _prepare(plan, context, environ)
    words = [word for step in listed.builds for word in step.argv]
    kept = Kept(job.kept or context.with_name(f"{context.name}.image"), words)
    with tempfile.TemporaryDirectory(prefix="envhooks-build-") as scratch:
        work = _Work(plan, wanted, engine, log, environ, Path(scratch), kept)
        try:
            if not work.goes_on():
                if not work.has_images():
                    work.build(listed)
                job.keep(step="verify")
                work.check(listed)
                work.publish(listed)
            return work.result()
        except _Failed as failed:
            log.write(printable(f"failed: {failed}", 2000) + "\n")
            return Result("failed", None, None, str(failed), None, failed.is_final)


class _Work:
    """One build as it goes on: what the steps have found out so far."""

    def __init__(
        self,
        plan: Plan,
        wanted: Wanted,
        engine: Engine,
        log: TextIO,
        environ: Mapping[str, str],
        scratch: Path,
        kept: Kept,
    ) -> None:
        self._kept = kept
        self._plan, self._wanted, self._engine, self._log = plan, wanted, engine, log
        self._environ = engine_environment(environ)
        self._scratch = scratch
        self._values = {SCRATCH: str(scratch), LAYOUT: str(kept.layout), SBOM: str(kept.sbom)}
        self._checked = ""
        self.verified = ""
        """Method by which the image was compared with the tag."""
        self.holds: Mapping[str, str] = {}
        self.bases: Mapping[str, str] = {}
        """Base image -> digest of what the engine took under its name."""

    def _run(self, step: Step) -> Ended:
        self._log.write(f"$ {step.shown()}\n")
        self._log.flush()
        environ = {**self._environ, **dict(step.environ)}
        argv = step.filled(self._values)
        return run(argv, self._log, environ, cwd=self._scratch, timeout=self._wanted.timeout)

    def _do(self, step: Step) -> str:
        ended = self._run(step)
        if ended.exit_code and step.may_fail and not ended.timed_out:
            return ended.output
        if ended.timed_out:
            limit = f"{self._wanted.timeout / 60:g} minutes"
            raise _Failed(f"could not {step.what} within {limit}; `timeout` in the build section gives more")
        if ended.exit_code:
            program = (
                Path(step.argv[0]).name if step.argv[:1] != self._engine.prefix[:1] else self._engine.name
            )
            raise _Failed(
                f"could not {step.what}: {program} ended with {ended.exit_code}{_last(ended.output)}"
            )
        return ended.output

    def goes_on(self) -> bool:
        """Whether an earlier attempt got so far that its image only has to be published."""
        if self._wanted.output != "registry" or not self._kept.digest:
            return False
        if bool(self._wanted.sbom and self._engine.syft) != self._kept.sbom.is_file():
            return False  # the section asks for another publication now
        self._log.write(f"going on with the image that was built and checked before: {self._kept.digest}\n")
        self._values[DIGEST], self._checked = self._kept.digest, self._kept.checked
        self.verified, self.holds, self.bases = self._kept.verified, self._kept.holds, self._kept.bases
        return True

    def has_images(self) -> bool:
        """Whether the engine still has what an earlier attempt built, of every platform."""
        found = {image_file(platform, self._wanted): "" for platform in self._wanted.platforms}
        for name in found:
            found[name] = image = self._kept.images.get(name, "")
            argv = (*self._engine.prefix, "inspect", "--type", "image", image)
            if not image or run(argv, StringIO(), self._environ, cwd=self._scratch, timeout=60).exit_code:
                return False
        for platform in self._wanted.platforms:
            image = found[image_file(platform, self._wanted)]
            self._log.write(f"going on with the image that was built before: {printable(image, 80)}\n")
            self._values[image_slot(platform, self._wanted)] = image
        return True

    def build(self, listed: Steps) -> None:
        """Run the build, and note by what the image goes."""
        for step in listed.builds:
            self._do(step)
        images = {}
        for platform in self._wanted.platforms:
            name = image_file(platform, self._wanted)
            images[name] = image = self._file(name)
            if image:
                self._values[image_slot(platform, self._wanted)] = image
            else:
                self._values[DIGEST] = self._metadata()
        self.bases = self._base_digests()
        if self._engine.name != "docker":  # which has no `inspect` of what its builder holds
            self._kept.note(images=images)

    def _base_digests(self) -> dict[str, str]:
        """The base image by the digest that the engine has for its name; empty where it cannot be asked."""
        name = dict(self._plan.labels).get(BASE_LABEL, "")
        if not name or "@" in name or self._engine.name == "docker" or len(self._wanted.platforms) > 1:
            return {}
        told = {"buildah": ("inspect", "--type", "image", "--format", "{{.FromImageDigest}}", name),
                "podman": ("image", "inspect", "--format", "{{.Digest}}", name)}[self._engine.name]  # fmt: skip
        ended = run((*self._engine.prefix, *told), StringIO(), self._environ, cwd=self._scratch, timeout=60)
        digest = ended.output.strip()
        return {name: digest} if not ended.exit_code and _DIGEST.fullmatch(digest) else {}

    def check(self, listed: Steps) -> None:
        """Hold the image of each platform against the tag, and run the user's own test in it."""
        for check in listed.checks:
            self._look(check)
            if check.start is not None:
                self._do(check.start)
                self._values[CONTAINER] = self._file("container")
            try:
                self._hold(check)
                self._test(check)
            finally:
                if check.stop is not None:
                    self._run(check.stop)
                    (self._scratch / "container").unlink(missing_ok=True)  # buildah writes no second one

    def _look(self, check: Check) -> None:
        """Whether the image is for the platform that was asked for; an engine's cache may have mistaken that."""
        if check.look is None:
            return
        told = self._do(check.look).strip().split("\n")[-1]
        if told.split("/")[:2] != check.platform.split("/")[:2]:
            raise _Failed(
                f"the image is for {printable(told, 60)} and not for {check.platform}: no image tag was moved",
                is_final=True,
            )

    def _test(self, check: Check) -> None:
        if check.test is None:
            return
        ended = self._run(check.test)
        if ended.timed_out or ended.exit_code:
            how = "did not end" if ended.timed_out else f"ended with {ended.exit_code}"
            raise _Failed(f"the smoke test {how}{_last(ended.output)}: no image tag was moved", is_final=True)

    def _hold(self, check: Check) -> None:
        wanted, expected = self._wanted, self._plan.expected
        if not wanted.verify.is_on or expected is None:
            self._checked = f", not held against the tag: {wanted.verify.reason}"
            return
        if not expected.packages and not expected.hardware:
            self._checked = ", and the tag promises nothing that it could be asked for"
            return
        answer, said = self._answer(check)
        if answer is None:
            tried = " or ".join(wanted.verify.pythons)
            raise _Failed(
                f"the image did not answer what it holds ({tried} in it){said}; no image tag was moved; "
                'the build section may say verify = { python = "..." } or { level = "off", reason = "..." }',
                is_final=True,
            )
        self._log.write(f"the image holds: {verify_image.describe(answer)}\n")
        faults = verify_image.judge(expected, answer)
        if faults:
            raise _Failed(f"{'; '.join(faults)}: no image tag was moved", is_final=True)
        if expected.hardware and verify_image.evidence(answer) is None:
            self._log.write(f"nothing in the image tells whether it is built for {expected.hardware}\n")
        self._checked = f", holds {verify_image.describe(answer)}"
        self.verified = f"asked by {self._engine.name} before it was named"
        self.holds = verify_image.held(answer)

    def _answer(self, check: Check) -> tuple[verify_image.Answer | None, str]:
        """The image's answer; without one, None and the engine's last words."""
        words = ""
        for step in check.ask:
            ended, answer = self._ask(step)
            if answer is not None:
                return answer, ""
            words = _last(ended.output)
            if ended.exit_code == _ENGINE_FAILED:
                raise _Failed(f"could not {step.what}{words}: no image tag was moved")
        return None, words

    def _ask(self, step: Step) -> tuple[Ended, verify_image.Answer | None]:
        """Ask until there is an answer or an error: buildah's chroot loses the output of one run in a few hundred."""
        for _ in range(_ASKS):
            ended = self._run(step)
            answer = verify_image.parse(ended.output)
            if answer is not None or ended.exit_code:
                break
        return ended, answer

    def publish(self, listed: Steps) -> None:
        """Write the image out; docker's classic store, which cannot, pushes the tag's own name."""
        digest = self._values.get(DIGEST)
        if any(LAYOUT in word for step in listed.publish for word in step.argv):
            self._kept.clear_layout()
        for step in listed.publish:
            output = self._do(step)
            found = self._file("digest") or self._read_back(step, output)
            if found and digest and found != digest:
                raise _Failed(f"could not {step.what} as the same image: {found} is not {digest}")
            digest = found or digest
        if digest is not None and not _DIGEST.fullmatch(digest):
            raise _Failed(f"{self._engine.name} named no digest but {printable(digest, 80)}")
        if digest is not None:
            self._values[DIGEST] = digest

    def result(self) -> Result:
        """The image, to be published where it goes to a registry."""
        digest = self._values.get(DIGEST)
        done = Result(
            "done",
            digest,
            None,
            self.summary(),
            None,
            verified=self.verified,
            holds=self.holds,
            bases=self.bases,
        )
        if self._wanted.output != "registry":
            return done
        layout = self._kept.layout
        if not (layout / "index.json").is_file():
            return replace(done, status="built")
        self._kept.note(
            digest=digest or "",
            checked=self._checked,
            verified=self.verified,
            holds=dict(self.holds),
            bases=dict(self.bases),
        )
        return replace(done, status="built", digest=None, layout=layout)

    def _read_back(self, step: Step, output: str) -> str:
        """docker's ways of telling a digest: `RepoDigests`, or the metadata of a second build."""
        if step.what == "read the digest":
            match = re.search(re.escape(f"{self._plan.image}@") + "(sha256:[0-9a-f]{64})", output)
            return match[1] if match else ""
        return self._metadata() if step.what.startswith("write ") else ""

    def _metadata(self) -> str:
        try:
            digest = json.loads(self._file("metadata") or "{}").get("containerimage.digest", "")
        except (ValueError, AttributeError):
            digest = ""
        if not _DIGEST.fullmatch(str(digest)):
            raise _Failed(f"{self._engine.name} did not say which image it built")
        return str(digest)

    def _file(self, name: str) -> str:
        """Content of one of the files that the engine was given to write; empty where it wrote none."""
        file = self._scratch / name
        return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""

    def summary(self) -> str:
        """One sentence about a build that worked."""
        if self._wanted.output == "registry":
            return printable(f"built with {self._engine.name}{self._checked}", 1000)
        to = f"written to {self._wanted.output.removeprefix('oci:')}"
        where = "built, and pushed nowhere" if self._wanted.output == "none" else to
        return printable(f"{where} with {self._engine.name}{self._checked}", 1000)


def _last(output: str) -> str:
    why = cause(output)
    return f": {why}" if why else ""
