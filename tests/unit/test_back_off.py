"""Waits between attempts."""

from farm.model.back_off import BackOff


def waits(back_off: BackOff, count: int) -> list[float]:
    return [back_off.next() for _ in range(count)]


def test_the_wait_doubles_up_to_a_ceiling_and_begins_anew_after_a_success() -> None:
    back_off = BackOff(0.5, 30, chance=lambda: 0)
    assert waits(back_off, 8) == [0.5, 1, 2, 4, 8, 16, 30, 30]
    back_off.reset()
    assert back_off.next() == 0.5


def test_chance_shortens_a_wait_by_up_to_a_half_and_leaves_the_next_alone() -> None:
    assert waits(BackOff(1, 30, chance=lambda: 1), 3) == [0.5, 1, 2]


def test_without_a_chance_given_it_is_drawn() -> None:
    assert len(set(waits(BackOff(30, 30), 20))) > 1
    assert all(15 <= wait <= 30 for wait in waits(BackOff(30, 30), 100))
