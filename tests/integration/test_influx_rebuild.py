"""A bucket fills an empty ledger, and every indicator comes out as it was."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from farm.errors import LedgerError
from farm.influx.client import InfluxServer
from farm.influx.rebuild import rebuild
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.feed import FeedEntry, FeedKind
from farm.model.states import Outcome, PrinterState, Provenance, RejectionReason
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from farm.model.verdict import Inspection
from farm.settings import SiteSettings
from tests.contract.ledger_samples import aliased_job
from tests.figures import kpi_engine
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_server import InfluxForTests, influx_for_tests


@pytest.fixture(scope="module")
def influx() -> Iterator[InfluxForTests]:
    with influx_for_tests() as server:
        yield server


@pytest.fixture
def farm() -> Iterator[BookedFarm]:
    with open_ledger("sqlite://") as ledger:
        yield BookedFarm(ledger, printers=5)


def ship(farm: BookedFarm, settings: InfluxSettings) -> None:
    clock = HandedClock()
    sender = Sender(farm.ledger.engine, settings, clock)
    empty_outbox(sender, farm.ledger, clock)
    sender.close()


def figures(ledger: Ledger, now_ms: int) -> list[object]:
    engine = kpi_engine(ledger, SiteSettings())
    windows = [
        Window("all", START, START + 2 * DAY_MS),
        Window("morning", START + 90 * MINUTE_MS, START + 9 * HOUR_MS),
        Window("hour", START + 3 * HOUR_MS, START + 4 * HOUR_MS),
    ]
    return [
        msgspec.to_builtins(figure)
        for scope in Scope
        for figure in engine.evaluate_all(None, windows, scope, now_ms)
    ]


def eventful_day(farm: BookedFarm) -> None:
    """A day with everything that is revised, taken back or told twice."""
    farm.a_day()
    first, second, third = farm.printers[:3]
    failed = farm.ledger.last_terminal_jobs(first.id, 10)[-2]
    better = msgspec.structs.replace(
        failed, outcome=Outcome.SUCCEEDED, cause=None, provenance=Provenance.PERSON, revision=1
    )
    farm.tell_job(FeedKind.JOB_REVISED, better, farm.now_ms)
    last = farm.ledger.last_terminal_jobs(second.id, 1)[0]
    moved = msgspec.structs.replace(last, ended_ms=(last.ended_ms or 0) - HOUR_MS, revision=1)
    farm.tell_job(FeedKind.JOB_REVISED, moved, farm.now_ms)
    gone = farm.ledger.last_terminal_jobs(third.id, 1)
    farm.replay(
        third,
        START + 16 * HOUR_MS,
        [(PrinterState.OFFLINE, START + 16 * HOUR_MS), (PrinterState.IDLE, START + 17 * HOUR_MS)],
        withdrawn=gone,
    )
    retired = msgspec.structs.replace(farm.printers[4], retired_ms=START + 12 * HOUR_MS, name="old one")
    farm.book(
        printers=[retired],
        feed=[FeedEntry(kind=FeedKind.PRINTER_CHANGED, at_ms=farm.now_ms, printer_id=retired.id)],
    )


def test_every_indicator_comes_out_as_it_was(
    influx: InfluxForTests, farm: BookedFarm, tmp_path: Path
) -> None:
    eventful_day(farm)
    settings = influx.settings()
    ship(farm, settings)
    with InfluxServer(settings) as server, open_ledger(f"sqlite:///{tmp_path}/again.db") as again:
        rebuilt = rebuild(server, again)
        assert figures(again, farm.now_ms) == figures(farm.ledger, farm.now_ms)
        assert (rebuilt.printers, rebuilt.jobs) == (5, 24)
        assert rebuilt.known_until_ms == farm.now_ms


def test_jobs_printers_and_addresses_come_back_whole(influx: InfluxForTests, farm: BookedFarm) -> None:
    eventful_day(farm)
    settings = influx.settings()
    ship(farm, settings)
    with InfluxServer(settings) as server, open_ledger("sqlite://") as again:
        rebuild(server, again)
        assert again.known_printers() == farm.ledger.known_printers()
        for printer in farm.printers:
            before = farm.ledger.last_terminal_jobs(printer.id, 100)
            assert again.last_terminal_jobs(printer.id, 100) == before
            for job in before:
                known_as = ("history", str(job.started_ms))
                assert aliased_job(again, printer.id, *known_as) == job


def test_verdicts_come_back_with_their_trail(influx: InfluxForTests, farm: BookedFarm) -> None:
    farm.a_day()
    first, second = (farm.ledger.last_terminal_jobs(printer.id, 1)[0].id for printer in farm.printers[:2])
    store = VerdictStore(farm.ledger.engine)
    rejected = Inspection(job_id=first, good_units=0, reason=RejectionReason.WARPING, note='corner "up"')
    store.give([rejected, Inspection(job_id=second, rejected_units=0)], who="olga", now_ms=farm.now_ms)
    store.give([Inspection(job_id=first, rejected_units=0)], who="paul", now_ms=farm.now_ms + 5)
    store.withdraw([second], who="olga", now_ms=farm.now_ms + 5)
    settings = influx.settings()
    ship(farm, settings)
    with InfluxServer(settings) as server, open_ledger("sqlite://") as again:
        rebuild(server, again)
        rebuilt = VerdictStore(again.engine)
        assert [rebuilt.trail(job_id) for job_id in (first, second)] == [
            store.trail(job_id) for job_id in (first, second)
        ]
        assert rebuilt.verdicts([first, second]) == store.verdicts([first, second])
        assert [entry.kind for entry in again.feed(0, 10)] == []


def test_a_job_under_way_ends_unknown_where_the_bucket_ends(influx: InfluxForTests, farm: BookedFarm) -> None:
    job = farm.job(farm.printers[0], START + HOUR_MS, START + 2 * HOUR_MS, Outcome.SUCCEEDED)
    begun = msgspec.structs.replace(job, id="under-way", ended_ms=None, outcome=None, provenance=None)
    farm.tell_job(FeedKind.JOB_STARTED, begun, START + 3 * HOUR_MS)
    farm.state(farm.printers[0], PrinterState.PRINTING, START + 4 * HOUR_MS)
    settings = influx.settings()
    ship(farm, settings)
    with InfluxServer(settings) as server, open_ledger("sqlite://") as again:
        rebuild(server, again)
        found = again.job("under-way")
        assert found is not None
        assert (found.outcome, found.ended_ms) == (Outcome.UNKNOWN, START + 4 * HOUR_MS)


def test_a_ledger_that_holds_printers_is_left_alone(influx: InfluxForTests, farm: BookedFarm) -> None:
    with (
        InfluxServer(influx.settings()) as server,
        pytest.raises(LedgerError, match="holds printers already"),
    ):
        rebuild(server, farm.ledger)


def test_an_empty_bucket_rebuilds_nothing(influx: InfluxForTests) -> None:
    with (
        InfluxServer(influx.settings()) as server,
        open_ledger("sqlite://") as again,
        pytest.raises(LedgerError, match="holds no printers"),
    ):
        rebuild(server, again)
