"""What grows old is deleted, and what somebody still needs is not, in every database."""

import pytest
from sqlalchemy import insert

from farm.ledger import schema
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.outbox_positions import FEED, Position, write_position
from farm.model.alert import EVALUATOR, AlertBatch
from tests.contract.ledger_samples import a_job, a_snapshot, an_ended_job, an_id, entries, evidence, farm

ANNA = an_id("anna")


@pytest.fixture
def printed(ledger: Ledger) -> Ledger:
    """Evidence every 10 ms from 0 to 90, with snapshots after that at 20, 50 and 80."""
    ledger.commit(farm("anna", "bert"))
    both = ("anna", "bert")
    ledger.commit(
        Batch(
            evidence=[evidence(at, printer=name) for name in both for at in range(0, 100, 10)],
            snapshots=[a_snapshot(at, printer=name) for name in both for at in (20, 50, 80)],
        )
    )
    return ledger


def kept(ledger: Ledger, printer: str = "anna") -> list[int]:
    return [each.at_ms for each in ledger.evidence_from(an_id(printer), -1, 0)]


def snapshots(ledger: Ledger, printer: str = "anna") -> list[int]:
    return [
        at for at in range(101) if (s := ledger.snapshot_before(an_id(printer), at + 1)) and s.at_ms == at
    ]


def test_evidence_is_kept_from_the_newest_snapshot_before_the_instant(printed: Ledger) -> None:
    assert printed.trim_evidence(before_ms=75) == 12
    for name in ("anna", "bert"):
        assert kept(printed, name) == [60, 70, 80, 90]
        assert snapshots(printed, name) == [50, 80]
        assert printed.evidence_cut(an_id(name)) == 50
    assert printed.trim_evidence(before_ms=75) == 0
    assert printed.trim_evidence(before_ms=81) == 6
    assert (kept(printed), snapshots(printed)) == ([90], [80])


def test_without_a_snapshot_before_the_instant_all_evidence_stays(printed: Ledger) -> None:
    assert printed.trim_evidence(before_ms=20) == 0
    assert kept(printed) == list(range(0, 100, 10))
    assert printed.evidence_cut(ANNA) is None


def test_a_printer_of_which_nothing_was_cut_has_no_cut(printed: Ledger) -> None:
    assert printed.evidence_cut(ANNA) is None
    assert printed.evidence_cut("nobody") is None


@pytest.mark.parametrize(
    ("started_ms", "left"),
    [
        (55, [60, 70, 80, 90]),
        (50, [30, 40, 50, 60, 70, 80, 90]),
        (30, [30, 40, 50, 60, 70, 80, 90]),
        (15, list(range(0, 100, 10))),
        (None, list(range(0, 100, 10))),
    ],
)
def test_what_an_open_job_rests_on_stays(printed: Ledger, started_ms: int | None, left: list[int]) -> None:
    printed.commit(Batch(jobs=[a_job("open", started_ms=started_ms), an_ended_job("done", 9, started_ms=5)]))
    printed.trim_evidence(before_ms=75)
    assert kept(printed) == left
    assert kept(printed, "bert") == [60, 70, 80, 90]


def test_two_pieces_of_evidence_at_one_instant_are_told_apart_by_their_place(ledger: Ledger) -> None:
    ledger.commit(farm("anna"))
    ledger.commit(
        Batch(evidence=[evidence(10, ordinal) for ordinal in range(4)], snapshots=[a_snapshot(10, 1)])
    )
    assert ledger.trim_evidence(before_ms=11) == 2
    assert [each.ordinal for each in ledger.evidence_from(ANNA, -1, 0)] == [2, 3]
    assert ledger.evidence_cut(ANNA) == 10


def test_the_printers_of_another_collector_are_left_to_it(printed: Ledger) -> None:
    printed.claim("layerline-shard-2", "another", simulated=False, now_ms=0)
    printed.commit(farm("bert"))
    assert printed.trim_evidence(before_ms=75) == 6
    assert kept(printed) == list(range(0, 100, 10))


def seqs(ledger: Ledger) -> list[int]:
    return [entry.seq for entry in ledger.feed(0, 100)]


def test_the_feed_is_trimmed_by_age_and_its_numbers_go_on(ledger: Ledger) -> None:
    ledger.commit(Batch(feed=entries(10)))
    assert ledger.trim_feed(before_ms=4) == 4
    assert seqs(ledger) == [5, 6, 7, 8, 9, 10]
    assert ledger.trim_feed(before_ms=100) == 5
    assert (seqs(ledger), ledger.feed_head()) == ([10], 10)
    ledger.commit(Batch(feed=entries(1)))
    assert seqs(ledger) == [10, 11]


def test_what_the_evaluator_has_not_read_stays(ledger: Ledger) -> None:
    ledger.commit(Batch(feed=entries(10)))
    AlertStore(ledger.engine).book(AlertBatch(reader=EVALUATOR, seen=None, seq=3))
    assert ledger.trim_feed(before_ms=100) == 3
    assert seqs(ledger) == [4, 5, 6, 7, 8, 9, 10]


def test_what_influxdb_has_not_got_stays_and_other_queues_hold_nothing_up(ledger: Ledger) -> None:
    ledger.commit(Batch(feed=entries(10)))
    with ledger.engine.begin() as connection:
        write_position(connection, Position(reader=FEED, seq=2))
        connection.execute(insert(schema.cursor).values(reader="influx:telemetry", seq=0))
    AlertStore(ledger.engine).book(AlertBatch(reader=EVALUATOR, seen=None, seq=8))
    assert ledger.trim_feed(before_ms=100) == 2


def test_more_than_one_transaction_takes_is_trimmed_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farm.ledger.retention._ENTRIES_AT_ONCE", 3)
    ledger.commit(Batch(feed=entries(11)))
    assert ledger.trim_feed(before_ms=100) == 10
    assert seqs(ledger) == [11]


def test_an_empty_feed_is_no_trouble(ledger: Ledger) -> None:
    assert ledger.trim_feed(before_ms=100) == 0
