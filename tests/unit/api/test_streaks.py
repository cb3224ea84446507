from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.streaks import FEW, LatestStreaks
from farm.kpi.streak import failed_streak
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.states import Outcome
from tests.fakes.farm_server import farm_ledger

S, F, C, U = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED, Outcome.UNKNOWN


def job(place: int, outcome: Outcome, printer_id: str = "p0") -> Job:
    return Job(
        id=f"{printer_id}-{place}",
        printer_id=printer_id,
        file=None,
        started_ms=place * 1_000,
        ended_ms=place * 1_000 + 500,
        outcome=outcome,
    )


def printer(name: str) -> Printer:
    return Printer(id=name, site="main", name=name, adapter="native", first_seen_ms=0)


def book(ledger: Ledger, jobs: Sequence[Job], feed: Sequence[FeedEntry] = ()) -> None:
    names = sorted({each.printer_id for each in jobs})
    ledger.commit(Batch(printers=[printer(name) for name in names], jobs=list(jobs), feed=list(feed)))


@pytest.mark.parametrize(
    ("newest_first", "streak"),
    [
        ([], None),
        ([S], 0),
        ([F, F, F, S, F], 3),
        ([C, F, U, F, C, S], 2),
        ([F, C, U], None),
        ([C, C, S, F], 0),
    ],
)
def test_counts_failures_since_the_last_success(newest_first: list[Outcome], streak: int | None) -> None:
    assert failed_streak([job(place, outcome) for place, outcome in enumerate(newest_first)]) == streak


@given(st.lists(st.sampled_from([F, C, U]), max_size=40))
def test_without_a_success_the_jobs_at_hand_do_not_show_the_streak(outcomes: list[Outcome]) -> None:
    assert failed_streak([job(place, outcome) for place, outcome in enumerate(outcomes)]) is None


def test_a_printer_that_never_succeeded_counts_all_its_failures() -> None:
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=0)
        book(ledger, [job(place, outcome) for place, outcome in enumerate([F, C, F, U, F])])
        assert LatestStreaks(ledger).of(["p0"]) == {"p0": 3}


def test_a_streak_longer_than_one_look_is_counted_to_its_end() -> None:
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=0)
        book(ledger, [job(0, S), *(job(place, F if place % 3 else C) for place in range(1, 200))])
        assert LatestStreaks(ledger).of(["p0"])["p0"] == 133


def test_the_feed_makes_it_look_again() -> None:
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=0)
        book(ledger, [job(0, S), job(1, F)])
        streaks = LatestStreaks(ledger)
        assert streaks.of(["p0"]) == {"p0": 1}
        ended = FeedEntry(kind=FeedKind.JOB_ENDED, at_ms=2_500, printer_id="p0", job_id="p0-2")
        book(ledger, [job(2, F)], [ended])
        assert streaks.of(["p0"]) == {"p0": 2}
        revised = FeedEntry(kind=FeedKind.JOB_REVISED, at_ms=2_600, printer_id="p0", job_id="p0-2")
        book(ledger, [job(2, S)], [revised])
        assert streaks.of(["p0"]) == {"p0": 0}


def test_many_printers_get_the_same_streaks_as_one_by_one() -> None:
    names = [f"p{number}" for number in range(2 * FEW)]
    outcomes = [S, F, F, C, U, F, S, F]
    jobs = [
        job(place, outcomes[(place + number) % len(outcomes)], name)
        for number, name in enumerate(names)
        for place in range(number % 7)
    ]
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=0)
        book(ledger, jobs)
        one_by_one = {name: LatestStreaks(ledger).of([name])[name] for name in names}
        assert LatestStreaks(ledger).of(names) == one_by_one
        assert set(one_by_one.values()) >= {0, 1, 2}
