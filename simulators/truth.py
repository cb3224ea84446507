"""The ledger of truth: what really happened, one JSON line each. See docs/simulator.md."""

from pathlib import Path
from typing import IO, Any

import msgspec

from farm.errors import TruthError
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
from farm.model.times import parse_rfc3339, rfc3339, rfc3339_or_none
from simulators.shop_truth import (
    CalendarTruth,
    MaintenanceTruth,
    VerdictTruth,
    calendar_in,
    calendar_line,
    maintenance_in,
    maintenance_line,
    verdict_in,
    verdict_line,
)

VERSION = 1
LOST = "message"
"""Why there is a gap while all else went through: something that was sent in it was lost on its way."""


class JobTruth(msgspec.Struct, kw_only=True):
    """One print as it really went. Times in milliseconds since 1970.

    `number` counts the printer's jobs; 0 is one from before the run, of which the broker
    still held messages.

    `start_sent`, `file_sent` and `end_sent` say whether a message that tells them reached
    the broker; `misleading` that of its end only so much did as tells another story.
    `expected_ms` is the slicer's estimate of the printing time, told or not.
    """

    printer: str
    number: int
    file: str
    material: str
    spool: str
    units: int
    started_ms: int
    ended_ms: int | None = None
    outcome: Outcome | None = None
    cancelled_by: CancelledBy | None = None
    cause: Cause | None = None
    detail: str | None = None
    printing_ms: int = 0
    preparing_ms: int = 0
    paused_ms: int = 0
    pauses: int = 0
    expected_ms: int | None = None
    filament_mm: float = 0.0
    filament_g: float = 0.0
    start_sent: bool = False
    file_sent: bool = False
    end_sent: bool = False
    misleading: bool = False

    def mark_start(self) -> None:
        """The start has reached the broker."""
        self.start_sent = True

    def mark_file(self) -> None:
        """The name of the file has reached the broker."""
        self.file_sent = True

    def mark_start_and_file(self) -> None:
        """A message with start and file has reached the broker."""
        self.start_sent = self.file_sent = True

    def mark_end(self) -> None:
        """The end and how it came have reached the broker."""
        self.end_sent = True

    def mark_end_and_file(self) -> None:
        """A message with end and file has reached the broker."""
        self.end_sent = self.file_sent = True


class SpanTruth(msgspec.Struct, frozen=True):
    """What a printer was doing, half open, in milliseconds since 1970."""

    printer: str
    state: PrinterState
    from_ms: int
    to_ms: int


class GapTruth(msgspec.Struct, frozen=True):
    """When nothing of a printer could reach the broker, and why."""

    printer: str
    why: str
    from_ms: int
    to_ms: int


class PrinterTruth(msgspec.Struct, frozen=True):
    """A printer of the run, where it publishes, and its group in the shop."""

    name: str
    protocol: str
    model: str
    prefix: str
    group: str | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the run was. The window is half open, in milliseconds since 1970.

    Printers report every `report_ms` while nothing changes; days begin as in `time_zone`.
    """

    seed: int
    scenario: str
    faults: list[str]
    from_ms: int
    to_ms: int
    printers: list[PrinterTruth]
    report_ms: int = 60_000
    time_zone: str = "UTC"


class Truth(msgspec.Struct, kw_only=True):
    """A whole ledger of truth, read back."""

    header: Header
    jobs: list[JobTruth]
    spans: list[SpanTruth]
    gaps: list[GapTruth]
    calendars: list[CalendarTruth] = []
    maintenance: list[MaintenanceTruth] = []
    verdicts: list[VerdictTruth] = []


def _seconds(ms: int) -> float:
    return ms / 1000


def job_line(job: JobTruth) -> dict[str, Any]:
    """The job as it stands in the file: RFC 3339 and seconds."""
    return {
        "kind": "job",
        "printer": job.printer,
        "number": job.number,
        "file": job.file,
        "material": job.material,
        "spool": job.spool,
        "units": job.units,
        "outcome": job.outcome,
        "cancelled_by": job.cancelled_by,
        "cause": job.cause,
        "detail": job.detail,
        "started_at": rfc3339(job.started_ms),
        "ended_at": rfc3339_or_none(job.ended_ms),
        "printing_seconds": _seconds(job.printing_ms),
        "preparing_seconds": _seconds(job.preparing_ms),
        "paused_seconds": _seconds(job.paused_ms),
        "pauses": job.pauses,
        "expected_seconds": None if job.expected_ms is None else _seconds(job.expected_ms),
        "filament_mm": round(job.filament_mm, 1),
        "filament_g": round(job.filament_g, 2),
        "start_sent": job.start_sent,
        "file_sent": job.file_sent,
        "end_sent": job.end_sent,
        "misleading": job.misleading,
    }


def _job(line: dict[str, Any]) -> JobTruth:
    ended, expected = line.pop("ended_at"), line.pop("expected_seconds", None)
    times = {
        "expected_ms": None if expected is None else round(expected * 1000),
        "started_ms": parse_rfc3339(line.pop("started_at")),
        "ended_ms": None if ended is None else parse_rfc3339(ended),
    }
    durations = {
        f"{name}_ms": round(line.pop(f"{name}_seconds") * 1000)
        for name in ("printing", "preparing", "paused")
    }
    return msgspec.convert({**line, **times, **durations}, JobTruth)


class TruthBook:
    """Writes the ledger of truth. Spans and gaps go out as they close, jobs at the end."""

    def __init__(self, target: IO[bytes], header: Header) -> None:
        self._target = target
        self._header = header
        self._jobs: list[JobTruth] = []
        self.services: list[SpanTruth] = []
        """When people serviced a printer."""
        self._lines = 0
        self._put(
            {
                "kind": "run",
                "v": VERSION,
                "seed": header.seed,
                "scenario": header.scenario,
                "faults": header.faults,
                "from": rfc3339(header.from_ms),
                "to": rfc3339(header.to_ms),
                "printers": header.printers,
                "report_ms": header.report_ms,
                "time_zone": header.time_zone,
            }
        )

    def _put(self, line: dict[str, Any]) -> None:
        self._target.write(msgspec.json.encode(line))
        self._target.write(b"\n")
        self._lines += 1

    def open_job(self, job: JobTruth) -> None:
        """Enter a job that has begun; it may still be changed."""
        self._jobs.append(job)

    @property
    def header(self) -> Header:
        """What the run is."""
        return self._header

    @property
    def jobs(self) -> list[JobTruth]:
        """The jobs entered so far."""
        return self._jobs

    def span(self, printer: str, state: PrinterState, from_ms: int, to_ms: int) -> None:
        """Enter what a printer was doing; an empty span is left out."""
        if to_ms > from_ms:
            if state is PrinterState.MAINTENANCE:
                self.services.append(SpanTruth(printer, state, from_ms, to_ms))
            self._put(
                {
                    "kind": "span",
                    "printer": printer,
                    "state": state,
                    "from": rfc3339(from_ms),
                    "to": rfc3339(to_ms),
                }
            )

    def gap(self, printer: str, why: str, from_ms: int, to_ms: int) -> None:
        """Enter a time in which nothing of a printer could reach the broker."""
        if to_ms > from_ms:
            self._put(
                {
                    "kind": "gap",
                    "printer": printer,
                    "why": why,
                    "from": rfc3339(from_ms),
                    "to": rfc3339(to_ms),
                }
            )

    def calendar(self, calendar: CalendarTruth) -> None:
        """Enter opening hours of the shop."""
        self._put(calendar_line(calendar))

    def maintenance(self, planned: MaintenanceTruth) -> None:
        """Enter planned work."""
        self._put(maintenance_line(planned))

    def verdict(self, verdict: VerdictTruth) -> None:
        """Enter what a person found who inspected a job."""
        self._put(verdict_line(verdict))

    def close(self, to_ms: int) -> None:
        """Write the jobs and the last line, which says that the run ended in order at `to_ms`."""
        for job in self._jobs:
            self._put(job_line(job))
        self._put({"kind": "end", "to": rfc3339(to_ms), "jobs": len(self._jobs), "lines": self._lines})


def _bounds(line: dict[str, Any]) -> tuple[int, int]:
    return parse_rfc3339(line["from"]), parse_rfc3339(line["to"])


def read_truth(path: Path) -> Truth:
    """The ledger of truth in the file.

    Raises TruthError, naming file and line, when it is not one or was cut off.
    """
    header: Header | None = None
    truth: Truth | None = None
    end: int | None = None
    number = 0
    try:
        for number, raw in enumerate(path.read_bytes().splitlines(), 1):
            line = msgspec.json.decode(raw, type=dict[str, Any])
            kind = line.pop("kind", None)
            if kind == "run":
                header = _header(line)
                truth = Truth(header=header, jobs=[], spans=[], gaps=[])
            elif truth is None:
                raise TruthError(f"{path}, line {number}: the first line must be of kind `run`")
            elif kind == "end":
                end = parse_rfc3339(line["to"])
            else:
                _enter(truth, kind, line)
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise TruthError(f"{path}, line {number}: {error}") from error
    if truth is None or header is None or end is None:
        raise TruthError(f"{path}: cut off; the last line of a whole run is of kind `end`")
    truth.header = msgspec.structs.replace(header, to_ms=end)
    return truth


def _header(line: dict[str, Any]) -> Header:
    if line.pop("v", None) != VERSION:
        raise ValueError(f"version {VERSION} expected")
    from_ms, to_ms = _bounds(line)
    del line["from"], line["to"]
    return msgspec.convert({**line, "from_ms": from_ms, "to_ms": to_ms}, Header)


def _enter(truth: Truth, kind: object, line: dict[str, Any]) -> None:
    if kind == "job":
        truth.jobs.append(_job(line))
    elif kind == "span":
        truth.spans.append(SpanTruth(line["printer"], PrinterState(line["state"]), *_bounds(line)))
    elif kind == "gap":
        truth.gaps.append(GapTruth(line["printer"], line["why"], *_bounds(line)))
    elif kind == "calendar":
        truth.calendars.append(calendar_in(line))
    elif kind == "maintenance":
        truth.maintenance.append(maintenance_in(line))
    elif kind == "verdict":
        truth.verdicts.append(verdict_in(line))
    else:
        raise ValueError(f"unknown kind {kind!r}")
