"""What the read model holds of each subject, summed up over windows."""

from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from farm.figures.lifetimes import EVER
from farm.figures.partition import Partition
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Integers, Keys, within
from farm.figures.state_changes import NOT_THERE, Clock
from farm.figures.tallies import Tallies
from farm.kpi.account import TimeAccount
from farm.kpi.calculation import EVERY_TALLY, KpiInput, Tally
from farm.kpi.faults import RepairTally
from farm.kpi.streak import StreakTally
from farm.kpi.time_classes import CONDITIONS
from farm.kpi.windows import Window
from farm.model.states import PrinterState
from farm.settings import SiteSettings

T = TypeVar("T")

_NO_HOURS: Final = TimeAccount({}, {})
_STATES: Final = tuple(PrinterState)
_STATE_OF: Final = np.array([[state is each for each in _STATES] for state, _ in CONDITIONS], dtype=np.int64)
"""1 where the condition of the row is one of the state of the column."""
_WITH_REASON: Final = [code for code, condition in enumerate(CONDITIONS) if condition.reason]
_REASONS: Final = tuple(CONDITIONS[code] for code in _WITH_REASON)
_CELLS_AT_ONCE = 1_000_000


class WindowSums:
    """The sums of the subjects of a partition, for any of the windows."""

    def __init__(
        self,
        model: ReadModel,
        windows: Sequence[Window],
        who: Partition,
        closed: Sequence[Clock | None] = (),
        reads: Collection[Tally] = EVERY_TALLY,
    ) -> None:
        """`closed` is the clock of the closed hours of each printer of the model, by number; none without.

        Beside the hours only what is read is summed up.
        """
        edges = np.array(
            sorted({edge for each in windows for edge in (each.from_ms, each.to_ms)}), dtype=np.int64
        )
        places = np.searchsorted(edges, [(each.from_ms, each.to_ms) for each in windows]).reshape(-1, 2)
        self._hours = _Hours(model, edges, places, who, closed) if who.has_hours else None
        self._tallies = Tallies(model, edges, places, who, reads)
        self._repairs: Integers | None = None
        if who.has_hours and Tally.REPAIRS in reads:
            repairs = within(model.repairs.sums(edges, who.printers, len(who.subjects)), places)
            self._repairs = repairs.transpose(0, 2, 1)
        self._streaks: Integers | None = None
        if who.has_hours and Tally.STREAKS in reads:
            bounds = np.array([(each.from_ms, each.to_ms) for each in windows], dtype=np.int64)
            self._streaks = model.streaks.told(bounds.reshape(-1, 2), who.printers, len(who.subjects))
        self._has_hours, self._subjects = who.has_hours, len(who.subjects)
        count = self._subjects if who.has_hours else 1
        some = max(1, _CELLS_AT_ONCE // max(1, len(model.printers)))
        parts = [
            _lives(model, windows[first : first + some], who.printers, count)
            for first in range(0, len(windows), some)
        ]
        self._lives = np.concatenate(parts, axis=1)

    def columns(self, site: SiteSettings) -> KpiInput:
        """What is known of every subject in every window, as columns: window by window, in each by subject.

        `site` holds the rules of counting.
        """
        printers, elapsed_ms = self._lives
        if not self._has_hours:
            printers, elapsed_ms = (
                np.repeat(each, self._subjects, axis=1) for each in (printers * 0, elapsed_ms)
            )
        return KpiInput(
            account=_NO_HOURS if self._hours is None else self._hours.columns(),
            outcomes=self._tallies.columns(),
            printers=_column(printers),
            elapsed_ms=_column(elapsed_ms),
            site=site,
            repairs=RepairTally() if self._repairs is None else RepairTally(*_columns(self._repairs)),
            streaks=StreakTally() if self._streaks is None else StreakTally(*_columns(self._streaks)),
        )


class _Hours:
    """The hours of subjects by state, open and closed."""

    def __init__(
        self,
        model: ReadModel,
        edges: Integers,
        places: Integers,
        who: Partition,
        closed: Sequence[Clock | None],
    ) -> None:
        count, printers = len(who.subjects), who.printers
        whole = within(model.spent(edges, printers, count), places)
        closed_time: Integers | None = None
        for clock in {each for each in closed if each is not None}:
            by_clock = np.array([each is clock for each in closed], dtype=bool)
            apart = np.where(by_clock, printers, -1)
            spent = within(model.spent(edges, apart, count, clock), places)
            closed_time = spent if closed_time is None else closed_time + spent
        opened = (whole if closed_time is None else whole - closed_time)[:, :, :NOT_THERE]
        with_reason = opened[:, :, _WITH_REASON]
        self._sums: list[tuple[Sequence[Any], Integers | None]] = [
            (_STATES, opened @ _STATE_OF),
            (_STATES, None if closed_time is None else closed_time[:, :, :NOT_THERE] @ _STATE_OF),
            (_REASONS, with_reason if with_reason.any() else None),
        ]

    def columns(self) -> TimeAccount:
        """Of all of them."""
        return TimeAccount(
            *({} if sums is None else dict(zip(of, _columns(sums), strict=True)) for of, sums in self._sums)
        )


def _lives(model: ReadModel, windows: Sequence[Window], subject_of: Keys, subjects: int) -> Integers:
    """How many printers lived and how long there was one, by window and subject."""
    chosen = np.flatnonzero(subject_of >= 0)
    chosen = chosen[np.argsort(subject_of[chosen], kind="stable")]
    subject = subject_of[chosen]
    starts, ends = model.lifetimes.begins[chosen], model.lifetimes.ends[chosen]
    begin = np.array([each.from_ms for each in windows], dtype=np.int64)[:, None]
    end = np.array([each.to_ms for each in windows], dtype=np.int64)[:, None]
    # Most printers were there in every window, and need not be looked at window by window.
    always = (starts <= begin.min(initial=EVER)) & (ends >= end.max(initial=0))
    counts = np.tile(np.bincount(subject[always], minlength=subjects), (len(windows), 1))
    first, last = np.where(counts, begin, EVER), np.where(counts, end, 0)
    there, firsts = np.unique(subject[~always], return_index=True)
    if len(there):
        since, until = np.maximum(starts[~always], begin), np.minimum(ends[~always], end)
        lived = since < until
        counts[:, there] += np.add.reduceat(lived, firsts, axis=1, dtype=np.int64)
        earliest = np.minimum.reduceat(np.where(lived, since, EVER), firsts, axis=1)
        latest = np.maximum.reduceat(np.where(lived, until, 0), firsts, axis=1)
        first[:, there] = np.minimum(first[:, there], earliest)
        last[:, there] = np.maximum(last[:, there], latest)
    counts[(begin >= end)[:, 0]] = 0
    return np.stack((counts, np.maximum(last - first, 0)))


def _column(sums: Integers) -> Any:
    """The sums of all windows and subjects, which formulas take in place of a number."""
    return sums.reshape(-1)


def _columns(sums: Integers) -> Any:
    """The same of each of the sums that a window and subject have."""
    return sums.reshape(-1, sums.shape[-1]).T
