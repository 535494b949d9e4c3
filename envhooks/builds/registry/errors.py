"""Errors of a registry, one class for each remedy."""

from __future__ import annotations

from envhooks.base.errors import CannotJudge


class RegistryError(CannotJudge):
    """The registry answered, and asking again would be answered alike."""


class LoginWanted(RegistryError):
    """The registry wants a login, or another one: 401 or 403."""


class RegistryUnavailable(RegistryError):
    """The registry did not answer, or asked for patience: another time it may.

    Attributes:
        after: seconds that it asked to wait (`Retry-After`); 0 where it did not say.
    """

    def __init__(self, message: str, *, after: float = 0.0, place: str = "", fix: str = "") -> None:
        super().__init__(message, place=place, fix=fix)
        self.after = after
