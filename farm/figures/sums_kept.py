"""The sums asked for last, within bounds of memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

MOST_CELLS = 6_000_000
"""So many sums are kept of one kind of rows in all, 8 bytes each; those of the last question always."""


class Sized(Protocol):
    """Knows how many sums it holds."""

    @property
    def cells(self) -> int:
        """So many."""


K = TypeVar("K", bound=Hashable)
S = TypeVar("S", bound=Sized)


class SumsKept(Generic[K, S]):
    """Sums by question; those asked for longest ago make room."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, S] = OrderedDict()

    def get(self, key: K, make: Callable[[], S]) -> S:
        """Those of the question, made if they are not there."""
        if (found := self._kept.get(key)) is None:
            found = self._kept[key] = make()
            cells = sum(each.cells for each in self._kept.values())
            while cells > MOST_CELLS and len(self._kept) > 1:
                cells -= self._kept.popitem(last=False)[1].cells
        self._kept.move_to_end(key)
        return found

    def renew(self, renewed: Callable[[S], S | None]) -> None:
        """Each as the function gives it; those for which it gives None are kept no longer."""
        found = [(key, renewed(each)) for key, each in self._kept.items()]
        self._kept = OrderedDict((key, each) for key, each in found if each is not None)

    def clear(self) -> None:
        """None are kept."""
        self._kept.clear()
