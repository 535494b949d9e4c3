"""Patterns that are compiled late are the same patterns."""

from __future__ import annotations

import copy
import gc
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import envhooks
from envhooks import lazyre

PACKAGE = Path(envhooks.__file__).parent


def test_every_pattern_of_the_package_compiles() -> None:
    for file in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(("envhooks", *file.relative_to(PACKAGE).with_suffix("").parts))
        if not dotted.endswith("__main__"):
            importlib.import_module(dotted.removesuffix(".__init__"))
    kind = type(lazyre.compile(""))
    patterns = [found for found in gc.get_objects() if isinstance(found, kind)]
    assert len(patterns) > 100
    for pattern in patterns:
        assert isinstance(pattern.pattern, (str, bytes))


def test_it_answers_as_the_standard_one() -> None:
    late, plain = lazyre.compile(r"(?P<a>b+)", re.IGNORECASE), re.compile(r"(?P<a>b+)", re.IGNORECASE)
    for pattern in (late, plain):
        assert pattern.search("aBb")["a"] == "Bb"  # type: ignore[index]
        assert pattern.match("aB") is None and pattern.fullmatch("bb") is not None
        assert pattern.sub("x", "abab") == "axax" and pattern.split("abc") == ["a", "b", "c"]
        assert pattern.findall("babb") == ["b", "bb"] and len(list(pattern.finditer("bab"))) == 2
        assert (pattern.pattern, pattern.groups, dict(pattern.groupindex)) == ("(?P<a>b+)", 1, {"a": 1})
    assert late.flags == plain.flags
    assert copy.copy(late).match("b") is not None
    with pytest.raises(AttributeError):
        late.no_such_thing  # type: ignore[attr-defined]  # noqa: B018


def test_nothing_is_compiled_before_it_is_used() -> None:
    code = (
        "from envhooks import lazyre\n"
        "bad = lazyre.compile('(')\n"
        "try:\n    bad.match('x')\nexcept Exception as error:\n    print(type(error).__module__, error.pattern)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "("
