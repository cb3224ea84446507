"""What the embedded broker tells the other processes: which one runs, and who was refused.

One file in the data folder, written by the broker's process, read by the API and `layerline doctor`.
"""

import logging
import os
import re
import time
from collections.abc import Callable

import msgspec

from farm.app.data_folder import DataFolder
from farm.app.embedded_broker.settings import BrokerKind
from farm.errors import ConfigurationError
from farm.model.clock import Clock, system_clock
from farm.model.refused_client import LONGEST_CLIENT_ID, RefusalReason, RefusedClient
from farm.model.times import DAY_MS

log = logging.getLogger(__name__)

STATUS_FILE = "embedded-broker-status.json"
MOST_KEPT = 100
KEPT_MS = 7 * DAY_MS
_WRITE_EVERY_S = 1.0
_MOST_INSIDE = 10_000
_DRAWN = re.compile(r"[0-9A-Za-z]{22}")
"""A client id that paho drew at random, and draws anew when its settings change, as OctoPrint's do."""
_OURS = "layerline-"
"""How the client ids of our collector and of `layerline doctor` begin."""
SAID_A_MINUTE = 20
"""Whoever connects chooses the client id, so that the log must be bounded otherwise than by clients."""
_MINUTE_S = 60.0


class BrokerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Which broker runs since when, and the process that looks after it.

    `why_built_in` says why no Mosquitto runs, None where one does.
    """

    kind: BrokerKind
    name: str
    since_ms: int
    process: int
    why_built_in: str | None = None
    refused: tuple[RefusedClient, ...] = ()


def read_status(folder: DataFolder) -> BrokerStatus | None:
    """What the broker said last; None where none ever ran, or what it left cannot be read."""
    try:
        return msgspec.json.decode((folder.path / STATUS_FILE).read_bytes(), type=BrokerStatus)
    except (OSError, msgspec.MsgspecError):
        return None


def refused_clients(folder: DataFolder) -> tuple[RefusedClient, ...]:
    """Who was refused, the newest first; nobody where no broker of ours ever ran."""
    status = read_status(folder)
    return () if status is None else status.refused


class StatusKeeper:
    """Keeps the file, says each refusal in the log once, and counts from then on."""

    def __init__(
        self,
        folder: DataFolder,
        clock: Clock = system_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._monotonic = monotonic
        self._running = BrokerStatus(kind=BrokerKind.BUILT_IN, name="", since_ms=clock(), process=os.getpid())
        self._refused: dict[tuple[str | None, str | None, RefusalReason], RefusedClient] = {}
        for known in refused_clients(folder):
            self._refused[known.address, known.client_id, known.reason] = known
        self._said: set[tuple[str | None, str | None, RefusalReason]] = set()
        self._said_in_minute, self._minute_began = 0, monotonic()
        self._unsaid = 0
        self._inside: dict[tuple[str, str], None] = {}
        self._changed = False
        self._written_at = monotonic() - _WRITE_EVERY_S

    def runs(self, kind: BrokerKind, name: str, why_built_in: str | None = None) -> None:
        """Say which broker runs from now on."""
        self._running = BrokerStatus(
            kind=kind, name=name, since_ms=self._clock(), process=os.getpid(), why_built_in=why_built_in
        )
        self._changed = True
        self.write()

    def refused(self, address: str | None, client_id: str | None, reason: RefusalReason) -> None:
        """A client was not let in."""
        now_ms = self._clock()
        client_id = (client_id or "")[:LONGEST_CLIENT_ID] or None
        key = (address, client_id, reason)
        known = self._refused.pop(key, None)
        again = known is not None and known.let_in_ms is None
        entry = RefusedClient(
            address=address,
            client_id=client_id,
            reason=reason,
            count=known.count + 1 if known is not None and again else 1,
            first_ms=known.first_ms if known is not None and again else now_ms,
            last_ms=now_ms,
        )
        self._refused[key] = entry
        if len(self._refused) > MOST_KEPT:
            del self._refused[next(iter(self._refused))]
        self._changed = True
        self._say(key, entry)
        self.write_when_due()

    def let_in(self, address: str, client_id: str) -> None:
        """A client was let in: what was said of it before holds no more."""
        client_id = client_id[:LONGEST_CLIENT_ID]
        may_be_unknown = self._is_new(address, client_id)
        for key, known in list(self._refused.items()):
            if known.let_in_ms is not None or known.address != address:
                continue
            if known.client_id == client_id or (may_be_unknown and _is_no_name(known.client_id)):
                self._refused[key] = msgspec.structs.replace(known, let_in_ms=self._clock())
                self._said.discard(key)
                self._changed = True
                who = msgspec.structs.replace(known, client_id=client_id).who
                log.info("%s is let in; refused before: %d times", who, known.count)
                self.write_when_due()

    def _is_new(self, address: str, client_id: str) -> bool:
        """Whether it was not let in before, and is not ours: it may be one whose client id is not known."""
        known = (address, client_id) in self._inside
        self._inside[address, client_id] = None
        if len(self._inside) > _MOST_INSIDE:
            del self._inside[next(iter(self._inside))]
        return not known and not client_id.startswith(_OURS)

    def write_when_due(self) -> None:
        """Write what is new, at most once a second."""
        if self._monotonic() - self._written_at >= _WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Write what is new; where that fails the broker goes on."""
        if not self._changed:
            return
        self._changed, self._written_at = False, self._monotonic()
        oldest_ms = self._clock() - KEPT_MS
        kept = [known for known in self._refused.values() if known.last_ms >= oldest_ms]
        self._refused = {(each.address, each.client_id, each.reason): each for each in kept}
        newest = tuple(sorted(kept, key=lambda known: known.last_ms, reverse=True))
        status = msgspec.structs.replace(self._running, refused=newest)
        try:
            self._folder.write_private(STATUS_FILE, msgspec.json.encode(status).decode())
        except ConfigurationError as error:
            log.warning("%s; page and `layerline doctor` do not know who is refused", error)

    def _say(self, key: tuple[str | None, str | None, RefusalReason], entry: RefusedClient) -> None:
        if key in self._said:
            return
        if self._monotonic() - self._minute_began >= _MINUTE_S:
            if self._unsaid:
                log.warning("%d more refusals in a minute; see `layerline doctor`", self._unsaid)
            self._said_in_minute, self._minute_began, self._unsaid = 0, self._monotonic(), 0
        if self._said_in_minute >= SAID_A_MINUTE:
            self._unsaid += 1
            return
        self._said_in_minute += 1
        if len(self._said) >= MOST_KEPT:
            self._said.clear()
        self._said.add(key)
        log.warning("%s was refused: %s; %s; said once", entry.who, entry.reason.words, entry.reason.remedy)


def _is_no_name(client_id: str | None) -> bool:
    """Whether a client may come back under another one."""
    return client_id is None or _DRAWN.fullmatch(client_id) is not None
