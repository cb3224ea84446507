"""Every query in docs/influxdb.md is run against a real server, and finds something."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.influx.ledger_kpis import LedgerKpis
from farm.influx.points import kpi_line
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.ledger.ledger import open_ledger
from farm.model.clock import system_clock
from farm.model.observation import Telemetry
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from farm.settings import SiteSettings
from tests.figures import kpi_engine
from tests.influx_farm import BookedFarm, HandedClock, empty_outbox
from tests.influx_server import InfluxForTests, influx_for_tests

DOCUMENT = (Path(__file__).parents[2] / "docs" / "influxdb.md").read_text("utf-8")
QUESTIONS = re.findall(r"^### (\d+)\. ", DOCUMENT, re.MULTILINE)


def queries(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


class Filled:
    """A server that holds the last day of a farm."""

    def __init__(self, influx: InfluxForTests, settings: InfluxSettings) -> None:
        self.influx = influx
        self._settings = settings

    def here(self, query: str) -> str:
        """The query with the names of the test's buckets and organisation."""
        for name, ours in (
            ("layerline_telemetry_10m", self._settings.downsampled_bucket),
            ("layerline_telemetry", self._settings.telemetry_bucket),
            ("layerline", self._settings.bucket),
        ):
            query = query.replace(f'bucket: "{name}"', f'bucket: "{ours}"')
        return query.replace('org: "layerline"', f'org: "{self._settings.org}"')

    def bucket_of(self, query: str) -> str:
        return self._settings.telemetry_bucket if '"telemetry"' in query else self._settings.bucket


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    with influx_for_tests() as influx, open_ledger("sqlite://") as ledger:
        settings = influx.settings(kpi_printers_every_seconds=60)
        influx.make_bucket(settings.downsampled_bucket)
        clock = HandedClock(system_clock())
        farm = BookedFarm(ledger, start_ms=clock.now_ms - 23 * HOUR_MS)
        farm.a_day()
        farm.samples(3_000, from_ms=clock.now_ms - HOUR_MS)
        kpis = LedgerKpis(kpi_engine(ledger, SiteSettings()), ledger, SiteSettings(), settings, system_clock)
        sender = Sender(ledger.engine, settings, clock, kpis=kpis)
        empty_outbox(sender, ledger, clock)
        sender.close()
        yield Filled(influx, settings)


def test_every_question_is_answered_in_three_languages() -> None:
    assert [int(number) for number in QUESTIONS] == list(range(1, 11))
    assert len(queries("influxql")) == len(queries("sql")) == 10
    assert len(queries("flux")) == 11


@pytest.mark.parametrize("query", queries("flux"))
def test_a_flux_query_of_the_document_finds_something(query: str, filled: Filled) -> None:
    assert filled.influx.flux(filled.here(query))


@pytest.mark.parametrize("query", queries("influxql"))
def test_an_influxql_query_of_the_document_finds_something(query: str, filled: Filled) -> None:
    answer = filled.influx.influxql(filled.bucket_of(query), " ".join(query.split()))
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert any(series["values"] for series in result["series"])


def answered(filled: Filled, number: int) -> list[dict[str, object]]:
    return filled.influx.flux(filled.here(queries("flux")[number - 1]))


def test_outcomes_are_counted_right(filled: Filled) -> None:
    counts: dict[object, int] = {}
    for row in answered(filled, 2):
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + int(str(row["_value"]))
    assert counts == {"succeeded": 6, "failed": 3, "cancelled": 3, "unknown": 3}


def test_production_is_summed_right(filled: Filled) -> None:
    (row,) = answered(filled, 6)
    assert (row["units"], row["hours"]) == (2 * (1 + 2 + 3), 18.0)


def test_every_printers_state_is_the_last_one(filled: Filled) -> None:
    assert {row["state"] for row in answered(filled, 1)} == {"idle"}
    assert len(answered(filled, 1)) == 3


def test_the_model_of_the_document_names_every_field() -> None:
    table = DOCUMENT[DOCUMENT.index("## The data model") : DOCUMENT.index("## Ten questions")]
    named = set(re.findall(r"`(\w+)…?`", table))
    assert set(Telemetry.__struct_fields__) <= named


def test_the_figures_of_the_document_follow_from_the_settings() -> None:
    settings = InfluxSettings()
    printers = (
        DAY_MS // (settings.kpi_printers_every_seconds * 1000) * 1_000 * 3 * len(settings.kpi_printer_windows)
    )
    groups = DAY_MS // MINUTE_MS * (1 + 10) * 3 * len(settings.kpi_windows)
    assert round((printers + groups) / 1e6, 1) == 0.6
    assert "| 0.6 million |" in DOCUMENT


def test_an_indicator_without_data_has_no_value_in_influxdb() -> None:
    with open_ledger("sqlite://") as ledger:
        BookedFarm(ledger)
        kpis = LedgerKpis(
            kpi_engine(ledger, SiteSettings()), ledger, SiteSettings(), InfluxSettings(), system_clock
        )
        lines = [kpi_line(point).decode() for point in kpis.points(kpis.present_ms(), printers=True)]
    success = [line for line in lines if "kpi=print_success_rate,scope=farm" in line]
    assert len(success) == 4
    assert not any(",value=" in line for line in success)
