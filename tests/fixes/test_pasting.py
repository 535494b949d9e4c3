"""Every printed fix is pasted: then the finding is gone, no other has come, and the tag is where it was meant."""

from __future__ import annotations

from pathlib import Path

import cases_changelog  # noqa: F401 - registers its cases
import cases_dockerfile  # noqa: F401
import cases_signature  # noqa: F401
import cases_tag  # noqa: F401
import pytest
from bench import CASES, Case, copied


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_what_is_pasted_works(
    case: Case, template: Path, guarded_template: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    bench = copied(template, tmp_path, environ, guarded_template)
    bench.check, bench.said = case.check, case.said
    case.play(bench)
