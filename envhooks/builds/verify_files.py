"""An image's files compared with a tag: nothing of the image is run, so that any image can be looked into.

Three outcomes, as everywhere: it agrees, it contradicts, cannot tell. What could not be read is never treated as
absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable
from envhooks.base.run import Step, no_step
from envhooks.builds import verify_image
from envhooks.builds.imagefiles.installed import Contents, contents, keep
from envhooks.builds.imagefiles.interpreter import Python
from envhooks.builds.imagefiles.layers import read_layers
from envhooks.builds.imagefiles.limits import SECONDS, Limits, Unreadable
from envhooks.builds.imagefiles.manifests import PlatformImage
from envhooks.builds.types import Expected
from envhooks.catalog.lookup import BY_BUILD, MODULES, PACKAGES, evidence_of_build
from envhooks.image import versions_agree
from envhooks.image.requirements.specs import normal_name

Verdict = Literal["agrees", "contradicts", "cannot tell"]
_PLUGIN = re.compile(r"jax-(?:cuda|rocm)[0-9]+-plugin|libtpu|torch-npu|habana-torch-plugin|jaxlib")
NAME_LABEL, OBJECT_LABEL = "org.opencontainers.image.ref.name", "envhooks.tag-object"

FRAMEWORK_PACKAGES = tuple(dict.fromkeys(name for names in PACKAGES.values() for name in names))


@dataclass(frozen=True)
class Inside:
    """Content of one platform's image."""

    image: PlatformImage
    contents: Contents | None
    """None where it could not be read."""
    fault: str = ""
    """Reason why it could not be read."""
    fix: str = ""

    @property
    def labels(self) -> Mapping[str, str]:
        """The image's labels: claims of who built it."""
        found = self.image.config.get("Labels")
        pairs = found.items() if isinstance(found, dict) else ()
        return {key: value for key, value in pairs if isinstance(value, str)}


@dataclass(frozen=True)
class Held:
    """Verdict on a tag's promise for one image."""

    verdict: Verdict
    differences: tuple[str, ...] = ()
    """Contradictions of image and tag, one sentence each."""
    doubts: tuple[str, ...] = ()
    """Facts that could not be compared, one sentence each."""
    untold: str = ""
    """Remark where all else agrees: no evidence for which hardware the framework was built."""
    notes: tuple[str, ...] = ()


def look_into(
    image: PlatformImage,
    pythons: Sequence[str] = verify_image.PYTHONS,
    seconds: float = SECONDS,
    step: Step = no_step,
) -> Inside:
    """Read the layers of one image; what cannot be read is in the answer, not an exception."""
    if not image.platform.startswith(("linux/", "unknown")):
        return Inside(
            image, None, f"images for {printable(image.platform, 60)} cannot be read, only those for Linux"
        )
    try:
        tree = read_layers(image.layers, keep, Limits(seconds), step)
        return Inside(image, contents(tree, image.config, pythons))
    except Unreadable as error:
        return Inside(image, None, error.message, error.fix)


def hold(wanted: Expected, inside: Inside, tag: str) -> Held:
    """Hold what is inside of an image against what the tag promises."""
    if inside.contents is None:
        return Held("cannot tell", doubts=(f"the image cannot be read: {inside.fault}",))
    label = inside.labels.get(NAME_LABEL)
    wrong: tuple[str, ...] = ()
    if label and label != tag and OBJECT_LABEL in inside.labels:
        wrong = (f"its label says that it was built from {printable(label, 120)}",)
    if not wanted.packages and not wanted.hardware:
        doubts = ("the tag names neither a framework nor hardware that the image could be held against",)
        return Held("contradicts" if wrong else "cannot tell", wrong, doubts)
    found = _held(wanted, inside.contents)
    if wrong:
        return Held("contradicts", (*wrong, *found.differences), found.doubts, "", found.notes)
    return found


def _held(wanted: Expected, inside: Contents) -> Held:
    default = inside.pythons[0] if inside.has_default else None
    if not wanted.packages:
        return (
            _in_one(wanted, default, inside)
            if default
            else Held("cannot tell", doubts=("there is no Python in it",))
        )
    carrying = [one for one in inside.pythons if carrier(wanted, one) is not None]
    if default in carrying and default is not None:
        return _in_one(wanted, default, inside)
    if default is not None and (bare := _bare(wanted, default)):
        return Held("cannot tell", doubts=(bare,))
    if not carrying:
        return _without(wanted, inside)
    each = [_in_one(wanted, one, inside) for one in carrying]
    where = " and ".join(printable(one.prefix, 60) for one in carrying[:4])
    note = f"it is in {where}, which `python` on the image's PATH is not"
    if len({one.verdict for one in each}) > 1:
        return Held("cannot tell", doubts=(f"{note}; they differ: {'; '.join(_words(each))}",))
    return Held(
        each[0].verdict,
        tuple(dict.fromkeys(text for one in each for text in one.differences)),
        tuple(dict.fromkeys(text for one in each for text in one.doubts)),
        each[0].untold,
        (note,),
    )


def _words(each: Sequence[Held]) -> Iterator[str]:
    for one in each:
        yield "; ".join((*one.differences, *one.doubts, one.untold)) or "one agrees"


def _without(wanted: Expected, inside: Contents) -> Held:
    """The framework is in no environment: absent, or in an unknown place."""
    names = [normal_name(name) for name in wanted.packages]
    missing = f"the image has no {' or '.join(names)}"
    for name in names:
        if name in inside.strays:
            version, folder = inside.strays[name]
            found = f"{name} {printable(version, 60)} lies in {printable(folder, 100)}"
            return Held("cannot tell", doubts=(f"{found}, where no Python of the image looks by itself",))
    bare = [text for one in inside.pythons if (text := _bare(wanted, one))]
    if bare:
        return Held("cannot tell", doubts=(bare[0],))
    doubts = [doubt for one in inside.pythons for doubt in one.doubts]
    if doubts:
        return Held(
            "cannot tell",
            doubts=tuple(f"{missing} that can be read: {printable(d, 200)}" for d in doubts[:3]),
        )
    if not inside.pythons:
        return Held("cannot tell", doubts=("there is no Python environment in the image",))
    return Held("contradicts", (missing,))


def _bare(wanted: Expected, python: Python) -> str:
    """A sentence about a framework that an environment imports, and whose version nothing states; else empty."""
    for name in map(normal_name, wanted.packages):
        module = MODULES.get(name, name)
        if module in python.bare:
            return f"{module} lies in {printable(python.bare[module], 100)}, and nothing there states its version"
    return ""


def carrier(wanted: Expected, python: Python) -> tuple[str, str] | None:
    """(name, version) of the framework in an environment; None where it is not there."""
    for name in map(normal_name, wanted.packages):
        if name in python.packages:
            return name, python.packages[name]
        if name == "torch" and isinstance(python.torch.get("__version__"), str):
            return name, python.torch["__version__"]  # built from source without metadata
        if name in python.conda:
            return name, python.conda[name][0]
    return None


def answer_of(wanted: Expected, python: Python) -> verify_image.Answer:
    """An environment in the words in which an image answers when it is asked."""
    names = {normal_name(name) for name in wanted.packages}
    packages = {k: v for k, v in python.packages.items() if k in names or _PLUGIN.fullmatch(k)}
    found = carrier(wanted, python)
    if found is not None:
        packages.setdefault(*found)
    torch: dict[str, Any] = {key: value for key, value in python.torch.items() if key != "__version__"}
    tensorflow = dict(python.tensorflow)
    if found is not None and not torch and not tensorflow:
        torch, tensorflow = _by_conda(found[0], python)
    return verify_image.Answer(python.version, packages, torch, tensorflow)


def _by_conda(name: str, python: Python) -> tuple[dict[str, Any], dict[str, Any]]:
    """The accelerator by the build string of conda's package, in the words of the frameworks' own files."""
    package = next((one for one in (name, "pytorch" if name == "torch" else name) if one in python.conda), "")
    told = evidence_of_build(python.conda[package][1]) if package in BY_BUILD else None
    if told is None:
        return {}, {}
    kind, version = told
    if package == "tensorflow":
        return {}, {"is_cuda_build": kind == "CUDA", "cuda_version": version}
    return {"cuda": version if kind == "CUDA" else None}, {}


def _in_one(wanted: Expected, python: Python, inside: Contents) -> Held:
    found = carrier(wanted, python)
    keys = ("", MODULES.get(found[0], "") if found else "")
    unsure = dict.fromkeys(python.unsure[key] for key in keys if key in python.unsure)
    if unsure:
        return Held("cannot tell", doubts=tuple(printable(why, 300) for why in unsure))
    answer = answer_of(wanted, python)
    differences = verify_image.judge(wanted, answer)
    if differences:
        return Held("contradicts", differences)
    kind, number = wanted.hardware, wanted.hardware_version
    evidence = verify_image.evidence(answer)
    if kind is None or (evidence and (number is None or any(version for _, version in evidence))):
        return Held("agrees")
    if evidence is not None and not number:
        return Held("agrees")  # built for the CPU, as the tag says
    untold = f"nothing in the image tells whether it is built for {kind} {number or ''}".rstrip()
    untold = "; ".join((untold, *inside.unread))
    for toolkit, version, source in inside.toolkits:
        if toolkit == kind and versions_agree(version, wanted.hardware_version or version):
            return Held(
                "agrees", notes=(f"{kind} by the toolkit alone: {printable(version, 40)}, by {source}",)
            )
    return Held("cannot tell", untold=untold)


def describe(wanted: Expected | None, python: Python) -> str:
    """One environment in one line: Python, the framework where a tag names one, and for what that was built."""
    answer = answer_of(wanted or Expected(FRAMEWORK_PACKAGES, "", False), python)
    return verify_image.describe(answer)
