"""What the retained topics say of a printer and its job."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from collector.canonical import JOB_FIELDS, VERSION, publications, topics
from tests.unit.collector.farm import SECOND, T0, Farm, farm

START = T0 // SECOND


@pytest.fixture
def printer() -> Iterator[Farm]:
    with farm("octoprint:bay 1=octoPrint", "octoPrint") as found:
        found.hear(0, "mqtt", b"connected")
        event(found, 1, "Connected")
        yield found


def event(printer: Farm, at: int, name: str, **more: object) -> None:
    said = {"path": "vase.gcode", "_timestamp": START + at} | more
    printer.hear(at, f"event/{name}", said)


def told(printer: Farm) -> tuple[dict[str, Any], dict[str, Any]]:
    """The payloads of `state` and `job`."""
    (tracked,) = printer.pipeline.printers()
    (_, state), (_, job) = topics("main", tracked)
    return json.loads(state), json.loads(job)


def test_the_state_says_since_when_and_from_what(printer: Farm) -> None:
    printer.pipeline.commit(T0 + SECOND)
    (row,) = printer.ledger.printers()
    state, _ = told(printer)
    assert state == {
        "v": 1,
        "printer_id": row.id,
        "printer": "bay 1",
        "state": "idle",
        "since": "2026-11-18T11:06:41.000Z",
        "source": "observed",
    }


@pytest.mark.parametrize("site", ["main", "oslo"])
def test_the_site_stands_in_the_topic(printer: Farm, site: str) -> None:
    (tracked,) = printer.pipeline.printers()
    base = f"layerline/v1/{site}/printers/bay 1"
    assert [topic for topic, _ in topics(site, tracked)] == [f"{base}/state", f"{base}/job"]


def test_a_printer_without_a_job_says_that_there_is_none(printer: Farm) -> None:
    assert told(printer)[1] == {"v": 1, "job": None}


def test_a_job_under_way_is_told_with_every_field_of_the_version(printer: Farm) -> None:
    event(printer, 10, "PrintStarted", user="ann")
    state, job = told(printer)
    assert state["state"] == "printing"
    assert state["since"] == "2026-11-18T11:06:50.000Z"
    assert job["v"] == VERSION == 1
    assert tuple(job["job"]) == JOB_FIELDS
    assert job["job"] == {
        "id": printer.job.id,
        "file": "vase.gcode",
        "outcome": None,
        "cancelled_by": None,
        "cause": None,
        "detail": None,
        "started_at": "2026-11-18T11:06:50.000Z",
        "ended_at": None,
        "printing_seconds": 0.0,
        "paused_seconds": 0.0,
        "progress": None,
        "revision": 0,
    }


def test_the_last_job_stays_told_until_the_next_begins(printer: Farm) -> None:
    event(printer, 10, "PrintStarted", user="ann")
    event(printer, 70, "PrintDone", time=60.0)
    event(printer, 80, "Connected")
    printer.wait(120)
    job = told(printer)[1]["job"]
    assert (job["outcome"], job["ended_at"]) == ("succeeded", "2026-11-18T11:07:50.000Z")
    assert job["printing_seconds"] == 60.0
    event(printer, 130, "PrintStarted", user="ann", path="cup.gcode")
    job = told(printer)[1]["job"]
    assert (job["file"], job["outcome"]) == ("cup.gcode", None)


def test_a_failure_is_told_with_its_cause_and_the_printers_words(printer: Farm) -> None:
    event(printer, 10, "PrintStarted", user="ann")
    event(printer, 40, "Error", error="MAXTEMP triggered", reason="firmware")
    event(printer, 40, "PrintFailed", reason="error", time=30.0)
    printer.wait(60)
    job = told(printer)[1]["job"]
    assert (job["outcome"], job["cause"], job["detail"]) == ("failed", "thermal", "MAXTEMP triggered")
    assert job["cancelled_by"] is None


def test_a_cancel_says_who(printer: Farm) -> None:
    event(printer, 10, "PrintStarted", user="ann")
    event(printer, 40, "PrintCancelled", user="ann", time=30.0)
    printer.wait(60)
    job = told(printer)[1]["job"]
    assert (job["outcome"], job["cancelled_by"]) == ("cancelled", "person")


def published(printer: Farm) -> list[tuple[str, bool]]:
    """Every topic below the printers' that is published, and whether something stands in it."""
    (tracked,) = printer.pipeline.printers()
    base = "layerline/v1/main/printers/"
    return [(topic.removeprefix(base), bool(payload)) for topic, payload in publications("main", tracked)]


def test_a_printer_is_told_under_its_name(printer: Farm) -> None:
    assert published(printer) == [("bay 1/state", True), ("bay 1/job", True)]


def test_what_would_part_a_topic_is_no_part_of_a_name_there(printer: Farm) -> None:
    (tracked,) = printer.pipeline.printers()
    tracked.row = msgspec.structs.replace(tracked.row, name="a/b+c#d")
    assert published(printer) == [("a-b-c-d/state", True), ("a-b-c-d/job", True)]
    assert json.loads(topics("main", tracked)[0][1])["printer"] == "a/b+c#d"


@pytest.mark.parametrize("sign", ["\n", "\x1b", "\x85", "\ufdd0", "\ufffe", "\U0010ffff"])
def test_what_a_broker_cuts_us_off_for_is_no_part_of_a_topic(printer: Farm, sign: str) -> None:
    """An older release booked such names."""
    (tracked,) = printer.pipeline.printers()
    tracked.row = msgspec.structs.replace(tracked.row, name=f"bay{sign}1")
    assert published(printer) == [("bay-1/state", True), ("bay-1/job", True)]
    assert json.loads(topics("main", tracked)[0][1])["printer"] == f"bay{sign}1"


def test_what_stands_under_former_names_is_taken_away_once(printer: Farm) -> None:
    (tracked,) = printer.pipeline.printers()
    tracked.former_names = ["old", "older"]
    now = [("bay 1/state", True), ("bay 1/job", True)]
    gone = [("old/state", False), ("old/job", False), ("older/state", False), ("older/job", False)]
    assert published(printer) == gone + now
    assert published(printer) == now


def test_a_printer_that_counts_no_more_is_taken_away_under_every_name(printer: Farm) -> None:
    (tracked,) = printer.pipeline.printers()
    tracked.former_names = ["old"]
    tracked.row = msgspec.structs.replace(tracked.row, ignored=True)
    assert published(printer) == [
        ("old/state", False),
        ("old/job", False),
        ("bay 1/state", False),
        ("bay 1/job", False),
    ]
