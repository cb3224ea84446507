"""The targets that the guides give, and what is said to who asks for an indicator that there is not."""

import pytest

from farm.errors import InvalidQuery
from farm.kpi.catalogue import CATALOGUE, Cadence, Unit, indicator, indicators, shown
from farm.kpi.periods import SHORTEST_MS, Period
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
throughput         resin-miniatures  target      416  None month
throughput         resin-miniatures  floor       104  None week   the least a week should bring
throughput         model-studio      target      100  150  month  orders; above average
throughput         model-studio      exceptional 200  None month  orders
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


def test_more_of_each_is_better_and_its_name_is_for_people() -> None:
    assert [(entry.name, entry.more_is_better) for entry in CATALOGUE] == [
        ("Utilization", True),
        ("Print success rate", True),
        ("Throughput", True),
    ]


def test_each_is_looked_at_as_often_as_the_guides_say() -> None:
    daily, weekly = Cadence.DAILY, Cadence.WEEKLY
    assert [entry.cadences for entry in CATALOGUE] == [(daily, weekly), (daily,), (daily, weekly)]


def test_an_indicator_is_found_by_its_id_and_several_in_the_order_asked() -> None:
    assert indicator("throughput") is CATALOGUE[2]
    assert indicators(["throughput", "utilization"]) == (CATALOGUE[2], CATALOGUE[0])
    assert indicators([]) == ()
    assert indicators(None) == CATALOGUE


@pytest.mark.parametrize(
    ("word", "hint"), [("utilisation", "; did you mean utilization?"), ("zzz", ""), ("rate", "")]
)
def test_an_unknown_indicator_is_refused_with_the_nearest_and_all_there_are(word: str, hint: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        indicators([word])
    allowed = "utilization, print_success_rate, throughput"
    assert str(caught.value) == f"{word!r} is no indicator{hint}; allowed are {allowed}"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, Unit.RATIO, "no data"),
        (0.76388, Unit.RATIO, "76.39 %"),
        (0.0, Unit.RATIO, "0.00 %"),
        (1450.4, Unit.UNITS, "1,450 units"),
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
