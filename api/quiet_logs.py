"""What anybody on the network can make libraries log is logged now and then, not each time."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SAY_EVERY_S: Final = 60
_FROM_OUTSIDE: Final = {
    "uvicorn.error": (
        "Invalid HTTP request received.",
        "Unsupported upgrade request.",
    ),
    # Told for each of a hundred connections a second once descriptors have run out.
    "asyncio": ("socket.accept() out of system resource",),
}
_NEVER: Final = {
    # Advice to install what is left out on purpose: nothing here speaks WebSocket.
    "uvicorn.error": ("No supported WebSocket library detected.",),
}


class Seldom(logging.Filter):
    """Lets a message that begins as one of these through once in `SAY_EVERY_S` seconds."""

    def __init__(self, beginnings: tuple[str, ...], monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._beginnings = beginnings
        self._monotonic = monotonic
        self._said_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        message = record.getMessage()
        known = next((each for each in self._beginnings if message.startswith(each)), None)
        if known is None:
            return True
        now, said_at = self._monotonic(), self._said_at.get(known)
        if said_at is not None and now - said_at < SAY_EVERY_S:
            return False
        self._said_at[known] = now
        return True


class Never(logging.Filter):
    """Lets no message through that begins as one of these."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        super().__init__()
        self._beginnings = beginnings

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        return not record.getMessage().startswith(self._beginnings)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries that quiet within the block."""
    filters: list[tuple[logging.Logger, logging.Filter]] = [
        *((logging.getLogger(name), Seldom(beginnings)) for name, beginnings in _FROM_OUTSIDE.items()),
        *((logging.getLogger(name), Never(beginnings)) for name, beginnings in _NEVER.items()),
    ]
    for logger, seldom in filters:
        logger.addFilter(seldom)
    try:
        yield
    finally:
        for logger, seldom in filters:
            logger.removeFilter(seldom)
