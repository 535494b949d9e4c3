"""Elements of HTML and SVG, safe by construction: a text is always escaped, and only an element is markup."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from envhooks.base.hygiene import printable_block

_VOID = frozenset(("meta", "input", "link", "br"))


class Markup:
    """Markup that this module made; `text` is its source."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


Child: TypeAlias = "str | Markup | Iterable[str | Markup] | None"


def element(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """One element.

    Args:
        name: of the element.
        children: texts, which are escaped, and elements.
        attributes: `class_` stands for `class`, `data_line` for `data-line`; True is an attribute without a value,
            and one that is None or False is left out.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        parts.append(
            f" {word}" if value is True else f' {word}="{html.escape(_clean(str(value)), quote=True)}"'
        )
    parts.append(">")
    if name not in _VOID:
        parts += [*map(_child, children), f"</{name}>"]
    return Markup("".join(parts))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child.text
    if isinstance(child, str):
        return html.escape(_clean(child), quote=False)
    return "".join(map(_child, child))


def raw(name: str, text: str, /, **attributes: str | bool | None) -> Markup:
    """An element whose content is no HTML: a style, a script, a block of data. `text` must not end it."""
    if "</" in text or "<!--" in text:
        raise ValueError(f"the content of <{name}> would end it")
    opened = element(name, **attributes).text.removesuffix(f"</{name}>")
    return Markup(f"{opened}{text}</{name}>")


def _clean(text: str) -> str:
    # what turns the direction of a text or hides a part of it deceives on a page as it does on a terminal
    return printable_block(text.expandtabs(4))
