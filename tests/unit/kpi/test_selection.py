"""Whose figures are wanted: printers by what they are, prints by what they say."""

import msgspec
import pytest

from farm.errors import InvalidQuery
from farm.kpi.selection import EVERYBODY, Selection, check
from farm.kpi.subjects import Scope
from tests.unit.kpi.events import printer_called

ANNA, BERTA = printer_called("anna", group="left"), printer_called("berta", group="right")
CARLA = msgspec.structs.replace(printer_called("carla"), model="mk4")
ALL = [ANNA, BERTA, CARLA]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EVERYBODY, [ANNA, BERTA, CARLA]),
        (Selection(printers=("anna", CARLA.id)), [ANNA, CARLA]),
        (Selection(groups=("left",)), [ANNA]),
        (Selection(groups=("", "right")), [BERTA, CARLA]),
        (Selection(models=("mk4",)), [CARLA]),
        (Selection(models=("",)), [ANNA, BERTA]),
        (Selection(printers=("anna", "berta"), groups=("right",), models=("",)), [BERTA]),
    ],
)
def test_printers_are_wanted_by_name_or_id_group_and_model(wanted: Selection, found: list[object]) -> None:
    assert wanted.among(ALL) == found


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Selection(printers=("ann",)), "there is no printer 'ann'; nearest: anna"),
        (Selection(groups=("middle",)), "there is no group 'middle'$"),
        (Selection(models=("mk3",)), "there is no model 'mk3'; nearest: mk4"),
        (Selection(printers=("anna",), groups=("right",)), "there is no group 'right'"),
    ],
)
def test_a_name_that_nobody_has_is_refused_with_the_nearest(wanted: Selection, told: str) -> None:
    with pytest.raises(InvalidQuery, match=told):
        wanted.among(ALL)


def test_at_most_three_names_are_told_that_are_near() -> None:
    with pytest.raises(InvalidQuery) as refused:
        check("file", ["part0.gcode"], [f"part{number}.gcode" for number in range(1, 6)])
    assert str(refused.value).count("gcode") == 4


def test_of_many_names_those_that_begin_alike_or_hold_it_are_compared() -> None:
    many = [f"zz-{number:04}.gcode" for number in range(3_000)]
    for name, near in (("vasa.gcode", "VASe.gcode"), ("bench", "a-bench")):
        with pytest.raises(InvalidQuery, match=f"nearest: {near}$"):
            check("file", [name], [*many, near])
    with pytest.raises(InvalidQuery, match=r"'vabe'$"):
        check("file", ["vabe"], [*many, "vase"])


@pytest.mark.parametrize(("others", "told"), [(1_999, "; nearest: vase"), (2_000, "$")])
def test_up_to_two_thousand_names_are_all_compared(others: int, told: str) -> None:
    many = [f"zz-{number:04}.gcode" for number in range(others)]
    with pytest.raises(InvalidQuery, match=f"there is no file 'xase'{told}"):
        check("file", ["xase"], [*many, "vase"])


def test_prints_are_wanted_by_what_they_say_of_themselves() -> None:
    assert EVERYBODY.texts() == {}
    wanted = Selection(
        printers=("anna",), files=("a.gcode",), materials=("PLA", ""), operators=("olga",), spools=("17",)
    )
    assert wanted.texts() == {
        Scope.FILE: ("a.gcode",),
        Scope.MATERIAL: ("PLA", ""),
        Scope.OPERATOR: ("olga",),
        Scope.SPOOL: ("17",),
    }
    assert Selection(files=()).texts() == {Scope.FILE: ()}
