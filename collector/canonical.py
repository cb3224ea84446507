"""The retained topics that say, in our own words, how each printer and its job stand."""

import msgspec

from collector.printers.tracked import TrackedPrinter
from collector.tracker import open_span, overlaid
from farm.model.job_record import job_record
from farm.model.times import rfc3339

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


def topics(site: str, printer: TrackedPrinter) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Topic and payload of a printer's `state` and `job`."""
    base = f"layerline/v1/{site}/printers/{printer.name.translate(_IN_A_TOPIC)}"
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
