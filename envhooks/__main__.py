"""`python -m envhooks`, and the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one verb; the exit code is its outcome."""
    try:
        from envhooks import interruption

        interruption.listen()
        from envhooks.cli import run

        code = run(sys.argv[1:])
        interruption.ignore()
        return code
    except KeyboardInterrupt as error:  # before the first verb could be imported, or once more on the way out
        return getattr(error, "exit_code", 130)


if __name__ == "__main__":
    sys.exit(main())
