"""The one place that speaks to an InfluxDB server, through influxdb-client.

Writes are its plain synchronous ones: its batching writer gives up after some minutes of
failed tries and drops what it holds. What is not a success becomes an `ServerAnswer`, never an
exception, so that nobody can forget to look at it.
"""

import gzip
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import msgspec
import urllib3
from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from farm.answer_limit import AnswerLimit
from farm.errors import InfluxError
from farm.influx.answers import LONGEST_RETRY_AFTER_MS, ServerAnswer, is_of_influx
from farm.influx.settings import InfluxSettings
from farm.model.clock import system_clock
from farm.model.retry_after import retry_after_ms
from farm.model.times import SECOND_MS
from farm.time_limit import TimeLimit

# Level 1 takes a fifth of the time of the library's own level 9, for a tenth more bytes.
_GZIP_LEVEL = 1
_WORDS_LIMIT = 2_000
_PIECES = 3
"""A request takes at most so many times the wait for one piece: connection, head and body of the answer."""
_LARGEST_QUERY_ANSWER = 256_000_000
"""Bytes of an answer to a query; a rebuild asks for many rows at a time."""
_PRECISION = "ns"

# Its debug lines hold headers and whole bodies.
logging.getLogger("influxdb_client.client.http").setLevel(logging.WARNING)


class Series(NamedTuple):
    """One series of an answer to InfluxQL: rows of `values` under `columns`, the first the time (ns)."""

    name: str
    tags: dict[str, str]
    columns: list[str]
    values: list[list[Any]]

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows with their tags, without what they do not have."""
        for values in self.values:
            row = {name: value for name, value in zip(self.columns, values, strict=True) if value is not None}
            yield {**self.tags, **row}


class InfluxServer:
    """A connection to the server of the settings; a context manager. Not for use by several threads."""

    def __init__(self, settings: InfluxSettings, token: str | None = None) -> None:
        if settings.url is None:
            raise InfluxError("no InfluxDB is configured; set influx.url")
        secret = settings.token.get_secret_value() if settings.token else ""
        self.settings = settings
        self._client = InfluxDBClient(
            url=settings.url.rstrip("/"),
            token=token if token is not None else secret,
            org=settings.org,
            timeout=int(settings.timeout_seconds * 1000),
            verify_ssl=settings.verify_tls,
            ssl_ca_cert=str(settings.ca_file) if settings.ca_file else None,
            connection_pool_maxsize=1,
        )
        self._writes = WriteService(self._client.api_client)
        self._limit = TimeLimit()
        self._answers = AnswerLimit()
        _guard_connections(self._client.api_client.rest_client.pool_manager, self._limit, self._answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
        self._limit.close()

    def write(self, bucket: str, body: bytes) -> ServerAnswer:
        """Write lines to the bucket; the answer tells what became of them."""
        try:
            with self._limit.within(_PIECES * self.settings.timeout_seconds):
                _, status, _ = self._writes.post_write_with_http_info(
                    self.settings.org,
                    bucket,
                    gzip.compress(body, _GZIP_LEVEL),
                    content_encoding="gzip",
                    content_type="text/plain; charset=utf-8",
                    precision=_PRECISION,
                )
        except _FAILURES as error:
            return _answer(error)
        return ServerAnswer(
            status=status, words="" if status == 204 else "the answer of something that is no InfluxDB"
        )

    def erase(self, bucket: str, from_ns: int, to_ns: int, tags: Mapping[str, str]) -> ServerAnswer:
        """Delete the points with these tags (`_measurement` among them), both instants included."""
        request = {
            "start": _rfc3339_ns(from_ns),
            "stop": _rfc3339_ns(to_ns),
            "predicate": " AND ".join(f'{name}="{value}"' for name, value in tags.items()),
        }
        try:
            status = self._request("POST", "/api/v2/delete", request, {"bucket": bucket})[1]
        except _FAILURES as error:
            return _answer(error)
        return ServerAnswer(status=status)

    def influxql(self, bucket: str, query: str) -> list[Series]:
        """What an InfluxQL query gives, times in nanoseconds.

        The library's Flux reader would round times to microseconds and change line breaks.
        Raises InfluxError.
        """
        with _told():
            parameters = {"db": bucket, "q": query, "epoch": _PRECISION}
            with self._answers.up_to(_LARGEST_QUERY_ANSWER):
                answer = self._request("GET", "/query", None, parameters)[0]
        if not isinstance(answer, dict) or "results" not in answer:
            raise InfluxError(
                "InfluxDB did not do it: the answer of something that is no InfluxDB", status=200
            )
        results: list[dict[str, Any]] = answer["results"]
        for result in results:
            if "error" in result:
                raise InfluxError(f"InfluxDB did not do it: {result['error']}", status=200)
        return [
            Series(each["name"], each.get("tags", {}), each["columns"], each.get("values", []))
            for result in results
            for each in result.get("series", [])
        ]

    def flux(self, query: str) -> list[dict[str, Any]]:
        """The rows that a Flux query gives, tables one after the other. Raises InfluxError."""
        with _told(), self._answers.up_to(_LARGEST_QUERY_ANSWER):
            return [record.values for record in self._client.query_api().query_stream(query)]

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One request to the server's API and its decoded answer, None when it has no body.

        Raises InfluxError.
        """
        with _told():
            return self._request(method, path, body, query or {})[0] or None

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str]
    ) -> tuple[Any, int]:
        with self._limit.within(_PIECES * self.settings.timeout_seconds):
            decoded, status, _ = self._client.api_client.call_api(
                path,
                method,
                query_params=[*query.items(), ("org", self.settings.org)],
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                response_type=object,
            )
        return decoded, status


def _guard_connections(pools: Any, limit: TimeLimit, answers: AnswerLimit) -> None:
    """Let the limits hold for every connection that the pools of urllib3 make.

    Redirections are not followed: the library asks urllib3 for no retries, which those are one of.
    """

    class Http(HTTPConnection):
        response_class = answers.response_class()

        def _new_conn(self) -> socket.socket:
            plain = super()._new_conn()
            limit.watch(plain)
            return plain

    class Https(HTTPSConnection):
        response_class = answers.response_class()

        def _new_conn(self) -> socket.socket:
            plain = super()._new_conn()
            limit.watch(plain)
            return plain

    class HttpPool(HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = Https

    pools.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        answer = _answer(error)
        said = f"{answer.status}: {answer.words}" if answer.status else answer.words
        raise InfluxError(f"InfluxDB did not do it: {said}", status=answer.status) from error


# UnicodeDecodeError: the library decodes every body, also a proxy's page in another encoding.
_FAILURES = (ApiException, urllib3.exceptions.HTTPError, OSError, UnicodeDecodeError)


def _answer(error: BaseException) -> ServerAnswer:
    if isinstance(error, ApiException) and error.status:
        body = error.body or ""
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
        headers = error.headers or {}
        wish_ms = retry_after_ms(headers.get("Retry-After"), system_clock(), LONGEST_RETRY_AFTER_MS)
        return ServerAnswer(
            status=int(error.status),
            words=_words(raw) or str(error.reason),
            retry_after_s=None if wish_ms is None else wish_ms / SECOND_MS,
            of_influx=is_of_influx(raw),
        )
    said = error.reason if isinstance(error, ApiException) else error
    return ServerAnswer(status=None, words=f"{type(error).__name__}: {said}"[:_WORDS_LIMIT])


def _words(body: bytes) -> str:
    if is_of_influx(body):
        told = msgspec.json.decode(body)
        text = told.get("message") or told.get("error")
        data = told.get("data")
        return f"{text} {data}"[:_WORDS_LIMIT] if data else str(text)[:_WORDS_LIMIT]
    return body.decode("utf-8", "replace")[:_WORDS_LIMIT].strip()


def _rfc3339_ns(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
