"""for GitLab: the code quality report, which merge requests and pipelines show"""

from __future__ import annotations

import json
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.judge.facts import Report
from envhooks.report._faults import STAND_IN, UNDECIDED, Fault, faults
from envhooks.report._look import Look

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def render(report: Report, look: Look) -> str:
    """One array; GitLab drops all but the first of two entries with the same fingerprint."""
    return json.dumps([_entry(fault) for fault in faults(report)], indent=2, ensure_ascii=False) + "\n"


def _entry(fault: Fault) -> dict[str, Any]:
    path = printable(fault.path).removeprefix("./") or STAND_IN
    return {
        "description": f"{fault.tag}: {fault.text}" if fault.tag else fault.text,
        "check_name": fault.rule,
        "fingerprint": fault.mark,
        "severity": "critical" if fault.rule == UNDECIDED else _SEVERITIES[fault.level],
        "location": {"path": path, "lines": {"begin": fault.line if fault.path and fault.line else 1}},
    }
