"""From the source's own clock to ours: an offset per session, learnt and watched.

Pure: `place` takes where the clock stands and one message, and gives where the clock then
stands and when the message happened.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from collector.adapters.base import ClockKind
from farm.model.limits import UPTIME_MS
from farm.model.times import DAY_MS

BOUND_MS = 2_000
"""A wall clock is taken to be right within this; a message may overtake others by as much."""
STEADY_MS = 1_500
"""Lags within this of each other are one lag."""
PATIENCE_MS = 10_000
"""A lag that stays for so long, over at least `PATIENCE_MESSAGES`, is the clock's error and not a delay."""
PATIENCE_MESSAGES = 4
RESTART_MS = 30_000
"""A monotonic clock that falls by more than this began anew: the host was restarted."""


ABSURD_MS = 366 * DAY_MS
"""A wall clock that is off by more cannot be meant."""


class SourceClock(msgspec.Struct, frozen=True, kw_only=True):
    """How the source's clock stands to ours: ours = source + `offset_ms`.

    `judged` is true once a live message has set or confirmed the offset. `session` counts
    the restarts of a monotonic clock and the corrections of a wall clock.
    """

    offset_ms: int | None = None
    judged: bool = False
    session: int = 0
    lag_ms: int | None = None
    lag_since_ms: int = 0
    lag_messages: int = 0

    def ours(self, source_ms: int) -> int:
        """Our time of an instant of the source's clock, as far as is known."""
        return source_ms + (self.offset_ms or 0)

    def theirs(self, at_ms: int) -> int:
        """The source's time of an instant of ours, as far as is known."""
        return at_ms - (self.offset_ms or 0)


class ClockChange(StrEnum):
    """What a message showed about the clock."""

    LEARNT = "learnt"
    """The offset of a session first met in a backlog is known now."""
    CORRECTED = "corrected"
    """The clock was found wrong, or jumped, and is corrected for."""


class Placed(NamedTuple):
    """When a message happened, where the clock stands, and what changed about it.

    With a change, `since_ms` is when (our clock, at receipt) messages began to be booked
    with the offset that is now replaced, and `moved_ms` is by how much it moved.
    """

    at_ms: int
    clock: SourceClock
    change: ClockChange | None = None
    since_ms: int = 0
    moved_ms: int = 0


def restarted(clock: SourceClock) -> SourceClock:
    """The clock of the next session of a host whose monotonic clock began anew."""
    return SourceClock(session=clock.session + 1)


def place(
    clock: SourceClock, kind: ClockKind, source_ms: int, received_ms: int, *, live: bool, floor_ms: int
) -> Placed:
    """When a message with the source's time `source_ms`, received at `received_ms`, happened.

    `live` says that it did not wait in a queue; only then it may set or judge an offset.
    `floor_ms` is the least that is certain of a message from a backlog.
    """
    if kind is ClockKind.WALL:
        return _place_wall(clock, source_ms, received_ms, live)
    return _place_monotonic(clock, source_ms, received_ms, live, floor_ms)


def _place_monotonic(
    clock: SourceClock, source_ms: int, received_ms: int, live: bool, floor_ms: int
) -> Placed:
    if clock.offset_ms is None:
        at = received_ms if live else min(floor_ms, received_ms)
        clock = msgspec.structs.replace(
            clock, offset_ms=at - source_ms, judged=live, lag_since_ms=received_ms
        )
        return Placed(at, clock)
    if live and not clock.judged:
        since = clock.lag_since_ms
        clock = msgspec.structs.replace(clock, offset_ms=received_ms - source_ms, judged=True, lag_ms=None)
        return Placed(received_ms, clock, ClockChange.LEARNT, since)
    at = source_ms + (clock.offset_ms or 0)
    return _watch(clock, at, source_ms, received_ms) if live else Placed(min(at, received_ms), clock)


def _place_wall(clock: SourceClock, source_ms: int, received_ms: int, live: bool) -> Placed:
    at = source_ms + (clock.offset_ms or 0)
    if not live:
        return Placed(min(at, received_ms), clock)
    if not clock.judged and abs(received_ms - at) <= BOUND_MS:
        return Placed(
            min(at, received_ms), msgspec.structs.replace(clock, offset_ms=clock.offset_ms or 0, judged=True)
        )
    placed = _watch(clock, at, source_ms, received_ms)
    if placed.change is None and not clock.judged:
        # Until the clock is judged a large lag is more likely its error than an hour in a queue.
        return placed._replace(at_ms=received_ms)
    return placed


def _watch(clock: SourceClock, at: int, source_ms: int, received_ms: int) -> Placed:
    """Tell a clock that is wrong from messages that are late: only the former lag steadily."""
    lag = received_ms - at
    if -STEADY_MS <= lag <= BOUND_MS:
        if clock.lag_ms is not None:
            clock = msgspec.structs.replace(clock, lag_ms=None)
        return Placed(min(at, received_ms), clock)
    if clock.lag_ms is None or abs(lag - clock.lag_ms) > STEADY_MS:
        clock = msgspec.structs.replace(clock, lag_ms=lag, lag_since_ms=received_ms, lag_messages=1)
        return Placed(min(at, received_ms), clock)
    clock = msgspec.structs.replace(clock, lag_messages=clock.lag_messages + 1)
    if received_ms - clock.lag_since_ms < PATIENCE_MS or clock.lag_messages < PATIENCE_MESSAGES:
        return Placed(min(at, received_ms), clock)
    since = clock.lag_since_ms
    clock = msgspec.structs.replace(
        clock,
        offset_ms=received_ms - source_ms,
        judged=True,
        session=clock.session + 1,
        lag_ms=None,
    )
    return Placed(received_ms, clock, ClockChange.CORRECTED, since, lag)


def is_plausible(clock: ClockKind, time_ms: int, received_ms: int) -> bool:
    """Whether a source's time can be meant: not far from now, or no longer than a host stays up."""
    if clock is ClockKind.WALL:
        return abs(received_ms - time_ms) < ABSURD_MS
    return UPTIME_MS.holds(time_ms)
