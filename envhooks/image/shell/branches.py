"""Arms of `if` and `case`: which of them run, as far as what they ask is known.

Only tests of words are decided (`[ "$X" = y ]`, `[ -z "$X" ]`, a `case` over a value): what is there on the disk, and
what a program answers, is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envhooks.image.shell.scan import Arm, Branches, Command, Script
from envhooks.image.shell.words import Expander
from envhooks.image.text import parse_pattern, settled, trim_match, unknown

_NUMBERS = {"-eq": 0, "-ne": 1, "-gt": 2, "-ge": 3, "-lt": 4, "-le": 5}


class Arms(Branches):
    """The arms of one script, decided one after the other as they are met."""

    def __init__(self, script: Script, expander: Expander) -> None:
        self._script = script
        self._expander = expander
        self._runs: dict[int, bool | None] = {}
        self._taken: dict[int, bool | None] = {}
        """Group -> whether one of its arms so far runs."""

    def enter(self, arm: Arm) -> None:
        """Decide an arm by what is known when it is met."""
        if arm.kind == "through":
            self._runs[arm.number] = None
            return
        taken = self._taken.get(arm.group, False)
        own = True if arm.kind == "else" else self._case(arm) if arm.kind == "case" else self._then(arm)
        if taken is True or own is False:
            runs: bool | None = False
        else:
            runs = None if taken is None or own is None else True
        if own is not False and taken is not True:
            self._taken[arm.group] = True if own and taken is False else None
        if arm.number in self._script.sure:
            runs = True
        outer = True if arm.outer is None else self._runs.get(arm.outer)
        self._runs[arm.number] = False if False in (runs, outer) else None if None in (runs, outer) else True

    def runs(self, number: int) -> bool | None:
        """Whether an arm runs; None where that is not known."""
        return self._runs.get(number)

    def _then(self, arm: Arm) -> bool | None:
        start, end = arm.condition
        events = self._script.events[start:end]
        if len(events) != 1 or not isinstance(command := events[0], Command) or command.piped:
            return None
        words = [word.text for word in command.words]
        negated = words[:1] == ["!"]
        words = words[1:] if negated else words
        answer = None
        if words[:1] == ["true"] or words[:1] == [":"]:
            answer = True
        elif words[:1] == ["false"]:
            answer = False
        elif words and words[0] in ("[", "test") and not command.redirects:
            body = words[1:-1] if words[0] == "[" else words[1:]
            fields = [field for word in body for field in self._expander.fields(word)]
            answer = decide(fields)
        elif words[:1] == ["[["]:
            answer = self._double(words[1:-1])
        return None if answer is None else answer != negated

    def _double(self, words: Sequence[str]) -> bool | None:
        """`[[ ... ]]`: words are not split, and the right side of `=` may be a pattern."""
        if any(word in ("&", "|", "(", ")", "<", ">") for word in words) or "=~" in words:
            return None
        if len(words) == 3 and words[1] in ("=", "==", "!=") and re.search(r"[*?\[]", words[2]):
            matched = self._matches(self._expander.text(words[0]), words[2])
            return None if matched is None else matched == (words[1] != "!=")
        return decide([self._expander.text(word) for word in words])

    def _case(self, arm: Arm) -> bool | None:
        if arm.patterns == ("*",):
            return True
        if not arm.subject:
            return None
        subject = self._expander.text(arm.subject)
        answers = [self._matches(subject, one) for one in arm.patterns]
        return True if True in answers else None if None in answers else False

    def _matches(self, subject: str, pattern: str) -> bool | None:
        if unknown(subject) or re.search(r"[\[\\]", pattern):
            return None
        quoted = re.fullmatch(r"'([^']*)'|\"([^\"$`]*)\"", pattern)
        if quoted:
            return subject == (quoted.group(1) or quoted.group(2) or "")
        if re.search(r"['\"]", pattern) and re.search(r"[*?]", pattern):
            return None
        text = self._expander.text(pattern)
        if unknown(text):
            return None
        if not re.search("[*?]", text):
            return subject == text
        try:
            return trim_match(f"{subject}\0", [*parse_pattern(text), "\0"], suffix=False, longest=True) == ""
        except ValueError:
            return None


def decide(fields: Sequence[str]) -> bool | None:
    """What `test` answers to these arguments; None where that is not known."""
    if fields and fields[0] == "!" and len(fields) > 1:
        answer = decide(fields[1:])
        return None if answer is None else not answer
    if not fields:
        return False
    if len(fields) == 1:
        return settled(fields[0])
    if len(fields) == 2 and fields[0] in ("-z", "-n"):
        known = settled(fields[1])
        return None if known is None else known == (fields[0] == "-n")
    if len(fields) != 3 or unknown(fields[0]) or unknown(fields[2]):
        return None
    left, sign, right = fields
    if sign in ("=", "==", "!="):
        return (left == right) == (sign != "!=")
    if sign in _NUMBERS and re.fullmatch("-?[0-9]{1,18}", left) and re.fullmatch("-?[0-9]{1,18}", right):
        one, two = int(left), int(right)
        return (one == two, one != two, one > two, one >= two, one < two, one <= two)[_NUMBERS[sign]]
    return None
