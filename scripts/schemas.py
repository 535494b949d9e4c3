#!/usr/bin/env python3
"""The JSON schemas of what verbs print with --format json.

scripts/schemas.py            compares them with the files of the package
scripts/schemas.py --write    writes those anew
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import envhooks

FOLDER = Path(envhooks.__file__).parent / "releases" / "schemas"
VERSION = 1
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
BOOL: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
LINE: Schema = {"type": ["integer", "null"]}
CODE: Schema = {"enum": [0, 1, 2]}
OID: Schema = {"type": "string", "pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$"}
STAGE: Schema = {"enum": ["stable", "post", "rc", "beta", "alpha", ""]}


def one_of(*values: str | None) -> Schema:
    """One of these words."""
    return {"enum": list(values)}


def many(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def by_name(value: Schema) -> Schema:
    """Names, each with a value."""
    return {"type": "object", "additionalProperties": value}


def thing(**fields: Schema) -> Schema:
    """An object with these fields and no other; a name that Python keeps for itself ends in an underscore."""
    named = {name.rstrip("_"): value for name, value in fields.items()}
    return {
        "type": "object",
        "properties": named,
        "required": sorted(named),
        "additionalProperties": False,
    }


def maybe(schema: Schema) -> Schema:
    """It, or null."""
    return {"anyOf": [{"type": "null"}, schema]}


def told(schema: Schema, text: str) -> Schema:
    """It, with a description."""
    return {"description": text, **schema}


TEXTS = many(TEXT)
REPORT = thing(
    tags=told(many({"type": "object"}), "As in envhooks/report/schema-v1.json."), errors=TEXTS, notes=TEXTS
)
NEXT = told(TEXTS, "The commands that come next.")
RELEASE = {
    "tag": TEXT,
    "object": OID,
    "commit": maybe(OID),
    "line": TEXT,
    "stage": STAGE,
    "date": TEXT,
    "verdict": one_of("accepted", "refused", "undecided", None),
    "reason": MAYBE,
    "signer": MAYBE,
}
LISTED = {
    **RELEASE,
    "image": MAYBE,
    "record": one_of("proved", "contradicted", "none", None),
    "yanked": MAYBE,
}
PLACE = {"path": TEXT, "line": LINE}
ENVIRONMENT = {
    "dockerfile": TEXT,
    "target": TEXT,
    "base": maybe(thing(image=TEXT, tag=MAYBE, digest=MAYBE)),
    "python": MAYBE,
    "packages": many(
        thing(name=TEXT, version=MAYBE, local=MAYBE, exact=BOOL, specifier=TEXT, how=TEXT, **PLACE)
    ),
    "hardware": many(thing(kind=TEXT, version=MAYBE, from_=TEXT, **PLACE)),
    "unpinned": many(thing(name=TEXT, kind=TEXT, text=TEXT, why=TEXT, swallowed=BOOL, **PLACE)),
    "replaced": many(thing(name=TEXT, was=TEXT, now=TEXT, **PLACE)),
    "cannot_tell": many(thing(what=TEXT, why=TEXT, **PLACE)),
}
IMAGE = thing(
    reference=TEXT, digest=TEXT, platforms=by_name(TEXT), recorded_by=TEXT,
    word=one_of("team", "person"), time=TEXT,
)  # fmt: skip
BUILDS = many(
    thing(
        tag=TEXT, ref=TEXT, object=OID, build=TEXT, remote=TEXT, url=TEXT, state=TEXT, held=BOOL, attempts=NUMBER,
        created=TEXT, updated=TEXT, image=TEXT, digest=TEXT, run_url=TEXT, log=TEXT, reason=TEXT, key=TEXT,
    )
)  # fmt: skip
SIGNED = {"signer": thing(name=TEXT, word=one_of("team", "person"), key=TEXT), "time": TEXT}
RECORDS = many(
    thing(
        tag=TEXT,
        object=OID,
        state=one_of("proved", "contradicted", "none"),
        yanked=MAYBE,
        passed=many(
            thing(**SIGNED, commit=OID, checks=TEXTS, policy=MAYBE, tag_signer=MAYBE, envhooks=TEXT)
        ),
        images=many(
            thing(
                **SIGNED, reference=TEXT, name=TEXT, references=TEXTS, digest=TEXT, platforms=by_name(TEXT),
                builder=TEXT, verified=MAYBE, bases=many(thing(name=TEXT, digest=MAYBE)), holds=by_name(TEXT),
                arguments=by_name(TEXT), epoch=LINE, policy=MAYBE,
            )
        ),
        faults=TEXTS,
        notes=TEXTS,
    )
)  # fmt: skip
ERROR = told(
    thing(
        message=TEXT, place=TEXT, fix=told(TEXT, "Commands."), advice=told(TEXT, "For a person to decide.")
    ),
    "Why the verb could not do what was asked.",
)
PLAN = {
    "actions": told(TEXTS, "What is done, in its order."),
    "notes": TEXTS,
    "changed": told(BOOL, "False where there was nothing to do, and with --dry-run."),
}

DOCUMENTS: dict[str, Schema] = {
    "build": thing(
        tag=TEXT,
        report=REPORT,
        plans=told(many(thing(build=TEXT, using=TEXT, notes=TEXTS, commands=TEXTS)), "With --dry-run alone."),
        builds=BUILDS,
        compared=told(many(thing(build=TEXT, is_same=BOOL, text=TEXT)), "With --again alone."),
    ),
    "builds": thing(builds=BUILDS),
    "changelog": thing(
        tag=TEXT,
        path=TEXT,
        state=told(
            one_of("there", "lacking", "drafted", "written", "committed", "left"),
            "`lacking`: there is one that is not good; `left`: another tool writes it.",
        ),
        why=told(MAYBE, "What an entry lacks."),
        heading=MAYBE,
        text=MAYBE,
        next=told(MAYBE, "The commands that come next, a line each."),
    ),
    "compat": thing(
        rows=told(by_name(many({"type": "object"})), "As `[[compat.NAME]]` of .envhooks/compat.toml."),
        differences=TEXTS,
        unread=TEXTS,
        text=told(MAYBE, "The file."),
        file=told(MAYBE, "Where it was written."),
    ),
    "diff": thing(
        before=TEXT,
        after=TEXT,
        differences=many(
            thing(
                kind=one_of("base", "python", "hardware", "driver", "package"),
                name=TEXT,
                before=MAYBE,
                after=MAYBE,
                change=one_of("added", "removed", "changed", "unknown"),
            )
        ),
    ),
    "doctor": thing(shown=by_name(TEXTS), faults=many(thing(text=TEXT, fix=TEXT, advice=TEXT))),
    "driver": thing(
        what=TEXT,
        least=MAYBE,
        full=MAYBE,
        have=MAYBE,
        unknown=MAYBE,
        parts=many(
            thing(
                source=one_of("base", "wheel"),
                what=TEXT,
                kind=one_of("CUDA", "ROCm"),
                version=TEXT,
                least=MAYBE,
                full=MAYBE,
                branches=TEXTS,
                answer=one_of("yes", "minor", "branch", "no", "unknown", None),
                **PLACE,
            )
        ),
    ),
    "env": thing(
        **ENVIRONMENT,
        builds=told(
            many(thing(path=TEXT, line=LINE, label=TEXT, target=MAYBE, args=by_name(TEXT), unknown=TEXTS)),
            "The builds of it that workflows, scripts and build files state.",
        ),
    ),
    "error": told(
        thing(verb=told(MAYBE, "Null where none was named."), error=ERROR),
        "What every verb prints where it could not do what was asked; `check` puts `error` into its report.",
    ),
    "explain": {
        "anyOf": [
            thing(checks=many(thing(id=TEXT, level=TEXT, summary=TEXT, page=TEXT))),
            thing(rows=many({"type": "object"}), provenance=TEXTS),
        ]
    },
    "gate": thing(
        environment=TEXT,
        answers=many(
            thing(
                what=TEXT,
                outcome=one_of("allowed", "refused", "unproved", "ignored"),
                why=MAYBE,
                tag=MAYBE,
                image=MAYBE,
                resource=MAYBE,
                line=LINE,
            )
        ),
    ),
    "init": thing(
        branch=TEXT,
        remote=MAYBE,
        template=TEXT,
        tags_read=NUMBER,
        tags_not_read=NUMBER,
        dockerfile=MAYBE,
        changelog=MAYBE,
        files=many(thing(path=TEXT, written=BOOL)),
        signer=MAYBE,
        missing=told(TEXTS, "What your own signing lacks, and the commands."),
        left=told(MAYBE, "With --yes: what is left to a person."),
        actions=told(TEXTS, "With --yes: what `envhooks install` did."),
        notes=TEXTS,
        next=NEXT,
    ),
    "install": thing(**PLAN, waiting=told(TEXTS, "Builds that nobody has allowed here.")),
    "lineage": thing(
        tag=MAYBE,
        uses=many(
            thing(
                kind=one_of("run", "model", "version"),
                id=TEXT,
                name=TEXT,
                experiment=MAYBE,
                time=MAYBE,
                run=MAYBE,
                deleted=BOOL,
                metrics=by_name({"type": "number"}),
                state=one_of("proved", "claimed", "contradicted", "unknown"),
                why=MAYBE,
                tag=MAYBE,
                tag_object=MAYBE,
                commit=MAYBE,
                image=MAYBE,
            )
        ),
    ),
    "list": thing(releases=many(thing(**LISTED)), unknown=many(thing(**LISTED, why=TEXT))),
    "lock": thing(
        path=TEXT,
        locked=told(many(thing(ref=TEXT, object=OID, signer=TEXT)), "The new lines."),
        left_out=many(thing(tag=TEXT, why=TEXT)),
        faults=told(TEXTS, "Tags that are not what their lines say."),
        written=BOOL,
        next=NEXT,
    ),
    "propose": thing(
        path=TEXT,
        what=told(MAYBE, "What it moves to: `torch 2.9.1 for CUDA 13.0`."),
        tag=MAYBE,
        why=MAYBE,
        driver=MAYBE,
        notes=TEXTS,
        files=TEXTS,
        patch=TEXT,
        written=BOOL,
        next=NEXT,
        refused=maybe(thing(why=TEXT, nearest=TEXTS)),
    ),
    "record": thing(tag=TEXT, report=REPORT, refused=MAYBE, new=BOOL, pushed=BOOL, tags=RECORDS),
    "records": thing(tags=RECORDS),
    "reproduce": thing(
        tag=TEXT,
        outcome=one_of("printed", "same", "other", "not compared"),
        digest=MAYBE,
        recorded=MAYBE,
        moved=TEXTS,
        differences=TEXTS,
        doubt=MAYBE,
        commands=told(TEXTS, "With --print alone."),
    ),
    "rollback": thing(
        from_=TEXT,
        to=maybe(thing(tag=TEXT, image=MAYBE)),
        notes=many(TEXT),
        passed_over=many(thing(tag=TEXT, outcome=one_of("refused", "unproved"), why=TEXT)),
    ),
    "show": thing(
        **RELEASE,
        yanked=MAYBE,
        image=maybe(IMAGE),
        environment=maybe(thing(version=NUMBER, **ENVIRONMENT)),
        environment_unknown=MAYBE,
        driver=MAYBE,
    ),
    "signers-add": thing(
        added=many(thing(who=TEXT, scheme=one_of("ssh", "openpgp"), key=TEXT, warning=MAYBE)),
        written=TEXTS,
        next=NEXT,
    ),
    "signers-list": thing(
        signers=many(thing(who=TEXT, scheme=TEXT, key=TEXT, from_=TEXT, until=TEXT, last_tag=TEXT)),
        differences=told(TEXTS, "Differences of the work tree."),
    ),
    "signers-revoke": thing(key=TEXT, who=MAYBE, revoked=BOOL, consequences=TEXTS, next=NEXT),
    "site": thing(releases=NUMBER, title=TEXT, files=TEXTS),
    "tag": thing(
        commit=TEXT,
        tags=told(many(thing(tag=TEXT, message=TEXT)), "Empty where a check refuses one."),
        report=REPORT,
        signing_fault=maybe(thing(text=TEXT, fix=TEXT)),
        made=many(thing(tag=TEXT, object=OID)),
        pushed=BOOL,
        builds=BUILDS,
        records=RECORDS,
        next=told(MAYBE, "The command that pushes."),
    ),
    "uninstall": thing(**PLAN),
    "verify": thing(
        image=TEXT,
        digest=MAYBE,
        tag=MAYBE,
        tag_from=one_of("label", "argument", None),
        images=many(
            thing(
                platform=TEXT,
                digest=TEXT,
                verdict=one_of("agrees", "contradicts", "cannot tell", None),
                differences=TEXTS,
                cannot_tell=TEXTS,
                notes=TEXTS,
                unreadable=MAYBE,
                system=MAYBE,
                labels=by_name(TEXT),
                environments=many(thing(prefix=TEXT, is_default=BOOL, python=MAYBE, packages=by_name(TEXT))),
                not_read=TEXTS,
                toolkits=many(thing(kind=TEXT, version=TEXT, from_=TEXT)),
            )
        ),
    ),
    "version": {
        "type": "object",
        "properties": dict.fromkeys(("Python", "system", "git", "gpg", "gpgv", "ssh"), TEXT),
        "required": ["Python", "git", "gpg", "gpgv", "ssh", "system"],
        "additionalProperties": told(TEXT, "The version of a package."),
    },
}
"""Name of a schema -> the verb's own part."""


def schemas() -> Iterator[tuple[str, str]]:
    """(file name, text) of each."""
    for name, own in DOCUMENTS.items():
        verb = name.replace("-", " ")
        title = (
            "envhooks VERB --format json, where it fails"
            if name == "error"
            else f"envhooks {verb} --format json"
        )
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
        forms = [_with_head(name, form) for form in own.get("anyOf", [own])]
        found = {**head, "anyOf": forms} if "anyOf" in own else {**head, **forms[0]}
        yield f"{name}-v{VERSION}.json", json.dumps(found, indent=2) + "\n"


def _with_head(name: str, own: Schema) -> Schema:
    """An object with the first keys of all, then its own."""
    first = {
        "schema": {"const": f"urn:envhooks:{name}:v{VERSION}"},
        "envhooks": told(TEXT, "The version of envhooks."),
        "version": {"const": VERSION},
        "exit_code": {"const": 2} if name == "error" else CODE,
    }
    properties = {**first, **own["properties"]}
    return {**own, "properties": properties, "required": sorted({*first, *own["required"]})}


def main() -> int:
    """Write, or say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n", 1)[0])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    made = dict(schemas())
    there = {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.json")}
    if options.write:
        for name in there.keys() - made.keys():
            (FOLDER / name).unlink()
        for name, text in made.items():
            (FOLDER / name).write_text(text, "utf-8")
        return 0
    differ = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    for name in differ:
        print(f"{name} differs; scripts/schemas.py --write", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
