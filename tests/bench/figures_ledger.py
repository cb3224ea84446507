"""A ledger of two years, written straight into its tables: what figures are measured on.

Every printer is busy and idle in turn, a thousand prints each; how they end and what the printer does
between them is drawn with a fixed seed, so two ledgers of one size hold the same. Most jobs say their
material, every other one an estimate; one in fifty was inspected. The shop is open on weekdays from 8 to 18.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.schema import CreateTable

from farm.kpi.calendar import ShopCalendar
from farm.kpi.opening_hours import parse_week
from farm.ledger import schema
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.feed_log import append_feed
from farm.ledger.ledger import open_ledger
from farm.ledger.records import SessionRecord
from farm.ledger.rows import session_row
from farm.model.calendar_change import ChangedBy
from farm.model.feed import FeedEntry, FeedKind
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS

PRINTERS = 1_000
GROUPS = 20
MODELS = 6
JOBS_EACH = 1_000
END = 1_795_000_000_000
START = END - 730 * DAY_MS
SHARD = "bench"
_AT_ONCE = 50_000
_SEED = 7
_FORM = 3
"""Raised whenever other rows are written."""
_STATES = ("idle", "offline", "error", "maintenance", "unknown")
_MATERIALS = ("PLA", "PLA", "PETG", "ABS", None)
_OPERATORS = ("anna", "ben", "olga", None)
_CAUSES = ("thermal", "adhesion", "filament")
_OUTCOMES = ("succeeded", "failed", "cancelled", "unknown")
_INSPECTED = 50
_SHOP = ShopCalendar(name="shop", hours=parse_week("mon-fri 08:00-18:00"))


def printer_id(number: int) -> str:
    """The id of the printer of that number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def job_id(printer: int, number: int) -> str:
    """The id of a printer's job, by their numbers."""
    return f"00000000-0000-4001-{printer:04d}-{number:012d}"


def farm(printers: int) -> list[Printer]:
    """So many printers in `GROUPS` groups and of `MODELS` models."""
    return [
        Printer(
            id=printer_id(number),
            site="main",
            name=f"p{number:04d}",
            group=f"group-{number % GROUPS:02d}",
            model=f"model-{number % MODELS}",
            adapter="moonraker",
            first_seen_ms=START,
        )
        for number in range(printers)
    ]


def made(url: str, printers: int = PRINTERS) -> None:
    """Make the ledger at `url`, which is empty."""
    with open_ledger(url) as ledger, ledger.engine.begin() as connection:
        _facts(connection, printers)
        _add(connection, schema.span, SPAN_COLUMNS, spans(printers))
        _add(connection, schema.job, JOB_COLUMNS, jobs(printers))
        _add(connection, schema.verdict, VERDICT_COLUMNS, verdicts(printers))
        append_feed(connection, [ended(number, JOBS_EACH - 1) for number in range(printers)])
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
    with open_ledger(url, create=False) as ledger:
        kept_by_shop = CalendarStore(ledger.engine, ZoneInfo("UTC"))
        kept_by_shop.set_calendar(_SHOP, ChangedBy("bench", "two years of open hours", END), default=True)


def kept(folder: Path, printers: int = PRINTERS) -> Path:
    """The SQLite ledger in the folder, made there if there is none with the tables of today."""
    tables = "".join(str(CreateTable(table)) for table in schema.metadata.sorted_tables)
    form = hashlib.sha256(tables.encode()).hexdigest()[:8]
    file = folder / f"figures-{printers}-{_FORM}-{form}.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        made(f"sqlite:///{part}", printers)
        part.rename(file)
    return file


def ended(printer: int, job: int, at_ms: int = END) -> FeedEntry:
    """What the feed says of the end of a job."""
    return FeedEntry(
        kind=FeedKind.JOB_ENDED, at_ms=at_ms, printer_id=printer_id(printer), job_id=job_id(printer, job)
    )


SPAN_COLUMNS = ("printer_id", "from_ms", "to_ms", "state", "source", "reason")
JOB_COLUMNS = (
    "id", "printer_id", "file", "started_ms", "start_provenance", "ended_ms", "outcome", "provenance",
    "printing_ms", "preparing_ms", "paused_ms", "pauses", "measured", "units", "revision", "material",
    "operator", "cause", "filament_g", "expected_ms",
)  # fmt: skip
VERDICT_COLUMNS = (
    "job_id", "good_units", "rejected_units", "reason", "note", "who", "at_ms", "version"
)  # fmt: skip


def spans(printers: int) -> Iterator[tuple[Any, ...]]:
    """A print and what came after it, in turn; the last span goes on."""
    for number in range(printers):
        cuts, between, _ = _life(number)
        each = printer_id(number)
        for place, (start, end) in enumerate(pairwise(cuts)):
            state = "printing" if place % 2 == 0 else between[place // 2]
            last = place == len(cuts) - 2
            yield each, start, None if last else end, state, "observed", None


def jobs(printers: int) -> Iterator[tuple[Any, ...]]:
    """The prints of the same lives."""
    for number in range(printers):
        cuts, _, outcomes = _life(number)
        each = printer_id(number)
        for job, outcome in enumerate(outcomes):
            start, end = cuts[2 * job], cuts[2 * job + 1]
            yield (
                job_id(number, job), each, f"file-{(number * 7 + job) % 500}.gcode", start, "observed", end,
                outcome, "observed", end - start, 0, 0, 0, True, 1 + job % 4, 0, _MATERIALS[job % 5],
                _OPERATORS[number % 4], _CAUSES[job % 3] if outcome == "failed" else None,
                None if _MATERIALS[job % 5] is None else (end - start) / MINUTE_MS / 4,
                round(0.95 * (end - start)) if job % 2 else None,
            )  # fmt: skip


def verdicts(printers: int) -> Iterator[tuple[Any, ...]]:
    """What people found of one job in fifty."""
    for number in range(printers):
        for job in range(number % _INSPECTED, JOBS_EACH, _INSPECTED):
            good = (number + job) % (2 + job % 4)
            yield job_id(number, job), good, 1 + job % 4 - good, None, "", "anna", END, 1


def _life(number: int) -> tuple[list[int], list[str], list[str]]:
    """When states change, the states between the prints, and how these end."""
    chance = np.random.default_rng([_SEED, number])
    lengths = chance.uniform(1, 6, 2 * JOBS_EACH)
    cuts = START + np.cumsum(np.concatenate(([0.0], lengths / lengths.sum()))) * (END - START)
    between = chance.choice(_STATES, JOBS_EACH, p=(0.8, 0.08, 0.05, 0.04, 0.03))
    outcomes = chance.choice(_OUTCOMES, JOBS_EACH, p=(0.88, 0.07, 0.03, 0.02))
    return cuts.astype(np.int64).tolist(), between.tolist(), outcomes.tolist()


def _facts(connection: Connection, printers: int) -> None:
    """What stands beside spans and jobs: the shard, the printers, and where each was heard last."""
    collector = {"client_id": SHARD, "epoch": 1, "holder": SHARD, "booked_until_ms": END}
    connection.execute(insert(schema.collector), collector)
    meta = [{"key": "time_kind", "value": "simulated"}, {"key": "simulated_now", "value": str(END)}]
    connection.execute(schema.ledger_meta.delete().where(schema.ledger_meta.c.key == "time_kind"))
    connection.execute(insert(schema.ledger_meta), meta)
    everyone = farm(printers)
    rows = [{name: getattr(each, name) for name in Printer.__struct_fields__} for each in everyone]
    connection.execute(insert(schema.printer), [row | {"collector": SHARD} for row in rows])
    live = Telemetry(nozzle=210.4, nozzle_target=210.0, bed=60.1, bed_target=60.0)
    sessions = [session_row(SessionRecord(each.id, each.id, END - HOUR_MS, live, b"{}")) for each in everyone]
    _add(connection, schema.session, SessionRecord.__struct_fields__, sessions)


def _add(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    if connection.dialect.name == "postgresql":
        driver = connection.connection.driver_connection
        assert driver is not None
        names = ", ".join(columns)
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in some])
