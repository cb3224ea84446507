"""Messages that come again from a broker that does not say so, told by their order.

MQTT 3.1.1 asks for the DUP flag and the packet identifier of the first time (4.4). Brokers that
keep a log for each subscription, rumqttd among them, go back in the log instead: every message of
a topic since the last one whose acknowledgement they read, in order, as if it were new.
"""

from collections.abc import Iterable
from typing import NamedTuple

from collector.intake.deliveries import Checksums
from collector.intake.mqtt import Arrival

_SLACK = 1_000


class Sorted(NamedTuple):
    """What is to be worked in now, and what was worked in over an earlier connection."""

    fresh: list[Arrival]
    again: list[Arrival]


class _Topic:
    """The unconfirmed messages of a topic, and those held that may be they.

    `places` are the positions in `sums` at which the next message would go on.
    """

    __slots__ = ("held", "places", "sums")

    def __init__(self) -> None:
        self.sums: list[int] = []
        self.places: Iterable[int] = ()
        self.held: list[Arrival] = []


class RedeliveryFilter:
    """Watches a resumed session until what may come again has come.

    Of a topic either nothing comes again or all that follows some message, up to the last. So
    messages that repeat known ones are held back until they reach the last one, and are worked
    in after all when another message shows that they were new.
    """

    def __init__(self, unconfirmed: Iterable[Checksums]) -> None:
        self._topics: dict[int, _Topic] = {}
        self._patience = _SLACK
        for mark in unconfirmed:
            self._topics.setdefault(mark.topic, _Topic()).sums.append(mark.payload)
            self._patience += 1
        for topic in self._topics.values():
            topic.places = range(len(topic.sums))

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come again; what is still held is for `release`."""
        return not self._topics or self._patience <= 0

    @property
    def is_holding(self) -> bool:
        """Whether there are messages of which it is not known whether they are new."""
        return any(topic.held for topic in self._topics.values())

    def sort(self, message: Arrival, mark: Checksums) -> Sorted:
        """Take a message of which `mark` is the mark; gives what is known by it."""
        self._patience -= 1
        topic = self._topics.get(mark.topic)
        if topic is None:
            return Sorted([message], [])
        last = len(topic.sums)
        topic.places = [
            place + 1 for place in topic.places if place < last and topic.sums[place] == mark.payload
        ]
        if not topic.places:
            del self._topics[mark.topic]
            return Sorted([*topic.held, message], [])
        topic.held.append(message)
        if last not in topic.places:
            return Sorted([], [])
        again, topic.held = topic.held, []
        if topic.places == [last]:
            del self._topics[mark.topic]
        return Sorted([], again)

    def release_topic(self, topic: int) -> list[Arrival]:
        """What is held of the topic (its checksum), of which it is known that all of it is new."""
        found = self._topics.pop(topic, None)
        return [] if found is None else found.held

    def release(self) -> list[Arrival]:
        """Everything held, which turned out to be new. It is over then."""
        held = [message for topic in self._topics.values() for message in topic.held]
        self._topics = {}
        return held
