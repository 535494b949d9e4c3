"""`python -m envhooks`, and the console script."""

from __future__ import annotations

import gc
import os
import sys

# A run makes many objects that live to its end and few cycles: the usual threshold of 700 would scan all of them again
# and again, a tenth of the time of a hook and of an audit. The garbage of a large run is still collected.
_COLLECT_AFTER = (100_000, 50, 50)


def main() -> int:
    """Run one verb; the exit code is its outcome."""
    gc.set_threshold(*_COLLECT_AFTER)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _stand_in()
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


def _stand_in() -> None:
    """Fill the place of a stream that is closed (`envhooks list >&-`), or a file that is opened would take it.

    What is written to standard output fails then as it does where a disk is full; what nobody reads of stderr is lost.
    """
    for number, (name, mode, flags) in enumerate(
        (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))
    ):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            stream = open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _leave(code: int) -> None:
    """End the process without the interpreter's shutdown, which takes about 10% of a hook's run time.

    No code depends on that shutdown: processes, folders and threads ended with the verb that had them. Returns only
    where the streams cannot be flushed, for instance because their reader is gone.
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
