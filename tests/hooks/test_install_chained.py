"""`core.hooksPath` as a company sets it for all repositories: our hooks join, and no other hook is turned off."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from installing import HAS_CONFIG_HOOKS, Judge, faults, plan, put, state, take_out
from support import GOOD_TAG, WITHOUT_HOOKS, Repo, run

from envhooks.hooks.managers.actions import Plan

LOGS = """#!/bin/sh
cat >/dev/null
echo "$(basename "$0") $*" >>"{log}"
"""
EVERYDAY = ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "pre-push", "post-checkout")
only_hook_files = pytest.mark.skipif(
    HAS_CONFIG_HOOKS, reason="this git has config hooks, and nothing is chained"
)


class Company:
    """A folder of hooks that a configuration names, and what they wrote down."""

    def __init__(self, folder: Path) -> None:
        self.hooks, self.log = folder / "company hooks", folder / "company.log"
        self.hooks.mkdir()
        for name in EVERYDAY:
            self.add(name)

    def add(self, name: str, text: str = LOGS) -> None:
        script = self.hooks / name
        script.write_text(text.format(log=self.log))
        script.chmod(0o755)

    def ran(self) -> list[str]:
        """Names of the hooks that ran since this was last asked, each once."""
        lines = self.log.read_text().split("\n") if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return list(dict.fromkeys(line.split(" ")[0] for line in lines if line))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture(params=["global", "system", "included", "local"])
def scope(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clone(good: Repo, company: Company, tmp_path: Path, scope: str) -> Repo:
    """A clone in which git runs the company's hooks, by a configuration of each scope."""
    setting = f'[core]\n\thooksPath = "{company.hooks}"\n'
    person = f"[include]\n\tpath = {good.environ['GIT_CONFIG_GLOBAL']}\n"
    environ = {**good.environ, "GIT_CONFIG_GLOBAL": str(tmp_path / "person")}
    if scope == "system":
        del environ["GIT_CONFIG_NOSYSTEM"]
        environ["GIT_CONFIG_SYSTEM"] = str(tmp_path / "machine")
        (tmp_path / "machine").write_text(setting)
    elif scope == "included":
        (tmp_path / "work").write_text(setting)
        person += f'[includeIf "gitdir:{good.path}/"]\n\tpath = {tmp_path / "work"}\n'
    elif scope == "global":
        person += setting
    (tmp_path / "person").write_text(person)
    repo = Repo(good.path, environ)
    if scope == "local":
        repo.git("config", "core.hooksPath", str(company.hooks))
    return repo


def everyday(repo: Repo, name: str) -> None:
    """What starts each of the company's hooks once."""
    repo.commit(f"{name} is here")
    repo.git("checkout", "-q", "-b", name)
    repo.git("push", "-q", "origin", name)


def test_each_hook_runs_as_before_and_ours_too(clone: Repo, company: Company, tmp_path: Path) -> None:
    everyday(clone, "one")
    before, ran = state(clone), company.ran()
    assert set(ran) == set(EVERYDAY)
    there = sorted(path.name for path in company.hooks.iterdir())
    put(clone)
    assert plan(clone) == Plan() and faults(clone) == ()
    everyday(clone, "two")
    assert set(company.ran()) == set(EVERYDAY)
    assert sorted(path.name for path in company.hooks.iterdir()) == there
    judge = Judge(clone, tmp_path)
    assert clone.try_git("tag", "BAD").code != 0
    assert judge.count("hook reference-transaction") == 1 and "reference-transaction" in company.ran()
    clone.git("update-ref", "refs/tags/BAD", "HEAD")
    assert clone.try_git("push", "origin", "BAD").code != 0
    assert judge.count("hook pre-push origin") == 1 and "pre-push" in company.ran()
    clone.git("update-ref", "-d", "refs/tags/BAD")
    take_out(clone)
    clone.git("checkout", "-q", "one")
    clone.git("branch", "-q", "-D", "two")
    after = state(clone)
    assert {key: after[key] for key in after if "hooks" in key or key.endswith("config")} == {
        key: before[key] for key in before if "hooks" in key or key.endswith("config")
    }
    company.ran()
    everyday(clone, "three")
    assert set(company.ran()) == set(EVERYDAY)


@only_hook_files
def test_their_refusal_stands_and_they_are_given_all_of_stdin(clone: Repo, company: Company) -> None:
    put(clone)
    company.add("pre-push", '#!/bin/sh\necho "$*" >>"{log}"; cat >>"{log}"; exit 3\n')
    done = clone.try_git("push", "origin", "HEAD:refs/heads/x")
    assert done.code != 0
    said = company.log.read_text()
    assert said.startswith("origin ") and f"refs/heads/x {'0' * 40}" in said
    company.add("pre-push", "#!/bin/sh\nexit 0\n")
    clone.git("push", "-q", "origin", "HEAD:refs/heads/x")


@only_hook_files
def test_what_the_company_changes_later_is_followed(good: Repo, company: Company, tmp_path: Path) -> None:
    config = tmp_path / "person"
    person = f"[include]\n\tpath = {good.environ['GIT_CONFIG_GLOBAL']}\n"
    config.write_text(f'{person}[core]\n\thooksPath = "{company.hooks}"\n')
    repo = Repo(good.path, {**good.environ, "GIT_CONFIG_GLOBAL": str(config)})
    put(repo)
    company.add("post-merge")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("Aside")
    repo.git("checkout", "-q", "main")
    company.ran()
    repo.git("merge", "-q", "--no-ff", "-m", "x", "side")
    assert "post-merge" in company.ran(), "a hook that was added"
    moved = tmp_path / "elsewhere"
    company.hooks.rename(moved)
    config.write_text(f'{person}[core]\n\thooksPath = "{moved}"\n')
    repo.commit("Later")
    assert "pre-commit" in company.ran(), "a folder that was moved"
    config.write_text(person)
    hook = repo.path / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\necho own >>'{company.log}'\n")
    hook.chmod(0o755)
    repo.commit("Still later")
    assert company.ran() == ["own"], "no folder is named any more: git would look into .git/hooks"


@only_hook_files
def test_a_company_that_comes_after_the_install(good: Repo, company: Company, tmp_path: Path) -> None:
    own = good.path / ".git/hooks/pre-push"
    own.write_text(f"#!/bin/sh\ncat >/dev/null\necho own >>'{company.log}'\n")
    own.chmod(0o755)
    put(good)
    config = tmp_path / "person"
    person = f"[include]\n\tpath = {good.environ['GIT_CONFIG_GLOBAL']}\n"
    config.write_text(f'{person}[core]\n\thooksPath = "{company.hooks}"\n')
    repo = Repo(good.path, {**good.environ, "GIT_CONFIG_GLOBAL": str(config)})
    assert any("no longer comes through envhooks" in fault for fault in faults(repo))
    put(repo)
    assert faults(repo) == () and plan(repo) == Plan()
    judge = Judge(repo, tmp_path)
    repo.git("update-ref", "refs/tags/v1", "HEAD")
    company.ran()
    repo.git("push", "-q", "origin", "v1")
    assert judge.count("hook pre-push origin") == 1 and "pre-push" in company.ran()
    config.write_text(person)
    repo.git("push", "-q", "--no-verify", "origin", ":v1")
    repo.git("push", "-q", "origin", "v1")
    assert judge.count("hook pre-push origin") == 1 and company.ran() == ["own"]


@only_hook_files
def test_a_hook_that_changes_git_by_being_there_is_made_where_there_is_one(
    good: Repo, company: Company
) -> None:
    good.git("config", "core.hooksPath", str(company.hooks))
    put(good)
    chained = good.path / ".git/envhooks/chained"
    assert not (chained / "push-to-checkout").exists()
    company.add("push-to-checkout")
    (fault,) = faults(good)
    assert "push-to-checkout" in fault and "fix: envhooks install" in fault
    put(good)
    assert (chained / "push-to-checkout").exists() and faults(good) == ()


@only_hook_files
def test_a_clone_that_was_moved_is_mended(good: Repo, company: Company, tmp_path: Path) -> None:
    good.git("config", "core.hooksPath", str(company.hooks))
    put(good)
    far = Repo(tmp_path / "far", good.environ)
    shutil.move(good.path, far.path)
    assert any("no longer comes through envhooks" in fault for fault in faults(far))
    put(far)
    assert faults(far) == ()
    company.ran()
    far.commit("From here")
    assert "pre-commit" in company.ran()
    take_out(far)
    assert far.git("config", "core.hooksPath") == str(company.hooks)


@only_hook_files
def test_linked_work_trees_and_servers(good: Repo, server: Repo, company: Company, tmp_path: Path) -> None:
    for repo in (good, server):
        repo.git("config", "core.hooksPath", str(company.hooks))
    good.envhooks("install", check=True)
    server.envhooks("install", "--server", "--branch", "main", check=True)
    good.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", good.environ)
    refused = linked.try_git("tag", "-a", "-m", "x", GOOD_TAG)
    assert refused.code != 0 and "[tag-signed]" in refused.err
    company.add("update")
    company.ran()
    good.git("push", "-q", "origin", "HEAD:refs/heads/x")
    assert "update" in company.ran()
    good.git(*WITHOUT_HOOKS, "tag", "-a", "-m", "x", GOOD_TAG)
    pushed = good.try_git("push", "--no-verify", "origin", GOOD_TAG)
    assert pushed.code != 0 and "remote: envhooks: nothing was taken" in pushed.err


@only_hook_files
def test_a_setting_that_cannot_be_overruled_is_one_sentence(good: Repo, company: Company) -> None:
    good.git("config", "extensions.worktreeConfig", "true")
    good.git("config", "--worktree", "core.hooksPath", str(company.hooks))
    put(good)
    done = good.envhooks("install")
    assert done.code == 2 and "does not overrule" in done.err and "Traceback" not in done.said
    assert run(["sh", "-c", done.fixes[0]], good.path, good.environ).code == 0


def test_doctor_says_whose_hooks_run(good: Repo, company: Company) -> None:
    good.git("config", "core.hooksPath", str(company.hooks))
    good.envhooks("install", check=True)
    done = good.envhooks("doctor")
    assert done.code == 0, done.out
    said = "".join(done.out.split())  # a long path is broken
    assert f"core.hooksPath={company.hooks}".replace(" ", "") in said
