"""README, hook manifest, command line and docstrings say the same."""

from __future__ import annotations

import configparser
import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml

from envhooks import cli
from envhooks.builds import builders
from envhooks.cli import _completing, _parser
from envhooks.judge import engine as checks
from envhooks.judge.engine import Check

ROOT = Path(__file__).parent.parent
CHECKS = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MANIFEST = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
STAGES = {"pre-commit", "post-merge", "manual"}


def table(heading: str) -> dict[str, str]:
    """First column -> second column of the table below a heading of docs/checks.md."""
    section = CHECKS.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `?([^|`]+)`? \| ([^|]+) \|", section, re.M)
    return {first.strip(): second.strip() for first, second in rows[1:]}


def test_the_table_of_checks_equals_the_docstrings() -> None:
    assert table("Checks") == {check.id: check.summary for check in checks.load()}


def test_the_table_of_exit_codes_is_whole() -> None:
    assert set(table("Exit codes")) == {"0", "1", "2"}


def test_the_table_of_hooks_equals_the_manifest() -> None:
    assert table("pre-commit hooks") == {hook["id"]: hook["name"] for hook in MANIFEST}


@pytest.mark.parametrize("check", checks.load(), ids=lambda check: check.id)
def test_every_check_has_a_page(check: Check) -> None:
    assert re.match("(?:Refuses a (?:new )?(?:tag|push) (?:that|whose) |Warns of )", check.summary), (
        "a sentence"
    )
    assert not check.summary.endswith(".")
    assert len(check.page) > 80, "why it matters, and how to put it right"


@pytest.mark.parametrize("hook", MANIFEST, ids=lambda hook: str(hook["id"]))
def test_every_hook_runs_a_verb_that_exists(hook: dict[str, object]) -> None:
    program, verb, *rest = shlex.split(str(hook["entry"]))
    assert program == "envhooks"
    _parser.parse([verb, *rest], cli.verbs())
    assert hook["language"] == "python"
    assert set(hook["stages"]) <= STAGES  # type: ignore[call-overload]


def _commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    fenced = [
        line
        for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```", text, re.M | re.S)
        for line in block.split("\n")
    ]
    lines = [line for line in text.split("\n") if line.startswith(("    ", "$ ", "  $ "))]
    typed = (line.strip().removeprefix("$ ") for line in (*lines, *fenced))
    return [line.split("#")[0].strip() for line in typed if re.match(r"envhooks [a-z]", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_pages_are_ones_that_parse(page: Path) -> None:
    for command in _commands(page):
        words = shlex.split(command.replace("[", "").replace("]", "").split("  ")[0])
        if words[1] in cli.verbs():
            _parser.parse(words[1:], cli.verbs())
        else:
            pytest.fail(f"{page.name} names a verb that does not exist: {command}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_verbs_and_options_named_in_a_sentence_exist(page: Path) -> None:
    parser = _parser.build(verb for verb in cli.verbs() if verb != "hook")
    own = [action for one in _completing.parsers(parser) for action in one._actions]
    options = {option for action in own for option in action.option_strings}
    for command in re.findall(r"(?<!`)`envhooks ([a-z-][^`]*)`(?!`)", page.read_text(encoding="utf-8")):
        verb, *rest = re.sub(r"[\[\]|…]", " ", command).split()
        assert verb in cli.verbs() or verb in options, command
        assert {text.split("=")[0] for text in rest if text.startswith("--")} <= options, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_the_pages_hold(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} -> {target}"


def anchors(page: Path) -> set[str]:
    """The places in a page that GitHub makes of its headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_links_to_a_place_in_a_page_hold(page: Path) -> None:
    for target, place in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        assert place in anchors(page.parent / target if target else page), f"{page.name} -> {target}#{place}"


def test_the_messages_of_the_troubles_are_ones_that_are_printed() -> None:
    files = [*(ROOT / "envhooks").rglob("*.py"), *(ROOT / "hooks").iterdir()]
    code = "\n".join(re.sub(r'"\s*f?"', "", file.read_text(encoding="utf-8")) for file in files)
    rows = re.findall(
        r"^\| ([^|]+) \|", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.M
    )
    messages = [text for row in rows for text in re.findall("`([^`]+)`", row) if not text.startswith("git ")]
    assert len(messages) >= 8
    assert [text for text in messages if text not in code] == []


def test_both_readmes_name_the_same_commands_files_and_pages() -> None:
    texts = [page.read_text(encoding="utf-8") for page in READMES]
    fences = [re.findall(r"^```.*?^```", text, re.M | re.S) for text in texts]
    plain = [[re.sub(r"\s*#.*", "", block) for block in blocks] for blocks in fences]
    assert plain[0] == plain[1]
    commands = [re.findall(r"^    (\S[^#\n]*?)(?: *#.*)?$", text, re.M) for text in texts]
    assert commands[0] == commands[1] and len(commands[0]) > 10
    links = [set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh-CN.md"} for text in texts]
    assert links[0] == links[1]
    headings = [len(re.findall(r"^## ", text, re.M)) for text in texts]
    assert headings[0] == headings[1]


def test_the_readme_is_read_in_one_go_and_names_every_page() -> None:
    text = READMES[0].read_text(encoding="utf-8")
    assert len(text.split("\n")) < 150
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"docs/{page.name}" in text, page.name


def test_the_table_of_builders_has_the_keys_that_each_reads() -> None:
    text = (ROOT / "docs" / "builders.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+)` \| ([^|]+) \|", text, re.M)[1:]
    said = {name: set(re.findall("`([a-z_]+)`", keys)) for name, keys in rows}
    homes = {name: f"builders.{name}" for name in builders.names()} | {"local": "local_section"}
    read = {name: importlib.import_module(f"envhooks.builds.{home}")._KEYS for name, home in homes.items()}
    assert said == {name: set(keys) for name, keys in read.items()}


def test_the_table_of_extras_is_what_the_package_offers() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    offered = {
        extra: {re.split("[>;]", line)[0].strip() for line in needed.split("\n") if line.strip()}
        for extra, needed in config["options.extras_require"].items()
        if extra not in ("test", "docs", "lint")
    }
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+)` \| ([^|]+) \|", page, re.M)
    assert {extra: set(brings.split(", ")) for extra, brings in rows} == offered
    plain = [line for line in config["options"]["install_requires"].split("\n") if line.strip()]
    everywhere = [line for line in plain if ";" not in line]
    assert (len(everywhere), len(plain)) == (5, 6) and "five packages (six on Python 3.10)" in page


def test_the_table_of_packages_names_each_package() -> None:
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([a-z_]+)/` \|", design.split("## Where a thing lives\n")[1].split("\n## ")[0], re.M
    )
    there = {path.parent.name for path in (ROOT / "envhooks").glob("*/__init__.py")}
    assert sorted(rows) == sorted(there)
