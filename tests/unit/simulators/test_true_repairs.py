"""Repairs counted by a plain rule, and set beside what was told of them."""

import pytest

from farm.model.states import PrinterState
from farm.model.times import MINUTE_MS
from simulators.recount.shop_time import Stretches
from simulators.recount.true_repairs import Piece, Repair, TrueRepair, repairs_in, true_repairs

STEP = 250
SLACK = 4 * STEP
HEARD = Stretches([])


def pieces(*states: str) -> list[Piece]:
    """A minute of each."""
    return [
        Piece(number * MINUTE_MS, (number + 1) * MINUTE_MS, PrinterState(state), True)
        for number, state in enumerate(states)
    ]


def minutes(begin: float, end: float) -> Repair:
    return Repair(round(begin * MINUTE_MS), round(end * MINUTE_MS))


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (("printing", "error", "idle", "printing"), [minutes(1, 3)]),
        (("error", "preparing", "error", "printing"), [minutes(0, 1), minutes(2, 3)]),
        (("printing", "offline", "printing"), [minutes(1, 2)]),
        (("paused", "unknown", "offline", "error", "printing"), [minutes(2, 4)]),
        (("idle", "offline", "printing"), []),
        (("unknown", "offline", "idle"), []),
        (("printing", "error", "maintenance", "idle"), []),
    ],
)
def test_a_fault_lasts_until_the_printer_works_again(states: tuple[str, ...], found: list[Repair]) -> None:
    assert repairs_in(pieces(*states)) == found


def test_what_is_told_as_it_was_counts_when_it_was_told() -> None:
    true, told = minutes(10, 20), Repair(10 * MINUTE_MS + 300, 20 * MINUTE_MS - 200)
    assert true_repairs([true], [told], HEARD, STEP) == [
        TrueRepair(20 * MINUTE_MS - 200, 10 * MINUTE_MS, SLACK)
    ]


def test_what_is_told_otherwise_is_forgiven_only_where_nothing_was_heard() -> None:
    true, told = minutes(10, 20), minutes(12, 20)
    (strict,) = true_repairs([true], [told], HEARD, STEP)
    assert strict == TrueRepair(20 * MINUTE_MS, 10 * MINUTE_MS, SLACK)
    (away,) = true_repairs([true], [told], Stretches([minutes(9, 12)]), STEP)
    assert away == TrueRepair(20 * MINUTE_MS, 10 * MINUTE_MS, SLACK + 2 * MINUTE_MS)
    (elsewhere,) = true_repairs([true], [told], Stretches([minutes(14, 15)]), STEP)
    assert elsewhere.exact_ms == SLACK


def test_a_repair_that_is_told_late_counts_when_it_truly_ended_unless_nothing_was_heard() -> None:
    true, told = minutes(10, 20), minutes(10, 25)
    assert true_repairs([true], [told], HEARD, STEP)[0].counts_ms == 20 * MINUTE_MS
    away = Stretches([minutes(19, 25)])
    assert true_repairs([true], [told], away, STEP)[0].counts_ms == 25 * MINUTE_MS


def test_one_that_nobody_told_counts_where_something_was_heard_of_it() -> None:
    true = minutes(10, 20)
    assert true_repairs([true], [], HEARD, STEP) == [TrueRepair(20 * MINUTE_MS, 10 * MINUTE_MS, SLACK)]
    assert true_repairs([true], [], Stretches([minutes(12, 13)]), STEP) == []


def test_one_that_never_was_is_taken_as_told_only_where_nothing_was_heard() -> None:
    told = minutes(10, 20)
    assert true_repairs([], [told], HEARD, STEP) == []
    away = Stretches([minutes(9, 11)])
    assert true_repairs([], [told], away, STEP) == [TrueRepair(20 * MINUTE_MS, 10 * MINUTE_MS, SLACK)]


def test_each_repair_is_told_by_the_closest() -> None:
    true, told = [minutes(10, 20), minutes(21, 30)], [minutes(10, 20), minutes(21, 30)]
    found = true_repairs(true, told, HEARD, STEP)
    assert [each.lasted_ms for each in found] == [10 * MINUTE_MS, 9 * MINUTE_MS]
