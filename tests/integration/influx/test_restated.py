"""What people change of the past stands in InfluxDB as if it had always been so."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from farm.influx.ledger_kpis import LedgerKpis
from farm.influx.sender import Sender
from farm.influx.status import OutboxStatus
from farm.kpi.calendar import ShopCalendar
from farm.kpi.opening_hours import parse_week
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.maintenance_store import MaintenanceStore
from farm.ledger.verdict_store import VerdictStore
from farm.model.calendar_change import ChangedBy
from farm.model.states import Outcome, PrinterState, RejectionReason
from farm.model.times import HOUR_MS, MINUTE_MS
from farm.model.verdict import Inspection
from farm.settings import SiteSettings
from tests.figures import kpi_engine
from tests.influx_farm import START, BookedFarm, HandedClock
from tests.influx_server import InfluxForTests

EVERY_MS = 10 * MINUTE_MS
BEGIN = START // EVERY_MS * EVERY_MS


class Shipping:
    """A farm whose indicators are shipped every ten minutes of a clock that is handed on."""

    def __init__(self, influx: InfluxForTests, farm: BookedFarm, clock: HandedClock) -> None:
        self.influx, self.farm, self.clock = influx, farm, clock
        self.settings = influx.settings(kpi_every_seconds=600, kpi_windows=("1h", "24h"))
        self.calendars = CalendarStore(farm.ledger.engine, ZoneInfo("UTC"))
        self.sender = self._sender()

    def _sender(self) -> Sender:
        ledger, site = self.farm.ledger, SiteSettings()
        engine = kpi_engine(ledger, site, self.calendars.shop_calendars)
        kpis = LedgerKpis(engine, ledger, site, self.settings, self.clock)
        return Sender(ledger.engine, self.settings, self.clock, kpis=kpis)

    def until(self, at_ms: int) -> None:
        """Let time pass, with a step of the sender for each point that is due."""
        while self.clock.now_ms < at_ms:
            self.clock.now_ms = self.farm.now_ms = min(at_ms, self.clock.now_ms + EVERY_MS)
            self.farm.book()
            self.settle()

    def settle(self) -> None:
        """Let the sender do all that there is to do."""
        while self.sender.step() == 0.0:
            pass

    def restart(self) -> None:
        self.sender.close()
        self.sender = self._sender()

    def figures(self, kpi: str, window: str = "24h", scope: str = "farm") -> dict[int, dict[str, Any]]:
        """The fields of the indicator's points, by the hour of the day."""
        found: dict[int, dict[str, Any]] = {}
        for (measurement, *tags, field, at), value in self.influx.points(self.settings.bucket).items():
            if measurement == "kpi" and {f"kpi={kpi}", f"window={window}", f"scope={scope}"} <= set(tags):
                found.setdefault(int(at) // 1_000_000, {})[field] = value
        return found


@pytest.fixture
def shipping(influx: InfluxForTests, farm: BookedFarm, clock: HandedClock) -> Iterator[Shipping]:
    clock.now_ms = farm.now_ms = BEGIN
    running = Shipping(influx, farm, clock)
    yield running
    running.sender.close()


def two_prints(shipping: Shipping) -> list[str]:
    """One that ends after an hour, one after two; then another two hours pass."""
    printer, ids = shipping.farm.printers[0], []
    shipping.until(BEGIN + EVERY_MS)
    for number in (1, 2):
        end = BEGIN + number * HOUR_MS
        ids.append(shipping.farm.job(printer, end - 30 * MINUTE_MS, end, Outcome.SUCCEEDED).id)
        shipping.clock.now_ms = max(shipping.clock.now_ms, end - EVERY_MS)
        shipping.until(end)
    shipping.until(BEGIN + 4 * HOUR_MS)
    return ids


def test_a_verdict_restates_every_point_since_the_job_ended(shipping: Shipping) -> None:
    _, second = two_prints(shipping)
    before = shipping.figures("success_after_inspection")
    assert {fields["value"] for fields in before.values() if "value" in fields} == {1.0}
    store, now_ms = VerdictStore(shipping.farm.ledger.engine), shipping.clock.now_ms
    rejected = Inspection(job_id=second, good_units=0, reason=RejectionReason.WARPING)
    store.give([rejected], who="olga", now_ms=now_ms)
    shipping.sender.step()
    after = shipping.figures("success_after_inspection")
    assert after.keys() == before.keys()
    ended = BEGIN + 2 * HOUR_MS
    for at_ms, fields in after.items():
        assert fields.get("value") == (0.5 if at_ms > ended else before[at_ms].get("value"))
        assert fields.get("restated_ms") == (now_ms if at_ms > ended else None)


def test_what_a_withdrawn_verdict_leaves_without_data_is_gone(shipping: Shipping) -> None:
    first, _ = two_prints(shipping)
    store, now_ms = VerdictStore(shipping.farm.ledger.engine), shipping.clock.now_ms
    store.give([Inspection(job_id=first, rejected_units=0)], who="olga", now_ms=now_ms)
    shipping.sender.step()
    assert [fields["value"] for fields in shipping.figures("inspected_yield").values() if "value" in fields]
    store.withdraw([first], who="olga", now_ms=now_ms)
    shipping.sender.step()
    assert not [f for f in shipping.figures("inspected_yield").values() if "value" in f]


def test_a_calendar_restates_all_that_was_written_and_nothing_before_it(shipping: Shipping) -> None:
    two_prints(shipping)
    before = shipping.figures("utilization")
    shop = ShopCalendar(name="closed", hours=parse_week("closed"))
    by = ChangedBy("petra", "we were on holiday", shipping.clock.now_ms)
    (change, *_) = shipping.calendars.set_calendar(shop, by, default=True)[::-1]
    assert change.restates_from_ms is not None
    shipping.sender.step()
    after = shipping.figures("utilization")
    assert after.keys() == before.keys()
    late = max(after)
    assert before[late]["amount_closed_hours"] == 0
    assert after[late]["amount_closed_hours"] > 11
    assert all("restated_ms" in fields for at, fields in after.items() if at > change.restates_from_ms)


def test_what_is_left_to_restate_goes_on_after_a_restart_in_pieces_the_newest_first(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_prints(shipping)
    monkeypatch.setattr("farm.influx.restated_queue.INSTANTS_AT_ONCE", 6)
    begin = BEGIN + HOUR_MS
    by = ChangedBy("petra", "service", shipping.clock.now_ms)
    MaintenanceStore(shipping.farm.ledger.engine).plan(by, from_ms=begin, to_ms=begin + HOUR_MS)
    shipping.sender.step()

    def restated() -> list[int]:
        return [at for at, fields in shipping.figures("idle_time").items() if "restated_ms" in fields]

    assert min(restated()) > BEGIN + 3 * HOUR_MS - EVERY_MS
    shipping.restart()
    shipping.settle()
    assert min(restated()) == begin + EVERY_MS


def test_restating_holds_up_no_live_point(shipping: Shipping, monkeypatch: pytest.MonkeyPatch) -> None:
    two_prints(shipping)
    monkeypatch.setattr("farm.influx.restated_queue.INSTANTS_AT_ONCE", 1)
    by = ChangedBy("petra", "service", shipping.clock.now_ms)
    MaintenanceStore(shipping.farm.ledger.engine).plan(by, from_ms=BEGIN, to_ms=BEGIN + HOUR_MS)
    shipping.clock.now_ms += EVERY_MS
    shipping.sender.step()
    assert max(shipping.figures("utilization")) == shipping.clock.now_ms


def test_late_evidence_restates_the_points_since(shipping: Shipping) -> None:
    two_prints(shipping)
    printer, from_ms = shipping.farm.printers[0], BEGIN + 3 * HOUR_MS
    before = shipping.figures("utilization")
    shipping.farm.replay(printer, from_ms, [(PrinterState.PRINTING, from_ms)])
    shipping.sender.step()
    after = shipping.figures("utilization")
    assert {at for at in after if after[at] != before[at]} == {at for at in after if at > from_ms}


def test_a_new_print_restates_what_its_file_was_held_against_once_a_day(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farm.influx.restated_queue.MEDIANS_EVERY_MS", HOUR_MS)
    printer, ends = shipping.farm.printers[0], [BEGIN + HOUR_MS, BEGIN + 2 * HOUR_MS]
    shipping.until(BEGIN + EVERY_MS)
    for number, end in enumerate(ends):
        shipping.until(end)
        took_ms = (number + 1) * 20 * MINUTE_MS
        shipping.farm.job(printer, end - took_ms, end, Outcome.SUCCEEDED)
    shipping.until(ends[1] + HOUR_MS - EVERY_MS)
    assert shipping.figures("performance")[ends[0] + HOUR_MS]["value"] == 1.0
    shipping.until(ends[1] + HOUR_MS + EVERY_MS)
    point = shipping.figures("performance")[ends[0] + HOUR_MS]
    assert point["value"] == 1.5
    assert "restated_ms" in point


def test_what_is_still_to_be_restated_is_shown(shipping: Shipping, monkeypatch: pytest.MonkeyPatch) -> None:
    two_prints(shipping)
    monkeypatch.setattr("farm.influx.restated_queue.INSTANTS_AT_ONCE", 1)
    by = ChangedBy("petra", "service", shipping.clock.now_ms)
    MaintenanceStore(shipping.farm.ledger.engine).plan(by, from_ms=BEGIN, to_ms=BEGIN + HOUR_MS)
    shipping.sender.step()
    shipping.sender.close()
    status = OutboxStatus(shipping.farm.ledger.engine, shipping.settings.kpi_every_seconds)
    shown = {each.queue: each for each in status.queues(shipping.clock.now_ms + MINUTE_MS)}["restated"]
    assert 0 < shown.entries < 24
    assert (shown.seconds, shown.trouble) == (60, None)
    shipping.restart()
    shipping.settle()
    shipping.sender.close()
    shown = {each.queue: each for each in status.queues(shipping.clock.now_ms + MINUTE_MS)}["restated"]
    assert (shown.entries, shown.seconds) == (0, 0)
