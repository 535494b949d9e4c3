#!/usr/bin/env python3
"""Holds our readers against the cases of those whose files we read: BuildKit, patternmatcher, pip, uv and packaging.

    python scripts/compare_peers.py                     # fetches what is missing, then compares
    python scripts/compare_peers.py --from FOLDER       # repositories that are here: OWNER+NAME.git or OWNER/NAME
    python scripts/compare_peers.py --only pip --verbose

Each peer is read at one commit, from scripts/peers/*.py. tests/corpus/peers.tsv has every difference that stays, with
what they say, what we say and why; a difference that is not there, and one there that is gone, are both told. pip's and
packaging's own parsers are run on the texts of their tests, from the checkout; nothing else of a peer is run.

Exit code: 0; 1 where the differences are not those that are judged; 2 where a repository could not be had.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "scripts")]

from peers import Case, Checkout  # noqa: E402
from score_corpus import repository  # noqa: E402

JUDGED = TOP / "tests" / "corpus" / "peers.tsv"
PEERS = ("buildkit", "patternmatcher", "pip", "uv", "packaging")


def judged(path: Path = JUDGED) -> dict[tuple[str, str], str]:
    """(peer, case) -> why the difference stays."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(one["peer"], one["case"]): one["why"] for one in csv.DictReader(file, delimiter="\t")}


def shown(case: Case) -> str:
    """One difference in three lines."""
    return f"{case.name}: {case.given[:200]!r}\n    they: {case.theirs!r:.300}\n    we:   {case.ours!r:.300}"


def compare(peer: str, folder: Path | None, known: dict[tuple[str, str], str], verbose: bool) -> int:
    """Compare with one peer, and print what came of it."""
    module = importlib.import_module(f"peers.{peer}")
    path = repository(module.REPOSITORY, module.COMMIT, folder)
    if path is None:
        print(f"not here and not to be fetched: {module.REPOSITORY} {module.COMMIT}", file=sys.stderr)
        return 2
    several = list(module.cases(Checkout(path, module.COMMIT)))
    different = {case.name: case for case in several if not case.alike}
    new = [case for name, case in different.items() if (peer, name) not in known]
    gone = [name for one, name in known if one == peer and name not in different]
    alike = sum(case.alike for case in several)
    print(
        f"{module.REPOSITORY}: {alike} of {len(several)} alike, {len(different) - len(new)} differences judged"
    )
    for case in new:
        print(f"NEW {shown(case)}")
    for name in gone:
        print(f"GONE {name}")
    if verbose:
        for name, case in different.items():
            print(shown(case) + f"\n    why:  {known.get((peer, name), '?')}")
    return int(bool(new or gone))


def main() -> int:
    """Compare with every peer, or with one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--from", dest="folder", type=Path, help="repositories that are here already")
    parser.add_argument("--only", choices=PEERS, help="one of the peers")
    parser.add_argument("--verbose", action="store_true", help="each judged difference")
    options = parser.parse_args()
    known = judged()
    peers = (options.only,) if options.only else PEERS
    return max(compare(one, options.folder, known, options.verbose) for one in peers)


if __name__ == "__main__":
    sys.exit(main())
