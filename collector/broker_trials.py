"""Finds out by trying whether a broker does what the farm needs of it.

Each trial uses topics and client ids of its own and takes away what it left behind.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from paho.mqtt.client import MQTTMessage

from farm.errors import BrokerRefused, BrokerUnreachable
from farm.model.broker_address import BrokerAddress
from farm.mqtt import PATIENCE_S, BrokerClient

_LARGE_PAYLOAD = 3_000_000
_WINDOW_PROBE = 600
_WINDOW_NEEDED = 100
_COSTS = {
    "topics with spaces": (
        "Moonraker's split-status mode cannot be used: its topics hold the names of Klipper objects"
    ),
    "session kept, QoS 1 queued for an absent client": (
        "whatever printers send while the collector is away or restarts is lost"
    ),
    "QoS 0 queued for an absent client": (
        "OctoPrint's messages and most of Moonraker's are lost while the collector is away "
        "(Mosquitto: queue_qos0_messages true)"
    ),
    "unacknowledged QoS 1 messages sent again after a crash": (
        "a crash of the collector loses the messages that it had not committed yet"
    ),
    "unacknowledged QoS 0 messages sent again after a crash": (
        "a crash of the collector loses messages of printers that publish at QoS 0 "
        "(Mosquitto: upgrade_outgoing_qos true)"
    ),
    "the same client id takes over": "a collector that hangs blocks the one that should replace it",
    "last will": "a printer whose connection breaks is noticed by its silence only",
    "retained messages": "after a restart a printer is unknown until it next reports something",
    "a payload of 3 MB": "one large message (a thumbnail, a long history) cuts a printer off",
    f"{_WINDOW_NEEDED} unacknowledged messages at once": (
        "commits stay small, so the collector reaches less throughput (Mosquitto: max_inflight_messages 1000)"
    ),
}
"""What is tried, in order, and what it costs where it is missing."""


@dataclass(frozen=True)
class TrialResult:
    """What a trial showed: `passed`, what was seen, and what it costs where it is missing."""

    name: str
    passed: bool
    seen: str
    cost: str


class BrokerTrials:
    """All trials of one broker."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._mark = secrets.token_hex(4)
        self._number = 0

    def run(self) -> Iterator[TrialResult]:
        """Try one property after the other.

        Raises BrokerUnreachable or BrokerRefused when the broker does not let us in.
        """
        with self._line():
            pass
        trials: tuple[Callable[[], tuple[bool, str]], ...] = (
            self._spaces,
            lambda: self._absent(1),
            lambda: self._absent(0),
            lambda: self._redelivered(1),
            lambda: self._redelivered(0),
            self._takeover,
            self._last_will,
            self._retained,
            self._large,
            self._window,
        )
        for (name, cost), trial in zip(_COSTS.items(), trials, strict=True):
            self._number += 1
            try:
                passed, seen = trial()
            except (BrokerRefused, BrokerUnreachable) as error:
                passed, seen = False, str(error)
            yield TrialResult(name, passed, seen, cost)

    def _line(
        self, role: str = "probe", *, clean: bool = True, will: str | None = None, ack: bool = True
    ) -> BrokerClient:
        client_id = f"layerline-doctor-{self._mark}-{self._number}-{role}"
        return BrokerClient(self._address, client_id, clean=clean, will=will, ack=ack)

    def _topic(self, name: str = "") -> str:
        return f"layerline/doctor/{self._mark}/{self._number}/{name}"

    def _spaces(self) -> tuple[bool, str]:
        with self._line("reader") as reader, self._line("printer") as printer:
            reader.subscribe(self._topic("#"))
            printer.publish(self._topic("klipper/state/heater_fan my fan/speed"), b"1")
            return _counted(reader.collect(1), 1)

    def _absent(self, qos: int) -> tuple[bool, str]:
        count = 5
        with self._line("reader", clean=False) as reader:
            reader.subscribe(self._topic("#"))
        with self._line("printer") as printer:
            for number in range(count):
                printer.publish(self._topic("status"), b"%d" % number, qos)
            # Brokers keep order, so once this one is confirmed those before it were taken in.
            printer.publish(f"layerline/doctor/{self._mark}/end", b"")
        with self._line("reader", clean=False) as reader:
            kept = reader.session_present
            passed, seen = _counted(reader.collect(count), count)
        self._forget("reader")
        return passed and kept, seen if kept else "the session was not kept"

    def _redelivered(self, qos: int) -> tuple[bool, str]:
        count = 5
        with self._line("reader", clean=False, ack=False) as reader:
            reader.subscribe(self._topic("#"))
            with self._line("printer") as printer:
                for number in range(count):
                    printer.publish(self._topic("status"), b"%d" % number, qos)
                before = reader.collect(count)
            reader.crash()
        with self._line("reader", clean=False) as reader:
            again = reader.collect(count)
        self._forget("reader")
        if len(before) < count:
            return False, f"only {len(before)} of {count} were delivered at all"
        return _counted(again, count)

    def _takeover(self) -> tuple[bool, str]:
        with self._line("shard") as old, self._line("shard"):
            gone = old.lost.wait(PATIENCE_S)
        return gone, "the old connection was closed" if gone else "the old connection stays"

    def _last_will(self) -> tuple[bool, str]:
        with self._line("reader") as reader:
            reader.subscribe(self._topic("#"))
            with self._line("printer", will=self._topic("link")) as printer:
                printer.crash()
            return _counted(reader.collect(1), 1)

    def _retained(self) -> tuple[bool, str]:
        with self._line("printer") as printer, self._line("reader") as reader:
            printer.publish(self._topic("state"), b"idle", retain=True)
            reader.subscribe(self._topic("#"))
            found = reader.collect(1)
            printer.publish(self._topic("state"), b"", retain=True)
        if found and not found[0].retain:
            return False, "delivered, but not marked as retained"
        return _counted(found, 1)

    def _large(self) -> tuple[bool, str]:
        with self._line("reader") as reader, self._line("printer") as printer:
            reader.subscribe(self._topic("#"))
            printer.publish(self._topic("large"), bytes(_LARGE_PAYLOAD))
            found = reader.collect(1)
        whole = bool(found) and len(found[0].payload) == _LARGE_PAYLOAD
        return whole, "delivered whole" if whole else "not delivered"

    def _window(self) -> tuple[bool, str]:
        with self._line("reader", ack=False) as reader, self._line("printer") as printer:
            reader.subscribe(self._topic("#"))
            for number in range(_WINDOW_PROBE):
                printer.publish(self._topic("status"), b"%d" % number)
            found = reader.collect(_WINDOW_PROBE)
        more = " or more" if len(found) == _WINDOW_PROBE else ""
        return len(found) >= _WINDOW_NEEDED, f"{len(found)}{more}"

    def _forget(self, role: str) -> None:
        """Let the broker drop the session that a trial had it keep."""
        with self._line(role):
            pass


def _counted(found: list[MQTTMessage], count: int) -> tuple[bool, str]:
    """Whether all came, each once or more (a duplicate is no loss)."""
    distinct = len({bytes(message.payload) for message in found})
    return distinct == count, "delivered" if distinct == count else f"{distinct} of {count} delivered"
