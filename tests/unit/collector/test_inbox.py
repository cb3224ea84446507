"""What people say is worked in by the collector: in order, once, and so that replays keep it."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import delete

from collector.canonical import publications
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.intake.work import Work
from collector.settings import parse_source
from farm.errors import BatchRefused
from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.inbox import Inbox
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
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
)
from farm.model.states import Cause, Outcome, PrinterState
from farm.model.times import rfc3339
from farm.settings import PrinterSettings

T0 = 1_795_000_000_000
SECOND, MINUTE = 1_000, 60_000


class Shop:
    """A farm over a ledger in memory, heard through a pipeline, with people who speak."""

    def __init__(self, ledger: Ledger, *labels: PrinterSettings) -> None:
        self.ledger = ledger
        self.inbox = Inbox(ledger.engine)
        self.open(*labels)

    def open(self, *labels: PrinterSettings) -> None:
        """Begin again where the ledger stands."""
        self.ledger.claim("test", "test", simulated=True, now_ms=0)
        sources = SourceTable([parse_source("native=farm/{printer}")])
        self.work = Work(lambda: Pipeline(self.ledger, sources, printers=labels), self.booked)

    def booked(self, pipeline: Pipeline) -> None:
        """A commit came through: what changed is told."""

    @property
    def pipeline(self) -> Pipeline:
        return self.work.pipeline

    def hear(self, minute: float, *, printer: str = "p1", **said: object) -> None:
        at = T0 + round(minute * MINUTE)
        topic = f"farm/{printer}/{'event' if 'event' in said else 'state'}"
        body = json.dumps({"v": 1, "at": rfc3339(at)} | said).encode()
        self.pipeline.take(topic, body, False, max(at, self.pipeline.latest_ms))

    def print_job(self, begins: float, ends: float, job: str, ending: str = "job_succeeded") -> None:
        facts = {"id": job, "file": f"{job}.gcode"}
        self.hear(begins, event="job_started", job=facts)
        self.hear(ends, event=ending, job=facts)

    def say(
        self,
        word: OperatorWord,
        minute: float,
        *,
        job: Job | None = None,
        printer: str = "p1",
        for_minute: float | None = None,
    ) -> OperatorInput | None:
        """Somebody speaks, the collector ticks and commits; gives the entry as it stands then."""
        now = T0 + round(minute * MINUTE)
        self.pipeline.commit(now)
        (subject,) = [p.id for p in self.ledger.printers(everything=True) if p.name == printer]
        said = self.inbox.append_input(
            word,
            printer_id=subject,
            job_id=None if job is None else job.id,
            who="ada",
            why="I saw it",
            for_ms=None if for_minute is None else T0 + round(for_minute * MINUTE),
            now_ms=now,
        )
        self.work.look(now)
        self.pipeline.commit(now)
        return self.inbox.input(said.id)

    def job(self, name: str) -> Job:
        self.pipeline.commit(self.pipeline.latest_ms)
        (found,) = [j for j in self.ledger.jobs(JobFilter()).jobs if j.file in (f"{name}.gcode", name)]
        return found

    def spans(self, until: float) -> list[tuple[str, float, float]]:
        end = T0 + round(until * MINUTE)
        self.pipeline.commit(end)
        return [
            (span.state.value, (span.from_ms - T0) / MINUTE, ((span.to_ms or end) - T0) / MINUTE)
            for span in self.ledger.spans(T0, end)
        ]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_ledger("sqlite://") as ledger:
        shop = Shop(ledger)
        shop.hear(0, state="idle")
        yield shop


def test_maintenance_begins_when_it_was_said_and_ends_with_back_in_service(shop: Shop) -> None:
    taken = shop.say(SetState(PrinterService.MAINTENANCE), 2)
    shop.hear(3, state="error")
    shop.hear(4, state="idle")
    shop.say(SetState(PrinterService.IN_SERVICE), 4.5)
    shop.hear(5, state="error")
    assert taken is not None
    assert (taken.taken_ms, taken.answer) == (T0 + 2 * MINUTE, None)
    assert shop.spans(6) == [
        ("idle", 0, 2),
        ("maintenance", 2, 4.5),
        ("idle", 4.5, 5),
        ("error", 5, 6),
    ]


def test_a_state_said_for_earlier_is_put_in_its_place(shop: Shop) -> None:
    shop.hear(3, state="error")
    shop.hear(4, state="idle")
    shop.say(SetState(PrinterService.MAINTENANCE), 5, for_minute=1)
    assert shop.spans(6) == [("idle", 0, 1), ("maintenance", 1, 6)]


def test_a_correction_of_an_ended_job_is_kept_by_every_replay(shop: Shop) -> None:
    shop.print_job(1, 2, "a")
    shop.print_job(3, 4, "b")
    shop.say(CorrectJob(outcome=Outcome.FAILED, cause=Cause.ADHESION), 4.5, job=shop.job("a"))
    assert (shop.job("a").outcome, shop.job("a").cause) == ("failed", "adhesion")
    (revision,) = shop.ledger.revisions(shop.job("a").id)
    assert (revision.who, revision.why) == ("ada", "I saw it")
    shop.open()
    shop.hear(2.5, event="job_started", job={"id": "late", "file": "late.gcode"})
    assert shop.job("late").started_ms == T0 + 2.5 * MINUTE
    assert (shop.job("a").outcome, shop.job("a").cause) == ("failed", "adhesion")


def test_a_correction_taken_back_restores_what_was(shop: Shop) -> None:
    shop.print_job(1, 2, "a", "job_cancelled")
    before = shop.job("a")
    shop.say(CorrectJob(outcome=Outcome.SUCCEEDED), 3, job=before)
    assert shop.job("a").outcome == "succeeded"
    shop.say(CorrectJob(), 4, job=before)
    after = shop.job("a")
    assert (after.outcome, after.cancelled_by, after.provenance) == (
        before.outcome,
        before.cancelled_by,
        before.provenance,
    )
    assert after.revision == 2


def test_a_job_that_hangs_is_ended_and_its_late_end_changes_nothing(shop: Shop) -> None:
    shop.hear(1, event="job_started", job={"id": "a", "file": "a.gcode"})
    shop.say(CloseJob(outcome=Outcome.FAILED), 5, job=shop.job("a"), for_minute=3)
    closed = shop.job("a")
    assert (closed.outcome, closed.ended_ms) == ("failed", T0 + 3 * MINUTE)
    assert [r.who for r in shop.ledger.revisions(closed.id)] == ["ada"]
    shop.hear(6, event="job_succeeded", job={"id": "a", "file": "a.gcode"})
    assert shop.job("a").outcome == "failed"


def test_facts_and_notes_of_an_open_job_stand_to_its_end_and_beyond(shop: Shop) -> None:
    shop.hear(1, event="job_started", job={"id": "a", "file": "a.gcode"})
    shop.say(DescribeJob(material="PETG", operator="Ada", spool="17", units=4), 2, job=shop.job("a"))
    shop.say(NoteJob("first layer watched"), 2.5, job=shop.job("a"))
    shop.hear(4, event="job_succeeded", job={"id": "a", "file": "a.gcode"})
    job = shop.job("a")
    assert (job.material, job.operator, job.spool, job.units) == ("PETG", "Ada", "17", 4)
    assert job.note == "first layer watched"
    shop.hear(0.5, state="error")
    job = shop.job("a")
    assert (job.material, job.operator, job.spool, job.units) == ("PETG", "Ada", "17", 4)
    assert job.note == "first layer watched"


def test_a_job_whose_evidence_is_gone_is_amended_where_it_stands(shop: Shop) -> None:
    shop.print_job(1, 2, "a")
    shop.print_job(3, 4, "b")
    before = shop.job("a")
    with shop.ledger.engine.begin() as connection:
        kept = schema.evidence.c.at_ms > T0 + 4 * MINUTE
        connection.execute(delete(schema.evidence).where(~kept))
        connection.execute(delete(schema.snapshot).where(schema.snapshot.c.at_ms < T0 + 3 * MINUTE))
    shop.say(CorrectJob(outcome=Outcome.FAILED), 5, job=before)
    shop.say(NoteJob("warped"), 6, job=before)
    job = shop.job("a")
    assert (job.outcome, job.note, job.ended_ms) == ("failed", "warped", before.ended_ms)
    assert [(r.who, r.why) for r in shop.ledger.revisions(job.id)] == [("ada", "I saw it")] * 2
    shop.say(CorrectJob(), 7, job=before)
    job = shop.job("a")
    assert (job.outcome, job.note) == (before.outcome, "warped")
    assert shop.job("b").outcome == "succeeded"
    assert [state for state, *_ in shop.spans(4)] == ["idle", "printing", "finished", "printing"]


def test_what_cannot_be_followed_is_answered(shop: Shop) -> None:
    taken = shop.say(SetState(PrinterService.BED_CLEARED), 2)
    assert taken is not None
    assert taken.answer is not None
    assert "no finished print" in taken.answer
    late = shop.say(SetState(PrinterService.IN_SERVICE), 3, for_minute=1)
    assert late is not None
    assert late.answer == "the printer was not taken out of service"
    assert shop.spans(4) == [("idle", 0, 4)]


def test_entries_are_worked_in_once_whatever_happens_before_the_commit(shop: Shop) -> None:
    shop.print_job(1, 2, "a")
    job = shop.job("a")
    shop.inbox.append_input(
        NoteJob("x"), printer_id=job.printer_id, job_id=job.id, who="ada", now_ms=T0 + 3 * MINUTE
    )
    shop.work.look(T0 + 3 * MINUTE)
    shop.work.look(T0 + 3 * MINUTE + SECOND)
    shop.open()
    shop.work.look(T0 + 4 * MINUTE)
    shop.pipeline.commit(T0 + 4 * MINUTE)
    assert (shop.job("a").note, shop.job("a").revision) == ("x", 1)
    shop.work.look(T0 + 5 * MINUTE)
    assert shop.job("a").revision == 1


def test_a_new_name_holds_at_once_and_after_a_restart(shop: Shop) -> None:
    list(shop.pipeline.take_changed())
    shop.say(RenamePrinter("Left"), 2)
    assert [printer.name for printer in shop.ledger.printers()] == ["Left"]
    assert [entry.kind for entry in shop.ledger.feed(0, 100)][-1] == "printer.changed"
    (changed,) = shop.pipeline.take_changed()
    told = dict(publications("main", changed))
    assert told["layerline/v1/main/printers/p1/state"] == b""
    assert json.loads(told["layerline/v1/main/printers/Left/state"])["printer"] == "Left"
    assert "layerline/v1/main/printers/p1/state" not in dict(publications("main", changed))
    shop.open()
    shop.hear(3, state="error")
    shop.pipeline.commit(T0 + 3 * MINUTE)
    assert [printer.name for printer in shop.ledger.printers()] == ["Left"]


@pytest.mark.parametrize("name", ["p2", "P2"])
def test_a_name_that_was_taken_meanwhile_is_refused(shop: Shop, name: str) -> None:
    shop.pipeline.commit(T0)
    (p1,) = shop.ledger.printers()
    said = shop.inbox.append_input(RenamePrinter(name), printer_id=p1.id, who="ada", now_ms=T0)
    shop.hear(1, printer="p2", state="idle")
    shop.work.look(T0 + 2 * MINUTE)
    shop.pipeline.commit(T0 + 2 * MINUTE)
    taken = shop.inbox.input(said.id)
    assert taken is not None
    assert taken.answer == f"another printer is called {name}"
    assert sorted(printer.name for printer in shop.ledger.printers()) == ["p1", "p2"]


def test_a_name_that_the_configuration_gives_is_refused() -> None:
    with open_ledger("sqlite://") as ledger:
        shop = Shop(ledger, PrinterSettings(name="Left", topic="farm/p1"))
        shop.hear(0, state="idle")
        taken = shop.say(RenamePrinter("Right"), 1, printer="Left")
        assert taken is not None
        assert taken.answer is not None
        assert "configuration" in taken.answer


def test_of_two_waiting_renames_to_one_name_the_second_is_answered(shop: Shop) -> None:
    shop.hear(0, printer="p1", state="idle")
    shop.hear(0, printer="p2", state="idle")
    shop.pipeline.commit(T0)
    ids = {printer.name: printer.id for printer in shop.ledger.printers()}
    waiting = [
        shop.inbox.append_input(RenamePrinter(name), printer_id=ids[printer], who="ada", now_ms=T0)
        for printer, name in (("p1", "Left"), ("p2", "LEFT"))
    ]
    shop.work.look(T0 + MINUTE)
    shop.pipeline.commit(T0 + MINUTE)
    answers = [
        None if said is None else said.answer for said in map(shop.inbox.input, (w.id for w in waiting))
    ]
    assert answers == [None, "another printer is called LEFT"]
    assert {printer.name for printer in shop.ledger.printers()} == {"Left", "p2"}


def test_a_name_that_the_configuration_promises_to_a_printer_is_given_to_no_other() -> None:
    with open_ledger("sqlite://") as ledger:
        shop = Shop(ledger, PrinterSettings(name="p9", rename="Left"))
        shop.hear(0, state="idle")
        taken = shop.say(RenamePrinter("Left"), 1)
        assert taken is not None
        assert taken.answer == "the name Left is kept for another printer: the configuration says so"
        assert [printer.name for printer in ledger.printers()] == ["p1"]


def test_a_retired_printer_counts_until_then_and_is_heard_no_more(shop: Shop) -> None:
    shop.hear(1, event="job_started", job={"id": "a", "file": "a.gcode"})
    shop.say(RetirePrinter(), 3)
    shop.hear(4, event="job_succeeded", job={"id": "a", "file": "a.gcode"})
    job = shop.job("a")
    assert (job.outcome, job.ended_ms) == ("unknown", T0 + 3 * MINUTE)
    (printer,) = shop.ledger.printers(everything=True)
    assert printer.retired_ms == T0 + 3 * MINUTE
    again = shop.say(RetirePrinter(), 5)
    assert again is not None
    assert again.answer == "it is retired already"
    shop.say(RestorePrinter(), 6)
    shop.hear(7, state="error")
    assert shop.spans(8)[-3:] == [("printing", 1, 3), ("unknown", 3, 7), ("error", 7, 8)]


def test_a_forgotten_printer_is_passed_over_until_it_is_restored(shop: Shop) -> None:
    shop.hear(0.5, state="idle")
    shop.say(ForgetPrinter(), 1)
    shop.hear(2, state="error")
    shop.pipeline.commit(T0 + 2 * MINUTE)
    assert shop.ledger.printers() == []
    shop.open()
    shop.hear(3, state="error")
    shop.pipeline.commit(T0 + 3 * MINUTE)
    assert shop.ledger.printers() == []
    shop.say(RestorePrinter(), 4)
    shop.hear(5, state="error")
    assert shop.spans(6) == [("idle", 0, 0.5), ("unknown", 0.5, 5), ("error", 5, 6)]


def test_people_may_speak_of_a_printer_that_a_rebuilt_ledger_only_knows(shop: Shop) -> None:
    shop.print_job(1, 2, "a")
    shop.pipeline.commit(T0 + 2 * MINUTE)
    for table in (schema.checkpoint, schema.session, schema.evidence, schema.snapshot):
        with shop.ledger.engine.begin() as connection:
            connection.execute(delete(table))
    shop.open()
    shop.say(CorrectJob(outcome=Outcome.FAILED), 3, job=shop.job("a"))
    shop.say(RenamePrinter("Left"), 3)
    refused = shop.say(SetState(PrinterService.MAINTENANCE), 3, printer="Left")
    assert refused is not None
    assert refused.answer == "the printer was not heard yet"
    assert shop.job("a").outcome == "failed"
    assert [printer.name for printer in shop.ledger.printers()] == ["Left"]
    shop.hear(4, state="error")
    shop.pipeline.commit(T0 + 4 * MINUTE)
    assert [(s.printer.name, s.state) for s in shop.ledger.statuses()] == [("Left", PrinterState.ERROR)]


def test_a_word_that_meets_an_error_of_ours_is_answered_and_changes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.intake.inbox.evidence_body", lambda *_: 1 // 0)
    shop.hear(3, state="error")
    taken = shop.say(SetState(PrinterService.MAINTENANCE), 4, for_minute=1)
    assert taken is not None
    assert taken.answer == (
        "it changes nothing (internal_error): ZeroDivisionError: integer division or modulo by zero"
    )
    assert shop.spans(5) == [("idle", 0, 3), ("error", 3, 5)]


def test_a_word_that_the_ledger_refuses_in_a_replay_is_answered_and_silence_is_noticed_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.hear(3, state="error")
    commit = shop.ledger.commit

    def refuses(batch: Batch) -> None:
        if batch.cuts:
            raise BatchRefused("the ledger refuses what it was given")
        commit(batch)

    monkeypatch.setattr(shop.ledger, "commit", refuses)
    taken = shop.say(SetState(PrinterService.MAINTENANCE), 20, for_minute=1)
    assert taken is not None
    assert taken.answer is not None
    assert taken.answer.startswith("it changes nothing (refused_by_ledger): BatchRefused")
    assert [state for state, *_ in shop.spans(30)] == ["idle", "unknown"]


def test_a_word_that_this_release_does_not_know_is_answered_and_the_next_one_followed(shop: Shop) -> None:
    shop.print_job(1, 2, "a")
    job = shop.job("a")
    for text in ("x", "y"):
        said = shop.inbox.append_input(
            NoteJob(text), printer_id=job.printer_id, job_id=job.id, who="ada", now_ms=T0 + 3 * MINUTE
        )
    strange = schema.operator_input.update().where(schema.operator_input.c.id == said.id - 1)
    with shop.ledger.engine.begin() as connection:
        connection.execute(strange.values(what="bless", body='{"what":"bless"}'))
    shop.work.look(T0 + 3 * MINUTE)
    assert shop.job("a").note == "y"
    assert shop.ledger.waiting_inputs() == []


def test_a_new_name_is_told_although_the_next_word_cannot_be_worked_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, bytes] = {}

    def tell(pipeline: Pipeline) -> None:
        for printer in pipeline.take_changed():
            told.update(publications("main", printer))

    shop.pipeline.commit(T0)
    (p1,) = shop.ledger.printers()
    for word in (RenamePrinter("Left"), SetState(PrinterService.MAINTENANCE)):
        shop.inbox.append_input(word, printer_id=p1.id, who="ada", now_ms=T0)
    monkeypatch.setattr(shop, "booked", tell)
    shop.open()
    monkeypatch.setattr("collector.intake.inbox._revised", lambda *_: 1 // 0)
    shop.work.look(T0 + MINUTE)
    assert told["layerline/v1/main/printers/p1/state"] == b""
    assert json.loads(told["layerline/v1/main/printers/Left/state"])["printer"] == "Left"
    assert shop.ledger.waiting_inputs() == []


def test_what_changed_in_a_commit_whose_answer_was_lost_is_told_all_the_same(shop: Shop) -> None:
    list(shop.pipeline.take_changed())
    shop.say(RenamePrinter("Left"), 2)
    shop.hear(3, state="error")
    shop.pipeline.commit(T0 + 3 * MINUTE)
    shop.work.begin_again()
    (changed,) = shop.pipeline.take_changed()
    told = dict(publications("main", changed))
    assert told["layerline/v1/main/printers/p1/state"] == b""
    assert json.loads(told["layerline/v1/main/printers/Left/state"])["state"] == "error"
    shop.work.begin_again()
    assert list(shop.pipeline.take_changed()) == []
