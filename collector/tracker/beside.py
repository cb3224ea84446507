"""One print heard under two addresses of its printer: what the second one tells is no second print.

Their clocks differ by delays that nobody knows, one may name a file with its folder and the other
without, and each has ids of its own. So a reading from another address than the one that opened the
attempt at hand is put into that one's words before the rules see it.
"""

import msgspec

from collector.tracker.limits import BESIDE_MS
from collector.tracker.outcome import ENDINGS
from collector.tracker.state import Attempt
from collector.tracker.transition import Transition
from farm.model.job import Job
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import ACTIVE_STATES, UNSEEN_STATES, PrinterState

_AT_REST = frozenset({PrinterState.IDLE, PrinterState.FINISHED})


def heard_beside(step: Transition, seen: Observation) -> Observation:
    """The observation as it is to be taken beside what other addresses told."""
    if not step.teller:
        return seen
    attempt, last = step.attempt, step.last_job
    if attempt is not None and attempt.teller != step.teller:
        seen = _of_attempt(attempt, seen, step.at)
    elif attempt is None and last is not None and step.last_teller != step.teller:
        seen = _of_last(last, seen, step.at)
    return _without_old_state(step, seen)


def is_file_alike(one: str | None, other: str | None) -> bool:
    """Whether two names may be of one file, of which one is told with its folder and one without."""
    if one is None or other is None or one == other:
        return True
    bare = "/" not in one or "/" not in other
    return bare and one.rpartition("/")[2] == other.rpartition("/")[2]


def _of_attempt(attempt: Attempt, seen: Observation, at_ms: int) -> Observation:
    """A reading while an attempt is open that another address opened."""
    reading, job = seen.job or JobReading(), attempt.job
    if not is_file_alike(job.file, reading.file):
        return seen
    opened_ms = attempt.opened_ms if job.started_ms is None else job.started_ms
    if _is_of_before(attempt, opened_ms, seen, at_ms):
        return msgspec.structs.replace(seen, state=None, signal=None, job=None)
    if reading.elapsed_ms is not None:
        is_same = at_ms - reading.elapsed_ms - opened_ms <= BESIDE_MS
    else:
        is_same = seen.signal is not JobSignal.STARTED or at_ms - attempt.opened_ms <= BESIDE_MS
    if not is_same:
        return seen
    reading = _in_words_of(job, reading)
    if seen.signal in ENDINGS:
        return msgspec.structs.replace(seen, job=reading)
    if reading.elapsed_ms is not None and abs(at_ms - reading.elapsed_ms - opened_ms) <= BESIDE_MS:
        reading = msgspec.structs.replace(reading, elapsed_ms=max(at_ms - opened_ms, 0))
    signal = None if seen.signal is JobSignal.STARTED else seen.signal
    return msgspec.structs.replace(seen, job=reading if seen.job else None, signal=signal)


def _is_of_before(attempt: Attempt, opened_ms: int, seen: Observation, at_ms: int) -> bool:
    """Whether the reading is still of the time before the attempt, which the other address told first."""
    if seen.signal is JobSignal.LOST:
        return at_ms - attempt.opened_ms <= BESIDE_MS
    elapsed_ms = None if seen.job is None else seen.job.elapsed_ms
    return elapsed_ms is not None and at_ms - elapsed_ms < opened_ms - BESIDE_MS


def _of_last(last: Job, seen: Observation, at_ms: int) -> Observation:
    """A reading after the end of a job that another address told of."""
    reading = seen.job or JobReading()
    if last.ended_ms is None or not is_file_alike(last.file, reading.file):
        return seen
    if seen.signal in ENDINGS:
        return msgspec.structs.replace(seen, job=_in_words_of(last, reading))
    if seen.state not in ACTIVE_STATES and seen.signal is not JobSignal.STARTED:
        return seen
    if reading.elapsed_ms is not None:
        is_over = at_ms - reading.elapsed_ms < last.ended_ms
    else:
        is_over = at_ms - last.ended_ms <= BESIDE_MS
    return msgspec.structs.replace(seen, state=None, signal=None, job=None) if is_over else seen


def _in_words_of(job: Job, reading: JobReading) -> JobReading:
    return msgspec.structs.replace(reading, file=job.file or reading.file, token=None, native_id=None)


def _without_old_state(step: Transition, seen: Observation) -> Observation:
    """What stood before a change that another address told a moment ago is not told as news.

    Without a job under way a beginning or a fault is news all the same.
    """
    if seen.state in (None, step.state) or seen.signal is not None or step.state in UNSEEN_STATES:
        return seen
    if step.attempt is None and seen.state not in _AT_REST:
        return seen
    if step.state_teller in ("", step.teller) or step.at - step.since > BESIDE_MS:
        return seen
    return msgspec.structs.replace(seen, state=None)
