"""The access list of docs/security.md, in a real Mosquitto: nobody speaks for another printer."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import mosquitto, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
USERS = ("layerline", "bay1", "bay2")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (acl,) = re.findall(r"```\n# acl\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "acl").write_text(acl)
    (tmp_path / "users").touch(mode=0o600)
    for user in USERS:
        subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "users"), user, f"{user}-word"], check=True)
    for each in (tmp_path, *tmp_path.iterdir()):
        each.chmod(0o755 if each.is_dir() else 0o644)
    lines = ("allow_anonymous false", f"password_file {tmp_path}/users", f"acl_file {tmp_path}/acl")
    with mosquitto(lines) as broker:
        yield broker.port


class Member:
    """One user of the broker, and what came to it."""

    def __init__(self, port: int, user: str, *topics: str) -> None:
        self.got: list[str] = []
        self._answers = 0
        self._is_cut_off = False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        self.client.username_pw_set(user, f"{user}-word")
        self.client.on_message = lambda _client, _data, message: self.got.append(message.topic)
        self.client.on_subscribe = self._answered
        self.client.on_publish = self._answered
        self.client.on_disconnect = self._cut_off
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        for topic in topics:
            self.client.subscribe(topic, 1)
        wait_until(lambda: self._answers == len(topics), "the subscriptions are answered")

    def publish(self, topic: str) -> None:
        """Until the broker took it, or cut us off for it."""
        before = self._answers
        self.client.publish(topic, b"{}", 1)
        wait_until(lambda: self._answers > before or self._is_cut_off, f"{topic} is answered")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _answered(self, *_: object) -> None:
        self._answers += 1

    def _cut_off(self, *_: object) -> None:
        self._is_cut_off = True


def publish(port: int, user: str, topic: str) -> None:
    """Over a connection of its own: some releases of Mosquitto cut off whoever tries what is forbidden."""
    member = Member(port, user)
    member.publish(topic)
    member.close()


def test_each_printer_speaks_for_itself_alone_and_layerline_hears_all(port: int) -> None:
    layerline = Member(port, "layerline", "#")
    one = Member(port, "bay1", "bay1/moonraker/api/request", "bay2/moonraker/api/request", "bay2/#")
    own = [
        "bay1/klipper/state/print_stats",
        "bay1/moonraker/api/response",
        "octoPrint/bay1/event/PrintDone",
        "layerline/native/v1/bay1/status",
    ]
    others = [topic.replace("bay1", "bay2") for topic in own]
    canonical = ["layerline/v1/main/printers/bay1/state", "layerline/v1/main/printers/bay2/state"]
    try:
        for topic in [*others, *canonical, *own]:
            publish(port, "bay1", topic)
        wait_until(lambda: own[-1] in layerline.got, "what bay1 may say has come")
        assert layerline.got == own
        layerline.publish("bay2/moonraker/api/request")
        layerline.publish("bay1/moonraker/api/request")
        wait_until(lambda: bool(one.got), "bay1 is asked")
        assert one.got == ["bay1/moonraker/api/request"]
    finally:
        layerline.close()
        one.close()
