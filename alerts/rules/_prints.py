"""How the prints that a rule rests on are named and ordered."""

from alerts.wording import one_line
from farm.model.job import Job


def ended(job: Job) -> int:
    """When the job ended. Jobs come from the list of ended ones, where all have an end."""
    return job.ended_ms or 0


def named(job: Job) -> str:
    """The job by its file, on one line."""
    return one_line(job.file or "") or "a print whose file is not known"
