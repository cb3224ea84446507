"""Fingerprints of the messages worked in lately, kept in the ledger with what they changed.

A broker that comes back with an older queue sends again, as new, what it had handed over since
it last saved that queue. Which messages those are only we can know.
"""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from farm.ledger.records import KnownRow

MOST_KNOWN = 2_000_000
"""Older fingerprints are forgotten: half an hour of 1,000 printers that report each second."""
_BYTES_EACH = 8
_ROW_KEYS = 256
_SHELVES = 1_024
_MOST_SINCE = 100_000
_IDLE_LOOKS = 60


class KnownRows(Protocol):
    """Where the fingerprints are kept."""

    def known_rows(self) -> Iterable[KnownRow]:
        """Every row of the shard, by number."""

    def known_row_sizes(self) -> list[tuple[int, int]]:
        """Number and size (bytes) of every row, by number."""


class KnownMessages:
    """A log of 64-bit fingerprints, the topic's in the upper half; only its end is in memory until
    somebody asks.
    """

    def __init__(self, rows: KnownRows, most: int = MOST_KNOWN) -> None:
        self._rows = rows
        self._most = most
        self._stored = deque((number, size // _BYTES_EACH) for number, size in rows.known_row_sizes())
        self._count = sum(count for _, count in self._stored)
        self._number = (self._stored[-1][0] if self._stored else 0) + 1
        self._open: list[int] = []
        self._written = 0
        self._shelves: _Shelves | None = None
        self._since: set[int] = set()
        self._since_from = 0
        self._idle = 0
        self.is_cut = bool(self._stored) and self._stored[0][0] > 1
        self.add = self._open.append
        """The message of this fingerprint was worked in; its effects belong to the next commit."""

    def has(self, key: int) -> bool:
        """Whether a message of this fingerprint was worked in. Reads the ledger at the first call."""
        self._idle = 0
        if self._shelves is None:
            self._shelves = self._load()
        self._catch_up()
        return key in self._since or self._shelves.has(key)

    def rest(self) -> None:
        """Called each second or so: lets go of what was read when nobody asked for long."""
        self._idle += 1
        if self._idle > _IDLE_LOOKS or len(self._since) > _MOST_SINCE:
            self._shelves = None

    def row(self) -> KnownRow | None:
        """What belongs into the commit that holds everything added so far; replaces a row of its number."""
        if self._written == len(self._open):
            return None
        return KnownRow(self._number, array("Q", self._open).tobytes())

    @property
    def cut(self) -> int:
        """Number of the last row that is too many, 0 for none."""
        number, count = 0, self._count
        for stored in self._stored:
            if count <= self._most:
                break
            number, count = stored[0], count - stored[1]
        return number

    def committed(self, cut: int) -> None:
        """Everything added so far is durable, and the rows up to `cut` are deleted."""
        while self._stored and self._stored[0][0] <= cut:
            self._count -= self._stored.popleft()[1]
            self.is_cut = True
        self._written = len(self._open)
        if len(self._open) >= _ROW_KEYS:
            self._catch_up()
            self._stored.append((self._number, len(self._open)))
            self._count += len(self._open)
            self._number += 1
            self._open.clear()
            self._written = self._since_from = 0

    def _catch_up(self) -> None:
        if self._shelves is not None and self._since_from < len(self._open):
            self._since.update(self._open[self._since_from :])
            self._since_from = len(self._open)

    def _load(self) -> "_Shelves":
        shelves = _Shelves()
        for row in self._rows.known_rows():
            if row.number != self._number:
                shelves.put(array("Q", row.body))
        self._since, self._since_from = set(), 0
        return shelves


class _Shelves:
    """Fingerprints by their topics, sorted where somebody looks: most shelves are never looked at."""

    def __init__(self) -> None:
        self._shelves = [array("Q") for _ in range(_SHELVES)]
        self._sorted: set[int] = set()

    def put(self, keys: Iterable[int]) -> None:
        """Add fingerprints as they are read from the ledger, before the first lookup."""
        shelves = self._shelves
        for key in keys:
            shelves[(key >> 32) % _SHELVES].append(key)

    def has(self, key: int) -> bool:
        number = (key >> 32) % _SHELVES
        shelf = self._shelves[number]
        if number not in self._sorted:
            self._sorted.add(number)
            self._shelves[number] = shelf = array("Q", sorted(shelf))
        place = bisect_left(shelf, key)
        return place < len(shelf) and shelf[place] == key
