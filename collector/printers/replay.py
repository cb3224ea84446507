"""Late evidence and corrected clocks: a printer is run again and every difference is a revision."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from collector.printers.evidence import EvidenceBody
from collector.printers.tracked import TrackedPrinter, decode_tracker, encode_tracker
from collector.sessions.session import PrinterSession
from collector.tracker import (
    LedgerChanges,
    Observed,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
    TrackerState,
    advance,
    first_sight,
    needs_settling,
    open_span,
)
from farm.ledger.batch import Batch
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, JobAlias, Revision, Snapshot
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job

LATE_ORDINAL = 1_000_000
"""From this ordinal on, stored evidence came late and waits to be put into its place."""

_body_decoder = msgspec.msgpack.Decoder(EvidenceBody)
_input_decoder = msgspec.msgpack.Decoder(TrackerInput)


class StoredInput(NamedTuple):
    """A stored input with what stands in its row."""

    evidence: Evidence
    body: EvidenceBody

    @property
    def waits(self) -> bool:
        """Whether it came late and is still to be put into its place."""
        return self.evidence.ordinal >= LATE_ORDINAL


def shifted_by(session: PrinterSession, offset_ms: int, since_ms: int) -> Callable[[StoredInput], int]:
    """The new place of stored inputs where the session's clock is known to be off by `offset_ms`.

    Only what was heard in the session, at `since_ms` or later, moves.
    """

    def shifted(known: StoredInput) -> int:
        body = known.body
        if body.source_ms is None or known.evidence.received_ms < since_ms or not body.is_of(session):
            return known.evidence.at_ms
        return body.source_ms + offset_ms

    return shifted


class Revised(NamedTuple):
    """Who revises what was written, why, and when."""

    who: str
    why: str
    at_ms: int


class Replayed(NamedTuple):
    """What is to be written, None when nothing changes; why a person's word could not be followed; and how
    many inputs were run.
    """

    batch: Batch | None
    answer: str | None = None
    rows: int = 0


class _Placed(NamedTuple):
    """An input in its place; `is_late` where it was put there just now."""

    at_ms: int
    row: Evidence
    given: TrackerInput
    is_late: bool

    @property
    def is_heard_late(self) -> bool:
        """Whether the printer turns out to have been heard at that moment."""
        if not self.is_late:
            return False
        if isinstance(self.given, Observed):
            return not self.given.observation.history
        return isinstance(self.given, SignOfLife)


class _Run(NamedTuple):
    tracker: TrackerState
    changes: LedgerChanges
    evidence: list[Evidence]
    snapshots: list[Snapshot]
    start: tuple[int, int]


def replay(
    ledger: CollectorLedger,
    printer: TrackedPrinter,
    at_ms: int | None,
    *,
    shifted: Callable[[StoredInput], int] | None = None,
    late: Sequence[Evidence] = (),
    revised: Revised,
) -> Replayed:
    """Run the printer again from the last snapshot before `at_ms` (None: from its first sight).

    `shifted` gives stored inputs a new place, `late` are further inputs. The printer is left
    with the new tracker, unless a person's word among `late` cannot be followed. What is late is
    passed over where the evidence of its time is no longer kept.
    """
    if at_ms is not None and printer.late_from_ms is not None:
        at_ms = min(at_ms, printer.late_from_ms)
    cut_ms = ledger.evidence_cut(printer.id)
    if cut_ms is not None:
        kept = [row for row in late if row.at_ms > cut_ms]
        if late and not kept:
            return Replayed(None)
        late, at_ms = kept, max(at_ms or 0, cut_ms + 1)
    start, tracker = _beginning(ledger, printer, at_ms)
    found = [
        StoredInput(row, _body_decoder.decode(row.body)) for row in ledger.evidence_from(printer.id, *start)
    ]
    stored = [known for known in found if not known.waits]
    came_late = [known for known in found if known.waits]
    came_late += [StoredInput(row, _body_decoder.decode(row.body)) for row in late]
    new = _not_told_yet(stored, came_late)
    if came_late and not new and shifted is None:
        return Replayed(_without_repeated(printer, start, stored, found), rows=len(found))
    placed = _in_order(stored, new, shifted)
    if start[1] < 0 and shifted is not None and placed and placed[0].at_ms < printer.row.first_seen_ms:
        # The printer was first met in a backlog: its first sight moves with its clock.
        first_ms = placed[0].at_ms
        printer.row = msgspec.structs.replace(printer.row, first_seen_ms=first_ms)
        start, tracker = (first_ms, -1), first_sight(printer.id, first_ms)[0]
    run = _run(_Run(tracker, LedgerChanges.empty(), [], [], start), placed, printer)
    if run.changes.answer is not None:
        return Replayed(None, run.changes.answer)
    return Replayed(_difference(ledger, printer, tracker, run, revised), rows=len(placed))


def _without_repeated(
    printer: TrackedPrinter, start: tuple[int, int], stored: list[StoredInput], found: list[StoredInput]
) -> Batch | None:
    """Takes late inputs out of the evidence that only repeat what stands there; None where none wait."""
    printer.nothing_waits()
    if len(stored) == len(found):
        return None
    return Batch(
        evidence_cuts=[(printer.id, *start)],
        evidence=[known.evidence for known in stored],
        checkpoints=[printer.checkpoint()],
    )


def _beginning(
    ledger: CollectorLedger, printer: TrackedPrinter, at_ms: int | None
) -> tuple[tuple[int, int], TrackerState]:
    """From where the printer is run again: the position of the evidence before, and the tracker there."""
    snapshot = None if at_ms is None else ledger.snapshot_before(printer.id, at_ms)
    if snapshot is not None:
        return (snapshot.at_ms, snapshot.ordinal), decode_tracker(snapshot.body)
    first_ms = printer.row.first_seen_ms
    return (first_ms, -1), first_sight(printer.id, first_ms)[0]


def _in_order(
    stored: list[StoredInput], late: list[StoredInput], shifted: Callable[[StoredInput], int] | None
) -> list[_Placed]:
    placed = []
    for is_late, inputs in ((False, stored), (True, late)):
        for known in inputs:
            moves = shifted is not None and (known.waits or not is_late)
            at_ms = shifted(known) if shifted is not None and moves else known.evidence.at_ms
            given = _input_decoder.decode(known.body.given)
            placed.append(_Placed(at_ms, known.evidence, given, is_late))
    # That nothing came, and no end, holds behind all that was told of that moment.
    placed.sort(key=lambda each: (each.at_ms, isinstance(each.given, Settled | Silence)))
    return placed


def _not_told_yet(stored: list[StoredInput], came_late: list[StoredInput]) -> list[StoredInput]:
    """The late inputs that say something which is not stored already, each once."""
    told: dict[int | None, list[StoredInput]] = {}
    for known in stored:
        told.setdefault(known.body.source_ms, []).append(known)
    new = []
    for late in came_late:
        alike = told.setdefault(late.body.source_ms, [])
        if not any(_says_the_same(known.body, late.body) for known in alike):
            alike.append(late)
            new.append(late)
    return new


def _says_the_same(known: EvidenceBody, late: EvidenceBody) -> bool:
    """Whether what comes late is stored already: the same words at the same time of the same source."""
    if "" not in (known.session_id, late.session_id) and known.session_id != late.session_id:
        return False
    before, given = _input_decoder.decode(known.given), _input_decoder.decode(late.given)
    if not isinstance(before, Observed) or not isinstance(given, Observed):
        return False
    is_told_apart = late.source_ms is not None or bool(given.observation.history)
    return is_told_apart and before.observation == given.observation


def _run(run: _Run, placed: list[_Placed], printer: TrackedPrinter) -> _Run:
    """Fold the inputs in their order.

    Silence that a late input breaks is not silence; if it lasts again after it, it is.
    """
    silence_ms = printer.silence_ms
    for index, each in enumerate(placed):
        at, row, given, _ = each
        following = placed[index + 1] if index + 1 < len(placed) else None
        following_ms = printer.heard_ms if following is None else following.at_ms
        is_broken = following is not None and following.is_heard_late and following_ms - at <= silence_ms
        if isinstance(given, Silence) and is_broken:
            continue
        was_silent = run.tracker.before_silence is not None or (
            index > 0 and isinstance(placed[index - 1].given, Silence)
        )
        run = _settled_before(run, at)
        run, answer = _step(run, row, max(at, run.tracker.at_ms), given)
        if each.is_late and run.changes.answer is None:
            run.changes.answer = answer
        if each.is_heard_late and was_silent and following_ms - at > silence_ms:
            run, _ = _step(run, _silence_after(row), run.tracker.at_ms, Silence())
    return run


def _silence_after(row: Evidence) -> Evidence:
    body = EvidenceBody(msgspec.msgpack.encode(Silence()), 0, row.received_ms)
    return Evidence(row.printer_id, row.at_ms, 0, row.received_ms, msgspec.msgpack.encode(body))


def _settled_before(run: _Run, at: int) -> _Run:
    """An end that did not come in time is given up before a much later input, as it was at first."""
    if not needs_settling(run.tracker, at):
        return run
    tracker, changes = advance(run.tracker, run.tracker.at_ms, Settled())
    _merge(run.changes, changes)
    return run._replace(tracker=tracker)


def _step(run: _Run, row: Evidence, at: int, given: TrackerInput) -> tuple[_Run, str | None]:
    """The run after one more input, and why that could not be followed, if it is a person's."""
    before = run.tracker
    tracker, changes = advance(before, at, given)
    _merge(run.changes, changes)
    last = (run.evidence[-1].at_ms, run.evidence[-1].ordinal) if run.evidence else run.start
    ordinal = last[1] + 1 if last[0] == at else 0
    run.evidence.append(Evidence(row.printer_id, at, ordinal, row.received_ms, row.body))
    if before.attempt is not None and tracker.attempt is None:
        run.snapshots.append(Snapshot(row.printer_id, at, ordinal, encode_tracker(tracker)))
    return run._replace(tracker=tracker), changes.answer


def _merge(into: LedgerChanges, changes: LedgerChanges) -> None:
    into.spans.update(changes.spans)
    into.jobs.update(changes.jobs)
    into.aliases.update(changes.aliases)
    into.feed.extend(changes.feed)


def _difference(
    ledger: CollectorLedger, printer: TrackedPrinter, before: TrackerState, run: _Run, revised: Revised
) -> Batch:
    """What is to be booked so that the books say what the replay found, with a trail of what changed."""
    known = {job.id: job for job in ledger.jobs_of(printer.id, run.start[0])}
    untouched = {job.id for job in (before.last_job,) if job is not None}
    gone = [old for old in known.values() if old.id not in run.changes.jobs and old.id not in untouched]
    jobs, feed, revisions = [], [], []
    for found in run.changes.jobs.values():
        old = known.get(found.id) or ledger.job(found.id)
        job = found if old is None else msgspec.structs.replace(found, revision=old.revision)
        if old is None or _facts(old) != _facts(job):
            job = msgspec.structs.replace(job, revision=job.revision + (old is not None))
            feed.append(_told(job, old, revised.at_ms))
            revisions.append(revision_of(old, job, revised))
        jobs.append(job)
    for old in gone:
        feed.append(_told(msgspec.structs.replace(old, outcome=None), old, revised.at_ms, withdrawn=True))
        revisions.append(revision_of(old, None, revised))
    first = open_span(before)
    body = {"from_ms": min([first.from_ms, *run.changes.spans]), "why": revised.why}
    feed.append(FeedEntry(kind=FeedKind.SPANS_REVISED, at_ms=revised.at_ms, printer_id=printer.id, body=body))
    printer.tracker = _with_rows(run.tracker, {job.id: job for job in jobs})
    printer.nothing_waits()
    if run.evidence:
        printer.evidence = (run.evidence[-1].at_ms, run.evidence[-1].ordinal)
    spans = {first.from_ms: first}
    spans.update(run.changes.spans)
    return Batch(
        printers=[printer.row],
        jobs=jobs,
        withdrawn_jobs=[old.id for old in gone],
        aliases=[JobAlias(printer.id, h, n, job_id) for (h, n), job_id in run.changes.aliases.items()],
        evidence_cuts=[(printer.id, *run.start)],
        snapshot_cuts=[(printer.id, *run.start)],
        cuts=[(printer.id, first.from_ms)],
        spans=list(spans.values()),
        evidence=run.evidence,
        snapshots=run.snapshots,
        checkpoints=[printer.checkpoint()],
        sessions=[session.record() for session in printer.sessions],
        revisions=revisions,
        feed=feed,
    )


def _with_rows(tracker: TrackerState, jobs: dict[str, Job]) -> TrackerState:
    """The tracker with the revision numbers under which its jobs were booked."""

    def numbered(job: Job) -> Job:
        booked = jobs.get(job.id)
        return job if booked is None else msgspec.structs.replace(job, revision=booked.revision)

    attempt, last = tracker.attempt, tracker.last_job
    if attempt is not None:
        attempt = msgspec.structs.replace(attempt, job=numbered(attempt.job))
    if last is not None:
        last = numbered(last)
    return msgspec.structs.replace(tracker, attempt=attempt, last_job=last)


def _facts(job: Job) -> Job:
    """What is told when it changes: all of a job, but not how far it is while it is under way."""
    return job if job.outcome is not None else msgspec.structs.replace(job, progress=None)


def _told(job: Job, old: Job | None, now_ms: int, *, withdrawn: bool = False) -> FeedEntry:
    ended = job.outcome is not None and (old is None or old.outcome is None)
    kind = FeedKind.JOB_REVISED
    if not withdrawn and (old is None or ended):
        kind = FeedKind.JOB_ENDED if job.outcome is not None else FeedKind.JOB_STARTED
    at = job.ended_ms if kind is FeedKind.JOB_ENDED and job.ended_ms is not None else now_ms
    body = msgspec.to_builtins(job) | ({"withdrawn": True} if withdrawn else {})
    return FeedEntry(kind=kind, at_ms=at, printer_id=job.printer_id, job_id=job.id, body=body)


def revision_of(old: Job | None, new: Job | None, revised: Revised) -> Revision:
    """The trail of a changed job; one of the two is there. Raises ValueError where neither is."""
    subject = new or old
    if subject is None:
        raise ValueError("a revision needs a job before or after")
    return Revision(
        at_ms=revised.at_ms,
        printer_id=subject.printer_id,
        job_id=subject.id if new is not None else None,
        who=revised.who,
        why=revised.why,
        before=None if old is None else msgspec.json.encode(old).decode(),
        after=None if new is None else msgspec.json.encode(new).decode(),
    )
