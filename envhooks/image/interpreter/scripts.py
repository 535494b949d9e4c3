"""Scripts of the context that a RUN starts: their text, the shell that takes it, and their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from envhooks.base.dataclass import dataclass
from envhooks.image.stage import Call, Session
from envhooks.image.stage.containerfs import Found
from envhooks.image.text import Lines

MAX_SCRIPT = 100_000
"""Characters of a script that is followed."""
MAX_SCRIPTS = 200
"""Scripts that one RUN starts, each time counted: of those behind it is said that they are not followed."""
_SHEBANG = r"#![ \t]*(?:[^ \t]*/)?(?:env[ \t]+(?:-S[ \t]*)?)?(?:[^ \t]*/)?((?:ba|da|a|z|k)?sh)(?:[ \t].*)?"
_FUNCTION = r"(?m)^[ \t]*(?:function[ \t]|[A-Za-z_][A-Za-z0-9_.-]*[ \t]*\([ \t]*\))"


@dataclass(frozen=True)
class ContextScript:
    """A shell script as a file of the tree has it."""

    path: str
    """In the tree."""
    text: str
    place: Lines
    bash: bool
    """Whether its first line names bash."""
    runs: bool
    """Whether it can be started by its path: its first line names a shell, or its name does."""

    def variables(
        self,
        outer: Mapping[str, str | None],
        given: Mapping[str, str],
        call: Call,
        mark: Callable[[str], str],
    ) -> dict[str, str | None]:
        """The variables that it begins with.

        Args:
            outer: those of the shell that starts it; which of them are exported is not known.
            given: those that are set for it alone.
            call: its arguments; a script with functions has no `$1`, as theirs are called so, too.
            mark: makes a mark for what is not known.
        """
        seen = {name: mark(f"whether the script sees {name} is not followed") for name in outer}
        texts = [arg.text for arg in call.args]
        if re.search(_FUNCTION, self.text):
            return {**seen, **given}
        own = {str(at): "".join(texts[at - 1 : at]) for at in range(1, 10)}
        return {**seen, **given, "#": str(len(texts)), **own}


def find_script(session: Session, call: Call, path: str) -> ContextScript | None:
    """The script behind a path; None where nothing brought it, a RUN changed it, or it is no text."""
    found = session.find(call, path)
    if not isinstance(found, Found) or len(found.data) > MAX_SCRIPT:
        return None
    try:
        text = found.data.decode()
    except UnicodeDecodeError:
        return None
    head = re.fullmatch(_SHEBANG, text.partition("\n")[0].rstrip("\r"))
    other = text.startswith("#!") and head is None
    if other or "\0" in text:
        return None
    lines = Lines(found.path)
    lines.add_text(0, text, found.line + 1)
    bash = head is not None and head.group(1) == "bash"
    return ContextScript(found.path, text, lines, bash, head is not None or path.endswith((".sh", ".bash")))
