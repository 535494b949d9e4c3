"""File tree of an image, as its layers leave it: only files that state the installed packages are kept.

Layers are laid over each other as the image specification says: a whiteout hides what lower layers have, whatever its
place in its own layer; a file, link or folder of another kind replaces what was there. A path that leads through a link
of a lower layer is followed inside of the image, as containerd and docker do when they unpack.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.builds.imagefiles.limits import Limits, Unreadable

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_MAX_LINKS = 40  # as Linux
_MAX_DEPTH = 256
_MAX_PATH = 4096


class Node:
    """A folder, a link, or a file whose content is known."""

    __slots__ = ("children", "data", "layer", "link")

    def __init__(
        self,
        layer: int,
        *,
        children: dict[str, Node] | None = None,
        link: str | None = None,
        data: bytes | None = None,
    ) -> None:
        """A node that this layer wrote; `children` for a folder, `link` for a link, else a file."""
        self.layer = layer
        self.children = children
        self.link = link
        self.data = data
        """Stored bytes of a file; None where they could not be read."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.children is None and self.link is None


class Tree:
    """The kept part of an image's file system."""

    def __init__(self, limits: Limits) -> None:
        """An empty one."""
        self.root = Node(0, children={})
        self._limits = limits
        self._hidden: set[tuple[str, ...]] = set()
        self._layer = 0

    # ------------------------------------------------------------------------------------ writing

    def begin_layer(self) -> None:
        """Begin the next layer: all entries from here on belong to it."""
        self._layer += 1
        self._hidden = set()

    def hide(self, parts: tuple[str, ...], *, inside: bool) -> None:
        """A whiteout: of the thing itself, or of all that a folder holds."""
        if not parts:
            self._prune_once(parts, self.root)
            return
        parent = self._parent(parts, make=False)
        node = parent.children.get(parts[-1]) if parent is not None and parent.children else None
        if node is None or parent is None or parent.children is None:
            return
        if node.children is not None:
            self._prune_once(parts, node)
            if not inside and not node.children:
                del parent.children[parts[-1]]
        elif not inside and node.layer < self._layer:
            del parent.children[parts[-1]]

    def _prune_once(self, parts: tuple[str, ...], folder: Node) -> None:
        # a second whiteout in the same layer finds nothing of lower ones, and a million of them would take long
        if parts not in self._hidden:
            self._hidden.add(parts)
            self._prune(folder)

    def _prune(self, folder: Node) -> None:
        """Drop what lower layers put into a folder."""
        assert folder.children is not None
        for name, node in list(folder.children.items()):
            if node.children is not None:
                self._prune(node)
                if not node.children:
                    del folder.children[name]
            elif node.layer < self._layer:
                del folder.children[name]

    def put_folder(self, parts: tuple[str, ...]) -> None:
        """A folder: it replaces a link or a file, and leaves a folder as it is."""
        found = self._parent(parts, make=False) if parts else None
        if found is None or found.children is None:
            return
        node = found.children.get(parts[-1])
        if node is not None and node.children is None:
            del found.children[parts[-1]]

    def put_other(self, parts: tuple[str, ...]) -> None:
        """Put a file without content; it replaces the entry at its path."""
        found = self._parent(parts, make=False) if parts else None
        if found is not None and found.children is not None:
            found.children.pop(parts[-1], None)

    def put_link(self, parts: tuple[str, ...], target: str) -> None:
        """A symbolic link."""
        self._put(parts, Node(self._layer, link=target), len(target))

    def put_file(self, parts: tuple[str, ...], data: bytes | None) -> None:
        """A file with what is kept of it."""
        self._put(parts, Node(self._layer, data=data), len(data or b""))

    def _put(self, parts: tuple[str, ...], node: Node, size: int) -> None:
        if not parts:
            raise Unreadable("a layer has a file in place of the root folder")
        self._limits.keep(size)
        parent = self._parent(parts, make=True)
        assert parent is not None and parent.children is not None
        parent.children[parts[-1]] = node

    def _parent(self, parts: tuple[str, ...], *, make: bool) -> Node | None:
        """The folder that holds a path, through links; None where it is not there and not to be made."""
        node = self.root
        for name in parts[:-1]:
            assert node.children is not None
            child = node.children.get(name)
            if child is not None and child.link is not None:
                real = self._resolved(parts[:-1])
                if real is not None:
                    return self._parent((*real, parts[-1]), make=make)
                return self._made(parts) if make else None
            if child is None or child.is_file:
                if not make:
                    return None
                self._limits.keep(0)
                child = node.children[name] = Node(self._layer, children={})
            node = child
        return node

    def _made(self, parts: tuple[str, ...]) -> Node:
        """The folder where a link leads round in circles: its place is taken by a folder of that name."""
        node = self.root
        for name in parts[:-1]:
            assert node.children is not None
            child = node.children.get(name)
            if child is None or child.children is None:
                self._limits.keep(0)
                child = node.children[name] = Node(self._layer, children={})
            node = child
        return node

    # ------------------------------------------------------------------------------------ reading

    def _resolved(self, parts: tuple[str, ...]) -> tuple[str, ...] | None:
        """Path with every link followed, whether it exists or not; None for a circle of links."""
        left = list(reversed(parts))
        done: list[str] = []
        nodes: list[Node | None] = [self.root]
        links = 0
        while left:
            name = left.pop()
            if name == "..":
                if done:
                    done.pop()
                    nodes.pop()
                continue
            here = nodes[-1]
            child = here.children.get(name) if here is not None and here.children is not None else None
            if child is not None and child.link is not None:
                links += 1
                if links > _MAX_LINKS:
                    return None
                if child.link.startswith("/"):
                    done, nodes = [], [self.root]
                left += reversed(_words(child.link))
                if len(left) > _MAX_DEPTH:
                    return None
                continue
            done.append(name)
            nodes.append(child)
        return tuple(done)

    def resolve(self, path: str) -> str | None:
        """The path without links that this one leads to; None for a circle."""
        found = self._resolved(tuple(_words(path)))
        return None if found is None else "/" + "/".join(found)

    def at(self, path: str, *, follow: bool = True) -> Node | None:
        """Node at a path, None where there is none; `follow`: of the target, where the path itself is a link."""
        parts = tuple(_words(path))
        if not parts:
            return self.root
        if not follow:
            start = self._resolved(parts[:-1])
            found = None if start is None else (*start, parts[-1])
        else:
            found = self._resolved(parts)
        node: Node | None = self.root
        for name in found or ():
            node = node.children.get(name) if node is not None and node.children is not None else None
        return node if found is not None else None

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a folder, sorted; empty where there is no such folder."""
        node = self.at(path)
        return tuple(sorted(node.children)) if node is not None and node.children is not None else ()

    def read(self, path: str) -> bytes | None:
        """Stored bytes of a file; None where there is no such file, or its bytes are not stored."""
        node = self.at(path)
        return node.data if node is not None and node.is_file else None

    def folders(self, name: str) -> Iterator[str]:
        """Paths of all folders of this name; a link to one is not gone through."""
        stack = [("", self.root)]
        while stack:
            path, node = stack.pop()
            for child_name, child in (node.children or {}).items():
                if child.children is None:
                    continue
                where = f"{path}/{child_name}"
                if child_name == name:
                    yield where
                stack.append((where, child))

    def paths(self) -> Iterator[tuple[str, str]]:
        """(path, name) of every file that is kept."""
        stack = [("", self.root)]
        while stack:
            path, node = stack.pop()
            for name, child in (node.children or {}).items():
                if child.children is not None:
                    stack.append((f"{path}/{name}", child))
                elif child.is_file:
                    yield f"{path}/{name}", name


def split(path: str) -> tuple[str, ...]:
    """The names of an entry's path below the root, `.` and `..` worked out.

    Raises:
        Unreadable: it is longer or deeper than a path can be.
    """
    if len(path) > _MAX_PATH:
        raise Unreadable(f"a layer has a path of {len(path)} characters")
    parts: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del parts[-1:]
        elif name not in ("", "."):
            parts.append(name)
    if len(parts) > _MAX_DEPTH:
        raise Unreadable(f"a layer has folders nested more than {_MAX_DEPTH} deep")
    return tuple(parts)


def _words(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]
