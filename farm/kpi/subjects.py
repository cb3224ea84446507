"""Of whom a figure is: a printer, a group of printers, or the farm."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby

import msgspec

from farm.model.printer import Printer

NO_GROUP = ""
"""The id of the group that holds the printers without one."""


class Scope(StrEnum):
    """How finely figures are told apart."""

    PRINTER = "printer"
    GROUP = "group"
    FARM = "farm"


class Subject(msgspec.Struct, frozen=True):
    """Whose figures are taken: `id` is the printer's id, the group's name or the site's name."""

    scope: Scope
    id: str
    label: str
    printers: tuple[Printer, ...]


def subjects_of(printers: Iterable[Printer], by: Scope, farm_name: str) -> list[Subject]:
    """The printers put together as `by` says, in the order of their names.

    The farm is there even without a printer.
    """
    ordered = sorted(printers, key=lambda printer: (printer.name, printer.id))
    if by is Scope.FARM:
        return [Subject(by, farm_name, farm_name, tuple(ordered))]
    if by is Scope.PRINTER:
        return [Subject(by, printer.id, printer.name, (printer,)) for printer in ordered]
    ordered.sort(key=_group)
    grouped = ((name, tuple(members)) for name, members in groupby(ordered, key=_group))
    return [Subject(by, name, name or "no group", members) for name, members in grouped]


def _group(printer: Printer) -> str:
    return printer.group or NO_GROUP
