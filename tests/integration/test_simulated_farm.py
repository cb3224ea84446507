"""A simulated farm with every fault, through a real broker and the real collector, against its truth."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from farm.ledger import schema
from farm.ledger.ledger import open_ledger
from farm.model.states import Outcome
from simulators.truth import read_truth
from tests.feeding import make_session
from tests.servers import Mosquitto, embedded_broker, mosquitto

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
CLIENT_ID = "simulated-farm"
FARM = ["--printers", "20", "--days", "1", "--seed", "1", "--faults", "all"]
FARM += ["--speed", "max", "--report-seconds", "300"]


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


def run(*command: str, status: int = 0) -> str:
    """What a command of Layerline prints, which must end with that status."""
    done = subprocess.run([LAYERLINE, *command], capture_output=True, timeout=150, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def booked(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The truth of a day of twenty printers with every fault, and the ledger that tells of it."""
    folder = tmp_path_factory.mktemp("farm")
    truth, database = folder / "truth.jsonl", f"sqlite:///{folder}/ledger.db"
    make_session(broker, CLIENT_ID)
    run("simulate", *FARM, "--broker", broker.url, "--truth", str(truth))
    collector = ("--client-id", CLIENT_ID, "--simulated-time", "--drain", "2")
    run("collector", "--broker", broker.url, "--database", database, *collector)
    return truth, database


@pytest.mark.timeout(240)
def test_the_books_of_a_farm_with_every_fault_hold_against_its_truth(booked: tuple[Path, str]) -> None:
    truth, database = booked
    found = json.loads(run("verify", str(truth), "--database", database, "--json").splitlines()[-1])
    assert found["holds"]
    figures = found["figures"]
    assert figures["jobs"] == len(read_truth(truth).jobs) > 80
    assert figures["right"] > 0.9 * figures["jobs"]
    assert figures["wrong"] == figures["missed"] == figures["doubled"] == 0
    observed = [account["observed_share"] for account in found["utilization"]]
    assert sum(observed) / len(observed) > 0.9


@pytest.mark.timeout(240)
def test_the_books_hold_when_the_collector_is_killed_again_and_again(tmp_path: Path) -> None:
    """With the broker that comes along, which sends again without saying so."""
    truth, database, chance = tmp_path / "truth.jsonl", f"sqlite:///{tmp_path}/ledger.db", random.Random(11)
    with embedded_broker() as broker:
        make_session(broker, CLIENT_ID)
        collector = ["collector", "--broker", broker.url, "--database", database]
        collector += ["--client-id", CLIENT_ID, "--simulated-time"]
        farm = ["simulate", *FARM, "--rate", "1500", "--broker", broker.url, "--truth", str(truth)]
        kills = 0
        with subprocess.Popen(
            [LAYERLINE, *farm], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as fed:
            while fed.poll() is None:
                with subprocess.Popen([LAYERLINE, *collector], stderr=subprocess.DEVNULL) as killed:
                    with pytest.raises(subprocess.TimeoutExpired):
                        killed.wait(chance.uniform(0.8, 1.6))
                    killed.kill()
                kills += 1
        assert fed.returncode == 0
        assert kills > 3
        run(*collector, "--drain", "2")
    assert run("verify", str(truth), "--database", database).count("doubled 0") == 1


@pytest.mark.timeout(240)
def test_a_ledger_that_was_tampered_with_is_found_out(booked: tuple[Path, str], tmp_path: Path) -> None:
    truth, database = booked
    copy = tmp_path / "ledger.db"
    copy.write_bytes(Path(database.removeprefix("sqlite:///")).read_bytes())
    with open_ledger(f"sqlite:///{copy}") as ledger, ledger.engine.begin() as connection:
        succeeded = select(schema.job.c.id).where(schema.job.c.outcome == Outcome.SUCCEEDED.value)
        first, second = connection.execute(succeeded.limit(2)).scalars()
        changed = update(schema.job).where(schema.job.c.id == first).values(outcome=Outcome.FAILED.value)
        connection.execute(changed)
        connection.execute(delete(schema.job).where(schema.job.c.id == second))
    printed = run("verify", str(truth), "--database", f"sqlite:///{copy}", status=1)
    assert "wrong 1, missed 1, doubled 0" in printed.splitlines()[-1]
