"""A printer heard under several addresses: one tracker, one account, and a clock for each address."""

import json

import pytest
from pydantic import ValidationError

from collector.intake import addresses as known_addresses
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.printer import Address
from farm.model.states import PrinterState
from farm.model.times import rfc3339
from farm.settings import PrinterSettings

T0 = 1_795_000_000_000
SECOND, MINUTE = 1_000, 60_000
SOURCES = [parse_source("native=farm/{printer}"), parse_source("moonraker={printer}")]
BOTH = PrinterSettings(name="Left", topics=("farm/p1", "k1"))


def open_pipeline(ledger: Ledger, *labels: PrinterSettings) -> Pipeline:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    return Pipeline(ledger, SourceTable(SOURCES), printers=labels)


def native(at: int, **said: object) -> bytes:
    return json.dumps({"v": 1, "at": rfc3339(at)} | said).encode()


def klipper(eventtime: float, **stats: object) -> bytes:
    return json.dumps({"eventtime": eventtime, "status": {"print_stats": stats}}).encode()


PRINTING = {"filename": "a.gcode", "state": "printing", "total_duration": 30, "print_duration": 20}
IDLE = {"filename": "", "state": "standby", "message": "", "filament_used": 0, "total_duration": 0}


def addresses(ledger: Ledger) -> dict[str, list[str]]:
    return {p.name: [address.prefix for address in found] for p, found in ledger.known_printers()}


def test_two_configured_topics_are_one_printer() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("farm/p1/state", native(T0, state="idle"), False, T0)
        found.take("k1/klipper/status", klipper(100, **IDLE), False, T0 + SECOND)
        found.commit(T0 + SECOND)
        assert addresses(ledger) == {"Left": ["k1", "farm/p1"]}
        assert len(ledger.sessions()) == 2
        assert len(ledger.checkpoints()) == 1


def test_telemetry_writes_the_session_and_no_checkpoint() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger)
        found.take("farm/p1/state", native(T0, state="idle"), False, T0)
        found.commit(T0)
        before = ledger.checkpoints()
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM checkpoint")
        found.take("farm/p1/telemetry", native(T0 + SECOND, bed=60), False, T0 + SECOND)
        found.commit(T0 + SECOND)
        assert before
        assert ledger.checkpoints() == []
        assert [session.heard_ms for session in ledger.sessions()] == [T0 + SECOND]


def test_a_printer_is_silent_only_when_all_its_addresses_are() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("k1/klipper/status", klipper(100, **IDLE), False, T0)
        found.take("farm/p1/state", native(T0, state="idle"), False, T0)
        for beat in range(1, 5):
            now = T0 + beat * MINUTE
            found.tick(now)
            found.take("farm/p1/telemetry", native(now, bed=60), False, now)
        found.commit(T0 + 4 * MINUTE)
        assert [status.state for status in ledger.statuses()] == [PrinterState.IDLE]
        found.tick(T0 + 20 * MINUTE)
        found.commit(T0 + 20 * MINUTE)
        (last,) = [
            span
            for span in ledger.spans(T0, T0 + 20 * MINUTE)
            if span.state == "unknown" and span.from_ms > T0
        ]
        assert last.from_ms == T0 + 4 * MINUTE


def test_a_silent_printer_is_so_by_the_limit_of_the_address_heard_last() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("farm/p1/state", native(T0, state="idle"), False, T0)
        found.take("k1/klipper/status", klipper(100, **IDLE), False, T0 + SECOND)
        found.tick(T0 + 40 * SECOND)
        found.commit(T0 + 40 * SECOND)
        assert [status.state for status in ledger.statuses()] == [PrinterState.UNKNOWN]


def test_what_the_broker_kept_is_no_word_by_which_a_printer_speaks_seldom() -> None:
    """Restarts of ours one after another: each time the broker hands over once more what it keeps."""
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("k1/moonraker/status", b'{"server": "online"}', False, T0)
        found.take("k1/klipper/status", klipper(100, **PRINTING), False, T0 + SECOND)
        found.tick(T0 + 32 * SECOND)
        for restart in range(1, 6):
            now = T0 + restart * 40 * SECOND
            found.take("k1/moonraker/status", b'{"server": "online"}', True, now)
            found.tick(now + 31 * SECOND)
        found.commit(T0 + 5 * MINUTE)
        assert [(status.state, status.since_ms) for status in ledger.statuses()] == [
            (PrinterState.UNKNOWN, T0 + SECOND)
        ]


def test_a_link_that_breaks_takes_no_printer_offline_that_speaks_under_another_address() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("farm/p1/link", b"online", False, T0)
        found.take("farm/p1/state", native(T0, state="idle"), False, T0)
        found.take("k1/klipper/status", klipper(100, **IDLE), False, T0 + SECOND)
        found.take("farm/p1/link", b"offline", False, T0 + 2 * SECOND)
        found.commit(T0 + 2 * SECOND)
        assert [status.state for status in ledger.statuses()] == [PrinterState.IDLE]
        found.take("k1/klipper/status", klipper(110, message=""), False, T0 + 11 * SECOND)
        found.take("k1/moonraker/status", b'{"server": "offline"}', False, T0 + 12 * SECOND)
        found.commit(T0 + 12 * SECOND)
        assert [status.state for status in ledger.statuses()] == [PrinterState.OFFLINE]


def test_a_link_that_breaks_takes_a_printer_offline_whose_other_address_is_silent() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("k1/klipper/status", klipper(100, **IDLE), False, T0)
        found.take("farm/p1/link", b"online", False, T0)
        found.take("farm/p1/state", native(T0 + 2 * MINUTE, state="idle"), False, T0 + 2 * MINUTE)
        found.take("farm/p1/link", b"offline", False, T0 + 3 * MINUTE)
        found.commit(T0 + 3 * MINUTE)
        assert [status.state for status in ledger.statuses()] == [PrinterState.OFFLINE]


def test_a_clock_that_is_learnt_moves_only_what_its_own_address_told() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        now = T0 + 60 * MINUTE
        job = {"id": "a", "file": "a.gcode"}
        found.take("farm/p1/state", native(T0, state="idle"), False, T0, False)
        found.take("farm/p1/event", native(T0 + MINUTE, event="job_started", job=job), False, now, False)
        found.take(
            "farm/p1/event", native(T0 + 9 * MINUTE, event="job_succeeded", job=job), False, now, False
        )
        found.take("k1/klipper/status", klipper(1000, **IDLE), False, now, False)
        found.take("k1/klipper/status", klipper(1600, message=""), False, now, True)
        found.commit(now)
        (job_row,) = ledger.jobs(JobFilter()).jobs
        assert (job_row.started_ms, job_row.ended_ms) == (T0 + MINUTE, T0 + 9 * MINUTE)


def test_a_new_topic_for_a_known_name_moves_the_printer_there_with_its_history() -> None:
    with open_ledger("sqlite://") as ledger:
        first = open_pipeline(ledger, PrinterSettings(name="Left", topic="farm/p1"))
        first.take("farm/p1/state", native(T0, state="idle"), False, T0)
        first.commit(T0)
        (before,) = ledger.printers()
        later = open_pipeline(ledger, PrinterSettings(name="Left", topic="farm/p9"))
        later.take("farm/p9/state", native(T0 + MINUTE, state="idle"), False, T0 + MINUTE)
        later.commit(T0 + MINUTE)
        assert [printer.id for printer in ledger.printers()] == [before.id]


def test_an_address_that_a_printer_left_is_a_new_printer() -> None:
    with open_ledger("sqlite://") as ledger:
        first = open_pipeline(ledger, PrinterSettings(name="Left", topic="farm/p1"))
        first.take("farm/p1/state", native(T0, state="idle"), False, T0)
        first.commit(T0)
        later = open_pipeline(ledger, PrinterSettings(name="Left", topic="farm/p9"))
        for prefix in ("farm/p9", "farm/p1"):
            later.take(f"{prefix}/state", native(T0 + MINUTE, state="idle"), False, T0 + MINUTE)
        later.commit(T0 + MINUTE)
        assert addresses(ledger) == {"Left": ["farm/p9"], "p1": ["farm/p1"]}
        again = open_pipeline(ledger, PrinterSettings(name="Left", topic="farm/p9"))
        again.take("farm/p1/state", native(T0 + 2 * MINUTE, state="idle"), False, T0 + 2 * MINUTE)
        again.commit(T0 + 2 * MINUTE)
        assert addresses(ledger) == {"Left": ["farm/p9"], "p1": ["farm/p1"]}


def test_an_address_joins_a_printer_that_has_jobs_and_its_former_printer_falls_silent() -> None:
    with open_ledger("sqlite://") as ledger:
        first = open_pipeline(ledger)
        first.take("farm/p1/state", native(T0, state="idle"), False, T0)
        first.take("farm/p2/state", native(T0, state="idle"), False, T0)
        first.commit(T0)
        later = open_pipeline(ledger, PrinterSettings(name="p1", topics=("farm/p1", "farm/p2")))
        later.take("farm/p2/state", native(T0 + MINUTE, state="idle"), False, T0 + MINUTE)
        later.tick(T0 + 2 * MINUTE)
        later.commit(T0 + 2 * MINUTE)
        assert addresses(ledger) == {"p1": ["farm/p1", "farm/p2"], "p2": []}
        by_name = {status.printer.name: status.state for status in ledger.statuses()}
        assert by_name == {"p1": PrinterState.IDLE, "p2": PrinterState.UNKNOWN}


def test_a_new_group_is_told_to_those_who_follow() -> None:
    with open_ledger("sqlite://") as ledger:
        first = open_pipeline(ledger)
        first.take("farm/p1/state", native(T0, state="idle"), False, T0)
        first.commit(T0)
        open_pipeline(ledger, PrinterSettings(name="p1", group="hall A")).commit(T0)
        assert [p.group for p in ledger.printers()] == ["hall A"]
        assert [entry.kind for entry in ledger.feed(0, 100)][-1] == "printer.changed"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"topic": "a", "topics": ["b"]}, "not both"),
        ({"topics": ["a", "a/"]}, "twice"),
        ({"topics": ["a/#"]}, "must not hold '#'"),
        ({"topics": ["a"], "rename": "b"}, "not both"),
    ],
)
def test_topics_that_cannot_be_meant_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PrinterSettings.model_validate({"name": "Left"} | settings)


def test_a_session_is_known_by_its_address_and_not_by_its_printer() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger, BOTH)
        found.take("farm/p1/state", native(T0, state="idle"), False, T0)
        assert [s.address for s in found.sessions_taken_in()] == [Address("main", "native", "farm/p1")]


def test_a_topic_longer_than_a_farm_needs_is_counted_and_not_remembered() -> None:
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger)
        found.take("k1/klipper/status", klipper(100, **IDLE), False, T0)
        for number in range(3):
            found.take(f"k1/klipper/state/{'x' * 60_000}/{number}", b"{}", False, T0)
        found.commit(T0)
        assert list(found._book.routes) == ["k1/klipper/status"]
        (fault,) = ledger.faults()
        assert (fault.reason, fault.count) == ("topic_too_long", 3)
        assert len(fault.sample or "") < 300


def test_topics_are_remembered_up_to_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_addresses, "ROUTES_BYTES", 20_000)
    with open_ledger("sqlite://") as ledger:
        found = open_pipeline(ledger)
        for number in range(500):
            found.take(f"k1/klipper/state/{'x' * 700}/{number}", b'{"eventtime": 1, "value": 1}', False, T0)
            assert sum(map(len, found._book.routes)) < 20_000
