"""The faults of a person's last try at a tag, so that the next try can say which of them are mended.

In a clone the one who tries again is the one who tried before. On a server it may be anybody, who is to learn nothing
of another's push, so nothing is kept there. No verdict depends on this, and what cannot be read or written is left.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from envhooks.base.dataclass import replace
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.hooks.copies import FOLDER
from envhooks.judge.facts import Report, TagReport

FILE = "last-try"
_LIMIT = 100_000
"""Bytes of the file that are read."""
_MOST = 50
"""Tags that are kept, the latest."""
_STALE = 24 * 3600
"""Seconds after which a try is over."""


def told(git: Git, report: Report) -> Report:
    """The report with a note of what is mended since the last try; the faults of this one are kept for the next."""
    file = git.common_dir / FOLDER / FILE
    refused = {tag.tag: _refusing(tag) for tag in report.tags if _refusing(tag)}
    if not file.parent.is_dir() or not (refused or file.is_file()):
        return report
    before = _read(file)
    notes = [note for tag in report.tags if (note := _mended(tag, before.get(tag.tag, frozenset())))]
    judged = {tag.tag for tag in report.tags}
    kept = {name: checks for name, checks in before.items() if name not in judged}
    _write(file, {**kept, **refused})
    return replace(report, notes=(*report.notes, *notes))


def _refusing(tag: TagReport) -> frozenset[str]:
    return frozenset(finding.check for finding in tag.findings if finding.level == "error")


def _mended(tag: TagReport, before: frozenset[str]) -> str:
    """Sentence on the checks that refused the last time and pass now; one that did not judge is left out."""
    mended = sorted(before & set(tag.passed))
    if not mended:
        return ""
    return f"mended since the last try at {printable(tag.tag)}: {', '.join(mended)}"


def _read(file: Path) -> Mapping[str, frozenset[str]]:
    import json

    try:
        if time.time() - file.stat().st_mtime > _STALE:
            return {}
        with file.open(encoding="utf-8") as stream:
            found = json.loads(stream.read(_LIMIT))
        return {str(name): frozenset(map(str, checks)) for name, checks in found.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}


def _write(file: Path, faults: Mapping[str, frozenset[str]]) -> None:
    import json

    latest = list(faults.items())[-_MOST:]
    text = json.dumps({name: sorted(checks) for name, checks in latest})
    temporary = file.with_name(f"{FILE}.{os.getpid()}")
    with suppress(OSError):
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
