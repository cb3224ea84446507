"""Rows of Moonraker's job history."""

from collector.adapters._json import number, text
from collector.adapters.base import Fields
from farm.model.observation import HistoryRow, JobSignal

_HISTORY = "moonraker"
HISTORY_FIELDS: Fields = dict.fromkeys(
    ("job_id", "start_time", "end_time", "print_duration", "status", "filename", "filament_used")
)
"""What is read of a row."""
_WORDS = {
    "in_progress": JobSignal.STARTED,
    "completed": JobSignal.DONE,
    "cancelled": JobSignal.CANCELLED,
    "error": JobSignal.FAILED,
    "klippy_shutdown": JobSignal.HALTED,
    "klippy_disconnect": JobSignal.HOST_GONE,
}
"""Moonraker's words. `server_exit` and `interrupted` say that Moonraker went away, not how the
print ended, as does every word that is not known: the job is lost."""


def history_row(job: object) -> HistoryRow | None:
    if not isinstance(job, dict):
        return None
    native, started = text(job.get("job_id")), number(job.get("start_time"))
    if native is None or started is None:
        return None
    ended, printing = number(job.get("end_time")), number(job.get("print_duration"))
    word = text(job.get("status")) or ""
    signal = _WORDS.get(word, JobSignal.LOST)
    return HistoryRow(
        history=_HISTORY,
        native_id=native,
        file=text(job.get("filename")),
        started_ms=int(started * 1000),
        ended_ms=None if ended is None else int(ended * 1000),
        signal=signal,
        detail=None if signal is JobSignal.DONE else word,
        printing_ms=None if printing is None else int(printing * 1000),
        filament_mm=number(job.get("filament_used")),
    )
