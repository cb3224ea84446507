"""The targets that the guides give, and what is said to who asks for an indicator that there is not."""

import pytest

from farm.errors import InvalidQuery
from farm.kpi.catalogue import CATALOGUE, HEADLINES, indicator, indicators
from farm.kpi.indicator import Cadence, Unit, shown
from farm.kpi.periods import SHORTEST_MS, Period
from farm.kpi.throughput import THROUGHPUT
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS

TARGETS = """
utilization        jewelry           target      0.7  0.85 -
utilization        jewelry           stretch     0.8  None -      from here on idle cost falls
utilization        custom-miniatures target      0.7  0.85 -
utilization        resin-miniatures  target      0.8  None -
utilization        resin-miniatures  stretch     0.85 None -
utilization        resin-miniatures  exceptional 0.9  None -      near-perfect
utilization        resin-miniatures  floor       0.7  None -      below it: plan anew
utilization        resin-miniatures  floor       0.65 None -      below it: review the size of the fleet
utilization        service-bureau    target      0.75 None -
print_success_rate jewelry           target      0.9  None -
print_success_rate custom-miniatures target      0.9  None -
print_success_rate resin-miniatures  target      0.9  None -
success_after_inspection jewelry           target 0.9 None -
success_after_inspection custom-miniatures target 0.9 None -
success_after_inspection resin-miniatures  target 0.9 None -
first_pass_yield   service-bureau    target      0.92 None -
first_pass_yield   jewelry           target      0.9  None -      its success rate is of first attempts
throughput         resin-miniatures  target      416  None month
throughput         resin-miniatures  floor       104  None week   the least a week should bring
throughput         model-studio      target      100  150  month  orders; above average
throughput         model-studio      exceptional 200  None month  orders
avg_production_time model-studio     target      10   15   -      typical
avg_production_time model-studio     exceptional 0    5    -
"""
"""As the guides to printing businesses have them."""


def test_the_targets_are_those_of_the_guides() -> None:
    written = [line.split() for line in TARGETS.strip().splitlines()]
    found = [
        f"{entry.id} {t.profile} {t.level} {t.low} {t.high} {t.per or '-'} {t.meaning}".split()
        for entry in CATALOGUE
        for t in entry.targets
    ]
    assert found == written


def test_each_has_a_name_for_people_and_says_which_way_is_better() -> None:
    assert [(entry.name, entry.more_is_better) for entry in CATALOGUE] == [
        ("Utilization", True),
        ("Print success rate", True),
        ("Success after inspection", True),
        ("Yield at inspection", True),
        ("First-pass yield", True),
        ("Throughput", True),
        ("Average production time", False),
        ("Idle time", False),
        ("Failures by cause", False),
        ("Operational uptime", True),
        ("Total uptime", True),
        ("Mean time between failures", True),
        ("Mean cycles between failures", True),
        ("Mean time to repair", False),
        ("OEE", True),
        ("Availability", True),
        ("Performance", True),
        ("Quality", True),
        ("Estimate accuracy", False),
        ("Material waste", False),
        ("Hours lost to failures", False),
        ("Failed prints in a row", False),
    ]


def test_each_is_looked_at_as_often_as_the_guides_say() -> None:
    daily, weekly = Cadence.DAILY, Cadence.WEEKLY
    guides = ("utilization", "print_success_rate", "throughput", "avg_production_time", "idle_time")
    assert {kpi_id: indicator(kpi_id).cadences for kpi_id in guides} == {
        "utilization": (daily, weekly),
        "print_success_rate": (daily,),
        "throughput": (daily, weekly),
        "avg_production_time": (weekly,),
        "idle_time": (daily,),
    }


def test_an_indicator_is_found_by_its_id_and_several_in_the_order_asked() -> None:
    assert indicator("throughput") is THROUGHPUT
    assert indicators(["throughput", "utilization"]) == (THROUGHPUT, CATALOGUE[0])
    assert indicators([]) == ()
    assert indicators(None) == CATALOGUE


@pytest.mark.parametrize(
    ("word", "hint"),
    [("utilisation", "; did you mean utilization? Allowed"), ("zzz", "; allowed"), ("rate", "; allowed")],
)
def test_an_unknown_indicator_is_refused_with_the_nearest_and_all_there_are(word: str, hint: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        indicators([word])
    allowed = ", ".join(entry.id for entry in CATALOGUE)
    assert str(caught.value) == f"{word!r} is no indicator{hint} are {allowed}"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, Unit.RATIO, "no data"),
        (0.76388, Unit.RATIO, "76.39 %"),
        (0.0, Unit.RATIO, "0.00 %"),
        (1450.4, Unit.UNITS, "1,450 units"),
        (5.0, Unit.HOURS, "5.00 h"),
        (10.0, Unit.PRINTS, "10 prints"),
        (1.0, Unit.PRINTS, "1 print"),
        (9.25, Unit.PRINTS, "9.2 prints"),
    ],
)
def test_a_figure_is_shown_as_people_read_it(value: float | None, unit: Unit, words: str) -> None:
    assert shown(value, unit) == words


def test_the_shortest_periods_are_those_of_the_worst_clocks() -> None:
    """Half an hour on Lord Howe, days and all that holds a day an hour short, February."""
    assert SHORTEST_MS == {
        Period.HOUR: 30 * MINUTE_MS,
        Period.DAY: 23 * HOUR_MS,
        Period.WEEK: 167 * HOUR_MS,
        Period.MONTH: 28 * DAY_MS - HOUR_MS,
    }


def test_at_the_head_stand_use_success_and_output() -> None:
    assert HEADLINES == ("utilization", "print_success_rate", "throughput")
