"""show one release in full: verdict, signer, base image, packages

Its commit, Python, hardware and driver as well. Nothing is built or fetched. `--format json` has the same.
"""

from __future__ import annotations

import argparse
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer, is_json
from envhooks.cli._progress import Progress
from envhooks.cli._tables import print_pairs
from envhooks.cli.env import document as environment_document
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.image.compat import table_of
from envhooks.image.compat.table import Table
from envhooks.judge.facts import VERDICT_WORDS
from envhooks.judge.runs import Work
from envhooks.releases.compare import base_text, driver_text, packages_of, version_text
from envhooks.releases.facts import Release
from envhooks.releases.reading import Releases

PIPED = "json"
GROUP = "read releases"
EXITS = (
    "the release is good",
    "it is refused",
    "it could not be judged",
)
EXAMPLES = (("envhooks show PyTorch-CUDA-v2.8", ""),)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG."""
    parser.add_argument("tag", metavar="TAG", help="a release tag")


def run(options: argparse.Namespace) -> int:
    """Print the release; 0 accepted, 1 refused, 2 could not be judged."""
    with Git.open() as git, Progress() as progress:
        releases = Releases(git, Work(step=progress.step))
        release = releases.with_records(releases.judge(releases.read([options.tag])))[0]
        table = table_of(releases.trust.root.policy)
    answer(document(release, table))
    if not is_json():
        _print(release, table)
    return {"accepted": 0, "refused": 1}.get(release.verdict, 2)


def document(release: Release, table: Table) -> dict[str, Any]:
    """The release as JSON."""
    return {**head_of(release), "image": _image(release), **_environment(release, table)}


def head_of(release: Release) -> dict[str, Any]:
    """What `list` and `show` say of a release in the same keys."""
    return {
        "tag": printable(release.tag),
        "object": release.object,
        "commit": release.commit,
        "line": printable(release.line),
        "stage": release.stage,
        "date": release.date,
        "verdict": release.verdict or None,
        "reason": printable(release.why) or None,
        "signer": printable(release.signer) or None,
        "yanked": printable(release.yanked) or None,
    }


def _environment(release: Release, table: Table) -> dict[str, Any]:
    environment = release.environment
    if not isinstance(environment, Environment):
        return {"environment": None, "environment_unknown": printable(environment.why), "driver": None}
    return {
        "environment": environment_document(environment),
        "environment_unknown": None,
        "driver": driver_text(environment, table) or None,
    }


def _image(release: Release) -> dict[str, Any] | None:
    image = release.records.image if release.records and release.records.is_proved else None
    if image is None:
        return None
    return {
        "reference": printable(image.reference),
        "digest": printable(image.digest),
        "platforms": {printable(name): printable(digest) for name, digest in image.platforms.items()},
        "recorded_by": printable(image.signer.name),
        "word": image.signer.word,
        "time": image.time.isoformat(),
    }


def _image_pairs(release: Release) -> list[tuple[str, str]]:
    records = release.records
    if records is None or records.state == "none":
        pairs = [("image", "no record proves one")]
    elif records.state == "contradicted":
        pairs = [("image", f"contradicted: {records.faults[0] if records.faults else 'its record'}")]
    elif records.image is None:
        pairs = []
    else:
        image = records.image
        by = (
            f"by {image.signer.name}, the word of {'the team' if image.signer.word == 'team' else 'a person'}"
        )
        pairs = [("image", image.reference), ("recorded", f"{image.time:%Y-%m-%d %H:%M} UTC {by}")]
    return [("yanked", release.yanked), *pairs]


def _print(release: Release, table: Table) -> None:
    verdict = VERDICT_WORDS.get(release.verdict, "") + (f": {release.why}" if release.why else "")
    pairs = [
        ("tag", release.tag),
        ("verdict", verdict),
        ("signed by", release.signer),
        ("line", f"{release.line}, {release.stage}" if release.line else release.stage),
        ("date", f"{release.date} by its tagger" if release.date else ""),
        ("commit", release.commit or "none"),
        ("tag object", release.object),
        *_image_pairs(release),
    ]
    environment = release.environment
    if not isinstance(environment, Environment):
        print_pairs([*pairs, ("environment", f"not known: {environment.why}")])
        return
    hardware = dict.fromkeys(
        f"{one.kind} {one.version}" if one.version else one.kind for one in environment.hardware
    )
    pairs += [
        ("Dockerfile", environment.path),
        ("base", base_text(environment)),
        ("Python", environment.python or "not stated"),
        ("hardware", ", ".join(hardware) or "not stated"),
        ("driver", driver_text(environment, table)),
    ]
    packages = packages_of(environment)
    pairs += [
        ("packages" if at == 0 else " ", f"{name} {version_text(package)}")
        for at, (name, package) in enumerate(packages.items())
    ]
    pairs += [
        ("cannot tell" if at == 0 else " ", f"{doubt.what}: {doubt.why} ({doubt.place})")
        for at, doubt in enumerate(environment.cannot_tell)
    ]
    print_pairs(pairs)
