"""may this run in production? 0 yes, 1 no, 2 not proved

WHAT is a release tag, an image with its digest, an image with a tag (its digest is asked of the registry and printed),
or `-`: Kubernetes manifests on standard input, each image judged. An image is followed by its record to the tag, and
the tag is judged by today's policy, against `[deploy.NAME]`.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.builds.publication import labels_of
from envhooks.builds.registry.client import Registry
from envhooks.builds.registry.reference import DIGEST, Reference, parse
from envhooks.builds.verify_files import NAME_LABEL, OBJECT_LABEL
from envhooks.cli._manner import answer, note, quiet
from envhooks.git.repository import Git
from envhooks.releases.gate import Answer, Gate, environment_named, worst
from envhooks.releases.manifests import MAX_BYTES, image_uses
from envhooks.releases.reading import Releases

GROUP = "run in production"
EXITS = (
    "every one may run",
    "one may not run",
    "one is not proved",
)
EXAMPLES = (
    ("envhooks gate PyTorch-CUDA-v2.8 --for production", ""),
    ("helm template . | envhooks gate - --for production", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """WHAT, `--for`."""
    parser.add_argument(
        "what", nargs="+", metavar="WHAT", help="a tag, an image, or - for manifests on stdin"
    )
    parser.add_argument(
        "--for", dest="environment", required=True, metavar="NAME", help="[deploy.NAME] of the policy"
    )


def run(options: argparse.Namespace) -> int:
    """Print the answers; the exit code is the worst of them."""
    manifests = sys.stdin.buffer.read(MAX_BYTES + 1) if "-" in options.what else b""
    with Git.open() as git:
        releases = Releases(git)
        deploy = environment_named(releases.trust.root.policy, options.environment)
        gate = Gate(releases, deploy)
        answers: list[Answer] = []
        known: dict[str, Answer] = {}  # a registry is asked once for an image that stands in many places
        for what in options.what:
            if what == "-":
                for use in image_uses(manifests):
                    if use.why:
                        answers.append(Answer(use.resource, "unproved", use.why, line=use.line))
                        continue
                    if use.reference not in known:
                        known[use.reference] = _image(gate, use.reference)
                    answers.append(replace(known[use.reference], resource=use.resource, line=use.line))
            elif releases.has(what):
                answers.append(gate.of_tag(what))
            elif "/" in what or ":" in what or "@" in what:
                answers.append(_image(gate, what))
            else:
                answers.append(gate.of_tag(what))  # says that there is none
    answer(document(options.environment, answers))
    _print(
        options.environment, [one for one in answers if not quiet() or one.outcome in ("refused", "unproved")]
    )
    return worst(answers)


def _image(gate: Gate, text: str) -> Answer:
    """One image; that it cannot be asked for is its own answer, and the others are judged all the same."""
    try:
        if re.fullmatch(DIGEST, text):  # by itself it would be read as an image `sha256` of Docker Hub
            return gate.of_digest("", text, text)
        reference = parse(text)
        if gate.ignores(reference.name):  # before its registry is asked, which may not be ours
            return Answer(text, "ignored", "the policy leaves this image alone")
        found = gate.of_digest(reference.name, reference.digest or _digest(reference), text)
        if found.outcome == "unproved" and not found.tag:
            claimed = _claim(reference)
            if claimed:
                why = f"claimed, not proved: its label says {claimed}, and no record does"
                return replace(found, why=why, tag=claimed)
        return found
    except EnvhooksError as error:
        return Answer(text or "(no text)", "unproved", error.message)


def _claim(reference: Reference) -> str:
    """The release that an image's own label names, a claim of its pusher; empty where none can be read."""
    try:
        registry = Registry(reference, os.environ)
        found = registry.manifest(reference.digest or reference.tag or "latest")
        labels = labels_of(registry, found) if found is not None else {}
    except EnvhooksError:
        return ""  # it is a hint for people alone: the answer is the same without it
    return labels.get(NAME_LABEL, "")[:200] if OBJECT_LABEL in labels else ""


def _digest(reference: Reference) -> str:
    """The digest of an image name as the registry has it now."""
    digest = Registry(reference, os.environ).head(reference.tag or "latest")
    if digest is None:
        raise CannotJudge("the registry has no such image")
    note(f"{printable(str(reference))} is {printable(digest)} now")
    return digest


def document(environment: str, answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers as JSON."""
    return {
        "environment": printable(environment),
        "exit_code": worst(answers),
        "answers": [
            {
                "what": printable(one.what),
                "outcome": one.outcome,
                "why": printable(one.why) or None,
                "tag": printable(one.tag) or None,
                "image": printable(one.reference) or None,
                "resource": printable(one.resource) or None,
                "line": one.line,
            }
            for one in answers
        ],
    }


_WORDS = {"allowed": "may run", "refused": "may not run", "unproved": "not proved", "ignored": "left alone"}


def _print(environment: str, answers: Sequence[Answer]) -> None:
    """One line an answer, those that stop a deployment first."""
    order = ("refused", "unproved", "allowed", "ignored")
    for one in sorted(answers, key=lambda answer: order.index(answer.outcome)):
        resource = f", {one.resource}" if one.resource else ""
        place = f"line {one.line}{resource}: " if one.line or resource else ""
        of_tag = f" ({one.tag})" if one.tag and one.tag != one.what else ""
        why = f": {one.why}" if one.why else ""
        where = f" in {environment}" if one.outcome in ("allowed", "refused") else ""
        print(printable(f"{place}{one.what}{of_tag} {_WORDS[one.outcome]}{where}{why}"))
        if one.reference and one.outcome == "allowed" and one.reference != one.what:
            print(f"  {printable(one.reference)}")
