"""Arms of `if` and `case`, and what stands behind `[ ... ] &&`: which of them run, as far as what they ask is known.

Only tests of words are decided (`[ "$X" = y ]`, `[ -z "$X" ]`, a `case` over a value): what is there on the disk, and
what a program answers, is not. `[[` and the `==` of `[` are bash's: the sh of Debian and Ubuntu finds them an error, so
that they are false there, whatever they ask.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envhooks.base.dataclass import replace
from envhooks.image.shell.scan import Arm, Branches, Command, Script, Words
from envhooks.image.text import parse_pattern, settled, trim_match, unknown

_INTEGER = "-?(?:0|[1-9][0-9]{0,17})"  # a leading nought is octal to some shells
_QUOTED_SIGN = r"'[^']*[]*?[$`\"][^']*'|\"[^\"]*[]*?[$`'][^\"]*\""
"""A quoted part of a pattern in which something would mean more without its quotes."""
_NUMBERS = {"-eq": 0, "-ne": 1, "-gt": 2, "-ge": 3, "-lt": 4, "-le": 5}


class Arms(Branches):
    """The arms of one script, decided one after the other as they are met."""

    def __init__(self, script: Script, expander: Words) -> None:
        self._script = script
        self._expander = expander
        self._runs: dict[int, bool | None] = {}
        self._taken: dict[int, bool | None] = {}
        """Group -> whether one of its arms so far runs."""
        self._status: bool | None = None
        """What the command before answered; None where that is not known."""
        self._arm: int | None = None
        """Arm of the command before."""

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

    def taken(self, index: int, command: Command) -> Command | None:
        """The command, uncertain where its arm or what it is joined to may not let it run; None where it does not."""
        runs = True if command.arm is None else self._runs.get(command.arm)
        before = self._status if command.arm == self._arm and command.joined in ("&&", "||") else None
        if before is not None and before != (command.joined == "&&"):
            return None  # the answer stays for what is joined next
        self._status, self._arm = None, command.arm
        if runs is False:
            return None
        certain = runs is True and (command.certain if before is None else command.reached)
        following = self._script.events[index + 1 : index + 2]
        if certain and following and isinstance(following[0], Command) and following[0].joined:
            self._status = self._answer(command)
        return command if certain == command.certain else replace(command, certain=certain)

    def succeeded(self) -> None:
        """Note that the command before is known to have ended well."""
        self._status = True

    def _then(self, arm: Arm) -> bool | None:
        start, end = arm.condition
        events = self._script.events[start:end]
        return self._answer(events[0]) if len(events) == 1 and isinstance(events[0], Command) else None

    def _answer(self, command: Command) -> bool | None:
        """What a command answers that asks about words; None where that is not known."""
        if command.piped:
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
            if answer and "==" in fields and not self._expander.bash:
                answer = None
        elif words[:1] == ["[["]:
            answer = self._double(words[1:-1])
            if answer and not self._expander.bash:
                answer = None
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
        if unknown(subject) or "\\" in pattern:
            return None
        quoted = re.fullmatch(r"'([^']*)'|\"([^\"$`]*)\"", pattern)
        if quoted:
            return subject == (quoted.group(1) or quoted.group(2) or "")
        if re.search(r"['\"]", pattern) and re.search(r"[*?]", pattern):
            if re.search(_QUOTED_SIGN, pattern):
                return None
            pattern = re.sub(r"['\"]", "", pattern)  # quotes around plain text change nothing
        text = self._expander.text(pattern)
        if unknown(text):
            return None
        if "[" in text:
            return _by_class(subject, text)
        if not re.search("[*?]", text):
            return subject == text
        try:
            return trim_match(f"{subject}\0", [*parse_pattern(text), "\0"], suffix=False, longest=True) == ""
        except ValueError:
            return None


_WITH_CLASSES = r"(?:[A-Za-z0-9_.,+*?-]|\[[!^]?(?:[0-9]-[0-9]|[A-Za-z0-9_.,+])+\])+"


def _by_class(subject: str, pattern: str) -> bool | None:
    """Whether a pattern such as `12.[0-9]*` fits; None where it has more than plain classes."""
    if not re.fullmatch(_WITH_CLASSES, pattern) or pattern.count("*") > 3 or len(subject) > 200:
        return None
    from fnmatch import fnmatchcase

    return fnmatchcase(subject, pattern.replace("[^", "[!"))


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
    if sign in _NUMBERS and re.fullmatch(_INTEGER, left) and re.fullmatch(_INTEGER, right):
        one, two = int(left), int(right)
        return (one == two, one != two, one > two, one >= two, one < two, one <= two)[_NUMBERS[sign]]
    return None
