"""Contents of the tagged commits: the policy that describes the image, the environment, the changelog.

Thousands of tags lie on commits whose Dockerfiles, and the files that these ask for, are the same objects. A reader
is asked for the files that it read, and where the next tree answers each of its questions with the same object, its
result stands. The questions form a tree of their own: which one comes next depends on the answers before it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Hashable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Generic, TypeVar

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.place import Place
from envhooks.base.run import Budget
from envhooks.catalog.families import Family
from envhooks.catalog.lookup import words
from envhooks.changelog import Changelog
from envhooks.git.objects import TreeEntry
from envhooks.git.repository import Git
from envhooks.image import CannotTell, Environment, Named, versions_agree
from envhooks.image.files import Budgeted, Files
from envhooks.judge.facts import Inapplicable, Unknown
from envhooks.policy import DockerfilePolicy, Policy
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER, tagged_policy
from envhooks.tagname import expand
from envhooks.tagname.names import TagName

if TYPE_CHECKING:
    from envhooks.changelog.reader import Entries
    from envhooks.git.objects import TreeFiles
    from envhooks.judge.pins import PinsFix

T = TypeVar("T")
_KEPT = 64
"""Changelogs that are kept taken apart: tags of one commit stand beside each other."""


class Contents:
    """The contents of the tagged commits of one run."""

    def __init__(self, git: Git, root: Policy, until: float = float("inf"), at_work: bool = False) -> None:
        """`policy` describes what a commit without a policy of its own builds.

        By `until` the whole run has to end, by `time.monotonic`. `at_work`: whether the work tree is a maintainer's.
        """
        self._at_work = at_work
        self._until = until
        self._budget = Budget(until)
        self._git = git
        self._policy = root
        self._vocabulary = words(root.tag.frameworks, root.tag.hardware)
        self._policies: dict[str, Policy] = {}
        self._environments: Readings[Environment] = Readings()
        self._changelogs: dict[tuple[str, str], Entries] = {}

    def read_ahead(self, commits: Iterable[str]) -> None:
        """Have the trees of these commits at hand, and the files at their top that most of them are asked for."""
        trees = list(dict.fromkeys(self._tree_of(commit) for commit in commits))
        self._git.read_ahead(trees)
        paths = {section.path for section in self._policy.dockerfiles} | {self._policy.changelog.path}
        entries = (entry for tree in trees for entry in self._entries_of(tree))
        self._git.read_ahead([entry.oid for entry in entries if entry.name in paths])

    def _tree_of(self, commit: str) -> str:
        try:
            return self._git.commit(commit).tree
        except CannotJudge:
            return ""  # the reader that needs it states the reason

    def _entries_of(self, tree: str) -> tuple[TreeEntry, ...]:
        try:
            return self._git.tree(tree) if tree else ()
        except CannotJudge:
            return ()

    def begin(self) -> None:
        """Begin another tag, with a budget of its own."""
        self._budget = Budget(self._until)

    def policy(self, commit: str) -> Policy | Unknown:
        """The policy at the tagged commit, which describes the environment: it builds the same next year."""

        def read() -> Policy:
            found = tagged_policy(self._git.files(commit), commit[:12])
            if found is None:
                return self._policy
            oid, data = found
            if oid not in self._policies:
                self._policies[oid] = parse_policy(data, f"{FOLDER}/policy.toml at {commit[:12]}")
            return self._policies[oid]

        return or_unknown(read)

    # ------------------------------------------------------------------------------ the Dockerfile

    def environment(
        self, commit: str, policy: Policy, tag: str, name: TagName | None
    ) -> Environment | Unknown | Inapplicable:
        """Environment that the Dockerfile of a tag would build at a commit."""
        section = dockerfile_section(policy, tag)
        if section is None or section.path is None:
            return Inapplicable("the policy switches the Dockerfile off")
        if section.has_fields and name is None:
            return Inapplicable("which Dockerfile it is depends on the tag's name, which is refused")
        return or_unknown(lambda: self._environment(commit, section_for(section, name), policy.bases))

    def _environment(self, commit: str, section: DockerfilePolicy, bases: tuple[Family, ...]) -> Environment:
        path = section.path
        assert path is not None
        return self._environments.result(
            (path, section, repr(bases)),
            self._git.files(commit),
            lambda files: read_environment_at(Budgeted(files, self._budget), section, path, bases),
        )

    def pins(
        self, commit: str, policy: Policy, tag: str, name: TagName | None, environment: Environment
    ) -> PinsFix | None:
        """Repair of all faulty pins of a tag's environment at once; None where nothing can be said."""
        from envhooks.image.compat import table_of
        from envhooks.image.compat.family import Target
        from envhooks.judge.pins import mend_pins

        section = dockerfile_section(policy, tag)
        if section is None or section.path is None:
            return None
        section = section_for(section, name)
        if name is None:
            target = Target()
        else:
            packages = packages_of(policy, name, environment)
            hardware = (name.hardware or "", name.wheel_version or "")
            target = Target(packages, name.version_text, *hardware, name.packages)
        files = Budgeted(self._git.files(commit), self._budget)
        path = environment.path

        def read(edited: Files) -> Environment:
            return read_environment_at(edited, section, path, policy.bases)

        table = table_of(self._policy)
        found = or_unknown(lambda: mend_pins(files, read, environment, table, target))
        if isinstance(found, Unknown):
            return None
        if found.fix and self._git.work_tree is not None and self._at_work:
            from envhooks.image.files import FolderFiles
            from envhooks.judge.pins import written

            folder = FolderFiles(self._git.work_tree)
            mended = or_unknown(lambda: written(folder, files, read, environment, table, target, tag))
            if isinstance(mended, str) and mended:  # what is mended and not committed is not mended again
                return replace(found, fix=mended)
        return found

    # ------------------------------------------------------------------------------- the changelog

    def changelog(
        self, commit: str, policy: Policy, name: TagName | None
    ) -> Changelog | Unknown | Inapplicable:
        """The changelog at a commit, and its entry for the tag."""
        path = policy.changelog.path
        if path is None:
            return Inapplicable("the policy switches the changelog off")
        if name is None:
            return Inapplicable("which entry it is depends on the tag's name, which is refused")
        return or_unknown(lambda: self._changelog(commit, expand(path, name), policy.changelog.heading, name))

    def _changelog(self, commit: str, path: str, heading: str | None, name: TagName) -> Changelog:
        from envhooks.changelog.reader import find_entry

        entries = self._entries(commit, path)
        if entries is None:
            found = Changelog(path, exists=False)
        else:
            entry = find_entry(entries, name, heading, self._vocabulary)
            found = Changelog(path, True, entry, entries.headings[:50])
        if found.is_good:
            return found
        from envhooks.judge.lacking import Asked, with_mend

        files = Budgeted(self._git.files(commit), self._budget)
        asked = Asked(name, heading, self._vocabulary)
        return replace(
            with_mend(found, files, asked), written=self._at_work and asked.is_written(self._git, path)
        )

    def _entries(self, commit: str, path: str) -> Entries | None:
        from envhooks.changelog.reader import read_changelog

        files = self._git.files(commit)
        entry = files.find(path)
        key = (entry.oid if entry else "", path)
        if key not in self._changelogs:
            data = Budgeted(files, self._budget).read(path)
            if data is None:
                return None
            if len(self._changelogs) >= _KEPT:
                self._changelogs.clear()
            self._changelogs[key] = read_changelog(data, path)
        return self._changelogs[key]


def dockerfile_section(policy: Policy, tag: str) -> DockerfilePolicy | None:
    """The first `[[dockerfile]]` whose `match` fits the tag."""
    return next((section for section in policy.dockerfiles if fnmatchcase(tag, section.match)), None)


def section_for(section: DockerfilePolicy, name: TagName | None) -> DockerfilePolicy:
    """The section with the fields of its paths and names filled in."""
    if name is None:
        return section
    built_by = section.built_by and (expand(section.built_by[0], name), expand(section.built_by[1], name))
    return replace(section, path=section.path and expand(section.path, name), built_by=built_by)


def packages_of(policy: Policy, name: TagName | None, environment: Environment) -> tuple[str, ...]:
    """The packages of the name's framework; of the one that is installed, where the name leaves it to that."""
    frameworks = policy.tag.frameworks
    if name is None or name.framework:
        return frameworks.get((name.framework if name else "") or "", ())
    held = [packages for packages in frameworks.values() if environment.find(*packages)]
    return held[0] if name.version and len(held) == 1 else ()


def may_differ(environment: Environment, name: TagName | None, packages: tuple[str, ...]) -> bool:
    """Whether a name may say another version or build than the one that is installed."""
    if name is None:
        return False
    last = environment.find(*packages)[-1:]
    wheels = [one for one in environment.hardware if one.source == "wheel"]
    same = all(
        one.kind == name.hardware
        and (not name.wheel_version or versions_agree(one.version or "", name.wheel_version))
        for one in wheels
    )
    said = [(one, version) for package, version in name.packages for one in environment.find(package)[-1:]]
    asked = [*((one, name.version_text) for one in last), *said]
    return not same or any(not versions_agree(one.version or "", version) for one, version in asked)


def read_environment_at(
    files: Files, section: DockerfilePolicy, path: str, bases: tuple[Family, ...] = ()
) -> Environment:
    """Environment that the Dockerfile at `path` would build, by a commit's files; as `section_for` gives the section.

    Raises:
        CannotJudge: it is there and cannot be read.
    """
    from envhooks.image.interpreter import read_environment

    if files.read(path) is None:
        missing = CannotTell("dockerfile", f"there is no {path} at the tagged commit", Place(path))
        return Environment(path, "", None, None, cannot_tell=(missing,))
    named: Mapping[str, Named] = {}
    if section.built_by:
        from envhooks.judge.builtby import stated  # few policies have it

        found = stated(files, section, path)
        if isinstance(found, CannotTell):
            return Environment(path, "", None, None, cannot_tell=(found,))
        section, named = found
    return read_environment(
        files,
        path,
        context=section.context,
        target=section.target,
        args=dict(section.args),
        bases=bases,
        named=named,
    )


def or_unknown(read: Callable[[], T]) -> T | Unknown:
    """The fact, or why it cannot be had: a fault in one tag's files is that tag's own."""
    try:
        return read()
    except EnvhooksError as error:
        return Unknown(f"{error.place}: {error.message}" if error.place else error.message, *error.way_out)


# -------------------------------------------------------------- results that stand for many trees

_Question = tuple[str, str]
"""Kind of request (`read` or `list`), and the path."""
_Answer = str | tuple[str, ...] | None
"""The object id of a file, or the names in a folder; None for a file that is not there."""


@dataclass
class _Node(Generic[T]):
    """State of a reader after the same answers: its next question, or its result."""

    question: _Question | None = None
    answers: dict[_Answer, _Node[T]] = field(default_factory=dict)
    """Answer -> the state that follows it."""
    result: list[T] = field(default_factory=list)
    """The one result, where there is no further question."""


class Readings(Generic[T]):
    """The results of one kind of reader in one run."""

    def __init__(self) -> None:
        self._begin: dict[Hashable, _Node[T]] = {}

    def result(self, about: Hashable, files: TreeFiles, read: Callable[[Files], T]) -> T:
        """The result of `read` for a tree; `read` runs again only where the tree differs in the files that it asks for.

        `about` is everything else that the result depends on. Errors that `read` raises are not cached, nor is a
        result that was made while the tree refused an answer: its words name the commit.
        """
        node = self._begin.setdefault(about, _Node())
        while node.question is not None:
            following = _follow(node, files)
            if following is None:
                break
            node = following
        if node.result:
            return node.result[0]
        witness = _Witness(files)
        result = read(witness)
        if not witness.was_refused:
            self._keep(self._begin[about], witness.heard, result)
        return result

    def _keep(self, node: _Node[T], heard: list[tuple[_Question, _Answer]], result: T) -> None:
        for question, answer in heard:
            if node.question != question and (node.question is not None or node.result):
                return  # the reader is not deterministic: its results are not cached
            node.question = question
            node = node.answers.setdefault(answer, _Node())
        if node.question is None:
            node.result = [result]


def _follow(node: _Node[T], files: TreeFiles) -> _Node[T] | None:
    assert node.question is not None
    try:
        return node.answers.get(_answer(files, node.question))
    except CannotJudge:
        return None  # the reader meets the same error, and handles it itself


def _answer(files: TreeFiles, question: _Question) -> _Answer:
    """Answer of a tree to a question; an object id where that is enough.

    Raises:
        CannotJudge: the path leads out of the tree.
    """
    kind, path = question
    if kind == "list":
        return files.list(path)
    entry = files.find(path)
    return entry.oid if entry is not None and stat.S_ISREG(entry.mode) else None


class _Witness:
    """A tree of files that notes what it is asked, and with which object it answers."""

    def __init__(self, files: TreeFiles) -> None:
        self._files = files
        self.heard: list[tuple[_Question, _Answer]] = []
        self.was_refused = False

    def read(self, path: str) -> bytes | None:
        """Like `TreeFiles.read`."""
        return self._ask("read", path, self._files.read)

    def list(self, folder: str) -> tuple[str, ...]:
        """Like `TreeFiles.list`."""
        return self._ask("list", folder, self._files.list)

    def _ask(self, kind: str, path: str, ask: Callable[[str], T]) -> T:
        try:
            answer = _answer(self._files, (kind, path))
            found = ask(path)
        except BaseException:
            self.was_refused = True
            raise
        self.heard.append(((kind, path), answer))
        return found
