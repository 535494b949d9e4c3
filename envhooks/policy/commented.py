"""The policy file that `envhooks init` writes: every key with what it is for, all at their defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping

from envhooks.catalog.hardware import HARDWARE

# Prose begins with "# ", a key that is switched off with "#" alone: taking those away switches all on.
COMMENTED = """\
# What counts as a release of this repository, and who may make it where. This file counts from the
# moment it is on the protected branch. Every key is optional; take a `#` away to state one.

# Where tagged commits must lie: a branch, or several; `*` matches any text. Default: the branch that
# carries this file. Releases from maintenance branches need this.
#branch = [{branch}, "release/*"]

[tag]
# How a release tag is written; several templates are tried in turn. Brackets are optional parts. Fields:
# framework, hardware (with its version: CUDA12.8), version, stage, cuda, rocm, python, cudnn, os, date,
# release (a number of the environment's own), variant (devel, runtime), or a package: {flash-attn}.
# {framework:lower} and {hardware:lower} are lower-case, {hardware:compact} is cu128, {python:compact} is 312,
# {stage:dotted} is rc.1. A template may state what is the same for all of its tags:
# templates = [{ template = "v{version}-gpu", framework = "TensorFlow", hardware = "CUDA" }]
#templates = ["{framework}-{hardware}-v{version}[-{stage}]"]

# More frameworks, each with the packages that carry it, the most usual first; PyTorch, TensorFlow, JAX
# and others are known.
#frameworks = { Megatron = ["megatron-core"] }

# All hardware that a tag may name. Default: these.
#hardware = [{all hardware}]

# The stages that a release may go through besides stable, which has none in its name. Default: these.
#stages = ["alpha", "beta", "rc", "post"]

# Tags that are no releases and are left alone. Default: none, so every tag is judged.
#ignore = ["nightly-*"]

# Short names that people type: they are never accepted, but the right name is suggested.
#aliases = { mcore = "Megatron" }

[dockerfile]
# Which file builds a tag's image. Fields are allowed: "docker/{framework:lower}/Dockerfile",
# "docker/{hardware:kind}/Dockerfile" (cuda of CUDA12.8 and of cu128).
# false: there is none, and the checks that read it do not apply.
#path = "Dockerfile"

# The folder that is sent to the builder.
#context = "."

# The stage that is the product. Default: the last one that is no export.
#target = "runtime"

# Build arguments.
#args = { CUDA_VERSION = "12.8.1" }

# A repository of many images has several [[dockerfile]] instead; the first one that matches a tag counts.
#match = "PyTorch-*"

[changelog]
# false: there is none, and the checks that read it do not apply.
#path = "CHANGELOG.md"

# How an entry's heading is written, where it is none of the usual forms. A template, not a pattern.
#heading = "## {version} ({date})"

[checks]
# "error" refuses, "warning" only says so. A check is switched off with a reason.
#changelog-sections = "warning"
#dockerfile-compatible = { level = "off", reason = "we build the framework from source" }
# The base image by digest, not by its tag alone.
#dockerfile-pinned = { base-digest = true }
# A framework whose version no file states is refused, unless you say why it cannot be stated.
#dockerfile-matches = { allow-cannot-tell = true, reason = "build.sh computes the version" }

# Releases that are newer than envhooks' table of published facts, or facts of your own.
#[[compat.torch]]
#version = "2.16.0"
#torchvision = ["0.31.0"]
#torchaudio = ["2.11.0"]
#cuda_variants = ["cu130", "cu132"]
#requires_python = ">=3.11"

# Who may sign through gitsign, with an identity instead of a key; both are compared whole.
#[[gitsign]]
#identity = "alice@example.org"
#issuer = "https://accounts.google.com"

[image]
# The image's name without its tag, which is made from the git tag. No default: no image is named.
#name = "registry.example.com/team/{framework:lower}-{hardware:lower}"

# What is built when a tag has arrived on a remote; there may be several. No default: nothing is built.
# using: local, github, gitlab, webhook or command, each with keys of its own. on: client (the clone that
# pushed), server (its post-receive) or ci. remotes: names or URL patterns. stages: which releases.
#[[build]]
#name = "image"
#using = "local"
#on = "client"
#remotes = ["origin"]
#stages = ["rc", "stable", "post"]

# Which stages may run where.
#[deploy.production]
#stages = ["stable"]
"""


def commented(branch: str, stated: Mapping[tuple[str, str], str] | None = None) -> str:
    """The commented policy file of a repository whose protected branch is `branch`.

    `stated` are (section, key) -> the value as TOML writes it: what is not left at its default.
    """
    # a JSON string is a TOML string; a branch name has no control characters
    names = ", ".join(f'"{one.name}"' for one in HARDWARE)
    text = COMMENTED.replace("{all hardware}", names).replace(
        "{branch}", json.dumps(branch, ensure_ascii=False)
    )
    for (section, key), value in (stated or {}).items():
        head, mark, body = text.partition(f"\n[{section}]\n")
        before, found, line = body.partition(f"\n#{key} = ")
        if not mark or not found or "\n[" in before:
            raise KeyError(f"the commented policy has no {section}.{key}")
        text = f"{head}{mark}{before}\n{key} = {value}\n{line.partition(chr(10))[2]}"
    return text


def toml_text(text: str) -> str:
    """A string without control characters as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)
