"""Tables on a terminal, by `rich`, which no hook loads. Every text is escaped and is never read as markup."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from envhooks.base.hygiene import printable
from envhooks.cli._terminal import columns, use_colour

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "good": "green", "refused": "bold red", "could not judge": "yellow", "yanked": "bold red", "added": "green",
    "removed": "red", "changed": "yellow", "unknown": "magenta",
}  # fmt: skip
"""Words that carry a colour of their own; the word alone says the same."""


_UNBROKEN = 2000
"""Columns of a file, in which no line is broken."""
_LEAST = 8
"""Columns that a text needs which may be folded."""
_HEAD = 10
"""Columns of a head that is not folded."""
KEPT = 12
"""Characters of a column that is never folded: a date, a word, a short digest."""


def console() -> Console:
    """A console on standard output, as wide as the terminal."""
    from rich.console import Console

    colour = use_colour(sys.stdout)
    return Console(
        file=sys.stdout,
        force_terminal=colour,
        width=columns(sys.stdout) or _UNBROKEN,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=not colour,
        soft_wrap=False,
    )


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], groups: Sequence[str] = ()) -> None:
    """Print rows of text under their heads; a column that is empty in every row is left out.

    The first column is never folded, so that a name can be copied: where the terminal is too narrow for it beside the
    others, those stand below it. `groups` has a text for each row: a rule stands where it changes.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    rows = [tuple(printable(cell) for cell in row) for row in rows]
    shown = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    out = console()
    needed = 0
    for at in shown:
        widest = max(map(cell_len, (heads[at], *(row[at] for row in rows))))
        keep = at == 0 or max(len(row[at]) for row in rows) <= KEPT
        least = widest if keep else min(widest, max(_LEAST, min(cell_len(heads[at]), _HEAD)))
        needed += 1 + least
        table.add_column(Text(heads[at]), overflow="fold", no_wrap=keep, min_width=least)
    if needed > out.width:
        for row in rows:
            cells = [Text(row[at], style=STYLES.get(row[at], "")) for at in shown if row[at]]
            out.print(cells[0], soft_wrap=True)
            out.print(Text("  ").append_text(Text("  ").join(cells[1:])), soft_wrap=True)
        return
    for number, row in enumerate(rows):
        last = bool(groups) and groups[number] != groups[min(number + 1, len(groups) - 1)]
        table.add_row(*(Text(row[at], style=STYLES.get(row[at], "")) for at in shown), end_section=last)
    out.print(table)


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print labels and their texts in two columns; a pair without a text is left out.

    A text is never folded: a digest or a command that is broken into two lines cannot be copied.
    """
    from rich.text import Text

    shown = [(label, printable(text)) for label, text in pairs if text]
    width = max((len(label) for label, _ in shown), default=0)
    out = console()
    for label, text in shown:
        said = text.partition(":")[0]
        style = STYLES.get(said) or STYLES.get(said.split(" ", 1)[0].rstrip(","), "")
        line = Text.assemble((label.ljust(width), "bold"), "  ", (text, style))
        out.print(line, soft_wrap=True)
