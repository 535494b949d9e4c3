"""Programs of a RUN that change files: what they touch is no longer the context's file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from envhooks.image.dockerfile.stages import join
from envhooks.image.stage.containerfs import ContainerFiles
from envhooks.image.stage.session import Arg
from envhooks.image.text.unknowns import first_mark, names, readable

CHANGERS = names("sed perl tee mv cp rm ln install rsync git curl wget patch tar unzip truncate")
"""Programs that change the files that they name."""

_ASKED_OF = (".txt", ".yml", ".yaml", ".toml", ".lock", ".in")


def spoil(files: ContainerFiles, cwd: str, path: str, *, tree: bool = False) -> None:
    """A RUN writes to `path`; only files that something may install from are remembered."""
    if not path or path.startswith("/dev/"):
        return
    absolute = join(cwd, path)
    if files.known(absolute) or path.endswith(_ASKED_OF) or tree:
        files.spoil(absolute, f"{readable(path)} is written by a RUN", tree=tree)


def touch(files: ContainerFiles, cwd: str, program: str, args: Sequence[Arg]) -> None:
    """Note the files that one command changes."""
    if program not in CHANGERS:
        return
    words = [arg.text for arg in args if not arg.text.startswith("-")]
    options = [arg.text for arg in args if arg.text.startswith("-")]
    if program == "sed" and not any(re.match(r"-[a-zA-Z]*i|--in-place", one) for one in options):
        return
    if program == "perl" and not any("i" in one for one in options):
        return
    if program in ("cp", "install", "ln", "rsync") and len(words) > 1:
        for source in words[:-1]:
            spoil(files, cwd, words[-1])
            spoil(files, cwd, posixpath.join(words[-1], posixpath.basename(source)))
        return
    for word in words:
        if first_mark(word) or re.search(r"[*?\[]", word):
            folder, _, last = join(cwd, word).rpartition("/")
            for path in files.matches(f"{folder}/{'*' if first_mark(last) else last}"):
                spoil(files, cwd, path)
            continue
        spoil(files, cwd, word, tree=program in ("mv", "rm", "git", "unzip", "tar"))
        if program == "mv" and len(words) > 1:
            spoil(files, cwd, posixpath.join(words[-1], posixpath.basename(word)))
