"""packaging's own cases against our reader of one requirement: every text of its tests, read by both."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from envhooks.image.requirements import parse_requirement
from envhooks.image.requirements.specs import normal_version
from peers import REFUSED, Case, Cases, Checkout
from peers.pip import _marker, _specifier, is_marker

REPOSITORY = "pypa/packaging"
COMMIT = "053c884615f2e83d80705251b447769ec2599653"
_TESTS = ("tests/test_requirements.py", "tests/test_specifiers.py", "tests/test_version.py")
_PEER = r"""
import json, sys
sys.path.insert(0, sys.argv[1])
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


def requirement(text):
    try:
        one = Requirement(text)
    except InvalidRequirement:
        return "refused"
    except RecursionError:
        return "refused"
    extras = sorted(canonicalize_name(extra) for extra in one.extras)
    return [canonicalize_name(one.name), str(one.specifier), one.url, extras, str(one.marker or "")]


def version(text):
    try:
        return Version(text).public
    except InvalidVersion:
        return "refused"


given = json.load(sys.stdin)
print(json.dumps([[requirement(one) for one in given["requirements"]], [version(one) for one in given["versions"]]]))
"""


def _texts(source: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.setdefault(node.value.replace("{ws}", " "), node.lineno)
    return {text: line for text, line in found.items() if text.strip() and "\n" not in text}


def _ours(text: str) -> object:
    one = parse_requirement(text)
    if one is None or not one.name or (one.url is not None and not one.specifier):
        return REFUSED  # a bare URL is a requirement to pip, not to packaging
    if not is_marker(one.marker):
        return REFUSED  # whether it applies is then not known
    specifier = "" if one.url else _specifier(one.specifier)
    return [one.name, specifier, one.url, sorted(one.extras), _marker(one.marker)]


def cases(checkout: Checkout) -> Cases:
    """Texts as requirements, specifiers as requirements of `a`, versions in their normal form."""
    requirements: list[tuple[str, str]] = []
    versions: list[tuple[str, str]] = []
    for test in _TESTS:
        for text, line in _texts(checkout.text(test)).items():
            name = f"{test.removeprefix('tests/')}:{line}"
            if test.endswith("requirements.py"):
                requirements.append((name, text))
                requirements.append((f"{name} behind a name", f"name{text}"))
            elif test.endswith("specifiers.py"):
                requirements.append((name, f"a{text}" if text[0] in "=!<>~" else f"a=={text}"))
            versions.append((name, text))
    with tempfile.TemporaryDirectory() as source:
        checkout.unpack("src/packaging", Path(source))
        given = {"requirements": [one for _, one in requirements], "versions": [one for _, one in versions]}
        command = [sys.executable, "-I", "-c", _PEER, f"{source}/src"]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    for (name, text), their in zip(requirements, theirs[0], strict=True):
        yield Case(name, text, their, _ours(text))
    for (name, text), their in zip(versions, theirs[1], strict=True):
        public = text.strip().partition("+")[0]
        if their != REFUSED or "+" not in text:
            yield Case(f"{name} as a version", text, their, normal_version(public) or REFUSED)
