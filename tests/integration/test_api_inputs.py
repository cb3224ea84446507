"""What people say over HTTP, from the request to the inbox and back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.records import RejectedMessage
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    ForgetPrinter,
    NoteJob,
    OperatorWord,
    PrinterService,
    RenamePrinter,
    RestorePrinter,
    RetirePrinter,
    SetState,
    TakenInput,
)
from farm.model.states import Cause, Outcome
from farm.model.times import HOUR_MS, rfc3339
from tests.contract.ledger_samples import SHARD, a_job, a_printer, an_ended_job, an_id
from tests.fakes.farm_server import TOKEN, FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS
from tests.inbox import waiting_inputs

DONE, OPEN = an_id("done"), an_id("open")
SEEN_MS = NOW_MS - 24 * HOUR_MS
EVER = "2026-01-01T00:00:00Z"
HALF_A_PAIR = '{"what": "rename", "name": "\\ud800"}'

SAID: list[tuple[str, dict[str, Any], OperatorWord]] = [
    ("printers/Bay1", {"what": "state", "state": "maintenance"}, SetState(PrinterService.MAINTENANCE)),
    ("printers/Bay1", {"what": "rename", "name": "Bay 1"}, RenamePrinter("Bay 1")),
    ("printers/Bay1", {"what": "retire"}, RetirePrinter()),
    ("printers/Bay1", {"what": "forget"}, ForgetPrinter()),
    (f"printers/{an_id('anna')}", {"what": "restore"}, RestorePrinter()),
    (
        f"jobs/{DONE}",
        {"what": "correct", "outcome": "failed", "cause": "adhesion"},
        CorrectJob(outcome=Outcome.FAILED, cause=Cause.ADHESION),
    ),
    (f"jobs/{DONE}", {"what": "correct"}, CorrectJob()),
    (f"jobs/{OPEN}", {"what": "close"}, CloseJob()),
    (f"jobs/{DONE}", {"what": "describe", "units": 4}, DescribeJob(units=4)),
    (f"jobs/{DONE}", {"what": "note", "text": "thin"}, NoteJob("thin")),
]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with farm_ledger() as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=NOW_MS)
        printers = [a_printer(name, id=an_id(i), first_seen_ms=SEEN_MS) for name, i in PRINTERS]
        jobs = [
            an_ended_job("done", SEEN_MS + HOUR_MS, started_ms=SEEN_MS),
            a_job("open", started_ms=SEEN_MS + 2 * HOUR_MS),
        ]
        ledger.commit(Batch(printers=printers, jobs=jobs, booked_until_ms=NOW_MS))
        yield ledger


PRINTERS = (("Bay1", "anna"), ("Bay2", "bert"))


@pytest.fixture
def server(ledger: Ledger) -> Iterator[FarmServer]:
    with serving(ledger) as server:
        yield server


def post(server: FarmServer, path: str, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(f"/api/v1/{path}/inputs", json=body, headers=named)


@pytest.mark.parametrize(
    ("path", "body", "word"), SAID, ids=lambda each: each if isinstance(each, str) else ""
)
def test_what_is_said_stands_in_the_inbox_under_the_name_of_the_token(
    server: FarmServer, ledger: Ledger, path: str, body: dict[str, Any], word: OperatorWord
) -> None:
    answer = post(server, path, {**body, "why": "so"})
    assert answer.status_code == 202, answer.text
    (said,) = waiting_inputs(ledger)
    assert (said.word, said.printer_id, said.who, said.why) == (word, an_id("anna"), "api", "so")
    assert said.job_id == (path.removeprefix("jobs/") if path.startswith("jobs/") else None)
    assert server.client.get(answer.headers["location"]).json() == answer.json()
    shown = answer.json()
    assert (shown["what"], shown["status"]) == (body["what"], "waiting")
    assert shown["answer"] == "is taken in by the collector that holds the printer; waiting"
    assert (shown["said_at"], shown["for"]) == (rfc3339(NOW_MS), rfc3339(NOW_MS))


def test_it_can_be_said_for_an_earlier_instant(server: FarmServer, ledger: Ledger) -> None:
    at_ms = NOW_MS - HOUR_MS
    body = {"what": "state", "state": "engineering", "for": rfc3339(at_ms)}
    assert post(server, "printers/Bay1", body).json()["for"] == rfc3339(at_ms)
    assert waiting_inputs(ledger)[0].for_ms == at_ms


def test_the_answer_of_the_collector_can_be_asked_for(server: FarmServer, ledger: Ledger) -> None:
    first = post(server, "printers/Bay1", {"what": "forget"}).json()
    second = post(server, f"jobs/{DONE}", {"what": "note", "text": "x"}).json()
    taken = [TakenInput(first["id"]), TakenInput(second["id"], "the job is gone")]
    ledger.commit(Batch(taken_inputs=taken, booked_until_ms=NOW_MS + 5))
    listed = server.client.get("/api/v1/inputs").json()["items"]
    assert [(each["status"], each["answer"]) for each in listed] == [
        ("refused", "the job is gone"),
        ("taken", None),
    ]
    assert {each["taken_at"] for each in listed} == {rfc3339(NOW_MS + 5)}


def test_the_trail_is_listed_by_printer_by_job_and_page_by_page(server: FarmServer) -> None:
    ids = [
        post(server, path, body).json()["id"]
        for path, body in [
            ("printers/Bay1", {"what": "retire"}),
            (f"jobs/{DONE}", {"what": "note", "text": "x"}),
            ("printers/Bay2", {"what": "retire"}),
        ]
    ]

    def listed(**parameters: Any) -> Any:
        return server.client.get("/api/v1/inputs", params=parameters).json()

    def numbers(page: Any) -> list[int]:
        return [each["id"] for each in page["items"]]

    assert numbers(listed(printer="Bay1")) == [ids[1], ids[0]]
    assert numbers(listed(job=DONE)) == [ids[1]]
    page = listed(limit=2)
    assert numbers(page) == [ids[2], ids[1]]
    last = listed(limit=2, after=page["next"])
    assert (numbers(last), last["next"]) == ([ids[0]], None)


def test_the_same_idempotency_key_gives_the_same_entry(server: FarmServer, ledger: Ledger) -> None:
    body = {"what": "rename", "name": "Bay 1"}
    first = post(server, "printers/Bay1", body, idempotency_key="k1")
    again = post(server, "printers/Bay1", body, idempotency_key="k1")
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(waiting_inputs(ledger)) == 1
    other = post(server, "printers/Bay1", {"what": "retire"}, idempotency_key="k1")
    assert other.status_code == 409
    assert other.json()["errors"][0] == {
        "field": "Idempotency-Key",
        "where": "header",
        "value": "k1",
        "allowed": "it came with other words before; use a new one",
    }


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("printers/Bay9", {"what": "retire"}, 404, None),
        (f"jobs/{an_id('lost')}", {"what": "note", "text": "x"}, 404, None),
        ("printers/Bay1", {"what": "rename", "name": "bay2"}, 409, "name"),
        (f"jobs/{DONE}", {"what": "close"}, 409, "job"),
        (f"jobs/{OPEN}", {"what": "correct", "outcome": "failed"}, 409, "job"),
        ("printers/Bay1", {"what": "note", "text": "x"}, 422, "body"),
        ("printers/Bay1", {}, 422, "body"),
        ("printers/Bay1", [], 422, "body"),
        ("printers/Bay1", None, 422, "body"),
        ("printers/Bay1", {"what": "state"}, 422, "state"),
        ("printers/Bay1", {"what": "state", "state": "asleep"}, 422, "state"),
        ("printers/Bay1", {"what": "retire", "because": "x"}, 422, "because"),
        ("printers/Bay1", {"what": "retire", "why": "w" * 2_001}, 422, "why"),
        ("printers/Bay1", {"what": "retire", "why": "a\0b"}, 422, "why"),
        ("printers/Bay1", {"what": "retire", "for": "soon"}, 422, "for"),
        ("printers/Bay1", {"what": "retire", "for": EVER}, 422, "for"),
        ("printers/Bay1", {"what": "retire", "for": "2100-01-01T00:00:00Z"}, 422, "for"),
        (f"jobs/{DONE}", {"what": "describe"}, 422, "description"),
        (f"jobs/{DONE}", {"what": "describe", "units": 10**400}, 422, "units"),
        (f"jobs/{DONE}", {"what": "correct", "outcome": "succeeded", "cause": "host"}, 422, "cause"),
    ],
    ids=repr,
)
def test_what_cannot_be_said_is_a_problem_that_names_the_field(
    server: FarmServer, ledger: Ledger, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = post(server, path, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["field"] for each in answer.json()["errors"]] == ([] if field is None else [field])
    assert waiting_inputs(ledger) == []


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"\xff", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b'"' + b"x" * 70_000 + b'"', "application/json", 413),
        (HALF_A_PAIR.encode(), "application/json", 422),
        (b'{"what": "retire"}', "text/plain", 422),
        (b'{"what": "retire"}', None, 422),
        (b"what=retire", "application/x-www-form-urlencoded", 422),
    ],
)
def test_a_body_that_is_none_of_ours_is_refused(
    server: FarmServer, ledger: Ledger, content: bytes, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = server.client.post("/api/v1/printers/Bay1/inputs", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert waiting_inputs(ledger) == []


def test_a_body_without_end_is_refused_before_it_is_all_there(server: FarmServer) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    answer = server.client.post("/api/v1/printers/Bay1/inputs", content=endless())
    assert answer.status_code == 413


def test_nobody_speaks_without_the_token_or_from_another_site(ledger: Ledger) -> None:
    body = {"what": "retire"}
    with serving(ledger, token=TOKEN) as server:
        assert post(server, "printers/Bay1", body).status_code == 401
        bearer = f"Bearer {TOKEN}"
        foreign = {"authorization": bearer, "sec-fetch-site": "cross-site"}
        assert post(server, "printers/Bay1", body, **foreign).status_code == 403
        assert waiting_inputs(ledger) == []
        assert post(server, "printers/Bay1", body, authorization=bearer).status_code == 202


def test_rejected_messages_are_shown_newest_first_and_without_secrets(
    server: FarmServer, ledger: Ledger
) -> None:
    ledger.commit(
        Batch(
            rejected=[
                RejectedMessage(
                    at_ms=NOW_MS + n,
                    source="octoprint=farm/{printer}/octoprint",
                    reason="internal_error",
                    topic=f"farm/bay{n}/octoprint/event/PrintDone",
                    detail="ValueError: password=hunter2",
                    size=5_000,
                    payload=b'\xff{"password": "hunter2',
                )
                for n in range(3)
            ]
        )
    )
    shown = server.client.get("/api/v1/rejected-messages", params={"limit": 2}).json()["items"]
    assert [each["at"] for each in shown] == [rfc3339(NOW_MS + 2), rfc3339(NOW_MS + 1)]
    assert (shown[0]["size"], shown[0]["payload"]) == (5_000, '\ufffd{"password": "***')
    assert "hunter2" not in str(shown)
