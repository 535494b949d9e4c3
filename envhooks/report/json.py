"""for programs: the verdicts as JSON, with a version that changes when a field is removed or changes its meaning"""

from __future__ import annotations

import json
from typing import Any

from envhooks import __version__
from envhooks.base.hygiene import printable, printable_block
from envhooks.judge.facts import Finding, Report, TagReport
from envhooks.report._kinds import in_order, warned
from envhooks.report._look import Look

VERSION = 1
SCHEMA = f"urn:envhooks:report:v{VERSION}"


def render(report: Report, look: Look) -> str:
    """One JSON document; text from the repository is escaped in it as everywhere."""
    head = {
        "schema": SCHEMA,
        "envhooks": __version__,
        "version": VERSION,
        "exit_code": report.exit_code,
    }
    return json.dumps({**head, **document(report)}, indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Tags, errors and notes, for every document that holds a report."""
    return {
        "tags": [_tag(tag) for tag in report.tags],
        "errors": [printable_block(error) for error in report.errors],
        "notes": [printable_block(note) for note in report.notes],
    }


def _tag(tag: TagReport) -> dict[str, Any]:
    return {
        "tag": printable(tag.tag),
        "ref": printable(tag.ref),
        "change": tag.change.value,
        "object": tag.object,
        "commit": tag.commit,
        "verdict": tag.verdict,
        "findings": [_finding(finding) for finding in in_order(tag.findings)],
        "passed": list(tag.passed),
        "warned": warned(tag),
        "not_applicable": {check: printable(why) for check, why in tag.not_applicable.items()},
        "undecided": {
            check: {
                "why": printable(unknown.why),
                "fix": printable_block(unknown.fix),
                "advice": printable_block(unknown.advice),
            }
            for check, unknown in tag.undecided.items()
        },
        "not_compared": {printable(field): printable(why) for field, why in tag.not_compared.items()},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "level": finding.level,
        "message": printable(finding.message),
        "got": printable(finding.got),
        "expected": printable(finding.expected),
        "path": printable(finding.path),
        "line": finding.line,
        "fix": printable_block(finding.fix),
        "advice": printable_block(finding.advice),
    }
