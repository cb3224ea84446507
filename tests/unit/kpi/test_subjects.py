"""Printers are put together as it is asked for, in the order of their names."""

import msgspec

from farm.kpi.subjects import Scope, Subject, subjects_of
from tests.unit.kpi.events import printer_called

BETA, ALPHA = printer_called("beta", group="bay"), printer_called("alpha", group="bay")
LONE = msgspec.structs.replace(printer_called("gamma"), id="0")
TWIN = msgspec.structs.replace(ALPHA, id="0-before-the-other")
ALL = [LONE, BETA, ALPHA, TWIN]


def test_the_farm_holds_them_all_and_is_there_without_any() -> None:
    assert subjects_of(ALL, Scope.FARM, "main") == [
        Subject(Scope.FARM, "main", "main", (TWIN, ALPHA, BETA, LONE))
    ]
    assert subjects_of([], Scope.FARM, "main") == [Subject(Scope.FARM, "main", "main", ())]


def test_every_printer_stands_for_itself_by_name_and_then_id() -> None:
    assert subjects_of(ALL, Scope.PRINTER, "main") == [
        Subject(Scope.PRINTER, printer.id, printer.name, (printer,)) for printer in (TWIN, ALPHA, BETA, LONE)
    ]


def test_a_group_holds_its_printers_and_those_without_one_are_together() -> None:
    assert subjects_of(ALL, Scope.GROUP, "main") == [
        Subject(Scope.GROUP, "", "no group", (LONE,)),
        Subject(Scope.GROUP, "bay", "bay", (TWIN, ALPHA, BETA)),
    ]
