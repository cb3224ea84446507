"""Verdicts in every database: given, given again, withdrawn, and never lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from farm.errors import InputConflict, InvalidInput
from farm.ledger.batch import Batch
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.feed import FeedEntry, FeedKind
from farm.model.states import RejectionReason
from farm.model.verdict import Inspection, Verdict, VerdictChange
from tests.contract.ledger_samples import SHARD, a_job, an_ended_job, an_id, farm

NOW = 1_000_000
PLATE, SINGLE, OPEN = an_id("plate"), an_id("single"), an_id("open")
JOBS = [an_ended_job("plate", 200, units=4), an_ended_job("single", 300), a_job("open")]


def filled(ledger: Ledger) -> VerdictStore:
    ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
    ledger.commit(farm("anna"))
    ledger.commit(Batch(jobs=JOBS))
    return VerdictStore(ledger.engine)


@pytest.fixture
def store(ledger: Ledger) -> VerdictStore:
    return filled(ledger)


@pytest.fixture
def any_store() -> Iterator[VerdictStore]:
    """For what is settled before any database is asked."""
    with open_ledger("sqlite://") as ledger:
        yield filled(ledger)


def rejected(good: int = 3, units: int = 1, **facts: Any) -> Inspection:
    given = {"job_id": PLATE, "reason": RejectionReason.WARPING, "note": "corner up"}
    return Inspection(good_units=good, rejected_units=units, **(given | facts))


def give(store: VerdictStore, *said: Inspection, who: str = "olga", now_ms: int = NOW) -> list[Verdict]:
    return store.give(said, who=who, now_ms=now_ms)


def told(ledger: Ledger) -> list[FeedEntry]:
    return [entry for entry in ledger.feed(0, 1000) if entry.kind is FeedKind.JOB_INSPECTED]


def listed(ledger: Ledger, **wanted: Any) -> list[str]:
    return [job.id for job in ledger.jobs(JobFilter(**wanted)).jobs]


def test_a_verdict_stands_as_it_was_given(store: VerdictStore, ledger: Ledger) -> None:
    (verdict,) = give(store, rejected())
    assert verdict == Verdict(
        job_id=PLATE,
        good_units=3,
        rejected_units=1,
        reason=RejectionReason.WARPING,
        note="corner up",
        who="olga",
        at_ms=NOW,
        version=1,
    )
    assert store.verdicts([PLATE, SINGLE]) == {PLATE: verdict}
    assert ledger.job(PLATE) == JOBS[0]


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (Inspection(job_id=PLATE, rejected_units=0), (4, 0)),
        (Inspection(job_id=PLATE, good_units=4), (4, 0)),
        (Inspection(job_id=PLATE, good_units=1, reason=RejectionReason.OTHER), (1, 3)),
        (Inspection(job_id=PLATE, rejected_units=3, reason=RejectionReason.OTHER), (1, 3)),
        (Inspection(job_id=PLATE, good_units=5, rejected_units=0, units_differ=True), (5, 0)),
        (Inspection(job_id=PLATE, good_units=5, units_differ=True), (5, 0)),
        (Inspection(job_id=PLATE, good_units=2, rejected_units=0, units_differ=True), (2, 0)),
    ],
    ids=repr,
)
def test_a_count_left_out_is_the_rest_of_the_units(
    any_store: VerdictStore, said: Inspection, counts: tuple[int, int]
) -> None:
    (verdict,) = give(any_store, said)
    assert (verdict.good_units, verdict.rejected_units) == counts


def test_the_last_verdict_holds_and_every_one_is_kept(store: VerdictStore) -> None:
    give(store, rejected())
    give(store, rejected(2, 2), who="paul", now_ms=NOW + 5)
    assert [(each.version, each.who, each.good_units, each.at_ms) for each in store.trail(PLATE)] == [
        (1, "olga", 3, NOW),
        (2, "paul", 2, NOW + 5),
    ]
    assert store.verdicts([PLATE])[PLATE].good_units == 2
    assert store.trail(SINGLE) == []


def test_the_same_words_again_change_nothing(store: VerdictStore, ledger: Ledger) -> None:
    first = give(store, rejected())
    assert give(store, rejected(), now_ms=NOW + 9) == first
    assert (len(store.trail(PLATE)), len(told(ledger))) == (1, 1)
    (other,) = give(store, rejected(), who="paul")
    assert (other.version, other.who) == (2, "paul")


def test_a_withdrawn_verdict_stands_no_more_and_stays_in_the_trail(
    store: VerdictStore, ledger: Ledger
) -> None:
    give(store, rejected())
    (change,) = store.withdraw([PLATE], who="paul", note="wrong plate", now_ms=NOW + 1)
    assert change == VerdictChange(
        job_id=PLATE,
        version=2,
        at_ms=NOW + 1,
        who="paul",
        good_units=None,
        rejected_units=None,
        reason=None,
        note="wrong plate",
    )
    assert change.is_withdrawal
    assert store.verdicts([PLATE]) == {}
    assert [each.is_withdrawal for each in store.trail(PLATE)] == [False, True]
    (again,) = give(store, rejected())
    assert again.version == 3
    assert [entry.body["after"] is None for entry in told(ledger)] == [False, True, False]


def test_the_feed_tells_what_held_before_and_what_holds_now(store: VerdictStore, ledger: Ledger) -> None:
    give(store, rejected())
    give(store, rejected(2, 2), now_ms=NOW + 5)
    first, second = told(ledger)
    assert (first.printer_id, first.job_id, first.at_ms) == (an_id("anna"), PLATE, NOW)
    assert (first.body["before"], first.body["after"]["good_units"]) == (None, 3)
    assert (second.body["before"]["good_units"], second.body["after"]["good_units"]) == (3, 2)
    assert (second.body["who"], second.body["version"], second.body["file"]) == ("olga", 2, "plate.gcode")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (rejected(4, 1), "good_units"),
        (rejected(1, 1), "good_units"),
        (rejected(-1, 5), "good_units"),
        (rejected(3, -1), "rejected_units"),
        (rejected(3, 10**9, units_differ=True), "rejected_units"),
        (rejected(0, 0, reason=None), "good_units"),
        (rejected(0, 0, reason=None, units_differ=True), "good_units"),
        (Inspection(job_id=PLATE), "good_units"),
        (Inspection(job_id=PLATE, good_units=5), "good_units"),
        (Inspection(job_id=PLATE, rejected_units=5, reason=RejectionReason.OTHER), "rejected_units"),
        (rejected(reason=None), "reason"),
        (rejected(4, 0), "reason"),
        (rejected(note="n" * 4001), "note"),
        (rejected(note="nul \x00"), "note"),
        (rejected(job_id=an_id("lost")), "job"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused_by_field_and_nothing_is_kept(
    any_store: VerdictStore, said: Inspection, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        give(any_store, Inspection(job_id=SINGLE, good_units=1), said)
    assert refused.value.field == field
    assert not isinstance(refused.value, InputConflict)
    assert any_store.verdicts([PLATE, SINGLE]) == {}
    assert any_store.trail_of_all().changes == []


def test_units_that_differ_are_named_with_those_of_the_job(any_store: VerdictStore) -> None:
    with pytest.raises(
        InvalidInput, match=r"4 good and 1 rejected are 5; job .* has 4 units; .* they differ"
    ):
        give(any_store, rejected(4, 1))


@pytest.mark.parametrize("who", ["", " ", "o" * 129, "o\nlga"])
def test_who_inspected_must_be_named(any_store: VerdictStore, who: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        give(any_store, rejected(), who=who)
    assert refused.value.field == "who"


def test_a_job_under_way_cannot_be_inspected(store: VerdictStore) -> None:
    with pytest.raises(InputConflict, match="under way"):
        give(store, rejected(), Inspection(job_id=OPEN, good_units=1))
    assert store.verdicts([PLATE]) == {}


def test_a_job_named_twice_is_refused(any_store: VerdictStore) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        give(any_store, rejected(), rejected(4, 0, reason=None))


def test_where_no_verdict_stands_none_can_be_withdrawn(store: VerdictStore) -> None:
    give(store, rejected())
    with pytest.raises(InputConflict, match="no verdict"):
        store.withdraw([PLATE, SINGLE], who="olga", now_ms=NOW)
    assert PLATE in store.verdicts([PLATE])


def test_a_job_that_a_replay_withdraws_leaves_its_verdict_which_holds_again_when_it_comes_back(
    store: VerdictStore, ledger: Ledger
) -> None:
    give(store, rejected())
    ledger.commit(Batch(withdrawn_jobs=[PLATE]))
    assert (listed(ledger, inspected=True), listed(ledger, inspected=False)) == ([], [SINGLE])
    assert [each.job_id for each in store.trail_of_all().changes] == [PLATE]
    with pytest.raises(InvalidInput, match="no job"):
        give(store, rejected(2, 2))
    ledger.commit(Batch(jobs=[JOBS[0]]))
    assert listed(ledger, inspected=True) == [PLATE]
    assert store.verdicts([PLATE])[PLATE].good_units == 3


def test_the_verdict_of_a_job_that_is_gone_can_be_withdrawn(store: VerdictStore, ledger: Ledger) -> None:
    give(store, rejected())
    ledger.commit(Batch(withdrawn_jobs=[PLATE]))
    store.withdraw([PLATE], who="olga", now_ms=NOW)
    assert told(ledger)[-1].printer_id is None
    ledger.commit(Batch(jobs=[JOBS[0]]))
    assert listed(ledger, inspected=True) == []


def test_a_revised_job_keeps_its_verdict(store: VerdictStore, ledger: Ledger) -> None:
    (verdict,) = give(store, rejected())
    ledger.commit(Batch(jobs=[an_ended_job("plate", 250, units=4, revision=1)]))
    assert store.verdicts([PLATE]) == {PLATE: verdict}


def test_jobs_are_listed_by_whether_they_were_inspected(store: VerdictStore, ledger: Ledger) -> None:
    give(store, rejected())
    assert listed(ledger, inspected=True) == [PLATE]
    assert listed(ledger, inspected=False) == [SINGLE]
    assert listed(ledger) == [OPEN, SINGLE, PLATE]
    assert listed(ledger, inspected=False, open_only=True) == []


def test_pages_of_uninspected_jobs_hold_each_once(store: VerdictStore, ledger: Ledger) -> None:
    ledger.commit(Batch(jobs=[an_ended_job(f"more {n}", 400 + n) for n in range(6)]))
    give(store, *(Inspection(job_id=an_id(f"more {n}"), good_units=1) for n in (1, 4)))
    found: list[str] = []
    page = ledger.jobs(JobFilter(inspected=False, limit=2))
    found += (job.id for job in page.jobs)
    while page.next is not None:
        page = ledger.jobs(JobFilter(inspected=False, limit=2, after=page.next))
        found += (job.id for job in page.jobs)
    assert found == [*(an_id(f"more {n}") for n in (5, 3, 2, 0)), SINGLE, PLATE]


def test_the_trail_of_all_jobs_is_told_newest_first_and_page_by_page(store: VerdictStore) -> None:
    give(store, rejected())
    give(store, Inspection(job_id=SINGLE, good_units=1))
    store.withdraw([PLATE], who="olga", now_ms=NOW)
    first = store.trail_of_all(limit=2)
    give(store, rejected())
    rest = store.trail_of_all(limit=2, after=first.next)
    assert [(each.job_id, each.version) for each in first.changes] == [(PLATE, 2), (SINGLE, 1)]
    assert [(each.job_id, each.version) for each in rest.changes] == [(PLATE, 1)]
    assert rest.next is None
    with pytest.raises(InvalidInput, match="verdicts"):
        store.trail_of_all(after="x")


def test_verdicts_of_twenty_people_at_once_are_numbered_one_by_one(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger:
        store = filled(ledger)
        with ThreadPoolExecutor(20) as crowd:
            list(crowd.map(lambda number: give(store, rejected(), who=f"person {number}"), range(20)))
        trail = store.trail(PLATE)
        assert [each.version for each in trail] == list(range(1, 21))
        assert store.verdicts([PLATE])[PLATE].who == trail[-1].who


def test_a_collector_that_books_meanwhile_is_not_in_the_way(shared_url: str) -> None:
    """Both take the feed's lock and rows of the same job; neither may wait for the other for ever."""
    with open_ledger(shared_url) as ledger:
        store = filled(ledger)

        def inspect(number: int) -> None:
            give(store, rejected(), Inspection(job_id=SINGLE, good_units=1), who=f"person {number}")

        def book(number: int) -> None:
            revised = [an_ended_job("single", 300, revision=number), an_ended_job("plate", 200, units=4)]
            feed = [FeedEntry(kind=FeedKind.JOB_REVISED, at_ms=number, job_id=SINGLE)]
            ledger.commit(Batch(jobs=revised, feed=feed))

        with ThreadPoolExecutor(4) as crowd:
            done = [crowd.submit(work, number) for number in range(10) for work in (inspect, book)]
            for each in done:
                each.result(timeout=60)
        assert len(store.trail(PLATE)) == 10
        assert [entry.seq for entry in ledger.feed(0, 100)] == list(range(1, 31))
