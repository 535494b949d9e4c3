"""`python -m envhooks`, and the console script."""

from __future__ import annotations

import gc
import os
import sys

# A run makes many objects that live to its end and few cycles: the usual 700 would have them all looked through again
# and again, a tenth of the time of a hook and of an audit. What a large one drops is still collected.
_COLLECT_AFTER = (100_000, 50, 50)


def main() -> int:
    """Run one verb; the exit code is its outcome."""
    gc.set_threshold(*_COLLECT_AFTER)
    try:
        from envhooks.base.run import ignore_signals, listen

        listen()
        from envhooks.cli import run

        code = run(sys.argv[1:])
        ignore_signals()
    except KeyboardInterrupt as error:  # before the first verb could be imported, or once more on the way out
        return getattr(error, "exit_code", 130)
    _leave(code)
    return code


def _leave(code: int) -> None:
    """End the process here: to take the interpreter apart object by object is a tenth of a hook's time, too.

    Nothing waits for that: processes, folders and threads ended with the verb that had them. Returns only where
    something stands in the way, such as a reader that went away.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
