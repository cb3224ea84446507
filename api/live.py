"""The live stream: one reader of the feed for all clients, each with a bounded queue.

A client first gets a snapshot of the farm, then every entry of the feed with its number
as event id, then (without id, since they carry no history) which figures of the past are
others now, the printers that changed, the open alerts when one changed, and a tick by which
it knows that all is well.
"""

import asyncio
import contextlib
import traceback
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping

import msgspec

from api.farm_view import FarmView, PrinterDocument
from api.restated import restated_documents
from farm.errors import LedgerUnreachable
from farm.model.feed import FeedEntry, FeedKind
from farm.model.times import rfc3339
from farm.outage import Outage

POLL_S = 0.04
"""Seconds between two looks at the feed while anybody listens."""
REFRESH_S = 2.0
"""Seconds between two looks at all printers, for temperatures and progress."""
TICK_S = 5.0
HEARTBEAT_S = 15.0
RETRY_S = 1.0
"""Seconds until the feed is read again after that failed."""
FEED_PAGE = 500
REPLAY_LIMIT = 5_000
"""Entries that a returning client gets again at most; beyond that the snapshot must do."""
QUEUE_LIMIT = 2_000

HEARTBEAT = b": heartbeat\n\n"


class Packet(msgspec.Struct, frozen=True):
    """One event as it goes over the wire; `seq` is set for entries of the feed."""

    wire: bytes
    seq: int = 0


def packet(event: str, data: bytes, seq: int = 0) -> Packet:
    """A server-sent event. `data` is JSON without line breaks."""
    number = b"id: %d\n" % seq if seq else b""
    return Packet(b"%sevent: %s\ndata: %s\n\n" % (number, event.encode(), data), seq)


def entry_packet(entry: FeedEntry) -> Packet:
    """An entry of the feed."""
    data = {
        "seq": entry.seq,
        "kind": entry.kind,
        "at": rfc3339(entry.at_ms),
        "printer_id": entry.printer_id,
        "job_id": entry.job_id,
        "body": entry.body,
    }
    return packet("feed", msgspec.json.encode(data), entry.seq)


class Listener:
    """The queue of one client. A client too slow for it loses it and starts anew with a snapshot."""

    def __init__(self) -> None:
        self._queue: deque[Packet] = deque()
        self._filled = asyncio.Event()
        self.overrun = False

    def offer(self, item: Packet) -> None:
        """Puts an event into the queue, or gives the queue up when it is full."""
        if len(self._queue) >= QUEUE_LIMIT:
            self.give_up()
        elif not self.overrun:
            self._queue.append(item)
        self._filled.set()

    def give_up(self) -> None:
        """Empties the queue; the client is to start anew."""
        self._queue.clear()
        self.overrun = True
        self._filled.set()

    def start_anew(self) -> None:
        """Fills the queue again from now on."""
        self._queue.clear()
        self.overrun = False

    def wake(self) -> None:
        """Lets `take` return."""
        self._filled.set()

    async def take(self) -> list[Packet]:
        """What has come in, as soon as something has."""
        await self._filled.wait()
        self._filled.clear()
        taken = list(self._queue)
        self._queue.clear()
        return taken


class LiveStream:
    """Reads the feed while anybody listens, and hands what it holds to all."""

    def __init__(self, farm_view: FarmView, most: int = 500) -> None:
        self._farm_view = farm_view
        self.most = most
        """How many clients may listen at a time."""
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        self._synced = asyncio.Event()
        self._cursor = 0
        self._printers: dict[str, PrinterDocument] = {}
        self._alerts = b"[]"
        self._attention = b"null"
        self._moved = asyncio.Event()
        self._touched: set[str] = set()
        self._renamed = False
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def clients(self) -> int:
        """How many clients listen."""
        return len(self._listeners)

    @property
    def is_full(self) -> bool:
        """Whether so many clients listen that no other can."""
        return len(self._listeners) >= self.most

    def lag(self, head: int) -> int:
        """Entries of the feed up to `head` that have not been sent; none while nobody listens."""
        return max(0, head - self._cursor) if self._listeners and self._synced.is_set() else 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the stream going until the context is left."""
        self._loop = asyncio.get_running_loop()
        tasks = [
            asyncio.create_task(self._forever(step), name=f"live-{step.__name__.strip('_')}")
            for step in (self._follow_feed, self._refresh_printers, self._tick, self._beat)
        ]
        try:
            yield
        finally:
            self._end_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Ends every client's stream; to be called from any thread before the server stops."""
        self._closing = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end_all)

    async def events(self, after: int | None) -> AsyncGenerator[bytes, None]:
        """The stream of one client; `after` is the number of the last entry that it has.

        Ends at once where as many already listen as may.
        """
        if self.is_full:
            return
        listener = Listener()
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield b"retry: 1000\n\n"
            await self._synced.wait()
            if not self._closing:
                async for wire in self._opening(listener, after):
                    yield wire
            while not self._closing:
                taken = await listener.take()
                if listener.overrun:
                    async for wire in self._opening(listener, None):
                        yield wire
                elif taken:
                    yield b"".join(item.wire for item in taken)
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._wanted.clear()
                self._synced.clear()

    async def _opening(self, listener: Listener, after: int | None) -> AsyncIterator[bytes]:
        """The snapshot, and where the client has been here before, what it missed."""
        listener.start_anew()
        head = self._cursor
        resumed = after is not None and head - REPLAY_LIMIT <= after <= head
        start = after if resumed and after is not None else head
        yield self._snapshot(start, resumed=resumed).wire
        while start < head:
            entries = await asyncio.to_thread(self._farm_view.reader.feed, start, FEED_PAGE)
            entries = [entry for entry in entries if entry.seq <= head]
            if not entries:
                break
            yield b"".join(entry_packet(entry).wire for entry in entries)
            start = entries[-1].seq

    def _snapshot(self, seq: int, *, resumed: bool) -> Packet:
        head = msgspec.json.encode(
            {
                "at": rfc3339(self._farm_view.now_ms()),
                "seq": seq,
                "resumed": resumed,
                "site": self._farm_view.site.name,
                "time_zone": self._farm_view.site.time_zone,
                "guarded": self._farm_view.guarded,
            }
        )
        printers = b",".join(document.text for document in self._printers.values())
        parts = (head[:-1], printers, self._alerts, self._attention)
        data = b'%s,"printers":[%s],"alerts":%s,"attention":%s}' % parts
        return packet("snapshot", data, seq)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        fault = Outage("the live stream")
        while True:
            await self._wanted.wait()
            try:
                await step()
            except LedgerUnreachable as error:
                self._farm_view.outage.failed(error, "the live stream waits for it")
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # noqa: BLE001 - the edge of the loop
                trace = "".join(traceback.format_exception(error)).rstrip()
                fault.failed(error, f"the live stream goes on after a fault\n{trace}")
                await asyncio.sleep(RETRY_S)
            else:
                fault.over()

    async def _follow_feed(self) -> None:
        if not self._synced.is_set():
            await self._sync()
        entries = await asyncio.to_thread(self._farm_view.reader.feed, self._cursor, FEED_PAGE)
        if entries:
            self._cursor = entries[-1].seq
            self._publish(entry_packet(entry) for entry in entries)
            await self._follow_up(entries)
        if len(entries) < FEED_PAGE:
            await asyncio.sleep(POLL_S)

    async def _follow_up(self, entries: list[FeedEntry]) -> None:
        """Sends what the entries changed: figures of the past, the printers named in them, open alerts."""
        restated = await asyncio.to_thread(restated_documents, entries, self._farm_view.reader)
        self._publish([packet("figures", document) for document in restated])
        touched = {entry.printer_id for entry in entries if entry.printer_id is not None}
        self._touched |= touched
        if touched and len(entries) < FEED_PAGE:
            documents = await asyncio.to_thread(self._farm_view.printer_documents, touched)
            self._show(documents)
            self._take_away(touched - documents.keys())
        if touched:
            self._moved.set()
        if any(entry.kind is FeedKind.PRINTER_CHANGED for entry in entries):
            self._renamed = True
        if any(entry.kind.startswith("alert.") for entry in entries):
            self._alerts = await asyncio.to_thread(self._farm_view.alert_document)
            self._publish([packet("alerts", self._alerts)])

    async def _sync(self) -> None:
        self._cursor = await asyncio.to_thread(self._farm_view.reader.feed_head)
        printers, self._attention = await asyncio.to_thread(self._farm_view.farm_documents)
        self._printers = dict(printers)
        self._alerts = await asyncio.to_thread(self._farm_view.alert_document)
        self._synced.set()

    async def _refresh_printers(self) -> None:
        await self._synced.wait()
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._touched = set()
        self._moved.clear()
        documents, attention = await asyncio.to_thread(self._farm_view.farm_documents)
        # What the feed touched meanwhile has been read later than these documents were.
        self._show({name: each for name, each in documents.items() if name not in self._touched})
        self._take_away(self._printers.keys() - documents.keys() - self._touched)
        if self._renamed:
            self._renamed = False
            await self._tell_alerts_anew()
        if attention != self._attention:
            self._attention = attention
            self._publish([packet("attention", attention)])
        await self._rest(5 * (loop.time() - began))

    async def _rest(self, least_s: float) -> None:
        """Wait until all printers are looked at again: soon after one moved, else in a while."""
        await asyncio.sleep(least_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), max(0.0, REFRESH_S - least_s))

    async def _tell_alerts_anew(self) -> None:
        """Send the open alerts where they read differently: a printer got another name."""
        alerts = await asyncio.to_thread(self._farm_view.alert_document)
        if alerts != self._alerts:
            self._alerts = alerts
            self._publish([packet("alerts", alerts)])

    def _take_away(self, names: Collection[str]) -> None:
        """Tell which of the printers that were shown no longer count."""
        gone = sorted(name for name in names if self._printers.pop(name, None) is not None)
        if gone:
            self._publish([packet("gone", msgspec.json.encode(gone))])

    def _show(self, documents: Mapping[str, PrinterDocument]) -> None:
        changed = [each.text for name, each in documents.items() if self._differs(name, each)]
        self._printers.update(documents)
        if changed:
            self._publish([packet("printers", b"[%s]" % b",".join(changed))])

    def _differs(self, name: str, document: PrinterDocument) -> bool:
        known = self._printers.get(name)
        return known is None or known.noticeable != document.noticeable

    async def _tick(self) -> None:
        await self._synced.wait()
        self._publish([packet("tick", await asyncio.to_thread(self._farm_view.tick_document))])
        await asyncio.sleep(TICK_S)

    async def _beat(self) -> None:
        await asyncio.sleep(HEARTBEAT_S)
        self._publish([Packet(HEARTBEAT)])

    def _publish(self, packets: Iterable[Packet]) -> None:
        for item in packets:
            for listener in self._listeners:
                listener.offer(item)

    def _end_all(self) -> None:
        self._closing = True
        self._synced.set()
        for listener in self._listeners:
            listener.wake()
