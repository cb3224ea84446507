"""The inbox in every database: what people say, until the collector has worked it in."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, update

from farm.errors import InputConflict, InvalidInput, InvalidQuery, LedgerError
from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.inbox import FUTURE_TOLERANCE_MS, Inbox, InputPage
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    ForgetPrinter,
    NoteJob,
    OperatorInput,
    OperatorWord,
    PrinterService,
    RenamePrinter,
    RestorePrinter,
    RetirePrinter,
    SetState,
    TakenInput,
)
from farm.model.states import CancelledBy, Cause, Outcome
from tests.contract.ledger_samples import SHARD, a_job, a_printer, an_ended_job, an_id, farm
from tests.inbox import waiting_inputs

NOW = 1_000_000
ANNA, BERT = an_id("anna"), an_id("bert")
MAINTENANCE = SetState(PrinterService.MAINTENANCE)

PRINTER_WORDS = [
    *(SetState(service) for service in PrinterService),
    RenamePrinter("Anna 2"),
    RetirePrinter(),
    ForgetPrinter(),
    RestorePrinter(),
]
JOB_WORDS = [
    CorrectJob(),
    CorrectJob(outcome=Outcome.FAILED, cause=Cause.ADHESION),
    CorrectJob(outcome=Outcome.CANCELLED, cancelled_by=CancelledBy.PERSON),
    DescribeJob(file="Grüße.gcode", material="PLA", operator="Olga", spool="17", units=4),
    DescribeJob(units=2),
    NoteJob("first layer\nlooked thin"),
    NoteJob(""),
]


@pytest.fixture
def inbox(ledger: Ledger) -> Inbox:
    ledger.commit(farm("anna", "bert"))
    ledger.commit(Batch(jobs=[an_ended_job("done", 200), a_job("open")]))
    return Inbox(ledger.engine)


def say(inbox: Inbox, word: OperatorWord = MAINTENANCE, **facts: Any) -> OperatorInput:
    given: dict[str, Any] = {"printer_id": ANNA, "who": "olga", "now_ms": NOW}
    return inbox.append_input(word, **(given | facts))


@pytest.mark.parametrize("word", PRINTER_WORDS, ids=repr)
def test_what_is_said_of_a_printer_waits_as_it_was_said(
    inbox: Inbox, ledger: Ledger, word: OperatorWord
) -> None:
    said = say(inbox, word, why="nozzle", for_ms=500)
    assert said == OperatorInput(
        id=said.id, printer_id=ANNA, said_ms=NOW, for_ms=500, who="olga", word=word, why="nozzle"
    )
    assert waiting_inputs(ledger) == [said]
    assert inbox.input(said.id) == said


@pytest.mark.parametrize("word", JOB_WORDS, ids=repr)
def test_what_is_said_of_a_job_waits_as_it_was_said(inbox: Inbox, ledger: Ledger, word: OperatorWord) -> None:
    said = say(inbox, word, job_id=an_id("done"))
    assert (said.job_id, said.word, said.for_ms) == (an_id("done"), word, NOW)
    assert waiting_inputs(ledger) == [said]


def test_a_job_under_way_is_closed(inbox: Inbox, ledger: Ledger) -> None:
    said = say(inbox, CloseJob(outcome=Outcome.FAILED), job_id=an_id("open"), for_ms=400)
    assert waiting_inputs(ledger) == [said]


def test_entries_are_taken_in_the_order_in_which_they_were_said(inbox: Inbox, ledger: Ledger) -> None:
    said = [say(inbox, printer_id=each) for each in (BERT, ANNA, BERT)]
    assert waiting_inputs(ledger) == said
    assert waiting_inputs(ledger, limit=2) == said[:2]


def test_what_a_commit_takes_waits_no_longer_and_keeps_its_answer(inbox: Inbox, ledger: Ledger) -> None:
    first, second = say(inbox), say(inbox)
    ledger.commit(Batch(taken_inputs=[TakenInput(first.id, "already so")], booked_until_ms=NOW + 7))
    assert waiting_inputs(ledger) == [second]
    taken = inbox.input(first.id)
    assert taken is not None
    assert (taken.taken_ms, taken.answer) == (NOW + 7, "already so")
    assert inbox.input(second.id) == second


def test_an_entry_is_taken_once(inbox: Inbox, ledger: Ledger) -> None:
    said = say(inbox)
    ledger.commit(Batch(taken_inputs=[TakenInput(said.id, "done")], booked_until_ms=NOW))
    ledger.commit(Batch(taken_inputs=[TakenInput(said.id, "again")], booked_until_ms=NOW + 1))
    taken = inbox.input(said.id)
    assert taken is not None
    assert (taken.taken_ms, taken.answer) == (NOW, "done")


def test_an_entry_stays_for_the_collector_that_holds_the_printer(inbox: Inbox, ledger: Ledger) -> None:
    said = say(inbox)
    ledger.claim("layerline-shard-2", "another", simulated=False, now_ms=0)
    assert waiting_inputs(ledger) == []
    ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
    assert waiting_inputs(ledger) == [said]


def test_an_entry_for_a_printer_of_nobody_goes_to_any_collector(inbox: Inbox, ledger: Ledger) -> None:
    said = say(inbox)
    with ledger.engine.begin() as connection:
        connection.execute(update(schema.printer).values(collector=None))
    ledger.claim("layerline-shard-2", "another", simulated=False, now_ms=0)
    assert waiting_inputs(ledger) == [said]


def test_a_refused_batch_leaves_the_entry_waiting(inbox: Inbox, ledger: Ledger) -> None:
    said = say(inbox)
    taken = [TakenInput(said.id)]
    with pytest.raises(LedgerError):
        ledger.commit(Batch(taken_inputs=taken, jobs=[a_job("lost", "nobody")]))
    assert waiting_inputs(ledger) == [said]


def test_an_entry_that_becomes_visible_late_is_not_skipped(postgresql_url: str) -> None:
    with open_ledger(postgresql_url) as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
        ledger.commit(farm("anna"))
        with ledger.engine.connect() as slow, slow.begin():
            late = {
                "printer_id": ANNA,
                "said_ms": NOW,
                "for_ms": NOW,
                "who": "olga",
                "what": "retire",
                "body": '{"type":"retire"}',
                "why": "",
            }
            slow.execute(insert(schema.operator_input).values(late))
            quick = say(Inbox(ledger.engine))
            assert waiting_inputs(ledger) == [quick]
            ledger.commit(Batch(taken_inputs=[TakenInput(quick.id)], booked_until_ms=NOW))
        (waiting,) = waiting_inputs(ledger)
        assert waiting.id < quick.id
        assert waiting.word == RetirePrinter()


@pytest.mark.parametrize(
    ("word", "facts", "field"),
    [
        (MAINTENANCE, {"printer_id": an_id("nobody")}, "printer"),
        (MAINTENANCE, {"job_id": an_id("done")}, "job"),
        (NoteJob("x"), {}, "job"),
        (NoteJob("x"), {"job_id": an_id("lost")}, "job"),
        (NoteJob("x"), {"job_id": an_id("done"), "printer_id": BERT}, "job"),
        (MAINTENANCE, {"who": " "}, "who"),
        (MAINTENANCE, {"who": "o" * 129}, "who"),
        (MAINTENANCE, {"who": "o\nlga"}, "who"),
        (MAINTENANCE, {"why": "w" * 2001}, "why"),
        (MAINTENANCE, {"why": "nul \x00"}, "why"),
        (MAINTENANCE, {"why": "half \ud800"}, "why"),
        (MAINTENANCE, {"for_ms": -1}, "for"),
        (MAINTENANCE, {"for_ms": NOW + FUTURE_TOLERANCE_MS + 1}, "for"),
        (MAINTENANCE, {"for_ms": 10**30}, "for"),
        (MAINTENANCE, {"request_key": ""}, "request_key"),
        (RenamePrinter(""), {}, "name"),
        (RenamePrinter("n" * 129), {}, "name"),
        (RenamePrinter("bay\x851"), {}, "name"),
        (RenamePrinter("bay\uffff1"), {}, "name"),
        (MAINTENANCE, {"why": "a sign \x9d of a terminal"}, "why"),
        (CloseJob(), {"job_id": an_id("open"), "for_ms": 99}, "for"),
        (CloseJob(outcome=Outcome.SUCCEEDED, cause=Cause.HOST), {"job_id": an_id("open")}, "cause"),
        (CorrectJob(outcome=Outcome.SUCCEEDED, cause=Cause.HOST), {"job_id": an_id("done")}, "cause"),
        (
            CorrectJob(outcome=Outcome.FAILED, cancelled_by=CancelledBy.PERSON),
            {"job_id": an_id("done")},
            "cancelled_by",
        ),
        (DescribeJob(), {"job_id": an_id("done")}, "description"),
        (DescribeJob(units=0), {"job_id": an_id("done")}, "units"),
        (DescribeJob(units=10**9), {"job_id": an_id("done")}, "units"),
        (DescribeJob(material="m" * 65), {"job_id": an_id("done")}, "material"),
        (DescribeJob(file=" "), {"job_id": an_id("done")}, "file"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused_by_field(
    inbox: Inbox, ledger: Ledger, word: OperatorWord, facts: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        say(inbox, word, **facts)
    assert refused.value.field == field
    assert refused.value.remedy in str(refused.value)
    assert not isinstance(refused.value, InputConflict)
    assert waiting_inputs(ledger) == []


@pytest.mark.parametrize(
    ("word", "facts", "field"),
    [
        (RenamePrinter("BERT "), {}, "name"),
        (CloseJob(), {"job_id": an_id("done")}, "job"),
        (CorrectJob(outcome=Outcome.FAILED), {"job_id": an_id("open")}, "job"),
    ],
    ids=repr,
)
def test_what_contradicts_what_stands_is_a_conflict(
    inbox: Inbox, word: OperatorWord, facts: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputConflict) as refused:
        say(inbox, word, **facts)
    assert refused.value.field == field


def test_a_printer_may_change_the_case_of_its_own_name(inbox: Inbox) -> None:
    assert say(inbox, RenamePrinter(" Anna ")).word == RenamePrinter("Anna")


def test_a_clock_that_runs_a_little_before_ours_means_now(inbox: Inbox) -> None:
    assert say(inbox, for_ms=NOW + FUTURE_TOLERANCE_MS).for_ms == NOW


def test_a_printer_first_seen_by_a_clock_before_ours_can_be_spoken_of(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer("anna", first_seen_ms=NOW + 50)]))
    inbox = Inbox(ledger.engine)
    assert say(inbox).for_ms == NOW + 50
    assert say(inbox, for_ms=NOW + 60).for_ms == NOW + 50


@pytest.mark.parametrize("for_ms", [None, 500, NOW + 10])
def test_the_same_request_gives_the_same_entry(inbox: Inbox, ledger: Ledger, for_ms: int | None) -> None:
    first = say(inbox, request_key="k", for_ms=for_ms)
    assert say(inbox, request_key="k", for_ms=for_ms, now_ms=NOW + 9) == first
    assert waiting_inputs(ledger) == [first]


def test_the_same_request_gives_its_answer_once_it_is_taken(inbox: Inbox, ledger: Ledger) -> None:
    word = CloseJob()
    first = say(inbox, word, job_id=an_id("open"), request_key="k")
    ledger.commit(Batch(taken_inputs=[TakenInput(first.id, "done")], jobs=[an_ended_job("open", 900)]))
    again = say(inbox, word, job_id=an_id("open"), request_key="k")
    assert (again.id, again.answer) == (first.id, "done")


@pytest.mark.parametrize("facts", [{"why": "other"}, {"for_ms": 7}, {"printer_id": BERT}], ids=repr)
def test_a_request_key_with_other_words_is_a_conflict(inbox: Inbox, facts: dict[str, Any]) -> None:
    say(inbox, request_key="k")
    with pytest.raises(InputConflict, match="other words"):
        say(inbox, request_key="k", **facts)


def test_each_person_has_request_keys_of_their_own(inbox: Inbox, ledger: Ledger) -> None:
    said = [say(inbox, request_key="k", who=who) for who in ("olga", "paul")]
    assert waiting_inputs(ledger) == said


def test_twenty_at_once_with_one_key_make_one_entry(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
        ledger.commit(farm("anna"))
        inbox = Inbox(ledger.engine)
        with ThreadPoolExecutor(20) as crowd:
            said = list(crowd.map(lambda _: say(inbox, request_key="k").id, range(20)))
        assert len(set(said)) == 1
        assert [each.id for each in waiting_inputs(ledger)] == said[:1]


def test_the_trail_is_told_newest_first_and_page_by_page(inbox: Inbox) -> None:
    of_anna = [say(inbox), say(inbox, NoteJob("x"), job_id=an_id("done")), say(inbox)]
    of_bert = say(inbox, printer_id=BERT)
    assert inbox.inputs(printer_id=ANNA) == InputPage(of_anna[::-1], None)
    assert inbox.inputs(job_id=an_id("done")).inputs == [of_anna[1]]
    first = inbox.inputs(limit=3)
    assert first.inputs == [of_bert, of_anna[2], of_anna[1]]
    say(inbox)
    assert inbox.inputs(limit=3, after=first.next) == InputPage([of_anna[0]], None)


def test_an_error_of_the_inbox_is_an_invalid_query_that_hides_no_length() -> None:
    error = InvalidInput("why", "w" * 5000, "too long")
    assert isinstance(error, InvalidQuery)
    assert len(str(error)) < 300
