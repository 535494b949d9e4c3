"""Cases of the checks on the changelog: the entry comes where the file's own style would have it."""

from __future__ import annotations

from bench import Bench, case
from support import GOOD_TAG

NO_ENTRY = "the changelog at the tagged commit has no entry for this release"
OLDER = "## 2.7 - 2026-01-09\n\nPyTorch 2.7.\n\n### Known issues\n\nNone.\n\n### Upgrading\n\nNothing.\n"
STABLE = "PyTorch-CUDA-v2.8"


def _written(bench: Bench, text: str | None, name: str = GOOD_TAG, path: str = "CHANGELOG.md") -> str:
    """The changelog after the fix was pasted and committed, and the tag made as before."""
    if text is None:
        bench.repo.git("rm", "-q", "CHANGELOG.md")
    else:
        bench.repo.write({path: text})
    bench.repo.commit("The changelog")
    bench.repo.git("push", "-q", "origin", "main")
    bench.hooks()
    command = ("tag", "-s", "-m", "First candidate", name)
    shown = bench.refused(*command)
    before = {*bench.repo.git("ls-files", "--others", "--cached").split("\n")}
    bench.paste(shown.fix)
    after = {*bench.repo.git("ls-files", "--others", "--cached").split("\n")}
    assert after == before | {path.encode("unicode_escape").decode()} or after == before | {path}, after
    meant = bench.repo.commit("An entry")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    bench.settled(name, meant)
    return (bench.repo.path / path).read_text()


def _today(bench: Bench, form: str = "%Y-%m-%d") -> str:
    return bench.paste(f"LC_ALL=C date '+{form}'").out.strip()


@case("changelog-entry", NO_ENTRY)
def _above_the_newest(bench: Bench) -> None:
    text = _written(bench, f"# Changelog\n\n{OLDER}")
    assert text.startswith(
        f"# Changelog\n\n## 2.8-rc1 - {_today(bench)}\n\nPyTorch 2.8 for CUDA, to try out;"
    )
    assert text.endswith(f"\n\n{OLDER}")


@case("changelog-entry", NO_ENTRY)
def _of_a_stable_release(bench: Bench) -> None:
    text = _written(bench, f"# Changelog\n\n{OLDER}", STABLE)
    assert "No known issues. Upgrading needs" in text.partition("## 2.7")[0]


@case("changelog-entry", NO_ENTRY)
def _below_unreleased_in_brackets(bench: Bench) -> None:
    waiting = "# Changelog\n\n## [Unreleased]\n\n- torch 2.8; for testing, at your own risk\n\n"
    text = _written(bench, f"{waiting}## [v2.7.0-rc2] - 2026-01-09\n\nOld.\n")
    entry = f"## [Unreleased]\n\n## [v2.8-rc1] - {_today(bench)}\n\n- torch 2.8; for testing"
    assert entry in text and text.count("torch 2.8") == 1


@case("changelog-entry", NO_ENTRY)
def _below_an_empty_unreleased(bench: Bench) -> None:
    text = _written(bench, f"# Changelog\n\n## Unreleased\n\n{OLDER}")
    assert f"## Unreleased\n\n## 2.8-rc1 - {_today(bench)}\n" in text


@case("changelog-entry", NO_ENTRY)
def _with_dates_in_words(bench: Bench) -> None:
    text = _written(bench, "# Changes\n\n# Release 2.7 (May 1, 2026)\n\nOld.\n")
    assert f"\n# Release 2.8-rc1 ({_today(bench, '%B %d, %Y')})\n" in text


@case("changelog-entry", NO_ENTRY)
def _with_whole_names(bench: Bench) -> None:
    text = _written(bench, "## PyTorch-CUDA-v2.7 / 2026.01.09\n\nOld.\n")
    assert f"## PyTorch-CUDA-v2.8-rc1 / {_today(bench, '%Y.%m.%d')}\n" in text


@case("changelog-entry", NO_ENTRY)
def _underlined(bench: Bench) -> None:
    text = _written(bench, "Changes\n=======\n\n2.7 (2026-01-09)\n----------------\n\nOld.\n")
    assert f"2.8-rc1 ({_today(bench)})\n-----" in text


@case("changelog-entry", NO_ENTRY)
def _by_a_template(bench: Bench) -> None:
    bench.repo.write({".envhooks/policy.toml": '[changelog]\nheading = "## env {version} ({date})"\n'})
    text = _written(bench, "# Changelog\n\n## env 2.7 (2026-01-09)\n\nOld.\n")
    assert f"## env 2.8-rc1 ({_today(bench)})\n" in text


@case("changelog-entry", NO_ENTRY)
def _into_a_file_of_a_hostile_name(bench: Bench) -> None:
    path = "it's $(touch owned)/a & b.md"
    bench.repo.write({".envhooks/policy.toml": f'[changelog]\npath = "{path}"\n'})
    hostile = "## 2.7 - 2026-01-09 \\n %s `id` $(touch owned) \"'\n\nOld \\t.\n"
    assert _written(bench, hostile, path=path).endswith(hostile)
    assert not (bench.repo.path / "owned").exists()


@case("changelog-entry", NO_ENTRY)
def _with_carriage_returns(bench: Bench) -> None:
    (bench.repo.path / "CHANGELOG.md").write_bytes(OLDER.replace("\n", "\r\n").encode())
    bench.repo.git("add", "-A")
    text = _written(bench, OLDER.replace("\n", "\r\n"))
    assert text.index("2.8-rc1") < text.index("2.7")


@case("changelog-entry", NO_ENTRY)
def _where_the_oldest_stands_first(bench: Bench) -> None:
    older = "## 2.6 - 2025-06-01\n\nPyTorch 2.6.\n\n## 2.7 - 2026-01-09\n\nPyTorch 2.7.\n"
    text = _written(bench, f"# Changelog\n\n{older}")
    assert text.startswith(f"# Changelog\n\n{older}\n## 2.8-rc1 - {_today(bench)}\n")


@case("changelog-entry", NO_ENTRY)
def _where_entries_are_no_headings(bench: Bench) -> None:
    """Nothing is put to the end of a table, a list or a Debian changelog: a person sees where it belongs."""
    bench.hooks()
    for text in (
        "# Changelog\n\n| version | date |\n|---|---|\n| 2.7 | 2026-01-09 |\n",
        "# Changelog\n\n* 2.7 (2026-01-09): PyTorch 2.7\n* 2.6 (2025-06-01): PyTorch 2.6\n",
        "# Changelog\n\n**2.7** (2026-01-09)\n\nPyTorch 2.7.\n",
        "envs (2.7-1) unstable; urgency=medium\n\n  * PyTorch 2.7.\n",
        "2026-01-09  Alice  <alice@example.org>\n\n\t* PyTorch 2.7.\n",
        "<h1>Changelog</h1>\n<h2>2.7 - 2026-01-09</h2>\n<p>PyTorch 2.7.</p>\n",
    ):
        bench.repo.commit_files({"CHANGELOG.md": text})
        bench.repo.git("push", "-q", "origin", "main")
        shown = bench.refused("tag", "-s", "-m", "First candidate", GOOD_TAG)
        assert not shown.fix and "where the file has its newest" in shown.advice, text
        drafted = bench.repo.envhooks("changelog", GOOD_TAG)
        assert drafted.code == 2 and "no headings" in drafted.flat, drafted.said
        assert bench.repo.git("status", "--porcelain") == ""


@case("changelog-entry", NO_ENTRY)
def _as_the_first_entry(bench: Bench) -> None:
    assert "## 2.8-rc1 - " in _written(bench, "# Changelog\n\nAll notable changes.\n")


@case("changelog-entry", NO_ENTRY)
def _nearly_a_heading(bench: Bench) -> None:
    text = _written(bench, f"# Changelog\n\n##2.8-rc1\n\nTry it at your own risk.\n\n{OLDER}")
    assert f"\n## 2.8-rc1 - {_today(bench)}\n\nTry it" in text and text.count("2.8-rc1") == 1


@case("changelog-entry", NO_ENTRY)
def _in_another_spelling(bench: Bench) -> None:
    text = _written(
        bench, f"# Changelog\n\n## [2.8.0rc1+cu128] - 2026-11-01\n\nTry it at your own risk.\n\n{OLDER}"
    )
    assert "\n## [2.8rc1] - 2026-11-01\n\nTry it at" in text


@case("changelog-entry", NO_ENTRY)
def _of_another_stage(bench: Bench) -> None:
    other = "## 2.8-rc2 - 2026-11-01\n\nNot this one.\n"
    text = _written(bench, f"# Changelog\n\n{other}\n{OLDER}")
    assert other in text and f"\n## 2.8-rc1 - {_today(bench)}\n" in text


@case("changelog-entry", "the entry for this release carries no date")
def _a_day_of_two_readings(bench: Bench) -> None:
    text = _written(
        bench, f"2.8-rc1 (10/11/2026)\n--------------------\n\nTry it at your own risk.\n\n{OLDER}"
    )
    assert text.startswith(f"2.8-rc1 ({_today(bench)})\n------")


@case("changelog-entry", "there is no changelog at the tagged commit")
def _no_file(bench: Bench) -> None:
    assert _written(bench, None).startswith(f"# Changelog\n\n## 2.8-rc1 - {_today(bench)}\n")


@case("changelog-entry", "the entry for this release carries no date")
def _no_date(bench: Bench) -> None:
    text = _written(bench, f"## [2.8-rc1] (unreleased)\n\nTry it at your own risk.\n\n{OLDER}")
    assert text.startswith(f"## [2.8-rc1] - {_today(bench)}\n\nTry it")


@case("changelog-entry", "the entry for this release says nothing")
def _nothing_said(bench: Bench) -> None:
    text = _written(bench, f"## 2.8-rc1 - 2026-11-01\n\n{OLDER}")
    assert text.startswith("## 2.8-rc1 - 2026-11-01\n\nPyTorch 2.8 for CUDA, to try out;")


@case("changelog-entry", "the entry for this release is written and not committed")
def _not_committed(bench: Bench) -> None:
    bench.repo.commit_files({"CHANGELOG.md": OLDER})
    bench.repo.git("push", "-q", "origin", "main")
    bench.hooks()
    bench.repo.write({"CHANGELOG.md": f"## 2.8-rc1 - 2026-11-01\n\nTry it at your own risk.\n\n{OLDER}"})
    bench.repo.write({"other": "not meant"})
    command = ("tag", "-s", "-m", "First candidate", GOOD_TAG)
    shown = bench.refused(*command)
    bench.paste(shown.fix)
    assert bench.repo.git("status", "--porcelain") == "?? other"
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    bench.settled(GOOD_TAG, bench.repo.git("rev-parse", "HEAD"))


@case("changelog-entry", NO_ENTRY)
def _committed_later(bench: Bench) -> None:
    """What HEAD has by now is not "written and not committed"."""
    meant = bench.repo.commit_files({"CHANGELOG.md": OLDER})
    bench.repo.commit_files({"CHANGELOG.md": f"## 2.8-rc1 - 2026-11-01\n\nTry it.\n\n{OLDER}"})
    bench.hooks()
    bench.refused("tag", "-s", "-m", "First candidate", GOOD_TAG, meant)


@case(
    "changelog-sections",
    "the entry of a stable release has no known issues",
    "the entry of a stable release has no upgrade notes",
    "the entry of a pre-release does not say what it is to be used for",
    "the entry of a pre-release does not say what the risk is",
)
def _sections(bench: Bench) -> None:
    name = STABLE if "stable" in bench.said else GOOD_TAG
    version = "2.8" if "stable" in bench.said else "2.8-rc1"
    bench.repo.commit_files({"CHANGELOG.md": f"## {version} - 2026-11-01\n\nNew.\n"})
    bench.repo.git("tag", "-s", "-m", "x", name)
    shown = bench.found(name)
    assert (
        shown.level == ("error" if name == STABLE else "warning")
        and not shown.fix
        and "write it" in shown.advice
    )
