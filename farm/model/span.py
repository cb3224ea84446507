"""The account of a printer's time: spans without holes or overlaps."""

import msgspec

from farm.model.states import PrinterState


class Span(msgspec.Struct, frozen=True):
    """One printer in one state from `from_ms` until `to_ms` (milliseconds, half open).

    `to_ms` is None while the state lasts. `source` says what the state rests on:
    `observed`, `silence`, `absence` (nobody listened), `link` (the connection was lost), `queue` (the
    state changed meanwhile, at a moment that is not told more exactly), `person` or `calendar`. `reason`
    tells states apart that are one to the account, such as `engineering` within maintenance.
    """

    printer_id: str
    state: PrinterState
    from_ms: int
    to_ms: int | None
    source: str = "observed"
    reason: str | None = None
