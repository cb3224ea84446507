"""The weeks before the demo: true to what was simulated, told to nobody, kept and carried on."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from alerts.evaluator import Evaluator
from farm.app.config import Configuration, load_configuration
from farm.app.logs import LogRedaction
from farm.cli.demo.kept_past import KeptPast, cache_folder
from farm.cli.demo.past import SCENARIO, make_past
from farm.cli.demo.stage import Ports, write_configuration
from farm.ledger.alert_store import AlertStore
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.alert import AlertFilter
from farm.model.states import PrinterState
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from simulators.fleet import Fleet, SimulatedRun
from simulators.scenario import load_scenario
from simulators.truth import Truth, read_truth
from simulators.verify import verify

NOW_MS = 1_795_000_000_000
DAYS = 2
LONGEST_BOOT_MS = 2 * MINUTE_MS
TWO_REPORTS_MS = 10 * MINUTE_MS
"""Until then a Moonraker that reports seldom is known to do so."""


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    folder = tmp_path_factory.mktemp("demo")
    file = write_configuration(folder, Ports(broker=1, page=2, slack=3, mail=4))
    return load_configuration(config=file, data=folder, environment={}, redaction=LogRedaction())


@pytest.fixture(scope="module")
def past(
    configuration: Configuration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, Truth]]:
    """Two days of the farm, and what is true of them."""
    truth = tmp_path_factory.mktemp("past") / "truth.jsonl"
    with open_ledger("sqlite://") as ledger:
        with truth.open("wb") as target:
            make_past(configuration, ledger, NOW_MS - DAYS * DAY_MS, NOW_MS, truth=target)
        yield ledger, read_truth(truth)


def test_the_past_is_of_the_same_printers_as_the_demo(tmp_path: Path) -> None:
    def printers(name: str) -> list[tuple[str, str, str]]:
        run = SimulatedRun(scenario=load_scenario(name), faults=frozenset(), from_ms=0, to_ms=1)
        with (tmp_path / name).open("wb") as target:
            Fleet(run, lambda *_: None, target).close()
        # Whether a host splits its status is nothing that the ledger knows.
        told = read_truth(tmp_path / name).header.printers
        return [(each.name, each.protocol.removesuffix("-split"), each.model) for each in told]

    assert printers(SCENARIO) == printers("demo")


def test_the_figures_of_the_past_are_those_of_the_simulated_farm(past: tuple[Ledger, Truth]) -> None:
    ledger, truth = past
    found = verify(truth, ledger)
    assert found.holds, found.differences
    assert found.figures.jobs == len(truth.jobs) > 10 * DAYS
    assert found.figures.right + found.figures.unknown == found.figures.jobs
    assert found.figures.right > 0.95 * found.figures.jobs


def test_nothing_is_under_way_where_the_past_ends(past: tuple[Ledger, Truth]) -> None:
    ledger, truth = past
    assert [job for job in truth.jobs if job.outcome is None] == []
    assert ledger.open_jobs() == []


def test_the_past_has_no_hole_but_the_time_in_which_printers_start(past: tuple[Ledger, Truth]) -> None:
    ledger, _ = past
    spans = ledger.spans(NOW_MS - DAYS * DAY_MS, NOW_MS)
    for printer in ledger.printers():
        own = [span for span in spans if span.printer_id == printer.id]
        assert own[0].from_ms - (NOW_MS - DAYS * DAY_MS) < LONGEST_BOOT_MS
        assert all(before.to_ms == after.from_ms for before, after in pairwise(own))
        assert own[-1].to_ms == NOW_MS
        assert own[-1].state is not PrinterState.UNKNOWN


def test_the_past_is_real_time(past: tuple[Ledger, Truth]) -> None:
    ledger, _ = past
    assert ledger.now_ms(NOW_MS + 5) == NOW_MS + 5
    (lease,) = ledger.leases()
    assert (lease.booked_until_ms, lease.beats) == (NOW_MS, None)


def test_alerts_of_the_past_are_recorded_and_never_delivered(
    past: tuple[Ledger, Truth], configuration: Configuration
) -> None:
    ledger, _ = past
    store = AlertStore(ledger.engine)
    recorded = store.alerts(AlertFilter()).alerts
    assert [alert.title for alert in recorded] == ["bay-04-bad-file: 3 failed prints in a row"]
    live = Evaluator(ledger, store, configuration.alerts, lambda: NOW_MS + MINUTE_MS)
    assert live.step().deliveries == live.repeat().deliveries == 0
    assert store.totals() == []
    assert store.alerts(AlertFilter()).alerts == recorded


def kept_until(file: Path) -> tuple[int, set[str]]:
    """Until when the ledger in the file goes, and which jobs it holds."""
    with open_ledger(f"sqlite:///{file}", create=False) as ledger:
        jobs = ledger.jobs(JobFilter(limit=1000)).jobs
        return ledger.leases()[0].booked_until_ms, {job.id for job in jobs}


def test_the_past_is_kept_and_carried_on_to_the_present(configuration: Configuration, tmp_path: Path) -> None:
    kept, target = KeptPast(tmp_path / "cache"), tmp_path / "ledger.db"
    kept.provide(configuration, target, lambda: NOW_MS, past_ms=8 * HOUR_MS)
    first = kept_until(target)
    assert first[0] == NOW_MS
    assert kept_until(kept.file) == first

    kept.provide(configuration, target, lambda: NOW_MS + MINUTE_MS)
    assert kept_until(target) == first

    later_ms = NOW_MS + 5 * HOUR_MS
    kept.provide(configuration, target, lambda: later_ms)
    until_ms, jobs = kept_until(target)
    assert until_ms == later_ms
    assert jobs > first[1]
    assert kept_until(kept.file) == (until_ms, jobs)
    with open_ledger(f"sqlite:///{target}", create=False) as ledger:
        adapters = {printer.id: printer.adapter for printer in ledger.printers()}
        spans = ledger.spans(NOW_MS - MINUTE_MS, later_ms)
    at_the_joint = [span for span in spans if span.from_ms < NOW_MS + LONGEST_BOOT_MS]
    unseen = [span for span in at_the_joint if span.state is PrinterState.UNKNOWN]
    assert all(span.from_ms >= NOW_MS for span in unseen)
    # An OctoPrint whose plugin connects after its printer did tells no state until its next print.
    silent = {span.printer_id for span in unseen if (span.to_ms or later_ms) > NOW_MS + TWO_REPORTS_MS}
    assert {adapters[each] for each in silent} <= {"octoprint"}


def test_what_took_long_to_make_still_ends_in_the_present(
    configuration: Configuration, tmp_path: Path
) -> None:
    instants = iter([NOW_MS, NOW_MS + 50_000])
    target = tmp_path / "ledger.db"
    KeptPast(tmp_path).provide(configuration, target, lambda: next(instants), past_ms=HOUR_MS)
    assert kept_until(target)[0] == NOW_MS + 50_000


@pytest.mark.parametrize("later_ms", [-HOUR_MS, 30 * DAY_MS])
def test_a_past_that_cannot_be_carried_on_is_made_anew(
    configuration: Configuration, tmp_path: Path, later_ms: int
) -> None:
    kept, target = KeptPast(tmp_path / "cache"), tmp_path / "ledger.db"
    kept.provide(configuration, target, lambda: NOW_MS, past_ms=HOUR_MS)
    kept.provide(configuration, target, lambda: NOW_MS + later_ms, past_ms=HOUR_MS)
    with open_ledger(f"sqlite:///{target}", create=False) as ledger:
        assert min(printer.first_seen_ms for printer in ledger.printers()) >= NOW_MS + later_ms - HOUR_MS


def test_a_broken_or_unwanted_past_is_made_anew_and_that_of_another_version_goes(
    configuration: Configuration, tmp_path: Path
) -> None:
    kept, target = KeptPast(tmp_path), tmp_path / "target.db"
    of_another = tmp_path / f"{SCENARIO}-0.0.1-abc.db"
    of_another.write_bytes(b"")
    kept.file.write_bytes(b"no ledger")
    kept.provide(configuration, target, lambda: NOW_MS, past_ms=HOUR_MS)
    assert kept_until(kept.file)[0] == NOW_MS
    assert not of_another.exists()

    kept.provide(configuration, target, lambda: NOW_MS + HOUR_MS, past_ms=HOUR_MS, fresh=True)
    with open_ledger(f"sqlite:///{kept.file}", create=False) as ledger:
        assert min(printer.first_seen_ms for printer in ledger.printers()) >= NOW_MS


def test_a_folder_that_cannot_be_written_only_costs_time(
    configuration: Configuration, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_bytes(b"")
    target = tmp_path / "target.db"
    KeptPast(no_folder).provide(configuration, target, lambda: NOW_MS, past_ms=HOUR_MS)
    assert kept_until(target)[0] == NOW_MS
    assert "is made anew the next time" in caplog.text


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {"XDG_CACHE_HOME": "/var/cache/me"}, Path("/var/cache/me/layerline")),
        ("linux", {}, Path.home() / ".cache" / "layerline"),
        ("darwin", {}, Path.home() / "Library" / "Caches" / "layerline"),
    ],
)
def test_what_can_be_made_again_is_kept_where_the_system_has_it(
    platform: str, environment: dict[str, str], folder: Path
) -> None:
    assert cache_folder(environment, platform) == folder
