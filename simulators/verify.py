"""Truth against the ledger: every difference, and the figures. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from farm.errors import TruthError
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger_reader import LedgerReader
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.states import Cause, Outcome, PrinterState
from simulators.matching import Pair, begins_ms, by_printer, match, overlap
from simulators.protocols import step_ms
from simulators.truth import JobTruth, PrinterTruth, Truth

_PAGE = 1_000
_BUSY = (PrinterState.PRINTING, PrinterState.PREPARING)


class Agreement(StrEnum):
    """What became of a true job in the ledger."""

    RIGHT = "right"
    UNKNOWN = "unknown"
    """No outcome is booked, or the job is not, and the evidence did not reach the broker."""
    WRONG = "wrong"
    MISSED = "missed"
    DOUBLED = "doubled"


class JobDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that differs. Times in milliseconds since 1970."""

    agreement: Agreement
    printer: str
    at_ms: int | None
    file: str | None
    truth: str
    booked: str
    why: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The utilization of one printer over the run, in percent of the window.

    It holds when the true figure lies no further outside the reported range than `exact_to`, in
    points: so much its protocol does not tell of the moments at which it began and ceased to be busy.
    """

    printer: str
    true: float
    low: float
    high: float
    observed_share: float
    exact_to: float
    holds: bool

    @property
    def off_by(self) -> float:
        """How far the true figure lies outside the reported range, in points."""
        return max(0.0, self.low - self.true, self.true - self.high)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The last line: jobs by agreement, and utilization differences in percentage points."""

    jobs: int
    right: int
    unknown: int
    wrong: int
    missed: int
    doubled: int
    utilization_difference_max: float
    utilization_difference_mean: float


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that verifying found."""

    figures: Figures
    differences: list[JobDifference]
    accounts: list[Account]
    holds: bool


def verify(truth: Truth, reader: LedgerReader) -> Verification:
    """Compare the truth with what the ledger holds. Raises TruthError when it holds none of the printers."""
    printers = known_printers(truth, reader)
    booked = booked_jobs(reader, printers)
    true_jobs = by_printer(truth.jobs, "printer")
    differences: list[JobDifference] = []
    agreements: list[Agreement] = []
    for printer in truth.header.printers:
        found = printers.get(printer.name)
        jobs = booked.get(found.id, []) if found else []
        seen_ms = found.first_seen_ms if found else truth.header.from_ms
        _compare(printer.name, true_jobs.get(printer.name, []), jobs, seen_ms, agreements, differences)
    accounts = _accounts(truth, reader, printers)
    figures = _figures(len(truth.jobs), agreements, accounts)
    faultless = figures.wrong == figures.missed == figures.doubled == 0
    return Verification(
        figures=figures,
        differences=differences,
        accounts=accounts,
        holds=faultless and all(account.holds for account in accounts),
    )


def known_printers(truth: Truth, reader: LedgerReader) -> dict[str, Printer]:
    """The ledger's printers by the name that the run gave them. Raises TruthError when it holds none."""
    known = {(printer.name, printer.adapter): printer for printer in reader.printers(everything=True)}
    found = {
        wanted.name: known[wanted.name, wanted.protocol]
        for wanted in truth.header.printers
        if (wanted.name, wanted.protocol) in known
    }
    if not found:
        raise TruthError("the ledger holds none of the printers of this run; was it fed to another one?")
    return found


def booked_jobs(reader: LedgerReader, printers: Mapping[str, Printer]) -> dict[str, list[Job]]:
    """The booked jobs by printer id."""
    ours = {printer.id for printer in printers.values()}
    jobs: list[Job] = []
    after: str | None = None
    while True:
        page = reader.jobs(JobFilter(limit=_PAGE, after=after))
        jobs += [job for job in page.jobs if job.printer_id in ours]
        after = page.next
        if after is None:
            return by_printer(jobs, "printer_id")


def matched_pairs(
    truth: Truth, booked: Mapping[str, Sequence[Job]], printers: Mapping[str, Printer]
) -> list[Pair]:
    """Every true job that is booked, with the job that is booked of it."""
    true_jobs = by_printer(truth.jobs, "printer")
    return [
        pair
        for name, printer in printers.items()
        for pair in match(true_jobs.get(name, []), booked.get(printer.id, [])).pairs
    ]


# -- jobs -------------------------------------------------------------------------------------------


def _compare(
    printer: str,
    truths: Sequence[JobTruth],
    booked: Sequence[Job],
    seen_ms: int,
    agreements: list[Agreement],
    differences: list[JobDifference],
) -> None:
    """Judge the jobs of one printer, first seen at `seen_ms`."""
    matching = match(truths, booked)
    for pair in matching.pairs:
        agreement, why = judge(pair)
        agreements.append(agreement)
        if agreement is not Agreement.RIGHT:
            differences.append(_difference(agreement, pair.truth, pair.booked, why))
    for truth in matching.unbooked:
        agreement, why = _judge_unbooked(truth, matching.pairs, seen_ms)
        agreements.append(agreement)
        differences.append(_difference(agreement, truth, None, why))
    for job in matching.unexplained:
        excused = _excused(job, truths)
        differences.append(
            JobDifference(
                agreement=Agreement.UNKNOWN if excused else Agreement.DOUBLED,
                printer=printer,
                at_ms=begins_ms(job),
                file=job.file,
                truth="–",
                booked=_told(job),
                why="part of a job whose messages did not all reach the broker"
                if excused
                else "booked beyond",
            )
        )
        if not excused:
            agreements.append(Agreement.DOUBLED)


def judge(pair: Pair) -> tuple[Agreement, str]:
    """Whether the booked job says what is true, and what is wrong with it."""
    truth, job = pair.truth, pair.booked
    if truth.outcome is None:
        still = job.outcome is None or job.outcome is Outcome.UNKNOWN
        return (Agreement.RIGHT, "") if still else (Agreement.WRONG, "had not ended when the run did")
    if job.outcome is None or job.outcome is Outcome.UNKNOWN:
        if truth.end_sent:
            return Agreement.WRONG, "its end reached the broker"
        return Agreement.UNKNOWN, "its end did not reach the broker"
    if job.outcome is not truth.outcome or job.cancelled_by is not truth.cancelled_by:
        if truth.misleading:
            return Agreement.UNKNOWN, "what reached the broker tells another story"
        return Agreement.WRONG, "another outcome"
    if truth.end_sent and (job.cause or Cause.UNKNOWN) is not (truth.cause or Cause.UNKNOWN):
        return Agreement.WRONG, "another cause"
    if truth.file_sent and job.file != truth.file:
        return Agreement.WRONG, "another file"
    return Agreement.RIGHT, ""


def _judge_unbooked(truth: JobTruth, pairs: Sequence[Pair], seen_ms: int) -> tuple[Agreement, str]:
    """A true job that no booked one tells of."""
    if truth.ended_ms is not None and truth.ended_ms <= seen_ms:
        return Agreement.UNKNOWN, "it ended before the printer was first seen"
    if truth.end_sent:
        return Agreement.MISSED, "its end reached the broker"
    if not truth.start_sent:
        return Agreement.UNKNOWN, "nothing of it reached the broker"
    if any(overlap(truth, pair.booked) and not pair.truth.start_sent for pair in pairs):
        return Agreement.UNKNOWN, "neither its end nor the start of the next one reached the broker"
    return Agreement.MISSED, "its start reached the broker"


def _excused(job: Job, truths: Sequence[JobTruth]) -> bool:
    """Whether a job too many is a piece of one of which too little arrived to know better."""
    if job.outcome not in (None, Outcome.UNKNOWN):
        return False
    return any(
        overlap(truth, job) and not (truth.start_sent and truth.file_sent and truth.end_sent)
        for truth in truths
    )


def _told(job: Job | None) -> str:
    if job is None:
        return "–"
    return _words(job.outcome, job.cancelled_by, job.cause)


def _words(*parts: str | None) -> str:
    return " ".join(part for part in parts if part) or "under way"


def _difference(agreement: Agreement, truth: JobTruth, job: Job | None, why: str) -> JobDifference:
    return JobDifference(
        agreement=agreement,
        printer=truth.printer,
        at_ms=truth.started_ms,
        file=truth.file,
        truth=_words(truth.outcome, truth.cancelled_by, truth.cause),
        booked=_told(job),
        why=why,
    )


# -- utilization ------------------------------------------------------------------------------------


def _accounts(truth: Truth, reader: LedgerReader, printers: Mapping[str, Printer]) -> list[Account]:
    from_ms, to_ms = truth.header.from_ms, truth.header.to_ms
    totals: dict[str, Counter[PrinterState]] = defaultdict(Counter)
    for span in reader.spans(from_ms, to_ms, [printer.id for printer in printers.values()]):
        totals[span.printer_id][span.state] += (span.to_ms or to_ms) - span.from_ms
    busy = _busy(truth)
    accounts = []
    for printer in truth.header.printers:
        found = printers.get(printer.name)
        booked: Mapping[PrinterState, int] = totals[found.id] if found else {}
        accounts.append(_account(printer, busy[printer.name], booked, to_ms - from_ms))
    return accounts


class _Busy(msgspec.Struct):
    """How long a printer was busy (ms), how often it began or ceased to be, and until when it was."""

    passed_ms: int = 0
    changes: int = 0
    until_ms: int | None = None


def _busy(truth: Truth) -> dict[str, _Busy]:
    """By printer. Its spans stand in the order of their time, and those that touch are one."""
    found = {printer.name: _Busy() for printer in truth.header.printers}
    for span in truth.spans:
        if span.state in _BUSY:
            busy = found[span.printer]
            busy.passed_ms += span.to_ms - span.from_ms
            busy.changes += 0 if span.from_ms == busy.until_ms else 2
            busy.until_ms = span.to_ms
    return found


def _account(
    printer: PrinterTruth, busy: _Busy, booked: Mapping[PrinterState, int], window_ms: int
) -> Account:
    """Time before the first sight counts as unknown, and unknown may be printing or not."""
    low_ms = sum(booked.get(state, 0) for state in _BUSY)
    seen_ms = sum(booked.values()) - booked.get(PrinterState.UNKNOWN, 0)
    high_ms = low_ms + window_ms - seen_ms
    exact_to_ms = busy.changes * step_ms(printer.protocol)
    return Account(
        printer=printer.name,
        true=100 * busy.passed_ms / window_ms,
        low=100 * low_ms / window_ms,
        high=100 * high_ms / window_ms,
        observed_share=seen_ms / window_ms,
        exact_to=100 * exact_to_ms / window_ms,
        holds=low_ms - exact_to_ms <= busy.passed_ms <= high_ms + exact_to_ms,
    )


def _figures(jobs: int, agreements: Sequence[Agreement], accounts: Sequence[Account]) -> Figures:
    off = [account.off_by for account in accounts]
    return Figures(
        jobs=jobs,
        right=agreements.count(Agreement.RIGHT),
        unknown=agreements.count(Agreement.UNKNOWN),
        wrong=agreements.count(Agreement.WRONG),
        missed=agreements.count(Agreement.MISSED),
        doubled=agreements.count(Agreement.DOUBLED),
        utilization_difference_max=round(max(off, default=0.0), 4),
        utilization_difference_mean=round(sum(off) / len(off) if off else 0.0, 4),
    )
