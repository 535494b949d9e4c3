"""Heads of commands that mean something to the interpreter, and the state that a subshell has for itself."""

from __future__ import annotations

from envhooks.base.dataclass import dataclass
from envhooks.image.interpreter.filechanges import CHANGERS
from envhooks.image.interpreter.programs import MANAGERS
from envhooks.image.interpreter.wrappers import WRAPPERS
from envhooks.image.stage.session import (
    CONDAS,
)
from envhooks.image.text.unknowns import names

MAX_DEPTH = 8
"""How deep `sh -c "sh -c ..."`, `eval` and `$(...)` are followed."""


ASSIGN = r"(?s)([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)"


SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))


INSTALLS = r"\b(?:pip[0-9.]*|conda|mamba|micromamba|uv|poetry|pipenv|pdm|pixi)\b"


VERSION_WORD = r"=.*|[0-9][0-9.]*[0-9a-z.*+,<>=!~]*"


HARMLESS_SOURCE = r".*(?:activate|bashrc|profile|conda\.sh|os-release|lsb-release|/env|setup\.bash|nvm\.sh)"


QUIET = names("echo cat grep egrep ls dpkg sleep which type")


KNOWN = (
    CHANGERS
    | WRAPPERS
    | MANAGERS
    | CONDAS
    | SHELLS
    | names(
        "cd pushd popd chdir export declare local readonly typeset read mapfile readarray getopts unset printf source "
        "eval exit return deactivate virtualenv pyvenv pdm pixi hatch rye xargs su runuser uv poetry pipenv pip"
    )
)
"""Words that mean something here; anything else is passed over quickly."""


MATTERS = r"pip|conda|mamba|\buv\b|poetry|python|pypy|[$`/=]"


@dataclass
class State:
    """What a subshell has for itself."""

    variables: dict[str, str | None]
    """None: unset."""
    cwd: str
    where: str | None
    """The environment that was activated here; None: what PATH says."""

    def copy(self) -> State:
        """The same for a subshell."""
        return State(dict(self.variables), self.cwd, self.where)
