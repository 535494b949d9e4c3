"""Survey of a repository for `envhooks init`: its tags, Dockerfiles, changelog and remotes, as they are committed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError
from envhooks.base.refs import TAGS
from envhooks.changelog.reader import FILE_NAME
from envhooks.git.repository import Git
from envhooks.policy.commented import toml_text
from envhooks.tagname import BUILTIN_FRAMEWORKS, field_names
from envhooks.tagname.proposal import Proposal, globs_of, propose

_DOCKERFILE = r"(?:.*/)?(?:(?:Docker|Container)file(?:[.-][^/]+)?|[^/]+\.(?:Docker|Container)file)"
_NO_DOCKERFILE = r".*\.(?:dockerignore|md|txt|j2|jinja2?|tmpl|template|erb|in|sh|py|ya?ml)"
_ASIDE = (
    r"(?:.*/)?(?:node_modules|third_party|vendor|tests?|examples?|docs?|dev|ci|lint|tools"
    r"|\.devcontainer|\.github)/.*"
)
_CHANGELOG = rf"(?i:docs?/)?(?:{FILE_NAME})"
_MOST_DOCKERFILES = 30
"""Dockerfiles that are read; of more, those nearest to the top."""
_LATEST = 5
_WORD = {"framework": "framework:lower", "hardware": "hardware:kind"}
"""Field -> how a path writes it: a folder of hardware carries no version of it."""


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile of the repository."""

    path: str
    frameworks: tuple[tuple[str, str], ...] = ()
    """(framework, version; empty where it is not pinned) of each framework that it installs."""
    hardware: tuple[str, ...] = ()
    """Kinds of hardware for which it says to be built: ("CUDA",)."""


@dataclass(frozen=True)
class Survey:
    """Result of the survey."""

    proposal: Proposal
    dockerfiles: tuple[Dockerfile, ...]
    """The one that is taken first."""
    dockerfile: str
    """Path or template for the policy; empty where there is none."""
    changelog: str
    """Path of the changelog; empty where there is none."""

    @property
    def constants(self) -> dict[str, str]:
        """Fields that all tags have without writing them: the framework that the only image has.

        So is the hardware for which a word of the names stands: `gpu` for the one that the image is built for.
        """
        template, found = self.proposal.template, {}
        written = field_names(template)
        if not self.dockerfiles:
            return {}
        first = self.dockerfiles[0]
        frameworks = [*dict.fromkeys(name for name, _ in first.frameworks)]
        if "framework" not in written and "version" in written and len(frameworks) == 1:
            found["framework"] = frameworks[0]
        words = re.findall(r"[a-z]+", re.sub(r"\{[^}]*\}", " ", template.lower()))
        accelerators = [kind for kind in first.hardware if kind != "CPU"]
        if "hardware" not in written and "gpu" in words and len(accelerators) == 1:
            found["hardware"] = accelerators[0]
        return found

    @property
    def stated(self) -> dict[tuple[str, str], str]:
        """(section, key) -> value in TOML, of what the policy has to state."""
        found = {}
        if not self.proposal.is_default and self.proposal.read:
            found["tag", "templates"] = f"[{self._template()}]"
        if self.dockerfile not in ("", "Dockerfile"):
            found["dockerfile", "path"] = toml_text(self.dockerfile)
        if self.changelog not in ("", "CHANGELOG.md"):
            found["changelog", "path"] = toml_text(self.changelog)
        return found

    @property
    def ignored(self) -> tuple[str, ...]:
        """Patterns of the names that the template does not read, without those that fit one that it reads."""
        read = self.proposal.read
        return tuple(
            glob for glob in globs_of(self.proposal.rest) if not any(fnmatchcase(name, glob) for name in read)
        )

    @property
    def globs(self) -> tuple[str, ...]:
        """Patterns of all names, as `git tag -l` takes them."""
        return globs_of((*self.proposal.read, *self.proposal.rest))

    def _template(self) -> str:
        template = toml_text(self.proposal.template)
        if not self.constants:
            return template
        constants = "".join(f", {name} = {toml_text(value)}" for name, value in self.constants.items())
        return f"{{ template = {template}{constants} }}"


def survey(git: Git, commit: str | None) -> Survey:
    """Survey of a commit and of the tags; `commit` is None where there is none yet."""
    paths = _paths(git, commit)
    dockerfiles = _dockerfiles(git, commit, paths)
    versions = [version for one in dockerfiles for _, version in one.frameworks if version]
    tags = _tags(git)
    majors = {version.split(".")[0] for version in versions} if _follows(tags, versions) else set()
    proposal = propose(
        tags,
        lambda text: "." in text and text.split(".")[0] in majors,
        majors=_majors(dockerfiles),
    )
    taken = dockerfiles[0].path if dockerfiles else ""
    by_fields = _by_fields(dockerfiles, field_names(proposal.template))
    where = by_fields or taken
    changelog = _changelog(paths) or _changelog_beside(where, dockerfiles, paths)
    return Survey(proposal, tuple(dockerfiles), where, changelog)


def _majors(dockerfiles: Sequence[Dockerfile]) -> dict[str, frozenset[str]]:
    """Framework -> first numbers of the versions that are installed of it."""
    found: dict[str, set[str]] = {}
    for one in dockerfiles:
        for framework, version in one.frameworks:
            if version:
                found.setdefault(framework, set()).add(version.split(".")[0])
    return {framework: frozenset(numbers) for framework, numbers in found.items()}


def _paths(git: Git, commit: str | None) -> list[str]:
    if commit is None:
        return []
    listed = git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return [path for path in os.fsdecode(listed).split("\0") if _is_statable(path)]


def _is_statable(path: str) -> bool:
    """Whether a policy can name this path: braces and brackets are a template's, and a backslash is refused."""
    return path.isprintable() and not set("{}[]\\") & set(path)


def _tags(git: Git) -> list[str]:
    """Names of all tags, the latest first."""
    listed = git.ask("for-each-ref", "--sort=-creatordate", "--format=%(refname)", TAGS)
    return [ref.removeprefix(TAGS) for ref in os.fsdecode(listed).split("\n") if ref]


def _follows(tags: Sequence[str], versions: Sequence[str]) -> bool:
    """Whether one of the latest tags has the X.Y of a framework's version: then tags are numbered by the framework."""
    lines = {tuple(version.split(".")[:2]) for version in versions}
    numbers = (number for tag in tags[:_LATEST] for number in re.findall(r"[0-9]+(?:\.[0-9]+)+", tag))
    return any(tuple(number.split(".")[:2]) in lines for number in numbers)


# ------------------------------------------------------------------------------------ Dockerfiles


def _dockerfiles(git: Git, commit: str | None, paths: Sequence[str]) -> list[Dockerfile]:
    """The Dockerfiles, the one to take first: with a framework before without, near the top before deep."""
    found = [path for path in paths if re.fullmatch(_DOCKERFILE, path) and not _is_no_dockerfile(path)]
    found.sort(key=lambda path: (bool(re.fullmatch(_ASIDE, path)), path.count("/"), len(path), path))
    read = [Dockerfile(path, *_contents(git, commit, path)) for path in found[:_MOST_DOCKERFILES]]
    read.sort(key=lambda one: (one.path != "Dockerfile" or not one.frameworks, not one.frameworks))
    return read


def _is_no_dockerfile(path: str) -> bool:
    return re.fullmatch(_NO_DOCKERFILE, path, re.IGNORECASE) is not None


def _contents(git: Git, commit: str | None, path: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    from envhooks.image.interpreter import read_environment

    if commit is None:
        return (), ()
    try:
        environment = read_environment(git.files(commit), path)
    except EnvhooksError:
        return (), ()  # a template, a fragment, or broken: it is named, and says itself what is wrong
    found = (
        (framework, package.version or "")
        for framework, packages in BUILTIN_FRAMEWORKS.items()
        for package in environment.find(*packages)
    )
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(one.kind for one in environment.hardware))


def _by_fields(dockerfiles: Sequence[Dockerfile], fields: Sequence[str]) -> str:
    """`docker/{framework:lower}-{hardware:kind}/Dockerfile` where each one with a framework lies so; else empty.

    Args:
        fields: what the names of tags say, as ('framework', 'hardware', 'version').
    """
    having = [one for one in dockerfiles if one.frameworks]
    for wanted in (("framework",), ("hardware",), ("framework", "hardware")):
        found = {_path_by(one, wanted) for one in having} if {*wanted} <= {*fields} else {""}
        if len(having) > 1 and len(found) == 1 and (template := found.pop()):
            return template
    return ""


def _path_by(one: Dockerfile, fields: Sequence[str]) -> str:
    """Path of a Dockerfile with its framework, hardware in it as fields; empty where one is not in it once."""
    values = {"framework": [name for name, _ in one.frameworks], "hardware": one.hardware}
    made = one.path
    for field in fields:
        for value in values[field]:
            pattern = rf"(?<![A-Za-z0-9{{:]){re.escape(value.lower())}(?![A-Za-z0-9}}:])"
            replaced, count = re.subn(pattern, f"{{{_WORD[field]}}}", made)
            if count == 1:
                made = replaced
                break
        else:
            return ""
    return made


# -------------------------------------------------------------------------------------- changelog


def _changelog(paths: Sequence[str]) -> str:
    found = [path for path in paths if re.fullmatch(_CHANGELOG, path)]
    return min(found, key=_preferred, default="")


def _changelog_beside(where: str, dockerfiles: Sequence[Dockerfile], paths: Sequence[str]) -> str:
    """Changelog in the folder of the Dockerfile: the one of that name in each folder, where the path has fields."""
    folder, _, name = where.rpartition("/")
    if not folder or "{" in name:
        return ""
    folders = {folder}
    if "{" in folder:
        folders = {one.path.rpartition("/")[0] for one in dockerfiles if one.frameworks}
    beside = [
        {path.rpartition("/")[2] for path in paths if path.rpartition("/")[0] == one} for one in folders
    ]
    names = set.intersection(*beside) if beside else set()
    found = [one for one in names if re.fullmatch(FILE_NAME, one, re.IGNORECASE)]
    return f"{folder}/{min(found, key=_preferred)}" if found else ""


def _preferred(path: str) -> tuple[bool, bool, int, str]:
    return path != "CHANGELOG.md", not path.lower().startswith("change"), path.count("/"), path


def others(survey: Survey) -> Iterator[str]:
    """The paths of the Dockerfiles that are not taken."""
    yield from (one.path for one in survey.dockerfiles if one.path != survey.dockerfile)
