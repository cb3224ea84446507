"""The rules: what an input means for the printer's state and for its job."""

import zlib

import msgspec

from collector.tracker.hindsight import Hindsight
from collector.tracker.inputs import ContinuityLost, Observed, Settled, SignOfLife, Silence, TrackerInput
from collector.tracker.limits import (
    ECHO_MS,
    FRESH_MS,
    QUIET_LINK_MS,
    RENEWED_LINK_MS,
    SAME_START_MS,
    SETTLE_MS,
)
from collector.tracker.matching import adopts, ends_another, is_another, is_same_attempt
from collector.tracker.state import LedgerChanges, TrackerState
from collector.tracker.time_account import REMEMBERED
from farm.model.job import job_id
from farm.model.observation import JobReading, JobSignal, Link, Observation
from farm.model.states import ACTIVE_STATES, Cause, Outcome, PrinterState, Provenance

_OUTCOMES = {
    JobSignal.DONE: Outcome.SUCCEEDED,
    JobSignal.FAILED: Outcome.FAILED,
    JobSignal.CANCELLED: Outcome.CANCELLED,
}
_encode = msgspec.msgpack.Encoder().encode


def advance(tracker: TrackerState, at_ms: int, given: TrackerInput) -> tuple[TrackerState, LedgerChanges]:
    """The tracker after `given`, which holds from `at_ms` (milliseconds, never before `tracker.at_ms`
    by more than the start of the current span), and what it changes in the books.
    """
    step = _Step(tracker, at_ms)
    match given:
        case Observed(observation, heard_ms):
            step.observe(observation, heard_ms)
        case Silence():
            step.fall_silent()
        case SignOfLife():
            step.resume()
        case ContinuityLost(until_ms):
            step.lose_sight(at_ms, "absence")
            step.at = until_ms
        case Settled():
            step.settle()
    return step.finish()


def needs_settling(tracker: TrackerState, now_ms: int) -> bool:
    """Whether the attempt waited long enough for an end that did not come."""
    attempt = tracker.attempt
    return (
        attempt is not None and attempt.settling_ms is not None and now_ms - attempt.settling_ms >= SETTLE_MS
    )


class _Step(Hindsight):
    """One transition under way. Lives for one call of `advance`."""

    def observe(self, seen: Observation, heard_ms: int) -> None:
        if self._repeated(seen):
            return
        if seen.link is not None:
            self._link(seen, heard_ms)
        self.look_back(seen.history)
        if seen.signal is not None and not self._signal(seen.signal, seen):
            return
        if seen.state is not None and not self._is_echo(seen):
            self._state(seen.state, seen)

    def _repeated(self, seen: Observation) -> bool:
        """The same message once more: same source time, same words."""
        if seen.time_ms is None:
            return False
        mark = (seen.time_ms, _fingerprint(seen))
        if mark in self.recent:
            return True
        self.recent = (*self.recent, mark)[-REMEMBERED:]
        return False

    def _link(self, seen: Observation, heard_ms: int) -> None:
        if seen.link is Link.OFFLINE:
            if self.link is Link.OFFLINE:
                return
            if self.at - heard_ms > QUIET_LINK_MS and not seen.retained:
                self.lose_sight(heard_ms, "link")
            self.open_gap(min(heard_ms, self.at))
            self.enter(PrinterState.OFFLINE, self.at, "link")
        elif self.link is Link.ONLINE:
            if not seen.retained and self.at - heard_ms > RENEWED_LINK_MS:
                self.lose_sight(heard_ms, "link")
                self.before_silence = None
        elif self.state is PrinterState.OFFLINE:
            self.enter(PrinterState.UNKNOWN, self.at, "link")
        self.link = seen.link

    def _is_echo(self, seen: Observation) -> bool:
        """A bare active state right after an end was told: a message that was overtaken by it."""
        last = self.last_job
        return (
            self.attempt is None
            and seen.signal is None
            and seen.job is None
            and seen.state in ACTIVE_STATES
            and seen.state is not PrinterState.PREPARING
            and last is not None
            and last.ended_ms is not None
            and self.at - last.ended_ms <= ECHO_MS
        )

    def _state(self, state: PrinterState, seen: Observation) -> None:
        if state is PrinterState.UNKNOWN:
            self.open_gap(self.at)
        elif state in ACTIVE_STATES:
            self._under_way(seen)
        elif self.attempt is not None:
            self._rest_with_open_job(state, seen)
        self.enter(state, self.at, "observed")

    def _under_way(self, seen: Observation) -> None:
        attempt = self.attempt
        reading = seen.job or JobReading()
        if attempt is not None and attempt.settling_ms is not None:
            self.attempt = attempt = msgspec.structs.replace(attempt, settling_ms=None, settling_error=False)
        if attempt is not None and reading.file is not None and self.at - attempt.opened_ms <= FRESH_MS:
            # The file's name is a message of its own and may come behind the start.
            job = msgspec.structs.replace(attempt.job, file=reading.file)
            self.attempt = attempt = msgspec.structs.replace(attempt, job=job)
        if attempt is not None and attempt.gap_from_ms is not None:
            if is_same_attempt(attempt, seen, reading, self.at):
                self.attempt = msgspec.structs.replace(
                    attempt, gap_from_ms=None, accounted_ms=max(self.at, attempt.accounted_ms)
                )
            else:
                self.give_up(attempt)
        elif attempt is not None and is_another(attempt, seen, reading, self.at):
            self.give_up(attempt)
        if self.attempt is None:
            if seen.state is PrinterState.PREPARING and seen.job is None:
                return
            self.start(seen, reading)
        else:
            self.learn(reading)

    def _rest_with_open_job(self, state: PrinterState, seen: Observation) -> None:
        """The printer rests and nobody said how the job ended: wait a little, unless there was a gap."""
        attempt = self.attempt
        if attempt is None:
            return
        if attempt.gap_from_ms is not None:
            if state is not PrinterState.OFFLINE:
                self.give_up(attempt)
            return
        error = state is PrinterState.ERROR
        self.attempt = msgspec.structs.replace(
            attempt,
            settling_ms=self.at if attempt.settling_ms is None else attempt.settling_ms,
            settling_error=attempt.settling_error or error,
            cause=seen.cause or attempt.cause,
            detail=seen.detail or attempt.detail,
        )

    def _signal(self, signal: JobSignal, seen: Observation) -> bool:
        """Act on what was said of the job. False when the whole reading is to be passed over."""
        attempt = self.attempt
        match signal:
            case JobSignal.STARTED:
                return self._started(seen)
            case JobSignal.LOST:
                if attempt is not None:
                    self.give_up(attempt)
            case JobSignal.READ_THROUGH:
                self._read_through(seen)
            case _:
                self._ended(_OUTCOMES[signal], seen)
        return True

    def _read_through(self, seen: Observation) -> None:
        """The whole file was read, which only a print that came to its end does."""
        attempt, last = self.attempt, self.last_job
        file = seen.job.file if seen.job else None
        if attempt is not None:
            if attempt.job.file in (None, file):
                self.attempt = msgspec.structs.replace(attempt, read_through_ms=self.at)
        elif (
            last is not None
            and last.outcome is Outcome.UNKNOWN
            and last.file in (None, file)
            and self.at - (last.ended_ms or 0) <= SETTLE_MS
        ):
            self.revise(last, Outcome.SUCCEEDED, Provenance.INFERRED, None, None, None)

    def _started(self, seen: Observation) -> bool:
        reading = seen.job or JobReading()
        identity = job_id(self.tracker.printer_id, reading.token or f"{seen.time_ms}:{reading.file}")
        known = (self.attempt.job if self.attempt else None, self.last_job)
        if any(job is not None and job.id == identity for job in known):
            return False
        attempt = self.attempt
        if attempt is not None and adopts(attempt, reading, self.at):
            job = msgspec.structs.replace(
                attempt.job,
                started_ms=min(self.at, attempt.job.started_ms or self.at),
                start_provenance=Provenance.OBSERVED,
            )
            self.attempt = msgspec.structs.replace(attempt, job=job, from_start_signal=True)
            self.learn(reading)
            return True
        if attempt is not None:
            self.give_up(attempt)
        self.start(seen, reading)
        return True

    def _ended(self, outcome: Outcome, seen: Observation) -> None:
        reading = seen.job or JobReading()
        if self.attempt is not None and ends_another(self.attempt, seen, reading, self.at):
            self.give_up(self.attempt)
        if self.attempt is None:
            if (
                self._explained(outcome, seen, reading)
                or seen.level
                or self._absorbed(outcome, seen, reading)
            ):
                return
            self.start_unseen(seen, reading)
        inferred = self.attempt is not None and self.attempt.gap_from_ms is not None and seen.level
        ended_ms = self.end_time(reading)
        self.learn(reading, final=True)
        self.end(
            outcome,
            ended_ms,
            Provenance.INFERRED if inferred else Provenance.OBSERVED,
            cause=seen.cause,
            detail=seen.detail,
            cancelled_by=seen.cancelled_by,
        )

    def _explained(self, outcome: Outcome, seen: Observation, reading: JobReading) -> bool:
        """The words of a failure that is booked already, which may come long after it."""
        last = self.last_job
        if last is None or not (outcome is last.outcome is Outcome.FAILED) or not seen.level:
            return False
        if seen.cause in (None, Cause.UNKNOWN) or last.cause not in (None, Cause.UNKNOWN):
            return False
        if reading.file not in (None, last.file):
            return False
        self.amend(msgspec.structs.replace(last, cause=seen.cause, detail=seen.detail))
        return True

    def _absorbed(self, outcome: Outcome, seen: Observation, reading: JobReading) -> bool:
        """A second word on the end that is already booked. It may add why, never a second end."""
        last = self.last_job
        if last is None or last.ended_ms is None:
            return False
        same_file = reading.file is None or last.file is None or reading.file == last.file
        measured = reading.elapsed_ms if reading.elapsed_ms is not None else reading.printing_ms
        if measured is None:
            is_same = self.at - last.ended_ms <= SETTLE_MS
        else:
            # One printer does not print two things at once: an attempt that overlaps the last is the last.
            is_same = self.at - measured + SAME_START_MS < last.ended_ms
        if not (same_file and is_same):
            return False
        if last.outcome is Outcome.UNKNOWN:
            self.revise(last, outcome, Provenance.OBSERVED, seen.cause, seen.detail, seen.cancelled_by)
        elif last.outcome is Outcome.FAILED and last.cause in (None, Cause.UNKNOWN) and seen.cause:
            self.amend(msgspec.structs.replace(last, cause=seen.cause, detail=seen.detail))
        return True


def _fingerprint(seen: Observation) -> int:
    """A number that two readings share when they say the same (stable from run to run)."""
    return zlib.crc32(_encode(seen))
