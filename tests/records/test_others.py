"""Verifiers that share no code with envhooks take the same bytes: openssl over the DSSE signature."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from record_parts import image_record, key_of, lines, make_key, make_tag, tag_record
from support import Repo


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_openssl_verifies_what_was_signed(good: Repo, tmp_path: Path, kind: str) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("missing: openssl (apt-get install openssl)")
    file, public = make_key(tmp_path, "ci", kind)
    (tmp_path / "record.pub").write_text(public)
    make_tag(good)
    for line in lines(key_of(good, file), tag_record(good), image_record()):
        envelope = json.loads(line)
        payload = base64.b64decode(envelope["payload"])
        kind_of_payload = envelope["payloadType"].encode()
        # written out here once more, from the specification
        signed = b" ".join(
            (b"DSSEv1", b"%d" % len(kind_of_payload), kind_of_payload, b"%d" % len(payload), payload)
        )
        (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "record.pub", "-rawin"]
        command += ["-digest", "sha256"] if kind == "p256" else []
        for data, code in ((signed, 0), (signed + b" ", 1)):
            (tmp_path / "signed").write_bytes(data)
            done = subprocess.run(
                [*command, "-in", "signed", "-sigfile", "sig"], cwd=tmp_path, capture_output=True
            )
            assert (done.returncode != 0) == bool(code), done
