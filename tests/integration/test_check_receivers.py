"""`layerline check` before receivers that hang, flood, or are something else."""

import json
import socket
import time
from pathlib import Path
from typing import Any

from tests.dripping import dripping, flooding
from tests.integration.console import layerline, layerline_json, on_terminal
from tests.unit.alerts.receivers import answer, http_receiver

SLACK = (
    '[[alerts.receivers]]\nkind = "slack"\nname = "{name}"\nwebhook_url = "{url}"\ntimeout_s = {timeout}\n'
)


def receiver(name: str, url: str, timeout: float = 1) -> str:
    return SLACK.format(name=name, url=url, timeout=timeout)


def checked(folder: Path, receivers: str, *options: str, status: int = 1) -> dict[str, Any]:
    """What `check` finds of each receiver."""
    (folder / "layerline.toml").write_text(receivers)
    done = layerline("check", "--json", *options, folder=folder, status=status)
    found = json.loads(done.stdout)
    return {each["what"]: each for each in found if each["what"].startswith("receiver")}


def test_one_that_hangs_floods_or_drips_leaves_the_others_their_own_answer(tmp_path: Path) -> None:
    with (
        http_receiver() as good,
        flooding(b"HTTP/1.1 200 OK\r\n\r\nok") as flood,
        dripping(b"HTTP/1.1 200 OK\r\nX-Endless: ") as drip,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        good.behave(answer(400, "no_text"))
        ports = {"flood": flood.port, "drip": drip.port, "silent": silent.getsockname()[1]}
        receivers = [receiver(name, f"http://127.0.0.1:{port}/") for name, port in ports.items()]
        receivers += [receiver(f"silent {i}", f"http://127.0.0.1:{ports['silent']}/", 2) for i in range(10)]
        began = time.monotonic()
        found = checked(tmp_path, "\n".join([*receivers, receiver("good", good.url)]))
    assert time.monotonic() - began < 25, "one after the other they take 60 s"
    assert found.pop("receiver good")["seen"] == "HTTP 400 no_text, as a webhook answers an empty message"
    assert len(found) == 13
    assert {each["status"] for each in found.values()} == {"failed"}


def test_a_web_page_is_not_taken_for_slack(tmp_path: Path) -> None:
    with http_receiver() as page:
        page.behave(answer(200, "<!doctype html><html>welcome</html>"))
        (found,) = checked(tmp_path, receiver("slack", page.url)).values()
        assert "no webhook" in found["seen"]
        (found,) = checked(tmp_path, receiver("slack", page.url), "--send").values()
        assert "no webhook" in found["seen"]


def test_every_kind_is_asked_and_told(tmp_path: Path) -> None:
    with http_receiver() as server:
        server.behave(answer(200, '{"id": "a1", "event": "message"}'))
        at = server.url.split("/")[2]
        kinds = {
            "webhook": f'url = "{server.url}"',
            "ntfy": f'server = "http://{at}"\ntopic = "farm-of-many-words"',
            "apprise": f'url = "json://{at}/v3ry-s3cret-t0ken"',
        }
        receivers = "".join(
            f'[[alerts.receivers]]\nkind = "{kind}"\n{more}\n' for kind, more in kinds.items()
        )
        found = checked(tmp_path, receivers)
        assert {name: each["status"] for name, each in found.items()} == {
            "receiver webhook": "ok",
            "receiver ntfy": "failed",
            "receiver apprise": "ok",
        }
        assert {request.method for request in server.requests} == {"HEAD", "POST"}
        assert "farm-of-many-words" not in json.dumps(found)
        assert "v3ry-s3cret-t0ken" not in json.dumps(found)
        found = checked(tmp_path, receivers, "--send", status=0)
    assert {each["status"] for each in found.values()} == {"ok"}
    assert found["receiver webhook"]["seen"] == "test message sent: HTTP 200"
    assert b"Test message of the farm main" in server.requests[-1].body


def test_one_receiver_is_sent_a_test_message(tmp_path: Path) -> None:
    with http_receiver() as good, http_receiver() as bad:
        bad.behave(answer(404, f"no_service at {bad.url}"))
        (tmp_path / "layerline.toml").write_text(receiver("floor", good.url) + receiver("office", bad.url))
        done = layerline("alert", "test", "floor", folder=tmp_path)
        assert done.stdout == "receiver floor: test message sent: HTTP 200 ok\n"
        assert len(good.requests) == 1
        assert bad.requests == []
        told = layerline_json("alert", "test", "floor", folder=tmp_path)
        seen = "test message sent: HTTP 200 ok"
        assert told == {"what": "receiver floor", "status": "ok", "seen": seen, "remedy": ""}
        done = layerline("alert", "test", "office", folder=tmp_path, status=1)
        assert done.stdout == "receiver office: HTTP 404 no_service at ***\n"
        done = layerline("alert", "test", "office", "--json", folder=tmp_path, status=1)
        assert json.loads(done.stdout)["status"] == "failed"
        assert "receiver floor: test message sent" in on_terminal("alert", "test", "floor", folder=tmp_path)


def test_a_receiver_that_there_is_not_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    done = layerline("alert", "test", "floor", folder=tmp_path, status=2)
    assert "RECEIVER floor: there is no receiver of that name; none is configured" in done.stderr
    (tmp_path / "layerline.toml").write_text(receiver("floor", "http://127.0.0.1:9/"))
    done = layerline("alert", "test", "Floor", folder=tmp_path, status=2)
    assert "there are: floor" in done.stderr
