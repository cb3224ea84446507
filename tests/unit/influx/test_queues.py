"""How the queues take turns, wait, and make room, before a server that is only played."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from farm.influx.outbox import Outbox
from farm.influx.points import TimedFigure, TimedForecast
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.influx.status import OutboxStatus, QueueStatus
from farm.kpi.forecast import Forecast, ForecastStart
from farm.kpi.subjects import Scope
from farm.ledger import schema
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import TelemetryRow
from farm.model.back_off import BackOff
from farm.model.feed import FeedEntry, FeedKind
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.influx_farm import START, BookedFarm, HandedClock, a_figure, empty_outbox
from tests.influx_played import PlayedServer


@pytest.fixture
def farm() -> Iterator[BookedFarm]:
    with open_ledger("sqlite://") as ledger:
        yield BookedFarm(ledger)


@pytest.fixture
def clock() -> HandedClock:
    return HandedClock()


@pytest.fixture
def server() -> PlayedServer:
    return PlayedServer()


def sender_for(
    ledger: Ledger, server: PlayedServer, clock: HandedClock, kpis: Any = None, **settings: Any
) -> Sender:
    chosen = InfluxSettings.model_validate({"url": "http://played", **settings})
    return Sender(ledger.engine, chosen, clock, kpis=kpis, server=server)


def queue(farm: BookedFarm, name: str, now_ms: int = START) -> QueueStatus:
    return {each.queue: each for each in OutboxStatus(farm.ledger.engine).queues(now_ms)}[name]


def test_after_an_outage_the_present_comes_first_and_the_backlog_follows_oldest_first(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.samples(1_000)
    sender = sender_for(farm.ledger, server, clock, batch_points=100)
    sender.step()
    assert server.ids() == [*range(901, 1001), *range(1, 101)]
    farm.samples(10, from_ms=START + HOUR_MS)
    sender.step()
    assert server.ids()[200:] == [*range(1001, 1011), *range(101, 201)]
    empty_outbox(sender, farm.ledger, clock)
    assert sorted(server.ids()) == list(range(1, 1011))


def test_the_feed_is_served_in_every_step_of_a_long_backlog(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.samples(2_000)
    sender = sender_for(farm.ledger, server, clock, batch_points=100)
    sender.step()
    farm.job(farm.printers[0], START + 1, START + 2, Outcome.SUCCEEDED)
    sender.step()
    assert "job_event" in server.measurements()
    assert queue(farm, "telemetry").entries > 1_000


def test_a_gap_survives_a_restart(farm: BookedFarm, server: PlayedServer, clock: HandedClock) -> None:
    farm.samples(1_000)
    first = sender_for(farm.ledger, server, clock, batch_points=100)
    first.step()
    first.close()
    second = sender_for(farm.ledger, server, clock, batch_points=100)
    empty_outbox(second, farm.ledger, clock)
    assert sorted(server.ids()) == list(range(1, 1001))


def test_unsent_telemetry_beyond_the_buffer_loses_its_oldest_and_counts_it(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    server.up = False
    farm.samples(2_000)
    sender = sender_for(farm.ledger, server, clock, telemetry_buffer_mb=0.05)
    sender.step()
    status = queue(farm, "telemetry")
    assert 0 < status.bytes <= 50_000
    assert status.dropped == 2_000 - status.entries > 0
    server.up = True
    empty_outbox(sender, farm.ledger, clock)
    assert server.ids() == list(range(status.dropped + 1, 2_001))
    assert queue(farm, "telemetry").bytes == 0


def test_a_gap_is_dropped_before_the_present(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.samples(1_000)
    sender = sender_for(farm.ledger, server, clock, batch_points=100, telemetry_buffer_mb=0.1)
    sender.step()
    server.up = False
    farm.samples(4_000, from_ms=START + HOUR_MS)
    clock.now_ms += 6_000
    sender.step()
    status = queue(farm, "telemetry")
    assert status.bytes <= 100_000
    server.up = True
    empty_outbox(sender, farm.ledger, clock)
    arrived = sorted(server.ids())
    dropped = set(range(1, 5_001)) - set(arrived)
    assert len(arrived) == len(set(arrived))
    assert len(dropped) == queue(farm, "telemetry").dropped
    assert dropped == set(range(101, 101 + len(dropped) + 100)) - set(range(901, 1_001))


def test_events_and_states_are_never_dropped(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    server.up = False
    sender = sender_for(farm.ledger, server, clock, telemetry_buffer_mb=0.001)
    farm.a_day()
    farm.samples(1_000)
    sender.step()
    entries = farm.ledger.feed_head()
    assert queue(farm, "feed").entries == entries
    server.up = True
    empty_outbox(sender, farm.ledger, clock)
    assert len(server.measurements()) == entries
    assert queue(farm, "feed").dropped == 0


def test_pauses_grow_to_their_limit_and_begin_anew_after_a_success(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farm.influx.outbox_queue.BackOff", partial(BackOff, chance=lambda: 0.0))
    server.up = False
    farm.samples(10)
    sender = sender_for(farm.ledger, server, clock, retry_longest_seconds=5)
    pauses = []
    for _ in range(5):
        pauses.append(sender.step())
        clock.now_ms += round(pauses[-1] * 1000)
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]
    server.up = True
    empty_outbox(sender, farm.ledger, clock)
    server.up = False
    farm.samples(10, from_ms=START + HOUR_MS)
    sender.step()
    assert queue(farm, "telemetry").entries > 0
    clock.now_ms += 1_000
    server.up = True
    sender.step()
    assert queue(farm, "telemetry").trouble is None


def test_a_clock_set_back_does_not_lengthen_a_pause(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    server.up = False
    farm.samples(10)
    sender = sender_for(farm.ledger, server, clock)
    sender.step()
    clock.now_ms -= DAY_MS
    assert sender.step() <= 1.0


def test_the_status_tells_how_long_the_oldest_unsent_entry_has_waited(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    server.up = False
    sender = sender_for(farm.ledger, server, clock)
    farm.samples(100)
    sender.step()
    status = queue(farm, "telemetry", START + MINUTE_MS)
    assert (status.entries, status.seconds) == (100, 60.0)
    assert status.trouble is not None
    assert status.trouble.words == "connection refused"
    assert queue(farm, "feed", START + 5_000).seconds == 5.0


def test_an_outbox_that_was_never_begun_has_no_queues(farm: BookedFarm) -> None:
    assert OutboxStatus(farm.ledger.engine).queues(START) == []


def test_ids_missing_from_a_stretch_are_not_waited_for(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.samples(1_000)
    sender = sender_for(farm.ledger, server, clock, batch_points=100)
    sender.step()
    with farm.ledger.engine.begin() as connection:
        connection.execute(schema.telemetry.delete())
    empty_outbox(sender, farm.ledger, clock)
    assert queue(farm, "telemetry").bytes == 0


def test_old_telemetry_stays_until_it_was_sent(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.samples(1_000)
    sender = sender_for(farm.ledger, server, clock, batch_points=100)
    sender.step()
    sender.close()
    assert farm.ledger.trim(START + 10 * DAY_MS) == 100
    empty_outbox(sender, farm.ledger, clock)
    assert sorted(server.ids()) == list(range(1, 1_001))
    sender.close()
    assert farm.ledger.trim(START + 10 * DAY_MS) == 900


def test_where_nothing_is_shipped_any_more_nothing_is_kept_for_it(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.samples(1_000)
    sender = sender_for(farm.ledger, server, clock, batch_points=100)
    sender.step()
    sender.close()
    Outbox(farm.ledger.engine).forget()
    assert farm.ledger.trim(START + 10 * DAY_MS) == 1_000


def test_a_printer_that_appears_later_is_known_when_it_is_needed(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    sender = sender_for(farm.ledger, server, clock)
    farm.samples(10)
    empty_outbox(sender, farm.ledger, clock)
    newcomer = farm.add_printer()
    farm.telemetry([TelemetryRow(newcomer.id, START + 1, Telemetry(nozzle=20.0))])
    farm.job(newcomer, START + 1, START + 2, Outcome.SUCCEEDED)
    empty_outbox(sender, farm.ledger, clock)
    assert newcomer.id.encode() in server.written[-1][1]
    assert sum(newcomer.id.encode() in line for _, line in server.written) == 6


def test_an_entry_about_a_printer_that_is_gone_is_passed_over(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    farm.book(feed=[FeedEntry(kind=FeedKind.SPANS_REVISED, at_ms=START, printer_id="gone")])
    farm.book(feed=[FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=START, printer_id="gone")])
    sender = sender_for(farm.ledger, server, clock)
    empty_outbox(sender, farm.ledger, clock)
    assert server.measurements() == ["printer_state"] * 3


def test_many_revisions_do_not_hold_up_the_telemetry(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    job = farm.job(farm.printers[0], START + 1, START + 2, Outcome.FAILED)
    for number in range(100):
        farm.tell_job(FeedKind.JOB_REVISED, job, START + 3 + number)
    farm.samples(10)
    sender = sender_for(farm.ledger, server, clock)
    sender.step()
    assert len(server.ids()) == 10
    assert queue(farm, "feed").entries > 0
    empty_outbox(sender, farm.ledger, clock)


def test_version_3_is_never_asked_to_erase(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    job = farm.job(farm.printers[0], START + 1, START + 2, Outcome.FAILED)
    farm.tell_job(FeedKind.JOB_REVISED, job, START + 3)
    sender = sender_for(farm.ledger, server, clock, version=3)
    empty_outbox(sender, farm.ledger, clock)
    assert server.erased == []
    assert sum(b"event=ended" in line for _, line in server.written) == 2


class PlayedKpis:
    """One figure of the farm, and one of a printer, at every instant, and what is coming."""

    def __init__(self, clock: HandedClock, coming: Sequence[Forecast] = ()) -> None:
        self._clock = clock
        self._coming = coming

    def forecasts(self, at_ms: int) -> Sequence[TimedForecast]:
        printer = Printer(id="p", site="main", name="bay1", adapter="native", first_seen_ms=0)
        return [TimedForecast(at_ms, printer, each, is_next=True) for each in self._coming]

    def present_ms(self) -> int:
        return self._clock()

    def points(self, at_ms: int, *, printers: bool) -> Sequence[TimedFigure]:
        scopes = (Scope.FARM, Scope.PRINTER) if printers else (Scope.FARM,)
        return [
            TimedFigure(at_ms, "main", a_figure("utilization", scope, scope, window="1h", value=0.5))
            for scope in scopes
        ]

    def points_at(self, instants: Sequence[int], printers_at: Sequence[int]) -> Sequence[TimedFigure]:
        return [point for at_ms in instants for point in self.points(at_ms, printers=at_ms in printers_at)]


def test_forecasts_are_written_of_the_present_and_of_no_minute_that_was_missed(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    coming = Forecast(
        printer_id="p", printer="bay1", group=None, state=PrinterState.PRINTING, job_id="j", file="a",
        told=ForecastStart.ESTIMATE, done_ms=START + HOUR_MS,
    )  # fmt: skip
    sender = sender_for(farm.ledger, server, clock, PlayedKpis(clock, [coming]))
    sender.step()
    server.up = False
    for _ in range(5):
        clock.now_ms += MINUTE_MS
        sender.step()
    server.up = True
    empty_outbox(sender, farm.ledger, clock)
    told = {line.rsplit(b" ", 1)[1] for _, line in server.written if line.startswith(b"forecast,")}
    assert len(kpi_minutes(server, b"farm")) > len(told) == 2


def test_what_is_changed_between_two_processes_is_restated(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    first = sender_for(farm.ledger, server, clock, PlayedKpis(clock), version=3)
    first.step()
    first.close()
    assert queue(farm, "restated").entries == 0
    job = farm.job(farm.printers[0], START - HOUR_MS, START - HOUR_MS + 1, Outcome.SUCCEEDED)
    farm.tell_job(FeedKind.JOB_REVISED, job, START)
    second = sender_for(farm.ledger, server, clock, PlayedKpis(clock), version=3)
    second.step()
    assert any(b"restated_ms" in line for _, line in server.written)


def kpi_minutes(server: PlayedServer, scope: bytes) -> list[int]:
    lines = [line for _, line in server.written if line.startswith(b"kpi,") and b"scope=" + scope in line]
    return [(int(line.rsplit(b" ", 1)[1]) // 1_000_000 - START) // MINUTE_MS for line in lines]


def test_indicators_are_written_every_minute_and_those_of_printers_more_seldom(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    clock.now_ms = START // (10 * MINUTE_MS) * 10 * MINUTE_MS
    sender = sender_for(farm.ledger, server, clock, PlayedKpis(clock))
    for _ in range(21):
        sender.step()
        clock.now_ms += MINUTE_MS
    assert len(kpi_minutes(server, b"farm")) == 21
    assert len(kpi_minutes(server, b"printer")) == 3


def test_indicators_missed_in_an_outage_are_worked_out_afterwards_the_present_first(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    sender = sender_for(farm.ledger, server, clock, PlayedKpis(clock))
    sender.step()
    server.up = False
    for _ in range(60):
        clock.now_ms += MINUTE_MS
        sender.step()
    status = queue(farm, "kpi", clock())
    assert (status.entries, round(status.seconds / 60)) == (60, 60)
    server.up = True
    clock.now_ms += MINUTE_MS
    empty_outbox(sender, farm.ledger, clock)
    minutes = kpi_minutes(server, b"farm")
    first = minutes[0]
    assert minutes[1] == first + 61
    assert minutes[2:] == list(range(first + 60, first, -1))


class CostlyKpis(PlayedKpis):
    """Takes three seconds for each instant."""

    def __init__(self, clock: HandedClock) -> None:
        super().__init__(clock)
        self.handed, self.worked_ms = clock, 0

    def points(self, at_ms: int, *, printers: bool) -> Sequence[TimedFigure]:
        self.handed.now_ms += 3_000
        self.worked_ms += 3_000
        return super().points(at_ms, printers=printers)


def test_catching_up_on_indicators_leaves_most_of_the_time_to_everybody_else(
    farm: BookedFarm, server: PlayedServer, clock: HandedClock
) -> None:
    kpis = CostlyKpis(clock)
    sender = sender_for(farm.ledger, server, clock, kpis)
    sender.step()
    clock.now_ms += DAY_MS
    kpis.worked_ms, began_ms, present = 0, clock.now_ms, 0
    while clock.now_ms - began_ms < HOUR_MS:
        pause_s = sender.step()
        clock.now_ms += max(1, round(pause_s * 1_000))
        present = max(present, *kpi_minutes(server, b"farm"))
        assert (clock.now_ms - START) // MINUTE_MS - present <= 1, "the present waits for the past"
    assert kpis.worked_ms <= 0.35 * (clock.now_ms - began_ms)
    assert len(set(kpi_minutes(server, b"farm"))) > 2 * 60, "the past is never caught up with"
