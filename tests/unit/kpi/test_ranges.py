"""The range of a figure holds what is true, whatever it was that nobody saw."""

from collections.abc import Sequence
from math import inf
from typing import TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.kpi.calendar import ShopCalendar
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.figure import KpiFigure
from farm.kpi.opening_hours import parse_week
from farm.kpi.shop_calendars import ShopCalendars
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.model.job import Job
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, printer_called, spans_of
from tests.unit.kpi.memory_ledger import MemoryLedger

BAY = printer_called("bay", group="left")
END = START_MS + 2 * DAY_MS
WHOLE = Window("whole", START_MS, END)
SHOP = ShopCalendars(
    calendars={"shop": ShopCalendar(name="shop", hours=parse_week("mon-sun 08:00-17:30"))},
    groups={"left": "shop"},
)
KNOWN = [each for each in Outcome if each is not Outcome.UNKNOWN]
OF_WHAT_WAS_SEEN = frozenset({"mttr", "performance", "estimate_accuracy", "oee", "inspected_yield"})
"""They speak of repairs that were seen, of prints that are known to have succeeded, and of inspected ones."""


def figures(ledger: MemoryLedger, *, shop: bool = False, **rules: bool) -> dict[str, KpiFigure]:
    site = SiteSettings(time_zone="UTC", **rules)
    engine = KpiEngine(ReadModel(ledger), site, lambda: SHOP if shop else ShopCalendars())
    return {figure.id: figure for figure in engine.evaluate(None, WHOLE, Scope.FARM, END)}


def assert_held(true: dict[str, KpiFigure], told: dict[str, KpiFigure], ids: Sequence[str]) -> None:
    for kpi_id in ids:
        value, figure = true[kpi_id].value, told[kpi_id]
        if value is None:
            continue
        if figure.value is None and figure.low is figure.high is None:
            continue  # "no data": it claims nothing
        low = -inf if figure.low is None else figure.low
        high = inf if figure.high is None else figure.high
        assert low - 1e-9 <= value <= high + 1e-9, (kpi_id, value, figure.low, figure.value, figure.high)


HOURS = ("utilization", "availability", "idle_time", "operational_uptime", "total_uptime", "mtbf")
SEEN = [state for state in PrinterState if state is not PrinterState.UNKNOWN]
STRETCHES = st.lists(
    st.tuples(st.sampled_from(SEEN), st.integers(1, 16), st.booleans()), min_size=1, max_size=8
)
PLANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=3)


@settings(deadline=None)
@given(STRETCHES, PLANS, st.booleans())
def test_hours_that_nobody_saw_may_have_been_any(
    stretches: list[tuple[PrinterState, int, bool]], plans: list[tuple[int, int]], shop: bool
) -> None:
    def ledger(*, hidden: bool) -> MemoryLedger:
        states = [
            (PrinterState.UNKNOWN if hidden and unseen else state, hours * HOUR_MS)
            for state, hours, unseen in stretches
        ]
        job = Job(
            id="job", printer_id=BAY.id, file="a", started_ms=START_MS, ended_ms=START_MS + 1,
            outcome=Outcome.FAILED,
        )  # fmt: skip
        found = MemoryLedger([BAY], spans_of(BAY, states), [job], START_MS + sum(ms for _, ms in states))
        found.planned = [
            PlannedMaintenance(
                from_ms=START_MS + begin * HOUR_MS,
                to_ms=START_MS + (begin + length) * HOUR_MS,
                planned_ms=0,
                who="anna",
            )
            for begin, length in plans
        ]
        return found

    assert_held(figures(ledger(hidden=False), shop=shop), figures(ledger(hidden=True), shop=shop), HOURS)


Print: TypeAlias = tuple[Outcome, bool, int, int, str | None, tuple[int, int] | None]
"""How it ended, whether nobody knows it, its units, half hours, file, and units found good and rejected."""
PRINTS = st.lists(
    st.tuples(
        st.sampled_from(KNOWN),
        st.booleans(),
        st.integers(0, 5),
        st.integers(1, 40),
        st.sampled_from(["a", "b", None]),
        st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3)),
    ),
    min_size=1,
    max_size=8,
)


def prints_of(prints: list[Print], *, hidden: bool) -> MemoryLedger:
    jobs, found = [], {}
    for number, (outcome, unseen, units, half_hours, file, inspected) in enumerate(prints):
        ended_ms = START_MS + (number + 1) * 5 * HOUR_MS
        lasted_ms = min(half_hours * 30 * MINUTE_MS, 5 * HOUR_MS)
        job = Job(
            id=f"job-{number}",
            printer_id=BAY.id,
            file=file,
            started_ms=ended_ms - lasted_ms,
            ended_ms=ended_ms,
            outcome=outcome,
            cancelled_by=CancelledBy.SYSTEM if outcome is Outcome.CANCELLED else None,
            cause=Cause.THERMAL if outcome is Outcome.FAILED else None,
            units=units,
            printing_ms=lasted_ms // 2,
            filament_g=half_hours / 2,
        )
        if hidden and unseen:
            job = msgspec.structs.replace(job, outcome=Outcome.UNKNOWN, cancelled_by=None, cause=None)
        jobs.append(job)
        if inspected is not None and inspected != (0, 0):
            found[job.id] = inspected
    ledger = MemoryLedger([BAY], spans_of(BAY, [(PrinterState.PRINTING, 2 * DAY_MS)]), jobs, END)
    ledger.found = found
    return ledger


@settings(deadline=None)
@given(PRINTS, st.booleans())
def test_prints_of_which_nobody_knows_the_end_may_have_ended_in_any_way(
    prints: list[Print], counted: bool
) -> None:
    ids = [entry.id for entry in CATALOGUE if entry.id not in OF_WHAT_WAS_SEEN]
    true, told = (
        figures(prints_of(prints, hidden=hidden), cancelled_counts_as_attempt=counted)
        for hidden in (False, True)
    )
    assert_held(true, told, ids)


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.UNKNOWN])
def test_what_was_good_of_a_print_that_counts_in_no_quality_does_not_count_either(outcome: Outcome) -> None:
    failed = (Outcome.FAILED, False, 4, 4, "a", (1, 3))
    other = (outcome, False, 4, 4, "a", (3, 1))
    assert figures(prints_of([failed], hidden=False))["quality"].value == 0.25
    assert figures(prints_of([failed, other], hidden=False))["quality"].value == 0.25


def test_hours_of_a_failure_count_that_nobody_saw() -> None:
    ledger = prints_of([(Outcome.FAILED, False, 1, 8, "a", None)], hidden=False)
    assert ledger.jobs[0].printing_ms == 2 * HOUR_MS
    assert figures(ledger)["failed_hours"].value == 4
