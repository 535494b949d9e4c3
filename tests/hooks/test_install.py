"""Installing beside others, in every order, and leaving no trace afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from installing import HAS_CONFIG_HOOKS, Judge, faults, plan, put, snapshot, state, take_out
from support import ZERO, Done, Repo, run

from envhooks.base.errors import EnvhooksError, UsageError
from envhooks.hooks import copies
from envhooks.hooks.managers import confighooks, hookfiles, husky
from envhooks.hooks.managers.actions import Plan, SetConfig, apply
from envhooks.hooks.managers.settings import Request

# says what it was given, and refuses what has NO in it
FOREIGN = """#!/bin/sh
echo "{name} $*" >>../{name}.log
cat >../{name}.stdin
if grep -q NO ../{name}.stdin; then exit 3; fi
"""


@pytest.fixture
def clone(good: Repo, tmp_path: Path) -> Repo:
    """A clone with a pre-commit configuration, and its own home for pre-commit."""
    good.environ["PRE_COMMIT_HOME"] = str(tmp_path / "pre-commit")
    good.write(
        {
            ".pre-commit-config.yaml": "default_install_hook_types: [pre-commit, pre-push]\n"
            "repos: [{repo: local, hooks: [{id: x, name: x, entry: 'true', language: system}]}]\n"
        }
    )
    good.git("add", "--all")
    return good


def hook(repo: Repo, name: str, text: str, mode: int = 0o755) -> Path:
    path = repo.path / ".git/hooks" / name
    path.write_text(text)
    path.chmod(mode)
    return path


def foreign(repo: Repo, name: str = "pre-push", log: str = "foreign") -> Path:
    return hook(repo, name, FOREIGN.format(name=log))


def pre_commit(repo: Repo, *arguments: str) -> Done:
    return run([sys.executable, "-m", "pre_commit", *arguments], repo.path, repo.environ, check=True)


def assert_judged_once(repo: Repo, folder: Path) -> None:
    """Both hooks refuse the bad and let the good through, and each event is judged exactly once."""
    judge = Judge(repo, folder)
    assert repo.try_git("tag", "BAD").code != 0
    assert judge.count("hook reference-transaction") == 1
    assert repo.try_git("tag", "v1").code == 0
    assert judge.count("hook reference-transaction") == 1
    repo.git("update-ref", "refs/tags/BAD", "HEAD")
    assert repo.try_git("push", "origin", "BAD").code != 0
    assert judge.count("hook pre-push origin") == 1
    assert repo.try_git("push", "origin", "v1").code == 0
    assert judge.count("refs/tags/v1 ") == 2  # local and remote ref of one line
    repo.git("push", "-q", "--no-verify", "origin", ":v1")
    repo.git("tag", "-d", "v1")
    repo.git("update-ref", "-d", "refs/tags/BAD")


# ------------------------------------------------------------------------------- alone, and out again


def test_install_and_out_again(clone: Repo, tmp_path: Path) -> None:
    before = state(clone)
    done = clone.envhooks("install", "--branch", "main", check=True)
    assert done.err == "" and "set envhooks.branch to main\n" in done.out
    assert clone.git("config", "envhooks.branch") == "main"
    assert_judged_once(clone, tmp_path)
    assert clone.envhooks("uninstall", check=True).err == ""
    assert state(clone) == before


def test_installing_twice_is_installing_once(clone: Repo) -> None:
    put(clone)
    once = state(clone)
    assert plan(clone) == Plan()
    assert plan(clone, Request()) == Plan()
    done = clone.envhooks("install", check=True)
    assert done.out == "envhooks is installed here; there is nothing to do\n"
    assert state(clone) == once


def test_a_dry_run_says_it_all_and_does_nothing(clone: Repo) -> None:
    before = state(clone)
    said = clone.envhooks("install", "--branch", "main", "--dry-run", check=True).out
    assert state(clone) == before
    assert all(line.startswith("would ") for line in said.splitlines())
    done = clone.envhooks("install", "--branch", "main", check=True).out.splitlines()
    assert [f"would {line}" for line in done[:-1]] == said.splitlines()
    after = state(clone)
    assert "would remove .git/envhooks/\n" in clone.envhooks("uninstall", "--dry-run", check=True).out
    assert state(clone) == after


def test_uninstall_where_nothing_is_installed(clone: Repo) -> None:
    before = state(clone)
    assert "nothing to do" in clone.envhooks("uninstall", check=True).out
    assert state(clone) == before


def test_what_was_damaged_is_mended(clone: Repo) -> None:
    put(clone)
    whole = state(clone)
    home, hooks = clone.path / ".git/envhooks", clone.path / ".git/hooks"
    (home / "judge.sh").write_text("exit 0\n")
    (home / "pre-push").unlink()
    (home / "reference-transaction").chmod(0o644)
    (hooks / "pre-push").chmod(0o644)
    file = hooks / "reference-transaction"
    if file.exists():  # Git 2.54 and newer have a config hook in its place
        file.write_bytes(file.read_bytes() + b"# old\n")
    put(clone)
    assert state(clone) == whole


def test_settings_of_the_users_own_stay(clone: Repo) -> None:
    clone.git("config", "envhooks.branch", "main")
    clone.git("config", "envhooks.mode", "warn")
    before = state(clone)
    put(clone, Request(remote="origin"))
    assert clone.git("config", "envhooks.remote") == "origin"
    take_out(clone)
    assert state(clone) == before


def test_a_setting_that_was_changed_since_stays(clone: Repo) -> None:
    put(clone)
    clone.git("config", "envhooks.branch", "release")
    take_out(clone)
    assert clone.git("config", "envhooks.branch") == "release"


def test_comments_in_the_configuration_stay(clone: Repo) -> None:
    config = clone.path / ".git/config"
    config.write_text("# mine\n; and mine\n" + config.read_text())
    before = config.read_bytes()
    put(clone)
    assert config.read_bytes().startswith(b"# mine\n; and mine\n")
    take_out(clone)
    assert config.read_bytes() == before


# -------------------------------------------------------------------------------- hooks of other people


def prepare_plain(repo: Repo) -> None:
    foreign(repo)


def prepare_both(repo: Repo) -> None:
    foreign(repo)
    foreign(repo, "reference-transaction", "transaction")


def prepare_not_executable(repo: Repo) -> None:
    foreign(repo).chmod(0o644)


def prepare_link(repo: Repo) -> None:
    repo.write({"tools/push.sh": FOREIGN.format(name="foreign")})
    (repo.path / "tools/push.sh").chmod(0o755)
    (repo.path / ".git/hooks/pre-push").symlink_to("../../tools/push.sh")


def prepare_dangling(repo: Repo) -> None:
    (repo.path / ".git/hooks/pre-push").symlink_to("../../nowhere")


def prepare_no_shebang(repo: Repo) -> None:
    hook(repo, "pre-push", "cat >/dev/null\n")


def prepare_pre_commit(repo: Repo) -> None:
    pre_commit(repo, "install")


def prepare_pre_commit_with_legacy(repo: Repo) -> None:
    foreign(repo)
    pre_commit(repo, "install")


def prepare_samples_gone(repo: Repo) -> None:
    for path in (repo.path / ".git/hooks").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    "prepare",
    [
        prepare_plain,
        prepare_both,
        prepare_not_executable,
        prepare_link,
        prepare_dangling,
        prepare_no_shebang,
        prepare_pre_commit,
        prepare_pre_commit_with_legacy,
        prepare_samples_gone,
    ],
)
def test_beside_what_is_there_and_out_again_bit_for_bit(clone: Repo, tmp_path: Path, prepare: object) -> None:
    assert callable(prepare)
    prepare(clone)
    before = state(clone)
    put(clone)
    assert faults(clone) == ()
    assert plan(clone) == Plan()
    judged = state(clone)
    assert_judged_once(clone, tmp_path)
    (clone.path / ".git/envhooks/python").write_text(f"{sys.executable}\n")
    assert {name: judged[name] for name in judged if "/hooks/" in name} == {
        name: value for name, value in state(clone).items() if "/hooks/" in name
    }
    take_out(clone)
    assert state(clone) == before


@pytest.mark.parametrize(
    ("tag", "code"),
    [("v1", 0), ("BAD", 1), ("NO", 1), ("BADNO", 1)],
    ids=["both pass", "ours", "theirs", "both"],
)
def test_both_hooks_get_all_of_stdin_and_both_count(clone: Repo, tmp_path: Path, tag: str, code: int) -> None:
    foreign(clone)
    put(clone)
    judge = Judge(clone, tmp_path)
    clone.git("update-ref", f"refs/tags/{tag}", "HEAD")
    done = clone.try_git("push", "origin", tag)
    assert done.code == code
    line = f"refs/tags/{tag} {clone.git('rev-parse', 'HEAD')} refs/tags/{tag} {ZERO}\n"
    assert (clone.path.parent / "foreign.stdin").read_text() == line
    assert (clone.path.parent / "foreign.log").read_text() == "foreign origin ../server.git\n"
    assert judge.count(line) == 1  # whatever the other one said


def test_a_kept_transaction_hook_sees_every_phase(clone: Repo) -> None:
    foreign(clone, "reference-transaction", "transaction")
    put(clone)
    clone.git("branch", "x")
    phases = (
        (clone.path.parent / "transaction.log").read_text().replace("transaction preparing\n", "")
    )  # Git >= 2.54
    assert phases == "transaction prepared\ntransaction committed\n"
    assert clone.try_git("branch", "NO").code != 0


def test_a_hook_that_does_not_read_its_stdin_is_no_trouble(clone: Repo, tmp_path: Path) -> None:
    hook(clone, "pre-push", "#!/bin/sh\nexec <&-\nexit 0\n")
    put(clone)
    judge = Judge(clone, tmp_path)
    clone.environ["ENVHOOKS_WIRING"] = "config"  # or it would leave it to the config hook, where there is one
    stdin = "".join(f"x {'a' * 40} refs/tags/v{n} {'0' * 40}\n" for n in range(3000))
    done = run([str(clone.path / ".git/hooks/pre-push"), "origin", "x"], clone.path, clone.environ, stdin)
    assert (done.code, done.said) == (0, "")
    assert judge.count("refs/tags/") == 3000


def test_two_former_hooks_are_a_question(clone: Repo) -> None:
    foreign(clone)
    put(clone)
    foreign(clone, log="later")  # written over ours
    with pytest.raises(UsageError, match="two former hooks") as caught:
        plan(clone)
    subprocess.run(caught.value.fix, shell=True, check=True)
    put(clone)
    assert faults(clone) == ()
    found = take_out(clone)
    assert found.notes == ()
    assert (clone.path / ".git/hooks/pre-push").read_text() == FOREIGN.format(name="later")


def test_a_kept_hook_that_nothing_runs_is_named(clone: Repo) -> None:
    foreign(clone)
    put(clone)
    foreign(clone, log="later")
    (note,) = take_out(clone).notes
    assert ".git/hooks/pre-push.envhooks-kept" in note
    assert (clone.path / ".git/hooks/pre-push").read_text() == FOREIGN.format(name="later")


# ------------------------------------------------------------------------------------ real pre-commit


def test_ours_then_pre_commit(clone: Repo, tmp_path: Path) -> None:
    put(clone)
    pre_commit(clone, "install")
    assert faults(clone) == ()
    assert plan(clone) == Plan()
    assert_judged_once(clone, tmp_path)
    take_out(clone)
    assert not list((clone.path / ".git/hooks").glob("pre-push.*[!e]"))  # only the sample is left
    assert hookfiles.is_pre_commits(clone.path / ".git/hooks/pre-push")


def test_ours_then_pre_commit_then_no_pre_commit(clone: Repo, tmp_path: Path) -> None:
    foreign(clone)
    before = state(clone)
    put(clone)
    pre_commit(clone, "install")
    pre_commit(clone, "uninstall")
    assert faults(clone) == ()
    assert_judged_once(clone, tmp_path)
    take_out(clone)
    assert state(clone) == before


def test_pre_commit_then_ours_then_pre_commit(clone: Repo, tmp_path: Path) -> None:
    foreign(clone)
    pre_commit(clone, "install")
    before = state(clone)
    put(clone)
    pre_commit(clone, "install")
    put(clone)
    assert_judged_once(clone, tmp_path)
    assert (clone.path.parent / "foreign.stdin").read_text().count("refs/tags/v1 ") == 2
    take_out(clone)
    assert state(clone) == before


def test_pre_commit_removed_by_hand(clone: Repo, tmp_path: Path) -> None:
    pre_commit(clone, "install")
    put(clone)
    (clone.path / ".git/hooks/pre-push").unlink()
    assert len(faults(clone)) == (0 if HAS_CONFIG_HOOKS else 1)
    put(clone)
    assert faults(clone) == ()
    assert not (clone.path / ".git/hooks/pre-push.legacy").exists()
    assert_judged_once(clone, tmp_path)


@pytest.mark.skipif(HAS_CONFIG_HOOKS, reason="config hooks live through it")
def test_pre_commit_install_f_is_not_undone_behind_ones_back(clone: Repo, tmp_path: Path) -> None:
    put(clone)
    pre_commit(clone, "install", "-f")
    displaced = state(clone)
    (fault,) = faults(clone)
    assert "git push no longer comes through envhooks" in fault and "fix: envhooks install" in fault
    done = clone.envhooks("install", "--from-pre-commit", check=True)
    assert "git push no longer comes through envhooks" in done.out
    assert state(clone) == displaced
    clone.envhooks("install", check=True)  # by a person's own word
    assert faults(clone) == ()
    assert_judged_once(clone, tmp_path)


@pytest.mark.skipif(not HAS_CONFIG_HOOKS, reason="this git has no config hooks")
def test_pre_commit_install_f_does_not_reach_config_hooks(clone: Repo, tmp_path: Path) -> None:
    put(clone)
    pre_commit(clone, "install", "-f")
    assert faults(clone) == ()
    assert_judged_once(clone, tmp_path)


@pytest.mark.skipif(not HAS_CONFIG_HOOKS, reason="this git has no config hooks")
def test_what_an_older_git_installed_for_the_hot_event_goes(clone: Repo, tmp_path: Path) -> None:
    """Git starts a hook of this name for everything that moves a ref: there are never two of ours."""
    hooks = clone.path / ".git/hooks"
    put(clone)
    assert not (hooks / "reference-transaction").exists() and (hooks / "pre-push").exists()
    whole = state(clone)
    text = (copies.script_folder() / "hook-file.sh").read_text().replace("@event@", "reference-transaction")
    hook(clone, "reference-transaction", text)
    kept = hook(clone, "reference-transaction.envhooks-kept", "#!/bin/sh\nexit 0\n")
    assert_judged_once(clone, tmp_path)
    put(clone)
    assert (hooks / "reference-transaction").read_text() == "#!/bin/sh\nexit 0\n" and not kept.exists()
    (hooks / "reference-transaction").unlink()
    assert state(clone) == whole
    assert_judged_once(clone, tmp_path)


def test_a_first_install_by_pre_commit_does_it_all(clone: Repo, tmp_path: Path) -> None:
    pre_commit(clone, "install")
    clone.git("config", "envhooks.branch", "main")
    clone.envhooks("install", "--from-pre-commit", check=True)
    assert faults(clone) == ()
    assert_judged_once(clone, tmp_path)


def test_pre_commit_follows_the_version_that_the_team_pinned(clone: Repo) -> None:
    put(clone)
    python, hook = clone.path / ".git/envhooks/python", clone.path / ".git/envhooks/pre-push"
    python.write_text("/home/x/.cache/pre-commit/repo1/py_env-python3/bin/python\n")
    hook.write_text("# of an older version\n")
    clone.envhooks("install", "--from-pre-commit", check=True)
    assert python.read_text() == f"{sys.executable}\n"
    assert hook.read_bytes() == (copies.script_folder() / "pre-push").read_bytes()


def test_an_install_with_nothing_to_do_loads_nothing_heavy(clone: Repo) -> None:
    put(clone)
    script = (
        "import sys; from envhooks.cli import run; code = run(['install', '--from-pre-commit']);"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = run([sys.executable, "-I", "-c", script], clone.path, clone.environ, check=True)
    code, *modules = done.err.split()
    assert code == "0" and "nothing to do" in done.out
    assert not {"git", "gnupg", "packaging", "envhooks.policy.trust"} & set(modules)


# ------------------------------------------------------------------------------- other places for hooks


def test_a_linked_work_tree_shares_the_hooks(clone: Repo, tmp_path: Path) -> None:
    clone.git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = Repo(clone.path.parent / "linked", clone.environ)
    before = state(clone)
    linked.envhooks("install", "--branch", "main", check=True)
    assert plan(clone) == Plan()
    assert_judged_once(linked, tmp_path)
    assert_judged_once(clone, tmp_path)
    linked.envhooks("uninstall", check=True)
    assert state(clone) == before


def test_from_a_folder_below_the_top(clone: Repo) -> None:
    clone.write({"docs/x": "x"})
    below = Repo(clone.path / "docs", clone.environ)
    below.envhooks("install", "--branch", "main", check=True)
    assert faults(clone) == ()
    assert not (clone.path / "docs/.git").exists()


def test_a_submodule(clone: Repo, server: Repo, tmp_path: Path) -> None:
    clone.git("submodule", "--quiet", "add", str(server.path), "sub")
    sub = Repo(clone.path / "sub", clone.environ)
    sub.envhooks("install", "--branch", "main", check=True)
    assert_judged_once(sub, tmp_path)
    assert not (clone.path / ".git/envhooks").exists()


def test_a_repository_that_was_moved(clone: Repo, tmp_path: Path) -> None:
    put(clone)
    moved = Repo(clone.path.rename(clone.path.with_name("a new 'name'")), clone.environ)
    assert_judged_once(moved, tmp_path)


def test_a_bare_server(server: Repo, good: Repo, tmp_path: Path) -> None:
    before = snapshot(server.path)
    done = server.envhooks("install", "--server", "--branch", "main", check=True)
    assert "pushes to this repository" in done.out
    assert (server.path / "hooks/pre-receive").exists() and not (server.path / "hooks/pre-push").exists()
    judge = Judge(server, tmp_path)
    good.git("tag", "BAD")
    assert good.try_git("push", "origin", "BAD").code != 0
    assert judge.count("hook pre-receive") == 1
    server.envhooks("uninstall", check=True)
    assert snapshot(server.path) == before


def test_a_folder_of_hooks_in_the_work_tree(clone: Repo, tmp_path: Path) -> None:
    # named `hooks`, so that `../envhooks` would be a folder of the work tree, which anybody may commit to
    clone.write({"hooks/pre-push": FOREIGN.format(name="foreign"), "envhooks/pre-push": ": >ran\n"})
    (clone.path / "hooks/pre-push").chmod(0o755)
    clone.git("config", "core.hooksPath", "hooks")
    before = state(clone)
    assert HAS_CONFIG_HOOKS or "hooks/ lies in the work tree" in plan(clone).notes[0]
    put(clone)
    assert plan(clone) == Plan()
    assert_judged_once(clone, tmp_path)
    assert not (clone.path / "ran").exists()
    assert (clone.path.parent / "foreign.log").exists()
    take_out(clone)
    assert state(clone) == before


def test_a_folder_of_hooks_that_calls_ours_needs_no_more(clone: Repo, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    clone.git("config", "core.hooksPath", str(shared))
    for event in copies.CLIENT:
        script = shared / event
        script.write_text(f'#!/bin/sh\nsh "$(git rev-parse --git-common-dir)/envhooks/{event}" "$@"\n')
        script.chmod(0o755)
    put(clone)
    assert clone.git("config", "core.hooksPath") == str(shared)
    assert_judged_once(clone, tmp_path)
    assert faults(clone) == ()


# ---------------------------------------------------------------------------------------------- husky

# husky 9.1.7, `.husky/_/h`, less its messages and its rc file
HUSKY_9 = """#!/usr/bin/env sh
n=$(basename "$0")
s=$(dirname "$(dirname "$0")")/$n
[ ! -f "$s" ] && exit 0
export PATH="node_modules/.bin:$PATH"
sh -e "$s" "$@"
exit $?
"""
# husky 8.0.3, `.husky/_/husky.sh`, likewise
HUSKY_8 = """#!/usr/bin/env sh
if [ -z "$husky_skip_init" ]; then
  readonly husky_skip_init=1
  export husky_skip_init
  sh -e "$0" "$@"
  exit $?
fi
"""
SCRIPT = "cat >../husky.stdin; if grep -q NO ../husky.stdin; then exit 3; fi; echo >>../husky.ran\n"


def husky_9(repo: Repo) -> None:
    repo.write({".husky/_/h": HUSKY_9, ".husky/_/pre-push": '#!/usr/bin/env sh\n. "$(dirname "$0")/h"'})
    (repo.path / ".husky/_/pre-push").chmod(0o755)
    repo.git("config", "core.hooksPath", ".husky/_")


def husky_8(repo: Repo) -> None:
    head = '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\n'
    repo.write({".husky/_/husky.sh": HUSKY_8, ".husky/pre-push": head + SCRIPT})
    (repo.path / ".husky/pre-push").chmod(0o755)
    repo.git("config", "core.hooksPath", ".husky")


@pytest.mark.parametrize(
    "script",
    [None, SCRIPT, f"#!/bin/sh\n{SCRIPT}", SCRIPT.rstrip("\n"), "", f"#!/bin/sh\n# é\x85\n{SCRIPT}\n\n"],
    ids=["none", "plain", "shebang", "no last line feed", "empty", "odd characters"],
)
def test_husky_9(clone: Repo, tmp_path: Path, script: str | None) -> None:
    husky_9(clone)
    if script is not None:
        clone.write({".husky/pre-push": script})
    before = state(clone)
    put(clone)
    assert plan(clone).actions == () and faults(clone) == ()
    assert_judged_once(clone, tmp_path)
    if script:
        assert (clone.path.parent / "husky.stdin").read_text().startswith("refs/tags/v1 ")
        clone.git("update-ref", "refs/tags/NO", "HEAD")
        assert clone.try_git("push", "origin", "NO").code != 0
        clone.git("update-ref", "-d", "refs/tags/NO")
    take_out(clone)
    assert state(clone) == before


def test_husky_8(clone: Repo, tmp_path: Path) -> None:
    husky_8(clone)
    before = state(clone)
    put(clone)
    assert plan(clone).actions == () and faults(clone) == ()
    assert_judged_once(clone, tmp_path)
    assert (clone.path.parent / "husky.stdin").read_text().startswith("refs/tags/v1 ")
    take_out(clone)
    assert state(clone) == before


def test_huskys_script_passes_in_a_clone_without_hooks(clone: Repo) -> None:
    husky_9(clone)
    clone.write({".husky/pre-push": SCRIPT})
    put(clone)
    script = (clone.path / ".husky/pre-push").read_bytes()
    take_out(clone)
    (clone.path / ".husky/pre-push").write_bytes(script)  # as somebody committed it
    assert husky.LINE in script
    clone.git("tag", "v1")
    assert clone.try_git("push", "origin", "v1").code == 0
    assert (clone.path.parent / "husky.stdin").read_text().startswith("refs/tags/v1 ")


# lefthook 2.2.2 puts this into .git/hooks, in more words, and finds the script by its configuration
LEFTHOOK = '#!/bin/sh\n# lefthook run "pre-push" "$@"\nexec sh .lefthook/pre-push/envhooks.sh "$@"\n'


def test_lefthook_is_kept_and_what_lasts_is_said(clone: Repo) -> None:
    clone.write({"lefthook.yml": "pre-push: {}\n"})
    hook(clone, "pre-push", LEFTHOOK)
    assert any(".lefthook/pre-push/envhooks.sh" in note for note in plan(clone).notes) is not HAS_CONFIG_HOOKS
    put(clone)
    assert hookfiles.is_ours(clone.path / ".git/hooks/pre-push") and faults(clone) == ()


@pytest.mark.skipif(HAS_CONFIG_HOOKS, reason="no need for it")
def test_lefthook_after_ours_is_noticed_and_its_script_lasts(clone: Repo, tmp_path: Path) -> None:
    put(clone)
    hooks = clone.path / ".git/hooks"
    (hooks / "pre-push").rename(hooks / "pre-push.old")  # so does `lefthook install`
    clone.write({"lefthook.yml": "pre-push: {}\n"})
    hook(clone, "pre-push", LEFTHOOK)
    assert len(faults(clone)) == 1
    line = next(line for line in plan(clone).notes[0].split("\n") if "exec sh" in line)
    clone.write({".lefthook/pre-push/envhooks.sh": line.strip() + "\n"})
    assert faults(clone) == () and plan(clone) == Plan()
    assert_judged_once(clone, tmp_path)
    take_out(clone)
    assert sorted(path.name for path in hooks.iterdir() if path.suffix != ".sample") == ["pre-push"]
    assert (hooks / "pre-push").read_text() == LEFTHOOK


# --------------------------------------------------------------------------------------- config hooks


def test_the_command_is_written_before_the_event() -> None:
    for event in (*copies.CLIENT, *copies.SERVER):
        command, which = confighooks.install({}, (2, 54), event)
        assert command == SetConfig(f"hook.envhooks-{event}.command", confighooks.guard(event))
        assert which == SetConfig(f"hook.envhooks-{event}.event", event)
        assert not list(confighooks.install({}, (2, 53, 9), event))


def test_a_config_hook_that_is_there_is_left_and_an_old_one_is_renewed() -> None:
    key = "hook.envhooks-pre-push"
    there = {f"{key}.command": (confighooks.guard("pre-push"),), f"{key}.event": ("pre-push",)}
    assert not list(confighooks.install(there, (2, 55), "pre-push"))
    assert confighooks.is_wired(there, (2, 55), "pre-push")
    assert not confighooks.is_wired(there, (2, 53), "pre-push")
    assert not confighooks.is_wired({**there, f"{key}.enabled": ("false",)}, (2, 55), "pre-push")
    (renewed,) = confighooks.install({**there, f"{key}.command": ("old",)}, (2, 55), "pre-push")
    assert renewed == SetConfig(f"{key}.command", confighooks.guard("pre-push"))


@pytest.mark.parametrize("event", [*copies.CLIENT, "pre-receive"])
def test_git_keeps_the_command_as_it_is_and_removes_it_without_a_trace(clone: Repo, event: str) -> None:
    before = state(clone)
    apply(confighooks.install({}, (2, 54), event), clone.path)
    assert clone.git("config", f"hook.envhooks-{event}.command") == confighooks.guard(event)
    text = (clone.path / ".git/config").read_text()
    assert text.index("command = ") < text.index("event = ")
    apply(confighooks.uninstall(clone.path / ".git/config", event), clone.path)
    assert state(clone) == before


def guarded(repo: Repo, event: str, stdin: str, *arguments: str) -> Done:
    """Run the command as git >= 2.54 does: by the shell, with the arguments added to the text."""
    command = confighooks.guard(event)
    return run(["sh", "-c", f'{command} "$@"', command, *arguments], repo.path, repo.environ, stdin)


def test_the_guard_comes_to_the_hook(clone: Repo, tmp_path: Path) -> None:
    put(clone)
    judge = Judge(clone, tmp_path)
    line = f"x {'a' * 40} refs/tags/{{}} {'0' * 40}\n"
    assert guarded(clone, "pre-push", line.format("BAD"), "origin", "a url").code == 1
    assert judge.count("hook pre-push origin a url\n" + line.format("BAD")) == 1
    done = guarded(clone, "pre-push", line.format("v1"), "origin", "a url")
    assert (done.code, done.said) == (0, "")


@pytest.mark.parametrize(
    ("event", "arguments", "line", "code"),
    [
        ("pre-push", ["origin", "x"], "x {a} refs/tags/v1 {zero}", 2),
        ("pre-push", ["origin", "x"], "(delete) {zero} refs/tags/v1 {a}", 0),
        ("pre-push", ["origin", "x"], "x {a} refs/heads/main {a}", 0),
        ("pre-receive", [], "{zero} {a} refs/tags/v1", 2),
        ("pre-receive", [], "{a} {zero} refs/tags/v1", 0),
        ("pre-receive", [], "{zero} {a} refs/heads/v1", 0),
        ("reference-transaction", ["prepared"], "{zero} {a} refs/tags/v1", 0),  # no `git tag` above it
        ("reference-transaction", ["committed"], "{zero} {a} refs/tags/v1", 0),
    ],
)
def test_the_guard_without_a_hook(
    clone: Repo, event: str, arguments: list[str], line: str, code: int
) -> None:
    done = guarded(clone, event, line.format(a="a" * 40, zero="0" * 40) + "\n", *arguments)
    assert done.code == code and done.out == ""
    assert ("envhooks install" in done.err) is bool(code)


def test_the_file_steps_back_where_git_runs_the_config_hook(clone: Repo, tmp_path: Path) -> None:
    """Git >= 2.54 is played by a `git` that answers `hook list`; all else goes to the real one."""
    put(clone)
    judge = Judge(clone, tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "git"
    listed = tmp_path / "listed"
    program.write_text(f'#!/bin/sh\n[ "$1 $2" = "hook list" ] && exec cat {listed}\nexec /usr/bin/git "$@"\n')
    program.chmod(0o755)
    clone.environ["PATH"] = f"{folder}:{clone.environ['PATH']}"
    line = f"x {'a' * 40} refs/tags/BAD {'0' * 40}\n"
    hook_file = str(clone.path / ".git/hooks/pre-push")
    (clone.path / ".git/envhooks" / copies.MARK).touch()
    for text, judged in [
        ("envhooks-pre-push\nhook from hookdir\n", False),
        ("other\nenvhooks-pre-push\nhook from hookdir\n", False),
        ("disabled\tenvhooks-pre-push\nhook from hookdir\n", True),
        ("envhooks-pre-push-2\nmy-envhooks-pre-push\nhook from hookdir\n", True),
        ("hook from hookdir\n", True),
    ]:
        listed.write_text(text)
        done = run([hook_file, "origin", "x"], clone.path, clone.environ, line)
        assert (done.code == 1) is judged, text
        assert judge.count("hook pre-push") == judged
        assert (
            guarded(clone, "pre-push", line, "origin", "x").code == 1
        )  # the config hook itself always judges
        assert judge.count("hook pre-push") == 1


# ------------------------------------------------------------------------- branch, remote, interpreter


def settings(repo: Repo, request: Request = Request()) -> dict[str, str]:  # noqa: B008 # frozen
    found = (action for action in plan(repo, request).actions if isinstance(action, SetConfig))
    return {action.key: action.value for action in found if action.key.startswith("envhooks.")}


def test_the_branch_is_what_the_remote_says(clone: Repo) -> None:
    clone.git("push", "-q", "origin", "HEAD:refs/heads/trunk", "HEAD:refs/heads/master")
    clone.git("fetch", "-q")
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert settings(clone) == {"envhooks.branch": "trunk"}


def test_the_branch_is_the_only_one_of_main_and_master(clone: Repo) -> None:
    clone.git("checkout", "-q", "-b", "feature")
    clone.git("push", "-q", "-u", "origin", "feature")
    assert settings(clone) == {"envhooks.branch": "main"}


def test_the_branch_is_the_only_one_there_is(clone: Repo) -> None:
    clone.git("branch", "-m", "main", "trunk")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    assert settings(clone) == {"envhooks.branch": "trunk"}


def test_the_branch_before_the_first_commit(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "new").mkdir()
    new = Repo(tmp_path / "new", environ)
    new.git("init", "-q", "-b", "main")
    assert settings(new) == {"envhooks.branch": "main"}
    new.git("symbolic-ref", "HEAD", "refs/heads/attempt")
    with pytest.raises(UsageError):
        plan(new, Request())


def test_a_branch_that_cannot_be_told_is_asked_for(clone: Repo) -> None:
    clone.git("branch", "master")
    before = state(clone)
    done = clone.envhooks("install")
    assert done.code == 2 and "envhooks install --branch main" in done.err
    assert state(clone) == before


def test_a_branch_that_cannot_be_told_does_not_stop_pre_commit(clone: Repo) -> None:
    clone.git("branch", "master")
    done = clone.envhooks("install", "--from-pre-commit", check=True)
    assert "note: " in done.out and "--branch main" in done.out
    assert faults(clone) == ()


def test_several_remotes_are_a_question(clone: Repo) -> None:
    clone.git("remote", "rename", "origin", "one")
    clone.git("remote", "add", "two", "../elsewhere")
    clone.git("config", "--unset", "branch.main.remote")
    with pytest.raises(EnvhooksError, match="2 remotes"):
        plan(clone, Request())
    assert settings(clone, Request(remote="one")) == {"envhooks.remote": "one", "envhooks.branch": "main"}


@pytest.mark.parametrize("branch", ["", "-x", "a b", "a\nb", "x~1", "refs/heads/", "a*"])
def test_what_is_no_branch_name(clone: Repo, branch: str) -> None:
    with pytest.raises(UsageError, match="not a branch name"):
        plan(clone, Request(branch=branch))


def test_a_remote_that_is_not_there(clone: Repo) -> None:
    with pytest.raises(UsageError, match="no remote"):
        plan(clone, Request(branch="main", remote="elsewhere"))


def test_a_branch_may_be_given_in_full(clone: Repo) -> None:
    assert settings(clone, Request(branch="refs/heads/release/2")) == {"envhooks.branch": "release/2"}


def test_outside_of_a_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    for verb in ("install", "uninstall"):
        done = Repo(tmp_path, environ).envhooks(verb)
        assert done.code == 2 and "not a git repository" in done.err


def test_folders_that_version_0_1_recorded_go(clone: Repo) -> None:
    put(clone)
    site = clone.path / ".git/envhooks/site"
    site.write_text("/somewhere\n")
    put(clone)
    assert not site.exists()


def test_every_hook_is_in_the_package() -> None:
    names = {path.name for path in copies.script_folder().iterdir()}
    assert {"judge.sh", "hook-file.sh", "husky-pre-push.sh", *copies.CLIENT, "pre-receive"} <= names


def test_shellcheck_finds_nothing() -> None:
    folder = copies.script_folder()
    files = sorted(str(path) for path in folder.iterdir() if path.is_file() and path.suffix != ".py")
    try:
        done = subprocess.run(
            ["shellcheck", "-x", "-P", str(folder.parent), *files], capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("there is no shellcheck")
    assert done.returncode == 0, done.stdout
    for event in (*copies.CLIENT, *copies.SERVER):
        command = f'{confighooks.guard(event)} "$@"'
        checked = subprocess.run(
            ["shellcheck", "-s", "sh", "-"], input=command, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout
