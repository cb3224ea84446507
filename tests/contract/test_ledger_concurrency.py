"""Several writers and readers of one ledger, in every database that processes can share."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from farm.errors import LedgerUnreachable
from farm.ledger.batch import Batch
from farm.ledger.feed_log import append_feed
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import IntakeFault, TelemetryRow
from farm.model.observation import Telemetry
from tests.contract.ledger_samples import SHARD, a_printer, an_id, entries, farm
from tests.servers import wait_until

COMMITS = 40
PATIENCE_S = 60


def write(url: str, name: str, begin: threading.Barrier) -> None:
    faults = [IntakeFault(source=source, reason="r", count=1, last_ms=0) for source in "abcdef"]
    with open_ledger(url) as ledger:
        ledger.claim(name, "holder", simulated=False, now_ms=0)
        ledger.commit(farm(name))
        begin.wait(PATIENCE_S)
        for number in range(COMMITS):
            sample = TelemetryRow(an_id(name), number, Telemetry(bed=1.0))
            batch = Batch(
                feed=entries(3, name), telemetry=[sample], faults=faults[:: 1 if number % 2 else -1]
            )
            ledger.commit(batch)


def follow(read: Callable[[int], list[int]], wanted: int, begin: threading.Barrier) -> list[int]:
    """Go on after the last number seen until `wanted` numbers came."""
    seen: list[int] = []
    begin.wait(PATIENCE_S)
    while len(seen) < wanted:
        seen += read(seen[-1] if seen else 0)
    return seen


def read_telemetry_ids(ledger: Ledger, after: int) -> list[int]:
    with ledger.engine.connect() as connection:
        found = connection.execute(
            text("SELECT id FROM telemetry WHERE id > :after ORDER BY id"), {"after": after}
        )
        return list(found.scalars())


def test_a_reader_by_cursor_skips_nothing_that_two_writers_commit(shared_url: str) -> None:
    with open_ledger(shared_url) as reader, ThreadPoolExecutor() as threads:
        begin = threading.Barrier(4)
        writers = [threads.submit(write, shared_url, name, begin) for name in ("anna", "bert")]
        feed = threads.submit(
            follow, lambda after: [e.seq for e in reader.feed(after, 7)], 6 * COMMITS, begin
        )
        telemetry = threads.submit(
            follow, lambda after: read_telemetry_ids(reader, after), 2 * COMMITS, begin
        )
        for writer in writers:
            writer.result(PATIENCE_S)
        assert feed.result(PATIENCE_S) == list(range(1, 6 * COMMITS + 1))
        assert telemetry.result(PATIENCE_S) == sorted(set(telemetry.result()))
        assert reader.feed_head() == 6 * COMMITS
        assert {fault.count for fault in reader.faults()} == {2 * COMMITS}


@pytest.mark.parametrize(
    "batch",
    [
        Batch(feed=entries(1)),
        Batch(telemetry=[TelemetryRow(an_id("anna"), 1, Telemetry(bed=1.0))]),
    ],
    ids=["feed", "telemetry"],
)
def test_what_is_read_by_cursor_waits_for_what_was_numbered_before(postgresql_url: str, batch: Batch) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with (
        open_ledger(postgresql_url) as one,
        open_ledger(postgresql_url) as two,
        ThreadPoolExecutor() as thread,
    ):
        one.claim("shard 1", "one", simulated=False, now_ms=0)
        two.claim("shard 2", "two", simulated=False, now_ms=0)
        one.commit(farm("anna"))
        with one._writes() as numbered:
            one._append(numbered, batch)
            later = thread.submit(two.commit, batch)
            with one.engine.connect() as look:
                wait_until(
                    lambda: look.execute(waiting).scalar() == 1 or later.done(), "the other commit waits"
                )
            assert not later.done()
        later.result(PATIENCE_S)


def test_another_store_adds_to_the_feed_in_its_own_transaction(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer()], feed=entries(2)))
    with ledger.engine.begin() as connection:
        append_feed(connection, entries(1, "alert"))
        append_feed(connection, [])
    with ledger.engine.connect() as connection:
        append_feed(connection, entries(1, "taken back"))
    ledger.commit(Batch(feed=entries(1, "last")))
    assert [(e.seq, *e.body) for e in ledger.feed(0, 9)] == [
        (1, "entry"), (2, "entry"), (3, "alert"), (4, "last"),
    ]  # fmt: skip


def test_readers_do_not_wait_for_a_writer(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger:
        ledger.claim(SHARD, "holder", simulated=False, now_ms=0)
        ledger.commit(Batch(printers=[a_printer()], feed=entries(1)))
        with ledger.engine.begin() as connection:
            append_feed(connection, entries(1))
            assert ledger.feed_head() == 1
        assert ledger.feed_head() == 2


def test_a_claim_waits_for_the_commit_under_way_and_knows_what_it_booked(shared_url: str) -> None:
    with open_ledger(shared_url) as old, open_ledger(shared_url) as new, ThreadPoolExecutor() as threads:
        old.claim(SHARD, "old", simulated=False, now_ms=0)
        with old._writes() as connection:
            old._hold(connection, 700)
            taken = threads.submit(new.claim, SHARD, "new", simulated=False, now_ms=900)
            append_feed(connection, entries(1))
        assert taken.result(PATIENCE_S) == 700


def test_a_locked_file_is_unreachable_and_can_be_used_afterwards(sqlite_url: str) -> None:
    with open_ledger(f"{sqlite_url}?timeout=0.05") as ledger:
        ledger.claim(SHARD, "holder", simulated=False, now_ms=0)
        ledger.commit(farm("anna"))
        other = sqlite3.connect(ledger.engine.url.database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnreachable, match="locked"):
            ledger.commit(farm("bert"))
        assert len(ledger.printers()) == 1
        other.close()
        ledger.commit(farm("carl"))
        assert [printer.name for printer in ledger.printers()] == ["anna", "carl"]


def test_a_ledger_goes_on_after_the_server_ended_its_connections(postgresql_url: str) -> None:
    end_all = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with open_ledger(postgresql_url) as ledger, open_ledger(postgresql_url) as other:
        ledger.claim(SHARD, "holder", simulated=False, now_ms=0)
        ledger.commit(farm("anna"))
        with other.engine.begin() as connection:
            connection.execute(end_all)
        ledger.commit(farm("bert"))
        with pytest.raises(LedgerUnreachable), ledger._writes() as writing:  # noqa: PT012 - one cut in between
            ledger._hold(writing, 0)
            with other.engine.begin() as connection:
                connection.execute(end_all)
            append_feed(writing, entries(1))
        ledger.commit(farm("carl"))
        assert [printer.name for printer in ledger.printers()] == ["anna", "bert", "carl"]
