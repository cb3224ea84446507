"""A printer as the collector keeps it at hand: its row, its tracker, its evidence, its sessions."""

import msgspec

from collector.sessions.session import PrinterSession
from collector.tracker import TrackerState
from farm.ledger.records import Checkpoint
from farm.ledger.stored_bodies import read_body
from farm.model.printer import Printer

_encoder = msgspec.msgpack.Encoder()


class TrackerCheckpoint(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of a stored checkpoint: the tracker, the position (ms, ordinal) of its last evidence,
    and the first instant and the number of the late inputs that wait among the evidence.
    """

    tracker: msgspec.Raw
    evidence: tuple[int, int]
    late_from_ms: int | None = None
    late_count: int = 0


_checkpoint_decoder = msgspec.msgpack.Decoder(TrackerCheckpoint)
_tracker_decoder = msgspec.msgpack.Decoder(TrackerState)


def encode_tracker(tracker: TrackerState) -> bytes:
    """The tracker as stored in checkpoints and snapshots."""
    return _encoder.encode(tracker)


def decode_tracker(body: bytes) -> TrackerState:
    """The tracker that `encode_tracker` stored."""
    return read_body(_tracker_decoder, body, "checkpoint or snapshot")


class TrackerMark(msgspec.Struct, frozen=True):
    """Where a printer's tracker stood, to go back to."""

    tracker: TrackerState
    evidence: tuple[int, int]
    evidence_since_snapshot: int
    late_from_ms: int | None
    late_count: int


class TrackedPrinter:
    """One printer with its one tracker, whatever the number of addresses that it is heard under.

    `heard_ms` is the time of its last message under any address, and `last_heard` the session
    that it came from; `evidence` is the position (ms, ordinal) of the last stored evidence.
    `late_count` late inputs, from `late_from_ms` on, wait among the evidence to be put into their places.
    `former_names` are those under which something may still be published.
    """

    __slots__ = (
        "evidence",
        "evidence_since_snapshot",
        "former_names",
        "heard_ms",
        "last_heard",
        "late_count",
        "late_from_ms",
        "row",
        "sessions",
        "tracker",
    )

    def __init__(self, row: Printer, tracker: TrackerState) -> None:
        self.row = row
        self.tracker = tracker
        self.evidence = (tracker.at_ms, -1)
        self.evidence_since_snapshot = 0
        self.former_names: list[str] = []
        self.sessions: list[PrinterSession] = []
        self.heard_ms = tracker.at_ms
        self.last_heard: PrinterSession | None = None
        self.late_from_ms: int | None = None
        self.late_count = 0

    @classmethod
    def restored(cls, row: Printer, checkpoint: Checkpoint) -> "TrackedPrinter":
        """The printer as it was stored, without its sessions."""
        point = read_body(_checkpoint_decoder, checkpoint.body, "checkpoint")
        printer = cls(row, decode_tracker(bytes(point.tracker)))
        printer.evidence = point.evidence
        printer.late_from_ms, printer.late_count = point.late_from_ms, point.late_count
        return printer

    @property
    def id(self) -> str:
        """The printer's id."""
        return self.row.id

    @property
    def name(self) -> str:
        """The printer's name."""
        return self.row.name

    @property
    def is_taken_in(self) -> bool:
        """Whether its messages count: it is neither ignored nor retired."""
        return not self.row.ignored and self.row.retired_ms is None

    @property
    def silence_ms(self) -> int:
        """How long (ms) it may be silent: the limit of the session that was heard last."""
        return 0 if self.last_heard is None else self.last_heard.report_interval.limit_ms

    def was_silent(self, at_ms: int) -> bool:
        """Whether nothing at all was heard of it, listening, for longer than its limit until `at_ms`."""
        doubt = self.tracker.doubt
        listened_ms = self.heard_ms if doubt is None else max(self.heard_ms, doubt.until_ms)
        return at_ms - listened_ms > self.silence_ms

    def was_not_silent(self, at_ms: int) -> bool:
        """Whether a message of `at_ms` that came late shows that what was taken for silence was none."""
        tracker = self.tracker
        return tracker.before_silence is not None and 0 <= at_ms - tracker.at_ms <= self.silence_ms

    def add(self, session: PrinterSession) -> None:
        """The printer is heard under one more address."""
        self.sessions.append(session)
        if self.last_heard is None or session.heard_ms > self.heard_ms:
            self.last_heard = session
        self.heard_ms = max(self.heard_ms, session.heard_ms)

    def checkpoint(self) -> Checkpoint:
        """The tracker as it is to be stored."""
        point = TrackerCheckpoint(
            tracker=msgspec.Raw(encode_tracker(self.tracker)),
            evidence=self.evidence,
            late_from_ms=self.late_from_ms,
            late_count=self.late_count,
        )
        return Checkpoint(self.row.id, _encoder.encode(point))

    def mark(self) -> TrackerMark:
        """Where the tracker stands."""
        return TrackerMark(
            self.tracker, self.evidence, self.evidence_since_snapshot, self.late_from_ms, self.late_count
        )

    def go_back(self, mark: TrackerMark) -> None:
        """Leave the tracker where it stood at the mark."""
        self.tracker, self.evidence = mark.tracker, mark.evidence
        self.evidence_since_snapshot = mark.evidence_since_snapshot
        self.late_from_ms, self.late_count = mark.late_from_ms, mark.late_count

    def wait_for(self, at_ms: int) -> None:
        """One more late input waits, whose place is at `at_ms`."""
        self.late_from_ms = at_ms if self.late_from_ms is None else min(at_ms, self.late_from_ms)
        self.late_count += 1

    def nothing_waits(self) -> None:
        """All that came late is in its place."""
        self.late_from_ms, self.late_count = None, 0
