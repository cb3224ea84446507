"""What a person says on the command line reaches the collector, and its answer comes back."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from farm.ledger.batch import Batch
from farm.ledger.inbox import Inbox
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import RejectedMessage
from farm.model.clock import system_clock
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
from farm.model.times import HOUR_MS, MINUTE_MS, rfc3339
from tests.contract.ledger_samples import SHARD, a_job, a_printer, an_ended_job, an_id
from tests.inbox import waiting_inputs
from tests.integration.console import layerline, layerline_json

DONE, OPEN = an_id("done"), an_id("open")
SAID_OF_PRINTERS: list[tuple[list[str], OperatorWord]] = [
    (["set", "BAY1", "maintenance"], SetState(PrinterService.MAINTENANCE)),
    (["set", "bay1", "engineering"], SetState(PrinterService.ENGINEERING)),
    (["set", "bay1", "waiting-for-material"], SetState(PrinterService.WAITING_FOR_MATERIAL)),
    (["set", "bay1", "in-service"], SetState(PrinterService.IN_SERVICE)),
    (["set", "bay1", "bed-cleared"], SetState(PrinterService.BED_CLEARED)),
    (["rename", "bay1", "Bay 1"], RenamePrinter("Bay 1")),
    (["retire", "bay1"], RetirePrinter()),
    (["forget", "bay1"], ForgetPrinter()),
    (["restore", "bay1"], RestorePrinter()),
]
SAID_OF_JOBS: list[tuple[list[str], OperatorWord]] = [
    (["correct", DONE, "--outcome", "failed"], CorrectJob(outcome=Outcome.FAILED)),
    (["correct", DONE, "--cause", "adhesion"], CorrectJob(cause=Cause.ADHESION)),
    (
        ["correct", DONE, "--outcome", "cancelled", "--cancelled-by", "person"],
        CorrectJob(outcome=Outcome.CANCELLED, cancelled_by=CancelledBy.PERSON),
    ),
    (["correct", DONE, "--undo"], CorrectJob()),
    (["note", DONE[:8], "looked thin"], NoteJob("looked thin")),
    (["note", DONE[:8].upper(), ""], NoteJob("")),
    (["close", OPEN], CloseJob()),
    (
        ["close", OPEN, "--outcome", "failed", "--cause", "host"],
        CloseJob(outcome=Outcome.FAILED, cause=Cause.HOST),
    ),
    (
        [
            "describe",
            DONE,
            "--file",
            "a.gcode",
            "--material",
            "PLA",
            "--operator",
            "olga",
            "--spool",
            "17",
            "--units",
            "3",
        ],
        DescribeJob(file="a.gcode", material="PLA", operator="olga", spool="17", units=3),
    ),
]


def as_typed(words: object) -> str:
    return " ".join(words) if isinstance(words, list) else ""


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger where the commands look for it, with a printer, a job that ended and one under way."""
    (tmp_path / "data").mkdir()
    with open_ledger(f"sqlite:///{tmp_path}/data/ledger.db") as ledger:
        now_ms = system_clock()
        ledger.claim(SHARD, "the test", simulated=False, now_ms=now_ms)
        seen_ms = now_ms - 24 * HOUR_MS
        printers = [
            a_printer("Bay1", id=an_id("anna"), first_seen_ms=seen_ms),
            a_printer("bay2", id=an_id("bert"), first_seen_ms=seen_ms),
            a_printer("BAY2", id=an_id("cleo"), first_seen_ms=seen_ms),
        ]
        jobs = [
            an_ended_job("done", seen_ms + HOUR_MS, started_ms=seen_ms),
            a_job("open", started_ms=seen_ms + 2 * HOUR_MS),
        ]
        ledger.commit(Batch(printers=printers, jobs=jobs, booked_until_ms=now_ms))
        yield ledger


@contextmanager
def collecting(ledger: Ledger, answer: str | None = None) -> Iterator[None]:
    """Take in what is said, as a collector does, for as long as the block runs."""
    stop = threading.Event()

    def take() -> None:
        while not stop.wait(0.02):
            taken = [TakenInput(said.id, answer) for said in waiting_inputs(ledger)]
            if taken:
                ledger.commit(Batch(taken_inputs=taken, booked_until_ms=system_clock()))

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def waiting(ledger: Ledger) -> OperatorInput:
    (said,) = waiting_inputs(ledger)
    return said


@pytest.mark.parametrize(("words", "said"), SAID_OF_PRINTERS, ids=as_typed)
def test_what_is_said_of_a_printer_stands_in_the_inbox(
    farm: Ledger, tmp_path: Path, words: list[str], said: OperatorWord
) -> None:
    shown = layerline_json("printer", *words, "--no-wait", "--who", "olga", "--why", "so", folder=tmp_path)
    found = waiting(farm)
    assert (found.word, found.printer_id, found.job_id) == (said, an_id("anna"), None)
    assert (found.who, found.why) == ("olga", "so")
    assert (shown["id"], shown["status"], shown["printer"]) == (found.id, "waiting", "Bay1")


@pytest.mark.parametrize(("words", "said"), SAID_OF_JOBS, ids=as_typed)
def test_what_is_said_of_a_job_stands_in_the_inbox(
    farm: Ledger, tmp_path: Path, words: list[str], said: OperatorWord
) -> None:
    layerline("job", *words, "--no-wait", folder=tmp_path)
    found = waiting(farm)
    assert (found.word, found.printer_id) == (said, an_id("anna"))
    assert found.job_id == (OPEN if OPEN in words else DONE)


def test_the_answer_of_the_collector_is_waited_for(farm: Ledger, tmp_path: Path) -> None:
    with collecting(farm):
        shown = layerline("printer", "set", "bay1", "maintenance", "--why", "nozzle", folder=tmp_path).stdout
    assert "Bay1\nstate maintenance\n" in shown
    assert "Taken in at " in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_word_that_is_not_followed_ends_with_status_1_and_the_reason(farm: Ledger, tmp_path: Path) -> None:
    with collecting(farm, answer="it has ended meanwhile"):
        done = layerline("job", "close", OPEN[:8], "--json", folder=tmp_path, status=1)
    shown: dict[str, Any] = json.loads(done.stdout)
    assert (shown["status"], shown["answer"]) == ("refused", "it has ended meanwhile")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["printer", "set", "bay1", "waiting-for-material"], "state waiting-for-material"),
        (
            ["job", "correct", DONE, "--outcome", "failed", "--cause", "adhesion"],
            "outcome failed, cause adhesion",
        ),
        (
            ["job", "correct", DONE, "--outcome", "cancelled", "--cancelled-by", "person"],
            "correct outcome cancelled, cancelled-by person",
        ),
        (["job", "correct", DONE, "--undo"], "correct undo"),
        (["job", "note", DONE, ""], "note taken away"),
    ],
)
def test_what_was_said_is_told_as_it_was_typed(
    farm: Ledger, tmp_path: Path, words: list[str], told: str
) -> None:
    assert told in layerline(*words, "--no-wait", folder=tmp_path).stdout.splitlines()[1]
    assert waiting(farm)


def test_without_a_collector_it_says_who_would_take_it_in_and_keeps_it(farm: Ledger, tmp_path: Path) -> None:
    done = layerline("printer", "retire", "bay1", folder=tmp_path, status=1)
    assert "is taken in by the collector that holds the printer; waiting" in done.stdout
    assert waiting(farm).word == RetirePrinter()


def test_for_when_is_a_time_or_a_time_ago(farm: Ledger, tmp_path: Path) -> None:
    before_ms = system_clock()
    layerline("printer", "set", "bay1", "maintenance", "--since", "10m", "--no-wait", folder=tmp_path)
    ago_ms = waiting(farm).for_ms
    assert before_ms - 10 * MINUTE_MS <= ago_ms <= system_clock() - 10 * MINUTE_MS
    at_ms = before_ms - HOUR_MS
    layerline("job", "close", OPEN, "--at", rfc3339(at_ms), "--no-wait", folder=tmp_path)
    assert waiting_inputs(farm)[-1].for_ms == at_ms


def test_who_says_it_is_the_user_of_the_computer(farm: Ledger, tmp_path: Path) -> None:
    layerline("printer", "restore", "bay1", "--no-wait", folder=tmp_path)
    assert waiting(farm).who


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["printer", "restore", "bay9"], "printer bay9: there is no such printer; nearest: "),
        (["printer", "restore", "Bay2"], "name one by its id"),
        (["printer", "set", "bay1", "asleep"], "asleep"),
        (["printer", "set", "bay1", "maintenance", "--since", "soon"], "--since soon: must be"),
        (["printer", "set", "bay1", "maintenance", "--since", "3000-01-01T00:00:00Z"], "in the future"),
        (["printer", "rename", "bay1", "bay2"], "another printer of the site is called "),
        (["job", "note", "5f", "x"], "at least 4 characters"),
        (["job", "note", "%%%%", "x"], "there is no such job"),
        (["job", "correct", DONE], "--undo alone"),
        (["job", "correct", DONE, "--undo", "--outcome", "failed"], "--undo alone"),
        (["job", "close", DONE], "correct its outcome instead"),
        (["job", "describe", DONE], "at least one of"),
    ],
    ids=as_typed,
)
def test_what_cannot_be_said_ends_with_status_2(
    farm: Ledger, tmp_path: Path, words: list[str], complaint: str
) -> None:
    done = layerline(*words, "--no-wait", folder=tmp_path, status=2)
    assert complaint in " ".join(done.stderr.split())
    assert waiting_inputs(farm) == []


def test_a_job_is_named_by_as_much_of_its_id_as_tells_it_apart(farm: Ledger, tmp_path: Path) -> None:
    twins = [a_job("x", started_ms=system_clock()) for _ in range(2)]
    ids = ["abcd1111-0000-0000-0000-000000000000", "abcd2222-0000-0000-0000-000000000000"]
    farm.commit(Batch(jobs=[_called(job, name) for job, name in zip(twins, ids, strict=True)]))
    done = layerline("job", "note", "abcd", "x", "--no-wait", folder=tmp_path, status=2)
    assert "several begin so" in done.stderr
    layerline("job", "note", "abcd2", "x", "--no-wait", folder=tmp_path)
    assert waiting(farm).job_id == ids[1]


def _called(job: Any, name: str) -> Any:
    from msgspec.structs import replace

    return replace(job, id=name)


@pytest.mark.parametrize("group", ["printer", "job"])
def test_every_command_of_a_group_shows_an_example_of_itself(group: str) -> None:
    from farm.cli.root import app

    (typer,) = [each.typer_instance for each in app.registered_groups if each.name == group]
    assert typer is not None
    for command in typer.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert f"layerline {group} {name}" in (command.epilog or "")


def test_the_trail_remembers_what_was_said(farm: Ledger, tmp_path: Path) -> None:
    layerline("job", "note", DONE, "x", "--no-wait", "--who", "olga", folder=tmp_path)
    (said,) = Inbox(farm.engine).inputs(job_id=DONE).inputs
    assert (said.who, said.word) == ("olga", NoteJob("x"))


def test_the_doctor_tells_every_collector_apart_and_shows_what_was_rejected(
    farm: Ledger, tmp_path: Path
) -> None:
    now_ms = system_clock()
    rejected = [
        RejectedMessage(
            at_ms=now_ms + n,
            source="native=farm/{printer}",
            reason="internal_error",
            topic="farm/bay1/state",
            detail=f"number {n}, password=hunter2",
            size=70,
            payload=b"{",
        )
        for n in range(3)
    ]
    farm.commit(Batch(rejected=rejected, booked_until_ms=now_ms))
    farm.claim("dead", "test", simulated=False, now_ms=now_ms - HOUR_MS)
    printer = a_printer("dora", first_seen_ms=now_ms - HOUR_MS)
    farm.commit(Batch(printers=[printer], booked_until_ms=now_ms - HOUR_MS))
    found = layerline("doctor", "--database", str(farm.engine.url), "--json", folder=tmp_path, status=1)
    diagnoses = {each["what"]: each for each in json.loads(found.stdout)["ledger"]}
    assert diagnoses[f"collector {SHARD}"]["status"] == "ok"
    assert diagnoses["collector dead"]["status"] == "failed"
    assert diagnoses["collector dead"]["seen"].endswith(", 1 printer")
    assert "1 printers" not in diagnoses["collector dead"]["seen"]
    seen = diagnoses["rejected messages"]["seen"]
    assert seen.startswith("3 kept, the newest of native=farm/{printer}, ")
    assert "number 2" in seen
    assert "hunter2" not in found.stdout
