"""Asking printers how they stand, where their protocol allows it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from collector.adapters.base import Askable
from collector.sessions.session import PrinterSession

if TYPE_CHECKING:
    from collector.intake.mqtt import Connection
    from collector.intake.pipeline import Pipeline

_PAUSE_MS = 5_000
_MOST_AT_ONCE = 100
_FIRST_NUMBER = 7_100_000
"""Request ids start here, away from the small numbers that other clients use."""


class Asking:
    """Which printers are still to be asked, and when each was asked last."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._waiting: dict[str, PrinterSession] = {}
        self._asked_ms: dict[str, int] = {}
        self._number = _FIRST_NUMBER

    def ask_all(self, sessions: Iterable[PrinterSession]) -> None:
        """Every printer that can be asked is to be asked."""
        for session in sessions:
            if isinstance(session.adapter, Askable) and not session.printer.ignored:
                self._waiting[session.printer.id] = session

    def take_up(self, pipeline: "Pipeline") -> None:
        """Printers that appeared, came back, or whose print was lost from sight are to be asked."""
        self.ask_all(pipeline.to_ask.values())
        pipeline.to_ask.clear()

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
                self._connection.publish(f"{session.prefix}/{question.suffix}", question.payload, qos=1)
