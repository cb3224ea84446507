"""What a printer's own history adds: names, ends that were missed, attempts that nobody saw."""

from collections.abc import Iterable

import msgspec

from collector.tracker.attempts import Attempts
from collector.tracker.matching import is_row_of
from collector.tracker.state import Attempt
from farm.model.feed import FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import HistoryRow
from farm.model.states import Cause, Outcome, Provenance


class Hindsight(Attempts):
    """History revises `unknown` and fills gaps; what was observed stands."""

    def look_back(self, rows: Iterable[HistoryRow]) -> None:
        """Work rows of the history in, oldest first."""
        for row in sorted(rows, key=lambda row: row.started_ms):
            attempt, last = self.attempt, self.last_job
            if attempt is not None and is_row_of(attempt.job, row):
                self._complete(attempt, row)
            elif last is not None and is_row_of(last, row):
                self._revise_by(last, row)
            elif self._was_missed(row):
                self._book_missed(row)

    def _complete(self, attempt: Attempt, row: HistoryRow) -> None:
        """The row of the attempt under way: its file, its start, and its end if that was missed."""
        self._name(row, attempt.job)
        job = attempt.job
        if job.file is None or job.start_provenance is Provenance.INFERRED:
            job = msgspec.structs.replace(
                job,
                file=job.file or row.file,
                started_ms=row.started_ms,
                start_provenance=Provenance.HISTORY,
            )
        ended = row.outcome not in (None, Outcome.UNKNOWN) and attempt.gap_from_ms is not None
        if ended and row.printing_ms is not None:
            job = msgspec.structs.replace(job, printing_ms=row.printing_ms, measured=True)
        self.attempt = msgspec.structs.replace(attempt, job=job)
        if ended and row.outcome is not None:
            self.end(
                row.outcome,
                row.ended_ms or attempt.gap_from_ms or self.at,
                Provenance.HISTORY,
                cause=row.cause,
                detail=row.detail,
                cancelled_by=row.cancelled_by,
            )

    def _revise_by(self, last: Job, row: HistoryRow) -> None:
        self._name(row, last)
        if last.outcome is Outcome.UNKNOWN and row.outcome not in (None, Outcome.UNKNOWN):
            if row.printing_ms is not None:
                last = msgspec.structs.replace(last, printing_ms=row.printing_ms, measured=True)
            self.revise(
                last,
                row.outcome,
                Provenance.HISTORY,
                row.cause,
                row.detail,
                row.cancelled_by,
                ended_ms=row.ended_ms,
            )

    def _was_missed(self, row: HistoryRow) -> bool:
        """Whether the row is of an attempt that began and ended while we saw nothing."""
        if row.outcome is None or row.ended_ms is None or row.started_ms < self.tracker.first_seen_ms:
            return False
        if self.last_job is not None and row.started_ms < (self.last_job.ended_ms or 0):
            return False
        began = self.attempt.job.started_ms if self.attempt is not None else None
        return row.ended_ms <= (self.at if began is None else began)

    def _book_missed(self, row: HistoryRow) -> None:
        """The attempt counts; the hours stay what they were for us, unknown."""
        job = Job(
            id=job_id(self.tracker.printer_id, f"{row.history}:{row.native_id}:{row.started_ms}"),
            printer_id=self.tracker.printer_id,
            file=row.file,
            started_ms=row.started_ms,
            start_provenance=Provenance.HISTORY,
            ended_ms=row.ended_ms,
            outcome=row.outcome,
            provenance=Provenance.HISTORY,
            cancelled_by=row.cancelled_by,
            cause=(row.cause or Cause.UNKNOWN) if row.outcome is Outcome.FAILED else None,
            detail=row.detail,
            printing_ms=row.printing_ms or 0,
            measured=row.printing_ms is not None,
            filament_mm=row.filament_mm,
        )
        self._name(row, job)
        self.last_job = job
        self.booking.jobs[job.id] = job
        self.tell_job(FeedKind.JOB_ENDED, job, row.ended_ms or self.at)

    def _name(self, row: HistoryRow, job: Job) -> None:
        self.aliases[row.history, row.native_id, job.id] = None
        self.booking.aliases[row.history, row.native_id] = job.id
