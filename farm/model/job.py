"""A job: one attempt to print one file on one printer."""

import uuid

import msgspec

from farm.model.states import CancelledBy, Cause, Confidence, Outcome, Provenance

_JOBS = uuid.UUID("b7f0b3a4-92a8-4f43-8f25-5f4f4b0c1f0d")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. Its id is fixed at the first evidence and never changes.

    `outcome` and `ended_ms` are None while it is under way. `printing_ms` is time in
    state printing, without pauses, and without heat-up where the protocol shows it;
    `measured` is true where that figure is the printer's own and not ours.
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
    progress: float | None = None
    filament_mm: float | None = None
    filament_g: float | None = None
    material: str | None = None
    operator: str | None = None
    units: int = 1
    confidence: Confidence | None = None
    note: str | None = None
    revision: int = 0


def job_id(printer_id: str, token: str) -> str:
    """A stable UUID for the attempt that `token` (the source's own clock or start mark) names."""
    return str(uuid.uuid5(_JOBS, f"{printer_id}\x1f{token}"))
