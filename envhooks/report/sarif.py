"""for code scanning: SARIF 2.1.0, with one rule for each check and fingerprints that outlast a moved line"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from envhooks import __version__
from envhooks.base.hygiene import printable_block
from envhooks.judge import engine as checks
from envhooks.judge.facts import Report
from envhooks.report._faults import STAND_IN, UNDECIDED, UNDECIDED_SUMMARY, Fault, faults
from envhooks.report._look import Look

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/envhooks/envhooks"
_PATH_LIMIT = 4096  # Linux's PATH_MAX
_TEXT_LIMIT = 1024  # code scanning refuses longer descriptions of a rule


def render(report: Report, look: Look) -> str:
    """One run, whether or not there is a result: an upload without one closes the alerts that are mended."""
    found = tuple(faults(report))
    rules = _rules(found)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "envhooks", "informationUri": HOME, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "envhooks/"},
        "invocations": [_invocation(report)],
        "results": [_result(fault, index[fault.rule]) for fault in found],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rules(found: tuple[Fault, ...]) -> list[dict[str, Any]]:
    pages = {
        UNDECIDED: (UNDECIDED_SUMMARY, "The message names what is missing and the command that brings it.")
    }
    levels = {UNDECIDED: "error"}
    try:
        for check in checks.load():
            pages[check.id] = (f"{check.summary}.", check.page)
            levels[check.id] = check.level
    except Exception:  # that a check does not load is what this very report says
        pages |= {id: (id, id) for id in checks.ids()}
    pages |= {fault.rule: (fault.rule, fault.rule) for fault in found if fault.rule not in pages}
    return [_rule(id, *page, levels.get(id, "error")) for id, page in sorted(pages.items())]


def _rule(id: str, summary: str, page: str, level: str) -> dict[str, Any]:
    paragraphs = " ".join(page.split())
    return {
        "id": id,
        "name": "".join(word.capitalize() for word in id.split("-")),
        "shortDescription": {"text": _cut(summary)},
        "fullDescription": {"text": _cut(paragraphs)},
        "help": {"text": f"{page}\n\nenvhooks explain {id}" if id != UNDECIDED else page},
        "helpUri": f"{HOME}#checks",
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["release"], "precision": "very-high", "problem.severity": level},
    }


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"


def _result(fault: Fault, index: int) -> dict[str, Any]:
    return {
        "ruleId": fault.rule,
        "ruleIndex": index,
        "level": fault.level,
        "message": {"text": _plain(f"{fault.tag}: {fault.text}" if fault.tag else fault.text)},
        "locations": [_location(fault)],
        # code scanning knows the first alone; without it, it would hash a line that a tag does not have
        "partialFingerprints": {"primaryLocationLineHash": f"{fault.mark[:16]}:1", "envhooks/v1": fault.mark},
    }


def _plain(text: str) -> str:
    """Viewers make a link of `[words](address)`, wherever the words come from."""
    return text.replace("](", "] (")


def _location(fault: Fault) -> dict[str, Any]:
    """Code scanning takes no result without a file and a line; a tag has neither, so it names the tag besides."""
    path = fault.path[:_PATH_LIMIT].lstrip("/") or STAND_IN
    uri = quote(path.encode("utf-8", "surrogatepass"), safe="/")
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": fault.line if fault.path and fault.line else 1},
        }
    }
    if fault.tag:
        ref = fault.tag if fault.tag.startswith("refs/") else f"refs/tags/{fault.tag}"
        location["logicalLocations"] = [{"name": fault.tag, "fullyQualifiedName": ref, "kind": "resource"}]
    return location


def _invocation(report: Report) -> dict[str, Any]:
    said = [*(("error", text) for text in report.errors), *(("note", text) for text in report.notes)]
    return {
        "executionSuccessful": report.exit_code != 2,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": [
            {"level": level, "message": {"text": _plain(printable_block(text))}} for level, text in said
        ],
    }
