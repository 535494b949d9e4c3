"""Fuzzing for as long as one likes: `make fuzz`, FUZZ_SECONDS for each parser, FUZZ_TARGETS for some of them.

Atheris runs where it is installed; it has wheels for Linux and Python 3.11 to 3.13. An input that breaks a parser is
kept in the corpus, where the test suite tries it again.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"


def fuzz(target: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["envhooks"]):
        from targets import run

    def one(data: bytes) -> None:
        try:
            run(target, data)
        except Exception:
            kept = CORPUS / target / hashlib.sha256(data).hexdigest()[:12]
            kept.write_bytes(data)
            print(f"kept: {kept.relative_to(HERE)}", file=sys.stderr)
            raise

    found = HERE.parent.parent / ".cache" / "fuzz" / "corpus" / target.replace(" ", "-")
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-max_len=4096", "-rss_limit_mb=2048"]
    limits.append(f"-artifact_prefix={found}/")  # or libFuzzer leaves what was slow in the work tree
    atheris.Setup([sys.argv[0], *limits, str(found), str(CORPUS / target)], one)
    atheris.Fuzz()


def main() -> int:
    sys.path.insert(0, str(HERE))
    if len(sys.argv) > 1:
        fuzz(sys.argv[1], int(os.environ.get("FUZZ_SECONDS", "30")))
        return 0
    from targets import TARGETS

    wanted = os.environ.get("FUZZ_TARGETS", "")
    broken = []
    for target in wanted.split(",") if wanted else TARGETS:
        done = subprocess.run(
            [sys.executable, str(HERE), target], stderr=subprocess.PIPE, text=True, check=False
        )
        last = [
            line
            for line in done.stderr.split("\n")
            if line.startswith(("Done", "#", "kept", "==", "SUMMARY"))
        ]
        print(f"{target}: {'broken' if done.returncode else 'held'}: {last[-1] if last else ''}", flush=True)
        if done.returncode:
            broken.append(target)
            print(done.stderr[-3000:])
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
