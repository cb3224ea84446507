"""Messages are taken from the line whole and in order, wherever the line cuts them."""

import itertools
import socket
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.wire import Publish, Wire
from tests.fakes.broker import _publish

OTHERS = [b"\x40\x02\x00\x07", b"\xd0\x00", b"\x90\x03\x00\x01\x01"]


class Line:
    """A socket that gives its bytes in these pieces, with nothing there in between, and then closes."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._is_ready = True

    def recv(self, size: int) -> bytes:
        self._is_ready = not self._is_ready
        if self._is_ready:
            raise BlockingIOError
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


def wire_of(pieces: list[bytes]) -> Wire:
    return Wire(cast(socket.socket, Line(pieces)))


class Client:
    """Reads as paho does: a byte, the length byte by byte, the rest; and remembers a packet begun."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.part = b""
        self.is_closed = False

    def read(self) -> bytes | None:
        """One packet, or None when it has not come whole."""
        while True:
            missing = self._missing()
            if not missing:
                packet, self.part = self.part, b""
                return packet
            try:
                piece = self.wire.recv(missing)
            except BlockingIOError:
                return None
            if not piece:
                self.is_closed = True
                return None
            self.part += piece

    def _missing(self) -> int:
        length = 0
        for place, byte in enumerate(self.part[1:5]):
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return 2 + place + length - len(self.part)
        return 1


def read_all(wire: Wire, most: int = 3) -> list[bytes | Publish]:
    """Everything in order: messages as the wire gives them, the rest as the client reads it."""
    client, found = Client(wire), list[bytes | Publish]()
    while not client.is_closed:
        if not wire.readable:
            try:
                wire.fill()
            except BlockingIOError:
                continue
        messages = [] if client.part else wire.publishes(most)
        found += messages
        if len(messages) == most:
            continue
        if wire.readable and (packet := client.read()) is not None:
            found.append(packet)
    return found


@st.composite
def packets(draw: st.DrawFn) -> tuple[bytes, bytes | Publish]:
    """A packet as it stands on the line, and what is to come of it."""
    if draw(st.integers(0, 4)) == 0:
        other = draw(st.sampled_from(OTHERS))
        return other, other
    topic = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40))
    payload = bytes(draw(st.sampled_from([0, 1, 90, 120, 130, 16_300, 16_500]))) + draw(st.binary(max_size=5))
    number, again = draw(st.integers(1, 65_535)), draw(st.booleans())
    return (
        _publish(topic, payload, number, again=again),
        Publish(topic.encode(), payload, retained=False, packet_id=number, again=again),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(packets(), max_size=8), st.lists(st.integers(0, 60_000), max_size=12))
def test_every_packet_comes_once_and_in_order_however_the_line_is_cut(
    sent: list[tuple[bytes, bytes | Publish]], cuts: list[int]
) -> None:
    line = b"".join(raw for raw, _ in sent)
    places = sorted({0, len(line), *(cut % (len(line) + 1) for cut in cuts)})
    pieces = [line[a:b] for a, b in itertools.pairwise(places)]
    assert read_all(wire_of(pieces)) == [meant for _, meant in sent]


def test_a_message_at_qos_0_has_no_packet_id_and_may_be_retained() -> None:
    assert read_all(wire_of([b"\x31\x05\x00\x01axy"])) == [Publish(b"a", b"xy", True, None, False)]


def test_a_message_that_is_cut_off_for_good_is_left_to_the_client_who_sees_the_end() -> None:
    whole = _publish("a", b"payload", 7)
    for length in range(1, len(whole)):
        assert read_all(wire_of([whole[:length]])) == []


def test_what_is_odd_is_left_to_the_client() -> None:
    for odd in (
        b"\x34\x06\x00\x01a\x00\x07x",  # QoS 2
        b"\x36\x06\x00\x01a\x00\x07x",  # QoS 3
        b"\x32\x02\xff\xff",  # a topic beyond the packet
        b"\x32\x04\x00\x00\x00\x07",  # no topic
        b"\x32\x00",  # nothing at all
        b"\x30\x02\x00\x05",
    ):
        assert read_all(wire_of([odd])) == [odd]


def test_a_very_long_message_is_left_to_the_client_from_its_beginning() -> None:
    long = _publish("a", bytes(1_100_000), 7)
    wire = wire_of([long[:1000], long[1000:]])
    wire.fill()
    assert wire.publishes(10) == []
    assert wire.readable


def test_while_a_message_is_not_whole_there_is_nothing_to_read() -> None:
    whole = _publish("a", b"payload", 7)
    wire = wire_of([whole[:5], whole[5:]])
    wire.fill()
    assert wire.publishes(10) == []
    assert not wire.readable
    assert wire.pending() == 0
