"""To install the hooks is no word about what a build runs: that is seen and allowed by `envhooks builds --allow`."""

from __future__ import annotations

from support import Repo

POLICY = """\
[image]
name = "registry.example.com/team/{framework:lower}"

[[build]]
name = "image"
using = "command"
command = ["true", "{tag}"]
"""


def root(repo: Repo, text: str = POLICY) -> None:
    repo.commit_files({".envhooks/policy.toml": text})
    repo.git("push", "-q", "origin", "main")


def consent(repo: Repo) -> str:
    return repo.git("config", "--local", "--get", "envhooks.allow.image.digest", check=None)


def test_install_allows_nothing_and_says_what_does(good: Repo) -> None:
    root(good)
    done = good.envhooks("install", check=True)
    assert "its build image would run here after a push" in done.out and "envhooks builds --allow" in done.out
    assert not consent(good)
    allowed = good.envhooks("builds", "--allow", check=True)
    assert "build image (using command)" in allowed.err and "registry.example.com/team" in allowed.err
    assert consent(good)
    assert "builds --allow" not in good.envhooks("install", check=True).out


def test_pre_commit_and_a_dry_run_allow_nothing_and_say_nothing(good: Repo) -> None:
    root(good)
    for arguments in (["--from-pre-commit"], ["--dry-run"]):
        done = good.envhooks("install", *arguments, check=True)
        assert not consent(good) and "builds --allow" not in done.said


def test_an_image_that_goes_elsewhere_is_asked_for_again_with_the_difference(good: Repo) -> None:
    root(good)
    good.envhooks("builds", "--allow", check=True)
    before = consent(good)
    root(good, POLICY.replace("team", "elsewhere"))
    assert "builds --allow" in good.envhooks("install", check=True).out
    assert consent(good) == before
    done = good.envhooks("builds", "--allow", check=True)
    assert '- image = "registry.example.com/team/{framework:lower}"' in done.err
    assert '+ image = "registry.example.com/elsewhere/{framework:lower}"' in done.err
    assert consent(good) != before


def test_without_builds_there_is_nothing_to_allow(good: Repo) -> None:
    assert "allow" not in good.envhooks("install", check=True).out
    assert not consent(good)


def at_a_terminal(repo: Repo, answer: str) -> tuple[int, str]:
    """`envhooks builds --allow` at a terminal of its own, with an answer typed into it."""
    import os
    import pty
    import sys

    pid, terminal = pty.fork()
    if not pid:
        os.chdir(repo.path)
        environ = {key: value for key, value in repo.environ.items() if key != "CI"}
        os.execve(sys.executable, [sys.executable, "-m", "envhooks", "builds", "--allow"], environ)
    os.write(terminal, f"{answer}\n".encode())
    said = b""
    try:
        while data := os.read(terminal, 4096):
            said += data
    except OSError:  # how a terminal ends on Linux
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


def test_at_a_terminal_it_is_asked_after_it_was_shown(good: Repo) -> None:
    root(good)
    code, said = at_a_terminal(good, "n")
    assert code == 2 and "[y/N]" in said and "was not allowed" in said, said
    assert said.index("runs ") < said.index("[y/N]")
    assert not consent(good)
    code, said = at_a_terminal(good, "y")
    assert code == 0 and consent(good), said
