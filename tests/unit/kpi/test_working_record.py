"""A working as an object of JSON: each row with what it adds, times in hours and RFC 3339."""

from typing import Any

import msgspec

from farm.kpi.catalogue import CATALOGUE
from farm.kpi.figure import KpiFigure, figure_record, standing_record
from farm.kpi.indicator import Unit
from farm.kpi.parts import JobRow, Measure, RepairRow, StreakRow, TimeRow
from farm.kpi.periods import Period
from farm.kpi.standing import Side, Standing, TargetStanding
from farm.kpi.subjects import Scope
from farm.kpi.targets import Level, Profile, Target
from farm.kpi.windows import Window
from farm.kpi.working import Omission, Sum, WorkedRow, Working
from farm.kpi.working_record import working_record
from farm.model.job_record import job_record
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState, StateReason
from farm.model.times import HOUR_MS
from farm.model.verdict import Verdict
from farm.model.verdict_record import verdict_record
from farm.settings import SiteSettings
from tests.unit.kpi.events import at, jobs_of, printer_called

NINE, TEN, NOON = (at(f"2026-11-27T{hour:02}:00") for hour in (9, 10, 12))
BAY = printer_called("bay", group="left")
(FAILED,) = jobs_of(BAY, Outcome.FAILED, [NOON])
LOOKED_AT = Verdict(
    job_id=FAILED.id, good_units=1, rejected_units=2, reason=None, note="", who="anna", at_ms=NOON, version=1
)


def working_of(kpi_id: str, **more: Any) -> Working:
    figure = KpiFigure(
        id=kpi_id,
        scope=Scope.FARM,
        scope_id="main",
        label="main",
        window=Window("day", NINE, NOON),
        unit=Unit.HOURS,
        value=2.0,
        low=2.0,
        high=2.0,
        interval=None,
        counts={},
        amounts={},
        observed_share=1.0,
    )
    empty: dict[str, Any] = {"sums": (), "left_out": (), "jobs": (), "spans": (), "repairs": (), "next": None}
    return Working(figure=figure, expression="a ÷ b", calculation="4 ÷ 2 = 2", **empty | more)


def test_sums_and_what_is_left_out_are_told_in_hours() -> None:
    working = working_of(
        "failed_hours",
        sums=(Sum("lost_hours", Measure.TIME, 3 * HOUR_MS), Sum("failed", Measure.COUNT, 2)),
        left_out=(Omission("outcome_unknown", "nobody knows", Measure.TIME, HOUR_MS // 2),),
        next="further",
    )
    (formula,) = (entry.formula for entry in CATALOGUE if entry.id == "failed_hours")
    assert working_record(working) == {
        "figure": figure_record(working.figure),
        "formula": formula,
        "expression": "a ÷ b",
        "calculation": "4 ÷ 2 = 2",
        "sums": [
            {"name": "lost_hours", "measure": "hours", "amount": 3.0},
            {"name": "failed", "measure": "count", "amount": 2},
        ],
        "left_out": [
            {"name": "outcome_unknown", "why": "nobody knows", "measure": "hours", "amount": 0.5},
        ],
        "jobs": [],
        "spans": [],
        "repairs": [],
        "next": "further",
    }


def test_a_job_stands_with_its_verdict_and_what_it_adds() -> None:
    plain = JobRow(site=SiteSettings(), printer=BAY, job=FAILED)
    inspected = msgspec.structs.replace(plain, verdict=LOOKED_AT)
    rows = (
        WorkedRow(plain, {"lost_hours": 2 * HOUR_MS, "failed": 1}, {}),
        WorkedRow(inspected, {}, {"outcome_unknown": HOUR_MS}),
    )
    job = job_record(FAILED, "bay", "left")
    assert working_record(working_of("failed_hours", jobs=rows))["jobs"] == [
        {"job": {**job, "verdict": None}, "adds": {"lost_hours": 2.0, "failed": 1}, "left_out": {}},
        {
            "job": {**job, "verdict": verdict_record(LOOKED_AT)},
            "adds": {},
            "left_out": {"outcome_unknown": 1.0},
        },
    ]


def test_a_print_of_a_streak_stands_as_a_job_without_a_verdict() -> None:
    row = StreakRow(
        printer=BAY, job=FAILED, in_current=True, in_longest=False, since_success=True, is_last=True
    )
    record = working_record(working_of("failed_streak", jobs=(WorkedRow(row, {"current": 1}, {}),)))
    job = {**job_record(FAILED, "bay", "left"), "verdict": None}
    assert record["jobs"] == [{"job": job, "adds": {"current": 1}, "left_out": {}}]


def test_a_span_and_a_repair_stand_with_their_times_and_have_no_end_while_they_last() -> None:
    waiting = Span(BAY.id, PrinterState.IDLE, NINE, TEN, "person", StateReason.WAITING_FOR_OPERATOR)
    lasting = Span(BAY.id, PrinterState.IDLE, TEN, None)
    rows = (
        TimeRow(site=SiteSettings(), printer=BAY, span=each, open_ms=0, closed_ms=HOUR_MS)
        for each in (waiting, lasting)
    )
    spans = tuple(WorkedRow(each, {"utilized_hours": 0}, {"closed": HOUR_MS}) for each in rows)
    told = {"printer_id": BAY.id, "printer": "bay"}
    shares = {"adds": {"utilized_hours": 0.0}, "left_out": {"closed": 1.0}}
    nine, ten = "2026-11-27T09:00:00.000Z", "2026-11-27T10:00:00.000Z"
    first = {"state": "idle", "from": nine, "to": ten, "source": "person", "reason": "waiting_for_operator"}
    second = {"state": "idle", "from": ten, "to": None, "source": "observed", "reason": None}
    assert working_record(working_of("utilization", spans=spans))["spans"] == [
        {"span": {**told, **first}, **shares},
        {"span": {**told, **second}, **shares},
    ]
    faults = (
        RepairRow(printer=BAY, begun_ms=NINE, ended_ms=end, begins_within=True, ends_within=True)
        for end in (TEN, None)
    )
    repairs = tuple(WorkedRow(each, {"repair_hours": HOUR_MS}, {}) for each in faults)
    assert working_record(working_of("mttr", repairs=repairs))["repairs"] == [
        {"repair": {**told, "from": nine, "to": end}, "adds": {"repair_hours": 1.0}, "left_out": {}}
        for end in (ten, None)
    ]


def test_a_target_stands_with_its_range_and_how_the_figure_stands_to_it() -> None:
    target = Target(
        profile=Profile.JEWELRY, low=0.7, high=0.85, level=Level.FLOOR, per=Period.WEEK, meaning="the lease"
    )
    found = TargetStanding(
        target=target, standing=Standing.BELOW, side=Side.WORSE, sure=True, share=0.9, not_compared="why"
    )
    assert standing_record(found, Unit.RATIO) == {
        "profile": "jewelry",
        "low": 0.7,
        "high": 0.85,
        "level": "floor",
        "per": "week",
        "meaning": "the lease",
        "shown": "70–85 % a week",
        "standing": "below",
        "side": "worse",
        "sure": True,
        "share": 0.9,
        "not_compared": "why",
    }
