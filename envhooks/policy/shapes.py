"""Texts that have to be of some kind: patterns over refs, paths, templates, names, stages."""

from __future__ import annotations

import re
from collections.abc import Collection

from envhooks.base.hygiene import printable
from envhooks.policy.values import Value
from envhooks.tagname import expansion_faults
from envhooks.tagname.refname import git_faults

MAX_GLOB = 200
"""Characters; a pattern is tried on every tag of a repository."""

_IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"
_GLOB = r"\[!?\]?[^\]/]*\]|[*?]"
_OPTIONAL = r"\[[^\[\]]*\]"


def globs(value: Value, prefix: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
    """Patterns over the short names of refs below `prefix`."""
    return tuple(glob(item, prefix) for item in value.texts(may_be_empty=may_be_empty))


def glob(value: Value, prefix: str) -> str:
    """One pattern over the short names of refs below `prefix`, which some legal name matches."""
    text = value.text()
    said = f"the pattern `{printable(text, 80)}` in `{value.name}`"
    if len(text) > MAX_GLOB:
        value.refuse(f"{said} is longer than {MAX_GLOB} characters")
    if text.startswith("refs/"):
        short = text.removeprefix(prefix)
        value.refuse(f"{said} is matched against short names", f'"{printable(short, 80)}"')
    # what is left of a pattern has to be legal, or it matches no ref and protects nothing
    fault = next(git_faults(re.sub(_GLOB, "x", text)), None)
    if fault is not None:
        hint = " (a `[` is not closed)" if "[" in re.sub(_GLOB, "x", text) else ""
        value.refuse(f"{said} can match nothing: {fault}{hint}")
    return text


def path_in_tree(value: Value, *, is_folder: bool = False) -> str:
    """A path inside the tree, possibly with fields."""
    text = value.text("a path in quotes, or false")
    said = f"the path `{printable(text, 80)}` in `{value.name}`"
    if text.startswith(("/", "~")) or re.match("[A-Za-z]:", text):
        value.refuse(f"{said} is absolute and must begin at the top of the repository")
    if "\\" in text:
        value.refuse(f"{said} has a backslash", f'"{printable(text, 80)}"'.replace("\\", "/"))
    if is_folder and text == ".":
        return text
    bare = text
    while re.search(_OPTIONAL, bare):
        bare = re.sub(_OPTIONAL, "", bare)
    for form in (text.replace("[", "").replace("]", ""), bare):
        parts = form.split("/")
        if ".." in parts:
            value.refuse(f"{said} leads out of its folder by `..`")
        if "." in parts or "" in parts:
            value.refuse(f"{said} has an empty part or a `.` between its slashes")
        if ".git" in map(str.lower, parts):
            value.refuse(f"{said} leads into `.git`, which no commit holds")
    return text


def expandable(value: Value, text: str) -> str:
    """A template that `tagname.expand` can fill in."""
    for fault in expansion_faults(text):
        value.refuse(f"the template `{printable(text, 120)}` in `{value.name}` cannot be used: {fault}")
    return text


def identifier(value: Value, text: str) -> str:
    """The name that a build, a builder or a place to deploy to goes by."""
    if not re.fullmatch(_IDENTIFIER, text):
        value.refuse(
            f"`{printable(text, 60)}` cannot be a name: at most 60 letters, digits and any of `._-`, "
            "a letter or a digit first"
        )
    return text


def stages_of(value: Value, known: Collection[str]) -> tuple[str, ...]:
    """A list of stages, all of them known."""
    return tuple(item.choice(known) for item in value.texts())
