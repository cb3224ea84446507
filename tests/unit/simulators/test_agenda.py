"""Actions in the order of their instants."""

from hypothesis import given
from hypothesis import strategies as st

from simulators.agenda import Agenda


@given(st.lists(st.integers(0, 1_000)))
def test_actions_are_carried_out_by_instant_and_then_in_the_order_of_entry(instants: list[int]) -> None:
    agenda = Agenda(0)
    done: list[tuple[int, int]] = []
    for number, instant in enumerate(instants):
        agenda.at(instant, lambda number=number: done.append((agenda.now_ms, number)))  # type: ignore[misc]
    agenda.run_until(2_000)
    assert done == sorted(zip(instants, range(len(instants)), strict=True))


def test_an_action_may_plan_further_ones_even_for_the_same_instant() -> None:
    agenda = Agenda(100)
    seen: list[int] = []

    def again() -> None:
        seen.append(agenda.now_ms)
        if len(seen) < 3:
            agenda.after(0 if len(seen) == 1 else 10, again)

    agenda.at(105, again)
    agenda.run_until(200)
    assert seen == [105, 105, 115]
    assert agenda.next_ms() is None


def test_what_lies_at_the_end_of_the_window_is_left_for_the_next() -> None:
    agenda = Agenda(0)
    seen: list[int] = []
    agenda.at(50, lambda: seen.append(agenda.now_ms))
    agenda.run_until(50)
    assert seen == []
    assert agenda.now_ms == 50
    agenda.run_until(51)
    assert seen == [50]


def test_the_past_counts_as_the_present() -> None:
    agenda = Agenda(100)
    seen: list[int] = []
    agenda.at(3, lambda: seen.append(agenda.now_ms))
    agenda.run_until(101)
    assert seen == [100]
