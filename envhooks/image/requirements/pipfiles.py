"""pip's requirement files, read as pip reads them: joined lines, comments, options, includes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.hygiene import is_plain
from envhooks.image.requirements.builder import MAX_DEPTH, Sink, beside
from envhooks.image.requirements.condaspecs import parse_conda_spec
from envhooks.image.requirements.specs import parse_requirement

_COMMENT = r"(?s)(?:\A|(?<=\s))#.*"  # no `\s+`: a long run of blanks would be squared
# pip splits with str.splitlines(), which knows more line ends than an editor shows: a requirement
# can hide behind them in what looks like a comment.
_ODD_LINE_END = "[\r\v\f\x1c-\x1e\x85\u2028\u2029]"
_VARIABLE = r"\$\{[A-Z0-9_]+\}"
_USERINFO = r"://[^/@\s]*@"
_OPTION = r"(?<=\s)--?[A-Za-z]"
_FOLDER = r"(\.{1,2}(?:/[^\[\]\s]*)?|[^\[\]\s/]+/[^\[\]\s]*)(?:\[([^\]]*)\])?"
_WITH_VALUE = {
    "-i": "index", "--index-url": "index", "--pypi-url": "index", "--extra-index-url": "extra",
    "-f": "links", "--find-links": "links", "-r": "include", "--requirement": "include",
    "-c": "constrain", "--constraint": "constrain", "-e": "editable", "--editable": "editable",
    "--no-binary": "", "--only-binary": "", "--trusted-host": "", "--use-feature": "",
    "--hash": "", "--global-option": "", "--config-settings": "", "-C": "", "--config-setting": "",
}  # fmt: skip
_CONDA_LIST = ("@EXPLICIT", "# This file may be used to create an environment using:")
_FLAGS = {"--no-index", "--pre", "--require-hashes", "--prefer-binary"}


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of the first line, joined line without comment), blank ones left out."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.split("\n"), 1):
        comment = line.lstrip().startswith("#")
        if not parts:
            first = number
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        # pip ends a continuation at a comment line, and puts a blank before it
        parts.append(" " + line if comment else line)
        joined = re.sub(_COMMENT, "", "".join(parts)).strip()
        parts = []
        if joined:
            yield first, joined
    joined = re.sub(_COMMENT, "", "".join(parts)).strip()
    if joined:
        yield first, joined


def _options(words: list[str]) -> Iterator[tuple[str, str | None]]:
    """(option, value) for each word; an option that pip does not know has the kind `?`."""
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            continue
        if name in _WITH_VALUE:
            yield _WITH_VALUE[name], value if equals else (queue.pop() if queue else None)
        elif word[:2] in _WITH_VALUE and not word.startswith("--"):
            yield _WITH_VALUE[word[:2]], word[2:]  # -rother.txt
        else:
            yield "?", word
            return  # pip stops there too


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


class _Reader:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.open: list[str] = []

    def file(self, path: str, constraint: bool, origin: tuple[str, int] | None = None) -> None:
        sink = self.sink
        at = origin or (path, 0)
        if path in self.open:
            sink.fault(f"{path} includes itself", *at)
            return
        if len(self.open) >= MAX_DEPTH:
            sink.fault(f"files include each other more than {MAX_DEPTH} deep", *at)
            return
        text = sink.text(path, origin)
        if text is None:
            return
        self.open.append(path)
        if any(line.startswith(_CONDA_LIST) for line in text.split("\n")):
            _conda_list(sink, path, text)
        else:
            self.text(path, text, constraint)
        self.open.pop()

    def text(self, path: str, text: str, constraint: bool) -> None:
        odd = None if is_plain(text.replace("\n", "").replace("\t", "")) else re.search(_ODD_LINE_END, text)
        if odd is not None:
            number = text.count("\n", 0, odd.start()) + 1
            self.sink.fault("a line end that editors do not show hides what pip reads here", path, number)
        for number, line in _lines(text):
            self.line(path, number, line, constraint)

    def line(self, path: str, number: int, line: str, constraint: bool) -> None:
        sink = self.sink
        # a token says nothing about what is installed
        line = re.sub(_USERINFO, lambda m: "://***@" if "${" in m.group() else m.group(), line)
        if re.search(_VARIABLE, line):
            sink.fault(f"cannot tell what {line!r} means: its value comes from the environment", path, number)
            return
        if line.startswith("-"):
            for kind, value in _options(line.split()):
                self.option(path, number, kind, _unquoted(value or ""), constraint)
            return
        option = re.search(_OPTION, line)
        line = line[: option.start()].rstrip() if option else line
        requirement = parse_requirement(line, number)
        if requirement is not None:
            sink.add(requirement, path, constraint)
        elif not self.project(path, number, line, constraint):
            sink.fault(f"{line!r} is not a requirement that pip would read", path, number)

    def option(self, path: str, number: int, kind: str, value: str, constraint: bool) -> None:
        sink = self.sink
        if kind in ("include", "constrain"):
            other = None if "://" in value else beside(path, value)
            if other is None or not value:
                sink.fault(f"cannot tell what {value!r} holds: it is not in this tree", path, number)
            else:
                self.file(other, constraint or kind == "constrain", (path, number))
        elif kind == "index":
            sink.index_url = value
        elif kind == "extra":
            sink.extra_index_urls.append(value)
        elif kind == "links":
            sink.find_links.append(value)
        elif kind == "editable":
            requirement = parse_requirement(value, number)
            if requirement is not None and requirement.url:
                sink.add(requirement, path, constraint)
            elif not self.project(path, number, value, constraint):
                sink.fault(f"cannot tell what {value!r} installs", path, number)
        elif kind == "?":
            sink.fault(f"{value!r} is not an option that pip would read", path, number)

    def project(self, path: str, number: int, text: str, constraint: bool) -> bool:
        """A folder of this tree (`.`, `./sub[extra]`): what its pyproject.toml says it depends on."""
        match = re.fullmatch(_FOLDER, text)
        folder = beside(path, match.group(1)) if match else None
        if match is None or folder is None or constraint:
            return False
        from envhooks.image.requirements.projects import read_project  # it reads pip's lines too

        extras = tuple(word.strip() for word in (match.group(2) or "").split(","))
        return read_project(self.sink, beside(folder + "/x", "pyproject.toml") or "", extras, (path, number))


def _conda_list(sink: Sink, path: str, text: str) -> None:
    """`conda list --explicit` and `--export`: one conda specification on a line."""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith(("#", "@EXPLICIT")):
            continue
        requirement = parse_conda_spec(line, number)
        if requirement is None:
            sink.fault(f"{line!r} is not a conda specification", path, number)
        else:
            sink.add(requirement, path)


def read_pip_file(sink: Sink, path: str) -> None:
    """Read one requirement file and what it includes."""
    _Reader(sink).file(path, constraint=False)


def read_pip_lines(sink: Sink, path: str, lines: list[tuple[int, str]]) -> None:
    """Read lines that another file (environment.yml) hands to pip; paths are beside that file."""
    reader = _Reader(sink)
    reader.open.append(path)
    for number, line in lines:
        if re.search(_ODD_LINE_END, line) or "\n" in line:
            sink.fault("a line end that editors do not show hides what pip reads here", path, number)
        elif stripped := re.sub(_COMMENT, "", line).strip():
            reader.line(path, number, stripped, constraint=False)
