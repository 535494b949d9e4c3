"""print the script for completion in bash, zsh or fish

Verbs, options and the names of tags are completed. Needs the extra: `pip install 'envhooks[completion]'`. Put the
line of the example into the file that your shell reads at its start.
"""

from __future__ import annotations

import argparse

from envhooks.base.errors import UsageError

NO_JSON = "it prints a script, which a shell reads"
GROUP = "this program"
EXAMPLES = (
    ('eval "$(envhooks completion bash)"', "in ~/.bashrc"),
    ('eval "$(envhooks completion zsh)"', "in ~/.zshrc, behind compinit"),
    ("envhooks completion fish | source", "in ~/.config/fish/config.fish"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument(
        "shell", choices=("bash", "zsh", "fish"), metavar="{bash,zsh,fish}", help="the shell that reads it"
    )


def run(options: argparse.Namespace) -> int:
    """Print the script.

    Raises:
        UsageError: argcomplete is not installed.
    """
    try:
        import argcomplete
    except ImportError:
        raise UsageError(
            "completion needs argcomplete, which is not installed", fix="pip install 'envhooks[completion]'"
        ) from None
    print(argcomplete.shellcode(["envhooks"], shell=options.shell))  # type: ignore[attr-defined]
    return 0
