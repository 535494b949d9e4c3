"""Files that are built to hurt: everything ends, with an Environment or with one sentence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_files import MemoryFiles

from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.interpreter import read_environment

FILES = {
    "r.txt": b"torch==2.8.0\n-r r.txt\n-c c.txt\n",
    "c.txt": b"numpy==1.0\n",
    "pyproject.toml": b'[project]\nname = "x"\ndependencies = ["torch==2.1"]\n',
}


class StrictFiles(MemoryFiles):
    """As every real tree, it has no name for text that is not known."""

    def read(self, path: str) -> bytes | None:
        path.encode()
        return super().read(path)

    def list(self, folder: str) -> tuple[str, ...]:
        folder.encode()
        return super().list(folder)


def read(text: str) -> Environment:
    return read_environment(StrictFiles({**FILES, "Dockerfile": text.encode()}), "Dockerfile")


MOST_SECONDS = 10.0
"""Of one processor. The slowest of these takes one on a quiet machine; what is quadratic takes minutes."""

HOSTILE = {
    "a RUN of 100,000 lines": "FROM a\nRUN true" + " \\\n&& x" * 100_000,
    "a value that doubles": "FROM a\nARG A=xx\n" + "ARG A=$A$A\n" * 20_000,
    "a self-referring argument": "ARG A=$A\nARG A=${A:-$A}\nFROM a$A\nARG A=$A$B\nARG B=$A\nRUN pip install $A",
    "installs of a value that grows": "FROM a\nENV A='p==1 q==2 '\n"
    + "ENV A=$A$A\nRUN pip install $A\n" * 2_000,
    "open parentheses": "FROM a\nRUN " + "(" * 60_000,
    "nested substitutions": "FROM a\nRUN echo " + "$(" * 15_000 + " pip install x" + ")" * 15_000,
    "nested defaults": "FROM a\nENV A=" + "${A:-" * 10_000 + "x" + "}" * 10_000,
    "nested defaults in a shell": "FROM a\nRUN pip install " + "${A:-" * 10_000 + "x" + "}" * 10_000,
    "a pattern of many stars": "FROM a\nENV A=" + "a" * 20_000 + "\nENV B=${A##" + "*a" * 10_000 + "b}\n",
    "a pattern in a shell": "FROM a\nENV A="
    + "a" * 20_000
    + "\nRUN pip install x==${A##"
    + "*a" * 10_000
    + "b}\n",
    "a replacement that grows": "FROM a\nARG A=" + "a" * 20_000 + "\nENV B=${A//a/" + "b" * 20_000 + "}\n",
    "many heredocs": "FROM a\nRUN "
    + "".join(f"<<E{i} " for i in range(2_000))
    + "\n"
    + "".join(f"E{i}\n" for i in range(2_000)),
    "many copies": "FROM a\n" + "COPY x /y/\nRUN pip install -r /a/r.txt\n" * 5_000,
    "many globs": "FROM a\n" + "COPY */*/*.txt /a/\nRUN pip install -r /a/r.txt\n" * 3_000,
    "a chain of ONBUILD": "FROM a\n" + "ONBUILD " * 8_000 + "RUN x",
    "nested arrays": "FROM a\nRUN " + "[" * 60_000,
    "nested shells": "FROM a\nRUN " + 'bash -c "' * 6_000,
    "eval of eval": "FROM a\nRUN A='eval $A'; eval $A; pip install x==1",
    "a growing path": "FROM a\n" + "WORKDIR aaaaaaaa\n" * 20_000,
    "paths that are not known": "FROM a\nARG A\nCOPY $A/r.txt $A/*.txt /a/\nCOPY --from=b $A /x\nCOPY x $A/\n"
    "RUN pip install -r /a/r.txt -r $A/r.txt -r /a/$A -e $A . && mv /a/$A /a/* && rm -r $A/*\n",
    "a word that could be a name": "FROM a\nENV A=" + "a" * 60_000 + "\nARG B=" + "a1" * 30_000 + "\n",
    "many comments": "FROM a\nRUN a \\\n" + "# x\n" * 200_000 + "b\n",
    "a chain of stages": "".join(
        f"FROM {'x' if i == 0 else f's{i - 1}'} AS s{i}\nENV A{i}=1\n" for i in range(499)
    ),
    "too many stages": "".join(f"FROM x AS s{i}\n" for i in range(2_000)),
    "a reference of many parts": "FROM " + "a." * 20_000 + "!",
    "redirects without end": "FROM a\nRUN pip install a" + ">=1" * 20_000,
    "substitutions side by side": "FROM a\nRUN " + "x=$(pip install a $(pip install b)); " * 1_500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends(name: str) -> None:
    before = time.process_time()
    try:
        environment = read(HOSTILE[name])
    except CannotJudge as error:
        assert error.place.startswith("Dockerfile") and len(str(error)) < 300
    else:
        assert not any(package.exact and package.name == "torch" for package in environment.packages)
    assert time.process_time() - before < MOST_SECONDS


ALL = "FROM a\nWORKDIR /a\nCOPY . .\n"
AROUND: dict[str, dict[str, str]] = {
    "a long file that each RUN reads again": {
        "Dockerfile": ALL + "RUN pip install -r r.txt\n" * 200,
        "r.txt": "".join(f"p{i}==1\n" for i in range(2_000)),
    },
    "files that name each other": {
        "Dockerfile": ALL + "RUN pip install -r r0.txt\n",
        **{f"r{i}.txt": f"-r r{i + 1}.txt\n-c r{i + 1}.txt\n" * 20 for i in range(12)},
    },
    "a file that names itself": {
        "Dockerfile": ALL + "RUN conda env create -f e.yml\n",
        "e.yml": "name: x\ndependencies:\n  - pip:\n" + "    - -r r.txt\n" * 3_000,
        "r.txt": "-r r.txt\n" * 500,
    },
    "scripts that start each other": {
        "Dockerfile": ALL + "RUN bash s0.sh\n",
        **{f"s{i}.sh": f"bash s{i + 1}.sh\n. ./s{i + 1}.sh\n" * 30 for i in range(8)},
    },
    "a script that each RUN starts": {
        "Dockerfile": ALL + "RUN bash s.sh\n" * 100,
        "s.sh": "bash t.sh\n" * 60,
        "t.sh": "pip install p==1\n" * 50,
    },
    "parameters of scripts that grow": {
        "Dockerfile": ALL + "RUN bash s0.sh aaaaaaaaaa\n",
        **{f"s{i}.sh": f"bash s{i + 1}.sh {'$1' * 20}\n" for i in range(8)},
    },
    "this repository's own project, with many extras": {
        "Dockerfile": ALL + "RUN pip install " + " ".join(f"ours[e{i}]" for i in range(1_000)),
        "src/ours/__init__.py": "",
        "pyproject.toml": '[project]\nname = "ours"\n[project.optional-dependencies]\n'
        + "".join(f'e{i} = ["p>={i}"]\n' for i in range(1_000)),
    },
    "extras that name each other": {
        "Dockerfile": ALL + "RUN pip install .[e0]",
        "pyproject.toml": '[project]\nname = "ours"\n[project.optional-dependencies]\n'
        + "".join(f'e{i} = ["ours[{",".join(f"e{j}" for j in range(60))}]"]\n' for i in range(60)),
    },
    "lists of a setup.py that double": {
        "Dockerfile": ALL + "RUN pip install .",
        "setup.py": 'a0 = ["torch==1"]\n'
        + "".join(f"a{i} = a{i - 1} + a{i - 1}\n" for i in range(1, 60))
        + "setup(install_requires=a59)\n",
    },
}


@pytest.mark.parametrize("name", AROUND)
def test_it_ends_with_the_files_around(name: str) -> None:
    before = time.process_time()
    try:
        environment = read_environment(
            StrictFiles({path: text.encode() for path, text in AROUND[name].items()}), "Dockerfile"
        )
    except CannotJudge as error:
        assert error.place.startswith("Dockerfile") and len(str(error)) < 300
    else:
        assert not any(package.exact and package.name == "torch" for package in environment.packages)
    assert time.process_time() - before < MOST_SECONDS


PIECES = [
    "FROM x AS b\n",
    "FROM b\n",
    "RUN ",
    "RUN pip install torch==2.8.0\n",
    "RUN uv sync\n",
    "pip install ",
    "conda install ",
    "-r ",
    "r.txt ",
    "COPY r.txt /a/\n",
    "COPY $A/r.txt $A/*.txt /a/\n",
    "COPY . $A\n",
    "-r $A/r.txt ",
    "mv /a/$A /a/*.txt ",
    "WORKDIR /a\n",
    "COPY --from=b / /\n",
    "COPY --from=0 /usr /usr\n",
    "if ",
    "then ",
    "fi ",
    "; ",
    "&& ",
    "|| ",
    "( ",
    ") ",
    "{ ",
    "} ",
    "case x in ",
    "esac ",
    "for i in a; do ",
    "done ",
    "$( ",
    "`",
    "${A:=x}",
    "${A%%*x}",
    "${A//a/b}",
    "$((1+2)) ",
    "<( ",
    ">=2 ",
    "<3 ",
    "bash -c '",
    'eval "',
    "env A=b ",
    "A=1 ",
    "A=(1 2) ",
    "export A=$A$A ",
    "unset A ",
    "cd /x ",
    "source a/bin/activate ",
    "python -m venv /v ",
    "/v/bin/pip install q==1 ",
    "-e . ",
    "-c c.txt ",
    "--index-url=http://h/whl/cu128 ",
    "git+https://h/x.git@v1 ",
    "torch[a,b]==1 ",
    "--mount=type=bind,from=b,source=/x,target=/y ",
    "ARG A\n",
    "ARG A=${A:-1}\n",
    "ENV A=$A$A$A\n",
    "ONBUILD RUN pip install z==1\n",
    'SHELL ["bash","-c"]\n',
    "f() ",
    "! ",
    "exit 0 ",
    "\\\n",
    "\n",
    "'",
    '"',
    "<<E\n",
    "E\n",
    "{a,b} ",
    "* ",
    "é",
    "\ufeff",
    "{{ x }}",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_file_makes_it_fail(text: str) -> None:
    try:
        environment = read("FROM a\n" + text)
    except CannotJudge as error:
        assert error.message and not error.message.endswith(".")
        return
    assert hash(environment) is not None
    texts = [repr(environment)]
    assert not any("\ud800" <= char <= "\udfff" for one in texts for char in one)
    for package in environment.packages:
        assert package.exact == (package.version is not None)


CONDITIONS = [
    "if [ $A ]; then {}; fi",
    "for i in 1; do {}; done",
    "[ -f x ] || {}",
    "case $A in 1) {};; esac",
    "f() {{ {}; }}; f",
]
COMMANDS = [
    "pip install torch==2.8.0",
    "python -m pip install torch==2.8.0",
    "uv pip install --system torch==2.8.0",
    "bash -c 'pip install torch==2.8.0'",
    "env A=1 pip install torch==2.8.0",
    "(pip install torch==2.8.0)",
    "{{ pip install torch==2.8.0; }}",
    "[ 1 ] && pip install torch==2.8.0",
    "pip install torch==2.8.0 | tee x",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CONDITIONS), st.sampled_from(COMMANDS))
def test_nothing_under_a_condition_is_claimed(condition: str, command: str) -> None:
    environment = read(f"FROM a\nRUN {condition.format(command.format())}\n")
    assert not any(package.exact for package in environment.find("torch"))
    assert "torch" in {one.what for one in environment.cannot_tell}
