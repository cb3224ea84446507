"""History as the ledger has it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from statistics import fmean
from typing import Any, Final

import msgspec

from farm.ledger.history_port import TelemetrySample
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger_reader import LedgerReader
from farm.ledger.verdict_store import VerdictStore
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.span import Span
from farm.model.states import Outcome
from farm.model.verdict import Verdict

WHOLE_FIGURES: Final = frozenset({"layer", "layers"})
"""Figures of which an interval keeps the last one, since a mean of theirs says nothing."""

_PAGE = 1_000


class LedgerHistory:
    """`HistoryReader` over the ledger."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    def telemetry(
        self, printer_id: str, from_ms: int, to_ms: int, every_ms: int | None = None
    ) -> list[TelemetrySample]:
        """As `HistoryReader.telemetry`."""
        rows = self._reader.telemetry(printer_id, from_ms, to_ms)
        samples = [TelemetrySample(row.at_ms, row.values) for row in rows]
        return samples if every_ms is None else list(_means(samples, every_ms))

    def states(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """As `HistoryReader.states`; after the collector's last booking the state is `unknown`."""
        return self._reader.spans(from_ms, to_ms, printer_ids)

    def ended_jobs(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Job]:
        """As `HistoryReader.ended_jobs`."""
        found: list[Job] = []
        wanted = JobFilter(
            printer_ids=printer_ids, since_ms=from_ms, until_ms=to_ms, outcomes=list(Outcome), limit=_PAGE
        )
        while True:
            page = self._reader.jobs(wanted)
            found += [job for job in page.jobs if job.ended_ms is not None]
            if page.next is None:
                return sorted(found, key=lambda job: (job.ended_ms or 0, job.id))
            wanted = msgspec.structs.replace(wanted, after=page.next)

    def verdicts(self, job_ids: Collection[str]) -> dict[str, Verdict]:
        """As `HistoryReader.verdicts`."""
        return VerdictStore(self._reader.engine).verdicts(job_ids)


def _means(samples: Iterable[TelemetrySample], every_ms: int) -> Iterator[TelemetrySample]:
    for start_ms, group in groupby(samples, lambda sample: sample.at_ms // every_ms * every_ms):
        said: dict[str, list[Any]] = {}
        for values in map(attrgetter("values"), group):
            for name, value in msgspec.to_builtins(values).items():
                said.setdefault(name, []).append(value)
        merged: dict[str, Any] = {
            name: values[-1] if name in WHOLE_FIGURES else fmean(values) for name, values in said.items()
        }
        yield TelemetrySample(start_ms, Telemetry(**merged))
