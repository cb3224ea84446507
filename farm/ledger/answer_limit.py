"""Connections to PostgreSQL that do not wait for ever.

A server that is stopped, or whose host hangs, still has its side of the connection held
open by its kernel: neither TCP's keep-alive nor the server's own `statement_timeout` ends
the wait for an answer then. So it is ended here.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, event

ResultT = TypeVar("ResultT")

_LOOK_EVERY_S = 0.1


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes longer than `answer_within_s`.

    The statement then raises psycopg.OperationalError, as it does when the server is gone.
    """

    answer_within_s: float | None = None

    def wait(
        self,
        gen: Generator[Any, Any, ResultT],
        interval: float = _LOOK_EVERY_S,
        timeout: float | None = None,
    ) -> ResultT:
        """Wait for what the server sends, for `answer_within_s` seconds at most."""
        # Older versions of psycopg know no `timeout`.
        more: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        if self.answer_within_s is None:
            return super().wait(gen, interval, **more)
        try:
            return super().wait(_limited(gen, self.answer_within_s), interval, **more)
        except _NoAnswerError:
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.answer_within_s:g} s") from None


def limit_answers(engine: Engine, answer_within_s: float) -> None:
    """Let connections of the engine wait no longer than so many seconds for an answer.

    Nothing for SQLite, which has no server.
    """
    if engine.dialect.name != "postgresql":
        return

    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> LimitedConnection:
        connection = LimitedConnection.connect(*arguments, **options)
        connection.answer_within_s = answer_within_s
        return connection

    event.listen(engine, "do_connect", connect)


@contextmanager
def without_limit(connection: Connection) -> Iterator[None]:
    """Let what the block does on the connection take as long as it takes, such as a migration."""
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, LimitedConnection):
        yield
        return
    limit, driver.answer_within_s = driver.answer_within_s, None
    try:
        yield
    finally:
        driver.answer_within_s = limit


class _NoAnswerError(Exception):
    """The time for an answer is up."""


def _limited(gen: Generator[Any, Any, ResultT], limit_s: float) -> Generator[Any, Any, ResultT]:
    """The generator, ended by _NoAnswerError; whoever drives it looks in at every interval."""
    deadline = time.monotonic() + limit_s
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and time.monotonic() > deadline:
                raise _NoAnswerError
            state = gen.send(ready)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
