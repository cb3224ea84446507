"""Throughput: what the farm turned out."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, told
from farm.kpi.columns import ratio, real, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.material_parts import MaterialMeasure, MaterialTaken
from farm.kpi.parts import EVERY_OUTCOME, Amount, EndedJobs, JobMeasure, LeftOut, Part, time_in
from farm.kpi.periods import Period
from farm.kpi.success import BY_OUTCOME
from farm.kpi.targets import Level, Profile, Target
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS

UNITS: Final = Part("units", EndedJobs(outcomes=frozenset({Outcome.SUCCEEDED}), of=JobMeasure.UNITS))
"""Units of the jobs that succeeded."""


def throughput(given: KpiInput) -> KpiResult:
    """Units of the jobs that ended well; None where nothing was observed and no job ended.

    At best the jobs of unknown outcome came out too. The rates are units and jobs per
    hour and day of the part of the window in which there was a printer.
    """
    outcomes, units = given.outcomes, UNITS.total(given)
    seen = given.account.is_observed | (outcomes.ended > 0)
    return KpiResult(
        value=where(seen, real(units)),
        low=where(seen, real(units)),
        high=where(seen, real(units + outcomes.units.get(Outcome.UNKNOWN, 0))),
        amounts=_rates(units, outcomes.jobs.get(Outcome.SUCCEEDED, 0), given.elapsed_ms),
    )


def _rates(units: Amount, jobs: Amount, elapsed_ms: int) -> dict[str, float]:
    return told(
        units_per_hour=ratio(units * HOUR_MS, elapsed_ms),
        units_per_day=ratio(units * DAY_MS, elapsed_ms),
        jobs_per_hour=ratio(jobs * HOUR_MS, elapsed_ms),
        jobs_per_day=ratio(jobs * DAY_MS, elapsed_ms),
    )


THROUGHPUT = Indicator(
    id="throughput",
    name="Throughput",
    unit=Unit.UNITS,
    formula="units of the jobs that succeeded, by the time at which they ended",
    source="guides of resin-miniatures and model-studio",
    more_is_better=True,
    cadences=(Cadence.DAILY, Cadence.WEEKLY),
    targets=(
        Target(profile=Profile.RESIN_MINIATURES, low=416, per=Period.MONTH),
        Target(
            profile=Profile.RESIN_MINIATURES,
            low=104,
            level=Level.FLOOR,
            per=Period.WEEK,
            meaning="the least a week should bring",
        ),
        Target(
            profile=Profile.MODEL_STUDIO,
            low=100,
            high=150,
            per=Period.MONTH,
            meaning="orders; above average",
        ),
        Target(
            profile=Profile.MODEL_STUDIO,
            low=200,
            level=Level.EXCEPTIONAL,
            per=Period.MONTH,
            meaning="orders",
        ),
    ),
    parts=(
        UNITS,
        Part("ended", EndedJobs(outcomes=EVERY_OUTCOME)),
        *BY_OUTCOME,
        Part("printing_hours", time_in(frozenset({PrinterState.PRINTING}))),
        Part("preparing_hours", time_in(frozenset({PrinterState.PREPARING}))),
        Part("grams", MaterialTaken(of=MaterialMeasure.GRAMS, outcomes=frozenset({Outcome.SUCCEEDED}))),
        Part(
            "millilitres",
            MaterialTaken(of=MaterialMeasure.MILLILITRES, outcomes=frozenset({Outcome.SUCCEEDED})),
        ),
    ),
    expression="units",
    left_out=(
        LeftOut(
            "outcome_unknown",
            "how it ended is not known: its units open the range",
            EndedJobs(outcomes=frozenset({Outcome.UNKNOWN})),
        ),
        LeftOut(
            "came_to_nothing",
            "it failed or was cancelled",
            EndedJobs(outcomes=frozenset({Outcome.FAILED, Outcome.CANCELLED})),
        ),
    ),
    beside={
        f"{what}_per_{period}": f"{counted} ÷ {period}s of the window in which there was a printer"
        for what, counted in (("units", "units"), ("jobs", "succeeded"))
        for period in ("hour", "day")
    },
    calculate=throughput,
    reads=frozenset({Tally.JOBS, Tally.MATERIAL}),
)
