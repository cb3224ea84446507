"""The time account of one printer that has these spans, by the read model of the figures."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from farm.figures.partition import of_printers
from farm.figures.read_model import ReadModel
from farm.figures.window_sums import Presence, WindowSums
from farm.kpi.account import TimeAccount
from farm.kpi.passed_time import PassedTime
from farm.kpi.subjects import Scope, Subject
from farm.kpi.windows import Window
from farm.model.printer import Printer
from farm.model.span import Span
from tests.unit.kpi.events import printer_called
from tests.unit.kpi.memory_ledger import MemoryLedger


class Interval(NamedTuple):
    """From `from_ms` until `to_ms` (ms since 1970, UTC, half open)."""

    from_ms: int
    to_ms: int


def life_within(printer: Printer, from_ms: int, to_ms: int) -> Presence:
    """Whether the printer counts in the interval, and for how long."""
    window = Window("any", from_ms, to_ms)
    with ReadModel(MemoryLedger([printer], [], [], booked_until_ms=to_ms)).current() as model:
        subject = Subject(Scope.PRINTER, printer.id, printer.name, (printer,))
        (life,) = WindowSums(model, [window], of_printers(model, [subject])).lives(window)
        return life


def account_of_spans(
    spans: Iterable[Span], from_ms: int, to_ms: int, closed: Sequence[Interval] = ()
) -> TimeAccount:
    """The account of one printer that lived through the whole interval, from its spans.

    A span without an end reaches as far as the interval. `closed` are the closed hours,
    in order and without overlap.
    """
    printer = printer_called("bay1", first_seen_ms=from_ms)
    window = Window("any", from_ms, to_ms)
    source = ReadModel(MemoryLedger([printer], list(spans), [], booked_until_ms=to_ms))
    with source.current() as model:
        subject = Subject(Scope.PRINTER, printer.id, printer.name, (printer,))
        return WindowSums(model, [window], of_printers(model, [subject]), [PassedTime(closed)]).account(
            window, 0
        )


def add_up(accounts: Iterable[TimeAccount]) -> TimeAccount:
    """The sum of accounts of intervals that follow each other."""
    whole = TimeAccount({}, {})
    for each in accounts:
        for total, more in ((whole.open_ms, each.open_ms), (whole.closed_ms, each.closed_ms)):
            for state, ms in more.items():
                total[state] = total.get(state, 0) + ms  # type: ignore[index]  # they are dicts
    return whole
