"""Late evidence and corrected clocks: a printer is run again and every difference is a revision."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from collector.sessions.session import PrinterSession, decode_tracker, encode_tracker
from collector.tracker import (
    LedgerChanges,
    Observed,
    Settled,
    Silence,
    TrackerInput,
    TrackerState,
    advance,
    first_sight,
    needs_settling,
    open_span,
)
from collector.tracker.evidence import EvidenceBody
from farm.ledger.batch import Batch
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, JobAlias, Revision, Snapshot
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job

_body_decoder = msgspec.msgpack.Decoder(EvidenceBody)
_input_decoder = msgspec.msgpack.Decoder(TrackerInput)


class StoredInput(NamedTuple):
    """A stored input with what stands in its row."""

    evidence: Evidence
    body: EvidenceBody


class _Run(NamedTuple):
    tracker: TrackerState
    booking: LedgerChanges
    evidence: list[Evidence]
    snapshots: list[Snapshot]
    start: tuple[int, int]


def replay(
    ledger: CollectorLedger,
    session: PrinterSession,
    at_ms: int | None,
    *,
    shifted: Callable[[StoredInput], int] | None = None,
    extra: Evidence | None = None,
    why: str,
    now_ms: int,
) -> Batch | None:
    """Run the printer again from the last snapshot before `at_ms` (None: from its first sight).

    `shifted` gives stored inputs a new place, `extra` is one more input. The session is left
    with the new tracker. Gives what is to be booked, None when nothing changes, as where
    `extra` is older than the evidence that is still kept.
    """
    printer = session.printer.id
    cut_ms = ledger.evidence_cut(printer)
    if cut_ms is not None:
        if extra is not None and extra.at_ms <= cut_ms:
            return None
        at_ms = max(at_ms or 0, cut_ms + 1)
    snapshot = None if at_ms is None else ledger.snapshot_before(printer, at_ms)
    if snapshot is None:
        start = (session.printer.first_seen_ms, -1)
        tracker = first_sight(printer, session.printer.first_seen_ms)[0]
    else:
        start = (snapshot.at_ms, snapshot.ordinal)
        tracker = decode_tracker(snapshot.body)
    stored = ledger.evidence_from(printer, *start)
    places = [StoredInput(row, _body_decoder.decode(row.body)) for row in stored]
    if extra is not None and any(_says_the_same(place, extra) for place in places):
        return None
    placed = [(shifted(place) if shifted else place.evidence.at_ms, place.evidence) for place in places]
    if extra is not None:
        placed.append((extra.at_ms, extra))
    placed.sort(key=lambda item: item[0])
    if snapshot is None and shifted is not None and placed and placed[0][0] < session.printer.first_seen_ms:
        # The printer was first met in a backlog: its first sight moves with its clock.
        session.printer = msgspec.structs.replace(session.printer, first_seen_ms=placed[0][0])
        start, tracker = (placed[0][0], -1), first_sight(printer, placed[0][0])[0]
    run = _run(_Run(tracker, LedgerChanges.empty(), [], [], start), placed, extra, session)
    return _difference(ledger, session, tracker, run, why, now_ms)


def _says_the_same(place: StoredInput, extra: Evidence) -> bool:
    body = _body_decoder.decode(extra.body)
    if place.body.source_ms is None or place.body.source_ms != body.source_ms:
        return False
    known, new = _input_decoder.decode(place.body.given), _input_decoder.decode(body.given)
    return isinstance(known, Observed) and isinstance(new, Observed) and known.observation == new.observation


def _run(
    run: _Run, placed: list[tuple[int, Evidence]], extra: Evidence | None, session: PrinterSession
) -> _Run:
    """Fold the inputs in their order.

    Silence that the late input breaks is not silence; if it lasts again after it, it is.
    """
    silence_ms = session.report_interval.limit_ms
    for index, (at, row) in enumerate(placed):
        given = _input_decoder.decode(_body_decoder.decode(row.body).given)
        following = placed[index + 1] if index + 1 < len(placed) else (session.heard_ms, None)
        if isinstance(given, Silence) and following[1] is extra and following[0] - at <= silence_ms:
            continue
        was_silent = run.tracker.before_silence is not None or _breaks_silence(placed, index, extra)
        run = _settled_before(run, at)
        run = _step(run, row, max(at, run.tracker.at_ms), given)
        if row is extra and was_silent and following[0] - at > silence_ms:
            run = _step(run, _silence_after(row), run.tracker.at_ms, Silence())
    return run


def _breaks_silence(placed: list[tuple[int, Evidence]], index: int, extra: Evidence | None) -> bool:
    """Whether the late input at `index` stands right behind a stored silence."""
    if placed[index][1] is not extra or index == 0:
        return False
    before = _body_decoder.decode(placed[index - 1][1].body).given
    return isinstance(_input_decoder.decode(before), Silence)


def _silence_after(row: Evidence) -> Evidence:
    body = EvidenceBody(msgspec.msgpack.encode(Silence()), 0, row.received_ms)
    return Evidence(row.printer_id, row.at_ms, 0, row.received_ms, msgspec.msgpack.encode(body))


def _settled_before(run: _Run, at: int) -> _Run:
    """An end that did not come in time is given up before a much later input, as it was at first."""
    if not needs_settling(run.tracker, at):
        return run
    tracker, booking = advance(run.tracker, run.tracker.at_ms, Settled())
    _merge(run.booking, booking)
    return run._replace(tracker=tracker)


def _step(run: _Run, row: Evidence, at: int, given: TrackerInput) -> _Run:
    before = run.tracker
    tracker, booking = advance(before, at, given)
    _merge(run.booking, booking)
    last = (run.evidence[-1].at_ms, run.evidence[-1].ordinal) if run.evidence else run.start
    ordinal = last[1] + 1 if last[0] == at else 0
    run.evidence.append(Evidence(row.printer_id, at, ordinal, row.received_ms, row.body))
    if before.attempt is not None and tracker.attempt is None:
        run.snapshots.append(Snapshot(row.printer_id, at, ordinal, encode_tracker(tracker)))
    return run._replace(tracker=tracker)


def _merge(into: LedgerChanges, booking: LedgerChanges) -> None:
    into.spans.update(booking.spans)
    into.jobs.update(booking.jobs)
    into.aliases.update(booking.aliases)
    into.feed.extend(booking.feed)


def _difference(
    ledger: CollectorLedger, session: PrinterSession, before: TrackerState, run: _Run, why: str, now_ms: int
) -> Batch:
    """What is to be booked so that the books say what the replay found, with a trail of what changed."""
    printer, (start_ms, ordinal) = session.printer.id, run.start
    known = {job.id: job for job in ledger.jobs_of(printer, start_ms)}
    untouched = {job.id for job in (before.last_job,) if job is not None}
    gone = [old for old in known.values() if old.id not in run.booking.jobs and old.id not in untouched]
    jobs, feed, revisions = [], [], []
    for found in run.booking.jobs.values():
        old = known.get(found.id) or ledger.job(found.id)
        job = found if old is None else msgspec.structs.replace(found, revision=old.revision)
        if old is None or _facts(old) != _facts(found):
            job = msgspec.structs.replace(job, revision=job.revision + (old is not None))
            feed.append(_told(job, old, now_ms))
            revisions.append(_revision(old, job, why, now_ms))
        jobs.append(job)
    for old in gone:
        feed.append(_told(msgspec.structs.replace(old, outcome=None), old, now_ms, withdrawn=True))
        revisions.append(_revision(old, None, why, now_ms))
    first = open_span(before)
    body = {"from_ms": first.from_ms, "why": why}
    feed.append(FeedEntry(kind=FeedKind.SPANS_REVISED, at_ms=now_ms, printer_id=printer, body=body))
    session.tracker = _with_rows(run.tracker, {job.id: job for job in jobs})
    if run.evidence:
        session.evidence = (run.evidence[-1].at_ms, run.evidence[-1].ordinal)
    spans = {first.from_ms: first}
    spans.update(run.booking.spans)
    cut = start_ms + (ordinal >= 0)
    return Batch(
        printers=[session.printer],
        jobs=jobs,
        withdrawn_jobs=[old.id for old in gone],
        aliases=[JobAlias(printer, h, n, job_id) for (h, n), job_id in run.booking.aliases.items()],
        evidence_cuts=[(printer, cut)],
        snapshot_cuts=[(printer, cut)],
        cuts=[(printer, first.from_ms)],
        spans=list(spans.values()),
        evidence=run.evidence,
        snapshots=run.snapshots,
        checkpoints=[session.checkpoint()],
        sessions=[session.record()],
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


def _facts(job: Job) -> tuple[object, ...]:
    """What a person would call changed."""
    return (job.file, job.outcome, job.cause, job.cancelled_by, job.started_ms, job.ended_ms, job.printing_ms)


def _told(job: Job, old: Job | None, now_ms: int, *, withdrawn: bool = False) -> FeedEntry:
    ended = job.outcome is not None and (old is None or old.outcome is None)
    kind = FeedKind.JOB_REVISED
    if not withdrawn and (old is None or ended):
        kind = FeedKind.JOB_ENDED if job.outcome is not None else FeedKind.JOB_STARTED
    at = job.ended_ms if kind is FeedKind.JOB_ENDED and job.ended_ms is not None else now_ms
    body = msgspec.to_builtins(job) | ({"withdrawn": True} if withdrawn else {})
    return FeedEntry(kind=kind, at_ms=at, printer_id=job.printer_id, job_id=job.id, body=body)


def _revision(old: Job | None, new: Job | None, why: str, now_ms: int) -> Revision:
    subject = new or old
    if subject is None:
        raise ValueError("a revision needs a job before or after")
    return Revision(
        at_ms=now_ms,
        printer_id=subject.printer_id,
        job_id=subject.id if new is not None else None,
        who="collector",
        why=why,
        before=None if old is None else msgspec.json.encode(old).decode(),
        after=None if new is None else msgspec.json.encode(new).decode(),
    )
