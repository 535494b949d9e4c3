"""`python -c "print(...)"` in a RUN: what is worked out is what Python prints, and all else is not known."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from envhooks.image.shell.pythonprint import MAX_SCRIPT, MAX_STATEMENTS, printed

KNOWN = (
    "print('2.8.0')",
    "print(28)",
    "import sys; print('x')",
    "v = '12.8.1'; print(v.split('.')[0])",
    "v='12.8.1'; print('cu' + v.replace('.', '')[:3])",
    "print('.'.join('2.8.0'.split('.')[:2]))",
    "v = '2.8'; print(f'torch=={v}.{0}')",
    "v='cu128'; print(v[-3:])",
    "v='a.b'; print(v.rpartition('.')[2])",
    "print('new' if '12' in 'cu128' else 'old')",
    "print('a' if 1 == 2 else 'b')",
    "print('a' if 'x' != 'x' else 'b')",
    "print('a' if 'q' not in 'xyz' else 'b')",
    "print(' a '.strip().upper())",
    "v='abc'; print(v[1])",
    "print('abc'[-1])",
    "v='1.2'; w=v.split('.'); print(w[1])",
    "print('A-B'.lower().partition('-')[0])",
    "print('xxax'.lstrip('x').rstrip('x'))",
)
"""Scripts that are worked out."""
UNKNOWN = (
    "",
    "x = 1",
    "print()",
    "print('a', 'b')",
    "print('a', end='')",
    "print = 1; print('a')",
    "import torch; print('a')",
    "import sys as s; print('a')",
    "from sys import path; print('a')",
    "import sys; print(sys.version)",
    "print(1.5)",
    "a = b = '1'; print(a)",
    "a, b = 'xy'; print(a)",
    "a += '1'; print(a)",
    "print(b)",
    "print('a' * 3)",
    "print(1 + 2)",
    "print('a' if 1 < 2 < 3 else 'b')",
    "print('a' if 1 < 2 else 'b')",
    "print('a' if 1 == '1' else 'b')",
    "print(f'{1.5}')",
    "print(f'{1:03}')",
    "print(f'{\"a\"!r}')",
    "print('a'.encode())",
    "print('a'.format())",
    "print('a.b'.split('.'))",
    "print('a'.split(sep='.')[0])",
    "print('abc'[::2])",
    "print('abc'['x'])",
    "print('abc'[9])",
    "print(5[0])",
    "print(len('abc'))",
    "print(open('x').read())",
    "print('a'",
    "print(True)",
    "print(not 1)",
    "exec('x')",
    "x.print('a')",
    "print('a' if 1 in 2 else 'b')",
    "print(-1)",
    "print('a'.join(1))",
    "print('a'[None])",
    "print('" + "x" * MAX_SCRIPT + "')",
    ";".join(["a='1'"] * MAX_STATEMENTS) + ";print(a)",
)
EVERY = """
import contextlib, io, json, sys
said = []
for script in json.load(sys.stdin):
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(script, {})
    except BaseException:
        said.append(None)
    else:
        said.append(out.getvalue())
json.dump(said, sys.stdout)
"""


def test_what_is_worked_out_is_what_python_prints() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", EVERY],
        input=json.dumps(KNOWN),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [f"{printed(script)}\n" for script in KNOWN] == json.loads(done.stdout)


@pytest.mark.parametrize("script", UNKNOWN)
def test_all_else_is_not_known(script: str) -> None:
    assert printed(script) is None


def test_a_text_that_grows_is_given_up() -> None:
    grows = "a='x'" + "".join(f";a=a.replace('x', '{'x' * 30}')" for _ in range(5)) + ";print(a)"
    assert len(grows) < MAX_SCRIPT and printed(grows) is None
