"""A builder's own keys, read strictly: a misspelt key that was ignored would be a rule that silently does not hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.builds.types import Plan
from envhooks.policy.values import meant

FIELDS = (
    "tag", "ref", "tag_object", "commit", "build", "image", "own", "images", "dockerfile", "target",
    "context", "epoch", "remote_url", "key",
)  # fmt: skip
"""Fields of the plan that `{...}` in a builder's texts may name."""

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Section:
    """The keys of one `[[build]]` that are the builder's own, or a table inside them."""

    title: str
    """Name of the section in messages: "a `local` build"."""
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, using: str, options: Mapping[str, Any], known: Collection[str]) -> Section:
        """Take a builder's options.

        Raises:
            PolicyError: a key that this builder does not have.
        """
        section = cls(f"a `{using}` build", options)
        section._only(known)
        return section

    def _only(self, known: Collection[str]) -> None:
        for key in self.raw:
            if key not in known:
                self.refuse(f"`{printable(key, 60)}` is no key of {self.title}; {meant(key, known)}")

    def refuse(self, message: str, fix: str = "") -> NoReturn:
        """Raise the PolicyError that says what is wrong."""
        raise PolicyError(message, place=".envhooks/policy.toml", fix=fix)

    def __contains__(self, key: str) -> bool:
        return key in self.raw

    def text(self, key: str, default: str = "", *, limit: int = 1000) -> str:
        """One line of text that is not empty; the default where the key is missing."""
        if key not in self.raw:
            return default
        value = self.raw[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(f"`{key}` of {self.title} must be text in quotes", f'{key} = "..."')
        if len(value) > limit or _CONTROL.search(value):
            self.refuse(
                f"`{key}` of {self.title} is longer than {limit} characters or has a control character"
            )
        return value

    def required(self, key: str, example: str) -> str:
        """`text` that has to be there."""
        if key not in self.raw:
            self.refuse(f"{self.title} has no `{key}`", f'{key} = "{example}"')
        return self.text(key)

    def matching(self, key: str, pattern: str, wanted: str, default: str = "") -> str:
        """`text` that a pattern matches whole."""
        value = self.text(key, default)
        if key in self.raw and not re.fullmatch(pattern, value, re.ASCII):
            self.refuse(f"`{key}` of {self.title} cannot be `{printable(value, 80)}`: it must be {wanted}")
        return value

    def choice(self, key: str, known: Collection[str], default: str) -> str:
        """One of some words."""
        value = self.text(key, default)
        if value not in known:
            self.refuse(f"`{key}` of {self.title} cannot be `{printable(value, 60)}`; {meant(value, known)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.raw.get(key, default)
        if not isinstance(value, bool):
            self.refuse(f"`{key}` of {self.title} must be true or false", f"{key} = {str(default).lower()}")
        return value

    def minutes(self, key: str, default: float) -> float:
        """A time in minutes, answered in seconds."""
        value = self.raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 7 * 24 * 60:
            self.refuse(
                f"`{key}` of {self.title} must be minutes, more than 0 and at most a week", f"{key} = 60"
            )
        return float(value) * 60

    def variable(self, key: str) -> str:
        """The name of an environment variable; empty where the key is missing.

        Raises:
            PolicyError: it is not a valid name, for instance because somebody wrote the secret itself. The
                value is not repeated then.
        """
        value = self.raw.get(key, "")
        if key in self.raw and not (
            isinstance(value, str) and _VARIABLE.fullmatch(value) and _is_name(value)
        ):
            self.refuse(
                f"`{key}` of {self.title} must be the name of an environment variable that holds the secret; "
                "a secret itself has no place in a repository, and one that was committed must be revoked",
                f'{key} = "RELEASE_{key.upper()}"',
            )
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where the key is missing."""
        value = self.raw.get(key, [])
        if not isinstance(value, list) or not all(
            isinstance(item, str) and len(item) <= 4000 and not _CONTROL.search(item) for item in value
        ):
            self.refuse(f"`{key}` of {self.title} must be a list of texts", f'{key} = ["..."]')
        return tuple(value)

    def templates(self, key: str, *, limit: int) -> dict[str, str]:
        """A table of templates, with at most `limit` keys; empty where the key is missing."""
        value = self.raw.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.refuse(f"`{key}` of {self.title} must be a table of texts", f'{key} = {{ tag = "{{tag}}" }}')
        if len(value) > limit:
            self.refuse(f"`{key}` of {self.title} has {len(value)} entries and may have {limit}")
        for item in value.values():
            self.check_template(key, item)
        return dict(value)

    def check_template(self, key: str, template: str) -> None:
        """Refuse a field that does not exist, and a brace that stands alone."""
        for match in _FIELD.finditer(template):
            name = match[1]
            if match.group() in ("{", "}"):
                self.refuse(
                    f"`{key}` of {self.title} has a brace that stands alone; a literal one is written twice"
                )
            if name is not None and name not in FIELDS:
                braced = [f"{{{field}}}" for field in FIELDS]
                self.refuse(
                    f"`{{{printable(name, 60)}}}` in `{key}` of {self.title} is no field; "
                    f"{meant(f'{{{name}}}', braced)}"
                )

    def table(self, key: str, known: Collection[str]) -> Section:
        """A table inside, with these keys only; empty where it is missing."""
        value = self.raw.get(key, {})
        if not isinstance(value, dict):
            self.refuse(f"`{key}` of {self.title} must be a table")
        inner = Section(f"`{key}` of {self.title}", value)
        inner._only(known)
        return inner


# Tokens by their published prefixes, private keys, and passwords in addresses.
_SECRETS = (
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|ptt|rt|dt|cbt|agent|soat|ft|imt)-[A-Za-z0-9_-]{15,}"
    r"|whsec_[A-Za-z0-9+/=]{16,}|AKIA[0-9A-Z]{16}|xox[abpsr]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}"
    r"|pypi-[A-Za-z0-9_-]{50,}|dckr_pat_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/@\s:{}]{1,200}:[^/@\s{}$]{1,200}@"
)


def looks_like_a_secret(text: str) -> bool:
    """Whether a text has the form of a token, a private key or a password."""
    return re.search(_SECRETS, text[:20_000]) is not None


def _is_name(text: str) -> bool:
    # tokens of GitHub and GitLab are legal names of variables, and so are long runs of base64
    return not re.match("gh[pousr]_|github_pat_|gl[a-z]{2,6}-|glpat|whsec_", text) and len(text) <= 60


def fields(plan: Plan, top: Path | None = None) -> dict[str, str]:
    """Field -> text. `images` is separated by blanks, which no reference holds.

    With `top`, the top of the written-out tree, `context` and `dockerfile` are absolute; for a service that
    checks the tag out itself they are relative.
    """
    values = {name: getattr(plan, name) for name in FIELDS}
    values |= {"images": " ".join(plan.images), "target": plan.target or ""}
    if top is not None:
        values |= {"context": top / plan.context, "dockerfile": top / plan.dockerfile}
    return {name: str(value) for name, value in values.items()}


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template that `check_template` let pass, with its fields filled in."""

    def replace(match: re.Match[str]) -> str:
        return values[match[1]] if match[1] is not None else match.group()[0]

    return _FIELD.sub(replace, template)
