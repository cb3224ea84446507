"""CONNECT packets as clients send them, written out by hand."""

import struct


def field(data: bytes) -> bytes:
    """Text or bytes as MQTT writes them, with their length."""
    return struct.pack(">H", len(data)) + data


def packet(body: bytes, kind: int = 0x10) -> bytes:
    """A whole packet around the body."""
    length, left = bytearray(), len(body)
    while True:
        left, low = left >> 7, left & 0x7F
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


def connect_packet(
    client_id: str = "bay1",
    user: str | None = "layerline",
    password: str | None = "right",  # noqa: S107  made up
    *,
    level: int = 4,
    clean: bool = True,
    will: tuple[str, bytes] | None = None,
    reserved: bool = False,
) -> bytes:
    """What a client of MQTT 3.1 (level 3), 3.1.1 (4) or 5 sends first."""
    flags = (0x02 if clean else 0) | (0x01 if reserved else 0)
    payload = field(client_id.encode())
    if will is not None:
        flags |= 0x04
        payload += (b"\0" if level > 4 else b"") + field(will[0].encode()) + field(will[1])
    if user is not None:
        flags |= 0x80
        payload += field(user.encode())
    if password is not None:
        flags |= 0x40
        payload += field(password.encode())
    name = b"MQIsdp" if level == 3 else b"MQTT"
    properties = b"\0" if level > 4 else b""
    return packet(field(name) + bytes([level, flags]) + struct.pack(">H", 60) + properties + payload)
