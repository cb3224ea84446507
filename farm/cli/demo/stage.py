"""What the demo farm needs around it: a throw-away folder, free ports and a configuration."""

import json
import secrets
import socket
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from api.settings import is_loopback
from farm.app.listening import lan_address, local_url
from farm.cli.demo.receivers import LOOPBACK

_TOKEN_BYTES = 24
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


@dataclass(frozen=True)
class PageAddress:
    """Where the demo's page is to listen: only on this machine, unless told otherwise; `port` None: any."""

    host: str = LOOPBACK
    port: int | None = None

    @cached_property
    def token(self) -> str | None:
        """What keeps others of the network out; None where they cannot come."""
        return None if is_loopback(self.host) else secrets.token_urlsafe(_TOKEN_BYTES)


def choose_ports(page: int | None = None) -> Ports:
    """The preferred ports where they are free, others where not; the page's is the one asked for."""
    found = {name: _free_port(wanted) for name, wanted in _PREFERRED.items()}
    return Ports(**found if page is None else {**found, "page": page})


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


def write_configuration(folder: Path, ports: Ports, page: PageAddress | None = None) -> Path:
    """Write the demo's layerline.toml and give its path."""
    file = folder / "layerline.toml"
    file.touch(mode=0o600)
    file.write_text(_configuration(ports, page or PageAddress()), "utf-8")
    return file


def _configuration(ports: Ports, address: PageAddress) -> str:
    printers = [
        *(_printer(name, group) for name, group in _STORIES.items()),
        _printer(REPLAYED_OCTOPRINT, "Recordings"),
        _printer(REPLAYED_KLIPPER, "Recordings"),
    ]
    page = local_url(lan_address(address.host), ports.page)
    token = "" if address.token is None else f"token = {json.dumps(address.token)}\n"
    return f"""\
[site]
name = "demo"

[embedded_broker]
host = "{LOOPBACK}"
port = {ports.broker}

[api]
host = {json.dumps(address.host)}
port = {ports.page}
{token}
[alerts]
public_url = "{page}"

[[alerts.rules]]
kind = "failed_streak"

[[alerts.rules]]
kind = "printer_offline"
lasting = "30s"
only_in_mid_print = true

[[alerts.rules]]
kind = "print_paused"

[[alerts.rules]]
kind = "print_stalled"

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
