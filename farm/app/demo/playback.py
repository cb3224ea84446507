"""Recordings played again as if they happened now, at the pace at which they did."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from collector.settings import BrokerSettings
from farm.model.recording import RecordedMessage, read_recording

log = logging.getLogger(__name__)

SHORT_SILENCE_S = 0.5
"""Nobody watches a demo to see an idle printer: between its prints silences are cut to this."""
_PRINT_BEGINS = ("event/PrintStarted",)
_PRINT_ENDS = ("event/PrintDone", "event/PrintFailed", "event/PrintCancelled")
_PAUSE_BETWEEN_S = 8.0
_CONNECT_S = 10


@dataclass(frozen=True)
class Recorded:
    """A recording and the printer as which it is played: `prefix` is replaced by `topic`.

    `hurried` cuts the waits between its prints, never those within one.
    """

    file: Path
    prefix: str
    topic: str
    hurried: bool


@dataclass(frozen=True)
class Cue:
    """A message to be published `after_s` seconds from the beginning, `shift_s` later than it was."""

    after_s: float
    shift_s: float
    message: RecordedMessage


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
    """Plays recordings in a loop, each in a thread of its own, until it is told to stop."""

    def __init__(self, broker: BrokerSettings, recordings: list[Recorded]) -> None:
        self._broker = broker
        self._recordings = recordings
        self._threads: list[threading.Thread] = []

    def start(self, stop: threading.Event) -> None:
        """Begin to play."""
        for number, recorded in enumerate(self._recordings):
            thread = threading.Thread(
                target=self._play,
                args=(recorded, number, stop),
                name=f"playback {recorded.topic}",
                daemon=True,
            )
            thread.start()
            self._threads.append(thread)

    def join(self) -> None:
        """Wait for the end, once told to stop."""
        for thread in self._threads:
            thread.join(_CONNECT_S)

    def _play(self, recorded: Recorded, number: int, stop: threading.Event) -> None:
        messages = [m for m in read_recording(recorded.file) if m.topic.startswith(f"{recorded.prefix}/")]
        client = self._connect(f"layerline-demo-playback-{number}")
        began = time.time()
        try:
            while not stop.is_set():
                begin_s = time.time()
                for cue in cues(messages, begin_s, hurried=recorded.hurried):
                    if stop.wait(max(0.0, begin_s + cue.after_s - time.time())):
                        return
                    payload = told_now(cue.message.payload, cue.shift_s, begin_s - began)
                    topic = recorded.topic + cue.message.topic.removeprefix(recorded.prefix)
                    client.publish(topic, payload.encode("utf-8", "surrogateescape"), qos=1)
                stop.wait(_PAUSE_BETWEEN_S)
        finally:
            client.disconnect()
            client.loop_stop()

    def _connect(self, client_id: str) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv311)
        user, password = self._broker.credentials
        if user is not None:
            client.username_pw_set(user, password)
        host, port, _ = self._broker.address
        client.connect(host, port, keepalive=30)
        client.loop_start()
        return client
