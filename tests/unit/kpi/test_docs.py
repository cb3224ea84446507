"""docs/kpis.md says what the catalogue says."""

import re
from pathlib import Path

import pytest

from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.indicator import Indicator
from farm.kpi.subjects import Scope
from farm.kpi.windows import WINDOW_NAMES, Window
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, jobs_of, printer_called, spans_of
from tests.unit.kpi.memory_ledger import MemoryLedger

DOCUMENT = (Path(__file__).parents[3] / "docs" / "kpis.md").read_text(encoding="utf-8")
GENERAL = {"What every figure carries"}
HEADINGS = set(re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE)) - GENERAL


def section(kpi_id: str) -> str:
    found = re.search(rf"^## {kpi_id}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def test_every_indicator_has_a_section_and_every_section_an_indicator() -> None:
    assert {entry.id for entry in CATALOGUE} == HEADINGS


def test_the_table_lists_the_indicators_in_their_order() -> None:
    assert re.findall(r"^\| \[`(\w+)`\]\(#\1\)", DOCUMENT, re.MULTILINE) == [entry.id for entry in CATALOGUE]


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_formula_source_unit_and_cadence_are_those_of_the_catalogue(entry: Indicator) -> None:
    assert f"**Formula:** {entry.formula}\n" in section(entry.id)
    assert f"**Source:** {entry.source}\n" in section(entry.id)
    row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| [`{entry.id}`]"))
    assert row.endswith(f"| {entry.unit} | {', '.join(entry.cadences)} |")


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_every_target_is_documented(entry: Indicator) -> None:
    targets = re.search(r"\*\*Targets:\*\*(.*?)\n\n", section(entry.id), re.DOTALL)
    assert targets is not None
    for target in entry.targets:
        assert target.profile in targets.group(1)
        for bound in (target.low, target.high):
            if bound is not None:
                assert f"{bound * 100 if entry.unit == 'ratio' else bound:g}" in targets.group(1)


@pytest.mark.parametrize(
    "option",
    [
        "preparing_counts_as_printing",
        "cancelled_counts_as_attempt",
        "reprint_within_hours",
        "filament_grams_per_metre",
        "resin_grams_per_millilitre",
    ],
)
def test_every_option_of_counting_is_documented(option: str) -> None:
    assert option in SiteSettings.model_fields
    assert f"`{option}`" in DOCUMENT


def test_every_window_is_documented() -> None:
    assert all(f"`{name}`" in DOCUMENT for name in WINDOW_NAMES)


def test_every_count_and_amount_of_a_figure_is_documented() -> None:
    bay, end = printer_called("bay"), START_MS + DAY_MS
    spans, jobs = (
        spans_of(bay, [(PrinterState.PRINTING, DAY_MS)]),
        jobs_of(bay, Outcome.SUCCEEDED, [START_MS]),
    )
    engine = KpiEngine(ReadModel(MemoryLedger([bay], spans, jobs, end)), SiteSettings())
    of_states = {f"{state}_hours" for state in PrinterState}
    for figure in engine.evaluate(None, Window("day", START_MS, end), Scope.FARM, end):
        named = {*figure.counts, *figure.amounts} - of_states - set(Outcome)
        assert all(f"`{name}`" in section(figure.id) for name in named)
