"""A time of which messages may be missing: the state before it stands until evidence says otherwise.

Our own absence, and a way to the printer that was made anew, are silences like any other. What is
told next confirms how things stood, or shows that they changed unseen: then the whole time is a
gap, and the rules see what was told as told after one.
"""

import msgspec

from collector.tracker.limits import ECHO_MS
from collector.tracker.matching import adopts, ends_another, is_another, is_same_attempt
from collector.tracker.outcome import ENDINGS
from collector.tracker.spans import lose_sight
from collector.tracker.state import GONE, Attempt, Doubt
from collector.tracker.transition import Transition
from farm.model.job import job_id
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import ACTIVE_STATES, UNSEEN_STATES, PrinterState

_NO_READING = JobReading()


def away(step: Transition, until_ms: int, limit_ms: int) -> None:
    """Nobody listened until then. What was told meanwhile, and comes after all, still has its place."""
    is_short = until_ms - step.at <= limit_ms
    miss(step, step.at, until_ms, "absence", limit_ms)
    if not is_short:
        step.at = until_ms
        step.before_silence = None


def miss(step: Transition, from_ms: int, until_ms: int, source: str, limit_ms: int) -> None:
    """Messages of this time may be missing: a doubt within the limit (ms), a gap beyond it."""
    if step.state in UNSEEN_STATES:
        return
    if until_ms - from_ms > limit_ms:
        lose_unconfirmed(step, from_ms, source)
    elif step.doubt is None:
        step.doubt = Doubt(from_ms, until_ms, source)
    else:
        step.doubt = msgspec.structs.replace(step.doubt, until_ms=until_ms)


def lose_unconfirmed(step: Transition, from_ms: int, source: str) -> None:
    """The state is not known from then on, or from when it was last certain."""
    doubt, step.doubt = step.doubt, None
    if doubt is not None and doubt.from_ms < from_ms:
        from_ms, source = doubt.from_ms, doubt.source
    lose_sight(step, from_ms, source)


def is_in_question(step: Transition) -> bool:
    """Whether how things stand is not known for sure, so that what is only presumed is worth something."""
    is_cut_off = step.state is PrinterState.OFFLINE and step.source == GONE
    return step.doubt is not None or step.state is PrinterState.UNKNOWN or is_cut_off


def weigh(step: Transition, seen: Observation) -> None:
    """Let a reading confirm how things stood before a doubt, or turn the doubt into a gap."""
    doubt = step.doubt
    if doubt is None or (seen.state is None and seen.signal in (None, JobSignal.READ_THROUGH)):
        return
    if _has_changed(step, doubt, seen):
        lose_unconfirmed(step, doubt.from_ms, doubt.source)
    step.doubt = None


def _has_changed(step: Transition, doubt: Doubt, seen: Observation) -> bool:
    """Whether the reading cannot follow upon how things stood, unless something else came between."""
    if step.attempt is not None:
        attempt = msgspec.structs.replace(step.attempt, gap_from_ms=doubt.from_ms)
        return _is_of_another(step, attempt, seen)
    if not seen.level:
        # An edge is told as it happens; only one that a job must precede shows that one was missed.
        return seen.signal in ENDINGS or seen.state is PrinterState.PAUSED
    if seen.state in ACTIVE_STATES:
        elapsed_ms = None if seen.job is None else seen.job.elapsed_ms
        return elapsed_ms is None or step.at - elapsed_ms < doubt.until_ms - ECHO_MS
    is_on_bed = step.state is PrinterState.FINISHED or step.bed_cleared
    return seen.state is PrinterState.FINISHED and not is_on_bed


def _is_of_another(step: Transition, attempt: Attempt, seen: Observation) -> bool:
    """Whether the job that was open is not the one that the reading speaks of, or is known to be over."""
    reading = seen.job or _NO_READING
    if seen.signal is JobSignal.STARTED:
        identity = job_id(step.printer_id, reading.token or f"{seen.time_ms}:{reading.file}")
        return attempt.job.id != identity and not adopts(attempt, reading, step.at)
    if seen.signal in ENDINGS:
        return seen.level or ends_another(attempt, seen, reading, step.at)
    if seen.state in ACTIVE_STATES:
        if not seen.level and reading.elapsed_ms is None:
            return is_another(attempt, seen, reading, step.at)
        return not is_same_attempt(attempt, seen, reading, step.at)
    return seen.level or seen.state is PrinterState.UNKNOWN
