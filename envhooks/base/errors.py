"""Errors that mean "could not judge": one sentence, a place, and a fix to paste."""

from __future__ import annotations

from envhooks.base.hygiene import printable


class EnvhooksError(Exception):
    """Base of every error that reaches a person; exit code 2.

    Attributes:
        message: one sentence that says what is wrong, without a final full stop.
        place: where, as `path:line`, a ref or a file; empty if there is no one place.
        fix: the way out: a command that can be pasted, or a sentence; empty if there is none.
    """

    def __init__(self, message: str, *, place: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.fix = fix

    def __str__(self) -> str:
        """At most two lines, fit to print: a hostile name cannot start a third."""
        text = printable(f"{self.place}: {self.message}" if self.place else self.message)
        label = "fix" if self.way_out[0] else "advice"
        return f"{text}\n  {label}: {printable(self.fix)}" if self.fix else text

    @property
    def way_out(self) -> tuple[str, str]:
        """(a command that can be pasted, what a person has to do): at most one of them."""
        from envhooks.base.commands import is_command  # a good tag has no error

        return (self.fix, "") if is_command(self.fix) else ("", self.fix)


class CannotJudge(EnvhooksError):
    """A fact that a verdict needs cannot be had: a shallow history, a missing object, a dead git."""


class PolicyError(CannotJudge):
    """The policy cannot be read: a fault in `.envhooks/`, or no branch that carries it."""


class UsageError(EnvhooksError):
    """The command was called with invalid arguments: an unknown tag, a bad option."""


def cause_of(error: Exception) -> str:
    """What happened, in the system's words and without its number: `Connection refused`, also of what wraps it."""
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
