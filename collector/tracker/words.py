"""What persons said of jobs, laid over what machines tell of them."""

import msgspec

from collector.tracker.limits import REMEMBERED_WORDS
from collector.tracker.outcome import decide, told_by_person
from collector.tracker.state import JobWords
from farm.model.job import Job
from farm.model.operator_input import CorrectJob, DescribeJob
from farm.model.states import Outcome


def overlaid(job: Job, words: tuple[JobWords, ...]) -> Job:
    """The job as it is booked: a person's word outranks whatever machines tell."""
    said = of_job(words, job.id)
    if said is None:
        return job
    if said.described is not None:
        facts = msgspec.structs.asdict(said.described)
        told = {name: value for name, value in facts.items() if value is not None}
        job = msgspec.structs.replace(job, **told)
    if said.note is not None:
        job = msgspec.structs.replace(job, note=said.note)
    if said.correction is not None and fits(said.correction, job.outcome):
        job = decide(told_by_person(said.correction, job)).applied(job)
    return job


def fits(correction: CorrectJob, outcome: Outcome | None) -> bool:
    """Whether a correction says anything of a job that ended so: the outcome itself, the cause of a
    failure, or who cancelled. Of an open job it says nothing yet.
    """
    if outcome is None:
        return False
    return (
        correction.outcome is not None
        or (correction.cause is not None and outcome is Outcome.FAILED)
        or (correction.cancelled_by is not None and outcome is Outcome.CANCELLED)
    )


def of_job(words: tuple[JobWords, ...], job_id: str) -> JobWords | None:
    """What was said of the job, None where nothing was."""
    for said in words:
        if said.job_id == job_id:
            return said
    return None


def corrected(said: JobWords, word: CorrectJob) -> JobWords:
    """The words with a correction more. One that says the outcome stands for itself, one that
    does not adds to the one before, and an empty one takes it back.
    """
    before = said.correction
    if word == CorrectJob():
        return msgspec.structs.replace(said, correction=None)
    if word.outcome is None and before is not None:
        word = CorrectJob(
            outcome=before.outcome,
            cause=word.cause or before.cause,
            cancelled_by=word.cancelled_by or before.cancelled_by,
        )
    return msgspec.structs.replace(said, correction=word)


def described(said: JobWords, word: DescribeJob) -> JobWords:
    """The words with facts more; what the new ones leave out stays."""
    before = said.described or DescribeJob()
    facts = msgspec.structs.asdict(word)
    told = {name: value for name, value in facts.items() if value is not None}
    return msgspec.structs.replace(said, described=msgspec.structs.replace(before, **told))


def remembered(words: tuple[JobWords, ...], said: JobWords, at_hand: frozenset[str]) -> tuple[JobWords, ...]:
    """The words with those on one job put in; the oldest of jobs that are not at hand go first."""
    kept = [known for known in words if known.job_id != said.job_id]
    if said != JobWords(job_id=said.job_id):
        kept.append(said)
    while len(kept) > REMEMBERED_WORDS:
        kept.remove(next(known for known in kept if known.job_id not in at_hand))
    return tuple(kept)
