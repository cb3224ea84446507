"""Entries of `[[targets]]`: which are ranges, and what they come to."""

from typing import Any

import pytest
from pydantic import ValidationError

from farm.kpi.calendar_settings import CalendarSettings
from farm.kpi.periods import Period
from farm.kpi.target_settings import TargetSettings, own_targets
from farm.kpi.targets import Level, Target


def entry(**given: Any) -> TargetSettings:
    return TargetSettings.model_validate({"indicator": "utilization"} | given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "give `low`, `high` or both"),
        ({"low": 0.8, "high": 0.7}, "`low` must not be above `high`"),
        ({"low": -0.1}, "greater than or equal to 0"),
        ({"high": -0.1}, "greater than or equal to 0"),
        ({"low": 0.5, "indicator": "utilisation"}, "utilization"),
        ({"low": 0.5, "meaning": "x" * 2_001}, "at most 2000"),
    ],
)
def test_what_is_no_target_is_refused_with_the_reason(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        entry(**given)


def test_every_option_says_what_it_is() -> None:
    fields = (*TargetSettings.model_fields.values(), *CalendarSettings.model_fields.values())
    assert all(field.description for field in fields)


@pytest.mark.parametrize("given", [{"low": 0}, {"high": 0}, {"low": 0.7, "high": 0.7}])
def test_one_bound_is_a_range_and_both_may_be_the_same(given: dict[str, Any]) -> None:
    found = entry(**given)
    assert (found.low, found.high) == (given.get("low"), given.get("high"))


def test_targets_of_an_indicator_stand_together_in_their_order() -> None:
    floor = entry(low=0.5, level="floor")
    month = entry(indicator="throughput", low=400, high=500, per="month", meaning="what the lease takes")
    assert own_targets([entry(low=0.8), month, floor]) == {
        "utilization": (Target(low=0.8), Target(low=0.5, level=Level.FLOOR)),
        "throughput": (Target(low=400, high=500, per=Period.MONTH, meaning="what the lease takes"),),
    }
