"""What was read once is not read again: a reader that gets the same answers comes to the same result.

Thousands of tags lie on commits whose Dockerfiles, and the files that these ask for, are the same objects. A
reader is asked what it read, and where the next tree answers each of its questions with the same object, its
result stands. The questions form a tree of their own: which one comes next depends on the answers before it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import CannotJudge

if TYPE_CHECKING:
    from envhooks.git.treefiles import TreeFiles
    from envhooks.image.text.files import Files

T = TypeVar("T")
_Question = tuple[str, str]
"""What is asked for (`read` or `list`), and the path."""
_Answer = str | tuple[str, ...] | None
"""The object id of a file, or the names in a folder; None for a file that is not there."""


@dataclass
class _Node(Generic[T]):
    """Where a reader has come to: its next question, or its result."""

    question: _Question | None = None
    answers: dict[_Answer, _Node[T]] = field(default_factory=dict)
    """What the reader got -> how it goes on."""
    result: list[T] = field(default_factory=list)
    """The one result, where there is no further question."""


class Readings(Generic[T]):
    """The results of one kind of reader in one run."""

    def __init__(self) -> None:
        self._begin: dict[Hashable, _Node[T]] = {}

    def result(self, about: Hashable, files: TreeFiles, read: Callable[[Files], T]) -> T:
        """What `read` makes of a tree, asked anew only where the tree differs in what it looks at.

        `about` is everything else that the result depends on. What `read` raises is not kept, and neither is
        anything that was made while the tree refused an answer: the words name the commit.
        """
        node = self._begin.setdefault(about, _Node())
        while node.question is not None:
            following = _follow(node, files)
            if following is None:
                break
            node = following
        if node.result:
            return node.result[0]
        witness = _Witness(files)
        result = read(witness)
        if not witness.was_refused:
            self._keep(self._begin[about], witness.heard, result)
        return result

    def _keep(self, node: _Node[T], heard: list[tuple[_Question, _Answer]], result: T) -> None:
        for question, answer in heard:
            if node.question != question and (node.question is not None or node.result):
                return  # a reader that does not always ask the same: nothing is known of it
            node.question = question
            node = node.answers.setdefault(answer, _Node())
        if node.question is None:
            node.result = [result]


def _follow(node: _Node[T], files: TreeFiles) -> _Node[T] | None:
    assert node.question is not None
    try:
        return node.answers.get(_answer(files, node.question))
    except CannotJudge:
        return None  # the reader meets it as well, and has its own way with it


def _answer(files: TreeFiles, question: _Question) -> _Answer:
    """What a tree answers, told by object ids where that is enough.

    Raises:
        CannotJudge: the path leads out of the tree.
    """
    kind, path = question
    if kind == "list":
        return files.list(path)
    entry = files.find(path)
    return entry.oid if entry is not None and stat.S_ISREG(entry.mode) else None


class _Witness:
    """A tree of files that notes what it is asked, and with which object it answers."""

    def __init__(self, files: TreeFiles) -> None:
        self._files = files
        self.heard: list[tuple[_Question, _Answer]] = []
        self.was_refused = False

    def read(self, path: str) -> bytes | None:
        """Like `TreeFiles.read`."""
        return self._ask("read", path, self._files.read)

    def list(self, folder: str) -> tuple[str, ...]:
        """Like `TreeFiles.list`."""
        return self._ask("list", folder, self._files.list)

    def _ask(self, kind: str, path: str, ask: Callable[[str], T]) -> T:
        try:
            answer = _answer(self._files, (kind, path))
            found = ask(path)
        except BaseException:
            self.was_refused = True
            raise
        self.heard.append(((kind, path), answer))
        return found
