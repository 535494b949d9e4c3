"""tag-signed: verdicts of the verifier."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from support import GOOD_TAG, Repo
from tag_parts import COMMIT, NAME, NEW, OLD, annotation, findings, subject

from envhooks.base.dataclass import replace
from envhooks.checks import tag_signed
from envhooks.judge.facts import LISTED, Publication, TagObject
from envhooks.policy.reader import default_policy
from envhooks.signatures import Verdict


@pytest.mark.parametrize("status", ["bad", "unsigned"])
def test_a_signature_that_is_not_good(status: str) -> None:
    verdict = Verdict(status, "the key is not allowed", got="SHA256:y")  # type: ignore[arg-type]
    (finding,) = findings(subject(signature=verdict), "tag-signed")
    assert (finding.level, finding.got) == ("error", "SHA256:y")


def test_a_warning_of_the_verifier_does_not_refuse() -> None:
    (finding,) = findings(subject(signature=Verdict("good", warnings=("it expires soon",))), "tag-signed")
    assert finding.level == "warning"


AGAIN = f"git tag -f -s -m 'First candidate' {NAME} {COMMIT[:12]}"
MERGED = "it counts once the protected branch holds it: commit .envhooks/, and have it merged by one who may"


@pytest.mark.parametrize(
    ("verdict", "fix", "advice"),
    [
        (Verdict("bad", "the OpenPGP signature names several issuers"), AGAIN, ""),
        (Verdict("unsigned", "the tag is not signed"), AGAIN, ""),
        (Verdict("bad", "the signing key has expired", fix="gpg --renew"), "gpg --renew", MERGED),
        (
            Verdict("bad", "the signing key is not allowed to sign releases"),
            "",
            "if the key is your own: envhooks signers add\n"
            f"if it is a colleague's, with the file of their public key: envhooks signers add KEY.pub\n{MERGED}",
        ),
        (
            Verdict("bad", "the signature does not fit the tag: one of the two was changed"),
            "",
            "look at the tag before you sign it again, as it is not what somebody signed:"
            f" git cat-file tag {NEW[:12]}",
        ),
        (
            Verdict("bad", "the signature is dated in the future"),
            "",
            f"set the clock of the machine on which you sign\nthen: {AGAIN}",
        ),
        (
            Verdict("bad", "the signing key is revoked"),
            "",
            "a revoked key stays so: sign with another one that .envhooks/allowed_signers lists",
        ),
        (
            Verdict("bad", "the signing key is not allowed for git by its namespaces"),
            "",
            f'its line in .envhooks/allowed_signers has to say namespaces="git"; {MERGED}',
        ),
        (
            Verdict("bad", "the signing key is too weak"),
            "",
            f"such a key never counts: make another one, and `envhooks signers add` it; {MERGED}",
        ),
        (
            Verdict("bad", "the signature uses SHA-3, which GnuPG does not know"),
            "",
            f"let the program that signs take SHA-256 or SHA-512\nthen: {AGAIN}",
        ),
    ],
)
def test_what_mends_a_signature(verdict: Verdict, fix: str, advice: str) -> None:
    (finding,) = findings(subject(signature=verdict), "tag-signed")
    assert (finding.message, finding.fix, finding.advice) == (verdict.why, fix, advice)
    assert (finding.got, finding.expected) == ("no signature", "a signature by an allowed signer")


def test_who_has_no_key_is_told_how_to_come_by_one() -> None:
    ways = ("to sign with your SSH key: git config x", "to sign with a new one: ssh-keygen")
    made = subject(signature=Verdict("unsigned", "the tag is not signed"), ways_to_a_key=ways)
    (finding,) = findings(made, "tag-signed")
    assert (finding.fix, finding.advice) == ("", "\n".join((*ways, f"then: {AGAIN}")))


def test_where_no_commit_is_known_no_command_makes_the_tag() -> None:
    """As where tag-annotated is switched off: the object is not one of a commit."""

    def advice(status: Literal["bad", "unsigned"], why: str, **facts: Any) -> str:
        made = subject(object=TagObject(NEW, "tree"), signature=Verdict(status, why), **facts)
        (found,) = tag_signed.check(made, default_policy())
        assert found.fix == ""
        return found.advice

    commit = "make the tag at a commit, by git tag -s"
    assert advice("unsigned", "the tag is not signed") == advice("bad", "it names several issuers") == commit
    ways = advice("unsigned", "the tag is not signed", ways_to_a_key=("to sign: git config x",))
    assert ways == f"to sign: git config x\nthen: {commit}"
    clock = "set the clock of the machine on which you sign"
    assert advice("bad", "the signature is dated in the future") == f"{clock}\nthen: {commit}"


def test_of_a_published_tag_that_moves_no_command_makes_it_anew() -> None:
    published = Publication(True, "the remote has it")
    bad = Verdict("bad", "the signature is dated in the future")
    (found,) = findings(subject(OLD, signature=bad, publication=published), "tag-signed")
    assert (found.fix, found.advice) == ("", "set the clock of the machine on which you sign")


def test_a_signature_for_another_name() -> None:
    other = TagObject(NEW, "tag", annotation(name="PyTorch-CUDA-v2.7"))
    (found,) = tag_signed.check(subject(object=other), default_policy())
    said = "the signature is for another name than the one that the tag is stored under"
    assert (found.level, found.message, found.fix) == ("error", said, AGAIN)
    assert (found.got, found.expected) == ("PyTorch-CUDA-v2.7", NAME)
    assert not [*tag_signed.check(subject(), default_policy())]


def test_what_tags_lock_vouches_for_stays_good() -> None:
    locked = Publication(True, LISTED, NEW, "2" * 64, "2" * 64)
    bad = Verdict("bad", "the signing key is revoked", warnings=("it expires soon",))
    (finding,) = findings(subject(NEW, signature=bad, publication=locked), "tag-signed")
    assert (finding.level, finding.got) == ("note", "the signing key is revoked")
    assert not findings(subject(NEW, signature=Verdict("good"), publication=locked), "tag-signed")
    for other in (replace(locked, sha256="3" * 64), replace(locked, locked_oid="4" * 40)):
        (finding,) = findings(subject(NEW, signature=bad, publication=other), "tag-signed")[:1]
        assert (finding.level, finding.message) == ("error", "the signing key is revoked")


LEVELS = ('"warning"', '{ level = "off", reason = "light ones are convenient" }')


@pytest.mark.parametrize("level", LEVELS)
def test_a_tag_without_an_object_is_unsigned_where_tag_annotated_is_lowered(good: Repo, level: str) -> None:
    """By the policy's word it may be lightweight; that nobody has to sign it is another word."""
    good.commit_files({".envhooks/policy.toml": f"[checks]\ntag-annotated = {level}\n"})
    good.git("push", "-q", "origin", "main")
    good.git("tag", GOOD_TAG)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 1 and "[tag-signed] the tag is not signed" in done.out, done
    assert f"git tag -f -s {GOOD_TAG} {good.git('rev-parse', 'HEAD')[:12]}" in done.out
    made = f"object {good.git('rev-parse', 'HEAD')}\ntype commit\ntag {GOOD_TAG}\n\nno tagger\n"
    oid = good.git("hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=made)
    good.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 1 and "[tag-signed] the tag is not signed" in done.out, done
    off = '{ level = "off", reason = "we sign elsewhere" }'
    good.commit_files({".envhooks/policy.toml": f"[checks]\ntag-annotated = {level}\ntag-signed = {off}\n"})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-f", GOOD_TAG)
    assert good.envhooks("check", GOOD_TAG).code == 0


@pytest.mark.parametrize("level", LEVELS)
def test_a_signature_for_another_name_is_none_where_tag_annotated_is_lowered(good: Repo, level: str) -> None:
    """A good, signed object that is stored under the name of the next release."""
    good.commit_files({".envhooks/policy.toml": f"[checks]\ntag-annotated = {level}\n"})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", "-m", "PyTorch 2.7", "PyTorch-CUDA-v2.7")
    good.git("update-ref", f"refs/tags/{GOOD_TAG}", good.git("rev-parse", "PyTorch-CUDA-v2.7"))
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 1 and "[tag-signed] the signature is for another name" in done.out, done
    commit = good.git("rev-parse", "HEAD")[:12]
    assert f"git tag -f -s -m 'PyTorch 2.7' {GOOD_TAG} {commit}" in done.out
