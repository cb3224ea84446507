"""How a printer stands now."""

import msgspec

from farm.model.clash import PublisherClash
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.states import PrinterState


class PrinterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a printer stands: `known_until_ms` is when its collector last booked, `clash` the last time
    when two publishers were seen under one of its addresses, `progress_ms` when its progress moved last,
    `done_ms` when its print is done by its source's own account of what remains. `reason` tells states
    apart that are one to the account, as who paused a print.
    """

    printer: Printer
    state: PrinterState
    since_ms: int
    source: str
    heard_ms: int
    known_until_ms: int
    live: Telemetry
    job: Job | None
    clash: PublisherClash | None = None
    progress_ms: int | None = None
    done_ms: int | None = None
    reason: str | None = None
