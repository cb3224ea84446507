"""What a figure is held against: targets that five guides to printing businesses give, and a farm's own."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from farm.kpi.periods import Period
from farm.model.shop_profile import Profile

__all__ = ["Level", "Profile", "Target", "targets_that_apply"]


class Level(StrEnum):
    """How a bound is meant."""

    TARGET = "target"
    """The aim: at or above it, and at most `high` where one is given, is good."""
    STRETCH = "stretch"
    """Above the aim."""
    EXCEPTIONAL = "exceptional"
    """Hardly anybody gets there."""
    FLOOR = "floor"
    """Below it something has to be done."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A range in the indicator's unit, open where a bound is None. It is the farm's own without a profile.

    `per` is the period for which an amount is meant: such a target is one for the farm as a whole.
    """

    profile: Profile | None = None
    low: float | None = None
    high: float | None = None
    level: Level = Level.TARGET
    per: Period | None = None
    meaning: str = ""


def targets_that_apply(
    kpi_id: str,
    targets: Sequence[Target],
    profile: Profile | None,
    own: Mapping[str, Sequence[Target]],
) -> tuple[Target, ...]:
    """Those of an indicator that the farm holds itself to: its own, or else those of its profile."""
    if kpi_id in own:
        return tuple(own[kpi_id])
    return tuple(each for each in targets if profile is not None and each.profile is profile)
