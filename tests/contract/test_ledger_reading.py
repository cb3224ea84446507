"""What readers see of the farm, in every database."""

import msgspec
import pytest
from sqlalchemy.event import listen

from farm.errors import InvalidQuery
from farm.ledger.batch import Batch
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger
from farm.ledger.records import Revision, TelemetryRow
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.outcome_count import EndedCount
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
from tests.contract.ledger_samples import (
    a_checkpoint,
    a_job,
    a_printer,
    a_session,
    a_span,
    an_ended_job,
    an_id,
    entries,
    evidence,
    farm,
)
from tests.figures import OutcomeCount, outcome_counts

ANNA, BERT = an_id("anna"), an_id("bert")
RETIRED = a_printer("carl", retired_ms=500)
IGNORED = a_printer("dora", ignored=True)


def whole_farm() -> list[Printer]:
    return [a_printer("bert"), a_printer("anna"), RETIRED, IGNORED]


def names(jobs: list[Job]) -> list[str]:
    return [str(job.file).removesuffix(".gcode") for job in jobs]


def listed(ledger: Ledger, wanted: JobFilter) -> list[str]:
    return names(ledger.jobs(wanted).jobs)


def test_printers_come_by_name_and_retired_and_ignored_ones_on_request(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=whole_farm()))
    assert [printer.name for printer in ledger.printers()] == ["anna", "bert"]
    assert [printer.name for printer in ledger.printers(everything=True)] == ["anna", "bert", "carl", "dora"]


def test_a_status_tells_state_job_and_last_telemetry(ledger: Ledger) -> None:
    ledger.commit(
        Batch(
            printers=[a_printer()],
            jobs=[an_ended_job("before", 90), a_job("now")],
            spans=[a_span(PrinterState.IDLE, 0, 100), a_span(PrinterState.PRINTING, 100, None)],
            checkpoints=[a_checkpoint()],
            sessions=[a_session(140)],
            booked_until_ms=150,
        )
    )
    assert ledger.statuses() == [
        PrinterStatus(
            printer=a_printer(),
            state=PrinterState.PRINTING,
            since_ms=100,
            source="observed",
            heard_ms=140,
            known_until_ms=150,
            live=Telemetry(nozzle=210.5, layer=3),
            job=a_job("now"),
        )
    ]


def test_a_printer_without_an_account_stands_unknown_since_it_was_first_seen(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer(first_seen_ms=42)]))
    (status,) = ledger.statuses()
    assert (status.state, status.since_ms, status.source) == (PrinterState.UNKNOWN, 42, "silence")
    assert (status.heard_ms, status.live, status.job) == (42, Telemetry(), None)


def test_a_printer_whose_last_span_is_closed_stands_unknown_since_its_end(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer()], spans=[a_span(PrinterState.IDLE, 0, 100)]))
    (status,) = ledger.statuses()
    assert (status.state, status.since_ms) == (PrinterState.UNKNOWN, 100)


def test_statuses_of_named_printers_hold_retired_ones_too(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=whole_farm()))
    assert [status.printer.name for status in ledger.statuses()] == ["anna", "bert"]
    assert [s.printer.name for s in ledger.statuses([RETIRED.id, BERT])] == ["bert", "carl"]
    assert ledger.statuses([]) == []


def test_ended_jobs_of_a_window_are_counted_by_outcome_and_who_cancelled(ledger: Ledger) -> None:
    jobs = [
        an_ended_job("at the start", 100, units=2),
        an_ended_job("inside", 150, printing_ms=7),
        an_ended_job("at the end", 200),
        an_ended_job("failed", 150, outcome=Outcome.FAILED),
        an_ended_job("stopped", 150, outcome=Outcome.CANCELLED, cancelled_by=CancelledBy.PERSON),
        an_ended_job("dropped", 150, outcome=Outcome.CANCELLED, cancelled_by=CancelledBy.SYSTEM),
        an_ended_job("other", 150, "bert"),
        a_job("open"),
    ]
    ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")], jobs=jobs))

    def count(printer: str, outcome: Outcome, by: CancelledBy | None = None, *sums: int) -> OutcomeCount:
        jobs, units, printing_ms = sums or (1, 1, 50)
        return OutcomeCount(
            printer_id=an_id(printer),
            outcome=outcome,
            cancelled_by=by,
            jobs=jobs,
            units=units,
            printing_ms=printing_ms,
        )

    of_anna = {
        count("anna", Outcome.SUCCEEDED, None, 2, 3, 57),
        count("anna", Outcome.FAILED),
        count("anna", Outcome.CANCELLED, CancelledBy.PERSON),
        count("anna", Outcome.CANCELLED, CancelledBy.SYSTEM),
    }
    assert set(outcome_counts(ledger, 100, 200)) == of_anna | {count("bert", Outcome.SUCCEEDED)}
    assert set(outcome_counts(ledger, 100, 200, [ANNA])) == of_anna
    assert outcome_counts(ledger, 100, 200, []) == []
    assert outcome_counts(ledger, 201, 300) == []


def test_jobs_of_ignored_printers_count_only_on_request(ledger: Ledger) -> None:
    jobs = [an_ended_job("dora's", 100, "dora"), an_ended_job("carl's", 100, "carl")]
    ledger.commit(Batch(printers=whole_farm(), jobs=jobs))
    assert [count.printer_id for count in outcome_counts(ledger, 0, 200)] == [RETIRED.id]
    assert [count.printer_id for count in outcome_counts(ledger, 0, 200, [IGNORED.id])] == [IGNORED.id]
    assert listed(ledger, JobFilter()) == ["carl's"]
    assert listed(ledger, JobFilter(printer_ids=[IGNORED.id])) == ["dora's"]


def test_jobs_of_a_forgotten_printer_stand_in_no_count(ledger: Ledger) -> None:
    ledger.commit(farm("anna", "bert"))
    failed = {"outcome": Outcome.FAILED, "cause": Cause.THERMAL}
    ledger.commit(Batch(jobs=[an_ended_job(name, 200, name, **failed) for name in ("anna", "bert")]))
    ledger.commit(Batch(printers=[a_printer("bert", ignored=True)]))
    assert [(count.cause, count.jobs) for count in ledger.ended_jobs()] == [(Cause.THERMAL, 1)]
    assert [count.printer_id for count in outcome_counts(ledger, 0, 300)] == [an_id("anna")]
    assert [job.printer_id for job in ledger.jobs(JobFilter()).jobs] == [an_id("anna")]


def test_all_ended_jobs_are_counted_by_outcome_and_cause(ledger: Ledger) -> None:
    failed = {"outcome": Outcome.FAILED, "cause": Cause.POWER}
    jobs = [an_ended_job("a", 1), an_ended_job("b", 2, **failed), an_ended_job("c", 3, **failed), a_job("d")]
    ledger.commit(Batch(printers=[a_printer()], jobs=jobs))
    assert ledger.ended_jobs() == [
        EndedCount(outcome=Outcome.FAILED, cause=Cause.POWER, jobs=2),
        EndedCount(outcome=Outcome.SUCCEEDED, cause=None, jobs=1),
    ]


def test_jobs_under_way_come_first_then_ended_ones_newest_first(ledger: Ledger) -> None:
    jobs = [
        an_ended_job("old", 100),
        an_ended_job("new", 300),
        an_ended_job("middle", 200),
        a_job("running", started_ms=50),
        a_job("just begun", started_ms=310),
        a_job("joined midway", started_ms=None),
    ]
    ledger.commit(Batch(printers=[a_printer()], jobs=jobs))
    running = ["just begun", "running", "joined midway"]
    assert listed(ledger, JobFilter()) == [*running, "new", "middle", "old"]
    assert listed(ledger, JobFilter(open_only=True)) == running


def test_jobs_are_filtered(ledger: Ledger) -> None:
    jobs = [
        an_ended_job("first", 100),
        an_ended_job("second", 200, outcome=Outcome.FAILED),
        an_ended_job("third", 300, "bert"),
        a_job("early", started_ms=150),
        a_job("late", started_ms=250),
        a_job("midway", started_ms=None),
    ]
    ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")], jobs=jobs))
    assert listed(ledger, JobFilter(printer_ids=[BERT])) == ["third"]
    assert listed(ledger, JobFilter(outcomes=[Outcome.FAILED, Outcome.CANCELLED])) == ["second"]
    assert listed(ledger, JobFilter(file="first.gcode")) == ["first"]
    assert listed(ledger, JobFilter(since_ms=200)) == ["late", "midway", "third", "second"]
    assert listed(ledger, JobFilter(until_ms=200)) == ["early", "midway", "first"]
    assert listed(ledger, JobFilter(printer_ids=[])) == []
    assert listed(ledger, JobFilter(outcomes=[])) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_hold_every_job_once(ledger: Ledger, limit: int) -> None:
    jobs = [an_ended_job(f"ended {number:02}", 100 + number // 4) for number in range(13)]
    jobs += [a_job(f"open {number}", started_ms=None if number == 0 else 10) for number in range(5)]
    ledger.commit(Batch(printers=[a_printer()], jobs=jobs))
    whole = ledger.jobs(JobFilter(limit=100))
    assert whole.next is None
    found: list[Job] = []
    page = ledger.jobs(JobFilter(limit=limit))
    found += page.jobs
    while page.next is not None:
        assert len(page.jobs) == limit
        page = ledger.jobs(JobFilter(limit=limit, after=page.next))
        found += page.jobs
    assert found == whole.jobs
    assert {job.id for job in found} == {job.id for job in jobs}


def test_jobs_that_end_while_paging_neither_shift_nor_repeat_a_page(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer()], jobs=[an_ended_job(f"{n}", 100 + n) for n in range(6)]))
    first = ledger.jobs(JobFilter(limit=2))
    ledger.commit(Batch(jobs=[an_ended_job("late", 999), an_ended_job("tie", 104), a_job("begun")]))
    rest = ledger.jobs(JobFilter(limit=100, after=first.next))
    assert names(first.jobs) == ["5", "4"]
    assert [name for name in names(rest.jobs) if name != "tie"] == ["3", "2", "1", "0"]


@pytest.mark.parametrize("mark", ["", "x", "bm90IGEgbWFyaw", "ünï", "W10", "W3RydWUsImEiLDFd"])
def test_a_mark_that_no_page_gave_is_refused(ledger: Ledger, mark: str) -> None:
    with pytest.raises(InvalidQuery, match="mark"):
        ledger.jobs(JobFilter(after=mark))


def test_the_last_ended_jobs_of_a_printer_come_newest_first(ledger: Ledger) -> None:
    jobs = [an_ended_job(str(number), number) for number in (3, 1, 2)]
    jobs += [a_job("open"), an_ended_job("other", 9, "bert")]
    ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")], jobs=jobs))
    assert names(ledger.last_terminal_jobs(ANNA, 2)) == ["3", "2"]
    assert names(ledger.last_terminal_jobs(ANNA, 9)) == ["3", "2", "1"]


def test_the_job_that_each_printer_ended_last_takes_one_statement_for_all_of_them(ledger: Ledger) -> None:
    jobs = [an_ended_job(f"{name}{at}", at, name) for name in ("anna", "bert") for at in (3, 1, 2)]
    printers = [a_printer("anna"), a_printer("bert"), RETIRED, IGNORED]
    ledger.commit(Batch(printers=printers, jobs=[*jobs, a_job("open"), an_ended_job("hers", 9, "dora")]))
    asked: list[str] = []
    listen(ledger.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    found = ledger.last_ended_jobs([ANNA, BERT, RETIRED.id])
    assert {key: job.id for key, job in found.items()} == {ANNA: an_id("anna3"), BERT: an_id("bert3")}
    assert len([each for each in asked if "FROM job" in each]) == 1
    assert ledger.last_ended_jobs([]) == {}


def test_the_feed_is_read_by_cursor(ledger: Ledger) -> None:
    assert ledger.feed_head() == 0
    ledger.commit(Batch(printers=[a_printer()], feed=entries(3, "first")))
    ledger.commit(Batch(feed=entries(2, "second")))
    assert ledger.feed_head() == 5
    assert [entry.seq for entry in ledger.feed(0, 10)] == [1, 2, 3, 4, 5]
    assert [entry.body for entry in ledger.feed(2, 2)] == [{"first": 2}, {"second": 0}]
    assert ledger.feed(5, 10) == []


def test_evidence_and_telemetry_of_a_window_come_in_order(ledger: Ledger) -> None:
    ledger.commit(
        Batch(
            printers=[a_printer("anna"), a_printer("bert")],
            evidence=[
                evidence(20, 1),
                evidence(10),
                evidence(20),
                evidence(30),
                evidence(20, printer="bert"),
            ],
            telemetry=[TelemetryRow(ANNA, at_ms, Telemetry(bed=float(at_ms))) for at_ms in (30, 20, 10)],
        )
    )
    assert ledger.evidence(ANNA, 10, 30) == [evidence(10), evidence(20), evidence(20, 1)]
    assert ledger.evidence(ANNA, 10, 30, limit=1) == [evidence(10)]
    assert [(row.at_ms, row.values.bed) for row in ledger.telemetry(ANNA, 10, 30)] == [(10, 10.0), (20, 20.0)]


def test_a_job_that_is_not_there_is_none(ledger: Ledger) -> None:
    ledger.commit(farm("anna"))
    assert ledger.job(an_id("nothing")) is None


def test_the_names_that_printers_had_are_told_and_jobs_have_none(ledger: Ledger) -> None:
    ledger.commit(farm("anna", "bert"))

    def trail(at_ms: int, printer_id: str, before: object, job_id: str | None = None) -> Revision:
        text = msgspec.json.encode(before).decode()
        return Revision(
            at_ms=at_ms, printer_id=printer_id, job_id=job_id, who="olga", why="", before=text, after=text
        )

    job = an_ended_job("withdrawn", 200)
    renamed = [trail(1, ANNA, a_printer("first")), trail(2, ANNA, a_printer("second"))]
    ledger.commit(Batch(revisions=[*renamed, trail(3, BERT, job), trail(4, BERT, a_printer("third"))]))
    assert ledger.former_names() == [(BERT, "third"), (ANNA, "second"), (ANNA, "first")]
