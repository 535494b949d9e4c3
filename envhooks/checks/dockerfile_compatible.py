"""Refuses a tag whose Dockerfile has pins that cannot work together, by published fact (torch x torchvision x torchaudio x CUDA x Python x ROCm; TensorFlow; JAX; what pins one of them; the base's driver)

A build that fails after twenty minutes, or an image that fails at its first import, could have been told from
the pins: torchvision 0.19.0 requires torch 2.4.0, vllm 0.10.0 requires torch 2.7.1, no index has a cu118 wheel of
torch 2.8.0, and `nvidia/cuda:11.8-devel-ubuntu20.04` is not a tag (`11.8.0-devel-ubuntu20.04` is).

The facts come from the packages' own metadata and the projects' release notes, with a date. What they do not
list is unknown, not wrong: an unknown release is a note; an unlisted build of a known one a warning, and an error
where its index ended before or began after. An image whose CUDA differs from the wheel's is a note where the wheel
carries its own runtime; a warning where it does not, where extensions are compiled, and where the image lets a driver
in with which the wheel finds no GPU. A tag of nvidia/cuda that was removed since is a warning for a release made
before. `envhooks explain dockerfile-compatible torch 2.8` prints what is known, and `vllm 0.10` as well.

A framework of the base image that an install replaces (`pip install -r` over an NGC image) is a warning: the image
was built around another release.
"""  # noqa: E501 - the first line is the row of a table

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envhooks.image import CompatFault
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ()
READS = ("environment", "compatibility")
MAY_READ = ("pins",)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding for each fact that the pins contradict."""
    environment = subject.environment
    for one in environment.replaced:
        yield Finding.at(
            one.place,
            f"{one.now} replaces the {one.name} that the base image was built around",
            level="warning",
            got=f"{one.now} over {one.was}",
            expected="the base image's own, or a base image without it",
            advice="name a base image that has the version that is meant, or one without a framework",
        )
    for fault in subject.compatibility:
        yield Finding.at(
            fault.place,
            f"{_sentence(fault)}: {fault.reason}",
            level=fault.level,
            got=f"{fault.one} with {fault.other}" if fault.other else fault.one,
            expected=fault.expected,
            **_mend(subject, fault),
        )


def _mend(subject: Subject, fault: CompatFault) -> Mend:
    """The one command for all pins; where the table does not tell, why a person has to write them."""
    pins = subject.pins
    if pins is None or fault.rule not in ("companion", "variant", "image", "python"):
        return {}
    if pins.fix and fault.rule != "python":
        return {"fix": pins.fix}
    return {"advice": pins.why_not} if pins.why_not else {}


def _sentence(fault: CompatFault) -> str:
    if fault.rule == "unknown":
        return f"nothing is known of {fault.one}"
    if fault.rule == "gone":
        return f"{fault.one} cannot be built again"
    if fault.rule == "image-cuda":
        return f"{fault.one} meets {fault.other}"
    if fault.other:
        return f"{fault.one} does not go with {fault.other}"
    if fault.level == "error":
        return f"{fault.one} does not exist"
    return f"{fault.one} may not exist"
