"""Cases of signatures that are refused: each is a real one, by a real key."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from bench import Bench, Shown, case
from support import GOOD_TAG, gnupg_home, program

SIGN = ("tag", "-s", "-m", "First candidate", GOOD_TAG)
SIGNERS = ".envhooks/allowed_signers"


def _refused(bench: Bench, *command: str) -> tuple[Shown, str]:
    """What the tag is refused for when it is made, and the commit that was meant."""
    bench.hooks()
    return bench.refused(*(command or SIGN)), bench.repo.git("rev-parse", "HEAD")


def _signers(bench: Bench, options: str) -> None:
    """The line of the one signer with other options."""
    file = bench.repo.path / SIGNERS
    file.write_text(file.read_text().replace('namespaces="git"', options))
    _merged(bench, "Other options")


def _merged(bench: Bench, why: str) -> None:
    bench.repo.commit(why)
    bench.repo.git("push", "-q", "origin", "main")


def _signed_again(bench: Bench, *command: str) -> None:
    """The tag is made as before, at the commit that main has now."""
    bench.repo.git(*(command or SIGN))
    bench.settled(GOOD_TAG, bench.repo.git("rev-parse", "HEAD"))


# ---------------------------------------------------------------------------------------- by SSH


@case("tag-signed", "the signing key is listed in .envhooks/revoked_keys")
def _revoked(bench: Bench) -> None:
    stranger = f"{bench.repo.environ['HOME']}/stranger.pub"
    bench.repo.envhooks("signers", "add", "--principal", "bob@example.org", stranger, check=True)
    bench.repo.envhooks("signers", "revoke", "alice@example.org", check=True)
    _merged(bench, "Alice's key has leaked")
    shown, _ = _refused(bench)
    assert not shown.fix and "another one that .envhooks/allowed_signers lists" in shown.advice
    _signed_again(bench, "-c", f"user.signingkey={stranger}", *SIGN)


@case("tag-signed", "the signing key is not allowed now")
def _window_that_is_over(bench: Bench) -> None:
    _signers(bench, 'namespaces="git",valid-before="20260101000000Z"')
    _is_renewed(bench, "2099-01-31")


@case("tag-signed", "the signing key is not allowed now")
def _window_that_is_to_come(bench: Bench) -> None:
    _signers(bench, 'namespaces="git",valid-after="20990101000000Z"')
    shown, _ = _refused(bench)
    assert "--valid-before DATE" in shown.advice
    bench.repo.envhooks("signers", "add", "--renew", "--valid-after", "2026-01-01", check=True)
    _merged(bench, "Renewed")
    _signed_again(bench)


def _is_renewed(bench: Bench, date: str) -> None:
    shown, _ = _refused(bench)
    assert not shown.fix and "merged" in shown.advice
    command = shown.advice.split(" gives your own key")[0]
    bench.paste(command.replace("DATE", date))
    _merged(bench, "Renewed")
    _signed_again(bench)


@case("tag-signed", "the signing key is not allowed for git by its namespaces")
def _other_namespace(bench: Bench) -> None:
    _signers(bench, 'namespaces="file"')
    shown, _ = _refused(bench)
    assert not shown.fix and 'namespaces="git"' in shown.advice
    file = bench.repo.path / SIGNERS
    file.write_text(file.read_text().replace('namespaces="file"', 'namespaces="git"'))
    _merged(bench, "For git")
    _signed_again(bench)


@case("tag-signed", "the signature does not fit the tag: one of the two was changed")
def _altered(bench: Bench) -> None:
    """It is looked at, and signed by a person who stands by what it says now; nothing does it for them."""
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git(*SIGN)
    text = bench.repo.git("cat-file", "tag", GOOD_TAG).replace("First candidate", "Worst candidate")
    oid = bench.repo.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=f"{text}\n")
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    shown = bench.found(GOOD_TAG)
    assert not shown.fix
    assert "Worst candidate" in bench.paste(shown.command("look at the tag")).out
    bench.repo.git("tag", "-f", "-s", "-m", "First candidate", GOOD_TAG, meant)
    bench.settled(GOOD_TAG, meant)


@case("tag-signed", "the signature's base64 is damaged")
def _damaged(bench: Bench) -> None:
    """What no program writes is signed once more; it stands for all sentences that no advice is for."""
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git(*SIGN)
    lines = bench.repo.git("cat-file", "tag", GOOD_TAG).split("\n")
    lines[-2] += "A"
    text = "\n".join([*lines, ""])
    oid = bench.repo.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=text)
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    bench.hooks()
    shown = bench.refused("push", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


@case("tag-signed", "an RSA key of 1024 bits is too weak: 2048 are needed")
def _weak_key(bench: Bench) -> None:
    folder = bench.repo.path.parent / "keys"
    folder.mkdir()
    bench.paste(f"ssh-keygen -q -t rsa -b 1024 -N '' -C weak@example.org -f {folder}/weak")
    shown, _ = _refused(bench, "-c", f"user.signingkey={folder}/weak.pub", *SIGN)
    assert not shown.fix and "make another one" in shown.advice
    bench.paste(f"ssh-keygen -q -t ed25519 -N '' -C new@example.org -f {folder}/new")
    bench.repo.envhooks("signers", "add", f"{folder}/new.pub", check=True)
    _merged(bench, "A better key")
    _signed_again(bench, "-c", f"user.signingkey={folder}/new.pub", *SIGN)


@case("tag-signed", "SSH keys of type * are not accepted")
def _kind_of_key(bench: Bench) -> None:
    """OpenSSH makes no DSA keys any more, so that this is the type in a signature that is written by hand."""
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git(*SIGN)
    import base64

    text = bench.repo.git("cat-file", "tag", GOOD_TAG)
    head, mark, rest = text.partition("-----BEGIN SSH SIGNATURE-----\n")
    block, end, _ = rest.partition("\n-----END")
    blob = base64.b64decode(block).replace(b"ssh-ed25519", b"ssh-ed2551x")
    lines = base64.b64encode(blob).decode()
    block = "\n".join(lines[at : at + 70] for at in range(0, len(lines), 70))
    text = f"{head}{mark}{block}{end} SSH SIGNATURE-----\n"
    oid = bench.repo.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=text)
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    shown = bench.found(GOOD_TAG)
    assert not shown.fix and "make another one" in shown.advice
    bench.repo.git("tag", "-f", *SIGN[1:], meant)
    bench.settled(GOOD_TAG, meant)


@case(
    "tag-signed",
    "the SSH certificate has expired",
    "the SSH certificate does not count yet",
    "the SSH certificate names nobody whom its CA may speak for",
    "the SSH certificate is one for hosts, not for users",
    "the SSH certificate is restricted by critical options",
)
def _certificate(bench: Bench) -> None:
    folder = bench.repo.path.parent / "keys"
    folder.mkdir()
    for name in ("ca", "carol"):
        bench.paste(f"ssh-keygen -q -t ed25519 -N '' -C {name}@example.org -f {folder}/{name}")
    key = " ".join((folder / "ca.pub").read_text().split()[:2])
    with (bench.repo.path / SIGNERS).open("a") as file:
        file.write(f'*@example.org cert-authority,namespaces="git" {key}\n')
    _merged(bench, "A certificate authority")
    options = next(
        options
        for part, options in (
            ("expired", "-n carol@example.org -V 20200101:20210101"),
            ("yet", "-n carol@example.org -V 20990101:20991231"),
            ("nobody", "-n carol@example.com"),
            ("hosts", "-h -n carol@example.org"),
            ("critical", "-n carol@example.org -O force-command=x"),
        )
        if part in bench.said
    )
    made = f"ssh-keygen -q -s {folder}/ca -I carol %s {folder}/carol.pub"
    bench.paste(made % options)
    bench.repo.git("config", "user.signingkey", f"{folder}/carol-cert.pub")
    shown, meant = _refused(bench)
    assert not shown.fix and "another certificate" in shown.advice
    bench.paste(made % "-n carol@example.org")
    bench.paste(shown.command("then"))
    bench.settled(GOOD_TAG, meant)


# ------------------------------------------------------------------------------------ by OpenPGP


@contextmanager
def _openpgp(bench: Bench, faked: str = "", *more: str) -> Iterator[str]:
    """A key that the policy allows, and that git signs with; `faked` is the time at which it is made and signs."""
    bench.repo.environ["GNUPGHOME"] = str(gnupg_home(bench.repo.path.parent / "gnupg"))
    words = shlex.join(["gpg", *(("--faked-system-time", faked) if faked else ()), *more])
    gpg = program(bench.repo.path.parent / "faked-gpg", f'#!/bin/sh\nexec {words} "$@"\n')
    try:
        expire = "1y" if faked else "never"
        bench.paste(f"{gpg} -q --quick-gen-key 'Carol <carol@example.org>' ed25519 sign,cert {expire}")
        listed = bench.paste("gpg --with-colons --list-keys carol").out
        key = next(line for line in listed.split("\n") if line.startswith("fpr:")).split(":")[9]
        bench.repo.envhooks("signers", "add", key, check=not faked or None)
        if faked:  # an expired key is not let in; it expired later
            (bench.repo.path / ".envhooks" / "keys").mkdir(exist_ok=True)
            bench.paste(f"gpg --armor --export {key} > .envhooks/keys/{key}.asc")
            with (bench.repo.path / SIGNERS).open("a") as file:
                file.write(f'carol@example.org namespaces="git" openpgp {key}\n')
        _merged(bench, "Let Carol in")
        bench.repo.git("config", "gpg.format", "openpgp")
        bench.repo.git("config", "user.signingkey", key)
        bench.repo.git("config", "gpg.program", str(gpg))
        yield key
    finally:
        bench.paste("gpgconf --kill all", good=False)


@case("tag-signed", "the signing key has expired")
def _openpgp_expired(bench: Bench) -> None:
    with _openpgp(bench, "20200101T000000"):
        shown, _ = _refused(bench)
        assert "merged" in shown.advice
        bench.paste(shown.fix)
        _merged(bench, "Carol's key goes on")
        bench.repo.git("config", "--unset", "gpg.program")
        _signed_again(bench)


@case("tag-signed", "the signing key is revoked")
def _openpgp_revoked(bench: Bench) -> None:
    with _openpgp(bench) as key:
        bench.repo.git(*SIGN)
        bench.paste(f"sed 's/^:-----BEGIN/-----BEGIN/' $GNUPGHOME/openpgp-revocs.d/{key}.rev | gpg --import")
        bench.paste(f"gpg --armor --export {key} > .envhooks/keys/{key}.asc")
        _merged(bench, "Carol has revoked her key")
        shown = bench.found(GOOD_TAG)
        assert not shown.fix and "another one that .envhooks/allowed_signers lists" in shown.advice
        bench.repo.git("tag", "-d", GOOD_TAG)
        home = bench.repo.environ["HOME"]
        _signed_again(bench, "-c", "gpg.format=ssh", "-c", f"user.signingkey={home}/id.pub", *SIGN)


@case("tag-signed", "the signature uses a digest that is too weak")
def _openpgp_digest(bench: Bench) -> None:
    with _openpgp(bench, "", "--digest-algo", "SHA1"):
        shown, meant = _refused(bench)
        assert not shown.fix and "digest-algo SHA1" in shown.advice
        bench.repo.git("config", "--unset", "gpg.program")
        bench.paste(shown.command("then"))
        bench.settled(GOOD_TAG, meant)


@case("tag-signed", "the signature is dated in the future")
def _openpgp_future(bench: Bench) -> None:
    with _openpgp(bench):
        program = bench.repo.path.parent / "faked-gpg"
        program.write_text('#!/bin/sh\nexec gpg --faked-system-time 20990101T000000 "$@"\n')
        shown, meant = _refused(bench)
        assert not shown.fix and "set the clock" in shown.advice
        bench.repo.git("config", "--unset", "gpg.program")
        bench.paste(shown.command("then"))
        bench.settled(GOOD_TAG, meant)


# --------------------------------------------------------------------------------------- by X.509


@case(
    "tag-signed",
    "the tag is signed with X.509 (gitsign or gpgsm), and the policy names no [[[][[]gitsign]] identity",
)
def _x509_without_an_identity(bench: Bench) -> None:
    """A block such as gitsign writes; which of the two is changed, policy or key, is for a person to say."""
    meant = bench.repo.git("rev-parse", "HEAD")
    head = bench.repo.git("rev-parse", "HEAD")
    text = (
        f"object {head}\ntype commit\ntag {GOOD_TAG}\ntagger Alice <alice@example.org> 1790000000 +0000\n\n"
        "First candidate\n-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n"
    )
    oid = bench.repo.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=text)
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    shown = bench.found(GOOD_TAG)
    assert shown.level == "error" and not shown.fix
    bench.paste(shown.command("sign with an SSH"))
    bench.repo.git("tag", "-f", *SIGN[1:], meant)
    bench.settled(GOOD_TAG, meant)
