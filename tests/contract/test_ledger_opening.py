"""Opening a ledger: made where there is none, brought up, or refused with a remedy."""

import re
import sqlite3
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from farm.errors import ConfigurationError, LedgerError, LedgerUnreachable
from farm.ledger import schema
from farm.ledger.engine import ledger_engine
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.migrations import HEAD
from farm.ledger.schema_version import migrate
from tests.contract.ledger_samples import SHARD, farm
from tests.servers import free_port, fresh_database

SECRET = "hunter-2"


def migrated(url: str) -> Engine:
    engine = ledger_engine(url)
    with engine.begin() as connection:
        migrate(connection)
    return engine


def write(ledger: Ledger, statement: str) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text(statement))


def structure(engine: Engine) -> dict[str, object]:
    """Every table as the database itself describes it."""
    see = inspect(engine)

    def told(items: list[object]) -> list[str]:
        return sorted(repr(sorted(dict(item).items(), key=str)) for item in items)  # type: ignore[call-overload]

    return {
        table: [
            told(list(see.get_columns(table))),
            see.get_pk_constraint(table),
            told(list(see.get_foreign_keys(table))),
            told(list(see.get_unique_constraints(table))),
            told(list(see.get_indexes(table))),
        ]
        for table in see.get_table_names()
    }


def test_the_steps_make_exactly_the_tables_of_the_schema(ledger_url: str) -> None:
    engine = migrated(ledger_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_a_new_ledger_is_what_the_steps_make_in_postgresql(postgresql_server: str) -> None:
    with fresh_database(postgresql_server) as one, fresh_database(postgresql_server) as other:
        engine = migrated(other)
        with open_ledger(one) as ledger:
            assert structure(ledger.engine) == structure(engine)
        engine.dispose()


def test_a_new_ledger_is_what_the_steps_make_in_sqlite() -> None:
    def statements(engine: Engine) -> dict[str, list[str]]:
        """The words of each table and index; the order of constraints and quotation marks say nothing."""
        with engine.connect() as connection:
            made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            return {name: sorted(re.split(r"[\s,]+(?![^(]*\))", sql.replace('"', ""))) for name, sql in made}

    engine = migrated("sqlite://")
    with open_ledger("sqlite://") as ledger:
        assert statements(ledger.engine) == statements(engine)
        assert structure(ledger.engine) == structure(engine)
    engine.dispose()


def test_the_schema_is_that_of_the_last_step() -> None:
    config = Config()
    config.set_main_option("script_location", "farm.ledger:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_ledger_that_alembic_began_is_brought_up(shared_url: str) -> None:
    engine = ledger_engine(shared_url)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
    engine.dispose()
    with pytest.raises(LedgerError, match="holds no ledger yet"):
        open_ledger(shared_url, create=False)
    with open_ledger(shared_url) as ledger:
        ledger.claim(SHARD, "holder", simulated=False, now_ms=0)
        ledger.commit(farm("anna"))
    with open_ledger(shared_url, create=False) as ledger:
        assert len(ledger.printers()) == 1


def test_a_ledger_of_a_newer_version_is_refused_with_a_remedy(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger:
        write(ledger, "UPDATE alembic_version SET version_num = '9999'")
    for create in (True, False):
        with pytest.raises(LedgerError, match=r"9999"):
            open_ledger(shared_url, create=create)
    with pytest.raises(LedgerError, match=r"newer version of Layerline.*ledger\.url"):
        open_ledger(shared_url)


def test_tables_of_another_program_are_left_alone(shared_url: str) -> None:
    engine = ledger_engine(shared_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE job (what INTEGER)"))
    engine.dispose()
    with pytest.raises(LedgerError, match="not Layerline's, job"):
        open_ledger(shared_url)


def test_several_processes_can_make_a_ledger_at_once(shared_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(open_ledger, [shared_url] * 4))
    for ledger in opened:
        assert ledger.printers() == []
        ledger.close()


def test_a_new_file_that_another_is_writing_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE being_made (x INTEGER)")
    release = threading.Timer(0.3, other.rollback)
    release.start()
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert ledger.printers() == []
    release.join()
    other.close()


def test_a_new_file_is_not_waited_for_beyond_the_patience_of_its_url(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE being_made (x INTEGER)")
    with pytest.raises(LedgerUnreachable, match="locked"):
        open_ledger(f"sqlite:///{tmp_path}/ledger.db?timeout=0.1")
    other.close()


def test_a_ledger_of_this_version_opens_without_alembic(sqlite_url: str) -> None:
    program = (
        "import sys\n"
        "from farm.ledger.ledger import open_ledger\n"
        f"open_ledger({sqlite_url!r}).close()\n"
        f"open_ledger({sqlite_url!r}, create=False).close()\n"
        "print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_without_create_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "ledger.db"
    with pytest.raises(LedgerError, match="no ledger at"):
        open_ledger(f"sqlite:///{file}", create=False)
    assert not file.parent.exists()
    open_ledger(f"sqlite:///{file}").close()
    assert file.exists()


def test_without_create_an_empty_database_is_refused(postgresql_url: str) -> None:
    with pytest.raises(LedgerError, match="holds no ledger yet; `layerline up`"):
        open_ledger(postgresql_url, create=False)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database " * 100, "utf-8")
    with pytest.raises(LedgerError, match="not a database"):
        open_ledger(f"sqlite:///{file}")
    assert file.read_text("utf-8").startswith("not a database")


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match=r"ledger\.url: .* cannot be made: File exists"):
        open_ledger(f"sqlite:///{tmp_path}/taken/ledger.db")


def test_a_server_that_does_not_answer_is_unreachable_and_the_password_stays_secret() -> None:
    port = free_port()
    with pytest.raises(LedgerUnreachable, match=rf"layerline:\*\*\*@127.0.0.1:{port}/farm") as caught:
        open_ledger(f"postgresql://layerline:{SECRET}@127.0.0.1:{port}/farm")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_refused_login_keeps_the_password_secret(postgresql_server: str) -> None:
    url = postgresql_server.replace("://layerline@", f"://nobody_here:{SECRET}@", 1)
    with pytest.raises(LedgerUnreachable, match="nobody_here") as caught:
        open_ledger(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
