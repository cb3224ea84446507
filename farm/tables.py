"""Tables: as wide as the window on a terminal, plain and whole in a pipe or a file.

On a terminal every row stays on its line: names are shortened in the middle, and columns that
matter least are left out where the window is narrow. Running text stands below its row there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from farm.model.terminal_text import plain

if TYPE_CHECKING:
    from rich.text import Text

NOTHING = "–"
"""What stands where there is nothing to say."""


@dataclass(frozen=True)
class Displayed:
    """What a terminal shows, and what goes into a pipe in its place: `3 min ago` and the instant."""

    short: str
    whole: str


Cell: TypeAlias = str | Displayed


@dataclass(frozen=True)
class Column:
    """A column and what becomes of it where the window is narrow.

    A `name` is shortened in the middle; what goes `below` stands under its row; of those that are
    `extra` the last is left out first, before a name is shortened to less than its `readable` length.
    Figures stand at the `right`.
    """

    title: str
    right: bool = False
    name: bool = False
    below: bool = False
    extra: bool = False
    readable: int = 18


def print_table(
    columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]], *, title: str | None = None
) -> None:
    """Write a table to standard output."""
    from rich.console import Console

    console = Console(highlight=False)
    named = [column if isinstance(column, Column) else Column(column) for column in columns]
    cells = list(rows)
    if console.is_terminal:
        for line in terminal_table(named, cells, console.width, title=title):
            console.print(line, no_wrap=True, crop=False, overflow="ignore")
        return
    lines = plain_table(named, cells)
    console.file.write("".join(f"{line}\n" for line in ([] if title is None else [plain(title)]) + lines))


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The lines of the table with nothing shortened or left out, two blanks between columns."""
    from rich.cells import cell_len

    shown = [[column.title for column in columns], *([_whole(cell) for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    places = list(enumerate(widths))
    return [_joined(columns, row, places) for row in shown]


def terminal_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], room: int, *, title: str | None = None
) -> "Iterator[Text]":
    """The lines of the table for a terminal of `room` characters a line."""
    from rich.text import Text

    shown = [[_short(cell) for cell in row] for row in rows]
    widths = {at: width for at, width in fitted(columns, shown, room).items() if _tells(columns, shown, at)}
    if title is not None:
        yield Text(shortened(plain(title), room), style="dim")
    yield Text(_joined(columns, [column.title for column in columns], list(widths.items())), style="bold")
    for row in shown:
        yield _styled(columns, row, widths)
        for at, column in enumerate(columns):
            if column.below and at not in widths and row[at] not in ("", NOTHING):
                yield from (Text(line, style="dim") for line in indented(row[at], room))


def _tells(columns: Sequence[Column], rows: Sequence[Sequence[str]], at: int) -> bool:
    """Whether the column is worth its room: one of running text is not where no row has any."""
    return not columns[at].below or any(row[at] not in ("", NOTHING) for row in rows)


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> dict[int, int]:
    """How wide each column is that is shown in `room` characters, by its position.

    What may stand below its row does so first. Columns that are extra stay only where names keep
    a readable length beside them.
    """
    from rich.cells import cell_len

    heads = [[column.title for column in columns]]
    wanted = dict(enumerate(max(map(cell_len, column)) for column in zip(*heads, *rows, strict=True)))
    if _taken(wanted) <= room:
        return wanted
    kept = {at: width for at, width in wanted.items() if not columns[at].below}
    while True:
        extra = [at for at in kept if columns[at].extra]
        widths = _narrowed(columns, kept, room, readable=bool(extra))
        if _taken(widths) <= room or not extra:
            return widths
        del kept[extra[-1]]


def _narrowed(
    columns: Sequence[Column], wanted: Mapping[int, int], room: int, *, readable: bool
) -> dict[int, int]:
    """The widths with names shortened, the longest first, until all fits or none may be shorter.

    Where they are to stay `readable` each keeps that length, else no more than the least.
    """
    widths = dict(wanted)
    least = {at: columns[at].readable if readable else _LEAST_NAME for at in widths if columns[at].name}
    while _taken(widths) > room:
        longer = [at for at, length in least.items() if widths[at] > length]
        if not longer:
            break
        widths[max(longer, key=lambda at: widths[at])] -= 1
    return widths


def _taken(widths: Mapping[int, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _joined(columns: Sequence[Column], row: Sequence[str], places: Sequence[tuple[int, int]]) -> str:
    return (" " * _GAP).join(_padded(row[at], width, columns[at]) for at, width in places).rstrip()


def _padded(text: str, width: int, column: Column) -> str:
    from rich.cells import cell_len

    text = shortened(text, width)
    blanks = " " * (width - cell_len(text))
    return blanks + text if column.right else text + blanks


def _styled(columns: Sequence[Column], row: Sequence[str], widths: Mapping[int, int]) -> "Text":
    from rich.text import Text

    cells = [
        Text(_padded(row[at], width, columns[at]), style=_STYLES.get(row[at], ""))
        for at, width in widths.items()
    ]
    line = Text(" " * _GAP).join(cells)
    line.rstrip()
    return line


def shortened(name: str, width: int) -> str:
    """The name with its middle left out where it is longer than `width`: beginning and end tell most."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= width:
        return name
    head = (width - 1) // 2
    tail, taken = "", 0
    for sign in reversed(name):
        taken += cell_len(sign)
        if taken > width - 1 - head:
            break
        tail = sign + tail
    return f"{set_cell_size(name, head).rstrip()}…{tail}"


def indented(text: str, room: int, indent: int = 2) -> list[str]:
    """Running text in lines of at most `room` characters, all of them indented."""
    blanks = " " * indent
    return wrapped(text, max(room, indent + _LEAST_NAME), first=blanks, others=blanks)


def wrapped(
    text: str, room: int, *, first: str = "", others: str = "", break_long_words: bool = True
) -> list[str]:
    """Running text in lines of at most `room` characters, the first and the others behind what stands before.

    A number stays on the line of its unit, or of what is counted.
    """
    import re
    import textwrap

    lines = textwrap.wrap(
        re.sub(r"(?<=\d) (?=[^\W\d]|%|°)", _UNBROKEN, text),
        room,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=break_long_words,
        break_on_hyphens=False,
    )
    return [line.replace(_UNBROKEN, " ") for line in lines]


def _short(cell: Cell) -> str:
    return plain(cell.short if isinstance(cell, Displayed) else cell)


def _whole(cell: Cell) -> str:
    return plain(cell.whole if isinstance(cell, Displayed) else cell)


def style_of(word: str) -> str:
    """The colour in which a word of the field stands on a terminal."""
    return _STYLES.get(word, "")


_GAP = 2
_LEAST_NAME = 12
_UNBROKEN = "\N{NO-BREAK SPACE}"
_STYLES = {
    "succeeded": "green",
    "ok": "green",
    "good": "green",
    "printing": "green",
    "preparing": "green",
    "finished": "cyan",
    "cancelled": "yellow",
    "warning": "yellow",
    "offline": "yellow",
    "paused": "yellow",
    "failed": "red",
    "rejected": "red",
    "error": "red",
    "critical": "red",
    "firing": "red",
    "wrong": "red",
    "missed": "red",
    "doubled": "yellow",
    "unknown": "magenta",
    "no data": "dim",
    NOTHING: "dim",
}
