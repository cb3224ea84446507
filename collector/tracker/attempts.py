"""How an attempt begins, what is learnt of it, how it ends, and how its row is put right later."""

import msgspec

from collector.tracker.limits import SAME_START_MS
from collector.tracker.state import Attempt
from collector.tracker.time_account import TimeAccount
from farm.model.feed import FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, Provenance

_KNOWN_REST = frozenset({PrinterState.IDLE, PrinterState.FINISHED, PrinterState.ERROR})


class Attempts(TimeAccount):
    """What can happen to the attempt under way and to the last one that ended."""

    def start(self, seen: Observation, reading: JobReading) -> None:
        """Open an attempt at its first evidence, which also fixes its id."""
        token = reading.token or reading.native_id or f"{seen.time_ms or self.at}:{reading.file}"
        told = seen.signal is JobSignal.STARTED
        started: int | None = self.at if told else None
        provenance = Provenance.OBSERVED if told else Provenance.INFERRED
        if reading.elapsed_ms is not None:
            started = self.at - reading.elapsed_ms
            if reading.elapsed_ms < SAME_START_MS:
                provenance = Provenance.OBSERVED
        elif not told and self.state in _KNOWN_REST and self.source == "observed" and not seen.level:
            # The edge from a known resting state is the start itself.
            started, provenance = self.at, Provenance.OBSERVED
        if self.last_job is not None and self.last_job.id == job_id(self.tracker.printer_id, token):
            # Two attempts of one file within one tick of the source's clock.
            token = f"{token}:again"
        job = Job(
            id=job_id(self.tracker.printer_id, token),
            printer_id=self.tracker.printer_id,
            file=reading.file,
            started_ms=started,
            start_provenance=provenance,
            units=reading.units or 1,
        )
        self.attempt = Attempt(job=job, opened_ms=self.at, accounted_ms=self.at, from_start_signal=told)
        self.learn(reading)
        self.tell_job(FeedKind.JOB_STARTED, self.attempt.job, self.at)

    def start_unseen(self, seen: Observation, reading: JobReading) -> None:
        """An end without a start that we know of: the attempt was there all the same."""
        self.start(seen, reading)
        measured = reading.elapsed_ms if reading.elapsed_ms is not None else reading.printing_ms
        attempt = self.attempt
        if attempt is not None:
            job = msgspec.structs.replace(
                attempt.job,
                started_ms=None if measured is None else self.at - measured,
                start_provenance=Provenance.INFERRED,
            )
            self.attempt = msgspec.structs.replace(attempt, job=job)

    def learn(self, reading: JobReading, *, final: bool = False) -> None:
        """Take over what a reading adds to the job's row; durations only when they are `final`."""
        attempt = self.attempt
        if attempt is None:
            return
        job = attempt.job
        changes: dict[str, object] = {
            name: value
            for name in ("progress", "filament_mm", "filament_g", "material", "operator", "units")
            if (value := getattr(reading, name)) is not None
        }
        if job.file is None and reading.file is not None:
            changes["file"] = reading.file
        if final and reading.printing_ms is not None:
            changes["printing_ms"], changes["measured"] = reading.printing_ms, True
        if changes:
            job = msgspec.structs.replace(job, **changes)
            self.attempt = msgspec.structs.replace(attempt, job=job)

    def _correct_start(self, reading: JobReading) -> None:
        """At an end that is told as it happens, the measured time gives a start that was only inferred."""
        attempt = self.attempt
        if attempt is None or attempt.gap_from_ms is not None or reading.elapsed_ms is None:
            return
        job = attempt.job
        if job.start_provenance is Provenance.INFERRED:
            job = msgspec.structs.replace(job, started_ms=self.at - reading.elapsed_ms)
            self.attempt = msgspec.structs.replace(attempt, job=job)

    def end_time(self, reading: JobReading) -> int:
        """When the job ended: by the source's own account where a level tells it late."""
        self._correct_start(reading)
        attempt = self.attempt
        if attempt is None or reading.elapsed_ms is None or attempt.job.started_ms is None:
            return self.at
        by_account = attempt.job.started_ms + reading.elapsed_ms
        floor = attempt.gap_from_ms if attempt.gap_from_ms is not None else self.since
        return min(self.at, max(by_account, floor))

    def end(
        self,
        outcome: Outcome,
        ended_ms: int,
        provenance: Provenance,
        *,
        cause: Cause | None = None,
        detail: str | None = None,
        cancelled_by: CancelledBy | None = None,
    ) -> None:
        """End the attempt under way; nothing happens where none is."""
        self.account(max(ended_ms, self.since) if ended_ms <= self.at else self.at)
        attempt = self.attempt
        if attempt is None:
            return
        job = self._with_start(attempt, ended_ms)
        job = msgspec.structs.replace(
            job,
            ended_ms=max(ended_ms, job.started_ms or ended_ms),
            outcome=outcome,
            provenance=provenance,
            cause=(cause or Cause.UNKNOWN) if outcome is Outcome.FAILED else None,
            detail=detail,
            cancelled_by=cancelled_by if outcome is Outcome.CANCELLED else None,
            progress=1.0 if outcome is Outcome.SUCCEEDED else job.progress,
        )
        self.attempt = None
        self.last_job = job
        self.booking.jobs[job.id] = job
        self.tell_job(FeedKind.JOB_ENDED, job, job.ended_ms or ended_ms)

    @staticmethod
    def _with_start(attempt: Attempt, ended_ms: int) -> Job:
        """The job with the start that its measured printing time implies, where none was seen."""
        job = attempt.job
        if job.started_ms is None and job.measured:
            return msgspec.structs.replace(
                job,
                started_ms=ended_ms - job.printing_ms - job.paused_ms,
                start_provenance=Provenance.INFERRED,
            )
        return job

    def settle(self) -> None:
        """The end did not come within the time that it takes to come."""
        attempt = self.attempt
        if attempt is not None and attempt.settling_ms is not None:
            self.give_up(attempt)

    def give_up(self, attempt: Attempt) -> None:
        """Close an attempt whose end nobody told, with what is known of it."""
        if attempt.read_through_ms is not None:
            self.end(Outcome.SUCCEEDED, attempt.read_through_ms, Provenance.INFERRED)
        elif attempt.settling_error and attempt.settling_ms is not None:
            cause = attempt.cause or Cause.UNKNOWN
            self.end(
                Outcome.FAILED, attempt.settling_ms, Provenance.INFERRED, cause=cause, detail=attempt.detail
            )
        else:
            known = [at for at in (attempt.gap_from_ms, attempt.settling_ms) if at is not None]
            self.end(Outcome.UNKNOWN, min(known, default=self.at), Provenance.INFERRED)

    def revise(
        self,
        job: Job,
        outcome: Outcome,
        provenance: Provenance,
        cause: Cause | None,
        detail: str | None,
        cancelled_by: CancelledBy | None,
        ended_ms: int | None = None,
    ) -> None:
        """Give an ended job another outcome, by better evidence than it rested on."""
        self.amend(
            msgspec.structs.replace(
                job,
                outcome=outcome,
                provenance=provenance,
                cause=(cause or Cause.UNKNOWN) if outcome is Outcome.FAILED else None,
                detail=detail,
                cancelled_by=cancelled_by if outcome is Outcome.CANCELLED else None,
                ended_ms=job.ended_ms if ended_ms is None else ended_ms,
            )
        )

    def amend(self, job: Job) -> None:
        """Book a changed row of an ended job. Every revision is kept."""
        job = msgspec.structs.replace(job, revision=job.revision + 1)
        self.last_job = job
        self.booking.jobs[job.id] = job
        self.tell_job(FeedKind.JOB_REVISED, job, self.at)
