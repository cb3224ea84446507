"""What `layerline doctor` and `check` say of the broker that `layerline up` starts."""

from pathlib import Path

import pytest

from farm.app.config import Configuration, load_configuration
from farm.app.data_folder import DataFolder
from farm.app.embedded_broker import mosquitto
from farm.app.embedded_broker.settings import BrokerKind
from farm.app.embedded_broker.status import StatusKeeper
from farm.cli import broker_checks
from farm.cli.broker_checks import embedded_broker_diagnoses
from farm.cli.diagnosis import CheckStatus, Diagnosis
from farm.model.refused_client import CURRENT_MS, RefusalReason

NOW_MS = 1_800_000_000_000


@pytest.fixture
def no_mosquitto(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mosquitto, "_ALSO_IN", ())
    monkeypatch.setenv("PATH", str(tmp_path))


def configuration(folder: Path, kind: str = "auto") -> Configuration:
    environment = {"LAYERLINE_EMBEDDED_BROKER__KIND": kind}
    return load_configuration(data=folder, environment=environment)


def said(configured: Configuration, *, after_ms: int = 0) -> list[Diagnosis]:
    return list(embedded_broker_diagnoses(configured, lambda: NOW_MS + after_ms))


def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StatusKeeper:
    monkeypatch.setattr(broker_checks, "listens", lambda *_: True)
    return StatusKeeper(DataFolder(folder), lambda: NOW_MS)


@pytest.mark.usefixtures("no_mosquitto")
def test_where_none_runs_it_is_said_which_one_would_and_what_it_costs(tmp_path: Path) -> None:
    which, refused = said(configuration(tmp_path))
    assert which.status is CheckStatus.WARNING
    assert "starts the built-in one on 127.0.0.1:1883, because no mosquitto was found" in which.seen
    for cost in ("is lost when it restarts", "filter by filter", "apt-get install mosquitto"):
        assert cost in which.remedy
    assert (refused.status, refused.seen) == (CheckStatus.OK, "none within the last minutes")


@pytest.mark.usefixtures("no_mosquitto")
def test_who_wants_the_built_in_one_is_told_the_cost_and_not_warned(tmp_path: Path) -> None:
    which, _ = said(configuration(tmp_path, "built_in"))
    assert which.status is CheckStatus.OK
    assert "is lost when it restarts" in which.seen


@pytest.mark.usefixtures("no_mosquitto")
def test_who_wants_mosquitto_and_has_none_is_told_so(tmp_path: Path) -> None:
    which, _ = said(configuration(tmp_path, "mosquitto"))
    assert which.status is CheckStatus.FAILED
    assert "no mosquitto was found on this machine" in which.seen


@pytest.mark.usefixtures("no_mosquitto")
def test_what_runs_counts_and_not_what_would_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(tmp_path, monkeypatch).runs(BrokerKind.MOSQUITTO, "mosquitto 2.0.11 (/usr/sbin/mosquitto)")
    which, _ = said(configuration(tmp_path))
    assert which.status is CheckStatus.OK
    assert which.seen == "mosquitto 2.0.11 (/usr/sbin/mosquitto) runs since 2027-01-15T08:00:00.000Z"


def test_a_built_in_one_that_runs_says_why_it_is_no_mosquitto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(tmp_path, monkeypatch).runs(BrokerKind.BUILT_IN, "the built-in broker", "mosquitto ended: no")
    which, _ = said(configuration(tmp_path))
    assert which.status is CheckStatus.WARNING
    assert which.seen.endswith(", because mosquitto ended: no")


def test_who_is_refused_now_is_a_warning_and_who_was_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = running(tmp_path, monkeypatch)
    for _ in range(3):
        keeper.refused("192.168.1.7", "bay2", RefusalReason.WRONG_PASSWORD)
    keeper.refused("192.168.1.8", None, RefusalReason.TLS)
    keeper.runs(BrokerKind.MOSQUITTO, "mosquitto 2.0.11")
    _, *refused = said(configuration(tmp_path))
    assert {each.status for each in refused} == {CheckStatus.WARNING}
    seen = {each.seen for each in refused}
    assert "bay2 at 192.168.1.7 was refused 3 times, last at 2027-01-15T08:00:00.000Z: wrong password" in seen
    _, later = said(configuration(tmp_path), after_ms=CURRENT_MS)
    assert later.status is CheckStatus.OK
    assert later.seen.startswith("none within the last minutes; the last one at 2027-01-15T08:00:00.000Z")


def test_who_was_let_in_since_is_not_said_to_have_been_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = running(tmp_path, monkeypatch)
    keeper.refused("192.168.1.7", "bay2", RefusalReason.WRONG_PASSWORD)
    keeper.let_in("192.168.1.7", "bay2")
    keeper.runs(BrokerKind.MOSQUITTO, "mosquitto 2.0.11")
    _, refused = said(configuration(tmp_path))
    told = "the last one at 2027-01-15T08:00:00.000Z, bay2 at 192.168.1.7, which was let in since"
    assert (refused.status, refused.seen) == (CheckStatus.OK, f"none now; {told}")
