"""An MQTT client's first packet, read as far as whoever opens the door must know it. Pure.

MQTT 3.1 and 3.1.1 (OASIS, 2014), chapter 3.1: the two differ in the name of the protocol, its
number, and in client ids that may be empty. So a client of 3.1 is served by a broker of 3.1.1 once
its first packet says so (`as_mqtt_311`).
"""

import struct
from typing import NamedTuple

from farm.model.refused_client import RefusalReason

MOST_BYTES = 128 * 1024
"""Of a first packet; one with a last will of the largest size that a printer could mean is far below."""

MQTT_31 = 3
"""The level that a client of MQTT 3.1 names."""

_CONNECT = 0x10
_TLS_HANDSHAKE = 0x16
_MORE = 0x80
_LONGEST_LENGTH = 4
_OLDEST_NAME = b"MQIsdp"
_NAMES = {_OLDEST_NAME: MQTT_31, b"MQTT": 4}
_MQTT_5 = 5
_RESERVED, _CLEAN, _WILL, _PASSWORD, _USER = 0x01, 0x02, 0x04, 0x40, 0x80
_FIXED_PART = 4
"""Level, flags and keep-alive."""
_CONNACK_OF = {
    RefusalReason.PROTOCOL_VERSION: 1,
    RefusalReason.CLIENT_ID: 2,
    RefusalReason.BROKER_CLOSED: 3,
    RefusalReason.NO_ROOM: 3,
    RefusalReason.NO_LOGIN: 5,
    RefusalReason.WRONG_USER: 5,
    RefusalReason.WRONG_PASSWORD: 5,
    RefusalReason.WRONG_LOGIN: 5,
}


class UnusableGreeting(Exception):
    """What came first is no packet that can be let in."""

    def __init__(self, reason: RefusalReason, client_id: str | None = None) -> None:
        super().__init__(reason.words)
        self.reason = reason
        self.client_id = client_id


class Connect(NamedTuple):
    """A whole CONNECT packet of `size` bytes. `user` and `password` are None where it has none."""

    size: int
    level: int
    client_id: str
    user: bytes | None
    password: bytes | None
    body: bytes
    after_level: int
    """Where in `body` the flags stand."""

    def as_mqtt_311(self) -> bytes:
        """The packet as a broker of 3.1.1 takes it."""
        rest = self.body[self.after_level :]
        # In 3.1 the lowest bit of the flags means nothing; in 3.1.1 it must not be set.
        body = b"\x00\x04MQTT\x04" + bytes([rest[0] & ~_RESERVED]) + rest[1:]
        return bytes([_CONNECT]) + _written_length(len(body)) + body


def read_connect(data: bytes) -> Connect | None:
    """The CONNECT packet at the beginning of `data`, None while it is not whole.

    Raises UnusableGreeting for what can be none, as early as that can be seen.
    """
    if not data:
        return None
    if data[0] != _CONNECT:
        raise UnusableGreeting(RefusalReason.TLS if data[0] == _TLS_HANDSHAKE else RefusalReason.NO_MQTT)
    head = _read_length(data)
    if head is None:
        return None
    start, length = head
    if start + length > MOST_BYTES:
        raise UnusableGreeting(RefusalReason.NO_MQTT)
    if len(data) < start + length:
        _check_beginning(data[start:])
        return None
    return _parsed(data[start : start + length], start + length)


def connack(reason: RefusalReason) -> bytes:
    """The answer to whoever is refused; empty where none would be understood."""
    code = _CONNACK_OF.get(reason)
    return b"" if code is None else bytes([0x20, 2, 0, code])


def _read_length(data: bytes) -> tuple[int, int] | None:
    """Where the packet's body begins and how long it is; None while that is not there yet."""
    length = 0
    for at in range(_LONGEST_LENGTH):
        if len(data) <= 1 + at:
            return None
        length |= (data[1 + at] & ~_MORE) << (7 * at)
        if not data[1 + at] & _MORE:
            return 2 + at, length
    raise UnusableGreeting(RefusalReason.NO_MQTT)


def _written_length(length: int) -> bytes:
    written = bytearray()
    while True:
        length, low = length >> 7, length & ~_MORE & 0xFF
        written.append(low | (_MORE if length else 0))
        if not length:
            return bytes(written)


def _check_beginning(body: bytes) -> None:
    """Refuse a body that does not begin with the name of the protocol. Raises UnusableGreeting."""
    if not any((struct.pack(">H", len(name)) + name).startswith(body[: 2 + len(name)]) for name in _NAMES):
        raise UnusableGreeting(RefusalReason.NO_MQTT)


def _parsed(body: bytes, size: int) -> Connect:
    name, at = _field(body, 0)
    if name not in _NAMES or len(body) < at + _FIXED_PART:
        raise UnusableGreeting(RefusalReason.NO_MQTT)
    level, flags = body[at], body[at + 1]
    if level != _NAMES[name]:
        client_id = _client_id_of_5(body, at) if level == _MQTT_5 else None
        raise UnusableGreeting(RefusalReason.PROTOCOL_VERSION, client_id)
    if flags & _RESERVED and name != _OLDEST_NAME:
        raise UnusableGreeting(RefusalReason.NO_MQTT)
    after_level = at + 1
    raw_id, at = _field(body, at + _FIXED_PART)
    client_id = raw_id.decode("utf-8", "replace")
    if flags & _WILL:
        _, at = _field(body, at)
        _, at = _field(body, at)
    user, at = _field(body, at) if flags & _USER else (None, at)
    password, at = _field(body, at) if flags & _PASSWORD else (None, at)
    if at != len(body):
        raise UnusableGreeting(RefusalReason.NO_MQTT, client_id)
    if not raw_id and (name == _OLDEST_NAME or not flags & _CLEAN):
        raise UnusableGreeting(RefusalReason.CLIENT_ID)
    return Connect(size, level, client_id, user, password, body, after_level)


def _client_id_of_5(body: bytes, at: int) -> str | None:
    """The client id in a packet of MQTT 5, where properties stand before it; None where it cannot be read."""
    try:
        properties = _read_length(b"\x10" + body[at + _FIXED_PART :])
        if properties is None:
            return None
        start, length = properties
        raw, _ = _field(body, at + _FIXED_PART + start - 1 + length)
    except UnusableGreeting:
        return None
    return raw.decode("utf-8", "replace") or None


def _field(body: bytes, at: int) -> tuple[bytes, int]:
    """The text or bytes at this place, and where they end. Raises UnusableGreeting where they are cut off."""
    if len(body) < at + 2:
        raise UnusableGreeting(RefusalReason.NO_MQTT)
    (length,) = struct.unpack_from(">H", body, at)
    end = at + 2 + length
    if len(body) < end:
        raise UnusableGreeting(RefusalReason.NO_MQTT)
    return body[at + 2 : end], end
