"""The retained topics that say, in our own words, how each printer and its job stand."""

import msgspec

from collector.desk import Desk
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


def topics(site: str, desk: Desk) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Topic and payload of a printer's `state` and `job`."""
    base = f"layerline/v1/{site}/printers/{desk.printer.name.replace('/', '-')}"
    track = desk.track
    state = {
        "v": VERSION,
        "printer_id": desk.printer.id,
        "printer": desk.printer.name,
        "state": track.state.value,
        "since": rfc3339(track.since_ms),
        "source": track.source,
    }
    job = track.attempt.job if track.attempt is not None else track.last_job
    told = None if job is None else job_record(job, desk.printer.name, fields=JOB_FIELDS)
    return (
        (f"{base}/state", msgspec.json.encode(state)),
        (f"{base}/job", msgspec.json.encode({"v": VERSION, "job": told})),
    )
