"""urllib with limits: for the time of a whole request, the size of its answer, and where it goes.

A redirection is never followed: it would send a message, or a question of ours, to an address that
nobody configured, and one behind the firewall at that. Its status is the answer.
"""

import http.client
import urllib.request
from typing import Any

from farm.time_limit import TimeLimit


def limited_opener(limit: TimeLimit) -> urllib.request.OpenerDirector:
    """An opener whose connections are watched by `limit`, and which stays where it was sent.

    Raises urllib's HTTPError for a redirection as for any other status that is no success.
    """
    return urllib.request.build_opener(_Http(limit), _Https(limit), _Stay())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nowhere."""


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
        # The standard library's own place for it.
        made._create_connection = limit.connect  # noqa: SLF001
        return made

    return connection
