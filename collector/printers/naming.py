"""Which printer an entry of `[[printers]]` means, and what every printer is called by all of them.

Names are settled for all printers at once, so that two of them can swap theirs. An entry
without topics means the printer that announced itself under its `name`, whatever that printer
is called by now: a swap is the same at the next start.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from farm.model.printer import Printer
from farm.settings import PrinterSettings


class KnownPrinter(NamedTuple):
    """A printer of the ledger: the prefixes of its addresses, and the names under which it speaks there."""

    row: Printer
    prefixes: frozenset[str]
    announced: frozenset[str]


class NameTaken(NamedTuple):
    """The entry at `position` (from 0) asks for a name that the printer `holder` has and keeps."""

    position: int
    label: PrinterSettings
    holder: KnownPrinter

    @property
    def words(self) -> str:
        """Key, value, what stands in the way and the remedy."""
        key = "rename" if self.label.rename is not None else "name"
        name, row = self.label.target, self.holder.row
        heard = f", heard under {', '.join(sorted(self.holder.prefixes))}" if self.holder.prefixes else ""
        return (
            f'printers[{self.position}].{key} (number {self.position + 1} of [[printers]]) = "{name}": '
            f'another printer of the ledger is called "{row.name}"{heard}; '
            "choose another name, or give that printer one with an entry of its own: "
            f'name = "{min(self.holder.announced, default=row.name)}", rename = "…"'
        )


@dataclass
class Naming:
    """What was settled: entry and name by printer id, and what could not be had."""

    labels: dict[str, PrinterSettings] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    taken: list[NameTaken] = field(default_factory=list)


def settle_names(
    labels: Sequence[PrinterSettings],
    known: Sequence[KnownPrinter],
    changeable: Collection[str] | None = None,
) -> Naming:
    """What every known printer is called. Only those in `changeable` can be; None stands for all.

    A name that another printer keeps is not given: who asked for it keeps its own.
    """
    meant = _meant(labels, known)
    found = Naming(
        labels={printer.row.id: labels[position] for position, printer in meant.items()},
        names={printer.row.id: printer.row.name for printer in known},
    )
    asking = {
        printer.row.id: position
        for position, printer in meant.items()
        if changeable is None or printer.row.id in changeable
    }
    for printer_id, position in asking.items():
        found.names[printer_id] = labels[position].given_name or found.names[printer_id]
    by_id = {printer.row.id: printer for printer in known}
    while refused := _refused(found.names, by_id, asking):
        for printer_id, holder in refused.items():
            position = asking.pop(printer_id)
            found.names[printer_id] = by_id[printer_id].row.name
            found.taken.append(NameTaken(position, labels[position], by_id[holder]))
    holders = {name.casefold(): printer_id for printer_id, name in found.names.items()}
    for position, label in enumerate(labels):
        holder_id = holders.get(label.target.casefold())
        if label.rename is not None and position not in meant and holder_id is not None:
            found.taken.append(NameTaken(position, label, by_id[holder_id]))
    found.taken.sort(key=lambda taken: taken.position)
    return found


def _meant(labels: Sequence[PrinterSettings], known: Sequence[KnownPrinter]) -> dict[int, KnownPrinter]:
    """The printer that each entry means, by the entry's position; no printer is meant by two."""
    finder, meant = _Finder(known), dict[int, KnownPrinter]()
    ways = (finder.by_announced_name, finder.by_name, finder.by_topics)
    for way in ways:
        for position, label in enumerate(labels):
            if position in meant:
                continue
            found = [printer for printer in way(label) if printer.row.id in finder.free]
            if found:
                meant[position] = min(found, key=lambda printer: _distance(label, printer))
                finder.free.remove(meant[position].row.id)
    return meant


class _Finder:
    """The printers by all that an entry can find them by; those that none has found yet are `free`."""

    def __init__(self, known: Sequence[KnownPrinter]) -> None:
        self.free = {printer.row.id for printer in known}
        self._announced: dict[str, list[KnownPrinter]] = {}
        self._named: dict[str, list[KnownPrinter]] = {}
        self._heard: dict[str, list[KnownPrinter]] = {}
        for printer in known:
            self._named.setdefault(printer.row.name.casefold(), []).append(printer)
            for name in printer.announced:
                self._announced.setdefault(name, []).append(printer)
            for prefix in printer.prefixes:
                self._heard.setdefault(prefix, []).append(printer)

    def by_announced_name(self, label: PrinterSettings) -> list[KnownPrinter]:
        """By what does not change when printers are renamed."""
        return [] if label.prefixes else self._announced.get(label.name, [])

    def by_name(self, label: PrinterSettings) -> list[KnownPrinter]:
        """By what it is called now, before its renaming or after it."""
        named = self._named.get(label.name.casefold(), [])
        if label.prefixes:
            return named
        found = [printer for printer in named if printer.row.name == label.name]
        renamed = [] if label.rename is None else self._named.get(label.rename.casefold(), [])
        # Who announced itself so was never renamed to it.
        return found + [p for p in renamed if p.row.name == label.rename and label.rename not in p.announced]

    def by_topics(self, label: PrinterSettings) -> list[KnownPrinter]:
        """By the prefixes of its topics."""
        return [printer for prefix in label.prefixes for printer in self._heard.get(prefix, [])]


def _distance(label: PrinterSettings, printer: KnownPrinter) -> tuple[int, int, str]:
    """The least for the printer that is meant most likely among several."""
    name = printer.row.name
    likely = 0 if name == label.target else 1 if name.casefold() == label.name.casefold() else 2
    return likely, printer.row.first_seen_ms, printer.row.id


def _refused(names: dict[str, str], known: dict[str, KnownPrinter], asking: dict[str, int]) -> dict[str, str]:
    """Printers that ask for a name that another has, with the id of who has it."""
    called: dict[str, list[str]] = {}
    for printer_id, name in names.items():
        called.setdefault(name.casefold(), []).append(printer_id)
    refused: dict[str, str] = {}
    for name, sharing in called.items():
        if len(sharing) > 1:
            kept = [one for one in sharing if known[one].row.name.casefold() == name]
            holder = (kept or sharing)[0]
            refused |= {one: holder for one in sharing if one != holder and one in asking and one not in kept}
    return refused
