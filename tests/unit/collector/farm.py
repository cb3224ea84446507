"""A pipeline over a ledger in memory, fed by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.span import Span
from farm.model.states import PrinterState

T0 = 1_795_000_000_000
SECOND = 1_000


class Farm:
    """One printer behind one source; times are seconds since `T0`."""

    def __init__(self, ledger: Ledger, source: str, prefix: str) -> None:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        self.ledger = ledger
        self.pipeline = Pipeline(ledger, SourceTable([parse_source(source)]))
        self._prefix = prefix
        self._now = T0

    def hear(self, at: float, suffix: str, said: object, *, retained: bool = False) -> None:
        """A message `at` seconds, and a look at the clock every ten until then."""
        self.wait(at)
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.pipeline.take(f"{self._prefix}/{suffix}", payload, retained, self._now)

    def wait(self, until: float) -> None:
        """Nothing comes until then."""
        end = T0 + round(until * SECOND)
        while self._now < end:
            self._now = min(self._now + 10 * SECOND, end)
            self.pipeline.tick(self._now)

    def away(self, begin: float, end: float) -> None:
        """We are not there from `begin` to `end`, and the broker keeps nothing for us."""
        self.wait(begin)
        self._now = T0 + round(end * SECOND)
        self.pipeline.continuity_lost(T0 + round(begin * SECOND), self._now)

    @property
    def jobs(self) -> list[Job]:
        """All jobs, oldest first."""
        self.pipeline.commit(self._now)
        return list(reversed(self.ledger.jobs(JobFilter()).jobs))

    @property
    def job(self) -> Job:
        (job,) = self.jobs
        return job

    @property
    def state(self) -> PrinterState:
        self.pipeline.commit(self._now)
        (status,) = self.ledger.statuses()
        return status.state

    @property
    def spans(self) -> list[Span]:
        """The account so far; the last one may have no length yet."""
        self.pipeline.commit(self._now)
        return self.ledger.spans(T0, self._now + 1)

    def seconds(self, state: str) -> float:
        """How long the printer was in the state."""
        self.pipeline.commit(self._now)
        spans = self.ledger.spans(T0, self._now)
        return sum((span.to_ms or 0) - span.from_ms for span in spans if span.state == state) / SECOND


@contextmanager
def farm(source: str, prefix: str) -> Iterator[Farm]:
    with open_ledger("sqlite://") as ledger:
        yield Farm(ledger, source, prefix)
