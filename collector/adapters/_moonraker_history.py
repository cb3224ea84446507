"""Rows of Moonraker's job history."""

from collector.adapters._json import number, text
from collector.adapters.base import Fields
from farm.model.observation import HistoryRow
from farm.model.states import CancelledBy, Cause, Outcome

_HISTORY = "moonraker"
HISTORY_FIELDS: Fields = dict.fromkeys(
    ("job_id", "start_time", "end_time", "print_duration", "status", "filename", "filament_used")
)
"""What is read of a row."""
_HISTORY_OUTCOMES = {
    "completed": (Outcome.SUCCEEDED, None),
    "cancelled": (Outcome.CANCELLED, None),
    "error": (Outcome.FAILED, Cause.PRINTER_ERROR),
    "klippy_shutdown": (Outcome.FAILED, Cause.PRINTER_ERROR),
    "klippy_disconnect": (Outcome.FAILED, Cause.HOST),
    "in_progress": (None, None),
}
"""Moonraker's words. `server_exit` and `interrupted` say that Moonraker went away, not how the
print ended, so they are unknown like every other word."""


def history_row(job: object) -> HistoryRow | None:
    if not isinstance(job, dict):
        return None
    native, started = text(job.get("job_id")), number(job.get("start_time"))
    if native is None or started is None:
        return None
    ended, printing = number(job.get("end_time")), number(job.get("print_duration"))
    word = text(job.get("status")) or ""
    outcome, cause = _HISTORY_OUTCOMES.get(word, (Outcome.UNKNOWN, None))
    return HistoryRow(
        history=_HISTORY,
        native_id=native,
        file=text(job.get("filename")),
        started_ms=int(started * 1000),
        ended_ms=None if ended is None else int(ended * 1000),
        outcome=outcome,
        cancelled_by=CancelledBy.PERSON if outcome is Outcome.CANCELLED else None,
        cause=cause,
        detail=None if outcome is Outcome.SUCCEEDED else word,
        printing_ms=None if printing is None else int(printing * 1000),
        filament_mm=number(job.get("filament_used")),
    )
