"""References to images: `registry.example.com/team/pytorch-cuda:2.8`, read as docker and podman read them."""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable

DOCKER_HUB = "docker.io"
TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(?:/{_PART})*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"


@dataclass(frozen=True)
class Reference:
    """An image in a registry; of tag and digest, either may be empty."""

    host: str
    """As the reference writes it: `registry.example.com:5000`, `docker.io`."""
    path: str
    """The repository in the registry: `team/pytorch-cuda`."""
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The image's name, without tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def api_host(self) -> str:
        """The host that answers: Docker Hub's API has another name than its images."""
        return "registry-1.docker.io" if self.host == DOCKER_HUB else self.host

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """The reference that a text is; without a host it is Docker Hub's.

    Raises:
        CannotJudge: it is not a reference.
    """
    name, _, digest = text.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    host, slash, path = head.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost" or host != host.lower()):
        host, path = DOCKER_HUB, head
    if host in ("index.docker.io", "registry-1.docker.io"):
        host = DOCKER_HUB
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    is_whole = (
        re.fullmatch(_HOST, host, re.ASCII)
        and re.fullmatch(_PATH, path, re.ASCII)
        and len(path) <= 255
        and (re.fullmatch(TAG, tag, re.ASCII) or (not tag and not name.endswith(":")))
        and (re.fullmatch(DIGEST, digest) or (not digest and "@" not in text))
    )
    if not is_whole:
        raise CannotJudge(f"`{printable(text, 200)}` is no reference to an image")
    return Reference(host, path, tag, digest)
