"""Moonraker's own history of prints: what it saw of each, which is not always how it ended."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from farm.model.states import Cause, Outcome
from simulators.job_run import JobRun

_ROWS = 50
_HOST = (Cause.HOST, Cause.POWER)


class _Row(msgspec.Struct):
    """A print. With `word` it is closed in the history, whatever becomes of it."""

    run: JobRun
    word: str | None = None
    ended_ms: int | None = None
    elapsed_ms: int = 0
    printed_ms: int = 0
    filament_mm: float = 0.0


class PrintHistory:
    """The last prints, each as Moonraker would tell of it."""

    def __init__(self, shutdowns: Sequence[Cause]) -> None:
        """`shutdowns` are the failures by which Klipper shuts down."""
        self._shutdowns = frozenset(shutdowns)
        self._rows: deque[_Row] = deque(maxlen=_ROWS)

    def begin(self, run: JobRun) -> None:
        """A print begins."""
        self._rows.append(_Row(run))

    def klipper_gone(self, now_ms: int) -> None:
        """Klipper has died alone, and Moonraker has seen it."""
        self._close("klippy_disconnect", now_ms)

    def host_gone(self) -> None:
        """Moonraker has died: at its next start it finds a print that nobody ended."""
        if self._rows and self._rows[-1].word is None and self._is_cut_off(self._rows[-1].run):
            self._rows[-1].word = "interrupted"

    def leave(self, now_ms: int) -> None:
        """Moonraker stops in order, and never learns how a print under way ended."""
        if self._rows and self._rows[-1].run.running:
            self._close("server_exit", now_ms)

    def rows(self, now_ms: int, limit: object) -> dict[str, Any]:
        """The result of `server.history.list`, newest first."""
        newest = list(self._rows)[::-1]
        wanted = newest[: limit if isinstance(limit, int) else None]
        return {"count": len(newest), "jobs": [self._told(row, now_ms) for row in wanted]}

    def file(self, name: object) -> dict[str, Any] | None:
        """The result of `server.files.metadata`, None for a file that was not printed."""
        found = next((row.run for row in self._rows if row.run.file.name == name), None)
        return None if found is None else {**_metadata(found), "filename": found.file.name}

    def _is_cut_off(self, run: JobRun) -> bool:
        return run.running or run.truth.cause in _HOST

    def _close(self, word: str, now_ms: int) -> None:
        if self._rows and self._rows[-1].word is None and self._is_cut_off(self._rows[-1].run):
            self._rows[-1] = _as_it_stands(self._rows[-1].run, word, now_ms)

    def _told(self, row: _Row, now_ms: int) -> dict[str, Any]:
        """One print. Times in seconds since 1970, lengths in millimetres."""
        run = row.run
        if row.word is None:
            row = _as_it_stands(run, self._word(run), now_ms)
        return {
            "job_id": f"{run.truth.number:06X}",
            "user": "_TRUSTED_USER_",
            "filename": run.file.name,
            "status": row.word,
            "start_time": run.started_ms / 1000,
            "end_time": None if row.ended_ms is None else row.ended_ms / 1000,
            "print_duration": row.printed_ms / 1000,
            "total_duration": row.elapsed_ms / 1000,
            "filament_used": row.filament_mm,
            "metadata": _metadata(run),
            "auxiliary_data": [],
            "exists": True,
        }

    def _word(self, run: JobRun) -> str:
        match run.truth.outcome:
            case None:
                return "in_progress"
            case Outcome.SUCCEEDED:
                return "completed"
            case Outcome.CANCELLED:
                return "cancelled"
        return "klippy_shutdown" if run.truth.cause in self._shutdowns else "error"


def _as_it_stands(run: JobRun, word: str, now_ms: int) -> _Row:
    is_open = word == "in_progress"
    ended_ms = None if is_open else now_ms if run.ended_ms is None else run.ended_ms
    return _Row(
        run,
        word=word,
        ended_ms=ended_ms,
        elapsed_ms=run.elapsed_ms(now_ms),
        printed_ms=run.printed_ms(now_ms),
        filament_mm=round(run.filament_mm(now_ms), 5),
    )


def _metadata(run: JobRun) -> dict[str, Any]:
    return {
        "size": run.plan.size_bytes,
        "slicer": "PrusaSlicer",
        "estimated_time": round(run.file.expected_seconds),
        "layer_height": run.file.layer_mm,
        "filament_type": run.file.material,
    }
