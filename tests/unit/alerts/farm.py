"""A farm in a real ledger, whose prints end as the test says."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alerts.evaluator import Evaluator
from alerts.settings import AlertSettings
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.model.alert import Alert, AlertFilter, Delivery, DeliveryState
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.times import MINUTE_MS
from tests.unit.alerts.makings import OUTCOMES, PRINTER, START_MS, ended_job

SHARD = "layerline-shard-1"


class Farm:
    """Books prints as a collector does; `now_ms` is the wall clock, `STEP_MS` between two ends."""

    STEP_MS = 10 * MINUTE_MS

    def __init__(self, ledger: Ledger, *, simulated: bool = False) -> None:
        self.ledger = ledger
        self.store = AlertStore(ledger.engine)
        self.now_ms = START_MS
        self.jobs: dict[str, list[Job]] = {}
        self._open_spans: dict[str, Span] = {}
        ledger.claim(SHARD, "the test", simulated=simulated, now_ms=START_MS)

    def clock(self) -> int:
        return self.now_ms

    def printer(self, printer_id: str = PRINTER, name: str = "bay1", **more: Any) -> None:
        """Book the printer, or what changed about it."""
        kind = FeedKind.PRINTER_CHANGED if printer_id in self.jobs else FeedKind.PRINTER_APPEARED
        self.jobs.setdefault(printer_id, [])
        facts: dict[str, Any] = {"site": "main", "adapter": "native", "first_seen_ms": 0} | more
        printer = Printer(id=printer_id, name=name, **facts)
        entry = FeedEntry(kind=kind, at_ms=self.now_ms, printer_id=printer_id)
        self._commit(Batch(printers=[printer], feed=[entry]))

    def ends(self, letters: str, printer_id: str = PRINTER) -> None:
        """Prints end one after the other, oldest first, each `STEP_MS` after the one before."""
        if printer_id not in self.jobs:
            self.printer(printer_id, f"bay{len(self.jobs) + 1}")
        for letter in letters:
            self.now_ms += self.STEP_MS
            number = len(self.jobs[printer_id])
            job = ended_job(number, letter, printer=printer_id, ended_ms=self.now_ms)
            self.jobs[printer_id].append(job)
            self._tell(FeedKind.JOB_ENDED, [job])

    def revise(self, number: int, letter: str, printer_id: str = PRINTER) -> None:
        """The outcome of print `number` turns out to be another."""
        job = msgspec.structs.replace(self.jobs[printer_id][number], outcome=OUTCOMES[letter], revision=1)
        self.jobs[printer_id][number] = job
        self._tell(FeedKind.JOB_REVISED, [job])

    def withdraw(self, number: int, printer_id: str = PRINTER) -> None:
        """Print `number` turns out never to have been."""
        job = self.jobs[printer_id].pop(number)
        entry = FeedEntry(
            kind=FeedKind.JOB_REVISED, at_ms=self.now_ms, printer_id=printer_id, job_id=job.id,
            body={"withdrawn": True},
        )  # fmt: skip
        self._commit(Batch(withdrawn_jobs=[job.id], feed=[entry]))

    def stands(self, state: str, printer_id: str = PRINTER, source: str = "observed", **more: Any) -> None:
        """The printer goes into the state now."""
        if printer_id not in self.jobs:
            self.printer(printer_id, f"bay{len(self.jobs) + 1}")
        spans = [Span(printer_id, PrinterState(state), self.now_ms, None, source, **more)]
        if (open_span := self._open_spans.get(printer_id)) is not None:
            spans.insert(0, msgspec.structs.replace(open_span, to_ms=self.now_ms))
        self._open_spans[printer_id] = spans[-1]
        entry = FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=self.now_ms, printer_id=printer_id)
        self._commit(Batch(spans=spans, feed=[entry]))

    def runs_on(self, length_ms: int) -> None:
        """Time passes, and the collector books that it does."""
        self.now_ms += length_ms
        self._commit(Batch())

    def pass_time(self, length_ms: int) -> None:
        self.now_ms += length_ms

    def evaluator(self, settings: AlertSettings, **more: Any) -> Evaluator:
        return Evaluator(self.ledger, self.store, settings, self.clock, **more)

    def alerts(self) -> list[Alert]:
        """Every alert, oldest first."""
        return self.store.alerts(AlertFilter(limit=1000)).alerts[::-1]

    def deliveries(self) -> list[Delivery]:
        """Every delivery, oldest first."""
        return self.store.deliveries([alert.id for alert in self.alerts()])

    def told(self) -> list[str]:
        """What is or was to be sent, in order: `reason receiver`, (suppressed) or [silenced]."""
        forms = {DeliveryState.SUPPRESSED: "({})", DeliveryState.SILENCED: "[{}]"}
        return [
            forms.get(each.state, "{}").format(f"{each.reason} {each.receiver}") for each in self.deliveries()
        ]

    def feed_kinds(self) -> list[str]:
        """The kinds of the alert entries in the feed."""
        return [entry.kind.value for entry in self.ledger.feed(0, 10_000) if entry.kind.startswith("alert.")]

    def entries(self, kind: str) -> list[FeedEntry]:
        """The entries of that kind in the feed."""
        return [entry for entry in self.ledger.feed(0, 10_000) if entry.kind == kind]

    def _tell(self, kind: FeedKind, jobs: Sequence[Job]) -> None:
        feed = [
            FeedEntry(kind=kind, at_ms=job.ended_ms or 0, printer_id=job.printer_id, job_id=job.id)
            for job in jobs
        ]
        self._commit(Batch(jobs=list(jobs), feed=feed))

    def _commit(self, batch: Batch) -> None:
        batch.booked_until_ms = self.now_ms
        self.ledger.commit(batch)


def open_streak(jobs: Sequence[Job]) -> int:
    """How many prints have failed since the last success, of jobs oldest first."""
    count = 0
    for job in jobs:
        if job.outcome is Outcome.SUCCEEDED:
            count = 0
        elif job.outcome is Outcome.FAILED:
            count += 1
    return count
