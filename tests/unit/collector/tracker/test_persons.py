"""What a person says is followed, outranks what machines tell, and can be taken back."""

import msgspec
import pytest

from collector.tracker import (
    ContinuityLost,
    Observed,
    Said,
    Settled,
    SignOfLife,
    Silence,
    advance,
    has_at_hand,
    open_span,
)
from collector.tracker.limits import REMEMBERED_WORDS, SAME_START_MS, SETTLE_MS
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobReading, JobSignal, Observation
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    NoteJob,
    PrinterService,
    SetState,
)
from farm.model.states import CancelledBy, Cause, Confidence, Outcome, PrinterState, Provenance
from tests.unit.collector.tracker.books import MINUTE, T0, Books

MAINTENANCE = SetState(PrinterService.MAINTENANCE)
ENGINEERING = SetState(PrinterService.ENGINEERING)
IN_SERVICE = SetState(PrinterService.IN_SERVICE)
FOR_MATERIAL = SetState(PrinterService.WAITING_FOR_MATERIAL)
FOR_OPERATOR = SetState(PrinterService.WAITING_FOR_OPERATOR)
BED_CLEARED = SetState(PrinterService.BED_CLEARED)
FAILED = CorrectJob(outcome=Outcome.FAILED, cause=Cause.ADHESION)


@pytest.fixture
def books() -> Books:
    return Books()


def finish(books: Books, minute: float) -> None:
    books.see(minute, state="finished", signal="done", job=JobReading(file="vase.gcode"))


# -- the printer's state ----------------------------------------------------------------------


def test_maintenance_holds_whatever_machines_say_until_the_printer_is_back_in_service(books: Books) -> None:
    books.see(1, state="idle")
    assert books.say(10, MAINTENANCE) is None
    books.see(20, state="error")
    books.see(30, state="idle")
    books.see(40, state="finished")
    assert books.say(50, IN_SERVICE) is None
    assert books.states == [("unknown", 1), ("idle", 9), ("maintenance", 40), ("finished", 0)]
    span = books.spans[T0 + 10 * MINUTE]
    assert (span.source, span.reason) == ("person", None)
    assert books.spans[T0 + 50 * MINUTE].source == "observed"


def test_a_person_taking_it_out_of_service_is_told_in_the_feed(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, ENGINEERING)
    told = books.feed[-1]
    assert told.kind is FeedKind.STATE_CHANGED
    assert (told.at_ms, told.job_id) == (T0 + 10 * MINUTE, None)
    assert told.body == {
        "state": "maintenance",
        "before": "idle",
        "source": "person",
        "reason": "engineering",
    }
    books.say(20, IN_SERVICE)
    assert books.feed[-1].body == {"state": "idle", "before": "maintenance", "source": "observed"}


def test_engineering_is_maintenance_with_its_reason(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, ENGINEERING)
    assert open_span(books.tracker).state is PrinterState.MAINTENANCE
    reasons = [open_span(books.tracker).reason]
    books.say(20, MAINTENANCE)
    reasons.append(open_span(books.tracker).reason)
    assert reasons == ["engineering", None]
    assert books.states[-2:] == [("maintenance", 10), ("maintenance", 0)]


def test_the_same_state_said_twice_is_said_once(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, MAINTENANCE)
    told = len(books.feed)
    assert books.say(20, MAINTENANCE) is None
    assert len(books.feed) == told
    assert open_span(books.tracker).from_ms == T0 + 10 * MINUTE


def test_jobs_are_tracked_while_the_printer_is_out_of_service(books: Books) -> None:
    books.start(1)
    books.say(10, ENGINEERING)
    books.see(20, state="paused")
    books.see(25, state="printing")
    books.say(30, IN_SERVICE)
    finish(books, 41)
    job = books.job
    assert (job.outcome, job.pauses) == (Outcome.SUCCEEDED, 1)
    assert (job.printing_ms, job.paused_ms) == (35 * MINUTE, 5 * MINUTE)
    assert [state for state, _ in books.states] == [
        "unknown",
        "printing",
        "maintenance",
        "printing",
        "finished",
    ]


def test_silence_in_maintenance_shows_when_it_is_over(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, MAINTENANCE)
    books.give(T0 + 20 * MINUTE, Silence())
    assert open_span(books.tracker).state is PrinterState.MAINTENANCE
    books.say(30, IN_SERVICE)
    assert books.states == [("unknown", 1), ("idle", 9), ("maintenance", 20), ("unknown", 0)]


def test_a_state_that_was_lost_from_before_service_ended_begins_no_sooner_than_that(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, MAINTENANCE)
    books.say(20, IN_SERVICE)
    books.see(30, heard=15, link="online")
    books.see(40, heard=15, link="online")
    assert books.states == [("unknown", 1), ("idle", 9), ("maintenance", 10), ("unknown", 0)]


def test_a_printer_that_was_in_service_cannot_be_put_there(books: Books) -> None:
    books.see(1, state="idle")
    assert books.say(10, IN_SERVICE) == "the printer was not taken out of service"
    assert books.states == [("unknown", 1), ("idle", 0)]


def reasons(books: Books) -> list[tuple[str, str | None]]:
    return [(books.spans[at].state, books.spans[at].reason) for at in sorted(books.spans)]


def test_what_a_printer_waits_for_is_told_apart_until_it_works_again(books: Books) -> None:
    books.see(1, state="idle")
    assert books.say(10, FOR_MATERIAL) is None
    assert books.feed[-1].body["reason"] == "waiting_for_material"
    books.see(20, state="offline")
    books.see(25, state="idle")
    books.start(30)
    finish(books, 40)
    books.see(50, state="idle")
    assert books.states[1:4] == [("idle", 9), ("idle", 10), ("offline", 5)]
    assert reasons(books) == [
        ("unknown", None),
        ("idle", None),
        ("idle", "waiting_for_material"),
        ("offline", None),
        ("idle", "waiting_for_material"),
        ("printing", None),
        ("finished", None),
        ("idle", None),
    ]


def test_waiting_ends_with_a_word_and_is_refused_of_a_printer_that_works(books: Books) -> None:
    books.start(1)
    assert books.say(2, FOR_OPERATOR) == "the printer is printing; it waits for something only while it rests"
    books.see(5, state="paused")
    assert books.say(10, FOR_OPERATOR) is None
    assert books.say(11, FOR_MATERIAL) is None
    assert books.say(20, IN_SERVICE) is None
    assert books.say(21, IN_SERVICE) == "the printer was not taken out of service"
    assert reasons(books)[-4:] == [
        ("paused", None),
        ("paused", "waiting_for_operator"),
        ("paused", "waiting_for_material"),
        ("paused", None),
    ]
    books.see(30, state="printing")
    assert books.job.paused_ms == 25 * MINUTE


def test_a_printer_that_prepares_works_already(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, FOR_MATERIAL)
    books.see(20, state="preparing")
    assert (
        books.say(25, FOR_OPERATOR) == "the printer is preparing; it waits for something only while it rests"
    )
    books.see(30, state="idle")
    assert reasons(books)[-3:] == [("idle", "waiting_for_material"), ("preparing", None), ("idle", None)]


def test_an_operator_who_cleared_the_bed_is_no_longer_waited_for(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(12, FOR_OPERATOR)
    assert books.spans[T0 + 11 * MINUTE].reason is None
    books.say(20, BED_CLEARED)
    assert reasons(books)[-1] == ("idle", None)


def test_maintenance_over_a_printer_that_waits_has_no_reason_of_its_own(books: Books) -> None:
    books.see(1, state="idle")
    books.say(10, MAINTENANCE)
    books.say(15, FOR_MATERIAL)
    books.say(20, IN_SERVICE)
    assert reasons(books)[-2:] == [("maintenance", None), ("idle", None)]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (None, "paused_by_person", "paused_by_person"),
        ("paused_by_machine", "waiting_for_material", "waiting_for_material"),
        ("paused_by_person", "paused_by_machine", "paused_by_person"),
        ("waiting_for_material", "paused_by_machine", "waiting_for_material"),
    ],
)
def test_who_paused_may_be_told_after_the_pause(
    books: Books, first: str | None, second: str, kept: str
) -> None:
    books.start(1)
    books.see(5, state="paused", reason=first)
    books.see(6, state="paused", reason=second)
    assert books.states[-2:] == [("printing", 4), ("paused", 0)]
    assert reasons(books)[-1] == ("paused", kept)
    books.see(8, state="printing")
    books.see(9, state="paused")
    assert reasons(books)[-1] == ("paused", None)


def test_a_pause_that_silence_hid_has_the_reason_that_it_had(books: Books) -> None:
    books.start(1)
    books.see(5, state="paused", reason="paused_by_person")
    books.give(T0 + 20 * MINUTE, Silence())
    books.give(T0 + 30 * MINUTE, SignOfLife())
    assert reasons(books)[-2:] == [("unknown", None), ("paused", "paused_by_person")]


def test_a_cleared_bed_makes_a_finished_printer_idle(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    assert books.say(20, BED_CLEARED) is None
    assert books.states[-2:] == [("finished", 9), ("idle", 0)]
    assert open_span(books.tracker).source == "person"


def test_a_cleared_bed_stays_cleared_until_the_next_job(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(20, BED_CLEARED)
    books.see(25, state="offline")
    books.see(30, level=True, state="finished")
    shown = [books.states[-1][0]]
    books.start(40)
    finish(books, 50)
    assert [*shown, books.states[-1][0]] == [PrinterState.IDLE, PrinterState.FINISHED]


@pytest.mark.parametrize("state", ["idle", "printing", "error", "offline"])
def test_there_is_no_bed_to_clear_of_a_printer_that_has_not_finished(books: Books, state: str) -> None:
    books.see(1, state=state)
    before = books.tracker
    answer = books.say(10, BED_CLEARED)
    assert answer == f"no finished print is known to be on the bed: the printer is {state}"
    assert msgspec.structs.replace(books.tracker, at_ms=0) == msgspec.structs.replace(before, at_ms=0)


def test_the_edge_from_a_cleared_bed_is_the_start_itself(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(20, BED_CLEARED)
    books.see(30, state="printing", job=JobReading(file="next.gcode"))
    assert books.tracker.attempt is not None
    job = books.tracker.attempt.job
    assert (job.started_ms, job.start_provenance) == (T0 + 30 * MINUTE, Provenance.OBSERVED)


# -- corrections ------------------------------------------------------------------------------


def test_a_correction_outranks_what_the_printer_said(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    assert books.say(20, FAILED, books.job.id) is None
    job = books.job
    assert (job.outcome, job.cause, job.confidence, job.provenance) == (
        Outcome.FAILED,
        Cause.ADHESION,
        Confidence.CERTAIN,
        Provenance.PERSON,
    )
    assert (job.revision, books.told[-1]) == (1, FeedKind.JOB_REVISED)
    assert books.feed[-1].body["outcome"] == "failed"


def test_an_empty_correction_restores_what_was(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    before = books.job
    books.say(20, FAILED)
    books.say(30, CorrectJob())
    assert msgspec.structs.replace(books.job, revision=before.revision) == before
    assert books.job.revision == 2
    assert books.tracker.words == ()


def test_the_same_correction_twice_is_one_revision(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(20, FAILED)
    books.say(21, FAILED)
    assert books.job.revision == 1


def test_a_correction_said_of_an_open_job_is_applied_at_its_end(books: Books) -> None:
    books.start(1)
    books.say(5, FAILED, books.job.id)
    assert FeedKind.JOB_ENDED not in books.told
    finish(books, 11)
    assert (books.job.outcome, books.job.provenance) == (Outcome.FAILED, Provenance.PERSON)
    books.say(20, CorrectJob(), books.job.id)
    assert (books.job.outcome, books.job.provenance) == (Outcome.SUCCEEDED, Provenance.OBSERVED)


def test_a_correction_said_of_a_job_that_is_not_at_hand_waits_for_its_end(books: Books) -> None:
    other = Books()
    other.start(1)
    job_id = other.job.id
    assert not has_at_hand(books.tracker, job_id)
    assert books.say(0.5, FAILED, job_id) is None
    assert books.jobs == {}
    books.start(1)
    assert has_at_hand(books.tracker, job_id)
    finish(books, 11)
    assert has_at_hand(books.tracker, job_id)
    assert (books.job.outcome, books.job.cause) == (Outcome.FAILED, Cause.ADHESION)


def test_a_later_history_changes_what_lies_beneath_a_correction_and_not_the_correction(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0))
    books.see(10, heard=10, link="offline")
    books.see(30, heard=10, link="online")
    books.see(31, state="idle")
    books.say(32, FAILED)
    row = HistoryRow(
        history="moonraker",
        native_id="1",
        file="vase.gcode",
        started_ms=T0 + MINUTE,
        ended_ms=T0 + 20 * MINUTE,
        signal=JobSignal.DONE,
    )
    books.see(33, level=True, history=(row,))
    assert (books.job.outcome, books.job.provenance) == (Outcome.FAILED, Provenance.PERSON)
    books.say(34, CorrectJob())
    assert (books.job.outcome, books.job.provenance) == (Outcome.SUCCEEDED, Provenance.HISTORY)
    assert books.job.ended_ms == T0 + 20 * MINUTE


def test_a_cause_said_after_an_outcome_adds_to_it(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(20, CorrectJob(outcome=Outcome.FAILED))
    assert books.job.cause is Cause.UNKNOWN
    assert books.say(21, CorrectJob(cause=Cause.FILAMENT)) is None
    assert (books.job.outcome, books.job.cause) == (Outcome.FAILED, Cause.FILAMENT)
    books.say(22, CorrectJob(outcome=Outcome.CANCELLED))
    books.say(23, CorrectJob(cancelled_by=CancelledBy.SYSTEM))
    assert (books.job.outcome, books.job.cancelled_by) == (Outcome.CANCELLED, CancelledBy.SYSTEM)


def test_an_outcome_said_anew_stands_for_itself(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(20, FAILED)
    books.say(21, CorrectJob(outcome=Outcome.FAILED))
    assert books.job.cause is Cause.UNKNOWN


def test_a_cause_said_of_a_failure_keeps_the_outcome_that_the_printer_told(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", cause="unknown", job=JobReading(file="vase.gcode"))
    books.say(6, CorrectJob(cause=Cause.ADHESION))
    assert (books.job.outcome, books.job.cause) == (Outcome.FAILED, Cause.ADHESION)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        (
            CorrectJob(cause=Cause.FILE),
            "a cause belongs to a failed job, and this one is succeeded; say the outcome too",
        ),
        (
            CorrectJob(cancelled_by=CancelledBy.PERSON),
            "who cancelled belongs to a cancelled job, and this one is succeeded; say the outcome too",
        ),
    ],
)
def test_a_correction_that_fits_no_such_job_is_not_followed(
    books: Books, word: CorrectJob, answer: str
) -> None:
    books.start(1)
    finish(books, 11)
    before = books.job
    assert books.say(20, word) == answer
    assert (books.job, books.tracker.words) == (before, ())


def test_a_cause_says_nothing_of_a_job_whose_end_is_not_known(books: Books) -> None:
    books.start(1)
    books.see(20, state="idle")
    books.give(T0 + 20 * MINUTE, Settled())
    answer = books.say(21, CorrectJob(cause=Cause.FILE))
    assert answer is not None
    assert "ended in a way that is not known" in answer


def test_a_cause_said_of_an_open_job_says_nothing_where_it_does_not_fail(books: Books) -> None:
    books.start(1)
    books.say(5, CorrectJob(cause=Cause.ADHESION))
    finish(books, 11)
    assert (books.job.outcome, books.job.cause, books.job.provenance) == (
        Outcome.SUCCEEDED,
        None,
        Provenance.OBSERVED,
    )
    failing = Books()
    failing.start(1)
    failing.say(5, CorrectJob(cause=Cause.ADHESION, cancelled_by=CancelledBy.PERSON))
    failing.see(11, state="error", signal="failed", cause="thermal", job=JobReading(file="vase.gcode"))
    assert (failing.job.outcome, failing.job.cause) == (Outcome.FAILED, Cause.ADHESION)
    assert failing.job.cancelled_by is None
    cancelling = Books()
    cancelling.start(1)
    cancelling.say(5, CorrectJob(cancelled_by=CancelledBy.SYSTEM))
    cancelling.see(11, state="idle", signal="cancelled", job=JobReading(file="vase.gcode"))
    assert (cancelling.job.cancelled_by, cancelling.job.provenance) == (
        CancelledBy.SYSTEM,
        Provenance.PERSON,
    )


def test_a_correction_leaves_an_open_job_open(books: Books) -> None:
    books.start(1)
    books.say(5, FAILED)
    books.see(6, state="paused")
    assert (books.job.outcome, books.job.provenance) == (None, None)


@pytest.mark.parametrize(
    ("word", "signal"),
    [
        (CorrectJob(cause=Cause.FILE), "done"),
        (CorrectJob(cause=Cause.FILE), "cancelled"),
        (CorrectJob(cancelled_by=CancelledBy.PERSON), "done"),
        (CorrectJob(cancelled_by=CancelledBy.PERSON), "failed"),
    ],
)
def test_a_correction_of_an_open_job_that_does_not_fit_its_end_leaves_it_the_printers(
    books: Books, word: CorrectJob, signal: str
) -> None:
    books.start(1)
    books.say(5, word)
    books.see(11, state="idle", signal=signal, job=JobReading(file="vase.gcode"))
    assert books.job.provenance is Provenance.OBSERVED


def test_every_word_on_an_open_job_is_a_revision_of_it_and_of_no_other(books: Books) -> None:
    books.start(1, "first.gcode")
    books.see(5, state="idle", signal="cancelled", job=JobReading(file="first.gcode"))
    books.start(6)
    books.say(7, NoteJob("stringing"))
    books.say(8, NoteJob("warping"))
    first, second = books.jobs.values()
    assert (first.revision, second.revision) == (0, 2)
    assert books.tracker.last_job == first


def test_without_a_job_there_is_nothing_to_correct(books: Books) -> None:
    assert books.say(1, FAILED) == "the printer has no job that this could be said of"


def test_a_word_without_a_job_is_of_the_open_one(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.start(20)
    books.say(21, NoteJob("second"))
    first, second = books.jobs.values()
    assert (first.note, second.note) == (None, "second")


# -- ending a job that hangs ------------------------------------------------------------------


def test_a_job_that_hangs_is_ended_at_the_instant_that_a_person_says(books: Books) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 60 * MINUTE))
    assert books.say(70, CloseJob(outcome=Outcome.FAILED, cause=Cause.POWER), books.job.id) is None
    job = books.job
    assert (job.outcome, job.cause, job.provenance) == (Outcome.FAILED, Cause.POWER, Provenance.PERSON)
    assert job.ended_ms == T0 + 70 * MINUTE
    assert job.confidence is Confidence.CERTAIN
    assert books.told.count(FeedKind.JOB_ENDED) == 1


def test_a_printer_that_still_speaks_of_a_closed_job_begins_no_other(books: Books) -> None:
    books.start(1)
    books.say(10, CloseJob())
    books.see(11, level=True, state="paused", job=JobReading(file="vase.gcode"))
    books.see(12, level=True, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=11 * MINUTE))
    assert len(books.jobs) == 1
    assert books.tracker.state is PrinterState.PRINTING
    finish(books, 30)
    assert len(books.jobs) == 1
    assert books.told.count(FeedKind.JOB_ENDED) == 1


def test_what_begins_after_a_closed_job_is_another(books: Books) -> None:
    books.start(1)
    books.say(10, CloseJob())
    began_ms = 10 * MINUTE - SAME_START_MS
    near = JobReading(file="vase.gcode", elapsed_ms=15 * MINUTE - began_ms + 1)
    books.see(15, level=True, state="printing", job=near)
    assert len(books.jobs) == 1
    far = JobReading(file="vase.gcode", elapsed_ms=16 * MINUTE - began_ms)
    books.see(16, level=True, state="printing", job=far)
    assert len(books.jobs) == 2


def test_another_file_after_a_closed_job_is_another_job(books: Books) -> None:
    books.start(1)
    books.say(10, CloseJob())
    books.see(11, state="printing", job=JobReading(file="other.gcode"))
    assert [job.file for job in books.jobs.values()] == ["vase.gcode", "other.gcode"]


def test_once_the_printer_rested_a_closed_job_is_over(books: Books) -> None:
    books.start(1)
    books.say(10, CloseJob())
    books.see(11, state="offline")
    closed = [books.tracker.closed]
    books.see(12, state="idle")
    closed.append(books.tracker.closed)
    assert closed == [True, False]
    books.see(13, state="printing", job=JobReading(file="vase.gcode"))
    assert len(books.jobs) == 2


def test_a_late_end_says_what_became_of_a_job_that_a_person_closed_without_knowing(books: Books) -> None:
    books.start(1)
    books.say(10, CloseJob())
    books.see_ms(10 * MINUTE + SETTLE_MS + 1, signal="done", job=JobReading(file="vase.gcode"))
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.SUCCEEDED, T0 + 10 * MINUTE)


def test_the_history_says_how_a_closed_job_ended_and_the_person_when(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0))
    books.say(10, CloseJob())
    row = HistoryRow(
        history="moonraker",
        native_id="1",
        file="vase.gcode",
        started_ms=T0 + MINUTE,
        ended_ms=T0 + 12 * MINUTE,
        signal=JobSignal.CANCELLED,
    )
    books.see(20, level=True, history=(row,))
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.CANCELLED, T0 + 10 * MINUTE)


@pytest.mark.parametrize("job_id", [None, "another"])
def test_what_is_not_under_way_cannot_be_closed(books: Books, job_id: str | None) -> None:
    assert books.say(1, CloseJob(), job_id) == "the job is not under way"
    assert not books.tracker.closed


def test_an_open_job_is_not_closed_in_the_name_of_another(books: Books) -> None:
    books.start(1)
    assert books.say(2, CloseJob(), "another") == "the job is not under way"
    assert books.job.outcome is None


def test_a_job_that_ended_cannot_be_closed(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    assert books.say(12, CloseJob(), books.job.id) == (
        "the job has ended already; correct its outcome instead"
    )


# -- facts and notes --------------------------------------------------------------------------


def test_a_persons_facts_are_not_overwritten_by_machines(books: Books) -> None:
    books.start(1)
    assert books.say(2, DescribeJob(file="bracket.gcode", material="PETG", units=4)) is None
    told = JobReading(file="vase.gcode", material="PLA", units=1, operator="Bob")
    books.see(11, state="finished", signal="done", job=told)
    job = books.job
    assert (job.file, job.material, job.units, job.operator) == ("bracket.gcode", "PETG", 4, "Bob")
    assert (job.outcome, job.provenance) == (Outcome.SUCCEEDED, Provenance.OBSERVED)


def test_facts_said_later_add_to_those_before(books: Books) -> None:
    books.start(1)
    books.say(2, DescribeJob(material="PETG", units=4))
    books.say(3, DescribeJob(units=5, operator="Ann"))
    assert (books.job.material, books.job.units, books.job.operator) == ("PETG", 5, "Ann")


def test_a_note_stays_until_an_empty_one_takes_it_away(books: Books) -> None:
    books.start(1)
    books.say(2, NoteJob("stringing"))
    finish(books, 11)
    notes = [books.job.note]
    books.say(12, NoteJob(""))
    assert [*notes, books.job.note] == ["stringing", None]
    assert books.tracker.words == ()


def test_words_on_one_job_lie_side_by_side(books: Books) -> None:
    books.start(1)
    finish(books, 11)
    books.say(12, NoteJob("stringing"))
    books.say(13, FAILED)
    books.say(14, DescribeJob(units=2))
    books.say(15, CorrectJob())
    assert (books.job.note, books.job.units, books.job.outcome) == ("stringing", 2, Outcome.SUCCEEDED)


def test_the_oldest_words_on_jobs_that_are_not_at_hand_are_forgotten_first(books: Books) -> None:
    books.start(1)
    books.say(2, NoteJob("mine"))
    for number in range(REMEMBERED_WORDS):
        books.say(3, NoteJob(f"note {number}"), f"job {number}")
    kept = [said.job_id for said in books.tracker.words]
    assert kept == [books.job.id, *(f"job {number}" for number in range(1, REMEMBERED_WORDS))]


def test_a_word_changes_nothing_but_what_it_speaks_of(books: Books) -> None:
    books.start(1)
    said = Said(who="Ann", said_ms=T0, job_id=books.job.id, word=NoteJob("x"))
    tracker, changes = advance(books.tracker, T0 + 2 * MINUTE, said)
    assert changes.spans == {}
    assert (tracker.state, tracker.since_ms) == (books.tracker.state, books.tracker.since_ms)


def test_a_word_is_stored_and_read_back() -> None:
    said = Said(who="Ann", said_ms=T0, job_id="1", word=FAILED, why="spaghetti")
    stored = msgspec.msgpack.encode(said)
    assert msgspec.msgpack.decode(stored, type=Said | Observed | Silence) == said
    assert msgspec.msgpack.decode(stored)["type"] == "said"


def test_an_observation_without_a_person_stays_as_small_as_it_was(books: Books) -> None:
    books.start(1)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(books.tracker))
    assert not {"service", "words", "bed_cleared", "closed"} & set(stored)
    assert "facts" not in msgspec.msgpack.decode(msgspec.msgpack.encode(Observation()))
