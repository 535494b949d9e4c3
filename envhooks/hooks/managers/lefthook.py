"""lefthook: it writes its hook files anew whenever its configuration changed, and drops ours.

What lasts is a script in its configuration. A job with `run` is not enough: where the current branch has
an upstream and nothing new, as in a push of a tag alone, lefthook 2.2 skips it ("no matching push
files"), with `use_stdin` too; a script it never skips.
"""

from __future__ import annotations

from pathlib import Path

EVENT = "pre-push"
_CONFIGS = ("lefthook.*", ".lefthook.*", "lefthook-local.*", ".lefthook-local.*", ".lefthook/pre-push/*")
_HOOK = b"envhooks/pre-push"
ADVICE = f"""\
lefthook writes its hook files anew and would drop ours; what lasts is a script in .lefthook/{EVENT}/envhooks.sh:
    exec sh "$(git rev-parse --git-common-dir)/envhooks/{EVENT}" "$@"
  and in lefthook.yml:
    {EVENT}: {{jobs: [{{script: envhooks.sh, runner: sh, use_stdin: true}}]}}"""


def is_used(top: Path) -> bool:
    """Whether the work tree at `top` has a configuration of lefthook's."""
    return any(next(top.glob(pattern), None) for pattern in _CONFIGS[:2])


def is_wired(top: Path, hooks: Path) -> bool:
    """Whether lefthook's own hook file is in place, and its configuration calls our hook."""
    hook = hooks / EVENT
    if not hook.is_file() or b"lefthook" not in hook.read_bytes():
        return False
    files = (path for pattern in _CONFIGS for path in top.glob(pattern) if path.is_file())
    return any(_HOOK in path.read_bytes() for path in files)
