"""A second build of a published tag, beside the first: compared with it and never named."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.builds import kept, layout, publication
from envhooks.builds.builders import load
from envhooks.builds.context import Allowed, remove_context, write_context
from envhooks.builds.ledger import Ledger
from envhooks.builds.registry import Manifest, Registry
from envhooks.builds.types import Job, Plan
from envhooks.builds.work import context_path, kept_path
from envhooks.git.repository import Git
from envhooks.policy import BuildPolicy


def build_beside(
    git: Git, ledger: Ledger, plan: Plan, build: BuildPolicy, log: TextIO, environ: Mapping[str, str]
) -> tuple[int, str]:
    """(0 where a second build is the published image to the bit, 1 where it is another; a sentence that says so).

    Raises:
        UsageError: this build cannot be made without being named.
        CannotJudge: nothing is published, or the second build failed.
    """
    if plan.using != "local" or not publication.is_asked(plan):
        raise UsageError(
            f"{plan.build} cannot be built beside: only a local build that goes to a registry can"
        )
    verify = plan.options.get("tls_verify", True) is not False
    registry = Registry(plan.own, environ, tls_verify=verify)
    there = registry.manifest(registry.image.tag)
    if there is None:
        raise CannotJudge(
            f"{plan.own} is not published, so there is nothing to compare with",
            fix=f"envhooks build {plan.tag}",
        )
    plan = anew(plan)
    context = context_path(ledger, plan.key).with_suffix(f".again-{os.getpid()}")
    folder = kept_path(ledger, plan.key).with_suffix(f".again-{os.getpid()}")
    try:
        write_context(git, plan.commit, context, Allowed.by(build.options), plan.epoch)
        builder = load(plan.using)
        if any(line.endswith(f" push {plan.own}") for line in builder.commands(plan, context)):
            raise CannotJudge(
                "docker's classic image store knows no digest before it pushes, so it cannot build beside",
                fix='engine = "buildah"',
            )
        result = builder.build(plan, context, log, environ, Job(folder))
        if result.status != "built":
            raise CannotJudge(f"the second build of {plan.tag} failed: {result.message}")
        if result.layout is not None:
            made = layout.root(result.layout)
        else:
            found = registry.manifest(result.digest or "")
            if found is None:
                raise CannotJudge(f"the second build of {plan.tag} is not in the registry as {result.digest}")
            made = found
    finally:
        remove_context(context)
        kept.remove(folder)
    if made.digest == there.digest:
        return 0, f"{plan.own} is the same built again: {there.digest}"
    return (
        1,
        f"{plan.own} is {there.digest}; built again it is {made.digest}{_difference(there, made)}; nothing was named",
    )


def anew(plan: Plan) -> Plan:
    """The same build without a layer of an earlier one, and without a word to a shared cache.

    A layer that was taken from the first build would be the same whether it can be built again or not.
    """
    options = {key: v for key, v in plan.options.items() if key not in ("cache_from", "cache_to")}
    return replace(plan, options=options, is_anew=True)


def _difference(there: Manifest, made: Manifest) -> str:
    """Difference of two manifests, as text; empty where one is an index."""
    if there.is_index or made.is_index:
        return ""
    old, new = there.parts("layers"), made.parts("layers")
    same = sum(a.digest == b.digest for a, b in zip(old, new, strict=False))
    text = f": {same} of {len(old)} layers are the same"
    if len(old) != len(new):
        text += f", and it has {len(new)}"
    elif same == len(old):
        text += ", so it differs in its configuration alone"
    return printable(text, 200)
