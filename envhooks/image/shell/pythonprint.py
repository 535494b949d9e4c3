"""`python -c "print(...)"` over literals: text methods, parts, choices and plain assignments, and nothing else."""

from __future__ import annotations

import ast

MAX_TEXT = 4096
MAX_SCRIPT = 500
MAX_STATEMENTS = 10
_METHODS = frozenset(
    ("split", "join", "replace", "strip", "lstrip", "rstrip", "lower", "upper", "rpartition", "partition")
)
_HARMLESS = frozenset(("sys", "os", "re", "platform"))
"""Modules whose import prints nothing."""


def printed(script: str) -> str | None:
    """What a script prints with one `print` at its end; None where that is not known."""
    if len(script) > MAX_SCRIPT:
        return None
    try:
        body = ast.parse(script.strip()).body
        if not body or len(body) > MAX_STATEMENTS:
            return None
        names: dict[str, object] = {}
        for statement in body[:-1]:
            _assigned(statement, names)
        last = body[-1]
        call = last.value if isinstance(last, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "print":
            return None
        if len(call.args) != 1 or call.keywords or "print" in names:
            return None
        value = _value(call.args[0], names)
    except (SyntaxError, ValueError, TypeError, IndexError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, str) else str(value) if type(value) is int else None


def _assigned(statement: ast.stmt, names: dict[str, object]) -> None:
    """Take `name = value` or an import.

    Raises:
        ValueError: it is any other statement.
    """
    if isinstance(statement, ast.Import):
        if {one.name for one in statement.names} <= _HARMLESS and not any(
            one.asname for one in statement.names
        ):
            return
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            names[target.id] = _value(statement.value, names)
            return
    raise ValueError("a statement that is not followed")


def _value(node: ast.expr, names: dict[str, object]) -> object:
    """The value of an expression.

    Raises:
        ValueError, TypeError, IndexError: it is none of the few that are followed, or grows.
    """
    value: object
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        return node.value
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, names) else node.orelse, names)
    if isinstance(node, ast.Compare):
        return _compared(node, names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _value(node.left, names), _value(node.right, names)
        if not (isinstance(left, str) and isinstance(right, str)):
            raise ValueError("only text is put together")
        value = left + right
    elif isinstance(node, ast.JoinedStr):
        value = "".join(_shown(one, names) for one in node.values)
    elif isinstance(node, ast.Subscript):
        value = _part(node, names)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
        whole, method = _value(node.func.value, names), node.func.attr
        if not isinstance(whole, str) or method not in _METHODS:
            raise ValueError("a method that is not followed")
        value = getattr(whole, method)(*(_value(one, names) for one in node.args))
    else:
        raise ValueError("not followed")
    if isinstance(value, str | list) and len(value) > MAX_TEXT:
        raise ValueError("it grows")
    return value


def _shown(node: ast.expr, names: dict[str, object]) -> str:
    """One piece of an f-string."""
    if isinstance(node, ast.FormattedValue):
        if node.format_spec is not None or node.conversion != -1:
            raise ValueError("a format")
        value = _value(node.value, names)
    else:
        value = _value(node, names)
    if not isinstance(value, str) and type(value) is not int:
        raise ValueError("not text")
    return str(value)


def _compared(node: ast.Compare, names: dict[str, object]) -> bool:
    """`==`, `!=` and `in` of texts and numbers."""
    if len(node.ops) != 1:
        raise ValueError("a chain")
    left, right, sign = _value(node.left, names), _value(node.comparators[0], names), node.ops[0]
    if type(left) is not type(right) or not isinstance(left, str | int):
        raise ValueError("not followed")
    if isinstance(sign, ast.Eq | ast.NotEq):
        return (left == right) == isinstance(sign, ast.Eq)
    if isinstance(sign, ast.In | ast.NotIn) and isinstance(left, str) and isinstance(right, str):
        return (left in right) == isinstance(sign, ast.In)
    raise ValueError("not followed")


def _part(node: ast.Subscript, names: dict[str, object]) -> object:
    whole, part = _value(node.value, names), node.slice
    if not isinstance(whole, str | list | tuple):
        raise ValueError("no part of it")
    if not isinstance(part, ast.Slice):
        return whole[_index(part, names)]
    start, stop = (None if one is None else _index(one, names) for one in (part.lower, part.upper))
    if part.step is not None:
        raise ValueError("not followed")
    return whole[start:stop]


def _index(node: ast.expr, names: dict[str, object]) -> int:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    value = _value(node.operand if isinstance(node, ast.UnaryOp) and negative else node, names)
    if type(value) is not int:
        raise ValueError("no number")
    return -value if negative else value
