"""The commands that an engine takes to build, ask and publish an image: what a dry run prints is what is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable
from envhooks.builds.engines import Engine, refuse_what_is_not_had
from envhooks.builds.local_section import Wanted
from envhooks.builds.options import fields, fill
from envhooks.builds.types import Plan
from envhooks.builds.verify_image import question

# Values that only a run can know. A NUL cannot come from a policy, a tag or a path.
IMAGE, CONTAINER, DIGEST, SCRATCH = "\0IMAGE\0", "\0CONTAINER\0", "\0DIGEST\0", "\0SCRATCH\0"
LAYOUT, SBOM = "\0LAYOUT\0", "\0SBOM\0"
LOOK, TEST = "see for which platform the image is", "run the smoke test in the image"


@dataclass(frozen=True)
class Step:
    """One command, with slots for what the commands before it will have found out."""

    what: str
    """Purpose, in words: "build the image"."""
    argv: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()
    only_if: str = ""
    """Condition under which it is run, in words; empty: always."""
    may_fail: bool = False
    """Whether the build goes on where it fails: it tidies up."""

    def shown(self) -> str:
        """The command as it could be typed, slots as `$NAME`."""
        variables = " ".join(f"{key}={shlex.quote(value)}" for key, value in self.environ)
        line = " ".join([variables, *map(_word, self.argv)]).strip()
        return printable(f"{line}  # {self.only_if}" if self.only_if else line, 20_000)

    def filled(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The command with every slot filled in."""
        return tuple(_fill(word, values) for word in self.argv)


def _word(word: str) -> str:
    if not word:
        return shlex.quote(word)
    texts, slots = word.split("\0")[::2], word.split("\0")[1::2]
    # a shell has to expand the slots, so they stand outside of the quotes of the texts between them
    words = [shlex.quote(text) if text else "" for text in texts]
    return words[0] + "".join(f'"${slot}"{text}' for slot, text in zip(slots, words[1:], strict=True))


def _fill(word: str, values: Mapping[str, str]) -> str:
    parts = word.split("\0")
    return "".join(values[f"\0{part}\0"] if number % 2 else part for number, part in enumerate(parts))


@dataclass(frozen=True)
class Check:
    """Commands that check the image of one platform before anything is published."""

    platform: str
    look: Step | None
    """Tells for which platform the image is, where the engine may have mistaken that."""
    start: Step | None
    """Makes a container of the image, where asking it takes one."""
    ask: tuple[Step, ...]
    """Ask the image; the first that answers is enough."""
    test: Step | None
    """The user's own smoke test."""
    stop: Step | None

    def all(self) -> tuple[Step, ...]:
        """All steps, in order."""
        steps = (self.look, self.start, *self.ask, self.test, self.stop)
        return tuple(step for step in steps if step is not None)


@dataclass(frozen=True)
class Steps:
    """All commands of one build, in order."""

    builds: tuple[Step, ...]
    checks: tuple[Check, ...]
    publish: tuple[Step, ...]
    """Steps that run only after the image was compared with the tag."""

    def all(self) -> tuple[Step, ...]:
        """All steps in order, for a dry run."""
        return (*self.builds, *(step for check in self.checks for step in check.all()), *self.publish)


def steps(plan: Plan, context: Path, dockerfile: Path, wanted: Wanted, engine: Engine) -> Steps:
    """The commands that build, ask and publish one image.

    Raises:
        CannotJudge: the section asks for what this engine cannot do.
    """
    refuse_what_is_not_had(wanted, engine)
    make: Callable[[Plan, Path, Path, Wanted, Engine], Steps] = (
        _buildx if engine.name == "docker" else _buildah
    )
    return make(plan, context, dockerfile, wanted, engine)


def image_slot(platform: str, wanted: Wanted) -> str:
    """The slot of a platform's image: `$IMAGE` where there is one, else `$IMAGE_LINUX_ARM64`."""
    return IMAGE if len(wanted.platforms) == 1 else f"\0{image_file(platform, wanted).upper()}\0"


def image_file(platform: str, wanted: Wanted) -> str:
    """The file in the scratch folder into which the engine writes a platform's image."""
    return "image" if len(wanted.platforms) == 1 else "image_" + re.sub("[^a-z0-9]", "_", platform)


def _common(
    plan: Plan, dockerfile: Path, wanted: Wanted, engine: str, *, annotations: bool
) -> tuple[str, ...]:
    words = ["--file", str(dockerfile)]
    if plan.target:
        words += ["--target", plan.target]
    values = fields(plan)
    labels = (*plan.labels, *((key, fill(text, values)) for key, text in wanted.labels))
    for option, pairs in (("--build-arg", plan.args), ("--label", labels)):
        for key, value in pairs:
            words += [option, f"{key}={value}"]
    for key, value in plan.annotations if annotations else ():
        words += ["--annotation", f"{key}={value}"]
    for key, value in plan.stamp:
        # docker has no option for it: the Dockerfile's own ARG and ENV take it (`refuse_unstamped`)
        words += ["--build-arg" if engine == "docker" else "--env", f"{key}={value}"]
    for name, variable in wanted.secrets:
        words += ["--secret", f"id={name},env={variable}"]
    for name in wanted.ssh:
        words += ["--ssh", name]
    return tuple(words)


def is_rebuild(plan: Plan) -> bool:
    """Whether no layer of before may be taken: a build to be compared, or a `post` release, the same versions anew."""
    return plan.is_anew or re.search(r"-post[0-9]+\Z", plan.own) is not None


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


def _testing(wanted: Wanted, argv: Callable[[str], tuple[str, ...]]) -> Step | None:
    return Step(TEST, (*argv(wanted.test[0]), *wanted.test[1:])) if wanted.test else None


def _buildah(plan: Plan, context: Path, dockerfile: Path, wanted: Wanted, engine: Engine) -> Steps:
    """Buildah and podman: the image is in the machine's own storage, so it is checked before any byte is pushed."""
    tls = () if wanted.tls_verify else ("--tls-verify=false",)
    # its own version in a label would make the image of one tag depend on the machine
    label = ("--identity-label=false",) if engine.name == "buildah" else ()
    is_one = len(wanted.platforms) == 1
    # Its cache does not look at the platform: of `FROM scratch`, the second one would be the first one's image
    cache: tuple[str, ...]
    if wanted.layers and is_one:
        cache = ("--layers", "--no-cache") if is_rebuild(plan) else ("--layers",)
    else:
        cache = ("--layers=false",)
    values = fields(plan)
    for option, texts in (("--cache-from", wanted.cache_from), ("--cache-to", wanted.cache_to)):
        cache += tuple(word for text in texts for word in (option, fill(text, values)))
    network = ("--network", wanted.network) if wanted.network != "default" else ()
    pull = (f"--pull={wanted.pull}",) if wanted.pull else ()

    def build(platform: str) -> Step:
        return Step(
            "build the image" + ("" if is_one else f" for {platform}"),
            (
                *engine.prefix, "build", *_isolation(engine), *tls, *label, *cache, *network, *pull,
                "--platform", platform,
                "--format", "oci", "--timestamp", str(plan.epoch),
                "--iidfile", f"{SCRATCH}/{image_file(platform, wanted)}",
                *_common(plan, dockerfile, wanted, engine.name, annotations=True), str(context),
            ),
        )  # fmt: skip

    return Steps(
        tuple(map(build, wanted.platforms)),
        tuple(_check(plan, platform, wanted, engine) for platform in wanted.platforms),
        (*_push(plan, wanted, engine.prefix, tls), *_bill(wanted, engine)),
    )


def _check(plan: Plan, platform: str, wanted: Wanted, engine: Engine) -> Check:
    """The check of one platform's image: podman runs it, and buildah asks a container of it."""
    image = image_slot(platform, wanted)
    look: tuple[str, ...]
    if engine.name == "podman":
        look = ("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image)
        run = (*engine.prefix, "run", "--rm", "--network", "none")
        asking = _asking(plan, wanted, lambda python: (*run, "--entrypoint", python, image))
        test = _testing(wanted, lambda program: (*run, "--entrypoint", program, image))
        return Check(platform, Step(LOOK, (*engine.prefix, *look)), None, asking, test, None)
    look = ("inspect", "--type", "image", "--format", "{{.OCIv1.OS}}/{{.OCIv1.Architecture}}", image)
    inside = (*engine.prefix, "run", *_isolation(engine), CONTAINER, "--")
    asking = _asking(plan, wanted, lambda python: (*inside, python))
    test = _testing(wanted, lambda program: (*inside, program))
    start = stop = None
    if asking or test:
        name = (*engine.prefix, "from", "--pull-never", "--cidfile", f"{SCRATCH}/container", image)
        start = Step("make a container of the image", name)
        stop = Step("remove the container", (*engine.prefix, "rm", CONTAINER))
    return Check(platform, Step(LOOK, (*engine.prefix, *look)), start, asking, test, stop)


def _isolation(engine: Engine) -> tuple[str, ...]:
    return ("--isolation", engine.isolation) if engine.isolation else ()


def _push(plan: Plan, wanted: Wanted, prefix: tuple[str, ...], tls: tuple[str, ...]) -> tuple[Step, ...]:
    if len(wanted.platforms) > 1:
        return _push_list(plan, wanted, prefix, tls)
    found = [Step(f"name the image {plan.own}", (*prefix, "tag", IMAGE, plan.own))] if plan.own else []
    for what, where in _targets(plan, wanted):
        argv = (*prefix, "push", *tls, "--digestfile", f"{SCRATCH}/digest", IMAGE, where)
        found.append(Step(what, argv))
    return tuple(found)


def _bill(wanted: Wanted, engine: Engine) -> tuple[Step, ...]:
    """The bill of materials, of the very bytes that are published.

    buildah's own `--sbom` would write it into the image, which no second build would repeat, by an image of a scanner
    that nobody pins.
    """
    if not wanted.sbom or not engine.syft:
        return ()
    argv = (engine.syft, "scan", f"oci-dir:{LAYOUT}", "--quiet", "--output", f"spdx-json={SBOM}")
    return (Step("write the SBOM", argv, (("SYFT_CHECK_FOR_APP_UPDATE", "false"),)),)


def _targets(plan: Plan, wanted: Wanted) -> tuple[tuple[str, str], ...]:
    """(what a push does, its target): for a registry a layout, whose very bytes are published then."""
    if wanted.output == "registry":
        return (("write the image out", f"oci:{LAYOUT}"),)
    # with the whole name: images of two lines in one folder would fight for `2.8`
    images = plan.images if is_layout(wanted) else ()
    return tuple((f"push {image}", f"{wanted.output}:{image}") for image in images)


def _push_list(plan: Plan, wanted: Wanted, prefix: tuple[str, ...], tls: tuple[str, ...]) -> tuple[Step, ...]:
    """The images of several platforms as one: a manifest list of a name of its own, which is pushed with them."""
    name = f"envhooks-{plan.key[:16]}"
    forget = Step("remove the list of an earlier attempt", (*prefix, "manifest", "rm", name), may_fail=True)
    found = [forget, Step("make a list of the platforms", (*prefix, "manifest", "create", name))]
    for platform in wanted.platforms:
        image = image_slot(platform, wanted)
        found.append(Step(f"add {platform} to the list", (*prefix, "manifest", "add", name, image)))
    for what, where in _targets(plan, wanted):
        options = ("--all", "--format", "oci", "--digestfile", f"{SCRATCH}/digest")
        found.append(Step(what, (*prefix, "manifest", "push", *tls, *options, name, where)))
    if wanted.output != "none":
        found.append(Step("remove the list", (*prefix, "manifest", "rm", name), may_fail=True))
    return tuple(found)


def is_layout(wanted: Wanted) -> bool:
    """Whether the image goes into a folder."""
    return wanted.output.startswith("oci:")


def _buildx(plan: Plan, context: Path, dockerfile: Path, wanted: Wanted, engine: Engine) -> Steps:
    builder = ("--builder", wanted.builder) if wanted.builder else ()
    values = fields(plan)
    options = ["--platform", ",".join(wanted.platforms)]
    if is_rebuild(plan) or not wanted.layers:
        options.append("--no-cache")
    if wanted.pull == "always":
        options.append("--pull")
    if wanted.network != "default":
        options += ["--network", wanted.network]
        options += ["--allow", "network.host"] if wanted.network == "host" else []
    for option, texts in (("--cache-from", wanted.cache_from), ("--cache-to", wanted.cache_to)):
        options += [word for text in texts for word in (option, _cache(fill(text, values)))]

    def build(what: str, *more: str, annotations: bool = True) -> Step:
        head = (*engine.prefix, "buildx", "build", *builder, "--progress", "plain", *options, *more)
        argv = (*head, *_common(plan, dockerfile, wanted, engine.name, annotations=annotations), str(context))
        return Step(what, argv, (("SOURCE_DATE_EPOCH", str(plan.epoch)),))

    def checks(image: str, *more: str) -> tuple[Check, ...]:
        found = []
        for platform in wanted.platforms:
            run = (
                *engine.prefix,
                "run",
                "--rm",
                "--network",
                "none",
                "--platform",
                platform,
                *more,
                "--entrypoint",
            )
            asking = _asking(plan, wanted, lambda python, run=run: (*run, python, image))  # type: ignore[misc]
            test = _testing(wanted, lambda program, run=run: (*run, program, image))  # type: ignore[misc]
            found.append(Check(platform, None, None, asking, test, None))
        return tuple(found)

    if wanted.output == "registry" and engine.by_digest:
        output = f"type=image,name={plan.image},push-by-digest=true,name-canonical=true,push=true"
        output += ",rewrite-timestamp=true" + ("" if wanted.tls_verify else ",registry.insecure=true")
        image = f"{plan.image}@{DIGEST}"
        first = build("push the image without a tag", *_attested(wanted, output))
        return Steps((first,), checks(image, "--pull", "always"), ())
    plain = ("--provenance=false", "--sbom=false", "--iidfile", f"{SCRATCH}/image", "--output", "type=docker")
    first = build("build the image", *plain, annotations=False)
    publish_list = (
        [Step(f"name the image {plan.own}", (*engine.prefix, "tag", IMAGE, plan.own))] if plan.own else []
    )
    if wanted.output == "registry":
        publish_list.append(Step(f"push {plan.own}", (*engine.prefix, "push", plan.own)))
        read = ("image", "inspect", "--format", "{{json .RepoDigests}}", plan.own)
        publish_list.append(Step("read the digest", (*engine.prefix, *read)))
    elif is_layout(wanted):
        folder = wanted.output.removeprefix("oci:")
        output = f"type=oci,dest={folder},tar=false,rewrite-timestamp=true,name={plan.own}"
        publish_list.append(build(f"write {folder}", *_attested(wanted, output)))
    return Steps((first,), checks(IMAGE), tuple(publish_list))


def _cache(text: str) -> str:
    """A repository alone, as buildah has it, in buildx's words."""
    return text if text.startswith("type=") else f"type=registry,ref={text}"


def _attested(wanted: Wanted, output: str) -> tuple[str, ...]:
    told = wanted.provenance or "max"
    provenance = "false" if told == "false" else f"mode={told}"
    attest = (f"--provenance={provenance}", f"--sbom={str(wanted.sbom is not False).lower()}")
    return (*attest, "--metadata-file", f"{SCRATCH}/metadata", "--output", output)
