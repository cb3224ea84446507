"""A farm as it could be: some days of prints on printers with names, drawn from a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from farm.ledger.batch import Batch
from farm.ledger.records import IntakeFault, SessionRecord, TelemetryRow
from farm.model.alert import (
    Alert,
    AlertBatch,
    AlertState,
    Delivery,
    DeliveryState,
    NotificationReason,
    Severity,
)
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import Telemetry
from farm.model.printer import Address, Printer, printer_id, session_id
from farm.model.span import Span
from farm.model.states import ACTIVE_STATES, CancelledBy, Cause, Outcome, PrinterState, Provenance
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

NOW_MS = 1_795_340_467_250
"""2026-11-22T09:41:07.250Z"""

_FILES = (
    ("gearbox_cover_v4.gcode", "PETG", 1),
    ("hex_organizer_x4.gcode", "PLA", 4),
    ("drone_arm_left.gcode", "ABS", 2),
    ("planter_spiral_0.6.gcode", "PLA", 1),
    ("cable_clip_x24.gcode", "PETG", 24),
    ("enclosure_lid_rev7.gcode", "ASA", 1),
    ("lithophane_frame.gcode", "PLA", 2),
    ("bearing_jig_12mm.gcode", "PETG", 6),
    ("chess_set_white.gcode", "PLA", 16),
    ("spool_adapter.gcode", "PLA", 3),
)
_CAUSES = (
    (Cause.THERMAL, "Thermal runaway, heater 0"),
    (Cause.ADHESION, "Part came loose from the bed"),
    (Cause.FILAMENT, "Filament ran out and was not replaced"),
    (Cause.CONNECTION, "Serial connection lost"),
)
_FLEET = (
    ("Prusa", "MK4S", "Hall A", "octoprint"),
    ("Voron", "Voron 2.4", "Hall B", "moonraker"),
    ("Bay", "Ender 3 V3", "Rack C", "octoprint"),
    ("Forge", "XL", "Hall B", "native"),
)
PRESENT = (
    PrinterState.PRINTING,
    PrinterState.PRINTING,
    PrinterState.FINISHED,
    PrinterState.PRINTING,
    PrinterState.ERROR,
    PrinterState.PRINTING,
    PrinterState.PRINTING,
    PrinterState.PAUSED,
    PrinterState.IDLE,
    PrinterState.PRINTING,
    PrinterState.PREPARING,
    PrinterState.PRINTING,
    PrinterState.OFFLINE,
    PrinterState.PRINTING,
    PrinterState.FINISHED,
    PrinterState.PRINTING,
    PrinterState.MAINTENANCE,
    PrinterState.PRINTING,
    PrinterState.UNKNOWN,
    PrinterState.PRINTING,
    PrinterState.IDLE,
    PrinterState.PRINTING,
    PrinterState.PRINTING,
    PrinterState.PRINTING,
)
"""The states in which the printers stand at the end, in turns."""
STREAK_PLACE = 4
"""Which printer (from 0) has just failed three times in a row."""


@dataclass
class SampleFarm:
    """Everything to book, and the alerts that go with it."""

    batch: Batch
    alert_batch: AlertBatch
    printers: list[Printer] = field(default_factory=list)


class _Life:
    """The account of one printer as it goes on."""

    def __init__(self, chance: random.Random, printer: Printer, from_ms: int) -> None:
        self.chance = chance
        self.printer = printer
        self.at_ms = from_ms
        self.spans: list[Span] = []
        self.jobs: list[Job] = []

    def spend(self, state: PrinterState, length_ms: int) -> None:
        """Time in a state; time in the same state is one span."""
        end_ms = self.at_ms + length_ms
        if self.spans and self.spans[-1].state is state:
            self.spans[-1] = Span(self.printer.id, state, self.spans[-1].from_ms, end_ms)
        else:
            self.spans.append(Span(self.printer.id, state, self.at_ms, end_ms))
        self.at_ms = end_ms

    def stay(self, state: PrinterState, source: str = "observed") -> None:
        """The state that lasts."""
        self.spans.append(Span(self.printer.id, state, self.at_ms, None, source))

    def print_one(self, outcome: Outcome, printing_ms: int, cause: int | None = None) -> None:
        """A whole attempt with its heat-up."""
        job = self.begin()
        warm_ms = self.chance.randint(3, 9) * MINUTE_MS
        self.spend(PrinterState.PREPARING, warm_ms)
        self.spend(PrinterState.PRINTING, printing_ms)
        why, detail = _CAUSES[cause if cause is not None else self.chance.randrange(len(_CAUSES))]
        self.jobs.append(
            _ended(job, outcome, self.at_ms, warm_ms, printing_ms, why, detail, self.chance.uniform(0.1, 0.9))
        )

    def begin(self) -> Job:
        """A job that starts now."""
        file, material, units = self.chance.choice(_FILES)
        return Job(
            id=job_id(self.printer.id, str(self.at_ms)),
            printer_id=self.printer.id,
            file=file,
            started_ms=self.at_ms,
            material=material,
            units=units,
            operator=self.chance.choice(("Ana", "Jonas", "Mei", None)),
        )


def _ended(
    job: Job,
    outcome: Outcome,
    at_ms: int,
    warm_ms: int,
    printing_ms: int,
    cause: Cause,
    detail: str,
    progress: float,
) -> Job:
    failed = outcome is Outcome.FAILED
    return Job(
        id=job.id,
        printer_id=job.printer_id,
        file=job.file,
        started_ms=job.started_ms,
        ended_ms=at_ms,
        outcome=outcome,
        provenance=Provenance.INFERRED if outcome is Outcome.UNKNOWN else Provenance.OBSERVED,
        cancelled_by=CancelledBy.PERSON if outcome is Outcome.CANCELLED else None,
        cause=cause if failed else None,
        detail=detail if failed else None,
        printing_ms=printing_ms,
        preparing_ms=warm_ms,
        measured=True,
        progress=1.0 if outcome is Outcome.SUCCEEDED else progress,
        filament_mm=printing_ms / 1_000,
        material=job.material,
        operator=job.operator,
        units=job.units,
    )


def sample_farm(count: int = 24, now_ms: int = NOW_MS, days: float = 8, seed: int = 7) -> SampleFarm:
    """`count` printers with `days` of history that ends at `now_ms`."""
    batch = Batch(booked_until_ms=now_ms)
    printers = [_printer(place, now_ms - round(days * DAY_MS)) for place in range(count)]
    for place, printer in enumerate(printers):
        chance = random.Random(f"{seed}-{place}")
        life = _Life(chance, printer, printer.first_seen_ms)
        present = PRESENT[place % len(PRESENT)]
        streak = place == STREAK_PLACE
        _work_until(life, now_ms - (150 if streak else chance.randint(40, 300)) * MINUTE_MS)
        open_job = _end_in(life, present, now_ms, streak=streak)
        _book(batch, life, open_job, present, now_ms)
    batch.faults = [
        IntakeFault(
            source="octoprint=farm/{printer}/octoprint",
            reason="not_json",
            count=3,
            last_ms=now_ms - 2 * HOUR_MS,
            sample="farm/bay-3/octoprint/event/PrintDone",
        )
    ]
    return SampleFarm(batch, _streak_alert(batch, printers, now_ms), printers)


def _printer(place: int, first_seen_ms: int) -> Printer:
    kind, model, group, adapter = _FLEET[place % len(_FLEET)]
    name = f"{kind} {place // len(_FLEET) + 1:02d}"
    address = Address("main", adapter, f"farm/{name}")
    return Printer(
        id=printer_id("main", address),
        site="main",
        name=name,
        group=group,
        model=model,
        adapter=adapter,
        first_seen_ms=first_seen_ms,
    )


def _work_until(life: _Life, end_ms: int) -> None:
    while True:
        printing_ms = round(life.chance.lognormvariate(0.9, 0.6) * HOUR_MS)
        if life.at_ms + printing_ms + 2 * HOUR_MS > end_ms:
            break
        draw = life.chance.random()
        if draw < 0.90:
            life.print_one(Outcome.SUCCEEDED, printing_ms)
            life.spend(PrinterState.FINISHED, life.chance.randint(4, 70) * MINUTE_MS)
        elif draw < 0.95:
            life.print_one(Outcome.FAILED, printing_ms // 3)
            life.spend(PrinterState.ERROR, life.chance.randint(5, 40) * MINUTE_MS)
        elif draw < 0.99:
            life.print_one(Outcome.CANCELLED, printing_ms // 4)
        else:
            life.print_one(Outcome.UNKNOWN, printing_ms)
            life.spend(PrinterState.UNKNOWN, 20 * MINUTE_MS)
        life.spend(PrinterState.IDLE, life.chance.randint(2, 45) * MINUTE_MS)
    life.spend(PrinterState.IDLE, max(0, end_ms - life.at_ms))


def _end_in(life: _Life, present: PrinterState, now_ms: int, *, streak: bool) -> Job | None:
    """Brings the printer into its present state; gives the job that is open in it."""
    left_ms = now_ms - life.at_ms
    if streak:
        for _ in range(3):
            life.print_one(Outcome.FAILED, 30 * MINUTE_MS, cause=0)
            life.spend(PrinterState.ERROR, 4 * MINUTE_MS)
    elif present in ACTIVE_STATES:
        if present is PrinterState.PREPARING:
            life.spend(PrinterState.IDLE, max(0, left_ms - 4 * MINUTE_MS))
        job = life.begin()
        if present is not PrinterState.PREPARING:
            life.spend(PrinterState.PREPARING, 6 * MINUTE_MS)
        if present is PrinterState.PAUSED:
            life.spend(PrinterState.PRINTING, left_ms // 2)
        life.stay(present)
        return job
    elif present is PrinterState.FINISHED:
        life.print_one(Outcome.SUCCEEDED, left_ms // 2)
    elif present is not PrinterState.IDLE:
        life.spend(PrinterState.IDLE, left_ms // 2)
    life.stay(
        present, {PrinterState.OFFLINE: "link", PrinterState.UNKNOWN: "silence"}.get(present, "observed")
    )
    return None


def _book(batch: Batch, life: _Life, open_job: Job | None, present: PrinterState, now_ms: int) -> None:
    printer, chance = life.printer, life.chance
    batch.printers.append(printer)
    batch.addresses.append((Address("main", printer.adapter, f"farm/{printer.name}"), printer.id))
    batch.spans.extend(life.spans)
    batch.jobs.extend(life.jobs)
    away = present in {PrinterState.OFFLINE, PrinterState.UNKNOWN}
    heard_ms = life.at_ms if away else now_ms - chance.randint(0, 3) * SECOND_MS
    live = _live(chance, present, now_ms - (open_job.started_ms or 0) if open_job is not None else 0)
    address = Address("main", printer.adapter, f"farm/{printer.name}")
    batch.sessions.append(
        SessionRecord(session_id(address), printer.id, heard_ms, live, b"{}", progress_ms=heard_ms)
    )
    if open_job is not None:
        batch.jobs.append(open_job)
    for minutes in range(60, 0, -5):
        batch.telemetry.append(TelemetryRow(printer.id, now_ms - minutes * MINUTE_MS, live))
    for job in life.jobs[-2:]:
        batch.feed.append(
            FeedEntry(
                kind=FeedKind.JOB_ENDED,
                at_ms=job.ended_ms or now_ms,
                printer_id=printer.id,
                job_id=job.id,
                body={"outcome": job.outcome},
            )
        )


def _live(chance: random.Random, present: PrinterState, elapsed_ms: int) -> Telemetry:
    if present not in ACTIVE_STATES:
        room = chance.uniform(21, 26)
        return Telemetry(nozzle=room, nozzle_target=0.0, bed=room - 0.4, bed_target=0.0)
    if present is PrinterState.PREPARING:
        return Telemetry(nozzle=132.4, nozzle_target=215.0, bed=51.7, bed_target=60.0, progress=0.0)
    nozzle, bed = chance.choice(((215.0, 60.0), (240.0, 80.0), (255.0, 100.0)))
    layers = chance.randint(120, 480)
    progress = elapsed_ms / (elapsed_ms + chance.uniform(0.1, 5) * HOUR_MS)
    return Telemetry(
        nozzle=nozzle + chance.uniform(-0.6, 0.6),
        nozzle_target=nozzle,
        bed=bed + chance.uniform(-0.3, 0.3),
        bed_target=bed,
        progress=progress,
        layer=round(layers * progress),
        layers=layers,
    )


def _streak_alert(batch: Batch, printers: Sequence[Printer], now_ms: int) -> AlertBatch:
    if len(printers) <= STREAK_PLACE:
        return AlertBatch(reader="sample", seen=None, seq=0)
    printer = printers[STREAK_PLACE]
    ended = [job for job in batch.jobs if job.printer_id == printer.id and job.outcome is not None]
    jobs = sorted(ended, key=lambda job: job.ended_ms or 0)[-3:]
    fired_ms = jobs[-1].ended_ms or now_ms
    alert = Alert(
        id="0f6b1a52-3f0e-5b0e-9a51-9f2f3a5a7c10",
        rule="failed_streak",
        subject=printer.id,
        printer_id=printer.id,
        state=AlertState.FIRING,
        severity=Severity.CRITICAL,
        fired_ms=fired_ms,
        notified_ms=fired_ms,
        title=f"{printer.name}: 3 failed prints in a row",
        summary=f"The last 3 prints on {printer.name} failed, each with cause thermal.",
        job_ids=tuple(job.id for job in jobs),
        count=1,
        facts={"streak": 3},
    )
    delivery = Delivery(
        id="6b1b0b0e-7d1a-5a11-8b0a-1c2d3e4f5a6b",
        alert_id=alert.id,
        receiver="slack",
        reason=NotificationReason.FIRED,
        state=DeliveryState.PENDING,
        notification={},
        created_ms=fired_ms,
        due_ms=fired_ms,
    )
    feed = FeedEntry(kind=FeedKind.ALERT_FIRED, at_ms=fired_ms, printer_id=printer.id, body={"id": alert.id})
    return AlertBatch(reader="sample", seen=None, seq=0, alerts=[alert], deliveries=[delivery], feed=[feed])
