"""The first packet of a client: read, refused with the right code, turned into one of MQTT 3.1.1."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.app.embedded_broker.connect import (
    MOST_BYTES,
    Connect,
    UnusableGreeting,
    connack,
    read_connect,
)
from farm.model.refused_client import RefusalReason
from tests.connect_packets import connect_packet, field, packet

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def read(data: bytes) -> Connect:
    found = read_connect(data)
    assert found is not None
    return found


def reason(data: bytes) -> RefusalReason:
    with pytest.raises(UnusableGreeting) as refused:
        read_connect(data)
    return refused.value.reason


@pytest.mark.parametrize("level", [3, 4])
def test_a_packet_is_read_with_all_that_stands_before_the_password(level: int) -> None:
    data = connect_packet("bäy 1", "us:er", "pass", level=level, will=("octoPrint/mqtt", b"gone"))
    found = read(data + b"more")
    assert (found.client_id, found.user, found.password) == ("bäy 1", b"us:er", b"pass")
    assert (found.size, found.level) == (len(data), level)


def test_a_client_without_user_and_password_has_none() -> None:
    found = read(connect_packet(user=None, password=None))
    assert (found.user, found.password) == (None, None)


@pytest.mark.parametrize("clean", [True, False])
def test_a_client_of_3_1_is_introduced_as_one_of_3_1_1(clean: bool) -> None:
    will = ("octoPrint/mqtt", b"gone" * 100)
    old = connect_packet(level=3, clean=clean, will=will, reserved=True)
    assert read(old).as_mqtt_311() == connect_packet(level=4, clean=clean, will=will)


def test_a_client_of_3_1_1_is_introduced_as_it_is() -> None:
    data = connect_packet(will=("w", b"x"))
    assert read(data).as_mqtt_311() == data


@given(WORDS, st.none() | WORDS, st.none() | WORDS, st.sampled_from([3, 4]), st.booleans())
def test_every_beginning_of_a_packet_is_waited_on(
    client_id: str, user: str | None, password: str | None, level: int, will: bool
) -> None:
    data = connect_packet(
        f"a{client_id}", user, password, level=level, will=("will/topic", b"\0\xff") if will else None
    )
    assert all(read_connect(data[:end]) is None for end in range(len(data)))
    found = read(data)
    again = read(found.as_mqtt_311())
    assert (again.client_id, again.user, again.password) == (found.client_id, found.user, found.password)
    assert again.level == 4


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(noise: bytes) -> None:
    for data in (
        noise,
        b"\x10" + noise,
        packet(field(b"MQTT") + noise),
        packet(field(b"MQIsdp\x03") + noise),
    ):
        with suppress(UnusableGreeting):
            found = read_connect(data)
            assert found is None or read(found.as_mqtt_311()).client_id == found.client_id


@given(st.data())
def test_a_packet_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(connect_packet(will=("w", b"x"), level=data.draw(st.sampled_from([3, 4, 5]))))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnusableGreeting):
        found = read_connect(bytes(whole))
        assert found is None or read_connect(found.as_mqtt_311()) is not None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x16\x03\x01\x02\x00\x01", RefusalReason.TLS),
        (b"\x16", RefusalReason.TLS),
        (b"GET / HTTP/1.1\r\n", RefusalReason.NO_MQTT),
        (b"\x30\x05\x00\x01aXY", RefusalReason.NO_MQTT),
        (b"\x10\xff\xff\xff\xff", RefusalReason.NO_MQTT),
        (b"\x10\xff\xff\x7f", RefusalReason.NO_MQTT),
        (packet(field(b"MQTX") + b"\x04\x02\x00\x3c" + field(b"a")), RefusalReason.NO_MQTT),
        (b"\x10\x20\x00\x04MQX", RefusalReason.NO_MQTT),
        (packet(field(b"MQTT") + b"\x04\x02"), RefusalReason.NO_MQTT),
        (packet(field(b"MQTT") + b"\x04\x02\x00\x3c\x00\x09a"), RefusalReason.NO_MQTT),
        (packet(field(b"MQTT") + b"\x04\x82\x00\x3c" + field(b"a")), RefusalReason.NO_MQTT),
        (packet(field(b"MQTT") + b"\x04\x02\x00\x3c" + field(b"a") + b"x"), RefusalReason.NO_MQTT),
        (connect_packet(reserved=True), RefusalReason.NO_MQTT),
        (connect_packet(level=5), RefusalReason.PROTOCOL_VERSION),
        (packet(field(b"MQTT") + b"\x83\x02\x00\x3c" + field(b"a")), RefusalReason.PROTOCOL_VERSION),
        (packet(field(b"MQIsdp") + b"\x04\x02\x00\x3c" + field(b"a")), RefusalReason.PROTOCOL_VERSION),
        (connect_packet(""), None),
        (connect_packet("", clean=False), RefusalReason.CLIENT_ID),
        (connect_packet("", level=3), RefusalReason.CLIENT_ID),
    ],
)
def test_what_cannot_be_let_in_is_refused_as_mqtt_says(data: bytes, why: RefusalReason | None) -> None:
    if why is None:
        assert read_connect(data) is not None
    else:
        assert reason(data) is why


def test_a_packet_may_be_as_large_as_the_bound_and_no_larger() -> None:
    small = len(connect_packet(will=("w", b"")))
    most = connect_packet(will=("w", bytes(0xFFFF)), password="p" * (MOST_BYTES - small - 0xFFFF + 3))
    assert len(most) == MOST_BYTES
    assert read_connect(most) is not None
    more = connect_packet(will=("w", bytes(0xFFFF)), password="p" * (MOST_BYTES - small - 0xFFFF + 4))
    assert reason(more[:10]) is RefusalReason.NO_MQTT


@pytest.mark.parametrize(
    ("why", "code"),
    [
        (RefusalReason.PROTOCOL_VERSION, 1),
        (RefusalReason.CLIENT_ID, 2),
        (RefusalReason.BROKER_CLOSED, 3),
        (RefusalReason.NO_ROOM, 3),
        (RefusalReason.NO_LOGIN, 5),
        (RefusalReason.WRONG_USER, 5),
        (RefusalReason.WRONG_PASSWORD, 5),
        (RefusalReason.WRONG_LOGIN, 5),
    ],
)
def test_a_refusal_is_answered_with_its_return_code(why: RefusalReason, code: int) -> None:
    assert connack(why) == bytes([0x20, 2, 0, code])


def test_who_speaks_no_mqtt_gets_no_answer() -> None:
    assert {connack(RefusalReason.TLS), connack(RefusalReason.NO_MQTT)} == {b""}


def test_a_refused_client_of_mqtt_5_is_known_by_its_client_id() -> None:
    with pytest.raises(UnusableGreeting) as refused:
        read_connect(connect_packet("bay5", level=5))
    assert refused.value.client_id == "bay5"
