"""What people do about alerts over HTTP, from the request to the ledger and back."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from farm.ledger.ledger import Ledger
from farm.model.times import DAY_MS, HOUR_MS, rfc3339
from tests.fakes.farm_server import TOKEN, FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS, sample_farm

ALERT = "0f6b1a52-3f0e-5b0e-9a51-9f2f3a5a7c10"
NO_ALERT = "0f6b1a52-3f0e-5b0e-9a51-000000000000"
TWO_HOURS = rfc3339(NOW_MS + 2 * HOUR_MS)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A farm of five printers, one of which has an alert that fires."""
    with farm_ledger(sample_farm(5, days=1)) as ledger:
        yield ledger


@pytest.fixture
def server(ledger: Ledger) -> Iterator[FarmServer]:
    with serving(ledger) as server:
        yield server


def ask(server: FarmServer, method: str, path: str, **more: Any) -> httpx.Response:
    return server.client.request(method, f"/api/v1{path}", **more)


def acknowledge(server: FarmServer, **body: Any) -> httpx.Response:
    return ask(server, "POST", f"/alerts/{ALERT}/acknowledgement", json=body)


def silence(server: FarmServer, **body: Any) -> httpx.Response:
    wanted = {"matchers": {"rule": "failed_*"}, "for_seconds": 7200} | body
    return ask(server, "POST", "/silences", json={name: each for name, each in wanted.items() if each != ""})


def the_alert(server: FarmServer) -> dict[str, Any]:
    (alert,) = ask(server, "GET", "/alerts").json()["items"]
    assert isinstance(alert, dict)
    return alert


def problem(answer: httpx.Response, status: int) -> tuple[str, str]:
    """The field that is at fault, and where it stands."""
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    return error["where"], error["field"]


def test_an_alert_that_nobody_does_anything_about(server: FarmServer) -> None:
    alert = the_alert(server)
    assert (alert["acknowledged"], alert["silenced"], alert["resolved_by"]) == (None, [], None)


def test_an_acknowledgement_is_shown_with_the_alert(server: FarmServer) -> None:
    answer = acknowledge(server, for_seconds=7200, note=" on it ")
    assert answer.status_code == 200, answer.text
    assert answer.json() == the_alert(server)
    assert answer.json()["acknowledged"] == {
        "by": "api",
        "note": "on it",
        "at": rfc3339(NOW_MS),
        "until": TWO_HOURS,
    }


def test_it_holds_for_four_hours_unless_said_otherwise(server: FarmServer) -> None:
    assert acknowledge(server).json()["acknowledged"]["until"] == rfc3339(NOW_MS + 4 * HOUR_MS)
    assert acknowledge(server, until=TWO_HOURS).json()["acknowledged"]["until"] == TWO_HOURS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"for_seconds": 0}, "for_seconds"),
        ({"for_seconds": "60"}, "for_seconds"),
        ({"for_seconds": 30 * 24 * 3600 + 1}, "for_seconds"),
        ({"for_seconds": 60, "until": TWO_HOURS}, "until"),
        ({"until": "soon"}, "until"),
        ({"until": rfc3339(NOW_MS)}, "until"),
        ({"until": rfc3339(NOW_MS + 30 * DAY_MS + 1)}, "until"),
        ({"note": "\u0000"}, "note"),
        ({"why": "?"}, "why"),
    ],
)
def test_what_is_no_acknowledgement_is_refused(server: FarmServer, body: dict[str, Any], field: str) -> None:
    assert problem(acknowledge(server, **body), 422) == ("body", field)
    assert the_alert(server)["acknowledged"] is None


def test_many_alerts_are_acknowledged_at_once_or_none(server: FarmServer) -> None:
    both = ask(server, "POST", "/acknowledgements", json={"alerts": [ALERT, NO_ALERT]})
    assert problem(both, 422) == ("body", "alert")
    assert the_alert(server)["acknowledged"] is None
    answer = ask(server, "POST", "/acknowledgements", json={"alerts": [ALERT], "note": "all mine"})
    assert [each["acknowledged"]["note"] for each in answer.json()["items"]] == ["all mine"]
    nonsense = ask(server, "POST", "/acknowledgements", json={"alerts": ["x"]})
    assert problem(nonsense, 422) == ("body", "alerts.0")


def test_an_acknowledgement_is_taken_back(server: FarmServer) -> None:
    acknowledge(server)
    taken = ask(server, "DELETE", f"/alerts/{ALERT}/acknowledgement", params={"note": "no time"})
    assert taken.status_code == 200, taken.text
    assert taken.json()["acknowledged"] is None
    again = ask(server, "DELETE", f"/alerts/{ALERT}/acknowledgement")
    assert problem(again, 409) == ("path", "alert")


@pytest.mark.parametrize("alert_id", [NO_ALERT, "nonsense"])
def test_an_alert_that_there_is_not(server: FarmServer, alert_id: str) -> None:
    for method, what, body in (
        ("POST", "acknowledgement", {}),
        ("DELETE", "acknowledgement", None),
        ("POST", "resolution", {"why": "over"}),
    ):
        assert ask(server, method, f"/alerts/{alert_id}/{what}", json=body).status_code == 404


def test_an_alert_is_resolved_by_hand_once(server: FarmServer) -> None:
    acknowledge(server)
    assert problem(ask(server, "POST", f"/alerts/{ALERT}/resolution", json={"why": " "}), 422) == (
        "body",
        "why",
    )
    answer = ask(server, "POST", f"/alerts/{ALERT}/resolution", json={"why": "nozzle replaced"})
    assert answer.status_code == 200, answer.text
    shown = {name: answer.json()[name] for name in ("state", "resolution", "resolved_by", "acknowledged")}
    assert shown == {
        "state": "resolved",
        "resolution": "nozzle replaced",
        "resolved_by": "api",
        "acknowledged": None,
    }
    for answer in (
        ask(server, "POST", f"/alerts/{ALERT}/resolution", json={"why": "again"}),
        acknowledge(server),
    ):
        assert problem(answer, 409) == ("path", "alert")


def test_a_silence_is_previewed_made_shown_and_ended(server: FarmServer) -> None:
    matchers = {"printer": "pru*", "severity": "critical"}
    preview = ask(server, "POST", "/silence-preview", json={"matchers": matchers})
    assert [each["id"] for each in preview.json()["items"]] == [ALERT]
    assert ask(server, "GET", "/silences").json()["items"] == []
    made = silence(server, matchers=matchers, why="new nozzle")
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == "/api/v1/silences/1"
    assert made.json()["silence"] == {
        "id": 1,
        "matchers": matchers,
        "from": rfc3339(NOW_MS),
        "until": TWO_HOURS,
        "made_at": rfc3339(NOW_MS),
        "who": "api",
        "why": "new nozzle",
        "ended_at": None,
        "state": "in_force",
    }
    assert [each["silenced"] for each in made.json()["alerts"]] == [[1]]
    assert the_alert(server)["silenced"] == [1]
    assert ask(server, "GET", "/silences/1").json() == made.json()
    assert ask(server, "GET", "/silences").json()["items"] == [made.json()["silence"]]
    ended = ask(server, "DELETE", "/silences/1", params={"why": "the nozzle is in"}).json()
    assert (ended["silence"]["state"], ended["silence"]["ended_at"], ended["alerts"]) == (
        "over",
        rfc3339(NOW_MS),
        [],
    )
    assert the_alert(server)["silenced"] == []
    assert problem(ask(server, "DELETE", "/silences/1"), 409) == ("path", "silence")
    for method in ("GET", "DELETE"):
        assert ask(server, method, "/silences/2").status_code == 404


def test_silences_come_in_pages(server: FarmServer) -> None:
    for hour in range(3):
        silence(server, **{"from": rfc3339(NOW_MS + hour * HOUR_MS)})
    ask(server, "DELETE", "/silences/1")
    assert [each["id"] for each in ask(server, "GET", "/silences").json()["items"]] == [3, 2]
    first = ask(server, "GET", "/silences", params={"over": "true", "limit": 2}).json()
    rest = ask(server, "GET", "/silences", params={"over": "true", "after": first["next"]}).json()
    shown = [(each["id"], each["state"]) for each in first["items"] + rest["items"]]
    assert shown == [(3, "waiting"), (2, "waiting"), (1, "over")]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"matchers": {}}, "matchers"),
        ({"matchers": {"colour": "red"}}, "matchers.colour.[key]"),
        ({"matchers": {"rule": ""}}, "matchers"),
        ({"matchers": {"printer": "\u0007"}}, "matchers"),
        ({"for_seconds": ""}, "until"),
        ({"until": TWO_HOURS}, "until"),
        ({"from": "soon"}, "from"),
        ({"from": TWO_HOURS, "until": TWO_HOURS, "for_seconds": ""}, "until"),
    ],
)
def test_what_is_no_silence_is_refused(server: FarmServer, body: dict[str, Any], field: str) -> None:
    assert problem(silence(server, **body), 422) == ("body", field)
    assert ask(server, "GET", "/silences", params={"over": "true"}).json()["items"] == []


def test_the_trail_tells_who_did_what_newest_first(server: FarmServer) -> None:
    acknowledge(server, note="on it")
    silence(server)
    ask(server, "POST", f"/alerts/{ALERT}/resolution", json={"why": "over"})
    items = ask(server, "GET", "/alert-actions").json()["items"]
    assert [(each["what"], each["who"], each["alert_id"], each["silence"]) for each in items] == [
        ("alert.closed", "api", ALERT, None),
        ("alert.silenced", "api", None, 1),
        ("alert.acknowledged", "api", ALERT, None),
    ]
    assert items[2]["after"]["note"] == "on it"
    assert ask(server, "GET", "/alert-actions", params={"silence": 1}).json()["items"] == items[1:2]
    page = ask(server, "GET", "/alert-actions", params={"alert": ALERT, "limit": 1}).json()
    after = ask(server, "GET", "/alert-actions", params={"alert": ALERT, "after": page["next"]}).json()
    assert page["items"] + after["items"] == [items[0], items[2]]


def test_the_live_stream_tells_it_and_shows_the_alert_as_it_stands(server: FarmServer) -> None:
    with httpx.stream("GET", f"{server.url}/api/v1/stream", timeout=20, trust_env=False) as stream:
        lines = stream.iter_lines()

        def next_of(event: str) -> Any:
            for line in lines:
                if line == f"event: {event}":
                    return json.loads(next(lines).removeprefix("data: "))
            raise AssertionError(event)

        (alert,) = next_of("snapshot")["alerts"]
        assert alert["acknowledged"] is None
        acknowledge(server, note="on it")
        told = next_of("feed")
        assert (told["kind"], told["body"]["who"], told["body"]["after"]["note"]) == (
            "alert.acknowledged",
            "api",
            "on it",
        )
        (alert,) = next_of("alerts")
        assert alert["acknowledged"]["by"] == "api"


def test_nobody_without_the_token_does_anything(ledger: Ledger) -> None:
    with serving(ledger, token=TOKEN) as server:
        assert acknowledge(server).status_code == 401
        assert silence(server).status_code == 401
        server.client.headers["Authorization"] = f"Bearer {TOKEN}"
        assert acknowledge(server).status_code == 200
