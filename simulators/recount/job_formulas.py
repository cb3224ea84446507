"""What indicators of prints truly are, counted one by one."""

from collections.abc import Iterable

from farm.model.states import CancelledBy, Outcome
from farm.model.times import HOUR_MS
from simulators.recount.facts import NONE, Facts, TrueFigure
from simulators.recount.true_jobs import TrueJob


def success(facts: Facts) -> TrueFigure:
    """Of the prints that came out or failed those that came out."""
    good, bad = facts.number(Outcome.SUCCEEDED), facts.number(Outcome.FAILED)
    return TrueFigure(good / (good + bad)) if good + bad else NONE


def success_after_inspection(facts: Facts) -> TrueFigure:
    """As `success`, but what a person found nothing good in did not come out."""
    attempts = facts.number(Outcome.SUCCEEDED, Outcome.FAILED)
    good = 0
    for job in facts.jobs:
        nothing_good = job.verdict is not None and job.verdict.good_units == 0
        good += job.outcome is Outcome.SUCCEEDED and not nothing_good
    return TrueFigure(good / attempts) if attempts else NONE


def inspected_yield(facts: Facts) -> TrueFigure:
    """Of the inspected units the good ones."""
    good = sum(job.verdict.good_units for job in facts.jobs if job.verdict is not None)
    bad = sum(job.verdict.rejected_units for job in facts.jobs if job.verdict is not None)
    return TrueFigure(good / (good + bad)) if good + bad else NONE


def throughput(facts: Facts) -> TrueFigure:
    """Units of the prints that came out."""
    return TrueFigure(sum(job.units for job in facts.jobs if job.outcome is Outcome.SUCCEEDED))


def avg_production_time(facts: Facts) -> TrueFigure:
    """Hours of printing for each unit that came out."""
    good = [job for job in facts.jobs if job.outcome is Outcome.SUCCEEDED]
    units = sum(job.units for job in good)
    if not units:
        return NONE
    exact_ms = sum(job.printing_exact_ms for job in good)
    return TrueFigure(sum(job.printing_ms for job in good) / units / HOUR_MS, exact_ms / units / HOUR_MS)


def mcbf(facts: Facts) -> TrueFigure:
    """Prints for each that failed."""
    failed = facts.number(Outcome.FAILED)
    return TrueFigure(facts.number(Outcome.SUCCEEDED, Outcome.FAILED) / failed) if failed else NONE


def failures_by_cause(facts: Facts) -> TrueFigure:
    """Prints that failed; each cause has figures of its own, by the scope of that name."""
    return TrueFigure(facts.number(Outcome.FAILED))


def failed_hours(facts: Facts) -> TrueFigure:
    """Hours that went into the prints that failed, from their start to their end."""
    if not facts.jobs:
        return NONE
    failed = [job for job in facts.jobs if job.outcome is Outcome.FAILED]
    exact_ms = sum(job.whole_exact_ms for job in failed)
    return TrueFigure(sum(job.whole_ms for job in failed) / HOUR_MS, exact_ms / HOUR_MS)


def material_waste(facts: Facts) -> TrueFigure:
    """The share of the failed prints in what the prints took that say it."""
    used = failed = exact = 0.0
    for job in facts.jobs:
        if job.grams is not None:
            used += job.grams.amount
            exact += job.grams.exact_to
            failed += job.grams.amount if job.outcome is Outcome.FAILED else 0
    return TrueFigure(failed / used, 2 * exact / used) if used else NONE


def came_out(job: TrueJob) -> bool | None:
    """Whether an attempt was good; None for what is no attempt, or nobody knows.

    What a person found outranks the outcome.
    """
    if job.verdict is not None:
        return job.verdict.good_units > 0 and not job.verdict.rejected_units
    if job.outcome is Outcome.SUCCEEDED:
        return True
    is_attempt = job.outcome is Outcome.FAILED or job.cancelled_by is CancelledBy.SYSTEM
    return False if is_attempt else None


def first_pass_yield(facts: Facts) -> TrueFigure:
    """Of the units of attempts that print nothing again the share that is good."""
    units = good = 0
    for job in facts.jobs:
        is_good = came_out(job)
        if is_good is None or (job.printer, job.number) in facts.reprints:
            continue
        if job.verdict is None:
            units += job.units
            good += job.units if is_good else 0
        else:
            units += job.verdict.good_units + job.verdict.rejected_units
            good += job.verdict.good_units
    return TrueFigure(good / units) if units else NONE


def _timed(jobs: Iterable[TrueJob]) -> list[TrueJob]:
    """Successes that somebody knows of, with a printing time."""
    return [job for job in jobs if job.outcome is Outcome.SUCCEEDED and job.is_known and job.printing_ms > 0]


def estimate_accuracy(facts: Facts) -> TrueFigure:
    """How long prints took, of what their sources had said."""
    took = said = took_exact = said_exact = 0.0
    for job in _timed(facts.jobs):
        if job.expected_ms is not None and job.expected_ms.amount > 0:
            took += job.printing_ms
            took_exact += job.printing_exact_ms
            said += job.expected_ms.amount
            said_exact += job.expected_ms.exact_to
    return _ratio(took, said, took_exact, said_exact)


def performance(facts: Facts) -> TrueFigure:
    """How long prints should have taken, of what they took."""
    took = planned = took_exact = planned_exact = 0.0
    for job in _timed(facts.jobs):
        plan = job.expected_ms or facts.usual_ms.get(job.file or "")
        if plan is not None and plan.amount > 0:
            took += job.printing_ms
            took_exact += job.printing_exact_ms
            planned += plan.amount
            planned_exact += plan.exact_to
    return _ratio(planned, took, planned_exact, took_exact)


def _ratio(part: float, whole: float, part_exact: float, whole_exact: float) -> TrueFigure:
    if not whole:
        return NONE
    return TrueFigure(part / whole, part_exact / whole + part * whole_exact / whole**2)


def quality(facts: Facts) -> TrueFigure:
    """Of the units of prints that succeeded or failed the good ones, as people counted them."""
    units = good = 0
    for job in facts.jobs:
        if job.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED):
            continue
        if job.verdict is not None:
            units += job.verdict.good_units + job.verdict.rejected_units
            good += job.verdict.good_units
        else:
            units += job.units
            good += job.units if job.outcome is Outcome.SUCCEEDED else 0
    return TrueFigure(good / units) if units else NONE
