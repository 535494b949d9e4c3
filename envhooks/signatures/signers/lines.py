"""One line of `.envhooks/allowed_signers`: OpenSSH's syntax (ssh-keygen(1)), and `openpgp` lines beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import datetime, timezone

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import is_plain, printable
from envhooks.signatures.sshwire import KEY_TYPES, SshError, SshKey, read_key

_UNPRINTABLE = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]"
_PRINCIPAL = r"!?[!-~]{1,200}"
_OPTION = re.compile(r'([A-Za-z][A-Za-z-]{0,40})(?:="([^"]*)")?(,|\Z)')
_TIME = r"([0-9]{8}|[0-9]{12}|[0-9]{14})(Z?)"
_FINGERPRINT = r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}"
_KNOWN_OPTIONS = ("cert-authority", "namespaces", "valid-after", "valid-before")
_EXAMPLE = 'alice@example.org namespaces="git" ssh-ed25519 AAAA...'


@dataclass(frozen=True)
class Window:
    """Time window of a key, in seconds since the epoch, both ends included as ssh-keygen(1) has it."""

    after: int | None = None
    before: int | None = None

    def fault(self, now: datetime) -> str:
        """Reason why the key does not count at this time; empty where it does."""
        seconds = int(now.timestamp())
        if self.after is not None and seconds < self.after:
            return f"the key counts from {moment(self.after)} on"
        if self.before is not None and seconds > self.before:
            return f"the key counted until {moment(self.before)}"
        return ""


@dataclass(frozen=True)
class SignerLine:
    """A line with its parts; either `key` or `fingerprint` is set."""

    number: int
    principals: tuple[str, ...]
    is_ca: bool
    namespaces: tuple[str, ...] | None
    window: Window
    key: SshKey | None
    fingerprint: str = ""


def moment(seconds: int) -> str:
    """A time for people, in UTC; dates that no calendar has stay numbers."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return f"second {seconds}"


def read_line(text: str, number: int, place: str) -> SignerLine | None:
    """The signer in one line; None for an empty line and a comment.

    Raises:
        PolicyError: the line cannot be read.
    """
    if text.endswith("\r"):
        fix = f"sed -i 's/\\r$//' {place.rpartition(':')[0]}"
        raise PolicyError("the line ends in a carriage return", place=place, fix=fix)
    if not is_plain(text.replace("\t", "")) and re.search(_UNPRINTABLE, text):
        raise PolicyError("the line holds control characters", place=place)
    text = text.strip(" \t")
    if not text or text.startswith("#"):
        return None
    first, rest = _first_word(text, place)
    principals = _principals(first, place)
    options, rest = _options(rest, place)
    words = rest.split()
    if len(words) < 2:
        raise PolicyError("the line names no key", place=place, fix=_EXAMPLE)
    is_ca = "cert-authority" in options
    namespaces = tuple(options["namespaces"].split(",")) if "namespaces" in options else None
    if namespaces is not None and not all(namespaces):
        raise PolicyError("namespaces lists nothing", place=place, fix='namespaces="git"')
    window = _window(options, place)
    if words[0] == "openpgp":
        fingerprint = _fingerprint(words, is_ca, place)
        return SignerLine(number, principals, False, namespaces, window, None, fingerprint)
    return SignerLine(
        number, principals, is_ca, namespaces, window, _key(words[0], words[1], place, weak_too=True)
    )


def _first_word(text: str, place: str) -> tuple[str, str]:
    if text.startswith('"'):
        quoted, closing, rest = text[1:].partition('"')
        if not closing or not rest.startswith((" ", "\t")):
            raise PolicyError("the quotes around the principals are not closed", place=place, fix=_EXAMPLE)
        return quoted, rest.strip(" \t")
    parts = re.split(r"[ \t]+", text, maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def _principals(word: str, place: str) -> tuple[str, ...]:
    found = tuple(word.split(","))
    if not all(re.fullmatch(_PRINCIPAL, name) and '"' not in name for name in found):
        raise PolicyError(
            f"the principals are not printable ASCII, joined by commas: {printable(word, 80)}",
            place=place,
            fix=_EXAMPLE,
        )
    if found[0] in KEY_TYPES or found[0] == "openpgp":
        raise PolicyError("the line begins with a key and not with a principal", place=place, fix=_EXAMPLE)
    if found[0].startswith("!"):
        raise PolicyError("the first principal is one that is excluded", place=place, fix=_EXAMPLE)
    return found


def _options(text: str, place: str) -> tuple[dict[str, str], str]:
    """(options, the rest of the line). Keywords are case-insensitive, as OpenSSH has them."""
    found: dict[str, str] = {}
    if not text:
        return found, text
    word = re.split(r"[ \t]", text, maxsplit=1)[0]
    if word == "openpgp" or word.startswith(("ssh-", "ecdsa-", "sk-")):
        return found, text
    at, more = 0, True
    while more:
        match = _OPTION.match(_unquoted_word(text), at)
        name = match[1].lower() if match else ""
        if match is None or name not in _KNOWN_OPTIONS or (match[2] is None) != (name == "cert-authority"):
            shown = printable(text[at : at + 60])
            raise PolicyError(
                f"not an option of allowed_signers: {shown}",
                place=place,
                fix=f"known are {', '.join(_KNOWN_OPTIONS)}; values stand in double quotes",
            )
        if name in found:
            raise PolicyError(f"the option {name} stands twice", place=place)
        found[name] = match[2] or ""
        at, more = match.end(), match[3] == ","
    return found, text[at:].strip(" \t")


def _unquoted_word(text: str) -> str:
    """The text up to the first blank outside of double quotes."""
    inside = False
    for index, char in enumerate(text):
        if char == '"':
            inside = not inside
        elif char in " \t" and not inside:
            return text[:index]
    return text


def _window(options: dict[str, str], place: str) -> Window:
    after, before = (
        _time(options[name], name, place) if name in options else None
        for name in ("valid-after", "valid-before")
    )
    if after is not None and before is not None and after >= before:
        raise PolicyError("valid-after is not before valid-before, so the key never counts", place=place)
    return Window(after, before)


def _time(text: str, name: str, place: str) -> int:
    match = re.fullmatch(_TIME, text)
    try:
        parsed = _moment_of(match[1]) if match else None
    except ValueError:
        parsed = None
    if match is None or parsed is None:
        raise PolicyError(
            f"{name} is not a time: {printable(text, 60)}", place=place, fix=f'{name}="20270101Z"'
        )
    if not match[2]:
        raise PolicyError(
            f"{name} has no Z, so it would mean another moment on each machine, by its time zone",
            place=place,
            fix=f'{name}="{match[1]}Z"',
        )
    return int(parsed.timestamp())


def _moment_of(digits: str) -> datetime:
    """YYYYMMDD[HHMM[SS]] in UTC."""
    digits = digits.ljust(14, "0")
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=timezone.utc)


def _fingerprint(words: list[str], is_ca: bool, place: str) -> str:
    if is_ca:
        raise PolicyError("an OpenPGP key cannot be a certificate authority", place=place)
    following = [word for word in words[2:] if re.fullmatch(r"[0-9A-Fa-f]{2,}", word)]
    if not re.fullmatch(_FINGERPRINT, words[1]):
        joined = "".join([words[1], *following])
        fix = (
            f"openpgp {joined.upper()}"
            if re.fullmatch(_FINGERPRINT, joined)
            else "gpg --list-keys --fingerprint"
        )
        raise PolicyError(
            "openpgp needs the whole fingerprint of the primary key, 40 hexadecimal digits without"
            " blanks: shorter ids can be made to collide",
            place=place,
            fix=fix,
        )
    return words[1].upper()


def _key(type_: str, encoded: str, place: str, *, weak_too: bool) -> SshKey:
    try:
        blob = base64.b64decode(encoded, validate=True)
        if base64.b64encode(blob).decode() != encoded:
            raise SshError("the key's base64 is not written canonically")
        key = read_key(blob, weak_too=weak_too)
        if key.type != type_:
            raise SshError(f"the key is of type {key.type}, and the line says {printable(type_, 60)}")
    except ValueError as error:
        text = str(error) if isinstance(error, SshError) else "the key is not base64"
        raise PolicyError(text, place=place, fix="ssh-keygen -t ed25519") from None
    return key


def read_public_key(type_: str, encoded: str, place: str) -> SshKey:
    """An SSH public key as text.

    Raises:
        PolicyError: it cannot be read, or is too weak.
    """
    return _key(type_, encoded, place, weak_too=False)


def _fits(text: str, pattern: str) -> bool:
    # a run of stars means one star, and would cost exponential time as a regular expression
    parts = re.split(r"\*+", pattern)
    if len(parts) == 1:
        return len(text) == len(pattern) and _same(text, pattern)
    head, *middle, tail = parts
    if len(text) < len(head) + len(tail) or not _same(text[: len(head)], head):
        return False
    end = len(text) - len(tail)
    if not _same(text[end:], tail):
        return False
    at = len(head)
    for part in middle:  # the leftmost place for each part leaves most room for the rest
        found = next(
            (i for i in range(at, end - len(part) + 1) if _same(text[i : i + len(part)], part)), None
        )
        if found is None:
            return False
        at = found + len(part)
    return True


def _same(text: str, pattern: str) -> bool:
    return all(want in ("?", have) for have, want in zip(text, pattern, strict=True))


def matches(text: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns fits the whole text and none with `!` in front does."""
    if any(_fits(text, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_fits(text, pattern) for pattern in patterns if not pattern.startswith("!"))
