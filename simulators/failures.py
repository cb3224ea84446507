"""How prints fail: causes, how often, and when within a print."""

from collections.abc import Mapping
from random import Random

import msgspec

from farm.model.states import Cause
from farm.model.times import HOUR_MS
from simulators.layers import PrintPlan

_PREPARING_SHARE = {Cause.THERMAL: 0.4, Cause.PRINTER_ERROR: 0.5}
"""How many of these failures come before the first line is laid down."""

_EARLY = {Cause.ADHESION}
"""Causes that strike mostly in the first layers."""

JOB_CAUSES = (
    Cause.THERMAL,
    Cause.PRINTER_ERROR,
    Cause.CONNECTION,
    Cause.FILAMENT,
    Cause.ADHESION,
    Cause.FILE,
    Cause.OPERATOR,
)
"""What can end a job; `host` and `power` strike a printer whether it prints or not."""


class Failure(msgspec.Struct, frozen=True):
    """What will go wrong: after `at_ms` of printing, or before it at the share `preparing`."""

    cause: Cause
    at_ms: int = 0
    preparing: float | None = None


class Frailty(msgspec.Struct, frozen=True, kw_only=True):
    """What multiplies the rates of one job: by printer and cause, by file, by spool."""

    printer: Mapping[Cause, float]
    model: float
    file: float
    spool: float

    def factor(self, cause: Cause) -> float:
        """The product that holds for one cause."""
        factor = self.model * self.printer.get(cause, 1.0) * self.file
        return factor * self.spool if cause in (Cause.FILAMENT, Cause.ADHESION) else factor


def draw_failure(
    rng: Random, plan: PrintPlan, rates: Mapping[Cause, float], frailty: Frailty, shown: frozenset[Cause]
) -> Failure | None:
    """The first failure of a print, None when it goes well.

    `rates` are failures per 1,000 hours of printing. `shown` are the causes that the
    printer's software can have at all.
    """
    first: Failure | None = None
    for cause in JOB_CAUSES:
        rate = rates.get(cause, 0.0) * frailty.factor(cause)
        if rate <= 0 or cause not in shown:
            continue
        at_ms = rng.expovariate(rate / (1000 * HOUR_MS))
        if at_ms < plan.printing_ms and (first is None or at_ms < first.at_ms):
            first = Failure(cause, int(at_ms))
    return None if first is None else _timed(rng, plan, first)


def forced_failure(rng: Random, plan: PrintPlan, cause: Cause) -> Failure:
    """A failure of that cause soon after the start, as a broken part gives it."""
    return _timed(rng, plan, Failure(cause, int(plan.printing_ms * rng.uniform(0.02, 0.15))))


def _timed(rng: Random, plan: PrintPlan, failure: Failure) -> Failure:
    """The same failure at the time that its cause prefers."""
    if rng.random() < _PREPARING_SHARE.get(failure.cause, 0.0):
        return Failure(failure.cause, 0, preparing=rng.uniform(0.1, 0.95))
    if failure.cause in _EARLY:
        return Failure(failure.cause, int(plan.printing_ms * rng.betavariate(1.2, 6.0)))
    return failure
