"""What the demo farm needs around it: a throw-away folder, free ports and a configuration."""

import json
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from farm.cli.demo.receivers import LOOPBACK

_PREFERRED = {"broker": 18830, "page": 8642, "slack": 18631, "mail": 18625}

_STORIES = {
    "bay-01-weak-heater": "Hall A",
    "bay-02-night-print": "Hall A",
    "bay-03-bad-spool": "Hall A",
    "bay-04-bad-file": "Hall A",
    "bay-05-full-bed": "Hall B",
    "bay-06-host-dies": "Hall B",
}
"""The printers of the simulated demo scenario that have a story, and where they stand."""

REPLAYED_OCTOPRINT = "replayed-octoprint"
REPLAYED_KLIPPER = "replayed-klipper"


@dataclass(frozen=True)
class Ports:
    """Where the parts of the demo listen, all on the loopback."""

    broker: int
    page: int
    slack: int
    mail: int


def choose_ports() -> Ports:
    """The preferred ports where they are free, others where not."""
    return Ports(**{name: _free_port(wanted) for name, wanted in _PREFERRED.items()})


def _free_port(wanted: int) -> int:
    for candidate in (wanted, 0):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, candidate))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port
    raise OSError("no free port on the loopback")


def write_configuration(folder: Path, ports: Ports) -> Path:
    """Write the demo's layerline.toml and give its path."""
    file = folder / "layerline.toml"
    file.write_text(_configuration(ports), "utf-8")
    return file


def _configuration(ports: Ports) -> str:
    printers = [
        *(_printer(name, group) for name, group in _STORIES.items()),
        _printer(REPLAYED_OCTOPRINT, "Recordings"),
        _printer(REPLAYED_KLIPPER, "Recordings"),
    ]
    page = f"http://{LOOPBACK}:{ports.page}"
    return f"""\
[site]
name = "demo"

[embedded_broker]
host = "{LOOPBACK}"
port = {ports.broker}

[api]
port = {ports.page}

[alerts]
public_url = "{page}"

[[alerts.receivers]]
kind = "slack"
webhook_url = "http://{LOOPBACK}:{ports.slack}/services/demo"

[[alerts.receivers]]
kind = "email"
host = "{LOOPBACK}"
port = {ports.mail}
security = "none"
sender = "Layerline <layerline@demo.example>"
recipients = ["floor@demo.example"]

{"".join(printers)}"""


def _printer(name: str, group: str) -> str:
    return f"[[printers]]\nname = {json.dumps(name)}\ngroup = {json.dumps(group)}\n\n"
