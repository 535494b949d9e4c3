"""tag-signed: verdicts of the verifier."""

from __future__ import annotations

import pytest
from tag_parts import findings, subject

from envhooks.signatures import Verdict


@pytest.mark.parametrize("status", ["bad", "unsigned"])
def test_a_signature_that_is_not_good(status: str) -> None:
    verdict = Verdict(status, "the key is not allowed", got="SHA256:y")  # type: ignore[arg-type]
    (finding,) = findings(subject(signature=verdict), "tag-signed")
    assert (finding.level, finding.got) == ("error", "SHA256:y")


def test_a_warning_of_the_verifier_does_not_refuse() -> None:
    (finding,) = findings(subject(signature=Verdict("good", warnings=("it expires soon",))), "tag-signed")
    assert finding.level == "warning"
