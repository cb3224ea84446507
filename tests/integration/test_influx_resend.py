"""An InfluxDB that has nothing is filled from the ledger, and holds what it held before."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete

from farm.errors import InfluxError
from farm.influx.client import InfluxServer
from farm.influx.resend import resend
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.influx.status import OutboxStatus
from farm.ledger import schema
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.feed import FeedKind
from farm.model.verdict import Inspection
from tests.influx_farm import BookedFarm, HandedClock, empty_outbox
from tests.influx_server import InfluxForTests, influx_for_tests


@pytest.fixture(scope="module")
def influx() -> Iterator[InfluxForTests]:
    with influx_for_tests() as server:
        yield server


@pytest.fixture
def farm() -> Iterator[BookedFarm]:
    with open_ledger("sqlite://") as ledger:
        farm = BookedFarm(ledger)
        farm.a_day()
        farm.samples(700)
        inspected = [
            Inspection(job_id=job.id, rejected_units=0) for job in ledger.jobs(JobFilter(limit=3)).jobs
        ]
        VerdictStore(ledger.engine).give(inspected, who="olga", now_ms=farm.now_ms)
        yield farm


def shipped(influx: InfluxForTests, farm: BookedFarm, clock: HandedClock) -> InfluxSettings:
    """Two buckets into which all was sent in the usual way."""
    settings = influx.settings()
    sender = Sender(farm.ledger.engine, settings, clock)
    empty_outbox(sender, farm.ledger, clock)
    sender.close()
    return settings


def send_again(farm: BookedFarm, settings: InfluxSettings, clock: HandedClock) -> int:
    with InfluxServer(settings) as server:
        done = resend(farm.ledger.engine, server, settings, clock)
    assert done.refused == 0
    return done.stored


def test_an_empty_server_gets_all_that_a_full_one_holds(influx: InfluxForTests, farm: BookedFarm) -> None:
    clock = HandedClock()
    before = shipped(influx, farm, clock)
    places = OutboxStatus(farm.ledger.engine).queues(clock.now_ms)
    fresh = influx.settings()
    stored = send_again(farm, fresh, clock)
    for held, wanted in ((fresh.bucket, before.bucket), (fresh.telemetry_bucket, before.telemetry_bucket)):
        assert influx.points(held).items() >= influx.points(wanted).items()
    assert OutboxStatus(farm.ledger.engine).queues(clock.now_ms) == places

    once = influx.points(fresh.bucket)
    assert send_again(farm, fresh, clock) == stored
    assert influx.points(fresh.bucket) == once


def test_what_the_feed_no_longer_holds_comes_from_the_books(influx: InfluxForTests, farm: BookedFarm) -> None:
    clock = HandedClock()
    before = influx.points(shipped(influx, farm, clock).bucket)
    with farm.ledger.engine.begin() as connection:
        connection.execute(delete(schema.feed).where(schema.feed.c.kind != FeedKind.ALERT_FIRED.value))
    fresh = influx.settings()
    send_again(farm, fresh, clock)
    after = influx.points(fresh.bucket)
    jobs = {key: value for key, value in before.items() if key[0] == "job_event"}
    assert after.keys() >= jobs.keys()
    for event in ("event=ended", "event=inspected"):
        told = {key: value for key, value in jobs.items() if event in key}
        assert told
        assert after.items() >= told.items()

    def states(points: dict[tuple[str, ...], object]) -> set[tuple[object, ...]]:
        """Place without the nanoseconds that tell entries of one millisecond apart, and value."""
        found = [(key, value) for key, value in points.items() if "event=state" in key and "state" in key]
        return {(*key[:-1], int(key[-1]) // 10**6, value) for key, value in found}

    assert states(after) >= states(before) > set()


def test_a_server_that_does_not_take_it_is_named(farm: BookedFarm, influx: InfluxForTests) -> None:
    settings = influx.settings().model_copy(update={"bucket": "not-there"})
    with InfluxServer(settings) as server, pytest.raises(InfluxError, match="does not take it"):
        resend(farm.ledger.engine, server, settings, HandedClock())
