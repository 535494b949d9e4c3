"""Tags made to deceive, and beside each kind the one that has to be accepted.

A case is a tag as it comes through a hook: a ref, a raw object and the policy. Each is made by a function that
gets the Workshop, and is registered under `class/name`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forge import (
    ED25519_ORDER,
    YEAR,
    Fido,
    PgpCertificate,
    PgpKey,
    SshEd25519,
    armor,
    mpi,
    now,
    number,
    packet,
)
from signing import NAME, Workshop, pgp_files, ssh_files, tag_text

from envhooks.base.dataclass import replace
from envhooks.signatures.payload import Payload, PayloadError, split

# a certificate has to be valid on the tagger's date too, or git alone would refuse
YEARS = "20200101:20990101"
CLASSES = ("control", "name", "object", "content", "signer", "validity", "environment")


@dataclass(frozen=True)
class Case:
    """One tag, and whether it has to be accepted."""

    raw: bytes
    files: Mapping[str, bytes]
    good: bool = False
    name: str = NAME
    """What stands behind refs/tags/."""
    oid_length: int = 40
    environ: Mapping[str, str] = field(default_factory=dict)


def payload_of(case: Case) -> Payload | None:
    """The tag taken apart; None where the checks before tag-signed refuse it."""
    try:
        payload = split(case.raw, case.oid_length)
    except PayloadError:
        return None
    annotation = payload.annotation()
    # what the check tag-annotated holds against the ref and the target
    return payload if annotation.name == case.name and annotation.target_type == "commit" else None


Build = Callable[[Workshop], Case]
CASES: dict[str, Build] = {}


def case(name: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        assert name not in CASES and name.split("/")[0] in CLASSES, name
        CASES[name] = build
        return build

    return register


# --------------------------------------------------------------------- the same tricks for every kind of key

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Hand:
    """Somebody with a key: how they sign, and the policy's lines that allow them, with other options."""

    sign: Sign
    files: Callable[[str], dict[str, bytes]]
    revoked: bytes


def _pgp(name: str, algorithm: str) -> Callable[[Workshop], Hand]:
    def make(w: Workshop) -> Hand:
        fingerprint = w.pgp(name, algorithm=algorithm)
        return Hand(
            lambda data: w.pgp_sign(data, name),
            lambda options: pgp_files(w, name, options=options),
            fingerprint.encode(),
        )

    return make


def _ssh(name: str, *type_: str) -> Callable[[Workshop], Hand]:
    def make(w: Workshop) -> Hand:
        path = w.ssh(name, *type_)
        return Hand(
            lambda data: w.ssh_sign(data, path),
            lambda options: ssh_files(w, name, options=options),
            w.public(name).encode(),
        )

    return make


def _certified(name: str, ca: str, type_: str, ca_type: str) -> Callable[[Workshop], Hand]:
    def make(w: Workshop) -> Hand:
        w.ssh(name, type_, *(("-b", "2048") if type_ == "rsa" else ()))
        w.ssh(ca, ca_type, *(("-b", "2048") if ca_type == "rsa" else ()))
        path = w.folder / f"ssh-{name}-{ca}-usual-cert.pub"
        if not path.exists():
            w.certify(name, ca, "usual", "-n", "bot@ci.example.org", "-V", YEARS)
        return Hand(
            lambda data: w.ssh_sign(data, path), lambda o: ca_files(w, ca, o), w.public(name).encode()
        )

    return make


def ca_files(w: Workshop, ca: str, options: str = 'namespaces="git"') -> dict[str, bytes]:
    return {"allowed_signers": f"*@ci.example.org cert-authority,{options} {w.public(ca)}\n".encode()}


_FIDO = {kind: {who: Fido(kind) for who in ("alice", "mallory")} for kind in ("ed25519", "ecdsa")}


def _fido(kind: str, who: str) -> Callable[[Workshop], Hand]:
    key = _FIDO[kind][who]
    public = key.type + b" " + base64.b64encode(key.blob)
    return lambda w: Hand(key.sign, key.line, public)


KINDS: dict[str, tuple[Callable[[Workshop], Hand], Callable[[Workshop], Hand]]] = {
    "pgp-ed25519": (_pgp("alice", "ed25519"), _pgp("mallory", "ed25519")),
    "pgp-rsa": (_pgp("rosa", "rsa3072"), _pgp("raoul", "rsa2048")),
    "ssh-ed25519": (_ssh("alice"), _ssh("mallory")),
    "ssh-rsa": (_ssh("rosa", "rsa"), _ssh("raoul", "rsa", "-b", "2048")),
    "ssh-ecdsa": (_ssh("eve", "ecdsa"), _ssh("eva", "ecdsa", "-b", "384")),
    "ssh-cert": (
        _certified("bot", "ca", "ed25519", "ed25519"),
        _certified("rogue", "fake", "ed25519", "ed25519"),
    ),
    "ssh-cert-rsa": (
        _certified("rbot", "rca", "rsa", "rsa"),
        _certified("rogue", "fake", "ed25519", "ed25519"),
    ),
    "fido-ed25519": (_fido("ed25519", "alice"), _fido("ed25519", "mallory")),
    "fido-ecdsa": (_fido("ecdsa", "alice"), _fido("ecdsa", "mallory")),
}
GIT = 'namespaces="git"'
Trick = Callable[[Hand, Hand], Case]
TRICKS: dict[str, Trick] = {}


def trick(name: str) -> Callable[[Trick], Trick]:
    def register(made: Trick) -> Trick:
        TRICKS[name] = made
        return made

    return register


def edited(hand: Hand, old: bytes, new: bytes) -> Case:
    raw = hand.sign(tag_text())
    assert old in raw
    return Case(raw.replace(old, new, 1), hand.files(GIT))


@trick("control/sha1")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), alice.files(GIT), good=True)


@trick("control/sha256")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text(target="ab" * 32)), alice.files(GIT), good=True, oid_length=64)


@trick("control/window-and-beside-others")
def _(alice: Hand, mallory: Hand) -> Case:
    files = dict(mallory.files(GIT))
    own = alice.files('namespaces="git",valid-after="20200101Z",valid-before="20990101Z"')
    same = own["allowed_signers"].split()[-1] == files["allowed_signers"].split()[-1]
    lines = own["allowed_signers"] + (b"" if same else files["allowed_signers"])
    return Case(alice.sign(tag_text("a\n\nb\n")), {**files, **own, "allowed_signers": lines}, good=True)


@trick("name/stored-under-another")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), alice.files(GIT), name="PyTorch-CUDA-v2.9")


@trick("name/header-edited")
def _(alice: Hand, mallory: Hand) -> Case:
    return replace(edited(alice, NAME.encode(), b"PyTorch-CUDA-v2.9"), name="PyTorch-CUDA-v2.9")


@trick("object/target-edited")
def _(alice: Hand, mallory: Hand) -> Case:
    return edited(alice, b"object 1f", b"object 2f")


@trick("object/a-tree")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text(kind="tree")), alice.files(GIT))


@trick("object/gpgsig-header")
def _(alice: Hand, mallory: Hand) -> Case:
    return edited(alice, b"+0000\n\n", b"+0000\ngpgsig-sha256 x\n\n")


@trick("object/second-object-line")
def _(alice: Hand, mallory: Hand) -> Case:
    return edited(alice, b"type commit", b"object " + b"2f" * 20 + b"\ntype commit")


@trick("content/message-edited")
def _(alice: Hand, mallory: Hand) -> Case:
    return edited(alice, b"First", b"Final")


@trick("content/tagger-edited")
def _(alice: Hand, mallory: Hand) -> Case:
    return edited(alice, b"tagger Alice", b"tagger Malice")


@trick("content/text-behind-the-block")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()) + b"and more\n", alice.files(GIT))


@trick("content/signed-twice")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(mallory.sign(alice.sign(tag_text())), alice.files(GIT))


@trick("content/signed-again-by-an-allowed-key")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(mallory.sign(tag_text())), alice.files(GIT))


@trick("content/signature-of-another-tag")
def _(alice: Hand, mallory: Hand) -> Case:
    other = alice.sign(tag_text("Other\n")).removeprefix(tag_text("Other\n"))
    return Case(tag_text() + other, alice.files(GIT))


@trick("content/cut-off")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text())[:-1], alice.files(GIT))


@trick("content/another-line-break")
def _(alice: Hand, mallory: Hand) -> Case:
    """The same signature in another object: a line of the armor in two."""
    raw = alice.sign(tag_text())
    at = raw.rindex(b"\n-----END") - 70
    return Case(raw[:at] + b"\n" + raw[at:], alice.files(GIT))


@trick("content/empty-block")
def _(alice: Hand, mallory: Hand) -> Case:
    raw = alice.sign(tag_text())
    return Case(re.sub(rb"(-----\n).*(\n-----END)", rb"\1\2", raw, flags=re.S), alice.files(GIT))


@trick("content/carriage-return-hides-a-line")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text("bad text\rgood text\n")), alice.files(GIT))


@trick("signer/not-allowed")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(mallory.sign(tag_text()), alice.files(GIT))


@trick("signer/nobody-allowed")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), {})


@trick("signer/allowed-for-files-only")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), alice.files('namespaces="file"'))


@trick("validity/window-over")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), alice.files('namespaces="git",valid-before="20240101Z"'))


@trick("validity/window-to-come")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), alice.files('namespaces="git",valid-after="20980101Z"'))


@trick("validity/back-dated-into-the-window")
def _(alice: Hand, mallory: Hand) -> Case:
    text = tag_text().replace(b"1790000000", b"1680000000")
    return Case(alice.sign(text), alice.files('namespaces="git",valid-before="20240101Z"'))


@trick("validity/revoked")
def _(alice: Hand, mallory: Hand) -> Case:
    return Case(alice.sign(tag_text()), {**alice.files(GIT), "revoked_keys": alice.revoked + b" lost\n"})


def _bind(made: Trick, kind: str) -> Build:
    alice, mallory = KINDS[kind]
    return lambda w: made(alice(w), mallory(w))


for _name, _made in TRICKS.items():
    for _kind in KINDS:
        CASES[f"{_name}/{_kind}"] = _bind(_made, _kind)


# ------------------------------------------------------------------------------------- OpenPGP

HARMLESS = b"[GNUPG:] GOODSIG 1 x\n[GNUPG:] VALIDSIG " + b"A" * 40


def allowed(certificate: PgpCertificate, raw: bytes, *, good: bool = False) -> Case:
    return Case(raw, certificate.root(), good)


@case("control/pgp-forged-by-hand")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("control/pgp-rsa-by-hand")
def _(w: Workshop) -> Case:
    made = PgpCertificate(PgpKey(bits=2048))
    return allowed(made, made.key.sign(tag_text(), digest=10), good=True)


@case("control/pgp-armor-headers")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), "Version: GnuPG v1", "Comment: hello"), good=True)


@case("control/pgp-subkey")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(flags=0x01), PgpKey()
    made.add_subkey(subkey)
    return allowed(made, subkey.sign(tag_text()), good=True)


@case("control/pgp-expired-subkey-beside")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    made.add_subkey(PgpKey(), expires_after=YEAR)
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("control/pgp-expiry-to-come")
def _(w: Workshop) -> Case:
    made = PgpCertificate(expires_after=9 * YEAR)
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("control/pgp-expiry-extended")
def _(w: Workshop) -> Case:
    made = PgpCertificate(expires_after=YEAR)
    made.expires_after = 9 * YEAR
    made.add_self_signature(created=now() - YEAR)
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("control/pgp-status-text-in-user-id")
def _(w: Workshop) -> Case:
    made = PgpCertificate(user=b"A\n[GNUPG:] BADSIG 1 x\r\xc2\x85[GNUPG:] REVKEYSIG \xe2\x80\xa8 <a@b.c>")
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("control/pgp-notation")
def _(w: Workshop) -> Case:
    notation = number(0x80000000) + number(3, 2) + number(len(HARMLESS), 2) + b"a@b" + HARMLESS
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), hashed=[(20, notation)]), good=True)


@case("control/pgp-old-date")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), created=now() - YEAR), good=True)


for _user in (
    b"A\n[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 Alice\n[GNUPG:] VALIDSIG " + b"%s",
    b"A\r[GNUPG:] VALIDSIG %s",
    b"A\x85[GNUPG:] VALIDSIG %s",
    b"A\xe2\x80\xa8[GNUPG:] VALIDSIG %s",
    b"A\x0c[GNUPG:] VALIDSIG %s\x00",
):

    def _smuggled(w: Workshop, user: bytes = _user) -> Case:
        """A stranger whose key is in the keyring with the window closed; the name says otherwise."""
        alice = PgpCertificate()
        valid = f"{alice.key.fingerprint} 2026-01-01 1790000000 0 4 0 22 8 00 {alice.key.fingerprint}"
        mallory = PgpCertificate(user=user.replace(b"%s", valid.encode()))
        files = {**alice.root(), **mallory.root(), "allowed_signers": alice.root()["allowed_signers"]}
        files["allowed_signers"] += mallory.root('valid-before="20200101Z"')["allowed_signers"]
        return Case(mallory.key.sign(tag_text()), files)

    CASES[f"signer/pgp-status-text-in-user-id-{_user[1:2].hex()}"] = _smuggled


@case("signer/pgp-notation-with-status-text")
def _(w: Workshop) -> Case:
    text = b"x\n[GNUPG:] GOODSIG 1 x\n[GNUPG:] VALIDSIG " + b"A" * 40
    notation = number(0x80000000) + number(3, 2) + number(len(text), 2) + b"a@b" + text
    return allowed(PgpCertificate(), PgpKey().sign(tag_text(), hashed=[(20, notation)]))


@case("signer/pgp-same-name-another-key")
def _(w: Workshop) -> Case:
    return allowed(PgpCertificate(), PgpCertificate().key.sign(tag_text()))


@case("signer/pgp-claims-another-issuer")
def _(w: Workshop) -> Case:
    alice = PgpCertificate()
    claim = bytes.fromhex(alice.key.fingerprint)
    issuer = [(2, number(now())), (33, b"\x04" + claim)]
    raw = PgpKey().sign(tag_text(), plain=True, hashed=issuer, unhashed=[(16, claim[-8:])])
    return allowed(alice, raw)


@case("signer/pgp-two-issuers")
def _(w: Workshop) -> Case:
    alice, mallory = PgpCertificate(), PgpKey()
    return allowed(
        alice, mallory.sign(tag_text(), hashed=[(33, b"\x04" + bytes.fromhex(alice.key.fingerprint))])
    )


@case("signer/pgp-subkey-not-bound")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey, bound=False)
    return allowed(made, subkey.sign(tag_text()))


@case("signer/pgp-subkey-bound-by-a-stranger")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey, signer=PgpKey())
    return allowed(made, subkey.sign(tag_text()))


@case("signer/pgp-subkey-adopted")
def _(w: Workshop) -> Case:
    """Somebody allowed puts another's signing subkey below their own key, without that one's consent."""
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey, crossed=False)
    return allowed(made, subkey.sign(tag_text()))


@case("signer/pgp-encryption-subkey")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey, crossed=False, flags=0x0C)
    return allowed(made, subkey.sign(tag_text()))


@case("signer/pgp-no-self-signature")
def _(w: Workshop) -> Case:
    made = PgpCertificate(self_signed=False)
    return allowed(made, made.key.sign(tag_text()))


@case("signer/pgp-sha1-self-signature")
def _(w: Workshop) -> Case:
    made = PgpCertificate(digest=2)
    return allowed(made, made.key.sign(tag_text()))


@case("signer/pgp-sha1-self-signature-of-old")
def _(w: Workshop) -> Case:
    """SHA-1 from a time when everybody used it, and a signature that says to be from then."""
    made = PgpCertificate(PgpKey(created=1420000000), digest=2)
    return allowed(made, made.key.sign(tag_text(), created=1450000000))


@case("signer/pgp-rsa-1024")
def _(w: Workshop) -> Case:
    made = PgpCertificate(PgpKey(bits=1024))
    return allowed(made, made.key.sign(tag_text()))


@case("signer/pgp-rsa-1024-subkey")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey(bits=1024)
    made.add_subkey(subkey)
    return allowed(made, subkey.sign(tag_text()))


@case("signer/pgp-rsa-1024-primary-of-a-strong-subkey")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(PgpKey(bits=1024)), PgpKey()
    made.add_subkey(subkey)
    return allowed(made, subkey.sign(tag_text()))


@case("signer/pgp-subkey-in-revoked-keys")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey)
    return Case(subkey.sign(tag_text()), {**made.root(), "revoked_keys": subkey.fingerprint.encode()})


@case("control/pgp-sha384")
def _(w: Workshop) -> Case:
    made = PgpCertificate(digest=9)
    return allowed(made, made.key.sign(tag_text(), digest=9), good=True)


@case("control/pgp-rights-given-again")
def _(w: Workshop) -> Case:
    """The same rights in a younger self-signature, and another's word on the key, which is about none."""
    made, other = PgpCertificate(), PgpKey()
    made.add_self_signature(created=now() - YEAR)
    name = made.key.hashed_form + b"\xb4" + number(len(made.user)) + made.user
    made.packets.append(other.signature(name, 0x10, created=now() - YEAR))
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("signer/pgp-sha1-back-signature-of-old")
def _(w: Workshop) -> Case:
    """The subkey's own consent by SHA-1, from a time when everybody used it."""
    made, subkey = PgpCertificate(PgpKey(created=1420000000)), PgpKey(created=1420000000)
    both = made.key.hashed_form + subkey.hashed_form
    back = subkey.signature(both, 0x19, created=subkey.created + 1, digest=2)
    hashed = [(27, b"\x02"), (32, back[6:])]
    made.packets += [
        packet(14, subkey.body),
        made.key.signature(both, 0x18, created=subkey.created + 1, hashed=hashed),
    ]
    return allowed(made, subkey.sign(tag_text(), created=1450000000))


for _digest in (12, 14):

    def _sha3_self_signature(w: Workshop, digest: int = _digest) -> Case:
        made = PgpCertificate(digest=digest)
        return allowed(made, made.key.sign(tag_text()))

    CASES[f"signer/pgp-self-signature-digest-{_digest}"] = _sha3_self_signature


for _digest in (2, 11, 12, 14):

    def _weak(w: Workshop, digest: int = _digest) -> Case:
        made = PgpCertificate()
        return allowed(made, made.key.sign(tag_text(), digest=digest))

    CASES[f"content/pgp-digest-{_digest}"] = _weak


@case("content/pgp-text-signature")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    text = tag_text()
    return allowed(made, text + armor(made.key.signature(text.replace(b"\n", b"\r\n"), 1), "SIGNATURE"))


@case("content/pgp-standalone-signature")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, tag_text() + armor(made.key.signature(b"", 2), "SIGNATURE"))


@case("content/pgp-two-packets")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    both = PgpKey().signature(tag_text()) + made.key.signature(tag_text())
    return allowed(made, tag_text() + armor(both, "SIGNATURE"))


@case("content/pgp-literal-inside")
def _(w: Workshop) -> Case:
    """A whole signed message in the place of a detached signature: gpg would verify what is in it."""
    made = PgpCertificate()
    other = tag_text("Other\n")
    literal = packet(11, b"b\0" + number(0) + other)
    one_pass = packet(4, b"\x03\0\x08\x16" + bytes.fromhex(made.key.fingerprint)[-8:] + b"\x01")
    return allowed(made, tag_text() + armor(one_pass + literal + made.key.signature(other), "SIGNATURE"))


@case("content/pgp-message-block")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    other = tag_text("Other\n")
    literal = packet(11, b"b\0" + number(0) + other)
    one_pass = packet(4, b"\x03\0\x08\x16" + bytes.fromhex(made.key.fingerprint)[-8:] + b"\x01")
    return allowed(made, tag_text() + armor(one_pass + literal + made.key.signature(other), "MESSAGE"))


@case("content/pgp-clearsigned-text-inside")
def _(w: Workshop) -> Case:
    w.pgp("alice")
    clear = w.gpg("--local-user", w.pgp("alice"), "--clearsign", stdin=b"harmless\n")
    return Case(tag_text(b"evil\n" + clear), pgp_files(w, "alice"))


@case("content/pgp-marker-in-front")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, tag_text() + armor(packet(10, b"PGP") + made.key.signature(tag_text()), "SIGNATURE"))


@case("content/pgp-unhashed-notation")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), unhashed=[(20, number(0) + number(0) + b"")]))


@case("content/pgp-unknown-armor-header")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), "Released-By: somebody important"))


@case("control/pgp-long-notation")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), hashed=[(20, _notation(9_000))]), good=True)


@case("content/pgp-endless-notation")
def _(w: Workshop) -> Case:
    """One longer than GnuPG reads."""
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), hashed=[(20, _notation(12_000))]))


@case("signer/pgp-endless-self-signature")
def _(w: Workshop) -> Case:
    made = PgpCertificate(self_signed=False)
    made.add_self_signature((20, _notation(12_000)))
    return allowed(made, made.key.sign(tag_text()))


@case("control/pgp-long-user-id")
def _(w: Workshop) -> Case:
    made = PgpCertificate(user=b"A" * 1000)
    return allowed(made, made.key.sign(tag_text()), good=True)


@case("signer/pgp-endless-user-id")
def _(w: Workshop) -> Case:
    made = PgpCertificate(user=b"A" * 2049)
    return allowed(made, made.key.sign(tag_text()))


def _notation(length: int) -> bytes:
    return number(0x80000000) + number(3, 2) + number(length, 2) + b"a@b" + b"x" * length


for _subpacket in (20, 100):

    def _critical(w: Workshop, subpacket: int = _subpacket) -> Case:
        """Whoever does not know what it means must not take the signature for good."""
        made = PgpCertificate()
        return allowed(made, made.key.sign(tag_text(), hashed=[(0x80 | subpacket, _notation(1))]))

    CASES[f"content/pgp-unknown-and-critical-{_subpacket}"] = _critical


@case("content/pgp-digest-prefix")
def _(w: Workshop) -> Case:
    """The two bytes of the digest that nothing covers but the armor's checksum, which anybody can make."""
    made = PgpCertificate()
    text = tag_text()
    blob = bytearray(made.key.signature(text))
    at = 6 + 6 + int.from_bytes(blob[10:12], "big")
    at += 2 + int.from_bytes(blob[at : at + 2], "big")
    blob[at] ^= 1
    return allowed(made, text + armor(bytes(blob), "SIGNATURE"))


@case("validity/pgp-expired")
def _(w: Workshop) -> Case:
    made = PgpCertificate(expires_after=YEAR)
    return allowed(made, made.key.sign(tag_text()))


@case("validity/pgp-expired-back-dated")
def _(w: Workshop) -> Case:
    made = PgpCertificate(expires_after=YEAR)
    return allowed(made, made.key.sign(tag_text(), created=made.key.created + YEAR // 2))


@case("validity/pgp-subkey-expired-back-dated")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey, expires_after=YEAR)
    return allowed(made, subkey.sign(tag_text(), created=subkey.created + YEAR // 2))


@case("validity/pgp-right-to-sign-taken-away")
def _(w: Workshop) -> Case:
    """The date of the signature is its maker's to choose; what the key may do is said by its newest self-signature."""
    made = PgpCertificate()
    made.flags = 0x01
    made.add_self_signature(created=now() - YEAR)
    return allowed(made, made.key.sign(tag_text(), created=now() - 2 * YEAR))


@case("validity/pgp-right-to-sign-taken-away-from-a-subkey")
def _(w: Workshop) -> Case:
    made, subkey = PgpCertificate(), PgpKey()
    made.add_subkey(subkey)
    both = made.key.hashed_form + subkey.hashed_form
    made.packets.append(made.key.signature(both, 0x18, created=now() - YEAR, hashed=[(27, b"\x0c")]))
    return allowed(made, subkey.sign(tag_text(), created=now() - 2 * YEAR))


for _reason in range(4):

    def _revoked(w: Workshop, reason: int = _reason) -> Case:
        made = PgpCertificate()
        made.revoke(reason, at=now() - YEAR)
        return allowed(made, made.key.sign(tag_text()))

    def _revoked_back_dated(w: Workshop, reason: int = _reason) -> Case:
        made = PgpCertificate()
        made.revoke(reason, at=now() - YEAR)
        return allowed(made, made.key.sign(tag_text(), created=now() - 2 * YEAR))

    def _subkey_revoked(w: Workshop, reason: int = _reason) -> Case:
        made, subkey = PgpCertificate(), PgpKey()
        made.add_subkey(subkey)
        made.revoke_subkey(subkey, reason, at=now() - YEAR)
        return allowed(made, subkey.sign(tag_text(), created=now() - 2 * YEAR))

    CASES[f"validity/pgp-revoked-reason-{_reason}"] = _revoked
    CASES[f"validity/pgp-revoked-back-dated-reason-{_reason}"] = _revoked_back_dated
    CASES[f"validity/pgp-subkey-revoked-back-dated-reason-{_reason}"] = _subkey_revoked


@case("validity/pgp-signature-expired")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), created=now() - YEAR, hashed=[(3, number(86400))]))


@case("validity/pgp-signature-from-the-future")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), created=now() + 3 * 86400))


@case("validity/pgp-signature-older-than-its-key")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), created=made.key.created - YEAR))


@case("validity/pgp-signature-without-a-date")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), plain=True))


@case("validity/pgp-two-dates")
def _(w: Workshop) -> Case:
    made = PgpCertificate(expires_after=YEAR)
    return allowed(made, made.key.sign(tag_text(), hashed=[(2, number(made.key.created + 99))]))


@case("content/pgp-integer-written-otherwise")
def _(w: Workshop) -> Case:
    """One bit more in the length of an integer whose top bit is not set: nothing covers it."""
    made, text = PgpCertificate(), tag_text()
    for attempt in range(200):
        text = tag_text(f"attempt {attempt}\n")
        blob = bytearray(made.key.signature(text))
        at = len(blob) - 66
        if blob[at - 2 : at] == number(255, 2) and blob[at + 32 : at + 34] == number(256, 2):
            blob[at - 2 : at] = number(256, 2)
            return allowed(made, text + armor(bytes(blob), "SIGNATURE"))
    raise AssertionError("no such signature came up")


def _numbers(blob: bytes) -> tuple[bytes, list[int]]:
    """A signature packet without its header up to the integers, and the integers."""
    body = blob[6:]  # what forge makes has six bytes of header
    at = 6 + int.from_bytes(body[4:6], "big")
    at += 4 + int.from_bytes(body[at : at + 2], "big")
    head, found = body[:at], []
    while at < len(body):
        width = (int.from_bytes(body[at : at + 2], "big") + 7) // 8
        found.append(int.from_bytes(body[at + 2 : at + 2 + width], "big"))
        at += 2 + width
    return head, found


@case("content/pgp-ed25519-plus-order")
def _(w: Workshop) -> Case:
    """S + order is a signature, too: anybody could give a tag a twin under another object id."""
    made = PgpCertificate()
    head, (r, s) = _numbers(made.key.signature(tag_text()))
    bent_s = int.from_bytes(s.to_bytes(32, "big"), "little") + ED25519_ORDER
    numbers = mpi(r.to_bytes(32, "big")) + mpi(bent_s.to_bytes(32, "little"))
    return allowed(made, tag_text() + armor(packet(2, head + numbers), "SIGNATURE"))


@case("content/pgp-rsa-plus-modulus")
def _(w: Workshop) -> Case:
    made = PgpCertificate(PgpKey(bits=2048))
    head, (s,) = _numbers(made.key.signature(tag_text()))
    twin = mpi((s + made.key.modulus).to_bytes(257, "big"))
    return allowed(made, tag_text() + armor(packet(2, head + twin), "SIGNATURE"))


@case("validity/pgp-two-dates-both-fine")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), hashed=[(2, number(made.key.created + 99))]))


@case("control/pgp-signature-expiry-to-come")
def _(w: Workshop) -> Case:
    made = PgpCertificate()
    return allowed(made, made.key.sign(tag_text(), hashed=[(3, number(9 * YEAR))]), good=True)


@case("validity/pgp-key-expired-made-by-gpg")
def _(w: Workshop) -> Case:
    w.pgp("old", "--faked-system-time", "20200101T000000", expire="1y")
    raw = w.pgp_sign(tag_text(), "old", "--faked-system-time", "20200601T000000")
    return Case(raw, pgp_files(w, "old"))


# ----------------------------------------------------------------------------------------- SSH


def bent(**options: Any) -> Build:
    """A signature by an allowed Ed25519 key, bent in one place."""

    def build(w: Workshop) -> Case:
        key = SshEd25519()
        return Case(key.sign(tag_text(), **options), key.line(), not options)

    return build


CASES["control/ssh-by-hand"] = bent()
CASES["content/ssh-namespace-file"] = bent(namespace=b"file")
CASES["content/ssh-namespace-empty"] = bent(namespace=b"")
CASES["content/ssh-namespace-prefix"] = bent(namespace=b"git2")
CASES["content/ssh-namespace-nul"] = bent(namespace=b"git\0")
CASES["content/ssh-reserved"] = bent(reserved=b"x")
CASES["content/ssh-digest-sha1"] = bent(digest=b"sha1")
CASES["content/ssh-digest-md5"] = bent(digest=b"md5")
CASES["content/ssh-digest-sha384"] = bent(digest=b"sha384")
CASES["content/ssh-version-2"] = bent(version=2)
CASES["content/ssh-trailing-bytes"] = bent(tail=b"\0")
CASES["content/ssh-other-algorithm"] = bent(type_=b"ssh-ed448")
CASES["content/ssh-ed25519-plus-order"] = bent(more=ED25519_ORDER)
CASES["content/ssh-rsa-algorithm"] = bent(type_=b"rsa-sha2-512")


@case("control/ssh-digest-sha256")
def _(w: Workshop) -> Case:
    key = SshEd25519()
    return Case(key.sign(tag_text(), digest=b"sha256"), key.line(), good=True)


@case("signer/ssh-claims-another-key")
def _(w: Workshop) -> Case:
    alice = SshEd25519()
    return Case(SshEd25519().sign(tag_text(), public=alice.blob), alice.line())


@case("signer/ssh-same-comment-another-key")
def _(w: Workshop) -> Case:
    files = SshEd25519().line()
    files["allowed_signers"] = files["allowed_signers"].rstrip() + b" mallory\n"
    return Case(SshEd25519().sign(tag_text()), files)


@case("signer/ssh-sha1-rsa-signature")
def _(w: Workshop) -> Case:
    w.ssh("rosa", "rsa")
    raw = w.ssh_sign(tag_text(), w.ssh("rosa"))
    text, begin, block = raw.partition(b"-----BEGIN SSH SIGNATURE-----\n")
    blob = base64.b64decode(block.partition(b"-----END")[0])
    bent_blob = blob.replace(number(12) + b"rsa-sha2-512", number(12) + b"rsa-sha2-999")
    assert bent_blob != blob
    lines = base64.b64encode(bent_blob)
    return Case(
        text + begin + lines[:76] + b"\n" + lines[76:] + b"\n-----END SSH SIGNATURE-----\n",
        ssh_files(w, "rosa"),
    )


@case("signer/ssh-revoked-by-fingerprint")
def _(w: Workshop) -> Case:
    key = SshEd25519()
    from envhooks.signatures.sshwire import fingerprint

    return Case(key.sign(tag_text()), {**key.line(), "revoked_keys": fingerprint(key.blob).encode()})


def _krl(w: Workshop, *options: str) -> bytes:
    file = w.folder / "krl"
    w.run("ssh-keygen", "-q", "-k", "-f", str(file), *options)
    return file.read_bytes()


@case("validity/ssh-revoked-by-krl")
def _(w: Workshop) -> Case:
    path = w.ssh("alice")
    return Case(
        w.ssh_sign(tag_text(), path), {**ssh_files(w, "alice"), "revoked_keys": _krl(w, f"{path}.pub")}
    )


@case("control/ssh-krl-of-others")
def _(w: Workshop) -> Case:
    path, other = w.ssh("alice"), w.ssh("mallory")
    return Case(
        w.ssh_sign(tag_text(), path),
        {**ssh_files(w, "alice"), "revoked_keys": _krl(w, f"{other}.pub")},
        good=True,
    )


@case("validity/ssh-certificate-revoked-by-krl")
def _(w: Workshop) -> Case:
    path = _certificate(w, "by-krl")
    return Case(w.ssh_sign(tag_text(), path), {**ca_files(w, "ca"), "revoked_keys": _krl(w, str(path))})


@case("validity/ssh-ca-revoked")
def _(w: Workshop) -> Case:
    path = _certificate(w, "ca-revoked")
    return Case(w.ssh_sign(tag_text(), path), {**ca_files(w, "ca"), "revoked_keys": w.public("ca").encode()})


def _certificate(w: Workshop, label: str, *options: str) -> Path:
    w.ssh("bot")
    w.ssh("ca")
    usual = () if "-V" in options else ("-V", YEARS)
    named = () if "-n" in options or "-N" in options else ("-n", "bot@ci.example.org")
    return w.certify("bot", "ca", label, *usual, *named, *(o for o in options if o != "-N"))


def certificate(label: str, *options: str, good: bool = False) -> Build:
    def build(w: Workshop) -> Case:
        path = _certificate(w, label, *options)
        return Case(w.ssh_sign(tag_text(), path), ca_files(w, "ca"), good)

    return build


CASES["control/ssh-cert-several-principals"] = certificate(
    "several", "-n", "x@y.z,bot@ci.example.org", good=True
)
CASES["control/ssh-cert-for-ever"] = certificate("ever", "-V", "always:forever", good=True)
CASES["validity/ssh-cert-over"] = certificate("over", "-V", "20200101:20210101")
CASES["validity/ssh-cert-to-come"] = certificate("to-come", "-V", "20980101:20990101")
CASES["signer/ssh-cert-other-principal"] = certificate("other", "-n", "root@example.org")
CASES["signer/ssh-cert-pattern-as-principal"] = certificate("pattern", "-n", "*")
CASES["signer/ssh-cert-no-principal"] = certificate("none", "-N")
CASES["signer/ssh-cert-endless-principal"] = certificate("endless", "-n", "a" * 5000 + "@ci.example.org")
CASES["signer/ssh-cert-for-a-host"] = certificate("host", "-h")
CASES["signer/ssh-cert-forced-command"] = certificate("forced", "-O", "force-command=true")
CASES["signer/ssh-cert-source-address"] = certificate("source", "-O", "source-address=10.0.0.0/8")


@case("signer/ssh-ca-signs-itself")
def _(w: Workshop) -> Case:
    path = w.ssh("ca")
    return Case(w.ssh_sign(tag_text(), path), ca_files(w, "ca"))


@case("signer/ssh-key-without-its-certificate")
def _(w: Workshop) -> Case:
    w.ssh("ca")
    return Case(w.ssh_sign(tag_text(), w.ssh("bot")), ca_files(w, "ca"))


@case("signer/ssh-certificate-by-an-allowed-key-that-is-no-ca")
def _(w: Workshop) -> Case:
    path = _certificate(w, "no-ca")
    return Case(w.ssh_sign(tag_text(), path), ssh_files(w, "ca"))


@case("signer/ssh-certificate-of-an-allowed-key")
def _(w: Workshop) -> Case:
    """Only the bare key is allowed; a certificate brings a window and a principal of somebody else's."""
    path = _certificate(w, "bare")
    return Case(w.ssh_sign(tag_text(), path), ssh_files(w, "bot"))


@case("signer/ssh-certificate-edited")
def _(w: Workshop) -> Case:
    path = _certificate(w, "edited", "-n", "bot@xx.example.org")
    raw = w.ssh_sign(tag_text(), path)
    text, begin, block = raw.partition(b"-----BEGIN SSH SIGNATURE-----\n")
    blob = base64.b64decode(block.partition(b"-----END")[0])
    lines = base64.b64encode(blob.replace(b"bot@xx.", b"bot@ci."))
    wrapped = b"\n".join(lines[at : at + 70] for at in range(0, len(lines), 70))
    return Case(text + begin + wrapped + b"\n-----END SSH SIGNATURE-----\n", ca_files(w, "ca"))


for _kind in ("ed25519", "ecdsa"):

    def _untouched(w: Workshop, kind: str = _kind) -> Case:
        key = Fido(kind)
        return Case(key.sign(tag_text(), flags=0), key.line())

    def _verified_only(w: Workshop, kind: str = _kind) -> Case:
        key = Fido(kind)
        return Case(key.sign(tag_text(), flags=4), key.line())

    def _flag_added(w: Workshop, kind: str = _kind) -> Case:
        key = Fido(kind)
        return Case(key.sign(tag_text(), flags=0, shown_flags=1), key.line())

    def _plus_order(w: Workshop) -> Case:
        key = Fido()
        return Case(key.sign(tag_text(), more=ED25519_ORDER), key.line())

    def _other_application(w: Workshop, kind: str = _kind) -> Case:
        key = Fido(kind)
        return Case(key.sign(tag_text(), application=b"https://evil.example"), key.line())

    def _touched_and_verified(w: Workshop, kind: str = _kind) -> Case:
        key = Fido(kind, b"ssh:release")
        return Case(key.sign(tag_text(), flags=5), key.line(), good=True)

    CASES[f"signer/fido-untouched-{_kind}"] = _untouched
    CASES[f"signer/fido-pin-but-no-touch-{_kind}"] = _verified_only
    CASES[f"content/fido-flag-added-{_kind}"] = _flag_added
    if _kind == "ed25519":
        CASES["content/fido-ed25519-plus-order"] = _plus_order
    CASES[f"content/fido-other-application-{_kind}"] = _other_application
    CASES[f"control/fido-touch-and-pin-{_kind}"] = _touched_and_verified


# --------------------------------------------------------------------------------- environment


def _hostile_home(w: Workshop) -> dict[str, str]:
    """A home whose keyring trusts Mallory, with options that would switch everything off."""
    home = w.folder / "hostile"
    if not home.exists():
        home.mkdir(mode=0o700)
        w.pgp("mallory")
        (home / "pubring.gpg").write_bytes(w.gpg("--export", w.pgp("mallory")))
        (home / "trustedkeys.gpg").write_bytes(w.gpg("--export", w.pgp("mallory")))
        for name in ("gpg.conf", "gpgv.conf"):
            (home / name).write_text("trust-model always\nignore-time-conflict\nkeyring /dev/null\n")
        (home / ".gnupg").symlink_to(home)
        w.ssh("mallory")
        (home / ".ssh").mkdir()
        (home / ".ssh" / "allowed_signers").write_bytes(ssh_files(w, "mallory")["allowed_signers"])
        (home / ".gitconfig").write_text('[gpg]\n\tprogram = /bin/true\n[gpg "ssh"]\n\tprogram = /bin/true\n')
    return {"HOME": str(home), "GNUPGHOME": str(home)}


for _kind in ("pgp-ed25519", "ssh-ed25519"):

    def _hostile(w: Workshop, kind: str = _kind) -> Case:
        alice, mallory = (make(w) for make in KINDS[kind])
        return Case(mallory.sign(tag_text()), alice.files(GIT), environ=_hostile_home(w))

    def _hostile_good(w: Workshop, kind: str = _kind) -> Case:
        alice = KINDS[kind][0](w)
        return Case(alice.sign(tag_text()), alice.files(GIT), True, environ=_hostile_home(w))

    def _time_zone(w: Workshop, kind: str = _kind) -> Case:
        """A window that is over in UTC and would not be where the clock is behind."""
        from datetime import datetime, timedelta, timezone

        over = datetime.now(timezone.utc) - timedelta(hours=1)
        alice = KINDS[kind][0](w)
        options = f'namespaces="git",valid-before="{over:%Y%m%d%H%M%S}Z"'
        return Case(alice.sign(tag_text()), alice.files(options), environ={"TZ": "Etc/GMT+12"})

    def _time_zone_good(w: Workshop, kind: str = _kind) -> Case:
        from datetime import datetime, timedelta, timezone

        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        alice = KINDS[kind][0](w)
        options = f'namespaces="git",valid-before="{soon:%Y%m%d%H%M%S}Z"'
        return Case(alice.sign(tag_text()), alice.files(options), True, environ={"TZ": "Etc/GMT-14"})

    CASES[f"environment/hostile-home/{_kind}"] = _hostile
    CASES[f"control/hostile-home/{_kind}"] = _hostile_good
    CASES[f"environment/time-zone/{_kind}"] = _time_zone
    CASES[f"control/time-zone/{_kind}"] = _time_zone_good


@case("environment/keyring-of-the-user")
def _(w: Workshop) -> Case:
    """The key is in the user's own keyring, ultimately trusted, and not in the policy."""
    w.pgp("alice")
    w.pgp("rosa", algorithm="rsa3072")
    return Case(w.pgp_sign(tag_text(), "rosa"), pgp_files(w, "alice"), environ={"GNUPGHOME": str(w.home)})


@case("environment/language")
def _(w: Workshop) -> Case:
    hand = KINDS["pgp-ed25519"][1](w)
    alice = KINDS["pgp-ed25519"][0](w)
    return Case(hand.sign(tag_text()), alice.files(GIT), environ={"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"})
