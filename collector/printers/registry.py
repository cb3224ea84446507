"""Which printers there are, what they are called, which addresses are theirs, and which ones are taken in."""

import logging
from collections.abc import Collection, Sequence

import msgspec

from collector.printers.naming import KnownPrinter, settle_names
from collector.settings import CollectorSettings
from farm.model.limits import PRINTER_NAME
from farm.model.printer import Address, Printer, printer_id
from farm.settings import PrinterSettings, SiteSettings

log = logging.getLogger(__name__)


class PrinterRegistry:
    """Names, labels and addresses of the printers: from their topics, and from the configuration."""

    def __init__(
        self, site: SiteSettings, labels: Sequence[PrinterSettings], settings: CollectorSettings
    ) -> None:
        self._site = site.name
        self._settings = settings
        self._labels = tuple(labels)
        self._by_topic = {prefix: label for label in reversed(labels) for prefix in label.prefixes}
        self._by_name = {label.name: label for label in reversed(labels) if not label.prefixes}
        self._named_with_topics = {label.name for label in labels if label.prefixes}
        self._promised = {
            label.given_name.casefold(): label for label in labels if label.given_name is not None
        }
        self._label_of: dict[str, PrinterSettings] = {}
        self._found_by_name: set[str] = set()
        self._rows: dict[str, Printer] = {}
        self._names: dict[str, str] = {}

    def settle(self, known: Sequence[KnownPrinter], changeable: Collection[str]) -> list[Printer]:
        """Take all printers that the ledger knows under the names that the configuration gives them.

        Only those in `changeable`, by id, get another name, all at once, so that two can swap
        theirs. Gives the rows of those that got one.
        """
        naming = settle_names(self._labels, known, changeable)
        for taken in naming.taken:
            log.warning("%s", taken.words)
        for found, label in naming.labels.items():
            self._give(found, label)
        renamed = []
        for printer in known:
            row = msgspec.structs.replace(printer.row, name=naming.names[printer.row.id])
            self.take(row)
            if row != printer.row:
                renamed.append(row)
        return renamed

    def take(self, printer: Printer) -> None:
        """A printer as it is known from now on."""
        before = self._rows.get(printer.id)
        if before is not None and self._names.get(before.name.casefold()) == printer.id:
            del self._names[before.name.casefold()]
        self._rows[printer.id] = printer
        self._names.setdefault(printer.name.casefold(), printer.id)

    def row(self, printer_id: str) -> Printer:
        """The printer as it is known. Raises KeyError where it is not."""
        return self._rows[printer_id]

    def is_free(self, name: str, printer: Printer) -> bool:
        """Whether the printer can be called so: no other one is, not even in other capitals, nor is to be."""
        return self.has_name(printer, name) and not self.is_promised(name, printer)

    def is_promised(self, name: str, printer: Printer) -> bool:
        """Whether the configuration gives the name to another printer, which may not have come yet."""
        promised = self._promised.get(name.casefold())
        return promised is not None and promised is not self._label_of.get(printer.id)

    def has_name(self, printer: Printer, name: str) -> bool:
        """Whether the name is the printer's, or nobody's."""
        return self._names.get(name.casefold(), printer.id) == printer.id

    def is_named_by_configuration(self, printer: Printer, prefixes: Sequence[str]) -> bool:
        """Whether the printer's name stands in the configuration, which would give it back."""
        label = self._label_of.get(printer.id)
        if label is not None and label.rename is not None:
            return True
        return any(prefix in self._by_topic for prefix in prefixes)

    def ignored_by_configuration(self, printer: Printer, prefixes: Sequence[str]) -> bool | None:
        """What the configuration says of ignoring the printer, None where it says nothing."""
        labels = [self._label(printer, prefix) for prefix in prefixes]
        said = [
            label.ignored for label in labels if label is not None and "ignored" in label.model_fields_set
        ]
        return any(said) if said else None

    def refuses(self, name: str, address: Address, present: int) -> str | None:
        """Why a newcomer is not taken in, in the word under which its messages are counted."""
        if not self._settings.accept_new_printers and not self._is_listed(name, address):
            return "unknown_printer"
        if present >= self._settings.max_printers:
            return "too_many_printers"
        return None

    def owner(self, address: Address, known: Printer | None) -> Printer | None:
        """The printer heard under `address`, labelled; None where it is one that was never met.

        `known` is the printer that the ledger has under the address. A configured topic goes to
        the printer of that name. A printer whose topics are configured is heard under no other.
        """
        label = self._by_topic.get(address.prefix)
        named = None if label is None else self._names.get(label.name.casefold())
        if named is not None:
            return self.labelled(self._rows[named], address)
        if known is None or (known.name in self._named_with_topics):
            return None
        return self.labelled(known, address)

    def newcomer(self, name: str, address: Address, first_seen_ms: int) -> Printer:
        """The row of a printer that publishes under `address` and calls itself `name`."""
        printer = Printer(
            id=self._new_id(address),
            site=self._site,
            name=name,
            adapter=address.adapter,
            first_seen_ms=first_seen_ms,
        )
        label = self._by_topic.get(address.prefix) or self._waiting_label(name)
        if label is not None:
            self._give(printer.id, label)
            wanted = label.given_name or name
            if self.is_free(wanted, printer):
                printer = msgspec.structs.replace(printer, name=wanted)
        printer = self._uniquely_named(printer)
        if label is None and (by_ending := self._waiting_label(printer.name)) is not None:
            self._give(printer.id, by_ending)
        printer = self.labelled(printer, address)
        self.take(printer)
        return printer

    def labelled(self, printer: Printer, address: Address) -> Printer:
        """The printer with name, group and model from the configuration."""
        label = self._label(printer, address.prefix)
        if label is None:
            return printer
        self._give(printer.id, label)
        name = label.given_name or printer.name
        if name != printer.name and not self.is_free(name, printer):
            log.warning(
                "printers: %s cannot be called %s, as another printer is; it keeps its name",
                printer.name,
                name,
            )
            name = printer.name
        labelled = msgspec.structs.replace(
            printer,
            name=name,
            group=label.group,
            model=label.model,
            ignored=label.ignored if "ignored" in label.model_fields_set else printer.ignored,
        )
        if printer.id in self._rows:
            self.take(labelled)
        return labelled

    def _new_id(self, address: Address) -> str:
        """An id of its own: the address may have been another printer's before."""
        found, number = printer_id(self._site, address), 1
        while found in self._rows:
            number += 1
            found = printer_id(
                self._site, Address(address.broker, address.adapter, f"{address.prefix} {number}")
            )
        return found

    def _uniquely_named(self, printer: Printer) -> Printer:
        name, number = printer.name, 1
        while not self.is_free(name, printer):
            number += 1
            ending = f" ({printer.adapter}{'' if number == 2 else f' {number}'})"
            name = printer.name[: PRINTER_NAME.length - len(ending)] + ending
        return msgspec.structs.replace(printer, name=name)

    def _is_listed(self, name: str, address: Address) -> bool:
        return address.prefix in self._by_topic or name in self._by_name

    def _give(self, printer_id: str, label: PrinterSettings) -> None:
        """The entry means this printer, and none that comes later unless by its topics."""
        self._label_of[printer_id] = label
        if not label.prefixes:
            self._found_by_name.add(label.name)

    def _label(self, printer: Printer, prefix: str) -> PrinterSettings | None:
        """The entry that means the printer: by its topics, else as it was settled."""
        return self._by_topic.get(prefix) or self._label_of.get(printer.id)

    def _waiting_label(self, name: str) -> PrinterSettings | None:
        """The entry that means whoever comes and is called so; None where that one has come already."""
        return None if name in self._found_by_name else self._by_name.get(name)
