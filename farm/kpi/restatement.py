"""What a change of the past restates: which indicators, and from when on."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from farm.kpi.calculation import Tally
from farm.kpi.catalogue import CATALOGUE
from farm.model.feed import FeedEntry, FeedKind
from farm.model.states import Outcome

_OF_PEOPLE: Final = frozenset({Tally.INSPECTIONS, Tally.FIRST_ATTEMPTS})
OF_VERDICTS: Final = frozenset(each.id for each in CATALOGUE if each.reads & _OF_PEOPLE)
"""Indicators that what people found at an inspection bears on."""
OF_OPENING_HOURS: Final = frozenset(
    {"utilization", "availability", "idle_time", "operational_uptime", "total_uptime", "oee"}
)
"""Indicators that opening hours and planned maintenance bear on."""

OF_MEDIANS: Final = frozenset(each.id for each in CATALOGUE if Tally.MEDIANS in each.reads)
"""Indicators that hold prints without an estimate against the median of their file."""


class Restatement(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the past: since `from_ms` (ms since 1970) these indicators may be others.

    `who`, `why`, `before` and `after` are None where the change does not tell them.
    """

    seq: int
    at_ms: int
    kind: FeedKind
    from_ms: int
    indicators: tuple[str, ...]
    printer_id: str | None
    job_id: str | None
    who: str | None
    why: str | None
    before: Any = None
    after: Any = None


def restatement_of(entry: FeedEntry) -> Restatement | None:
    """What the entry of the feed restates; None where it tells of the present or bears on the future."""
    match entry.kind:
        case FeedKind.JOB_INSPECTED:
            return _restated(entry, entry.body.get("ended_ms"), OF_VERDICTS, why=entry.body.get("note"))
        case FeedKind.CALENDAR_CHANGED:
            from_ms = entry.body.get("restates_from_ms")
            return _restated(entry, from_ms, OF_OPENING_HOURS, why=entry.body.get("why"))
        case FeedKind.JOB_REVISED:
            told = [entry.body.get(name) for name in ("started_ms", "ended_ms")]
            from_ms = min((each for each in told if each is not None), default=None)
            return _restated(entry, from_ms, frozenset(_ALL))
        case FeedKind.SPANS_REVISED:
            return _restated(entry, entry.body.get("from_ms"), frozenset(_ALL), why=entry.body.get("why"))
    return None


def restatement_by_median(
    entry: FeedEntry, first_by_median: Callable[[str], int | None]
) -> Restatement | None:
    """What the entry restates beside that, since a print moves the median of its file; None where nothing.

    A print that comes out counts in the median against which earlier ones of its file are held; so does
    one that is revised, or did until then. `first_by_median` says when the first print of a file ended
    that is held against it (ms since 1970).
    """
    body = entry.body
    file = body.get("file")
    is_new = entry.kind is FeedKind.JOB_ENDED
    if not file or not (is_new or entry.kind is FeedKind.JOB_REVISED):
        return None
    if is_new and not (body.get("outcome") == Outcome.SUCCEEDED and body.get("printing_ms")):
        return None
    own = [body.get(name) for name in ("started_ms", "ended_ms")] if not is_new else [body.get("ended_ms")]
    from_ms, own_ms = first_by_median(file), min((each for each in own if each is not None), default=None)
    if from_ms is None or (own_ms is not None and from_ms >= own_ms):
        return None
    return _restated(entry, from_ms, OF_MEDIANS, why=f"it moves the median of {file}")


_ALL: Final = tuple(each.id for each in CATALOGUE)


def _restated(
    entry: FeedEntry, from_ms: int | None, indicators: frozenset[str], why: str | None = None
) -> Restatement | None:
    if from_ms is None:
        return None
    return Restatement(
        seq=entry.seq,
        at_ms=entry.at_ms,
        kind=entry.kind,
        from_ms=from_ms,
        indicators=tuple(each for each in _ALL if each in indicators),
        printer_id=entry.printer_id,
        job_id=entry.job_id,
        who=entry.body.get("who"),
        why=why or None,
        before=entry.body.get("before"),
        after=entry.body.get("after"),
    )
