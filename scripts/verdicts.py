"""Write the table of verdicts into docs/security.md: envhooks beside `git verify-tag`.

    make test && .venv/bin/python scripts/verdicts.py

Runs every case of tests/signatures/adversary.py through envhooks' plain path, its gpg fallback and its
fast path, and through git in two set-ups. Exit 1, and nothing is written, where envhooks itself is fooled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "signatures")]

import forge  # noqa: E402
from adversary import CASES, CLASSES, Case, payload_of  # noqa: E402
from signing import Workshop, root  # noqa: E402

from envhooks.signatures.programs import find_program  # noqa: E402
from envhooks.signatures.verify import verify_all  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"
OURS = ("envhooks, plain", "envhooks, gpg for gpgv", "envhooks, fast")
GIT, STRICT = "`git verify-tag`", "git at its strictest"
VERIFIERS = (*OURS, GIT, STRICT)
_GPG = ("gpg", "-q", "--batch", "--yes", "--no-autostart")


@dataclass(frozen=True)
class Outcome:
    """One case: whether it has to be accepted, and which verifiers accepted it."""

    name: str
    good: bool
    accepted: frozenset[str]


# ------------------------------------------------------------------------------------ envhooks


@contextlib.contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The environment of this process, changed for a while."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def path_without_gpgv(folder: Path) -> str:
    """A PATH on which gpg has to stand in for gpgv."""
    folder.mkdir()
    for program in ("gpg", "ssh-keygen"):
        (folder / program).symlink_to(find_program(program) or f"/{program}-is-missing")
    return str(folder)


def asked_of_envhooks(case: Case, without_gpgv: str) -> set[str]:
    """Which of envhooks' paths accept the tag."""
    payload = payload_of(case)
    if payload is None:
        return set()
    signers, now = root(case.files), datetime.now(timezone.utc)
    ways = {OURS[0]: (False, {}), OURS[1]: (False, {"PATH": without_gpgv}), OURS[2]: (True, {})}
    found = set()
    for way, (fast, path) in ways.items():
        with environment({**case.environ, **path}):
            if verify_all([payload], signers, now, fast=fast)[0].status == "good":
                found.add(way)
    return found


# ----------------------------------------------------------------------------------------- git


class Known:
    """The OpenPGP keys that forge makes, so that those of attackers can be put into a user's keyring."""

    def __init__(self) -> None:
        self.keys: list[forge.PgpKey] = []
        self.certificates: list[forge.PgpCertificate] = []

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Write down what is made meanwhile."""
        self.keys, self.certificates = [], []
        key, certificate = forge.PgpKey.__post_init__, forge.PgpCertificate.__post_init__

        def made_key(made: forge.PgpKey) -> None:
            key(made)
            self.keys.append(made)

        def made_certificate(made: forge.PgpCertificate) -> None:
            certificate(made)
            self.certificates.append(made)

        forge.PgpKey.__post_init__ = made_key  # type: ignore[assignment]
        forge.PgpCertificate.__post_init__ = made_certificate  # type: ignore[assignment]
        try:
            yield
        finally:
            forge.PgpKey.__post_init__ = key  # type: ignore[method-assign]
            forge.PgpCertificate.__post_init__ = certificate  # type: ignore[method-assign]

    def files(self) -> list[bytes]:
        """Every certificate, one of its own for a key that stands in none."""
        used = {made.key.fingerprint for made in self.certificates}
        held = b"".join(packet for made in self.certificates for packet in made.packets)
        alone = (key for key in self.keys if key.fingerprint not in used and key.body not in held)
        return [made.file for made in (*self.certificates, *(forge.PgpCertificate(key) for key in alone))]


class Person:
    """Somebody with repositories, keyrings and a configuration, who verifies tags with git."""

    def __init__(self, folder: Path, workshop: Workshop) -> None:
        self._folder = folder
        self._workshop = workshop
        self._number = 0
        self._base = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        for length in (40, 64):
            format_ = f"--object-format={'sha1' if length == 40 else 'sha256'}"
            subprocess.run(
                ["git", "init", "-q", "--template=", format_, str(folder / str(length))],
                env=self._base, check=True,
            )  # fmt: skip

    def keyring(self, certificates: Sequence[bytes], trusted: Sequence[str] = ()) -> dict[str, str]:
        """A fresh GnuPG home with these certificates; `trusted` are the fingerprints of trusted owners."""
        self._number += 1
        home = self._folder / f"g{self._number}"
        home.mkdir(mode=0o700)
        environ = {**self._base, "GNUPGHOME": str(home)}
        # one by one: gpg stops at a certificate that it cannot read
        for certificate in certificates:
            subprocess.run(
                [*_GPG, "--import"], input=certificate, env=environ, capture_output=True, check=False
            )
        trust = "".join(f"{fingerprint}:6:\n" for fingerprint in trusted).encode()
        if trust:
            subprocess.run(
                [*_GPG, "--import-ownertrust"], input=trust, env=environ, capture_output=True, check=False
            )
        return environ

    def put(self, case: Case) -> Path:
        """The repository, with the tag in it as it came, however malformed."""
        repo = self._folder / str(case.oid_length)
        data = b"tag %d\0" % len(case.raw) + case.raw
        oid = hashlib.new("sha1" if case.oid_length == 40 else "sha256", data).hexdigest()
        file = repo / ".git" / "objects" / oid[:2] / oid[2:]
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(zlib.compress(data)) if not file.exists() else None
        ref = repo / ".git" / "refs" / "tags" / case.name
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(f"{oid}\n")
        return repo

    def accepts(self, case: Case, environ: Mapping[str, str], *options: str) -> bool:
        """Whether `git verify-tag NAME` ends with 0."""
        signers = self._folder / "allowed_signers"
        signers.write_bytes(case.files.get("allowed_signers", b""))
        settings = (f"gpg.ssh.allowedSignersFile={signers}", *options)
        done = subprocess.run(
            ["git", *(word for setting in settings for word in ("-c", setting)), "verify-tag", case.name],
            cwd=self.put(case), env={**environ, **case.environ}, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    def asked(self, case: Case, others: Sequence[bytes]) -> set[str]:
        """Which of git's set-ups accept the tag; `others` are certificates that the user happens to have."""
        found = set()
        allowed = [data for path, data in case.files.items() if path.startswith("keys/")]
        openpgp = b"BEGIN PGP" in case.raw
        everybody = [*allowed, *others, self._workshop.gpg("--export")] if openpgp else []
        if self.accepts(case, self.keyring(everybody)):
            found.add(GIT)
        lines = case.files.get("allowed_signers", b"").decode()
        fingerprints = re.findall(r" openpgp ([0-9A-F]{40,64})$", lines, re.M)
        strict = ["gpg.minTrustLevel=fully"]
        if "revoked_keys" in case.files:
            (self._folder / "revoked").write_bytes(case.files["revoked_keys"])
            strict.append(f"gpg.ssh.revocationFile={self._folder / 'revoked'}")
        if self.accepts(case, self.keyring(allowed if openpgp else [], fingerprints), *strict):
            found.add(STRICT)
        return found


# --------------------------------------------------------------------------------------- table


def run_all() -> list[Outcome]:
    """Every case through every verifier."""
    found = []
    # a short path: the socket of gpg-agent has to fit into 107 bytes
    with tempfile.TemporaryDirectory(prefix="eh-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("workshop", "person"):
            (folder / part).mkdir()
        workshop = Workshop(folder / "workshop")
        without_gpgv = path_without_gpgv(folder / "bin")
        person, known = Person(folder / "person", workshop), Known()
        try:
            for number, (title, build) in enumerate(CASES.items(), 1):
                with known.recorded():
                    case = build(workshop)
                accepted = asked_of_envhooks(case, without_gpgv) | person.asked(case, known.files())
                found.append(Outcome(title, case.good, frozenset(accepted)))
                print(f"\r{number} of {len(CASES)}", end="", file=sys.stderr, flush=True)
        finally:
            workshop.close()
            print(file=sys.stderr)
    return found


def count(outcomes: Sequence[Outcome], verifier: str) -> int:
    """How many of these the verifier accepted."""
    return sum(verifier in outcome.accepted for outcome in outcomes)


def row(title: str, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""
    cells = [title, str(len(outcomes)), *(str(count(outcomes, verifier)) for verifier in VERIFIERS)]
    return "| " + " | ".join(cells) + " |"


def folded(verifier: str, outcomes: Sequence[Outcome]) -> list[str]:
    """The names of the bad tags that a verifier accepted, by what was done, then with which kinds of key."""
    names = [outcome.name for outcome in outcomes if not outcome.good and verifier in outcome.accepted]
    tricks: dict[str, list[str]] = {}
    for name in names:
        class_, trick, *kind = name.split("/", 2)
        tricks.setdefault(f"{class_}/{trick}", []).extend(kind)
    plain = verifier.replace("`", "")
    lines = [f"- `{trick}`{': ' + ', '.join(kinds) if kinds else ''}" for trick, kinds in tricks.items()]
    title = f"<summary>The {len(names)} bad tags that {plain} accepts</summary>"
    return ["<details>", title, "", *lines, "", "</details>"]


def version(*command: str) -> str:
    """The first number with a dot in what a program says of itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:p[0-9]+)?", done.stdout + done.stderr)
    return found.group() if found else "unknown"


def render(outcomes: Sequence[Outcome]) -> str:
    """Table and lists, in Markdown."""
    bad = [outcome for outcome in outcomes if not outcome.good]
    programs = (
        f"git {version('git', '--version')}, GnuPG {version('gpg', '--version')} "
        f"and OpenSSH {version('ssh', '-V')}"
    )
    lines = [
        f"Made by `scripts/verdicts.py` with {programs}. Each number says how many of the cases a verifier accepted: "
        "of the controls it should be all, of everything else none.",
        "",
        "| class | cases | " + " | ".join(VERIFIERS) + " |",
        "|---|" + "---:|" * (len(VERIFIERS) + 1),
        *(row(name, [o for o in outcomes if o.name.split("/")[0] == name]) for name in CLASSES),
        row("all but the controls", bad),
        "",
        f"{GIT} is run as a person would: the keyring holds the public keys of those who are allowed and of the "
        "attacker, `gpg.ssh.allowedSignersFile` is set. The strictest set-up has the allowed keys alone in the "
        "keyring, their owners trusted, `gpg.minTrustLevel=fully`, and a revocation file where there is one; git knows "
        "neither windows nor a list of revocations for OpenPGP keys.",
        "",
        *folded(STRICT, outcomes),
    ]
    return "\n".join(lines)


def insert(text: str, table: str) -> str:
    """The page with the table between its markers; they are put at the end where there are none."""
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n".lstrip("\n")
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END, 1)[1]}"


def main() -> int:
    """Run, judge, write."""
    outcomes = run_all()
    fooled = [
        f"{verifier}: {outcome.name}"
        for outcome in outcomes
        for verifier in OURS
        if (verifier in outcome.accepted) is not outcome.good
    ]
    for line in fooled:
        print(f"wrong verdict by {line}", file=sys.stderr)
    table = render(outcomes)
    if fooled:
        return 1
    PAGE.write_text(insert(PAGE.read_text("utf-8") if PAGE.exists() else "", table), "utf-8")
    print(table.split("\n<details>")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
