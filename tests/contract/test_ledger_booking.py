"""What a commit does, in every database: all or nothing, once, and only for the holder."""

import random
from typing import Any

import msgspec
import pytest

from farm.errors import BatchRefused, LeaseLost, LedgerError
from farm.ledger.batch import Batch
from farm.ledger.collector_ledger import MOST_REJECTED_KEPT
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import (
    IntakeFault,
    JobAlias,
    KnownRow,
    Receipt,
    RejectedMessage,
    Revision,
    TelemetryRow,
)
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Address
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, Provenance
from tests.contract.ledger_samples import (
    SHARD,
    a_checkpoint,
    a_job,
    a_printer,
    a_session,
    a_snapshot,
    a_span,
    aliased_job,
    an_ended_job,
    an_id,
    entries,
    evidence,
    farm,
)

ANNA = an_id("anna")
FULL_JOB = Job(
    id=an_id("full"),
    printer_id=ANNA,
    file="Grüße/теst 100%.gcode",
    started_ms=1_790_000_000_123,
    start_provenance=Provenance.INFERRED,
    ended_ms=1_790_000_400_456,
    outcome=Outcome.CANCELLED,
    provenance=Provenance.HISTORY,
    cancelled_by=CancelledBy.SYSTEM,
    cause=Cause.FILAMENT,
    detail="runout\nsensor",
    printing_ms=300_000,
    preparing_ms=60_000,
    paused_ms=40_000,
    pauses=2,
    measured=True,
    expected_ms=310_000,
    progress=0.75,
    filament_mm=1234.5,
    filament_g=3.7,
    resin_ml=2.5,
    material="PLA",
    operator="Olga",
    spool="17",
    units=4,
    revision=3,
)


def revised(job: str | None, why: str, at_ms: int = 1) -> Revision:
    return Revision(
        at_ms=at_ms,
        printer_id=ANNA,
        job_id=None if job is None else an_id(job),
        who="collector",
        why=why,
        before=None,
        after='{"outcome":"failed"}',
    )


def full_batch() -> Batch:
    return Batch(
        printers=[a_printer("anna", group="bay 1", model="MK4")],
        addresses=[(Address("mqtt://b:1883", "native", "farm/anna"), ANNA)],
        jobs=[FULL_JOB, a_job("open")],
        aliases=[JobAlias(ANNA, "history", "000042", an_id("full"))],
        spans=[a_span(PrinterState.IDLE, 0, 100), a_span(PrinterState.PRINTING, 100, None)],
        evidence=[evidence(10), evidence(20)],
        snapshots=[a_snapshot(10)],
        checkpoints=[a_checkpoint()],
        sessions=[a_session(20)],
        telemetry=[TelemetryRow(ANNA, 15, Telemetry(bed=60.25))],
        faults=[IntakeFault(source="s", reason="not_json", count=2, last_ms=7, sample="{")],
        revisions=[revised("full", "history")],
        feed=entries(2),
        booked_until_ms=500,
    )


def everything(ledger: Ledger) -> list[object]:
    """What the ledger holds, as far as a second booking of the same may not change it."""
    return [
        ledger.known_printers(),
        ledger.jobs_of(ANNA, 0),
        aliased_job(ledger, ANNA, "history", "000042"),
        ledger.spans(0, 1000),
        ledger.evidence_from(ANNA, -1, 0),
        ledger.snapshot_before(ANNA, 1000),
        ledger.checkpoints(),
        ledger.statuses(),
    ]


def test_everything_comes_back_as_it_was_booked(ledger: Ledger) -> None:
    batch = full_batch()
    ledger.commit(batch)
    assert ledger.known_printers() == [(batch.printers[0], [batch.addresses[0][0]])]
    assert ledger.job(FULL_JOB.id) == FULL_JOB
    assert ledger.open_jobs() == [a_job("open")]
    assert aliased_job(ledger, ANNA, "history", "000042") == FULL_JOB
    assert ledger.evidence_from(ANNA, -1, 0) == batch.evidence
    assert ledger.snapshot_before(ANNA, 11) == batch.snapshots[0]
    assert ledger.checkpoints() == batch.checkpoints
    assert ledger.telemetry(ANNA, 0, 100) == [TelemetryRow(ANNA, 15, Telemetry(bed=60.25), 1)]
    assert ledger.faults() == batch.faults
    assert ledger.revisions(FULL_JOB.id) == batch.revisions
    assert ledger.feed(0, 10) == [
        msgspec.structs.replace(entry, seq=seq) for seq, entry in enumerate(batch.feed, 1)
    ]


def test_booking_the_same_facts_again_changes_nothing(ledger: Ledger) -> None:
    ledger.commit(full_batch())
    before = everything(ledger)
    ledger.commit(full_batch())
    assert everything(ledger) == before


def test_a_batch_that_fails_at_its_end_leaves_nothing(ledger: Ledger) -> None:
    ledger.commit(farm("anna"))
    batch = full_batch()
    batch.printers = []
    batch.revisions = [msgspec.structs.replace(revised(None, "?"), printer_id="nobody")]
    before = everything(ledger)
    with pytest.raises(LedgerError):
        ledger.commit(batch)
    assert everything(ledger) == before
    assert ledger.feed_head() == 0
    assert ledger.faults() == []
    ledger.commit(full_batch())
    assert [entry.seq for entry in ledger.feed(0, 10)] == [1, 2]


def test_a_job_of_an_unknown_printer_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="refuses"):
        ledger.commit(Batch(jobs=[a_job("lost")]))


def test_two_printers_of_one_name_are_refused(ledger: Ledger) -> None:
    twin = a_printer("anna", id=an_id("twin"))
    with pytest.raises(LedgerError, match="refuses"):
        ledger.commit(Batch(printers=[a_printer("anna"), twin]))


def test_a_printer_and_its_address_take_new_labels(ledger: Ledger) -> None:
    address = Address("b", "native", "farm/anna")
    ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")], addresses=[(address, ANNA)]))
    renamed = msgspec.structs.replace(a_printer("bert"), name="berta", group="bay 2", retired_ms=99)
    ledger.commit(Batch(printers=[renamed], addresses=[(address, renamed.id)]))
    assert ledger.known_printers() == [(a_printer("anna"), []), (renamed, [address])]


def test_a_job_is_written_over_by_its_id(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer()], jobs=[a_job("vase")]))
    ended = an_ended_job("vase", 900, outcome=Outcome.FAILED, cause=Cause.THERMAL)
    ledger.commit(Batch(jobs=[ended]))
    assert ledger.job(ended.id) == ended
    assert ledger.open_jobs() == []


def test_a_withdrawn_job_goes_with_its_aliases_and_leaves_its_revisions(ledger: Ledger) -> None:
    ledger.commit(full_batch())
    ledger.commit(Batch(withdrawn_jobs=[FULL_JOB.id], revisions=[revised("full", "it never was")]))
    assert ledger.job(FULL_JOB.id) is None
    assert aliased_job(ledger, ANNA, "history", "000042") is None
    assert ledger.revisions(FULL_JOB.id) == []
    ledger.commit(Batch(jobs=[FULL_JOB]))
    assert ledger.job(FULL_JOB.id) == FULL_JOB


def test_an_alias_can_move_to_another_job(ledger: Ledger) -> None:
    ledger.commit(full_batch())
    ledger.commit(Batch(aliases=[JobAlias(ANNA, "history", "000042", an_id("open"))]))
    assert aliased_job(ledger, ANNA, "history", "000042") == a_job("open")
    assert aliased_job(ledger, ANNA, "another history", "000042") is None


def test_a_cut_ends_the_span_that_reaches_beyond_and_removes_what_starts_later(ledger: Ledger) -> None:
    ledger.commit(
        Batch(
            printers=[a_printer("anna"), a_printer("bert")],
            spans=[
                a_span(PrinterState.IDLE, 0, 100),
                a_span(PrinterState.PRINTING, 100, 200),
                a_span(PrinterState.FINISHED, 200, None),
                a_span(PrinterState.IDLE, 0, None, "bert"),
            ],
            booked_until_ms=300,
        )
    )
    ledger.commit(Batch(cuts=[(ANNA, 150)], spans=[a_span(PrinterState.ERROR, 150, None)]))
    assert ledger.spans(0, 300, [ANNA]) == [
        a_span(PrinterState.IDLE, 0, 100),
        a_span(PrinterState.PRINTING, 100, 150),
        a_span(PrinterState.ERROR, 150, 300),
    ]
    assert ledger.spans(0, 300, [an_id("bert")]) == [a_span(PrinterState.IDLE, 0, 300, "bert")]


def test_a_cut_at_the_edge_of_two_spans_leaves_the_first_whole(ledger: Ledger) -> None:
    two = [a_span(PrinterState.IDLE, 0, 100), a_span(PrinterState.PRINTING, 100, None)]
    ledger.commit(Batch(printers=[a_printer()], spans=two, booked_until_ms=200))
    ledger.commit(Batch(cuts=[(ANNA, 100)], spans=[a_span(PrinterState.OFFLINE, 100, None)]))
    assert ledger.spans(0, 200) == [two[0], a_span(PrinterState.OFFLINE, 100, 200)]


def test_a_cut_ends_an_open_span(ledger: Ledger) -> None:
    ledger.commit(
        Batch(printers=[a_printer()], spans=[a_span(PrinterState.IDLE, 0, None)], booked_until_ms=200)
    )
    ledger.commit(Batch(cuts=[(ANNA, 50)], spans=[a_span(PrinterState.PRINTING, 50, None)]))
    assert ledger.spans(0, 200) == [a_span(PrinterState.IDLE, 0, 50), a_span(PrinterState.PRINTING, 50, 200)]


def test_evidence_that_stands_is_left_and_cut_evidence_is_booked_anew(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer()], evidence=[evidence(10), evidence(20), evidence(20, 1)]))
    ledger.commit(Batch(evidence=[evidence(20, 0, b"other")]))
    assert ledger.evidence_from(ANNA, 10, 0) == [evidence(20), evidence(20, 1)]
    ledger.commit(Batch(evidence_cuts=[(ANNA, 20, 0)], evidence=[evidence(20, 1, b"anew")]))
    assert ledger.evidence_from(ANNA, 10, 0) == [evidence(20), evidence(20, 1, b"anew")]
    ledger.commit(Batch(evidence_cuts=[(ANNA, 20, -1)], evidence=[evidence(20, 0, b"other")]))
    assert ledger.evidence_from(ANNA, -1, 0) == [evidence(10), evidence(20, 0, b"other")]


def test_snapshots_are_cut_and_the_last_one_before_an_instant_is_found(ledger: Ledger) -> None:
    stones = [a_snapshot(10), a_snapshot(20), a_snapshot(20, 1), a_snapshot(30)]
    ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")], snapshots=stones))
    assert ledger.snapshot_before(ANNA, 30) == stones[2]
    assert ledger.snapshot_before(ANNA, 10) is None
    assert ledger.snapshot_before(an_id("bert"), 30) is None
    ledger.commit(Batch(snapshot_cuts=[(ANNA, 20, -1)], snapshots=[a_snapshot(25, body=b"anew")]))
    assert ledger.snapshot_before(ANNA, 99) == a_snapshot(25, body=b"anew")


def test_the_checkpoint_of_a_printer_is_its_last(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer()], checkpoints=[a_checkpoint(b"old")], sessions=[a_session(1)]))
    ledger.commit(Batch(checkpoints=[a_checkpoint(b"new")], sessions=[a_session(2)]))
    assert ledger.checkpoints() == [a_checkpoint(b"new")]
    assert ledger.sessions() == [a_session(2)]


def test_faults_add_up_and_keep_the_last_sample(ledger: Ledger) -> None:
    def fault(source: str, count: int, last_ms: int, sample: str | None) -> IntakeFault:
        return IntakeFault(source=source, reason="too_big", count=count, last_ms=last_ms, sample=sample)

    ledger.commit(Batch(faults=[fault("b", 1, 50, "x"), fault("a", 2, 10, None)]))
    ledger.commit(Batch(faults=[fault("b", 4, 40, None), fault("a", 1, 20, "y")]))
    assert ledger.faults() == [fault("a", 3, 20, "y"), fault("b", 5, 50, "x")]


def test_of_the_messages_that_could_not_be_taken_the_newest_are_kept(ledger: Ledger) -> None:
    def rejected(number: int) -> RejectedMessage:
        return RejectedMessage(
            at_ms=number, source="octoprint", reason="internal_error", topic="octo/anna/event/PrintDone",
            detail="a fault of ours", size=3, payload=b"\x00\xff{",
        )  # fmt: skip

    for first in range(0, MOST_REJECTED_KEPT + 10, 10):
        ledger.commit(Batch(rejected=[rejected(number) for number in range(first, first + 10)]))
    kept = ledger.rejected_messages(MOST_REJECTED_KEPT + 10)
    assert kept == [rejected(number) for number in reversed(range(10, MOST_REJECTED_KEPT + 10))]
    assert ledger.rejected_count() == MOST_REJECTED_KEPT


def test_revisions_of_a_job_come_oldest_first(ledger: Ledger) -> None:
    ledger.commit(full_batch())
    ledger.commit(Batch(revisions=[revised("full", "late", 9), revised("full", "early", 0)]))
    assert [each.why for each in ledger.revisions(FULL_JOB.id)] == ["early", "history", "late"]


def test_jobs_of_a_printer_are_those_that_end_or_run_since_an_instant(ledger: Ledger) -> None:
    jobs = [
        an_ended_job("early", 99),
        an_ended_job("late", 100),
        a_job("running", started_ms=150),
        a_job("running since long", started_ms=50),
        a_job("joined midway", started_ms=None),
        an_ended_job("elsewhere", 200, "bert"),
    ]
    ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")], jobs=jobs))
    found = {job.id for job in ledger.jobs_of(ANNA, 100)}
    assert found == {an_id("late"), an_id("running"), an_id("joined midway")}
    assert ledger.jobs_of(ANNA, 100)[0] == jobs[1]


def test_nothing_can_be_committed_without_a_claim(empty_ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="claimed"):
        empty_ledger.commit(farm("anna"))


def test_a_claim_gives_how_far_the_holder_before_had_booked(empty_ledger: Ledger) -> None:
    assert empty_ledger.claim(SHARD, "first", simulated=False, now_ms=0) is None
    empty_ledger.commit(Batch(booked_until_ms=700))
    empty_ledger.commit(Batch(booked_until_ms=600))
    assert empty_ledger.claim(SHARD, "second", simulated=False, now_ms=900) == 700
    assert empty_ledger.claim("another shard", "second", simulated=False, now_ms=900) is None


def test_receipts_stay_with_the_shard_until_they_are_confirmed(empty_ledger: Ledger) -> None:
    empty_ledger.claim(SHARD, "first", simulated=False, now_ms=0)
    assert empty_ledger.receipts() == []
    receipts = [Receipt(number, f"messages {number}".encode()) for number in range(1, 13)]
    for receipt in receipts:
        empty_ledger.commit(Batch(receipt=receipt))
    empty_ledger.commit(Batch(receipts_confirmed=2))
    empty_ledger.commit(Batch())
    assert empty_ledger.receipts() == receipts[2:]
    empty_ledger.claim("another shard", "first", simulated=False, now_ms=1)
    assert empty_ledger.receipts() == []
    empty_ledger.commit(Batch(receipts_confirmed=12))
    empty_ledger.claim(SHARD, "second", simulated=False, now_ms=2)
    assert empty_ledger.receipts() == receipts[2:]


def test_fingerprints_of_messages_stay_with_the_shard_until_there_are_too_many(empty_ledger: Ledger) -> None:
    empty_ledger.claim(SHARD, "first", simulated=False, now_ms=0)
    assert empty_ledger.known_rows() == []
    for number in (1, 2, 3):
        empty_ledger.commit(Batch(known=KnownRow(number, bytes(8))))
    empty_ledger.commit(Batch(known=KnownRow(3, bytes(24))))
    empty_ledger.commit(Batch(known_cut=1))
    empty_ledger.commit(Batch())
    assert empty_ledger.known_rows() == [KnownRow(2, bytes(8)), KnownRow(3, bytes(24))]
    assert empty_ledger.known_row_sizes() == [(2, 8), (3, 24)]
    empty_ledger.claim("another shard", "first", simulated=False, now_ms=1)
    assert empty_ledger.known_rows() == []


def test_whoever_lost_the_shard_commits_nothing_more(shared_url: str) -> None:
    with open_ledger(shared_url) as old, open_ledger(shared_url) as new:
        old.claim(SHARD, "old", simulated=False, now_ms=0)
        old.commit(farm("anna"))
        new.claim(SHARD, "new", simulated=False, now_ms=1)
        with pytest.raises(LeaseLost, match=SHARD):
            old.commit(farm("bert"))
        new.commit(farm("carl"))
        with pytest.raises(LeaseLost):
            old.commit(Batch())
        assert [printer.name for printer in new.printers()] == ["anna", "carl"]


def test_two_shards_do_not_fence_each_other(shared_url: str) -> None:
    with open_ledger(shared_url) as one, open_ledger(shared_url) as two:
        one.claim("shard 1", "one", simulated=False, now_ms=0)
        two.claim("shard 2", "two", simulated=False, now_ms=0)
        one.commit(farm("anna"))
        two.commit(farm("bert"))
        one.commit(farm("carl"))
        assert [printer.name for printer in two.printers()] == ["anna", "bert", "carl"]


def test_telemetry_is_trimmed_by_age(ledger: Ledger) -> None:
    names = [f"printer {number:03}" for number in range(120)]
    ledger.commit(
        Batch(
            printers=[a_printer(name) for name in names],
            telemetry=[
                TelemetryRow(an_id(name), at, Telemetry(bed=1.0)) for name in names for at in (10, 20)
            ],
        )
    )
    assert ledger.trim(telemetry_before_ms=20) == 120
    assert [row.at_ms for row in ledger.telemetry(an_id(names[-1]), 0, 99)] == [20]
    assert ledger.trim(telemetry_before_ms=20) == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"file": "a\0b"},
        {"file": "\ud800"},
        {"file": "".join(random.Random(1).choices("0123456789abcdef", k=60_000))},
        {"operator": "x" * 200},
        {"material": "x" * 200},
        {"units": 2**40},
        {"units": 2**70},
        {"detail": object()},
    ],
    ids=[
        "NUL",
        "surrogate",
        "beyond an index",
        "long",
        "long too",
        "int4",
        "int8",
        "no type at all",
    ],
)
def test_what_a_database_cannot_hold_is_a_refusal_of_the_batch(
    postgresql_url: str, facts: dict[str, Any]
) -> None:
    with open_ledger(postgresql_url) as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
        ledger.commit(Batch(printers=[a_printer("anna")]))
        with pytest.raises(BatchRefused, match="refuses what it was given"):
            ledger.commit(Batch(jobs=[an_ended_job("a", 5), an_ended_job("b", 5, **facts)]))
        ledger.commit(Batch(jobs=[an_ended_job("c", 5)]))
        assert [job.id for job in ledger.jobs(JobFilter()).jobs] == [an_ended_job("c", 5).id]


def test_a_shard_that_was_left_in_order_is_free_and_one_that_lives_beats(ledger: Ledger) -> None:
    (held,) = ledger.leases()
    assert (held.client_id, held.holder, held.beats) == (SHARD, "the test", 1)
    ledger.beat()
    ledger.commit(Batch(booked_until_ms=7))
    (beaten,) = ledger.leases()
    assert (beaten.beats, beaten.epoch, beaten.booked_until_ms) == (3, held.epoch, 7)
    ledger.release()
    assert ledger.leases()[0].beats is None
    assert ledger.claim(SHARD, "the next", simulated=False, now_ms=9) == 7
    assert ledger.leases()[0].beats == 1


def test_who_was_taken_over_frees_nothing_and_beats_no_more(shared_url: str) -> None:
    with open_ledger(shared_url) as former, open_ledger(shared_url) as latter:
        former.release()
        former.claim(SHARD, "former", simulated=False, now_ms=0)
        latter.claim(SHARD, "latter", simulated=False, now_ms=0)
        former.release()
        with pytest.raises(LeaseLost):
            former.beat()
        assert [(lease.holder, lease.beats) for lease in former.leases()] == [("latter", 1)]
