"""Reading back what was: series for charts and exports, from the ledger or from InfluxDB."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.span import Span
from farm.model.verdict import Verdict


class TelemetrySample(msgspec.Struct, frozen=True):
    """Figures of one moment, or their means over the interval that begins there."""

    at_ms: int
    values: Telemetry


class HistoryReader(Protocol):
    """What charts and exports ask for. Kept by `LedgerHistory` and `InfluxHistory`, which
    agree on what both hold; the ledger keeps telemetry for some days only.
    """

    def telemetry(
        self, printer_id: str, from_ms: int, to_ms: int, every_ms: int | None = None
    ) -> list[TelemetrySample]:
        """A printer's telemetry in the window (half open), in order.

        With `every_ms` the means over intervals of that length, counted from 1970 on; an
        interval without a sample is left out, and whole numbers are the last ones said.
        """

    def states(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """The spans that touch the window, cut to it, by printer and start. The last of a
        printer reaches to the end of the window.
        """

    def ended_jobs(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Job]:
        """Jobs that ended in the window (half open), by end and id."""

    def verdicts(self, job_ids: Collection[str]) -> dict[str, Verdict]:
        """The verdicts that hold of the named jobs, by job; none where nobody has inspected it."""
