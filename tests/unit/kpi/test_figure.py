"""A figure's numbers are named in one place, and every surface shows those."""

from pathlib import Path

import pytest

from api.schemas import KpiPoint, KpiReading
from farm.kpi.calculation import KpiResult
from farm.kpi.figure import FIGURE_FIELDS, KpiFigure, SeriesPoint, figure_numbers, figure_record
from farm.kpi.indicator import Unit
from farm.kpi.subjects import Scope
from farm.kpi.wilson import Interval95
from farm.kpi.windows import Window

DOCS = Path(__file__).parents[3] / "docs"
FIGURE = KpiFigure(
    id="print_success_rate",
    scope=Scope.FARM,
    scope_id="main",
    label="main",
    window=Window("24h", 0, 1_000),
    unit=Unit.RATIO,
    value=0.5,
    low=0.4,
    high=0.6,
    interval=Interval95(0.1, 0.9),
    counts={"attempts": 2},
    amounts={"hours": 1.5},
    observed_share=0.75,
)


def test_each_number_stands_under_its_name() -> None:
    assert figure_numbers(FIGURE) == {
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "interval_low": 0.1,
        "interval_high": 0.9,
        "observed_share": 0.75,
    }


def test_a_record_has_every_field_that_the_api_shows_but_the_name() -> None:
    assert {*figure_record(FIGURE), "name"} == set(KpiReading.model_fields)


def test_a_point_of_the_api_has_the_numbers_of_a_point_of_a_series() -> None:
    numbers = {field.name for field in FIGURE_FIELDS} & {*SeriesPoint.__struct_fields__}
    assert {*numbers, "from_", "to"} == set(KpiPoint.model_fields)
    assert {*numbers, "from_ms", "to_ms"} == {*SeriesPoint.__struct_fields__}


def test_what_a_formula_gives_is_part_of_its_figure() -> None:
    assert set(KpiResult.__struct_fields__) <= set(KpiFigure.__struct_fields__)


@pytest.mark.parametrize("document", ["api.md", "influxdb.md", "kpis.md"])
def test_the_documents_name_every_number(document: str) -> None:
    text = (DOCS / document).read_text("utf-8")
    assert [field.name for field in FIGURE_FIELDS if f"`{field.name}`" not in text] == []


def test_a_record_of_a_figure_says_over_which_window() -> None:
    assert figure_record(FIGURE)["window"] == {
        "name": "24h",
        "from": "1970-01-01T00:00:00.000Z",
        "to": "1970-01-01T00:00:01.000Z",
    }
