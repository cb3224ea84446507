"""Asking printers how they stand, where their protocol allows it."""

from collections.abc import Iterable
from typing import Protocol

from collector.adapters.base import Askable
from collector.sessions.session import PrinterSession

_PAUSE_MS = 5_000
_MOST_AT_ONCE = 100
_FIRST_NUMBER = 7_100_000
"""Request ids start here, away from the small numbers that other clients use."""


class Publisher(Protocol):
    """The one thing that asking needs of the connection to the broker."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Hand a message over to the broker."""


class Asking:
    """Which addresses are still to be asked, and when each was asked last."""

    def __init__(self, connection: Publisher) -> None:
        self._connection = connection
        self._waiting: dict[str, PrinterSession] = {}
        self._asked_ms: dict[str, int] = {}
        self._number = _FIRST_NUMBER

    def ask(self, sessions: Iterable[PrinterSession]) -> None:
        """Those of the sessions that can be asked are to be asked."""
        for session in sessions:
            if isinstance(session.adapter, Askable):
                self._waiting[session.id] = session

    def step(self, now_ms: int) -> None:
        """Ask some of those that wait, none more often than every five seconds."""
        for key, session in list(self._waiting.items())[:_MOST_AT_ONCE]:
            if now_ms - self._asked_ms.get(key, 0) < _PAUSE_MS:
                continue
            del self._waiting[key]
            self._asked_ms[key] = now_ms
            self._number += 2
            questions = (
                session.adapter.questions(self._number) if isinstance(session.adapter, Askable) else ()
            )
            for question in questions:
                self._connection.publish(
                    f"{session.address.prefix}/{question.suffix}", question.payload, qos=1
                )
