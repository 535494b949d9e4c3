"""The two in-toto statements of a record, written and read.

Their predicate is a SLSA verification summary (VSA) or in-toto's simple verification result (SVR), so that other
verifiers take them; what only envhooks knows stands in one extension field. No SLSA level is claimed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Literal
from urllib.parse import quote

from envhooks.base.dataclass import dataclass
from envhooks.records.types import Base, ImageRecord, Signer, TagRecord

STATEMENT = "https://in-toto.io/Statement/v1"
VSA = "https://slsa.dev/verification_summary/v1"
SVR = "https://in-toto.io/attestation/svr/v0.1"
VERIFIER = "https://github.com/envhooks/envhooks"
EXTENSION = "https://github.com/envhooks/envhooks/record/v1"
UNSIGNED = Signer("", "person", "")
"""The signer of a statement before anybody signed it."""
MAX_TEXT = 2000
MAX_ITEMS = 2000
_DIGEST = r"sha256:[0-9a-f]{64}"
_TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z"


class StatementError(ValueError):
    """The payload is not a statement of a record; the text is one sentence."""


@dataclass(frozen=True)
class Statement:
    """Content of a payload, before its signer is known."""

    record: TagRecord | ImageRecord
    tag: str
    """The tag's short name."""
    object: str
    sha256: str
    commit: str


# ------------------------------------------------------------------------------------------ writing


def tag_statement(record: TagRecord, resource: str, predicate: Literal["vsa", "svr"]) -> bytes:
    """The payload that says that a tag passed; `resource` is a URI by which the tag is known."""
    subjects = [
        {"name": f"refs/tags/{record.tag}", "digest": {"gitTag": record.object, "sha256": record.sha256}},
        {"name": "commit", "digest": {"gitCommit": record.commit}},
    ]
    extension = {
        "statement": "tag",
        "tag": _tag(record.tag, record.object, record.sha256, record.commit),
        "checks": list(record.checks),
        "signer": record.tag_signer,
    }
    properties = ["ENVHOOKS_TAG_PASSED", *(f"ENVHOOKS_CHECK_{_upper(check)}" for check in record.checks)]
    return _payload(subjects, record, resource, properties, extension, predicate)


def image_statement(
    record: ImageRecord, tag: TagRecord, resource: str, predicate: Literal["vsa", "svr"]
) -> bytes:
    """The payload that says that an image is of a tag."""
    subjects: list[dict[str, Any]] = [{"name": record.name, "digest": {"sha256": record.digest[7:]}}]
    for platform, digest in record.platforms.items():
        if digest != record.digest:
            annotations = {"platform": platform}
            subjects.append(
                {"name": record.name, "digest": {"sha256": digest[7:]}, "annotations": annotations}
            )
    extension = {
        "statement": "image",
        "tag": _tag(tag.tag, tag.object, tag.sha256, tag.commit),
        "references": list(record.references),
        "platforms": dict(record.platforms),
        "builder": record.builder,
        "verified": record.verified,
        "bases": [{"name": base.name, "digest": base.digest} for base in record.bases],
        "holds": dict(record.holds),
        "arguments": dict(record.arguments),
        "epoch": record.epoch,
    }
    properties = ["ENVHOOKS_IMAGE_OF_TAG", *(["ENVHOOKS_IMAGE_VERIFIED"] if record.verified else [])]
    return _payload(subjects, record, resource, properties, extension, predicate)


def image_resource(name: str, reference: str) -> str:
    """A package URL (purl-spec, type `oci`) of an image by its name and one of its references."""
    tag = reference.rpartition(":")[2] if ":" in reference.rpartition("/")[2] else ""
    text = f"pkg:oci/{quote(name.rpartition('/')[2])}?repository_url={quote(name, safe='/')}"
    return f"{text}&tag={quote(tag)}" if tag else text


def _tag(tag: str, oid: str, sha256: str, commit: str) -> dict[str, Any]:
    return {"name": tag, "digest": {"gitTag": oid, "sha256": sha256, "gitCommit": commit}}


def _upper(check: str) -> str:
    return re.sub("[^A-Z0-9]", "_", check.upper())


def _payload(
    subjects: list[dict[str, Any]],
    record: TagRecord | ImageRecord,
    resource: str,
    properties: list[str],
    extension: Mapping[str, Any],
    predicate: Literal["vsa", "svr"],
) -> bytes:
    time = record.time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    verifier: dict[str, Any] = {"id": VERIFIER, "version": {"envhooks": record.version}}
    policy: dict[str, Any] = {"uri": f"{VERIFIER}/policy"}
    if record.policy_digest:
        policy["digest"] = {"gitTree": record.policy_digest}
    if predicate == "svr":
        verifier["policy"] = policy
        body = {"verifier": verifier, "timeCreated": time, "properties": properties}
    else:
        body = {
            "verifier": verifier,
            "timeVerified": time,
            "resourceUri": resource,
            "policy": policy,
            "verificationResult": "PASSED",
            "verifiedLevels": properties[:1],
        }
    statement = {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": SVR if predicate == "svr" else VSA,
        "predicate": {**body, EXTENSION: extension},
    }
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode()


# ------------------------------------------------------------------------------------------ reading


def read_statement(payload: bytes) -> Statement:
    """Statement in a payload.

    Raises:
        StatementError: it says nothing that envhooks understands, or that a tag did not pass.
    """
    try:
        return _read(json.loads(payload, object_pairs_hook=_once))
    except (LookupError, TypeError, ValueError, RecursionError, AttributeError) as error:
        if isinstance(error, StatementError):
            raise
        raise StatementError("this is no statement about a release") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON: of a key that stands twice, other readers may take the other value."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StatementError("the statement has a key that stands twice")
    return found


def _read(value: Any) -> Statement:
    if value["_type"] != STATEMENT or value["predicateType"] not in (VSA, SVR):
        raise StatementError("this is no in-toto statement with a verification summary")
    predicate = value["predicate"]
    is_vsa = value["predicateType"] == VSA
    if is_vsa and predicate["verificationResult"] != "PASSED":
        raise StatementError("the statement says that the release did not pass")
    if predicate["verifier"]["id"] != VERIFIER or EXTENSION not in predicate:
        raise StatementError("the statement was made by another verifier than envhooks")
    extension = predicate[EXTENSION]
    policy = (predicate if is_vsa else predicate["verifier"])["policy"]
    time = _time(_text(predicate["timeVerified" if is_vsa else "timeCreated"]))
    tag = extension["tag"]
    digest = tag["digest"]
    facts = (_text(tag["name"]), _hex(digest["gitTag"]), _hex(digest["sha256"]), _hex(digest["gitCommit"]))
    common = {
        "signer": UNSIGNED,
        "time": time,
        "policy_digest": _hex(policy.get("digest", {}).get("gitTree", "")),
        "version": _text(predicate["verifier"].get("version", {}).get("envhooks", "")),
    }
    subjects = _list(value["subject"])
    read = _tag_record if extension["statement"] == "tag" else _image_record
    return Statement(read(extension, subjects, facts, common), *facts)


def _tag_record(
    extension: Any, subjects: list[Any], facts: tuple[str, str, str, str], common: Mapping[str, Any]
) -> TagRecord:
    name, oid, sha256, commit = facts
    expected = [{"gitTag": oid, "sha256": sha256}, {"gitCommit": commit}]
    if [subject["digest"] for subject in subjects] != expected or subjects[0]["name"] != f"refs/tags/{name}":
        raise StatementError("the statement's subjects are not the tag and the commit that it is about")
    return TagRecord(
        **common,
        tag=name,
        object=oid,
        sha256=sha256,
        commit=commit,
        checks=tuple(map(_text, _list(extension["checks"]))),
        tag_signer=_text(extension["signer"]),
    )


def _image_record(
    extension: Any, subjects: list[Any], facts: tuple[str, str, str, str], common: Mapping[str, Any]
) -> ImageRecord:
    if extension["statement"] != "image":
        raise StatementError("the statement is about neither a tag nor an image")
    platforms = {_text(key): _digest(one) for key, one in _dict(extension["platforms"]).items()}
    if any(set(subject["digest"]) != {"sha256"} for subject in subjects):
        raise StatementError("the statement's subjects have digests that cannot be compared with an image")
    digests = [_digest(f"sha256:{subject['digest']['sha256']}") for subject in subjects]
    others = [digest for digest in platforms.values() if digest != digests[0]]
    if digests[1:] != others or len({subject["name"] for subject in subjects}) != 1:
        raise StatementError("the statement's subjects are not the image that it is about")
    epoch = extension["epoch"]
    if epoch is not None and type(epoch) is not int:
        raise StatementError("the statement's epoch is no number")
    return ImageRecord(
        **common,
        name=_text(subjects[0]["name"]),
        references=tuple(map(_text, _list(extension["references"]))),
        digest=digests[0],
        platforms=platforms,
        builder=_text(extension["builder"]),
        verified=_text(extension["verified"]),
        bases=tuple(Base(_text(one["name"]), _text(one["digest"])) for one in _list(extension["bases"])),
        holds={_text(key): _text(one) for key, one in _dict(extension["holds"]).items()},
        arguments={_text(key): _text(one) for key, one in _dict(extension["arguments"]).items()},
        epoch=epoch,
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise StatementError("the statement has something else where a text is expected")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise StatementError("the statement has something else where a list is expected")
    return value


def _dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        raise StatementError("the statement has something else where a table is expected")
    return value


def _hex(value: object) -> str:
    text = _text(value)
    if text.strip("0123456789abcdef") or len(text) not in (0, 40, 64):
        raise StatementError("the statement has something else where a digest is expected")
    return text


def _digest(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(_DIGEST, text):
        raise StatementError("the statement has something else where an image's digest is expected")
    return text


def _time(text: str) -> datetime:
    match = re.fullmatch(_TIME, text)
    if match is None:
        raise StatementError("the statement's time is none")
    return datetime(*map(int, match.groups()), tzinfo=timezone.utc)  # type: ignore[arg-type,misc]
