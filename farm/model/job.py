"""A job: one attempt to print one file on one printer."""

import uuid
from collections.abc import Iterable

import msgspec

from farm.model.states import CancelledBy, Cause, Confidence, Outcome, Provenance

_JOBS = uuid.UUID("b7f0b3a4-92a8-4f43-8f25-5f4f4b0c1f0d")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. Its id is fixed at the first evidence and never changes.

    `outcome` and `ended_ms` are None while it is under way. `printing_ms` is time in
    state printing, without pauses, and without heat-up where the protocol shows it;
    `measured` is true where that figure is the printer's own and not ours. `expected_ms` is how
    long the whole print was to take by the source's first word on it (the slicer's estimate, or the
    firmware's), None where it gives none.
    """

    id: str
    printer_id: str
    file: str | None
    started_ms: int | None
    start_provenance: Provenance = Provenance.OBSERVED
    ended_ms: int | None = None
    outcome: Outcome | None = None
    provenance: Provenance | None = None
    cancelled_by: CancelledBy | None = None
    cause: Cause | None = None
    detail: str | None = None
    printing_ms: int = 0
    preparing_ms: int = 0
    paused_ms: int = 0
    pauses: int = 0
    measured: bool = False
    expected_ms: int | None = None
    progress: float | None = None
    filament_mm: float | None = None
    filament_g: float | None = None
    resin_ml: float | None = None
    material: str | None = None
    operator: str | None = None
    spool: str | None = None
    units: int = 1
    confidence: Confidence | None = None
    note: str | None = None
    revision: int = 0

    @property
    def whole_ms(self) -> int:
        """From its start to its end, seen or not; what was seen of it where one of the two is not known."""
        seen_ms = self.printing_ms + self.preparing_ms + self.paused_ms
        if self.started_ms is None or self.ended_ms is None:
            return seen_ms
        return max(seen_ms, self.ended_ms - self.started_ms)


def job_id(printer_id: str, token: str) -> str:
    """A stable UUID for the attempt that `token` (the source's own clock or start mark) names."""
    return str(uuid.uuid5(_JOBS, f"{printer_id}\x1f{token}"))


def overlaps(jobs: Iterable[Job]) -> list[tuple[Job, Job]]:
    """The pairs of jobs of one printer that were under way at the same time, which cannot be.

    A job that is open lasts until any time; one whose start is not known counts at its end only.
    """
    found = []
    longest: Job | None = None
    placed = (job for job in jobs if _interval(job))
    for job in sorted(placed, key=lambda job: (job.printer_id, _interval(job))):
        if longest is None or longest.printer_id != job.printer_id:
            longest = job
            continue
        if _interval(job)[0] < _interval(longest)[1]:
            found.append((longest, job))
        if _interval(job)[1] >= _interval(longest)[1]:
            longest = job
    return found


def _interval(job: Job) -> tuple[float, ...]:
    """Start and end in milliseconds; empty for an open job whose start is not known."""
    end = float("inf") if job.ended_ms is None else job.ended_ms
    if job.started_ms is not None:
        return job.started_ms, end
    return () if job.ended_ms is None else (end, end)
