"""Which printers need somebody to go there, and what for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.model.states import ACTIVE_STATES, PrinterState
from farm.model.times import MINUTE_MS, parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.schemas import PrinterStatusRecord

LONG_MS = 15 * MINUTE_MS
"""A printer without a job whose state is unknown for so long should be looked after."""


@dataclass(frozen=True)
class Attention:
    """A printer that needs hands: how urgently (0 most), and what there is to do."""

    urgency: int
    printer: "PrinterStatusRecord"
    task: str


def needing_hands(printers: "Iterable[PrinterStatusRecord]", now_ms: int) -> list[Attention]:
    """The printers that need hands, most urgent first, then the longest waiting."""
    tasks = ((printer, _task(printer, now_ms)) for printer in printers)
    found = [Attention(task[0], printer, task[1]) for printer, task in tasks if task is not None]
    return sorted(found, key=lambda each: (each.urgency, each.printer.since, each.printer.name))


def _task(printer: "PrinterStatusRecord", now_ms: int) -> tuple[int, str] | None:
    """How urgent it is, and what to do; None where nothing is."""
    has_job = printer.job is not None
    match printer.state:
        case PrinterState.ERROR:
            return 0, "look after the printer"
        case PrinterState.OFFLINE if has_job:
            return 1, "lost in mid-print: check power and network"
        case PrinterState.PAUSED:
            return 2, "waits to be resumed"
        case PrinterState.UNKNOWN if has_job:
            return 3, "not heard of in mid-print: check the connection"
        case PrinterState.FINISHED:
            return 4, "clear the bed"
        case PrinterState.UNKNOWN if now_ms - parse_rfc3339(printer.since) > LONG_MS:
            return 6, "state unknown: check the connection"
        case state if has_job and state not in ACTIVE_STATES:
            return 5, "its job hangs: `layerline job close` ends it"
        case _:
            return None
