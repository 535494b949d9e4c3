"""Files of the build context by their paths inside an image while it is built.

Only what COPY, ADD, inline documents and bind mounts bring is known. A file that a RUN changes is
spoiled: what it then holds is not known, and nothing is read from it any more.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.image.files import Files
from envhooks.image.text import unknown

if TYPE_CHECKING:
    from envhooks.image.ignorefile import IgnoreFile

_GLOB = r"[*?\[]"
_NEVER_ASKED = (
    ".deb", ".rpm", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".run", ".whl", ".so", ".pt", ".pth", ".onnx",
)  # fmt: skip
"""Ends of files that no install reads as text; a context may hold some of any size."""
MAX_MATCHES = 200


@dataclass(frozen=True)
class Found:
    """One file inside the image."""

    data: bytes
    path: str
    """Its path in the tree that is judged, for a Place."""
    line: int = 0
    """Line of `path` before its first line: 0 for a whole file, more for an inline document."""


@dataclass(frozen=True)
class _Layer:
    sources: tuple[str, ...]
    target: str
    of: ContainerFiles | None
    """The stage that the sources are taken from; None: the build context."""
    excludes: tuple[str, ...] = ()
    parents: bool = False
    inline: Found | None = None
    spoiled: str = ""
    tree: bool = False
    """Whether what is spoiled goes for everything below, too."""


def _component_match(pattern: str, name: str) -> bool:
    """Go's filepath.Match for one path component, without its character classes' finer points."""
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern.replace("[^", "[!"))


class ContainerFiles:
    """The files of one stage at one moment."""

    def __init__(
        self, files: Files, context: str, spend: Callable[[int], None], ignore: IgnoreFile | None = None
    ) -> None:
        self._files = files
        self._context = context
        self._spend = spend
        self._ignore = ignore
        self._layers: list[_Layer] = []

    def copy(self) -> ContainerFiles:
        """The same files, to be changed on their own."""
        other = ContainerFiles(self._files, self._context, self._spend, self._ignore)
        self._spend(len(self._layers))
        other._layers = list(self._layers)
        return other

    def work(self, amount: int) -> None:
        """Count work that the content of a file makes, within the budget of the Dockerfile."""
        self._spend(amount)

    # ---------------------------------------------------------------- changes

    def add(
        self,
        sources: Iterable[str],
        target: str,
        *,
        of: ContainerFiles | None = None,
        excludes: tuple[str, ...] = (),
        parents: bool = False,
    ) -> None:
        """COPY: paths of the context (or absolute ones of another stage) to an absolute path."""
        self._layers.append(_Layer(tuple(sources), target, of, excludes, parents))

    def write(self, target: str, found: Found) -> None:
        """An inline document at a path."""
        self._layers.append(_Layer((), target, None, inline=found))

    def spoil(self, target: str, why: str, *, tree: bool = False) -> None:
        """Mark the content at `target` as unknown from here on."""
        self._layers.append(_Layer((), target, None, spoiled=why, tree=tree))

    # ---------------------------------------------------------------- reading

    def find(self, path: str) -> Found | str | None:
        """The file at an absolute path; a reason where it is spoiled; None where nothing brought it.

        Raises:
            CannotJudge: as for Files.read.
        """
        for layer in reversed(self._layers):
            self._spend(1)
            if layer.spoiled:
                if path == layer.target or (layer.tree and path.startswith(layer.target.rstrip("/") + "/")):
                    return layer.spoiled
            elif layer.inline is not None:
                if path == layer.target:
                    return layer.inline
            else:
                found = self._from_layer(layer, path)
                if found is not None:
                    return found
        return None

    def _from_layer(self, layer: _Layer, path: str) -> Found | str | None:
        target = layer.target.rstrip("/")
        if path != target and not path.startswith(f"{target}/"):
            return None
        rest = path[len(target) + 1 :]
        for source in reversed(layer.sources):
            for candidate in self._candidates(source, rest, layer):
                if any(
                    _component_match(pattern, posixpath.basename(candidate)) for pattern in layer.excludes
                ):
                    continue
                if unknown(candidate):
                    return "what is copied to its place is not known"
                found = layer.of.find(candidate) if layer.of is not None else self._read(candidate)
                if found is not None:
                    return found
        return None

    def _candidates(self, source: str, rest: str, layer: _Layer) -> list[str]:
        """Paths at the source that could stand at `rest` below the target."""
        if layer.parents:
            base = source.partition("/./")[2] or source
            clean = base.strip("/")
            if rest == clean or rest.startswith(f"{clean}/") or clean in (".", ""):
                prefix = source.partition("/./")[0] if "/./" in source else ""
                return [posixpath.normpath(posixpath.join(prefix, rest))]
            return []
        out: list[str] = []
        for one in self._globbed(source, layer.of):
            name = posixpath.basename(one)
            if not rest:
                out.append(one)  # a file to a path
                continue
            if rest == name:
                out.append(one)  # a file into a folder
            out.append(posixpath.normpath(posixpath.join(one, rest)))  # a folder's contents
        return out

    def _globbed(self, source: str, of: ContainerFiles | None) -> list[str]:
        if not re.search(_GLOB, source) or of is not None or unknown(source):
            return [source]
        found = ["."]
        for part in source.strip("/").split("/"):
            following: list[str] = []
            for folder in found:
                if not re.search(_GLOB, part):
                    following.append(posixpath.normpath(posixpath.join(folder, part)))
                    continue
                names = self._files.list(posixpath.normpath(posixpath.join(self._context, folder)))
                self._spend(10 * len(names))
                following += [posixpath.join(folder, name) for name in names if _component_match(part, name)]
            found = following[:MAX_MATCHES]
        return found

    def _read(self, candidate: str) -> Found | str | None:
        """A file of the context; a path cannot climb out of it, whatever it says."""
        clean = posixpath.normpath("/" + candidate).lstrip("/") or "."
        path = posixpath.normpath(posixpath.join(self._context, clean))
        data = self._files.read(path)
        self._spend(200 + len(data or b"") // 8)
        if data is not None and self._ignore is not None:
            left_out = self._ignore.leaves_out(clean)
            if left_out is None:
                return f"what {self._ignore.path} leaves out of the build context is not known"
            if left_out:
                return None
        return None if data is None else Found(data, path)

    def why_absent(self, path: str) -> str:
        """Why nothing brought a file to an absolute path."""
        ignore, self._ignore = self._ignore, None
        try:
            found = None if ignore is None or unknown(path) else self.find(path)
        finally:
            self._ignore = ignore
        if ignore is not None and isinstance(found, Found):
            return f"{ignore.path} leaves {found.path} out of the build context"
        return "no COPY or ADD brought it from the context"

    def namesake(self, path: str) -> Found | None:
        """The context's or the tree's file that `path` ends like, where nothing brought `path` itself.

        An image that clones its own repository has the file of another commit there.
        """
        parts = path.strip("/").split("/")[-4:]
        for start in range(len(parts)):
            for top in dict.fromkeys((self._context, ".")):
                self._spend(200)
                name = posixpath.normpath(posixpath.join(top, *parts[start:]))
                data = None if name.startswith("..") or unknown(name) else self._files.read(name)
                if data is not None:
                    return Found(data, name)
        return None

    def is_clone(self, folder: str) -> bool:
        """Whether a folder that nothing here brought is called as this repository's own package is."""
        name = posixpath.basename(folder.rstrip("/")).lower().replace("-", "_")
        tops = (*self._files.list("."), *self._files.list("src"))
        self._spend(10 * len(tops))
        return bool(name) and not unknown(name) and name in {one.lower().replace("-", "_") for one in tops}

    def matches(self, pattern: str) -> list[str]:
        """Absolute paths of files that a shell pattern in the last component could mean."""
        folder, _, last = pattern.rpartition("/")
        names = dict.fromkeys(name for name in self.names(folder or "/") if _component_match(last, name))
        return [posixpath.join(folder or "/", name) for name in names]

    def names(self, folder: str) -> list[str]:
        """Names that context folders brought to a folder of the image; spoiled ones included."""
        out: dict[str, None] = {}
        for layer in self._layers:
            self._spend(1)
            if layer.spoiled or layer.inline is not None or layer.of is not None:
                continue
            target = layer.target.rstrip("/")
            for source in layer.sources:
                for one in self._globbed(source, None):
                    if unknown(one) or unknown(folder):
                        continue  # nothing of the tree has such a path
                    if folder == target:
                        out[posixpath.basename(one)] = None
                    if folder == target or folder.startswith(f"{target}/"):
                        inner = posixpath.normpath("/" + posixpath.join(one, folder[len(target) + 1 :]))
                        listed = self._files.list(
                            posixpath.normpath(posixpath.join(self._context, inner.lstrip("/") or "."))
                        )
                        self._spend(10 * len(listed))
                        out.update(dict.fromkeys(listed))
        return list(out)

    def known(self, path: str) -> bool:
        """Whether something (spoiled or not) is known to be at the path."""
        return not unknown(path) and not path.endswith(_NEVER_ASKED) and self.find(path) is not None
