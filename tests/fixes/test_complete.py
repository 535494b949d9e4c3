"""Each sentence with which a check refuses is one of a case of the harness."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import cases_changelog  # noqa: F401 - registers its cases
import cases_dockerfile  # noqa: F401
import cases_signature  # noqa: F401
import cases_tag  # noqa: F401
import pytest
from bench import CASES

import envhooks.checks
from envhooks.checks import tag_signed
from envhooks.signatures import openpgp

FOLDER = Path(envhooks.checks.__file__).parent
SENTENCES = {"text", "said", "message", "what"}
"""Variables that hold the sentence of a finding."""
NOT_YET = {
    (
        "dockerfile-matches",
        "{} says {}, but nothing installs that: {} is installed",
    ): "a note, which refuses nothing",
    (
        "changelog-entry",
        "the entry for this release says that it was yanked",
    ): "no command: a yanked version is not released again, which a person has to see",
    (
        "ci-green",
        "{} of {} {} of the tagged commit did not succeed",
    ): "no command: the forge has to run its checks; tests/checks/test_ci_green.py holds the sentence",
    ("ci-green", "no check has run for the tagged commit"): "no command: as the one before it",
    ("tag-signed", "its signature would not be accepted today, and tags.lock vouches for it"): "a note",
    (
        "dockerfile-matches",
        "the tag says version {}",
    ): "no sentence, but the beginning of several, which have theirs",
}
"""Sentences without a case, and why."""


def shape(node: ast.expr) -> str:
    """A sentence with `{}` for each part that differs."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(shape(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def sentences(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            if called in ("Finding", "Finding.at"):
                yield shape(node.args[called == "Finding.at" and len(node.args) > 1])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in SENTENCES:
            yield shape(node.value)


def is_covered(check: str, sentence: str) -> bool:
    glob = re.sub(r"\{\}", "*", sentence)
    for one in CASES:
        if one.check == check and one.said != "*":
            plain = one.said.replace("*", "~")
            if fnmatchcase(plain, glob) or fnmatchcase(sentence.replace("{}", "~"), one.said):
                return True
    return False


@pytest.mark.parametrize("file", sorted(FOLDER.glob("[a-z]*.py")), ids=lambda file: file.stem)
def test_each_sentence_has_a_case(file: Path) -> None:
    check = file.stem.replace("_", "-")
    told = {one for one in sentences(file) if " " in one and len(re.sub(r"\{\}", "", one)) > 12}
    left = {one for one in told if not is_covered(check, one) and (check, one) not in NOT_YET}
    assert not left


def test_each_check_has_a_case() -> None:
    offline = {file.stem.replace("_", "-") for file in FOLDER.glob("[a-z]*.py")} - {"ci-green"}
    assert {case.check for case in CASES} == offline


SIGNATURES = FOLDER.parent / "signatures"
RAISED = {
    "Refused", "Undecided", "UnknownKey", "not_allowed", "SshError", "ArmorError", "PacketError", "PayloadError",
}  # fmt: skip
ELSEWHERE = {
    "gitsign reads SHA-1 repositories only, and this one is SHA-256": "as without an identity: the same advice",
    "gitsign was not found, and it is needed for X.509 signatures": "a program that Go installs",
    "this gitsign is too old: it has no verify-tag": "a program that Go installs",
    "gitsign accepts the signature for none of the identities that the policy names": "a sign-in by a browser",
    "ssh-keygen was not found, and it is needed for SSH signatures": "a package of the system",
    "neither gpgv nor gpg was found, and one of them is needed for OpenPGP signatures": "a package of the system",
    "the FIDO key of the CA was not touched when it signed the certificate": "as other certificates, by hardware",
    "an SSH certificate names too many principals, or too long ones": "as other certificates",
    "an SSH certificate's key id holds a zero byte": "as other certificates",
    "this is no SSH certificate": "of a signer's file, and of no tag",
    "the OpenPGP signature uses algorithm {}, which is not judged": "as a key that is too weak",
    "the signature uses SHA-3, which GnuPG does not know": "as a digest that is too weak, by another program than gpg",
    "the signing key is too weak": "as an RSA key of 1024 bits, by the same advice",
}
"""Sentences of signatures for which a person has to act and that no test can play, and why."""


def of_signatures() -> Iterator[str]:
    """The sentences with which a signature is refused, or not judged."""
    for name in ("openpgp", "ssh", "x509", "packets", "sshwire"):
        for node in ast.walk(ast.parse((SIGNATURES / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in RAISED and node.args:
                yield shape(node.args[0])
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("why", "text", "UNUSABLE"):
                yield shape(node.value)
    yield from (sentence for _, sentence in openpgp._REFUSALS)


def test_each_sentence_of_a_signature_has_a_case_or_is_signed_once_more() -> None:
    """`_damaged` plays the one way out of all for which no advice is written."""
    told = {one for one in of_signatures() if " " in one}
    assert len(told) > 60
    by_a_person = {one for one in told if tag_signed.way_out(one) or "gitsign" in one or "not found" in one}
    left = {one for one in by_a_person if not is_covered("tag-signed", one) and one not in ELSEWHERE}
    assert not left
    assert not {*ELSEWHERE} - told, "no such sentence any more"
    assert is_covered("tag-signed", "the signature's base64 is damaged")
    assert not tag_signed.way_out("the signature's base64 is damaged")
