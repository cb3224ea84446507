"""What is read back from InfluxDB is what the ledger says."""

from collections.abc import Collection, Iterator, Sequence

import msgspec
import pytest

from farm.errors import InfluxError
from farm.influx.client import InfluxServer
from farm.influx.history import InfluxHistory
from farm.influx.long_history import LongHistory
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.ledger.history_ledger import LedgerHistory
from farm.ledger.history_port import HistoryReader, TelemetrySample
from farm.ledger.ledger import open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.job import Job
from farm.model.span import Span
from farm.model.states import PrinterState, RejectionReason
from farm.model.times import HOUR_MS, MINUTE_MS, rfc3339
from farm.model.verdict import Inspection, Verdict
from tests.fakes.farm_server import serving
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_server import influx_for_tests
from tests.servers import free_port

WINDOWS = [(START, START + 20 * HOUR_MS), (START + 90 * MINUTE_MS, START + 5 * HOUR_MS), (START, START + 1)]


class Shipped:
    """A farm of one day, in a ledger and in InfluxDB."""

    def __init__(self, farm: BookedFarm, settings: InfluxSettings, server: InfluxServer) -> None:
        self.farm = farm
        self.settings = settings
        self.ledger: HistoryReader = LedgerHistory(farm.ledger)
        self.influx: HistoryReader = InfluxHistory(server)


def inspect_some(farm: BookedFarm) -> None:
    """Of three jobs a verdict stands, was given again, and was withdrawn."""
    store, now_ms = VerdictStore(farm.ledger.engine), farm.now_ms
    jobs = LedgerHistory(farm.ledger).ended_jobs(START, now_ms)[:3]
    good = [Inspection(job_id=job.id, rejected_units=0) for job in jobs]
    store.give(good, who="olga", now_ms=now_ms)
    again = Inspection(job_id=jobs[1].id, good_units=0, reason=RejectionReason.WARPING, note='corner "up"')
    store.give([again], who="paul", now_ms=now_ms + 1)
    store.withdraw([jobs[2].id], who="paul", now_ms=now_ms + 2)


@pytest.fixture(scope="module")
def shipped() -> Iterator[Shipped]:
    with influx_for_tests() as influx, open_ledger("sqlite://") as ledger:
        settings = influx.settings()
        influx.make_bucket(settings.downsampled_bucket)
        farm = BookedFarm(ledger)
        farm.a_day()
        farm.samples(5_000)
        inspect_some(farm)
        clock = HandedClock()
        sender = Sender(ledger.engine, settings, clock)
        empty_outbox(sender, ledger, clock)
        sender.close()
        with InfluxServer(settings) as server:
            yield Shipped(farm, settings, server)


@pytest.mark.parametrize("window", WINDOWS)
def test_telemetry_is_the_same_in_both(shipped: Shipped, window: tuple[int, int]) -> None:
    for printer in shipped.farm.printers:
        expected = shipped.ledger.telemetry(printer.id, *window)
        assert shipped.influx.telemetry(printer.id, *window) == expected


@pytest.mark.parametrize("every_ms", [MINUTE_MS, 10 * MINUTE_MS])
def test_means_of_telemetry_are_the_same_in_both(shipped: Shipped, every_ms: int) -> None:
    printer = shipped.farm.printers[1]
    expected = shipped.ledger.telemetry(printer.id, START, START + HOUR_MS, every_ms)
    found = shipped.influx.telemetry(printer.id, START, START + HOUR_MS, every_ms)
    assert [sample.at_ms for sample in found] == [sample.at_ms for sample in expected]
    for one, other in zip(found, expected, strict=True):
        assert msgspec.to_builtins(one.values) == pytest.approx(msgspec.to_builtins(other.values))


@pytest.mark.parametrize("window", WINDOWS)
def test_states_are_the_same_in_both(shipped: Shipped, window: tuple[int, int]) -> None:
    until = min(window[1], shipped.farm.now_ms)
    expected = shipped.ledger.states(window[0], until)
    assert sorted(shipped.influx.states(window[0], until), key=_place) == sorted(expected, key=_place)


def test_verdicts_are_the_same_in_both(shipped: Shipped) -> None:
    jobs = [job.id for job in shipped.ledger.ended_jobs(START, shipped.farm.now_ms)]
    expected = shipped.ledger.verdicts(jobs)
    assert {(each.who, each.good_units) for each in expected.values()} == {("olga", 1), ("paul", 0)}
    assert shipped.influx.verdicts(jobs) == expected
    assert shipped.influx.verdicts(jobs[:1]) == {jobs[0]: expected[jobs[0]]}
    assert long_history(shipped, 0).verdicts(jobs) == expected


def _place(span: object) -> str:
    return str(msgspec.to_builtins(span))


def test_states_of_chosen_printers_only(shipped: Shipped) -> None:
    one = shipped.farm.printers[0].id
    spans = shipped.influx.states(START, START + HOUR_MS, [one])
    assert {span.printer_id for span in spans} == {one}
    assert spans[0].state is PrinterState.UNKNOWN
    assert shipped.influx.states(START, START + HOUR_MS, []) == []


@pytest.mark.parametrize("window", WINDOWS)
def test_ended_jobs_are_the_same_in_both(shipped: Shipped, window: tuple[int, int]) -> None:
    expected = shipped.ledger.ended_jobs(*window)
    assert shipped.influx.ended_jobs(*window) == expected
    one = [shipped.farm.printers[2].id]
    assert shipped.influx.ended_jobs(*window, one) == shipped.ledger.ended_jobs(*window, one)


def test_what_the_telemetry_bucket_no_longer_has_comes_from_the_downsampled_one(shipped: Shipped) -> None:
    printer = shipped.farm.printers[0]
    long_ago = START - 100 * HOUR_MS
    line = (
        f"telemetry,adapter=moonraker,printer={printer.id},site=main "
        f"nozzle=201.5,layer=7.4 {long_ago // 600_000 * 600_000}000000"
    )
    with InfluxServer(shipped.settings) as server:
        assert server.write(shipped.settings.downsampled_bucket, line.encode()).status == 204
    found = shipped.influx.telemetry(printer.id, long_ago - HOUR_MS, START + HOUR_MS, 10 * MINUTE_MS)
    assert (found[0].values.nozzle, found[0].values.layer) == (201.5, 7)
    assert len(found) == 1 + len(shipped.ledger.telemetry(printer.id, START, START + HOUR_MS, 10 * MINUTE_MS))


class KnowsNothing:
    """A `HistoryReader` that must not be asked beyond what the ledger keeps."""

    def __init__(self, inner: HistoryReader, kept_from_ms: int) -> None:
        self._inner = inner
        self._kept_from_ms = kept_from_ms

    def telemetry(
        self, printer_id: str, from_ms: int, to_ms: int, every_ms: int | None = None
    ) -> list[TelemetrySample]:
        assert from_ms >= self._kept_from_ms
        return self._inner.telemetry(printer_id, from_ms, to_ms, every_ms)

    def states(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        return self._inner.states(from_ms, to_ms, printer_ids)

    def ended_jobs(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Job]:
        return self._inner.ended_jobs(from_ms, to_ms, printer_ids)

    def verdicts(self, job_ids: Collection[str]) -> dict[str, Verdict]:
        return self._inner.verdicts(job_ids)


def long_history(shipped: Shipped, kept_ms: int, settings: InfluxSettings | None = None) -> LongHistory:
    kept = KnowsNothing(shipped.ledger, shipped.farm.now_ms - kept_ms)
    return LongHistory(kept, settings or shipped.settings, kept_ms, lambda: shipped.farm.now_ms)


@pytest.mark.parametrize("every_ms", [None, MINUTE_MS])
@pytest.mark.parametrize("kept_ms", [0, 47 * MINUTE_MS + 13_000, 1_000 * HOUR_MS])
def test_what_the_ledger_keeps_no_more_is_put_before_what_it_keeps(
    shipped: Shipped, kept_ms: int, every_ms: int | None
) -> None:
    printer, window = shipped.farm.printers[1].id, (START, shipped.farm.now_ms)
    expected = shipped.ledger.telemetry(printer, *window, every_ms)
    kept_ms = min(kept_ms, shipped.farm.now_ms - expected[len(expected) // 2].at_ms) if kept_ms else 0
    found = long_history(shipped, kept_ms).telemetry(printer, *window, every_ms)
    assert [sample.at_ms for sample in found] == [sample.at_ms for sample in expected]
    for one, other in zip(found, expected, strict=True):
        assert msgspec.to_builtins(one.values) == pytest.approx(msgspec.to_builtins(other.values))


def test_jobs_and_states_are_the_ledgers(shipped: Shipped) -> None:
    window, history = (START, shipped.farm.now_ms), long_history(shipped, 0)
    assert history.ended_jobs(*window) == shipped.ledger.ended_jobs(*window)
    assert history.states(*window) == shipped.ledger.states(*window)


def test_without_the_server_only_what_the_ledger_keeps_can_be_had(shipped: Shipped) -> None:
    printer, now_ms = shipped.farm.printers[1].id, shipped.farm.now_ms
    gone = unanswered(shipped.settings)
    history = long_history(shipped, HOUR_MS, gone)
    assert history.telemetry(printer, now_ms - HOUR_MS, now_ms) == shipped.ledger.telemetry(
        printer, now_ms - HOUR_MS, now_ms
    )
    with pytest.raises(InfluxError):
        history.telemetry(printer, now_ms - 2 * HOUR_MS, now_ms)


def unanswered(settings: InfluxSettings) -> InfluxSettings:
    """The settings with an address at which nobody answers."""
    return settings.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})


def test_the_api_gives_what_the_ledger_keeps_no_more(shipped: Shipped) -> None:
    printer, now_ms = shipped.farm.printers[1], shipped.farm.now_ms
    window = {"window": f"{rfc3339(START)}..{rfc3339(now_ms)}", "points": "10000"}
    path = f"/api/v1/printers/{printer.id}/telemetry"
    expected = shipped.ledger.telemetry(printer.id, START, now_ms)
    whole, cut = long_history(shipped, 0), long_history(shipped, 0, unanswered(shipped.settings))
    with serving(shipped.farm.ledger, clock=lambda: now_ms, history=whole) as server:
        items = server.client.get(path, params=window).json()["items"]
        means = server.client.get(path, params={**window, "every": "600"}).json()["items"]
    assert [item["at"] for item in items] == [rfc3339(sample.at_ms) for sample in expected]
    assert len(means) == len(shipped.ledger.telemetry(printer.id, START, now_ms, 10 * MINUTE_MS))
    with serving(shipped.farm.ledger, clock=lambda: now_ms, history=cut) as server:
        answer = server.client.get(path, params=window)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:layerline:problem:history-unavailable")
