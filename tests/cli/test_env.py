"""`envhooks env`: the user sees what envhooks understood."""

from __future__ import annotations

import json

from support import Repo


def test_a_folder_and_a_file(good: Repo) -> None:
    for arguments in ([], ["."], ["Dockerfile"]):
        done = good.envhooks("env", *arguments)
        assert done.code == 0, done.said
        assert "base      nvidia/cuda:12.8.1-devel-ubuntu24.04  (Dockerfile:1)" in done.out
        assert "package   torch 2.8.0+cu128  (Dockerfile:3, pip)" in done.out


def test_json_is_what_programs_read(good: Repo) -> None:
    good.write(
        {
            "sub/Dockerfile": "ARG V=1\nFROM python:3.12-slim\nARG T\nRUN pip install torch==$T numpy>=1 'x>=2'\n"
        }
    )
    document = json.loads(good.envhooks("env", "sub", "--arg", "T=2.8.0", "--format", "json", check=True).out)
    assert document["version"] == 1
    assert document["base"] == {"image": "python", "tag": "3.12-slim", "digest": None}
    assert document["python"] == "3.12"
    torch = next(package for package in document["packages"] if package["name"] == "torch")
    assert (torch["version"], torch["exact"], torch["path"], torch["line"]) == (
        "2.8.0",
        True,
        "Dockerfile",
        4,
    )
    assert {one["name"]: one["swallowed"] for one in document["unpinned"]} == {"numpy": True, "x": False}


def test_what_is_wrong_is_a_sentence(good: Repo) -> None:
    good.write({"bin/Dockerfile": bytes(range(256)), "fragment/Dockerfile": "RUN x\n"})
    for arguments in (["nowhere"], ["bin"], ["fragment"], [".", "--arg", "X"], [".", "--target", "gone"]):
        done = good.envhooks("env", *arguments)
        assert done.code == 2, (arguments, done.said)
        assert "Traceback" not in done.said


def test_what_is_known_of_a_package(good: Repo) -> None:
    done = good.envhooks("explain", "dockerfile-compatible", "torch", "2.8")
    assert done.code == 0
    assert "0.23.0" in done.out
    assert "cu128" in done.out
    assert "compiled" in done.out
    assert good.envhooks("explain", "dockerfile-compatible", "torch", "99").code == 2
    assert good.envhooks("explain", "on-main", "torch").code == 2


def test_the_base_images_of_the_policy_are_known(good: Repo) -> None:
    base = '[[base]]\nimage = "team/base"\ntag = "7"\nholds = { torch = "2.8.0", os = "ubuntu24.04" }\n'
    good.commit_files({".envhooks/policy.toml": base, "sub/Dockerfile": "FROM team/base:7\n"})
    assert "2.8.0" in good.envhooks("env", "sub").out
    good.write({"sub/Dockerfile": "FROM team/base:8\n"})
    assert "2.8.0" not in good.envhooks("env", "sub").out
    good.write({".envhooks/policy.toml": "[[base]]\n"})
    assert good.envhooks("env", "sub").code == 2


def test_lint_knows_the_base_images_of_the_policy(good: Repo) -> None:
    base = '[[base]]\nimage = "team/pytorch"\ntag = "7"\nholds = { torch = "2.8.0" }\n'
    good.write({".envhooks/policy.toml": base, "Dockerfile": "FROM team/pytorch:7\n"})
    assert good.envhooks("lint", "dockerfile").code == 0
    good.write({"Dockerfile": "FROM team/pytorch:8\n"})
    assert good.envhooks("lint", "dockerfile").code == 1
