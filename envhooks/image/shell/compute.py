"""Words that the shell computes by simple means: `$(echo "$V" | cut -d. -f1,2)`, `$(python -c "print(...)")`.

Nothing is run. What such a pipeline gives is worked out where it is made of `echo`, `printf`, `cut`, `tr`, `sed`, `awk`
and Python's `print` over text that is known, in their plainest forms; anything else stays unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

from envhooks.image.shell.scan import Command, Event
from envhooks.image.text import unknown

MAX_STEPS = 6
MAX_TEXT = 4096
_NUMBERS = r"(?:[0-9]{1,3}(?:-[0-9]{0,3})?|-[0-9]{1,3})(?:,(?:[0-9]{1,3}(?:-[0-9]{0,3})?|-[0-9]{1,3}))*"
_PLAIN_RE = r"\^?(?:[A-Za-z0-9_+,@:=~ /-]|\\[./])+\$?"
_AWK = r"\{\s*print\s+((?:\$[0-9]{1,2}|\"[^\"\\]*\")(?:\s*(?:\$[0-9]{1,2}|\"[^\"\\]*\"))*)\s*;?\s*\}"
_RANGES = {"[:upper:]": "[:lower:]", "[:lower:]": "[:upper:]", "A-Z": "a-z", "a-z": "A-Z"}
_METHODS = frozenset(
    ("split", "join", "replace", "strip", "lstrip", "rstrip", "lower", "upper", "rpartition", "partition")
)


def compute(
    events: Sequence[Event], fields: Callable[[str], list[str]], text: Callable[[str], str]
) -> str | None:
    """What a command substitution of these events gives; None where that is not known.

    Args:
        events: of the text inside, as `parse` gives them.
        fields: a word as it stands -> the arguments that it becomes.
        text: a word as it stands -> the one text that it becomes.
    """
    if not 0 < len(events) <= MAX_STEPS:
        return None
    value: str | None = None
    for index, event in enumerate(events):
        if not isinstance(event, Command) or event.fed != bool(index) or event.arm is not None:
            return None
        args = [one for word in event.words for one in fields(word.text)]
        for redirect in event.redirects:
            if redirect.sign == "<<<" and not index:
                value = text(redirect.target)
            elif (redirect.sign, redirect.target) != (">", "/dev/null") or index + 1 < len(events):
                return None
        if not args or any(unknown(one) for one in (*args, value or "")):
            return None
        value = _step(args, value)
        if value is None or len(value) > MAX_TEXT:
            return None
    return None if value is None else value.rstrip("\n")


def _step(args: Sequence[str], value: str | None) -> str | None:
    program, rest = args[0].rpartition("/")[2], list(args[1:])
    if program == "echo":
        words = rest[1:] if rest[:1] == ["-n"] else rest
        return None if any(one.startswith("-") or "\\" in one for one in words[:1]) else " ".join(words)
    if program == "printf":
        if len(rest) == 2 and rest[0] in ("%s", "%s\\n"):
            return rest[1]
        return rest[0] if len(rest) == 1 and not re.search(r"[%\\]", rest[0]) else None
    if re.fullmatch(r"python[0-9.]*", program):
        return _python(rest[1]) if rest[:1] == ["-c"] and len(rest) == 2 else None
    if value is None or "\n" in value.rstrip("\n"):
        return None
    steps: dict[str, Callable[[Sequence[str], str], str | None]]
    steps = {"cut": _cut, "tr": _tr, "sed": _sed, "awk": _awk}
    step = steps.get(program)
    return step(rest, value.rstrip("\n")) if step else None


def _options(args: Sequence[str], wanted: str, long: dict[str, str]) -> dict[str, str] | None:
    """Options that each take a value, in every spelling; None where there is anything else."""
    found: dict[str, str] = {}
    rest = iter(args)
    for arg in rest:
        name, sign, value = arg.partition("=")
        if name in long and sign:
            found[long[name]] = value
        elif len(arg) > 1 and arg[0] == "-" and arg[1] in wanted:
            found[arg[1]] = arg[2:] or next(rest, "")
        else:
            return None
    return found


def _cut(args: Sequence[str], value: str) -> str | None:
    options = _options(args, "dfc", {"--delimiter": "d", "--fields": "f", "--characters": "c"})
    if options is None or ("f" in options) == ("c" in options):
        return None
    chosen = options.get("f") or options.get("c", "")
    sign = options.get("d", "\t")
    if not re.fullmatch(_NUMBERS, chosen) or len(sign) != 1:
        return None
    parts = list(value) if "c" in options else value.split(sign)
    if "f" in options and len(parts) == 1:
        return value
    wanted: set[int] = set()
    for one in chosen.split(","):
        first, dash, last = one.partition("-")
        end = int(last) if last else len(parts) if dash else int(first)
        wanted |= set(range(int(first or 1), min(end, len(parts)) + 1))
    return ("" if "c" in options else sign).join(
        part for number, part in enumerate(parts, 1) if number in wanted
    )


def _tr(args: Sequence[str], value: str) -> str | None:
    if len(args) != 2:
        return None
    if args[0] in ("-d", "--delete"):
        signs = args[1].replace("\\n", "")
        return None if re.search(r"[\[\]\\-]", signs) else "".join(one for one in value if one not in signs)
    old, new = args
    if _RANGES.get(old) is not None and new in (_RANGES[old],):
        return value.lower() if old in ("[:upper:]", "A-Z") else value.upper()
    if re.search(r"[\[\]\\]|.-.", old + new) or len(old) != len(new):
        return None
    return value.translate(str.maketrans(old, new))


def _sed(args: Sequence[str], value: str) -> str | None:
    words = [one for one in args if one not in ("-e", "-E", "-r")]
    if len(words) != 1 or len(words[0]) < 4 or words[0][0] != "s":
        return None
    sign = words[0][1]
    if sign not in "/|#,:@" or "\\" + sign in words[0]:
        return None
    parts = words[0][2:].split(sign)
    if len(parts) != 3 or parts[2] not in ("", "g"):
        return None
    old, new, flags = parts
    if not re.fullmatch(_PLAIN_RE, old) or re.search(r"[\\&]", new) or ("+" in old and words != list(args)):
        return None
    return re.sub(old.replace("+", r"\+"), new, value, count=0 if flags == "g" else 1)


def _awk(args: Sequence[str], value: str) -> str | None:
    words = list(args)
    sign = " "
    if words and words[0].startswith("-F"):
        sign = words.pop(0)[2:] or (words.pop(0) if words else "")
    match = re.fullmatch(_AWK, words[0]) if len(words) == 1 else None
    if match is None or not re.fullmatch(r"[.,:/+_ -]", sign):
        return None
    parts = value.split() if sign == " " else value.split(sign)
    out = ""
    for number, literal in re.findall(r"\$([0-9]{1,2})|\"([^\"]*)\"", match.group(1)):
        index = int(number) if number else -1
        out += (
            literal if not number else value if not index else parts[index - 1] if index <= len(parts) else ""
        )
    return out


def _python(text: str) -> str | None:
    """`print(...)` of text methods over literals."""
    if len(text) > 500:
        return None
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "print":
            return None
        if len(call.args) != 1 or call.keywords:
            return None
        value = _literal(call.args[0])
    except (SyntaxError, ValueError, TypeError, IndexError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, str) else str(value) if type(value) is int else None


def _literal(node: ast.expr) -> object:
    """The value of an expression.

    Raises:
        ValueError, TypeError, IndexError: it is none of the few that are followed, or grows.
    """
    value: object
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        return node.value
    if isinstance(node, ast.IfExp):
        return _literal(node.body if _literal(node.test) else node.orelse)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal(node.left), _literal(node.right)
        if not (isinstance(left, str) and isinstance(right, str)):
            raise ValueError("only text is put together")
        value = left + right
    elif isinstance(node, ast.Subscript):
        whole = _literal(node.value)
        part = node.slice
        if not isinstance(whole, str | list | tuple):
            raise ValueError("no part of it")
        if isinstance(part, ast.Slice):
            start, stop = (None if one is None else _index(one) for one in (part.lower, part.upper))
            if part.step is not None:
                raise ValueError("not followed")
            value = whole[start:stop]
        else:
            value = whole[_index(part)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
        whole, method = _literal(node.func.value), node.func.attr
        if not isinstance(whole, str) or method not in _METHODS:
            raise ValueError("a method that is not followed")
        value = getattr(whole, method)(*(_literal(one) for one in node.args))
    else:
        raise ValueError("not followed")
    if isinstance(value, str | list) and len(value) > MAX_TEXT:
        raise ValueError("it grows")
    return value


def _index(node: ast.expr) -> int:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    value = _literal(node.operand if isinstance(node, ast.UnaryOp) else node)
    if type(value) is not int:
        raise ValueError("no number")
    return -value if negative else value
