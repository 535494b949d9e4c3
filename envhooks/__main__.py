"""`python -m envhooks`, and the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one verb; the exit code is its outcome."""
    try:
        from envhooks.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the first verb could be imported, or once more on the way out
        return 130


if __name__ == "__main__":
    sys.exit(main())
