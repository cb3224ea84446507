"""Recording what a broker carries into a file that can be sent to others."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import BinaryIO

import msgspec

from collector.intake.mqtt import Arrival, Connection
from collector.redaction import RecordingRedaction, Redacted
from collector.settings import BrokerSettings
from farm.errors import BrokerUnreachable
from farm.model.recording import RecordedMessage

_STEP_S = 0.2
_OURS = ("layerline/v1/", "layerline/doctor/")
"""What Layerline publishes itself: no printer's words, and left out."""


def record(
    broker: BrokerSettings,
    path: Path,
    *,
    topics: Sequence[str] = ("#",),
    seconds: float | None = None,
    stop: Event | None = None,
    on_message: Callable[[int], None] | None = None,
    redaction: RecordingRedaction | None,
) -> int:
    """Write the messages below `topics` to `path` until the time is over or `stop` is set.

    `redaction` says what of each is written; without one they are written as they are. Gives
    the number of messages written. What Layerline publishes itself is left out. Raises
    BrokerUnreachable or BrokerRefused, and leaves no empty file behind then.
    """
    stop = stop or Event()
    encode = msgspec.json.Encoder().encode
    count = 0
    with _new_file(path) as file:

        def received(message: Arrival) -> None:
            nonlocal count
            recorded = _recorded(message, redaction)
            if recorded is None:
                return
            file.write(encode(recorded) + b"\n")
            count += 1
            if on_message is not None:
                on_message(count)

        connection = Connection(broker, "", on_message=received, clean=True)
        connection.connect()
        connection.subscribe(topics)
        until = None if seconds is None else time.monotonic() + seconds
        try:
            while not stop.is_set() and (until is None or time.monotonic() < until):
                connection.wait(_STEP_S)
                if not connection.drain():
                    raise BrokerUnreachable("the connection to the broker was lost while recording")
                connection.acknowledge()
        finally:
            connection.close()
    return count


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """The file to write to. One into which nothing came before an error is taken away again."""
    with path.open("wb") as file:
        try:
            yield file
        except BaseException:
            if file.tell() == 0:
                path.unlink(missing_ok=True)
            raise


def _recorded(message: Arrival, redaction: RecordingRedaction | None) -> RecordedMessage | None:
    topic = message.topic or "topic-not-utf8"
    if topic.startswith(_OURS):
        return None
    kept: Redacted | None = Redacted(topic, message.payload.decode("utf-8", "replace"))
    if redaction is not None:
        kept = redaction(topic, message.payload)
    if kept is None:
        return None
    return RecordedMessage(
        t=round(time.time(), 6),
        topic=kept.topic,
        payload=kept.payload,
        qos=0 if message.packet_id is None else 1,
        retain=message.retained,
    )
