"""The keys of a `local` build section, read: which engine, and what it is asked to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable
from envhooks.builds import verify_image
from envhooks.builds.options import Section
from envhooks.builds.process import shown
from envhooks.builds.verify_image import Settings

ENGINES = ("docker", "podman", "buildah")
"""Engines, in the order in which they are tried."""
DEFAULT_PLATFORM = "linux/amd64"
_KEYS = (
    "engine", "builder", "isolation", "storage", "output", "tls_verify", "provenance", "sbom", "timeout", "verify",
    "platform", "layers", "cache_from", "cache_to", "secrets", "ssh", "network", "pull", "labels", "test",
)  # fmt: skip
_PLATFORM = r"linux/[a-z0-9]+(?:/v[0-9]+)?"
_OWN_LABELS = ("org.opencontainers.image.", "envhooks.")


@dataclass(frozen=True)
class Wanted:
    """The options of a `local` build, read."""

    engine: str
    builder: str
    isolation: str
    storage: str
    output: str
    """`registry`, `none`, or `oci:` with an absolute path."""
    tls_verify: bool
    provenance: str
    """`max`, `min` or `false`; empty where the section does not say."""
    sbom: bool | None
    """None where the section does not say."""
    timeout: float
    verify: Settings
    platforms: tuple[str, ...] = (DEFAULT_PLATFORM,)
    layers: bool = True
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    """(id in the Dockerfile, environment variable that holds it)."""
    ssh: tuple[str, ...] = ()
    network: str = "default"
    pull: str = ""
    """`always`, `missing` or `never`; empty: the engine's own."""
    labels: tuple[tuple[str, str], ...] = ()
    """Label -> template."""
    test: tuple[str, ...] = ()
    """The smoke test: a program in the image, and its arguments."""


def read(options: Mapping[str, Any]) -> Wanted:
    """The options of a `local` section.

    Raises:
        PolicyError: a key that is unknown or of the wrong kind.
    """
    section = Section.of("local", options, _KEYS)
    engine = section.choice("engine", ("auto", *ENGINES), "auto")
    builder = section.matching(
        "builder", r"[A-Za-z0-9][A-Za-z0-9._-]*", "the name of a builder of docker buildx"
    )
    if builder and engine not in ("auto", "docker"):
        section.refuse("`builder` is docker buildx's", 'engine = "docker"')
    output = section.text("output", "registry")
    if output not in ("registry", "none") and not re.fullmatch(r"oci:/[^:,]+", output):
        section.refuse(
            f'`output` of {section.title} cannot be `{printable(output, 80)}`: it is "registry", "none" or "oci:" with '
            "an absolute path that has no colon or comma",
            'output = "registry"',
        )
    provenance = section.raw.get("provenance", "")
    if "provenance" in section and provenance not in ("max", "min", False):
        section.refuse(f'`provenance` of {section.title} must be "max", "min" or false', 'provenance = "max"')
    return Wanted(
        engine=engine,
        builder=builder,
        isolation=section.choice("isolation", ("auto", "chroot", "oci", "rootless"), "auto"),
        storage=section.choice("storage", ("auto", "vfs", "overlay"), "auto"),
        output=output,
        tls_verify=section.flag("tls_verify", True),
        provenance=str(provenance).lower(),
        sbom=section.flag("sbom", True) if "sbom" in section else None,
        timeout=section.minutes("timeout", 6 * 60),
        verify=verify_image.settings(section),
        platforms=_platforms(section),
        layers=section.flag("layers", True),
        cache_from=_templates(section, "cache_from"),
        cache_to=_templates(section, "cache_to"),
        secrets=_secrets(section),
        ssh=_names(section, "ssh"),
        network=section.choice("network", ("default", "host", "none"), "default"),
        pull=section.choice("pull", ("always", "missing", "never"), "missing") if "pull" in section else "",
        labels=_labels(section),
        test=_test(section),
    )


def _platforms(section: Section) -> tuple[str, ...]:
    value = section.raw.get("platform", DEFAULT_PLATFORM)
    found = value if isinstance(value, list) else [value]
    for one in found:
        if not isinstance(one, str) or not re.fullmatch(_PLATFORM, one, re.ASCII):
            said = printable(repr(one), 60)
            section.refuse(
                f"`platform` of {section.title} cannot be {said}", 'platform = ["linux/amd64", "linux/arm64"]'
            )
    if not found or len(set(found)) < len(found):
        section.refuse(f"`platform` of {section.title} names none, or one twice", 'platform = "linux/amd64"')
    return tuple(found)


def _templates(section: Section, key: str) -> tuple[str, ...]:
    found = section.texts(key)
    for text in found:
        section.check_template(key, text)
        if not text.strip() or text.startswith("-"):
            section.refuse(
                f"`{key}` of {section.title} has an entry that names no cache", f'{key} = ["{{image}}-cache"]'
            )
    return found


def _names(section: Section, key: str) -> tuple[str, ...]:
    found = section.texts(key)
    for text in found:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text, re.ASCII):
            section.refuse(
                f"`{key}` of {section.title} names agents, as in `--mount=type=ssh`", f'{key} = ["default"]'
            )
    return found


def _secrets(section: Section) -> tuple[tuple[str, str], ...]:
    """Ids in the Dockerfile, and the environment variables that hold the secrets: never a secret itself."""
    table = section.raw.get("secrets", {})
    if not isinstance(table, dict):
        section.refuse(f"`secrets` of {section.title} must be a table", 'secrets = { pip = "PIP_TOKEN" }')
    inner = Section(f"`secrets` of {section.title}", table)
    for name in table:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name, re.ASCII):
            section.refuse(f"`{printable(name, 60)}` in `secrets` cannot be the id of a secret")
    return tuple((name, inner.variable(name)) for name in table)


def _labels(section: Section) -> tuple[tuple[str, str], ...]:
    found = section.templates("labels", limit=50)
    for name in found:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._/-]*", name, re.ASCII) or name.startswith(_OWN_LABELS):
            section.refuse(
                f"`{printable(name, 60)}` in `labels` is none that a section may set",
                'labels = { "org.example.team" = "vision" }',
            )
    return tuple(sorted(found.items()))


def _test(section: Section) -> tuple[str, ...]:
    example = 'test = ["python", "-c", "import torch"]'
    if isinstance(section.raw.get("test"), str):
        section.refuse("`test` is a list of words: nothing passes through a shell", example)
    found = section.texts("test")
    if "test" in section and (not found or not found[0].strip() or found[0].startswith("-")):
        section.refuse(f"`test` of {section.title} names no program of the image", example)
    return found


def describe(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Commands that would run and the addresses they send to, for the person who is asked to allow it."""
    wanted = read(options)
    engine = "docker buildx, podman or buildah" if wanted.engine == "auto" else wanted.engine
    told = f" with the builder {wanted.builder}" if wanted.builder else ""
    goes = {
        "registry": "to the registry in the image's name, with this machine's login, and over no other image",
        "none": "nowhere: it stays here",
    }
    where = goes.get(wanted.output, f"into {wanted.output.removeprefix('oci:')}")
    lines = [
        f"runs {engine}{told}, and with it the RUN lines of the tagged Dockerfile",
        f"the image goes {where}",
    ]
    if not wanted.tls_verify:
        lines.append("the registry's certificate is NOT verified")
    for name, variable in wanted.secrets:
        lines.append(f"the Dockerfile gets ${variable} as the secret {name}")
    if wanted.ssh:
        lines.append(f"the Dockerfile can use your SSH agent ({', '.join(wanted.ssh)})")
    if wanted.network == "host":
        lines.append("the RUN lines have this machine's network")
    if wanted.cache_to:
        lines.append(printable(f"layers are written to the cache {', '.join(wanted.cache_to)}"))
    if wanted.test:
        lines.append(f"runs {shown(wanted.test)} in the image before it is published")
    if not wanted.verify.is_on:
        lines.append(f"the image is NOT held against the tag: {wanted.verify.reason}")
    return tuple(lines)
