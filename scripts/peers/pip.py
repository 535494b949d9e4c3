"""pip's own cases against our reader of requirement files: every text in its tests, read by its own parser and ours.

pip's parser is the one of the checkout, run in a process of its own; it opens nothing but the files of the case.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from envhooks.image.requirements import read_requirements
from peers import Case, Cases, Checkout

REPOSITORY = "pypa/pip"
COMMIT = "6d309205789d368b2749d93fd6193d584811efd5"
_TESTS = ("tests/unit/test_req_file.py", "tests/unit/test_req.py", "tests/functional/test_install_reqs.py")
_DATA = "tests/data"

# Reads JSON [[file, ...], ...] of folders from its input, and writes what pip reads in each.
_PIP = r"""
import json, os, re, sys
sys.path.insert(0, sys.argv[1])
os.environ.clear()
from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.release_control import ReleaseControl
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements
import logging
logging.disable(logging.CRITICAL)


class Offline(PipSession):
    def request(self, *args, **kwargs):
        raise OSError("offline")


def one(folder):
    os.chdir(folder)
    session = Offline()
    scope = SearchScope.create(find_links=[], index_urls=["default"], no_index=False)
    finder = PackageFinder.create(
        link_collector=LinkCollector(session=session, search_scope=scope),
        selection_prefs=SelectionPreferences(allow_yanked=True, release_control=ReleaseControl()),
    )
    found = {"requirements": [], "constraints": []}
    try:
        for parsed in parse_requirements("requirements.txt", session, finder=finder):
            req = install_req_from_parsed_requirement(parsed)
            made = {
                "name": req.name and re.sub("[-_.]+", "-", req.name).lower(),
                "specifier": str(req.req.specifier) if req.req and not req.link else "",
                "url": bool(req.link),
                "extras": sorted(req.extras),
                "marker": str(req.markers) if req.markers else "",
            }
            found["constraints" if parsed.constraint else "requirements"].append(made)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"[:300]}
    scope = finder.search_scope
    found["index"] = [one for one in scope.index_urls if one != "default"]
    found["links"] = [os.path.basename(one) for one in scope.find_links]
    return found


print(json.dumps([one(folder) for folder in json.load(sys.stdin)]))
"""


def _texts(source: str) -> list[tuple[int, str]]:
    """(line, text) of every string in a test that could be a requirement file or a line of one."""
    found: dict[str, int] = {}
    tree = ast.parse(source)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module))
        and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [one.value if isinstance(one, ast.Constant) else "x" for one in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            text = node.value
        else:
            continue
        text = textwrap.dedent(text)
        if text.strip() and text not in found:
            found[text] = node.lineno
    return [(line, text) for text, line in found.items()]


def _marker(text: str) -> str:
    from packaging.markers import InvalidMarker, Marker

    try:
        return str(Marker(text)) if text else ""
    except InvalidMarker:
        return text


def is_marker(text: str) -> bool:
    """Whether anybody can read a marker; what stands behind another one is doubt to our reader."""
    from packaging.markers import InvalidMarker, Marker

    try:
        return not text or bool(Marker(text))
    except InvalidMarker:
        return False


def _specifier(text: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return str(SpecifierSet(text.strip("()")))
    except InvalidSpecifier:
        return text


def ours(folder: Path) -> dict[str, object]:
    """What our reader makes of `requirements.txt` in a folder, in the form of the peer's answer."""

    def read(path: str) -> bytes | None:
        return (folder / path).read_bytes() if (folder / path).is_file() else None

    answer = read_requirements(read, "requirements.txt")
    if answer.faults:
        return {"refused": answer.faults[0][0]}
    if any(not is_marker(one.marker) for one in answer.requirements):
        return {"refused": "whether it applies is not known"}

    def shown(several: object) -> list[dict[str, object]]:
        assert isinstance(several, tuple)
        return [
            {
                "name": one.name or None, "specifier": "" if one.url else _specifier(one.specifier),
                "url": one.url is not None, "extras": sorted(one.extras), "marker": _marker(one.marker),
            }
            for one in several
        ]  # fmt: skip

    index = [answer.index_url] if answer.index_url else []
    return {
        "requirements": shown(answer.requirements), "constraints": shown(answer.constraints),
        "index": [*index, *answer.extra_index_urls],
        "links": [one.rpartition("/")[2] for one in answer.find_links],
    }  # fmt: skip


def answers(checkout: Checkout, folders: list[Path]) -> list[dict[str, object]]:
    """What the checkout's pip reads in each folder."""
    with tempfile.TemporaryDirectory() as source:
        checkout.unpack("src/pip", Path(source))
        command = [sys.executable, "-I", "-c", _PIP, f"{source}/src"]
        given = json.dumps([str(folder) for folder in folders])
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def cases(checkout: Checkout) -> Cases:
    """Every text of the tests as a requirement file, and the files among their data."""
    with tempfile.TemporaryDirectory() as top:
        names: list[tuple[str, str]] = []
        folders: list[Path] = []
        for test in _TESTS:
            for line, text in _texts(checkout.text(test)):
                names.append((f"{test.rpartition('/')[2]}:{line}", text))
                folders.append(_folder(Path(top), len(folders), {"requirements.txt": text.encode()}))
        for path in checkout.files(_DATA):
            if re.search(r"req[^/]*\.txt\Z", path):
                data = checkout.data(path)
                names.append((path.removeprefix("tests/"), repr(data[:80])))
                folders.append(_folder(Path(top), len(folders), {"requirements.txt": data}))
        for (name, text), folder, theirs in zip(names, folders, answers(checkout, folders), strict=True):
            yield compared(name, text, theirs, ours(folder))


def compared(name: str, given: str, theirs: dict[str, object], own: dict[str, object]) -> Case:
    """A case; where both refuse, the words of the refusal are nobody's concern."""
    if "refused" in theirs and "refused" in own:
        return Case(name, given, "refused", "refused")
    return Case(name, given, theirs, own)


def _folder(top: Path, number: int, files: dict[str, bytes]) -> Path:
    folder = top / str(number)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
