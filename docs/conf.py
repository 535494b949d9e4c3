"""Site of the documentation, by Sphinx: `make docs`. It asks nothing of another server, nor do its pages."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import envhooks  # noqa: E402

REPOSITORY = "https://github.com/envhooks/envhooks"

project = "envhooks"
author = "the envhooks developers"
copyright = author
release = version = envhooks.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
smartquotes = False  # `--yes` has two hyphens
html_theme = "furo"
html_title = f"envhooks {release}"
html_show_sphinx = False
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
default_role = "code"  # of docstrings
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
man_pages = [("reference/commands", "envhooks", "the release gate for environment images", [author], 1)]
man_show_urls = True
WRITTEN: dict[str, list[str]] = {}
"""Attribute -> the lines of its docstring as they were written."""


def outside(app: Sphinx, name: str, source: list[str]) -> None:
    """Links to files of the repository that are no pages lead to where it is hosted."""
    source[0] = re.sub(r"\]\(\.\./([^)]+)\)", rf"]({REPOSITORY}/blob/main/\1)", source[0])


def write_reference(app: Sphinx, config: object) -> None:
    """Write the pages that are made from code, before the folder is looked through."""
    import reference

    reference.write(Path(app.srcdir) / "reference")


def sentences(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """An attribute's docstring is a sentence: napoleon would take what stands before its colon for a type."""
    if what == "attribute":
        lines[:] = WRITTEN.setdefault(name, list(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("config-inited", write_reference)
    app.connect("source-read", outside)
    app.connect("autodoc-process-docstring", sentences, priority=400)  # before napoleon, and after it
    app.connect("autodoc-process-docstring", sentences, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
