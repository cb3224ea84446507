"""The account of the printer's time: which state it is in, since when, and by whose word."""

from typing import Final

import msgspec

from collector.tracker.limits import CUT_OFFS_KEPT
from collector.tracker.state import GONE, CutOff, OutOfService, reason_of, span_of
from collector.tracker.transition import Transition
from farm.model.feed import FeedEntry, FeedKind
from farm.model.operator_input import PrinterService
from farm.model.span import Span
from farm.model.states import ACTIVE_STATES, UNSEEN_STATES, PrinterState, StateReason

WAITED: Final = "queue"
"""The source of a span in which a state changed, at a moment that was not told exactly."""
_HOURS = {
    PrinterState.PRINTING: "printing_ms",
    PrinterState.PREPARING: "preparing_ms",
    PrinterState.PAUSED: "paused_ms",
}
_AT_WORK = frozenset({PrinterState.PREPARING, PrinterState.PRINTING})
_KEEPS_ITS_PAUSE = UNSEEN_STATES | {PrinterState.PAUSED}
_OUT_OF_SIGHT = UNSEEN_STATES | {PrinterState.MAINTENANCE}


def certain_until(step: Transition, until_ms: int) -> int:
    """Until when, and no longer than `until_ms`, the state was certain."""
    return until_ms if step.doubt is None else min(until_ms, step.doubt.from_ms)


def fall_silent(step: Transition) -> None:
    """Nothing more was heard: how things stood is remembered for the next sign of life."""
    stood = step.state
    lose_sight(step, certain_until(step, step.at), "silence")
    if step.state is not stood:
        step.before_silence = stood


def resume(step: Transition) -> None:
    """A sign of life while the link stood: things stand as they stood, the gap stays a gap."""
    stood = step.before_silence
    if stood is None or step.state is not PrinterState.UNKNOWN:
        return
    if stood in ACTIVE_STATES:
        close_gap(step)
    enter(step, stood, step.at, "observed")


def lose_sight(step: Transition, from_ms: int, source: str) -> None:
    """From `from_ms` on the state is not known."""
    if step.state in _OUT_OF_SIGHT:
        return
    from_ms = max(from_ms, step.since)
    open_gap(step, from_ms)
    enter(step, PrinterState.UNKNOWN, from_ms, source)


def open_gap(step: Transition, from_ms: int) -> None:
    """From `from_ms` on nothing is known of the attempt under way."""
    account(step, from_ms)
    attempt = step.attempt
    if attempt is not None and attempt.gap_from_ms is None:
        step.attempt = msgspec.structs.replace(attempt, gap_from_ms=from_ms)


def close_gap(step: Transition) -> None:
    """The attempt is known to be under way again; the gap counts to none of its hours."""
    attempt = step.attempt
    if attempt is not None and attempt.gap_from_ms is not None:
        step.attempt = msgspec.structs.replace(
            attempt, gap_from_ms=None, accounted_ms=max(step.at, attempt.accounted_ms)
        )


def enter(step: Transition, state: PrinterState, at_ms: int, source: str) -> None:
    """Close the span that is open and begin one in `state`, unless it is the same state.

    While a person has the printer out of service the state changes beneath, without a span.
    """
    if state is PrinterState.FINISHED and step.bed_cleared:
        state = PrinterState.IDLE
    if state is step.state:
        return
    at_ms = max(at_ms, step.since)
    known_ms = at_ms if state is PrinterState.UNKNOWN else max(at_ms, step.at + step.within)
    account(step, at_ms)
    step.before_silence = None
    if state in UNSEEN_STATES:
        step.doubt = None
    before = _open_span(step)
    left = step.state
    step.state, step.since, step.source = state, known_ms, source
    step.state_teller = step.teller
    if state not in _KEEPS_ITS_PAUSE:
        step.reason = None
    if state in _AT_WORK:
        step.waiting = None
    if step.service is None:
        _book(step, before, _open_span(step), left_ms=at_ms)
    _tell_pause(step, left, state, at_ms)


def explain_pause(step: Transition, reason: StateReason) -> None:
    """Take over who paused, or what the pause waits for; what is known already becomes more exact only."""
    if step.state is not PrinterState.PAUSED or step.reason not in (None, StateReason.PAUSED_BY_MACHINE):
        return
    before, step.reason = _open_span(step), reason
    after = _open_span(step)
    if after != before:
        _book(step, before, after)


def wait_for(step: Transition, what: StateReason | None) -> None:
    """From now on the printer, which rests, is said to wait for that; None for nothing."""
    before = _open_span(step)
    step.waiting = what
    if _open_span(step) == before:
        return
    account(step, step.at)
    step.since = step.at
    _book(step, before, _open_span(step))


def take_out_of_service(step: Transition, word: PrinterService) -> None:
    """From now on the printer is in maintenance, or engineering, whatever machines say."""
    before = _open_span(step)
    step.service = OutOfService(word, step.at)
    _book(step, before, _open_span(step))


def put_in_service(step: Transition) -> None:
    """From now on the printer is in the state that machines last told."""
    before = _open_span(step)
    account(step, step.at)
    step.service, step.since = None, step.at
    _book(step, before, _open_span(step))


def _open_span(step: Transition) -> Span:
    reason = reason_of(step.state, step.reason, step.waiting)
    return span_of(step.printer_id, step.state, step.since, step.source, step.service, reason)


def _book(step: Transition, before: Span, after: Span, left_ms: int | None = None) -> None:
    """Put a change of the open span into the books and the feed.

    What is before it ended at `left_ms` at the earliest, where that is not told more exactly.
    """
    changes, at_ms = step.changes, after.from_ms
    if left_ms is None or before.state is PrinterState.UNKNOWN:
        left_ms = at_ms
    if left_ms > before.from_ms:
        changes.spans[before.from_ms] = msgspec.structs.replace(before, to_ms=left_ms)
        if before.state is PrinterState.OFFLINE and before.source == GONE:
            step.cut_offs = (*step.cut_offs, CutOff(before.from_ms, left_ms))[-CUT_OFFS_KEPT:]
    if left_ms < at_ms:
        changes.spans[left_ms] = Span(step.printer_id, PrinterState.UNKNOWN, left_ms, at_ms, WAITED)
    changes.spans[at_ms] = after
    body = {"state": after.state.value, "before": before.state.value, "source": after.source}
    if after.reason is not None:
        body["reason"] = after.reason
    changes.feed.append(
        FeedEntry(
            kind=FeedKind.STATE_CHANGED,
            at_ms=at_ms,
            printer_id=step.printer_id,
            job_id=step.attempt.job.id if step.attempt else None,
            body=body,
        )
    )


def _tell_pause(step: Transition, before: PrinterState, state: PrinterState, at_ms: int) -> None:
    attempt = step.attempt
    if attempt is None:
        return
    if state is PrinterState.PAUSED:
        job = msgspec.structs.replace(attempt.job, pauses=attempt.job.pauses + 1)
        step.attempt = msgspec.structs.replace(attempt, job=job)
        step.tell_job(FeedKind.JOB_PAUSED, job, at_ms)
    elif before is PrinterState.PAUSED and state in ACTIVE_STATES:
        step.tell_job(FeedKind.JOB_RESUMED, attempt.job, at_ms)


def account(step: Transition, until_ms: int) -> None:
    """Add the time since it was last accounted to the job, by the state it passed in.

    Nothing is added while nothing is known of the attempt.
    """
    attempt = step.attempt
    if attempt is None or attempt.gap_from_ms is not None:
        return
    passed = until_ms - max(attempt.accounted_ms, step.since)
    job = attempt.job
    if passed > 0:
        field = _HOURS.get(step.state)
        if field is not None and not (job.measured and field == "printing_ms"):
            job = msgspec.structs.replace(job, **{field: getattr(job, field) + passed})
    step.attempt = msgspec.structs.replace(attempt, job=job, accounted_ms=max(until_ms, attempt.accounted_ms))
