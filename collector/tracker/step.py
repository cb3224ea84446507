"""The rules: what an input means for the printer's state and for its job."""

import zlib

import msgspec

from collector.tracker.attempts import (
    KNOWN_REST,
    amend,
    began_at,
    end,
    end_time,
    expect,
    give_up,
    learn,
    revise,
    settle,
    start,
    start_unseen,
    started_at,
)
from collector.tracker.beside import heard_beside
from collector.tracker.cut_off import put_right
from collector.tracker.doubt import away, is_in_question, lose_unconfirmed, miss, weigh
from collector.tracker.history import look_back
from collector.tracker.inputs import (
    ContinuityLost,
    LinkGone,
    Observed,
    Said,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
)
from collector.tracker.limits import (
    ECHO_MS,
    FRESH_MS,
    REMEMBERED,
    RENEWED_LINK_MS,
    SETTLE_MS,
)
from collector.tracker.matching import (
    adopts,
    ends_another,
    is_another,
    is_same_attempt,
    is_still_closed,
    is_told_again,
)
from collector.tracker.outcome import ENDINGS, Ruling, decide, told_by_nobody, told_by_printer
from collector.tracker.persons import take_word
from collector.tracker.spans import (
    certain_until,
    close_gap,
    enter,
    explain_pause,
    fall_silent,
    open_gap,
    resume,
)
from collector.tracker.state import GONE, Attempt, LedgerChanges, TrackerState
from collector.tracker.transition import Transition
from farm.model.job import Job, job_id
from farm.model.observation import JobFact, JobReading, JobSignal, Link, Observation
from farm.model.states import ACTIVE_STATES, Cause, Outcome, PrinterState, Provenance

_encode = msgspec.msgpack.Encoder().encode
_NO_READING = JobReading()


def advance(tracker: TrackerState, at_ms: int, given: TrackerInput) -> tuple[TrackerState, LedgerChanges]:
    """The tracker after `given`, which holds from `at_ms` (milliseconds, never before `tracker.at_ms`),
    and what it changes in the books.
    """
    step = Transition(tracker, at_ms)
    match given:
        case Observed():
            step.teller, step.shared, step.within = given.teller, given.shared, given.within_ms
            _observe(step, given)
        case Silence():
            fall_silent(step)
        case LinkGone():
            _is_gone(step)
        case SignOfLife(within_ms):
            step.within = within_ms
            resume(step)
        case ContinuityLost(until_ms, limit_ms):
            away(step, until_ms, limit_ms)
        case Settled():
            settle(step)
        case Said():
            step.changes.answer = take_word(step, given)
    put_right(step)
    return step.finish()


def awaits_gone_link(tracker: TrackerState) -> bool:
    """Whether an undated reading told that the link is gone, and nothing yet by when it was."""
    return tracker.link is Link.OFFLINE and tracker.state is PrinterState.UNKNOWN and tracker.source == GONE


def needs_settling(tracker: TrackerState, now_ms: int) -> bool:
    """Whether the attempt waited long enough for an end that did not come."""
    attempt = tracker.attempt
    return (
        attempt is not None and attempt.settling_ms is not None and now_ms - attempt.settling_ms >= SETTLE_MS
    )


def _observe(step: Transition, given: Observed) -> None:
    seen = given.observation
    if _is_repeated(step, seen):
        return
    seen = heard_beside(step, seen)
    if seen.link is not None:
        _link(step, seen, given)
    if seen.history:
        look_back(step, seen.history)
    if seen.signal is None and JobFact.FIRMWARE_ERROR in seen.facts:
        _firmware_error(step, seen)
    if seen.signal is None and seen.state is None and seen.job is not None:
        expect(step, seen.job)
    if seen.presumed and not is_in_question(step):
        return
    weigh(step, seen)
    if seen.signal is not None and not _signal(step, seen.signal, seen):
        return
    if seen.state is not None and not _is_echo(step, seen):
        _state(step, seen.state, seen)


def _is_repeated(step: Transition, seen: Observation) -> bool:
    """The same message once more: same source time, same words."""
    if seen.time_ms is None:
        return False
    mark = (seen.time_ms, _fingerprint(seen))
    if mark in step.recent:
        return True
    step.recent = (*step.recent, mark)[-REMEMBERED:]
    return False


def _fingerprint(seen: Observation) -> int:
    """A number that two readings share when they say the same (stable from run to run)."""
    return zlib.crc32(_encode(seen))


def _link(step: Transition, seen: Observation, given: Observed) -> None:
    heard_ms = given.heard_ms
    if seen.link is Link.OFFLINE:
        if step.link is Link.OFFLINE:
            return
        open_gap(step, certain_until(step, min(heard_ms, step.at)))
        if heard_ms < step.at or given.is_undated:
            # When it went is not told: a last will comes after it, be it by a moment or by minutes.
            lose_unconfirmed(step, heard_ms, GONE)
        if not given.is_undated:
            enter(step, PrinterState.OFFLINE, step.at, GONE)
    elif step.link is Link.ONLINE:
        if not seen.retained and step.at - heard_ms > RENEWED_LINK_MS:
            miss(step, heard_ms, step.at, GONE, given.limit_ms)
            step.before_silence = None
    elif step.state is PrinterState.OFFLINE:
        enter(step, PrinterState.UNKNOWN, step.at, GONE)
    step.link = seen.link


def _is_gone(step: Transition) -> None:
    """By now the link is gone of which that was told without a time."""
    if step.link is Link.OFFLINE and step.state is PrinterState.UNKNOWN:
        enter(step, PrinterState.OFFLINE, step.at, GONE)


def _firmware_error(step: Transition, seen: Observation) -> None:
    """The firmware told an error: the end that follows is its doing, or one of this moment was."""
    attempt, last = step.attempt, step.last_job
    if attempt is not None:
        job = msgspec.structs.replace(attempt.job, detail=seen.detail)
        step.attempt = msgspec.structs.replace(
            attempt, job=job, firmware_error=True, cause=seen.cause, detail=seen.detail
        )
    elif (
        last is not None
        and last.outcome is Outcome.CANCELLED
        and last.provenance is Provenance.OBSERVED
        and last.ended_ms is not None
        and step.at - last.ended_ms <= ECHO_MS
    ):
        cancelled = msgspec.structs.replace(seen, signal=JobSignal.CANCELLED)
        revise(step, last, decide(told_by_printer(cancelled, late=False)))


def _with_firmware_error(attempt: Attempt | None, seen: Observation) -> Observation:
    """The end with the error that the firmware told before it, where it names none itself."""
    if attempt is None or not attempt.firmware_error or seen.signal is JobSignal.DONE:
        return seen
    is_named = seen.cause not in (None, Cause.UNKNOWN)
    return msgspec.structs.replace(
        seen,
        facts=(*seen.facts, JobFact.FIRMWARE_ERROR),
        cause=seen.cause if is_named else attempt.cause,
        detail=seen.detail or attempt.detail,
    )


def _is_echo(step: Transition, seen: Observation) -> bool:
    """A bare active state right after an end was told: a message that was overtaken by it."""
    last = step.last_job
    return (
        step.attempt is None
        and seen.signal is None
        and seen.job is None
        and seen.state in ACTIVE_STATES
        and seen.state is not PrinterState.PREPARING
        and last is not None
        and last.ended_ms is not None
        and step.at - last.ended_ms <= ECHO_MS
    )


def _state(step: Transition, state: PrinterState, seen: Observation) -> None:
    if state is PrinterState.UNKNOWN:
        if seen.since_ms is not None and step.attempt is None:
            # A doubt whether a print goes on, and none does.
            return
        open_gap(step, step.at)
    elif state in ACTIVE_STATES:
        _under_way(step, seen)
    else:
        step.closed = step.closed and state is PrinterState.OFFLINE
        if step.attempt is not None:
            _rest_with_open_job(step, step.attempt, state, seen)
    enter(step, state, step.at, "observed")
    if seen.reason is not None:
        explain_pause(step, seen.reason)


def _under_way(step: Transition, seen: Observation) -> None:
    reading = seen.job or _NO_READING
    attempt = step.attempt
    if attempt is not None:
        attempt = step.attempt = _with_words(_awake(attempt, reading, step.at), seen)
        _tell_apart(step, attempt, seen, reading)
    if step.attempt is not None:
        learn(step, reading)
    elif step.closed and step.last_job is not None and is_still_closed(step.last_job, reading, step.at):
        return
    elif seen.state is not PrinterState.PREPARING or seen.job is not None:
        start(step, seen, reading)


def _awake(attempt: Attempt, reading: JobReading, at_ms: int) -> Attempt:
    """The attempt, which does not rest, with its file where the name is a message behind the start."""
    if attempt.settling_ms is not None:
        attempt = msgspec.structs.replace(attempt, settling_ms=None, settling_error=False)
    if reading.file is not None and at_ms - attempt.opened_ms <= FRESH_MS:
        job = msgspec.structs.replace(attempt.job, file=reading.file)
        attempt = msgspec.structs.replace(attempt, job=job)
    return attempt


def _with_words(attempt: Attempt, seen: Observation) -> Attempt:
    """The attempt with the words that came with its pause, for as long as that lasts."""
    words = seen.detail if seen.state is PrinterState.PAUSED else None
    if attempt.firmware_error or words == attempt.job.detail:
        return attempt
    if seen.state is PrinterState.PAUSED and words is None:
        return attempt
    return msgspec.structs.replace(attempt, job=msgspec.structs.replace(attempt.job, detail=words))


def _tell_apart(step: Transition, attempt: Attempt, seen: Observation, reading: JobReading) -> None:
    """Go on with the open attempt, or give it up where what runs is another."""
    if attempt.gap_from_ms is None:
        if is_another(attempt, seen, reading, step.at):
            give_up(step, attempt, began_at(step, reading))
    elif is_same_attempt(attempt, seen, reading, step.at):
        close_gap(step)
    else:
        give_up(step, attempt, began_at(step, reading))


def _rest_with_open_job(step: Transition, attempt: Attempt, state: PrinterState, seen: Observation) -> None:
    """The printer rests and nobody said how the job ended: wait a little, unless there was a gap."""
    if attempt.gap_from_ms is not None:
        if state is not PrinterState.OFFLINE:
            give_up(step, attempt)
        return
    step.attempt = msgspec.structs.replace(
        attempt,
        settling_ms=step.at if attempt.settling_ms is None else attempt.settling_ms,
        settling_error=attempt.settling_error or state is PrinterState.ERROR,
        cause=seen.cause or attempt.cause,
        detail=seen.detail or attempt.detail,
    )


def _signal(step: Transition, signal: JobSignal, seen: Observation) -> bool:
    """Act on the job signal of a reading. False when the whole reading is to be ignored."""
    if signal in ENDINGS:
        _ended(step, seen)
    elif signal is JobSignal.STARTED:
        return _started(step, seen)
    elif signal is JobSignal.READ_THROUGH:
        _read_through(step, seen)
    elif step.attempt is not None:
        give_up(step, step.attempt)
    return True


def _read_through(step: Transition, seen: Observation) -> None:
    """The whole file was read, which only a print that came to its end does."""
    attempt, last = step.attempt, step.last_job
    file = seen.job.file if seen.job else None
    if attempt is not None:
        if attempt.job.file in (None, file):
            read_ms = step.at if seen.ended_ms is None else min(step.at, seen.ended_ms)
            step.attempt = msgspec.structs.replace(attempt, read_through_ms=read_ms)
    elif (
        last is not None
        and last.outcome is Outcome.UNKNOWN
        and last.file in (None, file)
        and last.ended_ms is not None
        and step.at - last.ended_ms <= SETTLE_MS
    ):
        revise(step, last, decide(told_by_nobody(read_through=True)))


def _started(step: Transition, seen: Observation) -> bool:
    reading = seen.job or _NO_READING
    identity = job_id(step.printer_id, reading.token or f"{seen.time_ms}:{reading.file}")
    attempt = step.attempt
    known = (attempt.job if attempt else None, step.last_job)
    if any(job is not None and job.id == identity for job in known):
        return False
    if attempt is not None and adopts(attempt, reading, step.at):
        began = started_at(step, attempt, attempt.job.started_ms or step.at)
        job = msgspec.structs.replace(attempt.job, started_ms=began, start_provenance=Provenance.OBSERVED)
        step.attempt = msgspec.structs.replace(attempt, job=job, from_start_signal=True)
        learn(step, reading)
        return True
    if attempt is not None:
        give_up(step, attempt, began_at(step, reading))
    start(step, seen, reading)
    return True


def _ended(step: Transition, seen: Observation) -> None:
    reading = seen.job or _NO_READING
    attempt = step.attempt
    another = attempt is not None and ends_another(attempt, seen, reading, step.at)
    if attempt is not None and another:
        give_up(step, attempt, began_at(step, reading))
    late = seen.level and step.attempt is not None and step.attempt.gap_from_ms is not None
    seen = _with_firmware_error(step.attempt, seen)
    ruling = decide(told_by_printer(seen, late=late))
    if step.attempt is None:
        if seen.level:
            _explain(step, ruling, reading)
            return
        if not another and _absorbs(step, ruling, reading):
            return
        start_unseen(step, seen, reading)
    ended_ms = end_time(step, reading)
    learn(step, reading, final=True)
    end(step, ruling, ended_ms)


def _explain(step: Transition, ruling: Ruling, reading: JobReading) -> None:
    """Take over the words of a failure that is booked already, which may come long after it."""
    last = step.last_job
    if last is None or not (ruling.outcome is last.outcome is Outcome.FAILED):
        return
    if ruling.cause is Cause.UNKNOWN or last.cause is not Cause.UNKNOWN:
        return
    if reading.file in (None, last.file):
        amend(step, msgspec.structs.replace(last, cause=ruling.cause, detail=ruling.detail))


def _absorbs(step: Transition, ruling: Ruling, reading: JobReading) -> bool:
    """A second word on the end that is already booked. It may add why, never a second end."""
    last = step.last_job
    if last is None or not is_told_again(last, reading, step.at, closed=step.closed):
        return False
    if last.outcome is Outcome.UNKNOWN:
        _revise_lost(step, last, ruling, reading)
    elif (
        last.outcome is Outcome.FAILED
        and last.cause is Cause.UNKNOWN
        and ruling.cause not in (None, Cause.UNKNOWN)
    ):
        amend(step, msgspec.structs.replace(last, cause=ruling.cause, detail=ruling.detail))
    return True


def _revise_lost(step: Transition, last: Job, ruling: Ruling, reading: JobReading) -> None:
    """The end of a job that was given up when the printer was seen to rest, a word before it told why."""
    ended_ms = None
    if step.state in KNOWN_REST and last.provenance is not Provenance.PERSON:
        ended_ms = max(last.ended_ms or step.since, min(step.since, step.at))
    if reading.printing_ms is not None:
        last = msgspec.structs.replace(last, printing_ms=reading.printing_ms, measured=True)
    revise(step, last, ruling, ended_ms)
