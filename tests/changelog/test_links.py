"""A drafted entry whose heading is a link has its address, as the entries before it have theirs."""

from __future__ import annotations

from datetime import date

import pytest

from envhooks.changelog.drafting import changelog_for
from envhooks.changelog.writing import Part, Written, with_entry
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar

URL = "https://git.example.org/acme/images"
PARTS = (Part("Environment", ("torch 2.8.0",)),)


def drafted(text: str, tag: str, template: str = "v{release}[-{stage}]") -> Written:
    policy = parse_policy(f'[tag]\ntemplates = ["{template}"]\n'.encode(), "policy")
    name = Grammar(policy.tag).match(tag)
    assert name is not None
    made = with_entry(text.encode(), "CHANGELOG.md", name, None, date(2026, 11, 30), PARTS)
    assert changelog_for(made.data, "CHANGELOG.md", name, None).is_good
    return made


def log(*definitions: str, heads: tuple[str, ...] = ("[2.7.0] - 2026-05-01", "[2.6.0] - 2026-02-01")) -> str:
    entries = "".join(f"## {head}\n\n- Something.\n\n" for head in heads)
    return f"# Changelog\n\n## [Unreleased]\n\n{entries}" + "".join(f"{line}\n" for line in definitions)


@pytest.mark.parametrize("tag", ["v2.8.0", "v2.8.0-rc1"])
def test_it_comes_between_what_is_not_released_and_the_last_release(tag: str) -> None:
    made = drafted(
        log(
            f"[Unreleased]: {URL}/compare/v2.7.0...HEAD",
            f"[2.7.0]: {URL}/compare/v2.6.0...v2.7.0",
            f"[2.6.0]: {URL}/releases/tag/v2.6.0",
        ),
        tag,
    )
    assert made.heading == f"[{tag[1:]}] - 2026-11-30" and not made.unlinked
    assert made.data.decode().endswith(
        f"[Unreleased]: {URL}/compare/{tag}...HEAD\n"
        f"[{tag[1:]}]: {URL}/compare/v2.7.0...{tag}\n"
        f"[2.7.0]: {URL}/compare/v2.6.0...v2.7.0\n"
        f"[2.6.0]: {URL}/releases/tag/v2.6.0\n"
    )


@pytest.mark.parametrize(
    ("definitions", "added"),
    [
        (
            (f"[2.7.0]: {URL}/-/compare/v2.6.0..v2.7.0", f"[2.6.0]: {URL}/-/tags/v2.6.0"),
            f"[2.8.0]: {URL}/-/compare/v2.7.0..v2.8.0",
        ),
        (
            (f"[2.7.0]: {URL}/src/tag/v2.7.0", f"[2.6.0]: {URL}/src/tag/v2.6.0"),
            f"[2.8.0]: {URL}/src/tag/v2.8.0",
        ),
    ],
)
def test_it_has_the_form_of_the_one_before(definitions: tuple[str, ...], added: str) -> None:
    made = drafted(log(*definitions), "v2.8.0")
    assert made.data.decode().endswith("\n".join(("", added, *definitions, ""))) and not made.unlinked


@pytest.mark.parametrize(
    "definitions",
    [
        (f"[2.7.0]: {URL}/compare/v2.5.0...v2.7.0", f"[2.6.0]: {URL}/releases/tag/v2.6.0"),
        (f"[2.7.0]: {URL}/compare/env-2.6...env-2.7.0",),
        (f"[2.7.0]: {URL}/diff/?id=v2.7.0&id2=v2.6.0",),
        (f"[Unreleased]: {URL}/compare/v2.6.0...HEAD", f"[2.7.0]: {URL}/compare/v2.6.0...v2.7.0"),
        (f"[Unreleased]: {URL}/commits/main", f"[2.7.0]: {URL}/compare/v2.6.0...v2.7.0"),
        (f"[2.7.0]: {URL}/branches/compare/v2.7.0%0Dv2.6.0",),
    ],
)
def test_what_does_not_follow_to_the_letter_is_left_to_a_person(definitions: tuple[str, ...]) -> None:
    made = drafted(log(*definitions), "v2.8.0")
    assert made.unlinked == "2.8.0"
    assert made.data.decode().endswith("\n".join(("", *definitions, "")))


def test_where_no_heading_has_an_address_none_is_missing() -> None:
    made = drafted(log(f"[Keep]: {URL}"), "v2.8.0")
    assert not made.unlinked and made.data.decode().count("[2.8.0]") == 1
    assert not drafted("# Changelog\n", "v2.8.0").unlinked


def test_one_that_is_there_already_stays() -> None:
    definitions = (f"[2.8.0]: {URL}/own", f"[2.7.0]: {URL}/compare/v2.6.0...v2.7.0")
    made = drafted(log(*definitions), "v2.8.0")
    assert made.data.decode().endswith("\n".join(("", *definitions, ""))) and not made.unlinked


def test_the_newest_entry_comes_last() -> None:
    text = log(
        f"[2.6.0]: {URL}/releases/tag/v2.6.0",
        f"[2.7.0]: {URL}/compare/v2.6.0...v2.7.0",
        heads=("[2.6.0] - 2026-02-01", "[2.7.0] - 2026-05-01"),
    ).replace("## [Unreleased]\n\n", "")
    assert drafted(text, "v2.8.0").data.decode().endswith(f"\n[2.8.0]: {URL}/compare/v2.7.0...v2.8.0\n")


def test_an_address_in_the_heading() -> None:
    """As release-please and standard-version write it."""
    heads = (
        f"[2.7.0]({URL}/compare/v2.6.0...v2.7.0) (2026-05-01)",
        f"[2.6.0]({URL}/compare/v2.5.0...v2.6.0) (2026-02-01)",
    )
    made = drafted(log(heads=heads), "v2.8.0")
    assert made.heading == f"[2.8.0]({URL}/compare/v2.7.0...v2.8.0) (2026-11-30)" and not made.unlinked
    strange = drafted(log(heads=(heads[0].replace("v2.7.0", "v2.7"),)), "v2.8.0")
    assert strange.heading == "[2.8.0] (2026-11-30)" and strange.unlinked == "2.8.0"


def test_a_whole_name_is_the_label() -> None:
    heads = ("[PyTorch-CUDA-v2.8-rc1] - 2026-05-01",)
    made = drafted(
        log(f"[PyTorch-CUDA-v2.8-rc1]: {URL}/releases/tag/PyTorch-CUDA-v2.8-rc1", heads=heads),
        "PyTorch-CUDA-v2.8-rc2",
        "{framework}-{hardware}-v{version}[-{stage}]",
    )
    assert f"[PyTorch-CUDA-v2.8-rc2]: {URL}/releases/tag/PyTorch-CUDA-v2.8-rc2\n" in made.data.decode()
