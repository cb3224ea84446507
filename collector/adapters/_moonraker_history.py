"""Rows of Moonraker's job history, and what it found in a file."""

import msgspec

from collector.adapters._json import fields_of, shown, wire_fields
from collector.adapters._wire_types import FilamentMm, FileName, NativeId, Seconds, WallSeconds, Word
from farm.model.observation import HistoryRow, JobReading, JobSignal, Observation

_HISTORY = "moonraker"
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


class FileMetadata(msgspec.Struct):
    """What Moonraker found in a G-code file."""

    estimated_time: Seconds | None = None


class _File(FileMetadata):
    """The answer about one file."""

    filename: FileName | None = None


ESTIMATE_FIELDS = wire_fields(_File)
"""What is read of the answer about a file."""


class _Row(msgspec.Struct):
    job_id: NativeId | None = None
    filename: FileName | None = None
    status: Word | None = None
    start_time: WallSeconds | None = None
    end_time: WallSeconds | None = None
    print_duration: Seconds | None = None
    filament_used: FilamentMm | None = None
    metadata: FileMetadata | None = None


HISTORY_FIELDS = wire_fields(_Row)
"""What is read of a row."""


def history_row(job: object, refused: list[str]) -> HistoryRow | None:
    """The row, None where its identity or its start cannot be meant; what was dropped goes to `refused`."""
    said = fields_of(_Row, job, refused, "jobs.")
    if not said.job_id or said.start_time is None:
        return None
    ended, printing = said.end_time, said.print_duration
    if ended is not None and ended < said.start_time:
        refused.append(f"jobs.end_time is {shown(ended)}, before the start")
        ended = None
    word = said.status or ""
    signal = _WORDS.get(word, JobSignal.LOST)
    return HistoryRow(
        history=_HISTORY,
        native_id=said.job_id,
        file=said.filename or None,
        started_ms=int(said.start_time * 1000),
        ended_ms=None if ended is None else int(ended * 1000),
        signal=signal,
        detail=None if signal is JobSignal.DONE else word,
        printing_ms=None if printing is None else int(printing * 1000),
        filament_mm=said.filament_used,
        expected_ms=_expected_ms(said.metadata),
    )


def estimate_of_file(answer: object, refused: list[str]) -> Observation | None:
    """How long the file takes that the answer is about, None where the slicer left no estimate in it."""
    said = fields_of(_File, answer, refused, "result.")
    job = JobReading(file=said.filename or None, expected_ms=_expected_ms(said))
    return None if job.file is None or job.expected_ms is None else Observation(level=True, job=job)


def _expected_ms(said: FileMetadata | None) -> int | None:
    estimate = None if said is None else said.estimated_time
    return None if estimate is None else int(estimate * 1000)
