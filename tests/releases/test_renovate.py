"""docs/deploy.md against Renovate's own versioning: it orders the image tags as the page says."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = ROOT / ".cache/renovate/node_modules/renovate/dist/modules/versioning/index.js"
NODE = shutil.which("node")
ORDER = [
    "2.7",
    "2.7.1",
    "2.8-alpha1",
    "2.8-beta2",
    "2.8-rc1",
    "2.8-rc2",
    "2.8-rc10",
    "2.8",
    "2.8.1",
    "2.8.1-post1",
]
ORDER += ["2.9-rc1"]
STABLE = ["2.7", "2.7.1", "2.8", "2.8.1", "2.8.1-post1"]
SCRIPT = """
const { get } = await import(process.argv[1]);
const { versioning, tags } = JSON.parse(process.argv[2]);
const api = get(versioning);
const isStable = tags.filter((tag) => api.isStable(tag));
console.log(JSON.stringify({ order: [...tags].sort((a, b) => api.sortVersions(a, b)), isStable }));
"""


@pytest.mark.skipif(
    NODE is None or not MODULE.exists(),
    reason="NOT TESTED: node or Renovate is missing; scripts/neighbours brings it",
)
@pytest.mark.parametrize(("versioning", "is_right"), [("page", True), ("docker", False)])
def test_the_tags_are_in_order(versioning: str, is_right: bool) -> None:
    """Renovate's docker versioning is why the page has one of its own: it takes rc1 for stable."""
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    block = next(text for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "versioning" in text)
    written = json.loads(block)["packageRules"][0]["versioning"]
    tags = random.Random(7).sample(ORDER, len(ORDER))
    question = json.dumps({"versioning": written if versioning == "page" else versioning, "tags": tags})
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", SCRIPT, str(MODULE), question],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["order"] == ORDER and sorted(found["isStable"]) == sorted(STABLE)) is is_right
