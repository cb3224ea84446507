"""`layerline up` with either broker: who is refused is named, and what happens where one does not start."""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import MQTTException, publish
from paho.mqtt.enums import MQTTProtocolVersion

from farm.app.data_folder import DataFolder
from farm.app.embedded_broker.mosquitto import NoMosquitto, find_mosquitto
from farm.app.embedded_broker.settings import BrokerKind
from tests.integration.console import Running, layerline, layerline_json, running
from tests.servers import free_port, wait_until


def configure(folder: Path, *, kind: BrokerKind = BrokerKind.AUTO) -> tuple[int, int]:
    """A configuration with ports of its own; gives those of the broker and of the page."""
    broker, page = free_port(), free_port()
    (folder / "layerline.toml").write_text(
        f'[embedded_broker]\nkind = "{kind}"\nhost = "127.0.0.1"\nport = {broker}\n[api]\nport = {page}\n',
        "utf-8",
    )
    return broker, page


def get(port: int, path: str) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read().decode()


@contextmanager
def farm_up(folder: Path) -> Iterator[Running]:
    with running(folder, "up") as farm:
        farm.wait_for("(embedded, MQTT 3.1 and 3.1.1, no TLS)")
        yield farm


@pytest.mark.parametrize("kind", [BrokerKind.BUILT_IN, BrokerKind.MOSQUITTO])
def test_whoever_is_refused_is_named_in_log_doctor_and_api(tmp_path: Path, kind: BrokerKind) -> None:
    skip_without(kind)
    broker, page = configure(tmp_path, kind=kind)
    with farm_up(tmp_path) as farm:
        knock = {"client_id": "bay2", "protocol": MQTTProtocolVersion.MQTTv31, "port": broker}
        with pytest.raises(MQTTException, match="Not authorized"):
            publish.single("bay2/x", "1", hostname="127.0.0.1", auth=login("wrong"), **knock)  # type: ignore[arg-type]
        wait_until(lambda: bool(refused_at(page)), "the API names it")
        (known,) = refused_at(page)
        assert (known["address"], known["current"], known["count"]) == ("127.0.0.1", True, 1)
        assert "password" in known["words"]
        assert known["client_id"] in ("bay2", None if kind is BrokerKind.MOSQUITTO else "bay2")
        name = "bay2" if known["client_id"] else "a client"
        farm.wait_for(f"{name} at 127.0.0.1 was refused: {known['words']}")
        found = layerline_json("doctor", folder=tmp_path)["broker"]
        warned = next(each for each in found if each["what"] == "refused client")
        assert f"{name} at 127.0.0.1 was refused once" in warned["seen"]
        assert f"runs since {known['first_at'][:10]}" in found[0]["seen"]
        access = DataFolder(tmp_path / "data").credentials()
        assert access is not None
        publish.single("bay2/x", "1", hostname="127.0.0.1", auth=login(access.password), **knock)  # type: ignore[arg-type]
        wait_until(lambda: not refused_at(page)[0]["current"], "it is refused no more")
        assert farm.end() == 0


def login(password: str) -> dict[str, str]:
    return {"username": "layerline", "password": password}


def refused_at(page: int) -> Any:
    return json.loads(get(page, "/api/v1/refused-clients"))["items"]


def skip_without(kind: BrokerKind) -> None:
    if kind is BrokerKind.MOSQUITTO:
        try:
            find_mosquitto()
        except NoMosquitto as error:
            pytest.skip(f"{error}; get it with: apt-get install mosquitto")


def test_a_mosquitto_that_does_not_start_gives_way_to_the_built_in_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "mosquitto"
    broken.parent.mkdir()
    broken.write_text(
        "#!/bin/sh\necho mosquitto version 2.0.99\n[ \"$1\" = -h ] || echo 'Error: denied.'; exit 13\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    configure(tmp_path)
    with farm_up(tmp_path) as farm:
        farm.wait_for("the built-in broker runs, because mosquitto ended with status 13 when it was started")
        farm.wait_for("Error: denied.")
        (which,) = [
            d for d in layerline_json("doctor", folder=tmp_path)["broker"] if d["what"] == "embedded broker"
        ]
        assert which["status"] == "warning"
        assert "its queue is lost" in which["remedy"] or "is lost when it restarts" in which["remedy"]
        assert farm.end() == 0


def test_where_mosquitto_is_wanted_and_missing_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "bin" / "mosquitto"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho mosquitto version 1.6.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    configure(tmp_path, kind=BrokerKind.MOSQUITTO)
    said = layerline("up", folder=tmp_path, status=2).stderr
    assert 'embedded_broker.kind = "mosquitto"' in said
    assert "is of version 1.6.9; 2.0 or newer is needed" in " ".join(said.split())


def test_a_farm_that_was_killed_starts_again_at_once(tmp_path: Path) -> None:
    configure(tmp_path)
    with farm_up(tmp_path) as farm:
        assert farm.end(signal.SIGKILL) == -signal.SIGKILL
    with farm_up(tmp_path) as farm:
        farm.wait_for("connected as layerline-shard-0")
        assert farm.end() == 0
