"""Failed prints in a row, for many printers at once and without asking for each every time."""

import threading
from collections.abc import Collection

from farm.kpi.streak import failed_streak, failures
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger_reader import LedgerReader
from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.states import Outcome

FEW = 20
"""Printers that are asked about one by one."""
SWEEP_PAGES = 5
SWEEP_PAGE = 2_000
_PAGE = 16
_MOST_JOBS = 1_024
_FEED_PAGE = 1_000
_BEARING = frozenset({FeedKind.JOB_ENDED, FeedKind.JOB_REVISED})


class LatestStreaks:
    """Keeps each printer's streak until the feed says that one of its jobs ended or was revised."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}
        self._cursor: int | None = None

    def of(self, printer_ids: Collection[str]) -> dict[str, int]:
        """The present streak of each printer."""
        with self._lock:
            self._forget_what_changed()
            unknown = [name for name in printer_ids if name not in self._known]
            if len(unknown) > FEW:
                self._sweep(set(unknown))
            return {name: self._streak(name) for name in printer_ids}

    def _sweep(self, wanted: set[str]) -> None:
        """Reads the farm's latest jobs together, which settles most printers in a few questions."""
        ended: dict[str, list[Job]] = {name: [] for name in wanted}
        mark: str | None = None
        for _ in range(SWEEP_PAGES):
            page = self._reader.jobs(JobFilter(outcomes=list(Outcome), limit=SWEEP_PAGE, after=mark))
            for job in page.jobs:
                if job.printer_id in wanted:
                    ended[job.printer_id].append(job)
            mark = page.next
            if mark is None:
                break
        for name, jobs in ended.items():
            streak = failed_streak(jobs)
            if streak is None and mark is None:
                streak = failures(jobs)
            if streak is not None:
                self._known[name] = streak

    def _forget_what_changed(self) -> None:
        head = self._reader.feed_head()
        if self._cursor is None or not head - 10 * _FEED_PAGE <= self._cursor <= head:
            self._known.clear()
            self._cursor = head
        while self._cursor < head:
            entries = self._reader.feed(self._cursor, _FEED_PAGE)
            if not entries:
                break
            for entry in entries:
                if entry.kind in _BEARING and entry.printer_id is not None:
                    self._known.pop(entry.printer_id, None)
            self._cursor = entries[-1].seq

    def _streak(self, printer_id: str) -> int:
        known = self._known.get(printer_id)
        if known is None:
            known = self._known[printer_id] = self._counted(printer_id)
        return known

    def _counted(self, printer_id: str) -> int:
        limit = _PAGE
        while True:
            jobs = self._reader.last_terminal_jobs(printer_id, limit)
            streak = failed_streak(jobs)
            if streak is not None:
                return streak
            if len(jobs) < limit or limit >= _MOST_JOBS:
                return failures(jobs)
            limit *= 4
