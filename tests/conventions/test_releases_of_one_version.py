"""Numbers, dates and paths of a team's own, with real hooks: order, entries, and a changelog for each environment."""

from __future__ import annotations

from support import DOCKERFILE, Repo

TEMPLATE = (
    '[tag]\ntemplates = [{ template = "v{version}-{release}", framework = "PyTorch", hardware = "CUDA" }]\n'
)
TOLD = " No known issues; no upgrade notes."


def publish(repo: Repo, files: dict[str, str]) -> None:
    repo.commit_files(files)
    repo.git("push", "-q", "origin", "main")


def test_two_releases_of_one_version_need_two_entries_and_go_forward(guarded: Repo) -> None:
    entry = f"## 2.8.0-7 - 2026-11-02\n\nPyTorch 2.8.0.{TOLD}\n"
    publish(guarded, {".envhooks/policy.toml": TEMPLATE, "CHANGELOG.md": f"# Changes\n\n{entry}"})
    guarded.git("tag", "-s", "-m", "Seventh", "v2.8.0-7")
    second = guarded.try_git("tag", "-s", "-m", "Eighth", "v2.8.0-8")
    assert second.code != 0 and "no entry for this release" in second.err
    publish(guarded, {"CHANGELOG.md": "# Changes\n\n" + entry.replace("-7", "-8") + "\n" + entry})
    guarded.git("tag", "-s", "-m", "Eighth", "v2.8.0-8")
    guarded.git("push", "-q", "origin", "v2.8.0-7", "v2.8.0-8")
    publish(guarded, {"CHANGELOG.md": "# Changes\n\n" + entry.replace("-7", "-6") + "\n" + entry})
    late = guarded.try_git("tag", "-s", "-m", "Sixth", "v2.8.0-6")
    assert late.code != 0 and "lower than that of a release which exists" in late.err
    assert "v2.8.0-9" in late.err  # the next free name


def test_a_date_goes_forward(guarded: Repo) -> None:
    policy = '[tag]\ntemplates = [{ template = "env-{date}", framework = "PyTorch" }]\n'
    text = f"# Changes\n\n## 2026-01-30\n\nNew.{TOLD}\n\n## 2026-01-15\n\nOld.{TOLD}\n"
    publish(guarded, {".envhooks/policy.toml": policy, "CHANGELOG.md": text})
    guarded.git("tag", "-s", "-m", "New", "env-2026-01-30")
    old = guarded.try_git("tag", "-s", "-m", "Old", "env-20260115")
    assert old.code != 0 and "the date is lower" in old.err
    same = guarded.try_git("tag", "-s", "-m", "Again", "env-20260130")
    assert same.code != 0 and "the date is the same" in same.err
    said = guarded.envhooks("check", "env-2026-01-30").out
    assert "not compared: the date, because it is the day of the release" in " ".join(said.split())


def test_each_environment_has_its_changelog(good: Repo) -> None:
    policy = (
        '[tag]\ntemplates = ["{framework:lower}/v{release}"]\n'
        '[dockerfile]\npath = "{framework:lower}/Dockerfile"\n[changelog]\npath = "{framework:lower}/NEWS.md"\n'
    )
    jax = "FROM python:3.12-slim-bookworm\nRUN pip install jax==0.7.1\n"
    publish(
        good,
        {
            ".envhooks/policy.toml": policy,
            "pytorch/Dockerfile": DOCKERFILE,
            "jax/Dockerfile": jax,
            "pytorch/NEWS.md": f"# News\n\n## [2.1.0] - 2026-11-02\n\nPyTorch 2.8.0.{TOLD}\n",
            "jax/NEWS.md": f"# News\n\n## [1.0.0] - 2026-11-02\n\nJAX 0.7.1.{TOLD}\n",
        },
    )
    for tag, code in (("pytorch/v2.1.0", 0), ("jax/v1.0.0", 0), ("pytorch/v1.0.0", 1), ("jax/v2.1.0", 1)):
        done = good.envhooks("check", "--as", tag)
        assert done.code == code, done.said
        assert code == 0 or f"{tag.split('/')[0]}/NEWS.md" in done.said
    done = good.envhooks("check", "--as", "tensorflow/v1.0.0")
    assert done.code == 1 and "tensorflow/NEWS.md" in done.said
    assert good.envhooks("lint", "changelog").code == 0
    good.write({"jax/NEWS.md": b"\xff\xff"})
    broken = good.envhooks("lint", "changelog")
    assert broken.code == 2 and "jax/NEWS.md" in broken.said
