"""What a real Mosquitto cuts its publisher off for is in no name: the table is measured on it."""

import socket
import struct
from collections.abc import Iterator

import pytest

from farm.model.writable import UNWRITABLE
from tests.servers import Mosquitto, mosquitto

SIGNS = [
    *range(0x01, 0xA1),
    *(0xAD, 0x200B, 0x2028, 0x202E, 0xD7FF, 0xD800, 0xDFFF, 0xE000),
    *(0xFDCF, 0xFDD0, 0xFDEF, 0xFDF0, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF),
    *(0x1FFFD, 0x1FFFE, 0x1FFFF, 0x20000, 0xE0001, 0x10FFFD, 0x10FFFE, 0x10FFFF),
]
CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05signs"
PING, PONG = b"\xc0\x00", b"\xd0\x00"


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


def takes(broker: Mosquitto, sign: str) -> bool:
    """Whether whoever publishes with the sign in the topic is still connected behind it."""
    topic = f"signs/a{sign}b".encode("utf-8", "surrogatepass")
    with socket.create_connection((broker.host, broker.port), timeout=10) as line:
        line.sendall(CONNECT)
        assert line.recv(4) == b"\x20\x02\x00\x00"
        body = struct.pack(">H", len(topic)) + topic
        line.sendall(b"\x30" + bytes([len(body)]) + body + PING)
        try:
            return line.recv(2) == PONG
        except ConnectionError:
            return False


def test_each_sign_that_cuts_a_publisher_off_is_unwritable_and_no_other(broker: Mosquitto) -> None:
    refused = {sign for sign in map(chr, SIGNS) if sign not in "+#" and not takes(broker, sign)}
    assert refused == {sign for sign in map(chr, SIGNS) if UNWRITABLE.search(sign)}
