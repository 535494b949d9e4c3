"""Facts of a release for OpenTelemetry and Prometheus: the same ones, in their words."""

from __future__ import annotations

from urllib.parse import quote

from envhooks.base.hygiene import printable
from envhooks.releases.facts import Release


def _facts(release: Release) -> dict[str, str]:
    facts = {
        "tag": release.tag,
        "line": release.line,
        "stage": release.stage,
        "commit": release.commit or "",
        "tag_object": release.object,
        "image": release.image,
    }
    return {name: printable(text) for name, text in facts.items() if text}


def otel(release: Release) -> str:
    """`OTEL_RESOURCE_ATTRIBUTES=envhooks.tag=...`: values percent-encoded, as the specification of resources has it."""
    facts = _facts(release)
    pairs = {f"envhooks.{name}": text for name, text in facts.items() if name != "image"}
    name, at, _ = release.image.partition("@")
    if at:
        pairs |= {"container.image.name": name, "container.image.repo_digests": release.image}
    return (
        "OTEL_RESOURCE_ATTRIBUTES="
        + ",".join(f"{key}={quote(text, safe='')}" for key, text in pairs.items())
        + "\n"
    )


def prometheus(release: Release) -> str:
    """An info metric for the node exporter's textfile collector."""
    labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in _facts(release).items())
    return (
        "# HELP envhooks_environment_info The release that this environment was made of.\n"
        "# TYPE envhooks_environment_info gauge\n"
        f"envhooks_environment_info{{{labels}}} 1\n"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
