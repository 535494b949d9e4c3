"""Sections of the policy about records: `[[verifier]]`, `[records]` and `[[yanked]]`."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime, timezone
from types import MappingProxyType
from typing import Literal, cast

from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS
from envhooks.policy import RecordsPolicy, Verifier
from envhooks.policy.values import Value, identifier
from envhooks.tagname.names import git_faults

MAX_VERIFIERS = 32
MAX_YANKED = 10_000
_WORDS = ("team", "person")
_KINDS = ("key", "ssh", "identity")
_WHOLE = r"[!-)+-~]{1,500}"  # no blank, and no *
# what every Python reads alike: 3.10 takes no week and no day without hyphens, as later ones do
_DATE = r"(?a)\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?"
_PEM = r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*"
# SubjectPublicKeyInfo up to the key itself (RFC 5480, RFC 8410): there is one way to write each of them
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04"
_ED25519 = bytes.fromhex("302a300506032b6570032100")
_KEY_EXAMPLE = 'key = """\n-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----\n"""'


def is_p256(der: bytes) -> bool:
    """Whether this is the public key of an uncompressed point on P-256; whether it is on the curve is not looked at."""
    return der.startswith(_P256) and len(der) == len(_P256) + 64


def is_ed25519(der: bytes) -> bool:
    """Whether this is an Ed25519 public key."""
    return der.startswith(_ED25519) and len(der) == len(_ED25519) + 32


def verifiers(value: Value) -> tuple[Verifier, ...]:
    """`[[verifier]]`."""
    sections = value.tables()
    if len(sections) > MAX_VERIFIERS:
        value.refuse(f"`{value.name}` names {len(sections)} signers of records and may name {MAX_VERIFIERS}")
    found: dict[str, Verifier] = {}
    for section in sections:
        one = _verifier(section)
        if one.name in found:
            section.refuse(f"two verifiers are called `{one.name}`")
        if one.key and any(one.key == other.key for other in found.values()):
            section.refuse(f"the key of `{one.name}` stands in another `[[verifier]]` as well")
        found[one.name] = one
    return tuple(found.values())


def _verifier(value: Value) -> Verifier:
    keys = value.table(
        ("name", *_KINDS, "issuer", "word", "valid-after", "valid-before", "revoked", "reason")
    )
    if "name" not in keys:
        value.refuse("a `[[verifier]]` has no `name`", 'name = "ci"')
    kinds = [kind for kind in _KINDS if kind in keys]
    if len(kinds) != 1:
        value.refuse(f"a `[[verifier]]` has one of {', '.join(f'`{k}`' for k in _KINDS)}", _KEY_EXAMPLE)
    if ("issuer" in keys) != ("identity" in keys):
        value.refuse(
            "`identity` and `issuer` of a `[[verifier]]` go together",
            'issuer = "https://token.actions.githubusercontent.com"',
        )
    word = keys["word"].choice(_WORDS) if "word" in keys else "person" if "ssh" in keys else "team"
    after, before = (_moment(keys[key]) if key in keys else None for key in ("valid-after", "valid-before"))
    if after is not None and before is not None and after > before:
        keys["valid-before"].refuse("`valid-before` is earlier than `valid-after`")
    if before is not None and _is_day(keys["valid-before"]):
        before += 86_399  # the day itself counts
    revoked = _revoked(keys["revoked"]) if "revoked" in keys else None
    if "reason" in keys and revoked is None:
        keys["reason"].refuse(
            "a `reason` says why a key is revoked, and this one is not", "revoked = 2026-03-03"
        )
    return Verifier(
        identifier(keys["name"], keys["name"].text()),
        cast(Literal["team", "person"], word),
        key=_public_key(keys["key"]) if "key" in keys else b"",
        ssh=_whole(keys["ssh"]) if "ssh" in keys else "",
        identity=_whole(keys["identity"]) if "identity" in keys else "",
        issuer=_issuer(keys["issuer"]) if "issuer" in keys else "",
        after=after,
        before=before,
        revoked=revoked,
        reason=keys["reason"].text() if "reason" in keys else "",
    )


def _whole(value: Value) -> str:
    text = value.text()
    if not re.fullmatch(_WHOLE, text):
        value.refuse(f"`{value.name}` is compared whole: printable ASCII without blanks and wildcards")
    return text


def _issuer(value: Value) -> str:
    text = _whole(value)
    if not text.startswith("https://"):
        value.refuse(
            "the issuer is no https:// URL", 'issuer = "https://token.actions.githubusercontent.com"'
        )
    return text


def _public_key(value: Value) -> bytes:
    """The key in DER; a PEM block is the one text of the policy that has lines."""
    text = value.raw
    if not isinstance(text, str):
        value.wrong_type("a public key in PEM", _KEY_EXAMPLE)
    if "PRIVATE KEY" in text:
        value.refuse(
            f"`{value.name}` is a PRIVATE key, which everybody who can read the repository now has: make another one",
            "openssl pkey -in key.pem -pubout",
        )
    match = re.fullmatch(_PEM, text) if len(text) <= 1000 else None
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        der = b""
    if not is_p256(der) and not is_ed25519(der):
        value.refuse(
            f"`{value.name}` is no public key of P-256 or Ed25519 in PEM", "openssl pkey -in key.pem -pubout"
        )
    return der


def _moment(value: Value) -> float:
    """Seconds since the epoch of a date or time; what has no zone is in UTC."""
    raw = value.raw
    if isinstance(raw, str):
        try:
            if not re.fullmatch(_DATE, raw):
                raise ValueError
            whole = raw.replace("Z", "+00:00")  # which Python 3.10 does not read
            raw = datetime.fromisoformat(whole) if "T" in raw else date.fromisoformat(raw)
        except ValueError:
            value.wrong_type("a date", f"{value.path[-1]} = 2026-03-03")
    if isinstance(raw, datetime):
        return (raw if raw.tzinfo else raw.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(raw, date):
        return datetime(raw.year, raw.month, raw.day, tzinfo=timezone.utc).timestamp()
    value.wrong_type("a date", f"{value.path[-1]} = 2026-03-03")


def _is_day(value: Value) -> bool:
    raw = value.raw
    return "T" not in raw if isinstance(raw, str) else not isinstance(raw, datetime)


def _revoked(value: Value) -> float | None:
    """The moment from which on nothing counts: 0 for `true`, which takes away all that was ever signed."""
    if isinstance(value.raw, bool):
        return 0.0 if value.raw else None
    return _moment(value)


def records(value: Value) -> RecordsPolicy:
    """`[records]`."""
    keys = value.table(("signed-by", "predicate"))
    words = keys["signed-by"].texts() if "signed-by" in keys else ()
    for word in words:
        word.choice(_WORDS)
    predicate = keys["predicate"].choice(("vsa", "svr")) if "predicate" in keys else "vsa"
    return RecordsPolicy(
        tuple(cast(Literal["team", "person"], word.raw) for word in words),
        cast(Literal["vsa", "svr"], predicate),
    )


def yanked(value: Value) -> MappingProxyType[str, str]:
    """`[[yanked]]`: short tag name -> reason."""
    sections = value.tables()
    if len(sections) > MAX_YANKED:
        value.refuse(f"`{value.name}` names {len(sections)} releases and may name {MAX_YANKED}")
    found: dict[str, str] = {}
    for section in sections:
        keys = section.table(("tag", "reason"))
        for key, example in (("tag", "PyTorch-CUDA-v2.8"), ("reason", "CVE-2026-1234 in the base image")):
            if key not in keys:
                section.refuse(f"a `[[yanked]]` has no `{key}`", f'{key} = "{example}"')
        tag = keys["tag"].text().removeprefix(TAGS)
        fault = next(git_faults(tag), None)
        if fault is not None:
            keys["tag"].refuse(f"`{printable(tag, 80)}` cannot be a tag: {fault}")
        if tag in found:
            section.refuse(f"`{printable(tag, 80)}` is yanked twice")
        found[tag] = keys["reason"].text()
    return MappingProxyType(found)
