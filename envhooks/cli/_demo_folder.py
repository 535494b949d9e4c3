"""Folder of the demo: a key, a server and a maintainer's clone, and what is shown of the commands in it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable, printable_block
from envhooks.cli._terminal import use_colour

if TYPE_CHECKING:
    from envhooks.git.workspace import Workspace

GOOD = "PyTorch-CUDA-v2.8-rc1"
TOO_OLD = "PyTorch-CUDA-v2.7-rc1"
SIDE = "PyTorch-CUDA-v2.8-beta1"

ENTRY = """\

## {tag} - {date}

{what}

### Use

Trying out the new framework.

### Risk

Not for production.
"""
CHANGELOG = "# Changelog\n" + "".join(
    ENTRY.format(tag=tag, date=date, what=what)
    for tag, date, what in (
        (GOOD, "2026-11-02", "PyTorch 2.8.0 for CUDA 12.8."),
        (SIDE, "2026-10-12", "First build with PyTorch 2.8.0."),
        (TOO_OLD, "2026-09-01", "PyTorch 2.7."),
    )
)
# A recipe that is copied from page to page. It names a base image that does not exist, a wheel that was
# never built, and a torchvision of another torch.
COPIED = """\
FROM nvidia/cuda:11.8-devel-ubuntu20.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip install torch==2.8.0+cu118 torchvision==0.19.0+cu118 --index-url https://download.pytorch.org/whl/cu118
"""
MENDED = """\
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip install torch==2.8.0+cu128 torchvision==0.23.0+cu128 --index-url https://download.pytorch.org/whl/cu128
"""


@dataclass(frozen=True)
class Scene:
    """One thing that happens to every team, and how it has to end."""

    title: str
    play: Callable[[Demo], bool]
    """Runs the commands, and answers whether it ended as it has to."""


class Demo:
    """The throwaway folder: a key, a server, a maintainer's clone."""

    clone: Workspace

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = clean_environment(folder)
        self._bold = ("\x1b[1m", "\x1b[0m") if use_colour(sys.stdout) else ("", "")

    # ------------------------------------------------------------------------------- preparation

    def set_up(self) -> None:
        """Make key, server and clone, with the policy on main and the hooks in place."""
        from envhooks.git.workspace import Workspace

        say = self.say
        say("A maintainer's clone, a server, and a signing key: all in", str(self.folder))
        self._make_key()
        server = Workspace.create(self.folder / "server.git", bare=True, environ=self.environ)
        self.clone = Workspace.create(self.folder / "clone", environ=self.environ)
        self.clone.do("remote", "add", "origin", str(self.folder / "server.git"))
        self.clone.commit("Describe the environment", {"Dockerfile": MENDED, "CHANGELOG.md": CHANGELOG})
        self._side_branch()
        self.envhooks("init")
        self.clone.commit("Say who may release what")
        self.clone.do("push", "--quiet", "--set-upstream", "origin", "main")
        self.envhooks("install")
        self.envhooks("install", "--server", "--branch", "main", at=server.path)
        server.close()

    def _make_key(self) -> None:
        import gnupg

        home = self.folder / "gnupg"
        home.mkdir(mode=0o700)
        keyring = gnupg.GPG(gnupghome=str(home), env=self.environ)
        wanted = keyring.gen_key_input(
            key_type="eddsa", key_curve="ed25519", key_usage="sign", name_real="Demo Maintainer",
            name_email="demo@example.org", expire_date="90d", no_protection=True,
        )  # fmt: skip
        fingerprint = str(keyring.gen_key(wanted))
        (self.folder / ".gitconfig").write_text(
            "[user]\n\tname = Demo Maintainer\n\temail = demo@example.org\n"
            f"\tsigningkey = {fingerprint}\n[advice]\n\tdetachedHead = false\n"
        )

    def _side_branch(self) -> None:
        """A tag on a branch that was never merged, made before the hooks were there."""
        git = self.clone.do
        git("switch", "--quiet", "--create", "experiment")
        self.clone.commit("Try something out")
        git("tag", "-s", SIDE, "-m", "First beta")
        git("switch", "--quiet", "main")

    def close(self) -> None:
        """End the throwaway key's agent; nothing else was started."""
        from contextlib import suppress

        from envhooks.git.workspace import end_agent

        with suppress(OSError):
            end_agent(self.environ)

    # ----------------------------------------------------------------------------------- playing

    def play(self, scene: Scene) -> bool:
        """One scene under its title."""
        self.say(f"\n{scene.title}")
        return scene.play(self)

    def say(self, title: str, rest: str = "") -> None:
        """A headline."""
        print(f"{self._bold[0]}{title}{self._bold[1]} {rest}".rstrip(), flush=True)

    def note(self, text: str) -> None:
        """A comment that the person needs before the next command."""
        print(f"# {printable(text)}", flush=True)

    def git(self, *arguments: str) -> int:
        """Run git in the clone and show it as it would have looked; answers its exit code."""
        outcome = self.clone.run(*arguments)
        return self._show(outcome.arguments, outcome.output, outcome.exit_code)

    def envhooks(self, *arguments: str, at: Path | None = None) -> int:
        """Run envhooks itself, as the maintainer would type it."""
        from envhooks.git.workspace import run_envhooks

        outcome = run_envhooks(arguments, at or self.clone.path, self.environ)
        return self._show(outcome.arguments, outcome.output, outcome.exit_code)

    def show_file(self, name: str) -> None:
        """A file of the clone, as `cat` shows it."""
        self._show(("cat", name), (self.clone.path / name).read_text(encoding="utf-8"), 0)

    def _show(self, arguments: tuple[str, ...], output: str, code: int) -> int:
        print(f"$ {shlex.join(arguments)}")
        text = printable_block(output.expandtabs().rstrip("\n"))
        print("".join(f"  {line}\n" for line in text.split("\n") if line), end="")
        print(f"  (exit code {code})" if code else "", end="\n" if code else "", flush=True)
        return code


def clean_environment(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The caller's environment without anything that leads to the caller's git, keys or agents."""
    kept = {k: v for k, v in environ.items() if not k.startswith(("GIT_", "GPG_", "SSH_", "XDG_"))}
    return {
        **kept,
        "HOME": str(folder),
        "GNUPGHOME": str(folder / "gnupg"),
        "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
