"""BuildKit's own cases against our reader of Dockerfiles: fixtures, words, heredocs, directives, JSON, whole builds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from envhooks.base.errors import CannotJudge
from envhooks.image.dockerfile import Dockerfile, Heredoc, Instruction, heredoc_head, read_dockerfile
from envhooks.image.dockerfile.expand import BadWord, Lexer
from envhooks.image.dockerfile.lines import _json_words, pairs, parse_line, split_words
from envhooks.image.dockerfile.stages import Build
from envhooks.image.text import parse_pattern
from peers import REFUSED, Case, Cases, Checkout
from peers.golang import Literal, Name, Reader

REPOSITORY = "moby/buildkit"
COMMIT = "73ed6825c4b7569379ef89df0aedcdbe64473d31"
_TOP = "frontend/dockerfile"
_STRINGS = ("MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR")
_LISTS = ("EXPOSE", "FROM")


def cases(checkout: Checkout) -> Cases:
    """Every case that states what it expects."""
    yield from _fixtures(checkout)
    yield from _words(checkout)
    yield from _lexer(Reader(checkout.text(f"{_TOP}/shell/lex_test.go")))
    yield from _heredocs(Reader(checkout.text(f"{_TOP}/parser/parser_heredoc_test.go")))
    yield from _json(Reader(checkout.text(f"{_TOP}/parser/json_test.go")))
    yield from _lines(checkout)
    yield from _directives(Reader(checkout.text(f"{_TOP}/parser/directives_test.go")))
    yield from _instructions(checkout)
    yield from _builds(checkout)


def _read(data: bytes) -> Dockerfile | str:
    try:
        return read_dockerfile(data)
    except CannotJudge:
        return REFUSED


# ---------------------------------------------------------------- parser/testfiles


def _quoted(text: str) -> str:
    """Go's `%q`, as far as the fixtures go."""
    return json.dumps(text, ensure_ascii=False).replace("\\u00", "\\x")


def _dump(command: str, flags: tuple[str, ...], text: str, array: tuple[str, ...] | None, escape: str) -> str:
    out = command.lower() + (f" [{' '.join(map(_quoted, flags))}]" if flags else "")
    if command == "ONBUILD":
        return f"{out} ({_dump(*parse_line(text, escape), escape)})" if text else out
    if command == "HEALTHCHECK":
        kind, _, rest = text.partition(" ")
        words = _json_words(rest)
        values = [kind, *(words if words is not None else [rest.strip()] if rest else [])] if kind else []
    elif array is not None:
        values = list(array)
    elif command in ("ENV", "LABEL"):
        found = pairs(text, escape, command)
        sign = "=" if "=" in (split_words(text, escape) or ["="])[0] else ""
        values = [part for name, value in found for part in (name, value, sign)]
    elif command == "ARG":
        values = split_words(text, escape)
    elif command in ("COPY", "ADD", "VOLUME", *_LISTS):
        values = re.split(r"[\t\v\f\r ]+", text) if text else []
    else:
        values = [text] if text else []
    return " ".join((out, *map(_quoted, values)))


def _dumped(one: Instruction, escape: str) -> str:
    return f"({_dump(one.command, one.flags, one.text, one.array, escape)})"


def _fixtures(checkout: Checkout) -> Cases:
    folder = f"{_TOP}/parser"
    for path in checkout.files(f"{folder}/testfiles"):
        if not path.endswith("/Dockerfile"):
            continue
        name = path.removeprefix(f"{_TOP}/")
        expected = checkout.text(path.removesuffix("Dockerfile") + "result").splitlines()
        file = _read(checkout.data(path))
        if isinstance(file, str):
            yield Case(name, "", expected, file)
            continue
        ours = [_dumped(one, file.escape) for one in file.instructions]
        for number in range(max(len(ours), len(expected))):
            theirs = expected[number] if number < len(expected) else None
            own = ours[number] if number < len(ours) else None
            yield Case(f"{name}: instruction {number + 1}", theirs or "", theirs, own)
    for path in checkout.files(f"{folder}/testfiles-negative"):
        file = _read(checkout.data(path))
        name = path.removeprefix(f"{_TOP}/")
        if not isinstance(file, str) and not file.instructions:
            file = _built(file)  # an empty file is refused where its stages are looked for
        yield Case(name, "", REFUSED, file if isinstance(file, str) else "read")
    test = checkout.text(f"{folder}/parser_test.go")
    expected = [(int(a), int(b)) for a, b in re.findall(r"\{(\d+), (\d+)\}", test)]
    file = _read(checkout.data(f"{folder}/testfile-line/Dockerfile"))
    lines = [(one.start, one.end) for one in file.instructions] if isinstance(file, Dockerfile) else []
    for number, (theirs, ours) in enumerate(zip(expected, lines, strict=False)):
        yield Case(f"parser/testfile-line: instruction {number + 1}", "", theirs, ours)


def _built(file: Dockerfile) -> str:
    try:
        Build(file, {})
    except CannotJudge:
        return REFUSED
    return "read"


# ---------------------------------------------------------------- shell


def _word(text: str, values: Mapping[str, str]) -> str:
    try:
        return Lexer(text, values.get).word()
    except BadWord:
        return REFUSED


def _words(checkout: Checkout) -> Cases:
    values = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}
    for number, line in enumerate(checkout.text(f"{_TOP}/shell/envVarTest").splitlines(), 1):
        fields = [field.strip() for field in line.split("|")]
        if line.startswith("#") or not line.strip() or fields[0] == "W":
            continue
        theirs = REFUSED if fields[2] == "error" else fields[2]
        yield Case(f"shell/envVarTest:{number}", fields[1], theirs, _word(fields[1], values))
    known: dict[str, str] = {}
    for number, line in enumerate(checkout.text(f"{_TOP}/shell/wordsTest").splitlines(), 1):
        if line.startswith("ENV "):
            name, _, value = line[3:].lstrip(" ").partition("=")
            known[name] = value
        elif not line.startswith("#"):
            text, _, expected = line.partition("|")
            wanted = expected.lstrip(" ").split(",")
            try:
                ours = Lexer(text.strip(), known.get).words()
            except BadWord:
                ours = ["error"]
            yield Case(f"shell/wordsTest:{number}", text, wanted, ours)


def _lexer(reader: Reader) -> Cases:
    for row in reader.table("TestProcessWithMatches", "tc").values:
        assert isinstance(row, Literal)
        given, table = row.get("input"), row.get("envs")
        assert isinstance(given, str) and isinstance(table, Literal)
        theirs = REFUSED if row.get("expectedErr") == Name("true") else row.get("expected")
        yield Case(f"shell/lex_test.go:{row.line}", given, theirs, _word(given, table.map()))
    for row in reader.table("TestConvertShellPatternToRegex", "cases").keys:
        yield Case(f"shell/lex_test.go: pattern {row}", str(row), "read", _pattern(str(row)))
    for row in reader.table("TestConvertShellPatternToRegex", "invalid").values:
        yield Case(f"shell/lex_test.go: pattern {row}", str(row), REFUSED, _pattern(str(row)))
    plain, blank, absent = {"VAR": "plain", "ARG": "x"}, {"VAR": "", "ARG": "x"}, {"ARG": "x"}
    for text, expected in (("${VAR:?a}", ("plain", REFUSED, REFUSED)), ("${VAR?a}", ("plain", "", REFUSED))):
        for values, theirs in zip((plain, blank, absent), expected, strict=True):
            yield Case(
                f"shell/lex_test.go: mandatory {text} {len(values)}", text, theirs, _word(text, values)
            )


def _pattern(text: str) -> str:
    try:
        parse_pattern(text)
    except ValueError:
        return REFUSED
    return "read"


# ---------------------------------------------------------------- heredocs


def _shown(one: Heredoc) -> tuple[str, str, bool, bool, int]:
    return one.name, one.content, one.expand, one.chomp, one.descriptor


def _theirs(row: Literal) -> tuple[str, str, bool, bool, int]:
    number = row.get("FileDescriptor")
    return (
        str(row.get("Name") or ""), str(row.get("Content") or ""), row.get("Expand") == Name("true"),
        row.get("Chomp") == Name("true"), int(number.text) if isinstance(number, Name) else 0,
    )  # fmt: skip


def _heredocs(reader: Reader) -> Cases:
    file = "parser/parser_heredoc_test.go"
    text, _ = reader.value(reader.after("bytes.NewBufferString", "("))
    found = _read(str(text).encode())
    instructions = found.instructions if isinstance(found, Dockerfile) else ()
    for number, row in enumerate(reader.table("TestParseExtractsHeredoc", "tests").values):
        theirs = (
            [_theirs(one) for one in row.values if isinstance(one, Literal)]
            if isinstance(row, Literal)
            else []
        )
        ours = (
            [_shown(one) for one in instructions[number + 1].heredocs]
            if number + 1 < len(instructions)
            else []
        )
        yield Case(f"{file}: instruction {number + 1}", "", theirs, ours)
    start = reader.after("TestParseJSONHeredoc")
    text, _ = reader.value(reader.after("bytes.NewBufferString", "(", start=start))
    found = _read(str(text).encode())
    for number, one in enumerate(found.instructions if isinstance(found, Dockerfile) else ()):
        yield Case(f"{file}: JSON {number}", one.text, (), one.heredocs)
    for kind in ("validHeredocs", "invalidHeredocs", "notHeredocs"):
        theirs = {"validHeredocs": "EOF", "invalidHeredocs": REFUSED, "notHeredocs": ""}[kind]
        for one in reader.table("TestParseHeredocHelpers", kind).values:
            yield Case(f"{file}: {kind} {one}", str(one), theirs, _heredoc(str(one)))
    for row in reader.table("TestHeredocsFromLine", "srcs").values:
        assert isinstance(row, Literal)
        line, names = str(row.get("line")), row.get("heredocNames")
        wanted = [str(one) for one in names.values] if isinstance(names, Literal) else []
        text = "".join(f"{name}\n" for name in wanted)
        made = _read(f"{line}\n{text}".encode())
        ours = [one.name for one in made.instructions[0].heredocs] if isinstance(made, Dockerfile) else made
        yield Case(f"{file}:{row.line}", line, wanted, ours)


def _heredoc(word: str) -> str:
    """The name of the heredoc that a word opens."""
    try:
        head = heredoc_head(word)
    except BadWord:
        return REFUSED
    return head[0] if head else ""


# ---------------------------------------------------------------- JSON, lines, directives, instructions


def _json(reader: Reader) -> Cases:
    for one in reader.table("", "invalidJSONArraysOfStrings").values:
        file = _read(f"RUN {one}\n".encode())
        yield Case(
            f"parser/json_test.go: {one}", str(one), REFUSED, file if isinstance(file, str) else "read"
        )
    valid = reader.table("", "validJSONArraysOfStrings")
    for text, words in zip(valid.keys, valid.values, strict=True):
        assert isinstance(words, Literal)
        yield Case(f"parser/json_test.go: {text}", str(text), tuple(words.values), _json_words(str(text)))


def _lines(checkout: Checkout) -> Cases:
    reader = Reader(checkout.text(f"{_TOP}/parser/parser_test.go"))
    for row in reader.table("TestParseWords", "tests").values:
        assert isinstance(row, Literal)
        given, expected = row.values
        assert isinstance(given, Literal) and isinstance(expected, Literal)
        text = str(given.values[0])
        yield Case(f"parser/parser_test.go:{row.line}", text, list(expected.values), split_words(text, "\\"))
    found = _read(b"FROM image\nLABEL test=" + b"a" * 65536 + b"\n")
    yield Case("parser/parser_test.go: a line that is too long", "", REFUSED, found)
    yield Case("parser/line_parsers_test.go: old", "", [("foo", "bar")], pairs("foo bar", "\\", "LABEL"))
    new = [("foo", "bar"), ("thing", "star")]
    yield Case("parser/line_parsers_test.go: new", "", new, pairs("foo=bar thing=star", "\\", "LABEL"))
    yield Case("parser/line_parsers_test.go: one", "", REFUSED, _read(b"ENV foo"))


def _directives(reader: Reader) -> Cases:
    """The escape character: the one directive that changes what a Dockerfile means."""
    at = reader.after("TestDirectives")
    for number in (1, 2):
        at = reader.after("dt", ":=" if number == 1 else "=", start=at)
        text, at = reader.value(at)
        file = _read(str(text).encode())
        ours = file.escape if isinstance(file, Dockerfile) else file
        yield Case(f"parser/directives_test.go: TestDirectives {number}", str(text), "\\", ours)


def _instructions(checkout: Checkout) -> Cases:
    file = "instructions/parse_test.go"
    reader = Reader(checkout.text(f"{_TOP}/{file}"))
    for row in reader.table("TestErrorCases", "cases").values:
        assert isinstance(row, Literal)
        text = str(row.get("dockerfile"))
        yield Case(f"{file}:{row.line}", text, REFUSED, _environment(f"FROM scratch\n{text}\n"))
    file = "instructions/parse_heredoc_test.go"
    reader = Reader(checkout.text(f"{_TOP}/{file}"))
    for row in reader.table("TestErrorCasesHeredoc", "cases").values:
        assert isinstance(row, Literal)
        text = str(row.get("dockerfile"))
        yield Case(f"{file}:{row.line}", text, REFUSED, _environment(f"FROM scratch\n{text}\n"))
    for row in reader.table("TestRunHeredoc", "cases").values:
        assert isinstance(row, Literal)
        command, files = row.get("command"), row.get("files")
        assert isinstance(command, Literal)
        documents = (
            [one for one in files.values if isinstance(one, Literal)] if isinstance(files, Literal) else []
        )
        theirs = (
            [str(one) for one in command.values],
            [(str(one.get("Name")), str(one.get("Data") or "")) for one in documents],
            row.get("shell") == Name("true"),
        )
        found = _read(str(row.get("dockerfile")).encode())
        run = found.instructions[0] if isinstance(found, Dockerfile) else None
        ours = run and (
            list(run.array) if run.array is not None else [run.text],
            [(one.name, one.content) for one in run.heredocs],
            run.array is None,
        )
        yield Case(f"{file}:{row.line}", str(row.get("dockerfile")), theirs, ours)
    for row in reader.table("TestCopyHeredoc", "cases").values:
        assert isinstance(row, Literal)
        wanted = row.get("sourcesAndDest")
        contents = wanted.get("SourceContents") if isinstance(wanted, Literal) else None
        rows = (
            [one for one in contents.values if isinstance(one, Literal)]
            if isinstance(contents, Literal)
            else []
        )
        theirs = [(one.get("Path"), one.get("Data"), one.get("Expand") == Name("true")) for one in rows]
        found = _read(str(row.get("dockerfile")).encode())
        ours = (
            [(one.name, one.text, one.expand) for one in found.instructions[0].heredocs]
            if isinstance(found, Dockerfile)
            else found
        )
        yield Case(f"{file}:{row.line}", str(row.get("dockerfile")), theirs, ours)


# ---------------------------------------------------------------- whole builds


class _Nothing:
    """A tree without files."""

    def __init__(self, dockerfile: str) -> None:
        self._data = dockerfile.encode()

    def read(self, path: str) -> bytes | None:
        return self._data if path == "Dockerfile" else None

    def list(self, folder: str) -> tuple[str, ...]:
        return ()


def _environment(text: str) -> str:
    from envhooks.image.interpreter import read_environment

    try:
        read_environment(_Nothing(text), "Dockerfile")
    except CannotJudge:
        return REFUSED
    return "read"


# What their code expects to fail: two circles of stages and two instructions that do not exist.
_TO_FAIL = ("AS stage0\nCOPY --from=stage0 f1", "AS stage0\nCOPY --from=stage2 f1", "BADCMD", "FNTRYPOINT")


def _builds(checkout: Checkout) -> Cases:
    """Every Dockerfile in the tests of whole builds: what BuildKit reads, our reader reads.

    Where a build fails there for another reason than its Dockerfile, that is no matter of a reader.
    """
    name = rf"{_TOP}/(?:dockerfile_\w+|dockerfile2llb/convert|exclude_patterns|errors)_test\.go"
    for path in checkout.files(_TOP):
        if not re.fullmatch(name, path):
            continue
        seen: set[str] = set()
        for line, text in Reader(checkout.text(path)).texts():
            if not re.match(r"(?i)(?:\s*(?:#.*|ARG .*)?\n)*\s*FROM \S+", text) or "\n" not in text.strip():
                continue
            if "nanoserver" in text or re.search(r"%[sdqv]|\{\{\.", text) or text in seen:
                continue  # Windows, and templates of theirs
            seen.add(text)
            theirs = REFUSED if any(one in text for one in _TO_FAIL) else "read"
            yield Case(f"{path.removeprefix(_TOP + '/')}:{line}", text, theirs, _environment(text))
