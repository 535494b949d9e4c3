"""Verification alone, in a fresh process: PATH, which is fast or plain, and how many tags; prints seconds a tag."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from envhooks.git.repository import Git
from envhooks.policy.root import read_trust_root
from envhooks.signatures.payload import split
from envhooks.signatures.signers import read_signers
from envhooks.signatures.verify import verify_all


def main() -> None:
    """Read the tags first, then time what judges their signatures."""
    fast, limit = sys.argv[1] == "fast", int(sys.argv[2])
    with Git.open(Path.cwd()) as git:
        refs = git.refs("refs/tags/")[:limit]
        git.read_ahead(ref.oid for ref in refs)
        objects = [git.read(ref.oid) for ref in refs]
        payloads = [split(one.data, git.oid_length) for one in objects if one is not None]
        signers = read_signers(read_trust_root(git, git.resolve(), "main").signer_files, "main")
    start = time.perf_counter()
    verdicts = verify_all(payloads, signers, datetime.now(timezone.utc), fast=fast)
    seconds = time.perf_counter() - start
    assert len(verdicts) == len(refs) and all(one.status == "good" for one in verdicts), verdicts[0]
    print(seconds / len(verdicts))


if __name__ == "__main__":
    main()
