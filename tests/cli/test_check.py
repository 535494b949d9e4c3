"""`envhooks check`: named tags, all tags, CI's tag, and every way in which a repository can be odd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import GOOD_TAG, Done, Repo


def tag(repo: Repo, name: str = GOOD_TAG, at: str = "HEAD", *options: str) -> None:
    repo.git("tag", *(options or ("-s", "-m", "A release")), name, at)


def with_file(repo: Repo, path: str, data: str | bytes) -> Done:
    """The verdict on a good tag at a commit on main that holds such a file."""
    repo.commit_files({path: data})
    repo.git("push", "-q", "origin", "main")
    tag(repo)
    return repo.envhooks("check", GOOD_TAG)


def one_sentence(done: Done, *words: str) -> None:
    """Bad input is a sentence, never a traceback."""
    assert "Traceback" not in done.said, done.said
    for word in words:
        assert word in done.said, done.said


def without(repo: Repo, path: str) -> None:
    repo.git("rm", "-q", path)
    repo.commit("Without it")
    repo.git("push", "-q", "origin", "main")


# ---------------------------------------------------------------------------------- which tags


def test_a_good_tag_by_both_of_its_names(good: Repo) -> None:
    tag(good)
    for name in (GOOD_TAG, f"refs/tags/{GOOD_TAG}"):
        done = good.envhooks("check", name)
        assert done.code == 0
        assert f"{GOOD_TAG}: good" in done.out


def test_tags_at_head(good: Repo) -> None:
    tag(good)
    good.commit("Later")
    assert "nothing to judge" in good.envhooks("check").err
    good.git("checkout", "-q", GOOD_TAG)
    assert GOOD_TAG in good.envhooks("check").out


def test_all_tags(good: Repo) -> None:
    tag(good)
    tag(good, "old-tag", "HEAD", "-m", "x")
    done = good.envhooks("check", "--all")
    assert done.code == 1
    assert f"{GOOD_TAG}: good" in done.out
    assert "old-tag: refused" in done.out


def test_a_tag_that_is_a_symbolic_ref(good: Repo) -> None:
    """What it names moves with a ref that no hook looks at; the fix pins it."""
    tag(good)
    good.git("update-ref", "refs/hidden/x", f"refs/tags/{GOOD_TAG}")
    good.git("update-ref", "-d", f"refs/tags/{GOOD_TAG}")
    good.git("symbolic-ref", f"refs/tags/{GOOD_TAG}", "refs/hidden/x")
    for arguments in ([GOOD_TAG], ["--all"]):
        done = good.envhooks("check", *arguments)
        assert done.code == 1 and "symbolic ref" in done.out
    fix = next(line for line in done.out.split("\n") if "fix:" in line).split("git ")[1]
    good.git(*fix.split())
    assert good.envhooks("check", "--all").code == 0


def test_nothing_to_judge_is_good_and_says_so(good: Repo) -> None:
    done = good.envhooks("check", "--all")
    assert (done.code, done.out) == (0, "")
    assert "no release tags" in done.err


def test_a_tag_that_does_not_exist_is_could_not_judge(good: Repo) -> None:
    tag(good)
    done = good.envhooks("check", "PyTorch-CUDA-v2.8rc1")
    assert done.code == 2
    one_sentence(done, "no tag", f"envhooks check {GOOD_TAG}")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GITHUB_REF", f"refs/tags/{GOOD_TAG}"),
        ("CI_COMMIT_TAG", GOOD_TAG),
        ("TAG_NAME", GOOD_TAG),
        ("CIRCLE_TAG", GOOD_TAG),
        ("BUILD_SOURCEBRANCH", f"refs/tags/{GOOD_TAG}"),
        ("BUILDKITE_TAG", GOOD_TAG),
    ],
)
def test_the_tag_that_ci_names(good: Repo, variable: str, value: str) -> None:
    tag(good)
    good.commit("Later")
    ci = Repo(good.path, {**good.environ, variable: value})
    assert f"{GOOD_TAG}: good" in ci.envhooks("check").out


def test_json_is_what_programs_read(good: Repo) -> None:
    tag(good)
    tag(good, "old", "HEAD", "-m", "x")
    document = json.loads(good.envhooks("check", "--all", "--format", "json").out)
    verdicts = {entry["tag"]: entry["verdict"] for entry in document["tags"]}
    assert verdicts == {GOOD_TAG: "accepted", "old": "refused"}
    assert document["exit_code"] == 1


# --------------------------------------------------------------------------- odd repositories


def test_no_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    done = Repo(tmp_path, environ).envhooks("check")
    assert done.code == 2
    one_sentence(done, "not a git repository")


def test_no_remote_the_local_main_is_everything(good: Repo) -> None:
    good.git("remote", "remove", "origin")
    tag(good)
    assert good.envhooks("check", GOOD_TAG).code == 0


def test_no_policy_only_your_own_key_is_accepted(good: Repo) -> None:
    good.git("rm", "-q", "-r", ".envhooks")
    good.commit("No policy")
    good.git("push", "-q", "origin", "main")
    tag(good)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 0
    assert "envhooks init" in done.out
    good.git("config", "user.signingkey", f"{good.environ['HOME']}/stranger.pub")
    assert good.envhooks("check", GOOD_TAG).code == 1


def test_no_dockerfile(good: Repo) -> None:
    without(good, "Dockerfile")
    tag(good)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 1
    one_sentence(done, "dockerfile-matches", "no Dockerfile")


def test_no_changelog(good: Repo) -> None:
    without(good, "CHANGELOG.md")
    tag(good)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 1
    one_sentence(done, "changelog-entry", "CHANGELOG.md")


@pytest.mark.parametrize(
    ("path", "data", "code", "words"),
    [
        (".envhooks/policy.toml", "[tag\n", 2, ["policy.toml"]),
        (".envhooks/policy.toml", "[tga]\nignore = []\n", 2, ["tga", "tag"]),
        (".envhooks/policy.toml", '[checks]\ntag-singed = "off"\n', 2, ["tag-singed", "tag-signed"]),
        (".envhooks/policy.toml", b"\xff\xfe", 2, ["policy.toml", "UTF-8"]),
        (".envhooks/allowed_signers", "alice what\n", 2, ["allowed_signers"]),
        (".envhooks/tags.lock", "rubbish\n", 2, ["tags.lock", ":1"]),
        ("Dockerfile", bytes(range(256)), 2, ["Dockerfile"]),
        ("Dockerfile", b"FROM x\n" + b"# filler\n" * 1_200_000, 2, ["Dockerfile"]),
        (
            "CHANGELOG.md",
            "# Changelog\n\n## 2.8-rc1 - 2026-11-02\n\nGrö\xdfe\n".encode("latin-1"),
            2,
            ["CHANGELOG.md"],
        ),
    ],
)
def test_broken_files_are_one_sentence(
    good: Repo, path: str, data: str | bytes, code: int, words: list[str]
) -> None:
    done = with_file(good, path, data)
    assert done.code == code, done
    one_sentence(done, *words)


def test_a_shallow_clone_could_not_judge(good: Repo, server: Repo, tmp_path: Path) -> None:
    tag(good)
    tag(good, "PyTorch-CUDA-v2.8-rc2", "HEAD", "-m", "x")
    good.commit("Later")
    good.git("push", "-q", "origin", "main", "--tags")
    ci = server.cloned(tmp_path / "ci", "--depth", "1", "--branch", GOOD_TAG)
    ci.git("fetch", "-q", "--depth", "1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    ci.git("tag", "-f", GOOD_TAG, "HEAD")  # as some checkout actions leave it
    done = ci.envhooks("check", GOOD_TAG)
    assert done.code == 2
    one_sentence(done, "shallow", "git fetch --unshallow")


def test_a_lightweight_copy_in_a_full_clone_is_refused_with_the_way_out(good: Repo) -> None:
    good.git("tag", GOOD_TAG)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 1
    one_sentence(done, "lightweight", "checkout may have dropped the annotation")


def test_ignored_tags_pass_untouched(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["v*"]\n'})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "v1")
    done = good.envhooks("check", "v1")
    assert done.code == 0
    assert "leaves these tags alone" in done.err
    good.git("tag", "w1")
    assert good.envhooks("check", "w1").code == 1


def test_a_check_switched_off_says_so(good: Repo) -> None:
    policy = '[checks]\nchangelog-entry = { level = "off", reason = "kept elsewhere" }\n'
    good.commit_files({".envhooks/policy.toml": policy})
    without(good, "CHANGELOG.md")
    tag(good)
    done = good.envhooks("check", "--format", "json", GOOD_TAG)
    assert done.code == 0
    entry = json.loads(done.out)["tags"][0]
    assert "kept elsewhere" in entry["not_applicable"]["changelog-entry"]


def test_a_tag_that_the_lock_lists_and_nobody_has(good: Repo) -> None:
    line = f"refs/tags/{GOOD_TAG} {'1' * 40} {'2' * 64} alice@example.org\n"
    good.commit_files({".envhooks/tags.lock": line})
    good.git("push", "-q", "origin", "main")
    done = good.envhooks("check", "--all")
    assert done.code == 1
    one_sentence(done, "tag-immutable", "tags.lock")
    tag(good)
    assert good.envhooks("check", "--all").code == 1, "another object under the locked name"


def test_called_wrongly(good: Repo) -> None:
    for arguments in (["check", "--all", "x"], ["check", "--format", "xml"], ["chekc"]):
        done = good.envhooks(*arguments)
        assert done.code == 2
        one_sentence(done)


def test_explain(good: Repo) -> None:
    listed = good.envhooks("explain")
    assert listed.code == 0
    assert "on-main" in listed.out
    assert "protected branch" in good.envhooks("explain", "on-main").out
    wrong = good.envhooks("explain", "on-mian")
    assert wrong.code == 2
    assert "envhooks explain on-main" in wrong.err


def test_envhooks_alone_prints_the_help(good: Repo) -> None:
    done = good.envhooks()
    assert done.code == 0 and done.out.startswith("usage: envhooks") and not done.err
