"""`sed`, `grep -o` and `awk` over one line of text, and `printf`, in their plainest forms.

POSIX takes the longest of the leftmost matches, and Python the first that it comes to: a pattern is translated where it
is made of single characters, classes and groups of them without a choice, and where nothing longer fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_EXPRESSIONS = 6
MAX_WORK = 20_000
"""Steps that one pattern may take over one text: its length to the power of its repetitions."""
_CLASS = r"\[(?P<class>\^?\]?(?:\[:[a-z]+:\]|[^]\\[])*)\]"
_ATOM = re.compile(
    rf"{_CLASS}|(?P<open>\\?\()|(?P<close>\\?\))|(?P<escaped>\\[.\[\]*^$/+?{{}}|-])|(?P<any>\.)"
    r"|(?P<plain>[A-Za-z0-9_,@:=~ /<>#;%&!'\"+?-])"
)
_NAMED = {
    "digit": "0-9",
    "alpha": "A-Za-z",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
}
_RANGE = r"(?:0-9|a-z|A-Z|[0-9]-[0-9]|[A-Za-z0-9_.,+:/@ ])*-?"


def translated(pattern: str, *, extended: bool) -> tuple[re.Pattern[str], int] | None:
    """A POSIX pattern as Python's and the number of its repetitions; None for one that is not followed."""
    at, depth, repeats, groups = 0, 0, 0, 0
    out: list[str] = []
    if len(pattern) > 200:
        return None
    if pattern.startswith("^"):
        out.append(r"\A")
        at = 1
    end = len(pattern) - 1 if pattern.endswith("$") and not pattern.endswith("\\$") else len(pattern)
    while at < end:
        match = _ATOM.match(pattern, at, end)
        if match is None:
            return None
        at = match.end()
        kind, text = match.lastgroup, match.group()
        if kind in ("open", "close") and (text[0] == "\\") != extended:
            depth += 1 if kind == "open" else -1
            groups += kind == "open"
            if depth not in (0, 1):
                return None
            out.append("(" if kind == "open" else ")")
            if re.match(r"\\?[*+?{]", pattern[at:]):
                return None  # a group that repeats, or a sign that begins one
            continue
        atom = _atom(kind or "", match, extended)
        if atom is None:
            return None
        repeat = re.compile(r"[*+?]" if extended else r"\*|\\[+?]").match(pattern, at, end)
        if repeat is not None:
            at = repeat.end()
            repeats += 1
            atom += repeat.group()[-1]
        if re.compile(r"[*{]|\\\{" if not extended else r"[*+?{]").match(pattern, at, end):
            return None
        out.append(atom)
    if depth:
        return None
    try:
        return re.compile("".join(out) + (r"\Z" if end < len(pattern) else "")), repeats
    except re.error:  # `[9-0]`
        return None


def _atom(kind: str, match: re.Match[str], extended: bool) -> str | None:
    """One character of a pattern in Python's spelling."""
    text = match.group()
    if kind == "class":
        return _class(match["class"])
    if kind == "escaped":
        sign = text[1]
        if not extended and sign in "+?{}|":
            return None
        return re.escape(sign)
    if kind == "any":
        return "."
    if kind in ("open", "close"):
        return None if text[0] == "\\" and not extended else re.escape(text[-1])
    if extended and text in "+?":
        return None
    return re.escape(text)


def _class(inside: str) -> str | None:
    """`[0-9.]`, `[^+]`, `[[:digit:]]`."""
    negated, body = inside[:1] == "^", inside.removeprefix("^")
    names = re.findall(r"\[:([a-z]+):\]", body)
    rest = re.sub(r"\[:[a-z]+:\]", "", body)
    if not set(names) <= set(_NAMED) or not re.fullmatch(_RANGE, rest) or not body:
        return None
    inner = "".join(_NAMED[name] for name in names) + rest.removesuffix("-").replace(".", r"\.")
    return f"[{'^' if negated else ''}{inner}{'-' if rest.endswith('-') else ''}]"


def searched(pattern: str, text: str, *, extended: bool) -> re.Match[str] | bool | None:
    """The leftmost longest match, False where there is none, None where it is not certain."""
    found = translated(pattern, extended=extended)
    if found is None or not text.isascii() or max(2, len(text)) ** max(1, found[1]) > MAX_WORK:
        return None
    compiled = found[0]
    match = compiled.search(text)
    if match is None:
        return False
    longer = (compiled.fullmatch(text[:end], match.start()) for end in range(len(text), match.end(), -1))
    return None if "\\Z" not in compiled.pattern and any(longer) else match


# ---------------------------------------------------------------- sed and grep


def sed(args: Sequence[str], value: str) -> str | None:
    """`sed s/old/new/g`, with groups, `-E`, and several expressions."""
    extended = False
    texts: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word in ("-E", "-r", "--regexp-extended"):
            extended = True
        elif word in ("-e", "--expression"):
            texts.append(rest.pop(0) if rest else "")
        elif word[:1] == "-" or texts:
            return None
        else:
            texts.append(word)
    commands = [one for text in texts for one in _commands(text)]
    if not commands or len(commands) > MAX_EXPRESSIONS:
        return None
    for command in commands:
        after = _substitute(command, value, extended)
        if after is None:
            return None
        value = after
    return value


def _commands(text: str) -> list[str]:
    """`s/a/b/;s/c/d/` -> its commands; one that cannot be read stays whole."""
    found = re.findall(r"\s*(s([/|#,:@])(?:(?!\2)[^\\]|\\.)*\2(?:(?!\2)[^\\]|\\.)*\2g?)\s*(?:;|\Z)", text)
    commands = [one for one, _ in found]
    return commands if sum(map(len, commands)) + len(commands) >= len(text.replace(" ", "")) else [text]


def _substitute(command: str, value: str, extended: bool) -> str | None:
    if len(command) < 4 or command[0] != "s":
        return None
    sign = command[1]
    parts = re.split(rf"(?<!\\){re.escape(sign)}", command[2:])
    if sign not in "/|#,:@" or len(parts) != 3 or parts[2] not in ("", "g"):
        return None
    old, new = (one.replace("\\" + sign, sign) for one in parts[:2])
    if (sign in "|," and "\\" + sign in command) or not old or re.search(r"\\[^0-9]|(?<!\\)&", new):
        return None
    parsed = translated(old, extended=extended)
    if parsed is None or any(int(one) > parsed[0].groups for one in re.findall(r"\\([0-9])", new)):
        return None  # an error to it, whatever the value
    out, at, rounds = "", 0, 0
    while True:
        match = searched(old if not at else old.removeprefix("^"), value[at:], extended=extended)
        if match is None or match is True or rounds > 100:
            return None
        if match is False or (at and old.startswith("^")):
            return out + value[at:]
        if match.end() == match.start() and parts[2]:
            return None  # where an empty match counts twice is not the same for all
        put = re.sub(r"\\([0-9])", lambda one, match=match: match[int(one[1])] or "", new)
        out += value[at : at + match.start()] + put
        at += match.end()
        rounds += 1
        if not parts[2]:
            return out + value[at:]


def grep(args: Sequence[str], value: str) -> str | None:
    """`grep -o PATTERN` where it fits exactly once."""
    letters = "".join(one[1:] for one in args if one[:1] == "-")
    words = [one for one in args if one[:1] != "-"]
    if "o" not in letters or set(letters) - {"o", "E", "P"} or len(words) != 1:
        return None
    match = searched(words[0], value, extended=bool({"E", "P"} & set(letters)))
    if not isinstance(match, re.Match) or match.start() == match.end():
        return None
    if not words[0].startswith("^"):
        again = searched(words[0], value[match.end() :], extended=bool({"E", "P"} & set(letters)))
        if again is not False:
            return None
    return match.group()


# ---------------------------------------------------------------- printf and awk


def printf(args: Sequence[str]) -> str | None:
    """`printf FORMAT WORD...` of `%s` and `%d`, as often as the words go into it; None for any other form."""
    if not args or args[0][:1] == "-":
        return None
    pieces = re.split(r"(%[sd]|%%|\\n)", args[0])
    if any("%" in one or "\\" in one for one in pieces[::2]):
        return None
    words = list(args[1:])
    wanted = sum(one in ("%s", "%d") for one in pieces)
    if (not wanted and words) or len(words) > 20:
        return None
    out = []
    while True:
        for piece in pieces:
            word = words.pop(0) if piece in ("%s", "%d") and words else ""
            if piece == "%d" and not re.fullmatch("0|[1-9][0-9]{0,8}", word):
                return None
            out.append({"%s": word, "%d": word, "%%": "%", "\\n": "\n"}.get(piece, piece))
        if not words:
            return "".join(out)


_LITERAL = r"\"[^\"\\]*\""
_FIELD = r"\$(?:[0-9]{1,2}|NF)"
_ITEM = rf"(?:{_FIELD}|{_LITERAL})"
_BEGIN = rf"\s*BEGIN\s*\{{\s*((?:O?FS\s*=\s*{_LITERAL}\s*;?\s*)+)\}}\s*;?"
_PRINT = rf"\s*\{{\s*print\s+({_ITEM}(?:\s*,?\s*{_ITEM})*)\s*;?\s*\}}\s*"
_PRINTF = rf"\s*\{{\s*printf\s*\(?\s*({_LITERAL})((?:\s*,\s*{_ITEM})*)\s*\)?\s*;?\s*\}}\s*"


def awk(args: Sequence[str], value: str) -> str | None:
    """`awk -F. '{print $1"."$2}'`, with `BEGIN{FS=...}`, `-v OFS=`, `,` and `printf`."""
    words = list(args)
    signs = {"FS": " ", "OFS": " "}
    while words and words[0][:1] == "-":
        option, text = words[0][:2], words.pop(0)[2:]
        text = text or (words.pop(0) if words else "")
        name, given = ("FS", text) if option == "-F" else (text.partition("=")[0], text.partition("=")[2])
        if option not in ("-F", "-v") or name not in signs:
            return None
        signs[name] = given
    if len(words) != 1 or not value.isascii():
        return None
    program = words[0]
    if begin := re.match(_BEGIN, program):
        signs.update(re.findall(r"(O?FS)\s*=\s*\"([^\"]*)\"", begin[1]))
        program = program[begin.end() :]
    fields = _fields(value, signs["FS"])
    if fields is None or not re.fullmatch(r"[ .,:/+_-]?", signs["OFS"]):
        return None
    if match := re.fullmatch(_PRINT, program):
        out = ""
        for comma, item in re.findall(rf"(,?)\s*({_ITEM})", match[1]):
            out += (signs["OFS"] if comma else "") + _item(item, fields, value)
        return out
    match = re.fullmatch(_PRINTF, program)
    if match is None:
        return None
    items = [_item(one, fields, value) for one in re.findall(_ITEM, match[2])]
    if match[1].replace("%%", "").count("%s") != len(items) or "%d" in match[1]:
        return None
    return printf([match[1][1:-1], *items])


def _fields(value: str, sign: str) -> list[str] | None:
    """The fields of a line by `FS`: a blank, one sign, or one in a class or behind a backslash."""
    if sign == " ":
        return value.split()
    match = re.fullmatch(r"\[([.,:/+_-])\]|\\{1,2}([.+])|([.,:/+_-])", sign)
    return value.split(match[1] or match[2] or match[3]) if match else None


def _item(item: str, fields: Sequence[str], value: str) -> str:
    if item[0] == '"':
        return item[1:-1]
    if item == "$0":
        return value
    index = len(fields) if item == "$NF" else int(item[1:])
    return fields[index - 1] if 0 < index <= len(fields) else ""
