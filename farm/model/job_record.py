"""A job as every outer surface shows it: API, command line, exports and canonical topics."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from farm.model.times import SECOND_MS, rfc3339_or_none

if TYPE_CHECKING:
    from farm.model.job import Job

JOB_FIELDS = (
    "id",
    "printer_id",
    "printer",
    "group",
    "file",
    "outcome",
    "provenance",
    "cancelled_by",
    "cause",
    "detail",
    "started_at",
    "start_provenance",
    "ended_at",
    "printing_seconds",
    "preparing_seconds",
    "paused_seconds",
    "pauses",
    "measured",
    "expected_seconds",
    "progress",
    "filament_mm",
    "filament_g",
    "resin_ml",
    "material",
    "operator",
    "spool",
    "units",
    "confidence",
    "note",
    "revision",
)
"""The names of all fields, in the order in which they are shown."""


def job_record(
    job: "Job", printer: str, group: str | None = None, fields: Sequence[str] = JOB_FIELDS
) -> dict[str, Any]:
    """The named fields of a job of `printer`, in their order: times in RFC 3339, durations in seconds."""
    shown = {
        "printer": printer,
        "group": group,
        "started_at": rfc3339_or_none(job.started_ms),
        "ended_at": rfc3339_or_none(job.ended_ms),
        "printing_seconds": job.printing_ms / SECOND_MS,
        "preparing_seconds": job.preparing_ms / SECOND_MS,
        "paused_seconds": job.paused_ms / SECOND_MS,
        "expected_seconds": None if job.expected_ms is None else job.expected_ms / SECOND_MS,
    }
    return {name: shown[name] if name in shown else getattr(job, name) for name in fields}
