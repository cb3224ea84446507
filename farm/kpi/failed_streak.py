"""Failed prints in a row, as a figure."""

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import real, where
from farm.kpi.indicator import Cadence, Indicator, Unit


def failed_streak(given: KpiInput) -> KpiResult:
    """Failed prints in a row at the end of the window; of several printers the longest; None before a print
    ended in a known way.

    At best a print of unknown outcome broke the streak, at worst it failed.
    """
    told = given.streaks
    return KpiResult(
        value=where(told.decided > 0, real(told.current)),
        low=where(told.ended > 0, real(told.least)),
        high=where(told.ended > 0, real(told.most)),
        counts={"current": told.current, "longest": told.longest, "failing_printers": told.failing},
    )


FAILED_STREAK = Indicator(
    id="failed_streak",
    name="Failed prints in a row",
    unit=Unit.PRINTS,
    formula="failed prints of a printer since its last success, at the end of the window; of several "
    "printers the most",
    source="the guides: react to failures in a row before they cost a night",
    more_is_better=False,
    cadences=(Cadence.DAILY,),
    targets=(),
    expression="current",
    beside={
        "current": "of the printers' streaks at the end of the window the longest",
        "longest": "of their streaks at any time in the window the longest",
        "failing_printers": "printers that are in a streak at the end of the window",
    },
    calculate=failed_streak,
    reads=frozenset({Tally.STREAKS}),
    needs_hours=True,
)
