"""The indicators: what each is called, how it is worked out, and what it should be.

An indicator is one entry in the file of its family, beside its formula.
"""

from collections.abc import Sequence
from difflib import get_close_matches

from farm.errors import InvalidQuery
from farm.kpi.effectiveness import AVAILABILITY, OEE, PERFORMANCE, QUALITY
from farm.kpi.estimates import ESTIMATE_ACCURACY
from farm.kpi.failed_streak import FAILED_STREAK
from farm.kpi.failures import FAILURES_BY_CAUSE
from farm.kpi.first_pass import FIRST_PASS_YIELD
from farm.kpi.idle_time import IDLE_TIME
from farm.kpi.indicator import Indicator
from farm.kpi.inspection import INSPECTED_YIELD, SUCCESS_AFTER_INSPECTION
from farm.kpi.production_time import AVG_PRODUCTION_TIME
from farm.kpi.reliability import MCBF, MTBF, MTTR
from farm.kpi.success import PRINT_SUCCESS_RATE
from farm.kpi.throughput import THROUGHPUT
from farm.kpi.uptime import OPERATIONAL_UPTIME, TOTAL_UPTIME
from farm.kpi.utilization import UTILIZATION
from farm.kpi.waste import FAILED_HOURS, MATERIAL_WASTE

CATALOGUE: tuple[Indicator, ...] = (
    UTILIZATION,
    PRINT_SUCCESS_RATE,
    SUCCESS_AFTER_INSPECTION,
    INSPECTED_YIELD,
    FIRST_PASS_YIELD,
    THROUGHPUT,
    AVG_PRODUCTION_TIME,
    IDLE_TIME,
    FAILURES_BY_CAUSE,
    OPERATIONAL_UPTIME,
    TOTAL_UPTIME,
    MTBF,
    MCBF,
    MTTR,
    OEE,
    AVAILABILITY,
    PERFORMANCE,
    QUALITY,
    ESTIMATE_ACCURACY,
    MATERIAL_WASTE,
    FAILED_HOURS,
    FAILED_STREAK,
)
"""Every indicator, in the order in which they are shown."""

HEADLINES = tuple(entry.id for entry in (UTILIZATION, PRINT_SUCCESS_RATE, THROUGHPUT))
"""The ids of those that stand first wherever a few must do."""

_BY_ID = {entry.id: entry for entry in CATALOGUE}


def indicator(kpi_id: str) -> Indicator:
    """The indicator of that id. Raises InvalidQuery, naming the nearest, when there is none."""
    if (found := _BY_ID.get(kpi_id)) is not None:
        return found
    near = get_close_matches(kpi_id, _BY_ID, n=1)
    hint = f"; did you mean {near[0]}? Allowed" if near else "; allowed"
    raise InvalidQuery(f"{kpi_id!r} is no indicator{hint} are {', '.join(_BY_ID)}")


def indicators(kpi_ids: Sequence[str] | None) -> tuple[Indicator, ...]:
    """The indicators of those ids in that order, or all. Raises InvalidQuery for an unknown id."""
    return CATALOGUE if kpi_ids is None else tuple(indicator(kpi_id) for kpi_id in kpi_ids)
