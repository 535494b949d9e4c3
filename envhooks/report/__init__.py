"""The report's formats: one file each, found by the folder.

A format is a module with `render(report: Report, look: Look) -> str`; the first line of its docstring
says what it is for. Modules that begin with an underscore are shared by the formats.
"""

from __future__ import annotations

import importlib

from envhooks.base.folders import module_names
from envhooks.judge.facts import Report
from envhooks.report._look import MANY, PLAIN, Detail, Look

__all__ = ["MANY", "PLAIN", "Detail", "Look", "formats", "render"]


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return module_names(__path__)


def render(report: Report, format: str, look: Look = PLAIN) -> str:
    """The report in one of `formats()`, ending in a line feed unless it is empty."""
    text: str = importlib.import_module(f"{__name__}.{format}").render(report, look)
    return text
