"""What the read model holds of each subject, summed up over windows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from farm.figures.ended_jobs import ENDINGS
from farm.figures.read_model import EVER, ReadModel
from farm.figures.running_sums import Integers
from farm.figures.state_changes import NOT_THERE, STATES, Clock
from farm.kpi.account import TimeAccount
from farm.kpi.outcomes import OutcomeTally
from farm.kpi.subjects import Subject
from farm.kpi.windows import Window
from farm.model.states import CancelledBy, Outcome, PrinterState


class Life(NamedTuple):
    """How many printers of a subject lived in a window, and for how long there was one (ms)."""

    printers: int
    elapsed_ms: int


class WindowSums:
    """The sums of subjects that have no printer in common, for any of the windows."""

    def __init__(
        self,
        model: ReadModel,
        windows: Sequence[Window],
        subjects: Sequence[Subject],
        closed: Sequence[Clock | None] = (),
    ) -> None:
        """`closed` is the clock of the closed hours of each printer of the model, by number; none without."""
        self._edges = np.array(
            sorted({edge for each in windows for edge in (each.from_ms, each.to_ms)}), dtype=np.int64
        )
        self._place = {int(edge): number for number, edge in enumerate(self._edges)}
        self._subject_of = np.full(len(model.printers), -1, dtype=np.intp)
        for number, subject in enumerate(subjects):
            self._subject_of[model.numbers(subject.printers)] = number
        count = len(subjects)
        self._all = model.spent(self._edges, self._subject_of, count)
        self._closed: Integers | None = None
        for clock in {each for each in closed if each is not None}:
            by_clock = np.array([each is clock for each in closed], dtype=bool)
            apart = np.where(by_clock, self._subject_of, -1)
            spent = model.spent(self._edges, apart, count, clock)
            self._closed = spent if self._closed is None else self._closed + spent
        self._ended = model.jobs.sums(self._edges, self._subject_of, count)
        self._lives = _Lives(model, self._subject_of, count)

    def account(self, window: Window, subject: int) -> TimeAccount:
        """Where the hours of the window went, of the subject by its place."""
        whole = self._between(self._all, window, subject)
        if self._closed is None:
            return TimeAccount(_by_state(whole), {})
        closed = self._between(self._closed, window, subject)
        return TimeAccount(_by_state(whole - closed), _by_state(closed))

    def outcomes(self, window: Window, subject: int) -> OutcomeTally:
        """How the jobs of the window ended."""
        first, last = self._place[window.from_ms], self._place[window.to_ms]
        found = self._ended[last, :, subject] - self._ended[first, :, subject]
        jobs: dict[Outcome, int] = {}
        units: dict[Outcome, int] = {}
        printing_ms: dict[Outcome, int] = {}
        cancelled_by: dict[CancelledBy, int] = {}
        for (outcome, by), (ended, made, printed) in zip(ENDINGS, found.T.tolist(), strict=True):
            if not ended:
                continue
            jobs[outcome] = jobs.get(outcome, 0) + ended
            units[outcome] = units.get(outcome, 0) + made
            printing_ms[outcome] = printing_ms.get(outcome, 0) + printed
            if by is not None:
                cancelled_by[by] = ended
        return OutcomeTally(jobs, units, cancelled_by, printing_ms)

    def lives(self, window: Window) -> list[Life]:
        """Who of each subject was there in the window."""
        return self._lives.within(window)

    def _between(self, sums: Integers, window: Window, subject: int) -> Integers:
        first, last = self._place[window.from_ms], self._place[window.to_ms]
        difference: Integers = sums[last, subject] - sums[first, subject]
        return difference


class _Lives:
    """From when until when the printers of the subjects count."""

    def __init__(self, model: ReadModel, subject_of: Integers, subjects: int) -> None:
        chosen = np.flatnonzero(subject_of >= 0)
        printers = [model.printers[number] for number in chosen.tolist()]
        self._begins = np.array([each.first_seen_ms for each in printers], dtype=np.int64)
        ends = [EVER if each.retired_ms is None else each.retired_ms for each in printers]
        self._ends = np.array(ends, dtype=np.int64)
        self._subject = subject_of[chosen]
        self._subjects = subjects

    def within(self, window: Window) -> list[Life]:
        begins = np.maximum(self._begins, window.from_ms)
        ends = np.minimum(self._ends, window.to_ms)
        lived = begins < ends
        subject = self._subject[lived]
        counts = np.bincount(subject, minlength=self._subjects)
        first = np.full(self._subjects, window.to_ms, dtype=np.int64)
        last = np.full(self._subjects, window.from_ms, dtype=np.int64)
        np.minimum.at(first, subject, begins[lived])
        np.maximum.at(last, subject, ends[lived])
        elapsed = np.maximum(last - first, 0)
        return [Life(*each) for each in zip(counts.tolist(), elapsed.tolist(), strict=True)]


def _by_state(spent: Integers) -> Mapping[PrinterState, int]:
    return {STATES[code]: ms for code, ms in enumerate(spent.tolist()) if ms and code != NOT_THERE}
