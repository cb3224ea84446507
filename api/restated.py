"""Changes of the past as the live stream tells them: which figures, who, when, why, before and after."""

from collections.abc import Iterable
from typing import Any

import msgspec

from farm.kpi.restatement import Restatement, restatement_by_median, restatement_of
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.ledger_reader import LedgerReader
from farm.model.feed import FeedEntry, FeedKind
from farm.model.times import rfc3339


def restated_documents(entries: Iterable[FeedEntry], reader: LedgerReader) -> list[bytes]:
    """A JSON object for each change of figures that the entries tell of. Raises LedgerError."""
    return [
        msgspec.json.encode(_record(entry, restated, reader))
        for entry in entries
        for restated in (restatement_of(entry), restatement_by_median(entry, reader.first_by_median))
        if restated is not None
    ]


def _record(entry: FeedEntry, restated: Restatement, reader: LedgerReader) -> dict[str, Any]:
    record = {
        "seq": restated.seq,
        "kind": restated.kind,
        "at": rfc3339(restated.at_ms),
        "from": rfc3339(restated.from_ms),
        "indicators": restated.indicators,
        "printer_id": restated.printer_id,
        "job_id": restated.job_id,
        "who": restated.who,
        "why": restated.why,
        "before": restated.before,
        "after": restated.after,
    }
    if entry.kind is FeedKind.CALENDAR_CHANGED:
        return record | _of_the_trail(entry, reader)
    if entry.kind is FeedKind.JOB_REVISED:
        return record | _of_the_revision(entry, restated, reader)
    return record


def _of_the_trail(entry: FeedEntry, reader: LedgerReader) -> dict[str, Any]:
    """What stood before and after: the feed tells only which step of the trail it was."""
    change = CalendarTrail(reader.engine).change(entry.body.get("change", 0))
    return {} if change is None else {"before": change.before, "after": change.after}


def _of_the_revision(entry: FeedEntry, restated: Restatement, reader: LedgerReader) -> dict[str, Any]:
    """Who revised the job, and what it said before: the feed tells only what it says now."""
    for revision in reversed(reader.revisions(entry.job_id or "")):
        after = _decoded(revision.after)
        if isinstance(after, dict) and after.get("revision") == entry.body.get("revision"):
            return {
                "who": revision.who,
                "why": restated.why or revision.why,
                "before": _decoded(revision.before),
                "after": after,
            }
    return {}


def _decoded(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
