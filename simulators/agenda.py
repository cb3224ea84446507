"""What is to happen next: a heap of instants, so that nothing is computed in between."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TypeAlias

Action: TypeAlias = Callable[[], None]


class Agenda:
    """Actions in the order of their instants; those of one instant in the order of their entry.

    `now_ms` (milliseconds since 1970) is the instant of the action under way.
    """

    def __init__(self, start_ms: int) -> None:
        self.now_ms = start_ms
        self._heap: list[tuple[int, int, Action]] = []
        self._entries = 0

    def at(self, at_ms: int, action: Action) -> None:
        """Have `action` called at `at_ms`; an instant in the past counts as the present."""
        self._entries += 1
        heappush(self._heap, (max(self.now_ms, at_ms), self._entries, action))

    def after(self, delay_ms: int, action: Action) -> None:
        """Have `action` called `delay_ms` from now."""
        self.at(self.now_ms + delay_ms, action)

    def next_ms(self) -> int | None:
        """The instant of the next action, None when nothing is entered."""
        return self._heap[0][0] if self._heap else None

    def run_until(self, until_ms: int) -> None:
        """Carry out everything before `until_ms`, which is the present afterwards."""
        heap = self._heap
        while heap and heap[0][0] < until_ms:
            self.now_ms, _, action = heappop(heap)
            action()
        self.now_ms = until_ms
