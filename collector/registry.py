"""Which printers there are, what they are called, and which ones are taken in."""

from collections.abc import Sequence

import msgspec

from collector.settings import CollectorSettings
from farm.model.limits import PRINTER_NAME
from farm.model.printer import Address, Printer, printer_id
from farm.settings import PrinterSettings, SiteSettings


class PrinterRegistry:
    """Names and labels of the printers: from their topics, and from the configuration."""

    def __init__(
        self, site: SiteSettings, labels: Sequence[PrinterSettings], settings: CollectorSettings
    ) -> None:
        self._site = site.name
        self._labels = labels
        self._settings = settings
        self._names: dict[str, str] = {}

    def take(self, printer: Printer) -> None:
        """A printer that is known already keeps its name."""
        self._names[printer.name] = printer.id

    def refuses(self, name: str, address: Address, present: int) -> str | None:
        """Why a newcomer is not taken in, in the word under which its messages are counted."""
        if not self._settings.accept_new_printers and self._label(name, address) is None:
            return "unknown_printer"
        if present >= self._settings.max_printers:
            return "too_many_printers"
        return None

    def newcomer(self, name: str, address: Address, first_seen_ms: int) -> Printer:
        """The row of a printer that publishes under `address` and calls itself `name`."""
        return self._uniquely_named(
            self.labelled(
                Printer(
                    id=printer_id(self._site, address),
                    site=self._site,
                    name=name,
                    adapter=address.adapter,
                    first_seen_ms=first_seen_ms,
                ),
                address,
            )
        )

    def labelled(self, printer: Printer, address: Address) -> Printer:
        """The printer with name, group and model from the configuration."""
        label = self._label(printer.name, address)
        if label is None:
            return printer
        name = label.name if label.topic is not None else label.rename or printer.name
        return msgspec.structs.replace(
            printer, name=name, group=label.group, model=label.model, ignored=label.ignored
        )

    def _uniquely_named(self, printer: Printer) -> Printer:
        name, number = printer.name, 1
        while self._names.setdefault(name, printer.id) != printer.id:
            number += 1
            ending = f" ({printer.adapter}{'' if number == 2 else f' {number}'})"
            name = printer.name[: PRINTER_NAME.length - len(ending)] + ending
        return msgspec.structs.replace(printer, name=name)

    def _label(self, name: str, address: Address) -> PrinterSettings | None:
        for label in self._labels:
            if label.topic is not None:
                if label.topic.strip("/") == address.prefix:
                    return label
            elif name in (label.name, label.rename):
                return label
        return None
