"""What a person's word changes: the state that is set, and the rows of the jobs that it speaks of."""

import msgspec

from collector.tracker.attempts import end
from collector.tracker.inputs import Said
from collector.tracker.outcome import decide, told_by_person
from collector.tracker.spans import enter, put_in_service, take_out_of_service, wait_for
from collector.tracker.state import JobWords, TrackerState
from collector.tracker.transition import Transition
from collector.tracker.words import corrected, described, of_job, overlaid, remembered
from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    NoteJob,
    PrinterService,
    SetState,
)
from farm.model.states import Outcome, PrinterState, StateReason


def has_at_hand(tracker: TrackerState, job_id: str) -> bool:
    """Whether the tracker holds the job itself: it is open, or the last one that ended.

    Words on other jobs are kept until a replay meets the job's end.
    """
    jobs = (tracker.attempt.job if tracker.attempt is not None else None, tracker.last_job)
    return any(job is not None and job.id == job_id for job in jobs)


def take_word(step: Transition, said: Said) -> str | None:
    """Follow a person's word. Gives why it could not be followed, None where it was."""
    match said.word:
        case SetState(state):
            return _set_state(step, state)
        case CloseJob():
            return _close(step, said.job_id, said.word)
        case _:
            return _speak_of_job(step, said.job_id, said.word)


def _set_state(step: Transition, word: PrinterService) -> str | None:
    match word:
        case PrinterService.BED_CLEARED:
            if step.state is not PrinterState.FINISHED:
                return f"no finished print is known to be on the bed: the printer is {step.state}"
            step.bed_cleared = True
            if step.waiting is StateReason.WAITING_FOR_OPERATOR:
                step.waiting = None
            enter(step, PrinterState.IDLE, step.at, "person")
        case PrinterService.IN_SERVICE:
            if step.service is None and step.waiting is None:
                return "the printer was not taken out of service"
            wait_for(step, None)
            if step.service is not None:
                put_in_service(step)
        case PrinterService.WAITING_FOR_OPERATOR | PrinterService.WAITING_FOR_MATERIAL:
            if step.state in (PrinterState.PREPARING, PrinterState.PRINTING):
                return f"the printer is {step.state}; it waits for something only while it rests"
            wait_for(step, StateReason(word.value))
        case _ if step.service is None or step.service.word is not word:
            take_out_of_service(step, word)
    return None


def _close(step: Transition, job_id: str | None, word: CloseJob) -> str | None:
    attempt = step.attempt
    if attempt is None or job_id not in (None, attempt.job.id):
        last = step.last_job
        if last is not None and last.id == job_id:
            return "the job has ended already; correct its outcome instead"
        return "the job is not under way"
    end(step, decide(told_by_person(word, attempt.job)), step.at)
    step.closed = True
    return None


def _speak_of_job(
    step: Transition, job_id: str | None, word: CorrectJob | DescribeJob | NoteJob
) -> str | None:
    """Lay the word over the job, and book its row where the job is at hand."""
    open_job = step.attempt.job if step.attempt is not None else None
    at_hand = {job.id: job for job in (step.last_job, open_job) if job is not None}
    job = at_hand.get(job_id) if job_id is not None else open_job or step.last_job
    job_id = job_id if job is None else job.id
    if job_id is None:
        return "the printer has no job that this could be said of"
    said = of_job(step.words, job_id) or JobWords(job_id=job_id)
    match word:
        case CorrectJob():
            said = corrected(said, word)
            refused = None if job is None else _does_not_fit(job, said.correction)
            if refused is not None:
                return refused
        case DescribeJob():
            said = described(said, word)
        case NoteJob(text):
            said = msgspec.structs.replace(said, note=text or None)
    before = step.words
    step.words = remembered(before, said, frozenset(at_hand))
    if job is not None and overlaid(job, before) != overlaid(job, step.words):
        _show(step, job)
    return None


def _does_not_fit(job: Job, correction: CorrectJob | None) -> str | None:
    """Why the correction says nothing of a job that ended as this one did."""
    if correction is None or job.outcome is None:
        return None
    outcome = correction.outcome or job.outcome
    if correction.cause is not None and outcome is not Outcome.FAILED:
        return f"a cause belongs to a failed job, and this one {_ended(outcome)}; say the outcome too"
    if correction.cancelled_by is not None and outcome is not Outcome.CANCELLED:
        return (
            f"who cancelled belongs to a cancelled job, and this one {_ended(outcome)}; say the outcome too"
        )
    return None


def _ended(outcome: Outcome) -> str:
    return "ended in a way that is not known" if outcome is Outcome.UNKNOWN else f"is {outcome}"


def _show(step: Transition, job: Job) -> None:
    """Book the row of a job as persons now have it."""
    job = msgspec.structs.replace(job, revision=job.revision + 1)
    if step.attempt is not None and step.attempt.job.id == job.id:
        step.attempt = msgspec.structs.replace(step.attempt, job=job)
    else:
        step.last_job = job
    step.tell_job(FeedKind.JOB_REVISED, job, step.at)
