from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envhooks.image.requirements import RequirementsFile, read_requirements
from envhooks.image.requirements.versions import allows, equal_versions
from envhooks.image.requirements.yamlnodes import Node, Scalar, YamlError, read_yaml

INDEX = "https://host.example/whl/cu128"


def read(files: Mapping[str, str | bytes], path: str = "requirements.txt") -> RequirementsFile:
    tree = {
        name: text if isinstance(text, bytes) else textwrap.dedent(text).encode()
        for name, text in files.items()
    }
    return read_requirements(tree.get, path)


def pins(found: RequirementsFile) -> list[tuple[str, str | None, str, int]]:
    return [(one.name, one.version, one.path, one.line) for one in found.requirements]


def test_a_requirement_file_as_pip_reads_it() -> None:
    found = read(
        {
            "requirements.txt": """\
            # torch==1.0
            --index-url https://host.example/whl/cu128
            --extra-index-url=https://host.example/simple  # more
            -f https://host.example/links.html
            torch==2.8.0+cu128 \\
                --hash=sha256:00 --hash=sha256:11
            torchvision \\
              ==0.23.0
            numpy>=1.26 ; python_version < "3.13"
            --no-binary :all:
            -c deps/constraints.txt
            -r deps/more.txt
            """,
            "deps/constraints.txt": "triton==3.4.0\n-c nested.txt\n",
            "deps/nested.txt": "sympy==1.13\n",
            "deps/more.txt": "-rnested.txt\n",
        }
    )
    assert pins(found) == [
        ("torch", "2.8.0", "requirements.txt", 5),
        ("torchvision", "0.23.0", "requirements.txt", 7),
        ("numpy", None, "requirements.txt", 9),
        ("sympy", "1.13", "deps/nested.txt", 1),
    ]
    assert [one.name for one in found.constraints] == ["triton", "sympy"]
    assert found.index_url == "https://host.example/whl/cu128"
    assert found.extra_index_urls == ("https://host.example/simple",)
    assert found.find_links == ("https://host.example/links.html",)
    assert found.faults == ()


@pytest.mark.parametrize(
    ("files", "why", "place"),
    [
        ({"requirements.txt": "-r requirements.txt\n"}, "includes itself", ("requirements.txt", 1)),
        ({"requirements.txt": "\n-r ../up.txt\n"}, "not in this tree", ("requirements.txt", 2)),
        ({"requirements.txt": "-r /etc/passwd\n"}, "not in this tree", ("requirements.txt", 1)),
        ({"requirements.txt": "-r https://host.example/x\n"}, "not in this tree", ("requirements.txt", 1)),
        ({"requirements.txt": "-r gone.txt\n"}, "does not exist", ("requirements.txt", 1)),
        ({"requirements.txt": "torch==${TORCH}\n"}, "cannot tell", ("requirements.txt", 1)),
        (
            {"requirements.txt": "--index-url https://h.example/${V}\n"},
            "cannot tell",
            ("requirements.txt", 1),
        ),
        ({"requirements.txt": "torch = 2.8\n"}, "not a requirement", ("requirements.txt", 1)),
        ({"requirements.txt": "--torch 2.8\n"}, "not an option", ("requirements.txt", 1)),
        ({"requirements.txt": "--index-url\n"}, "needs a value", ("requirements.txt", 1)),
        ({"requirements.txt": "--pre=1\n"}, "takes no value", ("requirements.txt", 1)),
        ({"requirements.txt": "--extra-index-url 'x\n"}, "not closed", ("requirements.txt", 1)),
        ({"requirements.txt": "torch==2.8.0 --hash=x\n"}, "not a hash", ("requirements.txt", 1)),
        ({"requirements.txt": "torch==2.8.0 --torch\n"}, "not an option", ("requirements.txt", 1)),
        ({"requirements.txt": "--pre torch==2.8.0\n"}, "not an option", ("requirements.txt", 1)),
        (
            {"requirements.txt": "--extra-index-url https://h/a\n--index-url https://h/b\n"},
            "pip forgets the indexes",
            ("requirements.txt", 2),
        ),
        (
            {"requirements.txt": "-c c.txt\n", "c.txt": "-r more.txt\n", "more.txt": "numpy==2.0\n"},
            "pip installs what more.txt asks for",
            ("c.txt", 1),
        ),
        ({"requirements.txt": "# comment\u2028torch==1.0\n"}, "editors do not show", ("requirements.txt", 1)),
        ({"requirements.txt": "a\n# comment\rtorch==1.0\n"}, "editors do not show", ("requirements.txt", 2)),
        ({"requirements.txt": b"torch==2.8.0 # \xe9\n"}, "not UTF-8", ("requirements.txt", 0)),
        ({"requirements.txt": "-e ./sub\n"}, "does not exist", ("requirements.txt", 1)),
        ({}, "does not exist", ("requirements.txt", 0)),
    ],
)
def test_what_cannot_be_told_is_a_fault(
    files: dict[str, str | bytes], why: str, place: tuple[str, int]
) -> None:
    found = read(files)
    ((said, *at),) = found.faults
    assert why in said
    assert tuple(at) == place
    assert not [one for one in found.requirements if one.name == "torch"]


def test_one_file_is_included_on_a_line_as_pip_has_it() -> None:
    files = {"a.txt": "torch==2.8.0\n", "b.txt": "torch==2.7.0\n"}
    assert pins(read(files | {"requirements.txt": "-r a.txt -r b.txt\n"}))[0][1:3] == ("2.8.0", "a.txt")
    assert pins(read(files | {"requirements.txt": "-c b.txt -r a.txt\n"})) == [("torch", "2.8.0", "a.txt", 1)]
    assert read(files | {"requirements.txt": "-c b.txt -r a.txt\n"}).constraints == ()
    assert pins(read(files | {"requirements.txt": "numpy==2.0 -r a.txt\n"}))[0][0] == "numpy"


def test_no_index_counts_now_and_later() -> None:
    text = (
        "-i https://h/a\n--extra-index-url https://h/b\n--no-index\n-i https://h/c\n--find-links ./wheels\n"
    )
    found = read({"requirements.txt": text})
    assert (found.index_url, found.extra_index_urls, found.find_links) == (None, (), ("./wheels",))


def test_options_may_be_quoted_and_cut_off() -> None:
    found = read({"requirements.txt": "--extra-index 'https://h/a' --find \"my wheels\"\n"})
    assert (found.extra_index_urls, found.find_links, found.faults) == (("https://h/a",), ("my wheels",), ())


def test_a_wheel_beside_the_file_needs_no_slash() -> None:
    wheel = "torch-2.8.0+cu128-cp312-cp312-linux_x86_64.whl"
    for line in (wheel, f"./{wheel}", f"{wheel}[x]", f"{wheel} ; sys_platform == 'linux'"):
        (one,) = read({"requirements.txt": f"{line}\n"}).requirements
        assert (one.name, one.version, one.local) == ("torch", "2.8.0", "cu128")
        assert one.extras == (("x",) if "[x]" in line else ())
        assert one.marker == ("sys_platform == 'linux'" if ";" in line else "")


def test_includes_are_bounded() -> None:
    deep = {f"{n}.txt": f"-r {n + 1}.txt\n" for n in range(50)}
    assert "deep" in read(deep, "0.txt").faults[0][0]
    wide = {f"{n}.txt": f"-r {n + 1}.txt\n" * 2 for n in range(15)} | {"15.txt": "torch==2.8.0\n"}
    found = read(wide, "0.txt")
    assert "more than 100 files" in found.faults[0][0]


def test_the_number_of_requirements_is_bounded() -> None:
    found = read({"requirements.txt": "torch==2.8.0\n" * 20_001})
    assert (len(found.requirements), found.faults) == (
        20_000,
        (("more than 20000 requirements", "requirements.txt", 0),),
    )


def test_a_token_in_an_index_is_no_riddle() -> None:
    found = read({"requirements.txt": "--extra-index-url https://${USER}:${TOKEN}@host.example/whl/cu128\n"})
    assert found.faults == ()
    assert found.extra_index_urls == ("https://***@host.example/whl/cu128",)


def test_powershell_writes_utf_16() -> None:
    assert pins(read({"requirements.txt": "torch==2.8.0\r\n".encode("utf-16")}))[0][:2] == ("torch", "2.8.0")


def test_a_comment_ends_a_continuation() -> None:
    found = read({"requirements.txt": "torch==2.8.0 \\\n# note\ntriton==3.4.0\n"})
    assert [one[:2] for one in pins(found)] == [("torch", "2.8.0"), ("triton", "3.4.0")]


def test_an_editable_project_brings_its_dependencies() -> None:
    files = {
        "requirements.txt": "-e ./sub[gpu]\n",
        "sub/pyproject.toml": """\
            [project]
            dependencies = ["torch==2.8.0"]
            [project.optional-dependencies]
            gpu = ["triton==3.4.0"]
            docs = ["sphinx==8.0"]
            """,
    }
    assert pins(read(files)) == [
        ("torch", "2.8.0", "sub/pyproject.toml", 2),
        ("triton", "3.4.0", "sub/pyproject.toml", 4),
    ]


def test_conda_lists() -> None:
    explicit = "@EXPLICIT\nhttps://host.example/linux-64/pytorch-2.1.0-py3.10_0.tar.bz2#00\n"
    assert pins(read({"requirements.txt": explicit}))[0][:2] == ("pytorch", "2.1.0")
    export = "# This file may be used to create an environment using:\npytorch=2.1.0=py3.10_0\n"
    assert pins(read({"requirements.txt": export}))[0][:2] == ("pytorch", "2.1.0")


ENVIRONMENT = """\
name: gpu
channels: [pytorch, "nvidia/label/cuda-12.1.0", defaults]
dependencies:
- python=3.10
- pytorch::pytorch==2.1.0  # the framework
- numpy=1.26
- pip:
  - --extra-index-url https://host.example/whl/cu121
  - torchmetrics==1.4.0
  - -r requirements.txt
  - "rich>=13,<14"
prefix: /opt/conda
"""


def test_an_environment_file() -> None:
    found = read(
        {"env/environment.yml": ENVIRONMENT, "env/requirements.txt": "einops==0.8\n"}, "env/environment.yml"
    )
    assert found.faults == ()
    assert pins(found) == [
        ("python", None, "env/environment.yml", 4),
        ("pytorch", "2.1.0", "env/environment.yml", 5),
        ("numpy", None, "env/environment.yml", 6),
        ("torchmetrics", "1.4.0", "env/environment.yml", 9),
        ("einops", "0.8", "env/requirements.txt", 1),
        ("rich", None, "env/environment.yml", 11),
    ]
    assert found.extra_index_urls == ("https://host.example/whl/cu121",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("dependencies:\n- *x\n", 2),
        ("dependencies:\n- !!binary a\n", 2),
        ("dependencies: !mine\n- a\n", 1),
        ("dependencies: &x\n- *x\n", 2),
        ("dependencies:\n- {{ pin }}\n", 2),
        ("a: 1\na: 2\n", 2),
        ("a: 1\n---\nb: 2\n", 3),
        ("a:\n\t- b\n", 2),
        ("a: 1\n<<: {b: 2}\n", 2),
        ("a: 'b\n", 2),
        ("- a\nb: c\n", 2),
        ("? [a]\n: b\n", 1),
        ("a: \x07\n", 1),
        ("a: &a [x]\nb: [" + "*a, " * 101 + "]\n", 2),
        ("[" * 40 + "]" * 40 + "\n", 1),
        ("[" * 100_000 + "\n", 1),
        ("- " * 100_000 + "\n", 1),
    ],
)
def test_yaml_that_cannot_be_told_is_not_guessed_at(text: str, line: int) -> None:
    found = read({"environment.yml": text}, "environment.yml")
    assert [(fault[1], fault[2]) for fault in found.faults] == [("environment.yml", line)]
    assert "cannot tell" in found.faults[0][0]
    assert found.requirements == ()


def test_what_conda_writes_itself_is_read() -> None:
    """Anchors, a document mark, folded text and continued values, each of which hides no pin."""
    text = """\
%YAML 1.1
---
name: &name gpu
channels: [pytorch,
  defaults]
variables:
  NOTE: >-
    two
    lines
  NAME: *name
dependencies:
- python=3.10
- &torch pytorch==2.8.0
- |-
  numpy==2.1.0
"""
    found = read({"environment.yml": text}, "environment.yml")
    assert found.faults == ()
    assert pins(found) == [
        ("python", None, "environment.yml", 12),
        ("pytorch", "2.8.0", "environment.yml", 13),
        ("numpy", "2.1.0", "environment.yml", 14),
    ]


@pytest.mark.parametrize("written", ["3.10", "1_0", "1e3", "yes", "2026-11-02", "0x1F", "!!str 3.10", "'~'"])
def test_a_value_stays_the_text_that_it_is_written_as(written: str) -> None:
    plain = "'" not in written and "!" not in written
    assert read_yaml(f"a: {written}\n") == {"a": Scalar(written.removeprefix("!!str ").strip("'"), 1, plain)}


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("2.8", True), ("2.8.0", True), ("12", True), ("cu128", True), ("true", True), ("-1.5", True), ("'2.10'", True),
        ("2.10", False), ("12.0", False), ("012", False), ("1_0", False), ("1e3", False), ("0x1F", False),
        ("1:30", False), ("2026-11-02", False), ("yes", False), ("", False), ("~", False), ("''", True),
    ],
)  # fmt: skip
def test_a_number_that_a_typed_reader_gives_back_otherwise_is_known(written: str, same: bool) -> None:
    node = read_yaml(f"a: {written}\n")
    assert isinstance(node, dict) and isinstance(node["a"], Scalar) and node["a"].is_as_written is same


@pytest.mark.parametrize(
    "text",
    [
        "dependencies: x\n",
        "dependencies:\n- pip: x\n",
        "dependencies:\n- uv:\n  - x\n",
        "other: x\n",
        "- a\n",
    ],
)
def test_an_odd_environment_is_a_fault(text: str) -> None:
    assert read({"environment.yml": text}, "environment.yml").faults


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    return (
        [_plain(one) for one in node] if isinstance(node, list) else {k: _plain(v) for k, v in node.items()}
    )


def _without_null(loaded: object) -> object:
    """The base loader's answer; it takes `~` and `null` for text, and no document for None."""
    if isinstance(loaded, list):
        return [_without_null(one) for one in loaded]
    if isinstance(loaded, dict):
        return {key: _without_null(one) for key, one in loaded.items()}
    return "" if loaded is None else loaded


_scalars = st.from_regex(r"[a-z][a-z0-9=.<>,+-]{0,10}", fullmatch=True) | st.text(
    alphabet="ab1 #:'\"\\-[]{},&*>=", min_size=1, max_size=12
)
_documents = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True), inner, min_size=1, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(_documents)
def test_what_is_read_is_what_pyyaml_reads(document: object) -> None:
    text = yaml.safe_dump(document, width=1000)
    node = read_yaml(text.removesuffix("...\n"))
    assert _plain(node) == _without_null(yaml.load(text, yaml.BaseLoader))


@settings(max_examples=800, deadline=None)
@given(st.text(alphabet="ab-: \n#'\"[]{},&*|>!?%@\t", max_size=50))
def test_any_text_is_read_as_yaml_does_or_refused(text: str) -> None:
    try:
        node = read_yaml(text)
    except YamlError:
        return
    try:
        reference = yaml.load(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError:
        raise AssertionError(f"PyYAML refuses {text!r}") from None
    assert _plain(node) == _without_null(reference)


PYPROJECT = """\
[project]
name = "x"
dependencies = [
  "torch==2.8.0",
  "numpy>=1.26 ; python_version < '3.13'",
]
[project.optional-dependencies]
gpu = ["triton==3.4.0"]
[tool.uv.sources]
torch = { index = "cu128" }
[[tool.uv.index]]
name = "cu128"
url = "https://host.example/whl/cu128"
explicit = true
[[tool.uv.index]]
name = "mirror"
url = "https://host.example/simple"
default = true
"""


def test_a_project() -> None:
    found = read({"pyproject.toml": PYPROJECT}, "pyproject.toml")
    assert pins(found) == [
        ("torch", "2.8.0", "pyproject.toml", 4),
        ("numpy", None, "pyproject.toml", 5),
        ("triton", "3.4.0", "pyproject.toml", 8),
    ]
    assert found.requirements[0].index == "https://host.example/whl/cu128"
    assert found.requirements[2].marker == 'extra == "gpu"'
    assert found.index_url == "https://host.example/simple"
    assert found.extra_index_urls == ()


def test_poetrys_dependencies() -> None:
    text = """\
        [tool.poetry.dependencies]
        python = "^3.11"
        torch = { version = "2.8.0+cu128", source = "pytorch" }
        numpy = "^1.26"
        jax = "0.7.1"
        flash = { git = "https://host.example/flash.git", tag = "v2" }
        triton = { version = "3.4.0", optional = true }
        x = 7
        [tool.poetry.extras]
        gpu = ["triton"]
        [[tool.poetry.source]]
        name = "pytorch"
        url = "https://host.example/whl/cu128"
        """
    found = read({"pyproject.toml": text}, "pyproject.toml")
    assert [(one.name, one.version, one.local, one.exact) for one in found.requirements] == [
        ("torch", "2.8.0", "cu128", True),
        ("numpy", None, None, False),
        ("jax", "0.7.1", None, True),
        ("flash", None, None, False),
        ("triton", "3.4.0", None, True),
    ]
    assert found.requirements[0].index == "https://host.example/whl/cu128"
    assert found.requirements[4].marker == 'extra == "gpu"'
    assert [fault[1:] for fault in found.faults] == [("pyproject.toml", 8)]


def test_a_uv_lock() -> None:
    text = """\
        version = 1
        [[package]]
        name = "me"
        version = "0.1"
        source = { editable = "." }
        [[package]]
        name = "torch"
        version = "2.8.0"
        source = { registry = "https://host.example/simple" }
        resolution-markers = ["sys_platform == 'darwin'"]
        [[package]]
        name = "torch"
        version = "2.8.0+cu128"
        source = { registry = "https://host.example/whl/cu128" }
        resolution-markers = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
        """
    found = read({"uv.lock": text}, "uv.lock")
    mac, linux = found.requirements
    assert (mac.local, mac.marker, mac.line) == (None, "sys_platform == 'darwin'", 7)
    assert (linux.local, linux.index, linux.line) == ("cu128", "https://host.example/whl/cu128", 12)
    assert linux.marker == "(sys_platform == 'linux') or (sys_platform == 'win32')"
    assert linux.how == "lock"


def test_poetry_pipenv_and_standard_locks() -> None:
    poetry = """\
        [[package]]
        name = "torch"
        version = "2.8.0"
        optional = false
        markers = "python_version >= \\"3.10\\""
        [package.source]
        type = "legacy"
        url = "https://host.example/whl/cu128"
        """
    (torch,) = read({"poetry.lock": poetry}, "poetry.lock").requirements
    assert (torch.version, torch.index, torch.marker) == (
        "2.8.0",
        "https://host.example/whl/cu128",
        'python_version >= "3.10"',
    )
    pipfile = """\
        {"_meta": {"sources": [{"name": "a", "url": "https://host.example/simple"}]},
         "default": {
            "torch": {"version": "==2.8.0", "index": "a", "markers": "python_version >= '3.9'"},
            "x": {"git": "https://host.example/x", "ref": "00"}
         }, "develop": {"pytest": {"version": "==8.0"}}}
        """
    found = read({"Pipfile.lock": pipfile}, "Pipfile.lock")
    assert pins(found) == [("torch", "2.8.0", "Pipfile.lock", 3)]
    assert [fault[1:] for fault in found.faults] == [("Pipfile.lock", 4)]
    standard = """\
        lock-version = "1.0"
        [[packages]]
        name = "torch"
        version = "2.8.0+cu128"
        index = "https://host.example/whl/cu128"
        marker = "sys_platform == 'linux'"
        """
    (torch,) = read({"pylock.gpu.toml": standard}, "pylock.gpu.toml").requirements
    assert (torch.version, torch.local, torch.line) == ("2.8.0", "cu128", 3)


def test_a_conda_lock() -> None:
    text = """\
        version: 1
        metadata:
          content_hash:
            linux-64: 00
          channels:
          - url: conda-forge
            used_env_vars: []
        package:
        - name: pytorch
          version: 2.1.0
          manager: conda
          platform: linux-64
          dependencies:
            numpy: '>=1.22.4,<2.0a0'
          url: https://host.example/linux-64/pytorch-2.1.0-py3.10_0.conda
          hash:
            md5: '00'
          optional: false
        - name: pytorch
          version: 2.1.0
          manager: conda
          platform: osx-64
        - name: torchmetrics
          version: 1.4.0
          manager: pip
          platform: linux-64
          dependencies: {}
        """
    found = read({"conda-lock.yml": text}, "conda-lock.yml")
    assert found.faults == ()
    assert [(one.name, one.version, one.how, one.line) for one in found.requirements] == [
        ("pytorch", "2.1.0", "conda", 10),
        ("torchmetrics", "1.4.0", "lock", 24),
    ]


@pytest.mark.parametrize("name", ["setup.py", "setup.cfg", "Pipfile", "pixi.toml", "tools/requirements.py"])
def test_files_that_are_not_read_say_so(name: str) -> None:
    assert "cannot tell" in read({name: "torch==2.8.0"}, name).faults[0][0]


NAMES = ("requirements.txt", "environment.yml", "pyproject.toml", "uv.lock", "Pipfile.lock", "conda-lock.yml")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
@example("environment.yml", "\u00a0".encode())  # a blank to Python's strip(), none to YAML
def test_no_bytes_raise(name: str, data: bytes) -> None:
    read_requirements({name: data}.get, name)


_toml = st.sampled_from(
    ["[project]\n", "[[package]]\n", "[tool.poetry.dependencies]\n", "[tool.uv]\n", "[package]\n", "[tool]\n"]
)
_line = st.builds(
    "{} = {}\n".format,
    st.sampled_from(["name", "version", "dependencies", "source", "uv", "poetry", "index", "sources"]),
    st.sampled_from(['"torch"', "1", "[1]", "[[]]", "{}", '["a==1"]', '{ index = 1 }', '{ url = "x" }', "true"]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["pyproject.toml", "uv.lock"]), st.lists(_toml | _line, max_size=8).map("".join))
def test_no_toml_of_the_wrong_shape_raises(name: str, text: str) -> None:
    read_requirements({name: text.encode()}.get, name)


def test_json_of_the_wrong_shape_does_not_raise() -> None:
    for text in (
        "[]",
        "1",
        '{"default": []}',
        '{"default": {"a": 1}}',
        '{"_meta": {"sources": [1, {"name": []}]}}',
        "[" * 100_000,
    ):
        read_requirements({"Pipfile.lock": text.encode()}.get, "Pipfile.lock")


@pytest.mark.parametrize(
    ("source", "version", "index", "exact"),
    [
        ('torch = { index = "cu128" }', "2.8.0", INDEX, True),
        ('torch = { index = "none" }', "2.8.0", "", True),
        ('torch = [{ index = "cu128" }]', "2.8.0", INDEX, True),
        ('torch = [{ index = "cu128" }, { index = "cpu" }]', "2.8.0", "", True),
        ("torch = { index = \"cu128\", marker = \"sys_platform == 'linux'\" }", "2.8.0", "", True),
        ('torch = { url = "https://host.example/torch-2.6.0-cp312-cp312-linux_x86_64.whl" }', "2.6.0", "", True),
        ('torch = { git = "https://host.example/torch", tag = "v2.6.0" }', None, "", False),
        ('torch = { path = "../torch" }', None, "", False),
        ("torch = { workspace = true }", "2.8.0", "", True),
        ("torch = 1", "2.8.0", "", True),
    ],
)  # fmt: skip
def test_where_uv_takes_a_package_from(source: str, version: str | None, index: str, exact: bool) -> None:
    text = '[project]\nname = "x"\ndependencies = ["torch==2.8.0"]\n[tool.uv.sources]\n' + source
    text += f'\n[[tool.uv.index]]\nname = "cu128"\nurl = "{INDEX}"\nexplicit = true\n'
    (found,) = read({"pyproject.toml": text}, "pyproject.toml").requirements
    assert (found.version, found.index, found.exact) == (version, index, exact)


def test_indexes_of_uv() -> None:
    text = """\
    [project]
    name = "x"
    dependencies = ["torch==2.8.0"]
    [tool.uv]
    index-url = "https://host.example/simple"
    extra-index-url = ["https://host.example/more", 1]
    find-links = ["https://host.example/links"]
    [[tool.uv.index]]
    url = "https://host.example/second"
    [[tool.uv.index]]
    name = "without an address"
    """
    found = read({"pyproject.toml": text}, "pyproject.toml")
    assert found.index_url == "https://host.example/simple"
    assert found.extra_index_urls == ("https://host.example/second", "https://host.example/more")
    assert found.find_links == ("https://host.example/links",)


PIXI = "environments: {default: {packages: {linux-64: [{conda: 'https://host.example/x'}]}}}\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("environment.yml", "dependencies: 1\n", "its dependencies are not a list"),
        ("environment.yml", "dependencies: ['==1']\n", "is not a conda specification"),
        ("environment.yml", "dependencies: [{pip: 1}]\n", "neither text nor a list for pip"),
        ("environment.yml", "dependencies: [{pip: [[a]]}]\n", "neither text nor a list for pip"),
        ("environment.yml", "dependencies: [{npm: [a]}]\n", "neither text nor a list for pip"),
        ("environment.yml", "dependencies: [{pip: ['a b c']}]\n", "is not a requirement that pip would read"),
        ("environment.yml", "odd: 1\ndependencies: []\n", "cannot tell what 'odd' means"),
        ("environment.yml", "- a\n", ""),
        ("conda-lock.yml", "package: 1\n", "it has no list of packages"),
        ("conda-lock.yml", "package: [{name: a}]\n", "a package without name and version"),
        ("pixi.lock", "version: 6\nenvironments: {}\n", "it has no default environment for linux-64"),
        ("pixi.lock", "a: [\n", ""),
        ("pixi.lock", PIXI, "no exact version"),
    ],
)  # fmt: skip
def test_a_file_of_conda_that_cannot_be_told(name: str, text: str, why: str) -> None:
    found = read({name: text}, name)
    assert found.faults and why in str(found.faults[0])


@pytest.mark.parametrize("text", ["dependencies:\n", "dependencies:\n- pip:\n", "name: x\n"])
def test_an_empty_environment_file_is_none_that_is_doubted(text: str) -> None:
    found = read({"environment.yml": text}, "environment.yml")
    assert not found.requirements and not found.faults


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("2.8", "2.8.0", True), ("2.8", "2.8.1", False), ("master", "2.8", False), ("x", "x", True)],
)
def test_equal_versions(one: str, other: str, same: bool) -> None:
    assert equal_versions(one, other) is same


@pytest.mark.parametrize(
    ("specifier", "version", "allowed"),
    [(">=3.7.1", "3.7", True), (">=3.8", "3.7", False), ("=>3", "3.7", True), (">=3.8", "system", True)],
)
def test_what_a_specifier_of_python_allows(specifier: str, version: str, allowed: bool) -> None:
    assert allows(specifier, version) is allowed
