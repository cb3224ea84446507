"""What a change of the past restates: which indicators, and from when on."""

from typing import Any, Final

import msgspec

from farm.kpi.calculation import Tally
from farm.kpi.catalogue import CATALOGUE
from farm.model.feed import FeedEntry, FeedKind

_OF_PEOPLE: Final = frozenset({Tally.INSPECTIONS, Tally.FIRST_ATTEMPTS})
OF_VERDICTS: Final = frozenset(each.id for each in CATALOGUE if each.reads & _OF_PEOPLE)
"""Indicators that what people found at an inspection bears on."""
OF_OPENING_HOURS: Final = frozenset(
    {"utilization", "availability", "idle_time", "operational_uptime", "total_uptime", "oee"}
)
"""Indicators that opening hours and planned maintenance bear on."""


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
