"""Windows cut into intervals that do not overlap, so that the ledger sums each hour once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from farm.kpi.account import Interval
from farm.kpi.windows import Window


class Segment(msgspec.Struct, frozen=True):
    """From `from_ms` until `to_ms` (ms since 1970, UTC), all of it open or all of it closed hours."""

    from_ms: int
    to_ms: int
    closed: bool


def segments(windows: Iterable[Window], closed: Sequence[Interval] = ()) -> list[Segment]:
    """The intervals between all edges of the windows and of the closed hours, in order.

    Every window is made of whole segments, and time in no window is in none.
    """
    asked: Counter[int] = Counter()
    shut: Counter[int] = Counter()
    for window in windows:
        asked[window.from_ms] += 1
        asked[window.to_ms] -= 1
    for interval in closed:
        shut[interval.from_ms] += 1
        shut[interval.to_ms] -= 1
    found, asking, shutting = [], 0, 0
    for start, end in pairwise(sorted({*asked, *shut})):
        asking += asked[start]
        shutting += shut[start]
        if asking:
            found.append(Segment(start, end, shutting > 0))
    return found
