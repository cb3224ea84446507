"""A connection to PostgreSQL that does not wait for ever for an answer."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

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
