"""`layerline check` before receivers that hang, flood, or are something else."""

import json
import socket
import time
from pathlib import Path
from typing import Any

from tests.dripping import dripping, flooding
from tests.integration.console import layerline
from tests.unit.alerts.receivers import answer, http_receiver

SLACK = (
    '[[alerts.receivers]]\nkind = "slack"\nname = "{name}"\nwebhook_url = "{url}"\ntimeout_s = {timeout}\n'
)


def receiver(name: str, url: str, timeout: float = 1) -> str:
    return SLACK.format(name=name, url=url, timeout=timeout)


def checked(folder: Path, receivers: str, *options: str) -> dict[str, Any]:
    """What `check` finds of each receiver."""
    (folder / "layerline.toml").write_text(receivers)
    done = layerline("check", "--json", *options, folder=folder, status=1)
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
