"""Late evidence and corrected clocks: a printer is run again and every difference is a revision."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from collector.desk import Desk, decode_track, encode_track
from collector.evidence import EvidenceBody
from collector.tracker import (
    Booking,
    Observed,
    Settled,
    Silence,
    Track,
    TrackerInput,
    advance,
    first_sight,
    needs_settling,
)
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.span import Span
from farm.storage.ledger_port import (
    Batch,
    CollectorLedger,
    Evidence,
    JobAlias,
    Milestone,
    Revision,
)

_body_decoder = msgspec.msgpack.Decoder(EvidenceBody)
_input_decoder = msgspec.msgpack.Decoder(TrackerInput)


class Place(NamedTuple):
    """A stored input with what stands in its row."""

    evidence: Evidence
    body: EvidenceBody


class _Run(NamedTuple):
    track: Track
    booking: Booking
    evidence: list[Evidence]
    milestones: list[Milestone]
    start: tuple[int, int]


def rerun(
    ledger: CollectorLedger,
    desk: Desk,
    at_ms: int | None,
    *,
    shifted: Callable[[Place], int] | None = None,
    extra: Evidence | None = None,
    why: str,
    now_ms: int,
) -> Batch | None:
    """Run the printer again from the last milestone before `at_ms` (None: from its first sight).

    `shifted` gives stored inputs a new place, `extra` is one more input. The desk is left
    with the new track. Gives what is to be booked, None when nothing changes.
    """
    printer = desk.printer.id
    milestone = None if at_ms is None else ledger.milestone_before(printer, at_ms)
    if milestone is None:
        start = (desk.printer.first_seen_ms, -1)
        track = first_sight(printer, desk.printer.first_seen_ms)[0]
    else:
        start = (milestone.at_ms, milestone.ordinal)
        track = decode_track(milestone.body)
    stored = ledger.evidence_from(printer, *start)
    places = [Place(row, _body_decoder.decode(row.body)) for row in stored]
    if extra is not None and any(_says_the_same(place, extra) for place in places):
        return None
    placed = [(shifted(place) if shifted else place.evidence.at_ms, place.evidence) for place in places]
    if extra is not None:
        placed.append((extra.at_ms, extra))
    placed.sort(key=lambda item: item[0])
    if milestone is None and shifted is not None and placed and placed[0][0] < desk.printer.first_seen_ms:
        # The printer was first met in a backlog: its first sight moves with its clock.
        desk.printer = msgspec.structs.replace(desk.printer, first_seen_ms=placed[0][0])
        start, track = (placed[0][0], -1), first_sight(printer, placed[0][0])[0]
    run = _run(_Run(track, Booking.empty(), [], [], start), placed, extra, desk)
    return _difference(ledger, desk, track, run, why, now_ms)


def _says_the_same(place: Place, extra: Evidence) -> bool:
    body = _body_decoder.decode(extra.body)
    if place.body.source_ms is None or place.body.source_ms != body.source_ms:
        return False
    known, new = _input_decoder.decode(place.body.given), _input_decoder.decode(body.given)
    return isinstance(known, Observed) and isinstance(new, Observed) and known.observation == new.observation


def _run(run: _Run, placed: list[tuple[int, Evidence]], extra: Evidence | None, desk: Desk) -> _Run:
    """Fold the inputs in their order.

    Silence that the late input breaks is not silence; if it lasts again after it, it is.
    """
    silence_ms = desk.cadence.limit_ms
    for index, (at, row) in enumerate(placed):
        given = _input_decoder.decode(_body_decoder.decode(row.body).given)
        following = placed[index + 1] if index + 1 < len(placed) else (desk.heard_ms, None)
        if isinstance(given, Silence) and following[1] is extra and following[0] - at <= silence_ms:
            continue
        was_silent = run.track.before_silence is not None or _breaks_silence(placed, index, extra)
        run = _settled_before(run, at)
        run = _step(run, row, max(at, run.track.at_ms), given)
        if row is extra and was_silent and following[0] - at > silence_ms:
            run = _step(run, _silence_after(row), run.track.at_ms, Silence())
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
    if not needs_settling(run.track, at):
        return run
    track, booking = advance(run.track, run.track.at_ms, Settled())
    _merge(run.booking, booking)
    return run._replace(track=track)


def _step(run: _Run, row: Evidence, at: int, given: TrackerInput) -> _Run:
    before = run.track
    track, booking = advance(before, at, given)
    _merge(run.booking, booking)
    last = (run.evidence[-1].at_ms, run.evidence[-1].ordinal) if run.evidence else run.start
    ordinal = last[1] + 1 if last[0] == at else 0
    run.evidence.append(Evidence(row.printer_id, at, ordinal, row.received_ms, row.body))
    if before.attempt is not None and track.attempt is None:
        run.milestones.append(Milestone(row.printer_id, at, ordinal, encode_track(track)))
    return run._replace(track=track)


def _merge(into: Booking, booking: Booking) -> None:
    into.spans.update(booking.spans)
    into.jobs.update(booking.jobs)
    into.aliases.update(booking.aliases)
    into.feed.extend(booking.feed)


def _difference(
    ledger: CollectorLedger, desk: Desk, before: Track, run: _Run, why: str, now_ms: int
) -> Batch:
    """What is to be booked so that the books say what the rerun found, with a trail of what changed."""
    printer, (start_ms, ordinal) = desk.printer.id, run.start
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
    body = {"from_ms": before.since_ms, "why": why}
    feed.append(FeedEntry(kind=FeedKind.SPANS_REVISED, at_ms=now_ms, printer_id=printer, body=body))
    desk.track = _with_rows(run.track, {job.id: job for job in jobs})
    if run.evidence:
        desk.evidence = (run.evidence[-1].at_ms, run.evidence[-1].ordinal)
    spans = {before.since_ms: Span(printer, before.state, before.since_ms, None, before.source)}
    spans.update(run.booking.spans)
    cut = start_ms + (ordinal >= 0)
    return Batch(
        printers=[desk.printer],
        jobs=jobs,
        withdrawn_jobs=[old.id for old in gone],
        aliases=[JobAlias(printer, h, n, job_id) for (h, n), job_id in run.booking.aliases.items()],
        evidence_cuts=[(printer, cut)],
        milestone_cuts=[(printer, cut)],
        cuts=[(printer, before.since_ms)],
        spans=list(spans.values()),
        evidence=run.evidence,
        milestones=run.milestones,
        checkpoints=[desk.checkpoint()],
        revisions=revisions,
        feed=feed,
    )


def _with_rows(track: Track, jobs: dict[str, Job]) -> Track:
    """The track with the jobs as they were booked, revision numbers included."""
    attempt, last = track.attempt, track.last_job
    if attempt is not None and attempt.job.id in jobs:
        attempt = msgspec.structs.replace(attempt, job=jobs[attempt.job.id])
    if last is not None and last.id in jobs:
        last = jobs[last.id]
    return msgspec.structs.replace(track, attempt=attempt, last_job=last)


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
