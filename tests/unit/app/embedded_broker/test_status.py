"""The file in which the broker's process says which one runs and whom it refused."""

import logging
from pathlib import Path

import pytest

from farm.app.data_folder import DataFolder
from farm.app.embedded_broker.settings import BrokerKind
from farm.app.embedded_broker.status import (
    KEPT_MS,
    MOST_KEPT,
    STATUS_FILE,
    StatusKeeper,
    read_status,
    refused_clients,
)
from farm.model.refused_client import CURRENT_MS, RefusalReason

WRONG = RefusalReason.WRONG_PASSWORD


class Hands:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def ms(self) -> int:
        return round(self.at_s * 1_000)

    def monotonic(self) -> float:
        return self.at_s


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path)


def keeper(folder: DataFolder, hands: Hands) -> StatusKeeper:
    return StatusKeeper(folder, hands.ms, hands.monotonic)


def test_which_broker_runs_can_be_read_by_others(folder: DataFolder, hands: Hands) -> None:
    keeper(folder, hands).runs(BrokerKind.BUILT_IN, "the built-in broker", "no mosquitto was found")
    status = read_status(folder)
    assert status is not None
    assert (status.kind, status.why_built_in, status.since_ms) == (
        BrokerKind.BUILT_IN, "no mosquitto was found", 1_000_000,
    )  # fmt: skip
    assert (folder.path / STATUS_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "other"}', "\0"])
def test_a_file_that_cannot_be_read_is_no_status(folder: DataFolder, text: str) -> None:
    (folder.path / STATUS_FILE).write_text(text, "utf-8")
    assert read_status(folder) is None
    assert refused_clients(folder) == ()


def test_refusals_of_one_client_for_one_reason_are_counted(folder: DataFolder, hands: Hands) -> None:
    status = keeper(folder, hands)
    for _ in range(3):
        status.refused("10.0.0.7", "bay2", WRONG)
        hands.at_s += 1
    status.refused("10.0.0.7", "bay2", RefusalReason.NO_LOGIN)
    status.write()
    newest, counted = refused_clients(folder)
    assert (newest.reason, newest.count) == (RefusalReason.NO_LOGIN, 1)
    assert (counted.count, counted.first_ms, counted.last_ms) == (3, 1_000_000, 1_002_000)
    assert counted.who == "bay2 at 10.0.0.7"


def test_one_that_was_let_in_is_refused_no_more_and_counted_anew(folder: DataFolder, hands: Hands) -> None:
    status = keeper(folder, hands)
    status.refused("10.0.0.7", "bay2", WRONG)
    status.refused("10.0.0.7", "bay2", WRONG)
    status.let_in("10.0.0.7", "bay2")
    status.write()
    (known,) = refused_clients(folder)
    assert known.let_in_ms == 1_000_000
    assert not known.is_current(hands.ms())
    status.refused("10.0.0.7", "bay2", WRONG)
    status.write()
    hands.at_s += 2
    (known,) = refused_clients(folder)
    assert (known.count, known.is_current(hands.ms())) == (1, True)


@pytest.mark.parametrize(("address", "client_id"), [("10.0.0.8", "bay2"), ("10.0.0.7", "bay3")])
def test_another_that_is_let_in_changes_nothing(
    folder: DataFolder, hands: Hands, address: str, client_id: str
) -> None:
    status = keeper(folder, hands)
    status.refused("10.0.0.7", "bay2", WRONG)
    status.let_in(address, client_id)
    status.write()
    assert refused_clients(folder)[0].is_current(hands.ms())


@pytest.mark.parametrize("refused", [None, "1U14af09TFWE2en7VV86Ze"])
@pytest.mark.parametrize("let_in", ["bay2", "", "4kD9af09TFWE2en7VV86Zx"])
def test_one_without_a_lasting_client_id_is_known_by_its_address(
    folder: DataFolder, hands: Hands, refused: str | None, let_in: str, caplog: pytest.LogCaptureFixture
) -> None:
    """OctoPrint's client id is drawn at random, and anew when its settings change."""
    status = keeper(folder, hands)
    status.refused("10.0.0.7", refused, RefusalReason.WRONG_LOGIN)
    with caplog.at_level(logging.INFO):
        status.let_in("10.0.0.7", let_in)
    assert f"{let_in or 'a client'} at 10.0.0.7 is let in; refused before: 1 times" in caplog.text
    status.write()
    assert not refused_clients(folder)[0].is_current(hands.ms())


@pytest.mark.parametrize("client_id", ["layerline-shard-0", "layerline-doctor-1a2b-1-probe", "bay1"])
def test_one_that_was_inside_before_does_not_stand_for_one_without_a_client_id(
    folder: DataFolder, hands: Hands, client_id: str
) -> None:
    status = keeper(folder, hands)
    status.let_in("10.0.0.7", "bay1")
    status.refused("10.0.0.7", None, RefusalReason.WRONG_LOGIN)
    status.let_in("10.0.0.7", client_id)
    status.write()
    assert refused_clients(folder)[0].is_current(hands.ms())


def test_who_has_not_come_again_for_minutes_is_refused_no_more(folder: DataFolder, hands: Hands) -> None:
    status = keeper(folder, hands)
    status.refused("10.0.0.7", "bay2", WRONG)
    status.write()
    (known,) = refused_clients(folder)
    assert known.is_current(hands.ms() + CURRENT_MS - 1)
    assert not known.is_current(hands.ms() + CURRENT_MS)


def test_each_client_and_reason_is_said_once(
    folder: DataFolder, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    status = keeper(folder, hands)
    for _ in range(5):
        status.refused("10.0.0.7", "bay2", WRONG)
        status.refused("10.0.0.7", "bay3", WRONG)
    assert caplog.text.count("bay2 at 10.0.0.7 was refused: wrong password") == 1
    assert caplog.text.count("bay3 at 10.0.0.7 was refused") == 1


def test_random_client_ids_flood_neither_log_nor_file(
    folder: DataFolder, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    status = keeper(folder, hands)
    for number in range(1_000):
        status.refused("10.0.0.7", f"client-{number}" + "x" * 1_000, WRONG)
    status.write()
    assert len(refused_clients(folder)) == MOST_KEPT
    assert len((folder.path / STATUS_FILE).read_bytes()) < 50_000
    assert len(caplog.records) == 20
    hands.at_s += 60
    status.refused("10.0.0.7", "another", WRONG)
    assert "980 more refusals in a minute" in caplog.text
    assert "another at 10.0.0.7 was refused" in caplog.text


def test_a_client_id_cannot_steer_a_terminal(
    folder: DataFolder, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    keeper(folder, hands).refused("10.0.0.7", "\x1b[2J\nbay\u202e", WRONG)
    assert r"\x1b[2J\nbay\u202e at 10.0.0.7" in caplog.text


def test_a_restart_keeps_what_was_known_for_a_week(folder: DataFolder, hands: Hands) -> None:
    first = keeper(folder, hands)
    first.refused("10.0.0.7", "bay2", WRONG)
    first.write()
    hands.at_s += 60
    second = keeper(folder, hands)
    second.runs(BrokerKind.MOSQUITTO, "mosquitto 2.0.11")
    second.refused("10.0.0.7", "bay2", WRONG)
    second.write()
    assert [known.count for known in refused_clients(folder)] == [2]
    hands.at_s += KEPT_MS / 1_000 + 1
    keeper(folder, hands).runs(BrokerKind.MOSQUITTO, "mosquitto 2.0.11")
    assert refused_clients(folder) == ()


def test_a_file_that_cannot_be_written_stops_nothing(
    tmp_path: Path, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / STATUS_FILE).mkdir()
    status = keeper(DataFolder(tmp_path), hands)
    status.refused("10.0.0.7", "bay2", WRONG)
    with caplog.at_level(logging.WARNING):
        status.write()
    assert "do not know who is refused" in caplog.text


def test_the_file_is_written_once_a_second_at_most(folder: DataFolder, hands: Hands) -> None:
    status = keeper(folder, hands)
    for name in ("bay1", "bay2"):
        status.refused("10.0.0.7", name, WRONG)
    assert len(refused_clients(folder)) == 1, "the first one is told at once"
    hands.at_s += 0.9
    status.write_when_due()
    assert len(refused_clients(folder)) == 1
    hands.at_s += 0.1
    status.write_when_due()
    assert len(refused_clients(folder)) == 2
