"""The broker that comes along: rumqttd from the iotcore package, behind a door that explains itself.

rumqttd closes without a word where user, password or version of the protocol are not its own. So it
listens on a port of the loopback that is drawn at each start, and `front` opens the door.
"""

import asyncio
import json
import logging
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

from farm.app.data_folder import Credentials, DataFolder
from farm.app.embedded_broker.front import Front
from farm.app.embedded_broker.settings import BrokerKind, EmbeddedBrokerSettings, with_port
from farm.app.embedded_broker.status import StatusKeeper
from farm.app.listening import listens

log = logging.getLogger(__name__)

NAME = "the built-in broker"
CONFIGURATION_FILE = "embedded-broker.toml"
LOOPBACK = "127.0.0.1"

_SEGMENTS = 8
_MEGABYTE = 1024 * 1024
_LARGEST_PAYLOAD = 16 * _MEGABYTE
"""A client that sends more is cut off by rumqttd, so the bound lies above all that a printer sends."""
_INFLIGHT = 100
"""Unacknowledged messages per subscriber; rumqttd 0.20 keeps no more, whatever is asked for."""
_MOST_CONNECTIONS = 10_010
_CONNECT_PATIENCE_MS = 60_000
_READY_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.02


def broker_configuration(settings: EmbeddedBrokerSettings, credentials: Credentials, port: int) -> str:
    """The rumqttd configuration for these settings: one MQTT 3.1.1 listener on the loopback, one user.

    The queue is set in segments because rumqttd drops whole ones: with its own defaults
    each subscription grows to a gigabyte.
    """
    segment = max(settings.queue_mb * _MEGABYTE // _SEGMENTS, 1)
    return f"""\
id = 0

[router]
id = 0
max_connections = {_MOST_CONNECTIONS}
max_outgoing_packet_count = 200
max_segment_size = {segment}
max_segment_count = {_SEGMENTS}

[v4.1]
name = "mqtt"
listen = {_toml(with_port(LOOPBACK, port))}
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = {_CONNECT_PATIENCE_MS}
max_payload_size = {_LARGEST_PAYLOAD}
max_inflight_count = {_INFLIGHT}
dynamic_filters = true

[v4.1.connections.auth]
{_toml(credentials.user)} = {_toml(credentials.password)}
"""


def _toml(text: str) -> str:
    """The text as a TOML string, which a JSON string is."""
    return json.dumps(text)


def run_built_in(
    settings: EmbeddedBrokerSettings,
    folder: DataFolder,
    credentials: Credentials,
    status: StatusKeeper,
    why: str | None,
    stop: Event,
) -> None:
    """Run it in this process until SIGTERM.

    `why` says why it is this one; looking at `stop` is our sign of life.

    Raises OSError when its port is taken, and RuntimeError when it ended by itself.
    """
    port = _free_port()
    file = folder.write_private(CONFIGURATION_FILE, broker_configuration(settings, credentials, port))
    front = Front(settings, credentials, status, (LOOPBACK, port))
    asyncio.run(_serve(front, file, port, lambda: status.runs(BrokerKind.BUILT_IN, NAME, why), stop))


async def _serve(front: Front, file: Path, port: int, runs: Callable[[], None], stop: Event) -> None:
    """Take the printers' port first, so that nothing is started where it is taken; open the door last."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await front.bind()
    try:
        behind = _Rumqttd(file, lambda: loop.call_soon_threadsafe(over.set))
        await _until_it_listens(behind, port, over)
        runs()
        await front.open(server, over, stop.is_set)
        if behind.error is not None:
            raise RuntimeError(behind.error)
    finally:
        front.close(server)


class _Rumqttd:
    """rumqttd in a thread of its own, which Python never sees the end of unless it failed."""

    def __init__(self, file: Path, ended: Callable[[], object]) -> None:
        self.error: str | None = None
        self._file = file
        self._ended = ended
        threading.Thread(target=self._run, name="rumqttd", daemon=True).start()

    def _run(self) -> None:
        from iotcore import IotCoreBroker

        # rumqttd writes every packet that it routes at level ERROR.
        logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
        logging.getLogger("tracing.span").setLevel(logging.CRITICAL)
        try:
            IotCoreBroker(config_path=str(self._file)).run_forever()
            self.error = "it ended by itself"
        except Exception as error:  # noqa: BLE001  whatever it is, the process is to end for it
            self.error = f"it ended: {error}"
        self._ended()


async def _until_it_listens(behind: _Rumqttd, port: int, over: asyncio.Event) -> None:
    deadline = asyncio.get_running_loop().time() + _READY_WITHIN_S
    while not over.is_set() and not await asyncio.to_thread(listens, LOOPBACK, port):
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError(f"it does not listen within {_READY_WITHIN_S:g} s")
        await asyncio.sleep(_LOOK_EVERY_S)
    if behind.error is not None:
        raise RuntimeError(behind.error)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
