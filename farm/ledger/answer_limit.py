"""Connections to PostgreSQL that do not wait for ever.

A server that is stopped, or whose host hangs, still has its side of the connection held
open by its kernel: neither TCP's keep-alive nor the server's own `statement_timeout` ends
the wait for an answer then. So it is ended here.

The driver is loaded only where there is such a server: beside SQLite it would take 9 MB and 70 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event

if TYPE_CHECKING:
    from farm.ledger.limited_connection import LimitedConnection


def limit_answers(engine: Engine, answer_within_s: float) -> None:
    """Let connections of the engine wait no longer than so many seconds for an answer.

    Nothing for SQLite, which has no server.
    """
    if engine.dialect.name != "postgresql":
        return
    from farm.ledger.limited_connection import LimitedConnection

    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> "LimitedConnection":
        connection = LimitedConnection.connect(*arguments, **options)
        connection.answer_within_s = answer_within_s
        return connection

    event.listen(engine, "do_connect", connect)


@contextmanager
def without_limit(connection: Connection) -> Iterator[None]:
    """Let what the block does on the connection take as long as it takes, such as a migration."""
    if connection.dialect.name != "postgresql":
        yield
        return
    from farm.ledger.limited_connection import LimitedConnection

    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, LimitedConnection):
        yield
        return
    limit, driver.answer_within_s = driver.answer_within_s, None
    try:
        yield
    finally:
        driver.answer_within_s = limit
