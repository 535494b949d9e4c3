"""pip's requirement files, read as pip reads them: joined lines, comments, options, includes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from envhooks.base.hygiene import is_plain
from envhooks.image.requirements.builder import MAX_DEPTH, Sink, beside
from envhooks.image.requirements.condaspecs import parse_conda_spec
from envhooks.image.requirements.specs import MAX_TEXT, SCHEME, parse_requirement

_COMMENT = r"(?s)(?:\A|(?<=\s))#.*"  # no `\s+`: a long run of blanks would be squared
# pip splits with str.splitlines(), which knows more line ends than an editor shows: a requirement
# can hide behind them in what looks like a comment.
_ODD_LINE_END = "[\r\v\f\x1c-\x1e\x85\u2028\u2029]"
_VARIABLE = r"\$\{[A-Z0-9_]+\}"
_USERINFO = r"://[^/@\s]*@"
_OPTION = r"(?:\A| )-"
_HASH = r"(?:sha256|sha384|sha512):.*"
_ARCHIVE = r"(?i)[^@\[]*\.(?:whl|zip|tgz|tbz|txz|tlz|tar|tar\.(?:gz|bz2|xz|lz|lzma))\s*(?:\[[^\]]*\]\s*)?"
_FOLDER = r"(\.{1,2}(?:/[^\[\]\s]*)?|[^\[\]\s/]+/[^\[\]\s]*)(?:\[([^\]]*)\])?"
_WITH_VALUE = {
    "-i": "index", "--index-url": "index", "--pypi-url": "index", "--extra-index-url": "extra",
    "-f": "links", "--find-links": "links", "-r": "include", "--requirement": "include",
    "-c": "constrain", "--constraint": "constrain", "-e": "editable", "--editable": "editable",
    "--no-binary": "", "--only-binary": "", "--trusted-host": "", "--use-feature": "",
    "--hash": "hash", "--global-option": "", "--config-settings": "", "-C": "", "--config-setting": "",
    "--all-releases": "", "--only-final": "",
}  # fmt: skip
_FLAGS = {
    "--no-index": "alone",
    "--pre": "",
    "--require-hashes": "",
    "--no-require-hashes": "",
    "--prefer-binary": "",
}
_LONG = tuple(name for name in (*_WITH_VALUE, *_FLAGS) if name.startswith("--"))
_CONDA_LIST = ("@EXPLICIT", "# This file may be used to create an environment using:")


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


class _BadOption(ValueError):
    """pip refuses the whole file for it."""


def _long(name: str) -> str:
    """A long option by its name, which may be cut off where it stays unique, as optparse has it."""
    if name in _WITH_VALUE or name in _FLAGS:
        return name
    longer = [one for one in _LONG if one.startswith(name)]
    if len(longer) != 1:
        raise _BadOption(f"{name!r} is not an option that pip would read")
    return longer[0]


def _options(text: str) -> dict[str, list[str]]:
    """Kind of option -> its values, read as pip does by shlex and optparse.

    Raises:
        _BadOption: pip refuses the file, or reads past a word that stands alone where uv refuses it.
    """
    words = text.split()
    if re.search(r"[\"'\\]", text):
        import shlex

        if len(text) > MAX_TEXT:  # shlex takes the square of a word's length
            raise _BadOption(f"the options have {len(text)} characters, which are not read")
        try:
            words = shlex.split(text)
        except ValueError:
            raise _BadOption(f"{text!r} has a quote that is not closed") from None
    found: dict[str, list[str]] = {}
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        name, equals, value = word.partition("=")
        if word.startswith("--") and len(word) > 2:
            name = _long(name)
            if name in _FLAGS:
                if equals:
                    raise _BadOption(f"{name} takes no value")
                found.setdefault(_FLAGS[name], []).append("")
                continue
        elif word.startswith("-") and word[:2] in _WITH_VALUE:  # -rother.txt
            name, equals, value = word[:2], word[2:], word[2:]
        else:
            raise _BadOption(f"{word!r} is not an option that pip would read")
        if not equals and not queue:
            raise _BadOption(f"{name} needs a value")
        found.setdefault(_WITH_VALUE[name], []).append(value if equals else queue.pop())
    for value in found.get("hash", ()):
        if not re.fullmatch(_HASH, value):
            raise _BadOption(f"{value!r} is not a hash that pip would read")
    return found


class _Reader:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.open: list[str] = []
        self.alone = False
        """Whether `--no-index` was read."""

    def file(self, path: str, constraint: bool, origin: tuple[str, int] | None = None) -> None:
        sink = self.sink
        at = origin or (path, 0)
        if path in self.open:
            sink.fault(f"{path} includes itself", *at)
            return
        if len(self.open) >= MAX_DEPTH:
            sink.fault(f"files include each other more than {MAX_DEPTH} deep", *at)
            return
        text = sink.text(path, origin, cookie=True)
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
        first = re.search(_OPTION, line)
        text = line[: first.start()].rstrip() if first else line
        try:
            options = _options(line[first.start() :]) if first else {}
        except _BadOption as error:
            sink.fault(str(error), path, number)
            return
        if text:
            self.requirement(path, number, text, constraint)
        elif "editable" in options:  # one on a line; what stands beside it is read over
            self.editable(path, number, options["editable"][0], constraint)
        elif "include" in options or "constrain" in options:
            self.include(path, number, options, constraint)
        else:
            self.sources(path, number, options)

    def requirement(self, path: str, number: int, text: str, constraint: bool) -> None:
        head, _, marker = text.partition(";")
        if not marker.strip() and "://" not in text:
            text = head.strip()  # pip takes a semicolon with nothing behind it
        if re.fullmatch(_ARCHIVE, head) and not re.match(SCHEME, head):  # a file beside: no name
            text = posixpath.join(".", head.strip()) + (f" ;{marker}" if marker.strip() else "")
        found = parse_requirement(text, number)
        if found is not None:
            self.sink.add(found, path, constraint)
        elif not self.project(path, number, text, constraint):
            self.sink.fault(f"{text!r} is not a requirement that pip would read", path, number)

    def editable(self, path: str, number: int, value: str, constraint: bool) -> None:
        requirement = parse_requirement(value, number)
        if requirement is not None and requirement.url:
            self.sink.add(requirement, path, constraint)
        elif not self.project(path, number, value, constraint):
            self.sink.fault(f"cannot tell what {value!r} installs", path, number)

    def include(self, path: str, number: int, options: dict[str, list[str]], constraint: bool) -> None:
        """One file on a line, `-r` before `-c`; what stands beside it is read over."""
        value = options.get("include", options.get("constrain", [""]))[0]
        other = None if "://" in value else beside(path, value)
        if other is None or not value:
            self.sink.fault(f"cannot tell what {value!r} holds: it is not in this tree", path, number)
            return
        if "include" in options and constraint:
            why = f"pip installs what {value} asks for, although a constraint file names it; uv does not"
            self.sink.fault(why, path, number)
        self.file(other, constraint or "include" not in options, (path, number))

    def sources(self, path: str, number: int, options: dict[str, list[str]]) -> None:
        sink = self.sink
        self.alone = self.alone or "alone" in options
        if self.alone:  # --no-index: nothing but find-links, now and later
            sink.index_url = None
            sink.extra_index_urls.clear()
        else:
            if "index" in options:
                if sink.extra_index_urls:
                    why = "pip forgets the indexes that stand before --index-url; uv does not"
                    sink.fault(why, path, number)
                    sink.extra_index_urls.clear()
                sink.index_url = options["index"][-1]
            sink.extra_index_urls += options.get("extra", ())
        sink.find_links += options.get("links", ())[:1]

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
