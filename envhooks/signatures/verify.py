"""Payload + signature + allowed signers -> Verdict.

The plain path asks gpgv and ssh-keygen. The fast path (extra `fast`) verifies in this process and can
only say "good"; whatever it does not call good goes the plain path, so that both give the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from envhooks.base.run import Step, no_step
from envhooks.signatures import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from envhooks.signatures import Undecided
    from envhooks.signatures.fast import Fast
    from envhooks.signatures.payload import Payload
    from envhooks.signatures.programs import Work
    from envhooks.signatures.signers import Signers

_MANY = 4
"""Signatures from which on a second worker, or the import of the fast path, pays."""
_VERIFYING = "signatures verified"
_Begin = Callable[["Payload", int], "Work"]


def verify_all(
    payloads: Sequence[Payload],
    signers: Signers,
    now: datetime,
    *,
    jobs: int | None = None,
    fast: bool | None = None,
    step: Step = no_step,
) -> list[Verdict]:
    """The verdicts on these tags, in their order. `now` is aware of its time zone.

    Windows in allowed_signers, certificates and dates of signatures are judged at `now`; the expiry of
    OpenPGP keys by the machine's clock, to which `now` should be set. `jobs` is the number of
    workers (by default as many as keep the processors busy where there are many tags), `fast` forces the
    fast path or rules it out, `step` receives the progress.

    Never raises for what a tag holds: a signature that must not be accepted is `bad`, and one that
    cannot be judged because a program is missing or hangs is `undecided`.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("`now` needs a time zone")
    verdicts = {index: _triage(payload) for index, payload in enumerate(payloads)}
    open_ = [index for index, verdict in verdicts.items() if verdict is None]
    if open_ and (fast if fast is not None else len(open_) >= _MANY):
        from envhooks.signatures.fast import Fast

        verdicts.update(
            _verify_fast({index: payloads[index] for index in open_}, Fast(signers, now), jobs, step)
        )
        open_ = [index for index in open_ if verdicts[index] is None]
    if open_:
        found = _verify_plain([payloads[index] for index in open_], signers, now, jobs, step)
        verdicts.update(zip(open_, found, strict=True))
    return [verdict for _, verdict in sorted(verdicts.items()) if verdict is not None]


def _verify_fast(
    payloads: Mapping[int, Payload], verifier: Fast, jobs: int | None, step: Step
) -> Mapping[int, Verdict | None]:
    from envhooks.signatures.parallel import ENOUGH, verify_shared

    workers = (jobs or _processors()) if len(payloads) >= ENOUGH else 1
    total = len(payloads)
    found = verify_shared(
        [*payloads.values()], verifier.verify, workers, lambda done: step(_VERIFYING, done, total)
    )
    return dict(zip(payloads, found, strict=True))


def _triage(payload: Payload) -> Verdict | None:
    """The verdict where no signature has to be verified for it."""
    if payload.fault:
        return Verdict("bad", payload.fault)
    if payload.armor is None:
        return Verdict("unsigned", "the tag is not signed", got="no signature")
    return None


def _verify_plain(
    payloads: Sequence[Payload], signers: Signers, now: datetime, jobs: int | None, step: Step
) -> list[Verdict]:
    """The plain path: a process for each signature, its files in a folder that only we can read."""
    try:
        return _verify_in_folder(payloads, signers, now, jobs, step)
    except OSError as error:
        undecided = _no_files(error)
        return [undecided.verdict(payload.armor.scheme if payload.armor else "") for payload in payloads]


def _verify_in_folder(
    payloads: Sequence[Payload], signers: Signers, now: datetime, jobs: int | None, step: Step
) -> list[Verdict]:
    import tempfile

    # a failed removal is not a fault of the tag
    with tempfile.TemporaryDirectory(prefix="envhooks-", ignore_cleanup_errors=True) as folder:
        verifiers = _verifiers({p.armor.scheme for p in payloads if p.armor}, signers, now, folder)

        def judge(numbered: tuple[int, Payload]) -> Verdict:
            number, payload = numbered
            assert payload.armor is not None
            return _verdict(verifiers[payload.armor.scheme], payload, number)

        if jobs is None:
            # one more than there are processors, or one idles while a worker is between two programs
            jobs = _processors() + 1 if len(payloads) >= _MANY else 1
        if jobs < 2 or len(payloads) < 2:
            return [*_counted(map(judge, enumerate(payloads)), len(payloads), step)]
        from concurrent.futures import ThreadPoolExecutor

        # threads, as all the work is done by the processes that they wait for
        with ThreadPoolExecutor(jobs) as pool:
            try:
                return [*_counted(pool.map(judge, enumerate(payloads)), len(payloads), step)]
            except BaseException:  # else it would finish all waiting work before it ends
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _counted(verdicts: Iterator[Verdict], total: int, step: Step) -> Iterator[Verdict]:
    for done, verdict in enumerate(verdicts, 1):
        step(_VERIFYING, done, total)
        yield verdict


def _processors() -> int:
    """Number of processors that this process may use; more than a few would only wait for each other's memory."""
    import os

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(usable, 2), 16)


def _verifiers(schemes: set[str], signers: Signers, now: datetime, folder: str) -> dict[str, _Begin]:
    """Scheme -> its verifier, each with a folder of its own."""
    import os

    found: dict[str, _Begin] = {}
    for scheme in sorted(schemes):
        own = f"{folder}/{scheme}"
        os.mkdir(own, 0o700)
        if scheme == "openpgp":
            from envhooks.signatures.openpgp import OpenPgp

            found[scheme] = OpenPgp(signers, now, own).begin
        elif scheme == "x509":
            from envhooks.signatures.x509 import X509

            found[scheme] = X509(signers, now, own).begin
        else:
            from envhooks.signatures.ssh import Ssh

            found[scheme] = Ssh(signers, now, own).begin
    return found


def _verdict(begin: _Begin, payload: Payload, number: int) -> Verdict:
    from envhooks.signatures import Refused, Undecided

    assert payload.armor is not None
    try:
        return begin(payload, number).verdict()
    except (Refused, Undecided) as error:
        return error.verdict(payload.armor.scheme)


class PendingVerification:
    """One tag whose verifier is at work while its files are read; the verdict is that of `verify_all`."""

    def __init__(self, payload: Payload, signers: Signers, now: datetime) -> None:
        """Start the verifier, where a signature is to be verified at all."""
        from contextlib import ExitStack

        self._scheme = payload.armor.scheme if payload.armor else ""
        self._held = ExitStack()
        self._work: Work | None = None
        self._found = _triage(payload)
        if self._found is None:
            try:
                self._found = self._deciding(lambda: self._begin(payload, signers, now))
            except BaseException:
                self.end()
                raise

    def _begin(self, payload: Payload, signers: Signers, now: datetime) -> None:
        import tempfile

        folder = self._held.enter_context(
            tempfile.TemporaryDirectory(prefix="envhooks-", ignore_cleanup_errors=True)
        )
        self._work = _verifiers({self._scheme}, signers, now, folder)[self._scheme](payload, 0)
        self._held.callback(self._work.end)

    def _deciding(self, act: Callable[[], Verdict | None]) -> Verdict | None:
        """Result of `act`, or the verdict of the error that it raises."""
        from envhooks.signatures import Refused, Undecided

        try:
            return act()
        except (Refused, Undecided) as error:
            return error.verdict(self._scheme)
        except OSError as error:
            return _no_files(error).verdict(self._scheme)

    def verdict(self) -> Verdict:
        """The verdict, once the verifier has ended."""
        if self._found is None:
            assert self._work is not None
            self._found = self._deciding(self._work.verdict)
        self.end()
        assert self._found is not None
        return self._found

    def end(self) -> None:
        """End the verifier, should it still be at work, and remove its files."""
        self._held.close()


def _no_files(error: OSError) -> Undecided:
    from envhooks.signatures import Undecided

    return Undecided(f"the files that a verifier needs cannot be written: {error.strerror}", "df -h")
