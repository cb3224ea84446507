"""A figure's numbers are named in one place, and every surface shows those."""

from pathlib import Path

import msgspec
import pytest

from api.kpi_schemas import KpiPoint, KpiReading
from farm.kpi.calculation import KpiResult
from farm.kpi.figure import (
    FIGURE_FIELDS,
    KpiFigure,
    SeriesPoint,
    before_record,
    figure_before,
    figure_numbers,
    figure_record,
)
from farm.kpi.indicator import Unit
from farm.kpi.periods import Period
from farm.kpi.standing import Side, Standing, TargetStanding
from farm.kpi.subjects import Scope
from farm.kpi.targets import Level, Target
from farm.kpi.wilson import Interval95
from farm.kpi.windows import Window

DOCS = Path(__file__).parents[3] / "docs"
AIM = TargetStanding(target=Target(low=0.7, high=0.85), standing=Standing.BELOW, side=Side.WORSE)
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
    targets=(AIM,),
)


def test_each_number_stands_under_its_name() -> None:
    assert figure_numbers(FIGURE) == {
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "interval_low": 0.1,
        "interval_high": 0.9,
        "observed_share": 0.75,
        "target_low": 0.7,
        "target_high": 0.85,
    }


def test_the_aim_is_what_a_figure_can_be_held_against() -> None:
    floor = TargetStanding(target=Target(low=0.2, level=Level.FLOOR))
    monthly = TargetStanding(target=Target(low=9, per=Period.MONTH), not_compared="it is one for a month")
    assert msgspec.structs.replace(FIGURE, targets=(floor, monthly)).aim is None
    assert msgspec.structs.replace(FIGURE, targets=(floor, monthly, AIM)).aim == AIM


def test_the_figure_before_says_which_way_it_went() -> None:
    was = KpiResult(value=0.4, low=0.3, high=0.6, counts={"attempts": 5})
    hour = Window("before", 0, 1)
    more = figure_before(hour, was, 0.5, 0.5, more_is_better=True)
    assert more.change == pytest.approx(0.1)
    assert (more.side, more.counts) == (Side.BETTER, {"attempts": 5})
    assert figure_before(hour, was, 0.5, 0.5, more_is_better=False).side is Side.WORSE
    assert figure_before(hour, was, 0.5, 0.4, more_is_better=False).side is Side.SAME
    nothing = figure_before(hour, was, 0.5, None, more_is_better=True)
    assert (nothing.value, nothing.change, nothing.side) == (0.4, None, None)


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


def test_a_record_of_the_figure_before_says_what_it_was_and_how_it_changed() -> None:
    was = KpiResult(value=0.4, low=0.3, high=0.6, counts={"attempts": 5})
    before = figure_before(Window("before", 0, 1_000), was, 0.25, 0.9, more_is_better=False)
    assert before_record(before, Unit.RATIO) == {
        "window": {"name": "before", "from": "1970-01-01T00:00:00.000Z", "to": "1970-01-01T00:00:01.000Z"},
        "value": 0.4,
        "shown": "40.00 %",
        "low": 0.3,
        "high": 0.6,
        "counts": {"attempts": 5},
        "observed_share": 0.25,
        "change": 0.5,
        "side": "worse",
    }


def test_a_record_of_a_figure_holds_all_of_it() -> None:
    record = figure_record(FIGURE)
    assert {name: record[name] for name in ("id", "scope", "scope_id", "label", "unit", "shown")} == {
        "id": "print_success_rate",
        "scope": "farm",
        "scope_id": "main",
        "label": "main",
        "unit": "ratio",
        "shown": "50.00 %",
    }
    assert (record["counts"], record["amounts"]) == ({"attempts": 2}, {"hours": 1.5})
    assert [each["shown"] for each in record["targets"]] == ["70–85 %"]
    assert record["before"] is None
