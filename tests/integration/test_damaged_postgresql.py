"""A PostgreSQL whose files or tables are damaged: said in one sentence, waited for, gone on with after."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from farm.app.config import load_configuration
from farm.cli.checks import check_ledger
from farm.cli.diagnosis import CheckStatus
from farm.cli.doctor import examine_ledger
from farm.cli.options import flag
from farm.ledger.batch import Batch
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import open_ledger
from tests.contract.ledger_samples import SHARD, a_printer, an_ended_job
from tests.feeding import BrokerClient
from tests.good_jobs import GOOD, SECOND
from tests.hostile import T0
from tests.integration.console import running
from tests.private_postgresql import PrivatePostgresql, private_postgresql
from tests.servers import mosquitto, wait_until

PAGE = 8_192
REMEDY = "stop Layerline, keep a copy of the database as it is, and restore the last backup"

Damage = Callable[[str, Path], None]
"""Does something to the database of that URL, while the server is down to the file of a relation."""


def scribbled(_url: str, file: Path) -> None:
    with file.open("r+b") as pages:
        pages.write(os.urandom(file.stat().st_size or PAGE))


def gone(_url: str, file: Path) -> None:
    file.unlink()


FILES: Mapping[str, tuple[str, Damage, str]] = {
    "table": ("job", scribbled, "invalid page in block 0"),
    "index": ("pk_job", scribbled, "invalid page in block"),
    "index_of_version": ("alembic_version_pkc", scribbled, "invalid page in block"),
    "version": ("alembic_version", scribbled, "invalid page in block 0"),
    "printers": ("printer", scribbled, "invalid page in block 0"),
    "file": ("span", gone, "could not open file"),
}
TABLES: Mapping[str, tuple[str, str]] = {
    "no_table": ("DROP TABLE feed", "the table feed is missing"),
    "no_column": ("ALTER TABLE job DROP COLUMN detail", "the table job lacks its column detail"),
}


def of(server: PrivatePostgresql, name: str) -> str:
    return make_url(server.url).set(database=name).render_as_string(hide_password=False)


def copied(server: PrivatePostgresql, name: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE sound").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgresql]:
    """A server with one sound ledger, and a copy of it damaged in each way."""
    with private_postgresql() as private:
        private.start()
        with psycopg.connect(private.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE sound")
        with open_ledger(of(private, "sound")) as ledger:
            ledger.claim(SHARD, "test", simulated=False, now_ms=1)
            jobs = [an_ended_job(f"j{number}", 1_795_000_000_000 + number) for number in range(300)]
            ledger.commit(Batch(printers=[a_printer()], jobs=jobs))
        files = {}
        for name in (*FILES, *TABLES):
            copied(private, name)
            with psycopg.connect(of(private, name), autocommit=True) as connection:
                if name in TABLES:
                    connection.execute(TABLES[name][0].encode())
                else:
                    where = connection.execute("SELECT pg_relation_filepath(%s::regclass)", [FILES[name][0]])
                    files[name] = private.data / str(where.fetchall()[0][0])
        private.stop()
        for name, file in files.items():
            FILES[name][1](of(private, name), file)
        private.start()
        yield private


@pytest.mark.parametrize(
    ("name", "words"), [(name, each[-1]) for name, each in (*FILES.items(), *TABLES.items())]
)
def test_check_and_doctor_say_what_is_damaged_and_what_to_do(
    server: PrivatePostgresql, name: str, words: str
) -> None:
    url = of(server, name)
    checked = check_ledger(url)
    assert (checked.status, checked.remedy) == (CheckStatus.FAILED, REMEDY)
    assert f"/{name} is damaged: {words}" in checked.seen
    configuration = load_configuration(environment={}, flags=[flag("--database", url, "ledger", "url")])
    found = [each for each in examine_ledger(configuration) if each.status is CheckStatus.FAILED]
    assert any(words in each.seen and each.remedy == REMEDY for each in found), found


def test_a_sound_ledger_is_said_to_be_sound(server: PrivatePostgresql) -> None:
    assert check_ledger(of(server, "sound")).seen.endswith("tables up to date, no damage found")


def test_a_collector_waits_at_its_start_until_a_backup_is_put_back(
    server: PrivatePostgresql, tmp_path: Path
) -> None:
    options = ("--database", of(server, "printers"))
    with mosquitto() as broker, running(tmp_path, "collector", "--broker", broker.url, *options) as collector:
        collector.wait_for("/printers is damaged: invalid page in block 0")
        copied(server, "printers")
        collector.wait_for("the ledger is back after")
        collector.wait_for("connected as")
        assert collector.text.count("is damaged") == 1
        assert collector.end() == 0
        assert "Traceback" not in collector.text


def test_what_a_damaged_table_cannot_take_is_booked_once_it_is_whole_again(
    server: PrivatePostgresql, tmp_path: Path
) -> None:
    copied(server, "at_work")
    url = of(server, "at_work")
    with (
        mosquitto() as broker,
        running(tmp_path, "collector", "--broker", broker.url, "--database", url) as collector,
        psycopg.connect(url, autocommit=True) as connection,
        BrokerClient(broker) as client,
        open_ledger(url) as ledger,
    ):
        collector.wait_for("connected as")
        connection.execute("ALTER TABLE job RENAME TO job_elsewhere")
        now = time.time() - T0 / SECOND
        for _, suffix, payload in GOOD["native"]("at_work.gcode", now - 1, now):
            client.publish(f"layerline/native/v1/bay/{suffix}", payload)
        collector.wait_for('is damaged: relation "job" does not exist')
        connection.execute("ALTER TABLE job_elsewhere RENAME TO job")

        def booked() -> bool:
            jobs = ledger.jobs(JobFilter(limit=1_000)).jobs
            return [job.outcome for job in jobs if job.file == "at_work.gcode"] == ["succeeded"]

        wait_until(booked, f"it is booked: {collector.text}", 30)
        assert collector.text.count("is damaged") == 1
        assert collector.end() == 0
        assert "Traceback" not in collector.text
