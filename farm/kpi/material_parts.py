"""Parts of figures that are material: grams, millilitres of resin, metres of filament."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol

from farm.kpi.calculation import KpiInput
from farm.kpi.outcomes import MaterialTally, RejectedMaterial
from farm.kpi.parts import Input, JobRow, JobSelector, Measure
from farm.model.job import Job
from farm.model.states import Outcome
from farm.settings import SiteSettings

_MILLI: Final = 1_000
_MICRO: Final = 1_000_000


def grams_of(used: MaterialTally, site: SiteSettings) -> float:
    """What the jobs took, in grams: as they say, else by the densities of the site."""
    return (
        used.grams
        + used.unweighed_micrometres / _MICRO * site.filament_grams_per_metre
        + used.unweighed_microlitres / _MILLI * site.resin_grams_per_millilitre
    )


def job_grams(job: Job, site: SiteSettings) -> float:
    """What one job took, in grams, by the same rules."""
    if job.filament_g is not None:
        return _rounded(job.filament_g)
    if job.resin_ml is not None:
        return _rounded(job.resin_ml) * site.resin_grams_per_millilitre
    return _rounded(job.filament_mm) / _MILLI * site.filament_grams_per_metre


class SaysMaterial(Protocol):
    """What a job says that it took, None for nothing; as `farm.model.job.Job`."""

    @property
    def filament_g(self) -> float | None:
        """Grams of filament."""

    @property
    def filament_mm(self) -> float | None:
        """Its length in millimetres."""

    @property
    def resin_ml(self) -> float | None:
        """Millilitres of resin."""


def rejected_material(job: SaysMaterial, good_units: int, rejected_units: int) -> RejectedMaterial:
    """The share of the rejected units in what the job took, in whole thousandths cut off."""
    units = good_units + rejected_units

    def share(amount: float) -> int:
        return max(0, round(_MILLI * amount)) * rejected_units // units

    if not units:
        return RejectedMaterial()
    if job.filament_g is not None:
        return RejectedMaterial(milligrams=share(job.filament_g))
    if job.resin_ml is not None:
        return RejectedMaterial(microlitres=share(job.resin_ml))
    return RejectedMaterial(micrometres=0 if job.filament_mm is None else share(job.filament_mm))


def rejected_grams(taken: RejectedMaterial, site: SiteSettings) -> float:
    """The same in grams, by the densities of the site."""
    return grams_of(
        MaterialTally(
            milligrams=taken.milligrams,
            unweighed_micrometres=taken.micrometres,
            unweighed_microlitres=taken.microlitres,
        ),
        site,
    )


def _rounded(amount: float | None) -> float:
    """To the thousandth, as sums are kept."""
    return 0.0 if amount is None else round(amount * _MILLI) / _MILLI


class MaterialMeasure(StrEnum):
    """What is summed up of material."""

    GRAMS = "grams"
    MILLILITRES = "millilitres"
    METRES = "metres"
    SILENT = "silent"
    """Jobs that say nothing of what they took."""


_TALLIED: Final[Mapping[MaterialMeasure, Callable[[MaterialTally, SiteSettings], float]]] = {
    MaterialMeasure.GRAMS: grams_of,
    MaterialMeasure.MILLILITRES: lambda used, _: used.millilitres,
    MaterialMeasure.METRES: lambda used, _: used.millimetres / _MILLI,
    MaterialMeasure.SILENT: lambda used, _: used.silent,
}
_MEASURED: Final[Mapping[MaterialMeasure, Callable[[Job, SiteSettings], float]]] = {
    MaterialMeasure.GRAMS: job_grams,
    MaterialMeasure.MILLILITRES: lambda job, _: _rounded(job.resin_ml),
    MaterialMeasure.METRES: lambda job, _: _rounded(job.filament_mm) / _MILLI,
    MaterialMeasure.SILENT: lambda job, _: int(
        job.filament_g is None and job.filament_mm is None and job.resin_ml is None
    ),
}


class MaterialTaken(JobSelector, frozen=True, kw_only=True):
    """What the jobs of these outcomes took."""

    of: MaterialMeasure
    outcomes: frozenset[Outcome]

    @property
    def measure(self) -> Measure:
        """An amount, but for the jobs that say nothing."""
        return Measure.COUNT if self.of is MaterialMeasure.SILENT else Measure.AMOUNT

    def total(self, given: KpiInput) -> float:
        """The sum over the jobs of these outcomes."""
        told = _TALLIED[self.of]
        # In the order of all outcomes: that of a set differs from process to process, and so would the sum.
        meant = (outcome for outcome in Outcome if outcome in self.outcomes)
        return sum(told(given.outcomes.material_of(outcome), given.site) for outcome in meant)

    def share(self, row: JobRow) -> float:
        """What the job took."""
        return _MEASURED[self.of](row.job, row.site) if row.job.outcome in self.outcomes else 0


class MaterialRejected(JobSelector, frozen=True, kw_only=True):
    """Grams that units took which were rejected, of jobs that their printers had called a success."""

    @property
    def inputs(self) -> frozenset[Input]:
        """The verdicts too."""
        return frozenset({Input.JOBS, Input.VERDICTS})

    @property
    def measure(self) -> Measure:
        """An amount."""
        return Measure.AMOUNT

    def total(self, given: KpiInput) -> float:
        """The sum over the inspected jobs."""
        return rejected_grams(given.outcomes.inspected.rejected, given.site)

    def share(self, row: JobRow) -> float:
        """What the rejected units of the job took."""
        job, found = row.job, row.verdict
        if found is None or job.outcome is not Outcome.SUCCEEDED:
            return 0
        return rejected_grams(rejected_material(job, found.good_units, found.rejected_units), row.site)
