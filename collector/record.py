"""Recording what a broker carries into a file that can be sent to others, secrets left out."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import msgspec
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from collector.intake.mqtt import refusal
from collector.settings import BrokerSettings
from farm.errors import BrokerUnreachable
from farm.model.payload_redaction import PayloadRedaction
from farm.model.recording import RecordedMessage

_CONNECT_S = 10
_STEP_S = 0.2


def record(
    broker: BrokerSettings,
    path: Path,
    *,
    topics: Sequence[str] = ("#",),
    seconds: float | None = None,
    stop: Event | None = None,
    on_message: Callable[[int], None] | None = None,
) -> int:
    """Write every message below `topics` to `path` until the time is over or `stop` is set.

    Gives the number of messages. Raises BrokerUnreachable or BrokerRefused.
    """
    stop = stop or Event()
    redaction = PayloadRedaction()
    encode = msgspec.json.Encoder().encode
    count = 0
    with path.open("wb") as file:

        def received(_client: Client, _data: object, message: MQTTMessage) -> None:
            nonlocal count
            file.write(encode(_recorded(message, redaction)) + b"\n")
            count += 1
            if on_message is not None:
                on_message(count)

        client = _connected(broker, topics, received)
        until = None if seconds is None else time.monotonic() + seconds
        try:
            while not stop.is_set() and (until is None or time.monotonic() < until):
                client.loop(_STEP_S)
                if not client.is_connected():
                    raise BrokerUnreachable("the connection to the broker was lost while recording")
        finally:
            client.disconnect()
    return count


def _recorded(message: MQTTMessage, redaction: PayloadRedaction) -> RecordedMessage:
    try:
        topic = message.topic
    except UnicodeDecodeError:
        topic = "topic-not-utf8"
    return RecordedMessage(
        t=round(time.time(), 6),
        topic=topic,
        payload=redaction(message.payload.decode("utf-8", "replace")),
        qos=message.qos,
        retain=bool(message.retain),
    )


def _connected(
    broker: BrokerSettings, topics: Sequence[str], received: Callable[[Client, object, MQTTMessage], None]
) -> Client:
    host, port, tls = broker.address
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
    user, password = broker.credentials
    if user is not None:
        client.username_pw_set(user, password)
    if tls:
        client.tls_set(ca_certs=broker.ca_file)
    refused: list[str] = []
    client.on_connect = lambda _c, _d, _f, reason, _p: (
        refused.append(str(reason)) if reason.is_failure else None
    )
    client.on_message = received
    try:
        client.connect(host, port, broker.keepalive_seconds)
        deadline = time.monotonic() + _CONNECT_S
        while not client.is_connected() and not refused and time.monotonic() < deadline:
            client.loop(_STEP_S)
    except OSError as error:
        raise BrokerUnreachable(f"broker {host}:{port}: {error}") from error
    if refused:
        raise refusal(host, port, refused[0])
    if not client.is_connected():
        raise BrokerUnreachable(f"broker {host}:{port} did not answer the connection")
    client.subscribe([(topic, 1) for topic in topics])
    return client
