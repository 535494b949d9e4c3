"""Write envhooks/environment/compatdata.py from compat.toml, which is the one to edit.

    python scripts/write_compat.py

A door that judges a tag would spend a twentieth of its time on taking the TOML apart. A test holds the two together.
"""

from __future__ import annotations

import pprint
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent.parent / "envhooks" / "environment"
HEAD = '''\
"""What compat.toml says, as Python reads it fastest. Written by scripts/write_compat.py; edit compat.toml."""

from __future__ import annotations

from envhooks.typed import Any

# fmt: off
'''


def module(toml: str) -> str:
    """The module's text for the text of compat.toml."""
    data = pprint.pformat(tomllib.loads(toml), width=118, sort_dicts=False)
    return f"{HEAD}DATA: dict[str, Any] = {data}\n"


if __name__ == "__main__":
    (FOLDER / "compatdata.py").write_text(
        module((FOLDER / "compat.toml").read_text(encoding="utf-8")), encoding="utf-8", newline="\n"
    )
