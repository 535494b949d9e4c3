"""The commands that an engine takes to build, ask and publish an image: what a dry run prints is what is run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable
from envhooks.builds.engines import Engine, Wanted
from envhooks.builds.types import Plan
from envhooks.builds.verify_image import question

# Values that only a run can know. A NUL cannot come from a policy, a tag or a path.
IMAGE, CONTAINER, DIGEST, SCRATCH = "\0IMAGE\0", "\0CONTAINER\0", "\0DIGEST\0", "\0SCRATCH\0"


@dataclass(frozen=True)
class Step:
    """One command, with slots for what the commands before it will have found out."""

    what: str
    """What it does: "build the image"."""
    argv: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()
    only_if: str = ""
    """When it is run at all; empty: always."""

    def shown(self) -> str:
        """The command as it could be typed, slots as `$NAME`."""
        variables = " ".join(f"{key}={shlex.quote(value)}" for key, value in self.environ)
        line = " ".join([variables, *map(_word, self.argv)]).strip()
        return printable(f"{line}  # {self.only_if}" if self.only_if else line, 20_000)

    def filled(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The command with every slot filled in."""
        return tuple(_fill(word, values) for word in self.argv)


def _word(word: str) -> str:
    parts = word.split("\0")
    # odd ones are slots: a shell would have to expand them, so they stand outside of the quotes
    return "".join(
        f'"${part}"' if number % 2 else shlex.quote(part) if part or len(parts) == 1 else ""
        for number, part in enumerate(parts)
    )


def _fill(word: str, values: Mapping[str, str]) -> str:
    parts = word.split("\0")
    return "".join(values[f"\0{part}\0"] if number % 2 else part for number, part in enumerate(parts))


@dataclass(frozen=True)
class Steps:
    """All commands of one build, in order."""

    build: Step
    start: Step | None
    """Makes a container of the image, where asking it takes one."""
    ask: tuple[Step, ...]
    """Ask the image; the first that answers is enough."""
    stop: Step | None
    publish: tuple[Step, ...]
    """Nothing of this is run before the image was held against the tag."""

    def all(self) -> tuple[Step, ...]:
        """For a dry run."""
        between = (step for step in (self.start, *self.ask, self.stop) if step is not None)
        return (self.build, *between, *self.publish)


def steps(plan: Plan, context: Path, dockerfile: Path, wanted: Wanted, engine: Engine) -> Steps:
    """The commands that build, ask and publish one image."""
    make: Callable[[Plan, Path, Path, Wanted, Engine], Steps] = (
        _buildx if engine.name == "docker" else _buildah
    )
    return make(plan, context, dockerfile, wanted, engine)


def _common(plan: Plan, dockerfile: Path, *, annotations: bool) -> tuple[str, ...]:
    words = ["--file", str(dockerfile)]
    if plan.target:
        words += ["--target", plan.target]
    for option, pairs in (("--build-arg", plan.args), ("--label", plan.labels)):
        for key, value in pairs:
            words += [option, f"{key}={value}"]
    for key, value in plan.annotations if annotations else ():
        words += ["--annotation", f"{key}={value}"]
    return tuple(words)


def _asking(plan: Plan, wanted: Wanted, argv: Callable[[str], tuple[str, ...]]) -> tuple[Step, ...]:
    if not wanted.verify.is_on or plan.expected is None:
        return ()
    pythons = wanted.verify.pythons
    tail = question(plan.expected)
    return tuple(
        Step(
            "ask the image what it holds",
            (*argv(python), *tail),
            only_if="" if number == 0 else f"only where {pythons[number - 1]} does not answer",
        )
        for number, python in enumerate(pythons)
    )


def _buildah(plan: Plan, context: Path, dockerfile: Path, wanted: Wanted, engine: Engine) -> Steps:
    """Buildah and podman: the image is in the machine's own storage, so it is checked before any byte is pushed."""
    isolation = ("--isolation", engine.isolation) if engine.isolation else ()
    tls = () if wanted.tls_verify else ("--tls-verify=false",)
    # its own version in a label would make the image of one tag depend on the machine
    label = ("--identity-label=false",) if engine.name == "buildah" else ()
    build = Step(
        "build the image",
        (
            *engine.prefix, "build", *isolation, *tls, *label, "--format", "oci",
            "--timestamp", str(plan.epoch), "--iidfile", f"{SCRATCH}/image",
            *_common(plan, dockerfile, annotations=True), str(context),
        ),
    )  # fmt: skip
    start = stop = None
    if engine.name == "buildah":
        asking = _asking(
            plan, wanted, lambda python: (*engine.prefix, "run", *isolation, CONTAINER, "--", python)
        )
        if asking:
            name = (*engine.prefix, "from", "--pull-never", "--cidfile", f"{SCRATCH}/container", IMAGE)
            start = Step("make a container of the image", name)
            stop = Step("remove the container", (*engine.prefix, "rm", CONTAINER))
    else:
        run = (*engine.prefix, "run", "--rm", "--network", "none")
        asking = _asking(plan, wanted, lambda python: (*run, "--entrypoint", python, IMAGE))
    return Steps(build, start, asking, stop, _push(plan, wanted, (*engine.prefix,), tls))


def _push(plan: Plan, wanted: Wanted, prefix: tuple[str, ...], tls: tuple[str, ...]) -> tuple[Step, ...]:
    found = [Step(f"name the image {plan.own}", (*prefix, "tag", IMAGE, plan.own))] if plan.own else []
    if wanted.output == "none":
        return tuple(found)
    for image in plan.images:
        where = f"{wanted.output}:{image.rpartition(':')[2]}" if is_layout(wanted) else f"docker://{image}"
        option = ("--digestfile", f"{SCRATCH}/digest")
        found.append(Step(f"push {image}", (*prefix, "push", *tls, *option, IMAGE, where)))
    return tuple(found)


def is_layout(wanted: Wanted) -> bool:
    """Whether the image goes into a folder."""
    return wanted.output.startswith("oci:")


def _buildx(plan: Plan, context: Path, dockerfile: Path, wanted: Wanted, engine: Engine) -> Steps:
    builder = ("--builder", wanted.builder) if wanted.builder else ()

    def build(what: str, *more: str, annotations: bool = True) -> Step:
        head = (*engine.prefix, "buildx", "build", *builder, "--progress", "plain", *more)
        argv = (*head, *_common(plan, dockerfile, annotations=annotations), str(context))
        return Step(what, argv, (("SOURCE_DATE_EPOCH", str(plan.epoch)),))

    run = (*engine.prefix, "run", "--rm", "--network", "none")
    if wanted.output == "registry" and engine.by_digest:
        output = f"type=image,name={plan.image},push-by-digest=true,name-canonical=true,push=true"
        output += ",rewrite-timestamp=true" + ("" if wanted.tls_verify else ",registry.insecure=true")
        image = f"{plan.image}@{DIGEST}"
        first = build("push the image without a tag", *_attested(wanted, output))
        asking = _asking(
            plan, wanted, lambda python: (*run, "--pull", "always", "--entrypoint", python, image)
        )
        tags = [word for name in plan.images for word in ("--tag", name)]
        # an index around a lone manifest would be a digest that nobody checked
        naming = ("buildx", "imagetools", "create", *builder, "--prefer-index=false", *tags, image)
        return Steps(first, None, asking, None, (Step("move the image tags", (*engine.prefix, *naming)),))
    plain = ("--provenance=false", "--sbom=false", "--iidfile", f"{SCRATCH}/image", "--output", "type=docker")
    first = build("build the image", *plain, annotations=False)
    asking = _asking(plan, wanted, lambda python: (*run, "--entrypoint", python, IMAGE))
    publish = [Step(f"name the image {name}", (*engine.prefix, "tag", IMAGE, name)) for name in plan.images]
    if wanted.output == "registry":
        publish += [Step(f"push {name}", (*engine.prefix, "push", name)) for name in plan.images]
        read = ("image", "inspect", "--format", "{{json .RepoDigests}}", plan.own)
        publish.append(Step("read the digest", (*engine.prefix, *read)))
    elif is_layout(wanted):
        folder = wanted.output.removeprefix("oci:")
        output = f"type=oci,dest={folder},tar=false,rewrite-timestamp=true,name={plan.own}"
        publish.append(build(f"write {folder}", *_attested(wanted, output)))
    return Steps(first, None, asking, None, tuple(publish))


def _attested(wanted: Wanted, output: str) -> tuple[str, ...]:
    provenance = "false" if wanted.provenance == "false" else f"mode={wanted.provenance}"
    attest = (f"--provenance={provenance}", f"--sbom={str(wanted.sbom).lower()}")
    return (*attest, "--metadata-file", f"{SCRATCH}/metadata", "--output", output)
