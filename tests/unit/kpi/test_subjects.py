"""Printers are put together as it is asked for, in the order of their names."""

import json
import re

import msgspec
import pytest

from farm.errors import InvalidQuery
from farm.kpi.subjects import (
    OF_PRINTERS,
    SCOPES_PATTERN,
    WEEKDAYS,
    Named,
    Scope,
    Subject,
    name_of,
    parse_scopes,
    subjects_of,
    together,
)
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


@pytest.mark.parametrize(
    "text", ["farm", "printer", "file,material", "file,material,operator", "weekday, hour", "hour,weekday"]
)
def test_up_to_three_different_scopes_are_read_in_their_order(text: str) -> None:
    assert [*parse_scopes(text)] == [word.strip() for word in text.split(",")]
    assert re.match(SCOPES_PATTERN, text.replace(" ", ""))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file,file", "at most 3 different scopes"),
        ("farm,file", "the farm stands alone"),
        ("file,farm", "the farm stands alone"),
        ("file,material,operator,spool", "at most 3 different scopes"),
        ("fill", "fill: must be one of printer, group"),
        ("", "must be one of"),
    ],
)
def test_other_scopes_are_refused_with_what_may_be(text: str, why: str) -> None:
    with pytest.raises(InvalidQuery, match=why):
        parse_scopes(text)


def test_the_pattern_of_scopes_takes_as_many_as_are_read() -> None:
    assert re.match(SCOPES_PATTERN, "file,material,operator")
    assert not re.match(SCOPES_PATTERN, "file,material,operator,spool")


def test_printers_are_told_apart_by_what_they_are_and_prints_by_all_else() -> None:
    other = {"file", "material", "operator", "spool", "cause", "hour", "weekday"}
    assert OF_PRINTERS | other == set(Scope)
    assert not OF_PRINTERS & other
    assert [day[:3] for day in WEEKDAYS] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_a_subject_by_several_scopes_has_the_ids_of_all_as_they_are_written() -> None:
    names = [Named("Zahnräder.gcode", "Zahnräder.gcode"), Named("1", "Monday")]
    assert together(names) == Named('["Zahnräder.gcode","1"]', "Zahnräder.gcode · Monday")
    assert json.loads(together(names).id) == ["Zahnräder.gcode", "1"]
    assert together(names[:1]) == names[0]


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        (Scope.FARM, Named("main farm", "main farm")),
        (Scope.PRINTER, Named("id-of-beta", "beta")),
        (Scope.GROUP, Named("bay", "bay")),
        (Scope.MODEL, Named("", "no model")),
        (Scope.SITE, Named("main", "main")),
    ],
)
def test_a_printer_has_a_name_by_every_scope_of_printers(scope: Scope, named: Named) -> None:
    assert name_of(BETA, scope, "main farm") == named
