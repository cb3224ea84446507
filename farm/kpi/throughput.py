"""Throughput: what the farm turned out."""

from farm.kpi.calculation import KpiInput, KpiResult, hours
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
            "printing_hours": hours(given.account.in_states({PrinterState.PRINTING})),
            "preparing_hours": hours(given.account.in_states({PrinterState.PREPARING})),
            **_rates(units, jobs[Outcome.SUCCEEDED], given.elapsed_ms),
        },
    )


def _rates(units: int, jobs: int, elapsed_ms: int) -> dict[str, float]:
    if not elapsed_ms:
        return {}
    return {
        "units_per_hour": units * HOUR_MS / elapsed_ms,
        "units_per_day": units * DAY_MS / elapsed_ms,
        "jobs_per_hour": jobs * HOUR_MS / elapsed_ms,
        "jobs_per_day": jobs * DAY_MS / elapsed_ms,
    }
