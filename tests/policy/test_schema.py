"""The policy's schema for editors knows the keys that the reader knows, and refuses no policy that it takes."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envhooks.base.errors import PolicyError
from envhooks.builds import builders
from envhooks.builds.plan import COMMON_OPTIONS
from envhooks.builds.sections import faults
from envhooks.judge import engine
from envhooks.policy import values
from envhooks.policy.reader import parse_policy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent.parent
SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "envhooks" / "policy" / "schema-v1.json").read_text(encoding="utf-8")
)
PAGES = ("policy", "conventions", "builders", "builds", "records", "deploy", "ci")
BLOCKS = [
    text
    for page in PAGES
    for text in re.findall(
        r"^```toml\n(.*?)^```", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), re.M | re.S
    )
]
WHOLE = """
branch = "main"
[tag]
templates = ["v{version}", { template = "g{version}", framework = "PyTorch" }]
[dockerfile]
path = "Dockerfile"
built-by = { file = "docker-bake.hcl", name = "a" }
[changelog]
path = "CHANGELOG.md"
[image]
name = "example.com/a"
[checks]
dockerfile-pinned = { level = "warning" }
dockerfile-matches = { level = "warning" }
tag-order = { level = "warning" }
[[gitsign]]
identity = "a@example.org"
issuer = "https://example.org"
[[base]]
image = "a"
tag = "{torch}"
[[compat.torch]]
version = "9.0"
[deploy.p]
stages = ["stable"]
[[verifier]]
name = "a"
ssh = "a@example.org"
[records]
predicate = "vsa"
[[yanked]]
tag = "v2.8"
reason = "x"
"""


def valid(text: str) -> bool:
    found = jsonschema.Draft7Validator(SCHEMA).is_valid(
        json.loads(json.dumps(tomllib.loads(text), default=str))
    )
    return bool(found)


def is_taken(text: str) -> bool:
    try:
        policy = parse_policy(text.encode(), "policy", engine.ids())
    except PolicyError:
        return False
    return not [fault for fault in faults(policy) if "image" not in str(fault)]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def keys_at(path: tuple[object, ...]) -> set[str]:
    """The keys that the schema has at a place of the policy."""
    nodes = [SCHEMA]
    for step in (str(part) for part in path if not isinstance(part, int)):
        nodes = [
            inner
            for node in nodes
            for inner in (node.get("properties", {}).get(step) or node.get("additionalProperties"),)
            if isinstance(inner, dict)
        ]
        while True:
            below = [
                n
                for node in nodes
                for n in (*node.get("anyOf", ()), node.get("items"))
                if isinstance(n, dict)
            ]
            if all(node in nodes for node in below):
                break
            nodes += [node for node in below if node not in nodes]
    return {key for node in nodes for key in node.get("properties", {})}


def test_every_section_has_the_keys_that_its_reader_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[tuple[object, ...], set[str]] = {}
    real = values.Value.table

    def table(self: values.Value, known: Any = None) -> dict[str, values.Value]:
        if known is not None:
            asked[tuple(self.path)] = set(known)
        return real(self, known)

    monkeypatch.setattr(values.Value, "table", table)
    parse_policy(WHOLE.encode(), "policy", engine.ids())
    assert len(asked) >= 15, "every section is read"
    for path, known in asked.items():
        assert keys_at(path) == known, path


@pytest.mark.parametrize("name", builders.names())
def test_every_builder_has_the_keys_that_it_reads(name: str) -> None:
    module = importlib.import_module(
        "envhooks.builds.local_section" if name == "local" else f"envhooks.builds.builders.{name}"
    )
    common = {"using", "name", "on", "remotes", "stages", *COMMON_OPTIONS, "verify"}
    expected = common | set(module._KEYS)
    if name == "local":
        expected -= {"registry"}
    assert set(SCHEMA["definitions"][name]["properties"]) == expected


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.split("\n")[0][:40])
def test_what_the_reader_takes_is_valid(text: str) -> None:
    if not is_taken(text):
        text = f'[[build]]\nusing = "local"\n{text}'  # a section's own keys
    if is_taken(text):
        assert valid(text)


def test_most_samples_of_the_pages_are_whole_policies() -> None:
    assert sum(map(is_taken, BLOCKS)) >= 12 and is_taken(WHOLE) and valid(WHOLE)


@pytest.mark.parametrize(
    "text",
    [
        "brunch = 'main'",
        "[tag]\ntemplate = 'v{version}'",
        "[checks]\ntag-order = 'loud'",
        "[checks]\ntag-ordre = 'error'",
        "[[build]]\nname = 'x'",
        "[[build]]\nusing = 'local'\nengin = 'docker'",
        "[[build]]\nusing = 'webhook'\nurl = 'https://example.org'",
        "[[yanked]]\ntag = 'v2.8'",
        "[deploy.p]\nstages = ['stable']\nmin-age = 'long'",
        "[image]\nname = 'example.com/a'\naliases = ['calver']",
        "[dockerfile]\nbuilt-by = 'docker-bake.hcl'",
        "[dockerfile]\nbuilt-by = { name = 'train' }",
        "[dockerfile]\nbuilt-by = { file = 'docker-bake.hcl', target = 'train' }",
    ],
)
def test_what_the_reader_refuses_is_not_valid(text: str) -> None:
    assert not is_taken(text)
    assert not valid(text)
