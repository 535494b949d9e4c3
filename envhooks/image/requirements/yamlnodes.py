"""YAML as nodes with line numbers, read by PyYAML and within bounds.

Every scalar stays the text that it is written as: `3.10` is a version, and YAML's own number 3.1 would be another one.
Nodes are built from PyYAML's events, so that nothing of a hostile file is constructed: no tag is resolved, an alias
is the node that it names, and depth, aliases and nodes are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.image.text import AS_WRITTEN

if TYPE_CHECKING:
    from yaml.events import Event, NodeEvent

MAX_DEPTH = 30
MAX_ALIASES = 100
"""Aliases in one document: each may name a node with others in it, and two of each make 2**depth."""
MAX_NODES = 500_000
"""Nodes in one document; a lock of 2,000 packages has some 40,000."""
_TYPED = r"""(?x) [-+]? (?: 0[xob][0-9a-fA-F_]+ | (?: [0-9][0-9_]*(?:\.[0-9_]*)? | \.[0-9_]+ )(?:[eE][-+]?[0-9]+)?
    | [0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9_]*)? | (?i:\.inf|\.nan) ) \Z | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2} | True\Z | TRUE\Z
    | False\Z | FALSE\Z | (?i:yes|no|on|off|y|n)\Z"""
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")


class YamlError(ValueError):
    """Text that is not YAML, or that is outside of these bounds. `line` counts from 1."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


@dataclass(frozen=True)
class Scalar:
    """Text of a plain, quoted or block value; empty for nothing (null)."""

    text: str
    line: int
    plain: bool = False
    """Whether it stands without quotes and is no block, so that YAML may mean a number by it."""

    @property
    def is_as_written(self) -> bool:
        """Whether a reader that takes types gives this text back: `2.10` is 2.1 to it, and nothing is no text."""
        if not self.plain:
            return True
        return bool(self.text) and (
            re.fullmatch(AS_WRITTEN, self.text) is not None or re.match(_TYPED, self.text) is None
        )


Node: TypeAlias = "Scalar | list[Node] | dict[str, Node]"


def read_document(text: str, path: str, *, merges: bool = False) -> Node:
    """The one document of a file, as `read_yaml` has it.

    Raises:
        CannotJudge: it is not YAML within bounds; with the file's line.
    """
    try:
        return read_yaml(text, merges=merges)
    except YamlError as error:
        raise CannotJudge(f"this is not YAML: {error.why}", place=f"{path}:{error.line}") from None


def read_documents(text: str, *, merges: bool = False, depth: int = MAX_DEPTH) -> Iterator[Node]:
    """The node of each document of a stream, one after the other; an empty document is an empty scalar.

    Args:
        text: the documents, between `---`.
        merges: as for `read_yaml`.
        depth: levels that a document may have.

    Raises:
        YamlError: as for `read_yaml`, when the document is reached.
    """
    yield from _composed(text, lambda composer: composer.documents(), merges, depth)


def read_yaml(text: str, *, merges: bool = False) -> Node:
    """The one document's node; an empty scalar where there is none.

    Args:
        text: the document.
        merges: whether `<<` merges another mapping, as compose files have it.

    Raises:
        YamlError: it is not YAML, has a second document, a tag of its own or a key that stands twice, or is outside of
            the bounds.
    """
    return next(_composed(text, lambda composer: iter((composer.document(),)), merges, MAX_DEPTH))


def _composed(
    text: str, read: Callable[[_Composer], Iterator[Node]], merges: bool, depth: int
) -> Iterator[Node]:
    import yaml  # 14 ms, for files of conda only

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser is ten times as fast
    try:
        yield from read(_Composer(yaml.parse(text, Loader=loader), merges, depth))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(error.problem or "it is not YAML", mark.line + 1 if mark else 1) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise YamlError("a control character", line) from None
    except yaml.YAMLError:
        raise YamlError("it is not YAML", 1) from None


class _Composer:
    def __init__(self, events: Iterator[Event], merges: bool, depth: int) -> None:
        self._events = events
        self._merges = merges
        self._depth = depth
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._nodes = 0

    def documents(self) -> Iterator[Node]:
        from yaml import events

        for event in self._events:
            if isinstance(event, events.DocumentStartEvent):
                # an anchor is of one document, and so are the bounds
                self._anchors, self._aliases, self._nodes = {}, 0, 0
            elif isinstance(event, events.NodeEvent):
                yield self._node(event, 0)

    def document(self) -> Node:
        from yaml import events

        found: Node | None = None
        for event in self._events:
            if isinstance(event, events.NodeEvent):
                if found is not None:
                    raise YamlError("more than one document", _line(event))
                found = self._node(event, 0)
        return Scalar("", 1) if found is None else found

    def _node(self, event: Event, depth: int) -> Node:
        from yaml import events

        self._nodes += 1
        if depth > self._depth:
            raise YamlError(f"more than {self._depth} levels", _line(event))
        if self._nodes > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values", _line(event))
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        if isinstance(event, events.ScalarEvent):
            return self._anchored(event, _scalar(event))
        assert isinstance(event, (events.SequenceStartEvent, events.MappingStartEvent))
        if event.tag not in (None, "!"):
            raise YamlError(f"cannot tell what the tag {event.tag} means", _line(event))
        # an anchor is known once its node is complete: a node cannot refer to itself
        if isinstance(event, events.SequenceStartEvent):
            return self._anchored(event, self._sequence(depth))
        return self._anchored(event, self._mapping(depth))

    def _sequence(self, depth: int) -> list[Node]:
        from yaml.events import SequenceEndEvent

        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Node]:
        from yaml.events import MappingEndEvent

        mapping: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise YamlError("a key that is no text", _line(event))
            if self._merges and key.text == "<<" and _is_plain(event):
                merged.append(self._node(next(self._events), depth + 1))
                continue
            if key.text in mapping or (key.text == "<<" and _is_plain(event)):
                raise YamlError(f"the key {key.text!r} stands here twice or merges another", _line(event))
            mapping[key.text] = self._node(next(self._events), depth + 1)
        for node in merged:
            for other in node if isinstance(node, list) else [node]:
                if isinstance(other, dict):
                    self._nodes += len(other)
                    mapping = {**other, **mapping}
        return mapping

    def _alias(self, event: NodeEvent) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise YamlError(f"more than {MAX_ALIASES} aliases", _line(event))
        if event.anchor not in self._anchors:
            raise YamlError(f"no anchor {event.anchor!r} before its alias", _line(event))
        return self._anchors[event.anchor]

    def _anchored(self, event: NodeEvent, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def _scalar(event: Event) -> Scalar:
    from yaml.events import ScalarEvent

    assert isinstance(event, ScalarEvent)
    if event.tag not in _TEXT_TAGS:
        raise YamlError(f"cannot tell what the tag {event.tag} means", _line(event))
    is_null = _is_plain(event) and event.tag is None and event.value in ("~", "null", "Null", "NULL")
    return Scalar("" if is_null else event.value, _line(event), _is_plain(event) and event.tag is None)


def _is_plain(event: Event) -> bool:
    return not getattr(event, "style", None)  # None, or "" from libyaml


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
