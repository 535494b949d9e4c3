"""`envhooks lint`: the same faults, days before the tag."""

from __future__ import annotations

from support import Repo

COPIED = (
    "FROM nvidia/cuda:11.8-devel-ubuntu20.04\n"
    "RUN pip install torch==2.8.0+cu118 torchvision==0.19.0+cu118 "
    "--index-url https://download.pytorch.org/whl/cu118\n"
)


def test_good_files_are_good(good: Repo) -> None:
    for kind, name in (
        ("dockerfile", "Dockerfile"),
        ("changelog", "CHANGELOG.md"),
        ("policy", ".envhooks/policy.toml"),
    ):
        for files in ([], [name]):
            done = good.envhooks("lint", kind, *files, check=True)
            assert f"good: {name}" in done.out or f"{name}: good" in done.out, done.said
            assert good.envhooks("lint", kind, *files, "--quiet", check=True).said == ""


def test_without_files_those_of_the_policy_are_read(good: Repo) -> None:
    policy = (
        '[[dockerfile]]\nmatch = "*-CPU-*"\npath = "cpu/Dockerfile"\n'
        '[[dockerfile]]\npath = "docker/{framework:lower}/Dockerfile"\n'
        '[changelog]\npath = "docker/{framework:lower}/CHANGES.md"\n'
    )
    good.write({".envhooks/policy.toml": policy})
    assert "nothing to judge" in good.envhooks("lint", "changelog", check=True).out
    assert "there is no cpu/Dockerfile" in good.envhooks("lint", "dockerfile").out
    good.write(
        {"docker/pytorch/Dockerfile": COPIED, "cpu/Dockerfile": COPIED, "docker/jax/CHANGES.md": "# 1\n"}
    )
    done = good.envhooks("lint", "dockerfile")
    assert done.code == 1 and "cpu/Dockerfile:1" in done.out and "docker/pytorch/Dockerfile:1" in done.out
    assert good.envhooks("lint", "changelog", check=True).out == "good: docker/jax/CHANGES.md\n"


def test_a_dockerfile_is_judged_without_a_tag(good: Repo) -> None:
    good.write({"images/x.Dockerfile": COPIED, "Dockerfile": "FROM x\nRUN pip install torch flash-attn>=2\n"})
    done = good.envhooks("lint", "dockerfile", "Dockerfile", "images/x.Dockerfile")
    assert done.code == 1
    assert done.out.count("[dockerfile-compatible]") == 3
    assert "images/x.Dockerfile:1" in done.out
    assert "Dockerfile:2: torch is not pinned" in done.out
    assert "takes the version of flash-attn for a redirect" in done.flat


def test_the_work_trees_policy_counts(good: Repo) -> None:
    good.write({"Dockerfile": COPIED})
    off = 'dockerfile-compatible = { level = "off", reason = "built from source" }\n'
    good.write({".envhooks/policy.toml": f"[checks]\n{off}"})
    assert good.envhooks("lint", "dockerfile", "Dockerfile").code == 0


def test_what_cannot_be_read_is_could_not_judge(good: Repo) -> None:
    good.write({"Dockerfile": bytes(range(256)), "CHANGELOG.md": b"## 2.8 - \xff\n"})
    for kind, name in (("dockerfile", "Dockerfile"), ("changelog", "CHANGELOG.md")):
        done = good.envhooks("lint", kind, name)
        assert done.code == 2
        assert name in done.out
        assert "Traceback" not in done.said


def test_a_dated_entry_says_something(good: Repo) -> None:
    good.write(
        {
            "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n## 2.8 - 2026-01-01\n\n## 2.7 - 2025-01-01\n\nText\n"
        }
    )
    done = good.envhooks("lint", "changelog", "CHANGELOG.md")
    assert done.code == 1
    assert "CHANGELOG.md:5: a dated entry says nothing" in done.out
    assert done.out.count("[changelog-entry]") == 1


def test_what_an_entry_of_the_past_lacks_stops_nobody(good: Repo) -> None:
    """Real changelogs have dated entries of headings alone, whose releases are out for years."""
    old = "##2.6 - 2024-05-01\n\nText\n\n## 2.5 (12/10/2023)\n\nText\n\n## 2.4 - May 1, 2023\n\n### Changed\n"
    good.write({"CHANGELOG.md": f"# Changelog\n\n## 2.8 - 2026-01-01\n\nText\n\n{old}"})
    done = good.envhooks("lint", "changelog", "CHANGELOG.md")
    assert done.code == 0 and done.out.count("warning [changelog-entry]") == 3, done.said
    good.write({"CHANGELOG.md": "# Changelog\n\n##2.8 - 2026-01-01\n\nText\n\n## 2.7 - 2025-05-01\n\nText\n"})
    done = good.envhooks("lint", "changelog", "CHANGELOG.md")
    assert done.code == 1 and "CHANGELOG.md:3: a dated line is no heading" in done.out, done.said


def test_the_policy_is_read_as_the_gate_would(good: Repo) -> None:
    for path, data in (
        (".envhooks/policy.toml", "[tga]\n"),
        (".envhooks/allowed_signers", "alice nonsense\n"),
        (".envhooks/tags.lock", "nonsense\n"),
    ):
        before = (good.path / path).read_bytes() if (good.path / path).exists() else b""
        good.write({path: data})
        done = good.envhooks("lint", "policy")
        assert done.code == 2
        assert path in done.out
        good.write({path: before})
    assert good.envhooks("lint", "policy").code == 0


def test_a_dockerfile_that_docker_would_build_without_its_stamp(good: Repo) -> None:
    """docker puts nothing into an image that its Dockerfile does not take; buildah and podman do it by themselves."""
    policy = (
        '[image]\nname = "example.com/team/x"\nstamp = true\n[[build]]\nusing = "local"\nengine = "ENGINE"\n'
    )
    good.write({".envhooks/policy.toml": policy.replace("ENGINE", "docker")})
    done = good.envhooks("lint", "dockerfile")
    assert (
        done.code == 1
        and "without the stamp" in done.flat
        and "ARG ENVHOOKS_TAG; ENV ENVHOOKS_TAG=" in done.flat
    )
    names = ("ENVHOOKS_TAG", "ENVHOOKS_COMMIT", "ENVHOOKS_TAG_OBJECT", "MLFLOW_RUN_CONTEXT")
    lines = "".join(f"ARG {name}\nENV {name}=${name}\n" for name in names)
    good.write({"Dockerfile": (good.path / "Dockerfile").read_text() + lines})
    assert good.envhooks("lint", "dockerfile").code == 0
    good.git("checkout", "-q", "Dockerfile")
    good.write({".envhooks/policy.toml": policy.replace("ENGINE", "buildah")})
    assert good.envhooks("lint", "dockerfile").code == 0


def test_below_the_top_the_same_files_are_meant(good: Repo) -> None:
    """A policy that is not where somebody stands is not good, and neither is one that nobody looked at."""
    (good.path / "docs").mkdir()
    below = Repo(good.path / "docs", good.environ)
    for kind in ("policy", "changelog", "dockerfile"):
        at_top = good.envhooks("lint", kind, check=True)
        assert below.envhooks("lint", kind, check=True).out == at_top.out
    good.write(
        {".envhooks/policy.toml": "[nonsense]\n", "CHANGELOG.md": "## 1.0\n", "Dockerfile": "FROM x:latest\n"}
    )
    for kind, code in (("policy", 2), ("changelog", 2), ("dockerfile", 2)):
        at_top = good.envhooks("lint", kind)
        assert at_top.code == code, at_top
        assert below.envhooks("lint", kind) == at_top
