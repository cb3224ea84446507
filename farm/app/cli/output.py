"""Printing figures: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS


def print_json(value: Any) -> None:
    """Write the value to standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """Write a table to standard output; the columns named in `right` hold figures."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    console.print(table)


_WIDE = 160
"""Characters in a line where nobody's window bounds it."""

_STYLES = {
    "succeeded": "green",
    "ok": "green",
    "failed": "red",
    "missing": "red",
    "cancelled": "yellow",
    "warning": "yellow",
    "unknown": "magenta",
    "no data": "dim",
    "–": "dim",
}


def span_text(length_ms: int) -> str:
    """A length of time as people say it: `2 h 05 min`, `12 min 03 s`, `41 s`."""
    if length_ms >= HOUR_MS:
        return f"{length_ms // HOUR_MS} h {length_ms % HOUR_MS // MINUTE_MS:02d} min"
    if length_ms >= MINUTE_MS:
        return f"{length_ms // MINUTE_MS} min {length_ms % MINUTE_MS // SECOND_MS:02d} s"
    return f"{length_ms // SECOND_MS} s"
