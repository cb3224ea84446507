"""Which indicators are compared with the truth, by what they truly are, and which are not, and why."""

from collections.abc import Callable, Mapping
from typing import Final

from simulators.recount import hour_formulas, job_formulas
from simulators.recount.facts import NONE, Facts, TrueFigure


def oee(facts: Facts) -> TrueFigure:
    """Of the hours in which they could print, at full speed and all good, what printers made of them."""
    product, at_most = 1.0, 1.0
    for factor in (hour_formulas.utilization, job_formulas.performance, job_formulas.quality):
        found = factor(facts)
        if found.value is None:
            return NONE
        product *= found.value
        at_most *= found.value + found.exact_to
    return TrueFigure(product, at_most - product)


Formula = Callable[[Facts], TrueFigure]

OF_HOURS: Final[Mapping[str, Formula]] = {
    "utilization": hour_formulas.utilization,
    "availability": hour_formulas.utilization,
    "idle_time": hour_formulas.idle_time,
    "operational_uptime": hour_formulas.operational_uptime,
    "total_uptime": hour_formulas.total_uptime,
    "mtbf": hour_formulas.mtbf,
    "mttr": hour_formulas.mttr,
    "oee": oee,
    "failed_streak": hour_formulas.failed_streak,
}
"""By the indicator's id, those that only printers have."""

OF_JOBS: Final[Mapping[str, Formula]] = {
    "print_success_rate": job_formulas.success,
    "success_after_inspection": job_formulas.success_after_inspection,
    "inspected_yield": job_formulas.inspected_yield,
    "first_pass_yield": job_formulas.first_pass_yield,
    "throughput": job_formulas.throughput,
    "avg_production_time": job_formulas.avg_production_time,
    "failures_by_cause": job_formulas.failures_by_cause,
    "mcbf": job_formulas.mcbf,
    "performance": job_formulas.performance,
    "quality": job_formulas.quality,
    "estimate_accuracy": job_formulas.estimate_accuracy,
    "material_waste": job_formulas.material_waste,
    "failed_hours": job_formulas.failed_hours,
}
"""By the indicator's id, those that prints have as well."""

NOT_COMPARED: Final[Mapping[str, str]] = {}
"""Indicators of which no true figure is worked out, by id, and why."""


def true_figure(indicator: str, facts: Facts) -> TrueFigure:
    """What the indicator truly is. Prints alone have no hours of anybody, so no figures made of them."""
    if (of_jobs := OF_JOBS.get(indicator)) is not None:
        return of_jobs(facts)
    return OF_HOURS[indicator](facts) if facts.has_hours else NONE
