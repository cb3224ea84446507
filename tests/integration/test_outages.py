"""Evaluator and API as real processes, while what they need goes away and comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from farm.errors import LedgerUnreachable
from farm.ledger.alert_store import AlertStore
from farm.ledger.answer_limit import without_limit
from farm.ledger.ledger import Ledger, ledger_at, open_ledger
from farm.model.alert import DeliveryState
from tests.integration.console import Running, running
from tests.integration.test_alert_service import LiveFarm
from tests.private_postgresql import PrivatePostgresql, private_postgresql
from tests.servers import free_port, wait_until
from tests.small_disk import filled, small_disk
from tests.unit.alerts.receivers import HttpReceiver, answer, http_receiver

PRINTER = "6d3f0c52-0000-4000-8000-{:012d}"


@pytest.fixture
def webhook() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


class Services:
    """A running evaluator and API over one ledger, alerting one webhook."""

    def __init__(self, folder: Path, url: str, webhook: HttpReceiver) -> None:
        self.port, self.webhook = free_port(), webhook
        config = folder / "layerline.toml"
        config.write_text(
            f'[ledger]\nurl = "{url}"\n[api]\nport = {self.port}\n'
            f'[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "{webhook.url}"\ntimeout_s = 2\n',
            "utf-8",
        )
        self._options = ("--config", str(config))
        self._folder = folder
        self.evaluator: Running
        self.api: Running

    @contextmanager
    def running(self) -> Iterator[None]:
        with (
            running(self._folder, "evaluator", *self._options) as self.evaluator,
            running(self._folder, "api", *self._options) as self.api,
        ):
            wait_until(self._is_live, f"the API answers: {self.api.text}")
            yield
            assert self.evaluator.end() == 0, self.evaluator.text
            assert self.api.end() == 0, self.api.text

    def _is_live(self) -> bool:
        try:
            return self.get("/health/live").status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20, trust_env=False)

    def readiness(self) -> str:
        return str(self.get("/health/ready").json()["ledger"])

    def wait_for(self, readiness: str) -> None:
        wait_until(lambda: self.readiness() == readiness, f"the ledger is {readiness}: {self.api.text}")
        assert self.evaluator.process.poll() is None, self.evaluator.text
        assert self.get("/health/live").status_code == 200

    def said(self, words: str) -> int:
        return self.evaluator.text.count(words)


@pytest.fixture
def database() -> Iterator[PrivatePostgresql]:
    with private_postgresql() as server:
        yield server


def fails_three_times(ledger: Ledger, number: int, services: Services) -> None:
    """A printer not seen before fails three times, which must be told."""
    before = len(services.webhook.requests)
    farm, printer = LiveFarm(ledger), PRINTER.format(number)
    farm.printer(printer, f"bay{number}")
    farm.ends("FFF", printer)
    services.webhook.wait_for(before + 1, 60)


def test_a_database_that_comes_late_goes_hangs_and_returns_is_waited_for(
    tmp_path: Path, database: PrivatePostgresql, webhook: HttpReceiver
) -> None:
    services = Services(tmp_path, database.url, webhook)
    with services.running():
        services.wait_for("unreachable")
        assert services.get("/health/ready").status_code == 503
        database.start()
        services.wait_for("reachable")
        with open_ledger(database.url) as ledger:
            fails_three_times(ledger, 1, services)

            database.stop()
            services.wait_for("unreachable")
            assert "layerline_ledger_reachable 0.0" in services.get("/metrics").text
            assert services.get("/api/v1/printers").status_code == 503
            wait_until(lambda: services.said("alerts cannot be evaluated now") > 0, "it is said")
            database.start()
            services.wait_for("reachable")
            assert "layerline_ledger_reachable 1.0" in services.get("/metrics").text
            fails_three_times(ledger, 2, services)

            database.hang()
            services.wait_for("unreachable")
            database.resume()
            services.wait_for("reachable")
            fails_three_times(ledger, 3, services)
            assert len(services.get("/api/v1/printers").json()["items"]) == 3
    assert services.api.text.count("the ledger is back") >= 2


def test_a_database_that_hangs_counts_as_away_after_a_while(database: PrivatePostgresql) -> None:
    database.start()
    with ledger_at(database.url, answer_within_s=1) as ledger:
        ledger.prepare()
        assert ledger.feed_head() == 0
        database.hang()
        with pytest.raises(LedgerUnreachable):
            ledger.feed_head()
        database.resume()
        assert ledger.feed_head() == 0


def test_an_answer_that_takes_longer_than_it_may_is_not_waited_for(database: PrivatePostgresql) -> None:
    database.start()
    with ledger_at(database.url, answer_within_s=0.5) as ledger:
        with (
            pytest.raises(LedgerUnreachable, match=r"no answer within 0\.5 s"),
            ledger._reads() as connection,
        ):
            connection.execute(text("SELECT pg_sleep(20)"))
        with ledger._reads() as connection, without_limit(connection):
            connection.execute(text("SELECT pg_sleep(1)"))
        with pytest.raises(LedgerUnreachable), ledger._reads() as connection:
            connection.execute(text("SELECT pg_sleep(1)"))


def test_a_full_disk_is_waited_out_until_it_is_freed(tmp_path: Path, webhook: HttpReceiver) -> None:
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk") as disk, open_ledger(f"sqlite:///{disk}/ledger.db") as ledger:
        services = Services(tmp_path, f"sqlite:///{disk}/ledger.db", webhook)
        with services.running():
            webhook.behave(answer(503))
            fails_three_times(ledger, 1, services)
            with filled(disk):
                wait_until(lambda: services.said("slack cannot be served now") > 0, "the disk is full")
                assert services.readiness() == "reachable"
                assert services.evaluator.process.poll() is None
            webhook.behave(answer(200))
            wait_until(lambda: delivered(ledger) == 1, f"it is delivered: {services.evaluator.text}", 60)
            fails_three_times(ledger, 2, services)
        assert services.said("slack cannot be served now: ") == 1


def delivered(ledger: Ledger) -> int:
    totals = AlertStore(ledger.engine).totals()
    return sum(total.count for total in totals if total.state is DeliveryState.DELIVERED)
