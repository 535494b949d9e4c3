"""What a tag may be named after where the policy does not say otherwise."""

from __future__ import annotations

from envhooks.catalog.lookup import ALIASES, KINDS, PACKAGES
from envhooks.tagname.names import TagPolicy

BUILTIN_FRAMEWORKS = PACKAGES
BUILTIN_HARDWARE = KINDS
BUILTIN_ALIASES = ALIASES
BUILTIN_STAGES: tuple[str, ...] = ("alpha", "beta", "rc", "post")
"""All stages that have a place in the order of versions; a policy may allow fewer, not others."""

DEFAULT_TEMPLATE = "{framework}-{hardware}-v{version}[-{stage}]"
DEFAULT_TAG_POLICY = TagPolicy(
    templates=(DEFAULT_TEMPLATE,),
    frameworks=BUILTIN_FRAMEWORKS,
    hardware=BUILTIN_HARDWARE,
    stages=BUILTIN_STAGES,
    aliases=BUILTIN_ALIASES,
)
