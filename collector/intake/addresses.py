"""Which printer and which session a topic belongs to, and how a printer comes to be at hand."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from collector.adapters import adapter as adapter_of
from collector.adapters.base import ClockKind
from collector.intake.ledger_writer import LedgerWriter
from collector.intake.sources import Match, SourceTable
from collector.printers.naming import KnownPrinter
from collector.printers.registry import PrinterRegistry
from collector.printers.tracked import TrackedPrinter
from collector.sessions.session import PrinterSession
from collector.sessions.source_clock import is_plausible
from collector.tracker import first_sight
from farm.errors import UnreadableMessage
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Checkpoint, SessionRecord
from farm.model.feed import FeedEntry, FeedKind
from farm.model.limits import ANNOUNCED_NAME, TOPIC
from farm.model.printer import Address, Printer, session_id

BROKER = "main"
"""The name of the one broker in printers' addresses; its network address may change."""
ROUTES_BYTES = 64 * 1024 * 1024
"""So much memory the way from topics to sessions may take; then it is found out anew."""
_ROUTE_BYTES = 250
TOO_LONG = "topic_too_long"


class Route(NamedTuple):
    """Where a topic leads: a printer, its session, and the rest of the topic below its prefix."""

    printer: TrackedPrinter
    session: PrinterSession
    suffix: str


class FirstMessage(NamedTuple):
    """A message of a topic that leads nowhere yet, received at `received_ms` (ms since 1970).

    Of one that waited in a queue `heard_ms` is the latest instant heard of before it, 0 for none.
    """

    topic: str
    payload: bytes
    retained: bool
    received_ms: int
    heard_ms: int | None

    def said_ms(self, clock: ClockKind, time_ms: int | None) -> int:
        """When it was said at the latest, which is now unless it waited; `time_ms` is its own time."""
        if self.heard_ms is None:
            return self.received_ms
        known_ms = min(self.received_ms, self.heard_ms or self.received_ms)
        if (
            time_ms is None
            or clock is not ClockKind.WALL
            or not is_plausible(clock, time_ms, self.received_ms)
        ):
            return known_ms
        return min(known_ms, time_ms)


class AddressBook:
    """All printers and sessions at hand, and the way from topics to them."""

    def __init__(
        self, ledger: CollectorLedger, sources: SourceTable, registry: PrinterRegistry, writer: LedgerWriter
    ) -> None:
        self._ledger = ledger
        self._sources = sources
        self._registry = registry
        self._writer = writer
        self.printers: dict[str, TrackedPrinter] = {}
        self.sessions: dict[Address, PrinterSession] = {}
        self.routes: dict[str, Route | None] = {}
        self._routes_bytes = 0
        self.to_ask: dict[str, PrinterSession] = {}
        self.to_estimate: dict[str, PrinterSession] = {}
        self._known: dict[Address, str] = {}
        self._load()

    @property
    def latest_ms(self) -> int:
        """When any printer was heard last."""
        return max((printer.heard_ms for printer in self.printers.values()), default=0)

    def taken_in(self, sessions: Iterable[PrinterSession]) -> list[PrinterSession]:
        """Those of the sessions whose printers' messages count."""
        return [session for session in sessions if self.printers[session.printer_id].is_taken_in]

    def take_to_ask(self) -> list[PrinterSession]:
        """Sessions that appeared, came back, or lost a print from sight since this was last asked."""
        to_ask = list(self.to_ask.values())
        self.to_ask.clear()
        return self.taken_in(to_ask)

    def take_to_estimate(self) -> list[PrinterSession]:
        """Sessions that began a print of which nobody said how long it takes, since this was last asked."""
        to_estimate = list(self.to_estimate.values())
        self.to_estimate.clear()
        return self.taken_in(to_estimate)

    def ask(self, printer: TrackedPrinter) -> None:
        """The printer is to be asked how it stands."""
        self.to_ask.update((session.id, session) for session in printer.sessions)

    def source_of(self, topic: str) -> str:
        """The source that reads the topic, `-` where none does."""
        found = self._sources.match(topic)
        return "-" if found is None else found.source

    # -- what is known ----------------------------------------------------------------------

    def _load(self) -> None:
        """Take up where the last commit left off."""
        known = self._ledger.known_printers()
        ours = self._ledger.printers_booked_here()
        renamed = self._registry.settle(*known_by_sources(known, self._sources, ours))
        checkpoints = {stored.printer_id: stored for stored in self._ledger.checkpoints()}
        stored_sessions = {stored.id: stored for stored in self._ledger.sessions()}
        for row, _ in known:
            if row.id in ours and row.id in checkpoints:
                self._restore(row, checkpoints[row.id])
        for row, addresses in known:
            for address in addresses:
                # Another shard's printers are left to it; those that we booked stay ours without a source.
                if row.id in ours or self._sources.reads(address.adapter, address.prefix):
                    self._take_up(row, address, checkpoints, stored_sessions.get(session_id(address)))
        for row in renamed:
            # All in one commit, those too that nothing is heard of yet: two may have swapped their names.
            self._rename(row)
        for printer in self.printers.values():
            if printer.id not in ours:
                self._writer.pending.printers.append(printer.row)

    def _rename(self, row: Printer) -> None:
        printer = self.printers.get(row.id)
        if printer is None:
            self.relabel_stored(row, row.first_seen_ms)
        else:
            self.relabel(printer, msgspec.structs.replace(printer.row, name=row.name), printer.heard_ms)

    def _restore(self, row: Printer, checkpoint: Checkpoint) -> TrackedPrinter:
        printer = self.printers.get(row.id)
        if printer is None:
            printer = self.printers[row.id] = TrackedPrinter.restored(row, checkpoint)
        return printer

    def _take_up(
        self,
        row: Printer,
        address: Address,
        checkpoints: dict[str, Checkpoint],
        stored: SessionRecord | None,
    ) -> None:
        """An address that the ledger has under the printer, where the configuration leaves it there."""
        owner = self._registry.owner(address, row)
        if owner is None or owner.id != row.id or stored is None or row.id not in checkpoints:
            # Moved, or from a ledger that was rebuilt, which does not know where things stood.
            self._known[address] = row.id
            former = self.printers.get(row.id)
            if former is not None and stored is not None:
                former.heard_ms = max(former.heard_ms, stored.heard_ms)
            return
        printer = self._restore(row, checkpoints[row.id])
        self.relabel(printer, owner, stored.heard_ms)
        session = PrinterSession.restored(adapter_of(address.adapter), address, stored)
        self._join(printer, session)

    def _join(self, printer: TrackedPrinter, session: PrinterSession) -> None:
        printer.add(session)
        self.sessions[session.address] = session

    def relabel(self, printer: TrackedPrinter, row: Printer, at_ms: int) -> None:
        """Give the printer another row, and tell so where it says something else."""
        if row != printer.row:
            if row.name != printer.row.name and self._registry.has_name(printer.row, printer.row.name):
                printer.former_names.append(printer.row.name)
            printer.row = row
            self._forget_routes()
            self.relabel_stored(row, at_ms)
            self._writer.changed[printer.id] = printer

    def relabel_stored(self, row: Printer, at_ms: int) -> None:
        """Write and tell the new row of a printer."""
        self._registry.take(row)
        self._writer.pending.printers.append(row)
        self._writer.pending.feed.append(_told(FeedKind.PRINTER_CHANGED, row, at_ms))

    # -- where a topic leads ----------------------------------------------------------------

    def find(self, first: FirstMessage) -> Route | None:
        """Find, or make, the session that its topic belongs to; None where it is passed over.

        What says nothing makes no printer: anybody may publish under a prefix.
        """
        topic, received_ms = first.topic, first.received_ms
        if len(topic) > TOPIC.length:
            shown = f"{topic[:100]}… has {len(topic)} characters, at most {TOPIC.length} are read"
            self._writer.fault("-", TOO_LONG, received_ms, shown)
            return None
        found = self._sources.match(topic)
        if found is None:
            if not self._is_known_prefix(topic):
                self._writer.fault("-", "unknown_topic", received_ms, topic)
            else:
                self._keep(topic, None)
            return None
        if not _can_be_a_name(found.printer):
            self._writer.fault(found.source, "bad_printer_name", received_ms, repr(topic)[:200])
            return None
        session = self.sessions.get(Address(BROKER, found.adapter.kind, found.prefix))
        if session is None:
            session = self._first_heard(found, first)
            if session is None:
                return None
        session.source = found.source
        printer = self.printers[session.printer_id]
        route = Route(printer, session, found.suffix) if printer.is_taken_in else None
        self._keep(topic, route)
        return route

    def _first_heard(self, found: Match, first: FirstMessage) -> PrinterSession | None:
        try:
            reading = found.adapter.read(
                found.adapter.new_memory(), found.suffix, first.payload, first.retained
            )
        except UnreadableMessage as error:
            detail = f"{first.topic}: {error.detail}"
            self._writer.fault(found.source, error.reason, first.received_ms, detail)
            return None
        if reading is None:
            return None
        return self._appear(found, first.said_ms(found.adapter.clock, reading.time_ms))

    def _keep(self, topic: str, route: Route | None) -> None:
        self._routes_bytes += _ROUTE_BYTES + len(topic)
        if self._routes_bytes > ROUTES_BYTES:
            self._forget_routes()
        self.routes[topic] = route

    def _forget_routes(self) -> None:
        self.routes.clear()
        self._routes_bytes = 0

    def _is_known_prefix(self, topic: str) -> bool:
        """Whether the topic is one that a known printer publishes and that we have no use for."""
        return any(topic.startswith(f"{address.prefix}/") for address in self.sessions)

    def _appear(self, found: Match, seen_ms: int) -> PrinterSession | None:
        """An address is heard for the first time: of a printer that is known, or of a new one."""
        address = Address(BROKER, found.adapter.kind, found.prefix)
        known = self._known.get(address)
        row = self._registry.owner(address, None if known is None else self._registry.row(known))
        checkpoint = None if row is None or row.id in self.printers else self._ledger.checkpoint(row.id)
        if row is None:
            refused = self._registry.refuses(found.printer, address, len(self.printers))
            if refused is not None:
                self._writer.fault(found.source, refused, seen_ms, found.prefix)
                return None
            row = self._registry.newcomer(found.printer, address, seen_ms)
        self._known.pop(address, None)
        printer = self._at_hand(row, checkpoint, seen_ms)
        self._writer.pending.addresses.append((address, printer.id))
        session = PrinterSession(printer.id, found.adapter, address, found.source, printer.heard_ms)
        self._join(printer, session)
        self._writer.moved(session)
        self.to_ask[session.id] = session
        return session

    def _at_hand(self, row: Printer, checkpoint: Checkpoint | None, seen_ms: int) -> TrackedPrinter:
        """The printer of that row, as it stands in memory or in the ledger, or at its first sight."""
        printer = self.printers.get(row.id)
        if printer is None:
            pending = self._writer.pending
            pending.printers.append(row)
            if checkpoint is not None:
                printer = TrackedPrinter.restored(row, checkpoint)
            else:
                tracker, changes = first_sight(row.id, seen_ms)
                printer = TrackedPrinter(row, tracker)
                pending.change(row.id, changes)
                pending.feed.append(_told(FeedKind.PRINTER_APPEARED, row, seen_ms))
                self._writer.touch(printer)
            self.printers[row.id] = printer
        else:
            self.relabel(printer, row, seen_ms)
        return printer


def known_by_sources(
    known: Sequence[tuple[Printer, Sequence[Address]]], sources: SourceTable, ours: Collection[str]
) -> tuple[list[KnownPrinter], set[str]]:
    """The printers of the ledger as these sources know them, and the ids of those that are a collector's
    to name: which it booked last (`ours`), or which its sources read.
    """
    found, changeable = [], set(ours)
    for row, addresses in known:
        names = {sources.announced(address.adapter, address.prefix) for address in addresses}
        prefixes = frozenset(address.prefix for address in addresses)
        found.append(KnownPrinter(row, prefixes, frozenset(name for name in names if name is not None)))
        if names - {None}:
            changeable.add(row.id)
    return found, changeable


def _told(kind: FeedKind, row: Printer, at_ms: int) -> FeedEntry:
    body = {"name": row.name, "adapter": row.adapter}
    return FeedEntry(kind=kind, at_ms=at_ms, printer_id=row.id, body=body)


def _can_be_a_name(name: str) -> bool:
    """Whether a level of a topic can name a printer, also in the topics that we publish."""
    sound = name.isprintable() and not {"+", "#"} & set(name)
    return sound and len(name) <= ANNOUNCED_NAME.length
