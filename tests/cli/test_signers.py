"""`envhooks signers`: real keys go into the policy, and what must not go in is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from signing import Workshop
from support import GOOD_TAG, Done, Repo, enact, run, said

from envhooks.signatures.signers import Signers, read_signers

pytest_plugins = ("signing_fixture",)
ALLOWED = ".envhooks/allowed_signers"
STRANGER = "stranger@example.org"


def root(repo: Repo) -> Signers:
    """The work tree's signers."""
    folder = repo.path / ".envhooks"
    files = {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
    return read_signers(files, "x")


def text(repo: Repo) -> str:
    return (repo.path / ALLOWED).read_text()


def refused(repo: Repo, *arguments: str, stdin: str = "") -> Done:
    """The command says no in a sentence, and nothing at all changes."""
    before = {file: file.read_bytes() for file in (repo.path / ".envhooks").rglob("*") if file.is_file()}
    done = repo.envhooks("signers", *arguments, stdin=stdin)
    assert done.code == 2, done
    assert "Traceback" not in done.said and "a fault of envhooks" not in done.said, done
    after = {file: file.read_bytes() for file in (repo.path / ".envhooks").rglob("*") if file.is_file()}
    assert before == after
    return done


def home(repo: Repo) -> Path:
    return Path(repo.environ["HOME"])


def public(repo: Repo, name: str = "stranger") -> str:
    return " ".join((home(repo) / f"{name}.pub").read_text().split()[:2])


@pytest.fixture
def pgp(good: Repo, workshop: Workshop) -> Iterator[Repo]:
    """The good repository, used by somebody with an OpenPGP keyring."""
    environ = {**good.environ, "GNUPGHOME": str(workshop.home)}
    workshop.pgp("carol")
    yield Repo(good.path, environ)


# ------------------------------------------------------------------------------------------ add


def test_an_ssh_key_from_a_file(good: Repo) -> None:
    done = good.envhooks("signers", "add", str(home(good) / "stranger.pub"), check=True)
    assert f'{STRANGER} namespaces="git" {public(good)}\n' in text(good)
    assert len(root(good).ssh) == 2
    said(done, f"+{STRANGER} ", f"--- a/{ALLOWED}", f"git add {ALLOWED}", "git push origin main")


def test_the_printed_commands_let_the_key_sign(good: Repo) -> None:
    good.git("config", "user.signingkey", str(home(good) / "stranger.pub"))
    done = good.envhooks("signers", "add", check=True)
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    assert good.envhooks("check", GOOD_TAG).code == 1, "the work tree is not the policy"
    commands = [line.strip() for line in done.out.split("\n") if line.startswith("  git ")]
    assert len(commands) == 3
    for command in commands:
        run(["sh", "-c", command], good.path, good.environ, check=True)
    good.git("tag", "-f", "-s", "-m", "x", GOOD_TAG)
    assert good.envhooks("check", GOOD_TAG).code == 0


def test_a_window(good: Repo) -> None:
    window = ("--valid-after", "2026-01-31", "--valid-before", "2099-06-30T12:00Z")
    good.envhooks("signers", "add", str(home(good) / "stranger.pub"), *window, check=True)
    assert 'namespaces="git",valid-after="20260131Z",valid-before="20990630120000Z" ssh-' in text(good)


@pytest.mark.parametrize(
    "window",
    [
        ("--valid-before", "2020-01-01"),
        ("--valid-before", "tomorrow"),
        ("--valid-before", "2027-13-01"),
        ("--valid-before", '2099-01-01",cert-authority'),
        ("--valid-after", "2098-01-01", "--valid-before", "2097-01-01"),
    ],
)
def test_windows_in_which_no_key_would_count(good: Repo, window: tuple[str, ...]) -> None:
    refused(good, "add", str(home(good) / "stranger.pub"), *window)


def test_keys_in_the_style_of_a_code_host(good: Repo, workshop: Workshop, tmp_path: Path) -> None:
    for name in ("dave", "dora"):
        workshop.ssh(name)
    rsa = workshop.ssh("drsa", "rsa", "-b", "2048")
    names = ("dave", "dora", "drsa")
    file = tmp_path / "dave.keys"
    file.write_bytes("".join(f"{workshop.public(name)}\r\n" for name in names).encode() + b"\r\n")
    assert rsa.exists()
    done = refused(good, "add", str(file))
    said(done, "whose", "--principal")
    good.envhooks("signers", "add", str(file), "--principal", "dave@example.org", check=True)
    assert text(good).count("dave@example.org ") == 3
    assert len(root(good).ssh) == 4


def test_an_address_of_a_code_host_is_answered_with_the_way_to_go(good: Repo) -> None:
    said(
        refused(good, "add", "https://h.example/bob.keys"),
        "curl -fsS https://h.example/bob.keys | ",
        "envhooks signers add - --principal",
    )


def test_standard_input(good: Repo) -> None:
    good.envhooks("signers", "add", "-", "--principal", "bob", stdin=f"{public(good)}\n", check=True)
    assert f'bob namespaces="git" {public(good)}\n' in text(good)


def test_a_file_without_a_last_line_feed(good: Repo) -> None:
    (good.path / ALLOWED).write_text(text(good).rstrip("\n"))
    good.envhooks("signers", "add", str(home(good) / "stranger.pub"), check=True)
    assert len(root(good).ssh) == 2


def test_openpgp_keys_from_the_keyring(pgp: Repo, workshop: Workshop) -> None:
    fingerprint = workshop.pgp("carol")
    done = pgp.envhooks("signers", "add", "carol@example.org", check=True)
    assert f'carol@example.org namespaces="git" openpgp {fingerprint}\n' in text(pgp)
    assert (pgp.path / f".envhooks/keys/{fingerprint}.asc").exists()
    said(done, "+++ b/.envhooks/keys/", f"git add .envhooks/keys/{fingerprint}.asc {ALLOWED}")
    enact(pgp)
    pgp.git(
        "-c", "gpg.format=openpgp", "-c", f"user.signingkey={fingerprint}", "tag", "-s", "-m", "x", GOOD_TAG
    )
    assert pgp.envhooks("check", GOOD_TAG).code == 0
    listed = pgp.envhooks("signers", "list", check=True).out
    assert re.search(
        rf"carol@example.org +openpgp +{fingerprint} +origin/main:2 +no end +{GOOD_TAG} \(", listed
    )


@pytest.mark.parametrize("form", ["armored", "binary", "stdin"])
def test_openpgp_keys_from_a_file(pgp: Repo, workshop: Workshop, tmp_path: Path, form: str) -> None:
    fingerprint = workshop.pgp("carol")
    file = tmp_path / "carol.gpg"
    armored = workshop.export("carol")
    file.write_bytes(armored if form != "binary" else workshop.gpg("--export", fingerprint))
    named = "-" if form == "stdin" else str(file)
    pgp.envhooks("signers", "add", named, stdin=armored.decode() if form == "stdin" else "", check=True)
    assert root(pgp).openpgp[0].signer == "carol@example.org"
    run(["gpg", "-q", "--show-keys", f".envhooks/keys/{fingerprint}.asc"], pgp.path, pgp.environ, check=True)


@pytest.mark.parametrize(
    "named", ["nobody@example.org", "--list-keys", "DEADBEEF", "0xdeadbeef", "/nowhere.pub"]
)
def test_keys_that_are_not_there(pgp: Repo, named: str) -> None:
    refused(pgp, "add", "--", named)


def test_an_address_that_fits_two_keys_is_not_guessed(pgp: Repo, workshop: Workshop) -> None:
    workshop.pgp("carola")
    done = refused(pgp, "add", "example.org")
    said(done, "keys fit", "envhooks signers add")


# --------------------------------------------------------------------------- what is not let in


def test_private_keys_pasted_by_mistake(pgp: Repo, workshop: Workshop, tmp_path: Path) -> None:
    ssh = (home(pgp) / "stranger").read_text()
    armored = workshop.gpg("--armor", "--export-secret-keys", workshop.pgp("carol"))
    (tmp_path / "secret.gpg").write_bytes(workshop.gpg("--export-secret-keys", workshop.pgp("carol")))
    putty = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"
    for done in (
        refused(pgp, "add", str(home(pgp) / "stranger"), "--principal", "x"),
        refused(pgp, "add", "-", "--principal", "x", stdin=ssh),
        refused(pgp, "add", "-", "--principal", "x", stdin=f"{public(pgp)}\n{ssh}"),
        refused(pgp, "add", "-", stdin=armored.decode()),
        refused(pgp, "add", str(tmp_path / "secret.gpg")),
        refused(pgp, "add", "-", "--principal", "x", stdin=putty),
    ):
        said(done, "PRIVATE key")
        assert ssh.split("\n")[1] not in done.said, "not a byte of it is printed"


@pytest.mark.parametrize(
    ("kind", "word"),
    [("rsa1024", "too weak"), ("dsa", "DSA"), ("pgp-rsa1024", "too weak"), ("pgp-dsa", "too weak")],
)
def test_weak_keys(pgp: Repo, workshop: Workshop, tmp_path: Path, kind: str, word: str) -> None:
    file = tmp_path / "weak.pub"
    if kind == "rsa1024":
        file.write_text(f"{weak_rsa()} x@example.org\n")
    elif kind == "dsa":
        file.write_text("ssh-dss AAAAB3NzaC1kc3MAAACBAP x@example.org\n")
    else:
        workshop.pgp(kind, algorithm=kind.removeprefix("pgp-").replace("dsa", "dsa2048"))
        file.write_bytes(workshop.export(kind))
    done = refused(pgp, "add", str(file))
    said(done, word)


def weak_rsa() -> str:
    """An SSH public key of 1024 bits, which ssh-keygen does not make."""
    import base64

    def field(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    modulus = ((1 << 1023) | 12345).to_bytes(129, "big")
    return "ssh-rsa " + base64.b64encode(field(b"ssh-rsa") + field(b"\1\0\1") + field(modulus)).decode()


def test_one_weak_key_of_several_stops_them_all(good: Repo) -> None:
    refused(good, "add", "-", "--principal", "x", stdin=f"{public(good)}\n{weak_rsa()}\n")


def test_keys_that_have_ended(pgp: Repo, workshop: Workshop, tmp_path: Path) -> None:
    fingerprint = workshop.pgp("ended", "--faked-system-time", "20200101T000000", expire="2021-01-01")
    said(refused(pgp, "add", fingerprint), "expired")
    workshop.pgp("taken-back")
    key = workshop.pgp("taken-back")
    revocation = (
        (workshop.home / "openpgp-revocs.d" / f"{key}.rev")
        .read_bytes()
        .replace(b":-----BEGIN", b"-----BEGIN")
    )
    workshop.gpg("--import", stdin=revocation)
    said(refused(pgp, "add", key), "revoked by its owner")


def test_duplicates(good: Repo) -> None:
    done = refused(good, "add", str(home(good) / "id.pub"))
    said(done, "there already", "allowed_signers:1", "--renew")
    done = refused(good, "add", str(home(good) / "id.pub"), "--principal", "somebody@else.org")
    said(done, "there already, for alice@example.org")


@pytest.mark.parametrize(
    "principal",
    [
        "",
        "*",
        "a,b",
        "a b",
        "!a",
        "#a",
        'a"b',
        "ssh-ed25519",
        "openpgp",
        "legacy",
        "b\u00f6se",
        "x\nmallory",
        "-x",
    ],
)
def test_principals_that_mean_more_than_one_person(good: Repo, principal: str) -> None:
    refused(good, "add", str(home(good) / "stranger.pub"), f"--principal={principal}")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "hello\n",
        "ssh-ed25519\n",
        "ssh-ed25519 AAAA\n",
        "ssh-ed25519-cert-v01@openssh.com AAAA x\n",
        'command="x" ssh-ed25519 AAAA x\n',
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\u202e x\n",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "\x1b[2J\n",
    ],
)
def test_what_is_no_key(good: Repo, data: str) -> None:
    done = refused(good, "add", "-", "--principal", "x", stdin=data)
    assert "\x1b" not in done.said and "\u202e" not in done.said


def test_utf_16_and_other_bytes(good: Repo, tmp_path: Path) -> None:
    for data in (public(good).encode("utf-16"), bytes(range(256)), b"\x99\x00", b"\xef\xbb\xbf" + b"x"):
        (tmp_path / "key.pub").write_bytes(data)
        refused(good, "add", str(tmp_path / "key.pub"), "--principal", "x")


def test_a_user_id_or_comment_puts_nothing_into_the_line(good: Repo, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f'{public(good)} a@b cert-authority,namespaces="*" * x@y\n')
    refused(good, "add", str(file))
    good.envhooks("signers", "add", str(file), "--principal", "bob@example.org", check=True)
    assert text(good).endswith(f'bob@example.org namespaces="git" {public(good)}\n')


@pytest.mark.parametrize("name", ["allowed_signers", "revoked_keys"])
def test_files_that_cannot_be_read_are_not_written_over(good: Repo, name: str) -> None:
    (good.path / ".envhooks" / name).write_text("what is this\n")
    done = refused(good, "add", str(home(good) / "stranger.pub"))
    said(done, f"{name}:1")


def test_a_committed_link_leads_nowhere(good: Repo, tmp_path: Path) -> None:
    victim = tmp_path / "authorized_keys"
    victim.write_text(text(good))
    (good.path / ALLOWED).unlink()
    (good.path / ALLOWED).symlink_to(victim)
    said(refused(good, "add", str(home(good) / "stranger.pub")), "symbolic link")
    assert STRANGER not in victim.read_text()


# ---------------------------------------------------------------------------------------- renew


def test_a_new_window_for_a_key(good: Repo) -> None:
    key = str(home(good) / "id.pub")
    good.envhooks("signers", "add", key, "--renew", "--valid-before", "2099-01-01", check=True)
    assert text(good) == f'alice@example.org namespaces="git",valid-before="20990101Z" {public(good, "id")}\n'
    said(good.envhooks("signers", "add", key, "--renew", check=True), "says so already")
    refused(good, "add", str(home(good) / "stranger.pub"), "--renew")


def test_the_new_certificate_of_a_key(pgp: Repo, workshop: Workshop) -> None:
    fingerprint = workshop.pgp("renata", expire="20d")
    said(pgp.envhooks("signers", "add", fingerprint, check=True), "warning: ", "ends in")
    line = text(pgp)
    workshop.gpg("--quick-set-expire", fingerprint, "5y")
    done = pgp.envhooks("signers", "add", fingerprint, "--renew", check=True)
    assert text(pgp) == line
    said(done, f"b/.envhooks/keys/{fingerprint}.asc")
    assert "warning" not in done.said


# ----------------------------------------------------------------------------------------- list


def test_the_table(good: Repo) -> None:
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    done = good.envhooks("signers", "list", check=True)
    lines = [line.rstrip() for line in done.out.split("\n")]
    assert lines[0].split()[:4] == ["who", "scheme", "key", "from"]
    assert re.fullmatch(
        rf"alice@example.org +ssh +SHA256:\S+ +origin/main:1 +no end +{GOOD_TAG} \(2026-11-01\)", lines[2]
    )
    assert len(lines) == 4, "the work tree says the same"


def test_it_lists_the_policy_that_counts_and_names_what_differs(good: Repo) -> None:
    good.envhooks("signers", "add", str(home(good) / "stranger.pub"), check=True)
    done = good.envhooks("signers", "list", check=True)
    assert f"only in the work tree, so it does not count yet: {STRANGER} SHA256:" in done.out
    assert f"\n{STRANGER}" not in done.out
    good.write({ALLOWED: "", ".envhooks/revoked_keys": f"{public(good, 'id')}\n"})
    done = good.envhooks("signers", "list", check=True)
    said(done, "not in the work tree, and it counts: alice@example.org", "revoked only in the work tree")
    good.write({ALLOWED: "rubbish\n"})
    said(good.envhooks("signers", "list", check=True), "cannot be read", "alice@example.org")


def test_identities_of_the_policy_are_listed(good: Repo) -> None:
    good.write(
        {".envhooks/policy.toml": '[[gitsign]]\nidentity = "ci@example.org"\nissuer = "https://i.example"\n'}
    )
    enact(good)
    listed = good.envhooks("signers", "list", check=True).out
    assert re.search(
        r"ci@example\.org +gitsign +https://i\.example +origin/main: \[\[gitsign]] +no end +- *\n", listed
    )


def test_a_tag_of_a_stranger_is_nobodys_last_tag(good: Repo) -> None:
    good.git("config", "user.signingkey", str(home(good) / "stranger.pub"))
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    assert GOOD_TAG not in good.envhooks("signers", "list", check=True).out


def test_nobody(good: Repo) -> None:
    good.git("rm", "-q", ALLOWED)
    enact(good)
    said(good.envhooks("signers", "list", check=True), "names nobody", "envhooks init")


def test_a_server_lists_its_own(server: Repo) -> None:
    said(server.envhooks("signers", "list", check=True), "alice@example.org", "main:1")


# --------------------------------------------------------------------------------- soon at an end


@pytest.mark.parametrize(("days", "warned"), [(5, True), (29, True), (40, False)])
def test_a_window_that_closes_is_warned_of(good: Repo, days: int, warned: bool) -> None:
    from datetime import datetime, timedelta, timezone

    until = (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%MZ")
    good.envhooks(
        "signers", "add", str(home(good) / "id.pub"), "--renew", "--valid-before", until, check=True
    )
    enact(good)
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 0, "a warning refuses nothing"
    assert ("warning [tag-signed] the signing key of alice@example.org ends in" in done.out) is warned
    assert ("warning: the signing key" in good.envhooks("signers", "list", check=True).err) is warned


def test_a_key_whose_next_window_is_there_already_is_not_warned_of(good: Repo) -> None:
    """A key may stand in several lines, one for each of its windows."""
    from datetime import datetime, timedelta, timezone

    end = (datetime.now(timezone.utc) + timedelta(days=5)).strftime("%Y%m%d")
    key = public(good, "id")
    first = f'alice@example.org namespaces="git",valid-before="{end}Z" {key}\n'
    good.write({ALLOWED: f'{first}alice@example.org namespaces="git",valid-after="{end}Z" {key}\n'})
    enact(good)
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    assert "ends in" not in good.envhooks("check", GOOD_TAG, check=True).out
    listed = good.envhooks("signers", "list", check=True)
    assert listed.out.count(f" {GOOD_TAG} (") == 2 and listed.err == ""
    said(
        refused(good, "add", str(home(good) / "id.pub"), "--renew", "--valid-before", "2099-01-01"),
        "several lines",
    )
    good.envhooks("signers", "revoke", "alice@example.org", check=True)


def test_an_expiring_certificate_is_warned_of_at_the_hook(pgp: Repo, workshop: Workshop) -> None:
    fingerprint = workshop.pgp("erna", expire="10d")
    pgp.envhooks("signers", "add", fingerprint, check=True)
    enact(pgp)
    pgp.envhooks("install", check=True)
    done = pgp.try_git(
        "-c", "gpg.format=openpgp", "-c", f"user.signingkey={fingerprint}", "tag", "-s", "-m", "x", GOOD_TAG
    )
    assert done.code == 0
    # Ten days on, and not a second less where the key and the tag are made within one second.
    assert re.search(r"\[tag-signed\] the signing key of erna@example\.org ends in (9|10) days", done.said), (
        done.said
    )


# --------------------------------------------------------------------------------------- revoke


@pytest.mark.parametrize("by", ["principal", "fingerprint", "file"])
def test_a_revoked_key_signs_nothing_more(good: Repo, by: str) -> None:
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    good.envhooks("lock", check=True)
    enact(good)
    good.git("tag", "-s", "-m", "x", "PyTorch-CUDA-v2.8-rc2")
    key = root(good).ssh[0].key.fingerprint
    named = {"principal": "alice@example.org", "fingerprint": key, "file": str(home(good) / "id.pub")}[by]
    done = good.envhooks("signers", "revoke", named, "--reason", "the laptop was stolen", check=True)
    said(done, f"take those out of tags.lock that its owner did not make: {GOOD_TAG}", "nobody is left")
    said(done, "refused from now on", "PyTorch-CUDA-v2.8-rc2", "+++ b/.envhooks/revoked_keys")
    said(done, "git add .envhooks/revoked_keys")
    assert "the laptop was stolen" in (good.path / ".envhooks/revoked_keys").read_text()
    enact(good)
    listed = good.envhooks("signers", "list", check=True)
    assert re.search(rf"alice@example.org +ssh +\S+ +origin/main:1 +revoked +{GOOD_TAG}", listed.out)
    assert good.envhooks("check", GOOD_TAG).code == 0
    done = good.envhooks("check", "PyTorch-CUDA-v2.8-rc2")
    assert done.code == 1
    said(done, "revoked_keys")
    said(good.envhooks("signers", "revoke", named, check=True), "revoked already")
    said(refused(good, "add", str(home(good) / "id.pub"), "--renew"), "revoked")


def test_the_walk_through_of_a_leak(good: Repo) -> None:
    """What its owner stands by is locked in the very commit that revokes the key; what he does not is refused."""
    other = "PyTorch-CUDA-v2.8-rc2"
    for name in (GOOD_TAG, other):
        good.git("tag", "-s", "-m", "x", name)
    good.envhooks("signers", "add", str(home(good) / "stranger.pub"), check=True)
    enact(good)
    good.envhooks("signers", "revoke", "alice@example.org", check=True)
    good.envhooks("lock", GOOD_TAG, check=True)
    enact(good)
    assert good.envhooks("check", GOOD_TAG).code == 0
    assert good.envhooks("check", other).code == 1
    good.git("config", "user.signingkey", str(home(good) / "stranger.pub"))
    good.git("tag", "-s", "-m", "x", "PyTorch-CUDA-v2.8")
    assert good.envhooks("check", "PyTorch-CUDA-v2.8").code == 0


def test_an_openpgp_key_that_its_owner_revoked_is_shown_as_such(pgp: Repo, workshop: Workshop) -> None:
    key = workshop.pgp("retired")
    pgp.envhooks("signers", "add", key, check=True)
    file = workshop.home / "openpgp-revocs.d" / f"{key}.rev"
    workshop.gpg("--import", stdin=file.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))
    (pgp.path / f".envhooks/keys/{key}.asc").write_bytes(workshop.export("retired"))
    enact(pgp)
    assert re.search(
        r"retired@example.org +openpgp +[0-9A-F]{40} +origin/main:2 +revoked",
        pgp.envhooks("signers", "list").out,
    )


def test_an_openpgp_key_is_revoked(pgp: Repo, workshop: Workshop) -> None:
    fingerprint = workshop.pgp("carol")
    pgp.envhooks("signers", "add", fingerprint, check=True)
    enact(pgp)
    sign = ("-c", "gpg.format=openpgp", "-c", f"user.signingkey={fingerprint}")
    pgp.git(*sign, "tag", "-s", "-m", "x", GOOD_TAG)
    said(pgp.envhooks("signers", "revoke", fingerprint.lower(), check=True), GOOD_TAG)
    enact(pgp)
    said(pgp.envhooks("check", GOOD_TAG), "revoked_keys")
    assert pgp.envhooks("check", GOOD_TAG).code == 1


def test_a_key_that_nobody_has_is_revoked_all_the_same(good: Repo) -> None:
    good.envhooks("signers", "revoke", "A" * 40, check=True)
    assert root(good).revoked.openpgp == {"A" * 40}


def test_a_principal_with_two_keys_is_asked_which(good: Repo) -> None:
    add = ("signers", "add", str(home(good) / "stranger.pub"), "--principal", "alice@example.org")
    good.envhooks(*add, check=True)
    said(refused(good, "revoke", "alice@example.org"), "2 keys", "envhooks signers revoke SHA256:")
    done = refused(good, "revoke", "alice@example.org", "--reason", "laptop stolen")
    assert re.search(
        "fix: .*envhooks signers revoke SHA256:\\S+ --reason 'laptop stolen'$", done.err, re.M
    ), done.err


@pytest.mark.parametrize("named", ["nobody", "AAAA", "SHA256:short", "\x1b[2J", ""])
def test_what_cannot_be_revoked(good: Repo, named: str) -> None:
    assert "\x1b" not in refused(good, "revoke", named).said


@pytest.mark.parametrize("reason", ["two\nlines", "\x1b[2J", "b\u00f6se"])
def test_a_reason_is_one_plain_line(good: Repo, reason: str) -> None:
    refused(good, "revoke", "alice@example.org", "--reason", reason)


def test_a_binary_revocation_list_is_left_to_ssh_keygen(good: Repo) -> None:
    file = good.path / ".envhooks/revoked_keys"
    run(
        ["ssh-keygen", "-q", "-k", "-f", str(file), str(home(good) / "stranger.pub")],
        good.path,
        good.environ,
        check=True,
    )
    said(refused(good, "revoke", "alice@example.org"), "ssh-keygen -k -u")


@pytest.mark.parametrize("arguments", [[], ["add", "a", "b"], ["what"], ["revoke"]])
def test_called_wrongly(good: Repo, arguments: list[str]) -> None:
    refused(good, *arguments)
