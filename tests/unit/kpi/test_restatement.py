"""What a change of the past restates: no indicator that it bears on is forgotten."""

from typing import Any

import msgspec
import pytest

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.outcomes import (
    AttemptTally,
    EstimateTally,
    InspectedUnits,
    InspectionTally,
    OutcomeTally,
    RejectedMaterial,
)
from farm.kpi.restatement import (
    OF_MEDIANS,
    OF_OPENING_HOURS,
    OF_VERDICTS,
    restatement_by_median,
    restatement_of,
)
from farm.model.feed import FeedEntry, FeedKind
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings

HOURS = {state: (number + 1) * HOUR_MS for number, state in enumerate(PrinterState)}
JOBS = {Outcome.SUCCEEDED: 6, Outcome.FAILED: 2, Outcome.UNKNOWN: 1}
INSPECTED = InspectionTally(
    4,
    1,
    11,
    3,
    RejectedMaterial(milligrams=2_000),
    {Outcome.SUCCEEDED: InspectedUnits(14, 11, 3)},
)
ATTEMPTS = AttemptTally(attempts=8, parts=8, good_parts=5)
ATTEMPTS_BEFORE = AttemptTally(attempts=8, parts=8, good_parts=6)
ESTIMATES = EstimateTally(6, 6 * HOUR_MS, 7 * HOUR_MS, HOUR_MS)


def given(
    *,
    closed: bool = False,
    inspected: InspectionTally = INSPECTED,
    attempts: AttemptTally = ATTEMPTS,
) -> KpiInput:
    account = TimeAccount({}, HOURS) if closed else TimeAccount(HOURS, {})
    printed = {outcome: count * HOUR_MS for outcome, count in JOBS.items()}
    return KpiInput(
        account=account,
        outcomes=OutcomeTally(JOBS, JOBS, {}, printed, inspected, estimates=ESTIMATES, attempts=attempts),
        printers=1,
        elapsed_ms=DAY_MS,
        site=SiteSettings(),
    )


def test_every_indicator_that_verdicts_bear_on_is_restated_by_them() -> None:
    without = given(inspected=InspectionTally(), attempts=ATTEMPTS_BEFORE)
    moved = {each.id for each in CATALOGUE if each.worked_out(given()) != each.worked_out(without)}
    assert moved == OF_VERDICTS


def test_every_indicator_that_opening_hours_bear_on_is_restated_by_them() -> None:
    closed = given(closed=True)
    moved = {each.id for each in CATALOGUE if each.calculate(given()) != each.calculate(closed)}
    assert moved == OF_OPENING_HOURS


def entry(kind: FeedKind, **body: Any) -> FeedEntry:
    return FeedEntry(kind=kind, at_ms=900, seq=7, printer_id="p", job_id="j", body=body)


@pytest.mark.parametrize(
    ("told", "from_ms"),
    [
        (entry(FeedKind.JOB_INSPECTED, ended_ms=300, who="olga"), 300),
        (entry(FeedKind.JOB_INSPECTED, ended_ms=None), None),
        (entry(FeedKind.CALENDAR_CHANGED, restates_from_ms=100), 100),
        (entry(FeedKind.CALENDAR_CHANGED, restates_from_ms=None), None),
        (entry(FeedKind.JOB_REVISED, started_ms=200, ended_ms=400), 200),
        (entry(FeedKind.JOB_REVISED, started_ms=None, ended_ms=400), 400),
        (entry(FeedKind.JOB_REVISED), None),
        (entry(FeedKind.SPANS_REVISED, from_ms=50), 50),
        (entry(FeedKind.STATE_CHANGED, from_ms=50), None),
        (entry(FeedKind.JOB_ENDED, ended_ms=50), None),
    ],
)
def test_figures_are_restated_from_where_the_change_reaches_back_to(
    told: FeedEntry, from_ms: int | None
) -> None:
    found = restatement_of(told)
    assert (None if found is None else found.from_ms) == from_ms


def test_a_restatement_says_who_why_and_what_stood_before_and_after() -> None:
    told = entry(
        FeedKind.JOB_INSPECTED, ended_ms=300, who="olga", note="warped", before={"a": 0}, after={"a": 1}
    )
    found = restatement_of(told)
    assert found is not None
    assert (found.seq, found.at_ms, found.who, found.why) == (7, 900, "olga", "warped")
    assert (found.before, found.after) == ({"a": 0}, {"a": 1})
    assert (found.printer_id, found.job_id) == ("p", "j")
    assert frozenset(found.indicators) == OF_VERDICTS
    assert msgspec.json.encode(found)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (entry(FeedKind.CALENDAR_CHANGED, restates_from_ms=100, why="new shift"), "new shift"),
        (entry(FeedKind.SPANS_REVISED, from_ms=50, why="the clock was wrong"), "the clock was wrong"),
        (entry(FeedKind.JOB_INSPECTED, ended_ms=300, note=""), None),
        (entry(FeedKind.JOB_REVISED, ended_ms=300), None),
    ],
)
def test_a_restatement_says_why_where_anybody_did(told: FeedEntry, why: str | None) -> None:
    found = restatement_of(told)
    assert found is not None
    assert found.why == why


def print_of(kind: FeedKind, **body: Any) -> FeedEntry:
    told = {"file": "a.gcode", "outcome": "succeeded", "printing_ms": 50, "started_ms": 100, "ended_ms": 300}
    return entry(kind, **{**told, **body})


@pytest.mark.parametrize(
    ("told", "from_ms"),
    [
        (print_of(FeedKind.JOB_ENDED), 200),
        (print_of(FeedKind.JOB_ENDED, ended_ms=200), None),
        (print_of(FeedKind.JOB_ENDED, outcome="failed"), None),
        (print_of(FeedKind.JOB_ENDED, printing_ms=0), None),
        (print_of(FeedKind.JOB_ENDED, file="other.gcode"), None),
        (print_of(FeedKind.JOB_ENDED, file=None), None),
        (print_of(FeedKind.JOB_REVISED, started_ms=250), 200),
        (print_of(FeedKind.JOB_REVISED, started_ms=250, outcome="failed"), 200),
        (print_of(FeedKind.JOB_REVISED), None),
        (print_of(FeedKind.JOB_STARTED), None),
        (print_of(FeedKind.JOB_STARTED, started_ms=250), None),
        (print_of(FeedKind.JOB_REVISED, started_ms=None, ended_ms=None), 200),
        (print_of(FeedKind.JOB_REVISED, started_ms=None, ended_ms=150), None),
        (print_of(FeedKind.JOB_REVISED, started_ms=250, ended_ms=None), 200),
    ],
)
def test_a_print_restates_what_is_held_against_the_median_of_its_file(
    told: FeedEntry, from_ms: int | None
) -> None:
    found = restatement_by_median(told, {"a.gcode": 200}.get)
    assert (None if found is None else found.from_ms) == from_ms
    if found is not None:
        assert found.indicators == ("oee", "performance")
        assert frozenset(found.indicators) == OF_MEDIANS
        assert found.why == "it moves the median of a.gcode"
