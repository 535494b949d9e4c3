"""The lines of `--verbose`, of the arguments that Python gives to its audit events."""

from __future__ import annotations

import time

import pytest

from envhooks.cli._asked import _EVENTS, say


@pytest.mark.parametrize(
    ("event", "arguments", "line"),
    [
        ("subprocess.Popen", ("git", ["/usr/bin/git", "-c", "a=b", "--no-pager", "-C", "/x", "cat-file"], None, None),
         "git cat-file"),
        ("subprocess.Popen", ("git", ["git", "--version"], "/srv", None), "git --version  in /srv"),
        ("subprocess.Popen", ("git", ["git", "-c", "a=b"], None, None), "git "),
        ("subprocess.Popen", (b"/bin/sh", b"/bin/sh", b"/srv", None), "sh  in /srv"),
        ("subprocess.Popen", ("gpg", ("/usr/bin/gpg", "-c", "x"), None, None), "gpg -c x"),
        ("urllib.Request", ("https://user:word@host.example:8443/v2/?token=secret", None, {}, "GET"), "GET https://host.example:8443/v2/"),
        ("urllib.Request", ("https://host.example/a", b"x", {}, "POST"), "POST https://host.example/a"),
        ("http.client.connect", (None, "host.example", 443), "connects to host.example:443"),
    ],
)  # fmt: skip
def test_what_is_told_of_an_event(event: str, arguments: tuple[object, ...], line: str) -> None:
    assert _EVENTS[event](arguments).rstrip() == line.rstrip()


def test_a_line_is_escaped_short_and_has_the_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    say(time.monotonic() - 5, "git push https://user:word@host.example/x \x1b[31m" + "x" * 500)
    told = capsys.readouterr().err
    assert told.startswith("envhooks:  5.") and "word" not in told and "\x1b" not in told and len(told) < 260
