"""Consent: a build runs on a person's machine after a push only as that person saw and allowed it.

The answer is kept in the clone's own configuration file, with the digest of the build section. A file that
this one includes does not count: `include.path = ../.gitconfig` is a usual thing, and what stands in the work
tree comes from the author of the last commit.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import Any

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds.builders import load
from envhooks.builds.plan import builder_options
from envhooks.builds.verify_image import published_settings
from envhooks.git.environ import clean_environment, find_git
from envhooks.git.repository import Git
from envhooks.policy import BuildPolicy

_SECTION = "envhooks.allow"


def canonical(build: BuildPolicy) -> str:
    """The section as JSON of one spelling: keys sorted, no blanks, ASCII."""
    section = {
        "name": build.name,
        "using": build.using,
        "on": build.on,
        "remotes": list(build.remotes),
        "stages": list(build.stages),
        "options": dict(build.options),
        "image": build.image,
    }
    return json.dumps(section, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_other)


def _other(value: Any) -> Any:
    """TOML's dates and times, told apart from a text that looks the same."""
    if hasattr(value, "isoformat"):
        return {"toml": value.isoformat()}
    return dict(value)


def digest(build: BuildPolicy) -> str:
    """SHA-256, hexadecimal, of everything that the section says, and of where its image goes."""
    return hashlib.sha256(canonical(build).encode()).hexdigest()


def describe(build: BuildPolicy) -> tuple[str, ...]:
    """Description of a build for the person who allows it: commands, addresses, and the token that is sent.

    Raises:
        PolicyError: an unknown builder, or options that it refuses.
    """
    when = {"client": "after your push", "server": "on the server", "ci": "in CI"}[build.on]
    stages = f", for {', '.join(build.stages)}" if build.stages else ""
    remotes = f", to {', '.join(build.remotes)}" if build.remotes else ""
    head = printable(f"build {build.name} (using {build.using}), {when}{remotes}{stages}:")
    image = (f"  image: {printable(build.image)}",) if build.image else ()
    lines = [*image, *(f"  {line}" for line in load(build.using).describe(builder_options(build)))]
    if published_settings(build).is_on:
        lines.append(
            "  the image is then read from the registry and held against the tag, with this machine's login"
        )
    return (head, *lines)


def allow(git: Git, build: BuildPolicy) -> None:
    """Remember in the clone that its owner allows this section as it stands. To be called on a typed word only.

    Raises:
        PolicyError: an unknown builder, or options that it refuses: what cannot be described cannot be allowed.
        CannotJudge: the configuration cannot be written.
    """
    describe(build)
    for key, value in (("section", canonical(build)), ("digest", digest(build))):
        done = _config(git, "--replace-all", _key(build, key), value)
        if done.returncode:
            said = printable(done.stderr.decode("utf-8", "replace").strip(), 200)
            raise CannotJudge(
                f"the clone's configuration cannot be written: {said}", place=str(git.common_dir)
            )


def forget(git: Git, build: BuildPolicy) -> bool:
    """Take the permission back; whether there was one."""
    return _config(git, "--remove-section", f"{_SECTION}.{build.name}").returncode == 0


def allowed(git: Git, build: BuildPolicy) -> bool:
    """Whether the clone's own configuration allows exactly this section."""
    return _recorded(git, build, "digest") == digest(build)


def why_not(git: Git, build: BuildPolicy) -> CannotJudge | None:
    """None where the section is allowed; else the sentence and the one command that shows and allows it."""
    recorded = _recorded(git, build, "digest")
    if recorded == digest(build):
        return None
    name = printable(build.name, 60)
    what = "has changed since it was allowed in this clone" if recorded else "was never allowed in this clone"
    return CannotJudge(f"the build section `{name}` {what}", fix="envhooks builds --allow")


def difference(git: Git, build: BuildPolicy) -> tuple[str, ...]:
    """Changes since the section was allowed: `- key = old` and `+ key = new`; empty where it never was allowed."""
    recorded = _recorded(git, build, "section")
    if not recorded:
        return ()
    try:
        old = _flat(json.loads(recorded))
    except (ValueError, RecursionError):
        old = {}
    new = _flat(json.loads(canonical(build)))
    lines = []
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            lines += [f"- {key} = {old[key]}"] if key in old else []
            lines += [f"+ {key} = {new[key]}"] if key in new else []
    return tuple(printable(line, 2000) for line in lines)


def _flat(section: Any) -> dict[str, str]:
    if not isinstance(section, dict):
        return {}
    options = section.get("options")
    pairs = {**section, **(options if isinstance(options, dict) else {})}
    return {key: json.dumps(value, sort_keys=True) for key, value in pairs.items() if key != "options"}


def _key(build: BuildPolicy, word: str) -> str:
    # the build's name stands in the subsection: as a variable's name, git would take neither `_` nor a case
    return f"{_SECTION}.{build.name}.{word}"


def _recorded(git: Git, build: BuildPolicy, word: str) -> str:
    done = _config(git, "-z", "--get", _key(build, word))
    return done.stdout.decode("utf-8", "replace").removesuffix("\0") if done.returncode == 0 else ""


def _config(git: Git, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    file = str(git.common_dir / "config")
    return subprocess.run(
        [find_git(), "config", "--file", file, "--no-includes", *arguments],
        env={k: v for k, v in clean_environment().items() if k not in ("GIT_DIR", "GIT_COMMON_DIR")},
        capture_output=True,
        check=False,
    )
