"""Real tags by real keys, through the plain path."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from signing import NOW, TARGET, Workshop, pgp_files, root, ssh_files, tag_text, verdict

from envhooks.signatures import Verdict
from envhooks.signatures.payload import Payload, PayloadError, split
from envhooks.signatures.programs import find_program
from envhooks.signatures.signers import Signers
from envhooks.signatures.verify import PendingVerification, verify_all

pytest_plugins = ("signing_fixture",)


def git_tag(workshop: Workshop, folder: Path, object_format: str, *options: str) -> bytes:
    """The raw object of a tag that git itself signed."""
    repo = folder / object_format
    if not repo.exists():
        workshop.run("git", "init", "-q", f"--object-format={object_format}", str(repo))
        workshop.run(
            "git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "1",
            cwd=repo,
        )  # fmt: skip
    settings = ("-c", "user.name=Alice", "-c", "user.email=alice@example.org")
    workshop.run("git", *settings, *options, cwd=repo)
    return workshop.run("git", "cat-file", "tag", "refs/tags/v1", cwd=repo)


@pytest.mark.parametrize(("object_format", "length"), [("sha1", 40), ("sha256", 64)])
@pytest.mark.parametrize("message", ["First candidate", "", "\n-- \n#1\n\nsecond paragraph\n"])
@pytest.mark.parametrize("kind", ["openpgp", "rsa", "ssh", "ssh-rsa", "ssh-ecdsa"])
def test_what_git_signs_is_good(
    workshop: Workshop, tmp_path: Path, kind: str, message: str, object_format: str, length: int
) -> None:
    if kind.startswith("ssh"):
        type_ = kind.removeprefix("ssh").strip("-") or "ed25519"
        key = str(workshop.ssh(f"git{type_}", type_)) + ".pub"
        options: tuple[str, ...] = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")
        files = ssh_files(workshop, f"git{type_}")
    else:
        name = "alice" if kind == "openpgp" else "rosa"
        options = (
            "-c",
            f"user.signingkey={workshop.pgp(name, algorithm=kind.replace('openpgp', 'ed25519'))}",
        )
        files = pgp_files(workshop, name)
    raw = git_tag(workshop, tmp_path, object_format, *options, "tag", "-f", "-s", "-m", message, "v1")
    payload = split(raw, length)
    found = verify_all([payload], root(files), NOW, fast=False)[0]
    assert found.status == "good", found
    assert found.scheme == ("ssh" if kind.startswith("ssh") else "openpgp")
    assert found.signer.endswith("@example.org") and found.key
    assert (
        payload.name == "v1" and payload.annotation().signed and payload.signed == raw[: len(payload.signed)]
    )


def test_an_unsigned_tag_is_unsigned(workshop: Workshop, tmp_path: Path) -> None:
    raw = git_tag(workshop, tmp_path, "sha1", "tag", "-a", "-m", "no key", "v1")
    assert verify_all([split(raw, 40)], Signers.empty("main"), NOW)[0].status == "unsigned"


def test_a_block_that_is_not_whole_is_bad_and_not_missing() -> None:
    payload = split(tag_text() + b"-----BEGIN SSH SIGNATURE-----\nAAAA\n", 40)
    for fast in (False, True):
        found = verify_all([payload], Signers.empty("main"), NOW, fast=fast)[0]
        assert found.status == "bad" and "does not end with one whole signature block" in found.why
    assert PendingVerification(payload, Signers.empty("main"), NOW).verdict() == found


def test_a_stranger_is_told_what_was_expected(workshop: Workshop) -> None:
    stranger = workshop.pgp("mallory")
    workshop.pgp("alice")
    found = verdict(workshop.pgp_sign(tag_text(), "mallory"), pgp_files(workshop, "alice"))
    assert found.status == "bad" and stranger in found.got
    assert found.expected == "the one key in .envhooks/allowed_signers on origin/main"
    workshop.ssh("alice")
    workshop.ssh("bob")
    key = workshop.ssh("mallory")
    found = verdict(workshop.ssh_sign(tag_text(), key), ssh_files(workshop, "alice", "bob"))
    assert found.status == "bad" and "SHA256:" in found.got and found.key == "" and found.signer == ""
    assert found.expected == "one of 2 keys in .envhooks/allowed_signers on origin/main"


def test_nobody_may_sign_where_nobody_is_named(workshop: Workshop) -> None:
    workshop.pgp("alice")
    for raw in (
        workshop.pgp_sign(tag_text(), "alice"),
        workshop.ssh_sign(tag_text(), workshop.ssh("alice")),
    ):
        found = verify_all([split(raw, 40)], Signers.empty("main"), NOW)[0]
        assert found.status == "bad" and found.expected == "a key in .envhooks/allowed_signers on main"


def mixed(workshop: Workshop) -> tuple[list[Payload], Signers, list[str]]:
    """Many tags of all kinds with the statuses that they should get."""
    workshop.pgp("alice")
    key = workshop.ssh("alice")
    files = pgp_files(workshop, "alice")
    files["allowed_signers"] += ssh_files(workshop, "alice")["allowed_signers"]
    raws, expected = [], []
    for number in range(3):
        text = tag_text(f"number {number}\n")
        raws += [text, workshop.pgp_sign(text, "alice"), workshop.ssh_sign(text, key)]
        expected += ["unsigned", "good", "good"]
        raws += [raws[-2].replace(b"number", b"NUMBER", 1), raws[-1].replace(b"number", b"NUMBER", 1)]
        expected += ["bad", "bad"]
        raws.append(text + b"-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n")
        expected.append("undecided")
    return [split(raw, 40) for raw in raws], root(files), expected


@pytest.mark.parametrize("jobs", [None, 1, 2])
def test_verdicts_come_in_the_order_of_the_tags(workshop: Workshop, jobs: int | None) -> None:
    payloads, signers, expected = mixed(workshop)
    found = verify_all(payloads, signers, NOW, jobs=jobs, fast=False)
    assert [verdict.status for verdict in found] == expected
    assert verify_all([], signers, NOW) == []


def only(folder: Path, *programs: str) -> str:
    """A PATH with nothing but these programs."""
    folder.mkdir(exist_ok=True)
    for program in programs:
        found = find_program(program)
        assert found is not None
        (folder / program).symlink_to(found)
    return str(folder)


def test_gpg_serves_where_gpgv_is_missing(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads, signers, expected = mixed(workshop)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "gpg", "ssh-keygen"))
    found = verify_all(payloads, signers, NOW, fast=False)
    assert [verdict.status for verdict in found] == expected


def test_without_programs_nothing_is_decided_and_nothing_accepted(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads, signers, expected = mixed(workshop)
    monkeypatch.setenv("PATH", only(tmp_path / "empty"))
    found = verify_all(payloads, signers, NOW, fast=False)
    for one, status in zip(found, expected, strict=True):
        # what is refused before a program would be asked stays refused
        assert one.status == "undecided" if status == "good" else one.status != "good"
    undecided = [verdict for verdict in found if verdict.status == "undecided"]
    assert {verdict.fix for verdict in undecided if verdict.scheme == "openpgp"} == {"apt-get install gpgv"}
    assert {verdict.fix for verdict in undecided if verdict.scheme == "ssh"} == {
        "apt-get install openssh-client"
    }


def test_a_program_of_the_repository_is_not_run(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("gpgv", "gpg", "ssh-keygen"):
        (tmp_path / program).write_text("#!/bin/sh\ntouch ran\n")
        (tmp_path / program).chmod(0o755)
    payloads, signers, expected = mixed(workshop)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}:")
    found = verify_all(payloads, signers, NOW, fast=False)
    assert [verdict.status for verdict in found] == expected
    assert not (tmp_path / "ran").exists()


def stand_in(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a gpgv that does this in front of the real one, and give it 0.3 seconds."""
    (folder / "gpgv").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "gpgv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr("envhooks.signatures.programs.TIME_LIMIT", 0.3)


NOT_WAITED = 300.0
"""Seconds: half of what a program would take. How long a busy machine takes to end one is not asked."""
# lets go of all that it was handed and stays
LETS_GO = f"exec {sys.executable} -c 'import os, time; os.closerange(0, 256); time.sleep(600)'"


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exec sleep 600", "undecided"),
        (LETS_GO, "undecided"),
        ("kill -9 $$", "undecided"),
        ("exit 1", "bad"),
        ("exit 0", "bad"),
    ],
)
def test_a_program_that_misbehaves_never_makes_a_tag_good(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: str
) -> None:
    payloads, signers, _ = mixed(workshop)
    stand_in(script, tmp_path, monkeypatch)
    started = time.monotonic()
    assert verify_all([payloads[1]], signers, NOW, fast=False)[0].status == status
    assert time.monotonic() - started < NOT_WAITED


def test_a_program_that_reads_nothing_is_not_waited_for_longer(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a tag that is larger than any pipe."""
    workshop.pgp("alice")
    payload = split(workshop.pgp_sign(tag_text("0123456789\n" * 80_000), "alice"), 40)
    signers = root(pgp_files(workshop, "alice"))
    assert verify_all([payload], signers, NOW, fast=False)[0].status == "good"
    stand_in("exec sleep 600", tmp_path, monkeypatch)
    started = time.monotonic()
    assert verify_all([payload], signers, NOW, fast=False)[0].status == "undecided"
    assert time.monotonic() - started < NOT_WAITED


def test_what_a_program_leaves_running_is_not_waited_for(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads, signers, _ = mixed(workshop)
    left = tmp_path / "left"
    stand_in(f"sleep 600 &\necho $! > {left}\nexit 2", tmp_path, monkeypatch)
    monkeypatch.setattr("envhooks.signatures.programs.TIME_LIMIT", 600.0)
    try:
        assert verify_all([payloads[1]], signers, NOW, fast=False)[0].status == "bad"
    finally:
        os.kill(int(left.read_text()), signal.SIGKILL)  # an error, were it not there any more


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what is open is told by /proc alone")
def test_a_program_is_handed_nothing_but_what_it_needs(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tag, twice nothing, the status, and the pipe that ends with it; not what its neighbours are handed."""
    payloads, signers, _ = mixed(workshop)
    listed = "for one in /proc/$$/fd/*; do readlink $one; done"
    stand_in(f"{{ {listed}; }} > {tmp_path}/$$.open 2>&1; pwd > {tmp_path}/$$.cwd", tmp_path, monkeypatch)
    verify_all(payloads * 4, signers, NOW, jobs=4, fast=False)
    found = [file.read_text().split("\n")[:-1] for file in tmp_path.glob("*.open")]
    assert len(found) == 12
    for handed in found:
        # the shell has its script open, and the list
        own = [one for one in handed if not one.endswith(("/gpgv", ".open"))]
        assert len([one for one in own if one.startswith("pipe:")]) == 1
        assert len([one for one in own if one != "/dev/null" and not one.startswith("pipe:")]) == 2, own
    assert all(file.read_text().endswith("/openpgp\n") for file in tmp_path.glob("*.cwd"))


@pytest.mark.parametrize("lacking", ["memory files", "leave for memory files", "poll"])
def test_where_the_system_lacks_something_the_verdicts_are_the_same(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    payloads, signers, expected = mixed(workshop)
    found = verify_all(payloads, signers, NOW, fast=False)
    assert [verdict.status for verdict in found] == expected

    def forbidden(name: str) -> int:
        raise PermissionError(1, "Operation not permitted")

    if lacking == "poll":
        monkeypatch.setattr("envhooks.signatures.programs._POLLS", False)
    elif lacking == "memory files":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    else:
        monkeypatch.setattr(os, "memfd_create", forbidden, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert verify_all(payloads, signers, NOW, fast=False) == found
    assert list(tmp_path.iterdir()) == []
    stand_in("exec sleep 600", tmp_path, monkeypatch)
    assert verify_all([payloads[1]], signers, NOW, fast=False)[0].status == "undecided"


def test_a_tag_whose_verifier_is_at_work_meanwhile_has_the_same_verdict(workshop: Workshop) -> None:
    payloads, signers, expected = mixed(workshop)
    begun = [PendingVerification(payload, signers, NOW) for payload in payloads]
    found = [one.verdict() for one in begun]
    assert found == verify_all(payloads, signers, NOW, fast=False)
    assert [verdict.status for verdict in found] == expected
    assert [one.verdict() for one in begun] == found


def test_a_verifier_at_work_is_ended_with_all_that_it_was_given(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads, signers, _ = mixed(workshop)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "folders"))
    (tmp_path / "folders").mkdir()
    stand_in(f"echo $$ > {tmp_path}/pid; exec sleep 600", tmp_path, monkeypatch)
    begun = PendingVerification(payloads[1], signers, NOW)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    begun.end()
    begun.end()
    assert not list((tmp_path / "folders").iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    monkeypatch.setattr("envhooks.signatures.programs.TIME_LIMIT", 0.3)
    assert PendingVerification(payloads[1], signers, NOW).verdict().status == "undecided"
    assert not list((tmp_path / "folders").iterdir())


def test_nothing_is_left_behind(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payloads, signers, _ = mixed(workshop)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    verify_all(payloads, signers, NOW, fast=False)
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_written_nothing_is_decided(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads, signers, _ = mixed(workshop)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    found = verify_all(payloads, signers, NOW, fast=False)
    assert {verdict.status for verdict in found} == {"undecided", "unsigned"}


def test_a_window_is_judged_at_the_given_time(workshop: Workshop) -> None:
    workshop.pgp("alice")
    key = workshop.ssh("alice")
    options = 'namespaces="git",valid-after="20250101Z",valid-before="20270101Z"'
    tags = {
        "ssh": (workshop.ssh_sign(tag_text(), key), ssh_files(workshop, "alice", options=options)),
        "pgp": (workshop.pgp_sign(tag_text(), "alice"), pgp_files(workshop, "alice", options=options)),
    }
    begin, end = datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2027, 1, 1, tzinfo=timezone.utc)
    second = timedelta(seconds=1)

    def at(scheme: str, moment: datetime) -> Verdict:
        return verdict(*tags[scheme], now=moment)

    assert at("ssh", begin).status == at("ssh", end).status == "good"
    for scheme in ("ssh", "pgp"):
        for moment in (begin - second, end + second):
            found = at(scheme, moment)
            assert found.status == "bad" and found.why
    assert at("ssh", end + second).got == "the key counted until 2027-01-01 00:00 UTC"
    assert at("ssh", begin - second).got == "the key counts from 2025-01-01 00:00 UTC on"


def test_a_time_without_zone_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        verify_all([], Signers.empty(""), datetime(2026, 1, 1))


@pytest.mark.parametrize("scheme", ["openpgp", "ssh"])
def test_a_changed_byte_anywhere_is_refused(workshop: Workshop, scheme: str) -> None:
    """Every byte of the object, one after the other."""
    workshop.pgp("alice")
    key = workshop.ssh("alice")
    text = tag_text("m\n")
    raw = workshop.pgp_sign(text, "alice") if scheme == "openpgp" else workshop.ssh_sign(text, key)
    files = pgp_files(workshop, "alice") if scheme == "openpgp" else ssh_files(workshop, "alice")
    payloads = [split(raw, 40)]
    for at in range(len(raw)):
        with contextlib.suppress(PayloadError):
            payloads.append(split(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], 40))
    found = verify_all(payloads, root(files), NOW, fast=False)
    assert found[0].status == "good" and len(found) > 250
    assert {verdict.status for verdict in found[1:]} <= {"bad", "unsigned"}


def test_the_target_is_not_the_verifiers_business() -> None:
    assert split(tag_text(), 40).oid_target == TARGET
