"""Driving a fleet through its window: as fast as possible, by a factor, or in real time."""

import time
from collections.abc import Callable

from farm.model.times import MINUTE_MS
from simulators.feeders import Feeder
from simulators.fleet import Fleet

_STEP_MS = 5 * MINUTE_MS
_BEAT_S = 0.05


def drive(
    fleet: Fleet,
    feeder: Feeder,
    *,
    factor: float | None,
    stop: Callable[[], bool],
    progress: Callable[[int], None],
) -> None:
    """Run the fleet to the end of its window or until `stop`; `factor` None means at full speed.

    `progress` is told the simulated instant (ms) after each step.
    """
    began = time.monotonic()
    start_ms, end_ms = fleet.run.from_ms, fleet.run.to_ms
    while fleet.agenda.now_ms < end_ms and not stop():
        if factor is None:
            target_ms = fleet.agenda.now_ms + _STEP_MS
        else:
            target_ms = start_ms + round((time.monotonic() - began) * factor * 1000)
        fleet.run_until(target_ms)
        feeder.pump()
        progress(fleet.agenda.now_ms)
        if factor is not None:
            time.sleep(_BEAT_S)
