"""Whether a tag that this person signs now would be accepted, determined before anything is signed."""

from __future__ import annotations

from datetime import datetime, timezone

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable
from envhooks.cli import _signing
from envhooks.git.repository import Git
from envhooks.policy.root import FOLDER, TrustRoot
from envhooks.policy.trust import TrustContext
from envhooks.signatures.packets import PacketError
from envhooks.signatures.signers import Entry, OpenPgpEntry, Signers, choose, read_signers
from envhooks.signatures.signers.expiry import key_states
from envhooks.signatures.signers.lines import moment
from envhooks.signatures.signers.ownkey import OwnKey
from envhooks.signatures.signers.setup import cannot_sign

_EXPECTED_FORMATS = ("openpgp", "ssh")


@dataclass(frozen=True)
class SigningFault:
    """Reason why the signature would not be accepted."""

    text: str
    lines: tuple[str, ...] = ()
    """Ways out, laid out and fit to print."""


def signing_fault(git: Git, trust: TrustContext) -> SigningFault | None:
    """Obstacle to a good signature; None where none is known.

    Raises:
        PolicyError: the trust files cannot be read.
    """
    root = trust.root
    if (git.setting("gpg.format") or "openpgp") not in _EXPECTED_FORMATS and root.policy.keyless:
        return None  # gitsign: who signs is known when it is signed
    key, missing = _signing.own_key(git)
    if key is None:
        return SigningFault("git cannot sign for you", tuple(missing))
    unable = cannot_sign(key, git.effective_config)
    if unable is not None:
        return SigningFault(printable(unable.message), tuple(f"  {line}" for line in unable.fix.split("\n")))
    return refusal(root, key)


def refusal(root: TrustRoot, key: OwnKey) -> SigningFault | None:
    """Why the policy takes no signature by a key; None where it takes it, as far as can be told before.

    Raises:
        PolicyError: the trust files cannot be read.
    """
    if not root.has_signers:
        return None  # the first day: one's own key is the one that counts
    signers = read_signers(root.signer_files, f"{FOLDER} on {printable(root.where)}")
    entries = _entries(signers, key)
    entry = choose(entries, datetime.now(timezone.utc))
    shown = f"your key {printable(key.key)}"
    if _is_revoked(signers, key):
        which = shown if _is_listed(signers, key.key) else f"the subkey that signs, {key.part},"
        return SigningFault(f"{which} is revoked on {printable(root.where)}", ("  sign with another key",))
    if entry is None:
        if any(one.is_ca for one in signers.ssh) and key.scheme == "ssh":
            return None  # a certificate for it may come from that CA
        text = f"{shown} is not in {FOLDER}/allowed_signers on {printable(root.where)}"
        return SigningFault(text, ("  fix: envhooks signers add", "  then have that change merged"))
    if not entry.is_for_git:
        return SigningFault(f"{shown} may not sign what git makes ({FOLDER}/allowed_signers:{entry.line})")
    stale = _fault_of_certificate(entry, key)
    if stale:
        text = f"{shown}: its certificate on {printable(root.where)} {stale}"
        return SigningFault(text, ("  fix: envhooks signers add --renew", "  then have that change merged"))
    fault = entry.window.fault(datetime.now(timezone.utc))
    return SigningFault(f"{shown}: {fault} ({FOLDER}/allowed_signers:{entry.line})") if fault else None


def _entries(signers: Signers, key: OwnKey) -> list[Entry]:
    if key.scheme == "openpgp":
        return [one for one in signers.openpgp if one.fingerprint == key.key]
    return [one for one in signers.ssh if not one.is_ca and one.key.fingerprint == key.key]


def _fault_of_certificate(entry: Entry, key: OwnKey) -> str:
    """Why the part of the key that signs does not count by the certificate that the policy has; empty where it does."""
    if not isinstance(entry, OpenPgpEntry) or not key.part:
        return ""
    try:
        states = {state.key.fingerprint: state for state in key_states(entry.certificate)}
    except PacketError:
        return ""  # what reads it is asked again by the judge
    state = states.get(key.part)
    if state is None:
        return f"lacks the subkey that signs, {key.part}"
    if state.revoked:
        return f"revokes the part that signs, {key.part}"
    if not state.may_sign:
        return f"gives {key.part}, which signs, no right to"
    if state.expires is not None and state.expires <= datetime.now(timezone.utc).timestamp():
        return f"lets the part that signs, {key.part}, end on {moment(state.expires)}"
    return ""


def _is_revoked(signers: Signers, key: OwnKey) -> bool:
    return _is_listed(signers, key.key) or _is_listed(signers, key.part)


def _is_listed(signers: Signers, key: str) -> bool:
    """Whether revoked_keys lists a key, or a subkey."""
    return key in signers.revoked.ssh or key in signers.revoked.openpgp
