"""Addresses of repositories: without their secrets, and compared whatever their spelling.

A push by URL hands the hook that URL with its password. A token may stand in the user's place
(`https://TOKEN@host/`), in the query, or in a password that was not escaped as it should be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

_SCHEME = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*::)?[A-Za-z][A-Za-z0-9+.-]*://)(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*::")
_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?")
_VALUE = re.compile(r"=[^&;]*")
_URL_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>`]+")
HIDDEN = "***"


def redact(url: str) -> str:
    """The URL without user, password, and the values of its query; `ssh` keeps its user, which is not a secret."""
    found = _SCHEME.fullmatch(url)
    if found is None:
        return url if _HELPER.match(url) is None else _redact_helper(url)
    scheme, rest = found.groups()
    userinfo, rest = _split_userinfo(rest)
    is_ssh = "ssh" in scheme.lower()
    user = re.split("[:;]", userinfo or "", maxsplit=1)[0] if is_ssh else ""
    return scheme + (f"{user}@" if user else "") + _without_values(rest)


def _redact_helper(url: str) -> str:
    """`ext::ssh -i key host`: a command that only its own helper can read, so nothing of it is shown."""
    head = url.partition("::")[0]
    return f"{head}::{HIDDEN}{hashlib.sha256(url.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def _split_userinfo(rest: str) -> tuple[str | None, str]:
    """(userinfo, the rest behind its `@`).

    A password with `/`, `?` or `#` in it that nobody escaped ends the authority early; then what stands before
    the first slash is no host and port, and everything up to the last `@` is treated as the password.
    """
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        userinfo, _, host = authority.rpartition("@")
        return userinfo, host + rest[len(authority) :]
    if not _PORT.fullmatch(authority) and "@" in rest:
        userinfo, _, host = rest.rpartition("@")
        return userinfo, host
    return None, rest


def _without_values(rest: str) -> str:
    head, mark, query = rest.partition("?")
    if not mark:
        return head.partition("#")[0]
    query = query.partition("#")[0]
    # without `=` the whole of it may be a token
    return f"{head}?{_VALUE.sub('=' + HIDDEN, query) if '=' in query else HIDDEN}"


def redact_text(text: str) -> str:
    """Text of somebody else's, such as git's own errors, with every URL in it redacted."""
    return _URL_IN_TEXT.sub(lambda found: redact(found.group()), text)


def credentials(url: str) -> tuple[str, str] | None:
    """(user, password) that an http URL carries, decoded; None where it carries none."""
    found = _SCHEME.fullmatch(url)
    if found is None or not found.group(1).lower().startswith("http"):
        return None
    userinfo, _ = _split_userinfo(found.group(2))
    if userinfo is None:
        return None
    user, _, password = userinfo.partition(":")
    return unquote(user), unquote(password)


def without_userinfo(url: str) -> str:
    """The URL with nothing before its host; all else as it was."""
    found = _SCHEME.fullmatch(url)
    return url if found is None else found.group(1) + _split_userinfo(found.group(2))[1]


def is_local(url: str) -> bool:
    """Whether git takes this for a path: no scheme, no helper, and no colon before the first slash (git-push(1))."""
    if _SCHEME.fullmatch(url) or _HELPER.match(url):
        return False
    return ":" not in url.partition("/")[0]


def absolute(url: str, cwd: Path) -> str:
    """A path made absolute: another work tree of the clone, or the watcher, stands elsewhere."""
    if not is_local(url):
        return url
    return str(Path(url) if Path(url).is_absolute() else Path(_normal(cwd / url)))


def _normal(path: Path) -> str:
    import os.path

    return os.path.normpath(path)


_SCP = r"(?:[^/@:]*@)?(\[[^\]]*\]|[^/:\[\]]+):(.*)"
_DEFAULT_PORTS = {"ssh": "22", "git": "9418", "http": "80", "https": "443", "git+ssh": "22", "ssh+git": "22"}


def identity(url: str, folder: Path) -> str:
    """The same text for each spelling of one repository's address: host in lower case and path, or a real path.

    User, password, default port, query, `.git`, and slashes at the end do not distinguish repositories; nor does
    the protocol, as a host serves one repository by several. A relative path is taken from `folder`.
    """
    import os

    found = _SCHEME.fullmatch(url)
    scheme = found.group(1).rpartition("::")[2].removesuffix("://").lower() if found else ""
    if found is None and not is_local(url):
        scp = re.fullmatch(_SCP, url, re.DOTALL)
        return url if scp is None else _joined(scp.group(1), scp.group(2))
    if found is None or scheme == "file":
        path = unquote(found.group(2)) if found else url
        real = os.path.realpath(os.path.join(folder, path))
        return real.removesuffix("/.git").removesuffix(".git").rstrip("/")
    rest = re.split("[?#]", _split_userinfo(found.group(2))[1], maxsplit=1)[0]
    host, _, path = rest.partition("/")
    return _joined(host.removesuffix(f":{_DEFAULT_PORTS.get(scheme, '')}"), unquote(path))


def web_address(url: str) -> str:
    """The https address of a repository on a host, however it was spelled; empty for a path of a machine.

    A port of http or https stays, one of ssh or git goes: no browser could use it.
    """
    found = _SCHEME.fullmatch(url)
    scheme = found.group(1).rpartition("::")[2].removesuffix("://").lower() if found else ""
    is_scp = (
        found is None and not is_local(url) and not _HELPER.match(url) and re.fullmatch(_SCP, url, re.DOTALL)
    )
    if scheme == "file" or (found is None and not is_scp):
        return ""
    host, _, path = identity(url, Path("/")).partition("/")
    if scheme not in ("http", "https") and not host.startswith("["):
        host = host.partition(":")[0]
    return f"https://{host}/{quote(path, safe='/~@:+,;=')}"


def _joined(host: str, path: str) -> str:
    plain = path.strip("/").removesuffix(".git").rstrip("/")
    return f"{host.strip('[]').lower()}/{plain}"


def rewritten(url: str, config: Mapping[str, Sequence[str]], *, push: bool = False) -> str:
    """The URL as git takes it, by `url.<base>.insteadOf` and, for a push, `pushInsteadOf` (git-config(1))."""
    for kind in ("pushinsteadof", "insteadof") if push else ("insteadof",):
        bases = [
            (prefix, key[len("url.") : -len(kind) - 1])
            for key, prefixes in config.items()
            if key.startswith("url.") and key.endswith(f".{kind}")
            for prefix in prefixes
            if url.startswith(prefix)
        ]
        if bases:
            prefix, base = max(bases, key=lambda pair: len(pair[0]))
            return base + url[len(prefix) :]
    return url
