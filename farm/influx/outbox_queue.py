"""What the queues to InfluxDB have in common: sending, waiting, and remembering where they stand."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from farm.influx.answers import ServerAnswer
from farm.influx.client import Series
from farm.influx.outbox import Outbox
from farm.influx.settings import InfluxSettings
from farm.influx.shipment import parcels, ship
from farm.ledger.outbox_positions import Position, Reject, Trouble
from farm.model.back_off import BackOff
from farm.model.clock import Clock
from farm.model.times import SECOND_MS

_log = logging.getLogger(__name__)

_SAVE_EVERY_MS = SECOND_MS
_FIRST_PAUSE_S = 1.0
_LINE_KEPT = 4_000


class PointServer(Protocol):
    """The server as the queues see it; kept by `farm.influx.client.InfluxServer`."""

    def write(self, bucket: str, body: bytes) -> ServerAnswer:
        """Write lines."""

    def erase(self, bucket: str, from_ns: int, to_ns: int, tags: dict[str, str]) -> ServerAnswer:
        """Delete points."""

    def influxql(self, bucket: str, query: str) -> list[Series]:
        """What an InfluxQL query gives. Raises InfluxError."""


class QueueContext(NamedTuple):
    """What every queue is given: the outbox that it reads, the server to write to, settings and clock."""

    outbox: Outbox
    server: PointServer
    settings: InfluxSettings
    clock: Clock


class OutboxQueue(ABC):
    """One queue with its own position, its own pauses and its own trouble.

    `step` is called again and again; it does a limited piece of work, so that no queue
    waits long for another. What was sent is remembered about once a second and at the
    end: after a crash in between it is sent again, which changes nothing.
    """

    reader: str
    bucket: str

    def __init__(self, context: QueueContext) -> None:
        self.context = context
        self.position = self._begun()
        self._back_off = BackOff(_FIRST_PAUSE_S, context.settings.retry_longest_seconds)
        self._pause_s = 0.0
        self._resume_ms = 0
        self._saved_ms = 0
        self._unsaved = False
        self._rejects: list[Reject] = []

    def step(self) -> bool:
        """Do a piece of work unless it is time to pause. True when there is more to do at once."""
        if self.pause_ms() > 0:
            return False
        more = self._work()
        now_ms = self.context.clock()
        if self._rejects or now_ms - self._saved_ms >= _SAVE_EVERY_MS or now_ms < self._saved_ms:
            self.save()
        return more and self.pause_ms() == 0

    def pause_ms(self) -> int:
        """How long the server, or we, asked to be left alone (ms)."""
        left = self._resume_ms - self.context.clock()
        # A clock that was set back must not make a long silence of a short pause.
        return max(0, min(left, round(self._pause_s * SECOND_MS)))

    def save(self) -> None:
        """Store where the queue stands."""
        if not self._unsaved:
            return
        now_ms = self.context.clock()
        self.context.outbox.save(self.position, now_ms, self._rejects)
        self._rejects = []
        self._saved_ms = now_ms
        self._unsaved = False

    @abstractmethod
    def _work(self) -> bool:
        """Do a piece of work. True when there is more to do at once."""

    def _first_position(self) -> Position:
        return Position(reader=self.reader)

    def _begun(self) -> Position:
        return self.context.outbox.position(self.reader) or self._first_position()

    def _changed(self) -> None:
        self._unsaved = True

    def _send(self, lines: Sequence[bytes], sources: Sequence[int]) -> int:
        """Write the lines; gives how many of them, from the first on, are settled.

        Fewer than all means that the queue has to pause.
        """
        settings = self.context.settings
        for start, end in parcels(lines, settings.batch_points, settings.batch_bytes):
            shipment = ship(self._write, lines[start:end])
            self.position.stored += shipment.stored
            self._refuse(
                [
                    Reject(
                        sources[start + refusal.index],
                        refusal.answer.status or 0,
                        refusal.answer.words,
                        lines[start + refusal.index][:_LINE_KEPT].decode("utf-8", "replace"),
                    )
                    for refusal in shipment.refusals
                ]
            )
            if shipment.stored:
                self._recovered()
            if shipment.halted is not None:
                self._halt(shipment.halted)
                return start + shipment.done
        return len(lines)

    def _write(self, body: bytes) -> ServerAnswer:
        return self.context.server.write(self.bucket, body)

    def _refuse(self, rejects: list[Reject]) -> None:
        if not rejects:
            return
        self._rejects += rejects
        self.position.rejected += len(rejects)
        self._changed()
        _log.warning(
            "InfluxDB refused %d points of %s for good, the first with: %s",
            len(rejects),
            self.reader,
            rejects[0].answer,
        )

    def _halt(self, answer: ServerAnswer) -> None:
        """Keep everything and pause: as long as the server asks, else longer each time."""
        now_ms = self.context.clock()
        before = self.position.trouble
        if before is None or (before.status, before.words) != (answer.status, answer.words):
            _log.warning("InfluxDB does not take %s now (%s): %s", self.reader, answer.status, answer.words)
        since_ms = before.since_ms if before else now_ms
        self.position.trouble = Trouble(since_ms=since_ms, status=answer.status, words=answer.words)
        pause_s = answer.retry_after_s if answer.retry_after_s is not None else self._back_off.next()
        self._pause_s = pause_s
        self._resume_ms = now_ms + round(pause_s * SECOND_MS)
        self._changed()
        self.save()

    def _recovered(self) -> None:
        self.position.stored_ms = self.context.clock()
        self._changed()
        if self.position.trouble is not None:
            _log.info("InfluxDB takes %s again", self.reader)
            self.position.trouble = None
            self._back_off.reset()
