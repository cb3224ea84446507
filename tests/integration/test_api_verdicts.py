"""Verdicts over HTTP: given, given again, withdrawn, listed, and shown with the jobs."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.model.times import HOUR_MS, rfc3339
from tests.contract.ledger_samples import SHARD, a_job, a_printer, an_ended_job, an_id
from tests.fakes.farm_server import TOKEN, FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS

PLATE, SINGLE, OPEN = an_id("plate"), an_id("single"), an_id("open")
BEGAN_MS = NOW_MS - 24 * HOUR_MS
WARPED = {"rejected_units": 1, "reason": "warping", "note": "corner up"}


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with farm_ledger() as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=NOW_MS)
        jobs = [
            an_ended_job("plate", BEGAN_MS + HOUR_MS, started_ms=BEGAN_MS, units=4),
            an_ended_job("single", BEGAN_MS + 2 * HOUR_MS, started_ms=BEGAN_MS + HOUR_MS),
            a_job("open", started_ms=BEGAN_MS + 3 * HOUR_MS),
        ]
        printers = [a_printer("anna", first_seen_ms=BEGAN_MS)]
        ledger.commit(Batch(printers=printers, jobs=jobs, booked_until_ms=NOW_MS))
        yield ledger


@pytest.fixture
def server(ledger: Ledger) -> Iterator[FarmServer]:
    with serving(ledger) as server:
        yield server


def put(server: FarmServer, job: str, body: Any) -> httpx.Response:
    return server.client.put(f"/api/v1/jobs/{job}/verdict", json=body)


def listed(server: FarmServer, query: str = "") -> list[str]:
    return [job["id"] for job in server.client.get(f"/api/v1/jobs{query}").json()["items"]]


def test_a_verdict_is_kept_under_the_name_of_the_token_and_shown_with_the_job(server: FarmServer) -> None:
    answer = put(server, PLATE, WARPED)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "job_id": PLATE,
        "good_units": 3,
        "rejected_units": 1,
        "reason": "warping",
        "note": "corner up",
        "who": "api",
        "at": rfc3339(NOW_MS),
        "version": 1,
    }
    job = server.client.get(f"/api/v1/jobs/{PLATE}").json()
    assert (job["verdict"], job["outcome"]) == (answer.json(), "succeeded")
    shown = {each["id"]: each["verdict"] for each in server.client.get("/api/v1/jobs").json()["items"]}
    assert shown == {PLATE: answer.json(), SINGLE: None, OPEN: None}
    (printed, *_) = server.client.get("/api/v1/printers/anna?window=24h").json()["jobs"][-1:]
    assert printed["verdict"] == answer.json()


def test_the_same_again_changes_nothing_and_another_stands_in_its_place(server: FarmServer) -> None:
    first = put(server, PLATE, WARPED).json()
    assert put(server, PLATE, {"good_units": 3, **WARPED}).json() == first
    assert put(server, PLATE, {"good_units": 4}).json()["version"] == 2
    trail = server.client.get(f"/api/v1/jobs/{PLATE}").json()["verdicts"]
    assert [(each["version"], each["good_units"], each["withdrawn"]) for each in trail] == [
        (1, 3, False),
        (2, 4, False),
    ]


def test_a_withdrawn_verdict_stays_in_the_trail_with_the_reason(server: FarmServer) -> None:
    put(server, PLATE, WARPED)
    gone = server.client.delete(f"/api/v1/jobs/{PLATE}/verdict?note=wrong%20plate")
    assert (gone.status_code, gone.content) == (204, b"")
    job = server.client.get(f"/api/v1/jobs/{PLATE}").json()
    assert job["verdict"] is None
    last = job["verdicts"][-1]
    assert (last["withdrawn"], last["note"], last["good_units"]) == (True, "wrong plate", None)
    again = server.client.delete(f"/api/v1/jobs/{PLATE}/verdict")
    assert (again.status_code, again.json()["type"]) == (404, "urn:layerline:problem:not-found")


def test_many_verdicts_come_back_in_their_order(server: FarmServer) -> None:
    said = [{"job": SINGLE, "rejected_units": 0}, {"job": PLATE, **WARPED}]
    answer = server.client.post("/api/v1/verdicts", json={"verdicts": said})
    assert answer.status_code == 200, answer.text
    found = [(each["job_id"], each["good_units"]) for each in answer.json()["items"]]
    assert found == [(SINGLE, 1), (PLATE, 3)]


def test_of_many_verdicts_all_are_kept_or_none(server: FarmServer) -> None:
    said = [{"job": SINGLE, "good_units": 1}, {"job": OPEN, "good_units": 1}]
    answer = server.client.post("/api/v1/verdicts", json={"verdicts": said})
    assert answer.status_code == 409
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["where"], problem["value"]) == ("job", "body", OPEN)
    assert listed(server, "?inspected=true") == []


def test_jobs_are_filtered_by_whether_they_were_inspected(server: FarmServer) -> None:
    put(server, PLATE, {"good_units": 4})
    assert listed(server, "?inspected=true") == [PLATE]
    assert listed(server, "?inspected=false") == [SINGLE]
    assert listed(server) == [OPEN, SINGLE, PLATE]


def test_the_trail_goes_page_by_page_and_knows_jobs_that_never_were(
    server: FarmServer, ledger: Ledger
) -> None:
    put(server, SINGLE, {"good_units": 1})
    put(server, PLATE, WARPED)
    ledger.commit(Batch(withdrawn_jobs=[SINGLE]))
    first = server.client.get("/api/v1/verdicts?limit=1").json()
    rest = server.client.get("/api/v1/verdicts", params={"after": first["next"]}).json()
    assert [each["job_id"] for each in first["items"] + rest["items"]] == [PLATE, SINGLE]
    assert rest["next"] is None
    assert server.client.get(f"/api/v1/jobs/{SINGLE}").status_code == 404


@pytest.mark.parametrize(
    ("job", "body", "status", "field", "where"),
    [
        (an_id("lost"), {"good_units": 1}, 404, None, None),
        ("no-id", {"good_units": 1}, 404, None, None),
        (OPEN, {"good_units": 1}, 409, "job", "path"),
        (PLATE, {}, 422, "good_units", "body"),
        (PLATE, {"good_units": 1, "rejected_units": 1, "reason": "other"}, 422, "good_units", "body"),
        (PLATE, {"good_units": -1}, 422, "good_units", "body"),
        (PLATE, {"rejected_units": 1}, 422, "reason", "body"),
        (PLATE, {"rejected_units": 1, "reason": "ugly"}, 422, "reason", "body"),
        (PLATE, {"good_units": 4, "note": "nul \0"}, 422, "note", "body"),
        (PLATE, {"good_units": 4, "who": "me"}, 422, "who", "body"),
    ],
    ids=repr,
)
def test_what_cannot_be_taken_names_the_field(
    server: FarmServer, job: str, body: dict[str, Any], status: int, field: str | None, where: str | None
) -> None:
    answer = put(server, job, body)
    assert answer.status_code == status, answer.text
    found = [(each["field"], each["where"]) for each in answer.json()["errors"]]
    assert found == ([] if field is None else [(field, where)])
    assert listed(server, "?inspected=true") == []


def test_units_that_differ_must_be_said_to(server: FarmServer) -> None:
    answer = put(server, PLATE, {"good_units": 5, "rejected_units": 0})
    assert "has 4 units" in answer.json()["detail"]
    assert put(server, PLATE, {"good_units": 5, "rejected_units": 0, "units_differ": True}).status_code == 200


def test_a_page_of_another_site_can_neither_give_nor_withdraw(server: FarmServer) -> None:
    put(server, PLATE, {"good_units": 4})
    elsewhere = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    path = f"/api/v1/jobs/{PLATE}/verdict"
    given = server.client.put(path, json={"good_units": 4}, headers=elsewhere)
    withdrawn = server.client.delete(path, headers=elsewhere)
    assert (given.status_code, withdrawn.status_code) == (403, 403)
    assert listed(server, "?inspected=true") == [PLATE]


def test_a_token_is_asked_for(ledger: Ledger) -> None:
    with serving(ledger, token=TOKEN) as server:
        answer = httpx.put(f"{server.url}/api/v1/jobs/{PLATE}/verdict", json={"good_units": 4})
        assert answer.status_code == 401


def test_a_verdict_reaches_the_feed(server: FarmServer, ledger: Ledger) -> None:
    put(server, PLATE, WARPED)
    (entry,) = ledger.feed(0, 100)
    assert (entry.kind, entry.job_id, entry.body["after"]["rejected_units"]) == ("job.inspected", PLATE, 1)
    assert json.dumps(entry.body)
