"""say who may sign releases: add a key, list the keys, revoke one

The files are written in the work tree, with the diff and the commands that bring them under the policy: what
counts is the protected branch alone. A key that leaked is revoked, not removed, so that everybody can see it.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from envhooks.cli import _signers_add, _signers_list, _signers_revoke
from envhooks.git.repository import Git

GROUP = "set up"
EXAMPLES = (
    ("envhooks signers list", ""),
    ("envhooks signers add ~/.ssh/id_ed25519.pub", ""),
    ("envhooks signers revoke SHA256:b2Fh0nEwQmVvZ3Rkc2FsdGVkaGFzaG9mYWtleXNpZ24", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The three actions, each with its own arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="allow a key", description=_signers_add.__doc__)
    _signers_add.arguments(add)
    add.set_defaults(action=_signers_add.run, schema="signers-add")
    listed = actions.add_parser(
        "list", help="who may sign, and until when", description=_signers_list.__doc__
    )
    listed.set_defaults(action=_signers_list.run, schema="signers-list")
    revoke = actions.add_parser("revoke", help="take a key's worth away", description=_signers_revoke.__doc__)
    _signers_revoke.arguments(revoke)
    revoke.set_defaults(action=_signers_revoke.run, schema="signers-revoke")


def run(options: argparse.Namespace) -> int:
    """Carry out the action; 0, or an error."""
    with Git.open(Path.cwd()) as git:
        code: int = options.action(git, options, datetime.now(timezone.utc))
    return code
