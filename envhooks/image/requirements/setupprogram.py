"""A setup.py as Python's own parser gives it: lists that stand in it, and files beside whose lines it takes.

Nothing of it is run. A name counts where it is set once, at the top, and nothing can have changed its value.
"""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator

from envhooks.base.dataclass import dataclass

MAX_PROGRAM = 200_000
"""Characters of one setup.py."""
MAX_DEPTH = 20
MAX_WORK = 100_000
"""Expressions, and characters of paths, that are gone through for one program."""
_CHANGES = frozenset(
    ("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault")
)
_ONLY_READ = frozenset(
    (
        "list",
        "tuple",
        "sorted",
        "set",
        "len",
        "print",
        "str",
        "dict",
        "open",
        "join",
        "Path",
        "dirname",
        "abspath",
        "exists",
    )
)


@dataclass(frozen=True)
class Item:
    """One entry of a list: a requirement, or the lines of a file beside."""

    text: str
    line: int
    is_file: bool = False


def parse_program(text: str) -> ast.Module:
    """The program; what Python warns of in it is not this run's.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is none, or too large.
    """
    if len(text) > MAX_PROGRAM:
        raise ValueError("too large")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


class Program:
    """The names of a program that are set once and never changed."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._left = MAX_WORK
        self._values: dict[str, ast.expr] = {}
        self._statements(tree.body)
        stored: dict[str, int] = {}
        self._spoiled: set[str] = set()
        for node in ast.walk(tree):
            for name in _stores(node):
                stored[name] = stored.get(name, 0) + 1
            self._spoiled.update(_changed(node))
        self._spoiled.update(name for name, count in stored.items() if count > 1)

    def _statements(self, body: list[ast.stmt]) -> None:
        for one in body:
            if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
                self._values[one.targets[0].id] = one.value
            elif (
                isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None
            ):
                self._values[one.target.id] = one.value
            elif isinstance(one, ast.With):
                handles = {
                    item.optional_vars.id: item.context_expr
                    for item in one.items
                    if isinstance(item.optional_vars, ast.Name)
                }
                for inner in one.body:
                    if isinstance(inner, ast.Assign):
                        inner.value = _Inlined(handles).visit(inner.value)
                self._statements(one.body)

    def setup(self) -> dict[str, ast.expr]:
        """The named arguments of the one call of setup().

        Raises:
            ValueError: there is not exactly one, or it takes arguments that do not stand there.
        """
        calls = [
            node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and _called(node) == "setup"
        ]
        if len(calls) != 1:
            raise ValueError("not one call")
        given = {one.arg: one.value for one in calls[0].keywords if one.arg}
        if len(given) != len(calls[0].keywords) and "install_requires" not in given:
            raise ValueError("its arguments do not stand there")
        return given

    def table(self, node: ast.expr) -> dict[str, list[Item]] | None:
        """Extra -> its entries; None where they are computed. Raises `ValueError` as `items` does."""
        node = self._named(node)
        if not isinstance(node, ast.Dict):
            return None
        out: dict[str, list[Item]] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            items = self.items(value)
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or items is None:
                return None
            out[key.value] = items
        return out

    def items(self, node: ast.expr, depth: int = 0) -> list[Item] | None:
        """The entries of a list; None where they are computed.

        Raises:
            ValueError: names that stand on each other many times over make it too much.
        """
        self._spend(1)
        node = self._named(node)
        if depth > MAX_DEPTH:
            return None
        if isinstance(node, ast.List | ast.Tuple):
            found = [one for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            return (
                [Item(str(one.value), one.lineno) for one in found] if len(found) == len(node.elts) else None
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.items(node.left, depth + 1), self.items(node.right, depth + 1)
            return None if left is None or right is None else left + right
        name = self._lines(node)
        return None if name is None else [Item(name, node.lineno, True)]

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise ValueError("too much")

    def _named(self, node: ast.expr) -> ast.expr:
        for _ in range(MAX_DEPTH):
            if not isinstance(node, ast.Name) or node.id in self._spoiled or node.id not in self._values:
                return node
            node = self._values[node.id]
        return node

    def _lines(self, node: ast.expr) -> str | None:
        """The file beside whose lines an expression gives: `open(X).read().splitlines()`."""
        if isinstance(node, ast.ListComp) and len(node.generators) == 1:
            return self._filtered(node)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        method, whole = node.func.attr, node.func.value
        if method == "readlines" and not node.args:
            return self._opened(whole)
        line_end = [one.value for one in node.args if isinstance(one, ast.Constant)]
        if not (method == "splitlines" or (method == "split" and line_end == ["\n"])):
            return None
        whole = self._named(whole)
        if (
            isinstance(whole, ast.Call)
            and _called(whole) == "strip"
            and isinstance(whole.func, ast.Attribute)
        ):
            whole = whole.func.value
        if not isinstance(whole, ast.Call) or not isinstance(whole.func, ast.Attribute):
            return None
        if whole.func.attr == "read" and not whole.args:
            return self._opened(whole.func.value)
        return self._path(whole.func.value) if whole.func.attr == "read_text" else None

    def _filtered(self, node: ast.ListComp) -> str | None:
        """`[line.strip() for line in open(X) if line and not line.startswith("#")]`."""
        (part,) = node.generators
        if not isinstance(part.target, ast.Name) or any(
            isinstance(one, ast.Constant)
            and re.search("[A-Za-z]", str(one.value))
            and one.value not in (True, False)
            for test in part.ifs
            for one in ast.walk(test)
        ):
            return None
        own = node.elt
        if isinstance(own, ast.Call) and _called(own) in ("strip", "rstrip") and not own.args:
            own = own.func.value if isinstance(own.func, ast.Attribute) else own
        if not isinstance(own, ast.Name) or own.id != part.target.id:
            return None
        return self._lines(part.iter) or self._opened(part.iter)

    def _opened(self, node: ast.expr) -> str | None:
        if not isinstance(node, ast.Call) or _called(node) != "open":
            return None
        if isinstance(node.func, ast.Attribute) and not node.args:
            return self._path(node.func.value)
        return self._path(node.args[0]) if node.args else None

    def _path(self, node: ast.expr, depth: int = 0) -> str | None:
        """A path beside the program: `"requirements.txt"`, `os.path.join(here, "requirements.txt")`, `HERE / "x"`."""
        self._spend(1)
        node = self._named(node)
        if depth > MAX_DEPTH:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Call) and _called(node) in ("Path", "PurePath") and len(node.args) == 1:
            return self._path(node.args[0], depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and _called(node) == "join":
            parts = list(node.args)
        else:
            return None
        if parts and self._is_own_folder(parts[0]):
            parts = parts[1:]
        texts = [self._path(one, depth + 1) for one in parts]
        if not texts or None in texts:
            return None
        joined = posixpath.join(*(text or "" for text in texts))
        self._spend(len(joined))
        return joined

    def _is_own_folder(self, node: ast.expr) -> bool:
        """`os.path.dirname(__file__)`, `Path(__file__).parent`, or a name of it."""
        inside = list(ast.walk(self._named(node)))
        ups = [
            one for one in inside
            if isinstance(one, ast.Attribute) and one.attr in ("dirname", "parent", "parents", "pardir")
        ]  # fmt: skip
        own = any(isinstance(one, ast.Name) and one.id == "__file__" for one in inside)
        texts = any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in inside)
        bare = sum(isinstance(one, ast.Name) and one.id == "dirname" for one in inside)
        return own and not texts and len(ups) + bare == 1


class _Inlined(ast.NodeTransformer):
    """Puts what a `with` opens in the place of its name: one name may stand for several files in turn."""

    def __init__(self, handles: dict[str, ast.expr]) -> None:
        self._handles = handles

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """One name."""
        return self._handles.get(node.id, node)


def _called(node: ast.Call) -> str:
    """The name of what is called, without what it is of."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _stores(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]


def _changed(node: ast.AST) -> Iterator[str]:
    """Names whose values a part of a program may change."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in _CHANGES:
        yield node.value.id
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.value.id
    elif isinstance(node, ast.Call) and _called(node) not in _ONLY_READ:
        yield from (one.id for one in node.args if isinstance(one, ast.Name))
