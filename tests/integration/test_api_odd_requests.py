"""Whatever is asked, the answer is one that the documentation names."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.fakes.farm_server import FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import sample_farm


def mark_of_a_job(at_ms: int, job_id: str) -> str:
    """The mark of a page of jobs that nobody gave."""
    return base64.urlsafe_b64encode(json.dumps([False, at_ms, job_id]).encode()).decode().rstrip("=")


ODD = (
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "9" * 40,
    "true",
    "null",
    "NaN",
    "\0",
    "a\0b",
    "%",
    "'; drop table job; --",
    "../../etc/passwd",
    "日本語",
    "\ud83d\ude00",
    "x" * 600,
    "2026-11-22",
    "2026-11-22T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00Z..9999-12-31T23:59:59Z",
    "2026-11-22T00:00:00Z..2026-11-21T00:00:00Z",
    "2200-01-01T00:00:00Z..2300-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z..2190-01-01T00:00:00Z",
    "bnVsbA",
    "W10",
    "firing:",
    "firing:1~",
    "resolved:x",
    "firing:" + "9" * 30 + "~x",
    "resolved:--9~x",
    mark_of_a_job(2**63, "x"),
    mark_of_a_job(10**400, "x"),
    mark_of_a_job(0, "\0"),
    mark_of_a_job(0, "x" * 300),
)


@pytest.fixture(scope="module")
def server() -> Iterator[FarmServer]:
    with farm_ledger(sample_farm(3, days=1)) as ledger, serving(ledger) as server:
        yield server


@pytest.fixture(scope="module")
def document(server: FarmServer) -> dict[str, Any]:
    answer = server.client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def operations(document: dict[str, Any], method: str = "get") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every route that answers and ends."""
    for path, methods in document["paths"].items():
        assert set(methods) <= {"get", "post", "put", "delete"}
        if path != "/api/v1/stream" and method in methods:
            yield path, methods[method]


def filled(path: str, value: str) -> str:
    return re.sub(r"\{\w+\}", value, path)


def test_odd_values_in_every_parameter_are_answered_as_documented(
    server: FarmServer, document: dict[str, Any]
) -> None:
    for path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            for value in ODD:
                answer = ask(server, path, parameter, value)
                assert str(answer.status_code) in operation["responses"], (path, parameter["name"], value)
                assert answer.status_code < 500, (path, parameter["name"], value)
                if answer.status_code >= 400:
                    is_problem(answer.json(), answer.status_code)


def ask(server: FarmServer, path: str, parameter: dict[str, Any], value: str) -> Any:
    if parameter["in"] == "path":
        odd = value.encode().hex() if value in {"", " ", "../../etc/passwd"} else value
        return server.client.get(filled(path, "{odd}").replace("{odd}", quoted(odd)))
    name = "Prusa 01" if "{printer}" in path else "utilization" if "{kpi}" in path else "x"
    return server.client.get(f"{quoted(filled(path, name))}?{parameter['name']}={quoted(value)}")


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="/{}")


def is_problem(body: dict[str, Any], status: int) -> None:
    assert body["status"] == status
    assert body["type"].startswith("urn:layerline:problem:")
    assert body["title"]
    assert body["detail"]
    for each in body["errors"]:
        assert each["field"]
        assert each["allowed"]


@pytest.mark.parametrize("path", ["/api/v1/printers", "/api/v1/jobs", "/api/v1/kpis", "/api/v1/health/live"])
def test_a_parameter_nobody_knows_is_refused_with_the_nearest(server: FarmServer, path: str) -> None:
    answer = server.client.get(path, params={"grop": "Hall A"})
    assert answer.status_code == 422
    is_problem(answer.json(), 422)
    if path != "/api/v1/health/live":
        assert "did you mean 'group'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameters", "field", "allowed"),
    [
        ("/jobs", {"outcome": "sucess"}, "outcome", "'succeeded', 'failed', 'cancelled' or 'unknown'"),
        ("/jobs", {"limit": 0}, "limit", "greater than or equal to 1"),
        ("/jobs", {"since": "yesterday"}, "since", "an RFC 3339 instant such as 2026-11-22T00:00:00Z"),
        ("/jobs", {"after": "nonsense"}, "after", "`next` of the page before"),
        ("/jobs", {"printer": "Prusa 99"}, "printer", "the printers of this farm"),
        (
            "/kpis",
            {"window": "24hours"},
            "window",
            "1h, 8h, 24h, 7d, 30d, today, week, month, any other length such as",
        ),
        ("/kpis", {"name": "utilisation"}, "name", "utilization, print_success_rate, "),
        ("/kpis", {"group": "Hall Z"}, "group", "the groups of this farm"),
        (
            "/kpis",
            {"by": "shelf"},
            "by",
            "one of printer, group, model, site, farm, file, material, operator,",
        ),
        ("/alerts", {"after": "nonsense"}, "after", "`next` of the page before"),
    ],
)
def test_a_wrong_value_is_refused_with_field_value_and_what_is_allowed(
    server: FarmServer, path: str, parameters: dict[str, Any], field: str, allowed: str
) -> None:
    answer = server.client.get(f"/api/v1{path}", params=parameters)
    assert answer.status_code == 422
    body = answer.json()
    is_problem(body, 422)
    (error,) = body["errors"]
    assert (error["field"].split(".")[0], error["value"]) == (field, str(parameters[field]))
    assert error["allowed"].startswith(allowed)
    assert field in body["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/printers/nobody",
        "/printers/nobody/spans",
        "/printers/nobody/telemetry",
        "/jobs/5f0f1c9a-55b1-5f0e-8f0e-1f7e6f0f2a33",
        "/jobs/nothing",
        "/kpis/happiness/series",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_a_problem_too(server: FarmServer, path: str) -> None:
    answer = server.client.get(f"/api/v1{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    is_problem(answer.json(), 404)


def test_other_methods_are_refused(server: FarmServer) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = server.client.request(method, "/api/v1/jobs")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET"
        is_problem(answer.json(), 405)


def test_a_refused_method_is_told_all_that_the_path_takes(
    server: FarmServer, document: dict[str, Any]
) -> None:
    for path, methods in document["paths"].items():
        for refused in ("OPTIONS", "HEAD", "PATCH", "TRACE", "PROPFIND"):
            answer = server.client.request(refused, filled(path, "x"))
            assert answer.status_code == 405, (refused, path)
            assert answer.headers["allow"].split(", ") == sorted(map(str.upper, methods)), (refused, path)
    assert server.client.put("/login").headers["allow"] == "GET, POST"


def test_every_route_documents_itself_with_an_example(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.")
    for path, operation in [*operations(document), *operations(document, "post")]:
        assert operation["summary"], path
        assert operation["description"], path
        assert {"401", "422"} <= set(operation["responses"]), path
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (path, parameter["name"])
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert has_example(described), (name, field)


def has_example(described: dict[str, Any]) -> bool:
    """Parts that are schemas of their own have their examples there."""
    nested = (
        str(described.get("items", "")) + str(described.get("anyOf", "")) + str(described.get("$ref", ""))
    )
    return "examples" in described or "examples" in nested or "#/components" in nested
