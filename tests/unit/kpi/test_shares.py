"""What a single row adds to a sum, and out of what the sum is."""

from typing import Any

import msgspec
import pytest

from farm.kpi.account import Condition
from farm.kpi.attempt_parts import Attempted, AttemptMeasure
from farm.kpi.catalogue import indicator
from farm.kpi.estimates import ByMedian, Estimated, EstimateMeasure, MedianMeasure
from farm.kpi.good_units import CountedUnits, Worth
from farm.kpi.inspection import INSPECTED, SUCCESS_AFTER_INSPECTION
from farm.kpi.material_parts import MaterialMeasure, MaterialTaken
from farm.kpi.outcomes import AttemptTally, InspectedUnits, InspectionTally
from farm.kpi.parts import (
    EVERY_OUTCOME,
    CancelledJobs,
    EndedJobs,
    FailedJobs,
    Input,
    JobMeasure,
    JobRow,
    LeftOut,
    Measure,
    Part,
    Remainder,
    Repaired,
    RepairMeasure,
    RepairRow,
    Selector,
    StreakRow,
    TimeAs,
    TimeIn,
    TimeRow,
    Together,
)
from farm.kpi.streak_parts import InStreak, StreakMeasure
from farm.kpi.working import worked_rows
from farm.model.job import Job
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, StateReason
from farm.model.verdict import Verdict
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, jobs_of, printer_called
from tests.unit.kpi.kpi_inputs import basis_of

BAY, SITE = printer_called("bay"), SiteSettings()
SUCCEEDED, FAILED = frozenset({Outcome.SUCCEEDED}), frozenset({Outcome.FAILED})
SUCCESS = EndedJobs(outcomes=SUCCEEDED)
ENDED = EndedJobs(outcomes=EVERY_OUTCOME)


def job(outcome: Outcome, **facts: Any) -> Job:
    (found,) = jobs_of(BAY, outcome, [START_MS + 10], units=4)
    told = {"started_ms": START_MS, "printing_ms": 6, "preparing_ms": 1} | facts
    return msgspec.structs.replace(found, **told)


def row(outcome: Outcome, found: tuple[int, int] | None = None, median_ms: int = 0, **facts: Any) -> JobRow:
    verdict = None
    if found is not None:
        good, rejected = found
        verdict = Verdict(
            job_id="j", good_units=good, rejected_units=rejected, reason=None, note="", who="anna", at_ms=0,
            version=1,
        )  # fmt: skip
    return JobRow(site=SITE, printer=BAY, job=job(outcome, **facts), verdict=verdict, median_ms=median_ms)


@pytest.mark.parametrize(
    ("of", "share", "measure"),
    [
        (JobMeasure.JOBS, 1, Measure.COUNT),
        (JobMeasure.UNITS, 4, Measure.COUNT),
        (JobMeasure.PRINTING_TIME, 6, Measure.TIME),
        (JobMeasure.WHOLE_TIME, 10, Measure.TIME),
    ],
)
def test_a_job_adds_where_it_ended_so(of: JobMeasure, share: int, measure: Measure) -> None:
    selector = EndedJobs(outcomes=SUCCEEDED, of=of)
    assert selector.measure is measure
    assert selector.share(row(Outcome.SUCCEEDED)) == share
    assert selector.share(row(Outcome.FAILED)) == 0


@pytest.mark.parametrize("cause", Cause)
def test_a_failure_has_one_cause_and_without_one_it_is_unknown(cause: Cause) -> None:
    failed = row(Outcome.FAILED, cause=cause)
    assert [each for each in Cause if FailedJobs(cause=each).share(failed)] == [cause]
    assert [each for each in Cause if FailedJobs(cause=each).share(row(Outcome.FAILED))] == [Cause.UNKNOWN]
    assert FailedJobs(cause=cause).share(row(Outcome.CANCELLED, cause=cause)) == 0


@pytest.mark.parametrize("by", CancelledBy)
def test_a_cancelled_job_adds_to_the_one_who_did_it(by: CancelledBy) -> None:
    cancelled = row(Outcome.CANCELLED, cancelled_by=by)
    assert [each for each in CancelledBy if CancelledJobs(by=each).share(cancelled)] == [by]
    assert CancelledJobs(by=by).share(row(Outcome.CANCELLED)) == 0
    assert CancelledJobs(by=by).share(row(Outcome.FAILED, cancelled_by=by)) == 0


@pytest.mark.parametrize(
    ("outcome", "found", "shares"),
    [
        (Outcome.SUCCEEDED, None, {"attempts": 1, "good": 1, "not_inspected": 1}),
        (Outcome.SUCCEEDED, (3, 1), {"attempts": 1, "good": 1, "inspected": 1}),
        (Outcome.SUCCEEDED, (0, 4), {"attempts": 1, "rejected": 1, "inspected": 1}),
        (Outcome.FAILED, (0, 4), {"attempts": 1}),
        (Outcome.UNKNOWN, (3, 1), {}),
    ],
)
def test_an_inspection_tells_of_a_success(
    outcome: Outcome, found: tuple[int, int] | None, shares: dict[str, int]
) -> None:
    (worked,) = worked_rows(SUCCESS_AFTER_INSPECTION, [row(outcome, found)])
    assert worked.adds == shares
    assert worked.left_out == ({"outcome_unknown": 1} if outcome is Outcome.UNKNOWN else {})


@pytest.mark.parametrize(
    ("facts", "median_ms", "by_estimate", "by_median"),
    [
        ({"expected_ms": 5}, 9, [1, 6, 5, 1], [0, 0, 0]),
        ({"expected_ms": 8}, 9, [1, 6, 8, 2], [0, 0, 0]),
        ({"expected_ms": 1}, 9, [1, 6, 1, 5], [0, 0, 0]),
        ({"expected_ms": None}, 9, [0, 0, 0, 0], [1, 6, 9]),
        ({"expected_ms": 0}, 9, [0, 0, 0, 0], [1, 6, 9]),
        ({"expected_ms": None}, 1, [0, 0, 0, 0], [1, 6, 1]),
        ({"expected_ms": None}, 0, [0, 0, 0, 0], [0, 0, 0]),
        ({"expected_ms": 5, "printing_ms": 0}, 9, [0, 0, 0, 0], [0, 0, 0]),
        ({"expected_ms": 5, "printing_ms": 1}, 9, [1, 1, 5, 4], [0, 0, 0]),
        ({"expected_ms": None, "printing_ms": 0}, 9, [0, 0, 0, 0], [0, 0, 0]),
        ({"expected_ms": None, "printing_ms": 1}, 9, [0, 0, 0, 0], [1, 1, 9]),
    ],
)
def test_a_success_is_held_against_its_estimate_or_else_the_median_of_its_file(
    facts: dict[str, Any], median_ms: int, by_estimate: list[int], by_median: list[int]
) -> None:
    done, failed = (row(each, None, median_ms, **facts) for each in (Outcome.SUCCEEDED, Outcome.FAILED))
    estimated = [Estimated(of=each) for each in EstimateMeasure]
    held = [ByMedian(of=each) for each in MedianMeasure]
    assert [each.share(done) for each in estimated] == by_estimate
    assert [each.share(done) for each in held] == by_median
    assert {each.share(failed) for each in (*estimated, *held)} == {0}


@pytest.mark.parametrize(
    ("outcome", "found", "all_units", "good_units"),
    [
        (Outcome.SUCCEEDED, None, 4, 4),
        (Outcome.FAILED, None, 4, 0),
        (Outcome.SUCCEEDED, (1, 2), 3, 1),
        (Outcome.FAILED, (1, 2), 3, 1),
    ],
)
def test_units_count_as_they_were_found_and_else_as_the_print_ended(
    outcome: Outcome, found: tuple[int, int] | None, all_units: int, good_units: int
) -> None:
    counted, other = frozenset({outcome}), frozenset({Outcome.CANCELLED})
    assert CountedUnits(outcomes=counted).share(row(outcome, found)) == all_units
    assert CountedUnits(outcomes=counted, of=Worth.GOOD).share(row(outcome, found)) == good_units
    assert CountedUnits(outcomes=other).share(row(outcome, found)) == 0


def test_units_of_jobs_that_were_inspected_count_as_they_were_found_and_the_others_as_on_their_plates() -> (
    None
):
    base = basis_of(units={Outcome.SUCCEEDED: 20, Outcome.FAILED: 10})
    found = {Outcome.SUCCEEDED: InspectedUnits(8, 5, 2), Outcome.FAILED: InspectedUnits(4, 1, 2)}
    outcomes = msgspec.structs.replace(base.outcomes, inspected=InspectionTally(units=found))
    given = msgspec.structs.replace(base, outcomes=outcomes)
    assert CountedUnits(outcomes=SUCCEEDED).total(given) == 12 + 7
    assert CountedUnits(outcomes=FAILED).total(given) == 6 + 3
    assert CountedUnits(outcomes=SUCCEEDED, of=Worth.GOOD).total(given) == 12 + 5
    assert CountedUnits(outcomes=FAILED, of=Worth.GOOD).total(given) == 1


@pytest.mark.parametrize(
    ("begins_within", "ends_within", "ended_ms", "shares"),
    [
        (True, True, 90, [1, 1, 60]),
        (True, False, 90, [1, 0, 0]),
        (False, True, 90, [0, 1, 60]),
        (True, False, None, [1, 0, 0]),
        (False, False, None, [0, 0, 0]),
    ],
)
def test_a_fault_counts_where_it_began_and_its_repair_where_it_ended(
    begins_within: bool, ends_within: bool, ended_ms: int | None, shares: list[int]
) -> None:
    fault = RepairRow(
        printer=BAY, begun_ms=30, ended_ms=ended_ms, begins_within=begins_within, ends_within=ends_within
    )
    selectors = [Repaired(of=each) for each in RepairMeasure]
    assert [each.share(fault) for each in selectors] == shares
    assert [each.measure for each in selectors] == [Measure.COUNT, Measure.COUNT, Measure.TIME]


@pytest.mark.parametrize(
    ("outcome", "flags", "kinds"),
    [
        (
            Outcome.FAILED,
            {"in_current", "in_longest", "since_success", "is_last"},
            ["current", "longest", "failing"],
        ),
        (Outcome.FAILED, {"since_success"}, ["shorter"]),
        (Outcome.FAILED, {"in_longest"}, ["longest"]),
        (Outcome.FAILED, {"since_success", "is_last"}, ["failing", "shorter"]),
        (Outcome.UNKNOWN, {"in_current", "in_longest", "since_success", "is_last"}, ["unknown"]),
        (Outcome.CANCELLED, {"in_current", "in_longest", "since_success", "is_last"}, ["cancelled"]),
        (Outcome.UNKNOWN, {"in_current"}, []),
        (Outcome.CANCELLED, {"in_current"}, []),
    ],
)
def test_a_print_of_a_streak_adds_by_how_it_ended(
    outcome: Outcome, flags: set[str], kinds: list[str]
) -> None:
    names = ("in_current", "in_longest", "since_success", "is_last")
    held = StreakRow(printer=BAY, job=job(outcome), **{name: name in flags for name in names})
    shares = {kind.value: InStreak(of=kind).share(held) for kind in StreakMeasure}
    assert [kind for kind, share in shares.items() if share] == kinds
    assert set(shares.values()) <= {0, 1}


IDLE, PAUSED = PrinterState.IDLE, PrinterState.PAUSED
WAITING = Condition(IDLE, StateReason.WAITING_FOR_OPERATOR)


@pytest.mark.parametrize(
    ("selector", "share"),
    [
        (TimeIn(opened=frozenset({IDLE})), 7),
        (TimeIn(closed=frozenset({IDLE})), 5),
        (TimeIn(opened=frozenset({IDLE}), closed=frozenset({IDLE})), 12),
        (TimeIn(opened=frozenset({PAUSED}), closed=frozenset({PAUSED})), 0),
        (TimeAs(opened=frozenset({WAITING})), 7),
        (TimeAs(opened=frozenset({Condition(IDLE)})), 0),
        (TimeAs(opened=frozenset({Condition(IDLE)}), closed=frozenset({IDLE})), 5),
        (TimeAs(opened=frozenset({WAITING}), closed=frozenset({IDLE})), 12),
        (TimeAs(opened=frozenset({WAITING}), closed=frozenset({PAUSED})), 7),
    ],
)
def test_time_counts_by_state_and_reason_and_by_whether_the_shop_was_open(
    selector: TimeIn | TimeAs, share: int
) -> None:
    span = Span(BAY.id, IDLE, 0, 12, reason=StateReason.WAITING_FOR_OPERATOR)
    assert selector.share(TimeRow(site=SITE, printer=BAY, span=span, open_ms=7, closed_ms=5)) == share


def test_a_reason_by_which_no_time_is_told_apart_leaves_it_to_its_state() -> None:
    span = Span(BAY.id, PrinterState.ERROR, 0, 12, reason=StateReason.WAITING_FOR_OPERATOR)
    error = TimeRow(site=SITE, printer=BAY, span=span, open_ms=7, closed_ms=5)
    assert TimeAs(opened=frozenset({Condition(PrinterState.ERROR)})).share(error) == 7


def test_what_is_left_of_a_whole_and_what_two_come_to() -> None:
    done = row(Outcome.SUCCEEDED, (0, 4))
    assert Remainder(whole=ENDED, less=SUCCESS).share(done) == 0
    assert Remainder(whole=ENDED, less=EndedJobs(outcomes=FAILED)).share(done) == 1
    assert Together(one=ENDED, other=SUCCESS).share(done) == 2
    given = basis_of(jobs={Outcome.SUCCEEDED: 7, Outcome.FAILED: 2})
    assert Remainder(whole=ENDED, less=SUCCESS).total(given) == 2
    assert Together(one=ENDED, other=SUCCESS).total(given) == 16
    hours = EndedJobs(outcomes=FAILED, of=JobMeasure.PRINTING_TIME)
    assert Remainder(whole=hours, less=SUCCESS).measure is Measure.TIME
    assert Together(one=hours, other=SUCCESS).measure is Measure.TIME


@pytest.mark.parametrize("of", AttemptMeasure)
def test_a_job_adds_to_first_attempts_what_the_jobs_before_it_made_of_it(of: AttemptMeasure) -> None:
    attempt = AttemptTally(**{of.value: 3})
    told = msgspec.structs.replace(row(Outcome.SUCCEEDED), attempt=attempt)
    shares = {each: Attempted(of=each).share(told) for each in AttemptMeasure}
    assert {each: share for each, share in shares.items() if share} == {of: 3}


JOBS, VERDICTS, SPANS, CALENDARS = Input.JOBS, Input.VERDICTS, Input.SPANS, Input.CALENDARS
READ: tuple[tuple[Selector, set[Input]], ...] = (
    (SUCCESS, {JOBS}),
    (FailedJobs(cause=Cause.THERMAL), {JOBS}),
    (CancelledJobs(by=CancelledBy.PERSON), {JOBS}),
    (Estimated(of=EstimateMeasure.JOBS), {JOBS}),
    (ByMedian(of=MedianMeasure.JOBS), {JOBS}),
    (MaterialTaken(of=MaterialMeasure.GRAMS, outcomes=SUCCEEDED), {JOBS}),
    (InStreak(of=StreakMeasure.CURRENT), {JOBS}),
    (INSPECTED, {JOBS, VERDICTS}),
    (CountedUnits(outcomes=SUCCEEDED), {JOBS, VERDICTS}),
    (Attempted(of=AttemptMeasure.PARTS), {JOBS, VERDICTS}),
    (Remainder(whole=SUCCESS, less=INSPECTED), {JOBS, VERDICTS}),
    (Remainder(whole=INSPECTED, less=SUCCESS), {JOBS, VERDICTS}),
    (Together(one=SUCCESS, other=INSPECTED), {JOBS, VERDICTS}),
    (Together(one=INSPECTED, other=SUCCESS), {JOBS, VERDICTS}),
    (TimeIn(), {SPANS, CALENDARS}),
    (TimeAs(), {SPANS, CALENDARS}),
    (Repaired(of=RepairMeasure.TIME), {SPANS}),
)


@pytest.mark.parametrize(("selector", "inputs"), READ, ids=lambda each: type(each).__name__)
def test_a_sum_says_what_it_is_worked_out_of(selector: Selector, inputs: set[Input]) -> None:
    assert selector.inputs == inputs


@pytest.mark.parametrize("selector", [selector for selector, _ in READ], ids=lambda each: type(each).__name__)
def test_a_sum_of_nothing_is_none(selector: Selector) -> None:
    assert selector.total(basis_of()) == 0


def test_a_job_of_whose_file_nothing_is_known_is_held_against_no_median() -> None:
    assert JobRow(site=SITE, printer=BAY, job=job(Outcome.SUCCEEDED)).median_ms == 0


def test_a_row_adds_only_to_sums_of_its_kind() -> None:
    """A span adds to no count of jobs, and a job to no time in a state."""
    rows = (
        row(Outcome.FAILED),
        TimeRow(site=SITE, printer=BAY, span=Span(BAY.id, IDLE, 0, 12), open_ms=7, closed_ms=5),
        RepairRow(printer=BAY, begun_ms=0, ended_ms=9, begins_within=True, ends_within=True),
        StreakRow(
            printer=BAY,
            job=job(Outcome.FAILED),
            in_current=True,
            in_longest=True,
            since_success=True,
            is_last=True,
        ),
    )
    sums: tuple[Selector, ...] = (
        ENDED,
        TimeIn(opened=frozenset({IDLE})),
        Repaired(of=RepairMeasure.FAULTS),
        InStreak(of=StreakMeasure.CURRENT),
    )
    entry = msgspec.structs.replace(
        SUCCESS_AFTER_INSPECTION,
        parts=tuple(Part(type(each).__name__, each) for each in sums),
        left_out=tuple(LeftOut(type(each).__name__, "why", each) for each in sums),
    )
    told = [{"EndedJobs": 1}, {"TimeIn": 7}, {"Repaired": 1}, {"InStreak": 1}]
    worked = worked_rows(entry, rows)
    assert [each.adds for each in worked] == [each.left_out for each in worked] == told


LEFT_OUT = {
    "print_success_rate": "cancelled:cancelled_not_counted unknown:outcome_unknown",
    "success_after_inspection": "cancelled:cancelled_not_counted unknown:outcome_unknown",
    "inspected_yield": "succeeded:not_inspected",
    "throughput": "failed:came_to_nothing cancelled:came_to_nothing unknown:outcome_unknown",
    "avg_production_time": "failed:failed cancelled:cancelled unknown:outcome_unknown",
    "failures_by_cause": "unknown:outcome_unknown",
    "mtbf": "cancelled:cancelled unknown:outcome_unknown",
    "mcbf": "cancelled:cancelled unknown:outcome_unknown",
    "oee": "succeeded:not_planned cancelled:cancelled_not_counted unknown:outcome_unknown",
    "performance": "succeeded:not_planned failed:not_succeeded cancelled:not_succeeded unknown:not_succeeded",
    "quality": "cancelled:cancelled_not_counted unknown:outcome_unknown",
    "failed_hours": "unknown:outcome_unknown",
}
"""As what a print is left out that says nothing but how it ended."""


@pytest.mark.parametrize("kpi_id", LEFT_OUT)
def test_a_print_that_does_not_count_is_left_out_by_name(kpi_id: str) -> None:
    entry = indicator(kpi_id)
    found = [f"{each}:{name}" for each in Outcome for name in worked_rows(entry, [row(each)])[0].left_out]
    assert found == LEFT_OUT[kpi_id].split()


@pytest.mark.parametrize("kpi_id", ["mtbf", "mcbf"])
def test_without_a_failure_nothing_lies_between_failures(kpi_id: str) -> None:
    """Also where a print of unknown outcome may have been the first."""
    given = basis_of(hours={PrinterState.PRINTING: 9}, jobs={Outcome.SUCCEEDED: 3, Outcome.UNKNOWN: 1})
    found = indicator(kpi_id).worked_out(given)
    assert (found.value, found.low, found.high) == (None, None, None)
