"""Other programs that write a repository's changelog: towncrier from fragments, git-cliff from commits."""

from __future__ import annotations

import re
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import word
from envhooks.tagname.names import TagName

_MOST = 1 << 20
_TOWNCRIER = ("towncrier.toml", "pyproject.toml")
_CLIFF = ("cliff.toml", ".cliff.toml", ".config/cliff.toml")


@dataclass(frozen=True)
class OtherTool:
    """A tool that the changelog is left to."""

    text: str
    command: str


def writer_of(top: Path, name: TagName, path: str) -> OtherTool | None:
    """The tool that writes the changelog at a path here, by its configuration; None where there is none."""
    for config in _TOWNCRIER:
        if _has_table(top / config, "towncrier"):
            version, message = word(name.release_text or name.text), word(_message(name))
            return OtherTool(
                f"towncrier writes this changelog from its fragments ({config})",
                f"towncrier build --yes --version {version} && git commit -m {message}",
            )
    if _has_table(top / "pyproject.toml", "git-cliff") or any((top / config).is_file() for config in _CLIFF):
        tag, message, file = word(name.text), word(_message(name)), word(path)
        # --prepend wants a file that is there
        into = "--prepend" if (top / path).is_file() else "--output"
        return OtherTool(
            "git-cliff writes this changelog from the commits",
            f"git cliff --unreleased --tag {tag} {into} {file} && git add -- {file}"
            f" && git commit -m {message} -- {file}",
        )
    return None


def _message(name: TagName) -> str:
    return f"Changelog of {name.text}"


def _has_table(file: Path, tool: str) -> bool:
    """Whether a TOML file has a table `[tool.NAME]`, or one below it; the file itself is that tool's to read."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        text = stream.read(_MOST).decode("utf-8", "replace")
    return re.search(rf"(?m)^[ \t]*\[+[ \t]*tool[ \t]*\.[ \t]*\"?{tool}\"?[ \t]*[].]", text) is not None
