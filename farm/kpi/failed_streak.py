"""Failed prints in a row, as a figure."""

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import real, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import LeftOut, Part
from farm.kpi.streak_parts import InStreak, StreakMeasure


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
    parts=(
        Part("current", InStreak(of=StreakMeasure.CURRENT)),
        Part("longest", InStreak(of=StreakMeasure.LONGEST)),
        Part("failing_printers", InStreak(of=StreakMeasure.FAILING)),
    ),
    expression="current",
    left_out=(
        LeftOut(
            "outcome_unknown",
            "how it ended is not known: at best it broke the streak, at worst it failed",
            InStreak(of=StreakMeasure.UNKNOWN),
        ),
        LeftOut(
            "cancelled",
            "it was cancelled, which neither breaks a streak nor makes it longer",
            InStreak(of=StreakMeasure.CANCELLED),
        ),
        LeftOut(
            "shorter_streak",
            "another printer has the longest streak",
            InStreak(of=StreakMeasure.SHORTER),
        ),
    ),
    calculate=failed_streak,
    reads=frozenset({Tally.STREAKS}),
    needs_hours=True,
)
