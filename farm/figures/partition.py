"""Whose figures are taken: the printers and jobs of the read model, put together to subjects."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from farm.figures.job_grouping import JobGrouping, by_printer
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Keys
from farm.kpi.subjects import Subject


class Partition(NamedTuple):
    """The subjects, and what of the model belongs to which, by its place among them.

    Where `has_hours`, `printers` gives the subject of each printer by number, -1 for none. Elsewhere
    subjects are made of jobs alone, and `printers` has 0 for each printer whose jobs may count. `jobs`
    parts the jobs.
    """

    subjects: Sequence[Subject]
    printers: Keys
    jobs: JobGrouping
    has_hours: bool = True


def of_printers(model: ReadModel, subjects: Sequence[Subject]) -> Partition:
    """Subjects that have no printer in common."""
    subject_of = np.full(len(model.printers), -1, dtype=np.intp)
    for number, subject in enumerate(subjects):
        subject_of[model.numbers(subject.printers)] = number
    return Partition(subjects, subject_of, by_printer(subject_of, len(subjects)))
