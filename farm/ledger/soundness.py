"""Whether a ledger can be read to its end: SQLite's own check, and every table of PostgreSQL read."""

import sqlite3
import time
from typing import NamedTuple, cast

import sqlalchemy.exc
from sqlalchemy import Connection, Engine, func, inspect, select, text

from farm.errors import LedgerError
from farm.ledger import schema
from farm.ledger.engine import ledger_errors, reading

_STEPS_BETWEEN_LOOKS = 10_000
_FAULTS_NAMED = 5
_CANCELED = "57014"
_DAMAGED = frozenset({"XX001", "XX002"})
"""Data corrupted, index corrupted (PostgreSQL, appendix A)."""


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
            if engine.dialect.name == "sqlite":
                return _quick_check(connection, deadline)
            return _all_tables_read(connection, deadline)
    except LedgerError as error:
        if not is_damage(error):
            raise
        return Soundness((str(error),), is_whole=False)


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


def is_damage(error: LedgerError) -> bool:
    """Whether the database says that what it holds is damaged."""
    cause = error.__cause__
    origin = getattr(cause, "orig", None) or cause
    words = str(origin)
    return "malformed" in words or "not a database" in words or getattr(origin, "sqlstate", None) in _DAMAGED
