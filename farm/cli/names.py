"""The printers of a farm as people call them: in capitals or not, by an earlier name, by their id."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, TypeAlias

from typer import Option

from farm.model.terminal_text import plain

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.ledger.ledger_reader import LedgerReader
    from farm.model.printer import Printer

_MOST_GROUPS = 8

PrinterOption: TypeAlias = Annotated[
    list[str] | None,
    Option("--printer", metavar="PRINTER", help="Only this printer: its name or id; repeatable."),
]
GroupOption: TypeAlias = Annotated[
    list[str] | None,
    Option("--group", metavar="GROUP", help="Only the printers of this group; repeatable."),
]


class PrinterNames:
    """Finds printers by what people call them: the names of now first, then those of earlier."""

    def __init__(self, configuration: "Configuration", reader: "LedgerReader") -> None:
        self._configuration = configuration
        self._reader = reader
        self.printers: dict[str, Printer] = {one.id: one for one in reader.printers(everything=True)}

    def called(self, word: str, asked_as: str = "printer") -> "list[Printer]":
        """The printers of that name or id; case tells names apart only where there are several.

        Raises InvalidQuery, which begins with `asked_as`, when there are none.
        """
        from farm.errors import InvalidQuery

        everybody = list(self.printers.values())
        exact = [one for one in everybody if word in (one.id, one.name)]
        if found := exact or [one for one in everybody if one.name.casefold() == word.casefold()]:
            return found
        if found := self._once_called(word.casefold()):
            names = ", ".join(one.name for one in found)
            sys.stderr.write(plain(f"The printer {word} is called {names} now.") + "\n")
            return found
        near = nearest(word, [one.name for one in everybody]) or "; `layerline printers` lists them"
        raise InvalidQuery(f"{asked_as} {word}: there is no such printer{near}")

    def only(self, word: str) -> "Printer":
        """The one printer of that name or id. Raises InvalidQuery when there is none, or several."""
        from farm.errors import InvalidQuery

        found = self.called(word)
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{one.name} ({one.id})" for one in found)
        raise InvalidQuery(f"printer {word}: there are {len(found)}: {names}; name one by its id")

    def chosen(self, printers: Sequence[str] | None, groups: Sequence[str] | None = None) -> list[str] | None:
        """The ids of the printers that were asked for, None for all. Raises InvalidQuery."""
        if printers is None and groups is None:
            return None
        ids = list(self.printers)
        if printers is not None:
            ids = [one.id for word in printers for one in self.called(word, "--printer")]
        if groups is not None:
            wanted = {self._group(word) for word in groups}
            ids = [each for each in ids if self.printers[each].group in wanted]
        return list(dict.fromkeys(ids))

    def _group(self, word: str) -> str:
        from farm.errors import InvalidQuery

        known = {one.group for one in self.printers.values() if one.group is not None}
        for group in sorted(known, key=lambda group: group != word):
            if group.casefold() == word.casefold():
                return group
        near = nearest(word, sorted(known)) or f"; {_all_of(sorted(known))}"
        raise InvalidQuery(f"--group {word}: there is no such group{near}")

    def _once_called(self, word: str) -> "list[Printer]":
        ids = {printer_id for printer_id, name in self._former_names() if name.casefold() == word}
        return [one for one in self.printers.values() if one.id in ids]

    def _former_names(self) -> Iterator[tuple[str, str]]:
        """Names given up by what people said, and those that the configuration put others in place of."""
        yield from self._reader.former_names()
        ids = {one.name: one.id for one in self.printers.values()}
        for entry in self._configuration.printers:
            if entry.rename in ids:
                yield ids[entry.rename], entry.name


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the names that are spelt nearly so; empty where none is."""
    near = get_close_matches(word, list(known), n=3)
    return f"; nearest: {', '.join(near)}" if near else ""


def _all_of(groups: Sequence[str]) -> str:
    """The groups that there are, the first of them where they are many."""
    if not groups:
        return "no printer is in a group"
    shown = ", ".join(groups[:_MOST_GROUPS])
    return f"there are {shown}{' ...' if len(groups) > _MOST_GROUPS else ''}"
