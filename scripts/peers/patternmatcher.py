"""moby/patternmatcher's tables against our reader of .dockerignore."""

from __future__ import annotations

from envhooks.image.ignorefile import IgnoreFile, read_patterns
from peers import Case, Cases, Checkout
from peers.golang import Literal, Name, Reader

REPOSITORY = "moby/patternmatcher"
COMMIT = "5a6d8429a19bb6948a372ff19e86fe83599a04b7"
_FILE = "patternmatcher_test.go"
# Their `Matches` of one path looks at one folder above it; the tables of TestMatches are run through all of them.


def _left_out(patterns: list[str], path: str) -> bool | None:
    ignore = IgnoreFile(".dockerignore", "\n".join(patterns).encode(), lambda _: None)
    return ignore.leaves_out(path)


def cases(checkout: Checkout) -> Cases:
    """Every row of the tables of patterns, and the one file."""
    reader = Reader(checkout.text(_FILE))
    for variable in ("tests", "multiPatternTests"):
        for row in reader.table("TestMatches", variable).values:
            assert isinstance(row, Literal)
            patterns, path, expected = row.values
            several = (
                [str(one) for one in patterns.values] if isinstance(patterns, Literal) else [str(patterns)]
            )
            yield _case(f"{_FILE}:{row.line}", several, str(path), expected == Name("true"))
    for row in reader.table("", "matchTests").values:
        assert isinstance(row, Literal)
        pattern, path, expected, error = row.values
        wanted = expected == Name("true") if error == Name("nil") else None
        yield _case(f"{_FILE}:{row.line}", [str(pattern)], str(path), wanted)
    for at, token in enumerate(
        reader.tokens
    ):  # `Matches("docs/README.md", []string{"docs", "!docs/README.md"})`
        if (
            token.text != "Matches"
            or reader.tokens[at - 1].text == "func"
            or reader.tokens[at + 2].kind != "text"
        ):
            continue
        path, _ = reader.value(at + 2)
        patterns, end = reader.value(at + 4)
        words = [one.text for one in reader.tokens[end : end + 8]]
        if isinstance(patterns, Literal):
            several = [str(one) for one in patterns.values]
            said = "!" if "!match" in "".join(words) else ""
            error = any(one in ("[", "!") for one in several)
            yield _case(f"{_FILE}:{token.line}", several, str(path), None if error else said == "!")
    yield from _ignorefile(Reader(checkout.text("ignorefile/ignorefile_test.go")))


def _case(name: str, patterns: list[str], path: str, wanted: bool | None) -> Case:
    return Case(name, f"{patterns} {path}", wanted, _left_out(patterns, path))


def _ignorefile(reader: Reader) -> Cases:
    content, _ = reader.value(reader.after("content", "="))
    expected = reader.table("TestReadAll", "expected")
    ours = [("!" if one.exception else "") + one.text for one in read_patterns(str(content).encode())]
    for number, one in enumerate(expected.values):
        yield Case(f"ignorefile/ignorefile_test.go: entry {number + 1}", str(one), one, ours[number])
