"""`python -m envhooks`, and the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one verb; the exit code is its outcome."""
    from envhooks.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
