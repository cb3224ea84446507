"""How figures stand to targets."""

from zoneinfo import ZoneInfo

import pytest

from farm.kpi.calculation import KpiResult
from farm.kpi.figure import target_shown
from farm.kpi.indicator import Unit
from farm.kpi.periods import Period
from farm.kpi.standing import Side, Standing, TargetStanding, side_of, stand
from farm.kpi.subjects import Scope
from farm.kpi.targets import Level, Profile, Target, targets_that_apply
from farm.kpi.throughput import THROUGHPUT
from farm.kpi.utilization import UTILIZATION
from farm.kpi.windows import Window, parse_window
from farm.model.times import parse_rfc3339

UTC = ZoneInfo("UTC")
NOW = parse_rfc3339("2026-02-11T12:00:00Z")
DAY = Window("24h", NOW - 86_400_000, NOW)
RANGE = Target(low=0.7, high=0.85)
MONTHLY = Target(low=416, per=Period.MONTH)
WEEKLY = Target(low=104, level=Level.FLOOR, per=Period.WEEK)


def result(value: float | None, low: float | None = None, high: float | None = None) -> KpiResult:
    return KpiResult(value=value, low=value if low is None else low, high=value if high is None else high)


def held(
    target: Target,
    found: KpiResult,
    window: Window = DAY,
    scope: Scope = Scope.FARM,
    *,
    more_is_better: bool = True,
) -> TargetStanding:
    return stand(target, found, window, scope, UTC, more_is_better=more_is_better)


@pytest.mark.parametrize(
    ("value", "more_is_better", "standing", "side"),
    [
        (0.69, True, Standing.BELOW, Side.WORSE),
        (0.7, True, Standing.WITHIN, Side.SAME),
        (0.85, True, Standing.WITHIN, Side.SAME),
        (0.86, True, Standing.ABOVE, Side.BETTER),
        (0.69, False, Standing.BELOW, Side.BETTER),
        (0.86, False, Standing.ABOVE, Side.WORSE),
    ],
)
def test_a_value_lies_below_within_or_above(
    value: float, standing: Standing, side: Side, *, more_is_better: bool
) -> None:
    found = held(RANGE, result(value), more_is_better=more_is_better)
    assert (found.standing, found.side, found.sure) == (standing, side, True)


@pytest.mark.parametrize(
    ("difference", "side"), [(0.5, Side.BETTER), (1e-9, Side.BETTER), (0, Side.SAME), (-0.5, Side.WORSE)]
)
def test_what_is_more_is_better_or_worse(difference: float, side: Side) -> None:
    turned = {Side.BETTER: Side.WORSE, Side.WORSE: Side.BETTER, Side.SAME: Side.SAME}
    assert side_of(difference, more_is_better=True) is side
    assert side_of(difference, more_is_better=False) is turned[side]


def test_a_figure_whose_range_crosses_a_bound_does_not_stand_surely() -> None:
    assert not held(RANGE, result(0.72, 0.68, 0.75)).sure
    assert not held(RANGE, result(0.72, 0.72, 0.9)).sure
    assert held(RANGE, result(0.72, 0.7, 0.85)).sure


def test_without_a_value_nothing_stands() -> None:
    found = held(RANGE, result(None))
    assert found == TargetStanding(target=RANGE)
    assert (found.standing, found.side, found.sure, found.share) == (None, None, False, None)


def test_an_open_bound_bounds_nothing() -> None:
    assert held(Target(low=0.9), result(5.0)).standing is Standing.WITHIN
    assert held(Target(high=100), result(0.0), more_is_better=False).standing is Standing.WITHIN


def test_450_units_in_january_are_108_2_percent_of_a_target_of_416() -> None:
    january = parse_window("2026-01-01..2026-01-31", NOW, UTC)
    found = held(MONTHLY, result(450), january)
    assert (found.standing, found.not_compared) == (Standing.WITHIN, None)
    assert found.share == pytest.approx(1.082, abs=5e-4)
    assert held(MONTHLY, result(400), january).standing is Standing.BELOW


@pytest.mark.parametrize(
    ("window", "scope", "why"),
    [
        ("week", Scope.FARM, "it is one for a month, and this window is not one"),
        ("30d", Scope.FARM, "it is one for a month, and this window is not one"),
        ("2026-01-01..2026-02-28", Scope.FARM, "it is one for a month, and this window is not one"),
        ("month", Scope.FARM, "the period still runs, and it is not reached yet"),
        ("2026-01-01..2026-01-31", Scope.PRINTER, "it is one of the farm as a whole"),
        ("2026-01-01..2026-01-31", Scope.GROUP, "it is one of the farm as a whole"),
    ],
)
def test_an_amount_for_a_month_is_never_scaled(window: str, scope: Scope, why: str) -> None:
    asked = parse_window(window, NOW, UTC).until(NOW)
    found = held(MONTHLY, result(100), asked, scope)
    assert (found.standing, found.side, found.not_compared) == (None, None, why)


def test_a_month_that_runs_has_reached_its_target_when_it_has() -> None:
    running = parse_window("month", NOW, UTC)
    assert held(MONTHLY, result(420), running).standing is Standing.WITHIN
    assert held(MONTHLY, result(208), running).share == pytest.approx(0.5)


@pytest.mark.parametrize("window", ["7d", "2026-02-02..2026-02-08", "2026-02-03..2026-02-09"])
def test_the_weekly_floor_holds_for_any_seven_days(window: str) -> None:
    assert held(WEEKLY, result(103), parse_window(window, NOW, UTC)).standing is Standing.BELOW


@pytest.mark.parametrize(
    ("window", "per", "why"),
    [
        ("24h", Period.DAY, None),
        ("2026-02-10", Period.DAY, None),
        ("2026-02-10T06:00..2026-02-11T06:00", Period.DAY, None),
        ("11h", Period.DAY, "it is one for a day, and this window is not one"),
        ("2026-02-09..2026-02-10", Period.DAY, "it is one for a day, and this window is not one"),
        ("7d", Period.WEEK, None),
        ("24h", Period.WEEK, "it is one for a week, and this window is not one"),
        ("2026-02-11T10:00..2026-02-11T11:00", Period.HOUR, None),
        ("today", Period.DAY, "the period still runs, and it is not reached yet"),
    ],
)
def test_an_amount_is_compared_over_windows_of_its_period(window: str, per: Period, why: str | None) -> None:
    found = held(Target(low=10, per=per), result(5), parse_window(window, NOW, UTC))
    assert found.not_compared == why
    assert found.share == (None if why and "not one" in why else 0.5)


def test_a_profile_has_its_own_targets_and_the_farm_may_set_others() -> None:
    jewelry = targets_that_apply("utilization", UTILIZATION.targets, Profile.JEWELRY, {})
    assert [(each.low, each.high) for each in jewelry] == [(0.70, 0.85), (0.80, None)]
    assert targets_that_apply("utilization", UTILIZATION.targets, None, {}) == ()
    own = {"utilization": (Target(low=0.5),)}
    assert targets_that_apply("utilization", UTILIZATION.targets, Profile.JEWELRY, own) == own["utilization"]
    resin = targets_that_apply("throughput", THROUGHPUT.targets, Profile.RESIN_MINIATURES, own)
    assert [(each.low, each.per) for each in resin] == [(416, Period.MONTH), (104, Period.WEEK)]


@pytest.mark.parametrize(
    ("target", "unit", "words"),
    [
        (RANGE, Unit.RATIO, "70–85 %"),
        (Target(low=0.925), Unit.RATIO, "at least 92.5 %"),
        (WEEKLY, Unit.UNITS, "at least 104 units a week"),
        (Target(low=100, high=150, per=Period.MONTH), Unit.UNITS, "100–150 units a month"),
        (Target(high=5), Unit.HOURS, "at most 5 h"),
        (Target(low=1, per=Period.HOUR), Unit.UNITS, "at least 1 unit an hour"),
    ],
)
def test_a_range_as_people_read_it(target: Target, unit: Unit, words: str) -> None:
    assert target_shown(target, unit) == words
