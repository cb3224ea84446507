"""Comparing truth and books: every kind of difference is found, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import TruthError
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.ledger_reader import LedgerReader
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
from farm.model.times import HOUR_MS, MINUTE_MS
from simulators.recount.comparison import Agreement as FigureAgreement
from simulators.recount.comparison import Compared, FigureVerification, NotCompared
from simulators.truth import Header, JobTruth, PrinterTruth, SpanTruth, Truth
from simulators.verify import Agreement, Verification, verify
from simulators.verify_report import as_json, last_line, show
from tests.unit.simulators.workbench import START_MS

WINDOW_MS = 100 * HOUR_MS
NOTHING_COMPARED = FigureVerification(
    checked=[], wrong=[], not_compared=[NotCompared("mttr", "gaps hide repairs")]
)


class Books:
    """A ledger of one printer, as far as verifying reads it. Pages are short on purpose."""

    def __init__(
        self,
        jobs: Sequence[Job],
        totals: Mapping[PrinterState, int],
        adapter: str = "native",
        first_seen_ms: int = START_MS,
    ) -> None:
        self._first_seen_ms = first_seen_ms
        self._jobs = list(jobs)
        self._totals = totals
        self._adapter = adapter

    def printers(self, *, everything: bool = False) -> list[Printer]:
        assert everything
        return [
            Printer(
                id="p",
                site="main",
                name="bay-1",
                adapter=self._adapter,
                first_seen_ms=self._first_seen_ms,
            )
        ]

    def jobs(self, wanted: JobFilter) -> JobPage:
        begin = int(wanted.after or 0)
        more = str(begin + 2) if begin + 2 < len(self._jobs) else None
        return JobPage(self._jobs[begin : begin + 2], more)

    def spans(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        spans, begin = [], from_ms
        for state, length_ms in self._totals.items():
            spans.append(Span("p", state, begin, begin + length_ms))
            begin += length_ms
        return spans


def true_job(number: int = 1, **changes: Any) -> JobTruth:
    begin = START_MS + number * 10 * HOUR_MS
    told: dict[str, Any] = {
        "printer": "bay-1",
        "number": number,
        "file": f"part_{number}.gcode",
        "material": "PLA",
        "spool": "s",
        "units": 1,
        "started_ms": begin,
        "ended_ms": begin + 5 * HOUR_MS,
        "outcome": Outcome.SUCCEEDED,
        "printing_ms": 5 * HOUR_MS,
        "start_sent": True,
        "file_sent": True,
        "end_sent": True,
    }
    return JobTruth(**{**told, **changes})


def booked(truth: JobTruth, **changes: Any) -> Job:
    told: dict[str, Any] = {
        "id": f"job-{truth.number}",
        "printer_id": "p",
        "file": truth.file,
        "started_ms": truth.started_ms,
        "ended_ms": truth.ended_ms,
        "outcome": truth.outcome,
        "cancelled_by": truth.cancelled_by,
        "cause": truth.cause,
    }
    return Job(**{**told, **changes})


def a_truth(jobs: Sequence[JobTruth], spans: Sequence[SpanTruth], protocol: str = "native") -> Truth:
    header = Header(
        seed=1,
        scenario="s",
        faults=[],
        from_ms=START_MS,
        to_ms=START_MS + WINDOW_MS,
        printers=[PrinterTruth("bay-1", protocol, "m", "x/bay-1")],
    )
    return Truth(header=header, jobs=list(jobs), spans=list(spans), gaps=[])


def compare(
    truths: Sequence[JobTruth], jobs: Sequence[Job], totals: Mapping[PrinterState, int] | None = None
) -> Verification:
    busy = sum(job.printing_ms for job in truths)
    truth = a_truth(truths, [SpanTruth("bay-1", PrinterState.PRINTING, START_MS, START_MS + busy)])
    told = totals or {PrinterState.PRINTING: busy, PrinterState.IDLE: WINDOW_MS - busy}
    return verify(truth, cast(LedgerReader, Books(jobs, told)))


def agreements(verification: Verification) -> list[Agreement]:
    return [difference.agreement for difference in verification.differences]


def test_books_that_tell_the_truth_hold() -> None:
    truths = [true_job(1), true_job(2), true_job(3), true_job(4), true_job(5)]
    verification = compare(truths, [booked(job) for job in truths])
    assert verification.holds
    assert verification.differences == []
    assert verification.figures.right == verification.figures.jobs == 5


def test_a_job_that_ended_before_its_printer_was_first_seen_cannot_be_known() -> None:
    early, late = true_job(1), true_job(2)
    truth = a_truth([early, late], [])
    for seen_ms, wanted in (
        (early.ended_ms, [Agreement.UNKNOWN, Agreement.MISSED]),
        ((early.ended_ms or 0) - 1, [Agreement.MISSED, Agreement.MISSED]),
    ):
        books = Books([], {PrinterState.UNKNOWN: WINDOW_MS}, first_seen_ms=seen_ms or 0)
        assert agreements(verify(truth, cast(LedgerReader, books))) == wanted


FAILED = {"outcome": Outcome.FAILED, "cause": Cause.THERMAL}
CANCELLED = {"outcome": Outcome.CANCELLED, "cancelled_by": CancelledBy.PERSON}
UNKNOWN = {"outcome": Outcome.UNKNOWN, "cause": None, "cancelled_by": None}


@pytest.mark.parametrize(
    ("truth", "book", "agreement"),
    [
        ({}, {"outcome": Outcome.FAILED, "cause": Cause.UNKNOWN}, Agreement.WRONG),
        ({}, UNKNOWN, Agreement.WRONG),
        ({"end_sent": False}, UNKNOWN, Agreement.UNKNOWN),
        ({"end_sent": False}, {"outcome": None}, Agreement.UNKNOWN),
        ({"end_sent": False}, {}, None),
        ({"end_sent": False}, {"outcome": Outcome.FAILED}, Agreement.WRONG),
        ({"end_sent": False, "misleading": True, **FAILED}, CANCELLED | {"cause": None}, Agreement.UNKNOWN),
        (FAILED, {"cause": Cause.CONNECTION}, Agreement.WRONG),
        (FAILED, {"cause": None}, Agreement.WRONG),
        (FAILED | {"end_sent": False}, {"cause": Cause.UNKNOWN}, None),
        (CANCELLED, {"cancelled_by": CancelledBy.SYSTEM}, Agreement.WRONG),
        ({}, {"file": "other.gcode"}, Agreement.WRONG),
        ({}, {"file": None}, Agreement.WRONG),
        ({"file_sent": False}, {"file": None}, None),
        ({"outcome": None, "ended_ms": None, "end_sent": False}, {}, None),
        (
            {"outcome": None, "ended_ms": None, "end_sent": False},
            {"outcome": Outcome.FAILED},
            Agreement.WRONG,
        ),
        ({}, {"started_ms": None, "printing_ms": 5 * HOUR_MS}, None),
    ],
)
def test_each_kind_of_difference_has_its_name(
    truth: dict[str, Any], book: dict[str, Any], agreement: Agreement | None
) -> None:
    job = true_job(**truth)
    verification = compare([job], [booked(job, **book)])
    assert agreements(verification) == ([] if agreement is None else [agreement])
    assert verification.holds == (agreement in (None, Agreement.UNKNOWN))


@pytest.mark.parametrize(
    ("truth", "agreement"),
    [
        ({}, Agreement.MISSED),
        ({"end_sent": False}, Agreement.MISSED),
        ({"start_sent": False, "end_sent": False}, Agreement.UNKNOWN),
        ({"start_sent": False}, Agreement.MISSED),
    ],
)
def test_a_job_that_is_not_booked_is_missed_if_anything_of_it_arrived(
    truth: dict[str, Any], agreement: Agreement
) -> None:
    verification = compare([true_job(**truth)], [])
    assert agreements(verification) == [agreement]
    assert verification.holds == (agreement is Agreement.UNKNOWN)


def test_a_job_booked_twice_is_doubled() -> None:
    job = true_job()
    verification = compare([job], [booked(job), booked(job, id="again")])
    assert agreements(verification) == [Agreement.DOUBLED]
    assert verification.figures.right == verification.figures.doubled == 1
    assert not verification.holds


def test_a_job_that_never_was_is_doubled() -> None:
    job = true_job(1)
    verification = compare([job], [booked(job), booked(true_job(7))])
    assert verification.figures.doubled == 1


def test_a_piece_of_a_job_of_which_too_little_arrived_is_excused_when_it_claims_nothing() -> None:
    job = true_job(end_sent=False)
    half = job.started_ms + HOUR_MS
    pieces = [booked(job, ended_ms=half, **UNKNOWN), booked(job, id="piece", started_ms=half, **UNKNOWN)]
    assert compare([job], pieces).holds
    claims = [pieces[0], booked(job, id="piece", started_ms=half, outcome=Outcome.FAILED)]
    assert not compare([job], claims).holds


def test_two_jobs_between_which_nothing_arrived_may_be_booked_as_one() -> None:
    first = true_job(1, end_sent=False)
    second = true_job(2, start_sent=False, file_sent=False)
    one = booked(second, started_ms=first.started_ms, file=first.file)
    verification = compare([first, second], [one])
    assert verification.figures.missed + verification.figures.wrong + verification.figures.unknown == 1


def test_the_closer_pair_is_matched_when_a_file_is_printed_again_and_again() -> None:
    truths = [
        true_job(
            n,
            file="same.gcode",
            started_ms=START_MS + n * 2 * MINUTE_MS,
            ended_ms=START_MS + (n * 2 + 1) * MINUTE_MS,
        )
        for n in range(1, 9)
    ]
    jobs = [booked(job, outcome=Outcome.FAILED if job.number == 5 else job.outcome) for job in truths]
    verification = compare(truths, jobs[::-1])
    assert [difference.at_ms for difference in verification.differences] == [truths[4].started_ms]


@given(st.integers(0, 60), st.integers(0, 100))
def test_utilization_holds_when_the_true_one_lies_in_the_range(unknown_hours: int, true_hours: int) -> None:
    totals = {
        PrinterState.PRINTING: 20 * HOUR_MS,
        PrinterState.PREPARING: 10 * HOUR_MS,
        PrinterState.UNKNOWN: unknown_hours * HOUR_MS,
        PrinterState.OFFLINE: (70 - unknown_hours) * HOUR_MS,
    }
    job = true_job(printing_ms=true_hours * HOUR_MS)
    account = compare([job], [booked(job)], totals).accounts[0]
    assert account.low == pytest.approx(30)
    assert account.high == pytest.approx(30 + unknown_hours)
    assert account.holds == (30 <= true_hours <= 30 + unknown_hours)


def test_a_printer_first_seen_late_may_have_printed_before() -> None:
    job = true_job(printing_ms=40 * HOUR_MS)
    account = compare([job], [booked(job)], {PrinterState.IDLE: 50 * HOUR_MS}).accounts[0]
    assert (account.low, account.high) == (0, 50)
    assert account.observed_share == 0.5
    assert account.holds


@pytest.mark.parametrize(("protocol", "step"), [("octoprint", 1_000), ("moonraker", 250), ("native", 1)])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("prints", [1, 3])
def test_the_truth_may_lie_outside_by_a_step_of_the_protocol_for_each_change_and_no_more(
    protocol: str, step: int, sign: int, prints: int
) -> None:
    spans = [
        SpanTruth("bay-1", state, START_MS + at * HOUR_MS, START_MS + (at + 1) * HOUR_MS)
        for start in range(0, 3 * prints, 3)
        for at, state in enumerate(
            (PrinterState.PREPARING, PrinterState.PRINTING, PrinterState.PAUSED), start
        )
    ]
    allowed = 2 * prints * step

    def off(ms: int) -> Verification:
        busy = 2 * prints * HOUR_MS + sign * ms
        totals = {PrinterState.PRINTING: busy, PrinterState.IDLE: WINDOW_MS - busy}
        return verify(a_truth([], spans, protocol), cast(LedgerReader, Books([], totals, adapter=protocol)))

    assert off(allowed).holds
    far = off(allowed + 1)
    assert not far.holds
    assert far.figures.utilization_difference_max == pytest.approx(100 * (allowed + 1) / WINDOW_MS, abs=1e-4)


def test_a_ledger_of_other_printers_is_refused() -> None:
    truth = Truth(
        header=Header(
            seed=1, scenario="s", faults=[], from_ms=0, to_ms=1, printers=[PrinterTruth("a", "b", "c", "d")]
        ),
        jobs=[],
        spans=[],
        gaps=[],
    )
    with pytest.raises(TruthError, match="none of the printers"):
        verify(truth, cast(LedgerReader, Books([], {})))


def test_the_last_line_holds_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    wrong, missed = true_job(1), true_job(2)
    verification = compare([wrong, missed], [booked(wrong, outcome=Outcome.FAILED)])
    show(verification, NOTHING_COMPARED, machine_readable=False)
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == last_line(verification.figures)
    assert last_line(verification.figures) == (
        "jobs in truth 2, right 0, unknown for lack of evidence 0, wrong 1, missed 1, doubled 0, "
        "utilization difference in points: largest 0.0000, mean 0.0000"
    )
    assert "part_1.gcode" in printed
    assert "part_2.gcode" in printed
    assert "mttr" in printed
    assert "gaps hide repairs" in printed


def test_every_row_stays_on_its_line_in_a_narrow_window(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    wrong = Compared(
        indicator="success_after_inspection",
        scope="printer",
        label="bay-06-host-dies",
        window="whole",
        from_ms=0,
        to_ms=0,
        true=1007.4756,
        exact_to=0.0001,
        value=1131.3149,
        low=1131.3149,
        high=1131.8581,
        standing=FigureAgreement.WRONG,
    )
    found = FigureVerification(checked=[], wrong=[wrong], not_compared=[])
    show(compare([], []), found, machine_readable=False)
    printed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    (row,) = [line for line in printed if "success_after_inspection" in line]
    assert len(row) <= 80
    assert "1007.4756" in row
    assert "1131.3149" in row


def test_json_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    job = true_job(1)
    verification = compare([job], [booked(job, outcome=Outcome.FAILED)])
    show(verification, NOTHING_COMPARED, machine_readable=True)
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told == msgspec.to_builtins(as_json(verification, NOTHING_COMPARED))
    assert told["figures"]["wrong"] == 1
    assert told["differences"][0]["at"] == "2026-01-05T18:00:00.000Z"
    assert told["not_compared"] == [{"indicator": "mttr", "why": "gaps hide repairs"}]
    assert told["holds"] is False
