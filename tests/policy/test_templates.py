"""Templates of `[tag]` that are tables, and what else of the policy takes their fields."""

from __future__ import annotations

import pytest

from envhooks.base.errors import PolicyError
from envhooks.policy import Policy
from envhooks.policy.reader import parse_policy
from envhooks.tagname.names import Meaning


def parse(text: str) -> Policy:
    return parse_policy(text.encode(), ".envhooks/policy.toml")


def test_a_template_is_text_or_a_table() -> None:
    tag = parse(
        """
        [tag]
        templates = [
            "{framework}-v{version}",
            { template = "v{version}-gpu", framework = "TensorFlow", hardware = "CUDA" },
            { template = "{version}-cuda{cuda}", framework = "PyTorch", base = ["cuda"], python = "3.12" },
        ]
        """
    ).tag
    assert tag.templates == ("{framework}-v{version}", "v{version}-gpu", "{version}-cuda{cuda}")
    assert dict(tag.meanings) == {
        "v{version}-gpu": Meaning((("framework", "TensorFlow"), ("hardware", "CUDA"))),
        "{version}-cuda{cuda}": Meaning((("framework", "PyTorch"), ("python", "3.12")), frozenset({"cuda"})),
    }
    assert parse('[tag]\ntemplates = { template = "v{version}", framework = "JAX" }').tag.templates == (
        "v{version}",
    )
    mega = '[tag]\nframeworks = { Mega = ["megatron-core"] }\n'
    own = mega + 'templates = [{ template = "v{version}", framework = "Mega" }]'
    assert parse(own).tag.meanings["v{version}"].constants == (("framework", "Mega"),)


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ("[{ framework = 'PyTorch' }]", "has no template"),
        ("[{ template = 'v{version}', framwork = 'PyTorch' }]", "did you mean `framework`?"),
        ("[{ template = 'v{version}', framework = 'PyTroch' }]", "is no framework; did you mean `PyTorch`?"),
        ("[{ template = 'v{version}', hardware = 'GPU' }]", "is no hardware"),
        ("[{ template = 'v{version}', python = '3' }]", "is no python"),
        ("[{ template = 'v{version}', os = 'Ubuntu' }]", "is no os"),
        ("[{ template = '{framework}-v{version}', framework = 'PyTorch' }]", "stands in the template"),
        ("[{ template = '{version}-cuda{cuda}', hardware = 'ROCm' }]", "says that the hardware is CUDA"),
        ("[{ template = '{version}-cuda{cuda}', base = ['rocm'] }]", "has no `{rocm}`"),
        ("[{ template = '{version}-cuda{cuda}', base = ['version'] }]", "cannot be `version`"),
        ("[{ template = 'v{versoin}', framework = 'JAX' }]", "did you mean `{version}`?"),
        ("['v{version}', { template = 'v{version}', framework = 'JAX' }]", "twice"),
        ("[{ template = 1 }]", "a template, or a table with one"),
        ("[['v{version}']]", "a template, or a table with one"),
    ],
)
def test_a_faulty_template_says_where_and_why(templates: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(f"[tag]\ntemplates = {templates}\n")
    assert said in caught.value.message
    assert caught.value.place == ".envhooks/policy.toml:2"


def test_paths_and_image_names_take_the_packages_of_the_templates() -> None:
    templates = "[tag]\ntemplates = ['{version}-fa{flash-attn}']\n"
    policy = parse(
        templates + "[dockerfile]\npath = 'fa{flash-attn}/Dockerfile'\n[changelog]\npath = '{version}.md'\n"
        "[image]\nname = 'x/fa{flash-attn}'\n"
    )
    assert (policy.dockerfiles[0].path, policy.changelog.path) == (
        "fa{flash-attn}/Dockerfile",
        "{version}.md",
    )
    for section in (
        "[dockerfile]\npath = '{xformers}'",
        "[changelog]\npath = '{xformers}'",
        "[image]\nname = '{xformers}'",
    ):
        with pytest.raises(PolicyError, match="is no field"):
            parse(templates + section)


@pytest.mark.parametrize(
    ("template", "heading", "said"),
    [
        ("v{release}", "## [{release}] - {date}", ""),
        ("v{release}", "## {tag} - {date}", ""),
        ("env-{date}", "## {date}", ""),
        ("v{version}-{release}", "## {version}-{release} ({date})", ""),
        ("v{version}-{release}", "## {version} ({date})", "one entry would answer two releases"),
        ("v{version}-{date}", "## {version}", "one entry would answer two releases"),
        ("{version}-fa{flash-attn}", "## {version} ({date})", "one entry would answer two releases"),
        ("{version}-fa{flash-attn}", "## {version} with {flash-attn} ({date})", ""),
        ("v{version}", "## {date}", "names no release"),
        ("v{version}", "## {version} {flash-attn}", "is no field of a heading"),
    ],
)
def test_a_heading_tells_two_releases_apart(template: str, heading: str, said: str) -> None:
    text = f'[tag]\ntemplates = ["{template}"]\n[changelog]\nheading = "{heading}"\n'
    if not said:
        assert parse(text).changelog.heading == heading
        return
    with pytest.raises(PolicyError, match=said):
        parse(text)
