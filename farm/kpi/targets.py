"""What a figure is held against: the targets that five guides to printing businesses give."""

from enum import StrEnum

import msgspec

from farm.kpi.periods import Period


class Profile(StrEnum):
    """The kinds of shop that the guides describe; a shop starts from one and edits it."""

    JEWELRY = "jewelry"
    CUSTOM_MINIATURES = "custom-miniatures"
    RESIN_MINIATURES = "resin-miniatures"
    MODEL_STUDIO = "model-studio"
    SERVICE_BUREAU = "service-bureau"


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
    """A bound in the indicator's unit. `per` is the period for which an amount is meant."""

    profile: Profile
    low: float
    high: float | None = None
    level: Level = Level.TARGET
    per: Period | None = None
    meaning: str = ""
