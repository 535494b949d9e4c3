"""Repositories to measure on: written by `git fast-import`, with real signatures, in a home of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import keys
from benchmarks.keys import Signer
from benchmarks.measure import run

ROOT = Path(__file__).parent.parent
START = 1_760_000_000
"""Date of the first commit, seconds since the epoch."""
PEERS = Path(os.environ.get("BENCH_PEERS", ROOT / ".cache" / "peers")) / "bin"
# torch, its torchvision, the CUDA of both, and an image that carries it
ENVIRONMENTS = (
    ("2.8.0", "0.23.0", "cu128", "12.8.1"),
    ("2.7.1", "0.22.1", "cu128", "12.8.1"),
    ("2.6.0", "0.21.0", "cu124", "12.4.1"),
    ("2.5.1", "0.20.1", "cu124", "12.4.1"),
)


@dataclass(frozen=True)
class Home:
    """A home folder with keys, and an environment in which nothing of the developer's is seen."""

    folder: Path
    environ: dict[str, str] = field(repr=False)
    signers: dict[str, Signer] = field(repr=False)

    def git(self, repo: Path, *arguments: str, stdin: bytes = b"") -> str:
        """Standard output of a git command that has to work."""
        return run(["git", *arguments], repo, self.environ, stdin).decode().rstrip("\n")

    def envhooks(self, repo: Path, *arguments: str, expect: tuple[int, ...] = (0,)) -> str:
        """Standard output of envhooks."""
        return run([*ENVHOOKS, *arguments], repo, self.environ, expect=expect).decode()


ENVHOOKS = (sys.executable, "-I", "-m", "envhooks")


@contextmanager
def home() -> Iterator[Home]:
    """A home in a throwaway folder; its agents end with it."""
    # a short name: gpg's sockets have to fit into 108 bytes
    folder = Path(tempfile.mkdtemp(prefix="eh-"))
    try:
        (folder / "g").mkdir(mode=0o700)
        dropped = ("GIT_", "GPG_", "SSH_", "XDG_", "CI", "GITHUB_", "GITLAB_", "ENVHOOKS_")
        environ = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        environ |= {"HOME": str(folder), "GNUPGHOME": str(folder / "g"), "GIT_CONFIG_NOSYSTEM": "1"}
        environ |= {"GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"), "LC_ALL": "C.UTF-8"}
        environ["PYTHONDONTWRITEBYTECODE"] = ""
        (folder / ".gitconfig").write_text(
            "[user]\n\tname = Alice\n\temail = alice@example.org\n[init]\n\tdefaultBranch = main\n"
            "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[receive]\n\tautogc = false\n"
        )
        signers = {"openpgp": keys.openpgp(folder, environ), "ssh": keys.ssh(folder, environ)}
        yield Home(folder, environ, signers)
    finally:
        environ = {**os.environ, "GNUPGHOME": str(folder / "g")}
        subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def policy_of(signers: Sequence[Signer]) -> dict[str, bytes]:
    """The folder `.envhooks/` that allows these signers."""
    files: dict[str, bytes] = {".envhooks/policy.toml": b""}
    for signer in signers:
        for path, data in signer.root.items():
            files[f".envhooks/{path}"] = files.get(f".envhooks/{path}", b"") + data
    return files


@dataclass(frozen=True)
class Shape:
    """What a repository is like."""

    tags: int
    commits_per_tag: int = 1
    dockerfiles: int = 200
    """How many different Dockerfiles its history holds, at most one a tag."""
    files: int = 30
    """Other files in the tree."""
    entries: int = 20
    """Entries that the changelog keeps."""
    branches: int = 1


def tag_name(number: int) -> str:
    """The name of a release; every one of them follows the grammar."""
    version = ENVIRONMENTS[number % len(ENVIRONMENTS)][0]
    return f"PyTorch-CUDA-v{version}-rc{number // len(ENVIRONMENTS) + 1}"


def dockerfile(number: int, variant: int) -> bytes:
    """A Dockerfile that fits the tag with this number; each variant has other bytes."""
    torch, vision, cuda, image = ENVIRONMENTS[number % len(ENVIRONMENTS)]
    return f"""\
FROM nvidia/cuda:{image}-devel-ubuntu24.04 AS build
ENV DEBIAN_FRONTEND=noninteractive BUILD={variant}
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip git \\
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir torch=={torch}+{cuda} torchvision=={vision}+{cuda} \\
    --index-url https://download.pytorch.org/whl/{cuda}
RUN pip install --no-cache-dir -r /tmp/requirements.txt

FROM build AS runtime
WORKDIR /work
LABEL org.example.variant="{variant}"
RUN useradd --create-home user
USER user
CMD ["python3"]
""".encode()


def changelog(number: int, entries: int) -> bytes:
    """The newest entries of a changelog, down from the tag with this number."""
    lines = ["# Changelog\n"]
    for one in range(number, max(-1, number - entries), -1):
        version = tag_name(one).removeprefix("PyTorch-CUDA-v")
        lines.append(
            f"\n## {version} - 2026-05-01\n\nCandidate {one}. For trying out; risky in production.\n"
        )
    return "".join(lines).encode()


REQUIREMENTS = b"numpy==2.1.3\npillow==11.0.0\nscipy==1.14.1\ntqdm==4.67.1\n"


def make(home: Home, name: str, shape: Shape, kinds: Sequence[str] = ("ssh",), tag: bool = True) -> Path:
    """A repository of this shape whose tags are signed by these kinds of keys in turns."""
    repo = home.folder / name
    repo.mkdir()
    signers = [home.signers[kind] for kind in kinds]
    home.git(repo, "init", "-q")
    home.git(repo, "config", "envhooks.branch", "main")
    marks = repo / ".git" / "marks"
    stream = b"".join(_commits(shape, policy_of(signers)))
    home.git(repo, "fast-import", "--quiet", f"--export-marks={marks}", stdin=stream)
    if tag:
        known = dict(line.split() for line in marks.read_text().splitlines())
        objects = b"".join(
            _tag(number, known[f":{number + 1}"], signers[number % len(signers)])
            for number in range(shape.tags)
        )
        home.git(repo, "fast-import", "--quiet", stdin=objects)
    home.git(repo, "pack-refs", "--all")
    home.git(repo, "reset", "-q", "--hard", "main")
    return repo


def _data(data: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(data), data)


def _file(path: str, data: bytes) -> bytes:
    return b"M 100644 inline %s\n%s" % (path.encode(), _data(data))


def _commits(shape: Shape, root: Mapping[str, bytes]) -> Iterator[bytes]:
    """A fast-import stream: for each tag the commit that it names, marked by its number + 1."""
    total = shape.tags * shape.commits_per_tag
    for at in range(max(total, 1)):
        number, step = divmod(at, shape.commits_per_tag)
        is_release = step == shape.commits_per_tag - 1
        yield b"commit refs/heads/main\n"
        if is_release:
            yield b"mark :%d\n" % (number + 1)
        yield b"committer Alice <alice@example.org> %d +0000\n" % (START + 60 * at)
        yield _data(b"Release\n" if is_release else b"A change\n")
        if at == 0:
            yield from (_file(path, data) for path, data in root.items())
            yield _file("requirements.txt", REQUIREMENTS)
            yield from (_file(f"src/{n % 10}/file{n}.py", b"# %d\n" % n) for n in range(shape.files))
        if is_release:
            every = max(1, -(-shape.tags // shape.dockerfiles))
            yield _file("Dockerfile", dockerfile(number, number // (every * len(ENVIRONMENTS))))
            yield _file("CHANGELOG.md", changelog(number, shape.entries))
        else:
            yield _file("src/progress.txt", b"%d\n" % at)
    for branch in range(shape.branches - 1):
        yield b"reset refs/heads/topic/%d\nfrom :%d\n\n" % (branch, branch % max(1, shape.tags) + 1)


def payload(number: int, commit: str) -> bytes:
    """The tag object of a release, without its signature."""
    head = f"object {commit}\ntype commit\ntag {tag_name(number)}\n"
    return f"{head}tagger Alice <alice@example.org> {START + 60 * number} +0000\n\nCandidate\n".encode()


def _tag(number: int, commit: str, signer: Signer) -> bytes:
    unsigned = payload(number, commit)
    message = unsigned.partition(b"\n\n")[2] + signer.sign(unsigned)
    tagger = b"tagger Alice <alice@example.org> %d +0000\n" % (START + 60 * number)
    return b"tag %s\nfrom %s\n%s%s" % (tag_name(number).encode(), commit.encode(), tagger, _data(message))
