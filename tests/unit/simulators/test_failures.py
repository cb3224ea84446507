"""Failures come as often, and when, their rates and causes say."""

from collections import Counter
from random import Random

from farm.model.states import Cause
from farm.model.times import HOUR_MS
from simulators.failures import Frailty, draw_failure, forced_failure
from simulators.layers import PrintPlan

ALL = frozenset(Cause)
SOUND = Frailty(printer={}, model=1.0, file=1.0, spool=1.0)
PLAN = PrintPlan(
    layers=200, layer_mm=0.2, printing_ms=5 * HOUR_MS, filament_mm=30_000, grams=90, size_bytes=5_000_000
)
DRAWS = 4_000


def count(
    rates: dict[Cause, float], frailty: Frailty = SOUND, shown: frozenset[Cause] = ALL
) -> Counter[Cause]:
    rng = Random(9)
    found = (draw_failure(rng, PLAN, rates, frailty, shown) for _ in range(DRAWS))
    return Counter(failure.cause for failure in found if failure is not None)


def test_a_rate_of_ten_in_a_thousand_hours_fails_one_in_twenty_prints_of_five_hours() -> None:
    failed = count({Cause.THERMAL: 10.0})[Cause.THERMAL]
    assert 0.04 < failed / DRAWS < 0.06


def test_a_weak_printer_fails_more_often_of_its_own_cause_alone() -> None:
    rates = {Cause.THERMAL: 2.0, Cause.CONNECTION: 2.0}
    weak = Frailty(printer={Cause.THERMAL: 10.0}, model=1.0, file=1.0, spool=1.0)
    sound, ill = count(rates), count(rates, weak)
    assert ill[Cause.THERMAL] > 6 * sound[Cause.THERMAL]
    assert ill[Cause.CONNECTION] < 1.5 * sound[Cause.CONNECTION]


def test_a_bad_spool_brings_filament_and_adhesion_failures_only() -> None:
    rates = dict.fromkeys((Cause.FILAMENT, Cause.ADHESION, Cause.THERMAL), 1.0)
    bad = Frailty(printer={}, model=1.0, file=1.0, spool=9.0)
    found = count(rates, bad)
    assert found[Cause.FILAMENT] > 4 * found[Cause.THERMAL]
    assert found[Cause.ADHESION] > 4 * found[Cause.THERMAL]


def test_what_a_printers_software_cannot_have_does_not_happen_to_it() -> None:
    found = count({Cause.OPERATOR: 500.0, Cause.THERMAL: 1.0}, shown=frozenset({Cause.THERMAL}))
    assert set(found) == {Cause.THERMAL}


def test_without_rates_nothing_fails() -> None:
    assert not count({})


def test_adhesion_is_lost_early_and_heaters_fail_while_heating_now_and_then() -> None:
    rng = Random(2)
    lost = [forced_failure(rng, PLAN, Cause.ADHESION) for _ in range(500)]
    assert sum(failure.at_ms < PLAN.printing_ms * 0.3 for failure in lost) > 400
    hot = [forced_failure(rng, PLAN, Cause.THERMAL) for _ in range(500)]
    assert 100 < sum(failure.preparing is not None for failure in hot) < 300
