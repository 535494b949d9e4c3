"""The policy file: each key on both sides, and what is said of a faulty one."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.policy import (
    BuildPolicy,
    ChangelogPolicy,
    CheckSetting,
    DeployPolicy,
    DockerfilePolicy,
    Policy,
)
from envhooks.policy.commented import COMMENTED, commented
from envhooks.policy.reader import MAX_BYTES, default_policy, parse_compat, parse_policy
from envhooks.tagname import BUILTIN_FRAMEWORKS, DEFAULT_TAG_POLICY, Grammar

ORIGIN = ".envhooks/policy.toml on origin/main"
IDS = frozenset(("tag-name", "on-main", "changelog-sections"))


def parse(text: str | bytes) -> Policy:
    return parse_policy(text.encode() if isinstance(text, str) else text, ORIGIN, IDS)


def refused(text: str | bytes) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    error = caught.value
    assert not error.message.endswith(".")
    assert "\n" not in error.message
    assert error.message == printable(error.message, 5000)
    assert error.place.startswith(".envhooks/policy.toml")
    assert error.place.endswith(" on origin/main")
    return error


# -------------------------------------------------------------------------------------- defaults


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# nothing\n", "[tag]\n", "[checks]\n[deploy]\n[image]\n[changelog]\n"]
)
def test_what_states_nothing_is_the_default(text: str) -> None:
    assert parse(text) == default_policy(ORIGIN)


def test_the_defaults() -> None:
    policy = default_policy()
    assert policy.origin == "the defaults"
    assert policy.branches == ()
    assert policy.tag == DEFAULT_TAG_POLICY
    assert policy.dockerfiles == (DockerfilePolicy(),)
    assert (policy.changelog, policy.image, policy.builds, policy.deploys) == (
        ChangelogPolicy(),
        None,
        (),
        (),
    )
    assert not policy.checks


def test_stated_defaults_are_the_default() -> None:
    stated = """
        [tag]
        templates = ["{framework}-{hardware}-v{version}[-{stage}]"]
        stages = ["alpha", "beta", "rc", "post"]
        ignore = []
        [dockerfile]
        match = "*"
        path = "Dockerfile"
        context = "."
        [changelog]
        path = "CHANGELOG.md"
    """
    assert parse(stated) == default_policy(ORIGIN)


@pytest.mark.parametrize("branch", ["main", "release/2.x", 'odd"\\name', "größe", "{branch}"])
def test_the_commented_file_is_the_default(branch: str) -> None:
    assert parse(commented(branch)) == default_policy(ORIGIN)


def test_the_commented_file_with_everything_switched_on() -> None:
    text = re.sub(r"(?m)^#(?! )", "", commented("trunk"))
    policy = parse_policy(text.encode(), ORIGIN)
    assert policy.branches == ("trunk", "release/*")
    assert policy.tag.templates == DEFAULT_TAG_POLICY.templates
    assert policy.tag.hardware == DEFAULT_TAG_POLICY.hardware
    assert policy.tag.stages == DEFAULT_TAG_POLICY.stages
    assert policy.tag.frameworks["Megatron"] == ("megatron-core",)
    assert policy.dockerfiles[0].target == "runtime"
    assert policy.changelog.path == ChangelogPolicy().path
    assert policy.checks["dockerfile-compatible"].level == "off"
    assert [build.name for build in policy.builds] == ["image"]
    assert policy.deploys == (DeployPolicy("production", ("stable",)),)
    assert Grammar(policy.tag)


@pytest.mark.parametrize(
    "key", ["branch", "tag", "dockerfile", "changelog", "checks", "image", "build", "deploy"]
)
def test_the_commented_file_tells_of_every_key(key: str) -> None:
    assert re.search(rf"(?m)^#?(?:{key} =|\[\[?{key}[\].])", COMMENTED)


# -------------------------------------------------------------------------------- what is allowed


def test_branch() -> None:
    assert parse('branch = "main"').branches == ("main",)
    assert parse('branch = ["main", "release/*", "v[0-9]"]').branches == ("main", "release/*", "v[0-9]")


def test_tag() -> None:
    tag = parse("""
        [tag]
        templates = ["{framework:lower}-{version}", "v{version}"]
        frameworks = { Megatron = ["Megatron_Core", "megatron"], PyTorch = "torch" }
        hardware = "CUDA"
        stages = ["rc"]
        ignore = ["v*", "nightly/*", "[0-9]*"]
        aliases = { Mega = "Megatron", cuda13 = "CUDA13.0" }
    """).tag
    assert tag.templates == ("{framework:lower}-{version}", "v{version}")
    assert dict(tag.frameworks) == {
        **BUILTIN_FRAMEWORKS,
        "Megatron": ("megatron-core", "megatron"),
        "PyTorch": ("torch",),
    }
    assert (tag.hardware, tag.stages, tag.ignore) == (("CUDA",), ("rc",), ("v*", "nightly/*", "[0-9]*"))
    assert (tag.aliases["mega"], tag.aliases["cuda13"], tag.aliases["pt"]) == (
        "Megatron",
        "CUDA13.0",
        "PyTorch",
    )
    assert Grammar(tag).match("megatron-2.8") is not None


def test_one_dockerfile() -> None:
    (section,) = parse("""
        [dockerfile]
        path = "docker/{framework:lower}[-{stage}]/Dockerfile"
        context = "docker/base"
        target = "runtime"
        args = { CUDA_VERSION = "12.8.1", EMPTY = "" }
    """).dockerfiles
    assert section == DockerfilePolicy(
        "*",
        "docker/{framework:lower}[-{stage}]/Dockerfile",
        "docker/base",
        "runtime",
        (("CUDA_VERSION", "12.8.1"), ("EMPTY", "")),
    )


def test_many_dockerfiles() -> None:
    rocm, rest = parse("""
        [[dockerfile]]
        match = "PyTorch-ROCm-*"
        path = "rocm/Dockerfile"
        [[dockerfile]]
        path = false
    """).dockerfiles
    assert rocm == DockerfilePolicy("PyTorch-ROCm-*", "rocm/Dockerfile")
    assert rest.path is None


def test_changelog() -> None:
    assert parse("[changelog]\npath = false").changelog.path is None
    assert parse('[changelog]\npath = "docs/NEWS.rst"').changelog.path == "docs/NEWS.rst"
    heading = "## [{version}] ({date})"
    assert parse(f'[changelog]\nheading = "{heading}"').changelog.heading == heading


def test_checks() -> None:
    checks = parse("""
        [checks]
        tag-name = "error"
        on-main = { level = "off", reason = " we tag a release branch " }
        changelog-sections = { level = "warning", reason = "young" }
    """).checks
    assert checks == {
        "tag-name": CheckSetting("error"),
        "on-main": CheckSetting("off", "we tag a release branch"),
        "changelog-sections": CheckSetting("warning", "young"),
    }


def test_what_lets_a_check_take_less_has_a_reason() -> None:
    def read(value: str) -> CheckSetting:
        return parse_policy(f"[checks]\ndockerfile-matches = {value}".encode(), ORIGIN).checks[
            "dockerfile-matches"
        ]

    on = frozenset(("allow-cannot-tell",))
    assert read("{ allow-cannot-tell = true, reason = 'x' }") == CheckSetting("error", "x", on)
    assert read("{ level = 'warning', allow-cannot-tell = true, reason = 'x' }") == CheckSetting(
        "warning", "x", on
    )
    assert read("{ level = 'error', allow-cannot-tell = false }") == CheckSetting("error")
    for value, said in (
        ("{ allow-cannot-tell = true }", "takes less than it should, without a reason"),
        ("{ allow-cannot-tell = true, reason = ' ' }", "is empty"),
        ("{ level = 'warning', allow-cannot-tell = true }", "takes less than it should, without a reason"),
        ("{ allow-cannot-tell = false }", "has no level"),
        ("{ allow-cannot-tell = 'yes' }", "must be true or false"),
        ("{ level = 'off', allow-cannot-tell = true, reason = '' }", "is empty"),
    ):
        with pytest.raises(PolicyError, match=said):
            read(value)
    pinned = parse_policy(b"[checks]\ndockerfile-pinned = { base-digest = true }", ORIGIN).checks[
        "dockerfile-pinned"
    ]
    assert pinned == CheckSetting("error", "", frozenset(("base-digest",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("compiled = '2026-1-30'", "`compiled` is no day"),
        ("compiled = 'x'", "`compiled` is no day"),
        ("compiled = '2026-11-30 '", "`compiled` is no day"),
        ("compiled = '2026-11-3\u0660'", "`compiled` is no day"),
        ("[[tirch]]", "did you mean `torch`?"),
        ("#" * 2001, "has 2001 characters and may have 2000"),
        ("a." * 65 + "b = 1", "has 65 full stops and may have 64"),
    ],
)
def test_a_faulty_table_of_facts(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(said)) as caught:
        parse_compat(text.encode(), ".envhooks/compat.toml on origin/main")
    assert caught.value.place == ".envhooks/compat.toml:1 on origin/main"


def test_a_table_of_facts_may_leave_out_its_day() -> None:
    assert parse_compat(b"compiled = '2026-11-30'", "") == ("2026-11-30", {})
    day, rows = parse_compat(b"[[torch]]\nversion = '2.16'", "")
    assert (day, {name: [*map(dict, some)] for name, some in rows.items()}) == (
        "",
        {"torch": [{"version": "2.16"}]},
    )


def test_check_ids_are_verified_only_where_they_are_known() -> None:
    text = b'[checks]\nof-the-future = "warning"'
    assert "of-the-future" in parse_policy(text, ORIGIN).checks
    assert "of-the-future" in refused(text).message


@pytest.mark.parametrize(
    "name", ["registry.example.com:5000/team/{framework:lower}-{hardware:lower}", "img[-{stage}]", "{os}/x"]
)
def test_image(name: str) -> None:
    assert parse(f'[image]\nname = "{name}"').image == name


def test_builds() -> None:
    first, second = parse("""
        [[build]]
        name = "image"
        using = "local"
        [[build]]
        name = "ci"
        using = "github"
        on = "server"
        remotes = ["origin", "https://example.com/*"]
        stages = ["rc", "stable"]
        workflow = "build.yml"
        inputs = { deep = [1, 2] }
    """).builds
    assert first == BuildPolicy("image", "local")
    assert (second.on, second.stages) == ("server", ("rc", "stable"))
    assert second.remotes == ("origin", "https://example.com/*")
    assert dict(second.options) == {"workflow": "build.yml", "inputs": {"deep": [1, 2]}}


def test_deploys() -> None:
    text = '[deploy.production]\nstages = ["stable"]\n[deploy.staging]\nstages = ["rc", "stable", "post"]'
    assert parse(text).deploys == (
        DeployPolicy("production", ("stable",)),
        DeployPolicy("staging", ("rc", "stable", "post")),
    )


def test_gitsign() -> None:
    text = '[[gitsign]]\nidentity = "{}"\nissuer = "{}"'
    (found,) = parse(text.format("https://h.example/w.yml@refs/heads/main", "https://token.example")).keyless
    assert (found.identity, found.issuer) == (
        "https://h.example/w.yml@refs/heads/main",
        "https://token.example",
    )
    for identity, issuer, said in (
        ("*@example.org", "https://a.example", "compared whole"),
        ("alice @example.org", "https://a.example", "compared whole"),
        ("alicé@example.org", "https://a.example", "compared whole"),
        ("alice@example.org", "http://a.example", "no https:// URL"),
    ):
        assert said in refused(text.format(identity, issuer)).message
    assert "no `issuer`" in refused('[[gitsign]]\nidentity = "a@b.c"').message
    assert "may name 8" in refused("[[gitsign]]\n" * 9).message


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[tga]", 1, "`tga` is no key of the policy; did you mean `tag`?"),
        ("\n\nbrnach = 'main'", 3, "did you mean `branch`?"),
        ("zzz = 1", 1, "known: branch, tag, dockerfile"),
        ("[tag]\ntemplate = 'v{version}'", 2, "did you mean `templates`?"),
        ("tag.ignroe = []", 1, "`ignroe` is no key in `tag`"),
        ("[dockerfile]\npth = 'x'", 2, "did you mean `path`?"),
        ("[[dockerfile]]\nmatch='a'\n[[dockerfile]]\nmacth='b'", 4, "did you mean `match`?"),
        ("[changelog]\nheadings = 'x'", 2, "did you mean `heading`?"),
        ("[checks]\ntag-nmae = 'error'", 2, "did you mean `tag-name`?"),
        ("[checks]\ntag-name = { levle = 'off' }", 2, "did you mean `level`?"),
        ("[image]\nnmae = 'x'", 2, "did you mean `name`?"),
        ("[deploy.x]\nstage = ['rc']", 2, "did you mean `stages`?"),
        ("[deploy.x]\nstages = ['rc']\nto = 1", 3, "`to` is no key in `deploy.x`"),
    ],
)
def test_an_unknown_key(text: str, line: int, said: str) -> None:
    error = refused(text)
    assert said in error.message
    assert error.place == f".envhooks/policy.toml:{line} on origin/main"


def test_a_hostile_key_is_escaped() -> None:
    assert "`a\\x1b` is no key" in refused('"a\\u001b" = 1').message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("branch = 3", "`branch` is a number and must be text or a list of texts"),
        ("branch = [1]", "`branch` is a number and must be a list of texts"),
        ("branch = []", "`branch` is an empty list"),
        ("branch = ''", "`branch` is empty"),
        ("branch = ['main', 'main']", "has `main` twice"),
        ("branch = ['refs/heads/main']", "matched against short names"),
        ("branch = 'a b'", "can match nothing"),
        ("branch = 'a[b'", "a `[` is not closed"),
        ("branch = 'a..b'", "can match nothing"),
        ("branch = 2020-01-01", "is a date or time"),
        ("tag = 1", "`tag` is a number and must be a table"),
        ("[[tag]]", "`tag` is a list and must be a table"),
        ("[tag]\ntemplates = []", "is an empty list"),
        ("[tag]\ntemplates = [1]", "is a number"),
        ("[tag]\ntemplates = ['{versoin}']", "did you mean `{version}`?"),
        ("[tag]\ntemplates = ['{hardware}{version}']", "it is ambiguous"),
        ("[tag]\ntemplates = ['plain']", "no field"),
        ("[tag]\ntemplates = [" + ",".join(f"'v{n}{{version}}'" for n in range(17)) + "]", "may have 16"),
        ("[tag]\nframeworks = ['x']", "must be a table"),
        ("[tag]\nframeworks = { X = [] }", "is an empty list"),
        ("[tag]\nframeworks = { X = ['a b'] }", "cannot be the name of a package"),
        ("[tag]\nframeworks = { 'a b' = ['x'] }", "cannot name a framework"),
        (
            "[tag]\nframeworks = { pytorch = ['torch'] }",
            "differs from `PyTorch` only in upper and lower case",
        ),
        ("[tag]\nhardware = ['H100']", "cannot name hardware"),
        ("[tag]\nhardware = ['JAX']", "both a framework and hardware"),
        ("[tag.frameworks]\nCUDA = 'cuda-python'", "`CUDA` is both a framework and hardware"),
        ("[tag]\nhardware = []", "is an empty list"),
        (
            "[tag]\ntemplates = [{template = '{framework}-v{version}-{rocm}', hardware = 'CUDA'}]",
            "the template's `{rocm}` says that the hardware is ROCm",
        ),
        (
            "[tag]\ntemplates = [{template = '{framework}-v{version}-{cuda}', hardware = 'ROCm'}]",
            "the template's `{cuda}` says that the hardware is CUDA",
        ),
        *(
            (
                f"[tag]\ntemplates = [{{template = '{{framework}}-v{{version}}', base = '{field}'}}]",
                f"has no `{{{field}}}` that could speak of the base image",
            )
            for field in ("hardware", "cuda", "rocm")
        ),
        ("[tag]\nstages = ['dev']", "`tag.stages` cannot be `dev`; known: alpha"),
        ("[tag]\nstages = ['aplha']", "did you mean `alpha`?"),
        ("[tag]\nstages = ['stable']", "cannot be `stable`"),
        ("[tag]\nstages = []", "is an empty list"),
        ("[tag]\nignore = ['refs/tags/v*']", "matched against short names"),
        ("[tag]\nignore = ['v[']", "a `[` is not closed"),
        ("[tag]\nignore = ['']", "is empty"),
        ("[tag]\nignore = true", "true or false"),
        ("[tag]\nignore = ['" + "*" * 201 + "']", "longer than 200"),
        ("[tag]\naliases = { x = 'Y' }", "no framework and no hardware"),
        ("[tag]\naliases = { x = 1 }", "is a number"),
        ("[tag]\naliases = { PT = 'PyTorch', pt = 'JAX' }", "the alias `pt` stands twice"),
        ("[dockerfile]\npath = true", "or false to switch it off"),
        ("[dockerfile]\npath = 1", "a path in quotes"),
        ("[dockerfile]\npath = ''", "is empty"),
        ("[dockerfile]\npath = '/etc/Dockerfile'", "is absolute"),
        ("[dockerfile]\npath = '~/Dockerfile'", "is absolute"),
        ("[dockerfile]\npath = 'C:/Dockerfile'", "is absolute"),
        ("[dockerfile]\npath = 'c:/Dockerfile'", "is absolute"),
        ("[dockerfile]\npath = '.'", "a `.` between its slashes"),
        ("[dockerfile]\npath = 'a/[{stage}/../]b'", "by `..`"),
        ("[dockerfile]\npath = '../Dockerfile'", "by `..`"),
        ("[dockerfile]\npath = 'a/../Dockerfile'", "by `..`"),
        ("[dockerfile]\npath = 'a/.[{stage}]./Dockerfile'", "by `..`"),
        ("[dockerfile]\npath = 'a\\b'", "has a backslash"),
        ("[dockerfile]\npath = './Dockerfile'", "a `.` between its slashes"),
        ("[dockerfile]\npath = 'a//b'", "an empty part"),
        ("[dockerfile]\npath = 'a/'", "an empty part"),
        ("[dockerfile]\npath = '.git/config'", "leads into `.git`"),
        ('[dockerfile]\npath = "a\\u0000b"', "control character, U+0000"),
        ('[dockerfile]\npath = "a\\nb"', "control character, U+000A"),
        ("[dockerfile]\npath = '{framwork}/x'", "did you mean `{framework}`?"),
        ("[dockerfile]\npath = '{framework/x'", "stands alone"),
        ("[dockerfile]\ncontext = '..'", "by `..`"),
        ("[dockerfile]\ncontext = '{framework}'", "takes no fields"),
        ("[dockerfile]\ncontext = false", "a path in quotes"),
        ("[dockerfile]\ntarget = 'a b'", "cannot be the name of a stage"),
        ("[dockerfile]\ntarget = '--x'", "cannot be the name of a stage"),
        ("[dockerfile]\nmatch = 'refs/tags/x'", "short names"),
        ("[dockerfile]\nargs = { X = 12.8 }", "is a number and must be text in quotes"),
        ("[dockerfile]\nargs = { 'a-b' = 'x' }", "cannot be the name of a build argument"),
        ("[dockerfile]\nargs = ['A=1']", "must be a table"),
        ("dockerfile = []", "is an empty list"),
        ("dockerfile = 'Dockerfile'", "must be a list of tables"),
        ("[[dockerfile]]\n[[dockerfile]]", "those behind it are never used"),
        ("[changelog]\npath = '/x'", "is absolute"),
        ("[changelog]\npath = '{framwork}.md'", "did you mean `{framework}`?"),
        ("[changelog]\nheading = '## x'", "names no release"),
        ("[changelog]\nheading = '## {version} {dtae}'", "did you mean `date`?"),
        ("[changelog]\nheading = '## {version'", "stands alone"),
        ("[changelog]\nheading = '## {version} " + "x" * 200 + "'", "longer than 200"),
        ("[changelog]\nheading = false", "is true or false and must be text"),
        ("[checks]\ntag-name = 'off'", "is switched off without a reason"),
        ("[checks]\ntag-name = false", "is switched off without a reason"),
        ("[checks]\ntag-name = { level = 'off' }", "is switched off without a reason"),
        ("[checks]\ntag-name = { level = 'off', reason = '  ' }", "is empty"),
        ("[checks]\ntag-name = { reason = 'why' }", "has no level"),
        ("[checks]\ntag-name = 'warn'", "did you mean `warning`?"),
        ("[checks]\ntag-name = 'Error'", "did you mean `error`?"),
        ("[checks]\ntag-name = 1", 'must be "error", "warning" or a table'),
        ("checks = []", "must be a table"),
        ("[image]\nname = ''", "is empty"),
        ("[image]\nname = 'x/{framework}'", "upper-case letters"),
        ("[image]\nname = 'x/Env'", "is not legal"),
        ("[image]\nname = 'https://x/y'", "is a URL"),
        ("[image]\nname = 'x/y:latest'", "carries a tag or a digest"),
        ("[image]\nname = 'x/y@sha256'", "carries a tag or a digest"),
        ("[image]\nname = 'x y'", "is not legal"),
        ("[image]\nname = 'x/$(id)'", "is not legal"),
        ("[image]\nname = '--x'", "is not legal"),
        ("[image]\nname = 'x/{nothing}'", "is no field"),
        ("[build]\nname = 'x'", "`build` is a table and must be a list of tables"),
        ("build = [1]", "must be a table"),
        ("[[build]]\nname = 'x'", "has no `using`"),
        ("[[build]]\nname = 'a/b'\nusing = 'local'", "cannot be a name"),
        ("[[build]]\nname = 'a'\nusing = '../x'", "cannot be a name"),
        ("[[build]]\nname = 'a'\nusing = 'x'\non = 'sever'", "did you mean `server`?"),
        ("[[build]]\nname = 'a'\nusing = 'x'\nremotes = []", "is an empty list"),
        ("[[build]]\nname = 'a'\nusing = 'x'\nstages = ['stabel']", "did you mean `stable`?"),
        (
            "[[build]]\nname = 'a'\nusing = 'x'\n[[build]]\nname = 'a'\nusing = 'y'",
            "two builds are called `a`",
        ),
        ("[tag]\nstages = ['rc']\n[deploy.x]\nstages = ['beta']", "`deploy.x.stages` cannot be `beta`"),
        ("deploy = 1", "must be a table"),
        ("[deploy]\nx = 1", "does not say which stages"),
        ("[deploy.x]\nstages = []", "is an empty list"),
        ("[deploy.'a b']\nstages = ['stable']", "cannot be a name"),
        ("branch = '" + "x" * 1500 + "'", "is 1500 characters long and may have 1000"),
        ("[image]\nname = '" + "x" * 1001 + "'", "is 1001 characters long and may have 1000"),
        ("[image]\nname = 'x'\nstamp = 'yes'", "`image.stamp` is text and must be true or false"),
        ("[image]\nname = 'x'\nstamp = 1", "`image.stamp` is a number and must be true or false"),
        (f"[[build]]\nusing = '{'x' * 61}'", "cannot be a name: at most 60 letters"),
        ("[[build]]\nusing = '.x'", "a letter or a digit first"),
    ],
)
def test_a_faulty_value(text: str, said: str) -> None:
    assert said in refused(text).message


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("[checks]\ntag-name = 'off'", 2, 'tag-name = { level = "off", reason = "why" }'),
        ("[dockerfile]\n\npath = 'a\\b'", 3, '"a/b"'),
        ("[image]\nname = 'x/{framework}'", 2, 'name = "x/{framework:lower}"'),
        ("[dockerfile]\n[dockerfile.args]\nX = 12.8", 3, 'X = "12.8"'),
        ("[[build]]\nname='a'\nusing='x'\n\n[[build]]\nname='a'\nusing='y'", 5, 'name = "a-2"'),
        ("[deploy]\n[deploy.x]", 2, '[deploy.x]\nstages = ["stable"]'),
        ("branch = ['refs/heads/main']", 1, '"main"'),
        ("[dockerfile]\ntarget = true", 2, ""),
        ("[dockerfile]\ntarget = 3", 2, 'target = "3"'),
        ("[dockerfile]\ntarget = 2026-01-30", 2, ""),
        ("tag = 1", 1, "[tag]"),
        ("[tag]\naliases = 1", 2, ""),
        ("build = 1", 1, "[[build]]"),
        ("\n[image]\nname = 'x'\nstamp = 'yes'", 4, "stamp = true"),
        ("\n\n[build.y]\na = 1\n[build.x]\na = 1", 3, "[[build]]"),
        ("[dockerfile]\nargs.X = 1\nargs.Y = 'a'", 2, 'X = "1"'),
        ("[tag]\n'stages' = ['rc']\n\"ignore\" = ['a b']", 3, ""),
    ],
)
def test_the_place_and_the_fix(text: str, place: int, fix: str) -> None:
    error = refused(text)
    assert (error.place, error.fix) == (f".envhooks/policy.toml:{place} on origin/main", fix)


def test_the_longest_of_each() -> None:
    templates = [f"v{number}-{{version}}" for number in range(16)]
    assert parse(f"[tag]\ntemplates = {templates}").tag.templates == tuple(templates)
    heading = "{version}".ljust(200, "x")
    assert parse(f"[changelog]\nheading = '{heading}'").changelog.heading == heading
    assert "longer than 200" in refused(f"[changelog]\nheading = '{heading}x'").message
    assert parse("branch = '" + "x" * 200 + "'").branches == ("x" * 200,)
    reason = "x" * 1000
    assert (
        parse(f"[checks]\non-main = {{ level = 'off', reason = '{reason}' }}").checks["on-main"].reason
        == reason
    )
    (build,) = parse(f"[[build]]\nusing = '9{'X' * 59}'").builds
    assert build.name == build.using == f"9{'X' * 59}"
    assert parse("[[build]]\nusing = 'A9.z_-'").builds[0].using == "A9.z_-"


def test_what_is_said_of_a_pattern_that_matches_nothing() -> None:
    assert refused("branch = 'a b'").message.endswith("can match nothing: a space is not legal in a name")
    assert refused("branch = 'a[b'").message.endswith("(a `[` is not closed)")


R, D = "{framework}-{hardware}-v{version}-r{release}", "{framework}-{hardware}-{date}"


@pytest.mark.parametrize(
    ("template", "rest", "said"),
    [
        ("'v{version}', 'v{version}'", "", "`tag.templates` has `v{version}` twice"),
        (
            "{template = '{framework}-v{version}', framework = 'JAX'}",
            "",
            "`framework` stands in the template",
        ),
        (
            "{template = 'v{version}', framework = 'Tourch'}",
            "",
            "`Tourch` is no framework; did you mean `PyTorch`?",
        ),
        ("{template = 'v{version}', hardware = 'Cuda'}", "", "`Cuda` is no hardware; did you mean `CUDA`?"),
        ("{template = 'v{version}', python = 'x'}", "", "`x` is no python"),
        ("{template = 'v{version}', framework = 'JAX'}", "", ""),
        ("{template = 'v{version}', hardware = 'CUDA'}", "", ""),
        ("{template = 'v{version}', hardware = 'ROCm', base = 'hardware'}", "", ""),
        ("{template = 'v{cuda}-{version}', base = 'cuda'}", "", ""),
        ("{template = 'v{cuda}-{version}', base = ['cuda', 'python']}", "", "cannot be `python`"),
        ("{base = 'cuda'}", "", "a table in `tag.templates` has no template"),
        (
            f"'{R}'",
            "{version}",
            "has no `{release}`, so one entry would answer two releases; `{tag}` would do as well",
        ),
        (f"'{R}'", "{version} {release}", ""),
        (f"'{R}'", "{release}", ""),
        (f"'{R}'", "{tag}", ""),
        (f"'{D}'", "{version}", "has no `{date}`, so one entry would answer two releases"),
        (f"'{D}'", "{date}", ""),
        (f"'{D}'", "{tag}", ""),
        ("'v{version}-{flash-attn}'", "{version}", "has no `{flash-attn}`, so one entry"),
        ("'v{version}-{flash-attn}'", "{version} {flash-attn}", ""),
        ("'v{version}'", "{date}", "has neither `{version}` nor `{tag}`, so it names no release"),
        ("'v{version}'", "{python}", "has neither `{version}` nor `{tag}`"),
        ("'v{version}'", "{version} ({date})", ""),
        ("'v{version}'", "{version}} x", "has a brace that stands alone"),
        ("'v{version}'", "{version} {x", "has a brace that stands alone"),
        ("'v{version}'", "{version} {xformers}", "`{xformers}` is no field of a heading"),
    ],
)
def test_what_is_said_of_the_tags_of_a_template(template: str, rest: str, said: str) -> None:
    text = f"[tag]\ntemplates = [{template}]\n" + (f"[changelog]\nheading = '{rest}'\n" if rest else "")
    if said:
        assert said in refused(text).message
    else:
        assert parse(text).tag.templates


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tag]\naliases = { PT = 'CUDA12.8' }", ""),
        ("[tag]\naliases = { PT = 'ROCm' }", ""),
        ("[tag]\naliases = { PT = 'CUDAx' }", "which is no framework and no hardware; did you mean `CUDA`?"),
        ("[image]\nname = 'x/{tag}'", "would have upper-case letters"),
        ("[image]\nname = 'x/{hardware}'", "would have upper-case letters"),
        ("[image]\nname = 'x/{tag:lower}'", ""),
        ("[image]\nname = 'x//y'", "is not legal"),
        ("[image]\nname = 'x/y-'", "is not legal"),
        ("[image]\nname = 'h:5000/x'", ""),
        ("[image]\nname = 'h/x:1'", "carries a tag or a digest"),
        ("[dockerfile]\ncontext = 'a[b]'", "takes no fields"),
        ("[[gitsign]]\nidentity = 'a@b.c'\nissuer = 'https://x'\n" * 8, ""),
        ("[[gitsign]]\nidentity = 'a@b.c'\nissuer = 'https://x'\n" * 9, "names 9 identities and may name 8"),
        (f"[[gitsign]]\nidentity = '{'a' * 500}'\nissuer = 'https://x'\n", ""),
        (f"[[gitsign]]\nidentity = '{'a' * 501}'\nissuer = 'https://x'\n", "compared whole"),
    ],
)
def test_both_sides_of_a_value(text: str, said: str) -> None:
    if said:
        assert said in refused(text).message
    else:
        parse(text)


# ---------------------------------------------------------------------------------- broken files


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"broken [", 1, "is not TOML: expected '='"),
        (b"a = 1\n\nb = ", 3, "is not TOML"),
        (b"branch = 'x'\nbranch = 'y'", 2, "is not TOML"),
        (b"\nbroken [\n\n# more\n", 2, "is not TOML: expected '=' after a key in a key/value pair"),
        (b"branch = 'a\x00b'", 1, "is not TOML"),
        (b'branch = """\n\n', 3, "is not TOML"),
        (b"branch = 'x'\ntag = '\xff'", 2, "is not UTF-8"),
        (b"\xef\xbb\xbfbranch = 'x'", None, "a byte order mark"),
        ("branch = 'x'".encode("utf-16"), None, "is UTF-16"),
        (b"#" * (MAX_BYTES + 1), None, f"may have {MAX_BYTES}"),
        (b"\n" + b"#" * 2001, 2, "has 2001 characters and may have 2000"),
        (b"a." * 65 + b"b = 1", 1, "has 65 full stops and may have 64"),
        (b"a = " + b"[\n" * 5000, None, "nested too deeply"),
        (b"a." * 40 + b"b = 1", None, "nested too deeply"),
        (b"[[build]]\nname = 'x'\nusing = 'y'\n" + b"d." * 40 + b"z = 1", None, "nested too deeply"),
    ],
)
def test_a_broken_file(data: bytes, line: int | None, said: str) -> None:
    error = refused(data)
    assert said in error.message
    assert error.place == (ORIGIN if line is None else f".envhooks/policy.toml:{line} on origin/main")


def test_a_number_of_thousands_of_digits_is_no_traceback() -> None:
    refused(b"a = " + b"1" * 1900)
    if hasattr(sys, "set_int_max_str_digits"):  # an environment may set it lower
        before = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(640)
        try:
            assert (
                refused(b"a = " + b"1" * 1900).message
                == "the policy is not TOML: a number has too many digits"
            )
        finally:
            sys.set_int_max_str_digits(before)


def test_the_fix_for_a_byte_order_mark() -> None:
    assert refused(b"\xef\xbb\xbf").fix.startswith("tail -c +4 .envhooks/policy.toml")


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


def toml(value: Any) -> str:
    if value is None:
        return "2026-01-30"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return (
            '"' + "".join(f"\\U{ord(char):08X}" for char in value if not 0xD800 <= ord(char) < 0xE000) + '"'
        )
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return str(value)


KEYS = [
    "branch", "tag", "dockerfile", "changelog", "checks", "image", "build", "deploy",
    "tag.templates", "tag.frameworks", "tag.hardware", "tag.stages", "tag.ignore", "tag.aliases",
    "dockerfile.match", "dockerfile.path", "dockerfile.context", "dockerfile.target", "dockerfile.args",
    "changelog.path", "changelog.heading", "checks.tag-name", "image.name", "deploy.x", "deploy.x.stages",
]  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(KEYS), values)
def test_any_value_is_read_or_refused_in_a_sentence(key: str, value: object) -> None:
    text = f"{key} = {toml(value)}"
    try:
        policy = parse(text)
    except PolicyError:
        refused(text)
    else:
        assert Grammar(policy.tag)


@settings(max_examples=200)
@given(st.binary(max_size=60) | st.text("abc=[]{}\"'.\n#\\ 1", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_in_a_sentence(data: bytes) -> None:
    try:
        assert parse(data).origin == ORIGIN
    except PolicyError:
        refused(data)
