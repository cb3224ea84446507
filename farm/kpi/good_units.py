"""Units as they count for quality: what an inspection found stands in place of what was on the plate."""

from enum import StrEnum

from farm.kpi.calculation import KpiInput
from farm.kpi.outcomes import NOT_INSPECTED, InspectedUnits
from farm.kpi.parts import BySite, Input, JobRow, JobSelector, of_site
from farm.model.states import Outcome


class Worth(StrEnum):
    """Which units are summed up."""

    ALL = "all"
    GOOD = "good"
    """Those that an inspection found good, and of a success without one all."""


class CountedUnits(JobSelector, frozen=True, kw_only=True):
    """Units of the jobs that ended in one of the `outcomes`, those of inspected ones as they were found."""

    outcomes: BySite[frozenset[Outcome]]
    of: Worth = Worth.ALL

    @property
    def inputs(self) -> frozenset[Input]:
        """The verdicts too."""
        return frozenset({Input.JOBS, Input.VERDICTS})

    def total(self, given: KpiInput) -> int:
        """The sum over the jobs of these outcomes."""
        return sum(self._of(outcome, given) for outcome in of_site(self.outcomes, given.site))

    def share(self, row: JobRow) -> int:
        """What the job adds, where it ended so."""
        outcome, verdict = row.job.outcome, row.verdict
        if outcome is None or outcome not in of_site(self.outcomes, row.site):
            return 0
        if verdict is None:
            return self._worth(outcome, row.job.units, NOT_INSPECTED)
        return self._worth(outcome, 0, InspectedUnits(0, verdict.good_units, verdict.rejected_units))

    def _of(self, outcome: Outcome, given: KpiInput) -> int:
        found = inspected_units(given, outcome)
        return self._worth(outcome, given.outcomes.units.get(outcome, 0) - found.plate, found)

    def _worth(self, outcome: Outcome, not_inspected: int, found: InspectedUnits) -> int:
        if self.of is Worth.ALL:
            return not_inspected + found.good + found.rejected
        return found.good + (not_inspected if outcome is Outcome.SUCCEEDED else 0)


def inspected_units(given: KpiInput, outcome: Outcome) -> InspectedUnits:
    """What inspections found of the jobs that ended so."""
    return given.outcomes.inspected.units.get(outcome, NOT_INSPECTED)
