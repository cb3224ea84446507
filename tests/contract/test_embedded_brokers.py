"""Both brokers that `layerline up` may start do the same for printers, and say whom they refuse."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from farm.app.embedded_broker.settings import BrokerKind
from farm.app.embedded_broker.status import refused_clients
from farm.errors import BrokerRefused
from farm.model.broker_address import BrokerAddress, broker_address
from farm.model.refused_client import RefusalReason, RefusedClient
from farm.mqtt import BrokerClient
from tests.connect_packets import connect_packet
from tests.servers import EmbeddedBroker, embedded_broker, wait_until

KINDS = [BrokerKind.BUILT_IN, BrokerKind.MOSQUITTO]
LOGIN = {RefusalReason.WRONG_LOGIN}
GOOD = b"\x20\x02\x00\x00"


@pytest.fixture(scope="module", params=KINDS)
def broker(request: pytest.FixtureRequest) -> Iterator[EmbeddedBroker]:
    with embedded_broker(request.param) as running:
        yield running


@pytest.fixture(params=KINDS)
def own_broker(request: pytest.FixtureRequest) -> Iterator[EmbeddedBroker]:
    """One that the test may kill."""
    with embedded_broker(request.param) as running:
        yield running


def line(broker: EmbeddedBroker, client_id: str, *, clean: bool = True) -> BrokerClient:
    return BrokerClient(broker_address(broker.url), client_id, clean=clean)


def greeting(broker: EmbeddedBroker, client_id: str, **changed: object) -> bytes:
    right = {"user": broker.credentials.user, "password": broker.credentials.password}
    return connect_packet(client_id, **{**right, **changed})  # type: ignore[arg-type]


def answer_to(broker: EmbeddedBroker, data: bytes) -> bytes:
    """What is answered to these bytes, until it closes or four bytes have come."""
    with closing(socket.create_connection((broker.host, broker.port), timeout=10)) as door:
        door.sendall(data)
        answer = b""
        with suppress(ConnectionResetError):
            while len(answer) < 4 and (more := door.recv(100)):
                answer += more
        return answer


def refusals(broker: EmbeddedBroker, reasons: set[RefusalReason], client_id: str) -> RefusedClient:
    """The refusal of that client, waited for; Mosquitto may not tell the client id."""

    def found() -> list[RefusedClient]:
        names = (client_id, None) if broker.settings.kind is BrokerKind.MOSQUITTO else (client_id,)
        known = refused_clients(broker.folder)
        return [each for each in known if each.reason in reasons and each.client_id in names]

    wait_until(lambda: bool(found()), f"{client_id} is known as refused for {reasons}", 10)
    return found()[0]


def paho(broker: EmbeddedBroker, protocol: MQTTProtocolVersion, password: str) -> list[str]:
    """What a client of that protocol is told when it connects."""
    told: list[str] = []
    answered = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, f"paho-{protocol}", protocol=protocol)
    client.username_pw_set(broker.credentials.user, password)

    def on_connect(*arguments: object) -> None:
        told.append(str(arguments[3]))
        answered.set()

    client.on_connect = on_connect
    client.connect(broker.host, broker.port)
    client.loop_start()
    answered.wait(10)
    client.disconnect()
    client.loop_stop()
    return told[:1]


@pytest.mark.parametrize("protocol", [MQTTProtocolVersion.MQTTv31, MQTTProtocolVersion.MQTTv311])
def test_the_right_password_lets_in_both_protocols(
    broker: EmbeddedBroker, protocol: MQTTProtocolVersion
) -> None:
    assert paho(broker, protocol, broker.credentials.password) == ["Success"]


@pytest.mark.parametrize("protocol", [MQTTProtocolVersion.MQTTv31, MQTTProtocolVersion.MQTTv311])
def test_a_wrong_password_is_answered_and_told(broker: EmbeddedBroker, protocol: MQTTProtocolVersion) -> None:
    assert paho(broker, protocol, "wrong") == ["Not authorized"]
    known = refusals(broker, {RefusalReason.WRONG_PASSWORD, *LOGIN}, f"paho-{protocol}")
    assert known.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"user": None, "password": None}, {RefusalReason.NO_LOGIN}),
        ({"user": "somebody"}, {RefusalReason.WRONG_USER}),
        ({"password": None}, {RefusalReason.WRONG_PASSWORD}),
        ({"user": "somebody", "password": "wrong"}, LOGIN),
    ],
)
def test_every_wrong_login_is_answered_with_code_5(
    broker: EmbeddedBroker, changed: dict[str, object], reasons: set[RefusalReason]
) -> None:
    for level in (3, 4):
        name = f"wrong-{level}"
        assert answer_to(broker, greeting(broker, name, level=level, **changed)) == b"\x20\x02\x00\x05"
        refusals(broker, reasons | LOGIN, name)


def test_a_version_that_nobody_speaks_is_answered_with_code_1(broker: EmbeddedBroker) -> None:
    assert answer_to(broker, greeting(broker, "future", level=9)) == b"\x20\x02\x00\x01"
    known = refused_when_told(broker, RefusalReason.PROTOCOL_VERSION)
    assert known.reason.remedy == "choose MQTT 3.1.1 in the printer's settings"


def refused_when_told(broker: EmbeddedBroker, reason: RefusalReason) -> RefusedClient:
    wait_until(lambda: any(each.reason is reason for each in refused_clients(broker.folder)), reason, 10)
    return next(each for each in refused_clients(broker.folder) if each.reason is reason)


def test_one_that_is_let_in_at_last_is_refused_no_more(broker: EmbeddedBroker) -> None:
    answer_to(broker, greeting(broker, "learns", password="guess"))
    known = refusals(broker, {RefusalReason.WRONG_PASSWORD, *LOGIN}, "learns")
    assert answer_to(broker, greeting(broker, "learns")) == GOOD

    def is_over() -> bool:
        return any(
            each.client_id == known.client_id and each.let_in_ms is not None
            for each in refused_clients(broker.folder)
            if each.reason is known.reason
        )

    wait_until(is_over, "it is known that it was let in", 10)


def test_a_client_of_3_1_publishes_reads_and_leaves_its_last_will(broker: EmbeddedBroker) -> None:
    heard: list[tuple[str, bytes]] = []
    old = mqtt.Client(CallbackAPIVersion.VERSION2, "octoprint", protocol=MQTTProtocolVersion.MQTTv31)
    old.username_pw_set(broker.credentials.user, broker.credentials.password)
    old.will_set("old/mqtt", b"disconnected", qos=1)
    old.on_message = lambda _client, _data, message: heard.append((message.topic, bytes(message.payload)))
    old.connect(broker.host, broker.port)
    old.loop_start()
    with line(broker, "reader") as reader:
        reader.subscribe("old/#")
        old.subscribe("to/old", qos=1)
        old.publish("old/state", b"idle", qos=1).wait_for_publish(10)
        wait_until(
            lambda: bool(reader.publish("to/old", b"hello")) and bool(heard), "the old client hears", 10
        )
        assert heard[0] == ("to/old", b"hello")
        assert [message.payload for message in reader.collect(1)] == [b"idle"]
        old.loop_stop()
        gone = old.socket()
        assert gone is not None
        gone.close()
        assert [message.payload for message in reader.collect(1)] == [b"disconnected"]


def test_a_session_is_kept_while_its_client_is_away(broker: EmbeddedBroker) -> None:
    with line(broker, "away", clean=False) as reader:
        reader.subscribe("kept/#")
    with line(broker, "printer") as printer:
        printer.publish("kept/state", b"idle", qos=0)
        printer.publish("kept/state", b"printing")
    with line(broker, "away", clean=False) as reader:
        assert reader.session_present
        assert [message.payload for message in reader.collect(2)] == [b"idle", b"printing"]
    with line(broker, "away"):
        pass


ODD = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
    b"\x00" * 1_000,
    b"\x10\xff\xff\xff\x7f" + b"\xff" * 1_000,
    b"\x10\xff\xff\xff\xff\xff",
    b"\x10\x00",
    b"\xe0\x00",
    b"\x30\x03\x00\x01a",
    b"\x82\x06\x00\x01\x00\x01#\x01",
    connect_packet("cut")[:-3],
    connect_packet("odd", reserved=True),
    connect_packet("odd", clean=False, level=5),
]


def test_odd_bytes_shut_nobody_else_out(broker: EmbeddedBroker) -> None:
    with ExitStack() as doors:
        for data in ODD:
            door = doors.enter_context(
                closing(socket.create_connection((broker.host, broker.port), timeout=10))
            )
            door.sendall(data)
        assert answer_to(broker, greeting(broker, "good")) == GOOD


def test_first_packets_with_bytes_changed_shut_nobody_out(broker: EmbeddedBroker) -> None:
    whole = greeting(broker, "mutant", will=("octoPrint/mqtt", b"gone"))
    for at in range(len(whole)):
        with closing(socket.create_connection((broker.host, broker.port), timeout=10)) as door:
            door.sendall(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    assert answer_to(broker, greeting(broker, "good")) == GOOD


def test_a_first_packet_may_come_byte_by_byte_with_more_behind_it(broker: EmbeddedBroker) -> None:
    ping = b"\xc0\x00"
    with closing(socket.create_connection((broker.host, broker.port), timeout=10)) as door:
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for sent in (greeting(broker, "drips") + ping)[:-1]:
            door.sendall(bytes([sent]))
        door.sendall(ping[1:])
        answer = b""
        while len(answer) < 6:
            answer += door.recv(100)
    assert answer == GOOD + b"\xd0\x00"


def test_one_who_takes_nothing_holds_up_nobody_else(broker: EmbeddedBroker) -> None:
    subscribe = b"\x82\x0b\x00\x01\x00\x06slow/#\x00"
    payload = bytes(100_000)
    with closing(socket.create_connection((broker.host, broker.port), timeout=10)) as slow:
        slow.sendall(greeting(broker, "slow") + subscribe)
        assert slow.recv(4) == GOOD
        with line(broker, "quick") as quick, line(broker, "printer") as printer:
            quick.subscribe("slow/#")
            began = time.monotonic()
            for number in range(200):
                printer.publish(f"slow/{number}", payload)
            assert len(quick.collect(200)) == 200
            assert time.monotonic() - began < 20


def test_hundreds_of_clients_are_let_in_at_once(broker: EmbeddedBroker) -> None:
    many = 400
    with ExitStack() as doors:
        clients = [
            doors.enter_context(closing(socket.create_connection((broker.host, broker.port), timeout=20)))
            for _ in range(many)
        ]
        for number, client in enumerate(clients):
            client.sendall(greeting(broker, f"bay{number}"))
        assert all(client.recv(4) == GOOD for client in clients)
        for client in clients:
            client.sendall(b"\xc0\x00")
        assert all(client.recv(2) == b"\xd0\x00" for client in clients)


def test_the_password_is_in_no_log(broker: EmbeddedBroker) -> None:
    answer_to(broker, greeting(broker, "shy", password="not-to-be-seen"))
    refusals(broker, {RefusalReason.WRONG_PASSWORD, *LOGIN}, "shy")
    assert "was refused" in broker.log
    for text in (broker.log, (broker.folder.path / "embedded-broker-status.json").read_text()):
        assert broker.credentials.password not in text
        assert "not-to-be-seen" not in text


def test_its_files_are_its_owner_s_alone(broker: EmbeddedBroker) -> None:
    for file in broker.folder.path.rglob("*"):
        if file.name != "broker.log":
            assert file.stat().st_mode & 0o077 == 0, file


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("kind", KINDS)
def test_on_every_address_it_is_reached_over_ipv4_and_ipv6(kind: BrokerKind) -> None:
    with embedded_broker(kind, host="::") as broker:
        for host in ("127.0.0.1", "::1"):
            broker.host = host
            assert answer_to(broker, greeting(broker, "six", password="wrong")) == b"\x20\x02\x00\x05"
        wait_until(
            lambda: {each.address for each in refused_clients(broker.folder)} == {"127.0.0.1", "::1"},
            "both addresses are told",
            10,
        )


def test_it_comes_back_on_its_port_after_a_kill(own_broker: EmbeddedBroker) -> None:
    with line(own_broker, "collector", clean=False) as reader:
        reader.subscribe("farm/#")
        own_broker.kill()
        assert reader.lost.wait(10)
    own_broker.start()
    with line(own_broker, "collector", clean=False) as reader:
        reader.subscribe("farm/#")
        with line(own_broker, "printer") as printer:
            printer.publish("farm/bay1", b"idle")
        assert [message.payload for message in reader.collect(1)] == [b"idle"]


def test_mosquitto_keeps_its_queue_over_a_restart_in_order() -> None:
    with embedded_broker(BrokerKind.MOSQUITTO) as broker:
        with line(broker, "collector", clean=False) as reader:
            reader.subscribe("farm/+/state", "farm/+/progress")
        with line(broker, "printer") as printer:
            for number in range(50):
                printer.publish(f"farm/bay1/{('state', 'progress')[number % 2]}", b"%d" % number, number % 2)
        broker.stop()
        broker.start()
        with line(broker, "collector", clean=False) as reader:
            assert reader.session_present
            assert [int(message.payload) for message in reader.collect(50)] == list(range(50))


@pytest.mark.parametrize("damage", ["garbled", "cut off", "empty"])
def test_a_mosquitto_that_cannot_read_what_it_kept_begins_anew(damage: str) -> None:
    with embedded_broker(BrokerKind.MOSQUITTO) as broker:
        with line(broker, "keeper", clean=False) as keeper:
            keeper.publish("kept", b"x" * 500, retain=True)
        broker.stop()
        kept = broker.folder.path / "mosquitto" / "mosquitto.db"
        whole = kept.read_bytes()
        spoilt = {"garbled": b"\xff" * len(whole), "cut off": whole[: len(whole) // 2], "empty": b""}[damage]
        kept.write_bytes(spoilt)
        broker.start()
        assert answer_to(broker, greeting(broker, "printer")) == GOOD
        aside = kept.with_name("mosquitto.db.damaged")
        assert not aside.exists() or (aside.read_bytes() == spoilt and "begins anew" in broker.log)
        assert aside.exists() or damage != "garbled"


def test_a_restart_of_mosquitto_is_no_loss_of_every_printer() -> None:
    """One that ends in order publishes all last wills first; ours saves what it has and is gone."""
    with embedded_broker(BrokerKind.MOSQUITTO) as broker:
        with line(broker, "collector", clean=False) as reader:
            reader.subscribe("farm/#")
        printer = mqtt.Client(CallbackAPIVersion.VERSION2, "printer")
        printer.username_pw_set(broker.credentials.user, broker.credentials.password)
        printer.will_set("farm/bay1/mqtt", b"disconnected", qos=1, retain=True)
        printer.connect(broker.host, broker.port)
        printer.loop_start()
        printer.publish("farm/bay1/mqtt", b"connected", qos=1, retain=True).wait_for_publish(10)
        broker.stop()
        printer.loop_stop()
        broker.start()
        with line(broker, "collector", clean=False) as reader:
            assert [message.payload for message in reader.collect(2, patience_s=1)] == [b"connected"]


def test_mosquitto_keeps_its_queue_when_who_looks_after_it_is_killed() -> None:
    with embedded_broker(BrokerKind.MOSQUITTO) as broker:
        with line(broker, "collector", clean=False) as reader:
            reader.subscribe("farm/#")
        with line(broker, "printer") as printer:
            printer.publish("farm/bay1", b"printing")
        broker.kill()
        broker.start()
        with line(broker, "collector", clean=False) as reader:
            assert [message.payload for message in reader.collect(1)] == [b"printing"]


def test_topics_of_the_broker_itself_are_nobody_s() -> None:
    with embedded_broker(BrokerKind.MOSQUITTO) as broker, line(broker, "curious") as client:
        for topic in ("$SYS/#", "$farm/#"):
            with suppress(BrokerRefused):
                client.subscribe(topic)
        with line(broker, "printer") as printer:
            printer.publish("$farm/bay1", b"idle", patience_s=1)
        assert client.collect(1, patience_s=0.5) == []


def test_mosquitto_ends_with_who_looks_after_it() -> None:
    with embedded_broker(BrokerKind.MOSQUITTO) as broker:
        (child,) = children_of(broker.pid)
        broker.kill()
        wait_until(lambda: not Path(f"/proc/{child}").exists(), "mosquitto ends")
        with pytest.raises(ConnectionRefusedError), socket.create_connection((broker.host, broker.port), 1):
            pass


def test_a_mosquitto_that_dies_is_an_end_with_its_words() -> None:
    with embedded_broker(BrokerKind.MOSQUITTO) as broker:
        (child,) = children_of(broker.pid)
        os.kill(child, 9)
        words = "the embedded broker cannot run: mosquitto ended with status -9"
        wait_until(lambda: words in broker.log, "it says")
        assert broker.log.count(words) == 1


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_beyond_its_bound_mosquitto_keeps_the_oldest_of_a_queue() -> None:
    size, sent = 50_000, 60
    with embedded_broker(BrokerKind.MOSQUITTO, queue_mb=1) as broker:
        with line(broker, "collector", clean=False) as reader:
            reader.subscribe("farm/#")
        with line(broker, "printer") as printer:
            for number in range(sent):
                printer.publish("farm/bay1", b"%d" % number + bytes(size))
        with line(broker, "collector", clean=False) as reader:
            kept = [int(message.payload.rstrip(b"\0")) for message in reader.collect(sent)]
    assert kept == list(range(len(kept)))
    assert 15 <= len(kept) <= 1_048_576 // size + 1


def test_who_is_not_let_in_by_the_broker_is_told_how_to_get_in(broker: EmbeddedBroker) -> None:
    stranger = BrokerAddress(broker.host, broker.port, False, broker.credentials.user, "guess")
    with pytest.raises(BrokerRefused, match="wrong user or password"), BrokerClient(stranger, "x"):
        pass
