"""The bench on which fixes are tried: what was printed is run by a shell as it stands, and judged again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from support import Done, Repo, run

from envhooks.base.commands import as_case, is_command

EDITOR = """#!/bin/sh
# Writes what a person would write where git asks for a message.
grep -q '^[^#]' "$1" || echo 'What the editor was given' >"$1"
"""
PLACE = r"\A(?:[^:]*/)?(?:Dockerfile|[\w .&'()-]+\.\w+)(?::[0-9]+)?: "
MORE = r" \((?:found: .*|and [0-9]+ more of this kind)\)\Z"
"""What a warning has behind its message where it is shown in one line."""
LABEL = r"\s*(?:remote: +)?(fix|advice): +(.*)"


@dataclass(frozen=True)
class Shown:
    """A finding as it was printed."""

    check: str
    message: str
    level: str = "error"
    fix: str = ""
    advice: str = ""

    def command(self, case: str) -> str:
        """The command that the advice names for a case."""
        for line in self.advice.split("\n"):
            before, command = as_case(line)
            if not command:  # a command with a blank to fill in
                before, _, command = line.partition(": ")
            if command and case in before:
                return command
        raise AssertionError(f"no advice for {case!r} in {self.advice!r}")


@dataclass
class Bench:
    """A clone, its server, and the case that is played."""

    repo: Repo
    server: Repo
    said: str = "*"
    """What the finding of this case says, with `*` for what differs."""
    check: str = ""
    before: list[Shown] = field(default_factory=list)
    """All that was found where the finding of this case was."""
    log: list[str] = field(default_factory=list)
    unguarded: Path | None = None
    """The template that the clone and the server are copies of."""
    guarded: Path | None = None
    """The same with the hooks in place."""

    def __post_init__(self) -> None:
        editor = self.repo.path.parent / "editor"
        editor.write_text(EDITOR)
        editor.chmod(0o755)
        self.repo.environ["GIT_EDITOR"] = str(editor)
        self.repo.environ["PATH"] = f"{self._own_program()}:{self.repo.environ['PATH']}"

    def _own_program(self) -> Path:
        """A folder with an `envhooks` of this interpreter's."""
        import sys

        folder = self.repo.path.parent / "bin"
        folder.mkdir()
        program = folder / "envhooks"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -m envhooks "$@"\n')
        program.chmod(0o755)
        return folder

    # ------------------------------------------------------------------------------------- acting

    def hooks(self) -> None:
        """The hooks come into the clone."""
        if not self._hooks_copied("clone/.git"):
            self.repo.envhooks("install", check=True)

    def guard(self) -> None:
        """The hooks come onto the server."""
        if not self._hooks_copied("server.git"):
            self.server.envhooks("install", "--server", "--branch", "main", check=True)

    def _hooks_copied(self, at: str) -> bool:
        """What `install` does, from where it has done it; only to what nobody has configured otherwise."""
        if self.unguarded is None or self.guarded is None:
            return False
        folder, before = self.repo.path.parent / at, self.unguarded / at
        if (folder / "config").read_bytes() != (before / "config").read_bytes():
            return False
        held, was = ({path.name for path in one.glob("hooks/*")} for one in (folder, before))
        if held != was or (folder / "envhooks").exists():
            return False
        for name in ("envhooks", "hooks"):
            shutil.copytree(self.guarded / at / name, folder / name, symlinks=True, dirs_exist_ok=True)
        shutil.copy2(self.guarded / at / "config", folder / "config")
        return True

    def paste(self, command: str, stdin: str = "", good: bool = True) -> Done:
        """Run what was printed by a shell in the clone."""
        assert command, f"nothing to paste: {self.log}"
        done = run(["sh", "-c", command], self.repo.path, self.repo.environ, stdin)
        self.log.append(f"$ {command}\n{done.said}")
        assert not good or done.code == 0, self.log
        return done

    def refused(self, *command: str) -> Shown:
        """The finding with which a hook refuses a git command, off the screen."""
        done = self.repo.try_git(*command)
        assert done.code != 0, f"it was taken: {done}"
        return self._mine(on_screen(done.err))

    def found(self, tag: str, *options: str) -> Shown:
        """The finding of `envhooks check TAG`."""
        return self._mine(self.findings(tag, *options))

    def _mine(self, shown: Iterable[Shown]) -> Shown:
        known = self.before = [*shown]
        assert all(is_command(one.fix) for one in known if one.fix), known
        mine = [one for one in known if one.check == self.check and fnmatchcase(one.message, self.said)]
        assert mine, f"[{self.check}] {self.said} is not among {known}"
        return mine[0]

    def findings(self, tag: str, *options: str) -> list[Shown]:
        """All findings on a tag as it stands."""
        done = self.repo.envhooks("check", "--format", "json", *options, "--", tag)
        document = json.loads(done.out)
        assert not document["errors"], document
        (judged,) = document["tags"]
        keys = ("check", "message", "level", "fix", "advice")
        known = [Shown(*(finding[key] for key in keys)) for finding in judged["findings"]]
        undecided = judged["undecided"].items()
        return [
            *known,
            *(Shown(check, why["why"], "error", why["fix"], why["advice"]) for check, why in undecided),
        ]

    # ------------------------------------------------------------------------------------ looking

    def commit_of(self, tag: str) -> str:
        return self.repo.git("rev-parse", f"refs/tags/{tag}^{{commit}}")

    def message_of(self, tag: str) -> str:
        return self.repo.git(
            "for-each-ref", "--format=%(contents:subject)%0a%(contents:body)", f"refs/tags/{tag}"
        )

    def settled(self, tag: str, commit: str) -> None:
        """The tag points at the commit that was meant, the finding is gone, and no other has come."""
        assert self.commit_of(tag) == commit, self.log
        after = self.findings(tag)
        mine = [one for one in after if one.check == self.check and fnmatchcase(one.message, self.said)]
        assert not mine, (mine, self.log)
        old = {(one.check, one.message) for one in self.before}
        new = [one for one in after if one.level != "note" and (one.check, one.message) not in old]
        assert not new, (new, self.log)


def on_screen(text: str) -> list[Shown]:
    """The findings that a hook has printed."""
    found: list[Shown] = []
    label = ""
    for raw in text.split("\n"):
        line = raw.removeprefix("remote: ").rstrip()
        head = re.match(r"  (error|warning|note|could not judge) \[([a-z, -]+)\] (.*)", line)
        named = re.match(LABEL, line)
        if head:
            message = re.sub(MORE, "", re.sub(PLACE, "", head[3]))
            found.append(Shown(head[2], message, head[1]))
            label = ""
        elif named and found:
            label = named[1]
            found[-1] = _with(found[-1], label, named[2])
        elif label and found and line.startswith(" " * 12):
            found[-1] = _with(found[-1], label, f"{getattr(found[-1], label)}\n{line.strip()}")
        else:
            label = ""
    return found


def _with(shown: Shown, label: str, text: str) -> Shown:
    from dataclasses import replace

    return replace(shown, **{label: text})


@dataclass(frozen=True)
class Case:
    """One cause of one check, and how its fix is tried."""

    check: str
    said: str
    play: Callable[[Bench], None]

    @property
    def id(self) -> str:
        return f"{self.check}-{self.play.__name__.removeprefix('_')}"


CASES: list[Case] = []


def case(check: str, *said: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Register a function as a case of a check whose finding says this."""

    def register(play: Callable[[Bench], None]) -> Callable[[Bench], None]:
        CASES.extend(Case(check, one, play) for one in said)
        return play

    return register


def copied(template: Path, folder: Path, environ: dict[str, str], guarded: Path | None = None) -> Bench:
    """A bench of its own, from the template of the one good repository, and from that with the hooks."""
    shutil.copytree(template, folder / "repos", symlinks=True)
    repo = Repo(folder / "repos" / "clone", dict(environ))
    server = Repo(folder / "repos" / "server.git", repo.environ)
    return Bench(repo, server, unguarded=template, guarded=guarded)
