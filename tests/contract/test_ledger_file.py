"""A ledger whose file goes, or is damaged: noticed, waited for, and never written to in silence."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from farm.errors import LedgerDamaged, LedgerUnreachable
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.soundness import examine_soundness
from tests.contract.ledger_samples import SHARD, a_printer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def kept(file: Path) -> Iterator[Ledger]:
    """A ledger in that file with the printer anna, its shard held."""
    with open_ledger(f"sqlite:///{file}") as ledger:
        ledger.claim(SHARD, "test", simulated=False, now_ms=1)
        ledger.commit(Batch(printers=[a_printer("anna")]))
        yield ledger


def names(ledger: Ledger) -> list[str]:
    return sorted(printer.name for printer in ledger.printers())


def test_a_file_that_was_deleted_is_away_and_no_other_is_made(kept: Ledger, file: Path) -> None:
    file.unlink()
    for _ in range(3):
        with pytest.raises(LedgerUnreachable, match=r"ledger\.db was deleted or moved while it was in use"):
            kept.commit(Batch(printers=[a_printer("berta")]))
        with pytest.raises(LedgerUnreachable, match="was deleted or moved"):
            kept.printers()
    assert not file.exists()


def test_a_file_that_is_put_back_goes_on(kept: Ledger, file: Path) -> None:
    file.rename(file.with_name("elsewhere.db"))
    with pytest.raises(LedgerUnreachable):
        kept.commit(Batch(printers=[a_printer("berta")]))
    file.with_name("elsewhere.db").rename(file)
    kept.commit(Batch(printers=[a_printer("carla")]))
    assert names(kept) == ["anna", "carla"]


def test_a_backup_in_its_place_is_gone_on_with(kept: Ledger, file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(file, tmp_path / "backup.db")
    kept.commit(Batch(printers=[a_printer("berta")]))
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    with pytest.raises(LedgerUnreachable, match="was deleted or moved"):
        kept.printers()
    (tmp_path / "backup.db").rename(file)
    kept.commit(Batch(printers=[a_printer("carla")]))
    assert names(kept) == ["anna", "carla"]


def test_a_file_that_was_replaced_is_said_once_and_then_read(
    kept: Ledger, file: Path, tmp_path: Path
) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/other.db"):
        pass
    for ending in ("-wal", "-shm"):
        Path(f"{file}{ending}").unlink()
    os.replace(tmp_path / "other.db", file)  # noqa: PTH105  as an administrator's mv does
    with pytest.raises(LedgerUnreachable, match="was replaced by another one while it was in use"):
        kept.printers()
    assert names(kept) == []


def test_a_new_ledger_is_readable_for_its_owner_only(kept: Ledger, file: Path) -> None:
    assert names(kept) == ["anna"]
    made = [file, *file.parent.glob("ledger.db-*")]
    assert len(made) == 3
    assert {each.stat().st_mode & 0o777 for each in made} == {0o600}


def test_a_ledger_that_can_be_read_is_sound(ledger: Ledger) -> None:
    assert examine_soundness(ledger.engine, 60) == ((), True)


def test_a_look_ends_when_its_time_is_up(ledger: Ledger) -> None:
    ledger.commit(Batch(printers=[a_printer(f"p{number}") for number in range(3_000)]))
    faults, is_whole = examine_soundness(ledger.engine, 0)
    assert (faults, is_whole) == ((), False)
    assert len(ledger.printers()) == 3_000


def test_a_table_and_a_column_that_are_missing_are_found(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("ALTER TABLE intake_fault DROP COLUMN sample"))
        connection.execute(text("DROP TABLE feed"))
    faults, _ = examine_soundness(ledger.engine, 60)
    assert set(faults) == {"the table intake_fault lacks its column sample", "the table feed is missing"}
    for read in (ledger.faults, ledger.feed_head):
        with pytest.raises(LedgerDamaged, match=r"is damaged: .*; put the last backup back"):
            read()


def test_a_damaged_page_is_found(kept: Ledger, file: Path) -> None:
    kept.commit(Batch(printers=[a_printer(f"p{number}") for number in range(3_000)]))
    kept.close()
    with file.open("r+b") as pages:
        for page in range(1, 20):
            pages.seek(-page * 4096, os.SEEK_END)
            pages.write(os.urandom(2048))
    with open_ledger(f"sqlite:///{file}", create=False) as damaged:
        faults, _ = examine_soundness(damaged.engine, 60)
    assert faults
