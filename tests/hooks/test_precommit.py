"""Real pre-commit: every id from the manifest, and the hooks beside pre-commit's own script."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from neighbours import need
from support import GOOD_TAG, WITHOUT_HOOKS, Done, Repo, run

ROOT = Path(__file__).parent.parent.parent
MANIFEST = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
CONFIG = """\
default_install_hook_types: [pre-commit, post-merge, pre-push]
repos:
-   repo: {source}
    rev: {rev}
    hooks:
    -   id: envhooks-install
    -   id: envhooks-dockerfile
    -   id: envhooks-changelog
    -   id: envhooks-policy
    -   id: envhooks-tags
-   repo: local
    hooks:
    -   id: witness
        name: witness
        entry: sh -c 'echo ran >>../witness.log'
        language: system
        stages: [pre-push]
        always_run: true
"""


@pytest.fixture
def repo(good: Repo, server: Repo, source: Repo, cache: Path) -> Repo:
    """A clone whose pre-commit configuration names this project."""
    good.environ["PRE_COMMIT_HOME"] = str(cache)
    rev = source.git("rev-parse", "HEAD")
    good.commit_files(
        {".pre-commit-config.yaml": CONFIG.format(source=address(source), rev=rev)}, "Use pre-commit"
    )
    good.put("main")
    return good


def address(source: Repo) -> str:
    """As users name it, by a URL; one spelling in all tests, as pre-commit makes an environment for each."""
    return f"file://{source.path}"


def pre_commit(repo: Repo, *arguments: str) -> Done:
    return run([sys.executable, "-m", "pre_commit", *arguments], repo.path, repo.environ)


def refused(repo: Repo) -> bool:
    """Whether a tag-only push of a bad tag, whose commit the remote has, is refused by envhooks."""
    repo.git(*WITHOUT_HOOKS, "tag", "-f", "-m", "x", "bad-one")
    done = repo.try_git("push", "origin", "bad-one")
    repo.git("tag", "-d", "bad-one")
    return done.code != 0 and "[tag-name]" in done.err


def witnessed(repo: Repo) -> bool:
    """Whether pre-commit's own pre-push hook ran on a push of commits."""
    log = repo.path.parent / "witness.log"
    log.unlink(missing_ok=True)
    repo.commit("Work")
    done = repo.try_git("push", "-q", "origin", "main")
    assert done.code == 0, done
    return log.exists()


@pytest.mark.parametrize("stage", ["manual", "pre-commit"])
def test_every_id_of_the_manifest(good: Repo, source: Repo, cache: Path, tmp_path: Path, stage: str) -> None:
    """All ids of a stage at once, by a configuration and by `try-repo`, which makes an environment of its own."""
    good.environ["PRE_COMMIT_HOME"] = str(cache)
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    ids = [{"id": hook["id"]} for hook in MANIFEST if stage in hook["stages"]]
    plugin = {"repo": address(source), "rev": source.git("rev-parse", "HEAD"), "hooks": ids}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"repos": [plugin]}))
    tried = ("try-repo", address(source), "--ref", source.git("rev-parse", "HEAD"))
    command = tried if stage == "manual" else ("run", "--config", str(config))
    done = pre_commit(good, *command, "--all-files", "--verbose", "--hook-stage", stage)
    assert done.code == 0, done.said
    passed = re.findall(r"\.Passed\n- hook id: (\S+)\n", done.out)
    assert sorted(passed) == sorted(hook["id"] for hook in ids), done.said
    assert (good.path / ".git/envhooks/pre-push").exists()
    assert (f"{GOOD_TAG}: good" in done.out) is ("envhooks-tags" in passed)


def test_each_id_runs_in_a_stage_that_is_tried() -> None:
    assert not [hook["id"] for hook in MANIFEST if not {"manual", "pre-commit"} & {*hook["stages"]}]


def test_a_bad_dockerfile_is_found_at_commit(repo: Repo) -> None:
    assert pre_commit(repo, "install").code == 0
    repo.write({"Dockerfile": "FROM python\nRUN pip install torch>=2\n"})
    repo.git("add", "Dockerfile")
    done = repo.try_git("commit", "-q", "-m", "Loosen")
    assert done.code != 0
    assert "dockerfile-pinned" in done.said


def test_the_two_commands_of_the_readme(repo: Repo) -> None:
    assert pre_commit(repo, "install").code == 0
    assert not refused(repo), "pre-commit alone does not see a tag"
    server = Repo(repo.path.parent / "server.git", repo.environ)
    server.git("tag", "-d", "bad-one")
    done = pre_commit(repo, "run", "--hook-stage", "manual", "envhooks-install")
    assert done.code == 0, done.said
    assert refused(repo)
    assert witnessed(repo)
    assert repo.try_git("tag", "BAD").code != 0


def test_the_hooks_come_with_the_first_commit(repo: Repo) -> None:
    assert pre_commit(repo, "install").code == 0
    repo.commit("First")
    assert refused(repo)


def test_pre_commit_installed_after_ours(repo: Repo) -> None:
    repo.envhooks("install", check=True)
    assert pre_commit(repo, "install").code == 0
    assert refused(repo)
    assert witnessed(repo)


def test_ours_installed_after_pre_commit_and_both_again(repo: Repo) -> None:
    assert pre_commit(repo, "install").code == 0
    repo.envhooks("install", check=True)
    assert pre_commit(repo, "install").code == 0
    repo.envhooks("install", check=True)
    assert refused(repo)
    assert witnessed(repo)
    repo.envhooks("uninstall", check=True)
    assert not (repo.path / ".git/envhooks").exists()
    assert witnessed(repo), "pre-commit's own hook is as it was"


# ------------------------------------------------------------- both runners, and each way to name the plugin

INSTALLED = """\
-   repo: local
    hooks:
    -   id: envhooks-install
        name: put the hooks in place
        entry: envhooks install --from-pre-commit
        language: system
        stages: [pre-commit, post-merge, manual]
        always_run: true
        pass_filenames: false
"""
NAMED = "-   {{repo: {where}, rev: {rev}, hooks: [{{id: envhooks-install}}, {{id: envhooks-policy}}]}}\n"
WITNESS = CONFIG[CONFIG.index("-   repo: local") :]


@pytest.mark.parametrize("runner", ["pre-commit", "prek"])
@pytest.mark.parametrize("way", ["a git URL", "an installed package"])
def test_each_runner_and_each_way_to_name_the_plugin(
    good: Repo, server: Repo, source: Repo, cache: Path, runner: str, way: str
) -> None:
    program = Path(sys.executable).parent / runner
    need(program)
    if not (program.parent / "envhooks").exists():
        pytest.skip("NOT TESTED: envhooks is not installed beside this interpreter")
    good.environ.update(PRE_COMMIT_HOME=str(cache), PREK_HOME=str(cache.with_name("prek")))
    good.environ["PATH"] = f"{program.parent}:{good.environ['PATH']}"
    plugin = NAMED.format(where=address(source), rev=source.git("rev-parse", "HEAD"))
    hooks = "repos:\n" + (INSTALLED if way == "an installed package" else plugin) + WITNESS
    types = "default_install_hook_types: [pre-commit, post-merge, pre-push]\n"
    good.commit_files({".pre-commit-config.yaml": types + hooks})
    good.put("main")
    run([str(program), "install"], good.path, good.environ, check=True)
    command = [str(program), "run", "--hook-stage", "manual", "envhooks-install"]
    done = run(command, good.path, good.environ)
    assert done.code == 0, done.said
    assert refused(good) and good.try_git("tag", "BAD").code != 0
    assert witnessed(good)
    assert good.envhooks("doctor").code == 0
    types_of = ("-t", "pre-commit", "-t", "post-merge", "-t", "pre-push")
    run([str(program), "uninstall", *types_of], good.path, good.environ, check=True)
    assert refused(good)


@pytest.mark.parametrize("runner", ["pre-commit", "prek"])
def test_the_configuration_of_the_readme_as_it_stands(
    good: Repo, server: Repo, source: Repo, cache: Path, runner: str
) -> None:
    """Pasted whole into a new file, with nothing but the address and the release of this project changed."""
    program = Path(sys.executable).parent / runner
    need(program)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(# \.pre-commit-config\.yaml\n.*?)```", text, re.S)
    ours = re.sub(r"rev: v\S+", f"rev: {source.git('rev-parse', 'HEAD')}", block)
    ours = ours.replace("https://github.com/envhooks/envhooks", address(source))
    good.environ.update(PRE_COMMIT_HOME=str(cache), PREK_HOME=str(cache.with_name("prek")))
    good.write({".pre-commit-config.yaml": ours})
    run([str(program), "install"], good.path, good.environ, check=True)
    good.git("add", ".pre-commit-config.yaml")
    good.git("commit", "-q", "-m", "Judge releases")
    assert good.try_git("tag", "BAD").code != 0
    good.git("push", "-q", "origin", "main")
    assert refused(good)
    good.git("tag", "-s", "-m", "A release", GOOD_TAG)
    good.git("push", "-q", "origin", GOOD_TAG)
