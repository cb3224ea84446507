"""Whose figures are taken: the printers and jobs of the read model, put together to subjects."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from farm.figures.dimensions import DimensionAxis, dimension, saying
from farm.figures.job_grouping import Axis, ByCode, JobGrouping, by_printer
from farm.figures.local_time import LocalTime
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Integers, Keys
from farm.kpi.selection import Selection
from farm.kpi.subjects import OF_PRINTERS, Scope, Scopes, Subject, subjects_of, together
from farm.model.printer import Printer

_MOST_CELLS: Final = 200_000
"""Sums of more subjects and edges than that are made of the subjects alone that are there."""


class Partition(NamedTuple):
    """The subjects, and what of the model belongs to which, by its place among them.

    Where `has_hours`, `printers` gives the subject of each printer by number, -1 for none. Elsewhere
    subjects are made of jobs alone, and `printers` has 0 for each printer whose jobs may count. `jobs`
    parts the jobs; with `picked` only these of its subjects are meant. `left_out` further subjects have
    jobs and are not among them.
    """

    subjects: Sequence[Subject]
    printers: Keys
    jobs: JobGrouping
    has_hours: bool = True
    picked: Keys | None = None
    left_out: int = 0


class Asked(NamedTuple):
    """By what figures are told apart, of the jobs and printers that are wanted, at most so many subjects."""

    by: Scopes
    wanted: Selection
    limit: int
    farm_name: str


def partition_of(model: ReadModel, asked: Asked, edges: Integers, local: LocalTime) -> Partition:
    """The subjects that are asked for. Raises InvalidQuery for a name that there is not.

    Those made of jobs are there that have jobs between the first and the last of the edges. Of more than
    the limit those with the most jobs are taken, and of as many the first by name.
    """
    printers = asked.wanted.among(printer for printer in model.printers if not printer.ignored)
    texts = asked.wanted.texts()
    if not texts and OF_PRINTERS.issuperset(asked.by):
        return of_printers(model, subjects_of(printers, asked.by, asked.farm_name))
    filters = [saying(scope, names, model) for scope, names in texts.items()]
    dimensions = [dimension(scope, model, printers, asked.farm_name, local) for scope in asked.by]
    return _of_jobs(model, asked, _those(model, printers), filters, dimensions, edges)


def of_printers(model: ReadModel, subjects: Sequence[Subject]) -> Partition:
    """Subjects that have no printer in common, with their hours."""
    subject_of = np.full(len(model.printers), -1, dtype=np.intp)
    for number, subject in enumerate(subjects):
        subject_of[model.numbers(subject.printers)] = number
    return Partition(subjects, subject_of, by_printer(subject_of, len(subjects)))


def _of_jobs(
    model: ReadModel,
    asked: Asked,
    printers: Keys,
    filters: Sequence[Axis],
    dimensions: Sequence[DimensionAxis],
    edges: Integers,
) -> Partition:
    axes = [each.axis for each in dimensions]
    who = JobGrouping([ByCode("printer", printers, 1), *filters, *axes])
    codes, ended = model.jobs.ended(int(edges.min()), int(edges.max()), who)
    if asked.by == (Scope.FARM,) and not len(codes):
        codes, ended = np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.int64)

    def parts(code: int) -> list[tuple[DimensionAxis, int]]:
        return list(zip(dimensions, who.parts(code)[-len(axes) :], strict=True))

    def place(code: int) -> list[object]:
        return [each.place(part) for each, part in parts(code)]

    left_out = max(0, len(codes) - asked.limit)
    if left_out:
        codes = _most(codes, ended, asked.limit, place)
    in_order = sorted(codes.tolist(), key=place)
    word = ",".join(asked.by)
    subjects = [
        Subject(word, *together([each.named(part) for each, part in parts(code)])) for code in in_order
    ]
    picked = np.array(in_order, dtype=np.intp)
    if model.jobs.keeps_sums_of(who) and who.subjects * len(edges) <= _MOST_CELLS:
        return Partition(subjects, printers, who, False, picked, left_out)
    chosen = np.sort(picked)
    return Partition(
        subjects, printers, who.choosing(chosen), False, np.searchsorted(chosen, picked), left_out
    )


def _those(model: ReadModel, printers: Sequence[Printer]) -> Keys:
    """0 for each of the printers, by number, and -1 for the others."""
    chosen = np.full(len(model.printers), -1, dtype=np.intp)
    chosen[model.numbers(printers)] = 0
    return chosen


def _most(codes: Keys, ended: Integers, limit: int, place: Callable[[int], list[object]]) -> Keys:
    """The codes with the most jobs, of as many the first by their places."""
    least = int(np.partition(ended, -limit)[-limit])
    above = codes[ended > least]
    level = sorted(codes[ended == least].tolist(), key=place)
    return np.concatenate((above, np.array(level[: limit - len(above)], dtype=np.intp)))
