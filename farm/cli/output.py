"""Printing figures: tables for people, JSON for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

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

    heading = None if title is None else Text(plain(title))
    table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain_lines(cell), style=_STYLES.get(cell, "")) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    console.print(table)


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
