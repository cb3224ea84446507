"""What a printer does and what became of its jobs: the rules, and nothing but the rules.

`advance` is pure: (track, input) → (track, what is to be booked). All that is known of
"did this print succeed" lives here. Everything a person could call a job's outcome comes
from an edge that the printer told, or from its own later word on the same attempt; silence,
a reconnect or our own absence never give anything but `unknown`.
"""

import zlib

import msgspec

from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import HistoryRow, JobReading, JobSignal, Link, Observation
from farm.model.span import Span
from farm.model.states import ACTIVE_STATES, CancelledBy, Cause, Outcome, PrinterState, Provenance

SETTLE_MS = 10_000
"""A resting state before the end was told waits so long for that end; repeated ends within it are one."""
ECHO_MS = 2_000
"""Messages of one moment may overtake each other by so much."""
SAME_START_MS = 5_000
"""Two accounts of a start closer than this are of one attempt, beyond what pauses explain."""
QUIET_LINK_MS = 5_000
"""A lost link is booked as such from the last message on when that is longer ago than this."""
RENEWED_LINK_MS = 1_000
"""A link that reports itself up while it was up has been away when nothing came for so long."""
_REMEMBERED = 12


class Silence(msgspec.Struct, frozen=True, tag="silence"):
    """Nothing was heard since the input's time; what the printer did since is not known."""


class SignOfLife(msgspec.Struct, frozen=True, tag="sign_of_life"):
    """The printer was heard again after silence, over a link that stood, and told nothing new."""


class ContinuityLost(msgspec.Struct, frozen=True, tag="continuity_lost"):
    """We, or the broker, were away from the input's time until `until_ms`."""

    until_ms: int


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """The end that was waited for did not come."""


class Observed(msgspec.Struct, frozen=True, tag="observed"):
    """A reading; `heard_ms` is when the printer was last heard before it."""

    observation: Observation
    heard_ms: int


TrackerInput = Observed | Silence | SignOfLife | ContinuityLost | Settled


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """The job under way and what is known beside its row."""

    job: Job
    from_start_signal: bool = False
    opened_ms: int
    accounted_ms: int
    gap_from_ms: int | None = None
    settling_ms: int | None = None
    settling_error: bool = False
    read_through_ms: int | None = None
    cause: Cause | None = None
    detail: str | None = None


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tracker stands with one printer."""

    printer_id: str
    state: PrinterState = PrinterState.UNKNOWN
    since_ms: int
    source: str = "silence"
    link: Link | None = None
    before_silence: PrinterState | None = None
    at_ms: int
    attempt: Attempt | None = None
    last_job: Job | None = None
    aliases: tuple[tuple[str, str, str], ...] = ()
    recent: tuple[tuple[int, int], ...] = ()


class Booking(msgspec.Struct):
    """What is to be booked: spans and jobs by their keys, and the feed in order."""

    spans: dict[int, Span]
    jobs: dict[str, Job]
    feed: list[FeedEntry]
    aliases: dict[tuple[str, str], str]

    @staticmethod
    def empty() -> "Booking":
        """Nothing to book."""
        return Booking({}, {}, [], {})


def first_sight(printer_id: str, at_ms: int) -> tuple[Track, Booking]:
    """The track of a printer first heard of at `at_ms`, in state unknown."""
    booking = Booking.empty()
    booking.spans[at_ms] = Span(printer_id, PrinterState.UNKNOWN, at_ms, None, "silence")
    return Track(printer_id=printer_id, since_ms=at_ms, at_ms=at_ms), booking


def advance(track: Track, at_ms: int, given: TrackerInput) -> tuple[Track, Booking]:
    """The track after `given`, which holds from `at_ms` (milliseconds, never before `track.at_ms`
    by more than the start of the current span), and what it changes in the books.
    """
    step = _Step(track, at_ms)
    match given:
        case Observed(observation, heard_ms):
            step.observe(observation, heard_ms)
        case Silence():
            step.fall_silent()
        case SignOfLife():
            step.resume()
        case ContinuityLost(until_ms):
            step.lose_sight(at_ms, "absence")
            step.at = until_ms
        case Settled():
            step.settle()
    return step.finish()


def needs_settling(track: Track, now_ms: int) -> bool:
    """Whether the attempt waited long enough for an end that did not come."""
    attempt = track.attempt
    return (
        attempt is not None and attempt.settling_ms is not None and now_ms - attempt.settling_ms >= SETTLE_MS
    )


class _Step:
    """One transition under way. Lives for one call of `advance`."""

    def __init__(self, track: Track, at_ms: int) -> None:
        self.track = track
        self.at = at_ms
        self.state, self.since, self.source = track.state, track.since_ms, track.source
        self.link = track.link
        self.before_silence = track.before_silence
        self.attempt = track.attempt
        self.last_job = track.last_job
        self.recent = track.recent
        self.aliases = dict.fromkeys(track.aliases)
        self.booking = Booking.empty()

    def finish(self) -> tuple[Track, Booking]:
        attempt = self.attempt
        if attempt is not None:
            self.booking.jobs[attempt.job.id] = attempt.job
        return (
            Track(
                printer_id=self.track.printer_id,
                state=self.state,
                since_ms=self.since,
                source=self.source,
                link=self.link,
                before_silence=self.before_silence,
                at_ms=max(self.track.at_ms, self.at),
                attempt=attempt,
                last_job=self.last_job,
                aliases=tuple(self.aliases)[-_REMEMBERED:],
                recent=self.recent,
            ),
            self.booking,
        )

    # -- what was observed ------------------------------------------------------------------

    def observe(self, seen: Observation, heard_ms: int) -> None:
        if self._repeated(seen):
            return
        if seen.link is not None:
            self._link(seen, heard_ms)
        for row in seen.history:
            self._history(row)
        if seen.signal is not None and not self._signal(seen.signal, seen):
            return
        if seen.state is not None and not self._is_echo(seen):
            self._state(seen.state, seen)

    def _repeated(self, seen: Observation) -> bool:
        """The same message once more: same source time, same words."""
        if seen.time_ms is None:
            return False
        mark = (seen.time_ms, _fingerprint(seen))
        if mark in self.recent:
            return True
        self.recent = (*self.recent, mark)[-_REMEMBERED:]
        return False

    def _link(self, seen: Observation, heard_ms: int) -> None:
        if seen.link is Link.OFFLINE:
            if self.link is Link.OFFLINE:
                return
            if self.at - heard_ms > QUIET_LINK_MS and not seen.retained:
                self.lose_sight(heard_ms, "link")
            self._open_gap(min(heard_ms, self.at))
            self._enter(PrinterState.OFFLINE, self.at, "link")
        elif self.link is Link.ONLINE:
            if not seen.retained and self.at - heard_ms > RENEWED_LINK_MS:
                self.lose_sight(heard_ms, "link")
        elif self.state is PrinterState.OFFLINE:
            self._enter(PrinterState.UNKNOWN, self.at, "link")
        self.link = seen.link

    def fall_silent(self) -> None:
        """Nothing more was heard: how things stood is remembered for the next sign of life."""
        stood = self.state
        self.lose_sight(self.at, "silence")
        if self.state is not stood:
            self.before_silence = stood

    def resume(self) -> None:
        """A sign of life while the link stood: things stand as they stood, the gap stays a gap."""
        stood = self.before_silence
        if stood is None or self.state is not PrinterState.UNKNOWN:
            return
        attempt = self.attempt
        if attempt is not None and attempt.gap_from_ms is not None and stood in ACTIVE_STATES:
            self.attempt = msgspec.structs.replace(
                attempt, gap_from_ms=None, accounted_ms=max(self.at, attempt.accounted_ms)
            )
        self._enter(stood, self.at, "observed")

    def lose_sight(self, from_ms: int, source: str) -> None:
        """From `from_ms` on the state is not known."""
        if self.state in (PrinterState.UNKNOWN, PrinterState.OFFLINE, PrinterState.MAINTENANCE):
            return
        from_ms = max(from_ms, self.since)
        self._open_gap(from_ms)
        self._enter(PrinterState.UNKNOWN, from_ms, source)

    def _open_gap(self, from_ms: int) -> None:
        self._account(from_ms)
        attempt = self.attempt
        if attempt is not None and attempt.gap_from_ms is None:
            self.attempt = msgspec.structs.replace(attempt, gap_from_ms=from_ms)

    # -- states -----------------------------------------------------------------------------

    def _is_echo(self, seen: Observation) -> bool:
        """A bare active state right after an end was told: a message that was overtaken by it."""
        last = self.last_job
        return (
            self.attempt is None
            and seen.signal is None
            and seen.job is None
            and seen.state in ACTIVE_STATES
            and seen.state is not PrinterState.PREPARING
            and last is not None
            and last.ended_ms is not None
            and self.at - last.ended_ms <= ECHO_MS
        )

    def _state(self, state: PrinterState, seen: Observation) -> None:
        if state is PrinterState.UNKNOWN:
            self._open_gap(self.at)
        elif state in ACTIVE_STATES:
            self._under_way(seen)
        elif self.attempt is not None:
            self._rest_with_open_job(state, seen)
        self._enter(state, self.at, "observed")

    def _under_way(self, seen: Observation) -> None:
        attempt = self.attempt
        reading = seen.job or JobReading()
        if attempt is not None and attempt.settling_ms is not None:
            self.attempt = attempt = msgspec.structs.replace(attempt, settling_ms=None, settling_error=False)
        if attempt is not None and attempt.gap_from_ms is not None:
            if self._is_same_attempt(attempt, reading):
                self.attempt = msgspec.structs.replace(
                    attempt, gap_from_ms=None, accounted_ms=max(self.at, attempt.accounted_ms)
                )
            else:
                self._give_up(attempt)
        elif attempt is not None and self._is_another(attempt, reading):
            self._give_up(attempt)
        if self.attempt is None:
            if seen.state is PrinterState.PREPARING and seen.job is None:
                return
            self._start(seen, reading)
        else:
            self._learn(reading)

    def _is_same_attempt(self, attempt: Attempt, reading: JobReading) -> bool:
        """Whether what runs after a gap is what ran before it, by file, start and progress."""
        job = attempt.job
        if reading.native_id is not None and job.id == self._id(reading.native_id):
            return True
        if reading.file is not None and job.file is not None and reading.file != job.file:
            return False
        if reading.elapsed_ms is not None and job.started_ms is not None:
            return abs(self.at - reading.elapsed_ms - job.started_ms) <= max(
                SAME_START_MS, reading.elapsed_ms // 100
            )
        if reading.progress is not None and job.progress is not None:
            return reading.progress >= job.progress - 0.01
        return True

    def _is_another(self, attempt: Attempt, reading: JobReading) -> bool:
        """Without a gap: the source names another job, or its own account of time began anew."""
        job = attempt.job
        if reading.native_id is not None and attempt.from_start_signal:
            return job.id != self._id(reading.native_id)
        if reading.file is not None and job.file is not None and reading.file != job.file:
            return True
        if reading.elapsed_ms is None or job.started_ms is None:
            return False
        began = self.at - reading.elapsed_ms
        return began - job.started_ms > max(SAME_START_MS, (self.at - job.started_ms) // 50)

    def _rest_with_open_job(self, state: PrinterState, seen: Observation) -> None:
        """The printer rests and nobody said how the job ended: wait a little, unless there was a gap."""
        attempt = self.attempt
        if attempt is None:
            return
        if attempt.gap_from_ms is not None:
            if state is not PrinterState.OFFLINE:
                self._give_up(attempt)
            return
        error = state is PrinterState.ERROR
        self.attempt = msgspec.structs.replace(
            attempt,
            settling_ms=self.at if attempt.settling_ms is None else attempt.settling_ms,
            settling_error=attempt.settling_error or error,
            cause=seen.cause or attempt.cause,
            detail=seen.detail or attempt.detail,
        )

    def settle(self) -> None:
        """The end did not come within the time that it takes to come."""
        attempt = self.attempt
        if attempt is not None and attempt.settling_ms is not None:
            self._give_up(attempt)

    def _give_up(self, attempt: Attempt) -> None:
        """Close an attempt whose end nobody told, with what is known of it."""
        if attempt.read_through_ms is not None:
            self._end(Outcome.SUCCEEDED, attempt.read_through_ms, Provenance.INFERRED)
        elif attempt.settling_error and attempt.settling_ms is not None:
            cause = attempt.cause or Cause.UNKNOWN
            self._end(
                Outcome.FAILED, attempt.settling_ms, Provenance.INFERRED, cause=cause, detail=attempt.detail
            )
        else:
            known = [at for at in (attempt.gap_from_ms, attempt.settling_ms) if at is not None]
            self._end(Outcome.UNKNOWN, min(known, default=self.at), Provenance.INFERRED)

    def _enter(self, state: PrinterState, at: int, source: str) -> None:
        at = max(at, self.since)
        if state is self.state:
            return
        self._account(at)
        self.before_silence = None
        printer = self.track.printer_id
        if at > self.since:
            self.booking.spans[self.since] = Span(printer, self.state, self.since, at, self.source)
        before = self.state
        self.state, self.since, self.source = state, at, source
        self.booking.spans[at] = Span(printer, state, at, None, source)
        self.booking.feed.append(
            FeedEntry(
                kind=FeedKind.STATE_CHANGED,
                at_ms=at,
                printer_id=printer,
                job_id=self.attempt.job.id if self.attempt else None,
                body={"state": state.value, "before": before.value, "source": source},
            )
        )
        self._tell_pause(before, state, at)

    def _tell_pause(self, before: PrinterState, state: PrinterState, at: int) -> None:
        attempt = self.attempt
        if attempt is None:
            return
        if state is PrinterState.PAUSED:
            job = msgspec.structs.replace(attempt.job, pauses=attempt.job.pauses + 1)
            self.attempt = msgspec.structs.replace(attempt, job=job)
            self._tell_job(FeedKind.JOB_PAUSED, job, at)
        elif before is PrinterState.PAUSED and state in ACTIVE_STATES:
            self._tell_job(FeedKind.JOB_RESUMED, attempt.job, at)

    def _account(self, until: int) -> None:
        """Add the time since it was last accounted to the job, by the state it passed in."""
        attempt = self.attempt
        if attempt is None:
            return
        passed = until - max(attempt.accounted_ms, self.since)
        job = attempt.job
        if passed > 0:
            field = _BUCKETS.get(self.state)
            if field is not None and not (job.measured and field == "printing_ms"):
                job = msgspec.structs.replace(job, **{field: getattr(job, field) + passed})
        self.attempt = msgspec.structs.replace(
            attempt, job=job, accounted_ms=max(until, attempt.accounted_ms)
        )

    # -- jobs -------------------------------------------------------------------------------

    def _id(self, token: str) -> str:
        return job_id(self.track.printer_id, token)

    def _signal(self, signal: JobSignal, seen: Observation) -> bool:
        """Act on what was said of the job. False when the whole reading is to be passed over."""
        attempt = self.attempt
        match signal:
            case JobSignal.STARTED:
                return self._started(seen)
            case JobSignal.LOST:
                if attempt is not None:
                    self._give_up(attempt)
            case JobSignal.READ_THROUGH:
                self._read_through(seen)
            case _:
                self._ended(_OUTCOMES[signal], seen)
        return True

    def _read_through(self, seen: Observation) -> None:
        """The whole file was read, which only a print that came to its end does."""
        attempt, last = self.attempt, self.last_job
        file = seen.job.file if seen.job else None
        if attempt is not None:
            if attempt.job.file in (None, file):
                self.attempt = msgspec.structs.replace(attempt, read_through_ms=self.at)
        elif (
            last is not None
            and last.outcome is Outcome.UNKNOWN
            and last.file in (None, file)
            and self.at - (last.ended_ms or 0) <= SETTLE_MS
        ):
            self._revise(last, Outcome.SUCCEEDED, Provenance.INFERRED, None, None, None)

    def _started(self, seen: Observation) -> bool:
        reading = seen.job or JobReading()
        identity = self._id(reading.token or f"{seen.time_ms}:{reading.file}")
        known = (self.attempt.job if self.attempt else None, self.last_job)
        if any(job is not None and job.id == identity for job in known):
            return False
        attempt = self.attempt
        if attempt is not None and self._adopts(attempt, reading):
            job = msgspec.structs.replace(
                attempt.job,
                started_ms=min(self.at, attempt.job.started_ms or self.at),
                start_provenance=Provenance.OBSERVED,
            )
            self.attempt = msgspec.structs.replace(attempt, job=job, from_start_signal=True)
            self._learn(reading)
            return True
        if attempt is not None:
            self._give_up(attempt)
        self._start(seen, reading)
        return True

    def _adopts(self, attempt: Attempt, reading: JobReading) -> bool:
        """Whether a start signal belongs to the attempt that its own state change already opened."""
        fresh = self.at - attempt.opened_ms <= SAME_START_MS and not attempt.from_start_signal
        return fresh and attempt.job.file in (None, reading.file)

    def _start(self, seen: Observation, reading: JobReading) -> None:
        token = reading.token or reading.native_id or f"{seen.time_ms or self.at}:{reading.file}"
        told = seen.signal is JobSignal.STARTED
        started: int | None = self.at if told else None
        provenance = Provenance.OBSERVED if told else Provenance.INFERRED
        if reading.elapsed_ms is not None:
            started = self.at - reading.elapsed_ms
            if reading.elapsed_ms < SAME_START_MS:
                provenance = Provenance.OBSERVED
        elif not told and self.state in _KNOWN_REST and self.source == "observed" and not seen.level:
            # The edge from a known resting state is the start itself.
            started, provenance = self.at, Provenance.OBSERVED
        if self.last_job is not None and self.last_job.id == self._id(token):
            # Two attempts of one file within one tick of the source's clock.
            token = f"{token}:again"
        job = Job(
            id=self._id(token),
            printer_id=self.track.printer_id,
            file=reading.file,
            started_ms=started,
            start_provenance=provenance,
            units=reading.units or 1,
        )
        self.attempt = Attempt(job=job, opened_ms=self.at, accounted_ms=self.at, from_start_signal=told)
        self._learn(reading)
        self._tell_job(FeedKind.JOB_STARTED, self.attempt.job, self.at)

    def _learn(self, reading: JobReading, *, final: bool = False) -> None:
        """Take over what a reading adds to the job's row; durations only when they are `final`."""
        attempt = self.attempt
        if attempt is None:
            return
        job = attempt.job
        changes: dict[str, object] = {
            name: value
            for name in ("progress", "filament_mm", "filament_g", "material", "operator", "units")
            if (value := getattr(reading, name)) is not None
        }
        if job.file is None and reading.file is not None:
            changes["file"] = reading.file
        if final and reading.printing_ms is not None:
            changes["printing_ms"], changes["measured"] = reading.printing_ms, True
        if changes:
            job = msgspec.structs.replace(job, **changes)
            self.attempt = msgspec.structs.replace(attempt, job=job)

    def _ended(self, outcome: Outcome, seen: Observation) -> None:
        reading = seen.job or JobReading()
        if self.attempt is not None and self._ends_another(self.attempt, seen, reading):
            self._give_up(self.attempt)
        if self.attempt is None:
            if seen.level or self._absorbed(outcome, seen, reading):
                return
            self._start_unseen(seen, reading)
        inferred = self.attempt is not None and self.attempt.gap_from_ms is not None and seen.level
        ended_ms = self._end_time(reading)
        self._learn(reading, final=True)
        self._end(
            outcome,
            ended_ms,
            Provenance.INFERRED if inferred else Provenance.OBSERVED,
            cause=seen.cause,
            detail=seen.detail,
            cancelled_by=seen.cancelled_by,
        )

    def _ends_another(self, attempt: Attempt, seen: Observation, reading: JobReading) -> bool:
        """Whether an end is of a later attempt than the open one, whose own end was missed."""
        job = attempt.job
        if reading.native_id is not None and attempt.from_start_signal:
            return job.id != self._id(reading.native_id)
        if reading.file is not None and job.file is not None and reading.file != job.file:
            return True
        measured = reading.elapsed_ms
        if measured is None and reading.printing_ms is not None:
            measured = reading.printing_ms + job.paused_ms
        if attempt.gap_from_ms is None or measured is None:
            return False
        if seen.level:
            # Told late, so only its duration can speak: it covers at least what we saw of the attempt.
            seen_ms = attempt.gap_from_ms - (job.started_ms or attempt.opened_ms)
            return measured + SAME_START_MS < seen_ms
        return self.at - measured > attempt.gap_from_ms + SAME_START_MS

    def _end_time(self, reading: JobReading) -> int:
        """When the job ended: by the source's own account where a level tells it late."""
        attempt = self.attempt
        if attempt is None or reading.elapsed_ms is None or attempt.job.started_ms is None:
            return self.at
        by_account = attempt.job.started_ms + reading.elapsed_ms
        floor = attempt.gap_from_ms if attempt.gap_from_ms is not None else self.since
        return min(self.at, max(by_account, floor))

    def _start_unseen(self, seen: Observation, reading: JobReading) -> None:
        """An end without a start that we know of: the attempt was there all the same."""
        self._start(seen, reading)
        measured = reading.elapsed_ms if reading.elapsed_ms is not None else reading.printing_ms
        attempt = self.attempt
        if attempt is not None:
            job = msgspec.structs.replace(
                attempt.job,
                started_ms=None if measured is None else self.at - measured,
                start_provenance=Provenance.INFERRED,
            )
            self.attempt = msgspec.structs.replace(attempt, job=job)

    def _absorbed(self, outcome: Outcome, seen: Observation, reading: JobReading) -> bool:
        """A second word on the end that is already booked. It may add why, never a second end."""
        last = self.last_job
        if last is None or last.ended_ms is None:
            return False
        same_file = reading.file is None or last.file is None or reading.file == last.file
        measured = reading.elapsed_ms if reading.elapsed_ms is not None else reading.printing_ms
        began = None if measured is None else self.at - measured
        overlaps = began is None or began < last.ended_ms
        if not (same_file and overlaps and self.at - last.ended_ms <= SETTLE_MS):
            return False
        if last.outcome is Outcome.UNKNOWN:
            self._revise(last, outcome, Provenance.OBSERVED, seen.cause, seen.detail, seen.cancelled_by)
        elif last.outcome is Outcome.FAILED and last.cause in (None, Cause.UNKNOWN) and seen.cause:
            self._amend(msgspec.structs.replace(last, cause=seen.cause, detail=seen.detail))
        return True

    def _end(
        self,
        outcome: Outcome,
        ended_ms: int,
        provenance: Provenance,
        *,
        cause: Cause | None = None,
        detail: str | None = None,
        cancelled_by: CancelledBy | None = None,
    ) -> None:
        self._account(max(ended_ms, self.since) if ended_ms <= self.at else self.at)
        attempt = self.attempt
        if attempt is None:
            return
        job = self._with_start(attempt, ended_ms)
        job = msgspec.structs.replace(
            job,
            ended_ms=max(ended_ms, job.started_ms or ended_ms),
            outcome=outcome,
            provenance=provenance,
            cause=(cause or Cause.UNKNOWN) if outcome is Outcome.FAILED else None,
            detail=detail,
            cancelled_by=cancelled_by if outcome is Outcome.CANCELLED else None,
            progress=1.0 if outcome is Outcome.SUCCEEDED else job.progress,
        )
        self.attempt = None
        self.last_job = job
        self.booking.jobs[job.id] = job
        self._tell_job(FeedKind.JOB_ENDED, job, job.ended_ms or ended_ms)

    @staticmethod
    def _with_start(attempt: Attempt, ended_ms: int) -> Job:
        """The job with the start that its measured printing time implies, where none was seen."""
        job = attempt.job
        if job.started_ms is None and job.measured:
            return msgspec.structs.replace(
                job,
                started_ms=ended_ms - job.printing_ms - job.paused_ms,
                start_provenance=Provenance.INFERRED,
            )
        return job

    # -- history and revision ---------------------------------------------------------------

    def _history(self, row: HistoryRow) -> None:
        """What the printer's own history says: an alias, an end that was missed, a revision."""
        attempt = self.attempt
        if attempt is not None and _is_row_of(attempt.job, row):
            self._name(row, attempt.job)
            job = attempt.job
            if job.file is None or job.start_provenance is Provenance.INFERRED:
                job = msgspec.structs.replace(
                    job,
                    file=job.file or row.file,
                    started_ms=row.started_ms,
                    start_provenance=Provenance.HISTORY,
                )
                self.attempt = msgspec.structs.replace(attempt, job=job)
            if row.outcome not in (None, Outcome.UNKNOWN) and attempt.gap_from_ms is not None:
                self._end(
                    row.outcome,
                    row.ended_ms or attempt.gap_from_ms,
                    Provenance.HISTORY,
                    cause=row.cause,
                    detail=row.detail,
                    cancelled_by=row.cancelled_by,
                )
        elif self.last_job is not None and _is_row_of(self.last_job, row):
            self._name(row, self.last_job)
            if self.last_job.outcome is Outcome.UNKNOWN and row.outcome not in (None, Outcome.UNKNOWN):
                self._revise(
                    self.last_job,
                    row.outcome,
                    Provenance.HISTORY,
                    row.cause,
                    row.detail,
                    row.cancelled_by,
                    ended_ms=row.ended_ms,
                )

    def _name(self, row: HistoryRow, job: Job) -> None:
        self.aliases[(row.history, row.native_id, job.id)] = None
        self.booking.aliases[(row.history, row.native_id)] = job.id

    def _revise(
        self,
        job: Job,
        outcome: Outcome,
        provenance: Provenance,
        cause: Cause | None,
        detail: str | None,
        cancelled_by: CancelledBy | None,
        ended_ms: int | None = None,
    ) -> None:
        self._amend(
            msgspec.structs.replace(
                job,
                outcome=outcome,
                provenance=provenance,
                cause=(cause or Cause.UNKNOWN) if outcome is Outcome.FAILED else None,
                detail=detail,
                cancelled_by=cancelled_by if outcome is Outcome.CANCELLED else None,
                ended_ms=job.ended_ms if ended_ms is None else ended_ms,
            )
        )

    def _amend(self, job: Job) -> None:
        """Book a changed row of an ended job. Every revision is kept."""
        job = msgspec.structs.replace(job, revision=job.revision + 1)
        self.last_job = job
        self.booking.jobs[job.id] = job
        self._tell_job(FeedKind.JOB_REVISED, job, self.at)

    def _tell_job(self, kind: FeedKind, job: Job, at: int) -> None:
        body = msgspec.to_builtins(job)
        self.booking.feed.append(
            FeedEntry(kind=kind, at_ms=at, printer_id=job.printer_id, job_id=job.id, body=body)
        )


_BUCKETS = {
    PrinterState.PRINTING: "printing_ms",
    PrinterState.PREPARING: "preparing_ms",
    PrinterState.PAUSED: "paused_ms",
}
_OUTCOMES = {
    JobSignal.DONE: Outcome.SUCCEEDED,
    JobSignal.FAILED: Outcome.FAILED,
    JobSignal.CANCELLED: Outcome.CANCELLED,
}
_KNOWN_REST = frozenset({PrinterState.IDLE, PrinterState.FINISHED, PrinterState.ERROR})


def _is_row_of(job: Job, row: HistoryRow) -> bool:
    if job.file is not None and row.file is not None and job.file != row.file:
        return False
    if job.started_ms is None:
        return job.outcome is None and row.outcome is None
    return abs(job.started_ms - row.started_ms) <= SAME_START_MS


def _fingerprint(seen: Observation) -> int:
    """A number that two readings share when they say the same (stable from run to run)."""
    return zlib.crc32(_encode(seen))


_encode = msgspec.msgpack.Encoder().encode
