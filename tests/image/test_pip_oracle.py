"""The reader of requirement files against pip's own, the one that this environment has.

What pip refuses, we may read no pin from; what pip reads, we read alike or call a fault. Nothing is installed and no
network is asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envhooks.image.requirements import Requirement, RequirementsFile, marker_holds, read_requirements

FILES = {
    "more.txt": b"triton==3.4.0\n--extra-index-url https://host.example/more\n",
    "sub/deep.txt": b"-c ../bound.txt\nsympy==1.13\n",
    "bound.txt": b"sympy==1.12 # bound\n",
    "up.txt": b"-r requirements.txt\n",
}
REQUIREMENTS = [
    "torch", "torch==2.8.0", "torch == 2.8.0+cu128", "Torch_Vision[a, B_c]>=0.23,<1", "torch (==2.8)", "torch===2.8",
    "torch==2.*", "torch~=2.8", "torch;python_version>'3'", "torch==2.8.0 ; extra == 'x'", "torch==2.8.0;",
    "torch @ https://host.example/torch-2.8.0-cp312-cp312-linux_x86_64.whl",
    "https://host.example/torch-2.8.0+cu128-cp312-cp312-linux_x86_64.whl ; os_name == 'posix'",
    "torch-2.8.0-cp312-cp312-linux_x86_64.whl", "./w/torch-2.8.0-cp312-cp312-linux_x86_64.whl[x]", "torch-2.8.tar.gz",
    "git+https://host.example/x/torch.git@v2.8.0#egg=torch", "torch=2.8", "torch 2.8", "torch==2.8.0 numpy", "==2.8",
    "torch>=2.8, <3", "torch<3,>=2", "torch !=2.7", "torch==v2.8.0-RC1", "torch @ file:///w/torch-2.8.0.zip",
]  # fmt: skip
OPTIONS = [
    "-r more.txt", "-rmore.txt", "--requirement=more.txt", "-c bound.txt", "--constraint bound.txt", "-r sub/deep.txt",
    "-r 'more.txt'", '-r "more.txt', "-r up.txt", "-i https://host.example/one", "--index-url=https://host.example/two",
    "--index-url", "--extra-index-url https://host.example/three", "--extra-index https://host.example/four", "--pre",
    "--extra https://host.example/five", "-f links", "--find-links=links", "--find links", "--no-index", "--no-ind",
    "--pre=1", "--only-binary :all:", "--no-binary=torch", "--hash=sha256:00", "--hash sha512:11", "--hash=md5:22",
    "--trusted-host host.example", "--prefer-binary", "--require-hashes", "--bogus", "-x", "--", "-", "--no-b torch",
    "-e git+https://host.example/x/apex.git#egg=apex", "--config-settings a=b",
]  # fmt: skip
GLUE = [" ", "\n", "\n", "\n", " \\\n", "  ", "\t", " # c\n", "\n# c\n", "\\\n# c \\\n", "#c", "\r\n", "\n\n"]


class Pip:
    """pip's parser, with the parts that it wants around it."""

    def __init__(self, folder: Path) -> None:
        from pip._internal.index.collector import LinkCollector
        from pip._internal.index.package_finder import PackageFinder
        from pip._internal.models.search_scope import SearchScope
        from pip._internal.models.selection_prefs import SelectionPreferences
        from pip._internal.network.session import PipSession
        from pip._internal.req import req_file
        from pip._internal.req.constructors import install_req_from_parsed_requirement

        session: Any = PipSession()

        def finder() -> Any:
            scope = SearchScope.create(find_links=[], index_urls=[], no_index=False)
            collector = LinkCollector(session=session, search_scope=scope)
            preferences = SelectionPreferences(allow_yanked=True)
            return PackageFinder.create(link_collector=collector, selection_prefs=preferences)

        self.folder = folder
        self._session, self._finder = session, finder
        self._parse, self._install = req_file.parse_requirements, install_req_from_parsed_requirement

    def read(self, data: bytes) -> dict[str, Any] | None:
        """What pip reads; None where it refuses the file."""
        (self.folder / "requirements.txt").write_bytes(data)
        finder = self._finder()
        found: dict[str, Any] = {"requirements": [], "constraints": []}
        here = Path.cwd()
        os.chdir(self.folder)
        try:
            for parsed in self._parse("requirements.txt", self._session, finder=finder):
                one = self._install(parsed)
                name = re.sub("[-_.]+", "-", one.name or "").lower()
                extras = sorted(re.sub("[-_.]+", "-", extra).lower() for extra in one.extras)
                specifier = "" if one.link or not one.req else one.req.specifier
                shown = (
                    name,
                    str(specifier),
                    one.link is not None,
                    extras,
                    str(one.markers or ""),
                )
                found["constraints" if parsed.constraint else "requirements"].append(shown)
        except Exception:  # its own errors, and those of what it stands on
            return None
        finally:
            os.chdir(here)
        found["indexes"] = list(finder.search_scope.index_urls)
        found["links"] = [one.rpartition("/")[2] for one in finder.search_scope.find_links]
        return found


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pip]:
    pytest.importorskip("pip", reason="this environment has no pip")
    folder = tmp_path_factory.mktemp("requirements")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    yield Pip(folder)


def shown(one: Requirement) -> tuple[str, str, bool, list[str], str]:
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

    specifier = "" if one.url else str(SpecifierSet(one.specifier.strip("()")))
    marker = str(Marker(one.marker)) if one.marker else ""
    return one.name, specifier, one.url is not None, sorted(one.extras), marker


def holds_a_marker(text: str) -> bool:
    from packaging.markers import InvalidMarker, Marker

    try:
        return not text or bool(Marker(text))
    except InvalidMarker:
        assert marker_holds(text) is None
        return False


def ours(data: bytes) -> RequirementsFile:
    return read_requirements((FILES | {"requirements.txt": data}).get, "requirements.txt")


def same(pip: Pip, data: bytes) -> None:
    found, theirs = ours(data), pip.read(data)
    if found.faults or any(not holds_a_marker(one.marker) for one in found.requirements):
        return  # doubt, which claims nothing
    if any(not one.name and "egg=" in (one.url or "") for one in found.requirements):
        return  # no name in its fragment, which only pip before 25 reads as one
    assert theirs is not None, "pip refuses what is read here without a doubt"
    # the name of a source archive is in its metadata, to pip; its file's name is enough here
    named = [
        one
        for one in found.requirements
        if not one.url or ".whl" in one.url or one.specifier or "egg=" in one.url
    ]
    assert [shown(one) for one in named] == [one for one in theirs["requirements"] if one[0]]
    assert len(found.requirements) == len(theirs["requirements"])
    assert [shown(one) for one in found.constraints] == theirs["constraints"]
    index = [found.index_url] if found.index_url else []
    assert list(dict.fromkeys([*index, *found.extra_index_urls])) == list(dict.fromkeys(theirs["indexes"]))
    links = dict.fromkeys(one.rpartition("/")[2] for one in found.find_links)
    assert list(links) == list(dict.fromkeys(theirs["links"]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([*REQUIREMENTS, *OPTIONS]), st.sampled_from(GLUE)), min_size=1, max_size=8
    ).map(lambda pairs: [piece for pair in pairs for piece in pair])
)
@example(["-r more.txt", " ", "-r sub/deep.txt"])
@example(["-r more.txt", " ", "-c bound.txt"])
@example(["torch==2.8.0", " ", "-r more.txt"])
@example(["--extra-index-url https://host.example/three", "\n", "-i https://host.example/one"])
@example(["--no-index", "\n", "-i https://host.example/one"])
@example(["-e git+https://host.example/x/apex.git#egg=apex", " ", "-r more.txt"])
@example(["torch==2.8.0", "\t", "--hash=sha256:00"])
@example(["torch==2.8.0", " ", "--bogus"])
@example(["-f links", " ", "-f more"])
@example(["torch", "\\\n", "==2.8.0"])
def test_generated_files_read_as_in_pip(pip: Pip, pieces: list[str]) -> None:
    same(pip, "".join(pieces).encode())


@pytest.mark.parametrize("line", [*REQUIREMENTS, *OPTIONS])
def test_each_line_reads_as_in_pip_or_is_a_fault(pip: Pip, line: str) -> None:
    same(pip, line.encode())


@pytest.mark.parametrize(
    ("data", "version"),
    [
        ("torch==2.8.0\n".encode("utf-8-sig"), "2.8.0"),
        ("torch==2.8.0\n".encode("utf-16"), "2.8.0"),
        ("torch==2.8.0\n".encode("utf-32"), "2.8.0"),
        (b"\xfe\xff" + "torch==2.8.0\n".encode("utf-16-be"), "2.8.0"),
        (b"# -*- coding: latin-1 -*-\n# \xe9\ntorch==2.8.0\n", "2.8.0"),
        (b"# \xc3\x89\n# vim: set fileencoding=utf-8 :\ntorch==2.8.0 # \xc3\x85\n", "2.8.0"),
        # to whoever reads UTF-8 these are comments; pip finds a line end, or another alphabet
        (b"# coding=latin-1\n# \xc3\x85torch==2.8.0\n", None),
        (b"# coding=utf-7\n+AHQ-orch==2.8.0\n", None),
        (b"# coding=rot13\ngbepu==2.8.0\n", None),
        (b"# coding=utf-8\ntorch==2.8.0 # \xe9\n", None),
        (b"torch==2.8.0 # \xe9\n", None),
    ],
)
def test_encodings(pip: Pip, data: bytes, version: str | None) -> None:
    found = ours(data)
    assert [one.version for one in found.requirements] == ([version] if version else [])
    assert bool(found.faults) == (version is None)
    if not data.startswith(b"\xff\xfe\0\0"):  # pip before 25 takes its mark for UTF-16's
        same(pip, data)
