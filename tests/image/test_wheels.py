"""Pythons for which a release has wheels: frameworks whose metadata does not say it."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.image.compat import judge_environment, known, provenance
from envhooks.image.compat.table import load_table
from envhooks.image.compat.wheels import load_wheels
from envhooks.image.interpreter import read_environment
from envhooks.indexes.client import File
from envhooks.indexes.rendering import render_wheels
from envhooks.indexes.wheels import read_wheels


def faults(run: str, python: str = "3.13") -> list[tuple[str, str]]:
    files = MemoryFiles({"Dockerfile": f"FROM python:{python}\nRUN {run}\n".encode()})
    return [(one.rule, one.expected) for one in judge_environment(read_environment(files, "Dockerfile"))]


def test_every_row_is_of_a_package_that_the_table_names() -> None:
    assert set(load_wheels()) == load_table().wheeled
    assert all(row for rows in load_wheels().values() for row in rows.values())


@pytest.mark.parametrize(
    ("run", "python", "expected"),
    [
        ("pip install paddlepaddle==2.6.2", "3.13", [("python", "Python 3.8 to 3.12")]),
        ("pip install paddlepaddle==2.6.2", "3.12.4", []),
        ("pip install mindspore==2.10.0", "3.9", [("python", "Python 3.10 to 3.12")]),
        ("pip install paddlepaddle-gpu==2.6.2", "3.13", [("python", "Python 3.8 to 3.12")]),
        ("pip install paddlepaddle-gpu==3.0.0 -i https://example.org/packages/stable/cu126/", "3.13", []),
        ("pip install paddlepaddle==9.9.9", "3.13", []),
        ("pip install 'paddlepaddle>=2.6.2'", "3.13", []),
        ("pip install paddlepaddle==2.6.2", "latest", []),
    ],
)
def test_a_release_without_a_wheel_for_the_python(
    run: str, python: str, expected: list[tuple[str, str]]
) -> None:
    assert faults(run, python) == expected


def test_the_rows_are_shown_with_their_source() -> None:
    rows = known("PaddlePaddle", "2.6")
    assert {row["package"] for row in rows} == {"paddlepaddle", "paddlepaddle-gpu"}
    assert rows[0]["wheels on PyPI for Python"] == "3.8, 3.9, 3.10, 3.11, 3.12"
    assert "Linux x86-64 on PyPI" in provenance("paddle")[1] and known("mindspore", "2.10")


class Listing:
    """Files of one package, as an index lists them."""

    def wheels(self, package: str) -> list[File]:
        rows = (
            ("1.0.0", "cp310", "manylinux_2_28_x86_64", False),
            ("1.0.0", "cp39.cp311", "manylinux1_x86_64.manylinux_2_5_x86_64", False),
            ("1.0.0", "cp312", "win_amd64", False),
            ("1.0.0", "cp313", "manylinux_2_28_aarch64", False),
            ("1.1.0", "cp310", "linux_x86_64", True),
            ("1.2.0rc1", "cp310", "linux_x86_64", False),
        )
        return [
            File(version, python, platform, "", "", yanked, "", False)
            for version, python, platform, yanked in rows
        ]


def test_the_names_of_files_say_the_pythons() -> None:
    found = read_wheels(Listing(), ["one"])  # type: ignore[arg-type]
    assert found == {"one": {"1.0.0": ("3.9", "3.10", "3.11")}}
    assert list(render_wheels(found)) == [
        "[[wheels.one]]", 'python = ["3.9", "3.10", "3.11"]', 'versions = ["1.0.0"]', ""
    ]  # fmt: skip
