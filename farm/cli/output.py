"""Figures for programs and spreadsheets, and lines for people."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from farm.errors import LayerlineError
from farm.model.terminal_text import plain, plain_json


def print_json(value: Any) -> None:
    """Write the value to standard output."""
    sys.stdout.write(f"{plain_json(json.dumps(value, ensure_ascii=False, indent=2))}\n")


def print_line(text: str, indent: int = 0) -> None:
    """Write one line for people to standard output, with nothing in it that steers a terminal.

    Where a terminal is too narrow it goes on in further lines, `indent` blanks in; words stay whole.
    """
    line = plain(text)
    lines = between_words(line, indent) if sys.stdout.isatty() else [line]
    sys.stdout.writelines(f"{each}\n" for each in lines)


def between_words(line: str, indent: int) -> list[str]:
    """The line in pieces as wide as the terminal, all but the first `indent` blanks in."""
    import shutil

    from farm.tables import wrapped

    width = max(shutil.get_terminal_size().columns, 2 * indent, _NARROWEST)
    pieces = wrapped(line, width, others=" " * indent, break_long_words=False)
    return pieces or [line]


def counted(count: int, noun: str) -> str:
    """`1 printer`, `2 printers`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def write_json(rows: Iterable[Mapping[str, Any]], _columns: Sequence[str], file: Path | None) -> None:
    """Write the rows as an array of objects into the file, or to standard output.

    Raises LayerlineError when the file cannot be written.
    """
    with _written(file) as target:
        target.write(f"{plain_json(json.dumps(list(rows), ensure_ascii=False, indent=2))}\n")


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: Path | None) -> None:
    """Write the rows as CSV into the file, or to standard output: quoted as in RFC 4180, lines ended by LF.

    Raises LayerlineError when the file cannot be written.
    """
    with _written(file) as target:
        lines = csv.DictWriter(target, columns, lineterminator="\n")
        lines.writeheader()
        shown = target.isatty()
        lines.writerows({key: _harmless(value, shown=shown) for key, value in row.items()} for row in rows)


def _harmless(value: Any, *, shown: bool) -> Any:
    """Text that a spreadsheet would run as a formula is marked as text: file names come from anyone.

    What is `shown` on a terminal steers none. Truth is `true` or `false`, as in JSON.
    """
    if isinstance(value, bool):
        return str(value).lower()
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


_NARROWEST = 18
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
