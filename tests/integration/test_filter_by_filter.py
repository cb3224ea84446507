"""The broker that comes along hands a queue over filter by filter; the books must not show it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import open_ledger
from farm.model.clock import system_clock
from farm.model.states import Outcome, PrinterState
from tests.feeding import BrokerClient, make_session
from tests.servers import embedded_broker

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
CLIENT_ID = "filter-by-filter"
SOURCE = "octoprint=octoPrint/{printer}"
PRINTS = 5


def said(at_s: int, **more: object) -> bytes:
    return json.dumps({"path": "vase.gcode", "_timestamp": at_s} | more).encode()


def one_print(began_s: int) -> list[tuple[str, bytes]]:
    """A print of 100 seconds, in the order in which OctoPrint tells it."""
    told = [
        ("event/PrinterStateChanged", said(began_s, state_id="STARTING")),
        ("event/PrintStarted", said(began_s)),
        ("event/PrinterStateChanged", said(began_s, state_id="PRINTING")),
    ]
    told += [("progress/printing", said(began_s + at, progress=at)) for at in (20, 50, 94, 99)]
    told += [
        ("event/PrinterStateChanged", said(began_s + 100, state_id="FINISHING")),
        ("event/PrintDone", said(began_s + 100, time=100.0)),
        ("event/PrinterStateChanged", said(began_s + 100, state_id="OPERATIONAL")),
    ]
    return told


def heard_before(database: str, at_s: int) -> None:
    """The collector knew the printer, and stopped in order."""
    with open_ledger(database) as ledger:
        ledger.claim(CLIENT_ID, "the one before", simulated=False, now_ms=at_s * 1_000)
        pipeline = Pipeline(ledger, SourceTable([parse_source(SOURCE)]))
        pipeline.take("octoPrint/bay/event/Connected", said(at_s), False, at_s * 1_000)
        pipeline.commit(at_s * 1_000)
        ledger.release()


@pytest.mark.timeout(90)
def test_prints_that_ended_while_the_collector_was_away_begin_no_phantoms(tmp_path: Path) -> None:
    began_s = system_clock() // 1_000 - PRINTS * 200
    database = f"sqlite:///{tmp_path}/ledger.db"
    heard_before(database, began_s - 60)
    with embedded_broker() as broker:
        make_session(broker, CLIENT_ID, *SourceTable([parse_source(SOURCE)]).filters)
        with BrokerClient(broker) as client:
            for number in range(PRINTS):
                for topic, payload in one_print(began_s + 200 * number):
                    client.publish(f"octoPrint/bay/{topic}", payload)
        command = [LAYERLINE, "collector", "--broker", broker.url, "--source", SOURCE]
        command += ["--database", database, "--client-id", CLIENT_ID, "--drain", "2"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
    with open_ledger(database) as ledger:
        jobs = sorted(ledger.jobs(JobFilter()).jobs, key=lambda job: job.started_ms or 0)
        assert [job.outcome for job in jobs] == [Outcome.SUCCEEDED] * PRINTS
        assert [job.started_ms for job in jobs] == [(began_s + 200 * n) * 1_000 for n in range(PRINTS)]
        (standing,) = ledger.statuses()
        assert standing.state is PrinterState.FINISHED
