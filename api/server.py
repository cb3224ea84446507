"""The HTTP server: uvicorn, bound before it starts and stopped without waiting for live streams."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.connections import ACCEPTED_AT_ONCE, ConnectionGuard, ConnectionLimits
from api.descriptors import room_for
from api.live import LiveStream
from api.quiet_logs import quiet_libraries
from api.settings import ApiSettings
from farm.errors import ConfigurationError

log = logging.getLogger(__name__)

GRACE_S = 3
"""Seconds that requests under way get when the server stops."""


class ApiServer:
    """Serves `app` from a thread of the caller's until a stop event is set.

    The socket is bound on construction, so that a taken port is known before anything
    runs. Raises ConfigurationError when the address cannot be listened on.
    """

    def __init__(self, app: FastAPI, settings: ApiSettings, limits: ConnectionLimits | None = None) -> None:
        self.app = app
        limits = limits or ConnectionLimits(most=room_for(settings.max_connections))
        self._socket = _listen(settings.host, settings.port)
        live: LiveStream = app.state.context.live
        live.most = min(live.most, limits.most * 3 // 4)  # where descriptors are few, less than was set
        self._close_streams = live.close
        self._server = _Server(
            uvicorn.Config(
                app,
                http=ConnectionGuard(limits).protocol(),
                ws="none",
                backlog=ACCEPTED_AT_ONCE,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                lifespan="on",
            )
        )

    @property
    def port(self) -> int:
        """The port listened on, also where the settings asked for any free one."""
        port: int = self._socket.getsockname()[1]
        return port

    def run(self, stop: threading.Event) -> None:
        """Serves until `stop` is set, then ends the live streams and lets other answers finish."""
        watcher = threading.Thread(target=self._stop_when, args=(stop,), name="api-stop", daemon=True)
        watcher.start()
        try:
            with quiet_libraries():
                self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def _stop_when(self, stop: threading.Event) -> None:
        stop.wait()
        self._close_streams()
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """One that leaves signals to the process: else it waits for live streams before anybody can end them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        # asyncio sends small answers without delay only on sockets that say they are TCP.
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        return _bound(socket.socket(family, kind, protocol), address)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"api.host, api.port: cannot listen on {host}:{port}: {reason}") from error


def _bound(listener: socket.socket, address: Any) -> socket.socket:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener
