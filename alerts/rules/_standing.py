"""What the rules about a printer's standing say of the print that is under way."""

from typing import Any

from alerts.rules._prints import named
from farm.model.printer_status import PrinterStatus


def in_the_middle(status: PrinterStatus) -> str:
    """`, in the middle of cube.gcode (40 %)`; empty where no print is under way."""
    job = status.job
    if job is None:
        return ""
    percent = "" if job.progress is None else f" ({job.progress * 100:.0f} %)"
    return f", in the middle of {named(job)}{percent}"


def facts_of(status: PrinterStatus) -> dict[str, Any]:
    """The state, what it rests on, and the file under way, as figures of an alert."""
    facts: dict[str, Any] = {"state": status.state.value, "source": status.source}
    if status.job is not None:
        facts["file"] = status.job.file
    return facts
