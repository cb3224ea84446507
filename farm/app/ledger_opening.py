"""Opening the ledger of a service that goes on whether its database is there or not."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from farm.errors import LedgerError, LedgerUnreachable
from farm.ledger.ledger import Ledger
from farm.outage import Outage

ANSWER_WITHIN_S = 30.0
"""A database that does not answer for so long counts as one that is away."""


def prepared(ledger: Ledger, stop: threading.Event) -> bool:
    """Wait until the ledger can be used; False when `stop` was set first.

    Raises LedgerError where waiting cannot help.
    """
    return done(ledger.prepare, stop)


def done(work: Callable[[], None], stop: threading.Event) -> bool:
    """Do some work in the ledger, as often as it takes; False when `stop` was set first.

    Raises LedgerError where waiting cannot help.
    """
    outage = Outage("the ledger")
    while not stop.is_set():
        try:
            work()
        except LedgerUnreachable as error:
            stop.wait(outage.failed(error, "waiting until it can be used"))
        else:
            outage.over()
            return True
    return False


@contextmanager
def prepared_meanwhile(ledger: Ledger, stop: threading.Event) -> Iterator[None]:
    """Go into the block at once, and prepare the ledger meanwhile where its database is away.

    Raises LedgerError where waiting cannot help: before the block, or after it, which
    `stop` is then set to end.
    """
    try:
        ledger.prepare()
    except LedgerUnreachable:
        later = _Later(ledger, stop)
        later.start()
        try:
            yield
        finally:
            stop.set()
            later.join()
        if later.error is not None:
            raise later.error from None
    else:
        yield


class _Later(threading.Thread):
    """Prepares the ledger once its database answers."""

    def __init__(self, ledger: Ledger, stop: threading.Event) -> None:
        super().__init__(name="ledger", daemon=True)
        self._ledger, self._stopping = ledger, stop
        self.error: LedgerError | None = None

    def run(self) -> None:
        """Prepare the ledger; `error` holds why it cannot be prepared, if so."""
        try:
            prepared(self._ledger, self._stopping)
        except LedgerError as error:
            self.error = error
            self._stopping.set()
