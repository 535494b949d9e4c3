"""name the environment that made a run or a model, and the reverse

WHAT is a release tag, `runs:/ID`, `models:/NAME/VERSION`, `models:/NAME@ALIAS` or `models:/m-ID`, in MLflow's tracking
server (MLFLOW_TRACKING_URI). The stamp of a run is a claim; it is proved where the repository's records prove that tag
object. For a tag, `--format otel` and `--format prometheus` print its facts for OpenTelemetry's resource attributes and
for a text file of Prometheus.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer, is_json, sentence, verbose
from envhooks.cli._progress import Progress
from envhooks.cli._tables import print_pairs, print_table
from envhooks.git.repository import Git
from envhooks.lineage.exports import otel, prometheus
from envhooks.lineage.facts import EXIT_CODES, Use
from envhooks.releases.reading import Releases

FORMATS = ("text", "json", "otel", "prometheus")
FORMATS_HELP = "json: one object, for programs; otel and prometheus: the facts of a tag"
_ASKING = "waiting for MLflow"
GROUP = "read releases"
EXITS = (
    "proved, or the list of a tag",
    "contradicted",
    "claimed or unknown, with the reason",
)
EXAMPLES = (
    ("envhooks lineage models:/recommender/7", ""),
    ("envhooks lineage PyTorch-CUDA-v2.8", "what it made"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """WHAT, `--tracking-uri`."""
    parser.add_argument("what", metavar="WHAT", help="a tag, runs:/ID, models:/NAME/VERSION or @ALIAS")
    parser.add_argument("--tracking-uri", metavar="URI", help="default: as MLflow finds it")


def run(options: argparse.Namespace) -> int:
    """Print the lineage."""
    what: str = options.what
    if options.format in ("otel", "prometheus"):
        return _export(what, options.format)
    if not verbose():
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # what MLflow does to its own tables
    # a server that is not there would be asked for minutes
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    from envhooks.lineage.tracking import of_model, of_run, uses

    uri = options.tracking_uri
    one = of_run if what.startswith("runs:/") else of_model if what.startswith("models:/") else None
    if one is not None:
        with Progress() as progress:
            progress.wait(_ASKING)
            use = one(what, uri)
        return _one(use)
    with Git.open() as git, Progress() as progress:
        release = Releases(git).read([what])[0]
        progress.wait(_ASKING)
        found = uses(release.tag, uri, git)
    answer(document(release.tag, found))
    if is_json():
        pass
    elif not found:
        sentence(f"no run and no model of this tracking server carries the stamp of {printable(release.tag)}")
    else:
        print_table(
            ("id", "name", "experiment", "date", "state"),
            [(one.id, one.name, one.experiment, one.time[:10], _state(one)) for one in found],
        )
    return 1 if any(one.origin.state == "contradicted" for one in found) else 0


def _one(use: Use) -> int:
    answer(document("", [use]))
    origin = use.origin
    if is_json():
        return EXIT_CODES[origin.state]
    print_pairs(
        [
            (use.kind, use.id),
            ("name", use.name),
            ("time", use.time),
            ("made in", origin.tag or "unknown"),
            ("image", origin.image),
            ("commit", origin.commit),
            ("state", _state(use) + (f": {origin.why}" if origin.why else "")),
        ]
    )
    return EXIT_CODES[origin.state]


def _state(use: Use) -> str:
    return f"{use.origin.state}, deleted" if use.deleted else use.origin.state


def _export(tag: str, form: str) -> int:
    with Git.open() as git:
        releases = Releases(git)
        release = releases.with_records(releases.read([tag]))[0]
    print(otel(release) if form == "otel" else prometheus(release), end="")
    return 0 if release.image else 2


def document(tag: str, found: Sequence[Use]) -> dict[str, Any]:
    """The lineage as JSON."""
    return {
        "tag": printable(tag) or None,
        "uses": [
            {
                "kind": one.kind,
                "id": printable(one.id),
                "name": printable(one.name),
                "experiment": printable(one.experiment) or None,
                "time": one.time or None,
                "run": printable(one.run) or None,
                "deleted": one.deleted,
                "metrics": {printable(name): value for name, value in one.metrics.items()},
                "state": one.origin.state,
                "why": printable(one.origin.why) or None,
                "tag": printable(one.origin.tag) or None,
                "tag_object": printable(one.origin.tag_object) or None,
                "commit": printable(one.origin.commit) or None,
                "image": printable(one.origin.image) or None,
            }
            for one in found
        ],
    }
