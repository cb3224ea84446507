"""The routes over a real ledger and a real server."""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from farm.influx.status import QueueStatus
from farm.ledger.batch import Batch
from farm.ledger.outbox_positions import Trouble
from farm.ledger.records import Revision
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.refused_client import RefusalReason, RefusedClient
from farm.model.states import Outcome
from farm.model.times import DAY_MS, HOUR_MS, SECOND_MS, parse_rfc3339, rfc3339
from tests.contract.ledger_samples import a_printer
from tests.fakes.farm_server import FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS, PRESENT, STREAK_PLACE, SampleFarm, sample_farm

PRINTERS = 24


@pytest.fixture(scope="module")
def farm() -> SampleFarm:
    return sample_farm(PRINTERS, days=3)


@pytest.fixture(scope="module")
def server(farm: SampleFarm) -> Iterator[FarmServer]:
    with farm_ledger(farm) as ledger, serving(ledger) as server:
        yield server


def get(server: FarmServer, path: str, status: int = 200, **parameters: Any) -> Any:
    answer = server.client.get(f"/api/v1{path}", params=parameters)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_without_a_broker_of_ours_nobody_is_refused(server: FarmServer) -> None:
    assert get(server, "/refused-clients")["items"] == []


def test_whom_the_broker_refused_is_listed_with_reason_and_remedy(farm: SampleFarm) -> None:
    wrong = RefusedClient(
        address="192.168.1.7",
        client_id="bay2",
        reason=RefusalReason.WRONG_PASSWORD,
        count=12,
        first_ms=NOW_MS - HOUR_MS,
        last_ms=NOW_MS - SECOND_MS,
    )
    later = msgspec.structs.replace(wrong, client_id=None, last_ms=NOW_MS - HOUR_MS, let_in_ms=NOW_MS)
    with farm_ledger(farm) as ledger, serving(ledger, refusals=lambda: (wrong, later)) as server:
        listed = get(server, "/refused-clients")["items"]
        needs = [need for need in get(server, "/attention")["needs"] if need["kind"] == "refused_client"]
    (need,) = needs
    assert "bay2 at 192.168.1.7 is refused by the broker, wrong password" in need["task"]
    assert (need["printer_id"], need["since"]) == (None, rfc3339(NOW_MS - SECOND_MS))
    assert need["words"] == "type in user and password as `layerline up` shows them"
    assert listed[0] == {
        "address": "192.168.1.7",
        "client_id": "bay2",
        "reason": "wrong_password",
        "words": "wrong password",
        "remedy": "type in user and password as `layerline up` shows them",
        "count": 12,
        "current": True,
        "first_at": rfc3339(NOW_MS - HOUR_MS),
        "last_at": rfc3339(NOW_MS - SECOND_MS),
        "let_in_at": None,
    }
    assert (listed[1]["current"], listed[1]["let_in_at"]) == (False, rfc3339(NOW_MS))


def test_lists_every_printer_with_state_job_and_streak(server: FarmServer, farm: SampleFarm) -> None:
    listed = {each["id"]: each for each in get(server, "/printers")["items"]}
    assert len(listed) == PRINTERS
    for place, printer in enumerate(farm.printers):
        assert listed[printer.id]["state"] == PRESENT[place]
        assert (listed[printer.id]["job"] is not None) == (
            PRESENT[place] in ("printing", "paused", "preparing")
        )
        assert listed[printer.id]["observed"] == (PRESENT[place] != "unknown")
    assert listed[farm.printers[STREAK_PLACE].id]["failed_streak"] == 3
    printing = listed[farm.printers[0].id]["job"]
    assert 0 < printing["progress"] < 1
    assert printing["time_left_seconds"] > 0


def test_the_time_left_of_a_printer_is_its_forecast(server: FarmServer) -> None:
    coming = {each["printer_id"]: each for each in get(server, "/forecast")["items"]}
    under_way = {each["id"]: each["job"] for each in get(server, "/printers")["items"] if each["job"]}
    assert coming.keys() == under_way.keys() != set()
    for printer_id, job in under_way.items():
        times = ("done_at", "earliest_at", "latest_at")
        assert {name: job[name] for name in times} == {name: coming[printer_id][name] for name in times}
        assert get(server, f"/printers/{printer_id}")["job"] == job


def test_the_forecast_tells_who_is_done_first_and_who_is_free(server: FarmServer, farm: SampleFarm) -> None:
    found = get(server, "/forecast")
    at_work = [
        printer
        for place, printer in enumerate(farm.printers)
        if PRESENT[place] in ("printing", "paused", "preparing")
    ]
    assert {each["printer_id"] for each in found["items"]} == {printer.id for printer in at_work}
    ends = [each["done_at"] for each in found["items"] if each["done_at"]]
    assert ends == sorted(ends)
    assert ends[0] >= found["at"]
    assert found["next"] in found["items"]
    assert {each["told"] for each in found["items"]} <= {"estimate", "remaining", "progress", "overdue", None}
    idle = {printer.id for place, printer in enumerate(farm.printers) if PRESENT[place] == "idle"}
    assert {each["id"] for each in found["free"]} == idle


def test_what_needs_a_look_comes_most_urgent_first(server: FarmServer, farm: SampleFarm) -> None:
    found = get(server, "/attention")
    assert found["quiet"] is False
    told = [(need["kind"], need["task"]) for need in found["needs"]]
    assert told == [
        ("error", "Look after the printer"),
        ("bed_to_clear", "Clear the bed"),
        ("bed_to_clear", "Clear the bed"),
        ("paused", "Waiting to be resumed"),
        ("offline", "Check power and network"),
        ("unknown", "See how it stands: check its connection"),
    ]
    states = {printer.id: PRESENT[place] for place, printer in enumerate(farm.printers)}
    assert states[found["needs"][0]["printer_id"]] == "error"


def test_filters_printers_by_group_and_state(server: FarmServer) -> None:
    found = get(server, "/printers", group="Hall A", state=["error", "offline"])["items"]
    assert {each["group"] for each in found} == {"Hall A"}
    assert {each["state"] for each in found} == {"error", "offline"}


def test_shows_a_printer_by_id_or_name_with_an_account_that_adds_up(
    server: FarmServer, farm: SampleFarm
) -> None:
    printer = farm.printers[0]
    detail = get(server, f"/printers/{printer.id}", window="24h")
    assert get(server, f"/printers/{printer.name}", window="24h") == detail
    assert sum(detail["account"]["seconds"].values()) == pytest.approx(DAY_MS / SECOND_MS)
    spans = detail["spans"]
    assert spans[0]["from"] == detail["account"]["window"]["from"]
    assert [span["to"] for span in spans[:-1]] == [span["from"] for span in spans[1:]]
    since_ms = NOW_MS - DAY_MS
    assert all(parse_rfc3339(job["ended_at"]) >= since_ms for job in detail["jobs"] if job["ended_at"])


def test_spans_are_cut_to_any_window(server: FarmServer, farm: SampleFarm) -> None:
    window = f"{rfc3339(NOW_MS - 2 * HOUR_MS)}..{rfc3339(NOW_MS - HOUR_MS)}"
    spans = get(server, f"/printers/{farm.printers[1].name}/spans", window=window)["items"]
    assert f"{spans[0]['from']}..{spans[-1]['to']}" == window


def test_telemetry_comes_in_order_and_thinned_to_what_was_asked(server: FarmServer, farm: SampleFarm) -> None:
    path = f"/printers/{farm.printers[0].name}/telemetry"
    every = get(server, path, window="1h")["items"]
    assert len(every) == 12
    assert [each["at"] for each in every] == sorted(each["at"] for each in every)
    assert every[0]["nozzle_target"] > 200
    assert len(get(server, path, window="1h", points=4)["items"]) == 4


def test_pages_through_all_jobs_once_and_in_order(server: FarmServer, farm: SampleFarm) -> None:
    seen: list[dict[str, Any]] = []
    page = get(server, "/jobs", limit=50)
    seen += page["items"]
    while page["next"] is not None:
        page = get(server, "/jobs", limit=50, after=page["next"])
        seen += page["items"]
    assert len(seen) == len({each["id"] for each in seen}) == len(farm.batch.jobs)
    ended = [each["ended_at"] for each in seen if each["ended_at"] is not None]
    assert ended == sorted(ended, reverse=True)


def test_filters_jobs(server: FarmServer, farm: SampleFarm) -> None:
    failed = get(server, "/jobs", outcome="failed", printer=farm.printers[STREAK_PLACE].name, limit=3)[
        "items"
    ]
    assert [job["cause"] for job in failed] == ["thermal"] * 3
    assert {job["outcome"] for job in get(server, "/jobs", open=True)["items"]} == {None}
    by_file = get(server, "/jobs", file="spool_adapter.gcode")["items"]
    assert {job["file"] for job in by_file} == {"spool_adapter.gcode"}
    since, until = rfc3339(NOW_MS - 5 * HOUR_MS), rfc3339(NOW_MS - 2 * HOUR_MS)
    within = get(server, "/jobs", since=since, until=until, outcome=[*Outcome])["items"]
    assert within
    assert all(since <= job["ended_at"] < until for job in within)
    hall = get(server, "/jobs", group="Hall A", limit=1000)["items"]
    assert {job["group"] for job in hall} == {"Hall A"}


def test_shows_a_job_with_its_revisions() -> None:
    farm = sample_farm(1, days=1)
    job: Job = farm.batch.jobs[0]
    farm.batch.revisions = [
        Revision(
            at_ms=NOW_MS,
            printer_id=job.printer_id,
            job_id=job.id,
            who="history",
            why="the printer's history says so",
            before='{"outcome":"unknown"}',
            after='{"outcome":"succeeded"}',
        )
    ]
    with farm_ledger(farm) as ledger, serving(ledger) as server:
        detail = get(server, f"/jobs/{job.id}")
    assert detail["id"] == job.id
    assert detail["revisions"] == [
        {
            "at": rfc3339(NOW_MS),
            "who": "history",
            "why": "the printer's history says so",
            "before": {"outcome": "unknown"},
            "after": {"outcome": "succeeded"},
        }
    ]


def test_figures_carry_counts_interval_range_and_observed_share(server: FarmServer) -> None:
    answer = get(server, "/kpis", window="24h")
    figures = {each["id"]: each for each in answer["items"]}
    success = figures["print_success_rate"]
    counts = success["counts"]
    assert success["value"] == counts["succeeded"] / counts["attempts"]
    assert success["interval_low"] < success["value"] < success["interval_high"]
    assert success["low"] <= success["value"] <= success["high"]
    assert 0 < figures["utilization"]["observed_share"] <= 1
    assert answer["window"] == {"name": "24h", "from": rfc3339(NOW_MS - DAY_MS), "to": rfc3339(NOW_MS)}


def test_figures_can_be_had_by_group_and_printer(server: FarmServer, farm: SampleFarm) -> None:
    by_group = get(server, "/kpis", by="group", name="throughput")["items"]
    assert [each["label"] for each in by_group] == ["Hall A", "Hall B", "Rack C"]
    one = get(server, "/kpis", by="printer", name="throughput", printer=farm.printers[2].name)["items"]
    assert [each["scope_id"] for each in one] == [farm.printers[2].id]
    whole = get(server, "/kpis", name="throughput")["items"][0]["value"]
    assert sum(each["value"] for each in by_group) == whole


def test_figures_can_be_had_by_what_prints_say(server: FarmServer) -> None:
    whole = get(server, "/kpis", name="throughput", window="7d")["items"][0]["value"]
    by_file = get(server, "/kpis", name="throughput", window="7d", by="file")
    assert by_file["left_out"] == 0
    assert sum(each["value"] for each in by_file["items"]) == whole
    both = get(server, "/kpis", name="throughput", window="7d", by="file,hour")["items"]
    assert {each["scope"] for each in both} == {"file,hour"}
    assert sum(each["value"] for each in both) == whole
    most = get(server, "/kpis", name="throughput", window="7d", by="file", limit="1")
    assert (len(most["items"]), most["left_out"]) == (1, len(by_file["items"]) - 1)
    file = most["items"][0]["scope_id"]
    two = ["utilization", "throughput"]
    used, made = get(server, "/kpis", name=two, window="7d", file=file)["items"]
    assert (used["value"], made["value"]) == (None, most["items"][0]["value"])
    rows = get(server, "/kpis/throughput/series", window="7d", by="file", period="day", file=file)["items"]
    assert sum(point["value"] for row in rows for point in row["points"]) == made["value"]


def test_a_dimension_or_file_that_there_is_not_is_refused(server: FarmServer) -> None:
    for field, value, told in (
        ("by", "shelf", "query parameter by: 'shelf'"),
        ("by", "file,file", "query parameter by: 'file,file'"),
        ("file", "nothing.gcode", "there is no file 'nothing.gcode'"),
    ):
        assert told in get(server, "/kpis", 422, **{field: value})["detail"]


def test_what_fails_too_often_is_told_with_what_it_rests_on(server: FarmServer) -> None:
    found = get(server, "/causes", window="30d")
    assert found["prints"] > 100
    assert found["comparisons"] > 0
    assert found["window"]["name"] == "30d"
    one = get(server, "/causes", window="30d", group="Hall A")
    assert 0 < one["prints"] < found["prints"]


def test_today_begins_at_midnight_of_the_farms_own_time_zone(server: FarmServer) -> None:
    assert get(server, "/kpis", window="today")["window"]["from"] == "2026-11-21T23:00:00.000Z"


def test_the_course_of_an_indicator_has_a_point_an_hour(server: FarmServer) -> None:
    rows = get(server, "/kpis/utilization/series", window="24h", period="hour")["items"]
    assert [row["id"] for row in rows] == ["utilization"]
    points = rows[0]["points"]
    assert len(points) == 25
    assert all(point["to"] == following["from"] for point, following in itertools.pairwise(points))


def test_the_catalogue_says_how_each_indicator_is_worked_out(server: FarmServer) -> None:
    catalogue = {each["id"]: each for each in get(server, "/kpis/catalogue")["items"]}
    assert catalogue["utilization"]["formula"].startswith("printing hours ÷ available hours")
    assert catalogue["print_success_rate"]["targets"]


def test_the_catalogue_says_what_each_indicator_is_made_of(server: FarmServer) -> None:
    catalogue = {each["id"]: each for each in get(server, "/kpis/catalogue")["items"]}
    rate = catalogue["print_success_rate"]
    assert (rate["inputs"], rate["expression"], rate["held_to"]) == (["jobs"], "succeeded ÷ attempts", [])
    assert {"name": "attempts", "measure": "count"} in rate["parts"]
    assert rate["left_out"][0]["name"] == "outcome_unknown"
    assert rate["targets"][0]["shown"] == "at least 90 %"
    assert catalogue["utilization"]["inputs"] == ["spans", "calendars"]


def test_a_figure_stands_beside_that_of_the_window_before_unless_it_is_not_asked_for(
    server: FarmServer,
) -> None:
    (figure,) = get(server, "/kpis", name="throughput", window="24h")["items"]
    (earlier,) = get(
        server,
        "/kpis",
        name="throughput",
        window=f"{rfc3339(NOW_MS - 2 * DAY_MS)}..{rfc3339(NOW_MS - DAY_MS)}",
    )["items"]
    before = figure["before"]
    assert (before["value"], before["counts"]) == (earlier["value"], earlier["counts"])
    assert before["change"] == figure["value"] - earlier["value"]
    assert get(server, "/kpis", name="throughput", before="false")["items"][0]["before"] is None


def test_the_working_of_a_figure_is_told_page_by_page(server: FarmServer) -> None:
    (figure,) = get(server, "/kpis", name="print_success_rate", window="7d")["items"]
    page = get(server, "/kpis/print_success_rate/working", window="7d", limit=7)
    assert page["figure"]["value"] == figure["value"]
    assert page["calculation"].endswith(f"= {figure['shown']}")
    jobs = page["jobs"]
    while page["next"]:
        page = get(server, "/kpis/print_success_rate/working", window="7d", limit=7, after=page["next"])
        jobs += page["jobs"]
    assert len({each["job"]["id"] for each in jobs}) == len(jobs)
    added = sum(each["adds"].get("attempts", 0) for each in jobs)
    assert added == figure["counts"]["attempts"]


def test_the_time_behind_a_figure_is_that_of_its_printer(server: FarmServer, farm: SampleFarm) -> None:
    name = farm.printers[2].name
    asked: dict[str, Any] = {"by": "printer", "printer": name, "window": "24h"}
    (figure,) = get(server, "/kpis", name="utilization", **asked)["items"]
    page = get(server, "/kpis/utilization/working", limit=1000, **asked)
    assert {each["span"]["printer"] for each in page["spans"]} == {name}
    used = sum(each["adds"].get("utilized_hours", 0) for each in page["spans"])
    assert used == pytest.approx(figure["amounts"]["utilized_hours"])
    assert page["spans"][0]["span"]["from"] == figure["window"]["from"]


def test_a_working_is_of_one_figure_alone(server: FarmServer) -> None:
    told = get(server, "/kpis/mtbf/working", by="printer", status=422)
    assert "a working is of one figure" in told["detail"]
    get(server, "/kpis/happiness/working", status=404)
    assert "after" in get(server, "/kpis/mtbf/working", after="nonsense", status=422)["detail"]


def test_an_alert_shows_its_evidence_and_who_was_told(server: FarmServer, farm: SampleFarm) -> None:
    (alert,) = get(server, "/alerts")["items"]
    assert alert["printer"] == farm.printers[STREAK_PLACE].name
    assert [job["outcome"] for job in alert["jobs"]] == ["failed"] * 3
    assert [(each["receiver"], each["state"]) for each in alert["deliveries"]] == [("slack", "delivered")]
    assert alert["deliveries"][0]["attempts"][0]["answer"] == "200 ok"
    assert get(server, "/alerts", state="resolved")["items"] == []


def test_dropped_messages_are_shown_with_their_reason(server: FarmServer) -> None:
    (fault,) = get(server, "/faults")["items"]
    assert (fault["reason"], fault["count"]) == ("not_json", 3)


def test_an_empty_farm_answers_everything() -> None:
    with farm_ledger() as ledger, serving(ledger) as server:
        for path in ("/printers", "/jobs", "/alerts", "/faults"):
            assert get(server, path)["items"] == []
        figures = get(server, "/kpis")["items"]
        assert {figure["shown"] for figure in figures} == {"no data"}
        assert get(server, "/health/ready")["collector"] == "silent"


def test_health_tells_a_collector_that_stopped_booking(farm: SampleFarm) -> None:
    late = NOW_MS + 61 * SECOND_MS
    with farm_ledger(farm) as ledger:
        with serving(ledger) as server:
            assert get(server, "/health/live") == {"status": "live"}
            assert get(server, "/health/ready")["status"] == "ready"
        with serving(ledger, clock=lambda: late) as server:
            ready = get(server, "/health/ready", status=503)
            assert (ready["status"], ready["collector"]) == ("not_ready", "stale")
            assert ready["collector_age_seconds"] == 61
            assert not any(each["observed"] for each in get(server, "/printers")["items"])


def test_a_living_collector_does_not_hide_a_dead_one() -> None:
    dead, living = NOW_MS - 61 * SECOND_MS, NOW_MS - SECOND_MS
    with farm_ledger() as ledger:
        for shard, name, booked_ms in (("shard-1", "anna", living), ("shard-2", "bert", dead)):
            ledger.claim(shard, "test", simulated=False, now_ms=booked_ms)
            ledger.commit(Batch(printers=[a_printer(name)], booked_until_ms=booked_ms))
        with serving(ledger) as server:
            ready = get(server, "/health/ready", status=503)
            assert (ready["status"], ready["collector_booked_at"]) == ("not_ready", rfc3339(dead))
            assert [(each["shard"], each["stale"]) for each in ready["shards"]] == [
                ("shard-1", False),
                ("shard-2", True),
            ]
            assert (ready["shards"][1]["printers"], ready["shards"][1]["age_seconds"]) == (1, 61)
            metrics = server.client.get("/metrics").text
            assert "layerline_collector_age_seconds 61.0" in metrics
            assert 'layerline_shard_age_seconds{shard="shard-1"} 1.0' in metrics
        ledger.commit(Batch(printers=[a_printer("bert", retired_ms=dead)], booked_until_ms=dead))
        with serving(ledger) as server:
            assert get(server, "/health/ready")["status"] == "ready"


def test_the_outbox_says_how_far_influxdb_is_behind_and_why(server: FarmServer, farm: SampleFarm) -> None:
    assert get(server, "/outbox")["items"] == []
    waiting = QueueStatus(
        queue="telemetry",
        entries=1200,
        bytes=96_000,
        seconds=41.5,
        stored=7,
        rejected=2,
        dropped=1,
        stored_ms=NOW_MS - 41_500,
        trouble=Trouble(since_ms=NOW_MS - 41_000, status=None, words="connection refused"),
    )
    idle = msgspec.structs.replace(waiting, queue="feed", stored_ms=None, trouble=None)
    with farm_ledger(farm) as ledger, serving(ledger, queues=lambda _: [waiting, idle]) as behind:
        first, second = get(behind, "/outbox")["items"]
    assert first == {
        "queue": "telemetry",
        "entries": 1200,
        "bytes": 96_000,
        "lag_seconds": 41.5,
        "stored": 7,
        "rejected": 2,
        "dropped": 1,
        "stored_at": rfc3339(NOW_MS - 41_500),
        "trouble": {"since": rfc3339(NOW_MS - 41_000), "status": None, "words": "connection refused"},
    }
    assert (second["queue"], second["stored_at"], second["trouble"]) == ("feed", None, None)


def test_health_and_metrics_stand_where_probes_look(server: FarmServer) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert server.client.get(path).status_code == 200


def test_metrics_tell_the_farm_without_naming_printers(server: FarmServer, farm: SampleFarm) -> None:
    text = server.client.get("/api/v1/metrics").text
    assert 'layerline_printers{state="printing"} 14.0' in text
    assert 'layerline_jobs_ended{cause="thermal",outcome="failed"}' in text
    assert 'layerline_alerts_open{severity="critical"} 1.0' in text
    assert 'layerline_deliveries{receiver="slack",state="delivered"} 1.0' in text
    dropped = (
        'layerline_dropped_messages_total{reason="not_json",source="octoprint=farm/{printer}/octoprint"} 3.0'
    )
    assert dropped in text
    assert "layerline_collector_age_seconds 0.0" in text
    assert "layerline_build_info" in text
    assert not any(printer.name in text or printer.id in text for printer in farm.printers)


def test_metrics_of_a_thousand_sources_stay_bounded(farm: SampleFarm) -> None:
    faults = [
        fault
        for number in range(300)
        for fault in [type(farm.batch.faults[0])(source=f"s{number}", reason="r", count=1, last_ms=NOW_MS)]
    ]
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=NOW_MS)
        ledger.commit(Batch(faults=faults, feed=[FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=NOW_MS)]))
        with serving(ledger) as server:
            text = server.client.get("/metrics").text
    assert text.count("layerline_dropped_messages_total{") == 101
    assert 'layerline_dropped_messages_total{reason="r",source="other"} 200.0' in text
    assert "layerline_feed_head 1.0" in text
