"""The trust files: what they say, and that a fault in them is never passed over."""

from __future__ import annotations

import base64
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import Workshop, pgp_files, root, ssh_files

from envhooks.base.errors import PolicyError
from envhooks.signatures.packets import read_packets
from envhooks.signatures.signers import KeylessSigner, Signers, choose, read_revoked, read_signers
from envhooks.signatures.signers.lines import Window, matches, moment, read_public_key
from envhooks.signatures.sshwire import pack

pytest_plugins = ("signing_fixture",)

ED = "ssh-ed25519 " + base64.b64encode(pack(b"ssh-ed25519") + pack(b"\1" * 32)).decode()
ED2 = "ssh-ed25519 " + base64.b64encode(pack(b"ssh-ed25519") + pack(b"\2" * 32)).decode()
PRINT = "SHA256:" + "A" * 43
POINT = pack(b"nistp256") + pack(b"\4" + bytes(64))
ECDSA = "ecdsa-sha2-nistp256 " + base64.b64encode(pack(b"ecdsa-sha2-nistp256") + POINT).decode()
SK = pack(b"sk-ssh-ed25519@openssh.com") + pack(b"\1" * 32) + pack(b"ssh:")
FIDO = "sk-ssh-ed25519@openssh.com " + base64.b64encode(SK).decode()
PLUS = "ssh-ed25519 " + base64.b64encode(pack(b"ssh-ed25519") + pack(b"\xef\xbe\xfb" * 10 + b"aa")).decode()
EXAMPLE = 'alice@example.org namespaces="git" ssh-ed25519 AAAA...'
FPR = "0123456789ABCDEF0123456789ABCDEF01234567"


def rsa(bits: int, exponent: bytes = b"\1\0\1") -> str:
    modulus = ((1 << (bits - 1)) + 1).to_bytes(bits // 8 + 1, "big")
    return "ssh-rsa " + base64.b64encode(pack(b"ssh-rsa") + pack(exponent) + pack(modulus)).decode()


def read(text: str | bytes, **files: bytes) -> Signers:
    data = text.encode() if isinstance(text, str) else text
    return read_signers({"allowed_signers": data, **files}, "main")


def test_nobody() -> None:
    for signers in (Signers.empty("main"), read(""), read("# nobody\n\n \t\n"), read_signers({}, "main")):
        assert signers == Signers("main")
    assert read(f"a {ED}") != Signers("main")


def test_every_part_of_a_line() -> None:
    text = (
        f'# people\n\n  alice@example.org,al\tnamespaces="git,file",valid-after="20250101Z" \t{ED} a comment\n'
        f'"bob@example.org" VALID-BEFORE="202701011530Z",cert-authority {ED2}\n'
        f"carol {rsa(2048)}"
    )
    alice, bob, carol = read(text).ssh
    assert alice.principals == ("alice@example.org", "al") and alice.signer == "alice@example.org"
    assert alice.namespaces == ("git", "file") and alice.is_for_git and not alice.is_ca and alice.line == 3
    assert alice.window.after == datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp()
    assert bob.principals == ("bob@example.org",) and bob.is_ca and bob.namespaces is None and bob.is_for_git
    assert bob.window.before == datetime(2027, 1, 1, 15, 30, tzinfo=timezone.utc).timestamp()
    assert carol.key.bits == 2048 and carol.key.fingerprint.startswith("SHA256:")


@pytest.mark.parametrize(
    ("namespaces", "good"),
    [("git", True), ("*", True), ("g?t", True), ("file", False), ("git,!git", False), ("!file,*", True)],
)
def test_namespaces_are_patterns(namespaces: str, good: bool) -> None:
    assert read(f'a namespaces="{namespaces}" {ED}').ssh[0].is_for_git is good


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"alice@example.org {ED}\r", "carriage return"),
        (f"alice\x07@example.org {ED}", "control characters"),
        (f"alice\u2028 {ED}", "control characters"),
        (f"ålice {ED}", "printable ASCII"),
        ("alice", "no key"),
        ("alice ssh-ed25519", "no key"),
        ('alice namespaces="git"', "no key"),
        (ED, "begins with a key"),
        (f"openpgp {FPR}", "begins with a key"),
        (f"alice,,bob {ED}", "joined by commas"),
        (f"!alice {ED}", "excluded"),
        (f'"alice {ED}', "quotes"),
        (f'"alice"{ED}', "quotes"),
        (f'"al ice" {ED}', "joined by commas"),
        (f'al"ice {ED}', "joined by commas"),
        (f'alice" {ED}', "joined by commas"),
        (f"alice no-touch-required {ED}", "not an option"),
        (f'alice valid-until="20270101Z" {ED}', "not an option of allowed_signers: valid-until="),
        (f'alice namespaces="git",oops {ED}', "not an option of allowed_signers: oops ssh-ed25519"),
        (f"alice namespaces=git {ED}", "not an option"),
        (f'alice namespaces="git {ED}', "not an option"),
        (f"alice namespaces {ED}", "not an option"),
        (f'alice cert-authority="yes" {ED}', "not an option"),
        (f'alice namespaces="git", {ED}', "not an option"),
        (f'alice namespaces="git" cert-authority {ED}', "not accepted|no key|not base64"),
        (f'alice namespaces="git",namespaces="*" {ED}', "twice"),
        (f'alice namespaces="" {ED}', "lists nothing"),
        (f'alice namespaces="git,,x" {ED}', "lists nothing"),
        (f'alice valid-after="20250101" {ED}', "has no Z"),
        (f'alice valid-before="202501011200" {ED}', "has no Z"),
        (f'alice valid-after="2025-01-01" {ED}', "not a time"),
        (f'alice valid-after="20251301Z" {ED}', "not a time"),
        (f'alice valid-after="20250230Z" {ED}', "not a time"),
        (f'alice valid-after="2025010124Z" {ED}', "not a time"),
        (f'alice valid-after="202501012400Z" {ED}', "not a time"),
        (f'alice valid-after="00000101Z" {ED}', "not a time"),
        (f'alice valid-after="٢٠٢٥٠١٠١Z" {ED}', "not a time"),
        (f'alice valid-after="20270101Z",valid-before="20250101Z" {ED}', "never counts"),
        (f'alice valid-after="20270101Z",valid-before="20270101Z" {ED}', "never counts"),
        (f"alice {rsa(2048, b'')}", "canonically"),
        (f"alice {rsa(2048, bytes([1]))}", "no RSA key can have"),
        ("alice ssh-dss AAAAB3NzaC1kc3MAAAAA", "not accepted"),
        ("alice ssh-ed25519-cert-v01@openssh.com AAAA", "ends before|not accepted"),
        ("alice ssh-ed25519 AAAA", "ends before"),
        ("alice ssh-ed25519 !!!!", "not base64"),
        (f"alice {ED[:-4]}", "base64|ends before"),
        (f"alice {ED.replace('ssh-ed25519 ', 'ssh-rsa ')}", "the line says"),
        (f"alice {ED}=", "canonically|not base64"),
        (f"{'a' * 201} {ED}", "joined by commas"),
        (f"alice openpgp {FPR[:39]}", "whole fingerprint"),
        (f"alice openpgp {FPR}A", "whole fingerprint"),
        (f"alice openpgp {'aB' * 32}0", "whole fingerprint"),
        (f"alice openpgp {'aB' * 16 + FPR[8:]}", "is missing"),
        (f"alice openpgp {FPR.lower()}", "is missing"),
        (f"alice openpgp {FPR[-16:]}", "whole fingerprint"),
        (f"alice openpgp 0x{FPR}", "whole fingerprint"),
        ("alice openpgp alice@example.org", "whole fingerprint"),
        (f"alice cert-authority openpgp {FPR}", "cannot be a certificate authority"),
        (f"alice openpgp {FPR}", "is missing"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_fault_of_the_policy(line: str, sentence: str) -> None:
    with pytest.raises(PolicyError, match=sentence) as caught:
        read(f"# first line\nbob {ED2}\n{line}\n")
    assert caught.value.place == ".envhooks/allowed_signers:3"
    assert not caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        (f"alice {ED}\r", "sed -i 's/\\r$//' .envhooks/allowed_signers"),
        ("alice ssh-ed25519", EXAMPLE),
        (f'"alice {ED}', EXAMPLE),
        (f"alice,,bob {ED}", EXAMPLE),
        (ED, EXAMPLE),
        (f"!alice {ED}", EXAMPLE),
        (f'alice namespaces="" {ED}', 'namespaces="git"'),
        (
            f"alice no-touch-required {ED}",
            "known are cert-authority, namespaces, valid-after, valid-before; values stand in double quotes",
        ),
        (f'alice valid-after="2025-01-01" {ED}', 'valid-after="20270101Z"'),
        (f'alice valid-before="202501011200" {ED}', 'valid-before="202501011200Z"'),
        (f"alice openpgp {FPR[:16]}", "gpg --list-keys --fingerprint"),
        ("alice ssh-dss AAAAB3NzaC1kc3MAAAAA", "ssh-keygen -t ed25519"),
        (
            f"alice openpgp {FPR}",
            f"gpg --armor --export-options export-minimal --export {FPR} > .envhooks/keys/{FPR}.asc",
        ),
    ],
)
def test_what_mends_a_line(line: str, fix: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read(line)
    assert caught.value.fix == fix


def test_both_ends_of_a_window_count() -> None:
    window = Window(1_000_000_000, 2_000_000_000)

    def at(seconds: float) -> str:
        return window.fault(datetime.fromtimestamp(seconds, timezone.utc))

    assert at(1_000_000_000) == at(1_500_000_000) == at(2_000_000_000) == at(2_000_000_000.9) == ""
    assert at(999_999_999) == "the key counts from 2001-09-09 01:46 UTC on"
    assert at(2_000_000_001) == "the key counted until 2033-05-18 03:33 UTC"
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert Window(0, None).fault(now) == Window().fault(now) == "" != Window(None, 0).fault(now)


def test_a_time_that_no_calendar_has_stays_a_number() -> None:
    assert moment(0) == "1970-01-01 00:00 UTC"
    for seconds in (253_402_300_800, 1 << 56, (1 << 64) - 1):
        assert moment(seconds) == f"second {seconds}"


def test_quotes_around_principals_and_tabs_behind_them() -> None:
    (entry,) = read(f'"alice,bob"\t{ED}').ssh
    assert entry.principals == ("alice", "bob")
    (entry,) = read(f'alice cert-authority,namespaces="git x"\t \t{ED}\tcomment').ssh
    assert entry.is_ca and entry.namespaces == ("git x",) and not entry.is_for_git


def test_a_line_that_is_not_utf8() -> None:
    with pytest.raises(PolicyError, match="UTF-8") as caught:
        read(b"bob \xff\n")
    assert caught.value.place == ".envhooks/allowed_signers:1"


def test_a_fingerprint_in_groups_is_shown_joined() -> None:
    groups = " ".join(FPR[at : at + 4] for at in range(0, 40, 4))
    with pytest.raises(PolicyError) as caught:
        read(f"alice openpgp {groups}")
    assert caught.value.fix == f"openpgp {FPR}"


def test_a_fingerprint_in_small_letters_is_the_same(workshop: Workshop) -> None:
    files = pgp_files(workshop, "alice")
    lower = files["allowed_signers"].lower()
    assert root({**files, "allowed_signers": lower}).openpgp[0].fingerprint == workshop.pgp("alice")
    groups = " ".join(FPR.lower()[at : at + 2] for at in range(0, 40, 2))
    with pytest.raises(PolicyError) as caught:
        read(f"alice openpgp {groups} (her old one)")
    assert caught.value.fix == f"openpgp {FPR}"
    with pytest.raises(PolicyError) as caught:
        read(f"alice openpgp {groups} added later")
    assert caught.value.fix == "gpg --list-keys --fingerprint", "whose word is `added`?"


def test_a_certificate_of_version_6_is_named_by_64_digits() -> None:
    """The sample of RFC 9580, A.3."""
    body = bytes.fromhex(
        "0663877fe31b00000020f94da7bb48d60a61e567706a6587d0331999bb9d891a08242ead84543df895a3"
    )
    name = "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"
    for spelled in (name, name.lower()):
        files = {f"keys/{spelled}.asc": armored(b"\xc6" + bytes([len(body)]) + body)}
        signers = root({**files, "allowed_signers": f"alice openpgp {spelled}".encode()})
        assert [entry.fingerprint for entry in signers.openpgp] == [name] and not signers.notes
    both = {f"keys/{one}.asc": armored(b"\xc6" + bytes([len(body)]) + body) for one in (name, name.lower())}
    with pytest.raises(PolicyError, match="two files hold this key") as caught:
        root({**both, "allowed_signers": f"alice openpgp {name}".encode()})
    assert caught.value.place == f".envhooks/keys/{name.lower()}.asc" and caught.value.fix


def test_a_key_on_its_way_into_the_list_must_not_be_weak() -> None:
    type_, strong = rsa(2048).split()
    assert read_public_key(type_, strong, "x").bits == 2048
    with pytest.raises(PolicyError, match="1024 bits is too weak") as caught:
        read_public_key(type_, rsa(1024).split()[1], "x")
    assert caught.value.place == "x"


def test_who_may_sign_is_counted(workshop: Workshop) -> None:
    files = pgp_files(workshop, "alice")
    one = root(files)
    assert one.expected == "the one key in .envhooks/allowed_signers on origin/main"
    two = root({**files, "allowed_signers": files["allowed_signers"] + f"bob {ED}\n".encode()})
    assert two.expected == "one of 2 keys in .envhooks/allowed_signers on origin/main"
    keyless = Signers("main", keyless=(KeylessSigner("a@b.c", "https://i.example"),))
    assert keyless.expected == "a key in .envhooks/allowed_signers on main"
    assert Signers("").expected == "a key in .envhooks/allowed_signers"


def test_a_name_of_200_characters() -> None:
    assert read(f"{'a' * 200} {ED}").ssh[0].signer == "a" * 200


def test_a_weak_key_may_be_listed() -> None:
    assert [entry.key.bits for entry in read(f"alice {rsa(1024)}").ssh] == [1024]


@pytest.mark.parametrize(
    ("first", "second", "signer"),
    [
        ("alice", "bob", "alice"),
        ('alice valid-before="20200101Z"', "bob", "bob"),
        ('alice namespaces="file"', 'bob valid-after="20200101Z"', "bob"),
        ('alice valid-before="20200101Z"', 'bob valid-before="20210101Z"', "alice"),
    ],
)
def test_of_several_lines_for_a_key_the_one_that_allows_it_counts(
    first: str, second: str, signer: str
) -> None:
    entries = read(f"{first} {ED}\n{second} {ED}").ssh
    chosen = choose(entries, datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert chosen is not None and chosen.signer == signer
    assert choose([], datetime(2026, 1, 1, tzinfo=timezone.utc)) is None


# ------------------------------------------------------------------------------------- key files


def test_certificates_are_bound_to_their_names(workshop: Workshop) -> None:
    alice, rosa = workshop.pgp("alice"), workshop.pgp("rosa", algorithm="rsa")
    files = pgp_files(workshop, "alice", "rosa")
    signers = root(files)
    assert [entry.fingerprint for entry in signers.openpgp] == [alice, rosa]
    assert signers.origin == "origin/main" and signers.notes == ()
    lower = {path.replace(alice, alice.lower()): data for path, data in files.items()}
    assert root(lower).openpgp[0].fingerprint == alice
    swapped = {**files, f"keys/{alice}.asc": files[f"keys/{rosa}.asc"]}
    with pytest.raises(PolicyError, match=f"another key than its name says: {rosa}") as caught:
        root(swapped)
    assert caught.value.place == f".envhooks/keys/{alice}.asc"


def test_a_key_file_that_no_line_names_is_ignored_and_noted(workshop: Workshop) -> None:
    files = pgp_files(workshop, "alice")
    signers = root({**files, f"keys/{FPR}.asc": b"rubbish", "keys/README": b"x"})
    assert len(signers.openpgp) == 1 and len(signers.notes) == 2
    assert all("no line of allowed_signers names it" in note for note in signers.notes)


def armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    block = [b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"", *lines, b"-----END PGP PUBLIC KEY BLOCK-----", b""]
    return b"\n".join(block)


def test_key_files_that_are_not_one_public_certificate(workshop: Workshop) -> None:
    alice = workshop.pgp("alice")
    workshop.pgp("rosa", algorithm="rsa")
    files = pgp_files(workshop, "alice")
    path = f"keys/{alice}.asc"
    blob = workshop.gpg("--export", alice)
    other = workshop.gpg("--export", workshop.pgp("rosa"))
    secret = workshop.gpg("--armor", "--export-secret-keys", alice)
    trust = bytes([0xCC, 2, 0x41, 0])
    photo, secret_subkey = bytes([0xD1, 1, 0]), bytes([0xC7, 1, 4])
    for data in (blob, blob + photo):
        assert root({**files, path: armored(data)}).openpgp[0].fingerprint == alice
    changed = files[path].replace(b"=", b"=A", 1)
    for data, sentence in (
        (b"", "not one armored"),
        (blob, "not one armored"),
        (files[path] + files[path], "BEGIN|base64|headers|blank"),
        (b"Alice's key:\n" + files[path], "not one armored"),
        (secret.replace(b"PRIVATE", b"PUBLIC"), "SECRET key"),
        (armored(blob + secret_subkey), "SECRET key"),
        (armored(blob + other), "exactly one"),
        (armored(blob[len(read_packets(blob)[0].raw) :]), "exactly one"),
        (armored(blob + trust), "type 12"),
        (armored(trust + blob), "type 12"),
        (armored(bytes([0xCD, 1, 65]) + blob), "exactly one"),
        (armored(blob[:-1]), "ends before"),
        (armored(b"\0" + blob), "not OpenPGP"),
        (changed, "checksum|base64|canonical"),
    ):
        with pytest.raises(PolicyError, match=sentence) as caught:
            root({**files, path: data})
        assert caught.value.place == f".envhooks/{path}" and caught.value.fix


def test_files_beyond_all_measure_are_not_read() -> None:
    assert read(b"#" * (4 << 20)) == Signers("main")
    with pytest.raises(PolicyError, match="too large") as caught:
        read(b"#" * ((4 << 20) + 1))
    assert caught.value.place == ".envhooks/allowed_signers"


def test_only_a_whole_name_is_a_key_file(workshop: Workshop) -> None:
    files = pgp_files(workshop, "alice")
    path = f"keys/{workshop.pgp('alice')}.asc"
    for other in (f"{path}.bak", f"keys/old/{path[5:]}", path.removesuffix(".asc")):
        signers = root({**files, other: b"rubbish"})
        assert len(signers.openpgp) == len(signers.notes) == 1, other
    signers = root({**files, f"more/{path}": b"rubbish"})
    assert not signers.notes


# ------------------------------------------------------------------------------------ revocation


def test_revoked_keys_in_all_their_forms() -> None:
    prints = read(f"alice {ED}").ssh[0].key.fingerprint
    text = f"# lost\n\n{ED} old laptop\n{prints.replace('SHA256:', 'SHA256:')} again\n{rsa(1024)}\n{FPR.lower()}\n"
    revoked = read_revoked(f"{text}openpgp {FPR[::-1]} comment\r\n".encode())
    assert prints in revoked.ssh and len(revoked.ssh) == 2
    assert revoked.openpgp == {FPR, FPR[::-1]} and revoked.krl is None
    assert read_revoked(b"").ssh == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        b"alice@example.org",
        FPR[:39].encode(),
        b"SHA256:short",
        b"MD5:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        b"ssh-ed25519 AAAA",
        b"ssh-ed25519 A",
        ED.replace("ssh-ed25519 ", "ssh-rsa ").encode(),
        b"ssh-ed25519-cert-v01@openssh.com AAAA",
        b"alice " + ED.encode(),
        b"\xff\xfe",
        b"SSHKRL",
        (PRINT + "x").encode(),
        (FPR + "0").encode(),
        f"openpgp{FPR}".encode(),
        f"openpgp {FPR}{FPR}".encode(),
        (ED + "!").encode(),
        (ED[:60] + "=" + ED[60:]).encode(),
        ED[:-8].encode(),
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    ],
)
def test_a_revocation_that_cannot_be_read_is_a_fault_of_the_policy(line: bytes) -> None:
    with pytest.raises(PolicyError) as caught:
        read(f"alice {ED2}", revoked_keys=b"# first\n" + line + b"\n")
    assert caught.value.place == ".envhooks/revoked_keys:2"


@pytest.mark.parametrize(
    ("line", "sentence", "fix"),
    [
        ("alice@example.org", "not a revoked key: an SSH public key, SHA256:", "begin a comment with #"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "a certificate cannot be revoked here", "ssh-keygen -k"),
        (ED.replace("ssh-ed25519 ", "ssh-rsa "), "not of the type that the line says", ""),
        ("ssh-ed25519 A", "the key is not base64", ""),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "ends before its contents do", ""),
    ],
)
def test_what_is_said_of_a_revocation_that_cannot_be_read(line: str, sentence: str, fix: str) -> None:
    with pytest.raises(PolicyError, match=sentence) as caught:
        read_revoked(line.encode())
    assert (caught.value.place, caught.value.fix) == (".envhooks/revoked_keys:1", fix)


@pytest.mark.parametrize(
    ("line", "ssh", "openpgp"),
    [
        ("SHA256:" + "aZ0+/" * 8 + "abc", {"SHA256:" + "aZ0+/" * 8 + "abc"}, set()),
        (f"  {FPR}\t\r", set(), {FPR}),
        ("aB3" * 21 + "c", set(), {"AB3" * 21 + "C"}),
        ("openpgp\t" + "9F" * 32 + " gone", set(), {"9F" * 32}),
        # of kinds that are never accepted, and of all that are
        ("ssh-dss AAAAB3NzaC1kc3MAAAAA", 1, set()),
        (ECDSA, 1, set()),
        (PLUS, 1, set()),
        (FIDO + " at\tthe office", 1, set()),
    ],
)
def test_each_form_of_a_revocation(line: str, ssh: set[str] | int, openpgp: set[str]) -> None:
    revoked = read_revoked(f"# a comment\r\n{line}\r\n".encode())
    assert revoked.openpgp == openpgp
    assert len(revoked.ssh) == ssh if isinstance(ssh, int) else revoked.ssh == ssh


def test_a_key_revocation_list_is_whole_and_of_version_1(workshop: Workshop) -> None:
    workshop.ssh("lost")
    file = workshop.folder / "list.krl"
    workshop.run("ssh-keygen", "-q", "-k", "-f", str(file), str(workshop.folder / "ssh-lost.pub"))
    data = file.read_bytes()
    assert read_revoked(data).krl == data
    for bent, sentence in (
        (data[:8] + b"\0\0\0\2" + data[12:], "another version than 1"),
        (data[:-1], "is damaged"),
        (data + b"\1", "is damaged"),
        (data[:20], "is damaged"),
    ):
        with pytest.raises(PolicyError, match=sentence) as caught:
            read_revoked(bent)
        assert caught.value.place == ".envhooks/revoked_keys"
        assert caught.value.fix == "ssh-keygen -Q -l -f .envhooks/revoked_keys"


@pytest.mark.parametrize(
    ("patterns", "fitting", "others"),
    [
        ("git", ["git"], ["gi", "gitt", "git ", "Git", ""]),
        ("g?t", ["git", "got"], ["gt", "giit"]),
        ("*@a.org", ["x@a.org", "@a.org"], ["x@a.orgs", "a.org", "x@b.org"]),
        ("a*a", ["aa", "aba"], ["a", "ab", "ba"]),
        ("a*b*c", ["abc", "axbxc", "abbc"], ["acb", "ab", "ac", "abcx"]),
        ("*bc*bc*", ["bcbc", "xbcxbcx"], ["bc", "bccb", "cbcb"]),
        ("a**", ["a", "ab"], ["ba"]),
        ("*", ["", "x"], []),
        ("*,!b", ["a", "!b"], ["b"]),
        ("!b,*", ["a"], ["b"]),
        ("!b", [], ["a", "b"]),
        ("a!", ["a!"], ["a"]),
    ],
)
def test_patterns_with_stars_and_exclusions(patterns: str, fitting: list[str], others: list[str]) -> None:
    assert [text for text in fitting if not matches(text, patterns.split(","))] == []
    assert [text for text in others if matches(text, patterns.split(","))] == []


def test_a_krl_is_kept_whole_or_refused(workshop: Workshop) -> None:
    workshop.ssh("alice")
    krl = workshop.folder / "krl"
    workshop.run("ssh-keygen", "-q", "-k", "-f", str(krl), "-s", str(workshop.ssh("alice")) + ".pub",
                 str(workshop.ssh("alice")) + ".pub")  # fmt: skip
    data = krl.read_bytes()
    assert read_revoked(data).krl == data
    for damaged in (data[:-1], data + b"\1", data[:8] + b"\0\0\0\2" + data[12:]):
        with pytest.raises(PolicyError, match="revocation list"):
            read_revoked(damaged)


# ------------------------------------------------------------------------------------ properties


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda b: b.decode("latin-1")))
def test_nothing_but_a_policy_error_comes_out(text: str) -> None:
    for line in (text, f"alice {text}", f'alice namespaces="{text}" {ED}', f"alice {text} {ED}"):
        for files in ({"allowed_signers": line.encode("utf-8", "replace")}, {"revoked_keys": line.encode()}):
            try:
                found = read_signers(files, "main")
            except PolicyError as error:
                assert error.message and error.place.startswith(".envhooks/")
            else:
                assert len(found.ssh) <= line.count("\n") + 1


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?!", max_size=8), st.text("ab", max_size=8))
def test_patterns_fit_as_the_shell_has_it(pattern: str, text: str) -> None:
    from fnmatch import fnmatchcase

    plain = pattern.removeprefix("!")
    assert matches(text, ["*", pattern]) is not (pattern.startswith("!") and fnmatchcase(text, plain))
    if not pattern.startswith("!"):
        assert matches(text, [pattern]) is fnmatchcase(text, pattern)


def test_a_pattern_of_stars_costs_nothing() -> None:
    assert not matches("a" * 200, ["*a" * 90 + "b"])


def test_ssh_files_of_the_workshop_are_read(workshop: Workshop) -> None:
    for type_ in ("ed25519", "ecdsa"):
        workshop.ssh(f"read-{type_}", type_)
    assert len(root(ssh_files(workshop, "read-ed25519", "read-ecdsa")).ssh) == 2
