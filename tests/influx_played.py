"""An InfluxDB that is only played, for tests of what happens before it."""

import re

from farm.errors import InfluxError
from farm.influx.answers import ServerAnswer
from farm.influx.client import Series

STORED = ServerAnswer(status=204)
DOWN = ServerAnswer(status=None, words="connection refused")
_A_NEW_POINT = re.compile(rb"\n(?=[a-z_]+,)")  # a text may hold line breaks


class PlayedServer:
    """Keeps what is written, by bucket, while it is `up`."""

    def __init__(self) -> None:
        self.up = True
        self.written: list[tuple[str, bytes]] = []
        self.erased: list[dict[str, str]] = []

    def write(self, bucket: str, body: bytes) -> ServerAnswer:
        if not self.up:
            return DOWN
        self.written += [(bucket, line) for line in _A_NEW_POINT.split(body)]
        return STORED

    def erase(self, _bucket: str, _from_ns: int, _to_ns: int, tags: dict[str, str]) -> ServerAnswer:
        if not self.up:
            return DOWN
        self.erased.append(tags)
        return STORED

    def influxql(self, _bucket: str, _query: str) -> list[Series]:
        if not self.up:
            raise InfluxError("connection refused")
        return []

    def ids(self, bucket: str = "layerline_telemetry") -> list[int]:
        """The ids of the telemetry written, in the order of writing."""
        return [int(line.rsplit(b" ", 1)[1]) % 1_000_000 for where, line in self.written if where == bucket]

    def measurements(self, bucket: str = "layerline") -> list[str]:
        return [line.split(b",")[0].decode() for where, line in self.written if where == bucket]
