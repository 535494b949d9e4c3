"""The plugin that hands out the one Workshop of a session; test modules name it in `pytest_plugins`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from signing import Workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    # a short path: the socket of gpg-agent has to fit into 107 bytes
    with tempfile.TemporaryDirectory(prefix="eh-", ignore_cleanup_errors=True) as folder:
        made = Workshop(Path(folder))
        try:
            yield made
        finally:
            made.close()
