"""Throughput: what the farm turned out."""

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.periods import Period
from farm.kpi.targets import Level, Profile, Target
from farm.kpi.waste import grams_of
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS


def throughput(given: KpiInput) -> KpiResult:
    """Units of the jobs that ended well; None where nothing was observed and no job ended.

    At best the jobs of unknown outcome came out too. The rates are units and jobs per
    hour and day of the part of the window in which there was a printer.
    """
    outcomes, jobs = given.outcomes, given.outcomes.jobs_by_outcome()
    units = outcomes.units.get(Outcome.SUCCEEDED, 0)
    seen = bool(given.account.observed_share) or outcomes.ended > 0
    return KpiResult(
        value=float(units) if seen else None,
        low=float(units) if seen else None,
        high=float(units + outcomes.units.get(Outcome.UNKNOWN, 0)) if seen else None,
        counts={"units": units, "ended": outcomes.ended, **jobs},
        amounts={
            **_hours(given.account),
            "grams": grams_of(outcomes.material_of(Outcome.SUCCEEDED), given.site),
            "millilitres": outcomes.material_of(Outcome.SUCCEEDED).millilitres,
            **_rates(units, jobs[Outcome.SUCCEEDED], given.elapsed_ms),
        },
    )


def _hours(account: TimeAccount) -> dict[str, float]:
    """Those of the printers; what is made of prints has none."""
    if not account.whole_ms:
        return {}
    return {
        "printing_hours": hours(account.in_states({PrinterState.PRINTING})),
        "preparing_hours": hours(account.in_states({PrinterState.PREPARING})),
    }


def _rates(units: int, jobs: int, elapsed_ms: int) -> dict[str, float]:
    if not elapsed_ms:
        return {}
    return {
        "units_per_hour": units * HOUR_MS / elapsed_ms,
        "units_per_day": units * DAY_MS / elapsed_ms,
        "jobs_per_hour": jobs * HOUR_MS / elapsed_ms,
        "jobs_per_day": jobs * DAY_MS / elapsed_ms,
    }


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
    calculate=throughput,
    reads=frozenset({Tally.JOBS, Tally.MATERIAL}),
)
