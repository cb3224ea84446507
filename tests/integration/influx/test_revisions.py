"""A revision takes the place of what it revises, and nothing counts twice."""

from typing import Any

import msgspec

from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.states import Cause, Outcome, PrinterState, Provenance
from farm.model.times import HOUR_MS, MINUTE_MS
from tests.influx_farm import START, BookedFarm, HandedClock
from tests.influx_outbox import ended_jobs, ship_all
from tests.influx_server import InfluxForTests


def revised(job: Job, **changes: Any) -> Job:
    return msgspec.structs.replace(job, revision=job.revision + 1, **changes)


def test_a_revised_outcome_takes_the_place_of_the_old_one(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    failed = farm.job(farm.printers[0], START + 1000, START + HOUR_MS, Outcome.FAILED)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    assert ended_jobs(influx, settings.bucket)[failed.id]["cause"] == Cause.THERMAL
    better = revised(failed, outcome=Outcome.SUCCEEDED, cause=None, detail=None, provenance=Provenance.PERSON)
    farm.tell_job(FeedKind.JOB_REVISED, better, START + 2 * HOUR_MS)
    ship_all(farm, settings, clock)
    fields = ended_jobs(influx, settings.bucket)[failed.id]
    assert (fields["outcome"], fields["revision"]) == ("succeeded", 1)
    assert not {"cause", "detail"} & fields.keys()


def test_a_job_whose_end_is_moved_ends_once(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    unknown = farm.job(farm.printers[0], START + 1000, START + HOUR_MS, Outcome.UNKNOWN)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    later = revised(unknown, outcome=Outcome.SUCCEEDED, ended_ms=START + 2 * HOUR_MS, started_ms=START + 500)
    farm.tell_job(FeedKind.JOB_REVISED, later, START + 3 * HOUR_MS)
    ship_all(farm, settings, clock)
    assert ended_jobs(influx, settings.bucket)[unknown.id]["ended_ms"] == START + 2 * HOUR_MS
    starts = [key for key in influx.points(settings.bucket) if "event=started" in key and "job" in key]
    assert [int(key[-1]) // 1_000_000 for key in starts] == [START + 500]


def test_revised_spans_take_back_states_and_withdrawn_jobs(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    printer, other = farm.printers[:2]
    farm.state(printer, PrinterState.IDLE, START + 1000)
    gone = farm.job(printer, START + HOUR_MS, START + 2 * HOUR_MS, Outcome.UNKNOWN)
    kept = farm.job(other, START + HOUR_MS, START + 2 * HOUR_MS, Outcome.SUCCEEDED)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    farm.replay(
        printer, START + MINUTE_MS, [(PrinterState.OFFLINE, START + 90 * MINUTE_MS)], withdrawn=[gone]
    )
    ship_all(farm, settings, clock)
    assert set(ended_jobs(influx, settings.bucket)) == {kept.id}
    states = {
        (int(at) // 1_000_000, value)
        for (_, *tags, field, at), value in influx.points(settings.bucket).items()
        if field == "state" and f"printer={printer.id}" in tags
    }
    assert states == {(START + 1000, "idle"), (START + 90 * MINUTE_MS, "offline")}
