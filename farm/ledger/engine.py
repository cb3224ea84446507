"""Connections to the ledger's database, SQLite or PostgreSQL, chosen by its URL."""

import math
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy.exc
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

from farm.errors import BatchRefused, LedgerDamaged, LedgerError, LedgerUnreachable
from farm.ledger.ledger_file import watch_file
from farm.model.back_off import BackOff

ALLOWED_URLS = (
    "sqlite:////absolute/path/to/ledger.db, sqlite:// (in memory, gone at the end) "
    "or postgresql://user:password@host:5432/database"
)

_PATIENCE_S = 30
_LONGEST_PATIENCE_S = 3600
_CONNECT_S = 10
_SQLITE_PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "temp_store = MEMORY",
    "cache_size = -16000",
)
_READS = "layerline_reads"
_SQLSTATES_OF_DATA = frozenset({"22", "23", "54"})
"""Data exception, integrity constraint violation, program limit exceeded (PostgreSQL, appendix A)."""
_SQLSTATES_OF_DAMAGE = frozenset({"XX001", "XX002", "58P01", "42P01", "42703"})
"""Data or index corrupted, a file gone, and a table or column that this version's ledger has (PostgreSQL,
appendix A)."""
_SQLITES_WORDS_OF_DAMAGE = ("malformed", "no such table", "no such column", "has no column")
_WORDS_OF_DRIVERS = ("Error binding parameter", "cannot adapt type")
"""What sqlite3 and psycopg say of a value of a type that they do not know, under several classes."""
_IDLE_IN_TRANSACTION_MS = 60_000
_POSTGRESQL_LINE = {
    # A server whose host is gone is noticed in a minute and a half, not in two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 90_000,
}


def ledger_engine(url: str) -> Engine:
    """An engine for the database at `url`; it connects to nothing yet.

    A transaction of it may write: in SQLite it takes the one write lock at its beginning,
    since a transaction that first reads and then writes can fail without waiting.
    Raises LedgerError when `url` has none of the allowed forms.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed.set(drivername="sqlite"))
    return _postgresql_engine(parsed)


def check_url(url: str) -> None:
    """See that `url` is one that a ledger can have. Raises LedgerError naming the allowed forms."""
    _parsed(url)


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: each sees one state of the ledger
    from its beginning to its end and holds no writer up.
    """
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_READS: True})
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def in_memory(engine: Engine) -> bool:
    """Whether the ledger is gone when the engine is disposed of."""
    return engine.dialect.name == "sqlite" and _without_file(engine.url)


def shown(url: str | URL) -> str:
    """`url` as it may be shown to people: without passwords."""
    if isinstance(url, URL):
        url = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    text = re.sub(r"^(\w[\w+]*://)?([^:/@?]*:)?.*@", r"\1\2***@", url, flags=re.DOTALL)
    return re.sub(r"(?i)(password=)[^&]*", r"\1***", text)


@contextmanager
def ledger_errors(engine: Engine) -> Iterator[None]:
    """Turn what the database raises into LedgerError: LedgerUnreachable where waiting can help,
    LedgerDamaged where a backup does, BatchRefused where what was given can never be held.
    """
    driver = engine.dialect.loaded_dbapi
    try:
        yield
    except (driver.Error, sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError) as error:
        origin = getattr(error, "orig", None) or error
        where, why = shown(engine.url), _reason(error)
        if _is_about_data(driver, origin):
            raise BatchRefused(f"the ledger {where} refuses what it was given: {why}") from error
        if _is_damage(engine, origin):
            raise LedgerDamaged(where, why) from error
        if isinstance(origin, (driver.OperationalError, driver.InterfaceError, sqlalchemy.exc.TimeoutError)):
            raise LedgerUnreachable(f"the ledger {where} cannot be used now: {why}") from error
        raise LedgerError(f"the ledger {where} refuses: {why}") from error


@contextmanager
def refusals(engine: Engine) -> Iterator[None]:
    """Turn what Python raises for a value that cannot even be sent to the database into BatchRefused.

    An integer beyond 64 bits, a lone surrogate in a text, a value of no type that is known.
    """
    try:
        yield
    except (OverflowError, ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise BatchRefused(
            f"the ledger {shown(engine.url)} refuses what it was given: {_reason(error)}"
        ) from error


def _is_about_data(driver: Any, error: BaseException) -> bool:
    """Whether the database minds the values, not the state that it is in."""
    if isinstance(error, (driver.DataError, driver.IntegrityError)):
        return True
    if any(words in str(error) for words in _WORDS_OF_DRIVERS):
        return True
    # Values that are too large for an index or a row come as "program limit exceeded".
    return str(getattr(error, "sqlstate", None) or "")[:2] in _SQLSTATES_OF_DATA


def _is_damage(engine: Engine, error: BaseException) -> bool:
    """Whether the database cannot read what it held."""
    if engine.dialect.name == "sqlite":
        return any(words in str(error) for words in _SQLITES_WORDS_OF_DAMAGE)
    return getattr(error, "sqlstate", None) in _SQLSTATES_OF_DAMAGE


def _reason(error: Exception) -> str:
    origin = getattr(error, "orig", None)
    return " ".join(str(origin or error).split())


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        # The cause is left out: it may quote a piece of the password.
        raise _wrong(url, "is no database URL") from None
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}:
        raise _wrong(url, f"names the database {parsed.drivername!r}")
    if parsed.get_backend_name() == "sqlite":
        if parsed.host:
            raise _wrong(url, f"names a host, {parsed.host!r}; an absolute path takes four strokes")
        _refuse_unknown_options(url, parsed)
    elif "@" in (parsed.host or ""):
        raise _wrong(url, "holds a second @; write an @ of the password as %40")
    elif not parsed.database:
        raise _wrong(url, "names no database")
    else:
        _refuse_wrong_options(url, parsed)
    return parsed


def _refuse_unknown_options(url: str, parsed: URL) -> None:
    """Raises LedgerError for what stands behind a `?` and SQLite's driver cannot be given."""
    if unknown := sorted(set(parsed.query) - {"timeout"}):
        raise _wrong(url, f"holds the option {unknown[0]!r}; it may hold timeout, in seconds")
    try:
        patience_s = float(str(parsed.query.get("timeout", _PATIENCE_S)))
    except ValueError:
        patience_s = math.nan
    if not 0 <= patience_s <= _LONGEST_PATIENCE_S:
        raise _wrong(url, f"holds a timeout that is no number of seconds up to {_LONGEST_PATIENCE_S}")


def _refuse_wrong_options(url: str, parsed: URL) -> None:
    """Raises LedgerError for what would look like a PostgreSQL that is away."""
    for name in sorted({"connect_timeout", *_POSTGRESQL_LINE} & set(parsed.query)):
        text = str(parsed.query[name])
        if not text.isascii() or not text.isdigit():
            raise _wrong(url, f"holds {name}, which must be a whole number")


def _wrong(url: str, fault: str) -> LedgerError:
    return LedgerError(f"ledger.url: {shown(url)!r} {fault}; allowed: {ALLOWED_URLS}")


def _without_file(url: URL) -> bool:
    return url.database in {None, "", ":memory:"}


def _sqlite_engine(url: URL) -> Engine:
    # An in-memory database is one connection. Lending it to one user at a time keeps
    # threads out of each other's transactions.
    size = {"pool_size": 1, "max_overflow": 0} if _without_file(url) else {"pool_size": 5, "max_overflow": 40}
    defaults = {"check_same_thread": False, "timeout": _PATIENCE_S}
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_timeout=_PATIENCE_S,
        hide_parameters=True,
        connect_args={key: value for key, value in defaults.items() if key not in url.query},
        **size,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    if not _without_file(url):
        watch_file(engine)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions of its own accord; `_begin_sqlite` does.
    connection.isolation_level = None
    _log_ahead(connection)
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Have the file keep its log ahead of it (WAL): readers and a writer then hold nobody up.

    Of several who come to a new file at once SQLite refuses all but one without a wait, whatever
    their timeout, since each holds what another needs: so the wait is here.
    """
    (patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until_s = time.monotonic() + patience_ms / 1000
    waits = BackOff(first_s=0.01, longest_s=0.5)
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until_s:
                raise
            time.sleep(waits.next())
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS, False)
    connection.connection.cursor().execute("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql_engine(url: URL) -> Engine:
    defaults: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "application_name": "layerline",
        **_POSTGRESQL_LINE,
    }
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        # Fencing counts the rows that an update still finds after it waited for another's commit.
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_timeout=_PATIENCE_S,
        hide_parameters=True,
        connect_args={key: value for key, value in defaults.items() if key not in url.query},
    )
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _set_up_postgresql(connection: Any, _record: object) -> None:
    # What is acknowledged to the broker must be on disk, whatever the database's default; and
    # one of us that hangs in mid transaction must not hold the locks that its stand-by needs.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.execute(
        f"SELECT set_config('idle_in_transaction_session_timeout', '{_IDLE_IN_TRANSACTION_MS}', false) "
        "WHERE current_setting('idle_in_transaction_session_timeout') = '0'"
    )
    connection.commit()
