"""History over the ledger, and over InfluxDB for what the ledger keeps no more."""

from collections.abc import Callable, Collection, Sequence

from farm.influx.client import InfluxServer
from farm.influx.history import InfluxHistory
from farm.influx.settings import InfluxSettings
from farm.ledger.history_port import HistoryReader, TelemetrySample
from farm.model.job import Job
from farm.model.span import Span
from farm.model.verdict import Verdict


class LongHistory:
    """`HistoryReader` that asks the ledger wherever it can, since the ledger is never behind.

    Telemetry older than `kept_ms` before the present comes from InfluxDB; only then can
    `telemetry` raise InfluxError. Jobs and states the ledger keeps for good.
    """

    def __init__(
        self, ledger: HistoryReader, settings: InfluxSettings, kept_ms: int, now_ms: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._kept_ms = kept_ms
        self._now_ms = now_ms

    def telemetry(
        self, printer_id: str, from_ms: int, to_ms: int, every_ms: int | None = None
    ) -> list[TelemetrySample]:
        """As `HistoryReader.telemetry`."""
        step = every_ms or 1
        kept_from_ms = -(-(self._now_ms() - self._kept_ms) // step) * step
        border_ms = min(max(from_ms, kept_from_ms), to_ms)
        found: list[TelemetrySample] = []
        if from_ms < border_ms:
            # A connection for each question: they are rare, and any thread may ask.
            with InfluxServer(self._settings) as server:
                found += InfluxHistory(server).telemetry(printer_id, from_ms, border_ms, every_ms)
        if border_ms < to_ms:
            found += self._ledger.telemetry(printer_id, border_ms, to_ms, every_ms)
        return found

    def states(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """As `HistoryReader.states`."""
        return self._ledger.states(from_ms, to_ms, printer_ids)

    def ended_jobs(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Job]:
        """As `HistoryReader.ended_jobs`."""
        return self._ledger.ended_jobs(from_ms, to_ms, printer_ids)

    def verdicts(self, job_ids: Collection[str]) -> dict[str, Verdict]:
        """As `HistoryReader.verdicts`."""
        return self._ledger.verdicts(job_ids)
