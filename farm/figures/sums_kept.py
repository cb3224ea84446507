"""The sums asked for last, within bounds of memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from farm.figures.free_memory import give_back_free_memory

MOST_BYTES = 48_000_000
"""So many bytes the sums of one kind of rows may take in all; those of the last question are always kept."""


class Sized(Protocol):
    """Knows how large it is."""

    @property
    def kept_bytes(self) -> int:
        """So many bytes."""


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
            give_back_free_memory()
            size = sum(each.kept_bytes for each in self._kept.values())
            while size > MOST_BYTES and len(self._kept) > 1:
                size -= self._kept.popitem(last=False)[1].kept_bytes
        self._kept.move_to_end(key)
        return found

    def renew(self, renewed: Callable[[S], S | None]) -> None:
        """Each as the function gives it; those for which it gives None are kept no longer."""
        found = [(key, renewed(each)) for key, each in self._kept.items()]
        self._kept = OrderedDict((key, each) for key, each in found if each is not None)

    def clear(self) -> None:
        """None are kept."""
        self._kept.clear()
