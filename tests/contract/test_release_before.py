"""A ledger that the release before left behind is opened, brought up, and gone on with."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, MetaData, Table, insert, select, text

from collector.canonical import topics
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import SourceSettings
from farm.ledger import schema
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.alert_store import AlertStore
from farm.ledger.engine import ledger_engine
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.schema_version import migrate
from farm.model.alert import AlertFilter, AlertState
from farm.model.states import Outcome, PrinterState
from tests.figures import outcome_counts
from tests.servers import fresh_database

LEDGERS = Path(__file__).parent.parent / "ledgers"
DUMP = (LEDGERS / "release_0_1_0.sql").read_text()
HELD: dict[str, Any] = json.loads((LEDGERS / "release_0_1_0.json").read_text())


def left_in_sqlite(folder: Path) -> str:
    file = folder / "ledger.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(DUMP)
    return f"sqlite:///{file}"


def left_in_postgresql(folder: Path, url: str) -> None:
    """The rows of the dump in tables of the same version."""
    with closing(sqlite3.connect(left_in_sqlite(folder).removeprefix("sqlite:///"))) as old:
        copy_to_postgresql(old, url)


def copy_to_postgresql(old: sqlite3.Connection, url: str) -> None:
    engine = ledger_engine(url)
    with engine.begin() as connection:
        migrate(connection, "0001")
        connection.execute(text("SET session_replication_role = replica"))
        for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not name.startswith(("sqlite_", "alembic_")):
                _copy(old, connection, name)
        for name in ("telemetry", "revision", "delivery_attempt", "outbox_reject"):
            connection.execute(
                text(f"SELECT setval('{name}_id_seq', (SELECT coalesce(max(id), 1) FROM {name}))")  # noqa: S608 - as above
            )
    engine.dispose()


def _copy(old: sqlite3.Connection, connection: Connection, name: str) -> None:
    table = Table(name, MetaData(), autoload_with=connection)
    cursor = old.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - names of our own dump
    names = [column[0] for column in cursor.description]
    kinds = {column.name: column.type.python_type for column in table.columns}
    for row in cursor:
        values = dict(zip(names, row, strict=True))
        for key, value in values.items():
            if value is not None and kinds[key] is bool:
                values[key] = bool(value)
        connection.execute(insert(table).values(values))


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "sqlite":
        with open_ledger(left_in_sqlite(tmp_path)) as opened:
            yield opened
        return
    with fresh_database(request.getfixturevalue("postgresql_server")) as url:
        left_in_postgresql(tmp_path, url)
        with open_ledger(url) as opened:
            yield opened


def of_then(job: dict[str, Any]) -> dict[str, Any]:
    """The job without what that release did not know, which must be empty."""
    added = ("confidence", "note", "expected_ms", "resin_ml", "spool")
    assert [job.pop(name) for name in added] == [None] * len(added)
    return job


def test_jobs_and_printers_are_what_they_were(ledger: Ledger) -> None:
    jobs = [of_then(msgspec.to_builtins(job)) for job in ledger.jobs(JobFilter(limit=1000)).jobs]
    assert jobs == HELD["jobs"]
    statuses = [msgspec.to_builtins(status) for status in ledger.statuses()]
    for status in statuses:
        status["job"] = status["job"] and of_then(status["job"])
        assert status.pop("clash") is None
        assert [status.pop(key) for key in ("progress_ms", "done_ms", "reason")] == [None] * 3
    assert statuses == HELD["statuses"]


def test_an_alert_that_waited_to_be_told_still_is(ledger: Ledger) -> None:
    store = AlertStore(ledger.engine)
    alerts = store.alerts(AlertFilter()).alerts
    assert [alert.title for alert in alerts] == [alert["title"] for alert in HELD["alerts"]]
    for delivery in store.deliveries([alert.id for alert in alerts]):
        assert delivery.notification["reason"] == delivery.reason == "fired"


def test_an_alert_of_that_release_can_be_acknowledged_and_resolved(ledger: Ledger) -> None:
    (alert, *_) = AlertStore(ledger.engine).alerts(AlertFilter(states=[AlertState.FIRING])).alerts
    assert alert.resolved_by is None
    people = AcknowledgementStore(ledger.engine)
    people.acknowledge([alert.id], who="olga", until_ms=alert.fired_ms + 2, now_ms=alert.fired_ms + 1)
    assert people.standing([alert.id])[alert.id].who == "olga"
    (closed,) = people.close([alert.id], who="olga", why="over", now_ms=alert.fired_ms + 2)
    assert closed == AlertStore(ledger.engine).alert(alert.id)


def test_the_collector_goes_on_where_it_stood(ledger: Ledger) -> None:
    sources = [
        SourceSettings(adapter="octoprint", topic="octoPrint/{printer}", printer=None),
        SourceSettings(adapter="moonraker", topic="{printer}", printer=None),
    ]
    now = HELD["now_ms"]
    ledger.claim("layerline-shard-0", "the next release", simulated=False, now_ms=now)
    pipeline = Pipeline(ledger, SourceTable(sources))
    said = b'{"path": "bracket_v3_0.2mm_PLA.gcode", "name": "bracket_v3_0.2mm_PLA.gcode", "time": 180}'
    pipeline.take("octoPrint/bay1/event/PrintDone", said, False, now + 60_000)
    pipeline.commit(now + 60_000)
    ended = [job for job in ledger.jobs(JobFilter(limit=99)).jobs if job.outcome is Outcome.SUCCEEDED]
    assert [job.file for job in ended] == ["bracket_v3_0.2mm_PLA.gcode"]
    (bay1,) = [status for status in ledger.statuses() if status.printer.name == "bay1"]
    assert bay1.state is PrinterState.FINISHED


SPOILT_MS = -998_205_000_000_000
"""In the year −29662, where the first release booked a start."""


def spoil(old: sqlite3.Connection) -> str:
    """Book the last job as that release did for a duration of 1e12 seconds; gives the job's id."""
    job_id, printer_id = old.execute(
        "SELECT id, printer_id FROM job WHERE outcome = 'failed' ORDER BY ended_ms DESC LIMIT 1"
    ).fetchone()
    old.execute(
        "UPDATE job SET started_ms = ?, printing_ms = 1000000000000000, units = 2000000000 WHERE id = ?",
        (SPOILT_MS, job_id),
    )
    sums = "failed_printing_ms = failed_printing_ms + 1000000000000000"
    old.execute(f"UPDATE outcome_total SET {sums} WHERE printer_id = ?", (printer_id,))  # noqa: S608
    for seq, body in old.execute("SELECT seq, body FROM feed WHERE job_id = ?", (job_id,)).fetchall():
        told = _spoilt(json.loads(body), job_id)
        old.execute("UPDATE feed SET body = ? WHERE seq = ?", (json.dumps(told), seq))
    for table in ("checkpoint", "milestone"):
        rows = old.execute(
            f"SELECT rowid, body FROM {table} WHERE printer_id = ?",  # noqa: S608
            (printer_id,),
        ).fetchall()
        for row, body in rows:
            kept = msgspec.msgpack.encode(_spoilt(msgspec.msgpack.decode(body), job_id))
            old.execute(f"UPDATE {table} SET body = ? WHERE rowid = ?", (kept, row))  # noqa: S608
    old.commit()
    return str(job_id)


def _spoilt(stored: Any, job_id: str) -> Any:
    """What is stored, with the start of the job, wherever it stands in it, out of range."""
    if not isinstance(stored, dict):
        return stored
    if stored.get("id") == job_id:
        return stored | {"started_ms": SPOILT_MS}
    return {name: _spoilt(value, job_id) for name, value in stored.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def spoilt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ledger, str]]:
    """A ledger in which that release booked a job out of range, and the job's id."""
    url = left_in_sqlite(tmp_path)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as old:
        job_id = spoil(old)
        if request.param == "postgresql":
            with fresh_database(request.getfixturevalue("postgresql_server")) as elsewhere:
                copy_to_postgresql(old, elsewhere)
                with open_ledger(elsewhere) as opened:
                    yield opened, job_id
            return
    with open_ledger(url) as opened:
        yield opened, job_id


def test_a_job_that_was_booked_out_of_range_is_mended(spoilt: tuple[Ledger, str]) -> None:
    ledger, job_id = spoilt
    (right,) = [job for job in HELD["jobs"] if job["id"] == job_id]
    job = ledger.job(job_id)
    assert job is not None
    assert (job.started_ms, job.ended_ms, job.units) == (None, right["ended_ms"], 1_000_000)
    assert job.printing_ms == 366 * 86_400_000
    (count,) = [
        count
        for count in outcome_counts(ledger, 0, HELD["now_ms"] + 1)
        if count.printer_id == job.printer_id and count.outcome is Outcome.FAILED
    ]
    others = [
        other
        for other in HELD["jobs"]
        if other["printer_id"] == job.printer_id and other["outcome"] == "failed" and other["id"] != job_id
    ]
    assert count.jobs == len(others) + 1
    assert count.printing_ms == job.printing_ms + sum(other["printing_ms"] for other in others)
    assert count.units == job.units + sum(other["units"] for other in others)


def test_nothing_that_is_kept_of_a_mended_job_tells_the_old_start(spoilt: tuple[Ledger, str]) -> None:
    ledger, _ = spoilt
    with ledger.engine.connect() as connection:
        for (body,) in connection.execute(select(schema.feed.c.body)):
            assert str(SPOILT_MS) not in body
        for table in (schema.checkpoint, schema.snapshot):
            for (body,) in connection.execute(select(table.c.body)):
                assert msgspec.msgpack.encode(SPOILT_MS) not in body
    ledger.claim("layerline-shard-0", "the next release", simulated=False, now_ms=HELD["now_ms"])
    pipeline = Pipeline(ledger, SourceTable([]))
    for printer in pipeline.printers():
        topics("main", printer)
