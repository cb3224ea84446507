"""What Mosquitto's log says about who was let in and who was not. Pure; the time is handed in.

What a line holds depends on the release: up to 2.0.12 a refused client is `<unknown>`, up to 2.1.0 its
address stands only in the line that says that a connection was opened. Mosquitto works in one thread, so
lines come in the order of events: an end without an address belongs to one of the connections that
were opened and not let in. Where these have one address, or all of them have ended for one reason, that
is known; where not, nothing is claimed, and the client's next attempt tells.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from farm.model.refused_client import RefusalReason

SETTLE_S = 2.0
"""So long an end without an address waits for lines that tell whose it was."""
_MOST_OPEN = 2_000
_MOST_CONNECTED = 20_000
_FORGOTTEN_AFTER_S = 120.0
"""Mosquitto closes whoever says nothing earlier."""

_OPENED = re.compile(r"New connection from (?P<peer>\S+) on port \d+\.")
_LET_IN = re.compile(
    r"New client connected from (?P<peer>\S+) as (?P<id>.*) \(p\d+, c\d, k\d+(?:, u'.*')?\)\."
)
_ENDED = re.compile(
    r"(?:Client (?P<id>.*?)(?: \[(?P<peer>\S+:\d+)\])?"
    r"(?: disconnected(?:,|:| due to)? ?(?P<why>.*?)| (?P<closed>closed its connection"
    r"|has exceeded timeout, disconnecting))?"
    r"|Socket error on client (?P<broken>.*), disconnecting)\."
)
_VERSION = re.compile(
    r"Invalid protocol version \d+ in CONNECT from (?P<old>\S+)\."
    r"|Protocol error from (?P<new>\S+): CONNECT with invalid protocol version \(\d+\)\."
)
_TLS = re.compile(r"Client from (?P<peer>\S+) appears to be using TLS to connect to a non-TLS listener\.")
_CHATTER = re.compile(
    r"Saving in-memory database|Client .* already connected, closing old connection|Received "
)
_UNKNOWN = "<unknown>"
_REASONS = {
    "not authorised": RefusalReason.WRONG_LOGIN,
    "bad username or password": RefusalReason.WRONG_LOGIN,
    "protocol error": RefusalReason.NO_MQTT,
    "malformed packet": RefusalReason.NO_MQTT,
    "client identifier not valid": RefusalReason.CLIENT_ID,
}


@dataclass(frozen=True)
class LetIn:
    """A client was let in."""

    address: str
    client_id: str


@dataclass(frozen=True)
class Refused:
    """A client was refused; `address` or `client_id` is None where the log does not tell."""

    address: str | None
    client_id: str | None
    reason: RefusalReason


@dataclass(frozen=True)
class _End:
    """An end whose connection is not known yet; `reason` is None where nobody was refused."""

    at_s: float
    client_id: str | None
    reason: RefusalReason | None


class MosquittoLog:
    """Reads line by line."""

    def __init__(self) -> None:
        self._opened: dict[str, float] = {}
        self._connected: dict[str, None] = {}
        self._ends: list[_End] = []
        self._known: dict[str, RefusalReason] = {}

    def read(self, line: str, now_s: float) -> Iterator[LetIn | Refused] | None:
        """What the line says of clients; None for a line that is about something else."""
        if found := _OPENED.fullmatch(line):
            self._open(found["peer"], now_s)
            return iter(())
        if found := _LET_IN.fullmatch(line):
            return self._let_in(found["peer"], found["id"], now_s)
        if found := _VERSION.fullmatch(line):
            return self._remember(found["old"] or found["new"], RefusalReason.PROTOCOL_VERSION)
        if found := _TLS.fullmatch(line):
            return self._remember(found["peer"], RefusalReason.TLS)
        if found := _ENDED.fullmatch(line):
            return self._ended(found, now_s)
        return iter(()) if _CHATTER.match(line) else None

    def settle(self, now_s: float) -> Iterator[Refused]:
        """What has waited for long enough, with what is known of it; to be asked now and then."""
        for peer, at_s in list(self._opened.items()):
            if now_s - at_s > _FORGOTTEN_AFTER_S:
                del self._opened[peer]
        return self._resolve(now_s)

    def _open(self, peer: str, now_s: float) -> None:
        self._opened[peer] = now_s
        if len(self._opened) > _MOST_OPEN:
            del self._opened[next(iter(self._opened))]

    def _let_in(self, peer: str, client_id: str, now_s: float) -> Iterator[LetIn | Refused]:
        self._opened.pop(peer, None)
        self._connected[client_id] = None
        if len(self._connected) > _MOST_CONNECTED:
            del self._connected[next(iter(self._connected))]
        yield LetIn(_address(peer), client_id)
        yield from self._resolve(now_s)

    def _remember(self, where: str, reason: RefusalReason) -> Iterator[Refused]:
        """The end, which comes next, is said in other words and without the reason."""
        self._known = {_address(where): reason}
        return iter(())

    def _ended(self, found: re.Match[str], now_s: float) -> Iterator[Refused]:
        name = found["id"] if found["id"] is not None else found["broken"]
        reason = _REASONS.get(found["why"] or "")
        peer = found["peer"]
        if name in self._connected and (not self._opened or reason is None):
            del self._connected[name]  # it was inside
            return
        known, self._known = self._known, {}
        if peer is not None:
            was_open = self._opened.pop(peer, None) is not None
            reason = known.get(_address(peer), reason)
            if reason is not None and was_open:
                client_id = None if name == _address(peer) else name
                yield Refused(_address(peer), client_id, reason)
            yield from self._resolve(now_s)
            return
        if not self._opened:
            return
        if known:
            ((address, reason),) = known.items()
            self._close_one_of(address)
            yield Refused(address, _client_id(name), reason)
        else:
            self._ends.append(_End(now_s, _client_id(name), reason))
        yield from self._resolve(now_s)

    def _close_one_of(self, address: str) -> None:
        for peer in self._opened:
            if _address(peer) == address:
                del self._opened[peer]
                return

    def _resolve(self, now_s: float) -> Iterator[Refused]:
        """Give the ends whose connections are known, and those that have waited for long enough."""
        if not self._ends:
            return
        if len(self._ends) >= len(self._opened):
            yield from self._all_ended()
            return
        addresses = {_address(peer) for peer in self._opened}
        if len(addresses) > 1 and now_s - self._ends[0].at_s < SETTLE_S:
            return
        address = addresses.pop() if len(addresses) == 1 else None
        for end in self._ends:
            if self._opened and address is not None:
                del self._opened[next(iter(self._opened))]
            if end.reason is not None:
                yield Refused(address, end.client_id, end.reason)
        self._ends.clear()

    def _all_ended(self) -> Iterator[Refused]:
        """Every connection that was open has ended: of whom nothing differs it is known who it was."""
        ends, peers = self._ends, list(self._opened)
        self._ends, self._opened = [], {}
        addresses = {_address(peer) for peer in peers}
        alike = len({(end.client_id, end.reason) for end in ends}) == 1
        for end, peer in zip(ends, peers, strict=False):
            if end.reason is not None:
                address = _address(peer) if alike or len(addresses) == 1 else None
                yield Refused(address, end.client_id, end.reason)


def _client_id(name: str | None) -> str | None:
    return None if name == _UNKNOWN else name


def _address(peer: str) -> str:
    """The address without the port, which is new for each connection."""
    host, colon, port = peer.rpartition(":")
    plain = host if colon and port.isdigit() and (":" not in host or host.count(":") > 1) else peer
    return plain.strip("[]").removeprefix("::ffff:")
