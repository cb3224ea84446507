"""The retained topics that say, in our own words, how each printer and its job stand."""

import msgspec

from collector.printers.tracked import TrackedPrinter
from collector.tracker import open_span, overlaid
from farm.model.job_record import job_record
from farm.model.times import rfc3339
from farm.model.writable import UNWRITABLE

VERSION = 1
JOB_FIELDS = (
    "id",
    "file",
    "outcome",
    "cancelled_by",
    "cause",
    "detail",
    "started_at",
    "ended_at",
    "printing_seconds",
    "paused_seconds",
    "progress",
    "revision",
)
"""What version 1 tells of a job."""
_IN_A_TOPIC = str.maketrans("/+#", "---")
"""What would part a name into levels, or may not stand in a topic that is published to."""


def publications(site: str, printer: TrackedPrinter) -> list[tuple[str, bytes]]:
    """Topic and payload of everything that is to be published, retained, of a printer that changed.

    What stands under a former name, or of a printer that counts no more, is taken away by an
    empty payload.
    """
    gone, printer.former_names = printer.former_names, []
    if not printer.is_taken_in:
        gone = [*gone, printer.name]
    found = [(f"{_base(site, name)}/{about}", b"") for name in gone for about in ("state", "job")]
    if printer.is_taken_in:
        found += topics(site, printer)
    return found


def _base(site: str, name: str) -> str:
    """An older release booked names that a broker cuts us off for."""
    return f"layerline/v1/{site}/printers/{UNWRITABLE.sub('-', name.translate(_IN_A_TOPIC))}"


def topics(site: str, printer: TrackedPrinter) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Topic and payload of a printer's `state` and `job`."""
    base = _base(site, printer.name)
    tracker = printer.tracker
    span = open_span(tracker)
    state = {
        "v": VERSION,
        "printer_id": printer.id,
        "printer": printer.name,
        "state": span.state.value,
        "since": rfc3339(span.from_ms),
        "source": span.source,
    }
    job = tracker.attempt.job if tracker.attempt is not None else tracker.last_job
    told = None if job is None else job_record(overlaid(job, tracker.words), printer.name, fields=JOB_FIELDS)
    return (
        (f"{base}/state", msgspec.json.encode(state)),
        (f"{base}/job", msgspec.json.encode({"v": VERSION, "job": told})),
    )
