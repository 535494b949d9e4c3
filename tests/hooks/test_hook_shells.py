"""Hook scripts under every shell that may be /bin/sh, in every kind of locale: each byte reaches the judge."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from stand_in import StandIn, hooks_of, stand_in
from support import GOOD_TAG, Repo, one_at_a_time, run

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash --posix": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "ksh": ["ksh"],
    "mksh": ["mksh"],
    "yash": ["yash"],
    "zsh as sh": ["zsh", "--emulate", "sh"],
}
LOCALES = {"C": "C", "UTF-8": "C.UTF-8", "GBK": "zh_CN.gbk", "Shift_JIS": "ja_JP.sjis"}
SOURCES = {"GBK": ("GBK", "zh_CN"), "Shift_JIS": ("SHIFT_JIS", "ja_JP")}
A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
BYTES = [bytes([value]) for value in range(1, 256) if value != 0x0A]


@pytest.fixture(scope="session")
def locales(shared: Path) -> dict[str, dict[str, str]]:
    """Name -> the variables that choose it; what cannot be made here is left out. Made once a run."""
    folder = shared / "locales"
    with one_at_a_time(shared, "locales"):
        if not folder.is_dir():
            folder.mkdir()
            for name, (charmap, source) in SOURCES.items():
                argv = ["localedef", "-c", "-f", charmap, "-i", source, str(folder / LOCALES[name])]
                if shutil.which("localedef"):
                    subprocess.run(argv, capture_output=True, check=False)  # it warns where all is well
    found = {name: {"LC_ALL": LOCALES[name]} for name in ("C", "UTF-8")}
    made = {name: {"LC_ALL": LOCALES[name], "LOCPATH": str(folder)} for name in SOURCES}
    return found | {name: chosen for name, chosen in made.items() if (folder / LOCALES[name]).is_dir()}


@pytest.fixture
def environment(request: pytest.FixtureRequest, locales: dict[str, dict[str, str]]) -> dict[str, str]:
    name: str = request.param
    if name not in locales:
        pytest.skip(f"the locale {name} cannot be made here: apt-get install locales")
    return locales[name]


@pytest.fixture
def shell(request: pytest.FixtureRequest) -> list[str]:
    argv = SHELLS[request.param]
    if not shutil.which(argv[0]):
        pytest.skip(f"{argv[0]} is not here: apt-get install {argv[0]}")
    return argv


@pytest.fixture(scope="module")
def installed(
    template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Path:
    folder = tmp_path_factory.mktemp("shells") / "repos"
    shutil.copytree(template, folder, symlinks=True)
    Repo(folder / "clone", session_environ).envhooks("install", "--branch", "main", check=True)
    Repo(folder / "server.git", session_environ).envhooks(
        "install", "--server", "--branch", "main", check=True
    )
    return folder


@pytest.fixture
def clone(installed: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    shutil.copytree(installed, tmp_path / "repos", symlinks=True)
    return Repo(tmp_path / "repos" / "clone", environ)


@pytest.fixture
def python(clone: Repo, tmp_path: Path) -> StandIn:
    return stand_in(clone, tmp_path / "python")


def call(
    shell: list[str],
    script: Path,
    repo: Repo,
    stdin: bytes,
    environment: dict[str, str],
    *arguments: str,
    **more: str,
) -> subprocess.CompletedProcess[bytes]:
    environ = {key: value for key, value in repo.environ.items() if not key.startswith("LC_")}
    return subprocess.run(
        [*shell, str(script), *arguments],
        cwd=repo.path,
        input=stdin,
        capture_output=True,
        env={**environ, **environment, **more},
        check=False,
    )


def given(python: StandIn) -> bytes:
    """Standard input of the last call."""
    return Path(f"{python.log}.stdin").read_bytes()


@functools.cache
def lines(event: str) -> bytes:
    """Lines with each byte at the start, inside and at the end of each field, a bad tag behind every one."""
    bad = (
        f"refs/tags/BAD {A} refs/tags/BAD {ZERO}\n" if event == "pre-push" else f"{ZERO} {A} refs/tags/BAD\n"
    )
    fields = [b"refs/heads/x", A.encode(), b"refs/heads/x", B.encode()]
    if event != "pre-push":
        fields = [A.encode(), B.encode(), b"refs/heads/x"]
    found = []
    for number, field in enumerate(fields):
        for byte in BYTES:
            for text in (byte + field, field[:6] + byte + field[6:], field + byte):
                found.append(
                    b" ".join([*fields[:number], text, *fields[number + 1 :]]) + b"\n" + bad.encode()
                )
    return b"".join(found)


@pytest.mark.parametrize("environment", LOCALES, indirect=True)
@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_every_line_of_a_push_reaches_the_judge_whole(
    shell: list[str], environment: dict[str, str], clone: Repo, python: StandIn
) -> None:
    for event in ("pre-push", "pre-receive", "post-receive"):
        script = hooks_of(clone) / event
        if not script.exists():
            shutil.copy(Path(__file__).parents[2] / "hooks" / event, script)
        stdin = lines(event)
        done = call(shell, script, clone, stdin, environment, "origin", "x", ENVHOOKS_WIRING="config")
        assert done.returncode == 1 and b"stand-in: refused" in done.stderr, done.stderr
        assert given(python) == stdin, event


@pytest.mark.parametrize("environment", LOCALES, indirect=True)
@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_a_hook_that_was_there_gets_the_same_bytes(
    shell: list[str], environment: dict[str, str], clone: Repo, python: StandIn, tmp_path: Path
) -> None:
    hook = clone.path / ".git/hooks/pre-push"
    kept = hook.with_name("pre-push.envhooks-kept")
    kept.write_text(f"#!/bin/sh\ncat >'{tmp_path}/kept'\n")
    kept.chmod(0o755)
    hook.write_text(
        (Path(__file__).parents[2] / "hooks/hook-file.sh").read_text().replace("@event@", "pre-push")
    )
    stdin = lines("pre-push")
    done = call(shell, hook, clone, stdin, environment, "origin", "x", ENVHOOKS_WIRING="config")
    assert done.returncode == 1, done.stderr
    assert given(python) == stdin == (tmp_path / "kept").read_bytes()


WHOLE = [b"\x01", b"\t", b'"', b"$", b"'", b"*", b"`", b"\x7f"]
PARTS = [b"\\", b"\x80", b"\x81", b"\xa4", b"\xc2", b"\xe3\x81", b"\xf0", b"\xff"]
"""What some locale takes for a part of a character, and an escape: the rest is the same in all of them."""


@pytest.mark.parametrize("environment", LOCALES, indirect=True)
@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_every_name_of_a_tag_reaches_the_judge_whole(
    shell: list[str], environment: dict[str, str], clone: Repo, python: StandIn
) -> None:
    script = hooks_of(clone) / "reference-transaction"
    ends = [end for byte in (*WHOLE, *PARTS) for end in (byte, byte + b"x")]
    for end in ends if environment["LC_ALL"] == "C" else [*PARTS, b"\x81x", b"\xc2x"]:
        line = f"{ZERO} {A} refs/tags/BAD".encode() + end + b"\n"
        more = {"ENVHOOKS_WIRING": "config", "GIT_TRACE2_PARENT_NAME": "git/tag"}
        done = call(shell, script, clone, line, environment, "prepared", **more)
        assert done.returncode == 1, (end, done.stderr)
        assert given(python) == line


@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_five_thousand_refs(shell: list[str], clone: Repo, python: StandIn) -> None:
    stdin = b"".join(f"refs/tags/v{n} {A} refs/tags/v{n} {ZERO}\n".encode() for n in range(5000))
    done = call(
        shell, hooks_of(clone) / "pre-push", clone, stdin, {}, "origin", "x", ENVHOOKS_WIRING="config"
    )
    assert done.returncode == 0 and given(python) == stdin


@pytest.mark.parametrize("environment", LOCALES, indirect=True)
@pytest.mark.parametrize("shell", ["bash", "dash", "zsh as sh"], indirect=True)
def test_a_bad_tag_behind_half_a_character_is_refused(
    shell: list[str], environment: dict[str, str], good: Repo, server: Repo
) -> None:
    """bash's `read` took the line feed behind it, and the tag's line with it."""
    server.envhooks("install", "--server", "--branch", "main", check=True)
    for file in [server.path / "hooks/pre-receive", *(server.path / "envhooks").glob("*e*-*e*")]:
        if file.is_file():
            text = file.read_text().replace("#!/bin/sh", f"#!{shutil.which('env')} -S {' '.join(shell)}", 1)
            file.write_text(text.replace("exec sh ", f"exec {' '.join(shell)} "))
    good.git("tag", GOOD_TAG)
    environ = {key: value for key, value in good.environ.items() if not key.startswith("LC_")}
    done = run(
        ["git", "push", "origin", "main:refs/heads/a" + os.fsdecode(b"\xc2"), GOOD_TAG],
        good.path,
        {**environ, **environment},
    )
    assert done.code != 0 and "tag-annotated" in done.err, done.err
    assert not server.has_tag(GOOD_TAG)
