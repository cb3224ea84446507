"""A whole run: good printers' streams with hostile messages among them, against the same without.

What good printers said must come out to the row as it does undisturbed: jobs, spans, evidence,
telemetry. Hostile messages come from other printers, from nowhere, and on the good printers' own
topics where they cannot be read, which cannot change the truth.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import select

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger import schema
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.bounds import fitted
from farm.model.job import Job
from farm.model.limits import DETAIL, DURATION_MS, FILE, INSTANT_MS, MATERIAL, OPERATOR, UNITS
from farm.model.times import SECOND_MS
from tests.fuzz.corpus import GOOD, SOURCES, GoodMessage, good_stream, recorded
from tests.fuzz.mutation import HostileMessage, Mutator

COMMIT_MESSAGES = 1_000
RESTART_MESSAGES = 50_000
"""After so many messages a new pipeline takes over from the ledger."""
GOOD_SHARE = 0.25
_UNREADABLE_SHARE = 0.1
_TABLES = (schema.job, schema.span, schema.evidence, schema.telemetry)
_OF_THE_RUN = frozenset({"id"})
"""The ids of telemetry count all printers' samples."""

Books = dict[str, list[tuple[Any, ...]]]


class Wrong(Exception):
    """What the run found: an exception of a message, a lost or changed row of a good printer."""


class Report(NamedTuple):
    """What a run came to; rates are messages a second, of the whole run and of the pipeline alone."""

    messages: int
    good: int
    jobs: int
    dropped: Counter[str]
    seconds: float
    pipeline_seconds: float


class Fuzz:
    """One run over one ledger, which must be empty."""

    def __init__(
        self,
        ledger: Ledger,
        messages: int,
        seed: int,
        on_message: Callable[[int], None] = lambda _done: None,
    ) -> None:
        self._ledger = ledger
        self._chance = Random(seed + 1)
        self._mutator = Mutator(seed)
        self._wanted = messages
        self._copies = max(1, round(messages * GOOD_SHARE / len(recorded())))
        self._good = list(good_stream(self._copies))[: max(1, round(messages * GOOD_SHARE))]
        self._on_message = on_message
        self._done = 0
        self._taken_seconds = 0.0

    def run(self) -> Report:
        """Feed everything. Raises Wrong for the first thing that is."""
        started = time.perf_counter()
        with open_ledger("sqlite://") as quiet:
            right = self._feed(quiet, self._undisturbed())
        found = self._feed(self._ledger, self._disturbed(), restarts=True)
        _compare(right, found)
        jobs = self._ledger.jobs(JobFilter(limit=10_000_000)).jobs
        for job in jobs:
            _check(job)
        dropped = self._dropped()
        seconds = time.perf_counter() - started
        return Report(self._done, len(self._good), len(jobs), dropped, seconds, self._taken_seconds)

    def _dropped(self) -> Counter[str]:
        """How many messages were passed over, by reason. Raises Wrong for one that met an exception."""
        for rejected in self._ledger.rejected_messages(1):
            shown = f"{rejected.payload[:300]!r} ({rejected.size} bytes)"
            raise Wrong(f"{rejected.reason} of {rejected.topic[:200]!r}: {rejected.detail}; {shown}")
        dropped: Counter[str] = Counter()
        for fault in self._ledger.faults():
            dropped[fault.reason] += fault.count
        return dropped

    def _undisturbed(self) -> Iterator[tuple[GoodMessage, list[HostileMessage]]]:
        for message in self._good:
            yield message, []

    def _disturbed(self) -> Iterator[tuple[GoodMessage, list[HostileMessage]]]:
        """Each good message with the hostile ones that come before it, at the same instant."""
        to_make, left = self._wanted - len(self._good), len(self._good)
        for message in self._good:
            share = to_make / left
            count = to_make if left == 1 else min(to_make, int(self._chance.random() * 2 * share + 0.5))
            yield message, [self._hostile(message) for _ in range(count)]
            to_make, left = to_make - count, left - 1

    def _hostile(self, beside: GoodMessage) -> HostileMessage:
        if self._chance.random() < _UNREADABLE_SHARE:
            return HostileMessage(beside.topic, self._mutator.unreadable(beside.payload), False)
        return self._mutator.message(beside.received_ms)

    def _feed(
        self,
        ledger: Ledger,
        stream: Iterator[tuple[GoodMessage, list[HostileMessage]]],
        *,
        restarts: bool = False,
    ) -> Books:
        ledger.claim("fuzz", "fuzz", simulated=True, now_ms=0)
        pipeline, since_commit, since_restart, ticked_ms, now_ms = _pipeline(ledger), 0, 0, 0, 0
        for message, hostile in stream:
            now_ms = message.received_ms
            started = time.perf_counter()
            if now_ms - ticked_ms >= SECOND_MS:
                ticked_ms = now_ms
                pipeline.tick(now_ms)
            for each in hostile:
                self._take(pipeline, each.topic, each.payload, each.retained, now_ms)
            self._take(pipeline, message.topic, message.payload, message.retained, now_ms)
            since_commit += len(hostile) + 1
            since_restart += len(hostile) + 1
            if since_commit >= COMMIT_MESSAGES:
                pipeline.commit(now_ms)
                since_commit = 0
                if restarts and since_restart >= RESTART_MESSAGES:
                    pipeline, since_restart = _pipeline(ledger), 0
            if restarts:
                self._taken_seconds += time.perf_counter() - started
                self._done += len(hostile) + 1
                self._on_message(len(hostile) + 1)
        pipeline.tick(now_ms)
        pipeline.commit(now_ms)
        _pipeline(ledger)
        return _books(ledger)

    def _take(self, pipeline: Pipeline, topic: str, payload: bytes, retained: bool, now_ms: int) -> None:
        try:
            pipeline.take(topic, payload, retained, now_ms)
        except Exception as error:
            shown = f"{payload[:300]!r} ({len(payload)} bytes)"
            raise Wrong(
                f"message {self._done} on {topic[:200]!r}: {type(error).__name__}: {error}; {shown}"
            ) from error


def _pipeline(ledger: Ledger) -> Pipeline:
    return Pipeline(ledger, SourceTable([parse_source(source) for source in SOURCES]))


def _books(ledger: Ledger) -> Books:
    """Every row of the good printers, without what other printers bear on."""
    found: Books = {}
    with ledger.engine.connect() as connection:
        printer, address = schema.printer.c, schema.printer_address.c
        good = select(address.printer_id).where(address.prefix.startswith(f"{GOOD}/"))
        found["printer"] = [
            tuple(row)
            for row in connection.execute(
                select(printer.id, printer.name, printer.first_seen_ms)
                .where(printer.id.in_(good))
                .order_by(printer.id)
            )
        ]
        for table in _TABLES:
            columns = [column for column in table.c if table is schema.job or column.name not in _OF_THE_RUN]
            rows = connection.execute(select(*columns).where(table.c.printer_id.in_(good)))
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def _compare(right: Books, found: Books) -> None:
    """Raise Wrong for the first row that the hostile messages took away, added or changed."""
    for table, rows in right.items():
        if rows == found[table]:
            continue
        lost = [row for row in rows if row not in set(found[table])]
        added = [row for row in found[table] if row not in set(rows)]
        first = f"lost {lost[0]}" if lost else f"added {added[0]}"
        raise Wrong(f"{table}: {len(lost)} rows lost, {len(added)} added; the first: {first}"[:2_000])


def _check(job: Job) -> None:
    """Raise Wrong for a job that cannot have been."""
    instants = [at for at in (job.started_ms, job.ended_ms) if at is not None]
    if not all(INSTANT_MS.holds(at) for at in instants) or sorted(instants) != instants:
        raise Wrong(f"job {job.id} has impossible times: {job}")
    if not DURATION_MS.holds(job.printing_ms) or not UNITS.holds(job.units):
        raise Wrong(f"job {job.id} has impossible figures: {job}")
    texts = (job.file, FILE), (job.material, MATERIAL), (job.operator, OPERATOR), (job.detail, DETAIL)
    if any(text is not None and text != fitted(text, limit) for text, limit in texts):
        raise Wrong(f"job {job.id} has a text that not every database keeps: {job}")
