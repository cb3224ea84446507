"""Jobs by outcome and by who cancelled."""

from farm.kpi.outcomes import OutcomeTally
from farm.model.states import Outcome


def test_every_outcome_has_a_count() -> None:
    found = OutcomeTally({Outcome.SUCCEEDED: 5, Outcome.CANCELLED: 14}, {Outcome.SUCCEEDED: 14}, {})
    assert found.ended == 19
    assert found.jobs_by_outcome() == {"succeeded": 5, "failed": 0, "cancelled": 14, "unknown": 0}
