"""What a figure rests on, as the command line says it."""

import pytest

from farm.cli.figures import counted_as, hours_as, made_of
from farm.kpi.figure import KpiFigure
from farm.kpi.indicator import Unit
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window


def figure(counts: dict[str, int], amounts: dict[str, float]) -> KpiFigure:
    return KpiFigure(
        id="idle_time",
        scope=Scope.FARM,
        scope_id="main",
        label="main",
        window=Window("24h", 0, 1),
        unit=Unit.HOURS,
        value=1.0,
        low=1.0,
        high=1.0,
        interval=None,
        counts=counts,
        amounts=amounts,
        observed_share=1.0,
    )


@pytest.mark.parametrize(
    ("counts", "amounts", "told"),
    [
        ({"attempts": 1, "failed": 0}, {"printing_hours": 3.0}, "1 attempt"),
        (
            {},
            {"no_job_hours": 1250.25, "fault_hours": 0.0, "paused_hours": 2.0},
            "no job 1,250.2 h, paused 2.0 h",
        ),
        ({}, {"fault_hours": 0.0}, "–"),
    ],
)
def test_a_figure_rests_on_its_counts_or_else_on_its_hours(
    counts: dict[str, int], amounts: dict[str, float], told: str
) -> None:
    assert made_of(figure(counts, amounts)) == told


def test_counts_and_hours_in_words() -> None:
    assert counted_as("cancelled_by_person", 3) == "3 cancelled by person"
    assert counted_as("failing_printers", 1) == "1 failing printer"
    assert counted_as("faults", 1) == "1 fault"
    assert hours_as("bed_not_cleared_hours", 12.5) == "bed not cleared 12.5 h"
