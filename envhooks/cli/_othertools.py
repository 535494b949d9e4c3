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


def writer_of(top: Path, name: TagName) -> OtherTool | None:
    """The tool that writes the changelog here, by its configuration; None where there is none."""
    for file in _TOWNCRIER:
        if _has_table(top / file, "towncrier"):
            version, message = word(name.release_text or name.text), word(_message(name))
            return OtherTool(
                f"towncrier writes this changelog from its fragments ({file})",
                f"towncrier build --yes --version {version} && git commit -m {message}",
            )
    if _has_table(top / "pyproject.toml", "git-cliff") or any((top / file).is_file() for file in _CLIFF):
        tag, message = word(name.text), word(_message(name))
        return OtherTool(
            "git-cliff writes this changelog from the commits",
            f"git cliff --unreleased --tag {tag} --prepend CHANGELOG.md && git commit -am {message}",
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
