"""What the collector keeps at hand of one printer, and how it is stored and found again."""

from typing import Any

import msgspec

from collector.adapters.base import Adapter, ClockKind
from collector.cadence import Cadence
from collector.source_clock import RESTART_MS, STEADY_MS, Placed, SourceClock, place, restarted
from collector.tracker import Track
from farm.model.printer import Printer
from farm.storage.ledger_port import Checkpoint
from farm.storage.thinning import Thinner

_encoder = msgspec.msgpack.Encoder()


class DeskState(msgspec.Struct, kw_only=True):
    """The body of a checkpoint: tracker, clock, the adapter's memory, thinning, the last evidence."""

    track: msgspec.Raw
    clock: SourceClock
    highest_ms: int
    memory: msgspec.Raw
    thinner: Thinner
    evidence: tuple[int, int]
    cadence: Cadence
    next_sample_ms: int


_decoder = msgspec.msgpack.Decoder(DeskState)
_track_decoder = msgspec.msgpack.Decoder(Track)


def encode_track(track: Track) -> bytes:
    """The track as stored in checkpoints and milestones."""
    return _encoder.encode(track)


def decode_track(body: bytes) -> Track:
    """The track that `encode_track` stored."""
    return _track_decoder.decode(body)


class Desk:
    """One printer under one address: its adapter's memory, its clock and its track.

    `heard_ms` is the time of its last message, `next_sample_ms` when its telemetry is
    looked at again, `evidence` the place (ms, ordinal) of the last stored evidence.
    """

    __slots__ = (
        "_track_body",
        "adapter",
        "cadence",
        "clock",
        "dirty",
        "evidence",
        "evidence_since_milestone",
        "heard_ms",
        "highest_ms",
        "memory",
        "next_sample_ms",
        "prefix",
        "printer",
        "source",
        "thinner",
        "track",
    )

    def __init__(self, printer: Printer, adapter: Adapter, prefix: str, source: str, track: Track) -> None:
        self.printer = printer
        self.prefix = prefix
        self.adapter = adapter
        self.source = source
        self.memory: Any = adapter.new_memory()
        self.clock = SourceClock()
        self.cadence = Cadence(adapter.silence_ms)
        self.highest_ms = 0
        self.track = track
        self.heard_ms = track.at_ms
        self.next_sample_ms = 0
        self.thinner = Thinner()
        self.evidence = (track.at_ms, -1)
        self.evidence_since_milestone = 0
        self.dirty = True
        self._track_body: tuple[Track, bytes] | None = None

    @classmethod
    def restored(cls, printer: Printer, adapter: Adapter, prefix: str, stored: Checkpoint) -> "Desk":
        """The desk as its checkpoint left it."""
        state = _decoder.decode(stored.body)
        desk = cls(printer, adapter, prefix, adapter.kind, decode_track(bytes(state.track)))
        desk.clock = state.clock
        desk.highest_ms = state.highest_ms
        desk.memory = msgspec.msgpack.decode(bytes(state.memory), type=adapter.memory_type)
        desk.thinner = state.thinner
        desk.evidence = state.evidence
        desk.cadence = state.cadence
        desk.next_sample_ms = state.next_sample_ms
        desk.heard_ms = stored.heard_ms
        desk.dirty = False
        return desk

    def checkpoint(self) -> Checkpoint:
        """The desk as it is to be stored."""
        if self._track_body is None or self._track_body[0] is not self.track:
            self._track_body = (self.track, encode_track(self.track))
        state = DeskState(
            track=msgspec.Raw(self._track_body[1]),
            clock=self.clock,
            highest_ms=self.highest_ms,
            memory=msgspec.Raw(_encoder.encode(self.memory)),
            thinner=self.thinner,
            evidence=self.evidence,
            cadence=self.cadence,
            next_sample_ms=self.next_sample_ms,
        )
        live = self.adapter.telemetry(self.memory)
        return Checkpoint(self.printer.id, self.heard_ms, live, _encoder.encode(state))

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
