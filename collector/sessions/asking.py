"""Asking printers how they stand, and how long their print takes, where their protocol allows it."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from collector.adapters.base import Askable, Estimating, Question
from collector.sessions.session import PrinterSession

_PAUSE_MS = 5_000
_MOST_AT_ONCE = 100
_FIRST_NUMBER = 7_100_002
"""Request ids start here, away from the small numbers that other clients use."""


class Publisher(Protocol):
    """The one thing that asking needs of the connection to the broker."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Hand a message over to the broker."""


class _Queue:
    """Addresses that wait for one kind of question, and when each was asked it last."""

    def __init__(self) -> None:
        self._waiting: dict[str, PrinterSession] = {}
        self._asked_ms: dict[str, int] = {}

    def put(self, session: PrinterSession) -> None:
        """The address is to be asked."""
        self._waiting[session.id] = session

    def due(self, now_ms: int) -> Iterator[PrinterSession]:
        """Some of those that wait, none more often than every five seconds."""
        for key, session in list(self._waiting.items())[:_MOST_AT_ONCE]:
            if now_ms - self._asked_ms.get(key, 0) >= _PAUSE_MS:
                del self._waiting[key]
                self._asked_ms[key] = now_ms
                yield session


class Asking:
    """Which addresses are still to be asked, and when each was asked last."""

    def __init__(self, connection: Publisher) -> None:
        self._connection = connection
        self._states = _Queue()
        self._estimates = _Queue()
        self._number = _FIRST_NUMBER

    def ask(self, sessions: Iterable[PrinterSession]) -> None:
        """Those of the sessions that can be asked are to be asked how they stand."""
        for session in sessions:
            if isinstance(session.adapter, Askable):
                self._states.put(session)

    def ask_estimates(self, sessions: Iterable[PrinterSession]) -> None:
        """Those of the sessions that can be asked are to be asked how long their print takes."""
        for session in sessions:
            if isinstance(session.adapter, Estimating):
                self._estimates.put(session)

    def step(self, now_ms: int) -> None:
        """Ask some of those that wait."""
        for session in self._states.due(now_ms):
            if isinstance(session.adapter, Askable):
                questions = session.adapter.questions(self._number)
                self._number += len(questions)
                self._publish(session, questions)
        for session in self._estimates.due(now_ms):
            if isinstance(session.adapter, Estimating):
                question = session.adapter.question_of_estimate(session.memory, self._number)
                self._number += 1
                self._publish(session, () if question is None else (question,))

    def _publish(self, session: PrinterSession, questions: Iterable[Question]) -> None:
        for question in questions:
            self._connection.publish(f"{session.address.prefix}/{question.suffix}", question.payload, qos=1)
