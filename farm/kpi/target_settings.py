"""Entries of `[[targets]]` in the configuration: what a farm holds its figures to itself."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from farm.errors import InvalidQuery
from farm.kpi.catalogue import indicator
from farm.kpi.periods import Period
from farm.kpi.targets import Level, Target
from farm.model import limits
from farm.settings import Section


def _known(kpi_id: str) -> str:
    try:
        indicator(kpi_id)
    except InvalidQuery as error:
        raise ValueError(str(error)) from error
    return kpi_id


class TargetSettings(Section):
    """A range that a figure should keep to."""

    indicator: Annotated[str, AfterValidator(_known)] = Field(
        description="Id of the indicator, such as `utilization`. Its targets in the profile no longer count."
    )
    low: float | None = Field(
        default=None,
        ge=0,
        description="The least it should be, in the indicator's unit: a ratio is 0 to 1, so 0.8 is 80 %.",
    )
    high: float | None = Field(default=None, ge=0, description="The most it should be.")
    level: Level = Field(
        default=Level.TARGET,
        description="How it is meant: `target`, the aim; `stretch`, above it; `exceptional`; "
        "`floor`, beyond which something has to be done.",
    )
    per: Period | None = Field(
        default=None,
        description="For an amount of the whole farm the period in which it should come about: "
        "`hour`, `day`, `week` or `month`. It is held against such windows alone, and never scaled.",
    )
    meaning: str = Field(
        default="", max_length=limits.WHY.length, description="What it means, in your own words."
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> "TargetSettings":
        if self.low is None and self.high is None:
            raise ValueError("give `low`, `high` or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("`low` must not be above `high`")
        return self


def own_targets(entries: Iterable[TargetSettings]) -> dict[str, tuple[Target, ...]]:
    """The targets of the entries by indicator, in their order."""
    found: dict[str, tuple[Target, ...]] = {}
    for entry in entries:
        target = Target(
            low=entry.low, high=entry.high, level=entry.level, per=entry.per, meaning=entry.meaning
        )
        found[entry.indicator] = (*found.get(entry.indicator, ()), target)
    return found
