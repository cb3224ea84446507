"""What the collector keeps at hand of one address, and how it is stored and found again."""

from collections.abc import Iterable
from copy import copy
from typing import Any, NamedTuple

import msgspec

from collector.adapters.base import Adapter, ClockKind, Trait, Waiting
from collector.sessions.publishers import Publishers, heard
from collector.sessions.report_interval import ReportInterval
from collector.sessions.source_clock import (
    BOUND_MS,
    RESTART_MS,
    STEADY_MS,
    Placed,
    SourceClock,
    place,
    restarted,
)
from collector.sessions.thinning import Thinner
from collector.sessions.trail import Trail
from farm.ledger.records import SessionRecord
from farm.ledger.stored_bodies import read_body
from farm.model.clash import PublisherClash
from farm.model.observation import Link, Observation, Telemetry
from farm.model.printer import Address, session_id
from farm.model.times import SECOND_MS

_encoder = msgspec.msgpack.Encoder()


class SessionCheckpoint(msgspec.Struct, kw_only=True):
    """The body of a stored session: clock, the adapter's memory, thinning, link and what else is kept."""

    clock: SourceClock
    highest_ms: int
    memory: msgspec.Raw
    thinner: Thinner
    report_interval: ReportInterval
    next_sample_ms: int
    link: Link | None = None
    trail: Trail = msgspec.field(default_factory=Trail)
    publishers: Publishers = Publishers()
    progress: float | None = None
    progress_ms: int | None = None
    remaining_s: float | None = None
    done_ms: int | None = None
    told_ms: int | None = None


class SessionMark(NamedTuple):
    """The state of a session before a message, to be restored when the message is not worked in."""

    memory: Any
    clock: SourceClock
    highest_ms: int
    told_ms: int
    report_interval: ReportInterval
    thinner: Thinner
    link: Link | None
    publishers: Publishers


_session_decoder = msgspec.msgpack.Decoder(SessionCheckpoint)


class PrinterSession:
    """One address of a printer: its adapter's memory, its source's clock, its report interval.

    `heard_ms` is the time of its last message, `highest_ms` the source's time of the newest message and
    `told_ms` of the newest that nobody asked for, `next_sample_ms` when its telemetry is looked at
    again, `link` what it last told of its own way to the printer, `trail` its last messages, `waiting`
    its adapter where something may show without a message, `publishers` whether one printer speaks
    under the address, or two, `progress_ms` when its progress was last seen to have moved, `done_ms`
    when its print is done by what it told last of the time that remains.
    """

    __slots__ = (
        "adapter",
        "address",
        "clock",
        "dirty",
        "done_ms",
        "heard_ms",
        "highest_ms",
        "id",
        "link",
        "memory",
        "next_sample_ms",
        "printer_id",
        "progress",
        "progress_ms",
        "publishers",
        "remaining_s",
        "report_interval",
        "source",
        "thinner",
        "told_ms",
        "trail",
        "waiting",
    )

    def __init__(
        self, printer_id: str, adapter: Adapter, address: Address, source: str, heard_ms: int
    ) -> None:
        self.printer_id = printer_id
        self.address = address
        self.id = session_id(address)
        self.adapter = adapter
        self.source = source
        self.memory: Any = adapter.new_memory()
        self.waiting = adapter if isinstance(adapter, Waiting) else None
        self.clock = SourceClock()
        self.report_interval = ReportInterval(adapter.silence_ms)
        self.highest_ms = self.told_ms = 0
        self.heard_ms = heard_ms
        self.next_sample_ms = 0
        self.thinner = Thinner()
        self.trail = Trail()
        self.link: Link | None = None
        self.publishers = Publishers()
        self.progress: float | None = None
        self.progress_ms: int | None = None
        self.remaining_s: float | None = None
        self.done_ms: int | None = None
        self.dirty = True

    @classmethod
    def restored(cls, adapter: Adapter, address: Address, stored: SessionRecord) -> "PrinterSession":
        """The session as it was stored."""
        state = read_body(_session_decoder, stored.body, "session")
        session = cls(stored.printer_id, adapter, address, adapter.kind, stored.heard_ms)
        session.clock = state.clock
        session.highest_ms = state.highest_ms
        session.told_ms = state.highest_ms if state.told_ms is None else state.told_ms
        session.memory = msgspec.msgpack.decode(bytes(state.memory), type=adapter.memory_type)
        session.thinner = state.thinner
        session.report_interval = state.report_interval
        session.next_sample_ms = state.next_sample_ms
        session.link = state.link
        session.trail = state.trail
        session.publishers = state.publishers
        session.progress, session.progress_ms = state.progress, state.progress_ms
        session.remaining_s, session.done_ms = state.remaining_s, state.done_ms
        session.dirty = False
        return session

    def record(self) -> SessionRecord:
        """The session as it is to be stored."""
        state = SessionCheckpoint(
            clock=self.clock,
            highest_ms=self.highest_ms,
            told_ms=self.told_ms,
            memory=msgspec.Raw(_encoder.encode(self.memory)),
            thinner=self.thinner,
            report_interval=self.report_interval,
            next_sample_ms=self.next_sample_ms,
            link=self.link,
            trail=self.trail,
            publishers=self.publishers,
            progress=self.progress,
            progress_ms=self.progress_ms,
            remaining_s=self.remaining_s,
            done_ms=self.done_ms,
        )
        live = self.adapter.telemetry(self.memory)
        body = _encoder.encode(state)
        clash = self.publishers.clash
        return SessionRecord(
            self.id, self.printer_id, self.heard_ms, live, body, clash, self.progress_ms, self.done_ms
        )

    def mark(self) -> SessionMark:
        """Where the session stands, but for its trail. What it holds is replaced and not changed in place."""
        memory = self.memory.__copy__()
        return SessionMark(
            memory,
            self.clock,
            self.highest_ms,
            self.told_ms,
            self.report_interval,
            self.thinner,
            self.link,
            self.publishers,
        )

    def go_back(self, mark: SessionMark) -> None:
        """Leave the session where it stood at the mark."""
        (
            self.memory,
            self.clock,
            self.highest_ms,
            self.told_ms,
            self.report_interval,
            self.thinner,
            self.link,
            self.publishers,
        ) = mark

    @property
    def waits(self) -> bool:
        """Whether something may show by the time that passes."""
        return self.waiting is not None and self.waiting.waits(self.memory)

    def look(self, now_ms: int) -> Observation | None:
        """What shows by now though no message came."""
        return None if self.waiting is None else self.waiting.look(self.memory, self.clock.theirs(now_ms))

    def hear_gap(self, gap_ms: int) -> None:
        """A message came so long after the one before it (ms)."""
        interval = self.report_interval
        if gap_ms * 2 > interval.stated_ms or interval.limit_ms > interval.stated_ms:
            self.report_interval = interval = copy(interval)
            interval.hear(gap_ms)

    def lose_way(self, away_ms: int) -> None:
        """Messages of so long a time are missing: what is known stands in doubt, or not at all."""
        if away_ms <= self.report_interval.limit_ms:
            self.adapter.doubt(self.memory)
        else:
            self.adapter.forget(self.memory)

    def see_figures(self, figures: Telemetry, at_ms: int) -> None:
        """Progress, and what remains of the print, as they stand at `at_ms`."""
        if figures.progress != self.progress:
            self.progress, self.progress_ms = figures.progress, at_ms
        if figures.remaining_s != self.remaining_s:
            self.remaining_s = figures.remaining_s
            remaining_ms = None if self.remaining_s is None else round(self.remaining_s * SECOND_MS)
            self.done_ms = None if remaining_ms is None else at_ms + remaining_ms

    def hear_publishers(self, traits: Iterable[Trait], at_ms: int) -> PublisherClash | None:
        """Traits of a message that came live at `at_ms`. Gives the clash that they showed first, if any."""
        before = self.publishers.clash
        self.publishers = heard(self.publishers, self.address.prefix, traits, at_ms)
        clash = self.publishers.clash
        is_new = clash is not None and (before is None or before.since_ms != clash.since_ms)
        return clash if is_new else None

    def is_shared(self, at_ms: int) -> bool:
        """Whether what is heard under the address at `at_ms` may be another printer's."""
        clash = self.publishers.clash
        return clash is not None and clash.stands(at_ms)

    def is_speaking(self, at_ms: int) -> bool:
        """Whether it told at `at_ms` how its printer stands: heard in time, over a link that stood."""
        return self.link is not Link.OFFLINE and at_ms - self.heard_ms <= self.report_interval.limit_ms

    def is_stale_answer(self, source_ms: int, received_ms: int) -> bool:
        """Whether an answer was held up on its way, and no host has started anew since: it proves nothing.

        A host that was heard at some moment and started anew cannot be up for longer than since then.
        """
        clock = self.clock
        if not clock.judged or self.adapter.clock is not ClockKind.MONOTONIC:
            return False
        since_heard_ms = received_ms - clock.ours(self.highest_ms)
        return received_ms - clock.ours(source_ms) > BOUND_MS and source_ms > since_heard_ms

    def place(
        self, source_ms: int, received_ms: int, *, live: bool, floor_ms: int, is_answer: bool = False
    ) -> Placed | int:
        """When a message with this source time happened: an instant, or more where the clock moved.

        To be called with new messages only: a monotonic clock that falls began anew. An answer may have
        overtaken what was told before it, which is no fall.
        """
        clock = self.clock
        kind = self.adapter.clock
        floor = self.highest_ms if is_answer else self.told_ms
        if kind is ClockKind.MONOTONIC and source_ms < floor - RESTART_MS:
            self.clock = clock = restarted(clock)
            self.highest_ms = self.told_ms = source_ms
        self.highest_ms = max(self.highest_ms, source_ms)
        if not is_answer:
            self.told_ms = max(self.told_ms, source_ms)
        if clock.judged and clock.lag_ms is None and live:
            at = source_ms + (clock.offset_ms or 0)
            if 0 <= received_ms - at <= STEADY_MS:
                return self._within_step(at, received_ms)
        placed = place(clock, kind, source_ms, received_ms, live=live, floor_ms=floor_ms)
        self.clock = placed.clock
        if placed.change is not None:
            return placed
        return self._within_step(placed.at_ms, received_ms) if live else placed.at_ms

    def within_ms(self, at_ms: int, received_ms: int, *, live: bool) -> int:
        """How much later (ms) than `at_ms` a message happened at most whose time its clock told in steps.

        One that came at once is known to the time that its way took.
        """
        lag_ms = received_ms - at_ms
        return 0 if live and lag_ms <= STEADY_MS else max(0, min(lag_ms, self.adapter.resolution_ms - 1))

    def _within_step(self, at_ms: int, received_ms: int) -> int:
        """When within its clock's step a message happened that came at once: as late as it can have.

        Of one that was long under way nobody knows, and the step's beginning stands.
        """
        lag_ms = received_ms - at_ms
        return at_ms + min(lag_ms, self.adapter.resolution_ms - 1) if 0 < lag_ms <= STEADY_MS else at_ms
