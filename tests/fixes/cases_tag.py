"""Cases of the checks on the tag itself."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench import Bench, case
from support import GOOD_TAG, gnupg_home

NOT_SIGNED = "the tag is not signed"
LIGHTWEIGHT = "the tag is lightweight, so it can carry no signature"
MOVES = "a published tag never moves (the remote has it)"
BAD_NAME = "*"


def _older_commit(bench: Bench) -> str:
    """Another commit on main above the one that is meant; answers the lower one."""
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.commit("Something else")
    bench.repo.git("push", "-q", "origin", "main")
    return meant


# ---------------------------------------------------------------------------------------- tag-name


@case("tag-name", BAD_NAME)
def _name_while_it_is_made(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    shown = bench.refused("tag", "-s", "pytorch-cuda-2.8rc1", "-m", 'It\'s the "first" $(candidate)', meant)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert bench.message_of(GOOD_TAG).strip() == 'It\'s the "first" $(candidate)'


@case("tag-name", BAD_NAME)
def _name_with_a_long_message(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    message = "First candidate\n\n" + "\n".join(f"# line {n} of 'many' \\ things" for n in range(40))
    bench.repo.write({"../message": message})
    shown = bench.refused(
        "tag", "-s", "pytorch-cuda-2.8rc1", "--cleanup=whitespace", "-F", "../message", meant
    )
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert [*bench.message_of(GOOD_TAG).split()] == message.split()


@case("tag-name", BAD_NAME)
def _name_at_the_push(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", "PyTorch-CUDA-V2.8.rc1", "-m", "First candidate", meant)
    bench.hooks()
    shown = bench.refused("push", "origin", "PyTorch-CUDA-V2.8.rc1")
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert not bench.repo.has_tag("PyTorch-CUDA-V2.8.rc1")
    bench.repo.git("push", "origin", GOOD_TAG)


@case("tag-name", BAD_NAME)
def _name_on_the_server(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", "PyTorch-CUDA-V2.8.rc1", "-m", "First candidate", meant)
    bench.guard()
    shown = bench.refused("push", "origin", "PyTorch-CUDA-V2.8.rc1")
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    bench.repo.git("push", "origin", GOOD_TAG)


@case("tag-name", BAD_NAME)
def _name_as_it_stands(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", "PyTorch-CUDA-V2.8.rc1", "-m", "First candidate", meant)
    shown = bench.found("PyTorch-CUDA-V2.8.rc1")
    assert not shown.fix  # nobody knows whether the remote has it
    bench.paste(shown.command("never pushed"))
    bench.settled(GOOD_TAG, meant)


@case("tag-name", BAD_NAME)
def _name_that_is_published(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", "v1.0", "-m", "Of long ago", meant)
    bench.repo.git("push", "-q", "origin", "v1.0")
    _is_admitted(bench, "v1.0", meant)


@case("tag-name", BAD_NAME)
def _name_that_is_hostile(bench: Bench) -> None:
    meant = _older_commit(bench)
    for name in ("v1;$(touch${IFS}owned)`id`'x'", "v%s\u00e9##x]"):
        bench.repo.git("tag", "-s", "-m", "x", name, meant)
        bench.repo.git("push", "-q", "origin", f"refs/tags/{name}")
        _is_admitted(bench, name, meant)
        assert not (bench.repo.path / "owned").exists()


@case("tag-name", BAD_NAME)
def _name_that_no_terminal_should_see(bench: Bench) -> None:
    name = "PyTorch-CUDA-v2.8-rc1\u200b"
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", "-m", "x", name, meant)
    bench.repo.git("tag", "-s", "-m", "x", "\u202ev1", meant)
    shown = bench.found(name)
    bench.paste(shown.command("never pushed"))
    bench.settled(GOOD_TAG, meant)
    assert not bench.repo.has_tag(name)
    assert "ignore" in bench.found("\u202ev1").advice


@case("tag-name", BAD_NAME)
def _name_that_the_dockerfile_completes(bench: Bench) -> None:
    bench.repo.commit_files({"CHANGELOG.md": "## 2.8.0-rc3 - 2026-11-02\n\nTry it out at your own risk.\n"})
    meant = _older_commit(bench)
    bench.hooks()
    for name, whole in (
        ("PyTorch-CUDA-2.8.0+cu128-rc3", "PyTorch-CUDA12.8-v2.8.0-rc3"),
        ("v2.8.0-rc3", "PyTorch-CUDA-v2.8.0-rc3"),
    ):
        bench.paste(bench.refused("tag", "-s", "-m", "Third", name, meant).fix)
        bench.settled(whole, meant)


@case("tag-name", BAD_NAME)
def _name_that_is_taken(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "First candidate", meant)
    bench.hooks()
    shown = bench.refused("tag", "-s", "pytorch-cuda-2.8rc1", "-m", "Again", meant)
    assert not shown.fix and "already" in shown.advice


def _is_admitted(bench: Bench, tag: str, meant: str) -> None:
    """What the advice says of a tag that is out leads to one that is admitted, and that is not touched."""
    before = bench.repo.git("rev-parse", f"refs/tags/{tag}")
    shown = bench.found(tag)
    assert not shown.fix and "tag -f" not in shown.command("published")
    bench.paste(shown.command("published"))
    bench.repo.commit("Admit it")
    bench.repo.git("push", "-q", "origin", "main")
    bench.settled(tag, meant)
    assert bench.repo.git("rev-parse", f"refs/tags/{tag}") == before


@case("tag-name", "heads/* has the tag's name, and may be taken for it: `git clone -b` takes a branch first")
def _branch_of_the_same_name(bench: Bench) -> None:
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    bench.repo.git("branch", GOOD_TAG)
    shown = bench.found(GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


# ----------------------------------------------------------------------------------- tag-annotated


@case("tag-annotated", LIGHTWEIGHT)
def _lightweight_while_it_is_made(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    shown = bench.refused("tag", GOOD_TAG, meant)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


@case("tag-annotated", LIGHTWEIGHT)
def _lightweight_at_the_push(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", GOOD_TAG, meant)
    bench.hooks()
    shown = bench.refused("push", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


@case("tag-annotated", LIGHTWEIGHT)
def _lightweight_by_a_checkout(bench: Bench) -> None:
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    bench.repo.git("push", "-q", "origin", GOOD_TAG)
    bench.repo.git("tag", "-f", GOOD_TAG, meant)
    shown = bench.found(GOOD_TAG)
    bench.paste(shown.command("checkout"))
    bench.settled(GOOD_TAG, meant)


@case("tag-annotated", LIGHTWEIGHT)
def _lightweight_and_published(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", GOOD_TAG, meant)
    bench.repo.git("push", "-q", "origin", GOOD_TAG)
    _is_admitted(bench, GOOD_TAG, meant)


@case("tag-annotated", LIGHTWEIGHT)
def _lightweight_after_fetch(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", GOOD_TAG, meant)
    bench.repo.git("push", "-q", "origin", GOOD_TAG)
    shown = bench.found(GOOD_TAG, "--fetch")
    assert "fetch" not in shown.fix + shown.advice and "tag -f" not in shown.fix + shown.advice
    bench.paste(shown.command("published"))
    bench.repo.commit("Admit it")
    bench.repo.git("push", "-q", "origin", "main")
    bench.settled(GOOD_TAG, meant)


@case("tag-annotated", "the tag is a symbolic ref, which moves whenever the ref behind it does")
def _symbolic(bench: Bench) -> None:
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    bench.repo.git("update-ref", "refs/hidden/x", f"refs/tags/{GOOD_TAG}")
    bench.repo.git("update-ref", "-d", f"refs/tags/{GOOD_TAG}")
    bench.repo.git("symbolic-ref", f"refs/tags/{GOOD_TAG}", "refs/hidden/x")
    shown = bench.found(GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert bench.repo.try_git("symbolic-ref", f"refs/tags/{GOOD_TAG}").code != 0


@case("tag-annotated", "the tag names a tree, and a release is a commit")
def _of_a_tree(bench: Bench) -> None:
    bench.hooks()
    shown = bench.refused("tag", GOOD_TAG, "HEAD^{tree}")
    assert not shown.fix and "commit" in shown.advice


@case("tag-annotated", "the tag points at a tree, and a release is a commit")
def _annotated_of_a_tree(bench: Bench) -> None:
    bench.hooks()
    shown = bench.refused("tag", "-s", "-m", "x", GOOD_TAG, "HEAD^{tree}")
    assert not shown.fix and "commit" in shown.advice


@case("tag-annotated", "the tag points at a tag, and a release is a commit")
def _of_a_tag(bench: Bench) -> None:
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    inner = bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    bench.repo.git("tag", "-d", GOOD_TAG)
    bench.hooks()
    meant = bench.repo.git("rev-parse", "HEAD")
    shown = bench.refused("tag", "-s", "-m", "First candidate", GOOD_TAG, inner)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


@case("tag-annotated", "the tag object is malformed: *")
def _malformed(bench: Bench) -> None:
    head = bench.repo.git("rev-parse", "HEAD")
    text = f"object {head}\ntype commit\ntag {GOOD_TAG}\n\nno tagger\n"
    oid = bench.repo.git("hash-object", "-t", "tag", "-w", "--literally", "--stdin", stdin=text)
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    shown = bench.found(GOOD_TAG)
    assert not shown.fix and "commit" in shown.advice


@case("tag-annotated", "the tag object was made for another name than the one that it is stored under")
def _of_another_name(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.7-rc2", "-m", "Candidate", meant)
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", "refs/tags/PyTorch-CUDA-v2.7-rc2")
    bench.hooks()
    shown = bench.refused("push", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


# -------------------------------------------------------------------------------------- tag-signed


@case("tag-signed", "the signature is for another name than the one that the tag is stored under")
def _signed_for_another_name(bench: Bench) -> None:
    bench.repo.commit_files({".envhooks/policy.toml": '[checks]\ntag-annotated = "warning"\n'})
    bench.repo.git("push", "-q", "origin", "main")
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.7-rc2", "-m", "Candidate")
    bench.repo.git("update-ref", f"refs/tags/{GOOD_TAG}", "refs/tags/PyTorch-CUDA-v2.7-rc2")
    bench.hooks()
    shown = bench.refused("push", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


@case("tag-signed", NOT_SIGNED)
def _unsigned_while_it_is_made(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    shown = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert bench.message_of(GOOD_TAG).strip() == "First candidate"


@case("tag-signed", NOT_SIGNED)
def _unsigned_on_the_server(bench: Bench) -> None:
    bench.guard()
    meant = _older_commit(bench)
    bench.repo.git("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    shown = bench.refused("push", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    bench.repo.git("push", "origin", GOOD_TAG)


@case("tag-signed", NOT_SIGNED)
def _unsigned_and_published(bench: Bench) -> None:
    meant = _older_commit(bench)
    bench.repo.git("tag", "-a", "-m", "x", GOOD_TAG, meant)
    bench.repo.git("push", "-q", "origin", GOOD_TAG)
    _is_admitted(bench, GOOD_TAG, meant)


@case("tag-signed", NOT_SIGNED)
def _unsigned_without_a_key_by_ssh(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    _without_a_key(bench)
    shown = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    assert not shown.fix
    (bench.repo.path.parent / "home" / ".ssh").mkdir(mode=0o700)
    bench.paste(shown.command("new SSH key"), stdin="\n\n")
    again = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    _is_let_in(bench, again.fix, meant)


@case("tag-signed", NOT_SIGNED)
def _unsigned_without_a_key_by_openpgp(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    _without_a_key(bench)
    shown = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    gnupg = Path(tempfile.mkdtemp(prefix="eh-"))  # the agent's socket has to have a short path
    bench.repo.environ["GNUPGHOME"] = str(gnupg_home(gnupg))
    try:
        bench.paste(shown.command("new OpenPGP key"))
        again = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
        _is_let_in(bench, again.fix, meant)
    finally:
        bench.paste("gpgconf --kill all", good=False)
        shutil.rmtree(gnupg, ignore_errors=True)


@case("tag-signed", NOT_SIGNED)
def _unsigned_with_a_key_that_git_does_not_know(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    _without_a_key(bench)
    _with_a_key_of_ssh(bench)
    shown = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    bench.paste(shown.command("your SSH key"))
    again = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    _is_let_in(bench, again.fix, meant)


@case("tag-signed", NOT_SIGNED)
def _unsigned_where_the_repository_sets_another_format(bench: Bench) -> None:
    """What a fix sets for the person would not count: the repository's own overrules it."""
    bench.hooks()
    meant = _older_commit(bench)
    _without_a_key(bench)
    key = _with_a_key_of_ssh(bench)
    for settings, part in (
        ({"gpg.format": "openpgp"}, "your SSH key"),
        ({"gpg.format": "x509", "user.signingkey": "0xABCDEF"}, "x509"),
        ({"gpg.format": "ssh", "user.signingkey": "/nowhere/id.pub"}, "public key there"),
        ({"gpg.format": "openpgp", "user.signingkey": f"{key}.pub"}, "does not say ssh"),
    ):
        for setting, value in settings.items():
            bench.repo.git("config", setting, value)
        shown = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
        bench.paste(shown.command(part))
        again = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
        for setting in settings:
            assert again.fix.startswith("git tag -s "), again
            bench.repo.git("config", "--unset", setting)
        for setting in {"gpg.format", "user.signingkey"} - {*settings}:
            bench.repo.git("config", "--global", "--unset", setting, check=None)
    bench.repo.git("config", "gpg.format", "ssh")
    bench.repo.git("config", "user.signingkey", f"{key}.pub")
    _is_let_in(bench, again.fix, meant)


@case("tag-signed", NOT_SIGNED)
def _unsigned_as_the_private_key_is_gone(bench: Bench) -> None:
    """Before Git 2.40 a tag that cannot be signed is made all the same, so that once more would be as bad."""
    bench.hooks()
    meant = _older_commit(bench)
    keys = bench.repo.path.parent / "a folder"
    keys.mkdir()
    shutil.copy(f"{bench.repo.environ['HOME']}/id.pub", keys)
    bench.repo.git("config", "user.signingkey", f"{keys}/id.pub")
    shown = bench.refused("tag", "-a", "-m", "First candidate", GOOD_TAG, meant)
    assert not shown.fix and f"put it at {keys}/id" in shown.advice.replace("\n", " ")
    shutil.copy(f"{bench.repo.environ['HOME']}/id", keys)
    bench.paste(shown.command("then"))
    bench.settled(GOOD_TAG, meant)


@case("tag-name", BAD_NAME)
def _name_of_a_tag_that_is_not_signed_either(bench: Bench) -> None:
    """The one command that is printed mends both."""
    bench.hooks()
    meant = _older_commit(bench)
    for kind in (("-a", "-m", "First candidate"), ()):
        shown = bench.refused("tag", *kind, "pytorch-cuda-2.8rc1", meant)
        assert [one.fix for one in bench.before if one.level == "error"] == [shown.fix, ""]
        bench.paste(shown.fix)
        bench.settled(GOOD_TAG, meant)
        bench.repo.git("tag", "-d", GOOD_TAG)


def _without_a_key(bench: Bench) -> None:
    home = bench.repo.path.parent / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Bob O'Neil\n\temail = bob@example.org\n")
    bench.repo.environ.update(
        HOME=str(home), GNUPGHOME=str(home / "gnupg"), GIT_CONFIG_GLOBAL=str(home / ".gitconfig")
    )


def _with_a_key_of_ssh(bench: Bench) -> Path:
    """Where a person without settings has a key that only ssh knows; the public one is beside it."""
    key = bench.repo.path.parent / "home" / ".ssh" / "id_ed25519"
    key.parent.mkdir(mode=0o700)
    bench.paste(f"ssh-keygen -q -t ed25519 -N '' -f {key}")
    return key


def _is_let_in(bench: Bench, sign: str, meant: str) -> None:
    """The key is not allowed yet; the advice says how it comes to be."""
    done = bench.paste(sign, good=False)
    assert done.code != 0
    from bench import on_screen

    (shown,) = [one for one in on_screen(done.err) if one.check == "tag-signed"]
    assert not shown.fix and "merged" in shown.advice
    bench.paste(shown.command("your own"))
    bench.repo.commit("Let Bob in")
    bench.repo.git("push", "-q", "origin", "main")
    bench.paste(sign)
    bench.settled(GOOD_TAG, meant)


@case("tag-signed", "the signing key is not allowed to sign releases")
def _stranger(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    home = bench.repo.environ["HOME"]
    command = (
        "-c",
        f"user.signingkey={home}/stranger.pub",
        "tag",
        "-s",
        "-m",
        "First candidate",
        GOOD_TAG,
        meant,
    )
    shown = bench.refused(*command)
    assert not shown.fix and "merged" in shown.advice
    bench.paste(shown.command("a colleague's").replace("KEY.pub", f"{home}/stranger.pub"))
    bench.repo.commit("Let a colleague in")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git(*command)
    bench.settled(GOOD_TAG, meant)


# ------------------------------------------------------------------------------------- tag-message


@case("tag-message", "the tag's message is empty")
def _empty_message(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    bench.repo.write({"../empty": ""})
    shown = bench.refused("tag", "-s", "--cleanup=verbatim", "-F", "../empty", GOOD_TAG, meant)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)


@case("tag-message", "the tag's message says CUDA 11.8, and the Dockerfile 12.8*")
def _message_with_another_cuda(bench: Bench) -> None:
    bench.hooks()
    meant = _older_commit(bench)
    shown = bench.refused("tag", "-s", "-m", "PyTorch 2.8 for CUDA 11.8", "-m", "It's out", GOOD_TAG, meant)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert bench.message_of(GOOD_TAG).split() == ["PyTorch", "2.8", "for", "CUDA", "12.8", "It's", "out"]


# ----------------------------------------------------------------------------------- tag-immutable


def _published(bench: Bench) -> str:
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    bench.repo.git("push", "-q", "origin", GOOD_TAG)
    return bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}")


@case("tag-immutable", MOVES)
def _moved_at_the_push(bench: Bench) -> None:
    published, commit = _published(bench), bench.repo.git("rev-parse", "HEAD")
    meant = bench.repo.commit("A correction")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.8-rc2", "-m", "Second", commit)
    bench.repo.git("tag", "-f", "-s", GOOD_TAG, "-m", "First candidate", meant)
    bench.repo.commit_files({"CHANGELOG.md": "## 2.8-rc3 - 2026-11-02\n\nTry it out at your own risk.\n"})
    bench.hooks()
    shown = bench.refused("push", "--force", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published
    bench.settled(GOOD_TAG, commit)
    bench.repo.git("push", "--force", "origin", GOOD_TAG)
    assert shown.command("next free name") == f"git tag -s PyTorch-CUDA-v2.8-rc3 {meant[:12]}"


@case("tag-immutable", MOVES)
def _moved_on_the_server(bench: Bench) -> None:
    published, commit = _published(bench), bench.repo.git("rev-parse", "HEAD")
    bench.guard()
    bench.repo.git("tag", "-f", "-s", GOOD_TAG, "-m", "Another", commit)
    shown = bench.refused("push", "--force", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published
    assert shown.command("next free name") == f"git tag -s PyTorch-CUDA-v2.8-rc2 {commit[:12]}"
    bench.paste(shown.command("next free name"))
    bench.repo.git("push", "origin", "PyTorch-CUDA-v2.8-rc2")


@case("tag-immutable", "a published release is not deleted (the remote has it)")
def _deleted_at_the_push(bench: Bench) -> None:
    published, commit = _published(bench), bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("tag", "-d", GOOD_TAG)
    bench.hooks()
    bench.repo.git("fetch", "-q", "--no-tags", "origin", f"refs/tags/{GOOD_TAG}")
    shown = bench.refused("push", "origin", f":refs/tags/{GOOD_TAG}")
    bench.paste(shown.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published
    bench.settled(GOOD_TAG, commit)


def _locked(bench: Bench) -> str:
    published = _published(bench)
    bench.repo.envhooks("lock", GOOD_TAG, check=True)
    bench.repo.commit("Lock it")
    bench.repo.git("push", "-q", "origin", "main")
    return published


@case("tag-immutable", "tags.lock lists this tag with another object")
def _locked_and_moved_here(bench: Bench) -> None:
    published, commit = _locked(bench), bench.repo.git("rev-parse", "HEAD~1")
    bench.repo.git("tag", "-f", "-s", GOOD_TAG, "-m", "Another", "HEAD")
    shown = bench.found(GOOD_TAG)
    bench.paste(shown.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published
    bench.settled(GOOD_TAG, commit)


@case("tag-immutable", "tags.lock lists this tag with another object")
def _locked_and_moved_on_the_remote(bench: Bench) -> None:
    published, commit = _locked(bench), bench.repo.git("rev-parse", "HEAD~1")
    bench.repo.git("tag", "-f", "-s", GOOD_TAG, "-m", "Another", "HEAD")
    bench.repo.git("push", "-q", "--force", "origin", GOOD_TAG)
    shown = bench.found(GOOD_TAG, "--fetch")
    assert not shown.fix and "fetch" not in shown.advice
    bench.paste(shown.command("the remote itself"))
    again = bench.found(GOOD_TAG)
    bench.paste(again.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published
    bench.settled(GOOD_TAG, commit)


@case("tag-immutable", "tags.lock lists this tag and it is not there")
def _locked_and_gone(bench: Bench) -> None:
    published, commit = _locked(bench), bench.repo.git("rev-parse", "HEAD~1")
    bench.repo.git("tag", "-d", GOOD_TAG)
    shown = bench.found(GOOD_TAG)
    bench.paste(shown.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published
    bench.settled(GOOD_TAG, commit)


@case("tag-immutable", "tags.lock lists this tag for ever")
def _locked_and_deleted_at_the_push(bench: Bench) -> None:
    published = _locked(bench)
    bench.hooks()
    shown = bench.refused("push", "origin", f":refs/tags/{GOOD_TAG}")
    bench.paste(shown.fix)
    assert bench.repo.git("rev-parse", f"refs/tags/{GOOD_TAG}") == published


@case("tag-immutable", "tags.lock lists this tag's object with other contents, by their SHA-256")
def _locked_by_another_digest(bench: Bench) -> None:
    _locked(bench)
    ledger = bench.repo.path / ".envhooks" / "tags.lock"
    lines = ledger.read_text().split("\n")
    ledger.write_text(
        "\n".join(
            " ".join([*line.split(" ")[:2], "0" * 64, *line.split(" ")[3:]]) if GOOD_TAG in line else line
            for line in lines
        )
    )
    bench.repo.commit("Forge it")
    bench.repo.git("push", "-q", "origin", "main")
    shown = bench.found(GOOD_TAG)
    assert not shown.fix and "trust" in shown.advice


# --------------------------------------------------------------------------------------- tag-order


@case(
    "tag-order",
    "the version is the same as that of a release which exists",
    "the version is lower than that of a release which exists",
)
def _order(bench: Bench) -> None:
    same = "same" in bench.said
    bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.8-rc2", "-m", "Second")
    if same:
        bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.8.0-rc2", "-m", "Second")
        bench.repo.git("tag", "-d", "PyTorch-CUDA-v2.8-rc2")
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.hooks()
    name = "PyTorch-CUDA-v2.8-rc2" if same else "PyTorch-CUDA-v2.8-rc1"
    shown = bench.refused("tag", "-s", "-m", "x", name)
    command = shown.command("next free name")
    free = command.split()[3]
    version = free.removeprefix("PyTorch-CUDA-v")
    assert free.endswith("-rc3") and command.endswith(meant[:12]) and not shown.fix
    bench.repo.commit_files({"CHANGELOG.md": f"## {version} - 2026-11-02\n\nTry it out at your own risk.\n"})
    bench.repo.git("push", "-q", "origin", "main")
    bench.paste(command.replace(meant[:12], "HEAD"))
    bench.settled(free, bench.repo.git("rev-parse", "HEAD"))


@case("tag-order", "it is a rebuild of a stable release, and there is none of this version")
def _rebuild_without_its_release(bench: Bench) -> None:
    """The release that it rebuilds is on the server, and this clone has not fetched it."""
    text = "## {} - 2026-11-02\n\nNo known issues. Upgrading needs nothing.\n\n"
    bench.repo.commit_files({"CHANGELOG.md": text.format("2.8-post1") + text.format("2.8")})
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.8", "-m", "Stable")
    bench.repo.git("push", "-q", "origin", "PyTorch-CUDA-v2.8")
    bench.repo.git("tag", "-d", "PyTorch-CUDA-v2.8")
    meant = bench.repo.git("rev-parse", "HEAD")
    bench.repo.git("tag", "-s", "PyTorch-CUDA-v2.8-post1", "-m", "Rebuilt")
    bench.hooks()
    shown = bench.refused("push", "origin", "PyTorch-CUDA-v2.8-post1")
    assert not shown.fix and "else release PyTorch-CUDA-v2.8 first" in shown.advice
    bench.paste(shown.command("only missing here"))
    bench.repo.git("push", "-q", "origin", "PyTorch-CUDA-v2.8-post1")
    bench.settled("PyTorch-CUDA-v2.8-post1", meant)


# ----------------------------------------------------------------------------------------- on-main


@case("on-main", "the tagged commit is not on origin/main")
def _not_pushed(bench: Bench) -> None:
    bench.hooks()
    meant = bench.repo.commit("Not pushed")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    shown = bench.refused("push", "origin", GOOD_TAG)
    bench.paste(shown.fix)
    bench.settled(GOOD_TAG, meant)
    assert bench.server.git("rev-parse", f"refs/tags/{GOOD_TAG}^{{commit}}") == meant


@case("on-main", "the tagged commit is not on origin/main")
def _gone_apart(bench: Bench) -> None:
    base = bench.repo.git("rev-parse", "HEAD")
    bench.repo.commit_files({"other": "theirs"}, "Theirs")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("reset", "-q", "--hard", base)
    meant = bench.repo.commit_files({"mine": "mine"}, "Mine")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    bench.hooks()
    shown = bench.refused("push", "origin", GOOD_TAG)
    assert not shown.fix
    bench.paste(shown.command("gone apart"))
    bench.settled(GOOD_TAG, meant)


@case("on-main", "the tagged commit is not on origin/main")
def _gone_apart_and_not_fetched(bench: Bench) -> None:
    """The push itself tells what the remote's branch is: the same push once more would be as bad."""
    base = bench.repo.git("rev-parse", "HEAD")
    bench.repo.commit_files({"other": "theirs"}, "Theirs")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("reset", "-q", "--hard", base)
    bench.repo.git("update-ref", "refs/remotes/origin/main", base)
    bench.repo.git("reflog", "expire", "--expire=now", "--all")
    bench.repo.git("gc", "-q", "--prune=now")
    meant = bench.repo.commit_files({"mine": "mine"}, "Mine")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    bench.hooks()
    first = bench.refused("push", "origin", GOOD_TAG)
    assert bench.paste(first.fix, good=False).code != 0
    shown = bench.refused("push", "--atomic", "origin", "main", GOOD_TAG)
    assert not shown.fix
    bench.paste(shown.command("gone apart"))
    bench.settled(GOOD_TAG, meant)


@case("on-main", "the tagged commit is not on origin/main")
def _not_fetched(bench: Bench) -> None:
    meant = _on_a_side_branch(bench)
    bench.server.git("update-ref", "refs/heads/main", meant)
    shown = bench.refused("push", "origin", GOOD_TAG)
    assert not shown.fix
    bench.paste(shown.command("merged on the remote already"))
    bench.settled(GOOD_TAG, meant)
    bench.repo.git("push", "origin", GOOD_TAG)


@case("on-main", "the tagged commit is not on origin/main")
def _squashed(bench: Bench) -> None:
    """What main has of it is another commit, which a person looks at and tags."""
    side = _on_a_side_branch(bench)
    bench.repo.git("switch", "-q", "main")
    bench.repo.git("merge", "-q", "--squash", side)
    bench.repo.git("commit", "-q", "--allow-empty", "-m", "All of it at once")
    bench.repo.git("push", "-q", "origin", "main")
    shown = bench.refused("push", "origin", GOOD_TAG)
    assert not shown.fix
    assert "All of it at once" in bench.paste(shown.command("squashed or rebased")).out
    bench.repo.git("tag", "-f", "-s", "-m", "x", GOOD_TAG, "main")
    bench.settled(GOOD_TAG, bench.repo.git("rev-parse", "main"))


@case("on-main", "the tagged commit is not on origin/main")
def _not_merged(bench: Bench) -> None:
    meant = _on_a_side_branch(bench)
    shown = bench.refused("push", "origin", GOOD_TAG)
    assert not shown.fix and "not merged yet" in shown.advice
    bench.repo.git("switch", "-q", "main")
    bench.repo.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    bench.repo.git("push", "-q", "origin", "main")
    bench.repo.git("push", "origin", GOOD_TAG)
    bench.settled(GOOD_TAG, meant)


def _on_a_side_branch(bench: Bench) -> str:
    bench.repo.git("switch", "-q", "-c", "side")
    meant = bench.repo.commit_files({"x": "x"}, "Aside")
    bench.repo.git("push", "-q", "origin", "side")
    bench.repo.git("tag", "-s", GOOD_TAG, "-m", "x")
    bench.hooks()
    return meant
