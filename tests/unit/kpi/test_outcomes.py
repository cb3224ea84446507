"""Sums of jobs by outcome and by who cancelled."""

from farm.kpi.outcomes import add_tallies, tally
from farm.model.outcome_count import OutcomeCount
from farm.model.states import CancelledBy, Outcome


def count(outcome: Outcome, by: CancelledBy | None, jobs: int, units: int) -> OutcomeCount:
    return OutcomeCount(
        printer_id="p", outcome=outcome, cancelled_by=by, jobs=jobs, units=units, printing_ms=0
    )


COUNTS = [
    count(Outcome.SUCCEEDED, None, 3, 12),
    count(Outcome.SUCCEEDED, None, 2, 2),
    count(Outcome.CANCELLED, CancelledBy.PERSON, 4, 5),
    count(Outcome.CANCELLED, CancelledBy.SYSTEM, 1, 1),
    count(Outcome.CANCELLED, CancelledBy.PERSON, 2, 2),
    count(Outcome.CANCELLED, None, 7, 7),
]


def test_jobs_units_and_who_cancelled_are_summed_apart() -> None:
    found = tally(COUNTS)
    assert dict(found.jobs) == {Outcome.SUCCEEDED: 5, Outcome.CANCELLED: 14}
    assert dict(found.units) == {Outcome.SUCCEEDED: 14, Outcome.CANCELLED: 15}
    assert dict(found.cancelled_by) == {CancelledBy.PERSON: 6, CancelledBy.SYSTEM: 1}
    assert found.ended == 19
    assert found.jobs_by_outcome() == {"succeeded": 5, "failed": 0, "cancelled": 14, "unknown": 0}


def test_tallies_of_intervals_that_follow_each_other_add_up_to_the_whole() -> None:
    assert add_tallies([tally(COUNTS[:2]), tally(COUNTS[2:])]) == tally(COUNTS)
    assert add_tallies([]) == tally([])
