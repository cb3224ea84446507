"""The files that an installation keeps for itself."""

import os
from pathlib import Path

import pytest

from farm.app import short_files
from farm.app.data_folder import DataFolder, data_folders_near
from farm.errors import ConfigurationError


def test_the_first_start_makes_a_password_that_later_starts_keep(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert folder.credentials() is None
    made = folder.make_credentials()
    assert DataFolder(tmp_path / "data").make_credentials() == made


def test_two_installations_have_different_passwords(tmp_path: Path) -> None:
    one, other = DataFolder(tmp_path / "one"), DataFolder(tmp_path / "other")
    assert one.make_credentials().password != other.make_credentials().password


def test_nobody_else_can_read_what_is_kept(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make_credentials()
    kept = [folder.path, *folder.path.iterdir()]
    assert len(kept) == 2
    assert [path.stat().st_mode & 0o077 for path in kept] == [0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "not json",
        "[" * 60_000,
        '{"user": "", "password": "x"}',
        '{"user": "x", "password": ""}',
        '{"user": ["x"], "password": 5}',
    ],
    ids=lambda text: text[:30],
)
def test_a_spoilt_password_file_is_an_error_with_a_remedy(text: str, tmp_path: Path) -> None:
    (tmp_path / "embedded-broker.json").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=r"embedded-broker\.json: is not .*delete it"):
        DataFolder(tmp_path).credentials()


def test_a_password_file_that_is_no_file_is_no_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_files, "PIPE_PATIENCE_S", 0.1)
    os.mkfifo(tmp_path / "embedded-broker.json")
    with pytest.raises(ConfigurationError, match="cannot be read: is no plain file"):
        DataFolder(tmp_path).credentials()


def test_a_lock_that_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "up.lock")
    with pytest.raises(ConfigurationError, match=r"up\.lock: is no plain file"), DataFolder(tmp_path).held():
        pass


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        DataFolder(tmp_path / "file" / "data").make()


def test_what_an_older_release_left_readable_is_closed_and_a_folder_that_was_there_is_told_of(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    for name in ("ledger.db", "ledger.db-wal", "embedded-broker.json", "layerline.toml"):
        (tmp_path / name).touch(0o644)
    folder = DataFolder(tmp_path)
    folder.make()
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes.pop("layerline.toml") == 0o644
    assert set(modes.values()) == {0o600}
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert folder.is_open_to_others
    made = DataFolder(tmp_path / "data")
    assert not made.is_open_to_others
    made.make()
    assert not made.is_open_to_others


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    folder, other = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data")
    said = rf"data: `layerline up` runs with it already, as process {os.getpid()}; stop that one, or"
    for _ in range(2):
        with folder.held(), pytest.raises(ConfigurationError, match=said), other.held():
            pass


def with_ledger(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "ledger.db").touch()
    return folder


def test_data_folders_are_found_above_below_and_at_home(tmp_path: Path) -> None:
    home, start = tmp_path / "home", tmp_path / "srv" / "farm"
    start.mkdir(parents=True)
    home.mkdir()
    assert data_folders_near(start, home) == []
    at_home = with_ledger(home / "prints" / "layerline-data")
    above = with_ledger(tmp_path / "srv" / "layerline-data")
    below = with_ledger(start / "left" / "layerline-data")
    (start / "layerline-data").mkdir()  # one without a ledger is none
    assert data_folders_near(start, home) == [below, above, at_home]


def test_inside_a_data_folder_it_is_the_one(tmp_path: Path) -> None:
    inside = with_ledger(tmp_path / "anything")
    assert data_folders_near(inside, tmp_path / "nobody") == [inside]


def test_a_folder_that_is_closed_to_us_is_passed_over(tmp_path: Path) -> None:
    assert data_folders_near(tmp_path / "missing" / "too", tmp_path / "nobody") == []
