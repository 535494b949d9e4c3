"""name the least NVIDIA driver of a release; is a node's enough?

WHAT is a tag, a commit, or a Dockerfile; default: the files here. `--have 570.195` or the node's own driver is held
against what base image and wheels need.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer, sentence
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.image.compat import table_of
from envhooks.image.compat.drivers import (
    DriverNeed,
    DriverVerdict,
    driver_needs,
    full_driver,
    is_driver,
    judge_driver,
    least_driver,
)
from envhooks.image.compat.table import Table, load_table
from envhooks.image.files import FolderFiles
from envhooks.image.interpreter import read_environment
from envhooks.releases.environments import HERE, known_environment
from envhooks.releases.reading import Releases

NODE = Path("/proc/driver/nvidia/version")
MAX_NODE = 4096
"""Bytes that are read of the node's file."""

FORMATS = ("text", "json", "node-selector")
FORMATS_HELP = "json: one object, for programs; node-selector: a term of Kubernetes"
GROUP = "run in production"
EXITS = (
    "the need is known, and what --have names is enough",
    "what --have names is not enough",
    "it is not known",
)
EXAMPLES = (
    ("envhooks driver PyTorch-CUDA-v2.8", ""),
    ("envhooks driver PyTorch-CUDA-v2.8 --have node", "the driver of this machine"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """WHAT, `--have`."""
    parser.add_argument("what", nargs="?", default=HERE, metavar="WHAT", help="a tag, a commit, a Dockerfile")
    parser.add_argument(
        "--have", metavar="VERSION", help="a driver: 570.195; `node`: the one of this machine"
    )


def run(options: argparse.Namespace) -> int:
    """Print the need, and the verdict on a driver where one is named."""
    environment, table = _environment(options.what)
    needs = driver_needs(environment, table)
    have = _have(options.have) if options.have else None
    verdicts = [judge_driver(need, have) for need in needs] if have else []
    unknown = _not_known(environment, needs)
    code = _code(verdicts, unknown) if have else 2 if unknown else 0
    answer(document(options.what, needs, have, verdicts, unknown))
    if options.format == "node-selector":
        print(_node_selector(needs, unknown), end="")
    else:
        sentence("\n".join(_lines(options.what, needs, have, verdicts, unknown)))
    return code


def _environment(what: str) -> tuple[Environment, Table]:
    path = Path(what)
    if what != HERE and path.is_file():
        return read_environment(FolderFiles(path.parent.resolve()), path.name), load_table()
    with Git.open() as git:
        releases = Releases(git)
        found = known_environment(releases, what, fix="envhooks driver path/to/Dockerfile")
        return found, table_of(releases.trust.root.policy)


def _have(text: str) -> str:
    if text == "node":
        return node_driver()
    text = re.sub(r"\A[Rr](?=[0-9])", "", text)  # NVIDIA's own word for a branch: R570
    if not is_driver(text):
        raise UsageError(f"{printable(text)} is no driver version", fix="envhooks driver TAG --have 570.195")
    return text


def node_driver(file: Path = NODE) -> str:
    """The NVIDIA driver that this machine runs.

    Raises:
        CannotJudge: there is none, or its file says nothing that can be read.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_NODE).decode("utf-8", "replace")
    except OSError:
        if Path("/dev/dxg").exists():
            raise CannotJudge(
                "under WSL the driver is that of Windows, and no file here says which: nvidia-smi does",
                fix="envhooks driver TAG --have 570.195",
            ) from None
        raise CannotJudge(f"this machine has no NVIDIA driver: there is no {file}") from None
    match = re.search(r"(?a)Kernel Module(?: for \S+)?\s+([0-9]+(?:\.[0-9]+)+)", text)
    if match is None:
        raise CannotJudge("the driver's version cannot be read", place=str(file))
    return match.group(1)


def _not_known(environment: Environment, needs: Sequence[DriverNeed]) -> str:
    """Reason why the need is not wholly known; empty where it is."""
    for need in needs:
        if need.kind == "CUDA" and need.least is None:
            return f"no published driver is known for CUDA {need.version} of {need.what}"
    if needs:
        return ""
    kinds = sorted({one.kind for one in environment.hardware})
    if "CUDA" in kinds or "ROCm" in kinds:
        return "the files do not say for which version of CUDA or ROCm it is built"
    if kinds:
        return ""
    if environment.cannot_tell:
        doubt = environment.cannot_tell[0]
        return f"{doubt.what}: {doubt.why}"
    return "nothing in the files says for which hardware it is built"


def _code(verdicts: Sequence[DriverVerdict], unknown: str) -> int:
    answers = {verdict.answer for verdict in verdicts}
    if "no" in answers:
        return 1  # one part that refuses is enough, whatever is not known of another
    return 2 if unknown or answers & {"unknown", "branch"} else 0


# --------------------------------------------------------------------------------------------- text


def _lines(
    what: str, needs: Sequence[DriverNeed], have: str | None, verdicts: Sequence[DriverVerdict], unknown: str
) -> Iterator[str]:
    name = "the files here" if what == HERE else printable(what)
    if have:
        yield f"{name}: driver {have} {_sentence(verdicts, unknown)}"
    elif unknown:
        yield f"{name}: cannot tell: {printable(unknown)}"
    else:
        yield f"{name}: {_need_sentence(tuple(needs))}"
    answers = {verdict.need: verdict.answer for verdict in verdicts}
    for need in needs:
        yield f"  {need.source:5}  {printable(need.what)} ({need.kind} {printable(need.version)})"
        yield f"         {_part(need)}"
        if need in answers and answers[need] != "yes":
            yield f"         {_answer(need, answers[need], have or '')}"


def _need_sentence(needs: tuple[DriverNeed, ...]) -> str:
    if not needs:
        return "needs no NVIDIA or AMD driver"
    least, full = least_driver(needs), full_driver(needs)
    if least is None:
        return "needs an AMD driver, see below"
    more = f" ({full} for all of its CUDA)" if full and full != least else ""
    return f"needs NVIDIA driver {least} or newer{more}"


def _sentence(verdicts: Sequence[DriverVerdict], unknown: str) -> str:
    answers = [verdict.answer for verdict in verdicts]
    if "no" in answers:
        worst = next(verdict.need for verdict in verdicts if verdict.answer == "no")
        if worst.at_start:
            return f"is too old: the container does not start without {worst.least}"
        return f"is too old: no GPU is found without {worst.least}"
    if unknown or "unknown" in answers:
        return f"cannot be judged: {printable(unknown or 'no published fact says so')}"
    if "branch" in answers:
        return "is enough on data-center and workstation GPUs only; on GeForce the container does not start"
    if "minor" in answers:
        return "is enough, by CUDA's minor-version compatibility"
    return "is enough" if answers else "is not asked for: no NVIDIA or AMD driver is needed"


def _part(need: DriverNeed) -> str:
    if need.kind == "ROCm":
        if need.least:
            return f"tested with the kernel driver of ROCm {need.least} or newer"
        if need.full:
            return f"amdgpu {need.full} is published as compatible; the oldest one is not known"
        return "no published driver is known"
    if need.least is None:
        return "no published driver is known"
    if need.at_start and need.branches:
        older = ", ".join(need.branches)
        return f"{need.least} or newer; data-center GPUs also branch {older}"
    full = f", {need.full} for all of it" if need.full and need.full != need.least else ""
    return f"{need.least} or newer{full}"


def _answer(need: DriverNeed, answer: str, have: str) -> str:
    if answer == "minor":
        full = (
            f"{need.full} is the driver of its own toolkit" if need.full else "its own toolkit's is not known"
        )
        return f"{have} runs it by minor-version compatibility; {full}"
    if answer == "branch":
        return f"branch {have.split('.')[0]} is let in on data-center and workstation GPUs"
    return "not known" if answer == "unknown" else f"{have} is older than {need.least}"


def _node_selector(needs: tuple[DriverNeed, ...], unknown: str) -> str:
    """A nodeAffinity term for the labels of NVIDIA's GPU feature discovery."""
    least = least_driver(needs)
    if unknown or (needs and least is None):
        raise CannotJudge(f"no node can be chosen: {printable(unknown or 'the least driver is not known')}")
    if least is None:
        return "# needs no GPU driver: no node has to be chosen\n"
    # a label cannot be compared as a version: a term for each number, any of which is enough
    numbers = [int(number) for number in least.split(".")]
    while numbers[-1] == 0 and len(numbers) > 1:
        numbers.pop()
    lines = ["affinity:", "  nodeAffinity:", "    requiredDuringSchedulingIgnoredDuringExecution:"]
    lines.append("      nodeSelectorTerms:")
    for at, number in enumerate(numbers):
        above = number - 1 if at == len(numbers) - 1 else number
        same = [(_LABELS[n], "In", _written(text)) for n, text in enumerate(least.split(".")[:at])]
        lines.append("        - matchExpressions:")
        for label, operator, values in (*same, (_LABELS[at], "Gt", [str(above)])):
            quoted = ", ".join(f'"{value}"' for value in values)
            lines += [f"            - key: {label}", f"              operator: {operator}"]
            lines.append(f"              values: [{quoted}]")
    return "\n".join(lines) + "\n"


_LABELS = ("nvidia.com/cuda.driver.major", "nvidia.com/cuda.driver.minor", "nvidia.com/cuda.driver.rev")


def _written(text: str) -> list[str]:
    """A number of a version as a label may have it: `6` as `06`, too."""
    return list(dict.fromkeys((text, str(int(text)))))


def document(
    what: str,
    needs: Sequence[DriverNeed],
    have: str | None,
    verdicts: Sequence[DriverVerdict],
    unknown: str,
) -> dict[str, Any]:
    """Need and verdict as JSON."""
    answers = {verdict.need: verdict.answer for verdict in verdicts}
    return {
        "what": printable(what),
        "least": least_driver(tuple(needs)),
        "full": full_driver(tuple(needs)),
        "have": have,
        "unknown": printable(unknown) or None,
        "parts": [
            {
                "source": need.source,
                "what": printable(need.what),
                "kind": need.kind,
                "version": printable(need.version),
                "least": need.least,
                "full": need.full,
                "branches": list(need.branches),
                "answer": answers.get(need),
                "path": printable(need.place.path),
                "line": need.place.line,
            }
            for need in needs
        ],
    }
