"""How long a print takes by OctoPrint's own account: told once for each print.

It stands in the plugin's `printer_data`, which is off unless somebody turns it on, and in the event
that ends OctoPrint's analysis of a file, mostly long before the print.
"""

import msgspec

from collector.adapters._json import text
from collector.adapters._octoprint_events import AnalysedFile, PrinterData
from collector.adapters._octoprint_memory import OctoPrintMemory, is_present
from farm.model.limits import EXPECTED_MS
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.times import SECOND_MS

_KEPT = 16
"""So many files' estimates are kept."""


def keep_estimate(memory: OctoPrintMemory, said: AnalysedFile) -> None:
    """Keep what the analysis of a file gave for when it is printed."""
    path = text(said.path) or text(said.name)
    expected_ms = _milliseconds(None if said.result is None else said.result.estimatedPrintTime)
    if path is None or expected_ms is None:
        return
    others = tuple(each for each in memory.estimates if each[0] != path)
    memory.estimates = (*others, (path, expected_ms))[-_KEPT:]


def with_estimate(memory: OctoPrintMemory, found: Observation) -> Observation:
    """A start with the estimate that was kept for its file; anything else as it is."""
    if found.signal is not JobSignal.STARTED or found.job is None:
        return found
    expected_ms = _kept(memory, found.job.file)
    memory.estimated = None if expected_ms is None else found.job.file
    if expected_ms is None:
        return found
    return msgspec.structs.replace(found, job=msgspec.structs.replace(found.job, expected_ms=expected_ms))


def news_of_estimate(
    memory: OctoPrintMemory, path: str, said: PrinterData | None, at: int
) -> Observation | None:
    """The estimate of the print that a progress is of, where none was told yet.

    Of a progress from before an event that is known nothing is told: it may be of a print before.
    """
    if memory.estimated == path or not is_present(memory, at):
        return None
    expected_ms = _told(said) or _kept(memory, path)
    if expected_ms is None:
        return None
    memory.estimated = path
    return Observation(time_ms=at, level=True, job=JobReading(file=path, expected_ms=expected_ms))


def _told(said: PrinterData | None) -> int | None:
    return None if said is None or said.job is None else _milliseconds(said.job.estimatedPrintTime)


def _kept(memory: OctoPrintMemory, path: str | None) -> int | None:
    return next((expected_ms for file, expected_ms in memory.estimates if file == path), None)


def _milliseconds(seconds: float | None) -> int | None:
    if seconds is None or not EXPECTED_MS.holds(seconds * SECOND_MS):
        return None
    return round(seconds * SECOND_MS)
