"""No message stops the collector, and none that could not be digested leaves a trace in the state."""

import json
import logging
import tracemalloc
from typing import Any

import pytest

from collector.adapters import adapter
from collector.adapters.base import Reading
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.errors import LedgerUnreachable
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.schema import rejected_message
from farm.model.observation import Observation
from farm.model.states import PrinterState
from farm.model.times import rfc3339

T0 = 1_795_000_000_000
BAD = b'{"v": 1, "state": "bang"}'


class Raising:
    """The native adapter, which stumbles over some payloads in mid-work."""

    def __init__(self) -> None:
        self._adapter = adapter("native")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def read(self, memory: Any, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        if payload == BAD:
            memory.state = PrinterState.ERROR
            raise RecursionError("too deep")
        if payload == b"half":
            seen = Observation(time_ms=T0 + 5_000, state=PrinterState.ERROR)
            return Reading(T0 + 5_000, (seen, None))  # type: ignore[arg-type]
        return self._adapter.read(memory, suffix, payload, retained)


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.intake.sources.adapter", lambda _kind: Raising())


def pipeline(ledger: Ledger) -> Pipeline:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    return Pipeline(ledger, SourceTable([parse_source("native=farm/{printer}")]))


def idle(at: int) -> bytes:
    return json.dumps({"v": 1, "at": rfc3339(at), "state": "idle"}).encode()


@pytest.mark.usefixtures("raising")
@pytest.mark.parametrize("bad", [BAD, b"half"])
def test_a_message_that_meets_an_unforeseen_error_is_counted_kept_and_forgotten(bad: bytes) -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.take("farm/p1/state", idle(T0), False, T0)
        found.commit(T0)
        before = ledger.checkpoints(), ledger.sessions(), ledger.spans(T0, T0 + 9_000), ledger.feed_head()
        found.take("farm/p1/state", bad, False, T0 + 5_000)
        found.commit(T0)
        after = ledger.checkpoints(), ledger.sessions(), ledger.spans(T0, T0 + 9_000), ledger.feed_head()
        assert after == before
        assert [(f.source, f.reason, f.count) for f in ledger.faults()] == [
            ("native=farm/{printer}", "internal_error", 1)
        ]
        with ledger.engine.connect() as connection:
            (kept,) = connection.execute(rejected_message.select()).mappings()
        assert (kept["topic"], kept["payload"], kept["size"]) == ("farm/p1/state", bad, len(bad))
        assert kept["detail"].startswith(("RecursionError: too deep", "AttributeError: "))
        found.take("farm/p1/state", idle(T0 + 6_000), False, T0 + 6_000)
        found.commit(T0 + 6_000)
        assert [session.heard_ms for session in ledger.sessions()] == [T0 + 6_000]


@pytest.mark.usefixtures("raising")
def test_the_same_kind_of_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with open_ledger("sqlite://") as ledger, caplog.at_level(logging.ERROR):
        found = pipeline(ledger)
        for _ in range(50):
            found.take("farm/p1/state", BAD, False, T0)
        found.commit(T0)
        (fault,) = ledger.faults()
    assert fault.count == 50
    (record,) = caplog.records
    assert record.exc_info is not None


@pytest.mark.usefixtures("raising")
def test_of_a_large_message_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    large = b"x" * 200_000
    monkeypatch.setattr(Raising, "read", lambda *_: 1 // 0)
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.take("farm/p1/state", large, False, T0)
        found.commit(T0)
        with ledger.engine.connect() as connection:
            (kept,) = connection.execute(rejected_message.select()).mappings()
    assert (kept["size"], kept["payload"]) == (200_000, large[: 64 * 1024])


def test_what_the_ledger_raises_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.take("farm/p1/state", idle(T0), False, T0)
        found.take("farm/p1/state", b'{"v": 1, "state": "error"}', False, T0 + 60_000)

        def gone(*_: object) -> None:
            raise LedgerUnreachable("gone")

        monkeypatch.setattr(ledger, "evidence_cut", gone)
        with pytest.raises(LedgerUnreachable):
            found.take(
                "farm/p1/event",
                json.dumps(
                    {"v": 1, "at": rfc3339(T0 + 9_000), "event": "job_started", "job": {"id": "a"}}
                ).encode(),
                False,
                T0 + 61_000,
            )


def test_topics_as_long_as_mqtt_allows_take_no_room_for_good() -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.take("farm/p1/state", idle(T0), False, T0)
        tracemalloc.start()
        try:
            for number in range(200):
                found.take(f"farm/p1/{number}{'x' * 65_000}", b"1", False, T0)
            found.commit(T0)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 2_000_000, "200 of them are 13 MB"


def test_of_a_long_topic_the_beginning_is_kept() -> None:
    with open_ledger("sqlite://") as ledger:
        found = pipeline(ledger)
        found.put_aside(f"farm/p1/{'x' * 65_000}", BAD, "internal_error", T0, "x")
        found.commit(T0)
        (kept,) = ledger.rejected_messages(10)
        assert kept.topic == f"farm/p1/{'x' * 992}"
