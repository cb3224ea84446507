import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.exposition import FarmCollector
from api.farm_view import FarmView
from api.live import LiveStream
from api.settings import ApiSettings
from farm.influx.status import QueueStatus
from farm.kpi.calendar import WEEKDAYS
from farm.ledger.alert_store import AlertStore
from farm.model.alert import EVALUATOR, AlertBatch
from farm.model.feed import FeedKind
from farm.model.states import Outcome, PrinterState
from tests.fakes.farm_server import SITE, farm_ledger, fixed_clock
from tests.fakes.sample_farm import sample_farm
from tests.figures import kpi_engine

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"
QUEUE = QueueStatus(
    queue="feed",
    entries=3,
    bytes=300,
    seconds=1.5,
    stored=10,
    rejected=1,
    dropped=0,
    stored_ms=None,
    trouble=None,
)
HEADING = re.compile(r"^### `((?:GET|POST|PUT|DELETE) \S+)`$", re.MULTILINE)


@pytest.fixture(scope="module")
def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    with farm_ledger() as ledger:
        store = AlertStore(ledger.engine)
        app = create_app(ledger, kpi_engine(ledger, SITE), store, ApiSettings(), fixed_clock)
        document: dict[str, Any] = app.openapi()
        return document


def section(text: str, route: str) -> str:
    """What the document says of one route, `GET /path`."""
    start = text.index(f"### `{route}`")
    following = HEADING.search(text, start + 5)
    return text[start : following.start() if following else len(text)]


def test_every_route_is_documented_and_every_documented_route_is_there(
    text: str, openapi: dict[str, Any]
) -> None:
    routes = [f"{method.upper()} {path}" for path, methods in openapi["paths"].items() for method in methods]
    assert sorted(HEADING.findall(text)) == sorted(routes)


def test_every_parameter_is_documented_with_its_route(text: str, openapi: dict[str, Any]) -> None:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            words = section(text, f"{method.upper()} {path}").lower()
            for parameter in operation.get("parameters", []):
                assert f"`{parameter['name'].lower()}`" in words, (method, path, parameter["name"])


def test_every_field_of_a_body_is_documented_with_its_route(text: str, openapi: dict[str, Any]) -> None:
    told = {
        f"{method.upper()} {path}": operation["requestBody"]["content"]["application/json"]["schema"]
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }
    assert {route.split(" ")[0] for route in told} == {"POST", "PUT"}
    for route, body in told.items():
        words = section(text, route)
        for schema in bodies(body, openapi["components"]["schemas"]):
            if "what" in schema["properties"]:
                assert f"`{schema['properties']['what']['const']}`" in words
            assert [field for field in schema["properties"] if f"`{field}`" not in words] == []


def bodies(body: Any, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object that a body can hold, those within it included."""
    found = [
        schemas[reference.rpartition("/")[2]]
        for reference in re.findall(r'"\$ref": "(.*?)"', json.dumps(body))
    ]
    objects = [schema for schema in found if "properties" in schema]
    return objects + [inner for schema in objects for inner in bodies(schema["properties"], schemas)]


def test_the_examples_are_json_with_fields_that_are_really_answered(
    text: str, openapi: dict[str, Any]
) -> None:
    known = {"type", "title", "status", "detail", "errors", "field", "where", "value", "allowed", "outcome"}
    for schema in openapi["components"]["schemas"].values():
        known |= set(schema.get("properties", {}))
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        assert keys(json.loads(block)) <= known | FREE_KEYS


FREE_KEYS = {
    *WEEKDAYS,
    *PrinterState,
    *Outcome,
    "attempts",
    "cancelled_by_person",
    "cancelled_by_system",
    "streak",
}
"""Keys of tables whose keys depend on what is counted."""


def keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys, value)) if value else set()
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set()


def test_every_kind_of_feed_entry_is_documented(text: str) -> None:
    words = section(text, "GET /api/v1/stream")
    assert [kind for kind in FeedKind if f"`{kind}`" not in words] == []


def test_every_metric_is_documented_and_every_documented_metric_is_there(text: str) -> None:
    with farm_ledger(sample_farm(5, days=1)) as ledger:
        farm_view = FarmView(
            ledger,
            AlertStore(ledger.engine),
            ApiSettings(),
            SITE,
            fixed_clock,
            forecaster=kpi_engine(ledger, SITE).forecasts,
        )
        registry = CollectorRegistry()
        AlertStore(ledger.engine).book(AlertBatch(reader=EVALUATOR, seen=None, seq=1))
        registry.register(FarmCollector(farm_view, LiveStream(farm_view), lambda _now_ms: [QUEUE]))
        given = {sample.name for family in registry.collect() for sample in family.samples}
    assert set(re.findall(r"\| `(layerline_\w+)`", text)) == given
