"""The prints that make up failed prints in a row, page by page."""

from collections.abc import Sequence
from typing import Final

import msgspec

from farm.figures.failed_streaks import Stretch
from farm.figures.read_model import ReadModel
from farm.figures.source import State
from farm.kpi.parts import StreakRow
from farm.kpi.streak import BREAKS, EXTENDS
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model.job import Job
from farm.model.states import Outcome

_GO_ON: Final = [outcome for outcome in Outcome if outcome not in BREAKS]
_FAILED: Final = [*EXTENDS]


class _StretchMark(msgspec.Struct, frozen=True, array_like=True):
    """The stretch that the next page begins with, how far the pages before tell it, and whether they tell its
    last failed print.
    """

    printer: MarkedNumber
    since_success: bool
    within: str | None
    last_told: bool

    @property
    def place(self) -> tuple[int, bool]:
        """Where it stands among others."""
        return self.printer, self.since_success


class StreakRows:
    """The prints of stretches, by printer, newest first."""

    def __init__(self, model: ReadModel, state: State, stretches: Sequence[Stretch]) -> None:
        self._model, self._state = model, state
        self._stretches = stretches

    def page(self, after: str | None, limit: int) -> tuple[list[StreakRow], str | None]:
        """The rows after the mark, and the next mark. Raises InvalidInput where it is none of them."""
        at = None if after is None else page_end(after, _StretchMark, "streaks")
        rows: list[StreakRow] = []
        for stretch in self._stretches:
            place = stretch.printer, stretch.since_success
            if at is not None and place < at.place:
                continue
            within, told = (None, False) if at is None or place != at.place else (at.within, at.last_told)
            if len(rows) < limit:
                page = self._jobs(stretch, within, limit - len(rows))
                for job in page.jobs:
                    is_last = stretch.since_success and job.outcome in EXTENDS and not told
                    rows.append(self._row(stretch, job, is_last=is_last))
                    told = told or is_last
                within = page.next
                if within is None:
                    continue
            return rows, page_mark(_StretchMark(*place, within, told))
        return rows, None

    def _jobs(self, stretch: Stretch, after: str | None, limit: int) -> JobPage:
        return self._state.job_page(
            JobFilter(
                printer_ids=[self._model.printers[stretch.printer].id],
                since_ms=stretch.from_ms,
                until_ms=stretch.until_ms,
                outcomes=_GO_ON if stretch.since_success else _FAILED,
                ended_only=True,
                limit=limit,
                after=after,
            )
        )

    def _row(self, stretch: Stretch, job: Job, *, is_last: bool) -> StreakRow:
        longest, ended_ms = stretch.longest_at_any_time, job.ended_ms or 0
        return StreakRow(
            printer=self._model.printers[stretch.printer],
            job=job,
            in_current=stretch.is_longest,
            in_longest=longest is not None and longest[0] <= ended_ms < longest[1],
            since_success=stretch.since_success,
            is_last=is_last,
        )
