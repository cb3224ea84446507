"""From when until when each printer counts, and which shard says how far it was seen."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from farm.figures.running_sums import Integers, Keys
from farm.model.printer import Printer

EVER: Final = 2**62
"""An instant (ms) after every other."""


class Lifetimes(NamedTuple):
    """By printer number: first sight and retirement (ms; `EVER` for none), and its place among `shards`."""

    begins: Integers
    ends: Integers
    shard: Keys
    shards: tuple[str, ...]

    @classmethod
    def of(cls, printers: Sequence[Printer], shards: Sequence[str | None]) -> "Lifetimes":
        """Those of the printers, each with the shard that holds it."""
        names = {name: place for place, name in enumerate(dict.fromkeys(each or "" for each in shards))}
        retired = [EVER if each.retired_ms is None else each.retired_ms for each in printers]
        return cls(
            np.array([each.first_seen_ms for each in printers], dtype=np.int64),
            np.array(retired, dtype=np.int64),
            np.array([names[each or ""] for each in shards], dtype=np.intp),
            tuple(names),
        )

    def booked_until(self, numbers: Keys, by_shard: Mapping[str, int]) -> Integers:
        """Until when the shard of each of the printers booked, 0 for one that never did."""
        booked = np.array([by_shard.get(name, 0) for name in self.shards], dtype=np.int64)
        return booked[self.shard[numbers]]
