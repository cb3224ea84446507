"""Looking at both ends of the outbox, for the tests of it."""

from typing import Any

from sqlalchemy import select

from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.influx.status import OutboxStatus, QueueStatus
from farm.ledger import schema
from farm.ledger.ledger import Ledger
from tests.influx_farm import BookedFarm, HandedClock, empty_outbox
from tests.influx_server import InfluxForTests


def ship_all(farm: BookedFarm, settings: InfluxSettings, clock: HandedClock) -> None:
    sender = Sender(farm.ledger.engine, settings, clock)
    empty_outbox(sender, farm.ledger, clock)
    sender.close()


def queue(farm: BookedFarm, name: str, clock: HandedClock) -> QueueStatus:
    return {each.queue: each for each in OutboxStatus(farm.ledger.engine).queues(clock())}[name]


def ended_jobs(influx: InfluxForTests, bucket: str) -> dict[str, dict[str, Any]]:
    """The fields of every job's end, by job."""
    points: dict[tuple[str, ...], dict[str, Any]] = {}
    for (measurement, *tags, field, at), value in influx.points(bucket).items():
        if measurement == "job_event" and "event=ended" in tags:
            points.setdefault((*tags, at), {})[field] = value
    jobs = {fields["job"]: fields for fields in points.values()}
    assert len(jobs) == len(points), "a job has more than one end"
    return jobs


def rejects(ledger: Ledger) -> list[Any]:
    with ledger.engine.connect() as connection:
        return list(connection.execute(select(schema.outbox_reject)))
