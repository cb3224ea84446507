"""The retained topics that say, in our own words, how each printer and its job stand."""

from typing import Any

import msgspec

from collector.desk import Desk
from farm.model.job import Job
from farm.model.times import rfc3339, rfc3339_or_none

VERSION = 1


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
    return (
        (f"{base}/state", msgspec.json.encode(state)),
        (f"{base}/job", msgspec.json.encode({"v": VERSION, "job": None if job is None else job_json(job)})),
    )


def job_json(job: Job) -> dict[str, Any]:
    """A job as integrators see it: times RFC 3339, durations in seconds."""
    return {
        "id": job.id,
        "file": job.file,
        "outcome": job.outcome,
        "cancelled_by": job.cancelled_by,
        "cause": job.cause,
        "detail": job.detail,
        "started_at": rfc3339_or_none(job.started_ms),
        "ended_at": rfc3339_or_none(job.ended_ms),
        "printing_seconds": job.printing_ms / 1000,
        "paused_seconds": job.paused_ms / 1000,
        "progress": job.progress,
        "revision": job.revision,
    }
