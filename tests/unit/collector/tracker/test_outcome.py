"""Every row of the outcome rules, by an example that comes out otherwise without it."""

import msgspec
import pytest

from collector.tracker.outcome import (
    ENDINGS,
    OUTCOME_RULES,
    EndEvidence,
    OutcomeRule,
    Ruling,
    Teller,
    decide,
    told_by_history,
    told_by_nobody,
    told_by_person,
    told_by_printer,
)
from farm.model.job import Job
from farm.model.observation import HistoryRow, JobFact, JobSignal, Observation
from farm.model.operator_input import CloseJob, CorrectJob
from farm.model.states import CancelledBy, Cause, Confidence, Outcome, Provenance

WORDS = "what the firmware said"


def printer(
    signal: JobSignal, *facts: JobFact, by: CancelledBy | None = None, late: bool = False
) -> EndEvidence:
    seen = Observation(signal=signal, facts=facts, cause=Cause.FILE, detail=WORDS, cancelled_by=by)
    return told_by_printer(seen, late=late)


def history(signal: JobSignal | None, outcome: Outcome | None = None) -> EndEvidence:
    return told_by_history(
        HistoryRow(
            history="h",
            native_id="1",
            file=None,
            started_ms=0,
            signal=signal,
            outcome=outcome,
            cause=Cause.POWER,
            detail=WORDS,
            cancelled_by=CancelledBy.SYSTEM,
        )
    )


JOB = Job(
    id="1", printer_id="1", file=None, started_ms=0, outcome=Outcome.FAILED, cause=Cause.FILE, detail=WORDS
)
CORRECTION = CorrectJob(outcome=Outcome.CANCELLED, cancelled_by=CancelledBy.PERSON)

EXAMPLES: dict[
    str, tuple[EndEvidence, tuple[Outcome | None, Cause | None, CancelledBy | None, Confidence, Provenance]]
] = {
    "person_says": (
        told_by_person(CORRECTION, JOB),
        (Outcome.CANCELLED, None, CancelledBy.PERSON, Confidence.CERTAIN, Provenance.PERSON),
    ),
    "done": (
        printer(JobSignal.DONE),
        (Outcome.SUCCEEDED, None, None, Confidence.STRONG, Provenance.OBSERVED),
    ),
    "cancelled_by_firmware_error": (
        printer(JobSignal.CANCELLED, JobFact.USER_NAMED, JobFact.FIRMWARE_ERROR),
        (Outcome.FAILED, Cause.FILE, None, Confidence.STRONG, Provenance.OBSERVED),
    ),
    "cancelled_with_canceller_told": (
        printer(JobSignal.CANCELLED, by=CancelledBy.SYSTEM),
        (Outcome.CANCELLED, None, CancelledBy.SYSTEM, Confidence.CERTAIN, Provenance.OBSERVED),
    ),
    "cancelled_by_named_user": (
        printer(JobSignal.CANCELLED, JobFact.USER_NAMED),
        (Outcome.CANCELLED, None, CancelledBy.PERSON, Confidence.CERTAIN, Provenance.OBSERVED),
    ),
    "cancelled_without_user": (
        printer(JobSignal.CANCELLED, JobFact.NO_USER),
        (Outcome.CANCELLED, None, CancelledBy.SYSTEM, Confidence.STRONG, Provenance.OBSERVED),
    ),
    "cancelled_by_command": (
        printer(JobSignal.CANCELLED, JobFact.CANCEL_COMMAND),
        (Outcome.CANCELLED, None, CancelledBy.PERSON, Confidence.STRONG, Provenance.OBSERVED),
    ),
    "cancelled": (
        printer(JobSignal.CANCELLED),
        (Outcome.CANCELLED, None, None, Confidence.STRONG, Provenance.OBSERVED),
    ),
    "failed": (
        printer(JobSignal.FAILED),
        (Outcome.FAILED, Cause.FILE, None, Confidence.CERTAIN, Provenance.OBSERVED),
    ),
    "firmware_halted": (
        printer(JobSignal.HALTED),
        (Outcome.FAILED, Cause.FILE, None, Confidence.CERTAIN, Provenance.OBSERVED),
    ),
    "host_gone": (
        printer(JobSignal.HOST_GONE),
        (Outcome.FAILED, Cause.HOST, None, Confidence.STRONG, Provenance.OBSERVED),
    ),
    "history_done": (
        history(JobSignal.DONE),
        (Outcome.SUCCEEDED, None, None, Confidence.STRONG, Provenance.HISTORY),
    ),
    "history_cancelled": (
        history(JobSignal.CANCELLED),
        (Outcome.CANCELLED, None, CancelledBy.PERSON, Confidence.WEAK, Provenance.HISTORY),
    ),
    "history_failed": (
        history(JobSignal.FAILED),
        (Outcome.FAILED, Cause.PRINTER_ERROR, None, Confidence.STRONG, Provenance.HISTORY),
    ),
    "history_halted": (
        history(JobSignal.HALTED),
        (Outcome.FAILED, Cause.PRINTER_ERROR, None, Confidence.STRONG, Provenance.HISTORY),
    ),
    "history_host_gone": (
        history(JobSignal.HOST_GONE),
        (Outcome.FAILED, Cause.HOST, None, Confidence.STRONG, Provenance.HISTORY),
    ),
    "history_cannot_say": (
        history(JobSignal.LOST),
        (Outcome.UNKNOWN, None, None, Confidence.NONE, Provenance.HISTORY),
    ),
    "history_as_told": (
        history(None, Outcome.FAILED),
        (Outcome.FAILED, Cause.POWER, None, Confidence.STRONG, Provenance.HISTORY),
    ),
    "file_read_through": (
        told_by_nobody(read_through=True, error_state=True, cause=Cause.POWER),
        (Outcome.SUCCEEDED, None, None, Confidence.WEAK, Provenance.INFERRED),
    ),
    "error_state_lasted": (
        told_by_nobody(error_state=True, cause=Cause.POWER, detail=WORDS),
        (Outcome.FAILED, Cause.POWER, None, Confidence.WEAK, Provenance.INFERRED),
    ),
    "no_end_told": (
        told_by_nobody(cause=Cause.POWER, detail=WORDS),
        (Outcome.UNKNOWN, None, None, Confidence.NONE, Provenance.INFERRED),
    ),
}


def _facts(ruling: Ruling) -> tuple[object, ...]:
    return (ruling.outcome, ruling.cause, ruling.cancelled_by, ruling.confidence, ruling.provenance)


def test_every_row_has_an_example_and_a_name_of_its_own() -> None:
    assert [rule.name for rule in OUTCOME_RULES] == list(EXAMPLES)


@pytest.mark.parametrize("rule", OUTCOME_RULES, ids=lambda rule: rule.name)
def test_a_row_says_what_became_of_its_example(rule: OutcomeRule) -> None:
    evidence, wanted = EXAMPLES[rule.name]
    ruling = decide(evidence)
    assert ruling.rule == rule.name
    assert _facts(ruling) == wanted


@pytest.mark.parametrize("rule", OUTCOME_RULES, ids=lambda rule: rule.name)
def test_without_its_row_an_example_comes_out_otherwise(rule: OutcomeRule) -> None:
    evidence, wanted = EXAMPLES[rule.name]
    others = [other for other in OUTCOME_RULES if other is not rule]
    try:
        found = _facts(decide(evidence, others))
    except LookupError:
        return
    assert found != wanted


@pytest.mark.parametrize("rule", OUTCOME_RULES, ids=lambda rule: rule.name)
def test_a_row_before_its_time_would_change_nothing_that_stands_above_it(rule: OutcomeRule) -> None:
    """The order is the only priority: each example is decided by the first row that fits."""
    evidence, _ = EXAMPLES[rule.name]
    fitting = [other.name for other in OUTCOME_RULES if other.fits(evidence)]
    assert fitting[0] == rule.name


LATE = {
    JobSignal.DONE: Confidence.WEAK,
    JobSignal.CANCELLED: Confidence.WEAK,
    JobSignal.FAILED: Confidence.STRONG,
    JobSignal.HALTED: Confidence.STRONG,
    JobSignal.HOST_GONE: Confidence.WEAK,
}


@pytest.mark.parametrize(
    "rule", [rule for rule in OUTCOME_RULES if rule.teller is Teller.PRINTER], ids=lambda rule: rule.name
)
def test_an_end_found_after_a_gap_is_inferred_and_less_sure(rule: OutcomeRule) -> None:
    evidence, wanted = EXAMPLES[rule.name]
    ruling = decide(msgspec.structs.replace(evidence, late=True))
    assert ruling.provenance is Provenance.INFERRED
    assert evidence.signal is not None
    assert ruling.confidence is LATE[evidence.signal]
    assert _facts(ruling)[:3] == wanted[:3]


def test_what_a_printer_ends_a_job_by_is_what_the_table_has_rows_for() -> None:
    assert set(LATE) == ENDINGS


@pytest.mark.parametrize("signal", [JobSignal.STARTED, None])
def test_a_row_of_the_history_that_says_no_end_is_of_a_job_under_way(signal: JobSignal | None) -> None:
    assert decide(history(signal)).outcome is None


@pytest.mark.parametrize("signal", [JobSignal.FAILED, JobSignal.HALTED, JobSignal.HOST_GONE])
@pytest.mark.parametrize(
    ("fact", "by"),
    [
        (JobFact.FIRMWARE_ERROR, None),
        (JobFact.USER_NAMED, None),
        (JobFact.NO_USER, None),
        (JobFact.CANCEL_COMMAND, None),
        (JobFact.CANCELLER_TOLD, CancelledBy.SYSTEM),
    ],
)
def test_what_stands_beside_a_failure_makes_no_cancel_of_it(
    signal: JobSignal, fact: JobFact, by: CancelledBy | None
) -> None:
    assert decide(printer(signal, fact, by=by)).rule == decide(printer(signal)).rule


def test_a_history_that_tells_outcomes_tells_who_cancelled() -> None:
    assert decide(history(None, Outcome.CANCELLED)).cancelled_by is CancelledBy.SYSTEM


def test_an_end_is_taken_as_told_in_time_unless_it_is_said_to_be_late() -> None:
    assert decide(EndEvidence(teller=Teller.PRINTER, signal=JobSignal.DONE)).confidence is Confidence.STRONG


def test_the_words_stay_with_the_outcome() -> None:
    assert decide(printer(JobSignal.FAILED)).detail == WORDS
    assert decide(history(JobSignal.LOST)).detail == WORDS
    assert decide(told_by_person(CORRECTION, JOB)).detail == WORDS
    assert decide(told_by_nobody(error_state=True, detail=WORDS)).detail == WORDS
    assert decide(told_by_nobody(detail=WORDS)).detail is None
    assert decide(told_by_nobody(read_through=True, error_state=True, detail=WORDS)).detail is None


def test_a_failure_without_a_cause_is_of_unknown_cause() -> None:
    seen = Observation(signal=JobSignal.FAILED)
    assert decide(told_by_printer(seen, late=False)).cause is Cause.UNKNOWN


def test_what_a_person_leaves_open_stays_as_it_was() -> None:
    ruling = decide(told_by_person(CorrectJob(cause=Cause.ADHESION), JOB))
    assert (ruling.outcome, ruling.cause) == (Outcome.FAILED, Cause.ADHESION)
    ruling = decide(told_by_person(CorrectJob(outcome=Outcome.FAILED), JOB))
    assert ruling.cause is Cause.FILE
    cancelled = msgspec.structs.replace(JOB, outcome=Outcome.CANCELLED, cancelled_by=CancelledBy.SYSTEM)
    assert decide(told_by_person(CorrectJob(), cancelled)).cancelled_by is CancelledBy.SYSTEM


def test_a_person_who_does_not_know_leaves_no_confidence() -> None:
    ruling = decide(told_by_person(CloseJob(), JOB))
    assert (ruling.outcome, ruling.confidence) == (Outcome.UNKNOWN, Confidence.NONE)
    assert ruling.provenance is Provenance.PERSON


def test_without_a_row_that_fits_it_says_so() -> None:
    with pytest.raises(LookupError, match="no outcome rule"):
        decide(printer(JobSignal.DONE), [])


def test_a_ruling_put_on_a_job_changes_the_outcome_alone() -> None:
    ruled = decide(printer(JobSignal.FAILED)).applied(JOB)
    assert (ruled.outcome, ruled.cause, ruled.detail) == (Outcome.FAILED, Cause.FILE, WORDS)
    assert (ruled.confidence, ruled.provenance) == (Confidence.CERTAIN, Provenance.OBSERVED)
    assert (ruled.id, ruled.started_ms, ruled.ended_ms) == (JOB.id, JOB.started_ms, JOB.ended_ms)
