"""Words that the shell computes by simple means: `$(echo "$V" | cut -d. -f1,2)`, `$(python -c "print(...)")`.

Nothing is run. What such a pipeline gives is worked out where it is made of `echo`, `printf`, `cut`, `tr`, `sed`,
`awk`, their like and Python's `print` over text that is known, in their plainest forms; anything else stays unknown.
A test compares each form with what the programs themselves give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from envhooks.image.shell.branches import Arms
from envhooks.image.shell.scan import Arm, Command, Script, Words
from envhooks.image.text import unknown

MAX_STEPS = 12
MAX_TEXT = 4096
_NUMBERS = r"(?:[0-9]{1,3}(?:-[0-9]{0,3})?|-[0-9]{1,3})(?:,(?:[0-9]{1,3}(?:-[0-9]{0,3})?|-[0-9]{1,3}))*"
_RANGES = {"[:upper:]": "[:lower:]", "[:lower:]": "[:upper:]", "A-Z": "a-z", "a-z": "A-Z"}
_SETS = {
    "0-9": "0123456789",
    "[:digit:]": "0123456789",
    "[:punct:]": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "[:space:]": " \t\n\r\v\f",
    "[:blank:]": " \t",
}
"""Sets of `tr` that mean the same in every locale."""


def compute(script: Script, expander: Words) -> str | None:
    """What a command substitution of this text gives; None where that is not known."""
    if script.fault or not 0 < len(script.events) <= MAX_STEPS:
        return None
    asked = {
        at
        for one in script.events
        if isinstance(one, Arm) and one.kind == "then"
        for at in range(*one.condition)
    }
    arms = Arms(script, expander)
    outputs: list[str] = []
    value: str | None = None
    for index, event in enumerate(script.events):
        if isinstance(event, Arm):
            arms.enter(event)
            continue
        if not isinstance(event, Command) or event.joined == "{":
            return None
        if index in asked:
            continue  # its arms ask it
        taken = event if event.fed else arms.taken(index, event)
        if taken is None and event.piped:
            return None
        if taken is None:
            continue
        if not (taken.certain or event.fed):
            return None
        if event.words and event.words[0].text in ("[", "[[", "test"):
            continue
        if event.fed != (value is not None):
            return None
        value = _command(event, expander, value)
        if value is None:
            return None
        following = script.events[index + 1 : index + 2]
        if not (following and isinstance(following[0], Command) and following[0].fed):
            outputs.append(value)
            value = None
            arms.succeeded()
    # what a test alone leaves is nothing, and several lines are several words
    return None if value is not None or len(outputs) != 1 else outputs[0].rstrip("\n")


def _command(command: Command, expander: Words, value: str | None) -> str | None:
    """What one command of a pipeline prints; `value` is what it reads."""
    args = [one for word in command.words for one in expander.fields(word.text)]
    for redirect in command.redirects:
        if redirect.sign == "<<<" and value is None:
            value = expander.text(redirect.target) + "\n"
        elif (redirect.sign, redirect.target, redirect.descriptor) != (">", "/dev/null", "2"):
            return None
    if not args or any(unknown(one) for one in (*args, value or "")):
        return None
    found = _step(args, value)
    return None if found is None or len(found) > MAX_TEXT else found


def _step(args: Sequence[str], value: str | None) -> str | None:
    program, rest = args[0].rpartition("/")[2], list(args[1:])
    if program == "echo":
        words = rest[1:] if rest[:1] == ["-n"] else rest
        if any("\\" in one for one in words) or (words and words[0][:1] == "-"):
            return None
        return " ".join(words) + ("" if rest[:1] == ["-n"] else "\n")
    if program == "printf":
        from envhooks.image.shell.matching import printf

        return printf(rest)
    if re.fullmatch(r"python[0-9.]*", program):
        from envhooks.image.shell.pythonprint import printed

        found = printed(rest[1]) if rest[:1] == ["-c"] and len(rest) == 2 else None
        return None if found is None else f"{found}\n"
    if program == "basename":
        return _basename(rest)
    if value is None:
        return None
    if program in ("head", "tr", "cat"):
        return {"head": _head, "tr": _tr, "cat": _cat}[program](rest, value)
    line = value.removesuffix("\n")
    if "\n" in line:
        return None
    steps: dict[str, Callable[[Sequence[str], str], str | None]]
    steps = {"cut": _cut, "rev": _rev, "xargs": _xargs}
    step = steps.get(program)
    if step is None and program in ("sed", "grep", "egrep", "awk", "gawk", "mawk"):
        from envhooks.image.shell.matching import awk, grep, sed

        step = {"sed": sed, "grep": grep, "egrep": _egrep}.get(program, awk)
    found = step(rest, line) if step else None
    return None if found is None else f"{found}\n" if value else ""  # of no line they make none


def _egrep(args: Sequence[str], value: str) -> str | None:
    from envhooks.image.shell.matching import grep

    return grep(["-E", *args], value)


def _basename(args: Sequence[str]) -> str | None:
    if not 1 <= len(args) <= 2 or any(one[:1] == "-" for one in args) or args[0].endswith("/"):
        return None
    name, suffix = args[0].rpartition("/")[2], args[1] if len(args) > 1 else ""
    return name.removesuffix(suffix) if name != suffix else name


def _head(args: Sequence[str], value: str) -> str | None:
    """The first line (`-n1`, `-1`) or the first characters (`-c 3`)."""
    text = " ".join(args)
    if re.fullmatch(r"(?:-n ?1|-1|--lines=1)", text):
        return value.partition("\n")[0] + "\n" if value else ""
    match = re.fullmatch(r"(?:-c ?|--bytes=)([0-9]{1,4})", text)
    return value[: int(match[1])] if match and value.isascii() else None


def _rev(args: Sequence[str], value: str) -> str | None:
    return None if args or not value.isascii() else value[::-1]


def _cat(args: Sequence[str], value: str) -> str | None:
    return None if args else value


def _xargs(args: Sequence[str], value: str) -> str | None:
    """Without a program it prints its words with one blank between."""
    words = value.split()
    return " ".join(words) if words and not args and not re.search(r"['\"\\]|(?:\A|\s)-", value) else None


def _options(args: Iterable[str], wanted: str, long: dict[str, str]) -> dict[str, str] | None:
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
    if not re.fullmatch(_NUMBERS, chosen) or len(sign) != 1 or not (value + sign).isascii():
        return None
    parts = list(value) if "c" in options else value.split(sign)
    wanted: set[int] = set()
    for one in chosen.split(","):
        first, dash, last = one.partition("-")
        begin, end = int(first or 1), int(last) if last else len(parts) if dash else int(first)
        if not begin or (last and end < begin):
            return None  # an error to it
        wanted |= set(range(begin, min(end, len(parts)) + 1))
    if "f" in options and len(parts) == 1:
        return value
    return ("" if "c" in options else sign).join(
        part for number, part in enumerate(parts, 1) if number in wanted
    )


def _tr(args: Sequence[str], value: str) -> str | None:
    if len(args) not in (2, 3):
        return None
    options, signs = set("".join(args[:-1]).replace("--delete", "-d").replace("--complement", "-c")), args[-1]
    if args[0][:1] == "-" and len(args[0]) > 1 and options <= {"-", "d", "c", "C"}:
        signs = _SETS.get(signs) or signs.replace("\\n", "\n")
        if args[-1] not in _SETS and re.search(r"[\[\]\\-]", signs):
            return None
        kept = bool(options & {"c", "C"})
        return "".join(one for one in value if (one in signs) == kept) if "d" in options else None
    if len(args) != 2 or not value.isascii():
        return None
    old, new = args
    if old[:1] == "-" and len(old) > 1:
        return None
    if _RANGES.get(old) == new:
        return value.lower() if old in ("[:upper:]", "A-Z") else value.upper()
    if re.search(r"[\[\]\\]|.-.", f"{old}\0{new}") or not 0 < len(new) <= len(old) or len({*old}) < len(old):
        return None
    return value.translate(str.maketrans(old, new.ljust(len(old), new[-1])))
