"""Reading tags' names by the templates of one policy."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.tagname.names import Naming, TagName, TagPolicy
from envhooks.tagname.reader import Reader
from envhooks.tagname.refname import MAX_NAME, is_legal
from envhooks.tagname.template import MAX_TEMPLATE
from envhooks.tagname.validate import name_faults, template_faults

if TYPE_CHECKING:
    from envhooks.tagname.nearest import Explainer


class Grammar:
    """The names that one policy takes for releases. Built once, then asked for each name.

    Raises:
        PolicyError: a template, or the name of a framework or a piece of hardware, cannot be used.
    """

    def __init__(self, policy: TagPolicy) -> None:
        self._policy = policy
        for fault in name_faults(policy.frameworks, policy.hardware):
            raise PolicyError(fault)
        for template in policy.templates:
            for fault in template_faults(template):
                raise PolicyError(
                    f"the tag template `{printable(template, MAX_TEMPLATE)}` is faulty: {fault}"
                )
        self._readers = tuple(Reader.of(template, policy) for template in policy.templates)

    def match(self, text: str) -> TagName | None:
        """The TagName, by the first template that the whole name matches; None where none does."""
        if len(text) > MAX_NAME:
            return None
        for reader in self._readers:
            name = reader.read(text)
            if name is not None:
                return name if is_legal(text) else None
        return None

    def read(self, text: str) -> Naming:
        """The TagName, or all that is wrong with the name and what was probably meant."""
        name = self.match(text)
        if name is not None:
            return Naming(name)
        return self._explainer.explain(text)

    @cached_property
    def _explainer(self) -> Explainer:
        from envhooks.tagname.nearest import Explainer  # only names that are refused need it

        return Explainer(self._policy, self._readers, self.match)


def is_release_tag(text: str, grammar: Grammar, policy: TagPolicy) -> bool:
    """Whether a tag is judged at all: the grammar reads its name, or no `ignore` glob matches it."""
    if not policy.ignore or grammar.match(text) is not None:
        return True
    return not any(fnmatchcase(text, pattern) for pattern in policy.ignore)
