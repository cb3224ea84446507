"""What the collector keeps at hand of one printer, and how it is stored and found again."""

from typing import Any

import msgspec

from collector.adapters.base import Adapter, ClockKind
from collector.sessions.report_interval import ReportInterval
from collector.sessions.source_clock import RESTART_MS, STEADY_MS, Placed, SourceClock, place, restarted
from collector.sessions.thinning import Thinner
from collector.tracker import TrackerState
from farm.ledger.records import Checkpoint, SessionRecord
from farm.model.printer import Address, Printer, session_id

_encoder = msgspec.msgpack.Encoder()


class SessionCheckpoint(msgspec.Struct, kw_only=True):
    """The body of a stored session: clock, the adapter's memory, thinning, report interval."""

    clock: SourceClock
    highest_ms: int
    memory: msgspec.Raw
    thinner: Thinner
    report_interval: ReportInterval
    next_sample_ms: int


class TrackerCheckpoint(msgspec.Struct, kw_only=True):
    """The body of a stored checkpoint: the tracker, and the place of its last evidence."""

    tracker: msgspec.Raw
    evidence: tuple[int, int]


_session_decoder = msgspec.msgpack.Decoder(SessionCheckpoint)
_checkpoint_decoder = msgspec.msgpack.Decoder(TrackerCheckpoint)
_tracker_decoder = msgspec.msgpack.Decoder(TrackerState)


def encode_tracker(tracker: TrackerState) -> bytes:
    """The tracker as stored in checkpoints and snapshots."""
    return _encoder.encode(tracker)


def decode_tracker(body: bytes) -> TrackerState:
    """The tracker that `encode_tracker` stored."""
    return _tracker_decoder.decode(body)


class PrinterSession:
    """One printer under one address: its adapter's memory, its clock and its tracker.

    `heard_ms` is the time of its last message, `next_sample_ms` when its telemetry is
    looked at again, `evidence` the place (ms, ordinal) of the last stored evidence.
    """

    __slots__ = (
        "_tracker_body",
        "adapter",
        "clock",
        "dirty",
        "evidence",
        "evidence_since_snapshot",
        "heard_ms",
        "highest_ms",
        "memory",
        "next_sample_ms",
        "prefix",
        "printer",
        "report_interval",
        "source",
        "thinner",
        "tracker",
    )

    def __init__(
        self, printer: Printer, adapter: Adapter, prefix: str, source: str, tracker: TrackerState
    ) -> None:
        self.printer = printer
        self.prefix = prefix
        self.adapter = adapter
        self.source = source
        self.memory: Any = adapter.new_memory()
        self.clock = SourceClock()
        self.report_interval = ReportInterval(adapter.silence_ms)
        self.highest_ms = 0
        self.tracker = tracker
        self.heard_ms = tracker.at_ms
        self.next_sample_ms = 0
        self.thinner = Thinner()
        self.evidence = (tracker.at_ms, -1)
        self.evidence_since_snapshot = 0
        self.dirty = True
        self._tracker_body: tuple[TrackerState, bytes] | None = None

    @classmethod
    def restored(
        cls, printer: Printer, adapter: Adapter, prefix: str, checkpoint: Checkpoint, stored: SessionRecord
    ) -> "PrinterSession":
        """The session as it was stored."""
        point = _checkpoint_decoder.decode(checkpoint.body)
        state = _session_decoder.decode(stored.body)
        session = cls(printer, adapter, prefix, adapter.kind, decode_tracker(bytes(point.tracker)))
        session.clock = state.clock
        session.highest_ms = state.highest_ms
        session.memory = msgspec.msgpack.decode(bytes(state.memory), type=adapter.memory_type)
        session.thinner = state.thinner
        session.evidence = point.evidence
        session.report_interval = state.report_interval
        session.next_sample_ms = state.next_sample_ms
        session.heard_ms = stored.heard_ms
        session.dirty = False
        return session

    def checkpoint(self) -> Checkpoint:
        """The tracker as it is to be stored."""
        if self._tracker_body is None or self._tracker_body[0] is not self.tracker:
            self._tracker_body = (self.tracker, encode_tracker(self.tracker))
        point = TrackerCheckpoint(tracker=msgspec.Raw(self._tracker_body[1]), evidence=self.evidence)
        return Checkpoint(self.printer.id, _encoder.encode(point))

    def record(self) -> SessionRecord:
        """The session as it is to be stored."""
        state = SessionCheckpoint(
            clock=self.clock,
            highest_ms=self.highest_ms,
            memory=msgspec.Raw(_encoder.encode(self.memory)),
            thinner=self.thinner,
            report_interval=self.report_interval,
            next_sample_ms=self.next_sample_ms,
        )
        live = self.adapter.telemetry(self.memory)
        address = Address("main", self.adapter.kind, self.prefix)
        return SessionRecord(
            session_id(address), self.printer.id, self.heard_ms, live, _encoder.encode(state)
        )

    def place(self, source_ms: int, received_ms: int, *, live: bool, floor_ms: int) -> Placed | int:
        """When a message with this source time happened: an instant, or more where the clock moved."""
        clock = self.clock
        kind = self.adapter.clock
        if kind is ClockKind.MONOTONIC:
            if source_ms > self.highest_ms:
                self.highest_ms = source_ms
            elif source_ms < self.highest_ms - RESTART_MS:
                self.clock = clock = restarted(clock)
                self.highest_ms = source_ms
        if clock.judged and clock.lag_ms is None and live:
            at = source_ms + (clock.offset_ms or 0)
            if 0 <= received_ms - at <= STEADY_MS:
                return at
        placed = place(clock, kind, source_ms, received_ms, live=live, floor_ms=floor_ms)
        self.clock = placed.clock
        return placed if placed.finding is not None else placed.at_ms
