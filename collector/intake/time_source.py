"""Whose time counts: the clock on the wall, or the moment that each message of a simulation carries."""

from typing import NamedTuple, Protocol

from typing_extensions import override

from collector.intake.mqtt import Arrival
from collector.intake.sources import SourceTable
from collector.settings import CollectorSettings
from farm.errors import UnreadableMessage
from farm.model.clock import Clock, system_clock
from farm.model.simulated import SUBSCRIPTION, split_simulated_topic

_TICK_MS = 1_000
_SIMULATED_TICK_MS = 60_000
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""


class Moment(NamedTuple):
    """What a message is about and when it came (ms); `live` is false for one that waited in a queue."""

    topic: str
    retained: bool
    at_ms: int
    live: bool


class TimeSource(Protocol):
    """What a collector must know of time. `now_ms` (ms since 1970) is the latest instant known."""

    is_simulated: bool
    now_ms: int

    def adapted(self, settings: CollectorSettings) -> CollectorSettings:
        """The settings as they make sense in this time."""

    def filters(self, sources: SourceTable) -> list[str]:
        """The MQTT topic filters under which the messages of `sources` come."""

    def look(self) -> None:
        """A message has come; `now_ms` is no older than that from then on."""

    def moment(self, message: Arrival, *, live: bool) -> Moment:
        """What the message is about and when it came, `live` or while a backlog is drained.

        Raises UnreadableMessage when it does not tell.
        """

    def tick_before(self, at_ms: int, latest_ms: int) -> int | None:
        """The instant to be looked at before a message of `at_ms`, when the last was of `latest_ms`."""

    def tick_due(self) -> int | None:
        """The instant to be looked at now, whether or not messages come; None when it is not time."""

    def last_tick(self, latest_ms: int) -> int | None:
        """The instant to be looked at when everything has come."""

    def absence(self, from_ms: int) -> tuple[int, int] | None:
        """What a shard missed that was booked until `from_ms` and begins a new session at the broker."""


class RealTime(TimeSource):
    """Real time, by the clock that is handed in."""

    is_simulated = False

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._ticked_ms = 0
        self.now_ms = 0

    @override
    def adapted(self, settings: CollectorSettings) -> CollectorSettings:
        return settings

    @override
    def filters(self, sources: SourceTable) -> list[str]:
        return sources.filters

    @override
    def look(self) -> None:
        """At each message: by the clock of the one before it would have come before it was sent."""
        self.now_ms = self._clock()

    @override
    def moment(self, message: Arrival, *, live: bool) -> Moment:
        if not message.topic:
            raise UnreadableMessage("topic_not_utf8")
        return Moment(message.topic, message.retained, self.now_ms, live)

    @override
    def tick_before(self, at_ms: int, latest_ms: int) -> int | None:
        return None

    @override
    def tick_due(self) -> int | None:
        """Once a second, also after the clock was set back."""
        self.now_ms = self._clock()
        if abs(self.now_ms - self._ticked_ms) < _TICK_MS:
            return None
        self._ticked_ms = self.now_ms
        return self.now_ms

    @override
    def last_tick(self, latest_ms: int) -> int | None:
        return None

    @override
    def absence(self, from_ms: int) -> tuple[int, int] | None:
        return from_ms, self._clock()


class SimulatedTime(TimeSource):
    """Each message carries its moment in its topic, and nothing else tells the time."""

    is_simulated = True

    def __init__(self) -> None:
        self.now_ms = 0

    @override
    def adapted(self, settings: CollectorSettings) -> CollectorSettings:
        """Nobody is there who could be told or asked."""
        return settings.model_copy(update={"publish_state": False, "ask": False})

    @override
    def filters(self, sources: SourceTable) -> list[str]:
        return [SUBSCRIPTION]

    @override
    def look(self) -> None:
        """Nothing to do: each message carries its instant."""

    @override
    def moment(self, message: Arrival, *, live: bool) -> Moment:
        """A message carries its moment through any queue, so each is as live as when it was sent."""
        try:
            at_ms, retained, topic = split_simulated_topic(message.topic)
        except ValueError:
            raise UnreadableMessage("bad_simulated_topic", message.topic) from None
        if not 0 <= at_ms <= _LAST_MS:
            raise UnreadableMessage("bad_simulated_topic", message.topic)
        self.now_ms = max(self.now_ms, at_ms)
        return Moment(topic, retained, at_ms, live=True)

    @override
    def tick_before(self, at_ms: int, latest_ms: int) -> int | None:
        """On the full minute of the messages' own time, wherever batches and restarts happen to fall."""
        minute = at_ms // _SIMULATED_TICK_MS
        return minute * _SIMULATED_TICK_MS if minute > latest_ms // _SIMULATED_TICK_MS else None

    @override
    def tick_due(self) -> int | None:
        return None

    @override
    def last_tick(self, latest_ms: int) -> int | None:
        return max(self.now_ms, latest_ms)

    @override
    def absence(self, from_ms: int) -> tuple[int, int] | None:
        return None
