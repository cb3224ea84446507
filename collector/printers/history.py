"""A printer's own history, further back than the job at hand: what it settles, and where it is put."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from collector.printers.evidence import evidence_body
from collector.sessions.session import PrinterSession
from collector.tracker import Observed, TrackerState, is_row_of, outcome_of_row
from farm.ledger.records import Evidence
from farm.model.job import Job
from farm.model.observation import HistoryRow, Observation
from farm.model.states import Outcome


class OlderRow(NamedTuple):
    """A row that settles something, and the instant (ms) of its place in the evidence."""

    at_ms: int
    row: HistoryRow


def rows_before(tracker: TrackerState, rows: Iterable[HistoryRow]) -> list[HistoryRow]:
    """The rows of attempts from before the job at hand that tell how they ended.

    The job at hand and all that came behind it are the tracker's own to look back on.
    """
    last = tracker.last_job
    if last is None or last.ended_ms is None:
        return []
    return [
        row
        for row in rows
        if row.ended_ms is not None
        and row.started_ms >= tracker.first_seen_ms
        and row.started_ms < last.ended_ms
        and outcome_of_row(row) not in (None, Outcome.UNKNOWN)
    ]


def older_rows(tracker: TrackerState, rows: Iterable[HistoryRow], jobs: list[Job]) -> list[OlderRow]:
    """Those of the rows that settle a job whose outcome nobody knows, or tell of one that was missed.

    `jobs` are the printer's from the first row on. What is known stays as it is.
    """
    at_hand = {job.id for job in (tracker.last_job, tracker.attempt and tracker.attempt.job) if job}
    found = []
    for row in sorted(rows, key=lambda row: row.started_ms):
        ended_ms = row.ended_ms or row.started_ms
        job = next((job for job in jobs if is_row_of(job, row)), None)
        if job is None:
            if not any(_overlap(job, row.started_ms, ended_ms) for job in jobs):
                found.append(OlderRow(ended_ms, row))
        elif job.id not in at_hand and job.outcome is Outcome.UNKNOWN:
            # Behind both ends the job is over in the books, or lost from sight.
            found.append(OlderRow(max(ended_ms, job.ended_ms or 0), row))
    return found


def evidence_of_rows(
    found: Iterable[OlderRow], seen: Observation, session: PrinterSession, received_ms: int
) -> list[Evidence]:
    """The rows, each as an observation of its own in its place."""
    late = []
    for at_ms, row in found:
        of_row = msgspec.structs.replace(seen, history=(row,))
        body = evidence_body(session, Observed(of_row, at_ms), received_ms, of_row)
        late.append(Evidence(session.printer_id, at_ms, 0, received_ms, body))
    return late


def _overlap(job: Job, from_ms: int, to_ms: int) -> bool:
    """Whether the job was under way within the interval; one without a start counts at its end."""
    ended_ms = float("inf") if job.ended_ms is None else job.ended_ms
    started_ms = ended_ms if job.started_ms is None else job.started_ms
    return started_ms < to_ms and ended_ms > from_ms
