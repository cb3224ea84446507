"""What one job took of material, in each way of counting it."""

import msgspec
import pytest

from farm.kpi.material_parts import MaterialMeasure, MaterialTaken, grams_of, job_grams
from farm.kpi.outcomes import MaterialTally, OutcomeTally
from farm.kpi.parts import JobRow
from farm.model.job import Job
from farm.model.states import Outcome
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, jobs_of, printer_called
from tests.unit.kpi.kpi_inputs import basis_of

ANNA = printer_called("anna")
SITE = SiteSettings(filament_grams_per_metre=3, resin_grams_per_millilitre=1.25)


def job(**took: float) -> Job:
    (failed,) = jobs_of(ANNA, Outcome.FAILED, [START_MS])
    return msgspec.structs.replace(failed, **took)


@pytest.mark.parametrize(
    ("took", "grams"),
    [
        ({}, 0),
        ({"filament_mm": 2_500.0}, 7.5),
        ({"resin_ml": 4.0}, 5),
        ({"resin_ml": 4.0, "filament_mm": 2_500.0}, 5),
        ({"filament_g": 9.5, "resin_ml": 4.0, "filament_mm": 2_500.0}, 9.5),
        ({"filament_g": 9.50049}, 9.5),
        ({"filament_g": 0.0, "filament_mm": 2_500.0}, 0),
    ],
)
def test_what_was_weighed_goes_before_what_was_measured(took: dict[str, float], grams: float) -> None:
    assert job_grams(job(**took), SITE) == grams


def test_jobs_together_weigh_what_each_of_them_weighs() -> None:
    used = MaterialTally(milligrams=9_500, unweighed_micrometres=2_500_000, unweighed_microlitres=4_000)
    assert grams_of(used, SITE) == 9.5 + 7.5 + 5
    tallied = MaterialTally(micrometres=2_500_000, microlitres=4_000, silent=2)
    outcomes = OutcomeTally({}, {}, {}, material={Outcome.FAILED: tallied})
    given = msgspec.structs.replace(basis_of(site=SITE), outcomes=outcomes)
    failed = frozenset({Outcome.FAILED})
    told = {of.value: MaterialTaken(of=of, outcomes=failed).total(given) for of in MaterialMeasure}
    assert told == {"grams": 0, "millilitres": 4, "metres": 2.5, "silent": 2}


@pytest.mark.parametrize(
    ("of", "took", "share"),
    [
        (MaterialMeasure.GRAMS, {"filament_g": 9.5}, 9.5),
        (MaterialMeasure.MILLILITRES, {"resin_ml": 4.0}, 4),
        (MaterialMeasure.METRES, {"filament_mm": 2_500.0}, 2.5),
        (MaterialMeasure.SILENT, {}, 1),
        *((MaterialMeasure.SILENT, {name: 1.0}, 0) for name in ("filament_g", "filament_mm", "resin_ml")),
    ],
)
def test_a_job_adds_what_it_took_where_its_outcome_counts(
    of: MaterialMeasure, took: dict[str, float], share: float
) -> None:
    row = JobRow(site=SITE, printer=ANNA, job=job(**took))
    assert MaterialTaken(of=of, outcomes=frozenset({Outcome.FAILED})).share(row) == share
    assert MaterialTaken(of=of, outcomes=frozenset({Outcome.SUCCEEDED})).share(row) == 0
