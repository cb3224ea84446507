"""How long to wait before the next attempt at what has just failed."""

import random
from collections.abc import Callable


class BackOff:
    """Waits in seconds that double with each failure up to `longest_s`, and begin anew after a success.

    Each is shortened by up to a half by chance, so that many who failed together do not
    come again together.
    """

    def __init__(
        self, first_s: float = 0.2, longest_s: float = 30.0, *, chance: Callable[[], float] = random.random
    ) -> None:
        self._first_s, self._longest_s, self._chance = first_s, longest_s, chance
        self._next_s = first_s

    def next(self) -> float:
        """How long to wait after one more failure."""
        wait_s = self._next_s
        self._next_s = min(wait_s * 2, self._longest_s)
        return wait_s * (1 - self._chance() / 2)

    def reset(self) -> None:
        """An attempt succeeded."""
        self._next_s = self._first_s
