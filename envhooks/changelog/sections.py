"""Questions that a release's entry answers for those who upgrade to it or try it, and the words of an answer."""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass
from envhooks.tagname.names import TagName

_ISSUES = r"(?i)known (?:issues?|problems?|bugs?|limitations?)|limitations?"
_UPGRADE = r"(?i)upgrad|migrat|updating|breaking|drop-in|compatib"
_USE = (
    r"(?i)\b(?:us(?:e|age|ed|ing)|purpose|intended|try|trying|tests?|testing|evaluat(?:e|ion|ing)|preview)\b"
)
_RISK = r"(?i)risk|unstable|experimental|caution|production|known (?:issues?|problems?|bugs?)|limitations?|untested"


@dataclass(frozen=True)
class Section:
    """A question that an entry has to answer."""

    title: str
    """The section's usual heading: `Known issues`."""
    what: str
    """Its subject in a sentence: `known issues`."""
    words: str

    def is_answered_in(self, body: str) -> bool:
        """Whether a text has a word of the answer, in a heading or in a sentence."""
        return re.search(self.words, body) is not None


STABLE = (
    Section("Known issues", "known issues", _ISSUES),
    Section("Upgrading", "upgrade notes", _UPGRADE),
)
PRE = (
    Section("Use", "what it is to be used for", _USE),
    Section("Risk", "what the risk is", _RISK),
)


def sections_of(name: TagName) -> tuple[Section, ...]:
    """The questions that the entry of a release has to answer."""
    return STABLE if name.is_stable else PRE
