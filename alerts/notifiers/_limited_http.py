"""urllib with a limit for the whole request, from the connection to the end of the answer."""

import http.client
import socket
import urllib.request
from typing import Any

from farm.time_limit import TimeLimit


def limited_opener(limit: TimeLimit) -> urllib.request.OpenerDirector:
    """An opener whose connections are watched by `limit`, else as urllib's own."""
    return urllib.request.build_opener(_Http(limit), _Https(limit))


class _Http(urllib.request.HTTPHandler):
    def __init__(self, limit: TimeLimit) -> None:
        super().__init__()
        self._limit = limit

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open it over a watched connection."""
        return self.do_open(_maker(http.client.HTTPConnection, self._limit), request)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, limit: TimeLimit) -> None:
        super().__init__()
        self._limit = limit

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open it over a watched connection."""
        return self.do_open(_maker(http.client.HTTPSConnection, self._limit), request)


def _maker(kind: type[http.client.HTTPConnection], limit: TimeLimit) -> Any:
    def connection(host: str, **options: Any) -> Any:
        made: Any = kind(host, **options)

        def connect(*where: Any) -> socket.socket:
            plain = socket.create_connection(*where)
            limit.watch(plain)
            return plain

        # The standard library's own place for it.
        made._create_connection = connect  # noqa: SLF001
        return made

    return connection
