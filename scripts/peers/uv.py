"""uv's own requirement files and the snapshots of what it reads in them, against our reader.

Names, extras, specifiers and what comes from a URL are compared; markers are not, as a snapshot has them simplified.
"""

from __future__ import annotations

import re
import textwrap

from envhooks.image.requirements import Requirement, read_requirements
from peers import REFUSED, Case, Cases, Checkout
from peers.pip import _specifier

REPOSITORY = "astral-sh/uv"
COMMIT = "26a9dd4b2125bc271b47855e1fa0c49af3365db5"
_CRATE = "crates/uv-requirements-txt"
_DATA = f"{_CRATE}/test-data/requirements-txt"
_SNAPSHOTS = f"{_CRATE}/src/snapshots/uv_requirements_txt__test__"
_SIGNS = {
    "Equal": "==", "EqualStar": "==", "ExactEqual": "===", "NotEqual": "!=", "TildeEqual": "~=", "LessThan": "<",
    "LessThanEqual": "<=", "GreaterThan": ">", "GreaterThanEqual": ">=", "NotEqualStar": "!=",
}  # fmt: skip
Shown = tuple[str, str, bool, list[str]]


def _section(snapshot: str, name: str) -> list[Shown]:
    """The entries of one list of a snapshot."""
    match = re.search(rf"(?ms)^    {name}: \[\n(.*?)^    \],", snapshot)
    body = match[1] if match else ""
    entries = re.split(
        r"(?m)^(?:        RequirementEntry \{|        Requirement \{|        NameRequirement.*\{)\n", body
    )[1:]
    found: list[Shown] = []
    for entry in entries:
        named = re.search(r'name: PackageName\(\s*"([^"]+)"', entry)
        clauses = re.findall(r'operator: (\w+),\s*version: "([^"]+)"', entry)
        specifier = ",".join(
            _SIGNS[sign] + version + (".*" if "Star" in sign else "") for sign, version in clauses
        )
        extras = sorted(re.findall(r'ExtraName\(\s*"([^"]+)"', entry))
        found.append((named[1] if named else "", _specifier(specifier), "VerbatimUrl" in entry, extras))
    return found


def _ours(several: tuple[Requirement, ...]) -> list[Shown]:
    return [
        (one.name, "" if one.url else _specifier(one.specifier), one.url is not None, sorted(one.extras))
        for one in several
    ]


def _url(text: str) -> str:
    """An index as a snapshot has it, whose last `/` is its own matter."""
    return text.rstrip("/")


def cases(checkout: Checkout) -> Cases:
    """Every file that has a snapshot, with both line ends, and every text that uv refuses."""
    data = {path.removeprefix(f"{_DATA}/"): checkout.data(path) for path in checkout.files(_DATA)}
    for path in checkout.files(f"{_CRATE}/src/snapshots"):
        kind, name = re.fullmatch(
            rf"{_SNAPSHOTS}(parse|parse-unix|parse-windows|line-endings)-(.*)\.snap", path
        ).groups()  # type: ignore[union-attr]
        if kind == "parse-windows" or name.startswith("windows-"):
            continue
        name = name.removeprefix("unix-")
        snapshot = checkout.text(path)
        files = data | ({name: data[name].replace(b"\n", b"\r\n")} if kind == "line-endings" else {})
        answer = read_requirements(files.get, name)
        case = f"{kind}-{name}"
        if "requirements: [" not in snapshot:
            yield Case(case, name, REFUSED, REFUSED if answer.faults else "read")
            continue
        if answer.faults:
            yield Case(f"{case}: faults", name, [], [why for why, _, _ in answer.faults])
            continue
        editable = _section(snapshot, "editables")
        yield Case(
            f"{case}: requirements",
            name,
            _section(snapshot, "requirements") + editable,
            _ours(answer.requirements),
        )
        yield Case(f"{case}: constraints", name, _section(snapshot, "constraints"), _ours(answer.constraints))
    yield from _refused(checkout.text(f"{_CRATE}/src/lib.rs"))


def _refused(source: str) -> Cases:
    """The texts of tests that expect an error: the file that is parsed and those that it includes."""
    for match in re.finditer(r"(?s)\n    async fn (\w+)\(\)[^{]*\{\n(.*?)\n    \}\n", source):
        name, body = match.groups()
        if ".unwrap_err()" not in body:
            continue
        named = dict(re.findall(r'let (\w+) = temp_dir\.child\("([^"]+)"\)', body))
        files: dict[str, bytes] = {}
        form = r'(\w+)\.write_str\((?:indoc! \{r?"(.*?)"\}|"(.*?)")\)'
        for variable, block, line in re.findall(form, body, re.DOTALL):
            files[named.get(variable, variable)] = textwrap.dedent(block or line).strip("\n").encode()
        answer = read_requirements(files.get, "requirements.txt")
        yield Case(f"lib.rs: {name}", repr(files), REFUSED, REFUSED if answer.faults else "read")
