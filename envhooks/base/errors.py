"""What envhooks says when it cannot judge: one sentence, a place, and a fix to paste."""

from __future__ import annotations

from envhooks.base.hygiene import printable


class EnvhooksError(Exception):
    """Base of every error that reaches a person; exit code 2.

    Attributes:
        message: one sentence that says what is wrong, without a final full stop.
        place: where, as `path:line`, a ref or a file; empty if there is no one place.
        fix: a command or text that can be pasted; empty if there is none.
    """

    def __init__(self, message: str, *, place: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.fix = fix

    def __str__(self) -> str:
        """At most two lines, fit to print: a hostile name cannot start a third."""
        text = printable(f"{self.place}: {self.message}" if self.place else self.message)
        return f"{text}\n  fix: {printable(self.fix)}" if self.fix else text


class CannotJudge(EnvhooksError):
    """A fact that a verdict needs cannot be had: a shallow history, a missing object, a dead git."""


class PolicyError(CannotJudge):
    """The policy cannot be read: a fault in `.envhooks/`, or no branch that carries it."""


class UsageError(EnvhooksError):
    """The command was called with arguments that cannot be meant: an unknown tag, a bad option."""
