"""Whether a ledger is whole and can be read to its end.

All tables of this version must be there; SQLite then checks itself, PostgreSQL's tables are read.
"""

import sqlite3
import time
from typing import NamedTuple, cast

import sqlalchemy.exc
from sqlalchemy import Connection, Engine, func, inspect, select, text

from farm.errors import LedgerDamaged
from farm.ledger import schema
from farm.ledger.engine import ledger_errors, reading
from farm.ledger.migrations import HEAD
from farm.ledger.schema_version import stored_version

_STEPS_BETWEEN_LOOKS = 10_000
_FAULTS_NAMED = 5
_CANCELED = "57014"


class Soundness(NamedTuple):
    """What was found: the faults in the database's own words, and whether all of it was looked at."""

    faults: tuple[str, ...]
    is_whole: bool


def examine_soundness(engine: Engine, within_s: float) -> Soundness:
    """Read the ledger for at most about `within_s` seconds.

    Raises LedgerUnreachable when the database does not answer.
    """
    deadline = time.monotonic() + within_s
    try:
        with ledger_errors(engine), reading(engine).begin() as connection:
            if missing := _missing(connection):
                return Soundness(missing, is_whole=False)
            if engine.dialect.name == "sqlite":
                return _quick_check(connection, deadline)
            return _all_tables_read(connection, deadline)
    except LedgerDamaged as error:
        return Soundness((error.damage,), is_whole=False)


def _missing(connection: Connection) -> tuple[str, ...]:
    """The tables and columns that a ledger of this version has and this one has not."""
    if stored_version(connection) != HEAD:
        return ()
    there = inspect(connection).get_multi_columns()
    faults: list[str] = []
    for table in schema.metadata.sorted_tables:
        columns = there.get((None, table.name))
        if columns is None:
            faults.append(f"the table {table.name} is missing")
            continue
        lacking = {column.name for column in table.columns} - {column["name"] for column in columns}
        faults += (f"the table {table.name} lacks its column {name}" for name in sorted(lacking))
    return tuple(faults[:_FAULTS_NAMED])


def _quick_check(connection: Connection, deadline: float) -> Soundness:
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        found = connection.exec_driver_sql(f"PRAGMA quick_check({_FAULTS_NAMED})").scalars().all()
    except sqlalchemy.exc.OperationalError as error:
        if "interrupted" not in str(error.orig):
            raise
        return Soundness((), is_whole=False)
    finally:
        driver.set_progress_handler(None, 0)
    return Soundness(
        () if found == ["ok"] else tuple(" ".join(str(each).split()) for each in found), is_whole=True
    )


def _all_tables_read(connection: Connection, deadline: float) -> Soundness:
    there = set(inspect(connection).get_table_names())
    # Else a table whose pages are damaged could be counted by its index alone.
    connection.execute(text("SET LOCAL enable_indexonlyscan = off"))
    for table in schema.metadata.sorted_tables:
        left_ms = round((deadline - time.monotonic()) * 1_000)
        if left_ms <= 0:
            return Soundness((), is_whole=False)
        if table.name not in there:
            continue
        connection.execute(text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(left_ms)})
        try:
            connection.execute(select(func.count()).select_from(table))
        except sqlalchemy.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELED:
                raise
            return Soundness((), is_whole=False)
    return Soundness((), is_whole=True)
