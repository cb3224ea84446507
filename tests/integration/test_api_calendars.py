"""Calendars and planned maintenance over HTTP, from the request to the ledger and back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from farm.kpi.calendar import ShopCalendar
from farm.kpi.opening_hours import parse_week
from farm.kpi.shop_calendars import ShopCalendars
from farm.ledger.batch import Batch
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.ledger import Ledger
from farm.ledger.maintenance_store import MaintenanceStore
from farm.model.times import HOUR_MS, parse_rfc3339, rfc3339
from tests.contract.ledger_samples import SHARD, a_printer, an_id
from tests.fakes.farm_server import TOKEN, FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS
from tests.unit.kpi.test_periods import BERLIN

SEEN_MS = NOW_MS - 240 * HOUR_MS
WORK: dict[str, Any] = {"hours": {"mon": ["13:00-18:00", "08:00-12:00"], "sat": ["09:00-13:00"]}}
NIGHT = ShopCalendar(name="night", hours=parse_week("mon-fri 22:00-06:00"))


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with farm_ledger() as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=NOW_MS)
        printers = [
            a_printer("Bay1", group="Hall A", first_seen_ms=SEEN_MS),
            a_printer("Bay2", first_seen_ms=SEEN_MS),
        ]
        ledger.commit(Batch(printers=printers, booked_until_ms=NOW_MS))
        yield ledger


@pytest.fixture
def server(ledger: Ledger) -> Iterator[FarmServer]:
    """The API of a farm whose configuration file has the calendar `night`."""
    store = CalendarStore(ledger.engine, BERLIN, ShopCalendars(calendars={"night": NIGHT}))
    with serving(ledger, calendar_store=store) as server:
        yield server


def put(server: FarmServer, name: str, **body: Any) -> httpx.Response:
    return server.client.put(f"/api/v1/calendars/{name}", json={**WORK, **body})


def plan(server: FarmServer, **body: Any) -> httpx.Response:
    times = {"from": rfc3339(NOW_MS - HOUR_MS), "until": rfc3339(NOW_MS + HOUR_MS)}
    return server.client.post("/api/v1/maintenance", json={**times, **body})


def problem(answer: httpx.Response, status: int) -> tuple[str, str]:
    """The field that is at fault, and where it stands."""
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    return error["where"], error["field"]


def test_a_calendar_is_answered_as_it_was_put(server: FarmServer) -> None:
    days = [{"date": "2026-12-24", "hours": []}, {"date": "2026-12-19", "hours": ["09:00-14:00"]}]
    holidays = [{"date": "2026-12-25", "name": "Christmas Day"}]
    answer = put(
        server, "shop", exceptions=days, holidays=holidays, groups=["Hall A"], default=True, why="winter"
    )
    assert answer.status_code == 200, answer.text
    kept = server.client.get("/api/v1/calendars/shop").json()
    assert kept == answer.json()["calendar"]
    assert kept == {
        "name": "shop",
        "hours": {
            "mon": ["08:00-12:00", "13:00-18:00"],
            **{day: [] for day in ("tue", "wed", "thu", "fri", "sun")},
            "sat": ["09:00-13:00"],
        },
        "exceptions": days[::-1],
        "holidays": holidays,
        "time_zone": "Europe/Berlin",
        "groups": ["Hall A"],
        "default": True,
        "kept_in": "ledger",
        "version": 1,
    }


def test_the_answer_says_what_was_changed_and_from_when(server: FarmServer) -> None:
    assert put(server, "shop").json()["restates_from"] is None
    answer = put(server, "shop", default=True, why="winter").json()
    assert SEEN_MS <= parse_rfc3339(answer["restates_from"]) < NOW_MS
    (change,) = answer["changes"]
    assert (change["what"], change["who"], change["why"]) == ("calendar.assigned", "api", "winter")
    assert (change["before"], change["after"]) == (
        {"group": None, "calendar": None},
        {"group": None, "calendar": "shop"},
    )


def test_the_calendars_of_file_and_ledger_are_listed_by_name(server: FarmServer) -> None:
    put(server, "shop")
    items = server.client.get("/api/v1/calendars").json()["items"]
    assert [(each["name"], each["kept_in"], each["version"]) for each in items] == [
        ("night", "file", None),
        ("shop", "ledger", 1),
    ]


def test_a_calendar_of_the_file_is_changed_there_alone(server: FarmServer) -> None:
    assert problem(put(server, "night"), 409) == ("path", "calendar")
    refused = server.client.delete("/api/v1/calendars/night")
    assert problem(refused, 409) == ("path", "calendar")
    assert "the configuration file" in refused.json()["detail"]


def test_a_version_that_is_not_the_present_one_is_refused(server: FarmServer) -> None:
    assert put(server, "shop", version=0).status_code == 200
    assert problem(put(server, "shop", version=0, hours={}), 409) == ("body", "version")
    assert put(server, "shop", version=1, hours={}).json()["calendar"]["version"] == 2


def test_a_calendar_that_was_removed_is_gone_but_for_its_trail(server: FarmServer) -> None:
    put(server, "shop", default=True)
    answer = server.client.delete("/api/v1/calendars/shop", params={"why": "moved"}).json()
    assert answer["calendar"] is None
    assert [each["what"] for each in answer["changes"]] == ["calendar.assigned", "calendar.removed"]
    for method in ("GET", "DELETE"):
        assert server.client.request(method, "/api/v1/calendars/shop").status_code == 404
    page = server.client.get("/api/v1/calendars/shop/changes", params={"limit": 3}).json()
    rest = server.client.get("/api/v1/calendars/shop/changes", params={"after": page["next"]}).json()
    whats = [each["what"] for each in page["items"] + rest["items"]]
    assert whats == ["calendar.removed", "calendar.assigned", "calendar.assigned", "calendar.set"]
    assert rest["next"] is None
    assert page["items"][0]["why"] == "moved"
    assert server.client.get("/api/v1/calendars/night/changes").json()["items"] == []
    assert server.client.get("/api/v1/calendars/ship/changes").status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("shop", {"hours": {"mon": ["8-18"]}}, ("body", "hours.mon")),
        ("shop", {"hours": {"mon": ["22:00-06:00"]}}, ("body", "hours.mon")),
        ("shop", {"hours": {"mon": ["08:00-12:00", "11:00-13:00"]}}, ("body", "hours.mon")),
        ("shop", {"hours": {"monday": []}}, ("body", "hours.monday.[key]")),
        ("shop", {"exceptions": [{"date": "2026-02-30"}]}, ("body", "exceptions")),
        ("shop", {"exceptions": [{"date": "soon"}]}, ("body", "exceptions.0.date")),
        ("shop", {"exceptions": [{"date": "2026-12-24"}] * 2}, ("body", "exceptions")),
        ("shop", {"holidays": [{"date": "2026-12-25", "name": " "}]}, ("body", "holidays.2026-12-25")),
        ("shop", {"groups": ["Hall"]}, ("body", "group")),
        ("shop", {"open": True}, ("body", "open")),
        ("%20shop", {}, ("path", "calendar")),
        ("x" * 65, {}, ("path", "calendar")),
    ],
    ids=str,
)
def test_what_is_no_calendar_is_refused_by_its_field(
    server: FarmServer, ledger: Ledger, name: str, body: dict[str, Any], field: tuple[str, str]
) -> None:
    assert problem(put(server, name, **body), 422) == field
    assert CalendarTrail(ledger.engine).changes().changes == []


@pytest.mark.parametrize(
    "wrong", [{"version": False}, {"version": "0"}, {"version": 0.0}, {"default": 1}, {"default": "yes"}]
)
def test_what_is_only_like_a_number_or_a_yes_is_refused(server: FarmServer, wrong: dict[str, Any]) -> None:
    assert problem(put(server, "shop", **wrong), 422) == ("body", *wrong)


def test_a_reason_in_the_address_is_at_fault_there(server: FarmServer) -> None:
    assert put(server, "shop").status_code == 200
    answer = server.client.delete("/api/v1/calendars/shop", params={"why": "a\x01b"})
    assert problem(answer, 422) == ("query", "why")


def test_work_is_planned_and_answered(server: FarmServer, ledger: Ledger) -> None:
    answer = plan(server, printer="Bay1", why="new nozzle")
    assert answer.status_code == 201, answer.text
    work = answer.json()["maintenance"]
    assert server.client.get(answer.headers["location"]).json() == work
    assert work == {
        "id": 1,
        "printer_id": an_id("Bay1"),
        "printer": "Bay1",
        "group": None,
        "from": rfc3339(NOW_MS - HOUR_MS),
        "until": rfc3339(NOW_MS + HOUR_MS),
        "planned_at": rfc3339(NOW_MS),
        "who": "api",
        "why": "new nozzle",
        "withdrawn_at": None,
    }
    assert answer.json()["restates_from"] == work["from"]
    assert MaintenanceStore(ledger.engine).standing()[0].printer_id == an_id("Bay1")


def test_withdrawn_work_is_listed_when_asked_for(server: FarmServer) -> None:
    plan(server, printer=an_id("Bay1"))
    plan(server, group="Hall A")
    plan(server)
    answer = server.client.delete("/api/v1/maintenance/3", params={"why": "later"}).json()
    assert answer["maintenance"]["withdrawn_at"] == rfc3339(NOW_MS)
    assert answer["changes"][0]["why"] == "later"
    assert problem(server.client.delete("/api/v1/maintenance/3"), 409) == ("path", "maintenance")
    assert server.client.delete("/api/v1/maintenance/4").status_code == 404

    def listed(**query: Any) -> list[int]:
        return [each["id"] for each in server.client.get("/api/v1/maintenance", params=query).json()["items"]]

    assert listed() == [2, 1]
    assert listed(withdrawn=True) == [3, 2, 1]
    assert listed(printer="Bay1") == [2, 1]
    assert listed(printer="Bay2", withdrawn=True) == [3]
    assert listed(group="Hall A") == [2]
    assert listed(since=rfc3339(NOW_MS + HOUR_MS)) == []
    assert listed(until=rfc3339(NOW_MS)) == [2, 1]
    page = server.client.get("/api/v1/maintenance", params={"limit": 1}).json()
    assert listed(after=page["next"]) == [1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"printer": "Bay9"}, ("body", "printer")),
        ({"group": "Hall"}, ("body", "group")),
        ({"printer": "Bay1", "group": "Hall A"}, ("body", "group")),
        ({"from": "soon"}, ("body", "from")),
        ({"until": rfc3339(NOW_MS - HOUR_MS)}, ("body", "until")),
        ({"from": "1980-01-01T00:00:00Z"}, ("body", "from")),
        ({"who": "olga"}, ("body", "who")),
    ],
    ids=str,
)
def test_work_that_cannot_be_is_refused_by_its_field(
    server: FarmServer, body: dict[str, Any], field: tuple[str, str]
) -> None:
    assert problem(plan(server, **body), 422) == field
    assert server.client.get("/api/v1/maintenance").json()["items"] == []


def test_nobody_changes_anything_without_the_token(ledger: Ledger) -> None:
    with serving(ledger, token=TOKEN) as server:
        assert put(server, "shop").status_code == 401
        assert plan(server).status_code == 401
        for path in ("calendars/shop", "maintenance/1"):
            assert server.client.delete(f"/api/v1/{path}").status_code == 401
    assert CalendarTrail(ledger.engine).changes().changes == []
