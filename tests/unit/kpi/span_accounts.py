"""The time account of one printer that has these spans, by the read model of the figures."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from farm.figures.partition import of_printers
from farm.figures.read_model import ReadModel
from farm.figures.state_changes import Clock
from farm.figures.window_sums import WindowSums
from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput, alone
from farm.kpi.passed_time import PassedTime
from farm.kpi.subjects import Scope, Subject
from farm.kpi.windows import Window
from farm.model.printer import Printer
from farm.model.span import Span
from farm.settings import SiteSettings
from tests.unit.kpi.events import printer_called
from tests.unit.kpi.memory_ledger import MemoryLedger

T = TypeVar("T")


class Interval(NamedTuple):
    """From `from_ms` until `to_ms` (ms since 1970, UTC, half open)."""

    from_ms: int
    to_ms: int


def known_of(
    model: ReadModel, window: Window, printer: Printer, closed: Sequence[Clock | None] = ()
) -> KpiInput:
    """What formulas are given of the printer."""
    subject = Subject(Scope.PRINTER, printer.id, printer.name, (printer,))
    sums = WindowSums(model, [window], of_printers(model, [subject]), closed)
    return alone(sums.columns(SiteSettings()), 0)


def life_within(printer: Printer, from_ms: int, to_ms: int) -> tuple[int, int]:
    """Whether the printer counts in the interval (0 or 1), and for how long (ms)."""
    with ReadModel(MemoryLedger([printer], [], [], booked_until_ms=to_ms)).current() as model:
        known = known_of(model, Window("any", from_ms, to_ms), printer)
        return known.printers, known.elapsed_ms


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
        account = known_of(model, window, printer, [PassedTime(closed)]).account
    return TimeAccount(_spent(account.open_ms), _spent(account.closed_ms), _spent(account.reasons_ms))


def _spent(of: Mapping[T, int]) -> dict[T, int]:
    """Without what took no time."""
    return {each: ms for each, ms in of.items() if ms}


def add_up(accounts: Iterable[TimeAccount]) -> TimeAccount:
    """The sum of accounts of intervals that follow each other."""
    whole = TimeAccount({}, {})
    for each in accounts:
        for total, more in ((whole.open_ms, each.open_ms), (whole.closed_ms, each.closed_ms)):
            for state, ms in more.items():
                total[state] = total.get(state, 0) + ms  # type: ignore[index]  # they are dicts
    return whole
