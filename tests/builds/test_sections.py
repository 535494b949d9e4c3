"""Build sections are read whole by `envhooks lint policy`, each fault with its section and a fix."""

from __future__ import annotations

from typing import Any

import pytest
from support import Repo

from envhooks.builds.sections import faults, missing_here
from envhooks.policy import BuildPolicy
from envhooks.policy.reader import parse_policy

IMAGE = '[image]\nname = "registry.example.com/team/{framework:lower}"\n'


def said(text: str) -> list[str]:
    return [str(fault) for fault in faults(parse_policy(text.encode(), "policy.toml", frozenset()))]


@pytest.mark.parametrize(
    ("section", "words", "fix"),
    [
        ('using = "locl"', "there is no builder `locl`", "local"),
        ('using = "local"\nengin = "docker"', "did you mean `engine`", ""),
        ('using = "gitlab"', "no `token`", "GITLAB_TRIGGER_TOKEN"),
        ('using = "gitlab"\ntoken = "glpat-0123456789abcdefghij"', "what looks like a secret", 'token = "'),
        (
            'using = "github"\nworkflow = "x.yml"\ninputs = { a = "ghp_0123456789abcdefghij01" }',
            "`inputs.a` holds",
            "",
        ),
        ('using = "command"\ncommand = ["x", "https://me:pw@example.org"]', "what looks like a secret", ""),
        ('using = "local"\nsubmodules = "fetch"', "submodules", "ignore"),
        (
            'using = "command"\ncommand = ["x"]\nverify = "yes"',
            '`verify` of a `command` build is "registry"',
            "",
        ),
        ('using = "local"\nplatform = "amd64"', "`platform`", "linux/amd64"),
    ],
)
def test_a_fault_names_its_section(section: str, words: str, fix: str) -> None:
    (fault,) = said(f'{IMAGE}[[build]]\nname = "nightly"\n{section}\n')
    assert "[[build]] `nightly`" in fault and words in fault and fix in fault
    assert "0123456789" not in fault and "pw@" not in fault, "a secret is not repeated"


@pytest.mark.parametrize(
    "section",
    [
        'using = "local"',
        'using = "command"\ncommand = ["x", "{own}"]',
        'using = "github"\nworkflow = "x.yml"\ninputs = { i = "{images}" }',
        'using = "command"\ncommand = ["x"]\nverify = "registry"',
    ],
)
def test_an_image_that_is_not_named_is_missed(section: str) -> None:
    (fault,) = said(f"[[build]]\n{section}\n")
    assert "the policy names no image" in fault and "[image]" in fault
    assert not said(f"{IMAGE}[[build]]\n{section}\n")


def test_what_wants_no_image_has_no_fault() -> None:
    assert not said('[[build]]\nusing = "local"\noutput = "none"\n')
    assert not said('[[build]]\nusing = "webhook"\nurl = "https://ci.example.org/x"\nsecret = "S"\n')


def test_every_section_is_looked_at_and_a_name_is_not_wanted() -> None:
    found = said(f'{IMAGE}[[build]]\nusing = "local"\nx = 1\n[[build]]\nusing = "command"\n')
    assert len(found) == 2 and "`local`" in found[0] and "`command`" in found[1]


def test_lint_policy_tells_them(good: Repo) -> None:
    good.write(
        {".envhooks/policy.toml": '[[build]]\nusing = "local"\n\n[[build]]\nusing = "lokal"\nname = "b"\n'}
    )
    done = good.envhooks("lint", "policy")
    assert done.code == 2
    assert (
        "names no image" in done.said
        and "there is no builder `lokal`" in done.said
        and "Traceback" not in done.said
    )
    good.write({".envhooks/policy.toml": f'{IMAGE}[[build]]\nusing = "local"\n'})
    assert good.envhooks("lint", "policy").code == 0
    good.write({".envhooks/policy.toml": f'{IMAGE}[[build]]\nusing = "local"\n[[build]]\nusing = "local"\n'})
    assert "two builds are called `local`" in good.envhooks("lint", "policy").said


def section(using: str, **options: Any) -> BuildPolicy:
    return BuildPolicy("image", using, options=options)


def test_what_is_missing_on_this_machine_is_told_without_starting_anything(tmp_path: Any) -> None:
    empty = {"PATH": str(tmp_path)}
    webhook = section("webhook", url="https://ci.example.org/x", secret="HOOK_SECRET")
    assert "HOOK_SECRET is not set" in str(missing_here(webhook, None, empty))
    assert missing_here(webhook, None, {"HOOK_SECRET": "x"}) is None
    local = section("local", engine="podman")
    assert "podman is not on PATH" in str(missing_here(local, "registry.example.com/x", empty))
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    assert missing_here(local, "registry.example.com/x", empty) is None
    secret = section("local", output="none", engine="podman", secrets={"pip": "PIP_TOKEN"})
    assert "PIP_TOKEN is not set" in str(missing_here(secret, None, empty))
