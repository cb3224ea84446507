"""The account of time page by page: one printer after the other, each in the order of time.

A page goes on at the instant at which the page before ended, so what is booked meanwhile neither
shifts nor repeats what follows.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from farm.errors import InvalidInput
from farm.ledger.page_marks import MarkedId, MarkedNumber, page_end, page_mark
from farm.ledger.time_account import spans
from farm.model.span import Span

_MOST_PRINTERS: Final = 64
"""So many are read at once, where few spans of each lie in the window."""


class CountedInterval(NamedTuple):
    """The part of a window in which a printer counts (ms since 1970, half open)."""

    printer_id: str
    from_ms: int
    to_ms: int


class SpanPage(NamedTuple):
    """One page of spans without holes, cut to the window, and the mark of the next; None at the end."""

    spans: list[Span]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where the page begins that follows."""

    printer_id: MarkedId
    from_ms: MarkedNumber


def span_page(
    connection: Connection, services: Sequence[CountedInterval], after: str | None, limit: int
) -> SpanPage:
    """The page after the mark. Raises InvalidInput when the mark is none of ours, or of other printers."""
    left = _left(services, after)
    found: list[Span] = []
    read = 0
    while left and len(found) <= limit:
        some = _how_many(len(found), read, limit)
        if some == 1 or not _are_alike(left[:some]):
            found += _account(connection, left.pop(0), limit + 1 - len(found))
            read += 1
            continue
        chosen, left = left[:some], left[some:]
        found += _accounts(connection, chosen)
        read += some
    following = found[limit] if len(found) > limit else None
    mark = None if following is None else page_mark(_Mark(following.printer_id, following.from_ms))
    return SpanPage(found[:limit], mark)


def _left(services: Sequence[CountedInterval], after: str | None) -> list[CountedInterval]:
    if after is None:
        return list(services)
    mark = page_end(after, _Mark, "spans")
    for place, service in enumerate(services):
        if service.printer_id == mark.printer_id:
            begin_ms = min(max(service.from_ms, mark.from_ms), service.to_ms)
            return [service._replace(from_ms=begin_ms), *services[place + 1 :]]
    raise InvalidInput("after", after, "is the mark of a page that was about other printers")


def _how_many(found: int, read: int, limit: int) -> int:
    """How many printers probably fill the page, judged by those that were read."""
    if not read:
        return 1
    wanted = (limit + 1 - found) * read // max(found, 1) + 1
    return min(wanted, _MOST_PRINTERS)


def _are_alike(services: Sequence[CountedInterval]) -> bool:
    """Whether they count from the same instant until the same, so that one question is about all."""
    return len({(each.from_ms, each.to_ms) for each in services}) == 1


def _account(connection: Connection, service: CountedInterval, wanted: int) -> list[Span]:
    """The account of one printer, no more of it than needed."""
    found: list[Span] = []
    begin_ms = service.from_ms
    while begin_ms < service.to_ms and len(found) < wanted:
        # A row that says nothing is a hole, and the last one read is only looked at for its beginning.
        more = spans(connection, begin_ms, service.to_ms, [service.printer_id], wanted + 2)
        if not more:
            break
        found += more
        begin_ms = more[-1].to_ms or service.to_ms
    return found


def _accounts(connection: Connection, services: Sequence[CountedInterval]) -> list[Span]:
    """The accounts of printers that count for the same time, in their order."""
    first, ids = services[0], [each.printer_id for each in services]
    read = spans(connection, first.from_ms, first.to_ms, ids)
    by_printer = {name: list(found) for name, found in groupby(read, lambda span: span.printer_id)}
    return [span for printer_id in ids for span in by_printer.get(printer_id, ())]
