"""How one printer is used and how it is prone to fail: the settings of a run, made ready."""

from collections.abc import Mapping

import msgspec

from farm.model.states import Cause
from simulators.jobs import PrintFile


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """Rates are per 1,000 hours, shares from 0 to 1, durations in milliseconds.

    `plays` are the files it prints first. `first_failures` is the fate of its first prints,
    None for one that goes well. Between a cleared bed and the next start lie `between_ms`.
    `bad_spools` are the numbers of its spools that feed badly. No print begins that would not be
    done by `closing_ms`.
    """

    failures: Mapping[Cause, float]
    outages: Mapping[Cause, float]
    frailty: Mapping[Cause, float]
    demand: float
    lull_ms: int
    cancelled_share: float
    paused_share: float
    foresight: float
    bad_spool_share: float
    bad_spool_trouble: float
    service_hours: float
    between_ms: tuple[int, int] = (20_000, 180_000)
    neglected_ms: int = 0
    plays: tuple[PrintFile, ...] = ()
    first_failures: tuple[Cause | None, ...] = ()
    bad_spools: frozenset[int] = frozenset()
    host_down: tuple[tuple[int, int], ...] = ()
    closing_ms: int | None = None
