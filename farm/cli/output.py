"""Printing figures: tables for people, JSON for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TextIO

from farm.errors import LayerlineError
from farm.model.terminal_text import plain, plain_json, plain_lines
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS


def print_json(value: Any) -> None:
    """Write the value to standard output."""
    sys.stdout.write(f"{plain_json(json.dumps(value, ensure_ascii=False, indent=2))}\n")


def print_line(text: str) -> None:
    """Write one line for people to standard output, with nothing in it that steers a terminal."""
    sys.stdout.write(f"{plain(text)}\n")


def write_json(rows: Iterable[Mapping[str, Any]], _columns: Sequence[str], file: Path | None) -> None:
    """Write the rows as an array of objects into the file, or to standard output.

    Raises LayerlineError when the file cannot be written.
    """
    with _written(file) as target:
        target.write(f"{plain_json(json.dumps(list(rows), ensure_ascii=False, indent=2))}\n")


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: Path | None) -> None:
    """Write the rows as CSV after RFC 4180 into the file, or to standard output.

    Raises LayerlineError when the file cannot be written.
    """
    with _written(file) as target:
        lines = csv.DictWriter(target, columns)
        lines.writeheader()
        shown = target.isatty()
        lines.writerows({key: _harmless(value, shown=shown) for key, value in row.items()} for row in rows)


def _harmless(value: Any, *, shown: bool) -> Any:
    """Text that a spreadsheet would run as a formula is marked as text: file names come from anyone.

    What is `shown` on a terminal steers none.
    """
    if not isinstance(value, str):
        return value
    text = f"'{value}" if value.startswith(_FORMULA) else value
    return plain(text) if shown else text


@contextmanager
def _written(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as target:
            yield target
    except OSError as error:
        raise LayerlineError(f"{file}: cannot be written: {error.strerror}") from error


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

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    shown = [[plain_lines(cell) for cell in row] for row in rows]
    heading = None if title is None else Text(plain(title))
    widths, padding = None, 1
    for padding in (1, 0):
        room = console.width - (1 + 2 * padding) * len(columns) - 1
        if (widths := column_widths([columns, *shown], room)) is not None:
            break
    table = Table(
        title=heading, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, padding)
    )
    for column, width in zip(columns, widths or [None] * len(columns), strict=True):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", width=width)
    for row in shown:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console.print(table)


def column_widths(rows: Sequence[Sequence[str]], room: int) -> Sequence[int | None] | None:
    """How wide each column is so that no ordinary word is broken; None where there is no room for that.

    What is wanting is taken from columns of long texts, not from those of one word.
    """
    from rich.cells import cell_len

    columns = list(zip(*rows, strict=True))
    wanted = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    if sum(wanted) <= room:
        return [None] * len(columns)
    longest = [max((cell_len(word) for cell in each for word in cell.split()), default=1) for each in columns]
    widths = [word if word <= _WHOLE_WORD else _PIECE for word in longest]
    if sum(widths) > room:
        return None
    for _ in range(room - sum(widths)):
        neediest = max(range(len(widths)), key=lambda at: wanted[at] / widths[at])
        widths[neediest] += 1
    return widths


_PIECE = 12
"""The shortest piece into which a longer word is broken."""
_WHOLE_WORD = 18
"""A longer word may be broken: a file name, an address."""
_WIDE = 160
"""Characters in a line where nobody's window bounds it."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
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
