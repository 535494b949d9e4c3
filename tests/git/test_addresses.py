"""No password, token or query value comes through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import Repo

from envhooks.git.addresses import (
    absolute,
    credentials,
    identity,
    is_local,
    redact,
    redact_text,
    rewritten,
    without_userinfo,
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/team/env.git", "https://example.com/team/env.git"),
        ("https://alice:hunter2@example.com/env.git", "https://example.com/env.git"),
        ("https://TOKEN@example.com/env.git", "https://example.com/env.git"),
        ("https://alice:hun@ter2@example.com/x", "https://example.com/x"),
        ("https://alice:hun/ter2@example.com/x", "https://example.com/x"),
        ("https://alice:hun?t#er2@example.com:8443/x", "https://example.com:8443/x"),
        ("HTTPS://a:b@example.com/x", "HTTPS://example.com/x"),
        ("https://example.com/x?private_token=abc&a=b", "https://example.com/x?private_token=***&a=***"),
        ("https://example.com/x?abc", "https://example.com/x?***"),
        ("https://example.com/x#abc", "https://example.com/x"),
        ("https://example.com/@scope/x", "https://example.com/@scope/x"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        ("ssh://git@example.com:22/x", "ssh://git@example.com:22/x"),
        ("ssh://git:pw@example.com/x", "ssh://git@example.com/x"),
        ("git@example.com:team/env.git", "git@example.com:team/env.git"),
        ("/srv/git/env.git", "/srv/git/env.git"),
        ("../server.git", "../server.git"),
    ],
)
def test_what_is_shown(url: str, shown: str) -> None:
    assert redact(url) == shown
    assert redact(shown) == shown


def test_a_helpers_own_words_are_not_shown() -> None:
    assert "secret" not in redact("ext::ssh -i secret host")
    assert redact("ext::a") != redact("ext::b")


SECRET = st.text(st.characters(codec="ascii", exclude_characters="\n@"), min_size=3, max_size=12).map(
    "S3{}3S".format
)


@settings(max_examples=300)
@given(SECRET, st.sampled_from(["https", "http", "ssh", "ftps", "git+https"]))
def test_no_password_comes_through(secret: str, scheme: str) -> None:
    url = f"{scheme}://alice:{secret}@example.com/env.git"
    assert "S3" not in redact(url)
    assert "example.com/env.git" in redact(url)


@settings(max_examples=100)
@given(SECRET)
def test_no_token_in_the_users_place_comes_through(secret: str) -> None:
    clean = "".join(char for char in secret if char.isalnum())
    assert clean not in redact(f"https://{clean}@example.com/env.git")
    assert clean not in redact(f"https://example.com/env.git?token={clean}")
    assert clean not in redact_text(f"fatal: unable to access 'https://u:{clean}@example.com/x/': no")


def test_credentials_are_taken_apart() -> None:
    assert credentials("https://al%40ice:p%3aw@example.com/x") == ("al@ice", "p:w")
    assert credentials("https://example.com/x") is None
    assert credentials("ssh://git@example.com/x") is None
    assert without_userinfo("https://a:b@example.com/x?q=1") == "https://example.com/x?q=1"


@pytest.mark.parametrize("url", ["../x", "x", "/x", "./a:b", "x/y:z"])
def test_paths(url: str) -> None:
    assert is_local(url)


@pytest.mark.parametrize("url", ["host:x", "file:///x", "ext::x", "https://x/y"])
def test_no_paths(url: str) -> None:
    assert not is_local(url)


def test_a_path_is_made_absolute() -> None:
    assert absolute("../server.git", Path("/a/b")) == "/a/server.git"
    assert absolute("host:x", Path("/a/b")) == "host:x"


SAME = [
    "https://host.example/team/envs",
    "https://host.example/team/envs.git",
    "https://host.example/team/envs.git/",
    "https://HOST.example:443/team/envs",
    "https://TOKEN@host.example/team/envs.git",
    "https://user:pass@host.example/team/envs.git",
    "https://user:pa/ss@host.example/team/envs.git",
    "ssh://git@host.example/team/envs.git",
    "ssh://git@host.example:22/team/envs.git",
    "git@host.example:team/envs.git",
    "host.example:/team/envs",
    "git://host.example/team/envs",
]
OTHER = [
    "https://host.example/team/other",
    "https://other.example/team/envs",
    "https://host.example:8443/team/envs",
    "ssh://git@host.example:2222/team/envs",
    "/team/envs",
]


def test_one_repository_has_one_identity(tmp_path: Path) -> None:
    assert {identity(url, tmp_path) for url in SAME} == {"host.example/team/envs"}
    assert not {identity(url, tmp_path) for url in OTHER} & {"host.example/team/envs"}
    (tmp_path / "server.git").mkdir()
    (tmp_path / "link").symlink_to("server.git")
    local = [
        "server.git",
        "./server.git/",
        str(tmp_path / "server.git"),
        f"file://{tmp_path}/server.git",
        "link",
    ]
    assert len({identity(url, tmp_path) for url in local}) == 1


def test_urls_are_rewritten_as_git_does() -> None:
    config = {
        "url.https://host.example/.insteadof": ("h:", "ho:"),
        "url.git@host.example:.pushinsteadof": ("h:",),
    }
    assert rewritten("h:team/envs", config) == "https://host.example/team/envs"
    assert rewritten("h:team/envs", config, push=True) == "git@host.example:team/envs"
    assert rewritten("x:team/envs", config) == "x:team/envs"


@pytest.mark.parametrize("secret", ["user:s3cret", "user:s3/cr?et", "s3cret"])
def test_a_secret_in_a_remotes_address_is_not_printed(secret: str, good: Repo) -> None:
    for url in (f"https://{secret}@127.0.0.1:1/x.git", "https://127.0.0.1:1/x.git?token=s3cret"):
        good.git("remote", "set-url", "origin", url)
        done = good.envhooks("check", "--all", "--fetch")
        assert done.code == 2 and "s3" not in done.said.replace("127.0.0.1", ""), done.said
