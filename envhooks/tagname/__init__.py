"""The grammar of tags' names: text <-> TagName, by the policy's templates.

`Grammar.read` says what a name means or all that is wrong with it; `expand` makes text from one.
"""

from __future__ import annotations

from envhooks.tagname.grammar import Grammar, is_release_tag, name_faults, template_faults
from envhooks.tagname.names import (
    BUILTIN_ALIASES,
    BUILTIN_FRAMEWORKS,
    BUILTIN_HARDWARE,
    BUILTIN_STAGES,
    DEFAULT_TAG_POLICY,
    DEFAULT_TEMPLATE,
)
from envhooks.tagname.reader import field_text
from envhooks.tagname.template import (
    READ_FIELDS,
    WRITTEN_FIELDS,
    expand,
    expansion_faults,
    field_names,
    packages_of,
)

__all__ = [
    "BUILTIN_ALIASES",
    "BUILTIN_FRAMEWORKS",
    "BUILTIN_HARDWARE",
    "BUILTIN_STAGES",
    "DEFAULT_TAG_POLICY",
    "DEFAULT_TEMPLATE",
    "READ_FIELDS",
    "WRITTEN_FIELDS",
    "Grammar",
    "expand",
    "expansion_faults",
    "field_names",
    "field_text",
    "is_release_tag",
    "name_faults",
    "packages_of",
    "template_faults",
]
