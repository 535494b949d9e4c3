"""The stamp of an environment: variables that an image carries, and what they become in trackers of experiments."""

from __future__ import annotations

import json
from collections.abc import Mapping

STAMPS = {
    "ENVHOOKS_TAG": "envhooks.tag",
    "ENVHOOKS_COMMIT": "envhooks.commit",
    "ENVHOOKS_TAG_OBJECT": "envhooks.tag_object",
}
"""Variable of the image -> tag of a run."""
RUN_CONTEXT = "MLFLOW_RUN_CONTEXT"
"""MLflow puts the pairs of this variable, a JSON object, on every run that its fluent API starts."""
MAX_TEXT = 1000


def stamp(tag: str, commit: str, tag_object: str) -> dict[str, str]:
    """The variables of an image.

    Args:
        tag: the git tag's short name.
        commit, tag_object: object ids.
    """
    values = dict(zip(STAMPS, (tag, commit, tag_object), strict=True))
    pairs = {STAMPS[name]: value for name, value in values.items()}
    return {**values, RUN_CONTEXT: json.dumps(pairs, ensure_ascii=True, separators=(",", ":"))}


def run_context(environ: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run that the variables of an environment make; empty where it carries no stamp.

    A value of another form is left out: a run's tags are shown to people.
    """
    found = {tag: environ[name] for name, tag in STAMPS.items() if environ.get(name)}
    return {tag: text for tag, text in found.items() if len(text) <= MAX_TEXT and text.isprintable()}
