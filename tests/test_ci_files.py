"""The action, GitLab's template and the examples in the pages: valid for their CI, and true to the command line."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from neighbours import ACTIONLINT, need
from support import GOOD_TAG, Repo

from envhooks import __version__, cli, report
from envhooks.cli import _parser
from envhooks.judge import ci

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
RELEASES = (ROOT / "docs" / "releases.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCHEMAS = {  # the schemas that each CI publishes, as check-jsonschema ships them
    ".github/workflows/": "github-workflows",
    ".gitlab-ci.yml": "gitlab-ci",
    ".circleci/config.yml": "circle-ci",
    "azure-pipelines.yml": "azure-pipelines",
    ".buildkite/": "buildkite",
    ".woodpecker.yaml": "woodpecker-ci",
}


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, without the indentation of the list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE, re.M | re.S)
    return ["\n".join(line.removeprefix(indent) for line in text.split("\n")) for indent, text in found]


EXAMPLES = {text.split("\n")[0].removeprefix("# "): text for text in blocks("yaml")}


def problems(schema: str, document: object) -> list[str]:
    file = resources.files("check_jsonschema") / f"builtin_schemas/vendor/{schema}.json"
    validator = Draft7Validator(json.loads(file.read_text(encoding="utf-8")))
    return [
        f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]


def stringly(document: Any) -> Any:
    """YAML 1.1 reads `on` as true, which no CI does."""
    return {("on" if key is True else key): value for key, value in document.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_what_their_ci_takes(name: str) -> None:
    schema = next(schema for start, schema in SCHEMAS.items() if name.startswith(start))
    # Azure reads every scalar as text, and its schema says so
    loader = yaml.BaseLoader if schema == "azure-pipelines" else yaml.SafeLoader
    assert problems(schema, stringly(yaml.load(EXAMPLES[name], loader))) == []


def test_every_ci_has_its_example() -> None:
    assert all(any(name.startswith(start) for name in EXAMPLES) for start in SCHEMAS)
    assert "Jenkinsfile" in blocks("groovy")[0]
    for system in ci.SYSTEMS:
        assert system.marker in PAGE and system.name in PAGE
        assert all(variable in PAGE for variable in (*system.refs, *system.names))
    assert [json.loads(block)["target"] for block in blocks("json")] == ["tag", "tag"]


def test_the_action_and_the_template_are_what_their_ci_takes() -> None:
    assert problems("github-actions", ACTION) == []
    spec, jobs = yaml.safe_load_all((ROOT / "templates" / "envhooks.yml").read_text(encoding="utf-8"))
    assert problems("gitlab-ci", {**spec, **jobs}) == []
    used = set(re.findall(r"\$\[\[ inputs\.([a-z]+) \]\]", json.dumps(jobs)))
    assert used == set(spec["spec"]["inputs"])


@pytest.mark.parametrize(
    "file", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.name
)
def test_the_workflows_of_this_project_are_valid_and_may_do_little(file: Path) -> None:
    workflow = stringly(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert problems("github-workflows", workflow) == []
    assert workflow["permissions"] == {"contents": "read"}, "a job that needs more says so itself"
    for name, job in workflow["jobs"].items():
        assert set(job.get("needs", ())) <= {*workflow["jobs"]} or job["needs"] in workflow["jobs"], name
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", ""), f"{name}: an expression in a script is run by the shell"
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_what_the_workflows_use_is_pinned_by_its_commit() -> None:
    for file in (*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "action.yml"):
        for used in re.findall(r"^\s*(?:- )?uses: (.+)$", file.read_text(encoding="utf-8"), re.M):
            assert re.fullmatch(r"\./\S*|[\w-]+/[\w-]+@[0-9a-f]{40} # v[0-9.]+", used), f"{file.name}: {used}"


def test_actionlint_finds_nothing_in_our_workflows_and_in_those_of_the_pages(tmp_path: Path) -> None:
    need(ACTIONLINT)
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "pages.yml").write_text(re.findall(r"On GitHub Pages:\n\n```yaml\n(.*?)```", RELEASES, re.S)[0])
    for name in EXAMPLES:
        if name.startswith(".github/workflows/"):
            (folder / f"page-{Path(name).name}").write_text(EXAMPLES[name])

    def linted(pattern: str) -> subprocess.CompletedProcess[str]:
        command = ["node", str(ACTIONLINT), f".github/workflows/{pattern}.yml"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = linted("*")
    assert done.returncode == 0 and "6 workflow file(s)" in done.stdout, done.stdout + done.stderr
    bad = (folder / "test.yml").read_text().replace("runs-on:", "needs: nobody\n    runs-on:")
    (folder / "bad.yml").write_text(bad)
    assert linted("bad").returncode == 1


def test_the_workflows_test_every_python_that_the_package_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    named = re.findall(r"Python :: (3\.[0-9]+)$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), re.M)
    assert workflow["jobs"]["linux"]["strategy"]["matrix"]["python"] == named
    systems = {
        entry["system"].split("-")[0]
        for entry in workflow["jobs"]["elsewhere"]["strategy"]["matrix"]["include"]
    }
    assert systems == {"macos", "windows"}
    problem = problems(
        "dependabot", yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    )
    assert problem == []


def command_lines() -> list[str]:
    """Every `envhooks VERB ...` in the page, the action and the template."""
    files = [
        PAGE,
        *((ROOT / name).read_text(encoding="utf-8") for name in ("action.yml", "templates/envhooks.yml")),
    ]
    pattern = r"(?:^|[\s'\"`&/(])envhooks\"? (?=[a-z]+ +-|[a-z]+$)([^'`\n&]*)"
    return [
        found
        for text in files
        for found in re.findall(pattern, text, re.M)
        if found.split()[0] in cli.verbs()
    ]


def test_every_command_line_is_one_that_parses() -> None:
    lines = [line for line in command_lines() if "${" not in line]
    assert len(lines) >= 8
    for line in lines:
        _parser.parse(shlex.split(line), cli.verbs())


def test_every_format_is_in_the_page() -> None:
    assert set(re.findall(r"^\| `([a-z]+)` \|", PAGE, re.M)) == set(report.formats())
    named = re.findall(r"\(([a-z, ]+)\)", ACTION["inputs"]["format"]["description"])[0]
    assert set(named.split(", ")) == set(report.formats())


def test_inputs_of_the_action_in_the_examples_exist() -> None:
    for text in EXAMPLES.values():
        for job in yaml.safe_load(text).get("jobs", {}).values():
            for step in job.get("steps", ()):
                if isinstance(step, dict) and str(step.get("uses", "")).startswith("envhooks/"):
                    assert set(step.get("with", {})) <= set(ACTION["inputs"])


def test_no_input_is_put_into_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


def judge(repo: Repo, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The action's second step as the runner would start it, with the envhooks of this test."""
    (folder / "envhooks" / "bin").mkdir(parents=True, exist_ok=True)
    program = folder / "envhooks" / "bin" / "envhooks"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -m envhooks "$@"\n')
    program.chmod(0o755)
    step = ACTION["runs"]["steps"][1]
    values = {name: str(spec["default"]) for name, spec in ACTION["inputs"].items()} | inputs
    given = {
        key: re.sub(r"\$\{\{ inputs\.([a-z]+) \}\}", lambda found: values[found.group(1)], value)
        for key, value in step["env"].items()
    }
    environ = {**repo.environ, **given, "RUNNER_TEMP": str(folder), "GITHUB_ACTIONS": "true"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=repo.path, env=environ, capture_output=True, text=True, check=False)


def test_the_action_judges(good: Repo, tmp_path: Path) -> None:
    good.git("tag", "-s", "-m", "A release", GOOD_TAG)
    good.git("tag", "-a", "-m", "x", "bad")
    good.git("push", "-q", "origin", "--tags")
    done = judge(good, tmp_path / "runner", tags=f"{GOOD_TAG}\n")
    assert done.returncode == 0, done
    assert f"{GOOD_TAG}: good" in done.stdout
    assert "::notice title=envhooks::good" in done.stdout
    done = judge(good, tmp_path / "runner", tags=f"{GOOD_TAG}\nbad", format="sarif=x.sarif", fetch="false")
    assert (done.returncode, done.stdout) == (1, "")
    assert (good.path / "x.sarif").exists()
    done = judge(good, tmp_path / "runner", tags="$(touch pwned)\n`touch pwned`\n--all")
    assert done.returncode == 2
    assert not os.path.lexists(good.path / "pwned")


def samples() -> list[tuple[str, str]]:
    """(file, line) of each line of code of the pages and templates that brings envhooks from somewhere."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [
        (page.name, line)
        for page in pages
        for line in re.findall(
            r"^(?: {4}.*|\s*(?:- |sh |script:|rev:).*)$", page.read_text(encoding="utf-8"), re.M
        )
    ]
    for name in ("action.yml", "templates/envhooks.yml"):
        found += [(name, line) for line in (ROOT / name).read_text(encoding="utf-8").split("\n")]
    bringing = r"pipx? install\b.*\benvhooks|envhooks/envhooks(?:/envhooks)?@|^\s*rev: v|^\s*default: \"=="
    return [(name, line) for name, line in found if re.search(bringing, line)]


def test_each_sample_names_the_release_that_it_brings() -> None:
    """What a CI installs tomorrow is what it installs today, and a page names the release that it is of."""
    release = re.match(r"[0-9.]+[0-9]", __version__.partition(".dev")[0])
    assert release is not None
    pinned = rf"(?:envhooks(?:\[[a-z,]+\])?==|@v?|rev: v|default: \"==){re.escape(release[0])}(?![0-9.])"
    by_input = r"envhooks\$\[\[ inputs\.version \]\]|envhooks==\$VERSION"
    lines = samples()
    assert {"README.md", "ci.md", "releases.md", "templates/envhooks.yml"} <= {name for name, _ in lines}
    assert [(name, line) for name, line in lines if not re.search(f"{pinned}|{by_input}", line)] == []
    # the action brings itself, at the revision by which it is named
    assert 'wanted="$GITHUB_ACTION_PATH"' in ACTION["runs"]["steps"][0]["run"]


def test_a_command_without_hooks_is_without_those_of_the_newest_git_too() -> None:
    """A test that turns off hook files alone passes here and fails where git has config hooks."""
    tests = Path(__file__).parent
    alone = [
        str(file.relative_to(tests))
        for file in tests.rglob("*.py")
        if file.is_file()  # the fuzzers' corpus has folders of such names
        and file.name != "support.py"
        and "core.hooksPath=" + "/dev/null" in file.read_text(encoding="utf-8")
    ]
    assert alone == [], "support.WITHOUT_HOOKS turns off both"
