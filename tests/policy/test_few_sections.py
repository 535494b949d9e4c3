"""The sections that few policies have: where a release may run, what an image is called besides, what a base holds."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from envhooks.base.errors import PolicyError
from envhooks.policy import DeployPolicy, Policy
from envhooks.policy.reader import parse_policy

ORIGIN = ".envhooks/policy.toml on origin/main"
IDS = frozenset(("tag-name", "tag-signed"))


def parse(text: str, ids: frozenset[str] | None = IDS) -> Policy:
    return parse_policy(text.encode(), ORIGIN, ids)


def refused(text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert caught.value.place.startswith(".envhooks/policy.toml:")
    return caught.value.message


# ------------------------------------------------------------------------------------------- [deploy]


def test_every_key_of_a_deployment() -> None:
    (found,) = parse("""
        [deploy.production]
        stages = ["stable", "post"]
        lines = ["2.8", "2.9"]
        min-age = "7d"
        checks = ["tag-name", "tag-signed"]
        tag-signers = ["alice@example.org"]
        record-signers = ["bob@example.org", "carol@example.org"]
        ignore = "old"
    """).deploys
    assert found == DeployPolicy(
        "production", ("stable", "post"), lines=("2.8", "2.9"), min_age=7 * 86400, checks=("tag-name", "tag-signed"),
        tag_signers=("alice@example.org",), record_signers=("bob@example.org", "carol@example.org"), ignore=("old",),
    )  # fmt: skip
    (least,) = parse("[deploy.x]\nstages = 'rc'").deploys
    assert (
        least == DeployPolicy("x", ("rc",)) and least.min_age == 0 and least.checks == least.tag_signers == ()
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m", 60),
        ("90m", 5400),
        ("12h", 43200),
        ("1d", 86400),
        ("7d", 604800),
        ("2w", 1209600),
        ("9999w", 6047395200),
    ],
)
def test_how_old_a_release_has_to_be(text: str, seconds: int) -> None:
    assert parse(f"[deploy.x]\nstages = 'rc'\nmin-age = '{text}'").deploys[0].min_age == seconds


@pytest.mark.parametrize(
    "text", ["0d", "01d", "10000d", "7", "d", "7s", "7 d", "-7d", "7dd", "\u0667d", "7D"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    assert "is no length of time" in refused(f"[deploy.x]\nstages = 'rc'\nmin-age = '{text}'")


def test_a_check_of_a_deployment_is_one_that_there_is() -> None:
    text = "[deploy.x]\nstages = 'rc'\nchecks = ['tag-nmae']"
    assert "cannot be `tag-nmae`; did you mean `tag-name`?" in refused(text)
    assert parse(text, None).deploys[0].checks == ("tag-nmae",), "whoever runs none takes any"


# ------------------------------------------------------------------------------------------- [image]

NAMED = "[image]\nname = 'x/{tag:lower}'\n"


def test_what_an_image_is_called_besides() -> None:
    found = parse(
        NAMED + "aliases = 'semver'\ntags = ['{version}[-{stage}]-x', 'v_{python:compact}']\nstamp = true"
    )
    assert (found.image_aliases, found.image_stamp) == (("semver",), True)
    assert found.image_tags == ("{version}[-{stage}]-x", "v_{python:compact}")
    plain = parse(NAMED + "stamp = false")
    assert (plain.image_aliases, plain.image_tags, plain.image_stamp) == ((), (), False)
    ten = [f"{{version}}-{at}" for at in range(10)]
    assert parse(f"{NAMED}tags = {ten}").image_tags == tuple(ten)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NAMED + "aliases = 'latest'", "cannot be `latest`"),
        (f"{NAMED}tags = {[f'{{version}}-{at}' for at in range(11)]}", "has 11 templates and may have 10"),
        (NAMED + "tags = 'stable'", "would be the image tag of every release"),
        (NAMED + "tags = '{version}/x'", "cannot be an image tag"),
        (NAMED + "tags = '{version}\u00e4'", "cannot be an image tag"),
        (NAMED + "tags = '{versoin}'", "did you mean `{version}`?"),
        ("[image]\naliases = 'semver'", "`image.aliases` without the name of an image"),
        ("[image]\ntags = '{version}'", "`image.tags` without the name of an image"),
        ("[image]\nstamp = true", "`image.stamp` without the name of an image"),
    ],
)
def test_what_an_image_cannot_be_called(text: str, said: str) -> None:
    assert said in refused(text)


# ------------------------------------------------------------------------------- [dockerfile] built-by


def test_the_file_that_says_how_an_image_is_built() -> None:
    def built(text: str) -> tuple[str, str] | None:
        return parse(f"[dockerfile]\n{text}").dockerfiles[0].built_by

    assert built("built-by = { file = 'docker-bake.hcl', name = 'train' }") == ("docker-bake.hcl", "train")
    assert built("built-by = { file = '{framework:lower}/bake.hcl' }") == ("{framework:lower}/bake.hcl", "")
    assert built("path = 'Dockerfile'\nbuilt-by = { file = 'x', name = '{hardware}' }") == ("x", "{hardware}")
    assert built("path = false") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("built-by = { name = 'train' }", "`dockerfile.built-by` has no `file`"),
        ("built-by = { file = '../x' }", "by `..`"),
        ("built-by = { file = '{framwork}' }", "did you mean `{framework}`?"),
        ("built-by = { file = 'x', name = '{framwork}' }", "did you mean `{framework}`?"),
        ("built-by = { file = 'x', nmae = 'y' }", "did you mean `name`?"),
        ("built-by = { file = 'x', name = 1 }", "is a number"),
        ("built-by = 'x'", "must be a table"),
        (
            "context = 'a'\nbuilt-by = { file = 'x' }",
            "`dockerfile.context` is what the file of `built-by` says",
        ),
        (
            "target = 'a'\nbuilt-by = { file = 'x' }",
            "`dockerfile.target` is what the file of `built-by` says",
        ),
        ("path = false\nbuilt-by = { file = 'x' }", "is false, and `built-by` says how it is built"),
    ],
)
def test_a_file_that_cannot_say_it(text: str, said: str) -> None:
    assert said in refused(f"[dockerfile]\n{text}")


# -------------------------------------------------------------------------------------------- [[base]]

BASE = "[[base]]\nimage = 'team/x'\n"
DIGEST = "sha256:" + "0a" * 32


def test_what_a_base_image_holds() -> None:
    holds = "holds = { torch = '2.8.0', CUDA = '12.8', python = '3.12rc1', os = 'ubuntu24.04', variant = 'devel' }\n"
    read = {"torch": "2.8.0", "CUDA": "12.8", "python": "3.12rc1", "os": "ubuntu24.04", "variant": "devel"}
    (every,) = parse(BASE + holds).bases
    assert (every.image, dict(every.tags), dict(every.holds), every.digest) == ("team/x", {}, read, "")
    (tagged,) = parse(f"{BASE}tag = ['a', '{{torch}}-x']\n{holds}").bases
    assert ({tag: dict(held) for tag, held in tagged.tags.items()}, dict(tagged.holds)) == (
        {"a": read, "{torch}-x": read}, {},
    )  # fmt: skip
    (fixed,) = parse(f"{BASE}tag = 'a'\ndigest = '{DIGEST}'\n{holds}").bases
    assert (fixed.digest, dict(fixed.holds)) == (DIGEST, read)
    lower = parse(f"{BASE}holds = {{ cuda = '12.8', ROCM = '6.4', cpu = '1' }}").bases[0].holds
    assert dict(lower) == {"CUDA": "12.8", "ROCm": "6.4", "CPU": "1"}
    assert [one.image for one in parse(f"{BASE}tag = 'a'\n[[base]]\nimage = 'y'\ntag = 'b'").bases] == [
        "team/x",
        "y",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[base]]\nholds = { torch = '2.8' }", "`base` names no image"),
        (BASE, "says neither how its tags are read nor what it holds"),
        (f"{BASE}digest = '{DIGEST}'", "says neither how its tags are read nor what it holds"),
        (f"{BASE}digest = '{DIGEST}0'\nholds = {{ torch = '2.8' }}", "`base.digest` is no digest"),
        (f"{BASE}digest = '{DIGEST.upper()}'\nholds = {{ torch = '2.8' }}", "`base.digest` is no digest"),
        (f"{BASE}holds = {{ torch = 'x' }}", "`base.holds.torch` is no version: x"),
        (f"{BASE}holds = {{ torch = '2.8+cu128' }}", "is no version"),
        (f"{BASE}holds = {{ torch = '1.2.3.4.5' }}", "is no version"),
        (f"{BASE}holds = {{ python = '' }}", "`base.holds.python` is empty"),
        (f"{BASE}holds = {{ os = '' }}", "`base.holds.os` is empty"),
        (f"{BASE}tag = '{{torch'", "cannot be read"),
        ("[[base]]\nimage = '{torch'\ntag = 'a'", "cannot be read"),
        (f"{BASE}tga = 'a'", "did you mean `tag`?"),
    ],
)
def test_what_is_no_base_image(text: str, said: str) -> None:
    assert said in refused(text)


# ------------------------------------------------------------------------------- [[yanked]], times


def test_how_many_releases_may_be_yanked() -> None:
    assert "names 10001 releases and may name 10000" in refused("[[yanked]]\n" * 10_001)
    with pytest.raises(PolicyError, match="has no `tag`"):
        parse("[[yanked]]\n" * 2)


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-03-03", 1772496000),
        ("2026-03-03T00:00:00", 1772496000),
        ("2026-03-03T00:00:00Z", 1772496000),
        ("2026-03-03T09:00:00+09:00", 1772496000),
        ("'2026-03-03'", 1772496000),
        ("'2026-03-03T00:00:01Z'", 1772496001),
    ],
)
def test_a_time_without_a_zone_is_in_utc_everywhere(in_tokyo: None, moment: str, seconds: int) -> None:
    text = f'[[verifier]]\nname = "ci"\nssh = "alice"\nrevoked = {moment}\nreason = "x"\n'
    assert parse(text).verifiers[0].revoked == seconds
