"""The environment of a tag, a commit, or the files of the work tree, by one name."""

from __future__ import annotations

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.image import Environment
from envhooks.image.files import FolderFiles
from envhooks.judge.contents import dockerfile_section, read_environment_at, section_for
from envhooks.judge.facts import Inapplicable, Unknown
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER
from envhooks.releases.reading import Releases, environment_at
from envhooks.tagname import Grammar

HERE = "."
"""The name of the work tree."""


def environment_of(releases: Releases, name: str, like: str = "") -> Environment | Unknown | Inapplicable:
    """The environment that a tag, a commit or `.` names.

    Args:
        name: a release tag, a revision that git resolves to a commit, or `.` for the work tree.
        like: tag whose Dockerfile is meant where `name` is not a release tag; empty for the first one of the policy.

    Raises:
        UsageError: there is no such tag or commit.
    """
    if name == HERE:
        return _of_work_tree(releases, like)
    if releases.has(name):
        return releases.read([name])[0].environment
    commit = releases.commit(name)
    if commit is None:
        raise UsageError(
            f"{printable(name)} is no release tag and no commit of this repository", fix="envhooks list"
        )
    return environment_at(releases, commit, like)


def known_environment(releases: Releases, name: str, like: str = "", *, fix: str = "") -> Environment:
    """The environment that a name stands for, as for `environment_of`; `fix` is for a Dockerfile that is missing.

    Raises:
        CannotJudge: it cannot be read, or the policy names no Dockerfile for it.
        UsageError: there is no such tag or commit, or no Dockerfile there.
    """
    found = environment_of(releases, name, like)
    if not isinstance(found, Environment):
        raise CannotJudge(f"{printable(name)}: {found.why}")
    missing = next((doubt for doubt in found.cannot_tell if doubt.what == "dockerfile"), None)
    if missing:
        raise UsageError(f"{printable(name)}: {missing.why}", fix=fix)
    return found


def _of_work_tree(releases: Releases, like: str) -> Environment | Inapplicable:
    top = releases.git.work_tree
    if top is None:
        raise UsageError("a bare repository has no files here: name a tag or a commit")
    policy = releases.trust.root.policy
    files = FolderFiles(top)
    data = files.read(f"{FOLDER}/policy.toml")
    if data is not None:
        policy = parse_policy(data, f"{FOLDER}/policy.toml in the work tree")
    section = dockerfile_section(policy, like)
    if section is None or section.path is None:
        return Inapplicable("the policy names no Dockerfile for it")
    name = Grammar(policy.tag).read(like).name if like else None
    if section.has_fields and name is None:
        return Inapplicable("which Dockerfile it is depends on a tag's name")
    section = section_for(section, name)
    assert section.path is not None
    return read_environment_at(files, section, section.path, policy.bases)
