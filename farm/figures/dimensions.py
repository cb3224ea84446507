"""By what jobs are told apart: for each scope the codes of jobs, and what each code is called."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from farm.figures.job_grouping import Axis, ByCode, ByEnd, Coded
from farm.figures.job_rows import CAUSES
from farm.figures.local_time import DAYS, HOURS, LocalTime
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Keys
from farm.figures.text_codes import TextCodes
from farm.kpi.selection import check
from farm.kpi.subjects import OF_PRINTERS, WEEKDAYS, Named, Scope, name_of, named
from farm.model.printer import Printer

_LEAST_ROOM: Final = 64
_COLUMNS: Final[Mapping[Scope, Coded]] = {
    Scope.FILE: "file",
    Scope.MATERIAL: "material",
    Scope.OPERATOR: "operator",
    Scope.SPOOL: "spool",
}
"""The columns that hold what jobs say in words."""


class DimensionAxis(NamedTuple):
    """The axis of a scope, what each of its codes is called, and where it stands among the others."""

    axis: Axis
    named: Callable[[int], Named]
    place: Callable[[int], object]


def dimension(
    scope: Scope, model: ReadModel, printers: Sequence[Printer], farm_name: str, local: LocalTime
) -> DimensionAxis:
    """That of the scope, for the jobs of the printers."""
    if scope in OF_PRINTERS:
        return _of_printers(scope, model, printers, farm_name)
    if scope is Scope.CAUSE:
        causes = [None if cause is None else cause.value for cause in CAUSES]
        return _listed(
            ByCode("cause", np.arange(len(causes)), len(causes)),
            [named(scope, cause) for cause in causes],
        )
    if scope is Scope.HOUR:
        hours = [Named(str(hour), f"{hour:02d}:00") for hour in range(HOURS)]
        return _listed(ByEnd(f"hour {local.zone.key}", HOURS, local.hour), hours, in_order=True)
    if scope is Scope.WEEKDAY:
        days = [Named(str(number), day) for number, day in enumerate(WEEKDAYS, 1)]
        return _listed(ByEnd(f"weekday {local.zone.key}", DAYS, local.weekday), days, in_order=True)
    codes = _texts(model, scope)
    texts = codes.texts

    def text_named(code: int) -> Named:
        return named(scope, texts[code])

    return DimensionAxis(
        _of_text(scope, np.arange(_room(len(codes)))), text_named, lambda code: _place(text_named(code))
    )


def saying(scope: Scope, texts: Collection[str], model: ReadModel) -> Axis:
    """Only jobs that say one of the texts. Raises InvalidQuery for one that no job says."""
    codes = _texts(model, scope)
    check(scope.value, texts, codes)
    table = np.full(_room(len(codes)), -1, dtype=np.intp)
    table[[codes.code(text) for text in texts]] = 0
    return _of_text(scope, table, 1)


def _of_printers(
    scope: Scope, model: ReadModel, printers: Sequence[Printer], farm_name: str
) -> DimensionAxis:
    table = np.full(len(model.printers), -1, dtype=np.intp)
    code: dict[Named, int] = {}
    for printer in printers:
        name = name_of(printer, scope, farm_name)
        table[model.number(printer.id)] = code.setdefault(name, len(code))
    return _listed(ByCode("printer", table, max(1, len(code))), [*code])


def _listed(axis: Axis, names: Sequence[Named], *, in_order: bool = False) -> DimensionAxis:
    if in_order:
        return DimensionAxis(axis, lambda code: names[code], lambda code: code)
    return DimensionAxis(axis, lambda code: names[code], lambda code: _place(names[code]))


def _place(name: Named) -> tuple[bool, str, str]:
    """By the label; what has no name comes first."""
    return bool(name.id), name.label, name.id


def _texts(model: ReadModel, scope: Scope) -> TextCodes:
    texts = model.texts
    return {
        Scope.FILE: texts.file,
        Scope.MATERIAL: texts.material,
        Scope.OPERATOR: texts.operator,
        Scope.SPOOL: texts.spool,
    }[scope]


def _of_text(scope: Scope, table: Keys, size: int | None = None) -> ByCode:
    size = len(table) if size is None else size
    return ByCode(_COLUMNS[scope], table, size)


def _room(texts: int) -> int:
    """Room for texts that are yet to come: with each new one the axis would be another, and its sums too."""
    return max(_LEAST_ROOM, 1 << (texts - 1).bit_length())
