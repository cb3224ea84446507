"""Recordings played again as if they happened now, at the pace at which they did."""

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from collector.settings import BrokerSettings
from farm.model.recording import RecordedMessage, read_recording
from farm.mqtt import BrokerClient

log = logging.getLogger(__name__)

SHORT_SILENCE_S = 0.5
"""Nobody watches a demo to see an idle printer: between its prints silences are cut to this."""
_PRINT_BEGINS = ("event/PrintStarted",)
_PRINT_ENDS = ("event/PrintDone", "event/PrintFailed", "event/PrintCancelled")
_PAUSE_BETWEEN_S = 8.0
_ENDING_S = 10


@dataclass(frozen=True)
class Recorded:
    """A recording, and the prefix of the one printer's topics in it."""

    file: Path
    prefix: str


@dataclass(frozen=True)
class PlayedPrinter:
    """A printer that lives through recordings, one after the other and again from the first.

    It publishes below `topic`. `hurried` cuts the waits between its prints, never those within one.
    """

    topic: str
    recordings: tuple[Recorded, ...]
    hurried: bool


_TIME = '"_timestamp"'


@dataclass(frozen=True)
class Cue:
    """A message to be published `after_s` seconds from the beginning, `shift_s` later than it was."""

    after_s: float
    shift_s: float
    message: RecordedMessage


def played(messages: Iterable[RecordedMessage], prefix: str) -> list[RecordedMessage]:
    """What of a recording is played: the printer's messages, but not what the broker had kept from before.

    Played as if it were said now, a kept message with its time of old is a second clock.
    """
    own = (message for message in messages if message.topic.startswith(f"{prefix}/"))
    return [message for message in own if not (message.retain and _TIME in message.payload)]


def cues(messages: list[RecordedMessage], begin_s: float, *, hurried: bool) -> Iterator[Cue]:
    """When to publish each message in a playback that begins at `begin_s` (seconds since 1970)."""
    after_s, printing = 0.0, False
    former = messages[0].t if messages else 0.0
    for message in messages:
        silence_s = max(message.t - former, 0.0)
        after_s += min(silence_s, SHORT_SILENCE_S) if hurried and not printing else silence_s
        former = message.t
        printing = (printing or message.topic.endswith(_PRINT_BEGINS)) and not message.topic.endswith(
            _PRINT_ENDS
        )
        yield Cue(after_s, begin_s + after_s - message.t, message)


def told_now(payload: str, shift_s: float, host_shift_s: float) -> str:
    """The payload with its clocks put on: OctoPrint's by `shift_s`, Moonraker's by `host_shift_s`."""
    try:
        content = json.loads(payload)
    except ValueError:
        return payload
    if not isinstance(content, dict):
        return payload
    moved: dict[str, Any] = dict(content)
    if isinstance(moved.get("_timestamp"), int):
        moved["_timestamp"] += round(shift_s)
    if isinstance(moved.get("eventtime"), float):
        moved["eventtime"] += host_shift_s
    return json.dumps(moved)


class Playback:
    """Plays printers, each in a thread of its own, until it is told to stop."""

    def __init__(self, broker: BrokerSettings, printers: Sequence[PlayedPrinter]) -> None:
        self._broker = broker
        self._printers = printers
        self._threads: list[threading.Thread] = []

    def start(self, stop: threading.Event) -> None:
        """Begin to play."""
        for printer in self._printers:
            name = f"playback {printer.topic}"
            thread = threading.Thread(target=self._play, args=(printer, stop), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def join(self) -> None:
        """Wait for the end, once told to stop."""
        for thread in self._threads:
            thread.join(_ENDING_S)

    def _play(self, printer: PlayedPrinter, stop: threading.Event) -> None:
        client_id = f"layerline-demo-{printer.topic.replace('/', '-')}"
        began = time.time()
        with BrokerClient(self._broker.address, client_id, reconnects=True) as client:
            for recorded in cycle(printer.recordings):
                for topic, payload in self._told(printer, recorded, began, stop):
                    client.send(topic, payload.encode("utf-8", "surrogateescape"))
                if stop.wait(_PAUSE_BETWEEN_S):
                    return

    def _told(
        self, printer: PlayedPrinter, recorded: Recorded, began: float, stop: threading.Event
    ) -> Iterator[tuple[str, str]]:
        """Topic and payload of each message, when it is due."""
        messages = played(read_recording(recorded.file), recorded.prefix)
        begin_s = time.time()
        for cue in cues(messages, begin_s, hurried=printer.hurried):
            if stop.wait(max(0.0, begin_s + cue.after_s - time.time())):
                return
            topic = printer.topic + cue.message.topic.removeprefix(recorded.prefix)
            yield topic, told_now(cue.message.payload, cue.shift_s, begin_s - began)
