"""What became of a print: the one ordered table of rules, from evidence to outcome.

Whoever asks "where is it decided that this print failed?" has found the place. Adapters
translate a printer's words into signals and facts; the tracker finds out which attempt they
speak of; the first row of `OUTCOME_RULES` that fits says what became of it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from farm.model.job import Job
from farm.model.observation import HistoryRow, JobFact, JobSignal, Observation
from farm.model.operator_input import CloseJob, CorrectJob
from farm.model.states import CancelledBy, Cause, Confidence, Outcome, Provenance


class Teller(StrEnum):
    """Whose word an outcome rests on."""

    PERSON = "person"
    PRINTER = "printer"
    """The printer told the end, when it happened or later."""
    HISTORY = "history"
    """A row of the printer's own history."""
    NOBODY = "nobody"
    """No end was told: the attempt is given up, by what is known of it."""


class AsSaid(StrEnum):
    """In a rule: take the value from the evidence instead of a fixed one."""

    AS_SAID = "as said"


AS_SAID = AsSaid.AS_SAID


class EndEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to judge an end by. `late` marks an end that was found after a gap, in a
    reading that tells how things stand.
    """

    teller: Teller
    signal: JobSignal | None = None
    facts: frozenset[JobFact] = frozenset()
    late: bool = False
    outcome: Outcome | None = None
    cause: Cause | None = None
    cancelled_by: CancelledBy | None = None
    detail: str | None = None


class OutcomeRule(msgspec.Struct, frozen=True, kw_only=True):
    """One row: it fits where the teller, the signal and the fact that it names are in the evidence.

    `outcome` None says that the attempt still runs. `late` is the confidence of an end that
    was found after a gap; such an end is inferred.
    """

    name: str
    teller: Teller
    signal: JobSignal | None = None
    fact: JobFact | None = None
    outcome: Outcome | AsSaid | None
    cause: Cause | AsSaid | None = None
    cancelled_by: CancelledBy | AsSaid | None = None
    confidence: Confidence
    late: Confidence | None = None
    provenance: Provenance

    def fits(self, evidence: EndEvidence) -> bool:
        """Whether the row speaks of this evidence."""
        return (
            self.teller is evidence.teller
            and self.signal in (None, evidence.signal)
            and (self.fact is None or self.fact in evidence.facts)
        )


class Ruling(NamedTuple):
    """What the table says of an end, and by which row."""

    rule: str
    outcome: Outcome | None
    cause: Cause | None
    cancelled_by: CancelledBy | None
    detail: str | None
    confidence: Confidence
    provenance: Provenance

    def applied(self, job: Job) -> Job:
        """The job with this outcome."""
        return msgspec.structs.replace(
            job,
            outcome=self.outcome,
            cause=self.cause,
            cancelled_by=self.cancelled_by,
            detail=self.detail,
            confidence=self.confidence,
            provenance=self.provenance,
        )


_PRINTER, _HISTORY, _NOBODY, _PERSON = Teller.PRINTER, Teller.HISTORY, Teller.NOBODY, Teller.PERSON
_CERTAIN, _STRONG, _WEAK, _NONE = Confidence.CERTAIN, Confidence.STRONG, Confidence.WEAK, Confidence.NONE
_OBSERVED, _INFERRED = Provenance.OBSERVED, Provenance.INFERRED

OUTCOME_RULES: tuple[OutcomeRule, ...] = (
    OutcomeRule(
        name="person_says",
        teller=_PERSON,
        outcome=AS_SAID,
        cause=AS_SAID,
        cancelled_by=AS_SAID,
        confidence=_CERTAIN,
        provenance=Provenance.PERSON,
    ),
    OutcomeRule(
        name="done",
        teller=_PRINTER,
        signal=JobSignal.DONE,
        outcome=Outcome.SUCCEEDED,
        confidence=_STRONG,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="cancelled_by_firmware_error",
        teller=_PRINTER,
        signal=JobSignal.CANCELLED,
        fact=JobFact.FIRMWARE_ERROR,
        outcome=Outcome.FAILED,
        cause=AS_SAID,
        confidence=_STRONG,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="cancelled_with_canceller_told",
        teller=_PRINTER,
        signal=JobSignal.CANCELLED,
        fact=JobFact.CANCELLER_TOLD,
        outcome=Outcome.CANCELLED,
        cancelled_by=AS_SAID,
        confidence=_CERTAIN,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="cancelled_by_named_user",
        teller=_PRINTER,
        signal=JobSignal.CANCELLED,
        fact=JobFact.USER_NAMED,
        outcome=Outcome.CANCELLED,
        cancelled_by=CancelledBy.PERSON,
        confidence=_CERTAIN,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="cancelled_without_user",
        teller=_PRINTER,
        signal=JobSignal.CANCELLED,
        fact=JobFact.NO_USER,
        outcome=Outcome.CANCELLED,
        cancelled_by=CancelledBy.SYSTEM,
        confidence=_STRONG,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="cancelled_by_command",
        teller=_PRINTER,
        signal=JobSignal.CANCELLED,
        fact=JobFact.CANCEL_COMMAND,
        outcome=Outcome.CANCELLED,
        cancelled_by=CancelledBy.PERSON,
        confidence=_STRONG,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="cancelled",
        teller=_PRINTER,
        signal=JobSignal.CANCELLED,
        outcome=Outcome.CANCELLED,
        confidence=_STRONG,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="failed",
        teller=_PRINTER,
        signal=JobSignal.FAILED,
        outcome=Outcome.FAILED,
        cause=AS_SAID,
        confidence=_CERTAIN,
        late=_STRONG,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="firmware_halted",
        teller=_PRINTER,
        signal=JobSignal.HALTED,
        outcome=Outcome.FAILED,
        cause=AS_SAID,
        confidence=_CERTAIN,
        late=_STRONG,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="host_gone",
        teller=_PRINTER,
        signal=JobSignal.HOST_GONE,
        outcome=Outcome.FAILED,
        cause=Cause.HOST,
        confidence=_STRONG,
        late=_WEAK,
        provenance=_OBSERVED,
    ),
    OutcomeRule(
        name="history_done",
        teller=_HISTORY,
        signal=JobSignal.DONE,
        outcome=Outcome.SUCCEEDED,
        confidence=_STRONG,
        provenance=Provenance.HISTORY,
    ),
    # Moonraker also writes `cancelled` where the next start found a job open.
    OutcomeRule(
        name="history_cancelled",
        teller=_HISTORY,
        signal=JobSignal.CANCELLED,
        outcome=Outcome.CANCELLED,
        cancelled_by=CancelledBy.PERSON,
        confidence=_WEAK,
        provenance=Provenance.HISTORY,
    ),
    OutcomeRule(
        name="history_failed",
        teller=_HISTORY,
        signal=JobSignal.FAILED,
        outcome=Outcome.FAILED,
        cause=Cause.PRINTER_ERROR,
        confidence=_STRONG,
        provenance=Provenance.HISTORY,
    ),
    OutcomeRule(
        name="history_halted",
        teller=_HISTORY,
        signal=JobSignal.HALTED,
        outcome=Outcome.FAILED,
        cause=Cause.PRINTER_ERROR,
        confidence=_STRONG,
        provenance=Provenance.HISTORY,
    ),
    OutcomeRule(
        name="history_host_gone",
        teller=_HISTORY,
        signal=JobSignal.HOST_GONE,
        outcome=Outcome.FAILED,
        cause=Cause.HOST,
        confidence=_STRONG,
        provenance=Provenance.HISTORY,
    ),
    OutcomeRule(
        name="history_cannot_say",
        teller=_HISTORY,
        signal=JobSignal.LOST,
        outcome=Outcome.UNKNOWN,
        confidence=_NONE,
        provenance=Provenance.HISTORY,
    ),
    # Rows with `started` still run; rows without a signal say the outcome itself, if any.
    OutcomeRule(
        name="history_as_told",
        teller=_HISTORY,
        outcome=AS_SAID,
        cause=AS_SAID,
        cancelled_by=AS_SAID,
        confidence=_STRONG,
        provenance=Provenance.HISTORY,
    ),
    OutcomeRule(
        name="file_read_through",
        teller=_NOBODY,
        fact=JobFact.READ_THROUGH,
        outcome=Outcome.SUCCEEDED,
        confidence=_WEAK,
        provenance=_INFERRED,
    ),
    OutcomeRule(
        name="error_state_lasted",
        teller=_NOBODY,
        fact=JobFact.ERROR_STATE,
        outcome=Outcome.FAILED,
        cause=AS_SAID,
        confidence=_WEAK,
        provenance=_INFERRED,
    ),
    OutcomeRule(
        name="no_end_told",
        teller=_NOBODY,
        outcome=Outcome.UNKNOWN,
        confidence=_NONE,
        provenance=_INFERRED,
    ),
)
"""Every rule, in the order in which it is tried."""


def _rules_by_teller(rules: Sequence[OutcomeRule]) -> dict[Teller, tuple[OutcomeRule, ...]]:
    return {teller: tuple(rule for rule in rules if rule.teller is teller) for teller in Teller}


_BY_TELLER = _rules_by_teller(OUTCOME_RULES)


def decide(evidence: EndEvidence, rules: Sequence[OutcomeRule] | None = None) -> Ruling:
    """What became of the attempt, by the first rule that fits.

    Raises LookupError where none does, which for `OUTCOME_RULES` cannot be.
    """
    for rule in _BY_TELLER[evidence.teller] if rules is None else rules:
        if rule.fits(evidence):
            return _ruling(rule, evidence)
    raise LookupError(f"no outcome rule for {evidence}")


def _ruling(rule: OutcomeRule, evidence: EndEvidence) -> Ruling:
    outcome = evidence.outcome if rule.outcome is AS_SAID else rule.outcome
    cause = evidence.cause if rule.cause is AS_SAID else rule.cause
    by = evidence.cancelled_by if rule.cancelled_by is AS_SAID else rule.cancelled_by
    late = evidence.late and rule.late is not None
    confidence = rule.late if late and rule.late is not None else rule.confidence
    return Ruling(
        rule=rule.name,
        outcome=outcome,
        cause=(cause or Cause.UNKNOWN) if outcome is Outcome.FAILED else None,
        cancelled_by=by if outcome is Outcome.CANCELLED else None,
        detail=evidence.detail,
        confidence=Confidence.NONE if outcome is Outcome.UNKNOWN else confidence,
        provenance=Provenance.INFERRED if late else rule.provenance,
    )


ENDINGS = frozenset(
    rule.signal for rule in OUTCOME_RULES if rule.teller is Teller.PRINTER and rule.signal is not None
)
"""The signals by which a printer tells an end."""


def says_the_end(ruling: Ruling) -> bool:
    """Whether the ruling knows how the attempt ended."""
    return ruling.outcome not in (None, Outcome.UNKNOWN)


def told_by_printer(seen: Observation, *, late: bool) -> EndEvidence:
    """The evidence in a reading that tells an end."""
    facts = frozenset(seen.facts)
    if seen.cancelled_by is not None:
        facts |= {JobFact.CANCELLER_TOLD}
    return EndEvidence(
        teller=Teller.PRINTER,
        signal=seen.signal,
        facts=facts,
        late=late,
        cause=seen.cause,
        cancelled_by=seen.cancelled_by,
        detail=seen.detail,
    )


def told_by_history(row: HistoryRow) -> EndEvidence:
    """The evidence in a row of the printer's history."""
    return EndEvidence(
        teller=Teller.HISTORY,
        signal=row.signal,
        outcome=row.outcome,
        cause=row.cause,
        cancelled_by=row.cancelled_by,
        detail=row.detail,
    )


def told_by_nobody(
    *,
    read_through: bool = False,
    error_state: bool = False,
    cause: Cause | None = None,
    detail: str | None = None,
) -> EndEvidence:
    """The evidence left of an attempt whose end was not told."""
    known = {JobFact.READ_THROUGH: read_through, JobFact.ERROR_STATE: error_state}
    facts = frozenset(fact for fact, holds in known.items() if holds)
    # The words of an error belong to it alone.
    blamed = error_state and not read_through
    return EndEvidence(
        teller=Teller.NOBODY,
        facts=facts,
        cause=cause if blamed else None,
        detail=detail if blamed else None,
    )


def told_by_person(word: CorrectJob | CloseJob, job: Job) -> EndEvidence:
    """The evidence in a person's word on `job`; what the word leaves open stays as it was."""
    outcome = word.outcome if word.outcome is not None else job.outcome
    by = word.cancelled_by if isinstance(word, CorrectJob) else None
    return EndEvidence(
        teller=Teller.PERSON,
        outcome=outcome,
        cause=word.cause or job.cause,
        cancelled_by=by or job.cancelled_by,
        detail=job.detail,
    )
