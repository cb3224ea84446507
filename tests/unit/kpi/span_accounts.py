"""The time account of one printer worked out span by span, to hold the ledger's sums against."""

from collections import Counter
from collections.abc import Iterable, Sequence

from farm.kpi.account import Interval, TimeAccount, add_up, book
from farm.model.span import Span
from farm.model.states import PrinterState


def account_of_spans(
    spans: Iterable[Span], from_ms: int, to_ms: int, closed: Sequence[Interval] = ()
) -> TimeAccount:
    """The account of one printer that lived through the whole interval, from its spans.

    A span without an end reaches as far as the interval. `closed` are the closed hours,
    in order and without overlap. Raises LedgerError when spans overlap.
    """
    booked = list(spans)
    accounts = []
    for part, is_closed in _parts(from_ms, to_ms, closed):
        totals: Counter[PrinterState] = Counter()
        for span in booked:
            end = part.to_ms if span.to_ms is None else min(span.to_ms, part.to_ms)
            totals[span.state] += max(0, end - max(span.from_ms, part.from_ms))
        accounts.append(book(totals, part.to_ms - part.from_ms, closed=is_closed))
    return add_up(accounts)


def _parts(from_ms: int, to_ms: int, closed: Sequence[Interval]) -> Iterable[tuple[Interval, bool]]:
    reached = from_ms
    for interval in closed:
        start, end = max(reached, interval.from_ms), min(to_ms, interval.to_ms)
        if start < end:
            yield Interval(reached, start), False
            yield Interval(start, end), True
            reached = end
    yield Interval(reached, to_ms), False
