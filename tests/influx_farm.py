"""A small farm booked into a ledger the way the collector books it, for the tests of the outbox."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from farm.influx.sender import Sender
from farm.influx.status import OutboxStatus
from farm.kpi.figure import KpiFigure
from farm.kpi.indicator import Unit
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.records import JobAlias, TelemetryRow
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import Telemetry
from farm.model.printer import Address, Printer, printer_id
from farm.model.span import Span
from farm.model.states import Cause, Outcome, PrinterState, Provenance
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS

START = 1_795_000_000_000
"""Where the farm's time begins, in milliseconds since 1970."""


class BookedFarm:
    """Books printers, states, jobs, telemetry and alerts, each with its entry in the feed."""

    def __init__(self, ledger: Ledger, printers: int = 3, start_ms: int = START) -> None:
        self.ledger = ledger
        self.now_ms = self.start_ms = start_ms
        ledger.claim("layerline-tests", "tests", simulated=False, now_ms=start_ms)
        self.printers = [self._printer(number) for number in range(printers)]
        self._states: dict[str, tuple[PrinterState, int]] = {}
        self.book(
            printers=self.printers,
            addresses=[(self._address(number), each.id) for number, each in enumerate(self.printers)],
            spans=[Span(each.id, PrinterState.UNKNOWN, start_ms, None, "silence") for each in self.printers],
            feed=[
                FeedEntry(kind=FeedKind.PRINTER_APPEARED, at_ms=start_ms, printer_id=each.id)
                for each in self.printers
            ],
        )
        self._states = {each.id: (PrinterState.UNKNOWN, start_ms) for each in self.printers}

    def add_printer(self) -> Printer:
        """One printer more."""
        added = self._printer(len(self.printers))
        self.printers.append(added)
        self._states[added.id] = (PrinterState.UNKNOWN, self.now_ms)
        entry = FeedEntry(kind=FeedKind.PRINTER_APPEARED, at_ms=self.now_ms, printer_id=added.id)
        self.book(printers=[added], feed=[entry])
        return added

    def book(self, **parts: Any) -> None:
        """Commit a batch of the given parts, as of the farm's present."""
        self.ledger.commit(Batch(booked_until_ms=self.now_ms, **parts))

    def state(self, printer: Printer, state: PrinterState, at_ms: int) -> None:
        """The printer enters a state."""
        before, since_ms = self._states[printer.id]
        self._states[printer.id] = (state, at_ms)
        self.now_ms = max(self.now_ms, at_ms)
        body = {"state": state.value, "before": before.value, "source": _source(state)}
        self.book(
            spans=[
                Span(printer.id, before, since_ms, at_ms, _source(before)),
                Span(printer.id, state, at_ms, None, _source(state)),
            ],
            feed=[
                FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=at_ms, printer_id=printer.id, body=body),
            ],
        )

    def job(self, printer: Printer, started_ms: int, ended_ms: int, outcome: Outcome, **more: Any) -> Job:
        """A whole attempt, with the states it passed through."""
        self.state(printer, PrinterState.PRINTING, started_ms)
        begun = Job(
            id=job_id(printer.id, str(started_ms)),
            printer_id=printer.id,
            file='gear, "left" = 2\\3.gcode',
            started_ms=started_ms,
            material="PETG",
        )
        self.tell_job(FeedKind.JOB_STARTED, begun, started_ms)
        failed = outcome is Outcome.FAILED
        ended = msgspec.structs.replace(
            begun,
            ended_ms=ended_ms,
            outcome=outcome,
            provenance=Provenance.OBSERVED,
            cause=Cause.THERMAL if failed else None,
            detail="heater bed not heating\nat expected rate" if failed else None,
            printing_ms=ended_ms - started_ms,
            progress=1.0 if outcome is Outcome.SUCCEEDED else 0.4,
            filament_mm=1234.5,
            **more,
        )
        self.state(printer, PrinterState.ERROR if failed else PrinterState.IDLE, ended_ms)
        self.tell_job(
            FeedKind.JOB_ENDED,
            ended,
            ended_ms,
            aliases=[JobAlias(printer.id, "history", str(started_ms), ended.id)],
        )
        return ended

    def tell_job(self, kind: FeedKind, job: Job, at_ms: int, **parts: Any) -> None:
        """Book the job's row with an entry that tells it whole."""
        body = msgspec.to_builtins(job)
        entry = FeedEntry(kind=kind, at_ms=at_ms, printer_id=job.printer_id, job_id=job.id, body=body)
        self.book(jobs=[job], feed=[entry], **parts)

    def replay(
        self,
        printer: Printer,
        from_ms: int,
        states: Sequence[tuple[PrinterState, int]],
        withdrawn: Sequence[Job] = (),
    ) -> None:
        """Late evidence: from an instant on the printer was in other states, and jobs never were."""
        ends = [at_ms for _, at_ms in states[1:]]
        self.book(
            cuts=[(printer.id, from_ms)],
            spans=[
                Span(printer.id, state, at_ms, end)
                for (state, at_ms), end in zip(states, [*ends, None], strict=True)
            ],
            withdrawn_jobs=[job.id for job in withdrawn],
            feed=[
                FeedEntry(
                    kind=FeedKind.SPANS_REVISED,
                    at_ms=from_ms,
                    printer_id=printer.id,
                    body={"from_ms": from_ms, "why": "late evidence"},
                )
            ],
        )

    def telemetry(self, samples: Sequence[TelemetryRow]) -> None:
        """Book samples."""
        self.book(telemetry=list(samples))

    def samples(self, count: int, *, from_ms: int = START) -> None:
        """That many samples of all printers in turn, a second apart, in commits of a thousand."""
        rows = [
            TelemetryRow(
                self.printers[number % len(self.printers)].id,
                from_ms + number * 1000,
                Telemetry(
                    nozzle=200 + number % 17 / 4, bed=60.0, progress=number % 100 / 100, layer=number % 300
                ),
            )
            for number in range(count)
        ]
        for start in range(0, count, 1000):
            self.telemetry(rows[start : start + 1000])

    def all_telemetry(self) -> dict[tuple[str, ...], Any]:
        """Every figure that the ledger holds, under the key of its value in InfluxDB."""
        rows = [
            row for each in self.printers for row in self.ledger.telemetry(each.id, 0, START + 400 * DAY_MS)
        ]
        return values_of(rows, self.printers)

    def alert(self, printer: Printer, at_ms: int) -> None:
        """An alert about the printer is fired."""
        body = {
            "alert_id": "a1", "rule": "streak", "subject": printer.id, "state": "firing",
            "severity": "critical", "title": "3 failed prints", "summary": "in a row", "told": True,
        }  # fmt: skip
        self.book(feed=[FeedEntry(kind=FeedKind.ALERT_FIRED, at_ms=at_ms, printer_id=printer.id, body=body)])

    def a_day(self) -> None:
        """Every printer prints, fails, is cancelled and rests; the first raises an alert."""
        outcomes = [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.UNKNOWN]
        for number, printer in enumerate(self.printers):
            at = self.start_ms + number * 7 * MINUTE_MS + 123
            for outcome in outcomes:
                self.job(printer, at, at + 3 * HOUR_MS, outcome, units=number + 1)
                at += 4 * HOUR_MS
        self.alert(self.printers[0], self.start_ms + 20 * HOUR_MS)

    @staticmethod
    def _address(number: int) -> Address:
        return Address("main", "moonraker", f"printer {number}")

    def _printer(self, number: int) -> Printer:
        return Printer(
            id=printer_id("main", self._address(number)),
            site="main",
            name=f'printer {number}, "{number}"',
            group="left" if number % 2 else None,
            model="MK4",
            adapter="moonraker",
            first_seen_ms=self.start_ms,
        )


def _source(state: PrinterState) -> str:
    return "silence" if state is PrinterState.UNKNOWN else "observed"


class HandedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = START) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def empty_outbox(sender: Sender, ledger: Ledger, clock: HandedClock, most_steps: int = 5_000) -> None:
    """Step until everything is at the server, letting the clock run through every pause."""
    status = OutboxStatus(ledger.engine)
    for _ in range(most_steps):
        clock.now_ms += max(1, round(sender.step() * 1000))
        queues = status.queues(clock.now_ms)
        if queues and not any(queue.entries for queue in queues):
            return
    raise AssertionError(f"still unsent: {status.queues(clock.now_ms)}")


def values_of(rows: Sequence[TelemetryRow], printers: Sequence[Printer]) -> dict[tuple[str, ...], Any]:
    """Every figure of the samples under the key that `InfluxForTests.points` gives it."""
    known = {printer.id: printer for printer in printers}
    held: dict[tuple[str, ...], Any] = {}
    for row in rows:
        printer = known[row.printer_id]
        tags = (f"adapter={printer.adapter}", f"printer={printer.id}", f"site={printer.site}")
        at_ns = str(row.at_ms * 1_000_000 + row.id)
        for name, value in msgspec.to_builtins(row.values).items():
            held[("telemetry", *tags, name, at_ns)] = value
    return held


def a_figure(
    kpi: str,
    scope: Scope,
    scope_id: str,
    *,
    label: str = "",
    window: str = "24h",
    unit: Unit = Unit.RATIO,
    value: float | None = None,
    counts: Mapping[str, int] | None = None,
    amounts: Mapping[str, float] | None = None,
) -> KpiFigure:
    """A figure about which nothing else is known; it is labelled with its id unless told otherwise."""
    return KpiFigure(
        id=kpi,
        scope=scope,
        scope_id=scope_id,
        label=label or scope_id,
        window=Window(window, START, START),
        unit=unit,
        value=value,
        low=None,
        high=None,
        interval=None,
        counts=dict(counts or {}),
        amounts=dict(amounts or {}),
        observed_share=None,
    )
