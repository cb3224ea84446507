"""The broker as the simulation sees it, and the line from one printer to it."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Protocol

import msgspec

from simulators.agenda import Agenda
from simulators.truth import LOST
from simulators.wire import Deliver, Message

KEEPALIVE_LOSS_MS = 90_000
"""A broker gives a silent client up after one and a half keepalives of 60 s."""
RESUBSCRIBED_MS = 2_000
"""So long after a broker is back, its subscribers are back too."""


class GapBook(Protocol):
    """Where times without a way to the broker are entered."""

    def gap(self, printer: str, why: str, from_ms: int, to_ms: int) -> None:
        """Enter one of them."""


class Broker:
    """Takes what printers publish, keeps the retained messages and hands everything on."""

    def __init__(self, agenda: Agenda, deliver: Deliver) -> None:
        self._agenda = agenda
        self._deliver = deliver
        self.up = True
        self.lines: list[Line] = []
        self.retained: dict[str, Message] = {}

    def publish(self, message: Message) -> bool:
        """Take one message. False when the broker is down."""
        if not self.up:
            return False
        if message.retain:
            if message.payload:
                self.retained[message.topic] = message
            else:
                self.retained.pop(message.topic, None)
        if message.tells is not None:
            message.tells()
        self._deliver(self._agenda.now_ms, False, message)
        return True

    def take(self, message: Message) -> None:
        """Take one message that was under way; lost when the broker is down by now."""
        self.publish(message)

    def leave_behind(self, message: Message) -> None:
        """Deliver a message that the broker had kept from before the run."""
        self.retained[message.topic] = message
        self._deliver(self._agenda.now_ms, True, message)

    def stop(self, *, orderly: bool) -> None:
        """Go down. In order, the last wills go out first; killed, they do not."""
        if orderly:
            for line in self.lines:
                if line.stands:
                    line.publish_will()
        self.up = False
        for line in self.lines:
            line.lose("broker")

    def start(self, rng: Random, *, forget: bool) -> None:
        """Come up again, without the retained messages if they were not stored."""
        self.up = True
        if forget:
            self.retained.clear()
        self._agenda.after(RESUBSCRIBED_MS, self._hand_out_retained)
        for line in self.lines:
            self._agenda.after(rng.randint(1_000, 10_000), partial(line.regain, "broker"))

    def _hand_out_retained(self) -> None:
        for message in list(self.retained.values()):
            self._deliver(self._agenda.now_ms, True, message)


class Impairment(msgspec.Struct, frozen=True, kw_only=True):
    """What one line does to messages: shares from 0 to 1, delays in milliseconds."""

    lost: float = 0.0
    duplicated: float = 0.0
    reordered: float = 0.0
    within_ms: int = 2_000
    by_filter: bool = False
    """What was held back is handed over filter by filter, as the broker that comes along does."""

    @property
    def harmless(self) -> bool:
        """Whether everything passes as it was sent."""
        return not (self.lost or self.duplicated or self.reordered)


class Line:
    """The connection of one printer's software to the broker.

    It stands while nothing on the way is down: the host, the network and the broker.
    `greet` is called each time it comes to stand, with True when the host has restarted.
    """

    def __init__(self, name: str, agenda: Agenda, broker: Broker, book: GapBook, rng: Random) -> None:
        self.name = name
        self.will: Message | None = None
        self.greet: Callable[[bool], None] = lambda _: None
        self.impairment = Impairment()
        self._agenda = agenda
        self._broker = broker
        self._book = book
        self._rng = rng
        self._missing: set[str] = {"host"}
        self._will_due = False
        self._fresh = True
        self._stalled = False
        self._stalled_from_ms = 0
        self._backlog: list[Message] = []
        self._outage: list[Message] = []
        self._latest: dict[str, int] = {}
        self._gap_from_ms: int | None = None
        self._gap_why = ""
        broker.lines.append(self)

    @property
    def stands(self) -> bool:
        """Whether messages can pass."""
        return not self._missing

    def has(self, part: str) -> bool:
        """Whether that part of the way is there."""
        return part not in self._missing

    # -- the way --------------------------------------------------------------------------------

    def lose(self, part: str, *, will_after_ms: int | None = None, renews: bool = False) -> None:
        """A part of the way goes down; the broker publishes the last will after so long, or never.

        With `renews` the printer's software has started anew when the line stands again.
        """
        if not self._missing:
            self._gap_from_ms, self._gap_why = self._agenda.now_ms, part
            if will_after_ms is not None:
                self._will_due = True
                self._agenda.after(will_after_ms, self._will_if_due)
        self._missing.add(part)
        if part == "broker":
            self._will_due = False
        if part == "host" or renews:
            self._fresh = True
            self._outage.clear()
        if self._backlog:
            self._backlog.clear()
            self._book.gap(self.name, LOST, self._stalled_from_ms, self._agenda.now_ms)

    def regain(self, part: str) -> None:
        """That part is back. The printer's software connects once nothing is missing."""
        if part not in self._missing:
            return
        self._missing.discard(part)
        if self._missing:
            return
        self._will_if_due()
        if self._gap_from_ms is not None:
            self._book.gap(self.name, self._gap_why, self._gap_from_ms, self._agenda.now_ms)
            self._gap_from_ms = None
        fresh, self._fresh = self._fresh, False
        self.greet(fresh)
        kept, self._outage = self._outage, []
        for message in kept:
            self.send(message)

    def close(self, to_ms: int) -> None:
        """Enter the gap that lasts until the run ends."""
        if self._gap_from_ms is not None:
            self._book.gap(self.name, self._gap_why, self._gap_from_ms, to_ms)

    def _will_if_due(self) -> None:
        if self._will_due:
            self._will_due = False
            self.publish_will()

    def publish_will(self) -> None:
        """Have the broker publish the last will, which it cannot while it is down itself."""
        if self.will is not None:
            self._broker.publish(self.will)

    def stall(self, for_ms: int) -> None:
        """Hold everything back for so long, then let it go in one burst."""
        if self.stands and not self._stalled:
            self._stalled, self._stalled_from_ms = True, self._agenda.now_ms
            self._agenda.after(for_ms, self._release)

    def _release(self) -> None:
        self._stalled = False
        held, self._backlog = self._backlog, []
        if self.impairment.by_filter:
            held = self._by_filter(held)
        for message in held:
            self._pass(message, self._stalled_from_ms)

    def _by_filter(self, held: list[Message]) -> list[Message]:
        """The messages by the level behind the printer's name, which is what filters tell apart."""
        queues: dict[str, list[Message]] = {}
        for message in held:
            below = message.topic.rpartition(f"{self.name}/")[2]
            queues.setdefault(below.partition("/")[0], []).append(message)
        names = sorted(queues)
        self._rng.shuffle(names)
        return [message for name in names for message in queues[name]]

    # -- messages -------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Publish what can be published; the rest is lost, or kept where the software keeps it."""
        if self._missing:
            if message.patient and "host" not in self._missing:
                self._outage.append(message)
            return
        if self._stalled:
            self._backlog.append(message)
        else:
            self._pass(message)

    def _pass(self, message: Message, sent_ms: int | None = None) -> None:
        """Let the message go, which was sent now, or at some time since `sent_ms`."""
        impairment = self.impairment
        if impairment.harmless:
            self._broker.publish(message)
            return
        chance = self._rng.random
        if message.qos == 0 and chance() < impairment.lost:
            now = self._agenda.now_ms
            self._book.gap(self.name, LOST, now if sent_ms is None else sent_ms, now + 1)
            return
        delay = self._delay(message.topic, chance() < impairment.reordered)
        self._arrive(message, delay)
        if chance() < impairment.duplicated:
            self._arrive(message, delay + self._rng.randint(0, impairment.within_ms))

    def _delay(self, topic: str, late: bool) -> int:
        """How long the message is under way; those of one topic never overtake each other."""
        now = self._agenda.now_ms
        earliest = self._latest.get(topic, 0)
        if not late and earliest <= now:
            return 0
        arrival = max(earliest, now + (self._rng.randint(1, self.impairment.within_ms) if late else 0))
        self._latest[topic] = arrival
        return arrival - now

    def _arrive(self, message: Message, delay_ms: int) -> None:
        if delay_ms == 0:
            self._broker.publish(message)
        else:
            self._agenda.after(delay_ms, partial(self._broker.take, message))
