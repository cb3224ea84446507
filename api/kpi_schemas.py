"""Indicators and their figures, as the API answers with them."""

from typing import Annotated, Any

from pydantic import Field

from api.schemas import Answer, Instant, Listing, Share, WindowBounds
from farm.kpi.figure import FIGURE_FIELDS
from farm.kpi.indicator import Cadence, Unit
from farm.kpi.parts import Input, Measure
from farm.kpi.periods import Period
from farm.kpi.standing import Side, Standing
from farm.kpi.targets import Level, Profile


def _number(name: str, example: float) -> Any:
    """A number that every figure carries, described as it is everywhere."""
    meaning = next(field.meaning for field in FIGURE_FIELDS if field.name == name)
    return Field(description=f"{meaning[0].upper()}{meaning[1:]}.", examples=[example])


class KpiTarget(Answer):
    """A range that a figure should keep to, open where a bound is null."""

    profile: Profile | None = Field(
        description="The kind of shop for which a published guide gives it; null for the farm's own.",
        examples=["jewelry"],
    )
    low: float | None = Field(examples=[0.9])
    high: float | None = Field(examples=[None])
    level: Level = Field(examples=["target"])
    per: Period | None = Field(
        description="The period for which an amount of the whole farm is meant. It is never scaled.",
        examples=[None],
    )
    meaning: str = Field(examples=[""])
    shown: str = Field(description="The range as people read it.", examples=["at least 90 %"])


class KpiStanding(KpiTarget):
    """A target, and how the figure stands to it."""

    standing: Standing | None = Field(
        description="Where the value lies; null where there is none, or it is not compared.",
        examples=["within"],
    )
    side: Side | None = Field(
        description="Whether what lies beyond the range is better or worse; `same` within.", examples=["same"]
    )
    sure: bool = Field(description="Whether it stands so at worst and at best too.", examples=[True])
    share: float | None = Field(description="The value as a part of the bound to reach.", examples=[1.0004])
    not_compared: str | None = Field(description="Why it is not compared.", examples=[None])


class KpiBefore(Answer):
    """The same figure over the window before: as long, or the same days of the calendar before."""

    window: WindowBounds
    value: float | None = Field(examples=[0.88])
    shown: str = Field(examples=["88.00 %"])
    low: float | None = Field(examples=[0.87])
    high: float | None = Field(examples=[0.89])
    counts: dict[str, int] = Field(examples=[{"attempts": 150, "succeeded": 132, "failed": 18}])
    observed_share: Share | None = Field(examples=[0.99])
    change: float | None = Field(
        description="The value less that of the window before, in its unit.", examples=[0.02]
    )
    side: Side | None = Field(description="Whether that is for the better.", examples=["better"])


ScopeText = Annotated[
    str,
    Field(
        description="What the figure is of: a word that `by` takes, or several with commas between.",
        examples=["farm"],
    ),
]
ScopeId = Annotated[
    str,
    Field(
        description="Id of a printer, name of a group, text of a file and so on, empty for what has none; "
        "by several scopes a JSON list of these.",
        examples=["main"],
    ),
]


class KpiReading(Answer):
    """One indicator of one subject over one window, with what is needed to judge it."""

    id: str = Field(examples=["print_success_rate"])
    name: str = Field(examples=["Print success rate"])
    scope: ScopeText
    scope_id: ScopeId
    label: str = Field(examples=["main"])
    window: WindowBounds
    unit: Unit = Field(examples=["ratio"])
    value: float | None = _number("value", 0.9)
    shown: str = Field(description="The value as people read it.", examples=["90.00 %"])
    low: float | None = _number("low", 0.891)
    high: float | None = _number("high", 0.901)
    interval_low: float | None = _number("interval_low", 0.8507)
    interval_high: float | None = _number("interval_high", 0.9343)
    counts: dict[str, int] = Field(examples=[{"attempts": 200, "succeeded": 180, "failed": 20, "unknown": 2}])
    amounts: dict[str, float] = Field(examples=[{"available_hours": 720.0}])
    observed_share: Share | None = _number("observed_share", 0.9955)
    target_low: float | None = _number("target_low", 0.9)
    target_high: float | None = _number("target_high", 0.95)
    targets: list[KpiStanding] = Field(
        description="The targets that the farm holds the indicator to, and how the figure stands to them."
    )
    before: KpiBefore | None = Field(
        description="The same figure over the window before; null where nobody was there, or it was not "
        "asked for."
    )


LeftOut = Annotated[
    int,
    Field(
        description="So many further files, materials and so on had prints, but fewer, and are not told.",
        examples=[0],
    ),
]


class KpiList(Listing[KpiReading]):
    """Figures by subject, then indicator."""

    window: WindowBounds
    left_out: LeftOut = 0


class KpiPoint(Answer):
    """The figure of one period."""

    from_: Instant = Field(serialization_alias="from")
    to: Instant
    value: float | None = _number("value", 0.9)
    low: float | None = _number("low", 0.891)
    high: float | None = _number("high", 0.901)
    observed_share: Share | None = _number("observed_share", 0.9955)


class KpiRow(Answer):
    """One indicator of one subject, period by period."""

    id: str = Field(examples=["print_success_rate"])
    scope: ScopeText
    scope_id: ScopeId
    label: str = Field(examples=["main"])
    unit: Unit = Field(examples=["ratio"])
    window: WindowBounds
    period: Period = Field(examples=["hour"])
    points: list[KpiPoint]


class KpiRows(Listing[KpiRow]):
    """Rows of figures over time, by subject."""

    left_out: LeftOut = 0


class KpiPart(Answer):
    """A sum that the figures are made of, in their `counts` or `amounts`."""

    name: str = Field(examples=["attempts"])
    measure: Measure = Field(description="What it is in.", examples=["count"])


class KpiOmission(Answer):
    """Rows of the ledger that do not count in the value."""

    name: str = Field(examples=["outcome_unknown"])
    why: str = Field(examples=["how it ended is not known: it opens the range"])


class KpiDefinition(Answer):
    """How an indicator is worked out, and what it should be."""

    id: str = Field(examples=["print_success_rate"])
    name: str = Field(examples=["Print success rate"])
    unit: Unit = Field(examples=["ratio"])
    formula: str = Field(examples=["succeeded jobs ÷ (succeeded jobs + failed jobs)"])
    source: str = Field(examples=["guides of jewelry, custom-miniatures and resin-miniatures"])
    more_is_better: bool = Field(examples=[True])
    cadences: list[Cadence] = Field(description="How often the guides say to read it.", examples=[["daily"]])
    inputs: list[Input] = Field(description="What it is worked out of.", examples=[["jobs"]])
    expression: str = Field(
        description="The value written with the names of its parts.", examples=["succeeded ÷ attempts"]
    )
    parts: list[KpiPart]
    left_out: list[KpiOmission]
    beside: dict[str, str] = Field(
        description="Counts and amounts that are no sums of rows, and how they come about.",
        examples=[{"printers": "the printers that were there in the window"}],
    )
    targets: list[KpiTarget] = Field(description="Those of the published guides, by kind of shop.")
    held_to: list[KpiTarget] = Field(
        description="Those that this farm holds it to: its own, or else those of its profile."
    )
