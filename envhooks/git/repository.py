"""The only module that reads git: plumbing, by full ref names and object ids, in an environment of our own.

What a repository can bring along must not change an answer. Replace refs and grafts show one commit
and mean another; configuration names programs to run (fsmonitor, hooks) and promisor remotes to ask;
a short name such as `v2.8` may be a branch. Hence: an environment built from nothing, each dangerous
option switched off by name, object ids only, and stdout and stderr kept apart.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from envhooks.base.errors import CannotJudge
from envhooks.git.batch import ObjectBatch, outside, reason
from envhooks.git.environ import (
    OPTIONS,
    ConfigFiles,
    clean_environment,
    config_environment,
    demand_named,
    find_git,
    hooks_folder,
    not_a_repository,
    settings,
    trusted_folders,
)
from envhooks.git.objects import Commit, GitObject, ParsedObjects, Ref, TreeEntry, TreeFiles

if TYPE_CHECKING:
    import tempfile
    from pathlib import Path

_WHERE = (
    "rev-parse", "--path-format=absolute", "--show-object-format", "--is-shallow-repository",
    "--is-bare-repository", "--absolute-git-dir", "--git-common-dir",
)  # fmt: skip
_CONFIG = ("config", "--includes", "--show-scope", "--show-origin", "--list", "-z")
BRANCHES = ("refs/heads/", "refs/remotes/")
FILES = "files"
MINIMUM_VERSION = (2, 34)


def _refs_question(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return ("for-each-ref", "--format=%(objectname) %(refname) %(symref)", *patterns)


class Git:
    """One repository, read through one long-lived `cat-file --batch` and a few short processes.

    Use as a context manager, so that the process ends with the run.
    """

    oid_length: int
    """Hexadecimal digits of an object id: 40, or 64 by SHA-256."""
    is_shallow: bool
    is_bare: bool
    git_path: str
    """Absolute path of the git directory."""
    common_path: str
    """Absolute path of the git directory that all work trees share."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        environ: Mapping[str, str] = os.environ,
        *,
        waits: bool = True,
    ) -> None:
        """Open the repository that holds `path` (or that GIT_DIR names).

        Without `waits` git is started for all that a hook is sure to ask, and goes on while the caller imports
        what it needs; then the caller has to call `await_answers` before anything else.

        Raises:
            CannotJudge: no git, no repository, or one that git does not trust.
        """
        self._program = find_git()
        self._path = os.fspath(path)
        self._user_environ = dict(environ)
        self._environ = clean_environment(environ)
        self._trusted: tempfile.TemporaryDirectory[str] | None = None
        self._batch = ObjectBatch([self._program, *OPTIONS], self._path, self._environ)
        self._parsed = ParsedObjects(self._batch.read)
        self._begun: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
        self._listing: subprocess.Popen[bytes] | None = None
        self.is_bare = False
        if waits:
            self.await_answers()
            return
        try:
            self._begin(_WHERE)
            self._listing = self._list_config()
            self._begin(_refs_question(BRANCHES))
            self._begin(_refs_question(("refs/tags/",)))
            self._batch.start()
        except BaseException:
            self.close()
            raise

    def await_answers(self) -> Git:
        """Wait until git has found the repository.

        Raises:
            CannotJudge: there is none, or git does not trust it.
        """
        try:
            facts = self._discover()
        except BaseException:
            self.close()
            raise
        self.oid_length = self._batch.oid_length = 64 if facts[0] == "sha256" else 40
        self.is_shallow = facts[1] == "true"
        self.is_bare = facts[2] == "true"
        self.git_path, self.common_path = facts[3:]
        return self

    @classmethod
    def open(cls, path: Path | None = None, *, waits: bool = True) -> Git:
        """The repository at `path`, by default the one around the current folder."""
        found = cls(path or os.getcwd(), waits=waits)
        if found.is_bare:
            demand_named(found._program, found._path, found.git_path, found._user_environ)
        return found

    def __enter__(self) -> Git:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes of this run."""
        self._batch.end()
        self._end_begun()
        if self._trusted is not None:
            self._trusted.cleanup()
            self._trusted = None

    # ------------------------------------------------------------------------------ processes

    def _begin(self, arguments: tuple[str, ...]) -> None:
        """Start a question that `_run` waits for once it is asked."""
        self._begun[arguments] = self._start((*OPTIONS, *arguments), self._environ)

    def _start(self, arguments: tuple[str, ...], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._program, *arguments],
            cwd=self._path,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        begun = self._begun.pop(arguments, None)
        if begun is not None:
            stdout, stderr = begun.communicate()
            return subprocess.CompletedProcess(begun.args, begun.returncode, stdout, stderr)
        return subprocess.run(
            [self._program, *OPTIONS, *arguments],
            cwd=self._path,
            env=self._environ,
            input=stdin,
            capture_output=True,
            check=False,
        )

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Standard output of a git command of our own.

        Raises:
            CannotJudge: it failed; git's reason is in the message.
        """
        done = self._run(*arguments, stdin=stdin)
        if done.returncode:
            raise CannotJudge(f"git {arguments[0]} failed: {reason(done.stderr)}")
        return done.stdout

    def _discover(self) -> list[str]:
        done = self._run(*_WHERE)
        if done.returncode and b"dubious ownership" in done.stderr and self._keep_trust():
            done = self._run(*_WHERE)
        if done.returncode:
            raise not_a_repository(self._path, done.stderr)
        facts = os.fsdecode(done.stdout).removesuffix("\n").split("\n")
        if len(facts) == len(_WHERE) - 2:
            return facts
        # a folder has a line feed in its name: each path is asked for on its own
        return [*facts[:3], *(self._path_of(option) for option in _WHERE[-2:])]

    def _path_of(self, option: str) -> str:
        found = self.ask("rev-parse", "--path-format=absolute", option)
        return os.fsdecode(found).removesuffix("\n")

    def _keep_trust(self) -> bool:
        """Carry the user's own `safe.directory` over: a decision of the person, not of the repository.

        Before Git 2.38 it counts only from a system or global file, hence a file with nothing else in it.
        """
        self._trusted = trusted_folders(self._program, self._user_environ)
        if self._trusted is None:
            return False
        file = os.path.join(self._trusted.name, "gitconfig")
        self._environ["GIT_CONFIG_GLOBAL"] = file
        self._batch.end()
        self._end_begun()  # they may have been asked without that decision
        return True

    def _list_config(self) -> subprocess.Popen[bytes]:
        # a `safe.directory` that came through the environment is needed here too
        environ = self._user_environ if self._trusted else config_environment(self._user_environ)
        if self.is_bare:  # git reads no configuration of one that it only found, if that is not to be
            environ = {**environ, "GIT_DIR": self.git_path}
        return self._start(_CONFIG, environ)

    def _end_begun(self) -> None:
        for process in (*self._begun.values(), *([self._listing] if self._listing else [])):
            process.kill()
            process.communicate()
        self._begun.clear()
        self._listing = None

    # -------------------------------------------------------------------------- the repository

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Git's own version, as in (2, 39, 5)."""
        found = re.search(rb"[0-9]+(?:\.[0-9]+)+", self.ask("--version"))
        return tuple(map(int, found.group().split(b"."))) if found else (0,)

    @cached_property
    def git_dir(self) -> Path:
        """`git_path`, for all that may take 4 ms to import pathlib: no hook does."""
        from pathlib import Path

        return Path(self.git_path)

    @cached_property
    def common_dir(self) -> Path:
        """`common_path` as a Path."""
        from pathlib import Path

        return Path(self.common_path)

    @cached_property
    def work_tree(self) -> Path | None:
        """The top of the work tree; None in a bare repository."""
        from pathlib import Path

        return Path(self._top) if self._top else None

    @cached_property
    def _top(self) -> str:
        done = self._run("rev-parse", "--path-format=absolute", "--show-toplevel")
        return "" if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    @cached_property
    def config(self) -> Mapping[str, tuple[str, ...]]:
        """The user's configuration from files: key, as git prints it, -> values, of which the last wins."""
        if self._listing is None:
            self._listing = self._list_config()
        stdout, stderr = self._listing.communicate()
        failed = self._listing.returncode
        self._listing = None
        if failed:
            raise CannotJudge(f"git's configuration cannot be read: {reason(stderr)}")
        places = ConfigFiles(self._user_environ, self._path, (self.git_path, self.common_path))
        return settings(os.fsdecode(stdout).split("\0"), places)

    @property
    def effective_config(self) -> dict[str, str]:
        """The value that counts of each key of `config`."""
        return {key: values[-1] for key, values in self.config.items()}

    def setting(self, key: str) -> str:
        """The last value of one configuration key, or nothing. `key` as git prints it."""
        return self.config.get(key, ("",))[-1]

    @property
    def hooks_path(self) -> str:
        """Absolute path of where git looks for hook files, `core.hooksPath` honoured."""
        base = self.git_path if self.is_bare else (self._top or self.git_path)
        return hooks_folder(self.setting("core.hookspath"), self.common_path, base)

    @property
    def hooks_dir(self) -> Path:
        """`hooks_path` as a Path."""
        from pathlib import Path

        return Path(self.hooks_path)

    @property
    def ref_storage(self) -> str:
        """Where refs are kept, in git's words: `files`, `reftable`, or either with a place, as `files:///folder`."""
        return next((one for one in self.config.get("extensions.refstorage", ()) if one != FILES), FILES)

    def refs(self, *patterns: str) -> tuple[Ref, ...]:
        """All refs under these prefixes or globs (`refs/tags/`), in git's order.

        Only what the ref store itself knows is asked: an object's type would cost one look-up each.
        """
        listed = self.ask(*_refs_question(patterns))
        lines = (line.split(" ") for line in os.fsdecode(listed).split("\n") if line)
        return tuple(Ref(name, oid, symref) for oid, name, symref in lines)

    def symbolic_target(self, ref: str) -> str:
        """The ref that a symbolic one names, also where that does not exist; empty for any other.

        `for-each-ref` leaves out a symbolic ref that leads nowhere, and what is pushed to it makes the ref behind it.
        """
        # in files a symbolic ref is always one of its own, or a symbolic link: no process is needed for all others
        place = os.path.join(self.common_path, *ref.split("/"))
        if self.ref_storage == FILES and (".." in ref or not os.path.lexists(place)):
            return ""
        return os.fsdecode(self._run("symbolic-ref", "-q", ref).stdout).rstrip("\n")

    def head(self) -> str:
        """The full name of the branch that HEAD names; empty where it is detached."""
        return os.fsdecode(self._run("symbolic-ref", "-q", "HEAD").stdout).rstrip("\n")

    def resolve(self, name: str = "HEAD") -> str | None:
        """The commit that a name leads to; None where there is none, as before the first commit."""
        done = self._run("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}")
        return None if done.returncode else done.stdout.decode().strip()

    # --------------------------------------------------------------------------------- objects

    def read(self, oid: str) -> GitObject | None:
        """The object with this id, None where it is not in the repository.

        Raises:
            CannotJudge: git died over it: a damaged object, or one that a partial clone left out.
        """
        return self._batch.read(oid)

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Have these objects at hand for `read`, until the next call; what stands in the way is left to `read`.

        Questions are sent by the hundred and answered in turn, so that git and Python work side by side.
        """
        self._batch.read_ahead(oids)

    def type_of(self, oid: str) -> str | None:
        """The type of the object with this id, None where it is not in the repository."""
        return self._parsed.type_of(oid)

    def copy_blob(self, oid: str, file: BinaryIO) -> int:
        """Write the blob with this id to `file`, however large it is; answers its size in bytes.

        Raises:
            CannotJudge: it is not here, is not a blob, or git died over it.
        """
        return self._batch.copy_blob(oid, file)

    def commit(self, oid: str) -> Commit:
        """The commit with this id.

        Raises:
            CannotJudge: it is not here, or not a commit.
        """
        return self._parsed.commit(oid)

    def tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of the tree with this id.

        Raises:
            CannotJudge: it is not here, or damaged.
        """
        return self._parsed.tree(oid)

    def files(self, commit: str) -> TreeFiles:
        """The tree of a commit, as files to be read by path."""
        return TreeFiles(self, self.commit(commit).tree, commit)

    # --------------------------------------------------------------------------------- history

    def outside(
        self, commits: Iterable[str], tips: Iterable[str], *, in_part: bool = False
    ) -> frozenset[str]:
        """Those of `commits` that cannot be reached from any of `tips`, all in one walk.

        With `in_part` a shallow history may answer where nothing is outside: what is missing of it could
        only add ways from a tip to a commit.

        Raises:
            CannotJudge: the history is shallow (git would answer "no" instead of failing), or a
                commit is missing.
        """
        return outside(self, commits, tips, in_part=in_part)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` can be reached from `new`: a move from one to the other is a fast-forward."""
        return not self.outside([old], [new])
