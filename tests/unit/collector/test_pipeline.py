"""Which printers there are, since when, and what the configuration makes of them."""

import json

import pytest
from sqlalchemy import delete

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.printers.registry import PrinterRegistry
from collector.settings import CollectorSettings, parse_source
from farm.ledger import schema
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.printer import Address
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, rfc3339
from farm.settings import PrinterSettings, SiteSettings

T0 = 1_795_000_000_000
ONLINE = b"online"


def pipeline(ledger: Ledger, *labels: PrinterSettings, **settings: object) -> Pipeline:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    sources = SourceTable([parse_source("native=farm/{printer}"), parse_source("octoprint:bay1=octo")])
    return Pipeline(ledger, sources, printers=labels, settings=CollectorSettings.model_validate(settings))


def test_what_the_broker_kept_is_first_seen_now_even_before_the_backlog_is_drained() -> None:
    with open_ledger("sqlite://") as ledger:
        first = pipeline(ledger)
        first.take("farm/p1/link", ONLINE, False, T0)
        first.commit(T0)
        later = pipeline(ledger)
        later.take("farm/p2/link", ONLINE, True, T0 + 3 * DAY_MS, False)
        later.commit(T0 + 3 * DAY_MS)
        seen = {printer.name: printer.first_seen_ms for printer in ledger.printers()}
    assert seen == {"p1": T0, "p2": T0 + 3 * DAY_MS}


@pytest.mark.parametrize("began_ms", [T0, T0 + 30 * SECOND_MS])
def test_a_queue_that_meets_an_empty_ledger_is_placed_by_the_printers_own_time(began_ms: int) -> None:
    """So it goes with a new database behind a broker that kept an hour of messages."""
    now = T0 + HOUR_MS
    said = [(began_ms, "job_started"), (began_ms + 20 * MINUTE_MS, "job_succeeded")]
    with open_ledger("sqlite://") as ledger:
        first = pipeline(ledger)
        first.take("octo/event/PrintStarted", b"{}", False, now, False)
        for at_ms, event in said:
            payload = {"v": 1, "at": rfc3339(at_ms), "event": event, "job": {"file": "ring.ctb"}}
            first.take("farm/p1/event", json.dumps(payload).encode(), False, now, False)
        first.commit(now)
        seen = {printer.name: printer.first_seen_ms for printer in ledger.printers()}
        (job,) = [job for job in ledger.jobs(JobFilter()).jobs if job.file == "ring.ctb"]
    assert seen == {"bay1": now, "p1": began_ms}
    assert (job.started_ms, job.ended_ms) == (began_ms, began_ms + 20 * MINUTE_MS)


@pytest.mark.parametrize("at", ["", '"at":"2024-01-01T00:00:00Z",'])
def test_a_queued_message_that_tells_no_time_that_can_be_is_first_seen_now(at: str) -> None:
    with open_ledger("sqlite://") as ledger:
        first = pipeline(ledger)
        first.take("farm/p1/state", f'{{"v":1,{at}"state":"idle","job":null}}'.encode(), False, T0, False)
        first.commit(T0)
        (printer,) = ledger.printers()
    assert printer.first_seen_ms == T0


def test_a_printer_without_a_checkpoint_keeps_its_row_and_its_first_sight() -> None:
    with open_ledger("sqlite://") as ledger:
        first = pipeline(ledger)
        first.take("farm/p1/link", ONLINE, False, T0)
        first.commit(T0)
        with ledger.engine.begin() as connection:
            connection.execute(delete(schema.checkpoint))
        later = pipeline(ledger)
        later.take("farm/p1/link", ONLINE, False, T0 + DAY_MS)
        later.commit(T0 + DAY_MS)
        (printer,) = ledger.printers()
        spans = ledger.spans(T0, T0 + DAY_MS)
    assert (printer.name, printer.first_seen_ms) == ("p1", T0)
    assert sum((span.to_ms or 0) - span.from_ms for span in spans) == DAY_MS


def test_labels_come_from_the_configuration_by_topic_or_by_name() -> None:
    by_topic = PrinterSettings(name="Left", topic="farm/p1", group="hall A", model="MK4")
    by_name = PrinterSettings(name="p2", rename="Right", group="hall B")
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger, by_topic, by_name)
        found.take("farm/p1/link", ONLINE, False, T0)
        found.take("farm/p2/link", ONLINE, False, T0)
        found.commit(T0)
        labels = {(p.name, p.group, p.model) for p in ledger.printers()}
    assert labels == {("Left", "hall A", "MK4"), ("Right", "hall B", None)}


def test_an_ignored_printer_books_nothing() -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger, PrinterSettings(name="p1", ignored=True))
        found.take("farm/p1/event", b'{"v":1,"event":"job_started","job":{"id":"a"}}', False, T0)
        found.commit(T0)
        assert ledger.printers() == []
        assert ledger.open_jobs() == []


def test_two_printers_of_one_name_are_told_apart() -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.take("farm/bay1/link", ONLINE, False, T0)
        found.take("octo/mqtt", b"connected", False, T0)
        found.commit(T0)
        assert [printer.name for printer in ledger.printers()] == ["bay1", "bay1 (octoprint)"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"accept_new_printers": False}, "unknown_printer"), ({"max_printers": 1}, "too_many_printers")],
)
def test_newcomers_can_be_kept_out(settings: dict[str, object], reason: str) -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger, PrinterSettings(name="p1"), **settings)
        found.take("farm/p1/link", ONLINE, False, T0)
        found.take("farm/p2/link", ONLINE, False, T0)
        found.commit(T0)
        assert [printer.name for printer in ledger.printers()] == ["p1"]
        assert [fault.reason for fault in ledger.faults()] == [reason]


@pytest.mark.parametrize("name", ["a+b", "#", "x" * 101, "a\tb", "a\0b", "\ud800", "\u202egnp"])
def test_a_level_that_can_be_no_name_makes_no_printer(name: str) -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.take(f"farm/{name}/link", ONLINE, False, T0)
        found.take("farm/p1/link", ONLINE, False, T0)
        found.commit(T0)
        assert [printer.name for printer in ledger.printers()] == ["p1"]
        assert [fault.reason for fault in ledger.faults()] == ["bad_printer_name"]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("farm/p1/state", b"not json at all", "not_json"),
        ("farm/p1/link", b"hello", "wrong_shape"),
        ("octo/event/PrintDone", b"[1, 2]", "wrong_shape"),
    ],
)
def test_what_cannot_be_read_makes_no_printer(topic: str, payload: bytes, reason: str) -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        for at in (T0, T0 + 1):
            found.take(topic, payload, False, at)
        found.take("octo/event/PausedForUser", b"{}", True, T0)
        found.commit(T0)
        assert ledger.printers(everything=True) == []
        assert [(fault.reason, fault.count) for fault in ledger.faults()] == [(reason, 2)]


def test_names_stay_within_the_column_where_the_adapter_is_added() -> None:
    registry = PrinterRegistry(SiteSettings(), [], CollectorSettings())
    addresses = [Address("main", "octoprint", f"octo/{number}") for number in range(3)]
    names = [registry.newcomer("n" * 128, address, T0).name for address in addresses]
    assert names == ["n" * 128, "n" * 116 + " (octoprint)", "n" * 114 + " (octoprint 3)"]


def test_what_is_counted_of_a_source_with_a_long_topic_can_be_kept() -> None:
    topic = "t" * 400
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        found = Pipeline(
            ledger, SourceTable([parse_source(f"native={topic}"), parse_source(f"octoprint={topic}2")])
        )
        found.take(f"{topic}/state", b"{nope", False, T0)
        found.take(f"{topic}2/event/Error", b"{nope", False, T0)
        found.commit(T0)
        assert [len(fault.source) <= 255 for fault in ledger.faults()] == [True, True]
