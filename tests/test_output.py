"""Everything that is printed passes through `envhooks.base.hygiene`, as far as the source can tell.

What a repository holds is chosen by whoever can push. An expression that is printed is either a constant, or goes
through one of the functions that escape, or stands in the list below with the reason why it is our own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import envhooks
from envhooks.base.commands import is_command

PACKAGE = Path(envhooks.__file__).parent
PRINTS = {"print", "remark", "sentence", "note", "complain", "_manner.note", "_manner.complain"}
ESCAPES = {"printable", "printable_block", "_own_fault"}
"""Functions that escape what they are given."""
RENDERS = {
    "word": "a word of a shell command, escaped by hygiene",
    "shellcode": "argcomplete's own script",
    "_described": "envhooks tag escapes the name and the reason",
    "spelled": "changes how envhooks is called, in what is escaped already",
    "render": "the report's formats escape each text; tests/report holds them to it",
    "table": "builds.show escapes each cell",
    "as_json": "builds.show escapes each text",
    "failure": "builds.show escapes each text",
    "_table": "the table of signers escapes each cell",
    "_lines": "envhooks env escapes each text of the Dockerfile",
    "document": "envhooks env escapes each text of the Dockerfile",
    "_render": "envhooks doctor's screen; escaped where it is gathered",
    "provenance": "our own table of published facts",
    "write": "LawFiles.write answers a diff whose lines are escaped",
    "next_commands": "escaped as a whole",
    "_some": "init escapes each name",
    "_node_selector": "holds a number and nothing else",
    "patch": "each text is a JSON string",
    "otel": "each text is escaped, then percent-encoded",
    "prometheus": "each text is escaped",
    "as_text": "records.render escapes each text",
    "as_list": "records.render escapes each text",
    "_kind": "one of two constants",
    "_fit": "escapes each text of a document",
    "render_report": "the report's formats escape each text; tests/report holds them to it",
    "_document": "envhooks verify escapes each text",
}
OUR_OWN = {
    "len": "a number",
    "FOLDER": "a constant",
    "ALLOWED": "a constant",
    "_PLACE": "a constant",
    "__version__": "a constant",
    "self.prog": "the program's own name and verbs",
    "verb": "one of two constants",
    "name": "init: names of files that envhooks itself writes",
    "check.id": "the file name of a check",
    "check.level": "one of two constants",
    "check.summary": "a check's docstring",
    "check.page": "a check's docstring",
    "width": "a number",
    "key.scheme": "one of two constants",
    "key.key": "a fingerprint, which is hexadecimal or base64",
    "kind": "one of two constants",
    "headline": "a constant",
    "code": "a number",
    "folder": "demo: a folder that envhooks itself has made",
    "title": "demo: a constant",
    "rest": "demo: a constant",
    "hooks": "install: names of hooks",
    "_why_nothing(options)": "one of three constants",
}


def printed(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call that writes for people."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        if function in PRINTS or function.endswith(("stdout.write", "stderr.write", "stdout.buffer.write")):
            yield node


def loose(node: ast.AST) -> Iterator[str]:
    """The parts of an expression that are printed as they are."""
    if isinstance(node, ast.Constant):
        return
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from loose(part)
    elif isinstance(node, ast.FormattedValue):
        yield from loose(node.value)
    elif isinstance(node, ast.IfExp):
        yield from loose(node.body)
        yield from loose(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for part in node.values:
            yield from loose(part)
    elif isinstance(node, ast.BinOp):
        yield from loose(node.left)
        yield from loose(node.right)
    elif isinstance(node, (ast.List, ast.Tuple)):
        for element in node.elts:
            yield from loose(element)
    elif isinstance(node, ast.Starred):
        yield from loose(node.value)
    elif isinstance(node, ast.GeneratorExp):
        yield from loose(node.elt)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif ast.unparse(node) not in OUR_OWN:
        yield ast.unparse(node)


def _call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    if name in ESCAPES or name in RENDERS or name in OUR_OWN or ast.unparse(node) in OUR_OWN:
        return
    if name in ("join", "rstrip", "dumps") and isinstance(node.func, ast.Attribute):
        parts = node.args if name != "rstrip" else [node.func.value]
        for part in parts:
            yield from loose(part)
        return
    yield ast.unparse(node)


EXCEPTIONS = {
    ("cli/_manner.py", "end"): "a line feed, or nothing",
    ("cli/_manner.py", "text"): "escaped by `complain`, and by those who call it",
    ("cli/_asked.py", "time.monotonic()"): "a number",
    ("cli/_asked.py", "began"): "a number",
    ("cli/_asked.py", "shown"): "escaped where it is set",
    ("cli/_signers_list.py", "where"): "escaped where it is set",
    ("cli/_demo_folder.py", "arguments"): "commands of the demo's own",
    (
        "cli/_demo_folder.py",
        "line",
    ): "output of git and envhooks in the demo's own repository, where nobody else writes",
    ("cli/_demo_folder.py", "self._bold[0]"): "the terminal's own codes",
    ("cli/_demo_folder.py", "self._bold[1]"): "the terminal's own codes",
    ("cli/explain.py", "_filled(paragraph)"): "our own pages of the checks",
    ("cli/explain.py", "label"): "our own table of published facts",
    ("cli/explain.py", "text"): "our own table of published facts",
    (
        "cli/records.py",
        "line",
    ): "lines with anything but printable ASCII are left out, for others verify the bytes",
    ("builds/watcher.py", "line.split(' ', 1)[1]"): "the watcher's own log, escaped where it is written",
}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_what_is_printed_is_escaped(file: Path) -> None:
    name = file.relative_to(PACKAGE).as_posix()
    for call in printed(ast.parse(file.read_text(encoding="utf-8"))):
        for argument in call.args:
            found = [text for text in loose(argument) if (name, text) not in EXCEPTIONS]
            assert not found, f"{name}:{call.lineno} prints as it is: {', '.join(found)}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("print('hello')", []),
        ("print(tag)", ["tag"]),
        ("print(f'{tag} is bad')", ["tag"]),
        ("print(f'{printable(tag)} is bad', file=sys.stderr)", []),
        ("print('a ' + tag)", ["tag"]),
        ("print(tag if x else 'none')", ["tag"]),
        ("print(printable(tag) or 'none')", []),
        ("print(tag or 'none')", ["tag"]),
        ("print(str(error))", ["str(error)"]),
        ("print('\\n'.join(lines))", ["lines"]),
        ("print('\\n'.join(printable(line) for line in lines))", []),
        ("print(*tags)", ["tags"]),
        ("sys.stdout.write(tag)", ["tag"]),
        ("print('%s' % tag)", ["tag"]),
        ("print('{}'.format(tag))", ["'{}'.format(tag)"]),
        ("print(other_module.render(report))", []),
    ],
)
def test_this_test_can_tell(source: str, found: list[str]) -> None:
    (call,) = printed(ast.parse(source))
    assert [text for argument in call.args for text in loose(argument)] == found


def test_every_exception_is_needed() -> None:
    """An exception whose line is gone would cover the next one that looks like it."""
    seen = set()
    for file in PACKAGE.rglob("*.py"):
        for call in printed(ast.parse(file.read_text(encoding="utf-8"))):
            for argument in call.args:
                seen |= {(file.relative_to(PACKAGE).as_posix(), text) for text in loose(argument)}
    assert set(EXCEPTIONS) <= seen, set(EXCEPTIONS) - seen


def test_errors_are_escaped_where_they_become_text() -> None:
    from envhooks.base.errors import CannotJudge

    hostile = "v\u202e1\x1b[2J\nenvhooks: good"
    text = str(CannotJudge(hostile, place=hostile, fix=hostile))
    assert text.count("\n") == 1
    assert not {"\x1b", "\u202e"} & set(text)


_SENTENCES = ("git gave ", "git signs ", "git does ", "git asks ", "gpg does ", "ssh-keygen does ")
"""Beginnings of sentences that begin with a program's name."""


def _texts(node: ast.JoinedStr) -> str:
    """A format string with a blank for each of its values."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_values_in_commands_are_words_of_the_shell(path: Path) -> None:
    """`printable` is for eyes: `$(id)` is the name of a branch, and a command with it is pasted."""
    bad = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.JoinedStr):
            continue
        text = _texts(node)
        if text.startswith(_SENTENCES) or not is_command(text.replace("\0", "x")):
            continue
        for part in node.values:
            value = part.value if isinstance(part, ast.FormattedValue) else None
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "printable":
                bad.append(f"{node.lineno}: {ast.unparse(node)}")
    assert not bad, bad
