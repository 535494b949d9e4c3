"""One line to change in a deployment, for the tools that write it: an image with its digest."""

from __future__ import annotations

import json

PATCHES = ("kustomize", "helm", "compose")


def patch(tool: str, reference: str) -> str:
    """The lines that put an image in place.

    Args:
        tool: one of PATCHES.
        reference: name and digest: `registry.example.com/team/pytorch-cuda@sha256:...`.
    """
    name, _, digest = reference.partition("@")
    if tool == "kustomize":
        return f"images:\n  - name: {_yaml(name)}\n    digest: {_yaml(digest)}\n"
    if tool == "helm":
        # a chart that joins repository and tag with a colon takes no digest: this is the form of Bitnami's charts
        host, _, path = name.partition("/")
        return f"image:\n  registry: {_yaml(host)}\n  repository: {_yaml(path)}\n  digest: {_yaml(digest)}\n"
    return f"    image: {_yaml(reference)}\n"


def _yaml(text: str) -> str:
    return json.dumps(text)  # a JSON string is a YAML string
