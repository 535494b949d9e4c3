"""The documentation as a site and a manual page: whole, without a broken link, asking nothing of another server."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envhooks import cli, lineage, report
from envhooks.judge import engine

ROOT = Path(__file__).parent.parent
VERBS = [verb for verb in cli.verbs() if verb != "hook"]
LOADS = (
    r"""<(?:script|img|iframe|source|video)[^>]*\ssrc=["']?([^"'\s>]+)"""
    r"""|<link[^>]*\shref=["']?([^"'\s>]+)|(?:url\(|@import\s)["']?([^"')]+)"""
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's pages, in which a test may write."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", root / "docs", ignore=shutil.ignore_patterns("reference"))
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    return root / "docs"


def made(source: Path, builder: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        builder,
        str(source),
        str(folder),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(source: Path) -> Path:
    pytest.importorskip("furo", reason="the extra `docs` is not installed")
    done = made(source, "html", source.parent / "html")
    assert done.returncode == 0, done.stderr
    return source.parent / "html"


def test_each_verb_check_format_and_name_of_the_api_has_its_place(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f'id="envhooks-{verb}"' not in commands] == []
    assert "--fetch" in commands and "–fetch" not in commands, "two hyphens stay two"
    checks = (site / "reference" / "checks.html").read_text(encoding="utf-8")
    assert [check.id for check in engine.load() if f'id="{check.id}"' not in checks] == []
    formats = (site / "reference" / "formats.html").read_text(encoding="utf-8")
    assert [name for name in report.formats() if f">{name}<" not in formats] == []
    api = (site / "reference" / "api.html").read_text(encoding="utf-8")
    assert [name for name in lineage.__all__ if name not in api] == []


def test_every_page_is_in_the_list_of_pages(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f'href="{page.stem}.html"' in index or page.stem == "index", page.name


def test_the_site_loads_nothing_from_another_server(site: Path) -> None:
    for file in (*site.rglob("*.html"), *site.rglob("*.css")):
        for found in re.findall(LOADS, file.read_text(encoding="utf-8")):
            target = "".join(found)
            assert not re.match(r"(?:https?:)?//", target), f"{file.name} loads {target}"


def test_a_broken_link_is_found(source: Path, site: Path) -> None:
    page = source / "glossary.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(f"{text}\n[x](no-such-page.md)\n[x](policy.md#no-such-heading)\n", encoding="utf-8")
    done = made(source, "html", site)
    assert done.returncode != 0 and "no-such-page" in done.stderr and "no-such-heading" in done.stderr
    page.write_text(text, encoding="utf-8")


def test_the_manual_page_has_every_verb(source: Path, site: Path) -> None:
    done = made(source, "man", source.parent / "man")
    assert done.returncode == 0, done.stderr
    page = (source.parent / "man" / "envhooks.1").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"envhooks {verb}" not in page.replace("\\-", "-")] == []
